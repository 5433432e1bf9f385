"""The service in process: its routes, a user of each role, and a Notion behind it. The other tests of the door build on it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from starlette.types import ASGIApp

from syncline.accounts import sessions
from syncline.accounts.passwords import digest, new_token
from syncline.api import asgi
from syncline.api.service import Service
from syncline.app import App
from syncline.core.permission import Role, Scope
from syncline.store import connections, keys, members, users
from syncline.store.connections import Connection
from syncline.store.keys import ApiKey
from syncline.store.users import User

HOME = "c1"
"""The id of the workspace that `Door.open` makes."""
ORIGIN = "http://syncline.test"
T0 = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"  # of all users, where one is asked for
NOBODY = "$argon2id$none"  # what stands for a password's hash where no test signs in


@dataclass(slots=True)
class Time:
    """Our time: it stands still until a test moves it."""

    now: datetime = T0

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass(slots=True)
class Door:
    """The service, and a client that comes with no credential of its own."""

    service: Service
    http: httpx2.AsyncClient
    time: Time
    asgi: ASGIApp
    people: dict[str, User] = field(default_factory=dict)

    @property
    def app(self) -> App:
        return self.service.app

    async def user(self, name: str, *, owner: bool = False) -> User:
        """Make a user who belongs to nothing yet."""
        made = User(
            f"u-{name}", f"{name}@example.com", name.title(), owner, self.time(), verified_at=self.time()
        )
        async with self.app.database.begin() as conn:
            await users.add(conn, made, password=NOBODY)
        self.people[name] = made
        return made

    async def workspace(
        self, connection_id: str, *, token: str = "ntn_x", base_url: str = "http://notion.test", **roles: str
    ) -> Connection:
        """Make a connection; `roles` says who is what: ``owner="ann"``. Users that are not there are made."""
        connection = Connection(
            id=connection_id,
            name=f"name-{connection_id}",
            base_url=base_url,
            notion_version="2026-03-11",
            rate="none",
            bot_id="bot",
            bot_name="bot",
            workspace_id=f"notion-{connection_id}",
            workspace_name=f"Workspace {connection_id}",
            capabilities=("read_content",),
            created_at=self.time(),
        )
        async with self.app.database.begin() as conn:
            await connections.add(conn, connection, token=token, ring=self.app.keys)
        for role, name in roles.items():
            person = self.people.get(name) or await self.user(name)
            async with self.app.database.begin() as conn:
                await members.add(conn, connection_id, person.id, role=Role(role), now=self.time())
        return connection

    async def signed_in(self, name: str) -> dict[str, str]:
        """The headers of a user's new session."""
        async with self.app.database.begin() as conn:
            tokens = await sessions.begin(self.app, conn, self.people[name].id, agent=None)
        return {"Authorization": f"Bearer {tokens.access}"}

    async def key(
        self, name: str, *scopes: Scope, workspaces: tuple[str, ...] | None = None
    ) -> dict[str, str]:
        """The headers of a user's new API key."""
        token = new_token("slk")
        key = ApiKey(
            id=self.app.new_id(),
            user_id=self.people[name].id,
            name="test",
            prefix=token[:8],
            scopes=scopes,
            workspaces=workspaces,
            created_at=self.time(),
            expires_at=None,
        )
        async with self.app.database.begin() as conn:
            await keys.add(conn, key, hashed=digest(token))
        return {"Authorization": f"Bearer {token}"}

    async def ask(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **rest: Any
    ) -> tuple[int, Any]:
        """Send a request below ``/api/v1``: status and body."""
        answer = await self.http.request(method, asgi.PREFIX + path, headers=headers, **rest)
        return answer.status_code, answer.json() if answer.content else None


@asynccontextmanager
async def opened(app: App) -> AsyncIterator[Door]:
    """The service over an open app, with time that stands still."""
    time = Time()
    async with Service.open(replace(app, now=time)) as service:
        application = asgi.create(service)
        transport = httpx2.ASGITransport(app=application)
        async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as http:
            yield Door(service, http, time, application)
