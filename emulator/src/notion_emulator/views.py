"""Views of a database, and queries of a view (https://developers.notion.com/reference/view)."""

from typing import Any

from notion_emulator import dashboards, data_sources, query
from notion_emulator.call import Answer, Call
from notion_emulator.clock import exact
from notion_emulator.errors import ValidationFailed
from notion_emulator.ids import dashed, undashed
from notion_emulator.objects import Event, Json, View
from notion_emulator.paging import INCOMPLETE, PAGE_SIZE, Session, envelope, page_of_ids, query_paging
from notion_emulator.validate import (
    Check,
    anything,
    array,
    integer,
    keyed,
    literal,
    nullable,
    obj,
    string,
    tagged,
    uuid,
)

__all__ = [
    "answer_query",
    "create",
    "create_query",
    "delete",
    "delete_query",
    "list_all",
    "retrieve",
    "update",
]

TYPES = ("table", "board", "list", "calendar", "timeline", "gallery", "form", "chart", "map", "dashboard")
REQUIRED: dict[str, tuple[str, ...]] = {
    "board": ("group_by",), "calendar": ("date_property_id",), "timeline": ("date_property_id",),
    "chart": ("chart_type",),
}  # fmt: skip
OPTIONAL: dict[str, tuple[str, ...]] = {
    "table": ("properties", "group_by", "subtasks", "wrap_cells", "frozen_column_index", "show_vertical_lines"),
    "board": ("sub_group_by", "properties", "cover", "cover_size", "cover_aspect", "card_layout"),
    "calendar": ("properties", "view_range", "show_weekends"),
    "timeline": (
        "end_date_property_id", "properties", "show_table", "table_properties", "preference", "arrows_by", "color_by",
    ),
    "gallery": ("properties", "cover", "cover_size", "cover_aspect", "card_layout"),
    "list": ("properties",),
    "map": ("height", "map_by", "properties"),
    "form": ("is_form_closed", "anonymous_submissions", "submission_permissions"),
    "chart": (
        "x_axis", "y_axis", "value", "sort", "color_theme", "height", "hide_empty_groups", "legend_position",
        "show_data_labels", "axis_labels", "grid_lines", "cumulative", "smooth_line", "hide_line_fill_area",
        "group_style", "y_axis_min", "y_axis_max", "donut_labels", "hide_title", "stack_by", "reference_lines",
        "caption", "color_by_value",
    ),
    "dashboard": (),
}  # fmt: skip
CONFIGURATION = tagged({
    name: obj(dict.fromkeys(("type", *REQUIRED.get(name, ())), anything), dict.fromkeys(OPTIONAL[name], anything))
    for name in TYPES
})  # fmt: skip
SHAPE: dict[str, Check] = {
    "filter": nullable(keyed(anything)),
    "sorts": nullable(array(keyed(anything))),
    "quick_filters": nullable(keyed(keyed(anything))),
    "configuration": CONFIGURATION,
}
AFTER_VIEW = {"type": literal("start", "end", "after_view")}
PLACEMENT = obj({"type": literal("new_row", "existing_row")}, {"row_index": integer(0, 1000)})
LINKED = obj({"parent": obj({"page_id": uuid}, {"type": literal("page_id")})}, {
    "position": obj({"type": literal("after_block"), "block_id": uuid}),
})  # fmt: skip
CREATE = obj({"data_source_id": uuid, "name": string(), "type": string()}, {
    **SHAPE, "database_id": uuid, "view_id": uuid, "create_database": LINKED, "placement": PLACEMENT,
    "position": obj(AFTER_VIEW, {"view_id": uuid}),
})  # fmt: skip
UPDATE = obj({}, {"name": string(), **SHAPE})
PLACES = ("database_id", "view_id", "create_database")
QUERY_SECONDS = 15 * 60


def shown(call: Call, view: View) -> Json:
    """A view, in the recorded key order."""
    return {
        "object": "view",
        "id": view.id,
        "parent": _parent(view),
        "data_source_id": view.data_source_id,
        "name": view.name,
        "type": view.type,
        "created_time": exact(view.created),
        "created_by": {"object": "user", "id": view.created_by},
        "last_edited_time": exact(view.edited),
        "last_edited_by": {"object": "user", "id": view.edited_by},
        "url": f"{call.world.settings.page_host}{undashed(view.database_id)}?v={undashed(view.id)}",
        "filter": view.filter,
        "sorts": view.sorts,
        "quick_filters": view.quick_filters,
        "configuration": view.configuration,
    }


