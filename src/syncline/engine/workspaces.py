"""What can be done with a connection as a whole: see how it stands, set what and when it syncs, disconnect it, delete it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.errors import BadInput, NotShown
from syncline.core.selection import SyncScope
from syncline.core.standing import SyncStatus, TokenStatus, sync_status
from syncline.engine import syncs
from syncline.engine.pulling import unshown
from syncline.engine.schedule import DAILY, LEAST, checked_cron, moved, start_schedule
from syncline.engine.telling import tell_status
from syncline.engine.token_health import revoke
from syncline.engine.tokens import note
from syncline.notion.errors import MalformedId
from syncline.notion.objects import parse_id
from syncline.store import authorizations, connections, preferences, schedules
from syncline.store.connections import Connection
from syncline.store.overviews import Overview
from syncline.store.preferences import Joining, Preferences, TokenPreference
from syncline.store.schedules import Schedule

__all__ = [
    "MOST_PAGES",
    "Changes",
    "Deleted",
    "Timing",
    "change",
    "delete",
    "disconnect",
    "standing",
]

MOST_PAGES: Final = 1000
"""Of a list of pages to include or exclude."""

_MOST_MISSING: Final = 10
"""Of the pages that Notion does not show so many are named, and none is looked for behind them."""

_LONGEST: Final = timedelta(days=366)


def standing(one: Overview) -> SyncStatus:
    """The one word about a connection's syncs."""
    return sync_status(one.token, running=one.running, paused=one.paused, failed=one.failed)


@dataclass(frozen=True, slots=True)
class Timing:
    """When a connection is to sync by itself; None leaves it as it is. A cron expression replaces an interval, and the reverse."""

    enabled: bool | None = None
    every: timedelta | None = None
    cron: str | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be different; None leaves it as it is."""

    sync_scope: SyncScope | None = None
    included: Sequence[str] | None = None
    excluded: Sequence[str] | None = None
    joining: Joining | None = None
    token_preference: TokenPreference | None = None
    timing: Timing = Timing()


async def change(app: App, connection: Connection, changes: Changes) -> None:
    """Change the preferences and the schedule of a connection.

    Another selection is read by the next pull, which an enabled schedule makes at once. What it names and is not held is looked up
    in Notion: what falls out of a selection is removed, and a mistyped id would take everything with it. Raises BadInput
    with `details` that name the field, NotShown, and what a request raises.
    """
    checked = _checked(changes.timing)
    async with app.database.read() as conn:
        _wanted(await preferences.find(conn, connection.id), changes)
    await _require_shown(app, connection, changes)
    async with app.database.begin() as conn:
        await connections.hold(conn, connection.id)
        before = await preferences.find(conn, connection.id)
        wanted = _wanted(before, changes)
        if wanted != before:
            await preferences.put(conn, connection.id, wanted)
        await _reschedule(conn, app, connection.id, checked, at_once=wanted.selection != before.selection)


async def _require_shown(app: App, connection: Connection, changes: Changes) -> None:
    for field, texts in (("includedPages", changes.included), ("excludedPages", changes.excluded)):
        keys = _ids(texts, field=field) or ()
        if missing := await unshown(app, connection, keys, limit=_MOST_MISSING):
            raise NotShown(
                f"{field}: Notion shows nothing with the id {', '.join(missing)}."
                " Check the id, and that the page is shared with this connection.",
                details={"field": field, "ids": missing},
            )


def _wanted(before: Preferences, changes: Changes) -> Preferences:
    given = {
        "sync_scope": changes.sync_scope,
        "included": _ids(changes.included, field="includedPages"),
        "excluded": _ids(changes.excluded, field="excludedPages"),
        "joining": changes.joining,
        "token_preference": changes.token_preference,
    }
    known: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    wanted = replace(before, **known)  # type: ignore[arg-type]  # each value has the type of its field
    if wanted.sync_scope is SyncScope.SPECIFIC_PAGES and not wanted.included:
        raise _wrong("includedPages", "Name the pages to sync, or sync all.")
    if wanted.selection.roots and set(wanted.included) & set(wanted.excluded):
        raise _wrong("excludedPages", "A page is either included or excluded.")
    return wanted


def _ids(texts: Sequence[str] | None, *, field: str) -> tuple[str, ...] | None:
    if texts is None:
        return None
    if len(texts) > MOST_PAGES:
        raise _wrong(field, f"Name at most {MOST_PAGES} pages.")
    found: dict[str, None] = {}
    for number, text in enumerate(texts):
        try:
            found[parse_id(text)] = None
        except MalformedId:
            raise _wrong(f"{field}.{number}", "This is neither the id of a page nor its address.") from None
    return tuple(found)


def _checked(timing: Timing) -> Timing:
    if timing.every is not None and timing.cron is not None:
        raise _wrong("syncSchedule.cron", "Choose an interval or a cron expression, not both.")
    if timing.every is not None and not timedelta(seconds=LEAST) <= timing.every <= _LONGEST:
        raise _wrong("syncSchedule.intervalHours", f"The shortest interval is {LEAST} s, the longest a year.")
    if timing.cron is None:
        return timing
    try:
        return replace(timing, cron=checked_cron(timing.cron))
    except BadInput as error:
        raise _wrong("syncSchedule.cron", str(error)) from None


def _wrong(field: str, sentence: str) -> BadInput:
    return BadInput(f"{field}: {sentence}", details={"field": field})


async def _reschedule(
    conn: AsyncConnection, app: App, connection_id: str, timing: Timing, *, at_once: bool
) -> None:
    now = app.now()
    if await schedules.find(conn, connection_id) is None:
        await start_schedule(conn, Schedule(connection_id, reconcile_cron=DAILY), now=now)
    held = await schedules.find(conn, connection_id)
    assert held is not None
    enabled = held.enabled if timing.enabled is None else timing.enabled
    values: dict[str, object] = {}
    if timing.every is not None or timing.cron is not None:
        every = None if timing.every is None else round(timing.every.total_seconds())
        held = replace(held, every=every, cron=timing.cron)
        values = {"every": every, "cron": timing.cron, "next_at": moved(held, now)["next_at"]}
    if enabled and not held.enabled:
        values["next_at"] = moved(held, now)["next_at"]
    if at_once:
        values["next_at"] = now
    if enabled is not held.enabled:
        values["enabled"] = enabled
    if values:
        await schedules.change(conn, connection_id, values)
    if "enabled" in values:
        await tell_status(conn, connection_id, now=now)


async def disconnect(app: App, connection: Connection) -> bool:
    """Cancel its sync, give the token back and forget it; what was read stays, and syncs wait for somebody to connect again.

    Can be called again. Returns whether Notion took the token back.
    """
    await syncs.cancel(app, connection.id, now=app.now())
    # First of all nobody renews it any more.
    async with app.database.read() as conn:
        held = await authorizations.find(conn, connection.id)
    await note(app, held, TokenStatus.REVOKED)
    revoked = await revoke(app, connection)
    async with app.database.begin() as conn:
        await authorizations.forget(conn, connection.id, now=app.now())
    return revoked


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a deletion took: rows by table, and whether Notion took the token back."""

    rows: Mapping[str, int]
    revoked: bool


async def delete(app: App, connection: Connection) -> Deleted:
    """Cancel its sync, give the token back, and delete the connection with all that belongs to it. Raises NotFound if it is gone."""
    await syncs.cancel(app, connection.id, now=app.now())
    revoked = await revoke(app, connection)
    async with app.database.begin() as conn:
        return Deleted(await connections.remove(conn, connection.id), revoked)
