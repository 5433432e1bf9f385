"""Authorizations: one token at a time, renewed by one of many."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.store.samples import CONNECTION, RING, T0

from syncline.core.errors import Duplicate, NotFound
from syncline.core.standing import TokenStatus
from syncline.store import authorizations, connections
from syncline.store.authorizations import Grant
from syncline.store.database import Database

GIVEN = Grant("access", refresh_token="refresh", app_id="a", workspace_id="w", workspace_icon="🏠")
NEXT = replace(GIVEN, access_token="access 2", refresh_token="refresh 2")
SOON = T0 + timedelta(minutes=1)


async def made(database: Database, *ids: str) -> None:
    async with database.begin() as conn:
        for one in ids:
            connection = replace(CONNECTION, id=one, name=f"name {one}")
            await connections.add(conn, connection, token="first", ring=RING)


async def test_a_new_connection_has_an_internal_token_that_nobody_checked(database: Database) -> None:
    await made(database, "c")
    async with database.read() as conn:
        found = await authorizations.find(conn, "c")
        assert (found.app_id, found.status, found.generation) == (None, TokenStatus.UNKNOWN, 1)
        assert await authorizations.many(conn, ["c", "x"]) == {"c": found}
        with pytest.raises(NotFound):
            await authorizations.find(conn, "x")


async def test_a_grant_replaces_the_token_and_counts_up(database: Database) -> None:
    await made(database, "c")
    async with database.begin() as conn:
        await authorizations.grant(conn, "c", GIVEN, user_id="u", ring=RING, now=T0)
        found = await authorizations.find(conn, "c")
        assert (found.app_id, found.status, found.generation) == ("a", TokenStatus.VALID, 2)
        assert (found.user_id, found.checked_at, found.workspace_icon) == ("u", T0, "🏠")
        assert await connections.token(conn, "c", ring=RING) == "access"
        assert await authorizations.refresh_token(conn, "c", ring=RING) == "refresh"
        assert await authorizations.of_app(conn, "a") == ["c"]
    assert "access" not in repr(GIVEN)


async def test_an_app_has_one_connection_to_a_workspace_and_internal_tokens_as_many_as_there_are(
    database: Database,
) -> None:
    await made(database, "c", "d", "e")
    internal = Grant("access", workspace_id="w")
    async with database.begin() as conn:
        await authorizations.grant(conn, "c", GIVEN, user_id=None, ring=RING, now=T0)
        await authorizations.grant(conn, "d", internal, user_id=None, ring=RING, now=T0)
        await authorizations.grant(conn, "e", internal, user_id=None, ring=RING, now=T0)
        with pytest.raises(Duplicate):
            await authorizations.grant(conn, "d", GIVEN, user_id=None, ring=RING, now=T0)
        twins = {
            app: await authorizations.twin(conn, app_id=app, workspace_id="w", bot_id="b")
            for app in ("a", None, "z")
        }
        assert twins == {"a": "c", None: "d", "z": None}
        assert await authorizations.twin(conn, app_id=None, workspace_id="w", bot_id="other") is None


async def test_of_many_who_claim_a_generation_one_has_it_until_its_time_is_over(database: Database) -> None:
    await made(database, "c")

    async def claim(now: int) -> bool:
        at = T0 + timedelta(seconds=now)
        async with database.begin() as conn:
            return await authorizations.claim(conn, "c", 1, now=at, until=at + timedelta(seconds=60))

    assert sorted(await asyncio.gather(*(claim(0) for _ in range(10)))) == [False] * 9 + [True]
    assert [await claim(59), await claim(61)] == [False, True]


async def test_a_pair_is_stored_for_the_generation_it_was_made_for_alone(database: Database) -> None:
    await made(database, "c")
    async with database.begin() as conn:
        assert await authorizations.claim(conn, "c", 1, now=T0, until=SOON)
        assert await authorizations.release(conn, "c", 1, given=NEXT, ring=RING, now=T0)
        assert not await authorizations.release(conn, "c", 1, given=GIVEN, ring=RING, now=T0)
        assert not await authorizations.claim(conn, "c", 1, now=T0, until=SOON)
        assert await connections.token(conn, "c", ring=RING) == "access 2"
        assert (await authorizations.find(conn, "c")).generation == 2


async def test_who_lets_go_without_a_pair_leaves_the_token_to_the_next(database: Database) -> None:
    await made(database, "c")
    async with database.begin() as conn:
        assert await authorizations.claim(conn, "c", 1, now=T0, until=SOON)
        assert await authorizations.release(conn, "c", 1, given=None, ring=RING, now=T0)
        assert await authorizations.claim(conn, "c", 1, now=T0, until=SOON)
        assert await connections.token(conn, "c", ring=RING) == "first"


async def test_what_is_said_of_an_old_token_is_not_said_of_the_new_one(database: Database) -> None:
    await made(database, "c")
    async with database.begin() as conn:
        valid, dead = TokenStatus.VALID, TokenStatus.INVALID
        assert await authorizations.note(conn, "c", 1, status=valid, now=T0) is TokenStatus.UNKNOWN
        assert await authorizations.note(conn, "c", 1, status=dead, now=T0) is TokenStatus.VALID
        assert await authorizations.note(conn, "c", 2, status=valid, now=T0) is None
        assert (await authorizations.find(conn, "c")).status is dead


async def test_a_check_is_given_to_one_and_comes_again(database: Database) -> None:
    await made(database, "c", "d", "e")
    day = timedelta(days=1)

    async def due(now: timedelta) -> list[str]:
        async with database.begin() as conn:
            found = await authorizations.due(conn, now=T0 + now, again=day, limit=2)
        return [one.connection_id for one in found]

    first, second = await asyncio.gather(due(timedelta()), due(timedelta()))
    assert len(first + second) == len(set(first + second)) <= 3
    assert not await due(day / 2) or len(first + second) < 3
    async with database.begin() as conn:
        await authorizations.postpone(conn, "c", at=T0 + 3 * day)
        await authorizations.forget(conn, "d", now=T0)
    assert await due(2 * day) == ["e"]


async def test_of_a_forgotten_token_nothing_is_left(database: Database) -> None:
    await made(database, "c")
    async with database.begin() as conn:
        await authorizations.grant(conn, "c", GIVEN, user_id="u", ring=RING, now=T0)
        await authorizations.forget(conn, "c", now=T0)
        assert await authorizations.refresh_token(conn, "c", ring=RING) is None
        assert (await authorizations.find(conn, "c")).status is TokenStatus.REVOKED
