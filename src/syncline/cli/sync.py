"""The command that keeps a mapping up to date: its options and nothing else, like main.py."""

from pathlib import Path
from typing import Annotated

import typer

from syncline.cli.execute import execute

__all__ = ["sync"]


def sync(
    *,
    file: Annotated[Path, typer.Argument(metavar="MAPPING", help="The mapping file.")],
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on: again whenever a row changes, until Ctrl-C.")
    ] = False,
    every: Annotated[
        float | None,
        typer.Option(
            min=1,
            metavar="SECONDS",
            help="With --watch: how often Notion is asked. Default: as the mapping says, else 60.",
        ),
    ] = None,
    whole: Annotated[
        float | None,
        typer.Option(
            min=1,
            metavar="SECONDS",
            help="With --watch: how often Notion is read whole, which finds what went to its trash. Default: as the mapping says, else 3600.",
        ),
    ] = None,
    connection: Annotated[
        str | None,
        typer.Option(
            "--connection",
            "-c",
            help="Name or id of the connection; not needed where the mapping names it or there is only one.",
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print each report as one JSON object a line on standard output.")
    ] = False,
) -> None:
    """Bring both sides of a mapping together, once or for good.

    Like `syncline apply`, but asks Notion only for pages that were edited. Where `syncline mapping install` was run, a changed row is
    noticed at once and none is lost while nobody watches.
    """
    arguments = {"file": file, "watch": watch, "every": every, "whole": whole, "connection": connection}
    execute("sync", **arguments, as_json=json)
