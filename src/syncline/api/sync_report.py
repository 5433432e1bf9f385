"""``…/syncs/{jobId}/report``: all that is known of one sync, as JSON, or as Markdown or CSV to keep."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.api.deps import Access, ServiceOf, allow
from syncline.api.envelope import Model, Success, moment
from syncline.api.errors import answers
from syncline.api.service import Service
from syncline.api.sync_answers import EndedSync, SyncError, ended
from syncline.core.errors import NotFound
from syncline.core.model import Fidelity, Kind
from syncline.core.permission import Permission
from syncline.store import exchanges, ledger, records, runs
from syncline.store.exchanges import Tally
from syncline.store.runs import Run

__all__ = ["Form", "SyncReport", "as_csv", "as_markdown", "router"]

MOST: Final = 10_000
"""Errors that one report lists."""

router = APIRouter(tags=["syncs"])
_NOTION = "/api/v1/notion"
_WORKSPACE = "/api/v1/notion/workspaces/{workspaceId}"


class Form(StrEnum):
    """How a report is written: an answer like all others, a document, or a table of the errors."""

    JSON = "json"
    MARKDOWN = "markdown"
    CSV = "csv"


class Requests(Model):
    """The requests of one operation. `duration` is the time on the wire, in milliseconds."""

    operation: str = Field(examples=["retrieve_block_children"])
    requests: int
    failed: int
    rate_limited: int
    duration: int


class ReportedError(SyncError):
    """An error with the title of its document."""

    title: str = Field(examples=["Engineering Handbook"])


class SyncReport(EndedSync):
    """A sync in full. `results.errors` are left out for `errors`."""

    workspace_id: str
    workspace_name: str
    kind: str = Field(examples=["pull"])
    fidelity: Fidelity | None
    phase: str
    attempts: int = Field(description="How often a worker took it up")
    deaths: int = Field(description="How often a worker died of it")
    pages: dict[str, int] = Field(description="Pages by what became of them")
    operations: list[Requests] = Field(description="What was asked of Notion, as far as it is logged")
    errors: list[ReportedError] = Field(
        description="What this sync was the last to meet, and no later one has read"
    )
    more_errors: bool = Field(description=f"Whether there are more than {MOST:,}")


_TYPES: Final[Mapping[str, str]] = {Form.MARKDOWN: "text/markdown", Form.CSV: "text/csv"}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {kind: {"schema": {"type": "string"}} for kind in _TYPES.values()}},
    **answers(NotFound),
}


@router.get(f"{_NOTION}/syncs/{{jobId}}/report", response_model=Success[SyncReport], responses=_ANSWERS)
@router.get(f"{_WORKSPACE}/syncs/{{jobId}}/report", response_model=Success[SyncReport], responses=_ANSWERS)
async def sync_report(
    service: ServiceOf,
    access: Annotated[Access, allow(Permission.VIEW_SOURCES)],
    jobId: str,  # noqa: N803 - the contract's name
    form: Annotated[Form, Query(alias="format", description="CSV lists the errors alone")] = Form.JSON,
) -> Success[SyncReport] | Response:
    """Everything about one sync: counts, requests by operation, errors."""
    report = await _report(service, access, jobId)
    if form is Form.JSON:
        return Success(data=report)
    name = f"sync-{report.job_id}.{'md' if form is Form.MARKDOWN else 'csv'}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(_WRITTEN[form](report), media_type=_TYPES[form], headers=headers)


async def _report(service: Service, access: Access, job_id: str) -> SyncReport:
    async with service.app.database.read() as conn:
        run = await runs.one(conn, job_id)
        if run.connection_id != access.connection.id:
            raise NotFound("There is no such sync.")
        entries = await ledger.of_runs(conn, run.connection_id, [run.id], limit=MOST + 1)
        titles = await _titles(conn, run, [entry.page for entry in entries])
        operations = await exchanges.tally(conn, run.id)
    plain = ended(run, entries[:MOST])
    found = [
        ReportedError(**dict(one), title=titles.get(one.document_id or "", ""))
        for one in plain.results.errors
    ]
    return SyncReport(
        **dict(plain) | {"results": plain.results.model_copy(update={"errors": []})},
        workspace_id=run.connection_id,
        workspace_name=access.connection.workspace_name or access.connection.name,
        kind=run.kind,
        fidelity=run.fidelity,
        phase=run.phase,
        attempts=run.attempt,
        deaths=run.reaps,
        pages=dict(run.pages),
        operations=[_requests(one) for one in operations],
        errors=found,
        more_errors=len(entries) > MOST,
    )


async def _titles(conn: AsyncConnection, run: Run, keys: Sequence[str]) -> dict[str, str]:
    held = await records.find(conn, run.connection_id, Kind.PAGE, sorted(set(keys)))
    return {key: record.title for key, record in held.items()}


def _requests(one: Tally) -> Requests:
    return Requests(
        operation=one.operation,
        requests=one.requests,
        failed=one.failed,
        rate_limited=one.rate_limited,
        duration=round(one.seconds * 1000),
    )


# --- written ------------------------------------------------------------------------------------------------------


def as_markdown(report: SyncReport) -> str:
    """The report as a Markdown document."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: SyncReport) -> Iterator[str]:
    yield f"# Sync of {_inline(report.workspace_name)}: {report.status}"
    facts = {
        "job": report.job_id,
        "type": report.sync_type,
        "asked for by": report.triggered_by,
        "began": moment(report.started_at),
        "ended": "" if report.completed_at is None else moment(report.completed_at),
        "seconds": "" if report.duration is None else f"{report.duration / 1000:.1f}",
        "attempts": str(report.attempts),
    }
    yield from ("", *_table(["", ""], [[name, value] for name, value in facts.items() if value]))
    yield from ("", "## Pages", "")
    yield from _table(list(report.pages), [[str(count) for count in report.pages.values()]])
    yield from ("", "## Requests", "")
    made = [str(report.requests.get(name, 0)) for name in ("made", "bound", "rate_limited")]
    yield from _table(["made", "at least", "rate limited"], [made])
    if report.operations:
        rows = [
            [
                one.operation,
                str(one.requests),
                str(one.failed),
                str(one.rate_limited),
                f"{one.duration / 1000:.1f}",
            ]
            for one in report.operations
        ]
        yield from ("", *_table(["operation", "requests", "failed", "rate limited", "seconds"], rows))
    if report.errors:
        yield from ("", "## Errors", "", *_table(_COLUMNS, [_cells(one) for one in report.errors]))
    if report.more_errors:
        yield from ("", f"There are more than these {MOST:,}.")


def as_csv(report: SyncReport) -> str:
    """The errors of a report as CSV (RFC 4180), with a line of names.

    A cell that a spreadsheet would take for a formula begins with an apostrophe
    (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for one in report.errors:
        writer.writerow([f"'{cell}" if cell[:1] in _FORMULA else cell for cell in _cells(one)])
    return text.getvalue()


_COLUMNS: Final = ["documentId", "title", "blockId", "code", "message", "requestId"]
_FORMULA: Final = tuple("=+-@\t\r")
_WRITTEN: Final[Mapping[Form, Callable[[SyncReport], str]]] = {Form.MARKDOWN: as_markdown, Form.CSV: as_csv}


def _cells(one: ReportedError) -> list[str]:
    return [
        one.document_id or "",
        one.title,
        one.block_id or "",
        one.code,
        one.message,
        one.request_id or "",
    ]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{' --- |' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(_inline(cell) for cell in row)} |"


def _inline(text: str) -> str:
    """A text that stays within its line and its cell."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
