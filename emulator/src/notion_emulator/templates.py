"""Templates of a data source: listed by name, applied late.

Source: https://developers.notion.com/docs/creating-pages-from-templates
"""

from notion_emulator.call import Answer, Call
from notion_emulator.errors import ValidationFailed
from notion_emulator.ids import dashed
from notion_emulator.objects import Block, DataSource, Json, Node, Page
from notion_emulator.paging import page_of_ids, query_paging
from notion_emulator.world import World

__all__ = ["apply", "ask", "chosen", "list_all"]


def list_all(call: Call) -> Answer:
    """``GET /data_sources/{data_source_id}/templates``: recorded without ``object`` and ``request_id``."""
    call.allow("read_content")
    source = call.data_source(call.path["data_source_id"])
    cursor, size = query_paging(call)
    wanted = call.query.get("name", [""])[-1].casefold()
    world = call.world
    named = [id for id in source.templates if wanted in world.title(world.pages[id]).casefold()]
    ids, following = page_of_ids(named, cursor, size=size)
    shown = [
        {"id": id, "name": world.title(world.pages[id]), "is_default": id == source.default_template}
        for id in ids
    ]
    answer = {"templates": shown, "has_more": following is not None, "next_cursor": following}
    return Answer(answer, request_id=False)


def chosen(call: Call, source: DataSource | None, request: Json | None) -> Page | None:
    """The template that a request names; None for none. Raises ValidationFailed, ObjectNotFound."""
    if request is None or request["type"] == "none":
        return None
    id = source.default_template if source else None
    if request["type"] == "template_id":
        if "template_id" not in request:
            raise ValidationFailed(
                "body failed validation: body.template.template_id should be defined, instead was `undefined`."
            )
        id = dashed(request["template_id"])
    if id is None:
        raise ValidationFailed("The data source has no default template.")
    return call.page(id)


def ask(call: Call, page: Page, template: Page | None) -> None:
    """Have a template applied to a page after ``settings.template_seconds``."""
    if template is not None:
        by = call.by
        call.world.later(
            call.world.settings.template_seconds, lambda: apply(call.world, template, page, by=by)
        )


def apply(world: World, template: Page, page: Page, *, by: str) -> None:
    """Copy the content of a template, and its values where the page has none."""
    missing = {key: value for key, value in template.properties.items() if not page.properties.get(key)}
    fields = {"icon": page.icon or template.icon, "cover": page.cover or template.cover}
    world.update_page(page, properties=missing, by=by, **fields)
    _copy(world, template, page, by=by)
    world.content_updated(page, by=by)


def _copy(world: World, source: Node, target: Node, *, by: str) -> None:
    for one in list(world.alive(source)):
        if isinstance(one, Block):
            _copy(world, one, world.add_block(target, one.type, one.content, by=by), by=by)
