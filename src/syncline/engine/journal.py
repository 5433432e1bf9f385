"""The journal: every request to Notion and its answer, written down without secrets.

A client tells what it did at once; what it told is written once a second and at the end, in a transaction of its own, so that logging
neither slows a pull nor breaks one.
"""

import asyncio
import logging
import secrets
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from syncline.app import App
from syncline.core.errors import SynclineError
from syncline.core.redact import redacted, redacted_text
from syncline.notion.exchange import Exchange as Told
from syncline.notion.exchange import Observer
from syncline.store import exchanges
from syncline.store.connections import Connection
from syncline.store.exchanges import Exchange
from syncline.store.types import dump
from syncline.telemetry import Attributes, Telemetry

__all__ = ["as_curl", "forget_old", "journal"]

_EVERY: Final = 1.0
"""Seconds between two writes."""

_LARGEST: Final = 1_000_000
"""Bytes of a body that is kept; of a larger one its size is."""

_BATCH: Final = 500

_LOG = logging.getLogger("syncline.journal")


@asynccontextmanager
async def journal(app: App, connection: Connection, *, run_id: str | None) -> AsyncIterator[Observer]:
    """What is to observe a client of the connection."""
    if app.settings.log_requests == "off":
        yield partial(_tell, app.telemetry)
        return
    pages = _Pages(app, connection, run_id)
    over = asyncio.Event()
    writing = asyncio.create_task(pages.write_until(over))
    try:
        yield pages.note
    finally:
        # Not cancelled: in the middle of a write that would lose it, and psycopg takes it for a bug.
        over.set()
        await asyncio.wait([writing])


class _Pages:
    """What was told and is not written yet."""

    def __init__(self, app: App, connection: Connection, run_id: str | None) -> None:
        self._app = app
        self._connection = connection
        self._run_id = run_id
        self._bodies = app.settings.log_requests == "bodies"
        self._told: list[Exchange] = []
        self._last = 0
        # Clocks tell microseconds; what is below tells clients apart.
        self._mark = secrets.randbelow(1000)

    def note(self, told: Told) -> None:
        _tell(self._app.telemetry, told)
        now = self._app.now()
        self._last = max(int(now.timestamp() * 1_000_000) * 1000 + self._mark, self._last + 1000)
        error = told.error
        self._told.append(
            Exchange(
                id=self._last,
                connection_id=self._connection.id,
                run_id=self._run_id,
                at=now,
                operation=told.operation,
                method=told.method,
                path=redacted_text(told.path + (f"?{urlencode(told.query)}" if told.query else "")),
                attempt=told.attempt,
                lane=told.lane.name.lower(),
                seconds=told.seconds,
                status=told.status,
                request_id=told.request_id,
                code=error.code if error is not None else None,
                message=redacted_text(str(error)) if error is not None else None,
                sent=_kept(told.sent) if self._bodies else None,
                answer=_kept(told.answer) if self._bodies else None,
            )
        )

    async def write_until(self, over: asyncio.Event) -> None:
        """Write now and then, and at the end."""
        while not over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY):
                    await over.wait()
            await self.write()
        await self.write()

    async def write(self) -> None:
        """Write what was told. What cannot be written is dropped: a log is no reason to stop."""
        while self._told:
            batch, self._told = self._told[:_BATCH], self._told[_BATCH:]
            try:
                async with self._app.database.begin() as conn:
                    await exchanges.append(conn, batch)
            except SynclineError as error:
                _LOG.warning("%d requests could not be logged: %s", len(batch), error)
                return


def _tell(telemetry: Telemetry, told: Told) -> None:
    """The request as a span below that of its run."""
    failed = type(told.error).__name__ if told.error is not None else None
    labels: Attributes = {
        "notion.operation": told.operation,
        "http.request.method": told.method,
        "http.response.status_code": told.status or 0,
    }
    attributes: Attributes = {
        **labels,
        "notion.attempt": told.attempt,
        "notion.request_id": told.request_id or "",
    }
    telemetry.passed(f"notion {told.operation}", seconds=told.seconds, attributes=attributes, failed=failed)
    telemetry.count("syncline.notion.requests", 1, labels)


def _kept(body: Any) -> Any:
    if body is None:
        return None
    size = len(dump(body))
    return redacted(body) if size <= _LARGEST else {"omitted": f"{size} bytes"}


def as_curl(exchange: Exchange, base_url: str, version: str) -> str:
    """The request as a command of curl, which takes the token from the environment."""
    parts = ["curl", "-X", exchange.method, f"{base_url}{exchange.path}"]
    command = " ".join(shlex.quote(part) for part in parts)
    command += f' -H "Authorization: Bearer $NOTION_TOKEN" -H {shlex.quote(f"Notion-Version: {version}")}'
    if exchange.sent is not None:
        body = dump(exchange.sent)
        command += f" -H 'Content-Type: application/json' --data {shlex.quote(body)}"
    return command


async def forget_old(app: App) -> float | None:
    """Forget what is older than the settings say."""
    async with app.database.begin() as conn:
        await exchanges.prune(conn, before=app.now() - timedelta(days=app.settings.log_days))
    return None
