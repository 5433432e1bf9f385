"""The commands that choose what is synced: their options and nothing else, like main.py."""

from typing import Annotated

import typer

from syncline.cli.execute import execute

__all__ = ["select"]

select = typer.Typer(help="Choose which pages and databases are synced: list, set.")

Connection = Annotated[str | None, typer.Argument(help="Name or id of a connection. Default: the only one.")]
Named = Annotated[
    list[str] | None,
    typer.Option(metavar="PAGE", help="Id or address of a page or database. Can be repeated."),
]


@select.command("list")
def list_items(
    *,
    connection: Connection = None,
    below: Annotated[
        str | None, typer.Option(metavar="PAGE", help="What hangs below this one. Default: the top.")
    ] = None,
    search: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What has this in its name, wherever it hangs.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, by name.")] = 100,
) -> None:
    """Show the tree to choose from, one level of it, and what of it is synced."""
    execute("select_list", connection=connection, below=below, search=search, limit=limit)


@select.command("set")
def set_selection(
    *,
    connection: Connection = None,
    include: Named = None,
    exclude: Named = None,
    databases_only: Annotated[
        bool, typer.Option("--databases-only", help="Databases and their rows, no other pages.")
    ] = False,
) -> None:
    """Choose what is synced, in place of what was chosen before; without an option everything.

    Each page stands for all that hangs below it, now or later. The next pull reads what came in and removes what fell out.
    """
    execute(
        "select_set",
        connection=connection,
        include=include or [],
        exclude=exclude or [],
        databases_only=databases_only,
    )
