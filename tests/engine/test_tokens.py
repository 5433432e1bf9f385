"""A token that ended is renewed by one of all who meet it, and nothing that Notion gave is lost."""

import asyncio
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from multiprocessing.synchronize import Barrier
from typing import Any

import pytest
from sqlalchemy import select, update
from tests.accounts.authorizing import Notion

from notion_emulator.server import ServerThread
from syncline.app import App
from syncline.core.errors import StoreUnavailable
from syncline.core.event import EventKind
from syncline.core.standing import TokenStatus
from syncline.engine import tokens
from syncline.engine.clients import open_client
from syncline.engine.connect import Asked, connect, pick
from syncline.engine.tokens import PAUSE
from syncline.notion import errors
from syncline.notion import operations as op
from syncline.settings import Settings
from syncline.store import authorizations, events, schedules
from syncline.store.connections import Connection
from syncline.store.database import Database
from syncline.store.schema import metadata
from syncline.store.tables import budgets
from syncline.store.tables_connecting import authorizations as table


async def whoami(app: App, connection: Connection) -> Any:
    async with open_client(app, connection) as client:
        return await client.send(op.retrieve_me())


async def told(app: App, connection: Connection) -> list[Any]:
    """The status changes in the event log."""
    async with app.database.read() as conn:
        found = await events.since(conn, connection.id, 0, 100)
    return [one.data["tokenStatus"] for one in found if one.kind == EventKind.TOKEN]


async def paused_for(app: App, connection: Connection) -> str | None:
    async with app.database.read() as conn:
        schedule = await schedules.find(conn, connection.id)
    assert schedule is not None
    return schedule.paused_for


async def test_a_request_that_meets_an_ended_token_is_answered_with_a_new_one(notion: Notion) -> None:
    connection = await notion.connected()
    before, old = await notion.held(connection), await notion.token(connection)
    notion.expire()

    me = await whoami(notion.app, connection)

    after = await notion.held(connection)
    assert me["object"] == "user"
    assert notion.renewals == 2  # the first one was the exchange of the code
    assert (after.status, after.generation) == (TokenStatus.VALID, before.generation + 1)
    assert await notion.token(connection) == notion.granted[0].token != old
    async with notion.app.database.read() as conn:
        kept = await authorizations.refresh_token(conn, connection.id, ring=notion.app.keys)
    assert kept == notion.granted[0].refresh_token
    assert await told(notion.app, connection) == []


async def test_twenty_who_meet_an_ended_token_at_once_make_one_renewal(
    notion: Notion, store_location: str
) -> None:
    """Each as in a process of its own: with a database of its own."""
    connection = await notion.connected()
    clients = 20
    databases = [await Database.open(store_location) for _ in range(clients)]
    held = [replace(notion.app, database=database) for database in databases]
    notion.expire()

    met = await asyncio.gather(*(whoami(app, connection) for app in held))

    for database in databases:
        await database.close()
    assert {me["id"] for me in met} == {connection.bot_id}
    assert notion.renewals == 2
    assert await notion.token(connection) == notion.granted[0].token


async def test_twenty_processes_that_meet_an_ended_token_make_one_renewal(notion: Notion) -> None:
    """Processes of their own, that share nothing but the store."""
    connection = await notion.connected()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    notion.expire()

    loop, settings, name = asyncio.get_running_loop(), notion.app.settings, connection.name
    with ProcessPoolExecutor(20, context, initializer=_meet, initargs=(context.Barrier(20),)) as processes:
        met = await asyncio.gather(
            *(loop.run_in_executor(processes, _whoami_alone, settings, name) for _ in range(20))
        )

    assert {me for me, _ in met} == {connection.bot_id}
    assert len({process for _, process in met}) == 20
    assert notion.renewals == 2


def _meet(barrier: Barrier) -> None:
    """Keep what the processes wait for each other with."""
    globals()["_barrier"] = barrier


