"""The frontier: every piece of work is taken once, in order, and none is lost."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.store.samples import T0

from syncline.store import frontier
from syncline.store.database import Database
from syncline.store.frontier import Item, State

LATER = T0 + timedelta(hours=1)
KINDS = ("a", "b")


def item(key: str, kind: str = "a", lane: int = 0, **fields: Any) -> Item:
    return Item(kind, key, lane, "new", **fields)


async def take(conn: AsyncConnection, limit: int = 100, *, kinds: Sequence[str] = KINDS) -> list[Item]:
    return await frontier.take(conn, "c", kinds=kinds, limit=limit)


async def keys(conn: AsyncConnection, limit: int = 100) -> list[str]:
    return [each.key for each in await take(conn, limit)]


async def test_an_item_is_taken_as_it_was_added(database: Database) -> None:
    whole = item("p", lane=3, edited_at=LATER, generation=2**62, payload={"z": 1, "a": "\x00"})

    async with database.begin() as conn:
        await frontier.add(conn, "c", [whole, item("q")])
        await frontier.add(conn, "d", [item("other connection")])
        await frontier.add(conn, "c", [])

        assert await take(conn) == [item("q"), whole]
        assert await take(conn) == []


async def test_items_are_taken_by_lane_the_last_edited_first_the_undated_last(database: Database) -> None:
    minutes = [None, 1, 3, 2]
    items = [
        item(
            f"{lane}.{minute}",
            lane=lane,
            edited_at=None if minute is None else T0 + timedelta(minutes=minute),
        )
        for lane in (1, 0)
        for minute in minutes
    ]
    async with database.begin() as conn:
        await frontier.add(conn, "c", items)

        order = [f"{lane}.{minute}" for lane in (0, 1) for minute in (3, 2, 1, None)]
        assert await keys(conn, 3) == order[:3]
        assert await keys(conn) == order[3:]


async def test_only_the_kinds_asked_for_are_taken(database: Database) -> None:
    async with database.begin() as conn:
        await frontier.add(conn, "c", [item("p"), item("p", "b"), item("q", "x")])

        assert await take(conn, kinds=["b", "z"]) == [item("p", "b")]
        assert await take(conn, kinds=[]) == []


@pytest.mark.parametrize("state", ["waiting", "taken", "parked"])
@pytest.mark.parametrize("edited", [T0, None, LATER])
async def test_known_work_that_is_added_again_is_replaced_unless_it_is_pending_for_the_same_edit(
    database: Database, state: str, edited: Any
) -> None:
    before = item("p", edited_at=T0, generation=1, payload={"at": 1})
    async with database.begin() as conn:
        await frontier.add(conn, "c", [before])
        if state != "waiting":
            await take(conn)
        if state == "parked":
            await frontier.park(conn, "c", [("a", "p", "broken")])

        again = item("p", lane=1, edited_at=edited, generation=2, attempt=3, error="old")
        await frontier.add(conn, "c", [again])

        left_alone = edited == T0 and state != "parked"
        expected = [before] if left_alone else [replace(again, attempt=0, error=None)]
        assert await take(conn) == ([] if left_alone and state == "taken" else expected)
        await frontier.reset(conn, "c")
        assert await take(conn) == expected


async def test_undated_work_that_is_pending_is_left_alone(database: Database) -> None:
    async with database.begin() as conn:
        await frontier.add(conn, "c", [item("p", generation=1)])
        await frontier.add(conn, "c", [item("p", generation=2)])

        assert await take(conn) == [item("p", generation=1)]


@pytest.mark.parametrize("state", ["waiting", "taken", "parked", "gone"])
async def test_progress_replaces_whatever_stands_there(database: Database, state: str) -> None:
    async with database.begin() as conn:
        if state != "gone":
            await frontier.add(conn, "c", [item("p", edited_at=T0)])
        if state in {"taken", "parked"}:
            await take(conn)
        if state == "parked":
            await frontier.park(conn, "c", [("a", "p", "broken")])

        moved = item("p", edited_at=T0, generation=5, attempt=2, payload={"cursor": "x"})
        await frontier.progress(conn, "c", [moved])

        assert await take(conn) == [moved]


async def test_done_removes_the_generation_it_names_and_no_newer_one(database: Database) -> None:
    async with database.begin() as conn:
        await frontier.add(conn, "c", [item("p", generation=1, edited_at=T0), item("q", generation=1)])
        await take(conn)
        await frontier.add(conn, "c", [item("p", generation=2, edited_at=LATER)])

        await frontier.done(conn, "c", [("a", "p", 1), ("a", "q", 1), ("b", "q", 1), ("a", "unknown", 1)])
        await frontier.done(conn, "c", [])

        assert await frontier.counts(conn, "c") == {("a", State.WAITING): 1}
        assert await take(conn) == [item("p", generation=2, edited_at=LATER)]


async def test_dropped_work_is_gone_however_it_stands(database: Database) -> None:
    async with database.begin() as conn:
        await frontier.add(conn, "c", [item("p"), item("q"), item("q", "b")])
        await take(conn, 1)

        await frontier.drop(conn, "c", [("a", "p"), ("a", "q"), ("a", "unknown")])
        await frontier.drop(conn, "c", [])

        assert await frontier.counts(conn, "c") == {("b", State.WAITING): 1}


async def test_parked_work_waits_for_nobody_until_it_is_unparked(database: Database) -> None:
    async with database.begin() as conn:
        await frontier.add(conn, "c", [item("p"), item("q")])
        await take(conn)
        await frontier.park(conn, "c", [("a", "p", "bro\x00ken")])
        await frontier.park(conn, "c", [])

        assert await take(conn) == []
        assert await frontier.reset(conn, "c") == 1
        assert await keys(conn) == ["q"]

        assert await frontier.unpark(conn, "c") == 1
        assert await take(conn) == [item("p", error="bro\x00ken")]


async def test_what_waits_is_set_aside(database: Database) -> None:
    async with database.begin() as conn:
        await frontier.add(conn, "c", [item("p"), item("q")])
        await frontier.add(conn, "d", [item("p")])
        await take(conn, 1)

        assert await frontier.set_aside(conn, "c") == 1

        assert await frontier.counts(conn, "c") == {("a", State.TAKEN): 1, ("a", State.PARKED): 1}
        assert await frontier.counts(conn, "d") == {("a", State.WAITING): 1}


async def test_pending_work_is_counted_and_forgotten_by_kind(database: Database) -> None:
    async with database.begin() as conn:
        await frontier.add(conn, "c", [item("p"), item("q"), item("r"), item("p", "b")])
        await take(conn, 1)
        await frontier.park(conn, "c", [("a", "r", "x")])

        assert await frontier.waiting(conn, "c", ["a"]) == 2
        assert await frontier.waiting(conn, "c", KINDS) == 3

        await frontier.clear(conn, "c", ["a"])
        assert await frontier.counts(conn, "c") == {("b", State.WAITING): 1}


async def test_takers_at_once_share_the_work_without_overlap(database: Database) -> None:
    async with database.begin() as conn:
        await frontier.add(conn, "c", [item(f"p{number:02}") for number in range(40)])
    ready = asyncio.Barrier(4 if database.dialect == "postgresql" else 1)  # SQLite lets one in at a time

    async def work() -> list[str]:
        async with database.begin() as conn:
            await ready.wait()
            return await keys(conn, 10)

    shares = await asyncio.gather(*(work() for _ in range(4)))

    assert [len(share) for share in shares] == [10] * 4
    assert len({key for share in shares for key in share}) == 40


async def test_writers_who_meet_crosswise_do_not_lock_each_other_out(database: Database) -> None:
    items = [item(f"p{number:03}") for number in range(100)]

    async def write(order: list[Item]) -> None:
        async with database.begin() as conn:
            await frontier.progress(conn, "c", order)

    await asyncio.gather(*(write(items[:: 1 if number % 2 else -1]) for number in range(8)))


class Frontier(RuleBasedStateMachine):
    """The frontier beside a dictionary that says how it should stand."""

    database: Database
    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[str, tuple[State, Item]] = {}
        self.run(frontier.clear, "c", KINDS)

    def run(self, function: Any, *arguments: Any, **keywords: Any) -> Any:
        async def call() -> Any:
            async with self.database.begin() as conn:
                return await function(conn, *arguments, **keywords)

        return self.runner.run(call())

    def pick(self, state: State) -> list[str]:
        return [key for key, (held, _) in self.model.items() if held is state]

    @rule(
        key=st.sampled_from("pqrst"),
        minute=st.none() | st.integers(0, 2),
        lane=st.integers(0, 1),
        number=st.integers(1, 3),
    )
    def add(self, key: str, minute: int | None, lane: int, number: int) -> None:
        edited_at = None if minute is None else T0 + timedelta(minutes=minute)
        new = item(key, lane=lane, edited_at=edited_at, generation=number)
        self.run(frontier.add, "c", [new])
        state, held = self.model.get(key, (State.PARKED, new))
        if state is State.PARKED or held.edited_at != edited_at:
            self.model[key] = (State.WAITING, new)

    @rule(limit=st.integers(1, 3))
    def take(self, limit: int) -> None:
        taken = self.run(frontier.take, "c", kinds=KINDS, limit=limit)
        waiting = [self.model[key][1] for key in self.pick(State.WAITING)]
        newest = T0 + timedelta(days=1)
        expected = sorted(
            waiting,
            key=lambda each: (each.lane, newest - (each.edited_at or T0 - timedelta(days=1)), each.key),
        )
        assert taken == expected[:limit]
        self.model |= {each.key: (State.TAKEN, each) for each in taken}

    @precondition(lambda self: self.pick(State.TAKEN))
    @rule(data=st.data(), number=st.integers(1, 3))
    def done(self, data: st.DataObject, number: int) -> None:
        key = data.draw(st.sampled_from(sorted(self.pick(State.TAKEN))))
        self.run(frontier.done, "c", [("a", key, number)])
        if self.model[key][1].generation == number:
            del self.model[key]

    @precondition(lambda self: self.pick(State.TAKEN))
    @rule(data=st.data())
    def park(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.pick(State.TAKEN))))
        self.run(frontier.park, "c", [("a", key, "broken")])
        self.model[key] = (State.PARKED, replace(self.model[key][1], error="broken"))

    @rule(before=st.sampled_from([State.TAKEN, State.PARKED]))
    def release(self, before: State) -> None:
        function = frontier.reset if before is State.TAKEN else frontier.unpark
        released = self.pick(before)
        assert self.run(function, "c") == len(released)
        self.model |= {key: (State.WAITING, self.model[key][1]) for key in released}

    @invariant()
    def stands_as_it_should(self) -> None:
        expected: dict[tuple[str, State], int] = {}
        for state, _ in self.model.values():
            expected["a", state] = expected.get(("a", state), 0) + 1
        assert self.run(frontier.counts, "c") == expected


def test_the_frontier_stands_as_a_dictionary_would(store_location: str) -> None:
    with asyncio.Runner() as runner:
        database = runner.run(Database.open(store_location))

        class Machine(Frontier):
            pass

        Machine.database, Machine.runner = database, runner
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=15,
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        runner.run(database.close())
