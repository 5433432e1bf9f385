"""The command that searches: its options and nothing else, like main.py."""

from enum import StrEnum
from typing import Annotated

import typer

from syncline.cli.execute import execute

__all__ = ["Kind", "search"]


class Kind(StrEnum):
    """What a document is."""

    PAGE = "page"
    ROW = "row"
    DATABASE = "database"


def search(
    *,
    words: Annotated[
        list[str],
        typer.Argument(
            help='What to look for. "\\"several words\\"" must stand there like this, begin* begins a word. '
            "After -- also -word, which must not stand there."
        ),
    ],
    connection: Annotated[
        str | None,
        typer.Option("--connection", "-c", help="Name or id of a connection. Default: all that are indexed."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="How many documents, the best first.")] = 10,
    kind: Annotated[list[Kind] | None, typer.Option("--type", help="Only these. Can be repeated.")] = None,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON object on standard output, all else on standard error."),
    ] = False,
) -> None:
    """Search what was pulled, by full text.

    What was pulled since the last search is indexed first.
    """
    arguments = {
        "words": " ".join(words),
        "connection": connection,
        "limit": limit,
        "kinds": tuple(one.value for one in kind or ()),
        "as_json": json,
    }
    execute("search", **arguments)
