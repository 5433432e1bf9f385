"""The commands that push: their options and nothing else, like main.py."""

from pathlib import Path
from typing import Annotated

import typer

from syncline.cli.execute import execute

__all__ = ["apply", "plan"]

ConnectionOption = Annotated[
    str | None,
    typer.Option(
        "--connection",
        "-c",
        help="Name or id of the connection; not needed where the mapping names it or there is only one.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Detailed = Annotated[
    bool,
    typer.Option(
        "--detailed-exit-code", help="End with 11 in place of 0 where something is, or was, to be done."
    ),
]


Since = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Read only rows that changed then or later, of tables whose mapping names the column `changed`.",
    ),
]


def plan(
    *,
    file: Annotated[Path, typer.Argument(metavar="MAPPING", help="The mapping file.")],
    connection: ConnectionOption = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the plan in this file, to be applied as it is.")
    ] = None,
    since: Since = None,
    json: Json = False,
    detailed_exit_code: Detailed = False,
) -> None:
    """Show what a push would do, and do nothing.

    Every row that would be made, changed, deleted, or left to a person is listed, each property with its old and its new value.
    """
    execute(
        "plan",
        file=file,
        connection=connection,
        save=save,
        since=since,
        as_json=json,
        detailed=detailed_exit_code,
    )


def apply(
    *,
    file: Annotated[Path, typer.Argument(metavar="MAPPING|PLAN", help="The mapping file, or a saved plan.")],
    connection: ConnectionOption = None,
    halt_on_error: Annotated[
        bool, typer.Option("--halt-on-error", help="Stop at the first row that cannot be written.")
    ] = False,
    accept_deletions: Annotated[
        bool,
        typer.Option("--accept-deletions", help="Delete even if more rows are gone than the mapping allows."),
    ] = False,
    since: Since = None,
    json: Json = False,
    report_markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report as Markdown into this file.")
    ] = None,
    detailed_exit_code: Detailed = False,
) -> None:
    """Push the rows of a mapping into Notion.

    What is as it was costs nothing. A saved plan is applied as it is, or refused if either side has moved. A push that was stopped goes on where it was.
    """
    execute(
        "apply",
        file=file,
        connection=connection,
        halt_on_error=halt_on_error,
        accept_deletions=accept_deletions,
        since=since,
        as_json=json,
        report_markdown=report_markdown,
        detailed=detailed_exit_code,
    )
