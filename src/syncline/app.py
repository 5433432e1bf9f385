"""App: the bag of open resources that the engine works with, opened once per process."""

import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from syncline.core.errors import StoreUnavailable
from syncline.settings import Settings
from syncline.store.database import Database
from syncline.store.secrets import KeyRing
from syncline.telemetry import OFF, Telemetry, open_telemetry

__all__ = ["App"]


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class App:
    """The open store, the key ring, the time, the source of ids, and where it is told what happens."""

    settings: Settings
    database: Database
    keys: KeyRing
    now: Callable[[], datetime] = _now
    new_id: Callable[[], str] = _new_id
    telemetry: Telemetry = OFF

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncIterator[Self]:
        """Open what `settings` name, creating what is missing, and close it at the end.

        Raises StoreUnavailable if the home or the store cannot be used, BadInput for a wrong URL or key.
        """
        settings.prepare_home()
        if not os.access(settings.home, os.W_OK | os.X_OK):
            raise StoreUnavailable(
                f"The folder {settings.home} cannot be written: set SYNCLINE_HOME to one that can."
            )
        key = settings.key
        keys = KeyRing(key.get_secret_value()) if key else KeyRing.open(settings.home)
        telemetry = open_telemetry()
        try:
            database = await Database.open(settings.store)
            try:
                yield cls(settings=settings, database=database, keys=keys, telemetry=telemetry)
            finally:
                await database.close()
        finally:
            telemetry.close()
