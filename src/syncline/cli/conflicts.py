"""The commands about conflicts: their options and nothing else, like main.py."""

from enum import StrEnum
from typing import Annotated

import typer

from syncline.cli.execute import execute

__all__ = ["State", "Take", "conflicts"]

conflicts = typer.Typer(help="Look at what both sides changed, and decide.", no_args_is_help=True)


class State(StrEnum):
    """How a conflict stands."""

    OPEN = "open"
    DECIDED = "decided"
    RESOLVED = "resolved"
    SETTLED = "settled"
    OVERRULED = "overruled"


class Take(StrEnum):
    """What somebody chooses."""

    DATABASE = "database"
    NOTION = "notion"
    VALUE = "value"


_Connection = Annotated[
    str | None,
    typer.Option(
        "--connection", "-c", help="Name or id of the connection; not needed where there is only one."
    ),
]
_Conflict = Annotated[
    str, typer.Argument(metavar="CONFLICT", help="The beginning of its id, or the key of its row.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


@conflicts.command("list")
def listed(
    *,
    mapping: Annotated[str | None, typer.Option(help="Only those of this mapping, by its name.")] = None,
    state: Annotated[
        list[State] | None, typer.Option(help="Only these; can be repeated. Default: what waits.")
    ] = None,
    history: Annotated[
        bool, typer.Option("--history", help="All of them, with what policies decided.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, newest first.")] = 100,
    connection: _Connection = None,
    json: _Json = False,
) -> None:
    """List conflicts: what waits for a decision, or what was decided.

    A conflict is a property that was changed on both sides, or a row that was deleted on one side and edited on the other.
    """
    states = [] if history else [one.value for one in state or [State.OPEN, State.DECIDED]]
    execute(
        "conflicts_list", mapping=mapping, states=states, limit=limit, connection=connection, as_json=json
    )


@conflicts.command("show")
def show(conflict: _Conflict, *, connection: _Connection = None, json: _Json = False) -> None:
    """Show both values of a conflict, and what both sides agreed on before."""
    execute("conflicts_show", conflict=conflict, connection=connection, as_json=json)


@conflicts.command("resolve")
def resolve(
    conflict: _Conflict,
    *,
    take: Annotated[Take, typer.Option(help="Whose value counts, or value for a third one.")],
    value: Annotated[
        str | None, typer.Option(help="The third one: text, a number, a date, or a JSON list.")
    ] = None,
    connection: _Connection = None,
    json: _Json = False,
) -> None:
    """Decide a conflict. The next `syncline apply` writes it.

    It counts for the two values that were shown: if one of them changes before, the decision lapses and the conflict is open again.
    """
    execute(
        "conflicts_resolve",
        conflict=conflict,
        take=take.value,
        value=value,
        connection=connection,
        as_json=json,
    )
