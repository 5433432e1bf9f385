"""Notion clients of our connections, under budgets that all processes share.

A budget is named by a digest of its token: the limit is the token's, whatever the connection is called, and
known before the token was ever used.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b

from syncline.app import App
from syncline.notion.budget import Budget, Rate, Unlimited
from syncline.notion.client import Client
from syncline.notion.objects import Version
from syncline.store import connections
from syncline.store.budgets import Limit, StoreBudget
from syncline.store.connections import Connection

__all__ = ["open_budget", "open_client"]


@asynccontextmanager
async def open_client(app: App, connection: Connection) -> AsyncIterator[Client]:
    """A client with the connection's token."""
    async with app.database.read() as conn:
        token = await connections.token(conn, connection.id, ring=app.keys)
    version, rate = Version(connection.notion_version), Rate.parse(connection.rate)
    async with (
        open_budget(app, token, rate, workspace=connection.workspace_id) as budget,
        Client(token, version=version, base_url=connection.base_url, budget=budget) as client,
    ):
        yield client


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
