"""One world, three faces: the objects as each Notion-Version shows them, in the recorded key order.

* up to 2025-09-03 every object carries ``archived`` beside ``in_trash``; 2026-03-11 has ``in_trash`` alone;
* up to 2022-06-28 a database is its only data source; later a database holds data sources;
* ``meeting_notes`` is called ``transcription`` before 2026-03-11.

Source: https://developers.notion.com/docs/upgrade-guide-2025-09-03, …/upgrade-guide-2026-03-11 and recordings.
"""

import re
from typing import Any

import orjson

from notion_emulator import block_types, properties, schema
from notion_emulator.call import V22, V26, Call
from notion_emulator.clock import exact, minute
from notion_emulator.errors import ValidationFailed
from notion_emulator.files import rendered
from notion_emulator.ids import undashed
from notion_emulator.objects import Block, Database, DataSource, Json, Node, Page
from notion_emulator.rich_text import render

__all__ = ["block", "block_bytes", "data_source", "database", "page", "parent", "url"]


def partial_user(id: str) -> Json:
    """A user as other objects name it."""
    return {"object": "user", "id": id}


def parent(call: Call, node: Node) -> Json:
    """Where a node stands."""
    kind = node.parent_kind
    if kind == "workspace":
        return {"type": "workspace", "workspace": True}
    if kind == "data_source":
        database_id = call.world.data_sources[node.parent_id].parent_id
        if call.version == V22:
            return {"type": "database_id", "database_id": database_id}
        return {"type": "data_source_id", "data_source_id": node.parent_id, "database_id": database_id}
    return {"type": f"{kind}_id", f"{kind}_id": node.parent_id}


def url(call: Call, node: Node) -> str:
    """The address in Notion's app: a page's carries its title, a database's only its id."""
    host = call.world.settings.page_host
    if isinstance(node, DataSource):
        return host + undashed(node.parent_id)
    slug = re.sub(r"[^A-Za-z0-9]+", "-", call.world.title(node)).strip("-") if isinstance(node, Page) else ""
    return f"{host}{slug}-{undashed(node.id)}" if slug else host + undashed(node.id)


def _archived(call: Call, *, trashed: bool) -> Json:
    return {} if call.version == V26 else {"archived": trashed}


def page(call: Call, node: Page, *, only: set[str] | None = None) -> Json:
    """A page; ``only`` are the ids of the properties to show."""
    trashed = call.world.in_trash(node)
    return {
        "object": "page",
        "id": node.id,
        "created_time": minute(node.created),
        "last_edited_time": minute(node.edited),
        "created_by": partial_user(node.created_by),
        "last_edited_by": partial_user(node.edited_by),
        "cover": rendered(call, node.cover),
        "icon": rendered(call, node.icon),
        "parent": parent(call, node),
        "in_trash": trashed,
        "is_archived": node.is_archived,
        "is_locked": node.is_locked,
        "properties": properties.shown(call, node, only=only),
        "url": url(call, node),
        "public_url": node.public_url,
        **_archived(call, trashed=trashed),
    }


def database(call: Call, node: Database) -> Json:
    """A database: a container, or up to 2022-06-28 its only data source."""
    if call.version == V22:
        return _old_database(call, node)
    world, trashed = call.world, call.world.in_trash(node)
    return {
        "object": "database",
        "id": node.id,
        "title": render(call, node.title),
        "description": render(call, node.description),
        "parent": parent(call, node),
        "is_inline": node.is_inline,
        "in_trash": trashed,
        "is_locked": node.is_locked,
        "created_time": exact(node.created),
        "last_edited_time": exact(node.edited),
        "data_sources": [
            {"id": one.id, "name": world.title(one) or world.title(node)}
            for one in (world.data_sources[id] for id in node.data_sources)
            if not one.trashed and call.reaches(one)
        ],
        "icon": rendered(call, node.icon),
        "cover": rendered(call, node.cover),
        "url": url(call, node),
        "public_url": node.public_url,
        **_archived(call, trashed=trashed),
    }


