"""The command that serves: its options and nothing else, like main.py."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from syncline.cli.execute import execute

__all__ = ["Role", "serve"]


class Role(StrEnum):
    """What a process does."""

    API = "api"
    WORKER = "worker"
    ALL = "all"


def serve(
    *,
    role: Annotated[
        Role,
        typer.Option(
            help="api answers requests, worker pulls, all does both. Several processes need PostgreSQL."
        ),
    ] = Role.ALL,
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 is any free one.")] = 8040,
    mapping: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A mapping to be kept up to date, in place of SYNCLINE_MAPPINGS. Can be repeated; every worker needs the same.",
        ),
    ] = None,
    concurrency: Annotated[
        int, typer.Option(min=1, max=1000, help="How many connections a worker pulls at a time.")
    ] = 8,
) -> None:
    """Serve the REST API and realtime events; pull on schedule.

    Ctrl-C or SIGTERM stops it: what is under way is given back and goes on with the next start. A second one ends at once.
    """
    arguments = {"role": role.value, "host": host, "port": port, "concurrency": concurrency}
    execute("serve", **arguments, mappings=tuple(mapping or ()))
