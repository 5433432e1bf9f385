"""The commands about alerts: their options and nothing else, like main.py."""

from typing import Annotated

import typer

from syncline.cli.execute import execute

__all__ = ["alerts"]

alerts = typer.Typer(help="See what went wrong, and whether it is over.", no_args_is_help=True)


@alerts.command("list")
def listed(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Resolved ones as well.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest.")] = 20,
    connection: Annotated[str | None, typer.Option(help="The connection; the only one by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, for a program.")] = False,
) -> None:
    """Show the open alerts: one for each incident, however often it was met."""
    asked = {"everything": everything, "limit": limit, "connection": connection, "as_json": as_json}
    execute("alerts_list", **asked)
