"""The budget's one promise, in every form it can be broken: no window ever sees more than the limit."""

import asyncio
import heapq
import json
from dataclasses import dataclass
from itertools import count, pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncline.notion.budget import (
    HOLD,
    LONGEST_REQUEST,
    BudgetState,
    Lane,
    MemoryBudget,
    Meter,
    Rate,
    Taken,
    Unlimited,
    Wait,
    pause,
    release,
    settle,
    take,
    take_all,
)

WINDOW = Rate(180, 60.0)
BUCKET = Rate(3, 1.0, "bucket")
NEW = BudgetState()


def taken_from(state: BudgetState, rate: Rate, now: float, *, want: int = 1) -> tuple[BudgetState, Taken]:
    state, outcome = take(state, rate, Lane.BACKFILL, now, waiter="t", want=want)
    assert isinstance(outcome, Taken)
    return state, outcome


# --- Rates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("180/60", Rate(180, 60.0)),
        ("600/60", Rate(600, 60.0)),
        ("3/1", Rate(3, 1.0, "bucket")),
        (" 5/0.5 ", Rate(5, 0.5, "bucket")),
        ("none", None),
        ("None", None),
    ],
)
def test_rates_are_read(text: str, rate: Rate | None) -> None:
    assert Rate.parse(text) == rate


@pytest.mark.parametrize(
    "text", ["", "180", "180/", "/60", "0/60", "-1/60", "3/0", "3/inf", "3/nan", "x/y", "1.5/1"]
)
def test_what_is_no_rate_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is no rate"):
        Rate.parse(text)


def test_a_rate_is_written_as_it_is_read() -> None:
    assert str(Rate(180, 60.0)) == "180/60"


# --- Window -----------------------------------------------------------------------------------------------------


def test_a_run_that_fits_goes_without_waiting() -> None:
    state = NEW
    for _ in range(180):
        state, taken = taken_from(state, WINDOW, 1000.0)
        state = settle(state, WINDOW, taken, 1000.2)
    assert isinstance(take(state, WINDOW, Lane.INTERACTIVE, 1000.2, waiter="t")[1], Wait)


def test_a_slot_is_free_a_window_after_its_answer_and_not_before() -> None:
    rate = Rate(1, 60.0)
    state, taken = taken_from(NEW, rate, 1000.0)
    state = settle(state, rate, taken, 1004.0)
    _, early = take(state, rate, Lane.BACKFILL, 1064.0, waiter="t")
    assert isinstance(early, Wait)
    assert 0 < early.seconds <= 0.2
    taken_from(state, rate, 1064.0 + early.seconds)


def test_the_wait_lasts_until_a_slot_is_free() -> None:
    rate = Rate(1, 60.0)
    state, taken = taken_from(NEW, rate, 1000.0)
    state = settle(state, rate, taken, 1000.0)
    _, wait = take(state, rate, Lane.BACKFILL, 1010.0, waiter="t")
    assert isinstance(wait, Wait)
    assert wait.seconds == pytest.approx(50.0, abs=0.2)


def test_a_slot_whose_owner_died_comes_back() -> None:
    rate = Rate(1, 60.0)
    state, _ = taken_from(NEW, rate, 1000.0)
    longest = 1000.0 + HOLD + LONGEST_REQUEST + rate.seconds
    assert isinstance(take(state, rate, Lane.BACKFILL, longest - 0.01, waiter="t")[1], Wait)
    taken_from(state, rate, longest)


def test_a_slot_settled_after_it_was_given_up_still_counts() -> None:
    rate = Rate(1, 60.0)
    state, taken = taken_from(NEW, rate, 1000.0)
    late = 1000.0 + HOLD + LONGEST_REQUEST + rate.seconds + 1.0
    state = settle(state, rate, taken, late)
    assert isinstance(take(state, rate, Lane.BACKFILL, late + 59.0, waiter="t")[1], Wait)


