"""A connection by OAuth, made through the engine against an emulated Notion."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from notion_emulator.oauth import Client
from notion_emulator.objects import Connection as AtNotion
from notion_emulator.server import ServerThread
from syncline.accounts.joining import Joined, join
from syncline.app import App
from syncline.engine.connect import Asked, examine
from syncline.engine.tokens import ask_notion, granted
from syncline.notion import oauth as op
from syncline.store import authorizations, connections, oauth, users
from syncline.store.authorizations import Authorization, Grant
from syncline.store.connections import Connection
from syncline.store.oauth import OAuthApp
from syncline.store.users import User

BACK = "http://syncline.test/api/v1/notion/callback"
T0 = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass(slots=True)
class Time:
    """Our time: it stands still until a test moves it, but for `step` at each look."""

    now: datetime = T0
    step: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        self.now += self.step
        return self.now


@dataclass(slots=True)
class Notion:
    """An OAuth app registered with an emulated Notion and with us, and people who authorise it."""

    app: App
    server: ServerThread
    client: Client
    registered: OAuthApp
    time: Time

    @classmethod
    async def open(cls, app: App, server: ServerThread) -> "Notion":
        time = Time()
        app = replace(app, now=time)
        client = server.emulator.oauth.register(name="Acme", redirect_uris=(BACK,))
        registered = OAuthApp(
            "a", "acme", client.id, BACK, server.url, "2026-03-11", rate="none", created_at=T0
        )
        async with app.database.begin() as conn:
            await oauth.add(conn, registered, secret=client.secret, ring=app.keys)
        notion = cls(app, server, client, registered, time)
        for name in ("ann", "bob", "cid"):
            await notion.user(name)
        return notion

    async def user(self, name: str) -> None:
        made = User(name, f"{name}@example.com", name, instance_owner=False, created_at=T0)
        async with self.app.database.begin() as conn:
            await users.add(conn, made, password="$none")

    async def given(self) -> Grant:
        """What Notion gives for one more authorization."""
        code = self.server.emulator.oauth.grant(self.client, redirect_uri=BACK)
        client_id, secret = self.client.id, self.client.secret
        ask = op.create_token(code, client_id=client_id, client_secret=secret, redirect_uri=BACK)
        answer = await ask_notion(self.registered, ask)
        return granted(answer, self.registered, now=self.app.now())

    async def authorise(self, user: str) -> Joined:
        """Have a person come back from Notion's page."""
        given = await self.given()
        asked = Asked(given.access_token, base_url=self.registered.base_url, rate="none")
        return await join(self.app, user, await examine(self.app, asked), given)

    async def connected(self) -> Connection:
        """The connection of ann, who came first."""
        joined = await self.authorise("ann")
        async with self.app.database.read() as conn:
            return await connections.one(conn, joined.connection_id)

    @property
    def granted(self) -> list[AtNotion]:
        """The authorizations of the app that Notion knows."""
        every = self.server.emulator.world.connections.values()
        return [one for one in every if one.client_id == self.client.id]

    def expire(self) -> None:
        """Let every access token end; the refresh tokens stay good."""
        for number, one in enumerate(self.granted):
            one.token = f"ntn_nobody_has_this_one_{number}"

    def forget(self) -> None:
        """Let nothing of the app be good any more, as when a person removes it in Notion."""
        for one in self.granted:
            del self.server.emulator.world.connections[one.id]

    @property
    def renewals(self) -> int:
        """How often a token was asked for."""
        return self.server.emulator.requests.count(path="^/v1/oauth/token$")

    async def held(self, connection: Connection) -> Authorization:
        async with self.app.database.read() as conn:
            return await authorizations.find(conn, connection.id)

    async def token(self, connection: Connection) -> str:
        async with self.app.database.read() as conn:
            return await connections.token(conn, connection.id, ring=self.app.keys)
