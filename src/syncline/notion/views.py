"""The operations on views and their queries (https://developers.notion.com/reference/view), since 2025-09-03."""

from typing import Any, TypedDict, Unpack

from .objects import LATEST, JsonObject, Listing, Page, Version, View, parse_id
from .operations import Fields, Paging, paging, since
from .sansio import Operation

__all__ = [
    "ViewChange",
    "create_view",
    "create_view_query",
    "delete_view",
    "delete_view_query",
    "list_view_query",
    "list_views",
    "retrieve_view",
    "update_view",
]


class ViewChange(TypedDict, total=False):
    """The fields of a view that can be changed; None clears filter, sorts and quick filters."""

    name: str
    filter: Fields | None
    sorts: list[Fields] | None
    quick_filters: Fields | None
    configuration: Fields


def _made_for(version: Version) -> Version:
    return since(version, needed=Version.V2025_09_03, what="working with views")


def list_views(
    *,
    database_id: str | None = None,
    data_source_id: str | None = None,
    version: Version = LATEST,
    **page: Unpack[Paging],
) -> Operation[Listing[View]]:
    """List the ids of the views of a database or of a data source, of exactly one of them (list-views)."""
    named = {"database_id": database_id, "data_source_id": data_source_id}
    given = tuple((key, parse_id(value)) for key, value in named.items() if value is not None)
    if len(given) != 1:
        raise ValueError("views are listed for a database or for a data source, for one of them")
    query = (*given, *paging(page))
    return Operation(
        "views.list", "GET", "/v1/views", query, safe=True, paged="query", version=_made_for(version)
    )


def create_view(*, version: Version = LATEST, **fields: Any) -> Operation[View]:
    """Create a view: `data_source_id`, `name`, `type` and one place for it (create-a-view)."""
    return Operation("views.create", "POST", "/v1/views", (), fields, version=_made_for(version))


def retrieve_view(view_id: str, *, version: Version = LATEST) -> Operation[View]:
    """Retrieve a view with its filter, sorts and configuration (retrieve-a-view)."""
    path = f"/v1/views/{parse_id(view_id)}"
    return Operation("views.retrieve", "GET", path, safe=True, version=_made_for(version))


def update_view(view_id: str, *, version: Version = LATEST, **fields: Unpack[ViewChange]) -> Operation[View]:
    """Change a view (update-a-view)."""
    path = f"/v1/views/{parse_id(view_id)}"
    return Operation("views.update", "PATCH", path, (), fields, version=_made_for(version))


def delete_view(view_id: str, *, version: Version = LATEST) -> Operation[View]:
    """Delete a view; the last one of a database stays (delete-a-view)."""
    path = f"/v1/views/{parse_id(view_id)}"
    return Operation("views.delete", "DELETE", path, version=_made_for(version))


def create_view_query(
    view_id: str, *, page_size: int | None = None, version: Version = LATEST
) -> Operation[JsonObject]:
    """Run a view's own filter and sorts; Notion keeps the list of page ids for 15 minutes (create-view-query)."""
    body = {} if page_size is None else {"page_size": page_size}
    path = f"/v1/views/{parse_id(view_id)}/queries"
    # Safe: all that a repetition leaves behind is another short-lived list.
    return Operation("views.query", "POST", path, (), body, safe=True, version=_made_for(version))


def list_view_query(
    view_id: str, query_id: str, *, version: Version = LATEST, **page: Unpack[Paging]
) -> Operation[Listing[Page]]:
    """List the page ids that a view query found (get-view-query-results)."""
    path = f"/v1/views/{parse_id(view_id)}/queries/{parse_id(query_id)}"
    made_for = _made_for(version)
    return Operation("views.results", "GET", path, paging(page), safe=True, paged="query", version=made_for)


def delete_view_query(view_id: str, query_id: str, *, version: Version = LATEST) -> Operation[JsonObject]:
    """Let Notion forget what a view query found (delete-view-query)."""
    path = f"/v1/views/{parse_id(view_id)}/queries/{parse_id(query_id)}"
    return Operation("views.forget", "DELETE", path, version=_made_for(version))
