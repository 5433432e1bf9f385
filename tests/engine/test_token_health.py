"""A token is asked about now and then, and given back when nobody needs it any more."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.accounts.authorizing import Notion

from notion_emulator.server import ServerThread
from syncline.app import App
from syncline.core.errors import Refused, Unreachable
from syncline.core.standing import TokenStatus
from syncline.engine import token_health, tokens
from syncline.engine.connect import Asked, connect
from syncline.engine.token_health import EVERY, Health, check, check_due, revoke
from syncline.store import authorizations, connections, preferences
from syncline.store.connections import Connection
from syncline.store.preferences import Preferences, TokenPreference


async def internal(app: App, server: ServerThread, **other: str) -> Connection:
    return await connect(app, Asked(server.emulator.token, base_url=server.url, rate="none", **other))


def lose(server: ServerThread) -> None:
    for one in server.emulator.world.connections.values():
        one.token = "ntn_another"


async def test_an_internal_token_is_tried_by_a_call_that_reads_nothing(
    app: App, notion_emulator_server: ServerThread
) -> None:
    connection = await internal(app, notion_emulator_server)
    notion_emulator_server.emulator.requests.clear()

    assert (await check(app, connection)).status is TokenStatus.VALID
    assert [one.path for one in notion_emulator_server.emulator.requests] == ["/v1/users/me"]

    lose(notion_emulator_server)
    assert (await check(app, connection)).status is TokenStatus.INVALID
    notion_emulator_server.emulator.world.connections.clear()
    assert (await check(app, connection)).status is TokenStatus.INVALID


async def test_a_token_of_an_app_is_asked_about_and_not_used(notion: Notion) -> None:
    connection = await notion.connected()
    notion.time.now += timedelta(hours=1)
    notion.server.emulator.requests.clear()

    assert await check(notion.app, connection) == Health(TokenStatus.VALID, notion.time())
    assert [one.path for one in notion.server.emulator.requests] == ["/v1/oauth/introspect"]


async def test_one_that_ended_is_renewed_and_so_good_again(notion: Notion) -> None:
    connection = await notion.connected()
    notion.expire()

    assert (await check(notion.app, connection)).status is TokenStatus.VALID
    assert await notion.token(connection) == notion.granted[0].token


async def test_one_that_is_gone_is_found_out_and_asking_again_tries_again(notion: Notion) -> None:
    connection = await notion.connected()
    world = notion.server.emulator.world
    known = dict(world.connections)
    notion.forget()
    assert (await check(notion.app, connection)).status is TokenStatus.EXPIRED

    world.connections.update(known)
    assert (await check(notion.app, connection)).status is TokenStatus.VALID


async def test_a_notion_that_does_not_answer_says_nothing_of_the_token(
    notion: Notion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_LONGEST", 0.2)
    monkeypatch.setattr(token_health, "_LONGEST", 0.2)
    one = await notion.connected()
    other = await internal(notion.app, notion.server, name="other")
    notion.server.emulator.faults.add(503)

    for connection in (one, other):
        with pytest.raises(Unreachable, match="cannot be reached"):
            await check(notion.app, connection)
        assert (await notion.held(connection)).status is TokenStatus.VALID


async def test_a_notion_that_does_not_know_our_app_says_nothing_of_the_token(notion: Notion) -> None:
    connection = await notion.connected()
    notion.server.emulator.oauth.clients.clear()

    with pytest.raises(Refused, match="Client authentication failed"):
        await check(notion.app, connection)
    assert (await notion.held(connection)).status is TokenStatus.VALID


async def due(notion: Notion, **passed: float) -> int:
    """Do the duty after some time; how many requests that took."""
    notion.time.now += timedelta(**passed)
    before = notion.server.emulator.requests.total
    assert await check_due(notion.app) is None
    return notion.server.emulator.requests.total - before


async def test_each_token_is_checked_every_six_hours_or_so_whoever_does_the_duty(notion: Notion) -> None:
    await notion.connected()

    assert await due(notion) == 1
    assert await due(notion, hours=4.9) == 0
    assert await due(notion, hours=2.2) == 1
    notion.time.now += EVERY + timedelta(hours=1)
    both: Any = await asyncio.gather(*(due(notion) for _ in range(3)))
    assert max(both) == 1


@pytest.mark.parametrize(("preference", "requests"), [("notify", 0), ("auto_reconnect", 2)])
async def test_a_dead_token_is_tried_again_where_that_is_wanted(
    notion: Notion, preference: str, requests: int
) -> None:
    connection = await notion.connected()
    async with notion.app.database.begin() as conn:
        wanted = Preferences(token_preference=TokenPreference(preference))
        await preferences.put(conn, connection.id, wanted)
    notion.forget()
    assert await due(notion) == 2
    assert await due(notion, hours=8) == requests
    assert (await notion.held(connection)).status is TokenStatus.EXPIRED


async def test_a_check_without_an_answer_is_made_again_soon(
    notion: Notion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_LONGEST", 0.2)
    await notion.connected()
    notion.server.emulator.faults.add(503)
    assert await due(notion) > 0
    notion.server.emulator.faults.clear()
    assert await due(notion, minutes=14) == 0
    assert await due(notion, minutes=2) == 1


async def test_a_connection_that_is_removed_meanwhile_is_passed_over(
    notion: Notion, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await notion.connected()
    found = authorizations.due

    async def and_then_removed(*args: Any, **options: Any) -> Any:
        due = await found(*args, **options)
        await connections.remove(args[0], connection.id)
        return due

    monkeypatch.setattr(authorizations, "due", and_then_removed)
    assert await check_due(notion.app) is None


async def test_a_token_of_an_app_is_given_back_and_an_internal_one_cannot_be(notion: Notion) -> None:
    one = await notion.connected()
    other = await internal(notion.app, notion.server, name="other")

    assert (await revoke(notion.app, one), await revoke(notion.app, other)) == (True, False)
    assert notion.granted == []


async def test_a_notion_that_does_not_answer_keeps_nobody_from_going(
    notion: Notion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_LONGEST", 0.2)
    connection = await notion.connected()
    notion.server.emulator.faults.add(503)

    assert await revoke(notion.app, connection) is False
