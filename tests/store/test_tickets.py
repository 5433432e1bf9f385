"""A ticket is good once, for one purpose, until it ends."""

import asyncio
from datetime import timedelta

import pytest
from tests.factories import T0

from syncline.store import tickets
from syncline.store.database import Database
from syncline.store.tickets import Purpose

END = T0 + timedelta(hours=1)


async def issue(database: Database, name: str, *, user: str | None = "u") -> None:
    async with database.begin() as conn:
        await tickets.issue(conn, name, purpose=Purpose.RESET, user_id=user, expires_at=END)


async def use(database: Database, name: str, *, purpose: Purpose = Purpose.RESET, minutes: int = 0) -> object:
    async with database.begin() as conn:
        return await tickets.use(conn, name, purpose=purpose, now=T0 + timedelta(minutes=minutes))


async def test_of_many_who_use_a_ticket_at_once_one_succeeds(database: Database) -> None:
    await issue(database, "t")

    told = await asyncio.gather(*(use(database, "t") for _ in range(8)))

    assert sorted(told, key=str) == [("u",)] + [None] * 7


@pytest.mark.parametrize(
    ("name", "purpose", "minutes", "good"),
    [
        ("t", Purpose.RESET, 59, True),
        ("t", Purpose.RESET, 60, False),
        ("t", Purpose.SETUP, 0, False),
        ("x", Purpose.RESET, 0, False),
    ],
)
async def test_a_ticket_is_for_one_purpose_and_has_an_end(
    database: Database, name: str, purpose: Purpose, minutes: int, *, good: bool
) -> None:
    await issue(database, "t")

    assert (await use(database, name, purpose=purpose, minutes=minutes) is not None) is good


async def test_tickets_of_a_user_or_of_nobody_are_taken_back_apart(database: Database) -> None:
    await issue(database, "mine")
    await issue(database, "nobodys", user=None)
    async with database.begin() as conn:
        await tickets.tear(conn, purpose=Purpose.RESET, user_id=None)

    assert await use(database, "nobodys") is None
    assert await use(database, "mine") == ("u",)
