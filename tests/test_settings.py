"""Settings from the environment, and the home they name."""

from pathlib import Path

import pytest

from syncline.app import App
from syncline.core.errors import BadInput, StoreUnavailable
from syncline.core.limit import LIMITS, Limit
from syncline.settings import Settings


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DATABASE_URL", "KEY", "LOG_LEVEL"):
        monkeypatch.delenv(f"SYNCLINE_{name}", raising=False)
    monkeypatch.setenv("SYNCLINE_HOME", str(tmp_path / "home"))


def test_the_store_is_in_the_home(tmp_path: Path) -> None:
    assert Settings.load().store == tmp_path / "home" / "store.sqlite"


def test_without_a_home_it_is_the_platforms_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCLINE_HOME", "")

    assert Settings.load().home.name == "syncline"


def test_a_home_may_begin_with_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SYNCLINE_HOME", "~/notion")

    assert Settings.load().home == tmp_path / "notion"


def test_the_store_is_where_the_url_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCLINE_DATABASE_URL", "postgresql://host/name")

    assert Settings.load().store == "postgresql://host/name"


def test_a_bad_value_is_named_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCLINE_LOG_LEVEL", "loud")

    with pytest.raises(BadInput, match=r"^SYNCLINE_LOG_LEVEL is not valid: input should be 'debug', .*\.$"):
        Settings.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "sync.example.com"),
        ("PUBLIC_URL", "http://[::1"),
        ("NOTION_URL", "ftp://api.notion.com"),
        ("ORIGINS", "https://a.example.com b.example.com"),
        ("ORIGINS", "https://a.example.com/"),
        ("RETURN_URLS", "javascript:alert(1)"),
        ("RETURN_URLS", "https://"),
    ],
)
def test_an_address_that_no_browser_can_open_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"SYNCLINE_{name}", value)

    with pytest.raises(BadInput, match=f"^SYNCLINE_{name} is not valid: .*https?://"):
        Settings.load()


def test_origins_are_words_and_the_public_url_has_no_slash_at_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SYNCLINE_ORIGINS", "https://a.example.com, http://localhost:3000")
    monkeypatch.setenv("SYNCLINE_PUBLIC_URL", "https://sync.example.com/")

    settings = Settings.load()

    assert settings.origins == ("https://a.example.com", "http://localhost:3000")
    assert settings.public_url == "https://sync.example.com"


def test_limits_are_changed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCLINE_RATE_LIMITS", "default=600/60,sync=off")

    limits = Settings.load().rate_limits

    assert (limits["default"], limits["sync"]) == (Limit(600, 60), None)
    assert limits["login"] == LIMITS["login"]


def test_a_limit_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCLINE_RATE_LIMITS", "default=lots")

    with pytest.raises(
        BadInput, match=r"^SYNCLINE_RATE_LIMITS is not valid: 'default=lots' is no limit: write CLASS="
    ):
        Settings.load()


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCLINE_KEY", "hidden-key")
    monkeypatch.setenv("SYNCLINE_SMTP_URL", "smtp://me:hidden-pass@host?from=a@b.c")
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


def test_return_addresses_are_a_list_and_notion_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (Settings.load().return_urls, Settings.load().notion_url) == ((), "https://api.notion.com")
    monkeypatch.setenv("SYNCLINE_RETURN_URLS", "https://a.example.com/x, http://localhost:3000")
    monkeypatch.setenv("SYNCLINE_NOTION_URL", "http://127.0.0.1:4100/")
    settings = Settings.load()
    assert settings.return_urls == ("https://a.example.com/x", "http://localhost:3000")
    assert settings.notion_url == "http://127.0.0.1:4100"
