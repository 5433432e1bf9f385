"""Settings from the environment, and the home they name."""

from pathlib import Path

import pytest

from syncline.app import App
from syncline.core.errors import BadInput, StoreUnavailable
from syncline.settings import Settings


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DATABASE_URL", "KEY", "LOG_LEVEL"):
        monkeypatch.delenv(f"SYNCLINE_{name}", raising=False)
    monkeypatch.setenv("SYNCLINE_HOME", str(tmp_path / "home"))


def test_the_store_and_the_job_file_are_in_the_home(tmp_path: Path) -> None:
    settings = Settings.load()

    assert settings.store == tmp_path / "home" / "store.sqlite"
    assert settings.jobs == tmp_path / "home" / "jobs.sqlite"


def test_without_a_home_it_is_the_platforms_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCLINE_HOME", "")

    assert Settings.load().home.name == "syncline"


def test_a_home_may_begin_with_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SYNCLINE_HOME", "~/notion")

    assert Settings.load().home == tmp_path / "notion"


def test_on_postgres_the_jobs_are_in_the_same_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCLINE_DATABASE_URL", "postgresql://host/name")

    assert Settings.load().store == Settings.load().jobs == "postgresql://host/name"


def test_on_another_sqlite_file_the_jobs_stay_in_the_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SYNCLINE_DATABASE_URL", "sqlite:///elsewhere.sqlite")

    assert Settings.load().jobs == tmp_path / "home" / "jobs.sqlite"


def test_a_bad_value_is_named_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCLINE_LOG_LEVEL", "loud")

    with pytest.raises(BadInput, match=r"^SYNCLINE_LOG_LEVEL is not valid: input should be 'debug', .*\.$"):
        Settings.load()


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCLINE_KEY", "hidden-key")
    monkeypatch.setenv("SYNCLINE_DATABASE_URL", "postgresql://me:hidden-word@host/name")

    assert "hidden" not in repr(Settings.load())


async def test_opening_creates_the_home_for_its_owner_alone(tmp_path: Path) -> None:
    async with App.open(Settings.load()) as app:
        assert app.now().tzinfo is not None
        assert app.new_id() != app.new_id()

    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    assert {path.name for path in (tmp_path / "home").iterdir()} == {"key", "store.sqlite"}


async def test_a_home_that_cannot_be_made_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SYNCLINE_HOME", str(tmp_path / "file" / "home"))

    with pytest.raises(StoreUnavailable, match=r"cannot be used: .*\. Set SYNCLINE_HOME"):
        async with App.open(Settings.load()):
            pass


async def test_keys_of_the_environment_make_no_key_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SYNCLINE_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")

    async with App.open(Settings.load()):
        pass

    assert not (tmp_path / "home" / "key").exists()
