"""Endpoints: where webhooks go, what they want to hear, and how far they have been told."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import NotFound
from syncline.store.secrets import KeyRing
from syncline.store.tables import connections
from syncline.store.tables_deliveries import attempts, deliveries, endpoints

__all__ = ["Endpoint", "add", "behind", "change", "every", "hold", "one", "remove", "rotate", "secrets"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint. Its secret stays in the store: `secrets` reads it.

    `types` are patterns such as ``record.*``; `streams` the streams whose records are told, all if empty. `event_seq` and `change_seq`
    say how far it has been told, `serial` is the number of its last delivery.
    """

    id: str
    connection_id: str
    url: str
    description: str
    types: tuple[str, ...]
    streams: tuple[str, ...]
    enabled: bool
    disabled_for: str | None
    failing_since: datetime | None
    created_at: datetime
    event_seq: int
    change_seq: int
    serial: int
    previous_until: datetime | None


_COLUMNS = [endpoints.c[field.name] for field in fields(Endpoint)]


async def add(conn: AsyncConnection, endpoint: Endpoint, *, secret: str, ring: KeyRing) -> None:
    """Store an endpoint."""
    row = {column.name: getattr(endpoint, column.name) for column in _COLUMNS}
    await conn.execute(insert(endpoints), row | {"secret": ring.encrypt(secret)})


async def every(conn: AsyncConnection, connection_id: str) -> list[Endpoint]:
    """The endpoints of a connection, oldest first."""
    query = select(*_COLUMNS).where(endpoints.c.connection_id == connection_id)
    query = query.order_by(endpoints.c.created_at, endpoints.c.id)
    return [_endpoint(row) for row in (await conn.execute(query)).mappings()]


async def one(conn: AsyncConnection, endpoint_id: str) -> Endpoint:
    """One endpoint. Raises NotFound."""
    return await _one(conn, endpoint_id, lock=False)


async def hold(conn: AsyncConnection, endpoint_id: str) -> Endpoint:
    """One endpoint, which nobody else changes until this transaction ends. Raises NotFound."""
    return await _one(conn, endpoint_id, lock=True)


async def _one(conn: AsyncConnection, endpoint_id: str, *, lock: bool) -> Endpoint:
    query = select(*_COLUMNS).where(endpoints.c.id == endpoint_id)
    if lock:
        query = query.with_for_update()
    row = (await conn.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such endpoint.")
    return _endpoint(row)


async def behind(conn: AsyncConnection) -> Sequence[str]:
    """The enabled endpoints of whose connections there is news."""
    query = (
        select(endpoints.c.id)
        .join(connections, connections.c.id == endpoints.c.connection_id)
        .where(
            endpoints.c.enabled,
            or_(connections.c.event_seq > endpoints.c.event_seq, connections.c.seq > endpoints.c.change_seq),
        )
    )
    return list(await conn.scalars(query))


async def change(conn: AsyncConnection, endpoint_id: str, **values: Any) -> None:
    """Replace some fields."""
    await conn.execute(update(endpoints).where(endpoints.c.id == endpoint_id).values(**values))


async def rotate(
    conn: AsyncConnection, endpoint_id: str, *, secret: str, ring: KeyRing, now: datetime, both: timedelta
) -> None:
    """Give an endpoint a new secret; what it is sent is signed with the old one as well for a while."""
    values = {
        "previous": endpoints.c.secret,
        "previous_until": now + both,
        "secret": ring.encrypt(secret),
    }
    await conn.execute(update(endpoints).where(endpoints.c.id == endpoint_id).values(**values))


async def secrets(conn: AsyncConnection, endpoint_id: str, *, ring: KeyRing, now: datetime) -> list[str]:
    """What deliveries are signed with now: the secret, and the one before while that is still good."""
    columns = (endpoints.c.secret, endpoints.c.previous, endpoints.c.previous_until)
    row = (await conn.execute(select(*columns).where(endpoints.c.id == endpoint_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such endpoint.")
    known = [ring.decrypt(row.secret)]
    if row.previous is not None and row.previous_until is not None and now < row.previous_until:
        known.append(ring.decrypt(row.previous))
    return known


async def remove(conn: AsyncConnection, endpoint_id: str) -> None:
    """Forget an endpoint and all that it was sent. Raises NotFound."""
    await hold(conn, endpoint_id)  # first, as those who write down an attempt do
    mine = select(deliveries.c.id).where(deliveries.c.endpoint_id == endpoint_id)
    await conn.execute(delete(attempts).where(attempts.c.delivery_id.in_(mine)))
    await conn.execute(delete(deliveries).where(deliveries.c.endpoint_id == endpoint_id))
    await conn.execute(delete(endpoints).where(endpoints.c.id == endpoint_id))


def _endpoint(row: RowMapping) -> Endpoint:
    return Endpoint(**{**row, "types": tuple(row["types"]), "streams": tuple(row["streams"])})
