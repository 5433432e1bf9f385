import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.notion import errors
from syncline.notion.budget import Lane
from syncline.notion.concurrency import FEWEST, MOST, Concurrency, Gate, pressing


def good(state: Concurrency, now: float, latency: float = 0.1) -> Concurrency:
    return state.after(pressed=False, started=now - latency, now=now)


def test_one_more_goes_at_once_after_each_round_trip() -> None:
    state = Concurrency(limit=4.0)
    for answer in range(5):
        state = good(state, float(answer))
    assert 5.0 <= state.limit < 5.3


def test_the_limit_ends_at_sixteen() -> None:
    state = Concurrency()
    for answer in range(500):
        state = good(state, float(answer))
    assert state.limit == MOST


def test_a_refusal_halves_it_once_for_all_that_were_in_flight() -> None:
    state = Concurrency(limit=16.0)
    for _ in range(10):
        state = state.after(pressed=True, started=9.0, now=10.0)
    assert state.limit == 8.0
    assert state.after(pressed=True, started=10.5, now=11.0).limit == 4.0


def test_slow_answers_do_not_raise_it() -> None:
    state = good(Concurrency(limit=4.0), 0.0, latency=0.5)
    assert good(state, 10.0, latency=9.0).limit == state.limit
    assert good(state, 10.0, latency=1.0).limit > state.limit


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 100)), max_size=200))
def test_it_stays_between_two_and_sixteen(outcomes: list[tuple[bool, float]]) -> None:
    state, now = Concurrency(), 0.0
    for pressed, latency in outcomes:
        now += latency
        state = state.after(pressed=pressed, started=now - latency, now=now)
        assert FEWEST <= state.limit <= MOST


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.RateLimited("x"), True),
        (errors.Overloaded("x"), True),
        (errors.ServerError("x"), True),
        (errors.Gateway("x"), True),
        (errors.TimedOut("x"), True),
        (errors.Conflict("x"), False),
        (errors.NotFound("x"), False),
        (None, False),
    ],
)
def test_what_presses(error: errors.NotionError | None, *, expected: bool) -> None:
    assert pressing(error) is expected


async def test_the_gate_lets_the_higher_lane_in_first() -> None:
    gate, order = Gate(Concurrency(limit=2.0)), []

    async def work(name: str, lane: Lane) -> None:
        await gate.enter(lane)
        order.append(name)

    first = [asyncio.create_task(work(str(number), Lane.BACKFILL)) for number in range(4)]
    await asyncio.sleep(0)
    first.append(asyncio.create_task(work("person", Lane.INTERACTIVE)))
    await asyncio.sleep(0)
    for _ in range(5):
        gate.leave()
        await asyncio.sleep(0)
    await asyncio.gather(*first)
    assert order == ["0", "1", "person", "2", "3"]
    assert gate.inside == 0


async def test_a_cancelled_waiter_takes_no_place() -> None:
    gate = Gate(Concurrency(limit=2.0))
    await gate.enter(Lane.BACKFILL)
    await gate.enter(Lane.BACKFILL)
    waiting = asyncio.create_task(gate.enter(Lane.BACKFILL))
    admitted = asyncio.create_task(gate.enter(Lane.BACKFILL))
    await asyncio.sleep(0)
    waiting.cancel()
    gate.leave()
    admitted.cancel()  # let in and cancelled in the same moment: the place goes back
    await asyncio.gather(waiting, admitted, return_exceptions=True)
    assert gate.inside == 1
