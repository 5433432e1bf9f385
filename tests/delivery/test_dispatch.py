"""Sending to many at once: bounded, fair, and nobody waits for one that hangs."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from syncline.app import App
from syncline.delivery.dispatch import PLACES, Dispatcher, Waiting, completed

APP: Any = None
"""Nothing here looks at it."""


class Post(Dispatcher[str]):
    """Receivers with so many messages each; those in `hanging` take theirs when `released`, those in `failing` never."""

    def __init__(self, waiting: dict[str, int], *, hanging: str = "", failing: Sequence[str] = ()) -> None:
        super().__init__()
        self.waiting = waiting
        self.hanging = hanging
        self.failing = failing
        self.released = asyncio.Event()
        self.busy: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.taken: list[str] = []

    async def due(self, app: App) -> Sequence[Waiting[str]]:
        # What is being sent is not due.
        return [
            Waiting(key, key in self.failing) for key, count in self.waiting.items() if count > self.busy[key]
        ]

    async def serve(self, app: App, key: str, *, failing: bool) -> bool:
        self.busy[key] += 1
        self.most["all"] = max(self.most["all"], self.busy.total())
        down = sum(count for each, count in self.busy.items() if each in self.failing)
        self.most["failing"] = max(self.most["failing"], down)
        if key in self.hanging or failing:
            await self.released.wait()
        await asyncio.sleep(0)
        self.busy[key] -= 1
        self.waiting[key] -= 1
        if key == "error":
            raise ZeroDivisionError
        self.taken.append(key)
        return True


async def test_one_that_hangs_keeps_no_other_waiting() -> None:
    post = Post({"h": 1, "a": 50, "b": 50}, hanging="h")
    while len(post.taken) < 100:
        await post(APP)
    assert Counter(post.taken) == {"a": 50, "b": 50}
    post.released.set()
    await post.close()
    assert post.taken[-1] == "h"


async def test_many_that_hang_leave_half_of_the_places_to_the_others() -> None:
    down = [f"down{number}" for number in range(3 * PLACES)]
    post = Post(dict.fromkeys(down, 1) | {"up": 10}, failing=down)
    while len(post.taken) < 10:
        await post(APP)
    assert set(post.taken) == {"up"}
    assert post.most["failing"] == PLACES // 2
    post.released.set()
    while await post(APP) == 0.0:
        pass
    await post.close()
    assert set(post.taken) == {"up", *down}


async def test_more_busy_receivers_than_places_are_served_in_turn() -> None:
    names = [f"r{number:02}" for number in range(3 * PLACES)]
    post = Post(dict.fromkeys(names, 1000))
    for _ in range(40):
        assert await post(APP) == 0.0
    await post.close()
    counts = Counter(post.taken)
    assert len(counts) == len(names)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert post.most["all"] == PLACES


async def test_one_whose_messages_come_in_order_has_its_turn_as_often_as_the_others() -> None:
    names = [f"r{number:02}" for number in range(PLACES + 5)]
    post = Post(dict.fromkeys(names, 1))
    for _ in range(60):
        await post(APP)
        for name in names:
            post.waiting[name] = 1 + post.busy[name]
    await post.close()
    counts = Counter(post.taken)
    assert max(counts.values()) - min(counts.values()) <= 2


async def test_an_error_is_raised_once_and_ends_nothing_else() -> None:
    post = Post({"error": 1, "a": 3})
    raised = 0
    for _ in range(10):
        try:
            await post(APP)
        except ZeroDivisionError:
            raised += 1
    await post.close()
    assert (raised, post.taken) == (1, ["a"] * 3)


async def test_nothing_due_is_nothing_done() -> None:
    post = Post({})
    assert await post(APP) is None
    await post.close()


async def test_work_side_by_side_is_all_done_before_its_error_is_raised() -> None:
    done: list[int] = []

    async def work(number: int) -> int:
        await asyncio.sleep(0)
        if number == 1:
            raise ZeroDivisionError
        await asyncio.sleep(0)
        done.append(number)
        return number

    assert await completed([work(0), work(2)]) == [0, 2]
    with pytest.raises(ZeroDivisionError):
        await completed([work(1), work(3)])
    assert done == [0, 2, 3]
