"""What was said to Notion, and the runs it was said for (``/api/v1/logs``, ``/api/v1/operations``)."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from syncline.api.deps import Access, ServiceOf, allow
from syncline.api.envelope import Asked, Model, Moment, Success, Time
from syncline.api.errors import answers
from syncline.core.errors import BadInput, NotFound
from syncline.core.permission import Permission
from syncline.core.surrogates import legible
from syncline.engine.journal import as_curl
from syncline.engine.kinds import SERVED
from syncline.store import exchanges, runs
from syncline.store.exchanges import Exchange, Filter
from syncline.store.runs import Run

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["logs"])

Managing = Annotated[Access, allow(Permission.MANAGE_SYNC)]
_NUMBER = r"^[0-8]?\d{1,18}$"
"""What a database holds as a whole number."""
STATUS = r"^([1-5]\d\d|[1-5]xx|error)$"


class LogsAsked(Asked):
    """Which requests are wanted."""

    workspace_id: str | None = None
    limit: int = Field(default=100, ge=1, le=500)
    cursor: str | None = Field(default=None, pattern=_NUMBER)
    run_id: str | None = None
    operation: str | None = None
    status: str | None = Field(
        default=None, pattern=STATUS, description="404, 4xx or error", examples=["4xx"]
    )
    search: str | None = Field(default=None, max_length=200, description="In paths, errors and request ids")
    since: Time | None = None
    until: Time | None = None


class Logged(Model):
    """One request to Notion and its answer. `id` is a number in text: it is larger than JavaScript's numbers."""

    id: str = Field(examples=["1795176000000000123"])
    run_id: str | None = Field(examples=["0b6c7c4f6a0e4f5e9f5d5b8e5b0e6a11"])
    at: Moment
    operation: str = Field(examples=["blocks.children"])
    method: str = Field(examples=["GET"])
    path: str = Field(examples=["/v1/blocks/153104cd-477e-809d-8dc4-ff2d96ae3090/children?page_size=100"])
    attempt: int = Field(examples=[1])
    lane: str = Field(examples=["incremental"])
    duration: int = Field(examples=[212], description="Milliseconds on the wire")
    status: int | None = Field(examples=[200], description="None where no answer came")
    request_id: str | None = Field(
        examples=["25ae7b25-4bf1-4a1e-8d1e-5d1f2c5d4b1a"], description="Notion's own"
    )
    code: str | None = Field(examples=[None])
    message: str | None = Field(examples=[None])


class LoggedList(Model):
    """Requests, newest first. `next_cursor` leads to older ones."""

    logs: list[Logged]
    next_cursor: str | None = Field(examples=["1795176000000000123"])


class LoggedWhole(Logged):
    """One request with its bodies, where they are kept (``SYNCLINE_LOG_REQUESTS=bodies``), and as a command of curl."""

    sent: Any = Field(examples=[None])
    answer: Any = Field(examples=[None])
    curl: str = Field(
        examples=['curl -X GET https://api.notion.com/v1/users/me -H "Authorization: Bearer $NOTION_TOKEN"']
    )


class Operation(Model):
    """One run: what it was, for whom, how it went and what it cost."""

    id: str
    kind: str = Field(examples=["pull"])
    mode: str | None = Field(examples=["incremental"])
    state: str = Field(examples=["succeeded"])
    requested_by: str = Field(examples=["schedule"])
    queued_at: Moment
    started_at: Moment
    ended_at: Moment | None
    duration: int | None = Field(examples=[1200], description="Milliseconds")
    pages: dict[str, int]
    requests: dict[str, int]
    error: dict[str, Any] | None


class OperationList(Model):
    """Runs, newest first. `next_cursor` leads to older ones."""

    operations: list[Operation]
    next_cursor: str | None


@router.get("/logs", responses=answers(BadInput))
async def logs(
    service: ServiceOf, access: Managing, asked: Annotated[LogsAsked, Query()]
) -> Success[LoggedList]:
    """The requests to Notion that were made for a workspace."""
    wanted = Filter(
        connection_ids=[access.connection.id],
        run_id=asked.run_id,
        operation=asked.operation,
        status=asked.status,
        text=asked.search,
        since=asked.since,
        until=asked.until,
    )
    before = int(asked.cursor) if asked.cursor else None
    async with service.app.database.read() as conn:
        found = await exchanges.listing(conn, wanted, limit=asked.limit, before=before)
    more = str(found[-1].id) if len(found) == asked.limit else None
    return Success(data=LoggedList(logs=[_logged(one) for one in found], next_cursor=more))


@router.get("/logs/{logId}", responses=answers(NotFound))
async def log(
    service: ServiceOf, access: Managing, log_id: Annotated[str, Path(alias="logId", pattern=_NUMBER)]
) -> Success[LoggedWhole]:
    """One request, with its bodies where they are kept."""
    async with service.app.database.read() as conn:
        found = await exchanges.one(conn, int(log_id))
    if found.connection_id != access.connection.id:
        raise NotFound("There is no such request in the log.")
    connection = access.connection
    whole = LoggedWhole(
        **_logged(found).model_dump(),
        sent=legible(found.sent),
        answer=legible(found.answer),
        curl=as_curl(found, connection.base_url, connection.notion_version),
    )
    return Success(data=whole)


@router.get("/operations", responses=answers(BadInput))
async def operations(
    service: ServiceOf,
    access: Annotated[Access, allow(Permission.VIEW_SOURCES)],
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
    kind: str | None = None,
) -> Success[OperationList]:
    """The runs of a workspace of every kind."""
    kinds = list(SERVED) if kind is None else [kind]
    async with service.app.database.read() as conn:
        found = await runs.latest(
            conn, access.connection.id, limit=limit, kinds=kinds, before=_place(cursor) if cursor else None
        )
    more = f"{found[-1].started_at.isoformat()}~{found[-1].id}" if len(found) == limit else None
    return Success(data=OperationList(operations=[_operation(run) for run in found], next_cursor=more))


def _place(cursor: str) -> tuple[datetime, str]:
    at, _, run_id = cursor.partition("~")
    try:
        return datetime.fromisoformat(at), run_id
    except ValueError:
        raise BadInput("cursor: this is none of ours.", details={"field": "cursor"}) from None


def _logged(one: Exchange) -> Logged:
    return Logged(
        id=str(one.id),
        run_id=one.run_id,
        at=one.at,
        operation=one.operation,
        method=one.method,
        path=one.path,
        attempt=one.attempt,
        lane=one.lane,
        duration=round(one.seconds * 1000),
        status=one.status,
        request_id=one.request_id,
        code=one.code,
        message=one.message,
    )


def _operation(run: Run) -> Operation:
    ended = run.ended_at
    return Operation(
        id=run.id,
        kind=run.kind,
        mode=run.mode,
        state=run.state,
        requested_by=run.requested_by,
        queued_at=run.queued_at,
        started_at=run.started_at,
        ended_at=ended,
        duration=None if ended is None else round((ended - run.started_at).total_seconds() * 1000),
        pages=dict(run.pages),
        requests=dict(run.requests),
        error=None if run.error is None else dict(run.error),
    )
