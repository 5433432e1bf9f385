"""The commands about Notion's webhooks: their options and nothing else, like main.py."""

from typing import Annotated

import typer

from syncline.cli.execute import execute

__all__ = ["webhooks"]

webhooks = typer.Typer(help="Let Notion tell what changed.", no_args_is_help=True)

_Id = Annotated[str, typer.Argument(metavar="ID", help="The webhook, as `syncline webhooks list` shows it.")]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object a webhook.")]


@webhooks.command("add")
def add(
    *,
    connection: Annotated[str | None, typer.Argument(help="The connection; the only one by default.")] = None,
    app: Annotated[
        str | None, typer.Option(help="An OAuth app: the events of all that it is connected to.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Make a webhook and say what to enter in Notion. For 15 minutes Notion's first request is waited for."""
    execute("webhooks_add", connection=connection, app_name=app, as_json=as_json)


@webhooks.command("list")
def listed(*, as_json: _Json = False) -> None:
    """Show the webhooks, what they brought, and the token that is to be pasted in Notion."""
    execute("webhooks_list", as_json=as_json)


@webhooks.command("pair")
def pair(webhook: _Id) -> None:
    """Wait for Notion's first request again, as for a new webhook in Notion under the same address."""
    execute("webhooks_pair", webhook=webhook)


@webhooks.command("remove")
def remove(webhook: _Id) -> None:
    """Forget a webhook. Remove it in Notion, too."""
    execute("webhooks_remove", webhook=webhook)
