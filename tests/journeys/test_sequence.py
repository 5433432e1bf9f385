"""Several processes write at once, slowly and quickly: whoever follows the change sequence or the event log misses nothing."""

import asyncio
import os
import random
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tests.store.samples import CONNECTION, record

from syncline.core.event import Event
from syncline.core.model import Deletion, Kind
from syncline.store import changes, connections, events, records
from syncline.store.changes import Filter
from syncline.store.database import Database
from syncline.store.secrets import KeyRing

HOME = CONNECTION.id
WRITERS = 4
ROUNDS = int(os.environ.get("SYNCLINE_TEST_ROUNDS", "20"))
"""Transactions of each writer; more of them for a longer look."""


async def write(location: str, seed: int) -> None:
    """What one process does: rows that others write too, and events, in transactions some of which stay open for a while."""
    rng, now = random.Random(seed), datetime(2026, 11, 20, tzinfo=UTC)
    database = await Database.open(location)
    for number in range(ROUNDS):
        keys = sorted(rng.sample(range(30), rng.randint(1, 8)))
        rows = [
            replace(record(Kind.PAGE, f"p{key}", title=f"{seed}-{number}"), hash=f"{seed}-{number}")
            for key in keys
        ]
        async with database.begin() as conn:
            await records.upsert(conn, HOME, rows, run_id="r", now=now)
            await asyncio.sleep(rng.choice([0, 0, 0.001, 0.02]))
            if rng.random() < 0.2:
                await records.delete(
                    conn, HOME, [(Kind.PAGE, f"p{keys[0]}")], reason=Deletion.TRASHED, now=now
                )
            told = [Event("test:number", {"writer": seed, "number": number})] * rng.randint(1, 3)
            await events.append(conn, HOME, told, now=now)
            await asyncio.sleep(rng.choice([0, 0, 0.005]))
    await database.close()


class Reader:
    """Somebody who follows both, from its own position, as a client of GET /records does."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.held: dict[str, tuple[int, str]] = {}
        self.at = 0
        self.heard: list[tuple[int, int]] = []

    async def read(self, limit: int) -> bool:
        async with self.database.read() as conn:
            found = await changes.listed(conn, HOME, Filter(), after=self.at, limit=limit)
            logged = await events.since(conn, HOME, len(self.heard), limit)
        for one in found:
            assert one.record.seq > self.at
            self.at = one.record.seq
            self.held[one.record.key] = (one.record.seq, one.record.hash)
        for event in logged:
            assert event.seq == len(self.heard) + 1
            self.heard.append((event.data["writer"], event.data["number"]))
        return bool(found or logged)


async def test_a_reader_misses_nothing_that_several_processes_write(
    store_location: str, tmp_path: Path
) -> None:
    database = await Database.open(store_location)
    async with database.begin() as conn:
        await connections.add(conn, CONNECTION, token="ntn_x", ring=KeyRing.open(tmp_path))
    code = "import asyncio, sys; from tests.journeys.test_sequence import write; asyncio.run(write(sys.argv[1], int(sys.argv[2])))"
    writers = [
        subprocess.Popen([sys.executable, "-c", code, store_location, str(seed)])  # noqa: ASYNC220 - it starts at once
        for seed in range(WRITERS)
    ]
    readers = [Reader(database) for _ in range(3)]
    try:
        async with asyncio.timeout(60 + 2 * ROUNDS):
            while any(writer.poll() is None for writer in writers):
                await asyncio.gather(
                    *(reader.read(limit) for reader, limit in zip(readers, (1, 7, 500), strict=True))
                )
                await asyncio.sleep(0)
            while any([await reader.read(500) for reader in readers]):
                pass
    finally:
        for writer in writers:
            writer.kill()  # those that have ended do not mind
            writer.wait()
    assert [writer.returncode for writer in writers] == [0] * WRITERS
    async with database.read() as conn:
        there = {
            one.record.key: (one.record.seq, one.record.hash)
            for one in await changes.listed(conn, HOME, Filter(), after=0, limit=10_000)
        }
        head = await changes.head(conn, HOME)
        heads = await events.heads(conn, [HOME])
    await database.close()
    for reader in readers:
        assert reader.held == there
        assert (reader.at, len(reader.heard)) == (head, heads[HOME])
        for seed in range(WRITERS):
            mine = [number for who, number in reader.heard if who == seed]
            assert (mine == sorted(mine), set(mine)) == (True, set(range(ROUNDS)))
