"""How many requests may be sent, decided without a clock: sliding window, token bucket, lanes, pauses.

Notion counts requests in fixed windows of 60 seconds whose phase nobody knows, at the moment they arrive
(https://developers.notion.com/reference/request-limits). A request arrives at some moment between its slot being
taken and its answer. So a slot of a window comes free again one window after its request was *answered*: then two
requests of the same slot always arrive more than a window apart, and no window, wherever it begins, sees more
requests than there are slots. A slot whose owner died comes free a window after the longest time a request may take.

The state of a key (a token, a workspace) is a small value that `BudgetState.to_json` stores; every process that shares the
key does `take` and `settle` on it in turn. All functions return the new state. `now` is in seconds on one clock shared by
all who share the state.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import count as serials
from typing import Any, Final, Literal, Protocol, Self, TypeAlias

__all__ = [
    "HOLD",
    "LONGEST_REQUEST",
    "Budget",
    "BudgetState",
    "Lane",
    "MemoryBudget",
    "Meter",
    "Rate",
    "Scope",
    "Slot",
    "Taken",
    "Unlimited",
    "Wait",
    "pause",
    "release",
    "remaining",
    "settle",
    "take",
    "take_all",
]

LONGEST_REQUEST: Final = 75.0
"""Seconds after which a client gives up a request. Notion's own limit is 60."""

HOLD: Final = 15.0
"""Seconds within which a taken slot must be used or released."""

_TICKS: Final = 10
_POLL: Final = 0.05
_GRACE: Final = 1.0


class Lane(IntEnum):
    """Who goes first when requests are short; the lower number does."""

    INTERACTIVE = 0
    WEBHOOK = 1
    INCREMENTAL = 2
    RECONCILE = 3
    BACKFILL = 4


