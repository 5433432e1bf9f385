"""A token is tried before it is stored, and what it may do is found out by reading."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.accounts.authorizing import Notion

from notion_emulator.seed import generate
from notion_emulator.server import ServerThread
from syncline.app import App
from syncline.core.errors import BadInput, Busy, NotFound, Refused, Unreachable
from syncline.core.permission import Role
from syncline.core.standing import TokenStatus
from syncline.engine import pulling
from syncline.engine.begin import Request
from syncline.engine.connect import Asked, connect, disconnect, pick
from syncline.engine.pulling import queue_pull
from syncline.engine.token_health import check
from syncline.engine.worker import Worker
from syncline.settings import Settings
from syncline.store import connections, members, runs, users
from syncline.store.connections import Connection
from syncline.store.users import User

READ = {"read_content", "read_comments", "read_users", "read_emails"}


@pytest_asyncio.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with App.open(Settings(home=tmp_path / "home", database_url=None, key=None)) as app:
        yield app


def asked(server: ServerThread, token: str | None = None, **other: str) -> Asked:
    return Asked(**{"token": token or server.emulator.token, "base_url": server.url, "rate": "none"} | other)


async def every(app: App) -> list[Connection]:
    async with app.database.read() as conn:
        return await connections.every(conn)


async def test_a_connection_holds_what_notion_says_of_the_token(
    app: App, notion_emulator_server: ServerThread
) -> None:
    made = await connect(app, asked(notion_emulator_server))

    assert await every(app) == [made]
    assert made.base_url == notion_emulator_server.url
    assert (made.notion_version, made.rate) == ("2026-03-11", "none")
    assert made.name == made.name.lower() != ""
    assert made.workspace_id
    async with app.database.read() as conn:
        token = await connections.token(conn, made.id, ring=app.keys)
    assert token == notion_emulator_server.emulator.token
    assert token not in repr(asked(notion_emulator_server))


@pytest.mark.parametrize(
    ("capabilities", "seen"),
    [
        (READ, ("read_content", "read_users_with_email", "read_comments")),
        (READ - {"read_emails"}, ("read_content", "read_users", "read_comments")),
        (READ - {"read_users", "read_emails"}, ("read_content", "read_comments")),
        (READ - {"read_comments"}, ("read_content", "read_users_with_email")),
        (READ - {"read_content"}, ("read_users_with_email",)),
    ],
)
async def test_capabilities_are_found_out_by_reading(
    app: App, notion_emulator_server: ServerThread, capabilities: set[str], seen: tuple[str, ...]
) -> None:
    world = notion_emulator_server.emulator.world
    generate(world, seed=1, pages=2)
    token = world.connect("Narrow", capabilities=frozenset(capabilities)).token

    made = await connect(app, asked(notion_emulator_server, token))

    assert made.capabilities == seen
    assert notion_emulator_server.emulator.requests.count(method="PATCH") == 0


async def test_with_a_budget_the_trial_counts_under_it(
    app: App, notion_emulator_server: ServerThread
) -> None:
    notion_emulator_server.emulator.set_rate("180/60")

    made = await connect(app, asked(notion_emulator_server, rate="180/60"))

    assert made.rate == "180/60"


@pytest.mark.parametrize(
    ("other", "error", "sentence"),
    [
        ({"token": "ntn_wrong"}, Refused, "Notion refuses the token"),
        ({"token": " "}, BadInput, "The token is empty"),
        ({"base_url": "http://127.0.0.1:9"}, Unreachable, "Notion cannot be reached at http://127.0.0.1:9"),
        ({"notion_version": "1999"}, BadInput, "'1999' is no version of Notion's API"),
        ({"rate": "1/0"}, BadInput, "'1/0' is no rate"),
        ({"name": "-x"}, BadInput, "'-x' is no name"),
    ],
)
async def test_nothing_is_stored_when_something_is_wrong(
    app: App,
    notion_emulator_server: ServerThread,
    other: dict[str, str],
    error: type[Exception],
    sentence: str,
) -> None:
    with pytest.raises(error, match=sentence):
        await connect(app, asked(notion_emulator_server, **other))

    assert await every(app) == []


@pytest.mark.parametrize("what", [500, 502, 503, "reset", "truncated"])
async def test_a_notion_that_keeps_failing_is_unreachable_soon(
    app: App, notion_emulator_server: ServerThread, what: int | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncline.engine.connect._PATIENCE", 0.3)
    notion_emulator_server.emulator.faults.add(what)

    with pytest.raises(Unreachable, match="try again later"):
        await connect(app, asked(notion_emulator_server))

    assert await every(app) == []


async def test_a_passing_failure_is_waited_for(app: App, notion_emulator_server: ServerThread) -> None:
    notion_emulator_server.emulator.faults.add(503, count=2)

    assert (await connect(app, asked(notion_emulator_server))).capabilities


async def test_an_address_that_is_not_notions_is_said_to_be_none(
    app: App, notion_emulator_server: ServerThread
) -> None:
    wrong = asked(notion_emulator_server, base_url=f"{notion_emulator_server.url}/elsewhere")

    with pytest.raises((BadInput, Unreachable), match="elsewhere"):
        await connect(app, wrong)


async def test_without_a_name_the_only_connection_is_meant(
    app: App, notion_emulator_server: ServerThread
) -> None:
    with pytest.raises(NotFound, match="no connection yet"):
        await pick(app, None)
    one = await connect(app, asked(notion_emulator_server, name="one"))
    assert await pick(app, None) == await pick(app, "one") == await pick(app, one.id) == one
    await connect(app, asked(notion_emulator_server, name="two"))
    with pytest.raises(BadInput, match="say which of one, two"):
        await pick(app, None)


async def test_disconnecting_removes_the_connection_but_not_under_a_pull(
    app: App, notion_emulator_server: ServerThread
) -> None:
    one = await connect(app, asked(notion_emulator_server))

    worker = Worker(app, role="worker")
    async with worker.present():
        async with app.database.begin() as conn:
            asked_for = pulling.Asked(Request())
            await queue_pull(conn, one.id, asked_for, run_id="r", requested_by="test", now=app.now())
            await runs.claim_one(conn, "r", worker.id, now=app.now())
        with pytest.raises(Busy):
            await disconnect(app, one)
    assert await every(app) == [one]

    await disconnect(app, one)
    assert await every(app) == []


@contextlib.asynccontextmanager
async def server_that(answers: bytes) -> AsyncIterator[str]:
    """A server that answers everything with the same bytes, or with silence; its address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            if answers:
                writer.write(answers)
                await writer.drain()
            else:
                await reader.read()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"