def test_several_slots_are_taken_and_settled_at_once() -> None:
    rate = Rate(10, 60.0)
    state, taken = taken_from(NEW, rate, 1000.0, want=8)
    assert taken.count == 8
    state, rest = taken_from(state, rate, 1000.0, want=8)
    assert rest.count == 2
    state = settle(state, rate, taken, 1001.0, count=5)
    state = release(state, taken, count=3)
    assert taken_from(state, rate, 1001.0, want=8)[1].count == 3


# --- Bucket -----------------------------------------------------------------------------------------------------


def test_a_bucket_spaces_requests_evenly() -> None:
    state, now = NEW, 1000.0
    times: list[float] = []
    while len(times) < 10:
        state, outcome = take(state, BUCKET, Lane.BACKFILL, now, waiter="t")
        if isinstance(outcome, Wait):
            now += outcome.seconds
        else:
            times.append(now)
            state = settle(state, BUCKET, outcome, now)
    gaps = [after - before for before, after in pairwise(times)]
    assert gaps == pytest.approx([1 / 3] * 9)


# --- Pauses and lanes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [WINDOW, BUCKET])
def test_nothing_is_sent_during_a_pause(rate: Rate) -> None:
    state = pause(NEW, 1000.0, seconds=90.0)
    state = pause(state, 1001.0, seconds=1.0)
    _, outcome = take(state, rate, Lane.INTERACTIVE, 1030.0, waiter="t")
    assert outcome == Wait(60.0)
    taken_from(state, rate, 1090.0)


def test_a_lower_lane_does_not_take_while_a_higher_one_waits() -> None:
    rate = Rate(1, 60.0)
    state, taken = taken_from(NEW, rate, 1000.0)
    state = settle(state, rate, taken, 1000.0)
    state, wait = take(state, rate, Lane.INTERACTIVE, 1001.0, waiter="person")
    assert isinstance(wait, Wait)
    free = 1001.0 + wait.seconds
    state, lower = take(state, rate, Lane.BACKFILL, free, waiter="sync")
    assert isinstance(lower, Wait)
    state, outcome = take(state, rate, Lane.INTERACTIVE, free, waiter="person")
    assert isinstance(outcome, Taken)


def test_a_waiter_who_does_not_come_back_is_forgotten() -> None:
    rate = Rate(1, 60.0)
    state, taken = taken_from(NEW, rate, 1000.0)
    state = settle(state, rate, taken, 1000.0)
    state, _ = take(state, rate, Lane.INTERACTIVE, 1001.0, waiter="person")
    taken_from(state, rate, 1063.0)


# --- Two keys ---------------------------------------------------------------------------------------------------


def test_both_keys_must_have_room_and_neither_is_charged_otherwise() -> None:
    token, workspace = Rate(10, 60.0), Rate(2, 60.0)
    states, taken = take_all([(NEW, token), (NEW, workspace)], Lane.BACKFILL, 1000.0, waiter="t", want=5)
    assert isinstance(taken, tuple)
    assert [part.count for part in taken] == [2, 2]
    after, outcome = take_all([(states[0], token), (states[1], workspace)], Lane.BACKFILL, 1000.0, waiter="t")
    assert isinstance(outcome, Wait)
    assert after[0] == states[0]
    assert [who for _, who, _ in after[1].waiting] == ["t"]


# --- The promise ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """Takers of several processes on one state, with a network that delays at will and owners that die."""

    rate: Rate
    takers: int
    slowest: float
    held: float
    deaths: float
    want: int
    seconds: float
    seed: int

    def arrivals(self) -> list[float]:
        """Return when each request reached Notion."""
        random, serials, arrived = Random(self.seed), count(), []
        state = NEW
        queue: list[tuple[float, int, str, Any]] = [
            (random.uniform(0, self.held), next(serials), "take", taker) for taker in range(self.takers)
        ]
        heapq.heapify(queue)

        def later(at: float, what: str, about: Any) -> None:
            heapq.heappush(queue, (at, next(serials), what, about))

        while queue:
            now, _, what, about = heapq.heappop(queue)
            if now > self.seconds:
                break
            if what == "settle":
                state = BudgetState.from_json(
                    json.loads(json.dumps(settle(state, self.rate, about, now, count=1).to_json()))
                )
                continue
            lane = Lane(about % len(Lane))
            state, outcome = take(state, self.rate, lane, now, waiter=str(about), want=self.want)
            if isinstance(outcome, Wait):
                later(now + outcome.seconds, "take", about)
                continue
            done = now
            for _ in range(outcome.count):
                sent = now + random.uniform(0, self.held)
                arrival = sent + random.uniform(0, self.slowest)
                answered = arrival + random.uniform(0, self.slowest)
                arrived.append(arrival)
                done = max(done, answered)
                if random.random() >= self.deaths:
                    later(answered, "settle", outcome)
            later(done, "take", about)
        return sorted(arrived)


