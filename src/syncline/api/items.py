"""``/api/v1/notion/workspaces/{workspaceId}/items``: the tree of a workspace, for choosing what is synced."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from syncline.api.deps import Access, ServiceOf, allow
from syncline.api.envelope import Model, Moment, Pagination, Success
from syncline.core.model import Kind
from syncline.core.permission import Permission
from syncline.engine.items import items

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/notion", tags=["workspaces"])


class Item(Model):
    """A page, database or data source. Choosing it chooses all that hangs below it, now or later."""

    id: str = Field(description="Notion's own id")
    name: str = Field(examples=["Engineering Handbook"])
    item_type: Kind
    url: str | None = Field(examples=["https://www.notion.so/…"])
    parent_id: str | None
    is_selectable: bool = Field(description="Whether it may stand in includedPages and excludedPages")
    is_expandable: bool = Field(description="Whether something hangs below it")
    selected: bool = Field(description="Whether it is synced by the settings as they are")
    mark: str | None = Field(
        description="`included` or `excluded` where it is listed itself", examples=["included"]
    )
    synced_at: Moment | None


class Items(Model):
    """A part of the tree."""

    items: list[Item]
    pagination: Pagination


@router.get("/workspaces/{workspaceId}/items")
@router.get("/items")
async def list_items(
    service: ServiceOf,
    access: Annotated[Access, allow(Permission.VIEW_SOURCES)],
    *,
    parentId: Annotated[str | None, Field(max_length=64)] = None,  # noqa: N803 - the contract's name
    search: Annotated[str | None, Field(min_length=1, max_length=500)] = None,
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1,
    limit: Annotated[int, Field(ge=1, le=100)] = 50,
) -> Success[Items]:
    """What hangs directly below `parentId`, or at the top, by name; or what has `search` in its name, wherever it hangs."""
    async with service.app.database.read() as conn:
        found, total = await items(
            conn, access.connection.id, below=parentId, title=search, offset=(page - 1) * limit, limit=limit
        )
    shown = [
        Item(
            id=one.branch.key,
            name=one.branch.title,
            item_type=one.branch.kind,
            url=one.branch.url,
            parent_id=one.branch.place,
            is_selectable=True,
            is_expandable=one.branch.children > 0,
            selected=one.selected,
            mark=one.mark,
            synced_at=one.branch.read_at,
        )
        for one in found
    ]
    return Success(data=Items(items=shown, pagination=Pagination(page=page, limit=limit, total=total)))