Scope: TypeAlias = Literal["token", "workspace"]
"""Whose limit was exceeded."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit of `limit` requests in `seconds`.

    A *window* lets them all go at once; a *bucket* spaces them evenly, for limits said as so many per second.
    """

    limit: int
    seconds: float
    form: Literal["window", "bucket"] = "window"

    def __post_init__(self) -> None:
        if self.limit < 1 or not 0 < self.seconds < math.inf:
            raise ValueError(
                f"a rate needs at least one request and some seconds, not {self.limit}/{self.seconds}"
            )

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read `180/60` (a window), `3/1` (per second: a bucket) or `none` (no limit: None). Raises ValueError."""
        if text.strip().lower() == "none":
            return None
        limit, slash, seconds = text.partition("/")
        try:
            if not slash:
                raise ValueError  # noqa: TRY301 - one sentence for all that is wrong
            return cls(int(limit), float(seconds), "bucket" if float(seconds) <= 1 else "window")
        except ValueError:
            raise ValueError(
                f"{text!r} is no rate: write REQUESTS/SECONDS, such as 180/60, or none"
            ) from None

    def __str__(self) -> str:
        return f"{self.limit}/{self.seconds:g}"


@dataclass(frozen=True, slots=True)
class BudgetState:
    """The state of one key.

    `spent`: (free again at, how many) of answered requests, oldest first; `open`: (slot, free again at if its owner
    died, how many) of unanswered ones; `serial`: the last slot given out; `not_before`: nothing is sent before; `next_at`:
    when a bucket has its next token; `waiting`: (lane, who, until) of those who were told to wait.
    """

    spent: tuple[tuple[float, int], ...] = ()
    open: tuple[tuple[int, float, int], ...] = ()
    serial: int = 0
    not_before: float = 0.0
    next_at: float = 0.0
    waiting: tuple[tuple[int, str, float], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the state as JSON of lists and numbers, at most some kilobytes."""
        return {
            "spent": [list(entry) for entry in self.spent],
            "open": [list(entry) for entry in self.open],
            "serial": self.serial,
            "not_before": self.not_before,
            "next_at": self.next_at,
            "waiting": [list(entry) for entry in self.waiting],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; {} is the state of a key never used."""
        return cls(
            spent=tuple((at, count) for at, count in stored.get("spent", ())),
            open=tuple((slot, at, count) for slot, at, count in stored.get("open", ())),
            serial=stored.get("serial", 0),
            not_before=stored.get("not_before", 0.0),
            next_at=stored.get("next_at", 0.0),
            waiting=tuple((lane, who, until) for lane, who, until in stored.get("waiting", ())),
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """`count` requests may be sent, each within HOLD seconds, and are then settled."""

    slot: int
    count: int = 1


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now; try again after `seconds`."""

    seconds: float


Slot: TypeAlias = tuple[Taken, ...]
"""What a Budget gives for one request: one Taken for each of its keys."""


def take(
    state: BudgetState, rate: Rate, lane: Lane, now: float, *, waiter: str, want: int = 1
) -> tuple[BudgetState, Taken | Wait]:
    """Take up to `want` slots at once, or learn how long to wait.

    `waiter` names who asks: one name for each process (or task) and lane. While a higher lane waits, a lower one does not take.
    """
    state = _expire(state, now)
    room, seconds = _ROOM[rate.form](state, rate, now)
    if state.not_before > now:
        room, seconds = 0, max(seconds, state.not_before - now)
    if room < 1 or any(other < lane for other, _, _ in state.waiting):
        wait = Wait(max(seconds, _POLL))
        return _enlist(state, lane, waiter, now + wait.seconds + _GRACE), wait
    taken = Taken(state.serial + 1, min(want, room))
    state = _TAKE[rate.form](state, rate, taken, now)
    return _dismiss(replace(state, serial=taken.slot), lane, waiter), taken


def take_all(
    keys: Sequence[tuple[BudgetState, Rate]], lane: Lane, now: float, *, waiter: str, want: int = 1
) -> tuple[tuple[BudgetState, ...], tuple[Taken, ...] | Wait]:
    """Take the same number of slots from every key, or none from any.

    Only the keys that had no room remember the waiter.
    """
    tried = [take(state, rate, lane, now, waiter=waiter, want=want) for state, rate in keys]
    waits = [outcome for _, outcome in tried if isinstance(outcome, Wait)]
    if waits:
        states = [
            after if isinstance(outcome, Wait) else before
            for (before, _), (after, outcome) in zip(keys, tried, strict=True)
        ]
        return tuple(states), Wait(max(wait.seconds for wait in waits))
    counts = [outcome.count for _, outcome in tried if isinstance(outcome, Taken)]
    if counts and min(counts) < max(counts):
        return take_all(keys, lane, now, waiter=waiter, want=min(counts))
    return tuple(state for state, _ in tried), tuple(
        outcome for _, outcome in tried if isinstance(outcome, Taken)
    )


def settle(
    state: BudgetState, rate: Rate, taken: Taken, now: float, *, count: int | None = None
) -> BudgetState:
    """Note that requests of `taken` (all, or `count` of them) are over, answered or not."""
    count = taken.count if count is None else count
    state = _close(state, taken, count)
    if rate.form == "bucket":
        return state
    # Whole ticks, so that one entry stands for all that was answered within a tick; half a tick late at least, so that
    # neither rounding nor a window that counts both its ends sees one too many.
    at = math.ceil((now + rate.seconds) * _TICKS + 0.5) / _TICKS
    spent = dict(state.spent)
    spent[at] = spent.get(at, 0) + count
    return replace(state, spent=tuple(sorted(spent.items())))


def release(state: BudgetState, taken: Taken, *, count: int) -> BudgetState:
    """Give back `count` slots of `taken` for which nothing was sent."""
    return _close(state, taken, count)


def pause(state: BudgetState, now: float, *, seconds: float) -> BudgetState:
    """Send nothing for `seconds`; a longer pause already known stays."""
    return replace(state, not_before=max(state.not_before, now + seconds))


def remaining(state: BudgetState, rate: Rate, now: float) -> int:
    """How many requests may be sent at once now."""
    state = _expire(state, now)
    if state.not_before > now:
        return 0
    return max(0, (_window_room if rate.form == "window" else _bucket_room)(state, rate, now)[0])


def _expire(state: BudgetState, now: float) -> BudgetState:
    return replace(
        state,
        spent=tuple(entry for entry in state.spent if entry[0] > now),
        open=tuple(entry for entry in state.open if entry[1] > now),
        waiting=tuple(entry for entry in state.waiting if entry[2] > now),
    )


def _enlist(state: BudgetState, lane: Lane, waiter: str, until: float) -> BudgetState:
    return replace(state, waiting=(*_dismiss(state, lane, waiter).waiting, (int(lane), waiter, until)))


def _dismiss(state: BudgetState, lane: Lane, waiter: str) -> BudgetState:
    kept = tuple(entry for entry in state.waiting if entry[:2] != (lane, waiter))
    return replace(state, waiting=kept)


def _close(state: BudgetState, taken: Taken, count: int) -> BudgetState:
    entries = ((slot, at, left - count if slot == taken.slot else left) for slot, at, left in state.open)
    return replace(state, open=tuple(entry for entry in entries if entry[2] > 0))


def _window_room(state: BudgetState, rate: Rate, now: float) -> tuple[int, float]:
    used = sum(count for _, count in state.spent) + sum(count for *_, count in state.open)
    # What is unanswered now comes free in a window at the soonest.
    soonest = min((at for at, _ in state.spent), default=now + rate.seconds)
    return rate.limit - used, min(soonest - now, rate.seconds) if used >= rate.limit else 0.0


def _window_take(state: BudgetState, rate: Rate, taken: Taken, now: float) -> BudgetState:
    until = now + HOLD + LONGEST_REQUEST + rate.seconds
    return replace(state, open=(*state.open, (taken.slot, until, taken.count)))


def _bucket_room(state: BudgetState, _rate: Rate, now: float) -> tuple[int, float]:
    # One at a time: a burst, however small, and a jitter of the network together overflow a bucket of equal size.
    return (1, 0.0) if state.next_at <= now else (0, state.next_at - now)


def _bucket_take(state: BudgetState, rate: Rate, _taken: Taken, now: float) -> BudgetState:
    return replace(state, next_at=now + rate.seconds / rate.limit)


_ROOM: Final = {"window": _window_room, "bucket": _bucket_room}
_TAKE: Final = {"window": _window_take, "bucket": _bucket_take}


class Budget(Protocol):
    """What a client asks before each request: bound to the keys of one token and its workspace."""

    async def take(self, lane: Lane) -> Slot:
        """Wait until one request may be sent."""
        ...

    async def settle(self, slot: Slot) -> None:
        """Note that the request of `slot` is over."""
        ...

    async def pause(self, seconds: float, *, scope: Scope) -> None:
        """Let nobody on the same token, or in the same workspace, send for `seconds`."""
        ...


class Meter:
    """The state of one key in memory, shared by the budgets of all tokens that are counted under it."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.state = BudgetState()


class MemoryBudget:
    """A Budget for one process: the reference for those whose state is shared.

    `token` and `workspace` are the two keys; either may be left out where it has no limit of its own. `clock` gives
    seconds, `sleep` waits for some.
    """

    def __init__(
        self,
        token: Meter,
        workspace: Meter | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._meters: Mapping[Scope, Meter] = {"token": token, "workspace": workspace or token}
        self._keys = (token,) if workspace is None else (token, workspace)
        self._clock = clock
        self._sleep = sleep
        self._waiters = serials()

    async def take(self, lane: Lane) -> Slot:
        """Wait until one request may be sent."""
        waiter = f"{id(self):x}.{next(self._waiters)}"
        try:
            while isinstance(outcome := self._try(lane, waiter), Wait):
                await self._sleep(outcome.seconds)
        except BaseException:
            # Whoever was cancelled while waiting must not hold back the lower lanes.
            for meter in self._keys:
                meter.state = _dismiss(meter.state, lane, waiter)
            raise
        return outcome

    def _try(self, lane: Lane, waiter: str) -> Slot | Wait:
        keys = [(meter.state, meter.rate) for meter in self._keys]
        states, outcome = take_all(keys, lane, self._clock(), waiter=waiter)
        for meter, state in zip(self._keys, states, strict=True):
            meter.state = state
        return outcome

    async def settle(self, slot: Slot) -> None:
        """Note that the request of `slot` is over."""
        now = self._clock()
        for meter, taken in zip(self._keys, slot, strict=True):
            meter.state = settle(meter.state, meter.rate, taken, now)

    async def pause(self, seconds: float, *, scope: Scope) -> None:
        """Let nobody on the same token, or in the same workspace, send for `seconds`."""
        meter = self._meters[scope]
        meter.state = pause(meter.state, self._clock(), seconds=seconds)


class Unlimited:
    """A Budget without a rate of its own, for the emulator and benchmarks; what Notion asks for is still obeyed."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._not_before = -math.inf

    async def take(self, lane: Lane) -> Slot:  # noqa: ARG002 - where nothing is short, nobody goes first
        """Wait for the end of a pause, if there is one."""
        while (seconds := self._not_before - self._clock()) > 0:
            await self._sleep(seconds)
        return ()

    async def settle(self, slot: Slot) -> None:
        """Nothing is counted."""

    async def pause(self, seconds: float, *, scope: Scope) -> None:  # noqa: ARG002 - there is one key for both
        """Send nothing for `seconds`."""
        self._not_before = max(self._not_before, self._clock() + seconds)
