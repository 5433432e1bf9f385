"""``/api/v1/search``: full-text search in what the caller may see; and whether a workspace is indexed."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from syncline.accounts.membership import reachable
from syncline.api.deps import Access, Caller, ServiceOf, Signed, allow
from syncline.api.envelope import Asked, Model, Moment, Success
from syncline.api.errors import answers
from syncline.api.sources import Kind
from syncline.api.syncs import parsed_id
from syncline.core.errors import BadInput, Denied, InvalidId, NotFound
from syncline.core.permission import Permission, allowed, granted
from syncline.engine.search import Hit, find
from syncline.store import search
from syncline.store.search_rank import Filters

__all__ = ["router"]

_MOST: Final = 50
router = APIRouter(tags=["search"])
_INDEX = "/search-index"
_NOTION = "/api/v1/notion"
_WORKSPACE = "/api/v1/notion/workspaces/{workspaceId}"


class Searching(BaseModel):
    """What is looked for, and where."""

    q: str = Field(
        min_length=1,
        max_length=1000,
        description='Words; `"several words"` must stand there like this, `-word` must not, `begin*` begins a word',
    )
    limit: int = Field(default=10, ge=1, le=_MOST)
    type: list[Kind] = Field(default=[], max_length=len(Kind))
    databaseId: str | None = Field(default=None, max_length=500, description="Only rows of this data source")  # noqa: N815 - the contract's name
    editedAfter: AwareDatetime | None = None  # noqa: N815 - as above
    editedBefore: AwareDatetime | None = None  # noqa: N815 - as above

    def filters(self) -> Filters:
        """The same as the store takes it. Raises BadInput for an id that is none."""
        return Filters(
            kinds=tuple(self.type),
            stream=parsed_id(self.databaseId) if self.databaseId else None,
            after=self.editedAfter,
            before=self.editedBefore,
        )


class Fragment(Model):
    """A stretch of a passage; `match` where it is what was looked for."""

    text: str
    match: bool


class SearchHit(Model):
    """A document, by its best chunk. `url` leads to the block where the chunk begins."""

    workspace_id: str
    source_id: str
    type: Kind
    title: str = Field(examples=["Engineering Handbook"])
    url: str
    page_url: str
    heading_path: list[str] = Field(examples=[["Deployment", "Rollback"]])
    fragments: list[Fragment]
    text: str = Field(description="The whole chunk")
    chunk_id: str
    block_ids: list[str]
    last_modified_in_source: Moment | None
    score: float = Field(description="Higher is better, within one answer")


class SearchResults(Model):
    """Documents, the best first. `method` says how they were found."""

    query: str
    method: str = Field(examples=["full_text"])
    results: list[SearchHit]


class IndexState(Model):
    """Whether a workspace is indexed, and how far that is."""

    enabled: bool
    chunks: int
    waiting: int = Field(description="Changes that are not in the index yet")


class SwitchingIndex(Asked):
    """Whether the workspace is to be indexed. Off, its index is dropped; on again, it is made anew."""

    workspace_id: str | None = None
    enabled: bool


@router.get("/api/v1/search", responses=answers(BadInput, InvalidId, NotFound, Denied))
async def search_documents(
    service: ServiceOf,
    caller: Signed,
    asked: Annotated[Searching, Query()],
    workspaceId: Annotated[str | None, Query(max_length=64)] = None,  # noqa: N803 - the contract's name
) -> Success[SearchResults]:
    """Full-text search in all workspaces that the caller may query, or in one of them."""
    within = await _within(service, caller, workspaceId)
    hits = await find(service.app, within, asked.q, limit=asked.limit, filters=asked.filters())
    results = [_hit(one) for one in hits]
    return Success(data=SearchResults(query=asked.q, method="full_text", results=results))


async def _within(service: ServiceOf, caller: Caller, named: str | None) -> list[str]:
    """The workspaces to search. Raises Denied for a key without the scope, NotFound for a workspace that is not the caller's."""
    if not granted(caller.scopes, Permission.QUERY):
        raise Denied("The API key has no scope for this.", details={"permission": Permission.QUERY})
    mine = [one.id for one, role in await reachable(service.app, caller) if allowed(role, Permission.QUERY)]
    if named is not None and named not in mine:
        raise NotFound("There is no such workspace.")
    return mine if named is None else [named]


@router.get(f"{_NOTION}{_INDEX}")
@router.get(f"{_WORKSPACE}{_INDEX}")
async def index_state(
    service: ServiceOf, access: Annotated[Access, allow(Permission.VIEW_SOURCES)]
) -> Success[IndexState]:
    """Whether the workspace is indexed, and how far that is."""
    return Success(data=await _state(service, access.connection.id))


@router.patch(f"{_NOTION}{_INDEX}")
@router.patch(f"{_WORKSPACE}{_INDEX}")
async def switch_index(
    service: ServiceOf,
    access: Annotated[Access, allow(Permission.EDIT_SETTINGS)],
    asked: SwitchingIndex,
) -> Success[IndexState]:
    """Turn indexing on or off."""
    async with service.app.database.begin() as conn:
        await search.switch(conn, access.connection.id, enabled=asked.enabled)
    return Success(data=await _state(service, access.connection.id))


async def _state(service: ServiceOf, connection_id: str) -> IndexState:
    async with service.app.database.read() as conn:
        index = await search.index(conn, connection_id)
        waiting = await search.count_waiting(conn, connection_id, checkpoint=index.checkpoint)
    return IndexState(enabled=index.enabled, chunks=index.chunks, waiting=waiting if index.enabled else 0)


def _hit(one: Hit) -> SearchHit:
    return SearchHit(
        workspace_id=one.connection_id,
        source_id=one.key,
        type=Kind(one.kind),
        title=one.title,
        url=one.url,
        page_url=one.page_url,
        heading_path=list(one.headings),
        fragments=[Fragment(text=piece.text, match=piece.match) for piece in one.passage],
        text=one.text,
        chunk_id=one.chunk,
        block_ids=list(one.blocks),
        last_modified_in_source=one.edited_at,
        score=one.score,
    )
