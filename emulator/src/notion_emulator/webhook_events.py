"""What a Notion event says: its type and entity by version, its data, and who may hear of it.

Source: https://developers.notion.com/reference/webhooks-events-delivery
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from notion_emulator.objects import Block, Database, DataSource, Event, Json, Node, Page

if TYPE_CHECKING:
    from notion_emulator.webhooks import Subscription
    from notion_emulator.world import World

__all__ = ["EVENTS", "data_of", "entity_of", "is_for"]

EVENTS = (
    "page.created", "page.deleted", "page.undeleted", "page.moved", "page.locked", "page.unlocked",
    "page.content_updated", "page.properties_updated", "page.transcription_block.transcript_deleted",
    "database.created", "database.deleted", "database.undeleted", "database.moved", "database.content_updated",
    "database.schema_updated", "data_source.created", "data_source.deleted", "data_source.undeleted",
    "data_source.moved", "data_source.content_updated", "data_source.schema_updated", "comment.created",
    "comment.updated", "comment.deleted", "view.created", "view.updated", "view.deleted", "file_upload.created",
    "file_upload.completed", "file_upload.expired", "file_upload.upload_failed",
)  # fmt: skip
OLD = "2022-06-28"
# Before 2025-09-03 a database is told what happens to its data source; the rest of data_source.* is not told.
OLD_NAMES = {
    "data_source.content_updated": "database.content_updated",
    "data_source.schema_updated": "database.schema_updated",
}


def is_for(subscription: Subscription, event: Event) -> bool:
    """Whether the receiver wants the event and its connection may know of it."""
    connection, world = subscription.connection, subscription.world
    kind = event.type
    if subscription.api_version == OLD:
        if kind.startswith("data_source.") and kind not in OLD_NAMES:
            return False
        kind = OLD_NAMES.get(kind, kind)
    if subscription.events is not None and kind not in subscription.events:
        return False
    if event.kind == "comment" and "read_comments" not in connection.capabilities:
        return False
    if event.kind == "file_upload":
        return world.uploads[event.id].connection == connection.id
    node = _node(world, event)
    return node is None or world.can_reach(connection, node)


def _node(world: World, event: Event) -> Node | None:
    """The node that decides who may hear of an event."""
    if event.kind == "comment":
        comment = world.comments.get(event.id)
        return world.nodes.get(comment.parent_id if comment else event.data.get("page_id", ""))
    if event.kind == "view":
        view = world.views.get(event.id)
        return world.databases.get(view.database_id) if view else None
    return world.nodes.get(event.id)


def entity_of(world: World, event: Event, version: str) -> tuple[str, Json]:
    """The type and entity as a version names them; a linked database is a block."""
    if version == OLD and event.type in OLD_NAMES:
        return OLD_NAMES[event.type], {"id": world.data_sources[event.id].parent_id, "type": "database"}
    database = world.databases.get(event.id)
    linked = database is not None and not database.data_sources and event.kind == "database"
    return event.type, {"id": event.id, "type": "block" if linked else event.kind}


def data_of(world: World, event: Event) -> Json:
    """The event's data: its parent, and what the event itself tells."""
    if event.kind == "file_upload":
        return event.data
    if event.kind == "comment":
        return _comment_data(world, event)
    if event.kind == "view":
        return event.data
    node = world.nodes.get(event.id)
    return {"parent": _parent(world, node), **event.data} if node else event.data


def _parent(world: World, node: Node) -> Json:
    if node.parent_kind == "workspace":
        return {"id": world.id, "type": "space"}
    if node.parent_kind == "data_source":
        source = world.data_sources[node.parent_id]
        return {"id": source.parent_id, "type": "database", "data_source_id": source.id}
    return {"id": node.parent_id, "type": node.parent_kind}


def _comment_data(world: World, event: Event) -> Json:
    comment = world.comments.get(event.id)
    if comment is None:
        return event.data
    node: Any = world.nodes.get(comment.parent_id)
    page = world.page_of(node) if isinstance(node, Block) else node
    assert isinstance(page, Page | Database | DataSource)
    return {"page_id": page.id, "parent": {"id": comment.parent_id, "type": comment.parent_kind}}
