"""The indices of a workspace and how to look things up in them: the tree, its people, connections and files.

``World`` adds the verbs that change it.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from notion_emulator.clock import Clock
from notion_emulator.ids import Ids
from notion_emulator.objects import (
    AsyncTask,
    Comment,
    Connection,
    CustomEmoji,
    Database,
    DataSource,
    Event,
    FileUpload,
    Node,
    Page,
    Settings,
    StoredFile,
    User,
    View,
)
from notion_emulator.rich_text import plain_text

__all__ = ["Tree"]


class Tree:
    """What is in a workspace."""

    def __init__(
        self,
        name: str = "Emulated workspace",
        *,
        seed: int = 0,
        clock: Clock | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.random = Random(seed)
        self.ids = Ids(self.random, f"{self.random.getrandbits(36):09x}")
        self.id = self.ids.random_v4()
        self.name = name
        self.icon: str | None = None
        self.clock = clock or Clock()
        self.settings = settings or Settings()
        self.nodes: dict[str, Node] = {}
        self.pages: dict[str, Page] = {}
        self.databases: dict[str, Database] = {}
        self.data_sources: dict[str, DataSource] = {}
        self.top: list[str] = []  # workspace-level pages and databases
        self.users: dict[str, User] = {}
        self.connections: dict[str, Connection] = {}
        self.comments: dict[str, Comment] = {}
        self.comments_on: dict[str, list[str]] = {}  # page or block id -> comment ids, oldest first
        self.uploads: dict[str, FileUpload] = {}
        self.files: dict[str, StoredFile] = {}
        self.views: dict[str, View] = {}
        self.emojis: dict[str, CustomEmoji] = {}
        self.tasks: dict[str, AsyncTask] = {}
        self.blocks_created = 0
        self.kept = 0  # rendered blocks kept so far
        self.revision = 0  # grows with each change of pages, databases or data sources
        self.observers: list[Callable[[Event], None]] = []
        self.pending: list[tuple[int, Callable[[], None]]] = []  # what Notion does late: when, and what
        self.bot_id = ""  # the author of what no caller is named for: the first connection's bot

    # Beside the tree: people, connections, files

    def add_user(
        self, name: str | None, *, email: str | None = None, id: str | None = None, **fields: Any
    ) -> User:
        """A person (or ``type="bot"``) of the workspace; further fields are those of User."""
        user = User(id=id or self.ids.random_v4(), name=name, email=email, **fields)
        self.users[user.id] = user
        return user

    def connect(
        self,
        name: str,
        *,
        token: str | None = None,
        kind: str = "internal",
        owner: str | None = None,
        **fields: Any,
    ) -> Connection:
        """A new connection with its own bot user; further fields are those of Connection.

        ``kind`` is ``internal``, ``public`` or ``personal``: a personal token writes in the name of its ``owner``, a user id.
        """
        now = self.clock.now()
        bot = self.add_user(name, id=self.ids.node(now, tag="bot"), type="bot", owner=owner)
        token = token or f"ntn_{self.random.getrandbits(184):046x}"
        connection = Connection(
            id=self.ids.random_v4(), name=name, token=token, bot_id=bot.id, kind=kind, issued=now, **fields
        )
        self.connections[connection.id] = connection
        self.bot_id = self.bot_id or bot.id
        return connection

    def share(self, connection: Connection, node_id: str) -> None:
        """Give the connection this object and what is below it."""
        connection.grants[node_id] = True

    def unshare(self, connection: Connection, node_id: str) -> None:
        """Take this object and what is below it from the connection."""
        connection.grants[node_id] = False

    def can_reach(self, connection: Connection, node: Node) -> bool:
        """Whether the node is shared with the connection: the nearest named ancestor decides."""
        grants = connection.grants
        if not grants:
            return connection.all_pages
        for one in self.lineage(node):
            if one.id in grants:
                return grants[one.id]
        return connection.all_pages

    def store_file(
        self, name: str, data: bytes, *, content_type: str = "application/octet-stream"
    ) -> StoredFile:
        """Keep bytes; a hosted file refers to them as ``{"type": "file", "file": {"key": key}}``."""
        stored = StoredFile(key=self.ids.random_v4(), name=name, content_type=content_type, data=data)
        self.files[stored.key] = stored
        return stored

    # Looking

    def lineage(self, node: Node) -> Iterator[Node]:
        """The node and its ancestors, nearest first."""
        one: Node | None = node
        while one is not None:
            yield one
            one = self.nodes.get(one.parent_id)

    def holds(self, outer: Node, inner: Node) -> bool:
        """Whether ``inner`` is ``outer`` or lies below it."""
        return any(one is outer for one in self.lineage(inner))

    def in_trash(self, node: Node) -> bool:
        """Whether the node or an ancestor is in the trash."""
        return any(one.trashed for one in self.lineage(node))

    def page_of(self, node: Node) -> Page | Database | None:
        """The page (or database) that holds a block."""
        for one in self.lineage(node):
            if isinstance(one, Page | Database):
                return one
        return None

    def alive(self, node: Node) -> Iterator[Node]:
        """The children that are not in the trash themselves, in order."""
        nodes = self.nodes
        for child_id in node.children:
            child = nodes[child_id]
            if not child.trashed:
                yield child

    def has_children(self, node: Node) -> bool:
        """Whether anything is below it that is not in the trash."""
        return bool(node.children) and any(True for _ in self.alive(node))

    def rows(self, source: DataSource) -> Iterator[Page]:
        """The rows that are not in the trash themselves, oldest first."""
        pages = self.pages
        for row_id in source.rows:
            row = pages[row_id]
            if not row.trashed:
                yield row

    def source_of(self, page: Page) -> DataSource | None:
        """The data source of a row; None for a standalone page."""
        return self.data_sources.get(page.parent_id) if page.parent_kind == "data_source" else None

    def title(self, node: Node) -> str:
        """The plain title of a page, database or data source; empty for a block."""
        match node:
            case Page():
                return plain_text(node.properties.get("title") or [])
            case Database() | DataSource():
                return plain_text(node.title)
        return ""
