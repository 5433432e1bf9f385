"""OAuth apps from the command line: added, listed, removed, and their secrets told to nobody."""

import io
from pathlib import Path

import pytest

from syncline.cli.main import run

SECRET = "planted-secret"
ADD = ["oauth-app", "add", "acme", "--client-id", "client", "--client-secret"]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("SYNCLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SYNCLINE_PUBLIC_URL", "https://syncline.test")
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "home"


def test_an_app_is_added_listed_and_removed(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert run(["oauth-app", "list"]) == 0
    assert run([*ADD, SECRET]) == 0
    assert run(["oauth-app", "list"]) == 0
    assert run(["oauth-app", "remove", "acme"]) == 0

    said = capsys.readouterr()
    assert [line.split("  ")[0] for line in said.out.splitlines()] == [
        "No OAuth apps. `syncline oauth-app add` sets one up.",
        "Added acme.",
        "name",
        "acme",
        "Removed acme.",
    ]
    assert "https://syncline.test/api/v1/notion/callback" in said.err
    assert SECRET not in said.out + said.err
    assert [path for path in home.iterdir() if SECRET.encode() in path.read_bytes()] == []


def test_the_secret_can_come_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{SECRET}\n"))
    assert run([*ADD, "-"]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert run(["oauth-app", "add", "other", "--client-id", "x", "--client-secret", "-"]) == 2
    assert "has a name, a client id and a client secret" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["oauth-app", "remove", "missing"], 3),
        ([*ADD, SECRET, "--redirect-uri", "nowhere"], 2),
        ([*ADD, SECRET, "--rate", "fast"], 2),
    ],
)
def test_what_cannot_be_ends_with_its_exit_code(arguments: list[str], code: int) -> None:
    assert run(arguments) == code
