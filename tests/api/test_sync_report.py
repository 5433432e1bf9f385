"""The report of one sync: the same facts as JSON, as Markdown and as CSV."""

import csv
import io
from typing import Any

import pytest
from tests.api.doors import HOME, Door
from tests.api.syncing import syncing
from tests.api.test_syncs import put

from syncline.store import exchanges, ledger
from syncline.store.exchanges import Exchange
from syncline.store.ledger import Entry
from syncline.store.runs import RunState

PAGE = "11111111-1111-4111-8111-111111111111"
GONE = Entry(PAGE, None, "content", 404, "object_not_found", "Gone | for\nall.", "req-1")
FORMULA = Entry(PAGE, "b", "content", 400, "validation_error", "=HYPERLINK(1)")


def exchange(door: Door, number: int, operation: str, status: int, message: str | None = None) -> Exchange:
    return Exchange(
        id=number,
        connection_id=HOME,
        run_id="done",
        at=door.time(),
        operation=operation,
        method="GET",
        path="/v1/x",
        attempt=1,
        lane="full",
        seconds=0.25,
        status=status,
        request_id=None,
        code=None,
        message=message,
    )


@pytest.fixture
async def told(door: Door) -> dict[str, str]:
    """A sync that ended, with its requests and errors; the headers of who may look."""
    counts = {"seen": 12, "added": 10, "updated": 0, "unchanged": 0, "deleted": 0, "incomplete": 1}
    requests = {"made": 4, "bound": 3, "rate_limited": 1}
    await put(door, "done", state=RunState.SUCCEEDED, pages=counts, requests=requests)
    said = [
        exchange(door, 1, "retrieve_page", 200),
        exchange(door, 2, "retrieve_page", 200),
        exchange(door, 3, "retrieve_page", 404, "Gone."),
        exchange(door, 4, "search", 429, "Slow down."),
    ]
    async with door.app.database.begin() as conn:
        await exchanges.append(conn, said)
        await ledger.record(conn, HOME, [GONE, FORMULA], run_id="done", now=door.time())
    return await door.signed_in("viewer")


async def test_a_report_has_the_counts_the_requests_and_the_errors(door: Door, told: dict[str, str]) -> None:
    status, body = await door.ask("GET", "/notion/syncs/done/report", headers=told)

    report: dict[str, Any] = body["data"]
    assert status == 200
    assert report["pages"]["added"] == 10
    assert report["requests"] == {"made": 4, "bound": 3, "rate_limited": 1}
    assert report["operations"] == [
        {"operation": "retrieve_page", "requests": 3, "failed": 1, "rateLimited": 0, "duration": 750},
        {"operation": "search", "requests": 1, "failed": 1, "rateLimited": 1, "duration": 250},
    ]
    assert [(one["blockId"], one["code"]) for one in report["errors"]] == [
        (None, "object_not_found"),
        ("b", "validation_error"),
    ]
    assert report["moreErrors"] is False


async def test_a_report_is_kept_as_markdown(door: Door, told: dict[str, str]) -> None:
    answer = await door.http.get("/api/v1/notion/syncs/done/report?format=markdown", headers=told)

    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="sync-done.md"'
    assert answer.text.startswith(f"# Sync of Workspace {HOME}: completed\n")
    assert "| retrieve_page | 3 | 1 | 0 | 0.8 |" in answer.text
    assert rf"| {PAGE} |  |  | object_not_found | Gone \| for all. | req-1 |" in answer.text


async def test_the_errors_are_kept_as_csv_and_are_no_formulas(door: Door, told: dict[str, str]) -> None:
    answer = await door.http.get("/api/v1/notion/syncs/done/report?format=csv", headers=told)

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert list(csv.reader(io.StringIO(answer.text))) == [
        ["documentId", "title", "blockId", "code", "message", "requestId"],
        [PAGE, "", "", "object_not_found", "Gone | for\nall.", "req-1"],
        [PAGE, "", "b", "validation_error", "'=HYPERLINK(1)", ""],
    ]


@pytest.mark.parametrize(
    ("query", "status"),
    [("theirs/report", 404), ("nothing/report", 404), ("done/report?format=pdf", 400)],
)
async def test_what_there_is_no_report_of_is_refused(
    door: Door, told: dict[str, str], query: str, status: int
) -> None:
    await door.workspace("c2", owner="outsider")
    await put(door, "theirs", state=RunState.SUCCEEDED, connection_id="c2")

    assert (await door.ask("GET", f"/notion/workspaces/{HOME}/syncs/{query}", headers=told))[0] == status


async def test_the_requests_of_a_real_sync_add_up(bare: Door) -> None:
    async with syncing(bare) as home:
        run = await home.sync()
        await home.rest()
        report = await home.get(f"/notion/syncs/{run.id}/report")
    assert report["requests"]["made"] == sum(one["requests"] for one in report["operations"]) > 0
    assert (report["errors"], report["pages"]["added"]) == ([], 11)
