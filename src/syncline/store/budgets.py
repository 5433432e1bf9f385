"""The budget of requests that all processes share: notion.budget's state machines on rows of the database.

A key (a token, a workspace) is one row, read and written under its lock. One trip to the database serves everybody in this
process who waits at that moment and notes every request that is over, so many requests cost few trips. The time is the
database's: PostgreSQL's own, since its clients may be on several machines; for SQLite that of the one machine.
"""

import asyncio
import heapq
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Final, TypeAlias

from sqlalchemy import bindparam, false, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import StoreUnavailable
from syncline.notion.budget import (
    BudgetState,
    Lane,
    Rate,
    Scope,
    Slot,
    Wait,
    pause,
    release,
    settle,
    take_all,
)
from syncline.store.database import Database
from syncline.store.tables import budgets, upsert

__all__ = ["Limit", "StoreBudget"]

_LINGER: Final = 1.0
"""Seconds for which a finished request waits for company on its way to the database."""

_UNLIMITED: Final = Rate(1_000_000, 0.001, "window")

_States: TypeAlias = dict[str, BudgetState]
_Waiter: TypeAlias = "tuple[Lane, int, asyncio.Future[Slot]]"


@dataclass(frozen=True, slots=True)
class Limit:
    """One key, such as ``token:…`` or ``workspace:…``, and its rate. Without a rate only pauses count."""

    key: str
    rate: Rate | None


