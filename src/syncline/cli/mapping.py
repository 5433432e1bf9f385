"""The commands on a mapping file: their options and nothing else, like main.py."""

from pathlib import Path
from typing import Annotated

import typer

from syncline.cli.execute import execute

__all__ = ["import_rows", "mapping"]

mapping = typer.Typer(
    help="Map tables to Notion databases: draft, check, prepare.",
)

File = Annotated[Path, typer.Argument(metavar="MAPPING", help="The mapping file, TOML or YAML.")]
ConnectionOption = Annotated[
    str | None,
    typer.Option(
        "--connection",
        "-c",
        help="Name or id of the connection; not needed where the mapping names it or there is only one.",
    ),
]
Tables = Annotated[
    list[str] | None,
    typer.Option("--table", metavar="NAME", help="Only this table of the mapping. Can be repeated."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
_DEFAULT = Path("syncline.toml")


@mapping.command()
def draft(
    *,
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL",
            help="sqlite:///PATH, postgresql://HOST/NAME, env:NAME of a variable with one, or the path of a SQLite file.",
        ),
    ],
    connection: ConnectionOption = None,
    database: Annotated[
        list[str] | None,
        typer.Option(metavar="ID|NAME", help="Look only at this Notion database. Can be repeated."),
    ] = None,
    under: Annotated[
        str | None,
        typer.Option(
            metavar="PAGE",
            help="Look only at the databases on this page; what is missing is to be made there.",
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="The file to write; - prints it. An existing one is not overwritten."
        ),
    ] = _DEFAULT,
) -> None:
    """Write a first mapping from the tables of a database and the databases of Notion.

    What it was unsure of stands beside it as a comment. Nothing is changed on either side.
    """
    execute(
        "mapping_draft", url=url, connection=connection, databases=database or [], under=under, output=output
    )


@mapping.command()
def check(
    *,
    file: File = _DEFAULT,
    connection: ConnectionOption = None,
    create: Annotated[
        bool,
        typer.Option(
            "--create", help="Make the databases, properties and options that are missing in Notion."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --create: only say what would be made.")
    ] = False,
    json: Json = False,
) -> None:
    """Compare a mapping with the database and with Notion.

    Every mistake is one sentence with what to do. Reads only, unless --create is given; ends with 2 where something must be mended.
    """
    execute("mapping_check", file=file, connection=connection, create=create, dry_run=dry_run, as_json=json)


@mapping.command()
def schema() -> None:
    """Print the JSON Schema of mapping files, for editors."""
    execute("mapping_schema")


@mapping.command()
def install(*, file: File = _DEFAULT, table: Tables = None) -> None:
    """Let the database note which rows change: a table syncline_outbox and triggers.

    Changes are then found without reading every row, at once on PostgreSQL. `uninstall` removes it all.
    """
    execute("mapping_install", file=file, tables=table or [])


@mapping.command()
def uninstall(*, file: File = _DEFAULT, table: Tables = None) -> None:
    """Remove what `install` made."""
    execute("mapping_uninstall", file=file, tables=table or [])


def import_rows(
    *,
    file: File = _DEFAULT,
    connection: ConnectionOption = None,
    table: Tables = None,
    full: Annotated[bool, typer.Option("--full", help="Compare every page, not only what changed.")] = False,
    create_tables: Annotated[
        bool, typer.Option("--create-tables", help="Make the tables that are missing in the database.")
    ] = False,
    accept_deletions: Annotated[
        bool,
        typer.Option(
            "--accept-deletions", help="Delete rows even if a large part of them has no page any more."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Write pulled pages into tables of your own, as a mapping says.

    For the tables whose direction is pull. `syncline pull` comes first; only what changed since the last import is written.
    """
    execute(
        "import",
        file=file,
        connection=connection,
        tables=table or [],
        full=full,
        create_tables=create_tables,
        accept_deletions=accept_deletions,
        as_json=json,
    )
