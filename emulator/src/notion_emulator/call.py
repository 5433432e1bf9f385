"""One request as the resources see it, and what they answer.

A resource is a function ``(call) -> Answer``; it reads ``call``, changes ``call.world`` and raises ``NotionError``.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from notion_emulator.errors import ObjectNotFound, RestrictedResource, ValidationFailed, not_found
from notion_emulator.files import signed_url
from notion_emulator.ids import dashed
from notion_emulator.objects import Block, Connection, Database, DataSource, Json, Node, Page
from notion_emulator.paging import Sessions
from notion_emulator.validate import Check, refuse
from notion_emulator.world import World

__all__ = ["V22", "V25", "V26", "Answer", "Call"]

V22, V25, V26 = VERSIONS = ("2022-06-28", "2025-09-03", "2026-03-11")
Kind = TypeVar("Kind", bound=Node)


@dataclass(slots=True, frozen=True)
class Answer:
    """A status and a body: JSON to encode, or encoded JSON of an object."""

    body: Json | bytes
    status: int = 200
    request_id: bool = True  # one recorded answer carries none


@dataclass(slots=True)
class Call:
    """A checked request on its way to a resource."""

    world: World
    connection: Connection
    version: str
    base: str  # where the emulator is reached, for example http://127.0.0.1:4100
    sessions: Sessions
    path: dict[str, str] = field(default_factory=dict)  # ids dashed and lower case
    query: dict[str, list[str]] = field(default_factory=dict)
    body: Any = None
    content_type: str = ""
    raw: bytes = b""
    jobs: list[Callable[[], Awaitable[None]]] = field(
        default_factory=list
    )  # what Notion does after it answered

    @property
    def by(self) -> str:
        """The user whose name stands on a write: the bot, or the person of a personal token."""
        bot = self.connection.bot_id
        owner = self.world.users[bot].owner if self.connection.kind == "personal" else None
        return owner or bot

    def checked(self, check: Check) -> Json:
        """The body, which passes the check. Raises ValidationFailed."""
        body = {} if self.body is None else self.body
        refuse("body", check(body, "body", ()))
        assert isinstance(body, dict)
        return body

    def allow(self, capability: str) -> None:
        """Raise RestrictedResource where the connection lacks a capability."""
        if capability not in self.connection.capabilities:
            raise RestrictedResource

    def reaches(self, node: Node) -> bool:
        """Whether the connection may see the node."""
        return self.world.can_reach(self.connection, node)

    def page(self, id: str) -> Page:
        """The page of that id, also in the trash. Raises ObjectNotFound; says so where it is a database."""
        if id in self.world.databases and self.reaches(self.world.databases[id]):
            raise ValidationFailed(
                f"Provided ID {id} is a database, not a page. Use the retrieve database API instead."
            )
        return self._found(self.world.pages, id, "page")

    def database(self, id: str) -> Database:
        """The database of that id. Raises ObjectNotFound; says so where it is a page."""
        if id in self.world.pages and self.reaches(self.world.pages[id]):
            raise ValidationFailed(
                f"Provided ID {id} is a page, not a database. Use the retrieve page API instead."
            )
        return self._found(self.world.databases, id, "database")

    def data_source(self, id: str) -> DataSource:
        """The data source of that id. Raises ObjectNotFound."""
        return self._found(self.world.data_sources, id, "data_source")

    def node(self, id: str, kind: str = "block") -> Page | Database | Block:
        """Whatever has that id among the blocks: a block, page or database. Raises ObjectNotFound."""
        node = self._found(self.world.nodes, id, kind)
        if isinstance(node, Page | Database | Block):
            return node
        raise not_found(kind, id, connection=self.connection)

    def missing(self, kind: str, id: str) -> ObjectNotFound:
        """The 404 to raise for an id."""
        return not_found(kind, id, connection=self.connection)

    def _found(self, nodes: dict[str, Kind], id: str, kind: str) -> Kind:
        node = nodes.get(dashed(id) or id)
        if node is None or not self.reaches(node):
            raise not_found(kind, id, connection=self.connection)
        return node

    def user(self, id: str) -> Json:
        """A user inside another object: whole where the connection may read people, else by id."""
        user = self.world.users.get(id)
        if user is None or user.removed or "read_users" not in self.connection.capabilities:
            return {"object": "user", "id": id}
        shown = {
            "object": "user",
            "id": user.id,
            "name": user.name,
            "avatar_url": user.avatar_url,
            "type": user.type,
        }
        if user.type == "bot":
            return {**shown, "bot": {}}
        if "read_emails" not in self.connection.capabilities or user.email is None:
            return {**shown, "person": {}}
        return {**shown, "person": {"email": user.email, "email_verified": user.email_verified}}

    def signed(self, key: str) -> Json:
        """``{url, expiry_time}`` of a stored file, signed afresh."""
        world = self.world
        return signed_url(
            world.files[key], base=self.base, space=world.id, at=world.clock.now(),
            seconds=world.settings.file_seconds, nonce=f"{world.random.getrandbits(128):032x}",
        )  # fmt: skip


Resource = Callable[[Call], Answer]
