"""The process says that it lives, and that it can work."""

import asyncio

from sqlalchemy import text
from tests.api.doors import Door

from syncline.store.database import REVISIONS, VERSION_TABLE


async def test_a_process_that_runs_lives(bare: Door) -> None:
    answer = await bare.http.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_a_process_is_ready_while_its_store_answers(bare: Door) -> None:
    assert (await bare.http.get("/readyz")).status_code == 200


async def test_a_process_is_not_ready_where_the_schema_is_another_releases(bare: Door) -> None:
    async with bare.app.database.begin() as conn:
        await conn.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    try:
        answer = await bare.http.get("/readyz")
    finally:
        async with bare.app.database.begin() as conn:
            await conn.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{REVISIONS[-1]}'"))

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")


async def test_a_process_is_not_ready_where_events_are_told_no_more(bare: Door) -> None:
    for task in bare.service.running:
        task.cancel()
    await asyncio.wait(bare.service.running)

    answer = await bare.http.get("/readyz")

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert (await bare.http.get("/healthz")).status_code == 200