class StoreBudget:
    """A Budget (syncline.notion.budget) shared by all that name the same keys in the same database.

    Close it before the database. Without a `workspace` its pauses count for the token. `clock` replaces the
    database's time, in seconds; `sleep` waits for some.
    """

    def __init__(
        self,
        database: Database,
        token: Limit,
        workspace: Limit | None = None,
        *,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        limits = (token,) if workspace is None else (token, workspace)
        self._database = database
        self._rates = {limit.key: limit.rate or _UNLIMITED for limit in limits}
        self._scopes: Mapping[Scope, str] = {"token": token.key, "workspace": (workspace or token).key}
        self._clock = time.time if clock is None and database.dialect == "sqlite" else clock
        self._sleep = sleep
        self._name = uuid.uuid4().hex
        self._order = count()
        self._waiters: list[_Waiter] = []
        self._over: list[Slot] = []
        self._unused: list[Slot] = []
        self._enlisted = False
        self._asked = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Note what is over. If the database fails, the slots come free by themselves, later."""
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.wait([self._pump])
        for _, _, granted in self._waiters:
            granted.cancel()
        if self._pending():
            with suppress(StoreUnavailable):
                await self._trip()

    async def take(self, lane: Lane) -> Slot:
        """Wait until one request may be sent. Raises StoreUnavailable where the database fails."""
        granted: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
        if not self._waiters or lane < self._waiters[0][0]:
            self._asked.set()
        heapq.heappush(self._waiters, (lane, next(self._order), granted))
        self._start()
        try:
            return await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled() and granted.exception() is None:
                self._unused.append(granted.result())
            self._asked.set()
            raise

    async def settle(self, slot: Slot) -> None:
        """Note that the request of `slot` is over: soon, with others, and without ever raising."""
        if not self._over:
            asyncio.get_running_loop().call_later(_LINGER, self._asked.set)
        self._over.append(slot)
        self._start()

    async def pause(self, seconds: float, *, scope: Scope) -> None:
        """Let nobody on the same token, or in the same workspace, send for `seconds`."""
        key = self._scopes[scope]
        async with self._database.begin() as conn:
            states, now = await self._load(conn)
            paused = pause(states[key], now, seconds=seconds)
            await _save(conn, {key: paused})

    # --- the one task that goes to the database ---------------------------------------------------------

    def _start(self) -> None:
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._serve())

    def _pending(self) -> bool:
        return bool(self._over or self._unused or self._enlisted)

    async def _serve(self) -> None:
        """Go to the database as long as there is a reason to. Whatever fails, those who wait are told."""
        try:
            while self._waiters or self._pending():
                if not self._waiters:
                    await self._doze(_LINGER)
                seconds = await self._trip()
                if seconds > 0:
                    await self._doze(seconds)
        except Exception as error:  # noqa: BLE001 - this task has nobody else to raise to
            waiters, self._waiters = self._waiters, []
            for _, _, granted in waiters:
                if not granted.done():
                    granted.set_exception(error)

    async def _doze(self, seconds: float) -> None:
        """Wait for `seconds`, or until there is something new to be done."""
        waits = [asyncio.ensure_future(self._sleep(seconds)), asyncio.create_task(self._asked.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    async def _trip(self) -> float:
        """Note what is over and take what can be taken; the seconds after which to come again, 0 if nobody is left."""
        self._asked.clear()
        over, unused = self._over[:], self._unused[:]
        async with self._database.begin() as conn:
            states, now = await self._load(conn)
            self._close(states, over, unused, now=now)
            granted, seconds = self._grant(states, now)
            await _save(conn, states)
        del self._over[: len(over)], self._unused[: len(unused)]
        self._enlisted = seconds > 0
        for slot in granted:
            self._deliver(slot)
        return seconds

    def _close(self, states: _States, over: list[Slot], unused: list[Slot], *, now: float) -> None:
        """Enter into `states` which slots are over and which were not used, and that nobody here waits any more."""
        for key, state in states.items():
            others = tuple(entry for entry in state.waiting if entry[1] != self._name)
            states[key] = replace(state, waiting=others)
        for slot in over:
            for (key, rate), taken in zip(self._rates.items(), slot, strict=True):
                states[key] = settle(states[key], rate, taken, now)
        for slot in unused:
            for key, taken in zip(self._rates, slot, strict=True):
                states[key] = release(states[key], taken, count=taken.count)

    def _grant(self, states: _States, now: float) -> tuple[list[Slot], float]:
        """Take from `states` for those who wait, the most urgent first: the slots, and how long the rest must wait."""
        granted: list[Slot] = []
        wanted = Counter(lane for lane, _, future in self._waiters if not future.done())
        for lane in sorted(wanted):
            while wanted[lane] > 0:
                keys = [(states[key], rate) for key, rate in self._rates.items()]
                after, outcome = take_all(keys, lane, now, waiter=self._name, want=wanted[lane])
                states.update(zip(self._rates, after, strict=True))
                if isinstance(outcome, Wait):
                    return granted, outcome.seconds
                single = tuple(replace(taken, count=1) for taken in outcome)
                granted += [single] * outcome[0].count
                wanted[lane] -= outcome[0].count
        return granted, 0.0

    def _deliver(self, slot: Slot) -> None:
        while self._waiters:
            granted = heapq.heappop(self._waiters)[2]
            if not granted.done():
                granted.set_result(slot)
                return
        self._unused.append(slot)

    async def _load(self, conn: AsyncConnection) -> tuple[_States, float]:
        """The states of the keys, locked, and the time when they were; a key that was never used is made."""
        keys = sorted(self._rates)
        query = _HELD if self._clock is None else _KEPT
        rows = (await conn.execute(query, {"keys": keys})).all()
        if len(rows) < len(keys):
            new = [{"key": key, "state": {}} for key in keys]
            await conn.execute(upsert(conn, budgets, where=false()), new)
            rows = (await conn.execute(query, {"keys": keys})).all()
        now = max(row.now for row in rows) if self._clock is None else self._clock()
        return {row.key: BudgetState.from_json(row.state) for row in rows}, float(now)


_KEPT = (
    select(budgets)
    .where(budgets.c.key.in_(bindparam("keys", expanding=True)))
    .order_by(budgets.c.key)
    .with_for_update()
)
_LOCKED = _KEPT.cte("locked")
# A row leaves the inner query once its lock is had: the latest of these times is one at which all are.
_HELD = select(_LOCKED, func.extract("epoch", func.clock_timestamp()).label("now"))


async def _save(conn: AsyncConnection, states: _States) -> None:
    statement = (
        update(budgets).where(budgets.c.key == bindparam("this_key")).values(state=bindparam("new_state"))
    )
    rows = [{"this_key": key, "new_state": state.to_json()} for key, state in sorted(states.items())]
    await conn.execute(statement, rows)
