"""The operator's commands on users, and that what they print works at the service."""

import asyncio
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from syncline.accounts import accounts, sessions
from syncline.accounts.accounts import Registration
from syncline.app import App
from syncline.cli.main import app as commands
from syncline.core.permission import Scope
from syncline.settings import Settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SYNCLINE_HOME", str(tmp_path))
    monkeypatch.setenv("SYNCLINE_PUBLIC_URL", "https://sync.example.com/")
    return tmp_path


def call(*words: str) -> Result:
    return CliRunner().invoke(commands, ["users", *words])


async def register(email: str, key: str) -> None:
    async with App.open(Settings.load()) as app:
        asked = Registration(email, "Ann", "correct horse battery", key=key)
        await accounts.register(app, asked, agent=None)


async def first() -> None:
    async with App.open(Settings.load()) as app:
        link = await accounts.setup_link(app, "")
    assert link is not None
    await register("ann@example.com", link.partition("=")[2])


@pytest.fixture
def ann() -> None:
    """The first user."""
    asyncio.run(first())


def test_without_users_the_list_says_how_the_first_one_registers() -> None:
    assert "syncline serve" in call("list").stdout


def test_nobody_is_invited_before_the_first_user_is_there() -> None:
    told = call("invite", "bob@example.com")

    assert (told.exit_code, told.stdout) == (2, "")
    assert "The first user registers with the link" in told.stderr


@pytest.mark.usefixtures("ann")
def test_an_invitation_lets_somebody_register() -> None:
    told = call("invite", "Bob@example.com")
    found = re.fullmatch(r"https://sync\.example\.com/join#token=(\S+)\n", told.stdout)
    assert found is not None

    asyncio.run(register("bob@example.com", found[1]))

    assert re.findall(r"\S+@example\.com", call("list").stdout) == ["ann@example.com", "bob@example.com"]


@pytest.mark.usefixtures("ann")
def test_a_reset_link_sets_a_password() -> None:
    told = call("reset", "ann@example.com")
    found = re.fullmatch(r"https://sync\.example\.com/reset-password#token=(\S+)\n", told.stdout)
    assert found is not None
    token = found[1]

    async def reset() -> None:
        async with App.open(Settings.load()) as app:
            await accounts.reset_password(app, token, "another long password")
            await accounts.sign_in(app, "ann@example.com", "another long password", agent=None)

    asyncio.run(reset())


@pytest.mark.usefixtures("ann")
def test_a_key_has_the_scopes_that_were_asked_for() -> None:
    told = call("key", "ann@example.com", "--scope", "sync", "--scope", "write", "--days", "3")

    async def identified() -> frozenset[Scope]:
        async with App.open(Settings.load()) as app:
            return (await sessions.identify(app, told.stdout.strip())).scopes

    assert asyncio.run(identified()) == {Scope.SYNC, Scope.WRITE}


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("reset", "nobody@example.com"), 3),
        (("key", "nobody@example.com"), 3),
        (("invite", "no address"), 2),
        (("invite", "b@example.com", "--connection", "nowhere"), 3),
        (("invite", "ann@example.com"), 1),
    ],
)
def test_what_cannot_be_is_one_sentence(words: tuple[str, ...], code: int) -> None:
    told = call(*words)

    assert (told.exit_code, told.stdout) == (code, "")
    assert told.stderr.startswith("Error: ")
