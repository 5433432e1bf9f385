"""The journal: what a client told is kept, without secrets, and never in the way."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal

import httpx2
import pytest
from tests.store.samples import CONNECTION

from syncline.app import App
from syncline.engine.duties import DUTIES
from syncline.engine.journal import as_curl, journal
from syncline.notion import operations as op
from syncline.notion.client import Client
from syncline.notion.errors import NotionError
from syncline.settings import Settings
from syncline.store import connections, exchanges
from syncline.store.connections import Connection
from syncline.store.database import Database
from syncline.store.exchanges import Exchange, Filter
from syncline.store.secrets import KeyRing

TOKEN = "ntn_1234567890abcdefghijklmnopqrstuvwxyz"
PAGE = "153104cd-477e-809d-8dc4-ff2d96ae3090"


def answer(request: httpx2.Request) -> httpx2.Response:
    """An echo of whatever came, token included, as a page may hold it."""
    if request.method == "GET":
        return httpx2.Response(200, json={"object": "page", "id": PAGE, "note": f"my token is {TOKEN}"})
    return httpx2.Response(
        400,
        json={"object": "error", "status": 400, "code": "validation_error", "message": f"bad {TOKEN}"},
        headers={"x-notion-request-id": "req-9"},
    )


async def said(database: Database, home: Path, log: Literal["off", "on", "bodies"]) -> list[Exchange]:
    """Send a request that succeeds and one that does not; what was logged of them, bodies included, oldest first."""
    app = App(Settings(home=home, log_requests=log), database, KeyRing.open(home))
    async with database.begin() as conn:
        await connections.add(conn, CONNECTION, token=TOKEN, ring=app.keys)
    async with (
        journal(app, CONNECTION, run_id="r1") as observer,
        Client(TOKEN, transport=httpx2.MockTransport(answer), observer=observer) as client,
    ):
        await client.send(op.retrieve_page(PAGE))
        with pytest.raises(NotionError):
            await client.send(op.search(query=f"where is {TOKEN}"))
    async with database.read() as conn:
        found = await exchanges.listing(conn, Filter(), limit=10)
        return [await exchanges.one(conn, one.id) for one in reversed(found)]


async def test_each_request_is_logged_with_its_outcome(database: Database, tmp_path: Path) -> None:
    first, second = await said(database, tmp_path, "on")
    assert (first.operation, first.status, first.run_id, first.message) == ("pages.retrieve", 200, "r1", None)
    assert (second.status, second.code, second.connection_id) == (400, "validation_error", CONNECTION.id)
    assert (first.sent, first.answer, second.sent) == (None, None, None)


async def test_bodies_are_kept_where_that_is_wanted(database: Database, tmp_path: Path) -> None:
    first, second = await said(database, tmp_path, "bodies")
    assert first.answer["id"] == PAGE
    assert "query" in second.sent


async def test_half_a_character_and_a_number_beyond_64_bits_stop_no_request_and_are_kept(
    database: Database, tmp_path: Path
) -> None:
    body = (
        b'{"object": "page", "id": "%s", "title": "half \\ud83d", "n": 18446744073709551617}' % PAGE.encode()
    )
    app = App(Settings(home=tmp_path, log_requests="bodies"), database, KeyRing.open(tmp_path))
    async with database.begin() as conn:
        await connections.add(conn, CONNECTION, token=TOKEN, ring=app.keys)
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=body))
    async with (
        journal(app, CONNECTION, run_id=None) as observer,
        Client(TOKEN, transport=transport, observer=observer) as client,
    ):
        page = await client.send(op.retrieve_page(PAGE))
    assert page.items() >= {("title", "half \ud83d")}
    async with database.read() as conn:
        (found,) = await exchanges.listing(conn, Filter(), limit=10)
        kept = await exchanges.one(conn, found.id)
    assert (kept.answer["title"], kept.answer["n"]) == ("half \ud83d", 18446744073709551617)
    shown = as_curl(replace(kept, sent=kept.answer), "https://api.notion.com", "2026-03-11")
    assert "\\ud83d" in shown


@pytest.mark.parametrize("log", ["on", "bodies"])
async def test_a_token_that_stands_anywhere_is_logged_nowhere(
    database: Database, tmp_path: Path, log: Literal["on", "bodies"]
) -> None:
    told = await said(database, tmp_path, log)
    assert len(told) == 2
    assert TOKEN not in repr(told)


async def test_nothing_is_logged_where_that_is_wanted(database: Database, tmp_path: Path) -> None:
    assert await said(database, tmp_path, "off") == []


async def test_a_request_is_shown_as_a_command_of_curl(database: Database, tmp_path: Path) -> None:
    _, second = await said(database, tmp_path, "bodies")
    shown = as_curl(replace(second, sent={"query": "it's"}), "https://api.notion.com", "2026-03-11")
    assert shown == (
        'curl -X POST https://api.notion.com/v1/search -H "Authorization: Bearer $NOTION_TOKEN"'
        " -H 'Notion-Version: 2026-03-11' -H 'Content-Type: application/json'"
        """ --data '{"query":"it'"'"'s"}'"""
    )


async def test_a_store_that_cannot_be_written_stops_no_request(database: Database, tmp_path: Path) -> None:
    app = App(Settings(home=tmp_path), database, KeyRing.open(tmp_path))
    await database.close()
    connection: Connection = CONNECTION
    async with (
        journal(app, connection, run_id=None) as observer,
        Client(TOKEN, transport=httpx2.MockTransport(answer), observer=observer) as client,
    ):
        assert (await client.send(op.retrieve_page(PAGE)))["id"] == PAGE


def _same(at: datetime) -> datetime:
    return at


async def test_what_is_older_than_the_settings_say_is_forgotten_by_a_duty(
    database: Database, tmp_path: Path
) -> None:
    assert len(await said(database, tmp_path, "on")) == 2
    [duty] = [duty for duty in DUTIES if duty.name == "log retention"]
    ring = KeyRing.open(tmp_path)
    for days, left in ((13, 2), (15, 0)):
        later = partial(datetime.now(UTC).__add__, timedelta(days=days))
        await duty.load()(App(Settings(home=tmp_path, log_days=14), database, ring, now=later))
        async with database.read() as conn:
            assert len(await exchanges.listing(conn, Filter(), limit=10)) == left
