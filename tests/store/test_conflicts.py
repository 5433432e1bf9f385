"""Conflicts: the queue of what waits, and the history of the rest."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from syncline.core.errors import BadInput, NotFound
from syncline.core.pair import ROW, Clash, Decision, Take, fingerprint
from syncline.store import conflicts
from syncline.store.conflicts import Conflict, Filter, Raised, State
from syncline.store.database import Database
from syncline.store.links import Place

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
HERE = Place("c1", "work", "items")
CLASH = Clash("Name", "Ann", "Anna", "Anne", winner=None, database_at=NOW)


async def note(
    database: Database, clash: Clash = CLASH, *, key: str = "1", at: datetime = NOW, place: Place = HERE
) -> str:
    async with database.begin() as conn:
        (one,) = await conflicts.note(conn, place, [Raised(key, clash, "title", "p1")], now=at)
        return one


async def every(database: Database, *states: State) -> list[Conflict]:
    async with database.read() as conn:
        found = await conflicts.listing(conn, "c1", Filter(states=states), limit=10)
        assert await conflicts.count(conn, "c1", Filter(states=states)) == len(found)
    return found


async def decide(database: Database, name: str, take: Take, value: str | None = None) -> Conflict:
    async with database.begin() as conn:
        return await conflicts.decide(conn, "c1", name, take, value=value, by="ann")


async def test_one_conflict_is_one_row_however_often_it_is_met(database: Database) -> None:
    first = await note(database)
    assert await note(database, at=LATER) == first
    (one,) = await every(database)
    assert (one.state, one.times, one.raised_at, one.database_at) == (State.OPEN, 2, NOW, NOW)
    assert (one.base, one.database, one.notion, one.page) == ("Ann", "Anna", "Anne", "p1")


async def test_other_values_are_another_conflict(database: Database) -> None:
    await note(database)
    await note(database, replace(CLASH, notion="Antonia"))
    assert len(await every(database, State.OPEN)) == 2


async def test_what_a_policy_decided_is_history_at_once(database: Database) -> None:
    await note(database, replace(CLASH, winner=Take.DATABASE), at=LATER)
    (one,) = await every(database, State.OVERRULED)
    assert (one.winner, one.ended_at) == (Take.DATABASE, LATER)


async def test_what_is_decided_stays_decided_and_is_told_to_the_merge(database: Database) -> None:
    one = await note(database)
    await decide(database, one, Take.VALUE, "Annabel")
    await note(database)
    (held,) = await every(database)
    assert (held.state, held.winner, held.value, held.decided_by) == (
        State.DECIDED,
        Take.VALUE,
        "Annabel",
        "ann",
    )
    async with database.read() as conn:
        made = await conflicts.decisions(conn, HERE)
        assert await conflicts.waiting(conn, HERE) == {"1"}
    assert made == {"1": {"Name": Decision(fingerprint("Anna", "Anne"), Take.VALUE, "Annabel")}}


ENDS = [
    (True, True, State.RESOLVED),
    (True, False, State.SETTLED),  # its values have changed since: what was decided was not done
    (False, False, State.SETTLED),
]


@pytest.mark.parametrize(("decided", "done", "state"), ENDS)
async def test_a_conflict_ends_as_what_became_of_it(
    database: Database, *, decided: bool, done: bool, state: State
) -> None:
    one = await note(database)
    if decided:
        await decide(database, one, Take.NOTION)
    async with database.begin() as conn:
        await conflicts.end(conn, HERE, "1", met=[], done=[one] if done else [], now=LATER)
    (held,) = await every(database)
    assert (held.state, held.ended_at) == (state, LATER)


async def test_what_is_met_again_and_other_rows_do_not_end(database: Database) -> None:
    one = await note(database)
    await note(database, key="2")
    async with database.begin() as conn:
        await conflicts.end(conn, HERE, "1", met=[one], done=[], now=LATER)
    assert len(await every(database, State.OPEN)) == 2


async def test_only_what_waits_can_be_decided(database: Database) -> None:
    one = await note(database, replace(CLASH, winner=Take.DATABASE))
    with pytest.raises(BadInput, match="is overruled: there is nothing left to decide"):
        await decide(database, one, Take.NOTION)
    with pytest.raises(NotFound, match="There is no conflict x"):
        await decide(database, "x", Take.NOTION)


async def test_a_row_has_no_third_value(database: Database) -> None:
    one = await note(database, Clash(ROW, {"Name": "Ann"}, None, {"Name": "Anne"}, winner=None))
    with pytest.raises(BadInput, match="A row is kept or deleted"):
        await decide(database, one, Take.VALUE, "x")


async def test_a_conflict_is_found_by_the_beginning_of_its_id_or_its_row(database: Database) -> None:
    one = await note(database, key="row 1")
    async with database.read() as conn:
        assert (await conflicts.find(conn, "c1", one[:8])).id == one
        assert (await conflicts.find(conn, "c1", "row 1")).id == one
        for name in ("row", "%", "c2"):
            with pytest.raises(NotFound):
                await conflicts.find(conn, "c1", name)
    await note(database, replace(CLASH, property="Size"), key="row 1")
    async with database.read() as conn:
        with pytest.raises(BadInput, match="Several conflicts are called row 1"):
            await conflicts.find(conn, "c1", "row 1")


async def test_the_newest_come_first_and_others_stay_out_of_sight(database: Database) -> None:
    await note(database)
    await note(database, key="2", at=LATER)
    await note(database, place=Place("c2", "work", "items"))
    await note(database, place=Place("c1", "play", "items"))
    assert (await every(database))[0].key == "2"
    async with database.read() as conn:
        found = await conflicts.listing(conn, "c1", Filter(mapping="play", table="items"), limit=10)
        rest = await conflicts.listing(conn, "c1", Filter(mapping="work"), limit=1, offset=1)
    assert ([one.mapping for one in found], [one.key for one in rest]) == (["play"], ["1"])
