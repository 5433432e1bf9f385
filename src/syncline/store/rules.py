"""Rules: what they wait for, whom they tell, and the rows as they saw them last."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import orjson
from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import NotFound
from syncline.core.model import Kind, StoredRecord
from syncline.core.rules import Channel, ChannelKind, Row, Rule, Trigger
from syncline.store.secrets import KeyRing
from syncline.store.stored import STORED, stored_record
from syncline.store.tables import chunks, connections, records, upsert
from syncline.store.tables_rules import notifications, rules, watched

__all__ = [
    "add",
    "behind",
    "change",
    "channels",
    "every",
    "hold",
    "newest",
    "of_trigger",
    "one",
    "remember",
    "remove",
    "saw",
]

_COLUMNS = [rules.c[field.name] for field in fields(Rule)]


async def add(conn: AsyncConnection, rule: Rule, told: Sequence[Channel], *, ring: KeyRing) -> None:
    """Store a rule."""
    row = {column.name: getattr(rule, column.name) for column in _COLUMNS}
    await conn.execute(insert(rules), row | {"channels": _sealed(told, ring)})


async def every(conn: AsyncConnection, connection_id: str) -> list[Rule]:
    """The rules of a connection, oldest first."""
    query = select(*_COLUMNS).where(rules.c.connection_id == connection_id)
    query = query.order_by(rules.c.created_at, rules.c.id)
    return [_rule(row) for row in (await conn.execute(query)).mappings()]


async def of_trigger(conn: AsyncConnection, connection_id: str, trigger: Trigger) -> list[str]:
    """The ids of a connection's enabled rules that wait for one thing."""
    mine = (rules.c.connection_id == connection_id) & (rules.c.trigger == trigger) & rules.c.enabled
    return list(await conn.scalars(select(rules.c.id).where(mine).order_by(rules.c.id)))


async def one(conn: AsyncConnection, rule_id: str) -> Rule:
    """One rule. Raises NotFound."""
    return await _one(conn, rule_id, lock=False)


async def hold(conn: AsyncConnection, rule_id: str) -> Rule:
    """One rule, which nobody else changes until this transaction ends. Raises NotFound."""
    return await _one(conn, rule_id, lock=True)


async def _one(conn: AsyncConnection, rule_id: str, *, lock: bool) -> Rule:
    query = select(*_COLUMNS).where(rules.c.id == rule_id)
    if lock:
        query = query.with_for_update()
    row = (await conn.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such rule.")
    return _rule(row)


async def behind(conn: AsyncConnection) -> Sequence[str]:
    """The rules about rows of whose connections there are changes they have not seen."""
    query = (
        select(rules.c.id)
        .join(connections, connections.c.id == rules.c.connection_id)
        .where(rules.c.trigger != Trigger.ALERT, connections.c.seq > rules.c.change_seq)
        .order_by(rules.c.id)
    )
    return list(await conn.scalars(query))


async def change(
    conn: AsyncConnection,
    rule_id: str,
    *,
    told: Sequence[Channel] | None = None,
    ring: KeyRing | None = None,
    **values: Any,
) -> None:
    """Replace some fields; with `told`, for which it takes the `ring`, the channels."""
    if told is not None and ring is not None:
        values["channels"] = _sealed(told, ring)
    if values:
        await conn.execute(update(rules).where(rules.c.id == rule_id).values(**values))


async def channels(conn: AsyncConnection, rule_id: str, *, ring: KeyRing) -> list[Channel]:
    """Whom a rule tells. Raises NotFound."""
    sealed = await conn.scalar(select(rules.c.channels).where(rules.c.id == rule_id))
    if sealed is None:
        raise NotFound("There is no such rule.")
    return [
        Channel(ChannelKind(one["kind"]), one["target"], one["secret"])
        for one in orjson.loads(ring.decrypt(sealed))
    ]


async def remove(conn: AsyncConnection, rule_id: str) -> None:
    """Forget a rule with all that it saw and told. Raises NotFound."""
    await hold(conn, rule_id)  # first, as those who send what it tells do
    for table in (watched, notifications):
        await conn.execute(delete(table).where(table.c.rule_id == rule_id))
    await conn.execute(delete(rules).where(rules.c.id == rule_id))


async def saw(conn: AsyncConnection, rule_id: str, keys: Sequence[str]) -> dict[str, Row]:
    """Rows as a rule saw them last, by key; nothing for one that it does not know."""
    found: dict[str, Row] = {}
    for part in chunks(keys):
        query = select(watched.c.key, watched.c.held, watched.c.content)
        query = query.where(watched.c.rule_id == rule_id, watched.c.key.in_(part))
        for row in await conn.execute(query):
            content = None if row.content is None else (row.content[0], row.content[1])
            found[row.key] = Row(row.held, content)
    return found


async def remember(conn: AsyncConnection, rule: Rule, seen: Mapping[str, Row | None]) -> None:
    """Keep rows as the rule has seen them now; None is a row that is gone."""
    gone = [key for key, row in seen.items() if row is None]
    for part in chunks(gone):
        await conn.execute(delete(watched).where(watched.c.rule_id == rule.id, watched.c.key.in_(part)))
    rows = [
        {
            "rule_id": rule.id,
            "key": key,
            "connection_id": rule.connection_id,
            "held": dict(row.values),
            "content": None if row.content is None else list(row.content),
        }
        for key, row in seen.items()
        if row is not None
    ]
    if rows:
        await conn.execute(upsert(conn, watched), rows)


async def newest(conn: AsyncConnection, connection_id: str, stream: str | None) -> StoredRecord | None:
    """The row of a stream, or of any, that changed last."""
    query = STORED.where(
        records.c.connection_id == connection_id,
        records.c.kind == Kind.PAGE,
        records.c.deleted_at.is_(None),
    )
    if stream is not None:
        query = query.where(records.c.stream == stream)
    row = (await conn.execute(query.order_by(records.c.seq.desc()).limit(1))).mappings().first()
    return None if row is None else stored_record(row)


def _sealed(told: Sequence[Channel], ring: KeyRing) -> bytes:
    return ring.encrypt(orjson.dumps([asdict(one) for one in told]).decode())


def _rule(row: RowMapping) -> Rule:
    return Rule(**{**row, "trigger": Trigger(row["trigger"])})