def only_source(call: Call, node: Database) -> DataSource:
    """The data source that a database was before there were several. Raises ValidationFailed for several or none."""
    living = [one for id in node.data_sources if not (one := call.world.data_sources[id]).trashed]
    if len(living) > 1:
        raise ValidationFailed(
            "Databases with multiple data sources are not supported in this API version.",
            data={
                "error_type": "multiple_data_sources_for_database",
                "database_id": node.id,
                "child_data_source_ids": [one.id for one in living],
                "minimum_api_version": "2025-09-03",
            },
        )
    if not living:
        raise ValidationFailed(
            f"Database with ID {node.id} does not contain any data sources accessible by this API bot."
        )
    return living[0]


def _old_database(call: Call, node: Database) -> Json:
    if not node.data_sources:
        raise ValidationFailed("Database retrievals do not support linked databases.")
    source, trashed = only_source(call, node), call.world.in_trash(node)
    return {
        "object": "database",
        "id": node.id,
        "cover": rendered(call, node.cover),
        "icon": rendered(call, node.icon),
        "created_time": minute(node.created),
        "created_by": partial_user(node.created_by),
        "last_edited_by": partial_user(source.edited_by),
        "last_edited_time": minute(max(node.edited, source.edited)),
        "title": render(call, node.title),
        "description": render(call, node.description),
        "is_inline": node.is_inline,
        "properties": schema.shown(source),
        "parent": parent(call, node),
        "url": url(call, node),
        "public_url": node.public_url,
        "in_trash": trashed,
        "archived": trashed,
    }


def data_source(call: Call, node: DataSource) -> Json:
    """A data source (2025-09-03 and later)."""
    holder, trashed = call.world.databases[node.parent_id], call.world.in_trash(node)
    return {
        "object": "data_source",
        "id": node.id,
        "cover": rendered(call, node.cover),
        "icon": rendered(call, node.icon),
        "created_time": minute(node.created),
        "created_by": partial_user(node.created_by),
        "last_edited_by": partial_user(node.edited_by),
        "last_edited_time": minute(node.edited),
        "title": render(call, node.title),
        "description": render(call, node.description),
        "is_inline": holder.is_inline,
        "properties": schema.shown(node),
        "parent": {"type": "database_id", "database_id": holder.id},
        "database_parent": parent(call, holder),
        "url": url(call, node),
        "public_url": holder.public_url,
        "in_trash": trashed,
        **_archived(call, trashed=trashed),
    }


def block(call: Call, node: Node, *, trashed: bool | None = None) -> Json:
    """A block; pages and databases show as child_page and child_database."""
    trashed = call.world.in_trash(node) if trashed is None else trashed
    kind, content = _block_content(call, node)
    return {
        "object": "block",
        "id": node.id,
        "parent": parent(call, node),
        "created_time": minute(node.created),
        "last_edited_time": minute(node.edited),
        "created_by": partial_user(node.created_by),
        "last_edited_by": partial_user(node.edited_by),
        "has_children": block_types.has_children(call.world, node),
        "in_trash": trashed,
        "type": kind,
        kind: content,
        **_archived(call, trashed=trashed),
    }


def _block_content(call: Call, node: Node) -> tuple[str, Any]:
    if isinstance(node, Block):
        kind = "transcription" if node.type == "meeting_notes" and call.version != V26 else node.type
        return kind, block_types.rendered(call, node)
    kind = "child_page" if isinstance(node, Page) else "child_database"
    return kind, {"title": call.world.title(node) or ("" if kind == "child_page" else "Untitled")}


def block_bytes(call: Call, node: Node) -> bytes:
    """The JSON of a living block in a list; kept with the block where nothing else can change it."""
    if not isinstance(node, Block):
        return orjson.dumps(block(call, node, trashed=False))
    kept = node.rendered
    if kept is not None and (known := kept.get(call.version)) is not None:
        return known
    encoded = orjson.dumps(block(call, node, trashed=False))
    world = call.world
    if world.kept < world.settings.kept_blocks and block_types.is_fixed(node):
        # orjson's bytes keep the room they were written in, several times what they hold: a copy is exact
        node.rendered = {**(kept or {}), call.version: bytes(memoryview(encoded))}
        world.kept += 1
    return encoded
