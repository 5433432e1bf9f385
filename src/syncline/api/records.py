"""``/api/v1/records``: what the store holds, in the order of its changes, from a cursor on.

A cursor is a place in the change sequence of one workspace, opaque to clients. Whoever goes on behind the last one gets every record
that changed since, in its latest state. ``format=nango`` answers in the shape that clients of Nango read
(https://nango.dev/docs/reference/api/sync/records-list).
"""

import base64
import binascii
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import Field

from syncline.api.deps import Access, ServiceOf, allow
from syncline.api.envelope import Asked, Model, Moment, Success, Time, moment
from syncline.api.errors import answers
from syncline.api.service import Service
from syncline.core.errors import BadInput, Gone
from syncline.core.model import Action, Deletion, Kind
from syncline.core.permission import Permission
from syncline.store import changes
from syncline.store.changes import Filter, Listed
from syncline.store.types import dump

__all__ = ["decode", "encode", "router"]

NDJSON: Final = "application/x-ndjson"
_MOST_IDS = 100
_MOST = 1000
_BATCH = 200
"""Records that a stream holds in memory."""

router = APIRouter(prefix="/api/v1/records", tags=["records"])


class Record(Model):
    """One record: its latest state, and what last happened to it."""

    id: str = Field(description="Notion's id", examples=["2f26ee68-df30-4251-aad4-8ddc420cba3d"])
    kind: Kind
    stream: str = Field(
        description="The data source of a row, else the plural of its kind", examples=["pages"]
    )
    title: str
    parent_id: str | None = Field(description="What it hangs below")
    edited_at: Moment | None = Field(description="When Notion says that it was edited")
    content_hash: str | None = Field(description="Changes with the content of a page")
    first_seen_at: Moment
    last_modified_at: Moment = Field(description="When we stored its last change")
    last_action: Action
    deleted_at: Moment | None
    deletion: Deletion | None = Field(description="Why it counts as deleted")
    pruned_at: Moment | None = Field(description="When its data was given up; it is empty then")
    cursor: str = Field(description="The place behind this record")
    data: dict[str, Any] = Field(description="The object as Notion sent it")


class Records(Model):
    """A part of the change sequence."""

    records: list[Record]
    next_cursor: str = Field(description="The place to go on from, now or later")
    has_more: bool = Field(description="Whether there is more now")


class NangoRecords(Model):
    """The same in Nango's shape: each record is its data with `_nango_metadata`; `next_cursor` is null at the end."""

    records: list[dict[str, Any]]
    next_cursor: str | None = Field(alias="next_cursor")


class Pruning(Asked):
    """What to give up: the data of records that last changed up to a cursor."""

    workspace_id: str | None = None
    until_cursor: str
    stream: str | None = Field(default=None, description="Only this stream")
    limit: int = Field(default=1000, ge=1, le=10_000)


class Pruned(Model):
    """How many records were pruned, and whether there are more."""

    count: int
    has_more: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """One listing that was asked for."""

    wanted: Filter
    after: int
    nango: bool


def encode(connection_id: str, seq: int) -> str:
    """The cursor behind a change."""
    return base64.urlsafe_b64encode(f"{connection_id}:{seq}".encode()).decode().rstrip("=")


def decode(connection_id: str, cursor: str | None) -> int:
    """The change number of a cursor; 0 without one. Raises BadInput for what is no cursor of the connection."""
    if cursor is None:
        return 0
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode(
            "ascii"
        )
    except (binascii.Error, ValueError):
        text = ""
    owner, _, seq = text.rpartition(":")
    if owner != connection_id or not seq.isdecimal() or len(seq) > 18:
        raise BadInput("This is no cursor of this workspace.", details={"field": "cursor"})
    return int(seq)


_LISTING: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The records. As `application/x-ndjson`, where asked for: one a line, all there are.",
        "content": {NDJSON: {"schema": {"type": "string"}}},
        "headers": {
            "X-Next-Cursor": {
                "description": "Of a stream: the place to go on from",
                "schema": {"type": "string"},
            }
        },
    }
}


@router.get("", response_model=Success[Records] | NangoRecords, responses=_LISTING | answers(Gone))
async def list_records(  # noqa: PLR0913 - each is a parameter of the query
    request: Request,
    service: ServiceOf,
    access: Annotated[Access, allow(Permission.VIEW_SOURCES)],
    *,
    cursor: Annotated[str | None, Query(max_length=200, description="Go on behind this place")] = None,
    limit: Annotated[int | None, Query(ge=1, le=_MOST, description="100, or all as NDJSON")] = None,
    filter_: Annotated[
        str, Query(alias="filter", max_length=100, description="added, updated, deleted")
    ] = "",
    kind: Annotated[list[Kind], Query(description="Only these kinds")] = [],  # noqa: B006 - FastAPI copies it
    stream: Annotated[list[str], Query(max_length=100, description="Only these streams")] = [],  # noqa: B006 - as above
    model: Annotated[list[str], Query(max_length=100, description="The same, by Nango's name")] = [],  # noqa: B006 - as above
    ids: Annotated[
        list[str], Query(description="Only these ids, at most 100, also separated by commas")
    ] = [],  # noqa: B006 - as above
    modified_after: Annotated[Time | None, Query(alias="modifiedAfter")] = None,
    format_: Annotated[Literal["syncline", "nango"], Query(alias="format")] = "syncline",
) -> Response:
    """Records in the order of their changes, from a cursor on."""
    connection_id = access.connection.id
    wanted = Filter(
        actions=_actions(filter_),
        kinds=tuple(kind),
        streams=(*stream, *model),
        keys=_keys(ids),
        modified_after=modified_after,
    )
    asked = _Asked(wanted, decode(connection_id, cursor), nango=format_ == "nango")
    async with service.app.database.read() as conn:
        head = await changes.head(conn, connection_id)
        if not (await changes.floor(conn, connection_id) <= asked.after <= head or asked.after == 0):
            raise Gone(
                "Deletions behind this cursor were forgotten: list from the start, and drop what is not listed."
            )
    if NDJSON in request.headers.get("accept", ""):
        headers = {} if limit else {"X-Next-Cursor": encode(connection_id, head)}
        lines = _lines(service, connection_id, asked, upto=head, limit=limit)
        return StreamingResponse(lines, media_type=NDJSON, headers=headers)
    return await _page(service, connection_id, asked, limit=limit or 100)


