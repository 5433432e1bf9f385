"""Conflicts: where both sides changed the same thing. The queue of those that wait for a person, and the history of the rest.

    open ──decide──▶ decided ──the next merge──▶ resolved
      └── the sides came to agree by themselves, or moved on ──▶ settled
    overruled: a policy decided, and what lost stands here

One conflict (row, property and the three values) is one row, however often it is met.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.canonical import Form
from syncline.core.errors import BadInput, NotFound
from syncline.core.hash import digest
from syncline.core.mapped_values import Value, from_json, to_json
from syncline.core.pair import Clash, Decision, Take, fingerprint
from syncline.store.links import Place
from syncline.store.tables import upsert
from syncline.store.tables_merge import conflicts

__all__ = [
    "Conflict",
    "Filter",
    "Raised",
    "State",
    "count",
    "decide",
    "decisions",
    "end",
    "find",
    "listing",
    "note",
    "one",
    "waiting",
]


class State(StrEnum):
    """How a conflict stands."""

    OPEN = "open"
    DECIDED = "decided"
    """A person has chosen; the next merge writes it."""
    RESOLVED = "resolved"
    SETTLED = "settled"
    """It went away: both sides agree again, or one of the values has changed."""
    OVERRULED = "overruled"
    """The table's policy decided."""


_WAITING = (State.OPEN, State.DECIDED)


@dataclass(frozen=True, slots=True)
class Conflict:
    """One conflict. `base`, `database` and `notion` are forms (core.canonical); `property` is empty for the row as a whole.

    `times` counts how often it was met. `winner` is who was taken, or is to be.
    """

    id: str
    mapping: str
    table: str
    key: str
    property: str
    kind: str
    page: str | None
    state: State
    base: Form
    database: Form
    notion: Form
    winner: Take | None
    value: Value
    times: int
    raised_at: datetime
    ended_at: datetime | None
    database_at: datetime | None
    notion_at: datetime | None
    decided_by: str | None


@dataclass(frozen=True, slots=True)
class Raised:
    """A clash of the row `key`, with the type of its property and the row's page."""

    key: str
    clash: Clash
    kind: str
    page: str | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which conflicts: None is any."""

    mapping: str | None = None
    table: str | None = None
    states: tuple[State, ...] = ()


async def note(conn: AsyncConnection, place: Place, raised: Sequence[Raised], *, now: datetime) -> list[str]:
    """Write down clashes: those without a winner are open, the others overruled. Returns their ids.

    What a person has decided stays decided until `end`.
    """
    rows = [_row(place, one, now) for one in raised]
    if rows:
        again = {"times": conflicts.c.times + 1, "raised_at": conflicts.c.raised_at}
        unchosen = conflicts.c.state != State.DECIDED
        await conn.execute(upsert(conn, conflicts, replace=again, where=unchosen), rows)
    return [str(row["id"]) for row in rows]


async def decisions(conn: AsyncConnection, place: Place) -> dict[str, dict[str, Decision]]:
    """What people decided about a table's rows, by key and property."""
    query = select(conflicts).where(_at(place), conflicts.c.state == State.DECIDED)
    found: dict[str, dict[str, Decision]] = {}
    for row in (await conn.execute(query)).mappings():
        one = _conflict(row)
        assert one.winner is not None, "who decides names a winner"
        made = Decision(fingerprint(one.database, one.notion), one.winner, one.value)
        found.setdefault(one.key, {})[one.property] = made
    return found


async def end(
    conn: AsyncConnection, place: Place, key: str, *, met: Iterable[str], done: Iterable[str], now: datetime
) -> None:
    """End what waited of a row that was merged: what was decided and is `done` is resolved, the rest settled but for `met`.

    To be called once what was decided is written.
    """
    waits = _at(place) & (conflicts.c.key == key) & conflicts.c.state.in_(_WAITING)
    gone = waits & conflicts.c.id.not_in(list(met))
    resolved = gone & (conflicts.c.state == State.DECIDED) & conflicts.c.id.in_(list(done))
    await conn.execute(update(conflicts).where(resolved).values(state=State.RESOLVED, ended_at=now))
    await conn.execute(update(conflicts).where(gone).values(state=State.SETTLED, ended_at=now))


async def waiting(conn: AsyncConnection, place: Place) -> set[str]:
    """The keys of a table's rows that have conflicts which wait."""
    query = select(conflicts.c.key).where(_at(place), conflicts.c.state.in_(_WAITING)).distinct()
    return set(await conn.scalars(query))


