"""``/api/v1/dead-letters``: what could not be done and is not tried again by itself: listed, read, tried again, dismissed."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field, StringConstraints

from syncline.api.addresses import Addresses
from syncline.api.deps import Access, ServiceOf, allow
from syncline.api.envelope import Asked, Model, Moment, Pagination, Success
from syncline.api.errors import answers
from syncline.api.service import Service
from syncline.api.syncs import parsed_id
from syncline.core.errors import BadInput, Busy, InvalidId, NotFound
from syncline.core.permission import Permission
from syncline.engine import deadletters
from syncline.engine.deadletters import MOST, Filter, Kind, Letter, Status

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["dead letters"])

_here = Addresses(router, "/dead-letters", "/notion/workspaces/{workspaceId}/dead-letters")

Viewing = Annotated[Access, allow(Permission.VIEW_SOURCES)]
Managing = Annotated[Access, allow(Permission.MANAGE_SYNC)]
LetterId = Annotated[str, Path(min_length=1, max_length=200, description="The id of a dead letter")]
Named = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class DeadLetter(Model):
    """A document, a listing or a run that failed. `code`, `httpStatus` and `requestId` are Notion's, where it answered."""

    id: str = Field(examples=["0f6b3c1e-8a5d-4d0e-9f6f-4a1d2b3c4d5e"])
    kind: Kind
    status: Status
    document_id: str | None = Field(examples=["0f6b3c1e-8a5d-4d0e-9f6f-4a1d2b3c4d5e"])
    block_id: str | None
    title: str = Field(examples=["Engineering Handbook"])
    operation: str = Field(
        description="What failed: content, properties, comments, object, listing; of a run its kind",
        examples=["content"],
    )
    code: str = Field(examples=["object_not_found"])
    message: str
    http_status: int | None = Field(examples=[404])
    request_id: str | None
    job_id: str | None = Field(description="The sync that met it last")
    attempts: int = Field(ge=1, description="How often it failed")
    first_failed_at: Moment | None
    last_failed_at: Moment | None


class DeadLetters(Model):
    """A page of dead letters: runs first, then listings, then documents, each the last met first."""

    dead_letters: list[DeadLetter]
    pagination: Pagination


class OneDeadLetter(Model):
    """One of them."""

    dead_letter: DeadLetter


class Retrying(Model):
    """The sync that tries again, what it tries, and what has to wait for another sync."""

    job_id: str
    retrying: list[str] = Field(examples=[["0f6b3c1e-8a5d-4d0e-9f6f-4a1d2b3c4d5e"]])
    left: list[str] = Field(description="Of what was named: ask for these again once the sync has ended")


class Dismissed(Model):
    """What was put out of sight."""

    dismissed: list[str]


class Choosing(Asked):
    """Which dead letters."""

    workspace_id: str | None = None
    ids: list[Named] = Field(min_length=1, max_length=MOST)


class Retried(Asked):
    """Which dead letters; without `ids` all documents that are pending, a thousand at most."""

    workspace_id: str | None = None
    ids: list[Named] | None = Field(default=None, min_length=1, max_length=MOST)