@router.patch("/prune")
async def prune_records(
    service: ServiceOf, access: Annotated[Access, allow(Permission.EDIT_SETTINGS)], asked: Pruning
) -> Success[Pruned]:
    """Give up the data of records that were read up to a cursor. Their hashes stay, so that unchanged ones stay unchanged."""
    connection_id = access.connection.id
    async with service.app.database.begin() as conn:
        count = await changes.prune(
            conn,
            connection_id,
            upto=decode(connection_id, asked.until_cursor),
            streams=[asked.stream] if asked.stream else [],
            limit=asked.limit,
            now=service.app.now(),
        )
    return Success(data=Pruned(count=count, has_more=count == asked.limit), message="Records pruned")


async def _page(service: Service, connection_id: str, asked: _Asked, *, limit: int) -> Response:
    async with service.app.database.read() as conn:
        head = await changes.head(conn, connection_id)
        found = await changes.listed(conn, connection_id, asked.wanted, after=asked.after, limit=limit + 1)
    more, found = len(found) > limit, found[:limit]
    upto = encode(connection_id, found[-1].record.seq if more else head)
    shown = [_shown(one, connection_id, nango=asked.nango) for one in found]
    body: dict[str, Any] = {"records": shown, "next_cursor": upto if more else None}
    if not asked.nango:
        body = {"status": "success", "data": {"records": shown, "nextCursor": upto, "hasMore": more}}
    return Response(dump(body), media_type="application/json")


async def _lines(
    service: Service, connection_id: str, asked: _Asked, *, upto: int, limit: int | None
) -> AsyncIterator[bytes]:
    """Every record of a listing, one a line. What changes meanwhile goes behind `upto`, and is no part of it."""
    after, left = asked.after, limit
    while left is None or left > 0:
        count = _BATCH if left is None else min(_BATCH, left)
        async with service.app.database.read() as conn:
            found = await changes.listed(
                conn, connection_id, asked.wanted, after=after, upto=upto, limit=count
            )
        yield "".join(f"{dump(_shown(one, connection_id, nango=asked.nango))}\n" for one in found).encode()
        if len(found) < count:
            return
        after = found[-1].record.seq
        left = None if left is None else left - len(found)


def _shown(one: Listed, connection_id: str, *, nango: bool) -> dict[str, Any]:
    return (_as_nango if nango else _as_ours)(one, encode(connection_id, one.record.seq))


def _as_ours(one: Listed, cursor: str) -> dict[str, Any]:
    record = one.record
    return {
        "id": record.key,
        "kind": record.kind,
        "stream": record.stream,
        "title": record.title,
        "parentId": record.place,
        "editedAt": record.edited_at and moment(record.edited_at),
        "contentHash": record.content_hash,
        "firstSeenAt": moment(record.first_seen_at),
        "lastModifiedAt": moment(record.changed_at),
        "lastAction": record.action,
        "deletedAt": record.deleted_at and moment(record.deleted_at),
        "deletion": record.deletion,
        "prunedAt": one.pruned_at and moment(one.pruned_at),
        "cursor": cursor,
        "data": record.data,
    }


def _as_nango(one: Listed, cursor: str) -> dict[str, Any]:
    record = one.record
    metadata = {
        "first_seen_at": moment(record.first_seen_at),
        "last_modified_at": moment(record.changed_at),
        "last_action": record.action.upper(),
        "deleted_at": record.deleted_at and moment(record.deleted_at),
        "pruned_at": one.pruned_at and moment(one.pruned_at),
        "cursor": cursor,
    }
    return {**record.data, "id": record.key, "_nango_metadata": metadata}


def _actions(text: str) -> tuple[Action, ...]:
    known = {action.value: action for action in (Action.ADDED, Action.UPDATED, Action.DELETED)}
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    if unknown := [word for word in words if word not in known]:
        raise BadInput(f"filter: {unknown[0]!r} is none of {', '.join(known)}.", details={"field": "filter"})
    return tuple(known[word] for word in words)


def _keys(ids: list[str]) -> tuple[str, ...]:
    keys = tuple(key for text in ids for key in text.split(",") if key)
    if len(keys) > _MOST_IDS:
        raise BadInput(f"ids: at most {_MOST_IDS} at once.", details={"field": "ids"})
    return keys
