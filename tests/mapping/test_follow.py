"""A mapping that is kept up to date: nothing that changed is lost, whole reads come as often as asked."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from syncline.core.errors import BadInput, Retry, Unreachable
from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import Key, MappedColumn, MappedTable, Mapping, Pace, Target
from syncline.mapping.follow import After, follow
from syncline.sources.sql import SqlSource

TABLE = MappedTable(
    "items", Target(name="Items"), Key("id"), (MappedColumn("name", "Name", PropertyType.TITLE),)
)
MAPPING = Mapping("work", "env:X", (TABLE,))
FAST = Pace(every=0.01, whole=10)


class Following:
    """Runs that end as they are told to; what each was asked for, what the outbox held before it, and what was told."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "user.sqlite"
        self.sql("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT)")
        self.source = SqlSource(f"sqlite:///{self.path}")
        self.runs: list[bool] = []
        self.held: list[frozenset[str]] = []
        self.told: list[str] = []
        self.seconds = 0.0

    def sql(self, statement: str) -> None:
        with contextlib.closing(sqlite3.connect(self.path)) as conn, conn:
            conn.execute(statement)

    async def follow(
        self, ends: Sequence[After | Exception], *, pace: Pace = FAST, step: float = 1.0
    ) -> None:
        left = list(ends)

        async def once(whole: bool) -> After:  # noqa: FBT001 - the follower's signature
            self.runs.append(whole)
            self.held.append((await self.source.changed_keys("work", TABLE)).keys)
            self.seconds += step
            end = left.pop(0)
            if isinstance(end, Exception):
                raise end
            return end

        def told(error: Retry) -> None:
            self.told.append(str(error))

        async with asyncio.timeout(60):
            await follow(MAPPING, self.source, once, pace=pace, clock=lambda: self.seconds, told=told)


@pytest_asyncio.fixture
async def following(tmp_path: Path) -> AsyncIterator[Following]:
    made = Following(tmp_path)
    async with made.source:
        await made.source.install("work", [TABLE])
        yield made


async def test_what_a_run_saw_is_acknowledged_once_it_succeeded(following: Following) -> None:
    following.sql("INSERT INTO items VALUES (1, 'a')")
    await following.follow([After.AGAIN, After.WAIT, After.END])
    assert following.held == [{"1"}, {"1"}, frozenset()]


async def test_the_first_run_reads_notion_whole_and_others_as_often_as_asked(following: Following) -> None:
    await following.follow([After.WAIT] * 5 + [After.END], step=4.0)
    assert following.runs == [True, False, False, True, False, False]


async def test_a_whole_read_that_failed_is_made_again(following: Following) -> None:
    await following.follow([After.AGAIN, After.WAIT, After.END])
    assert following.runs == [True, True, False]


async def test_a_database_that_is_away_is_told_and_asked_again(following: Following) -> None:
    await following.follow([Unreachable("The database is away."), After.END])
    assert following.told == ["The database is away."]
    assert len(following.runs) == 2


async def test_what_needs_a_person_ends_it(following: Following) -> None:
    with pytest.raises(BadInput, match="no such column"):
        await following.follow([BadInput("There is no such column.")])


async def test_a_changed_row_wakes_it_long_before_the_time(following: Following) -> None:
    async def edit() -> None:
        await asyncio.sleep(0.05)
        following.sql("INSERT INTO items VALUES (2, 'b')")

    editing = asyncio.create_task(edit())
    await following.follow([After.WAIT, After.END], pace=Pace(every=60, whole=60))
    await editing
    assert following.held[1] == {"2"}