@_here.route("GET", "", responses=answers(InvalidId))
async def list_dead_letters(
    service: ServiceOf,
    access: Viewing,
    *,
    kind: Kind | None = None,
    status: Annotated[Status | None, Query(description="Default: all but the dismissed ones")] = None,
    documentId: Annotated[str | None, Query(max_length=500, description="Only this page")] = None,  # noqa: N803 - the contract's name
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Success[DeadLetters]:
    """What could not be done and is not tried again by itself."""
    wanted = Filter(kind, status, parsed_id(documentId) if documentId else None)
    async with service.app.database.read() as conn:
        found, total = await deadletters.listed(
            conn, access.connection.id, wanted, limit=limit, offset=(page - 1) * limit
        )
    pagination = Pagination(page=page, limit=limit, total=total)
    return Success(data=DeadLetters(dead_letters=[_shown(one) for one in found], pagination=pagination))


@_here.route("POST", "/retry", status_code=202, responses=answers(NotFound, Busy, BadInput))
async def retry_dead_letters(
    service: ServiceOf, access: Managing, response: Response, asked: Retried | None = None
) -> Success[Retrying]:
    """Try several again, by one sync that reads these documents and nothing else. A page that can be read is no dead letter any more."""
    return await _retry(service, access, response, asked.ids if asked else None)


@_here.route("POST", "/dismiss", responses=answers(NotFound))
async def dismiss_dead_letters(service: ServiceOf, access: Managing, asked: Choosing) -> Success[Dismissed]:
    """Put several out of sight: documents until they fail otherwise, runs until the same fails again."""
    return await _dismiss(service, access, asked.ids)


@_here.route("GET", "/{letterId}", responses=answers(NotFound))
async def show_dead_letter(
    service: ServiceOf,
    access: Viewing,
    letterId: LetterId,  # noqa: N803 - the contract's name
) -> Success[OneDeadLetter]:
    """One of them, dismissed or not."""
    async with service.app.database.read() as conn:
        [found] = await deadletters.named(conn, access.connection.id, [letterId])
    return Success(data=OneDeadLetter(dead_letter=_shown(found)))


@_here.route("POST", "/{letterId}/retry", status_code=202, responses=answers(NotFound, Busy, BadInput))
async def retry_dead_letter(
    service: ServiceOf,
    access: Managing,
    letterId: LetterId,  # noqa: N803 - as above
    response: Response,
) -> Success[Retrying]:
    """Try one again."""
    return await _retry(service, access, response, [letterId])


@_here.route("POST", "/{letterId}/dismiss", responses=answers(NotFound))
async def dismiss_dead_letter(
    service: ServiceOf,
    access: Managing,
    letterId: LetterId,  # noqa: N803 - as above
) -> Success[Dismissed]:
    """Put one out of sight."""
    return await _dismiss(service, access, [letterId])


async def _retry(
    service: Service, access: Access, response: Response, ids: list[str] | None
) -> Success[Retrying]:
    one = access.connection
    tried = await deadletters.retry(service.app, one, ids, requested_by=access.caller.user_id)
    response.headers["Location"] = f"/api/v1/notion/workspaces/{one.id}/syncs/{tried.run.id}"
    data = Retrying(
        job_id=tried.run.id,
        retrying=[letter.id for letter in tried.letters],
        left=[letter.id for letter in tried.left],
    )
    return Success(message="Sync started", data=data)


async def _dismiss(service: Service, access: Access, ids: list[str]) -> Success[Dismissed]:
    gone = await deadletters.dismiss(service.app, access.connection, ids)
    return Success(message="Dismissed", data=Dismissed(dismissed=[letter.id for letter in gone]))


def _shown(letter: Letter) -> DeadLetter:
    return DeadLetter(
        id=letter.id,
        kind=letter.kind,
        status=letter.status,
        title=letter.title,
        attempts=letter.attempts,
        first_failed_at=letter.first_at,
        last_failed_at=letter.last_at,
        **_of_entry(letter),
        **_of_run(letter),
    )


def _of_entry(letter: Letter) -> dict[str, Any]:
    entry = letter.entry
    if entry is None:
        return {}
    return {
        "document_id": entry.page if letter.kind is Kind.DOCUMENT else None,
        "block_id": entry.block,
        "operation": entry.operation,
        "code": entry.code,
        "message": entry.message,
        "http_status": entry.status or None,
        "request_id": entry.request_id,
        "job_id": entry.run_id,
    }


def _of_run(letter: Letter) -> dict[str, Any]:
    run = letter.run
    if run is None:
        return {}
    error = run.error or {}
    return {
        "document_id": None,
        "block_id": None,
        "operation": run.kind,
        "code": str(error.get("kind", "")),
        "message": str(error.get("message", "")),
        "http_status": None,
        "request_id": None,
        "job_id": run.id,
    }