def _parent(view: View) -> Json:
    if view.dashboard_id:
        return {"type": "view_id", "view_id": view.dashboard_id}
    return {"type": "database_id", "database_id": view.database_id}


def list_all(call: Call) -> Answer:
    """``GET /views`` of a database or of a data source."""
    call.allow("read_content")
    asked = {key: call.query[key][-1] for key in ("database_id", "data_source_id") if key in call.query}
    if len(asked) != 1:
        raise ValidationFailed(
            "query failed validation: exactly one of query.database_id and query.data_source_id should be defined."
        )
    cursor, size = query_paging(call)
    ((key, id),) = asked.items()
    if key == "database_id":
        found = call.database(dashed(id) or id).id
        views = [one for one in call.world.views.values() if one.database_id == found]
    else:
        found = call.data_source(dashed(id) or id).id
        views = [one for one in call.world.views.values() if one.data_source_id == found]
    ids, following = page_of_ids([one.id for one in views if not one.trashed], cursor, size=size)
    return Answer(envelope([{"object": "view", "id": one} for one in ids], "view", following))


def create(call: Call) -> Answer:
    """``POST /views``: a tab of a database, a widget of a dashboard, or a linked database on a page."""
    call.allow("update_content")
    body = call.checked(CREATE)
    if body["type"] not in TYPES:
        raise ValidationFailed(f"Unsupported view type: {body['type']}")
    if len([key for key in PLACES if key in body]) != 1:
        raise ValidationFailed(
            "Exactly one of body.database_id, body.view_id and body.create_database should be defined."
        )
    source = call.data_source(body["data_source_id"])
    configuration = body.get("configuration", {"type": body["type"]})
    if configuration["type"] != body["type"]:
        raise ValidationFailed(
            f'body failed validation: body.configuration.type should be `"{body["type"]}"`, instead was `"{configuration["type"]}"`.'
        )
    _check(call, source.id, body)
    database_id, dashboard = _place(call, body)
    world, now = call.world, call.world.clock.now()
    view = View(
        id=world.ids.node(now, tag="view"), database_id=database_id, data_source_id=source.id, name=body["name"],
        type=body["type"], created=now, edited=now, created_by=call.by, edited_by=call.by, filter=body.get("filter"),
        sorts=body.get("sorts"), quick_filters=body.get("quick_filters"), configuration=configuration,
        dashboard_id=dashboard,
    )  # fmt: skip
    world.views[view.id] = view
    if dashboard:
        dashboards.add_widget(world.views[dashboard], view.id, placement=body.get("placement"), ids=world.ids)
    _insert(call, view, body.get("position"))
    _emit(call, view, "created", {"view_type": view.type})
    return Answer(shown(call, view))


def _place(call: Call, body: Json) -> tuple[str, str | None]:
    """The database of a new view, and its dashboard where it is a widget."""
    if "database_id" in body:
        return call.database(body["database_id"]).id, None
    if "view_id" in body:
        dashboard = _view(call, body["view_id"])
        if dashboard.type != "dashboard":
            raise ValidationFailed("Widgets can be added to dashboard views only.")
        return dashboard.database_id, dashboard.id
    request = body["create_database"]
    page = call.page(request["parent"]["page_id"])
    after = request.get("position")
    index = (
        page.children.index(after_id) + 1
        if after and (after_id := dashed(after["block_id"])) in page.children
        else None
    )
    return call.world.create_database(page, "Untitled", by=call.by, index=index, is_inline=True).id, None


def _insert(call: Call, view: View, position: Json | None) -> None:
    """Put a tab where it is asked for."""
    if view.dashboard_id:
        return
    tabs = call.world.databases[view.database_id].views
    kind = position["type"] if position else "end"
    after = dashed((position or {}).get("view_id", "")) if kind == "after_view" else None
    index = 0 if kind == "start" else tabs.index(after) + 1 if after in tabs else len(tabs)
    tabs.insert(index, view.id)


def _check(call: Call, source_id: str | None, body: Json) -> None:
    """Refuse a filter or sort that a query of the data source would refuse."""
    source = call.world.data_sources.get(source_id or "")
    if source is not None:
        condition = _combined(body.get("filter"), body.get("quick_filters"))
        query.select(
            [],
            source,
            filter=condition,
            sorts=body.get("sorts"),
            now=call.world.clock.now(),
            value=lambda *_: None,
        )


def _combined(filter: Json | None, quick: Json | None) -> Json | None:
    """A view's filter and its quick filters, all of which hold."""
    parts = [{"property": name, **condition} for name, condition in (quick or {}).items()]
    if not parts:
        return filter
    return {"and": [*([filter] if filter else []), *parts]}


