"""``/api/v1/notion/sources``: the documents of a workspace, how each stands, its chunks, and reading one again."""

from enum import StrEnum
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from syncline.api.deps import Access, ServiceOf, allow
from syncline.api.envelope import Model, Moment, Pagination, Success
from syncline.api.errors import answers
from syncline.api.service import Service
from syncline.api.syncs import parsed_id
from syncline.core.chunk import Shape
from syncline.core.errors import BadInput, Busy, InvalidId, NotFound
from syncline.core.permission import Permission
from syncline.engine.indexing import reindex
from syncline.store import search, sources
from syncline.store.search import StoredChunk
from syncline.store.sources import Source, Status, Wanted

__all__ = ["router"]

_LAST_PAGE: Final = 100_000
router = APIRouter(tags=["sources"])
_NOTION = "/api/v1/notion"
_WORKSPACE = "/api/v1/notion/workspaces/{workspaceId}"

Viewing = Annotated[Access, allow(Permission.VIEW_SOURCES)]
Querying = Annotated[Access, allow(Permission.QUERY)]
Managing = Annotated[Access, allow(Permission.MANAGE_SYNC)]
SourceId = Annotated[str, Path(max_length=500, description="The id of the page, row or database, or its URL")]


class Kind(StrEnum):
    """What a document is: a page of its own, a row of a database, or the database itself."""

    PAGE = "page"
    ROW = "row"
    DATABASE = "database"


Sort = Literal[
    "lastModifiedInSource", "-lastModifiedInSource", "title", "-title", "lastIndexedAt", "-lastIndexedAt"
]


class DocumentSource(Model):
    """A document. `syncStatus` is indexed once all that is known of it has been read and can be searched."""

    id: str = Field(examples=["0f6b3c1e-8a5d-4d0e-9f6f-4a1d2b3c4d5e"])
    source_id: str = Field(
        description="Notion's id; the same", examples=["0f6b3c1e-8a5d-4d0e-9f6f-4a1d2b3c4d5e"]
    )
    title: str = Field(examples=["Engineering Handbook"])
    url: str | None = Field(
        examples=["https://app.notion.com/p/Engineering-Handbook-0f6b3c1e8a5d4d0e9f6f4a1d2b3c4d5e"]
    )
    type: Kind
    parent_id: str | None
    database_id: str | None = Field(description="Of a row: the data source it is in")
    sync_status: Status = Field(examples=[Status.INDEXED])
    chunk_count: int = Field(examples=[25])
    error: str | None = Field(description="Why it could not be read")
    last_modified_in_source: Moment | None
    last_indexed_at: Moment | None


class Sources(Model):
    """A page of the listing."""

    sources: list[DocumentSource]
    pagination: Pagination


class OneSource(Model):
    """One document."""

    source: DocumentSource


class DocumentChunk(Model):
    """A piece of a document. `id` stays as long as the text does; the first of `blockIds` is where it begins."""

    id: str
    ordinal: int
    kind: Shape
    heading_path: list[str] = Field(examples=[["Deployment", "Rollback"]])
    text: str
    block_ids: list[str]


class Chunks(Model):
    """A page of a document's chunks."""

    chunks: list[DocumentChunk]
    pagination: Pagination


class Reindexing(Model):
    """The sync that reads the document again."""

    job_id: str


class Listing(BaseModel):
    """The parameters of a listing of documents."""

    page: int = Field(default=1, ge=1, le=_LAST_PAGE)
    limit: int = Field(default=50, ge=1, le=100)
    status: Status | None = None
    search: str | None = Field(default=None, max_length=200, description="A part of the title")
    sort: Sort = "-lastModifiedInSource"

    def wanted(self, kind: Kind | None) -> Wanted:
        """The same as the store takes it."""
        return Wanted(
            status=self.status,
            type=kind,
            search=self.search,
            sort=self.sort.removeprefix("-"),
            descending=self.sort.startswith("-"),
        )


Asked = Annotated[Listing, Query()]


@router.get(f"{_NOTION}/sources", responses=answers(BadInput))
@router.get(f"{_WORKSPACE}/sources", responses=answers(BadInput))
async def list_sources(
    service: ServiceOf,
    access: Viewing,
    asked: Asked,
    type: Kind | None = None,  # noqa: A002 - the contract's name
) -> Success[Sources]:
    """The documents of a workspace, the last edited first. Deleted ones only where they are asked for by `status`."""
    return await _listed(service, access, asked, type)


