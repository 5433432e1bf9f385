"""The emulator: its workspaces, its clock, and the switches that tests turn."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any

from notion_emulator.app import Application
from notion_emulator.clock import Clock
from notion_emulator.control import Control
from notion_emulator.faults import Faults
from notion_emulator.ids import Ids
from notion_emulator.limits import Limits, Rate, rate
from notion_emulator.oauth import OAuth
from notion_emulator.objects import Connection, Settings
from notion_emulator.paging import Sessions
from notion_emulator.replay import Recording
from notion_emulator.requests import Requests
from notion_emulator.webhooks import Webhooks
from notion_emulator.world import World

__all__ = ["Emulator"]


@dataclass(eq=False, kw_only=True)
class Emulator:
    """A local Notion. ``Emulator()`` has one empty workspace with one page and one connection.

    ``app`` is the ASGI application; everything else is a Python object that a test may read and change while it runs.
    """

    world: World = field(default_factory=World)  # the first workspace
    clock: Clock = field(default_factory=Clock)
    faults: Faults = field(default_factory=Faults)
    limits: Limits = field(default_factory=Limits)
    requests: Requests = field(default_factory=Requests)
    sessions: Sessions = field(default_factory=Sessions)
    latency: float = 0.0  # seconds each answer takes
    recording: Recording | None = None  # answer from recordings instead of the world
    base_url: str | None = None  # where signed addresses lead; by default where the request came to
    seeded: Any = None  # what seed.generate told of a generated workspace
    jobs: list[Callable[[], Awaitable[None]]] = field(
        default_factory=list
    )  # waiting for the application's loop
    worlds: list[World] = field(init=False)
    connection: Connection = field(init=False)
    ids: Ids = field(init=False)
    oauth: OAuth = field(init=False)
    webhooks: Webhooks = field(init=False)

    def __post_init__(self) -> None:
        self.worlds = [self.world]
        self.world.clock = self.clock
        self.ids = Ids(Random(self.world.id), "0" * 9)
        self.oauth = OAuth(self)
        self.webhooks = Webhooks(self)
        first = next(iter(self.world.connections.values()), None)
        self.connection = first or self.world.connect("Emulated connection")
        if not self.world.top:
            self.world.create_page(None, "Home")

    @cached_property
    def app(self) -> Application:
        """The ASGI application."""
        return Application(self)

    @cached_property
    def control(self) -> Control:
        """What answers the control prefix."""
        return Control(self)

    @property
    def settings(self) -> Settings:
        """The first workspace's settings."""
        return self.world.settings

    @property
    def token(self) -> str:
        """The token of the first connection."""
        return self.connection.token

    @property
    def root_page_id(self) -> str:
        """The first page at the top of the first workspace."""
        return self.world.top[0]

    def replace_world(self, world: World) -> None:
        """Serve another first workspace; cursors and rate limits begin anew, its first connection is ours."""
        world.clock = self.clock
        self.worlds[0] = self.world = world
        self.connection = next(iter(world.connections.values()), None) or world.connect("Emulated connection")
        self.sessions.clear()
        self.limits.clear()

    def add_world(self, world: World) -> World:
        """Serve another workspace too; give it connections of its own.

        Raises ValueError for a world made from the seed of another one here: its ids and tokens would be the same.
        """
        if any(world.id == one.id for one in self.worlds):
            raise ValueError(
                "A workspace with these ids is here already; make the other one with another seed."
            )
        world.clock = self.clock
        self.worlds.append(world)
        return world

    def caller(self, token: str) -> tuple[World, Connection] | None:
        """The workspace and connection of a token."""
        for world in self.worlds:
            for connection in world.connections.values():
                if connection.token == token:
                    return world, connection
        return None

    def set_rate(self, connection: Rate | str | None, *, workspace: Rate | str | None = None) -> None:
        """Limit each connection, and all of a workspace together: a Rate, its text (``180/60``, ``3/1``) or None."""
        self.limits.connection = rate(connection) if isinstance(connection, str) else connection
        self.limits.workspace = rate(workspace) if isinstance(workspace, str) else workspace
        self.limits.clear()

    def request_id(self) -> str:
        """The id of the next answer."""
        return self.ids.random_v4()