def _view(call: Call, id: str) -> View:
    view = call.world.views.get(dashed(id) or id)
    database = call.world.databases.get(view.database_id) if view else None
    if view is None or view.trashed or database is None or not call.reaches(database):
        raise call.missing("view", id)
    return view


def _emit(call: Call, view: View, what: str, data: Json | None = None) -> None:
    parent = {"parent": {"id": view.database_id, "type": "database"}, **(data or {})}
    call.world.emit(Event(f"view.{what}", "view", view.id, call.world.clock.now(), call.by, parent))


def retrieve(call: Call) -> Answer:
    """``GET /views/{view_id}``."""
    call.allow("read_content")
    return Answer(shown(call, _view(call, call.path["view_id"])))


def update(call: Call) -> Answer:
    """``PATCH /views/{view_id}``: name, filter, sorts, quick filters, configuration."""
    call.allow("update_content")
    view = _view(call, call.path["view_id"])
    body = call.checked(UPDATE)
    _check(call, view.data_source_id, body)
    if "configuration" in body and body["configuration"]["type"] != view.type:
        raise ValidationFailed("The type of a view cannot be changed.")
    for name, value in body.items():
        setattr(view, name, value)
    view.edited, view.edited_by = call.world.clock.now(), call.by
    fields = [name for name in body if name != "quick_filters"]
    _emit(call, view, "updated", {"updated_fields": fields})
    return Answer(shown(call, view))


def delete(call: Call) -> Answer:
    """``DELETE /views/{view_id}``: answers the partial view; a database keeps its last one."""
    call.allow("update_content")
    view = _view(call, call.path["view_id"])
    tabs = call.world.databases[view.database_id].views
    if not view.dashboard_id and tabs == [view.id]:
        raise ValidationFailed("The last view of a database cannot be deleted.")
    for one in (view, *(one for one in call.world.views.values() if one.dashboard_id == view.id)):
        one.trashed = True
        if one.dashboard_id:
            dashboards.remove_widget(call.world.views[one.dashboard_id], one.id)
        if one.id in tabs:
            tabs.remove(one.id)
    _emit(call, view, "deleted")
    return Answer({"object": "view", "id": view.id, "parent": _parent(view), "type": view.type})


def create_query(call: Call) -> Answer:
    """``POST /views/{view_id}/queries``: the rows that the view shows, kept for 15 minutes."""
    call.allow("read_content")
    view = _view(call, call.path["view_id"])
    body = call.checked(obj({}, {"page_size": PAGE_SIZE}))
    world, ids = call.world, _rows(call, view)
    cap = world.settings.result_cap
    session = Session(
        world.ids.random_v4(),
        view.id,
        ids[:cap],
        world.clock.now() + QUERY_SECONDS * 1000,
        capped=len(ids) > cap,
    )
    call.sessions.keep(session)
    first, following = page_of_ids(session.items, None, size=body.get("page_size") or 100)
    answer: Json = {
        "object": "view_query", "id": session.id, "view_id": view.id, "expires_at": exact(session.expires),
        "total_count": len(session.items), "results": [{"object": "page", "id": one} for one in first],
        "next_cursor": following, "has_more": following is not None,
    }  # fmt: skip
    return Answer(
        {**answer, "request_status": INCOMPLETE} if session.capped and following is None else answer
    )


def _rows(call: Call, view: View) -> list[str]:
    source = call.world.data_sources.get(view.data_source_id or "")
    if source is None:
        return []
    asked: Any = {"filter": _combined(view.filter, view.quick_filters), "sorts": view.sorts}
    return data_sources.selected(call, source, asked)


def _query(call: Call) -> Session:
    view = _view(call, call.path["view_id"])
    session = call.sessions.find(call.path["query_id"], at=call.world.clock.now())
    if session is None or session.question != view.id:
        raise call.missing("view_query", call.path["query_id"])
    return session


def answer_query(call: Call) -> Answer:
    """``GET /views/{view_id}/queries/{query_id}``: 404 once it has expired."""
    call.allow("read_content")
    session = _query(call)
    cursor, size = query_paging(call)
    ids, following = page_of_ids(session.items, cursor, size=size)
    results = [{"object": "page", "id": one} for one in ids]
    return Answer(envelope(results, "page", following, capped=session.capped and following is None))


def delete_query(call: Call) -> Answer:
    """``DELETE /views/{view_id}/queries/{query_id}``."""
    call.allow("read_content")
    session = _query(call)
    call.sessions.drop(session.id)
    return Answer({"object": "view_query", "id": session.id, "deleted": True})
