"""``/api/v1/mappings/conflicts``: what both sides of a two-way mapping changed, and the decisions of people about it."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import Field

from syncline.api.deps import Access, ServiceOf, allow
from syncline.api.envelope import Asked, Model, Moment, Pagination, Success
from syncline.api.errors import answers
from syncline.core.errors import BadInput, NotFound
from syncline.core.pair import Take
from syncline.core.permission import Permission
from syncline.mapping.conflicts import decide, plain
from syncline.store import conflicts
from syncline.store.conflicts import Filter, State

__all__ = ["router"]

_MOST: Final = 200
router = APIRouter(prefix="/api/v1/mappings/conflicts", tags=["conflicts"])

Viewing = Annotated[Access, allow(Permission.VIEW_SOURCES)]
Writing = Annotated[Access, allow(Permission.WRITE)]


class Conflict(Model):
    """One conflict: a property that both sides changed, or a row that one deleted and the other edited."""

    id: str = Field(examples=["0f6b3c1e8a5d4d0e9f6f4a1d2b3c4d5e"])
    mapping: str = Field(examples=["work"])
    table: str = Field(examples=["tasks"])
    key: str = Field(description="The row's key", examples=["42"])
    property: str | None = Field(description="Null for the row as a whole", examples=["Status"])
    type: str | None = Field(description="The property's type", examples=["select"])
    page_id: str | None
    state: State
    base: Any = Field(description="What both sides agreed on before", examples=["Open"])
    database: Any = Field(description="What the database holds; null is nothing", examples=["Done"])
    notion: Any = Field(description="What Notion holds; null is nothing", examples=["In progress"])
    winner: Take | None = Field(description="Whose value is, or was, taken")
    times: int = Field(ge=1, description="How often it was met")
    raised_at: Moment
    ended_at: Moment | None
    database_changed_at: Moment | None
    notion_edited_at: Moment | None = Field(description="The beginning of a minute")
    decided_by: str | None


class Conflicts(Model):
    """A page of conflicts, newest first."""

    conflicts: list[Conflict]
    pagination: Pagination


class Deciding(Asked):
    """Whose value counts; with `take` ``value``, the third one that both sides are to hold."""

    workspace_id: str | None = None
    take: Take
    value: str | float | bool | list[str] | None = Field(default=None, examples=["Done"])


@router.get("")
async def list_conflicts(
    service: ServiceOf,
    access: Viewing,
    *,
    mapping: Annotated[str | None, Query(max_length=500, description="Only this mapping")] = None,
    table: Annotated[str | None, Query(max_length=500, description="Only this table")] = None,
    state: Annotated[list[State] | None, Query(description="Only these; default: open and decided")] = None,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 50,
) -> Success[Conflicts]:
    """Conflicts of the workspace: those that wait, or the history."""
    states = tuple(state) if state else (State.OPEN, State.DECIDED)
    wanted = Filter(mapping=mapping, table=table, states=states)
    async with service.app.database.read() as conn:
        total = await conflicts.count(conn, access.connection.id, wanted)
        found = await conflicts.listing(
            conn, access.connection.id, wanted, limit=limit, offset=(page - 1) * limit
        )
    shown = [_shown(one) for one in found]
    return Success(
        data=Conflicts(conflicts=shown, pagination=Pagination(page=page, limit=limit, total=total))
    )


@router.get("/{conflictId}", responses=answers(NotFound))
async def show_conflict(
    service: ServiceOf,
    access: Viewing,
    conflictId: str,  # noqa: N803 - the contract's name
) -> Success[Conflict]:
    """One conflict."""
    async with service.app.database.read() as conn:
        found = await conflicts.one(conn, access.connection.id, conflictId)
    return Success(data=_shown(found))


@router.post("/{conflictId}/resolve", responses=answers(NotFound, BadInput))
async def resolve_conflict(
    service: ServiceOf,
    access: Writing,
    asked: Deciding,
    conflictId: str,  # noqa: N803 - the contract's name
) -> Success[Conflict]:
    """Decide a conflict. The next merge writes it, unless one of the two values changes before."""
    async with service.app.database.read() as conn:
        known = await conflicts.one(conn, access.connection.id, conflictId)
    made = await decide(
        service.app,
        access.connection.id,
        known.id,
        asked.take,
        value=asked.value,
        by=access.caller.user_id,
    )
    return Success(data=_shown(made), message="The next merge writes it")


def _shown(one: conflicts.Conflict) -> Conflict:
    return Conflict(
        id=one.id,
        mapping=one.mapping,
        table=one.table,
        key=one.key,
        property=one.property or None,
        type=one.kind or None,
        page_id=one.page,
        state=one.state,
        base=plain(one.base),
        database=plain(one.database),
        notion=plain(one.notion),
        winner=one.winner,
        times=one.times,
        raised_at=one.raised_at,
        ended_at=one.ended_at,
        database_changed_at=one.database_at,
        notion_edited_at=one.notion_at,
        decided_by=one.decided_by,
    )