def _whoami_alone(settings: Settings, name: str) -> tuple[str, int]:
    """Ask Notion who we are from another process, at once with the others; who, and which process."""

    async def asked() -> str:
        async with App.open(settings) as app:
            connection = await pick(app, name)
            globals()["_barrier"].wait(60)
            return str((await whoami(app, connection))["id"])

    return asyncio.run(asked()), os.getpid()


async def test_the_many_requests_of_one_client_make_one_renewal(notion: Notion) -> None:
    connection = await notion.connected()
    notion.expire()
    async with open_client(notion.app, connection) as client:
        await asyncio.gather(*(client.send(op.retrieve_me()) for _ in range(20)))
        notion.expire()
        await asyncio.gather(*(client.send(op.retrieve_me()) for _ in range(20)))
    assert notion.renewals == 3


async def test_what_cannot_be_renewed_waits_for_a_person_and_is_told_once(notion: Notion) -> None:
    connection = await notion.connected()
    notion.forget()

    for _ in range(3):
        with pytest.raises(errors.Unauthorized):
            await whoami(notion.app, connection)

    assert notion.renewals == 2
    assert (await notion.held(connection)).status is TokenStatus.EXPIRED
    assert await told(notion.app, connection) == ["expired"]
    async with notion.app.database.read() as conn:
        log = await events.since(conn, connection.id, 0, 100)
    assert [one.data for one in log if one.kind == "sync:status"] == [{"syncStatus": "token_expired"}]
    assert await paused_for(notion.app, connection) == PAUSE


async def test_an_app_that_notion_refuses_says_nothing_of_its_tokens(notion: Notion) -> None:
    connection = await notion.connected()
    notion.expire()
    known = dict(notion.server.emulator.oauth.clients)
    notion.server.emulator.oauth.clients.clear()

    with pytest.raises(errors.Unauthorized, match="Client authentication failed"):
        await whoami(notion.app, connection)
    assert (await notion.held(connection)).status is TokenStatus.VALID
    assert await paused_for(notion.app, connection) is None

    notion.server.emulator.oauth.clients.update(known)
    assert (await whoami(notion.app, connection))["object"] == "user"


async def test_whoever_connects_again_lets_the_schedule_go_on(notion: Notion) -> None:
    connection = await notion.connected()
    notion.forget()
    with pytest.raises(errors.Unauthorized):
        await whoami(notion.app, connection)

    joined = await notion.authorise("ann")

    assert (joined.connection_id, joined.kept) == (connection.id, True)
    assert await told(notion.app, connection) == ["expired", "valid"]
    assert await paused_for(notion.app, connection) is None
    assert (await whoami(notion.app, connection))["object"] == "user"


async def test_an_internal_token_that_is_refused_is_invalid(
    app: App, notion_emulator_server: ServerThread
) -> None:
    asked = Asked(notion_emulator_server.emulator.token, base_url=notion_emulator_server.url, rate="none")
    connection = await connect(app, asked)
    world = notion_emulator_server.emulator.world
    for one in world.connections.values():
        one.token = "ntn_another"

    for _ in range(2):
        with pytest.raises(errors.Unauthorized):
            await whoami(app, connection)

    assert await told(app, connection) == ["invalid"]
    assert await paused_for(app, connection) == PAUSE
    assert notion_emulator_server.emulator.requests.count(path="^/v1/oauth/") == 0


