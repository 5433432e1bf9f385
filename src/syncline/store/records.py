"""Records: the latest state of everything that was read, and the log of changes made from it.

Each change of a record gives it the next number of its connection's change sequence. `changes` reads the log: since a
record keeps its newest number only, the log never grows beyond the number of records.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Update, bindparam, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Action, Deletion, Kind, Record, StoredRecord
from syncline.store import connections, tables
from syncline.store.stored import STORED, stored_record
from syncline.store.tables import chunks, place, records

__all__ = [
    "Key",
    "adopt",
    "changes",
    "children",
    "count_live",
    "delete",
    "descendants",
    "find",
    "holds",
    "parents",
    "places",
    "search_title",
    "tally",
    "titles",
    "touch",
    "unseen",
    "upsert",
]

Key: TypeAlias = tuple[Kind, str]
"""What identifies a record within a connection."""

_Row: TypeAlias = dict[str, Any]


async def upsert(
    conn: AsyncConnection, connection_id: str, found: Sequence[Record], *, run_id: str | None, now: datetime
) -> dict[Key, Action]:
    """Store what a source found and say what that did to each record.

    Records are compared by hash. One that is new, or was a tombstone, is ADDED; one with another hash is UPDATED; both get a
    new change number. An UNCHANGED one only notes `run_id` (as `seen_in`) and a newer `edited_at`. A new `parent` clears
    `home`. Of two records with the same key the last counts. Raises NotFound if the connection is gone.
    """
    batch = {(record.kind, record.key): record for record in found}
    if not batch:
        return {}
    await connections.hold(conn, connection_id)
    held = await _held(conn, connection_id, list(batch))
    actions = {key: _action(record, held.get(key)) for key, record in batch.items()}
    changed = [key for key, action in actions.items() if action is not Action.UNCHANGED]
    if changed:
        first = await connections.advance(conn, connection_id, len(changed))
        rows = [
            _row(batch[key], held.get(key), run_id=run_id, now=now)
            | {"connection_id": connection_id, "seq": seq, "action": actions[key]}
            for seq, key in enumerate(changed, first)
        ]
        await conn.execute(tables.upsert(conn, records), rows)
    unchanged = [(batch[key], held[key]) for key, action in actions.items() if action is Action.UNCHANGED]
    await _confirm(conn, connection_id, unchanged, run_id=run_id)
    return actions


def _action(record: Record, held: _Row | None) -> Action:
    if held is None or held["deleted_at"] is not None:
        return Action.ADDED
    return Action.UNCHANGED if held["hash"] == record.hash else Action.UPDATED


def _row(record: Record, held: _Row | None, *, run_id: str | None, now: datetime) -> dict[str, Any]:
    """The columns of a new or changed record, but for what the log adds."""
    before = held or {
        "first_seen_at": now,
        "deleted_at": now,
        "parent": None,
        "home": None,
        "seen_in": None,
    }
    return {
        "kind": record.kind,
        "key": record.key,
        "stream": record.stream,
        "hash": record.hash,
        "parent": record.parent,
        "home": before["home"] if before["parent"] == record.parent else None,
        "edited_at": record.edited_at,
        "first_seen_at": before["first_seen_at"],
        "added_at": before["added_at"] if before["deleted_at"] is None else now,
        "changed_at": now,
        "deleted_at": None,
        "deletion": None,
        "seen_in": run_id or before["seen_in"],
        "title": record.title,
        "folded": record.title.casefold(),
        "data": dict(record.data),
    }


async def _confirm(
    conn: AsyncConnection,
    connection_id: str,
    pairs: Sequence[tuple[Record, _Row]],
    *,
    run_id: str | None,
) -> None:
    """Note that unchanged records were seen, where that is news."""
    rows = [
        {
            "this_kind": record.kind,
            "this_key": record.key,
            "new_seen_in": run_id or held["seen_in"],
            "new_edited_at": record.edited_at,
        }
        for record, held in pairs
        if held["edited_at"] != record.edited_at or run_id not in {None, held["seen_in"]}
    ]
    if rows:
        values: dict[str, Any] = {
            "seen_in": bindparam("new_seen_in"),
            "edited_at": bindparam("new_edited_at"),
        }
        await conn.execute(_update_one(connection_id).values(**values), rows)


async def delete(
    conn: AsyncConnection, connection_id: str, keys: Sequence[Key], *, reason: Deletion, now: datetime
) -> int:
    """Turn live records into tombstones. Returns how many were live."""
    values = {"action": Action.DELETED, "deleted_at": now, "deletion": reason}
    return await _renumber(conn, connection_id, keys, now=now, values=values)


async def touch(conn: AsyncConnection, connection_id: str, pages: Sequence[str], *, now: datetime) -> int:
    """Log a change of live pages whose content changed. Returns how many there were.

    A page added at the same `now`, that is in the same batch, stays ADDED: nobody has seen it without content.
    """
    keys = [(Kind.PAGE, page) for page in pages]
    return await _renumber(conn, connection_id, keys, now=now, values={"action": _updated(now)})


async def adopt(conn: AsyncConnection, connection_id: str, homes: Mapping[str, str], *, now: datetime) -> int:
    """Note in which page's content records were seen: `homes` has the key of the page under the key of each.

    It counts for live pages, databases and data sources whose `parent` is not that page but a block in it; those for which it is
    news are logged as changed. Returns how many that were.
    """
    if not homes:
        return 0
    await connections.hold(conn, connection_id)
    keys = [(kind, key) for key in homes for kind in _PLACED]
    held = await _held(conn, connection_id, keys)
    moved = [
        {"this_kind": kind, "this_key": key, "new_home": homes[key]}
        for (kind, key), row in held.items()
        if row["deleted_at"] is None and homes[key] not in {row["parent"], row["home"]}
    ]
    values = {"action": _updated(now), "home": bindparam("new_home")}
    await _log(conn, connection_id, moved, now=now, values=values)
    return len(moved)


_PLACED = (Kind.PAGE, Kind.DATABASE, Kind.DATA_SOURCE)


def _updated(now: datetime) -> ColumnElement[str]:
    """The action of a live record that changes at `now`, perhaps not for the first time."""
    fresh = (records.c.action == Action.ADDED) & (records.c.changed_at == now)
    return case((fresh, Action.ADDED), else_=Action.UPDATED)


async def _renumber(
    conn: AsyncConnection,
    connection_id: str,
    keys: Sequence[Key],
    *,
    now: datetime,
    values: Mapping[str, Any],
) -> int:
    """Log the same change of those of `keys` that are live. Returns how many they are."""
    if not keys:
        return 0
    await connections.hold(conn, connection_id)
    held = await _held(conn, connection_id, keys)
    live = [key for key in dict.fromkeys(keys) if key in held and held[key]["deleted_at"] is None]
    rows = [{"this_kind": kind, "this_key": key} for kind, key in live]
    await _log(conn, connection_id, rows, now=now, values=values)
    return len(rows)


async def _log(
    conn: AsyncConnection,
    connection_id: str,
    rows: Sequence[dict[str, Any]],
    *,
    now: datetime,
    values: Mapping[str, Any],
) -> None:
    """Change the record that each of `rows` names and give it the next number."""
    if rows:
        first = await connections.advance(conn, connection_id, len(rows))
        numbered = [row | {"new_seq": seq} for seq, row in enumerate(rows, first)]
        statement = _update_one(connection_id).values(seq=bindparam("new_seq"), changed_at=now, **values)
        await conn.execute(statement, numbered)


def _update_one(connection_id: str) -> Update:
    """An UPDATE of the record whose kind and key are the parameters `this_kind` and `this_key`."""
    return update(records).where(
        _of(connection_id), records.c.kind == bindparam("this_kind"), records.c.key == bindparam("this_key")
    )


async def find(
    conn: AsyncConnection, connection_id: str, kind: Kind, keys: Sequence[str]
) -> dict[str, StoredRecord]:
    """Those of `keys` that are held, tombstones included."""
    found: dict[str, StoredRecord] = {}
    for part in chunks(keys):
        query = STORED.where(_of(connection_id), records.c.kind == kind, records.c.key.in_(part))
        found |= {row["key"]: stored_record(row) for row in (await conn.execute(query)).mappings()}
    return found


async def changes(conn: AsyncConnection, connection_id: str, *, after: int, limit: int) -> list[StoredRecord]:
    """Up to `limit` records changed after the change number `after`, in the order of their changes, tombstones included."""
    query = STORED.where(_of(connection_id), records.c.seq > after).order_by(records.c.seq).limit(limit)
    return [stored_record(row) for row in (await conn.execute(query)).mappings()]


async def unseen(
    conn: AsyncConnection, connection_id: str, run_id: str, *, kinds: Sequence[Kind]
) -> list[Key]:
    """The live records of `kinds` that `run_id` has not seen, by kind and key."""
    query = (
        select(records.c.kind, records.c.key)
        .where(
            _of(connection_id), records.c.kind.in_(kinds), _LIVE, records.c.seen_in.is_distinct_from(run_id)
        )
        .order_by(records.c.kind, records.c.key)
    )
    return [(Kind(kind), key) for kind, key in await conn.execute(query)]


async def holds(conn: AsyncConnection, connection_id: str, kind: Kind) -> bool:
    """Whether any live record of this kind is held; the same work however many there are."""
    query = select(records.c.key).where(_of(connection_id), records.c.kind == kind, _LIVE)
    return await conn.scalar(query.limit(1)) is not None


async def count_live(
    conn: AsyncConnection, connection_id: str, *, kinds: Sequence[Kind] = tuple(Kind)
) -> int:
    """How many live records of `kinds` there are."""
    query = (
        select(func.count()).select_from(records).where(_of(connection_id), records.c.kind.in_(kinds), _LIVE)
    )
    return await conn.scalar(query) or 0


async def tally(
    conn: AsyncConnection, connection_id: str, *, run_id: str, after_seq: int, since: datetime
) -> dict[str, int]:
    """What a run did to pages, each counted once: those it has seen, and those added, updated and deleted.

    `after_seq` is the change number at which the run began, `since` its time. What was added and deleted again counts as deleted.
    """
    logged = records.c.seq > after_seq
    added = _LIVE & logged & (records.c.added_at >= since)
    counted = {
        "seen": records.c.seen_in == run_id,
        "added": added,
        "updated": _LIVE & logged & ~(records.c.added_at >= since),
        "deleted": logged & (records.c.deleted_at >= since),
    }
    columns = [func.count(case((condition, 1))).label(name) for name, condition in counted.items()]
    query = select(*columns).where(_of(connection_id), records.c.kind == Kind.PAGE)
    return dict((await conn.execute(query)).mappings().one())


async def search_title(
    conn: AsyncConnection, connection_id: str, text: str, *, limit: int
) -> list[StoredRecord]:
    """Live records whose title contains `text` in any case: exact titles first, then the last edited."""
    folded = text.casefold()
    query = (
        STORED.where(_of(connection_id), _LIVE, records.c.folded.contains(folded, autoescape=True))
        .order_by(records.c.folded != folded, records.c.edited_at.desc().nulls_last(), records.c.key)
        .limit(limit)
    )
    return [stored_record(row) for row in (await conn.execute(query)).mappings()]


async def titles(conn: AsyncConnection, connection_id: str, pages: Sequence[str]) -> dict[str, str]:
    """The titles of those of `pages` that are held."""
    found: dict[str, str] = {}
    for part in chunks(pages):
        rows = await conn.execute(_TITLES, {"this": connection_id, "keys": list(part)})
        found.update({key: title for key, title in rows})  # noqa: C416 - rows are no pairs to mypy
    return found


_TITLES = select(records.c.key, records.c.title).where(
    records.c.connection_id == bindparam("this"),
    records.c.kind == Kind.PAGE,
    records.c.key.in_(bindparam("keys", expanding=True)),
)


async def children(conn: AsyncConnection, connection_id: str, parents: Sequence[str]) -> list[Key]:
    """The live records directly below `parents` (by StoredRecord.place), by kind and key."""
    below: list[Key] = []
    for part in chunks(parents):
        query = select(records.c.kind, records.c.key).where(_of(connection_id), _LIVE, place.in_(part))
        below += [(Kind(kind), key) for kind, key in await conn.execute(query)]
    return sorted(below)


async def descendants(conn: AsyncConnection, connection_id: str, roots: Sequence[str]) -> list[str]:
    """The keys of the live records below `roots` at any depth. The way down leads through tombstones as well."""
    below: set[str] = set()
    for part in chunks(roots):
        tree = select(records.c.key).where(_of(connection_id), place.in_(part)).cte("tree", recursive=True)
        deeper = select(records.c.key).join(tree, place == tree.c.key).where(_of(connection_id))
        tree = tree.union(deeper)
        query = select(records.c.key).where(_of(connection_id), _LIVE, records.c.key.in_(select(tree.c.key)))
        below.update(await conn.scalars(query))
    return sorted(below)


async def parents(conn: AsyncConnection, connection_id: str, keys: Sequence[str]) -> dict[str, str | None]:
    """The parent that Notion names for each of `keys` that is held."""
    return await _above(conn, connection_id, keys, records.c.parent)


async def places(conn: AsyncConnection, connection_id: str, keys: Sequence[str]) -> dict[str, str | None]:
    """The record that each of `keys` that is held hangs below (by StoredRecord.place)."""
    return await _above(conn, connection_id, keys, place)


async def _above(
    conn: AsyncConnection, connection_id: str, keys: Sequence[str], which: ColumnElement[str | None]
) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for part in chunks(keys):
        query = select(records.c.key, which).where(_of(connection_id), records.c.key.in_(part))
        found.update({key: above for key, above in await conn.execute(query)})  # noqa: C416 - rows are no pairs to mypy
    return found


_LIVE = records.c.deleted_at.is_(None)


def _of(connection_id: str) -> ColumnElement[bool]:
    return records.c.connection_id == connection_id


_DECISIVE = [
    "kind",
    "key",
    "hash",
    "parent",
    "home",
    "edited_at",
    "first_seen_at",
    "added_at",
    "deleted_at",
    "seen_in",
]


async def _held(conn: AsyncConnection, connection_id: str, keys: Sequence[Key]) -> dict[Key, _Row]:
    """What decides about a change of each of `keys`, where it is held."""
    wanted = set(keys)
    kinds = sorted({kind for kind, _ in wanted})
    held: dict[Key, _Row] = {}
    for part in chunks(sorted({key for _, key in wanted})):
        query = select(*(records.c[name] for name in _DECISIVE)).where(
            _of(connection_id), records.c.kind.in_(kinds), records.c.key.in_(part)
        )
        held |= {(Kind(row["kind"]), row["key"]): dict(row) for row in (await conn.execute(query)).mappings()}
    return {key: row for key, row in held.items() if key in wanted}
