"""An invitation is accepted once, by however many at once, and the newest to an address is the only one."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.factories import T0

from syncline.core.errors import NotFound
from syncline.core.permission import Role
from syncline.store import invitations
from syncline.store.database import Database
from syncline.store.invitations import Invitation

TO_C = Invitation("i1", "c", Role.MEMBER, "b@example.com", "ann", T0, T0 + timedelta(days=7))
TO_ALL = replace(TO_C, id="i2", connection_id=None, role=None, invited_by=None)


async def add(database: Database, *pairs: tuple[Invitation, str]) -> None:
    async with database.begin() as conn:
        for invitation, token in pairs:
            await invitations.add(conn, invitation, token=token)


async def redeem(database: Database, token: str, *, days: int = 0) -> Invitation | None:
    async with database.begin() as conn:
        return await invitations.redeem(conn, token, now=T0 + timedelta(days=days))


async def test_of_many_who_accept_at_once_one_succeeds(database: Database) -> None:
    await add(database, (TO_C, "h"))

    told = await asyncio.gather(*(redeem(database, "h") for _ in range(8)))

    assert [one for one in told if one is not None] == [TO_C]


async def test_a_newer_one_replaces_an_older_one_to_the_same_place_alone(database: Database) -> None:
    newer = [(replace(TO_C, id="i3"), "c2"), (replace(TO_ALL, id="i4"), "all2")]
    await add(database, (TO_C, "c1"), (TO_ALL, "all1"), *newer)

    assert [await redeem(database, token) for token in ("c1", "all1", "c2", "all2")] == [
        None, None, replace(TO_C, id="i3"), replace(TO_ALL, id="i4"),
    ]  # fmt: skip


async def test_one_that_has_ended_is_listed_but_worth_nothing(database: Database) -> None:
    await add(database, (TO_C, "h"))

    assert await redeem(database, "h", days=7) is None
    async with database.begin() as conn:
        assert await invitations.every(conn, "c") == [TO_C]
        with pytest.raises(NotFound):
            await invitations.remove(conn, "d", "i1")
        await invitations.remove(conn, "c", "i1")
        assert await invitations.every(conn, "c") == []