def fullest(arrivals: list[float], seconds: float) -> int:
    """Return how many arrivals the fullest closed window of this length holds, wherever it begins."""
    most = start = 0
    for end, at in enumerate(arrivals):
        while at - arrivals[start] > seconds:
            start += 1
        most = max(most, end - start + 1)
    return most


worlds = st.builds(
    World,
    rate=st.builds(Rate, st.integers(1, 12), st.sampled_from([5.0, 30.0, 60.0])),
    takers=st.integers(1, 12),
    slowest=st.sampled_from([0.0, 0.05, 1.0, 20.0]),
    held=st.sampled_from([0.0, 0.5, HOLD]),
    deaths=st.sampled_from([0.0, 0.05, 0.5]),
    want=st.integers(1, 5),
    seconds=st.just(600.0),
    seed=st.integers(0, 2**32),
)


@given(worlds)
@settings(max_examples=150, deadline=None)
def test_no_window_ever_exceeds_the_limit(world: World) -> None:
    assert fullest(world.arrivals(), world.rate.seconds) <= world.rate.limit


def test_the_measure_of_the_test_above_sees_an_excess() -> None:
    assert fullest([0.0, 1.0, 60.0], 60.0) == 3
    assert fullest([0.0, 1.0, 60.1], 60.0) == 2


def test_notions_default_limit_holds_and_is_used() -> None:
    """Sixteen requests at once, 0.2 s of mean latency, ten minutes: at least 98 % of what is allowed is sent."""
    world = World(WINDOW, takers=16, slowest=0.2, held=0.0, deaths=0.0, want=1, seconds=599.0, seed=7)
    arrivals = world.arrivals()
    assert fullest(arrivals, 60.0) <= 180
    assert len(arrivals) >= 0.98 * 10 * 180


def test_a_settled_slot_counted_from_its_taking_would_break_the_promise() -> None:
    """Why slots are freed by answers: a slow request followed by a quick one arrives within one window."""
    rate = Rate(1, 60.0)
    state, taken = taken_from(NEW, rate, 1000.0)
    arrival = 1029.0
    state = settle(state, rate, taken, 1030.0)
    _, outcome = take(state, rate, Lane.BACKFILL, 1060.0, waiter="t")
    assert isinstance(outcome, Wait)
    assert 1060.0 + outcome.seconds > arrival + 60.0


@given(
    st.lists(
        st.tuples(st.sampled_from(list(Lane)), st.floats(0.01, 30.0), st.booleans(), st.integers(1, 3)),
        max_size=30,
    )
)
def test_a_state_survives_its_json(steps: list[tuple[Lane, float, bool, int]]) -> None:
    rate, state, now = Rate(5, 60.0), NEW, 1_760_000_000.0
    for lane, passed, answered, want in steps:
        now += passed
        state, outcome = take(state, rate, lane, now, waiter="a", want=want)
        if isinstance(outcome, Taken) and answered:
            state = settle(state, rate, outcome, now)
        assert BudgetState.from_json(json.loads(json.dumps(state.to_json()))) == state


def test_a_state_stays_small() -> None:
    state, now = NEW, 1_760_000_000.0
    for _ in range(600):
        state, taken = taken_from(state, Rate(600, 60.0), now)
        now += 0.09
        state = settle(state, Rate(600, 60.0), taken, now)
    assert len(json.dumps(state.to_json())) < 16_000


