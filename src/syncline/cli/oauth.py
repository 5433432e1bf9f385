"""The commands on OAuth apps, for the operator: their options and nothing else, like main.py."""

from typing import Annotated

import typer

from syncline.cli.execute import execute

__all__ = ["oauth_app"]

oauth_app = typer.Typer(help="The OAuth apps by which people connect workspaces.")


@oauth_app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What to call it here.")],
    *,
    client_id: Annotated[str, typer.Option(help="The client id that Notion shows.")],
    client_secret: Annotated[
        str,
        typer.Option(
            envvar="SYNCLINE_CLIENT_SECRET",
            help="The client secret; - reads it from standard input. It is stored encrypted and never shown.",
        ),
    ],
    redirect_uri: Annotated[
        str | None,
        typer.Option(
            help="As registered with Notion. Default: SYNCLINE_PUBLIC_URL and /api/v1/notion/callback."
        ),
    ] = None,
    base_url: Annotated[str, typer.Option(help="Where the API is.")] = "https://api.notion.com",
    notion_version: Annotated[str, typer.Option(help="2026-03-11, 2025-09-03 or 2022-06-28.")] = "2026-03-11",
    rate: Annotated[
        str, typer.Option(help="Requests per seconds of each connection: 180/60, 3/1, or none.")
    ] = "180/60",
) -> None:
    """Set up an OAuth app that was registered with Notion. The oldest is the default."""
    execute(
        "oauth_app_add",
        name=name,
        client_id=client_id,
        client_secret=client_secret,
        redirect_uri=redirect_uri,
        base_url=base_url,
        notion_version=notion_version,
        rate=rate,
    )


@oauth_app.command("list")
def list_apps() -> None:
    """List the OAuth apps, oldest first."""
    execute("oauth_app_list")


@oauth_app.command("remove")
def remove(name: Annotated[str, typer.Argument(help="Name or id of the app.")]) -> None:
    """Remove an OAuth app that no workspace is connected with."""
    execute("oauth_app_remove", name=name)