async def listing(
    conn: AsyncConnection, connection_id: str, wanted: Filter, *, limit: int, offset: int = 0
) -> list[Conflict]:
    """Conflicts, newest first."""
    query = _wanted(select(conflicts), connection_id, wanted)
    newest = query.order_by(conflicts.c.raised_at.desc(), conflicts.c.id).limit(limit).offset(offset)
    return [_conflict(row) for row in (await conn.execute(newest)).mappings()]


async def count(conn: AsyncConnection, connection_id: str, wanted: Filter) -> int:
    """How many there are."""
    query = _wanted(select(func.count()).select_from(conflicts), connection_id, wanted)
    return await conn.scalar(query) or 0


async def one(conn: AsyncConnection, connection_id: str, conflict_id: str) -> Conflict:
    """The conflict of this id. Raises NotFound."""
    query = select(conflicts).where(conflicts.c.connection_id == connection_id, conflicts.c.id == conflict_id)
    row = (await conn.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no conflict {conflict_id}: `syncline conflicts list` shows them.")
    return _conflict(row)


async def find(conn: AsyncConnection, connection_id: str, name: str) -> Conflict:
    """The conflict that `name` means: the beginning of an id, or a row's key. Raises NotFound, BadInput for several."""
    meant = conflicts.c.id.startswith(name, autoescape=True) | (
        (conflicts.c.key == name) & conflicts.c.state.in_(_WAITING)
    )
    query = select(conflicts).where(conflicts.c.connection_id == connection_id, meant).limit(2)
    found = [_conflict(row) for row in (await conn.execute(query)).mappings()]
    if not found:
        raise NotFound(f"There is no conflict {name}: `syncline conflicts list` shows them.")
    if len(found) > 1:
        raise BadInput(f"Several conflicts are called {name}: give more of the id.")
    return found[0]


async def decide(
    conn: AsyncConnection,
    connection_id: str,
    conflict_id: str,
    take: Take,
    *,
    value: Value = None,
    by: str | None = None,
) -> Conflict:
    """Choose. The next merge writes it, if both sides still hold what they held. Raises NotFound, BadInput if it does not wait."""
    held = await one(conn, connection_id, conflict_id)
    if held.state not in _WAITING:
        raise BadInput(f"The conflict {held.id} is {held.state}: there is nothing left to decide.")
    if take is Take.VALUE and not held.property:
        raise BadInput("A row is kept or deleted: take database or notion.")
    this = (conflicts.c.connection_id == connection_id) & (conflicts.c.id == conflict_id)
    chosen = {"state": State.DECIDED, "winner": take, "value": to_json(value), "decided_by": by}
    await conn.execute(update(conflicts).where(this).values(**chosen))
    return await one(conn, connection_id, conflict_id)


def _wanted(query: Select[Any], connection_id: str, wanted: Filter) -> Select[Any]:
    query = query.where(conflicts.c.connection_id == connection_id)
    if wanted.mapping is not None:
        query = query.where(conflicts.c.mapping == wanted.mapping)
    if wanted.table is not None:
        query = query.where(conflicts.c.table_name == wanted.table)
    return query.where(conflicts.c.state.in_(wanted.states)) if wanted.states else query


def _at(place: Place) -> ColumnElement[bool]:
    return (
        (conflicts.c.connection_id == place.connection_id)
        & (conflicts.c.mapping == place.mapping)
        & (conflicts.c.table_name == place.table)
    )


def _row(place: Place, raised: Raised, now: datetime) -> Mapping[str, object]:
    clash = raised.clash
    name = [place.mapping, place.table, raised.key, clash.property, clash.base, clash.database, clash.notion]
    return {
        "connection_id": place.connection_id,
        "id": digest(name),
        "mapping": place.mapping,
        "table_name": place.table,
        "key": raised.key,
        "property": clash.property,
        "kind": raised.kind,
        "state": State.OPEN if clash.winner is None else State.OVERRULED,
        "winner": clash.winner,
        "times": 1,
        "raised_at": now,
        "ended_at": None if clash.winner is None else now,
        "database_at": clash.database_at,
        "notion_at": clash.notion_at,
        "decided_by": None,
        "page": raised.page,
        "base": clash.base,
        "database": clash.database,
        "notion": clash.notion,
        "value": None,
    }


_NAMES = {"table": "table_name"}


def _conflict(row: RowMapping) -> Conflict:
    plain = {name: row[_NAMES.get(name, name)] for name in Conflict.__dataclass_fields__}
    typed = {
        "state": State(plain["state"]),
        "winner": None if plain["winner"] is None else Take(plain["winner"]),
        "value": from_json(plain["value"]),
    }
    return Conflict(**plain | typed)