# --- In memory --------------------------------------------------------------------------------------------------


async def test_the_memory_budget_waits_for_a_window_and_keeps_to_it(virtual_time: Any) -> None:
    budget = MemoryBudget(Meter(Rate(5, 60.0)), clock=virtual_time.clock, sleep=virtual_time.sleep)
    sent: list[float] = []

    async def work() -> None:
        for _ in range(4):
            slot = await budget.take(Lane.BACKFILL)
            sent.append(virtual_time.now)
            await virtual_time.sleep(0.5)
            await budget.settle(slot)

    await virtual_time.run(*(work() for _ in range(5)))
    assert len(sent) == 20
    assert fullest(sorted(sent), 60.0) == 5
    assert max(sent) - min(sent) < 3 * 61.0


async def test_a_person_goes_before_a_backfill_that_waited_longer(virtual_time: Any) -> None:
    budget = MemoryBudget(Meter(Rate(1, 60.0)), clock=virtual_time.clock, sleep=virtual_time.sleep)
    order: list[str] = []

    async def work(name: str, lane: Lane, delay: float) -> None:
        await virtual_time.sleep(delay)
        slot = await budget.take(lane)
        order.append(name)
        await budget.settle(slot)

    await virtual_time.run(
        work("first", Lane.BACKFILL, 0.0),
        work("backfill", Lane.BACKFILL, 1.0),
        work("person", Lane.INTERACTIVE, 30.0),
    )
    assert order == ["first", "person", "backfill"]


async def test_two_tokens_share_their_workspaces_limit_and_its_pauses(virtual_time: Any) -> None:
    workspace = Meter(Rate(2, 60.0))
    time = {"clock": virtual_time.clock, "sleep": virtual_time.sleep}
    one = MemoryBudget(Meter(Rate(10, 60.0)), workspace, **time)
    two = MemoryBudget(Meter(Rate(10, 60.0)), workspace, **time)
    start = virtual_time.now

    async def both() -> Any:
        for budget in (one, two, one):
            await budget.settle(await budget.take(Lane.BACKFILL))
        return virtual_time.now - start

    (waited,) = await virtual_time.run(both())
    assert 60.0 <= waited < 61.0
    await one.pause(300.0, scope="workspace")
    paused = virtual_time.now
    await virtual_time.run(two.take(Lane.INTERACTIVE))
    assert virtual_time.now - paused == pytest.approx(300.0)


async def test_a_pause_of_one_token_leaves_the_other_alone(virtual_time: Any) -> None:
    workspace = Meter(Rate(5, 60.0))
    time = {"clock": virtual_time.clock, "sleep": virtual_time.sleep}
    one = MemoryBudget(Meter(Rate(10, 60.0)), workspace, **time)
    two = MemoryBudget(Meter(Rate(10, 60.0)), workspace, **time)
    await one.pause(300.0, scope="token")
    start = virtual_time.now
    await virtual_time.run(two.take(Lane.INTERACTIVE))
    assert virtual_time.now == start


async def test_a_cancelled_waiter_holds_nobody_back(virtual_time: Any) -> None:
    meter = Meter(Rate(1, 60.0))
    budget = MemoryBudget(meter, clock=virtual_time.clock, sleep=virtual_time.sleep)
    await budget.settle(await budget.take(Lane.BACKFILL))

    async def impatient() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(budget.take(Lane.INTERACTIVE), 0.01)

    await impatient()
    assert meter.state.waiting == ()


async def test_the_unlimited_budget_only_obeys_pauses(virtual_time: Any) -> None:
    budget = Unlimited(clock=virtual_time.clock, sleep=virtual_time.sleep)
    start = virtual_time.now
    for _ in range(1000):
        await budget.settle(await budget.take(Lane.BACKFILL))
    assert virtual_time.now == start
    await budget.pause(7.0, scope="token")
    await virtual_time.run(budget.take(Lane.BACKFILL))
    assert virtual_time.now - start == pytest.approx(7.0)