async def test_an_answer_that_is_none_of_notions_is_said_to_be_none(app: App) -> None:
    nothing = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    async with server_that(nothing) as url:
        with pytest.raises(BadInput, match="There is no Notion API at"):
            await connect(app, Asked("ntn_x", base_url=url, rate="none"))


async def test_a_server_that_never_answers_is_given_up(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncline.engine.connect._LONGEST", 0.3)
    async with server_that(b"") as url:
        with pytest.raises(Unreachable, match="no answer"):
            await connect(app, Asked("ntn_x", base_url=url, rate="none"))


async def test_the_same_bot_under_the_same_name_goes_on_with_the_new_token(
    app: App, notion_emulator_server: ServerThread
) -> None:
    one = await connect(app, asked(notion_emulator_server))
    for known in notion_emulator_server.emulator.world.connections.values():
        known.token = "ntn_another"
    assert (await check(app, one)).status is TokenStatus.INVALID

    again = await connect(app, asked(notion_emulator_server, "ntn_another"))

    assert again == one
    assert await every(app) == [one]
    assert (await check(app, one)).status is TokenStatus.VALID


async def test_what_the_operator_connects_is_the_instance_owners(
    app: App, notion_emulator_server: ServerThread
) -> None:
    owner = User("u", "u@example.com", "U", instance_owner=True, created_at=app.now())
    async with app.database.begin() as conn:
        await users.add(conn, owner, password="$none")
    one = await connect(app, asked(notion_emulator_server))
    async with app.database.read() as conn:
        assert await members.role(conn, one.id, "u") is Role.OWNER


async def test_disconnecting_gives_the_token_of_an_app_back(notion: Notion) -> None:
    connection = await notion.connected()
    await disconnect(notion.app, connection)
    assert notion.granted == []
    assert await every(notion.app) == []
