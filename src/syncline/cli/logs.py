"""The command that shows what was said to Notion: its options and nothing else, like main.py."""

from typing import Annotated

import typer

from syncline.cli.execute import execute

__all__ = ["logs"]


def logs(  # noqa: PLR0913  one parameter an option
    *,
    connection: Annotated[str | None, typer.Argument(help="Only this connection's requests.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on showing what comes.")] = False,
    run: Annotated[
        str | None, typer.Option(help="Only the requests of this run; the beginning of its id is enough.")
    ] = None,
    status: Annotated[str | None, typer.Option(help="Only answers like 404, 4xx or error.")] = None,
    search: Annotated[
        str | None, typer.Option(help="Only where a path, an error or a request id holds this.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="Only from then on: 90s, 15m, 2h, 7d or a time.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, the newest.")] = 50,
    curl: Annotated[
        str | None, typer.Option(metavar="ID", help="Print one request as a command of curl.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show the requests to Notion and their answers.

    Secrets are never logged. SYNCLINE_LOG_REQUESTS=bodies also keeps what was sent and answered, =off keeps nothing.
    """
    arguments = {
        "connection": connection,
        "follow": follow,
        "run": run,
        "status": status,
        "search": search,
        "since": since,
        "limit": limit,
        "curl": curl,
        "as_json": as_json,
    }
    execute("logs", **arguments)
