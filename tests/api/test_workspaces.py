"""Workspaces: how they stand, what and when they sync, and how they go without a trace."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text
from tests.accounts.authorizing import Notion
from tests.api.doors import HOME, T0, Door

from notion_emulator.seed import generate
from notion_emulator.server import ServerThread
from syncline.core.errors import Unreachable
from syncline.core.model import Fidelity, Kind, Mode, Record
from syncline.core.permission import Role
from syncline.core.standing import TokenStatus
from syncline.engine import attend, indexing
from syncline.engine.begin import Request
from syncline.engine.pulling import Asked
from syncline.engine.schedule import DAILY, start_schedule
from syncline.sources.notion import NotionSource
from syncline.store import authorizations, events, members, preferences, records, runs, schedules
from syncline.store.runs import RunState
from syncline.store.schedules import Schedule

ID = "38c9ce7b-60a4-81e9-b951-000b9b64e41a"
OTHER = "1f0d872b-594c-8059-9b0c-0037fd2f1a52"
PATH = f"/notion/workspaces/{HOME}"


async def scheduled(door: Door, **options: Any) -> None:
    async with door.app.database.begin() as conn:
        await start_schedule(conn, Schedule(HOME, reconcile_cron=DAILY, **options), now=door.time())


async def ran(door: Door, state: RunState, *, ended: bool = True) -> str:
    """Make a run that began a minute ago."""
    run_id = door.app.new_id()
    begun = door.time() - timedelta(minutes=1)
    async with door.app.database.begin() as conn:
        await runs.queue(
            conn, HOME, run_id=run_id, kind="pull", slot="pull", requested_by="test", mode=Mode.FULL,
            fidelity=Fidelity.BLOCKS, options={}, now=begun,
        )  # fmt: skip
        await runs.begun(conn, run_id, now=begun)
        if ended:
            await runs.finish(conn, run_id, state=state, now=door.time())
    return run_id


async def shown(door: Door, name: str = "viewer") -> dict[str, Any]:
    _, body = await door.ask("GET", "/notion/workspaces", headers=await door.signed_in(name))
    (one,) = body["data"]["workspaces"]
    return dict(one)


async def changed(door: Door, body: Any, name: str = "admin") -> tuple[int, Any]:
    return await door.ask("PATCH", PATH, headers=await door.signed_in(name), json=body)


async def test_a_workspace_is_shown_in_the_contracts_shape(door: Door) -> None:
    await scheduled(door, every=3600)
    found = [
        Record(Kind.PAGE, "p", "pages", {}, "h"),
        Record(Kind.PAGE, "r", "s", {}, "h"),
        Record(Kind.DATABASE, "d", "databases", {}, "h"),
        Record(Kind.DATA_SOURCE, "s", "data_sources", {}, "h"),
        Record(Kind.DATA_SOURCE, "t", "data_sources", {}, "h"),
    ]
    async with door.app.database.begin() as conn:
        await records.upsert(conn, HOME, found, run_id=None, now=T0)
    await ran(door, RunState.SUCCEEDED)

    assert await shown(door) == {
        "id": HOME,
        "workspaceName": f"Workspace {HOME}",
        "workspaceId": f"notion-{HOME}",
        "workspaceIcon": None,
        "syncStatus": "active",
        "tokenStatus": "unknown",
        "stats": {"totalPages": 2, "totalDatabases": 1, "lastSyncDuration": 60000},
        "lastSuccessfulSyncAt": "2026-11-20T12:00:00.000Z",
        "nextSyncAt": "2026-11-20T12:00:00.000Z",
        "pendingChanges": 0,
        "myRole": "viewer",
    }


async def test_the_sync_status_follows_runs_schedule_and_token(door: Door) -> None:
    await scheduled(door)
    assert (await shown(door))["syncStatus"] == "active"
    await ran(door, RunState.FAILED)
    assert (await shown(door))["syncStatus"] == "error"
    door.time.pass_(minutes=5)
    await ran(door, RunState.SUCCEEDED)
    assert (await shown(door))["syncStatus"] == "active"
    await changed(door, {"syncSettings": {"autoSync": False}})
    assert (await shown(door))["syncStatus"] == "paused"
    assert (await shown(door))["nextSyncAt"] is None
    await ran(door, RunState.RUNNING, ended=False)
    assert (await shown(door))["syncStatus"] == "syncing"
    async with door.app.database.begin() as conn:
        held = await authorizations.find(conn, HOME)
        await authorizations.note(conn, HOME, held.generation, status=TokenStatus.EXPIRED, now=T0)
    assert (await shown(door))["syncStatus"] == "token_expired"


async def test_nobody_sees_what_it_does_not_belong_to(door: Door) -> None:
    _, body = await door.ask("GET", "/notion/workspaces", headers=await door.signed_in("outsider"))
    assert body["data"]["workspaces"] == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"syncSettings": {"autoSync": True, "syncIntervalHours": 6}}, (True, 6.0, None)),
        ({"syncSchedule": {"enabled": False, "intervalHours": 12}}, (False, 12.0, None)),
        ({"syncSchedule": {"cron": "*/30 * * * *"}}, (True, None, "*/30 * * * *")),
        ({"syncSettings": {"syncIntervalHours": 6}, "syncSchedule": {"intervalHours": 1}}, (True, 1.0, None)),
        (
            {"syncSettings": {"syncIntervalHours": 6}, "syncSchedule": {"cron": "0 * * * *"}},
            (True, None, "0 * * * *"),
        ),
        ({}, (True, 6.0, None)),
    ],
)
async def test_both_forms_of_the_schedule_are_understood(
    door: Door, asked: dict[str, Any], expected: tuple[bool, float | None, str | None]
) -> None:
    status, body = await changed(door, asked)
    when, short = body["data"]["workspace"]["syncSchedule"], body["data"]["workspace"]["syncSettings"]
    assert status == 200
    assert (when["enabled"], when["intervalHours"], when["cron"]) == expected
    assert (short["autoSync"], short["syncIntervalHours"]) == expected[:2]


async def test_an_interval_replaces_a_cron_expression_and_the_reverse(door: Door) -> None:
    await changed(door, {"syncSchedule": {"cron": "0 * * * *"}})
    await changed(door, {"syncSchedule": {"intervalHours": 2}})
    async with door.app.database.read() as conn:
        schedule = await schedules.find(conn, HOME)
    assert schedule is not None
    assert (schedule.cron, schedule.every) == (None, 7200)
    assert schedule.next_at is not None
    assert timedelta(hours=1) <= schedule.next_at - door.time() <= timedelta(hours=3)


async def test_what_is_enabled_again_has_a_next_sync(door: Door) -> None:
    await scheduled(door)
    await changed(door, {"syncSettings": {"autoSync": False}})
    door.time.pass_(days=2)
    await changed(door, {"syncSettings": {"autoSync": True}})
    found = (await shown(door))["nextSyncAt"]
    assert found > "2026-11-22T12"


async def test_a_schedule_that_is_paused_or_goes_on_is_told(door: Door) -> None:
    await scheduled(door)
    for enabled in (False, False, True):
        await changed(door, {"syncSettings": {"autoSync": enabled}})
    async with door.app.database.read() as conn:
        told = await events.since(conn, HOME, 0, 100)
    assert [(one.kind, one.data) for one in told] == [
        ("sync:status", {"syncStatus": "paused"}),
        ("sync:status", {"syncStatus": "active"}),
    ]


async def held(door: Door, *keys: str) -> None:
    """Have pages been read."""
    pages = [Record(Kind.PAGE, key, "pages", {}, "h") for key in keys]
    async with door.app.database.begin() as conn:
        await records.upsert(conn, HOME, pages, run_id=None, now=T0)


async def test_pages_are_named_by_id_or_address_and_kept_as_ids(door: Door) -> None:
    await held(door, ID, OTHER)
    url = f"https://www.notion.so/acme/Handbook-{ID.replace('-', '')}?pvs=4"
    asked = {"syncScope": "specific_pages", "includedPages": [url, ID], "excludedPages": [OTHER]}
    _, body = await changed(door, asked)
    found = body["data"]["workspace"]
    assert (found["syncScope"], found["includedPages"], found["excludedPages"]) == (
        "specific_pages",
        [ID],
        [OTHER],
    )
    _, body = await changed(door, {"syncScope": "all"})
    assert body["data"]["workspace"]["includedPages"] == [ID]


async def test_another_selection_is_read_at_once_and_the_same_is_not(door: Door) -> None:
    await held(door, ID)
    await changed(door, {"syncSettings": {"autoSync": True, "syncIntervalHours": 6}})
    before = (await shown(door))["nextSyncAt"]
    await changed(door, {"includedPages": [ID]})
    assert (await shown(door))["nextSyncAt"] == before
    await changed(door, {"excludedPages": [ID]})
    assert (await shown(door))["nextSyncAt"] == "2026-11-20T12:00:00.000Z"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"syncScope": "specific_pages"}, "includedPages"),
        ({"includedPages": [ID, "no id"]}, "includedPages.1"),
        ({"excludedPages": ["x"]}, "excludedPages.0"),
        ({"syncScope": "specific_pages", "includedPages": [ID], "excludedPages": [ID]}, "excludedPages"),
        ({"syncSchedule": {"cron": "every day"}}, "syncSchedule.cron"),
        ({"syncSchedule": {"cron": "* * * * *", "intervalHours": 1}}, "syncSchedule.cron"),
        ({"syncSchedule": {"intervalHours": 0.001}}, "syncSchedule.intervalHours"),
        ({"syncSettings": {"syncIntervalHours": 9000}}, "syncSchedule.intervalHours"),
    ],
)
async def test_what_cannot_be_names_its_field_and_changes_nothing(
    door: Door, asked: dict[str, Any], field: str
) -> None:
    await scheduled(door)
    before = await door.ask("GET", PATH, headers=await door.signed_in("admin"))
    status, body = await changed(door, asked | {"joining": "invited"})
    assert (status, body["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert body["error"]["details"]["field"] == field
    assert await door.ask("GET", PATH, headers=await door.signed_in("admin")) == before


@pytest.mark.parametrize("field", ["includedPages", "excludedPages"])
async def test_pages_that_notion_does_not_show_are_refused_and_nothing_changes(
    door: Door, notion_emulator_server: ServerThread, field: str
) -> None:
    world = notion_emulator_server.emulator.world
    generate(world, seed=1, pages=2, rows=0, blocks=0, data_sources=0)
    page = next(iter(world.pages))
    connection = await (await Notion.open(door.app, notion_emulator_server)).connected()
    async with door.app.database.begin() as conn:
        await members.add(conn, connection.id, door.people["owner"].id, role=Role.OWNER, now=T0)
    path, headers = f"/notion/workspaces/{connection.id}", await door.signed_in("owner")
    before = await door.ask("GET", path, headers=headers)

    asked = {"syncScope": "specific_pages", "includedPages": [page]}
    mistyped = {field: [page, ID, OTHER] if field == "includedPages" else [ID, OTHER]}
    status, body = await door.ask("PATCH", path, headers=headers, json=asked | mistyped)

    assert (status, body["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert body["error"]["details"] == {"field": field, "ids": [ID, OTHER]}
    assert ID in body["message"]
    assert await door.ask("GET", path, headers=headers) == before
    status, body = await door.ask("PATCH", path, headers=headers, json=asked)
    assert (status, body["data"]["workspace"]["includedPages"]) == (200, [page])


async def test_of_many_mistyped_pages_ten_are_looked_for(
    door: Door, notion_emulator_server: ServerThread
) -> None:
    connection = await (await Notion.open(door.app, notion_emulator_server)).connected()
    async with door.app.database.begin() as conn:
        await members.add(conn, connection.id, door.people["owner"].id, role=Role.OWNER, now=T0)
    asked = {"includedPages": [f"{ID[:-2]}{number}" for number in range(10, 30)]}

    status, body = await door.ask(
        "PATCH", f"/notion/workspaces/{connection.id}", headers=await door.signed_in("owner"), json=asked
    )

    assert (status, body["error"]["details"]["ids"]) == (400, asked["includedPages"][:10])


async def test_a_selection_waits_for_a_notion_that_can_be_asked(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: object) -> None:
        raise Unreachable("Notion cannot be reached.")

    monkeypatch.setattr(NotionSource, "record", down)

    status, body = await changed(door, {"syncScope": "specific_pages", "includedPages": [ID]})

    assert (status, body["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
    async with door.app.database.read() as conn:
        assert (await preferences.find(conn, HOME)).included == ()


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"syncScope": "some"}, "syncScope"),
        ({"syncSettings": {"syncIntervalHours": -1}}, "syncSettings.syncIntervalHours"),
        ({"syncSettings": {"autoSync": "perhaps"}}, "syncSettings.autoSync"),
        ({"includedPages": "x"}, "includedPages"),
        ({"includedPages": ["x"] * 1001}, "includedPages"),
        ({"joining": "anybody"}, "joining"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_what_has_the_wrong_form_names_its_field(door: Door, asked: dict[str, Any], field: str) -> None:
    status, body = await changed(door, asked)
    assert status == 400
    assert field in [one["field"] for one in body["error"]["details"]["errors"]]


async def test_a_disconnected_workspace_keeps_what_was_read_and_waits(door: Door) -> None:
    await scheduled(door)
    page = Record(Kind.PAGE, "p", "pages", {}, "h")
    async with door.app.database.begin() as conn:
        await records.upsert(conn, HOME, [page], run_id=None, now=T0)
    run = await ran(door, RunState.RUNNING, ended=False)

    status, body = await door.ask("POST", f"{PATH}/disconnect", headers=await door.signed_in("admin"))

    assert (status, body["data"]) == (200, {"tokenRevoked": False})
    found = await shown(door)
    assert (found["syncStatus"], found["tokenStatus"], found["stats"]["totalPages"]) == (
        "paused",
        "revoked",
        1,
    )
    assert found["nextSyncAt"] is None
    async with door.app.database.read() as conn:
        assert (await runs.one(conn, run)).cancel_requested_at or (await runs.one(conn, run)).ended_at
    assert (await door.ask("POST", f"{PATH}/disconnect", headers=await door.signed_in("admin")))[0] == 200


# --- deletion ---------------------------------------------------------------------------------------------


def _columns(conn: Connection) -> dict[str, list[str]]:
    """Every column of every table there is, those of the full-text index among them."""
    found = inspect(conn)
    schema = "syncline" if conn.dialect.name == "postgresql" else None
    return {
        name: [column["name"] for column in found.get_columns(name, schema=schema)]
        for name in found.get_table_names(schema=schema)
    }


async def residue(door: Door, wanted: str) -> dict[str, int]:
    """How many rows of which table hold a text in any column."""
    left: dict[str, int] = {}
    async with door.app.database.read() as conn:
        for table, columns in (await conn.run_sync(_columns)).items():
            held = " OR ".join(f"CAST({column} AS TEXT) LIKE '%{wanted}%'" for column in columns)
            count = await conn.scalar(text(f"SELECT count(*) FROM {table} WHERE {held}"))
            if count:
                left[table] = count
    return left


@pytest.mark.parametrize("name", ["viewer", "member", "admin", "outsider"])
async def test_only_the_owner_deletes(door: Door, name: str) -> None:
    status, body = await door.ask("DELETE", PATH, headers=await door.signed_in(name))
    assert (status, body["error"]["code"]) in {(403, "OWNER_REQUIRED"), (404, "NOT_FOUND")}
    assert (await shown(door, "owner"))["id"] == HOME


async def test_a_deleted_workspace_leaves_no_row_in_any_table_and_no_token_at_notion(
    door: Door, notion_emulator_server: ServerThread
) -> None:
    notion = await Notion.open(door.app, notion_emulator_server)
    generate(notion_emulator_server.emulator.world, seed=1, pages=5, rows=5, blocks=40, data_sources=1)
    connection = await notion.connected()
    run = await attend.pull(
        door.app, connection, Asked(Request()), watch=lambda _: None, stop=asyncio.Event()
    )
    assert run.state is RunState.SUCCEEDED
    await indexing.follow(door.app, connection.id, seconds=30)
    before = await residue(door, connection.id)
    assert {"records", "documents", "runs", "members", "authorizations", "schedules", "events"} <= set(before)

    async with door.app.database.begin() as conn:
        await members.add(conn, connection.id, door.people["owner"].id, role=Role.OWNER, now=T0)
    headers = await door.signed_in("owner")
    status, body = await door.ask("DELETE", f"/notion/workspaces/{connection.id}", headers=headers)

    assert status == 200
    assert body["message"] == "Workspace deleted successfully"
    assert body["data"]["tokenRevoked"] is True
    assert body["data"]["deleted"]["records"] == before["records"]
    assert notion.granted == []
    assert await residue(door, connection.id) == {}
