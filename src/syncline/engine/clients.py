"""Notion clients of our connections, under budgets that all processes share.

A budget is named by a digest of its token: the limit is the token's, whatever the connection is called, and
known before the token was ever used.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from hashlib import blake2b
from urllib.parse import urlsplit

from syncline.app import App
from syncline.core.errors import BadInput
from syncline.engine.journal import journal
from syncline.engine.tokens import renew
from syncline.notion.budget import Budget, Rate, Unlimited
from syncline.notion.client import Client, Renewer, Runtime
from syncline.notion.errors import NotionError
from syncline.notion.exchange import Observer
from syncline.notion.objects import Version
from syncline.store import authorizations, connections
from syncline.store.budgets import Limit, StoreBudget
from syncline.store.connections import Connection

__all__ = ["budget_key", "new_client", "open_budget", "open_client", "token_key"]

_BEFORE_THE_END = timedelta(minutes=5)
"""So long before its end a token is renewed."""


@asynccontextmanager
async def open_client(
    app: App, connection: Connection, *, run_id: str | None = None
) -> AsyncIterator[Client]:
    """A client with the connection's token. One that Notion refuses, or that is about to end, is renewed where that can be.

    What it does is written into the journal, as part of a run where one is named.
    """
    # What was sent was sent, and a renewed token is the only one, whoever has the run by now.
    app = replace(app, database=app.database.unguarded())
    async with app.database.read() as conn:
        token = await connections.token(conn, connection.id, ring=app.keys)
        held = await authorizations.find(conn, connection.id)
    if held.expires_at is not None and held.expires_at < app.now() + _BEFORE_THE_END:
        with suppress(NotionError):  # it is good for a while yet, and asked for again when it is not
            token = await renew(app, connection, token) or token
    version, rate = Version(connection.notion_version), Rate.parse(connection.rate)
    key = budget_key(connection, held.app_id, token)
    async with (
        journal(app, connection, run_id=run_id) as observer,
        open_budget(app, token, rate, workspace=connection.workspace_id, key=key) as budget,
        new_client(
            token,
            version,
            connection.base_url,
            budget=budget,
            renew=partial(renew, app, connection),
            observer=observer,
        ) as client,
    ):
        yield client


def budget_key(connection: Connection, app_id: str | None, token: str) -> str:
    """The name of a connection's budget. A token of an app is another one after each renewal, and the limit is still the connection's."""
    return token_key(token) if app_id is None else f"bot:{connection.bot_id}"


def token_key(token: str) -> str:
    """The name of a token's budget, which does not tell the token."""
    return f"token:{blake2b(token.encode(), digest_size=16).hexdigest()}"


def new_client(
    token: str,
    version: Version,
    base_url: str,
    *,
    budget: Budget,
    runtime: Runtime | None = None,
    renew: Renewer | None = None,
    observer: Observer | None = None,
) -> Client:
    """A client. Raises BadInput for an address that is none, and for a proxy that cannot be used."""
    try:
        urlsplit(base_url).port  # noqa: B018  reading it raises where it is none
        return Client(
            token,
            version=version,
            base_url=base_url,
            budget=budget,
            runtime=runtime,
            renew=renew,
            observer=observer,
        )
    except ValueError as error:
        raise BadInput(f"{str(error)[:1].upper()}{str(error)[1:].rstrip('.')}.") from error
    except ImportError as error:
        raise BadInput(
            "The proxy that the environment names is of a kind that Syncline cannot use."
        ) from error


@asynccontextmanager
async def open_budget(
    app: App, token: str, rate: Rate | None, *, workspace: str | None = None, key: str | None = None
) -> AsyncIterator[Budget]:
    """The budget of a token, or of `key` in its place, and the pauses of its workspace. Without a rate nothing is shared."""
    if rate is None:
        yield Unlimited()
        return
    pauses = Limit(f"workspace:{workspace}", None) if workspace else None
    budget = StoreBudget(app.database, Limit(key or token_key(token), rate), pauses)
    try:
        yield budget
    finally:
        await budget.close()
