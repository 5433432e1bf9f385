"""The commands about webhooks going out: their options and nothing else, like main.py."""

from typing import Annotated

import typer

from syncline.cli.execute import execute

__all__ = ["endpoints"]

endpoints = typer.Typer(help="Send webhooks about what changed.", no_args_is_help=True)

_Id = Annotated[
    str, typer.Argument(metavar="ID", help="The endpoint, as `syncline endpoints list` shows it.")
]
_Json = Annotated[bool, typer.Option("--json", help="JSON, for a program.")]
_Connection = Annotated[
    str | None,
    typer.Option(
        "--connection", "-c", help="Name or id of the connection; not needed where there is only one."
    ),
]


@endpoints.command("add")
def add(
    url: Annotated[str, typer.Argument(help="Where to send: an https:// address.")],
    *,
    connection: _Connection = None,
    kinds: Annotated[
        list[str] | None, typer.Option("--type", help="Only these types, such as record.* or sync.complete.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Send what happens from now on to an address. Prints the secret that signs it, this once."""
    execute("endpoints_add", url=url, connection=connection, kinds=kinds, as_json=as_json)


@endpoints.command("list")
def listed(*, connection: _Connection = None, as_json: _Json = False) -> None:
    """Show the endpoints and how they are doing."""
    execute("endpoints_list", connection=connection, as_json=as_json)


@endpoints.command("deliveries")
def sent(
    endpoint: _Id,
    *,
    state: Annotated[str | None, typer.Option(help="Only waiting, delivered or dead ones.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest.")] = 20,
    as_json: _Json = False,
) -> None:
    """Show what an endpoint was sent and how the last attempt went."""
    execute("endpoints_deliveries", endpoint=endpoint, state=state, limit=limit, as_json=as_json)


@endpoints.command("redeliver")
def redeliver(
    endpoint: _Id,
    delivery: Annotated[str | None, typer.Argument(help="One delivery; else all that were given up.")] = None,
) -> None:
    """Send deliveries once more."""
    execute("endpoints_redeliver", endpoint=endpoint, delivery=delivery)


@endpoints.command("test")
def test(endpoint: _Id) -> None:
    """Send an event of the type endpoint.test."""
    execute("endpoints_test", endpoint=endpoint)


@endpoints.command("rotate")
def rotate(endpoint: _Id) -> None:
    """Print a new secret. For a day both sign."""
    execute("endpoints_rotate", endpoint=endpoint)


@endpoints.command("enable")
def enable(endpoint: _Id) -> None:
    """Go on sending to an endpoint that was disabled, where it stopped."""
    execute("endpoints_enable", endpoint=endpoint)


@endpoints.command("remove")
def remove(endpoint: _Id) -> None:
    """Forget an endpoint and what it was sent."""
    execute("endpoints_remove", endpoint=endpoint)
