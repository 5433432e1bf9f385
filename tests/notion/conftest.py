"""What the tests of the Notion client share: a clock that only moves when nobody has anything left to do."""

import asyncio
import heapq
import json
import os
from collections.abc import Coroutine, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

RECORDINGS = Path(
    os.environ.get("NOTION_RECORDINGS", Path(__file__).parents[2] / ".." / "shared" / "recordings")
)


class VirtualTime:
    """`clock` and `sleep` for code under test; `run` lets coroutines live through hours in an instant."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._serials = count()

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + max(seconds, 0.0), next(self._serials), wake))
        await wake

    async def run(self, *coroutines: Coroutine[Any, Any, Any]) -> list[Any]:
        tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
        idle = 0
        while not all(task.done() for task in tasks):
            for _ in range(30):
                await asyncio.sleep(0)
            idle = 0 if self._advance() else idle + 1
            if idle > 20:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                raise AssertionError("everybody waits for something that will never come")
        return await asyncio.gather(*tasks)

    def _advance(self) -> bool:
        """Wake the next sleeper; tell whether there was one."""
        while self._sleepers:
            at, _, wake = heapq.heappop(self._sleepers)
            if not wake.done():
                self.now = max(self.now, at)
                wake.set_result(None)
                return True
        return False


@pytest.fixture
def virtual_time() -> VirtualTime:
    return VirtualTime()


@pytest.fixture(scope="session")
def recorded() -> list[dict[str, Any]]:
    """Real answers of Notion: objects with `case`, `request` and `response`."""
    if not RECORDINGS.is_dir():
        pytest.skip("the recordings are not part of the repository; NOTION_RECORDINGS names their folder")
    return list(_lines())


def _lines() -> Iterator[dict[str, Any]]:
    for path in sorted(RECORDINGS.glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            if line:
                yield json.loads(line)
