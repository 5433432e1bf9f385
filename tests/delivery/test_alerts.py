"""Alerts: one open at a time for each incident, told when it opens and when it resolves by itself."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import delete, insert
from tests.delivery.ruling import HOME, Ruling
from tests.store.samples import CONNECTION

from syncline.core.alerts import IncidentKind
from syncline.core.event import Event, sync_complete, sync_error, sync_status
from syncline.core.model import Unread
from syncline.core.rules import Trigger
from syncline.delivery import deliveries
from syncline.delivery.alerts import watch
from syncline.engine.execution import end
from syncline.engine.task import Outcome, RunState, failure
from syncline.sources.base import Unanswered
from syncline.store import alerts, endpoints, events, runs
from syncline.store.alerts import Alert
from syncline.store.tables import failures

FAILED = sync_error("run", error="Disk full.", phase="content", recoverable=False)
SUCCEEDED = sync_complete("run", total=1, succeeded=1, failed=0, skipped=0, seconds=1.0)


async def happen(ruling: Ruling, *happened: Event) -> None:
    async with ruling.app.database.begin() as conn:
        await events.append(conn, HOME, happened, now=ruling.app.now())


async def listed(ruling: Ruling) -> Sequence[Alert]:
    async with ruling.app.database.read() as conn:
        return await alerts.listing(conn, HOME, limit=100)


async def worked(ruling: Ruling) -> list[str]:
    while await watch(ruling.app) == 0.0:
        pass
    return await ruling.work()


async def test_fifty_failures_are_one_alert_and_two_messages(ruling: Ruling) -> None:
    await ruling.rule(Trigger.ALERT)
    assert await worked(ruling) == []
    told: list[str] = []
    for _ in range(50):
        await happen(ruling, FAILED)
        told += await worked(ruling)
        ruling.pass_time(minutes=5)
    assert told == ["Ada's Wiki: The last run failed. Disk full."]
    (alert,) = await listed(ruling)
    assert (alert.kind, alert.count, alert.resolved_at) == (IncidentKind.SYNC_FAILED, 50, None)
    assert (alert.last_at - alert.opened_at).total_seconds() == 49 * 300
    await happen(ruling, SUCCEEDED)
    assert await worked(ruling) == ["Ada's Wiki: resolved: The last run failed. Disk full."]
    (alert,) = await listed(ruling)
    assert alert.resolved_at == ruling.at[0]
    await happen(ruling, SUCCEEDED)
    assert await worked(ruling) == []


async def test_an_incident_that_comes_again_is_another_alert(ruling: Ruling) -> None:
    for _ in range(2):
        await happen(ruling, FAILED, FAILED, SUCCEEDED)
        ruling.pass_time(minutes=1)
    await worked(ruling)
    assert [(one.count, one.resolved_at is None) for one in await listed(ruling)] == [(2, False)] * 2


async def test_several_workers_count_each_event_once(ruling: Ruling) -> None:
    await ruling.rule(Trigger.ALERT)
    await happen(ruling, *[FAILED] * 10)
    await asyncio.gather(*(watch(ruling.app) for _ in range(4)))
    assert [one.count for one in await listed(ruling)] == [10]
    assert len(await worked(ruling)) == 1


async def test_a_long_log_is_read_in_parts(ruling: Ruling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncline.delivery.alerts._BATCH", 3)
    await happen(ruling, *[FAILED, Event("sync:progress", {})] * 10)
    await worked(ruling)
    assert [one.count for one in await listed(ruling)] == [10]


async def test_a_dead_token_is_an_alert_until_the_connection_works_again(ruling: Ruling) -> None:
    await happen(ruling, sync_status("token_expired"), sync_status("token_expired"))
    await worked(ruling)
    await happen(ruling, sync_status("active"))
    await worked(ruling)
    (alert,) = await listed(ruling)
    assert (alert.kind, alert.resolved_at is None) == (IncidentKind.TOKEN_DEAD, False)


async def test_a_disabled_endpoint_is_an_alert_until_it_is_enabled_or_gone(ruling: Ruling) -> None:
    made = [
        await deliveries.create(
            ruling.app, CONNECTION, url="https://a.test/", description="", types=["sync.*"], streams=[]
        )
        for _ in range(2)
    ]
    (first, second) = (one.id for one, _ in made)
    for one in (first, second):
        async with ruling.app.database.begin() as conn:
            await endpoints.change(conn, one, enabled=False, disabled_for="It says that it is gone.")
        await happen(ruling, Event("endpoint:disabled", {"endpointId": one, "url": "u", "reason": "Gone."}))
    await worked(ruling)
    assert [one.resolved_at for one in await listed(ruling)] == [None, None]
    await deliveries.enable(ruling.app, first)
    async with ruling.app.database.begin() as conn:
        await endpoints.remove(conn, second)
    await worked(ruling)
    assert [one.resolved_at for one in await listed(ruling)] == [ruling.at[0]] * 2


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("pull", IncidentKind.NOTION_UNREACHABLE), ("push", IncidentKind.SYNC_FAILED)],
)
async def test_how_a_run_ended_tells_which_incident_it_is(
    ruling: Ruling, kind: str, expected: IncidentKind
) -> None:
    nobody = Unanswered("No answer.", Unread("p", 0, "", ""))
    for outcome in (Outcome(RunState.FAILED, failure(nobody)), Outcome(RunState.SUCCEEDED)):
        now, run_id = ruling.app.now(), ruling.app.new_id()
        async with ruling.app.database.begin() as conn:
            await runs.queue(conn, HOME, run_id=run_id, kind=kind, slot=kind, requested_by="test", now=now)
            (run,) = await runs.claim(conn, "worker", kinds=[kind], limit=1, now=now)
            await end(conn, run, outcome, now=now)
        await worked(ruling)
        (alert,) = await listed(ruling)
        assert (alert.kind, alert.resolved_at is None) == (expected, outcome.failure is not None)
    assert alert.text.endswith("No answer.")


async def test_more_incomplete_pages_than_allowed_are_an_alert(ruling: Ruling) -> None:
    entry = {"block": "", "run_id": None, "operation": "blocks", "status": 500, "code": "x", "message": "x"}
    times = {"request_id": None, "first_at": ruling.at[0], "last_at": ruling.at[0], "attempts": 1}
    async with ruling.app.database.begin() as conn:
        rows = [{"connection_id": HOME, "page": f"p{number}", **entry, **times} for number in range(11)]
        await conn.execute(insert(failures), rows)
    await happen(ruling, SUCCEEDED)
    await worked(ruling)
    (alert,) = await listed(ruling)
    assert (alert.kind, alert.text[:8]) == (IncidentKind.INCOMPLETE_PAGES, "11 pages")
    async with ruling.app.database.begin() as conn:
        await conn.execute(delete(failures).where(failures.c.page == "p3"))
    await happen(ruling, SUCCEEDED)
    await worked(ruling)
    assert [one.resolved_at is None for one in await listed(ruling)] == [False]


async def test_opening_and_resolving_are_events_themselves(ruling: Ruling) -> None:
    await happen(ruling, FAILED, FAILED, SUCCEEDED)
    await worked(ruling)
    async with ruling.app.database.read() as conn:
        kinds = [one.kind for one in await events.since(conn, HOME, 0, 100)]
    assert kinds[3:] == ["alert:opened", "alert:resolved"]
    assert await watch(ruling.app) is None


async def test_what_resolved_a_month_ago_is_forgotten(ruling: Ruling) -> None:
    await happen(ruling, FAILED, SUCCEEDED)
    await worked(ruling)
    async with ruling.app.database.begin() as conn:
        assert await alerts.prune(conn, before=ruling.at[0]) == 0
        ruling.pass_time(seconds=1)
        assert await alerts.prune(conn, before=ruling.at[0]) == 1
