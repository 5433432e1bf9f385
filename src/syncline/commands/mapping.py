"""What the commands on a mapping file do."""

import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from syncline.app import App
from syncline.core.errors import BadInput, NotFound
from syncline.core.findings import Finding, Level
from syncline.core.mapping import MappedTable, Mapping
from syncline.core.mapping_draft import draft
from syncline.core.schema import NotionSchema
from syncline.engine import connect as connecting
from syncline.engine.clients import open_client
from syncline.mapping.check import check_mapping
from syncline.mapping.create import create, creations, described, permit
from syncline.mapping.file import database_url, json_schema, parse_mapping, read_mapping
from syncline.mapping.targets import candidates
from syncline.mapping.text import text
from syncline.notion.client import Client
from syncline.present import counted
from syncline.settings import Settings
from syncline.sources.sql import SqlSource
from syncline.terminal import Terminal

__all__ = ["check_here", "draft_here", "install_here", "print_schema", "uninstall_here"]

_WRONG = 2


@asynccontextmanager
async def _notion(name: str | None) -> AsyncIterator[Client]:
    async with App.open(Settings.load()) as app:
        connection = await connecting.pick(app, name)
        async with open_client(app, connection) as client:
            yield client


def _source(mapping: Mapping, file: Path) -> SqlSource:
    return SqlSource(database_url(mapping, file.parent))


# --- draft --------------------------------------------------------------------------------------------------------


async def draft_here(
    terminal: Terminal,
    *,
    url: str,
    connection: str | None,
    databases: Sequence[str],
    under: str | None,
    output: Path,
) -> None:
    """Write a first mapping."""
    printed = str(output) == "-"
    place, shown = _place(url, output)
    if not printed:
        _require_absent(output)
    async with SqlSource(place) as source, _notion(connection) as client:
        catalogue = await source.catalogue()
        schemas, page = await candidates(client, databases, under)
    found = draft(catalogue, schemas, name=output.stem if not printed else "mapping", url=shown, under=page)
    if not found.mapping.tables:
        raise NotFound(_nothing_alike([table.name for table in catalogue.tables], schemas))
    said = text(found)
    parse_mapping(said, Path("draft.toml"))
    if printed:
        terminal.text(said)
        return
    _require_absent(output).write_text(said, encoding="utf-8")
    terminal.result(
        f"Wrote {output}: {counted(len(found.mapping.tables), 'table')}, {_guesses(found.unsure)} marked unsure. "
        f"`syncline mapping check {output}` tells what is missing."
    )


def _guesses(count: int) -> str:
    return "1 guess" if count == 1 else f"{count} guesses"


def _require_absent(output: Path) -> Path:
    if output.exists():
        raise BadInput(f"The file {output} is there already: name another with --output.")
    return output


def _nothing_alike(tables: Sequence[str], schemas: Sequence[NotionSchema]) -> str:
    titles = ", ".join(schema.title for schema in schemas) or "none"
    return (
        f"No table ({', '.join(tables) or 'none'}) is like any of Notion's databases ({titles}): "
        "name the page for new ones with --under, or the database with --database."
    )


def _place(url: str, output: Path) -> tuple[str, str]:
    """The URL to open, and what the file says of it: never a password."""
    if url.startswith("env:"):
        variable = url.removeprefix("env:")
        return os.environ.get(variable) or _unset(variable), url
    source = SqlSource(url)
    if source.dialect == "postgresql":
        return url, "env:DATABASE_URL" if source.url.password or "password" in source.url.query else url
    path = Path(str(source.url.database)).absolute()
    folder = output.absolute().parent
    shown = path.relative_to(folder) if path.is_relative_to(folder) else path
    return url, f"sqlite:///{shown}"


def _unset(variable: str) -> str:
    raise BadInput(f"The variable {variable} is not set: it holds the URL of the database.")


# --- check --------------------------------------------------------------------------------------------------------


async def check_here(
    terminal: Terminal, *, file: Path, connection: str | None, create: bool, dry_run: bool, as_json: bool
) -> int:
    """Compare, and with `create` make what is missing; the exit code."""
    mapping = read_mapping(file)
    async with _source(mapping, file) as source, _notion(connection or mapping.connection) as client:
        checked = await check_mapping(mapping, source, client)
        made: list[str] = []
        if create:
            made = await _create(terminal, client, mapping, checked, dry_run=dry_run)
            if made and not dry_run:
                checked = await check_mapping(mapping, source, client)
        requests = client.counts.requests
    errors = sum(finding.level is Level.ERROR for finding in checked.findings)
    if as_json:
        findings = [_as_json(finding) for finding in checked.findings]
        terminal.json({"findings": findings, "created": made, "dry_run": dry_run, "requests": requests})
    else:
        _tell(terminal, mapping, checked.findings)
    return _WRONG if errors else 0


async def _create(
    terminal: Terminal, client: Client, mapping: Mapping, checked: Any, *, dry_run: bool
) -> list[str]:
    wanted = creations(checked.findings)
    await permit(client, mapping, wanted)
    said = [described(each) for each in wanted]
    for each in said:
        terminal.note(f"{'Would make' if dry_run else 'Making'} {each}.")
    if wanted and not dry_run:
        await create(client, mapping, wanted, checked.schemas)
    return said


def _as_json(finding: Finding) -> dict[str, Any]:
    return {
        "level": str(finding.level),
        "table": finding.table,
        "item": finding.item,
        "sentence": finding.sentence,
        "fix": finding.fix,
        "can_create": finding.creation is not None,
    }


def _tell(terminal: Terminal, mapping: Mapping, findings: Sequence[Finding]) -> None:
    for finding in findings:
        where = ".".join(part for part in (finding.table, finding.item) if part)
        said = f"{finding.sentence} — {finding.fix}" if finding.fix else finding.sentence
        terminal.result(f"{finding.level}: {where}: {said}{'' if said.endswith('?') else '.'}")
    if not any(finding.level is Level.ERROR for finding in findings):
        columns = sum(len(table.columns) for table in mapping.tables)
        tables = counted(len(mapping.tables), "table")
        terminal.result(f"{mapping.name}: {tables} with {counted(columns, 'column')} fit.")


# --- the rest -----------------------------------------------------------------------------------------------------


async def print_schema(terminal: Terminal) -> None:
    """Print the JSON Schema of mapping files."""
    terminal.text(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")


async def install_here(terminal: Terminal, *, file: Path, tables: Sequence[str]) -> None:
    """Make the outbox."""
    mapping = read_mapping(file)
    chosen = _chosen(mapping, tables)
    async with _source(mapping, file) as source:
        await source.install(mapping.name, chosen)
    names = ", ".join(table.name for table in chosen)
    terminal.result(f"{source} notes the changes of {names} in syncline_outbox.")


async def uninstall_here(terminal: Terminal, *, file: Path, tables: Sequence[str]) -> None:
    """Remove the outbox."""
    mapping = read_mapping(file)
    chosen = _chosen(mapping, tables)
    async with _source(mapping, file) as source:
        await source.uninstall(mapping.name, chosen)
    terminal.result(f"{source} notes no changes of {', '.join(table.name for table in chosen)} any more.")


def _chosen(mapping: Mapping, names: Sequence[str]) -> list[MappedTable]:
    known = [table.name for table in mapping.tables]
    for name in names:
        if name not in known:
            raise BadInput(f"The mapping has no table {name}; there are {', '.join(known)}.")
    if names:
        return [mapping.table(name) for name in dict.fromkeys(names)]
    return [table for table in mapping.tables if table.query is None]
