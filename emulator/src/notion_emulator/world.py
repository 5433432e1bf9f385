"""One workspace as data: what is in it and how it changes.

No HTTP, no versions, no permissions on the way in: whoever calls has checked the request. Verbs keep the indices true
and apply what Notion bumps (https://developers.notion.com/reference/page#page-object-fields and recorded answers):

* creating or trashing a child page or database moves the parent page's time;
* a block edit moves the block's own time, the page's only with ``settings.content_bumps_page``;
* a new row moves neither its data source nor its database.
"""

from collections.abc import Callable, Iterable
from typing import Any

from notion_emulator.objects import (
    Block,
    Comment,
    Database,
    DataSource,
    Event,
    Json,
    Node,
    Page,
)
from notion_emulator.rich_text import plain
from notion_emulator.tree import Tree

__all__ = ["World"]

TITLE: Json = {"id": "title", "name": "Name", "description": None, "type": "title", "title": {}}


class World(Tree):
    """A workspace: its tree, its people, its connections, and the verbs that change them."""

    # Making

    def create_page(
        self,
        parent: Node | None,
        title: str | list[Json] = "",
        *,
        properties: Json | None = None,
        by: str | None = None,
        at: int | None = None,
        index: int | None = None,
        id: str | None = None,
        via: str = "81",
        **fields: Any,
    ) -> Page:
        """A page under a page, block, data source, or (None) the workspace.

        ``properties`` map property id to bare value; ``title`` fills ``properties["title"]`` unless that is given.
        ``at`` is in milliseconds, now by default; ``index`` is the place among the parent's children, the end by
        default. Further fields are those of Page.
        """
        at = self.clock.now() if at is None else at
        by = by or self.bot_id
        values = dict(properties or {})
        values.setdefault("title", plain(title) if isinstance(title, str) else title)
        page = Page(
            id=id or self.ids.node(at, via=via), **_place(self, parent), created=at, edited=at, created_by=by,
            edited_by=by, properties=values, **fields,
        )  # fmt: skip
        self._number(page, parent)
        self.pages[page.id] = page
        self._insert(page, parent, index)
        self.record("page.created", page, by=by, at=at)
        return page

    def create_database(
        self,
        parent: Node | None,
        title: str | list[Json] = "New database",
        *,
        by: str | None = None,
        at: int | None = None,
        index: int | None = None,
        id: str | None = None,
        **fields: Any,
    ) -> Database:
        """A database without data sources: add them, or leave it a linked one. Further fields are those of Database."""
        at = self.clock.now() if at is None else at
        by = by or self.bot_id
        database = Database(
            id=id or self.ids.random_v4(), **_place(self, parent), created=at, edited=at, created_by=by,
            edited_by=by, title=plain(title) if isinstance(title, str) else title, **fields,
        )  # fmt: skip
        self.databases[database.id] = database
        self._insert(database, parent, index)
        self.record("database.created", database, by=by, at=at)
        return database

    def create_data_source(
        self,
        database: Database,
        title: str | list[Json] = "",
        *,
        properties: Iterable[Json] = (),
        by: str | None = None,
        at: int | None = None,
        id: str | None = None,
        **fields: Any,
    ) -> DataSource:
        """A data source of a database; ``properties`` are schema entries with ids, a title is added where none is."""
        at = self.clock.now() if at is None else at
        by = by or self.bot_id
        schema = {entry["id"]: entry for entry in properties}
        if "title" not in schema:
            schema = {"title": TITLE, **schema}
        source = DataSource(
            id=id or self.ids.node(at, tag="data_source"), parent_kind="database", parent_id=database.id, created=at,
            edited=at, created_by=by, edited_by=by, properties=schema,
            title=plain(title) if isinstance(title, str) else title, **fields,
        )  # fmt: skip
        self.nodes[source.id] = source
        self.data_sources[source.id] = source
        database.data_sources.append(source.id)
        self.revision += 1
        self.record("data_source.created", source, by=by, at=at)
        return source

    def add_block(
        self,
        parent: Node,
        type: str,
        content: Json,
        *,
        by: str | None = None,
        at: int | None = None,
        index: int | None = None,
        id: str | None = None,
        via: str = "81",
    ) -> Block:
        """A block at the end of (or at ``index`` in) the parent's children; ``content`` is the type's stored object.

        It emits no event and bumps nothing: that is said once for a whole request with ``touch``.
        """
        at = self.clock.now() if at is None else at
        by = by or self.bot_id
        block = Block(
            id=id or self.ids.node(at, via=via), parent_kind=parent.kind, parent_id=parent.id, created=at, edited=at,
            created_by=by, edited_by=by, type=type, content=content,
        )  # fmt: skip
        self.nodes[block.id] = block
        self.blocks_created += 1
        if index is None:
            parent.children.append(block.id)
        else:
            parent.children.insert(index, block.id)
        if isinstance(parent, Block):
            parent.rendered = None
        return block

    # Changing

    def touch(self, node: Node, *, by: str | None = None, at: int | None = None) -> None:
        """The node was edited: its own time and author move; a block's page too where settings say so."""
        node.edited = self.clock.now() if at is None else at
        node.edited_by = by or self.bot_id
        if isinstance(node, Block):
            node.rendered = None
            page = self.page_of(node) if self.settings.content_bumps_page else None
            if page is not None:
                self.touch(page, by=by, at=at)
        else:
            self.revision += 1

    def update_block(self, block: Block, content: Json, *, by: str | None = None) -> None:
        """Replace the type's object of a block."""
        block.content = content
        self.touch(block, by=by)
        self.content_updated(block, by=by)

    def update_page(
        self, page: Page, *, properties: Json | None = None, by: str | None = None, **fields: Any
    ) -> None:
        """Merge property values (by id) into a page and set fields of Page."""
        if properties:
            page.properties = {**page.properties, **properties}
        for name, value in fields.items():
            setattr(page, name, value)
        self.touch(page, by=by)
        self._forget(page)
        if self.observers:
            self._tell_update(page, list(properties or ()), fields, by=by)

    def _tell_update(self, page: Page, properties: list[str], fields: Json, *, by: str | None) -> None:
        """A new title is content; the lock has events of its own."""
        if "title" in properties:
            self.content_updated(page, by=by)
        if "is_locked" in fields:
            self.record("page.locked" if page.is_locked else "page.unlocked", page, by=by)
        rest = [id for id in properties if id != "title"]
        if rest or fields.keys() - {"is_locked"}:
            self.record("page.properties_updated", page, by=by, data={"updated_properties": rest})

    def content_updated(self, node: Node, *, by: str | None = None) -> None:
        """Tell the observers that what is on a page changed at this block (or at the page itself)."""
        page = self.page_of(node)
        if page is not None:
            updated = {"updated_blocks": [{"id": node.id, "type": node.kind}]}
            self.record(f"{page.kind}.content_updated", page, by=by, data=updated)

    def trash(self, node: Node, *, by: str | None = None) -> None:
        """Put a node and so its whole subtree into the trash."""
        self._set_trashed(node, trashed=True, by=by)

    def restore(self, node: Node, *, by: str | None = None) -> None:
        """Take a node out of the trash."""
        self._set_trashed(node, trashed=False, by=by)
        if self.settings.restore_drops_access:
            for connection in self.connections.values():
                self.unshare(connection, node.id)

    def _set_trashed(self, node: Node, *, trashed: bool, by: str | None) -> None:
        if node.trashed == trashed:
            return
        node.trashed = trashed
        self.touch(node, by=by)
        parent = self.nodes.get(node.parent_id)
        if isinstance(parent, Block):
            parent.rendered = None
        if isinstance(node, Block):
            self.content_updated(node, by=by)
            self._tell_transcript(node, parent, by=by)
            return
        if isinstance(parent, Page | Block) and (holder := self.page_of(parent)) is not None:
            self.touch(holder, by=by)
        self.record(f"{node.kind}.{'deleted' if trashed else 'undeleted'}", node, by=by)

    def _tell_transcript(self, node: Block, parent: Node | None, *, by: str | None) -> None:
        """Meeting notes tell when their transcript goes."""
        if not (node.trashed and isinstance(parent, Block) and parent.type == "meeting_notes"):
            return
        page = self.page_of(parent)
        if page is not None and parent.content.get("children", {}).get("transcript_block_id") == node.id:
            data = {"target": {"id": parent.id, "type": "block"}, "transcript_id": node.id}
            self.record("page.transcription_block.transcript_deleted", page, by=by, data=data)

    def move(
        self, node: Page | Database, parent: Node | None, *, by: str | None = None, index: int | None = None
    ) -> None:
        """Put a page or database under another parent; the values of a row keep only its title."""
        old = self.nodes.get(node.parent_id)
        siblings = old.rows if isinstance(old, DataSource) else old.children if old else self.top
        siblings.remove(node.id)
        if isinstance(node, Page) and (old is not parent) and isinstance(old, DataSource):
            node.properties = {"title": node.properties["title"]}
        place = _place(self, parent)
        node.parent_kind, node.parent_id = place["parent_kind"], place["parent_id"]
        if isinstance(node, Page):
            self._number(node, parent)
        self._insert(node, parent, index)
        for one in (old, parent):
            if isinstance(one, Block):
                one.rendered = None
        self.touch(node, by=by)
        self.record(f"{node.kind}.moved", node, by=by)

    def change_schema(
        self, source: DataSource, properties: dict[str, Json], *, by: str | None = None
    ) -> None:
        """Replace the schema of a data source; the event names what was created, updated and deleted."""
        old = source.properties
        source.properties = properties
        self.touch(source, by=by)
        changes = [
            {"id": key, "name": (properties.get(key) or old[key])["name"], "action": action}
            for key in old | properties
            if (action := _action(old.get(key), properties.get(key)))
        ]
        if changes:
            self.record("data_source.schema_updated", source, by=by, data={"updated_properties": changes})

    def forget(self, node: Database | DataSource) -> None:
        """Unmake what was just made: its request was refused after all."""
        inside = [self.data_sources[id] for id in node.data_sources] if isinstance(node, Database) else [node]
        for source in inside:
            del self.data_sources[source.id], self.nodes[source.id]
        if isinstance(node, Database):
            del self.databases[node.id], self.nodes[node.id]
            parent = self.nodes.get(node.parent_id)
            (parent.children if parent else self.top).remove(node.id)
        else:
            self.databases[node.parent_id].data_sources.remove(node.id)

    # Beside the tree

    def add_comment(
        self,
        parent: Node,
        rich_text: list[Json],
        *,
        discussion_id: str | None = None,
        by: str | None = None,
        at: int | None = None,
        **fields: Any,
    ) -> Comment:
        """A comment on a page or block; without a discussion it begins one. Further fields are those of Comment."""
        at = self.clock.now() if at is None else at
        by = by or self.bot_id
        comment = Comment(
            id=self.ids.node(at, tag="comment"), parent_kind=parent.kind, parent_id=parent.id, created=at, edited=at,
            discussion_id=discussion_id or self.ids.node(at, tag="discussion"), created_by=by, rich_text=rich_text,
            **fields,
        )  # fmt: skip
        self.comments[comment.id] = comment
        self.comments_on.setdefault(parent.id, []).append(comment.id)
        self.emit(Event("comment.created", "comment", comment.id, at, by, {}))
        return comment

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something once the clock has moved on by ``seconds``; ``settle`` does what is due."""
        self.pending.append((self.clock.now() + round(seconds * 1000), action))

    def settle(self) -> None:
        """Do what is due."""
        if self.pending:
            now = self.clock.now()
            due = [action for at, action in self.pending if at <= now]
            self.pending = [(at, action) for at, action in self.pending if at > now]
            for action in due:
                action()

    def record(
        self,
        type: str,
        node: Node,
        *,
        by: str | None = None,
        at: int | None = None,
        data: Json | None = None,
    ) -> None:
        """Emit an event about a node."""
        if self.observers:
            self.emit(
                Event(
                    type,
                    node.kind,
                    node.id,
                    self.clock.now() if at is None else at,
                    by or self.bot_id,
                    data or {},
                )
            )

    def emit(self, event: Event) -> None:
        """Hand an event to the observers."""
        for observe in self.observers:
            observe(event)

    def _insert(self, node: Page | Database, parent: Node | None, index: int | None) -> None:
        self.nodes[node.id] = node
        self.blocks_created += 1
        self.revision += 1
        siblings = parent.rows if isinstance(parent, DataSource) else parent.children if parent else self.top
        siblings.insert(len(siblings) if index is None else index, node.id)
        if isinstance(parent, Page | Block) and (holder := self.page_of(parent)) is not None:
            self.touch(holder, by=node.created_by, at=max(holder.edited, node.created))
        if isinstance(parent, Block):
            parent.rendered = None
        if self.observers and parent is not None:
            self._tell_parent(node, parent)

    def _tell_parent(self, node: Page | Database, parent: Node) -> None:
        """The content of what holds a new page or row changed."""
        if isinstance(parent, DataSource):
            updated = {"updated_blocks": [{"id": node.id, "type": node.kind}]}
            self.record("data_source.content_updated", parent, by=node.edited_by, data=updated)
        else:
            self.content_updated(parent, by=node.edited_by)

    def _number(self, page: Page, parent: Node | None) -> None:
        if isinstance(parent, DataSource) and not page.is_template:
            parent.last_number += 1
            for key, entry in parent.properties.items():
                if entry["type"] == "unique_id":
                    page.properties[key] = parent.last_number

    def _forget(self, page: Page) -> None:
        parent = self.nodes.get(page.parent_id)
        if isinstance(parent, Block):
            parent.rendered = None


def _place(world: World, parent: Node | None) -> dict[str, Any]:
    """The parent fields of a node under ``parent``."""
    if parent is None:
        return {"parent_kind": "workspace", "parent_id": world.id}
    return {"parent_kind": parent.kind, "parent_id": parent.id}


def _action(old: Json | None, new: Json | None) -> str | None:
    if old is None:
        return "created"
    if new is None:
        return "deleted"
    return "updated" if old != new else None
