"""The example's Notion, in this process, and its database: what the tests of mappings share."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx2
from tests.engine.pulling import SteadyClock

from notion_emulator import Emulator
from notion_emulator.workspaces import open_workspace
from syncline.notion.budget import Unlimited
from syncline.notion.client import Client, Runtime
from syncline.notion.objects import LATEST, Version

EXAMPLE = Path(__file__).parents[2] / "examples" / "cadence"
HUB = "2b86b8ea-578a-80cb-8f25-f080444ec266"
TEAM = "2b96b8ea-578a-8165-905e-d8d01c403cc2"
TASKS = "662cbb0c-1cca-4c12-9991-c566f220eb0c"
NOTION = "http://notion.test"


def notion() -> Emulator:
    """The dashboard with its six databases."""
    return open_workspace(str(EXAMPLE / "workspace.json"))


@asynccontextmanager
async def client_of(emulator: Emulator, version: Version = LATEST) -> AsyncIterator[Client]:
    """A client of an emulator in this process."""
    steady = SteadyClock()
    async with Client(
        emulator.token,
        version=version,
        base_url=NOTION,
        budget=Unlimited(),
        transport=httpx2.ASGITransport(app=emulator.app),
        runtime=Runtime(clock=steady, sleep=steady.sleep),
    ) as client:
        yield client


def fill(path: Path) -> str:
    """The example's tables in a new SQLite file; its URL."""
    with closing(sqlite3.connect(path)) as conn:
        for name in ("tables.sql", "rows.sql"):
            conn.executescript((EXAMPLE / name).read_text())
    return f"sqlite:///{path}"


def run(path: Path, statement: str, *values: Any) -> list[Any]:
    """Change the database as another program would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        return conn.execute(statement, values).fetchall()
