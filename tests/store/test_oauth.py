"""OAuth apps keep their secrets to themselves; a state works once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.store.samples import CONNECTION, RING, T0
from tests.store.test_sealed import APP, GIVEN

from syncline.core.errors import BadInput, Busy, Duplicate, NotFound
from syncline.store import authorizations, connections, oauth
from syncline.store.database import Database
from syncline.store.oauth import State

STATE = State("h", "n", "a", "u", "s", "echo", "https://x/", T0 + timedelta(minutes=10))
OTHER = replace(APP, id="b", name="other", created_at=T0 + timedelta(1))


async def test_an_app_is_found_by_name_and_id_and_the_oldest_without(database: Database) -> None:
    async with database.begin() as conn:
        with pytest.raises(BadInput, match="No OAuth app is set up"):
            await oauth.find(conn, None)
        for app in (OTHER, APP):
            await oauth.add(conn, app, secret="s", ring=RING)
        assert await oauth.every(conn) == [APP, OTHER]
        assert (
            await oauth.find(conn, None)
            == await oauth.find(conn, "acme")
            == await oauth.one(conn, "a")
            == APP
        )
        for missing in (oauth.find(conn, "x"), oauth.one(conn, "x"), oauth.app_secret(conn, "x", ring=RING)):
            with pytest.raises(NotFound):
                await missing


async def test_a_name_is_taken_once(database: Database) -> None:
    async with database.begin() as conn:
        await oauth.add(conn, APP, secret="s", ring=RING)
        await oauth.add(conn, OTHER, secret="s", ring=RING)
        with pytest.raises(Duplicate):
            await oauth.add(conn, replace(APP, id="c"), secret="s", ring=RING)
        with pytest.raises(Duplicate):
            await oauth.change(conn, replace(OTHER, name="acme"), secret=None, ring=RING)


async def test_a_change_without_a_secret_keeps_the_one_there_is(database: Database) -> None:
    async with database.begin() as conn:
        await oauth.add(conn, APP, secret="first", ring=RING)
        await oauth.change(conn, replace(APP, name="new"), secret=None, ring=RING)
        assert await oauth.app_secret(conn, "a", ring=RING) == "first"
        await oauth.change(conn, APP, secret="second", ring=RING)
        assert await oauth.app_secret(conn, "a", ring=RING) == "second"
        assert "second" not in repr(await oauth.one(conn, "a"))


async def test_an_app_in_use_is_not_removed(database: Database) -> None:
    async with database.begin() as conn:
        await oauth.add(conn, APP, secret="s", ring=RING)
        await connections.add(conn, CONNECTION, token="t", ring=RING)
        await authorizations.grant(conn, "c", GIVEN, user_id=None, ring=RING, now=T0)
        with pytest.raises(Busy):
            await oauth.remove(conn, "a")
        await connections.remove(conn, "c")
        await oauth.remove(conn, "a")
        assert await oauth.every(conn) == []


@pytest.mark.parametrize(
    ("hash_", "cookie", "minutes"), [("x", "n", 0), ("h", "x", 0), ("h", "n", 10), ("h", "n", 60)]
)
async def test_a_state_needs_its_cookie_and_its_time(
    database: Database, hash_: str, cookie: str, minutes: int
) -> None:
    async with database.begin() as conn:
        await oauth.remember(conn, STATE)
        now = T0 + timedelta(minutes=minutes)
        assert await oauth.use(conn, hash_, cookie_hash=cookie, now=now) is None
        assert await oauth.use(conn, "h", cookie_hash="n", now=T0) == STATE


async def test_a_state_works_once_however_many_come_with_it(database: Database) -> None:
    async with database.begin() as conn:
        await oauth.remember(conn, STATE)

    async def use() -> State | None:
        async with database.begin() as conn:
            return await oauth.use(conn, "h", cookie_hash="n", now=T0)

    found = await asyncio.gather(*(use() for _ in range(5)))
    assert [one for one in found if one is not None] == [STATE]


async def test_states_that_expired_are_forgotten(database: Database) -> None:
    async with database.begin() as conn:
        await oauth.remember(conn, STATE)
        await oauth.clear_states(conn, before=T0)
        assert await oauth.use(conn, "h", cookie_hash="n", now=T0) == STATE
        await oauth.clear_states(conn, before=T0 + timedelta(1))
        await oauth.remember(conn, STATE)