async def test_while_notion_gives_no_token_the_old_pair_stays_and_the_next_tries_again(
    notion: Notion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_LONGEST", 0.2)
    connection = await notion.connected()
    notion.expire()
    notion.server.emulator.faults.add(503, path="^/v1/oauth/token$", count=None)

    with pytest.raises(errors.NotionError) as caught:
        await whoami(notion.app, connection)
    assert caught.value.retry is errors.Retry.RETRY
    assert (await notion.held(connection)).status is TokenStatus.VALID

    notion.server.emulator.faults.clear()
    assert (await whoami(notion.app, connection))["object"] == "user"


async def test_after_the_death_of_who_renewed_another_does(
    notion: Notion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_LOOK", 0.0)
    connection = await notion.connected()
    now = notion.time()
    async with notion.app.database.begin() as conn:
        generation = (await notion.held(connection)).generation
        assert await authorizations.claim(
            conn, connection.id, generation, now=now, until=now + timedelta(seconds=60)
        )
    notion.expire()
    notion.time.step = timedelta(seconds=1)

    assert (await whoami(notion.app, connection))["object"] == "user"
    assert notion.renewals == 2


async def test_who_waits_for_ever_for_another_gives_up(
    notion: Notion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_LOOK", 0.0)
    connection = await notion.connected()
    async with notion.app.database.begin() as conn:
        until = notion.time() + timedelta(days=1)
        await conn.execute(update(table).values(renewing_until=until))
    notion.expire()
    notion.time.step = timedelta(seconds=1)

    with pytest.raises(errors.TimedOut):
        await whoami(notion.app, connection)
    assert notion.renewals == 1


async def test_a_pair_is_stored_though_whoever_asked_for_it_was_cancelled(notion: Notion) -> None:
    connection = await notion.connected()
    notion.expire()
    asked = asyncio.create_task(whoami(notion.app, connection))
    while notion.renewals < 2:  # noqa: ASYNC110 - the emulator has no event for it
        await asyncio.sleep(0.001)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked

    assert await notion.token(connection) == notion.granted[0].token
    assert (await whoami(notion.app, connection))["object"] == "user"
    assert notion.renewals == 2


async def test_a_pair_is_stored_when_the_store_comes_back(
    notion: Notion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_AGAIN", 0.0)
    connection = await notion.connected()
    notion.expire()
    release, away = authorizations.release, iter([True, True, False])

    async def unreliable(*args: Any, **options: Any) -> bool:
        if next(away):
            raise StoreUnavailable("away")
        return await release(*args, **options)

    monkeypatch.setattr(authorizations, "release", unreliable)
    assert (await whoami(notion.app, connection))["object"] == "user"
    assert await notion.token(connection) == notion.granted[0].token


async def test_a_pair_is_stored_under_a_run_that_is_somebody_elses_by_now(notion: Notion) -> None:
    """The lease of a run guards what the run writes; the token is the connection's."""
    connection = await notion.connected()
    notion.expire()

    async def lost(_conn: object) -> None:
        raise StoreUnavailable("the lease is lost")

    leased = replace(notion.app, database=notion.app.database.guarded(lost))
    assert await tokens.renew(leased, connection, await notion.token(connection)) is not None
    assert await notion.token(connection) == notion.granted[0].token


async def test_a_token_is_renewed_before_its_end_where_notion_tells_one(notion: Notion) -> None:
    connection = await notion.connected()
    async with notion.app.database.begin() as conn:
        soon = notion.time() + timedelta(minutes=4)
        await conn.execute(update(table).values(expires_at=soon))

    await whoami(notion.app, connection)

    assert notion.renewals == 2
    assert notion.server.emulator.requests.count(status=401) == 0


async def test_the_budget_stays_the_same_when_the_token_is_another_one(notion: Notion) -> None:
    """Notion counts by connection (https://developers.notion.com/reference/request-limits)."""
    connection = replace(await notion.connected(), rate="1000/60")
    await whoami(notion.app, connection)
    notion.expire()
    await whoami(notion.app, connection)
    async with notion.app.database.read() as conn:
        keys = set(await conn.scalars(select(budgets.c.key)))
    assert keys == {f"bot:{connection.bot_id}", f"workspace:{connection.workspace_id}"}


async def test_no_token_and_no_secret_is_in_any_log_or_table(
    notion: Notion, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    connection = await notion.connected()
    secrets = [notion.client.secret]
    for end in (notion.expire, notion.forget):
        secrets += [secret for one in notion.granted for secret in (one.token, one.refresh_token) if secret]
        end()
        with suppress(errors.Unauthorized):
            await whoami(notion.app, connection)

    async with notion.app.database.read() as conn:
        rows = [repr((await conn.execute(one.select())).all()) for one in metadata.sorted_tables]
    assert len(secrets) == 5
    assert [secret for secret in secrets if secret in caplog.text or secret in "".join(rows)] == []
