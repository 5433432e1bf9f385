"""Notion clients of our connections, under budgets that all processes share.

A budget is named by a digest of its token: the limit is the token's, whatever the connection is called, and
known before the token was ever used.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b
from urllib.parse import urlsplit

from syncline.app import App
from syncline.core.errors import BadInput
from syncline.notion.budget import Budget, Rate, Unlimited
from syncline.notion.client import Client, Runtime
from syncline.notion.objects import Version
from syncline.store import connections
from syncline.store.budgets import Limit, StoreBudget
from syncline.store.connections import Connection

__all__ = ["new_client", "open_budget", "open_client"]


@asynccontextmanager
async def open_client(app: App, connection: Connection) -> AsyncIterator[Client]:
    """A client with the connection's token."""
    async with app.database.read() as conn:
        token = await connections.token(conn, connection.id, ring=app.keys)
    version, rate = Version(connection.notion_version), Rate.parse(connection.rate)
    async with (
        open_budget(app, token, rate, workspace=connection.workspace_id) as budget,
        new_client(token, version, connection.base_url, budget=budget) as client,
    ):
        yield client


def new_client(
    token: str, version: Version, base_url: str, *, budget: Budget, runtime: Runtime | None = None
) -> Client:
    """A client. Raises BadInput for an address that is none, and for a proxy that cannot be used."""
    try:
        urlsplit(base_url).port  # noqa: B018  reading it raises where it is none
        return Client(token, version=version, base_url=base_url, budget=budget, runtime=runtime)
    except ValueError as error:
        raise BadInput(f"{str(error)[:1].upper()}{str(error)[1:].rstrip('.')}.") from error
    except ImportError as error:
        raise BadInput(
            "The proxy that the environment names is of a kind that Syncline cannot use."
        ) from error


@asynccontextmanager
async def open_budget(
    app: App, token: str, rate: Rate | None, *, workspace: str | None = None
) -> AsyncIterator[Budget]:
    """The budget of a token, and the pauses of its workspace. Without a rate nothing is shared."""
    if rate is None:
        yield Unlimited()
        return
    digest = blake2b(token.encode(), digest_size=16).hexdigest()
    pauses = Limit(f"workspace:{workspace}", None) if workspace else None
    budget = StoreBudget(app.database, Limit(f"token:{digest}", rate), pauses)
    try:
        yield budget
    finally:
        await budget.close()