@router.get(f"{_NOTION}/pages", responses=answers(BadInput))
@router.get(f"{_WORKSPACE}/pages", responses=answers(BadInput))
async def list_pages(service: ServiceOf, access: Viewing, asked: Asked) -> Success[Sources]:
    """The pages that are no rows."""
    return await _listed(service, access, asked, Kind.PAGE)


@router.get(f"{_NOTION}/databases", responses=answers(BadInput))
@router.get(f"{_WORKSPACE}/databases", responses=answers(BadInput))
async def list_databases(service: ServiceOf, access: Viewing, asked: Asked) -> Success[Sources]:
    """The databases."""
    return await _listed(service, access, asked, Kind.DATABASE)


async def _listed(service: Service, access: Access, asked: Listing, kind: Kind | None) -> Success[Sources]:
    one = access.connection.id
    async with service.app.database.glance() as conn:
        found = await sources.listed(
            conn, one, asked.wanted(kind), limit=asked.limit, offset=(asked.page - 1) * asked.limit
        )
    pagination = Pagination(page=asked.page, limit=asked.limit, total=found.total)
    return Success(data=Sources(sources=[_shown(source) for source in found.sources], pagination=pagination))


@router.get(f"{_NOTION}/sources/{{sourceId}}", responses=answers(InvalidId, NotFound))
@router.get(f"{_WORKSPACE}/sources/{{sourceId}}", responses=answers(InvalidId, NotFound))
async def one_source(service: ServiceOf, access: Viewing, sourceId: SourceId) -> Success[OneSource]:  # noqa: N803 - the contract's name
    """One document, deleted or not."""
    return Success(data=OneSource(source=_shown(await _source(service, access, sourceId))))


@router.get(f"{_NOTION}/sources/{{sourceId}}/chunks", responses=answers(InvalidId, NotFound))
@router.get(f"{_WORKSPACE}/sources/{{sourceId}}/chunks", responses=answers(InvalidId, NotFound))
async def list_chunks(
    service: ServiceOf,
    access: Querying,
    sourceId: SourceId,  # noqa: N803 - the contract's name
    page: Annotated[int, Query(ge=1, le=_LAST_PAGE)] = 1,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Success[Chunks]:
    """The chunks of a document in reading order."""
    source = await _source(service, access, sourceId)
    async with service.app.database.glance() as conn:
        held = await search.document_chunks(
            conn, access.connection.id, (source.kind, source.key), limit=limit, offset=(page - 1) * limit
        )
    pagination = Pagination(page=page, limit=limit, total=source.chunks)
    return Success(data=Chunks(chunks=[_chunk(one) for one in held], pagination=pagination))


@router.post(
    f"{_NOTION}/sources/{{sourceId}}/reindex", status_code=202, responses=answers(InvalidId, NotFound, Busy)
)
@router.post(
    f"{_WORKSPACE}/sources/{{sourceId}}/reindex",
    status_code=202,
    responses=answers(InvalidId, NotFound, Busy),
)
async def reindex_source(
    service: ServiceOf,
    access: Managing,
    sourceId: SourceId,  # noqa: N803 - the contract's name
    response: Response,
) -> Success[Reindexing]:
    """Read a document again and index it anew, whether or not it changed. Until that is done it is found as it was."""
    source = await _source(service, access, sourceId)
    run = await reindex(
        service.app, access.connection, (source.kind, source.key), requested_by=access.caller.user_id
    )
    response.headers["Location"] = f"{_NOTION}/workspaces/{access.connection.id}/syncs/{run.id}"
    return Success(message="Document queued for reindexing", data=Reindexing(job_id=run.id))


async def _source(service: Service, access: Access, named: str) -> Source:
    key = parsed_id(named)
    async with service.app.database.glance() as conn:
        found = await sources.find(conn, access.connection.id, key)
    if found is None:
        raise NotFound("There is no such document.")
    return found


def _shown(source: Source) -> DocumentSource:
    return DocumentSource(
        id=source.key,
        source_id=source.key,
        title=source.title,
        url=source.url,
        type=Kind(source.type),
        parent_id=source.parent,
        database_id=source.stream if source.type == Kind.ROW else None,
        sync_status=source.status,
        chunk_count=source.chunks,
        error=source.error,
        last_modified_in_source=source.edited_at,
        last_indexed_at=source.indexed_at,
    )


def _chunk(one: StoredChunk) -> DocumentChunk:
    return DocumentChunk(
        id=one.chunk.id,
        ordinal=one.chunk.ordinal,
        kind=one.chunk.shape,
        heading_path=list(one.chunk.headings),
        text=one.chunk.text,
        block_ids=list(one.chunk.blocks),
    )
