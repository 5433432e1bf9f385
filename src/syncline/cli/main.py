"""The command line: one function per command, each with its options and nothing else.

Only Typer is imported here, so that ``--help`` answers at once; what a command does is in commands/, imported when
it runs. Every command and option has its place in docs/reference/cli.md (tests/test_cli.py).
"""

import os
import sys
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from syncline.cli.alerts import alerts
from syncline.cli.conflicts import conflicts
from syncline.cli.endpoints import endpoints
from syncline.cli.execute import execute
from syncline.cli.help import Group, Program
from syncline.cli.logs import logs
from syncline.cli.mapping import import_rows, mapping
from syncline.cli.oauth import oauth_app
from syncline.cli.push import apply, plan
from syncline.cli.rules import rules
from syncline.cli.search import search
from syncline.cli.select import select
from syncline.cli.serve import serve
from syncline.cli.sync import sync
from syncline.cli.users import users
from syncline.cli.webhooks import webhooks

__all__ = ["EXIT_CODES", "Fidelity", "Format", "app", "run"]

EXIT_CODES = {
    0: "all is well",
    1: "something unexpected; SYNCLINE_LOG_LEVEL=debug shows where",
    2: "wrong input: a malformed id, token, rate, URL or option, an unusable setting",
    3: "no such connection, page or run",
    4: "another pull or push of the same connection, or load into the same folder, is under way",
    5: "Notion refuses the token, or a capability is missing",
    6: "more deletions than one pull or push may make on its own",
    7: "Notion or a destination cannot be reached",
    8: "the store cannot be read or written: locked, full disk, no permission",
    9: "pushed, but some rows wait for a person: they are ambiguous, or in conflict",
    10: "rows could not be pushed, or a protected page is not as it was",
    11: "with --detailed-exit-code: something is, or was, to be pushed",
    130: "stopped by Ctrl-C; what was read stays",
}

_EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES.items())


class Fidelity(StrEnum):
    """How much of each page is read."""

    BLOCKS = "blocks"
    MARKDOWN = "markdown"
    PROPERTIES = "properties"


class Format(StrEnum):
    """How `show` prints a page."""

    MARKDOWN = "markdown"
    PORTABLE = "portable"
    JSON = "json"


app = typer.Typer(
    name="syncline",
    cls=Program,
    help="Keep Notion and the rest of your systems in sync, on your own machine.",
    epilog=_EPILOG,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
load = typer.Typer(help="Write changes into Markdown files or SQL tables.")
_GROUPS = {
    "load": load,
    "mapping": mapping,
    "conflicts": conflicts,
    "webhooks": webhooks,
    "endpoints": endpoints,
    "rules": rules,
    "alerts": alerts,
    "select": select,
    "users": users,
    "oauth-app": oauth_app,
}
for _name, _group in _GROUPS.items():
    app.add_typer(_group, name=_name, cls=Group)
app.command()(logs)
app.command()(plan)
app.command()(apply)
app.command()(search)
app.command()(serve)
app.command()(sync)
app.command("import")(import_rows)

Connection = Annotated[
    str | None, typer.Argument(help="Name or id of the connection; not needed where there is only one.")
]
ConnectionOption = Annotated[
    str | None,
    typer.Option(
        "--connection", "-c", help="Name or id of the connection; not needed where there is only one."
    ),
]


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code. What Typer finds wrong comes as one sentence, too."""
    _have_streams()
    try:
        code = app(arguments, prog_name="syncline", standalone_mode=False)
    except typer.Abort:
        return 130
    except OSError as error:
        # Commands tell of their own failures: this is help or a version that could not be printed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        typer.echo(f"Error: Standard output cannot be written: {error.strerror}.", err=True)
        return 1
    except Exception as error:
        # Typer keeps the class of its usage errors to itself; all of them, and nothing else, can say this.
        say = getattr(error, "format_message", None)
        if say is None:
            raise
        sentence = " ".join(say().replace("Value error, ", "").split()).rstrip(".")
        called = getattr(getattr(error, "ctx", None), "command_path", "syncline")
        more = f"{sentence}{'' if sentence.endswith('?') else ';'} `{called} --help` tells more."
        return _misused(more, sys.argv if arguments is None else arguments)
    return code or 0


def _have_streams() -> None:
    """Python leaves out a stream that was closed before it began; what is said there goes nowhere, and nothing comes from there."""
    sys.stdin = sys.stdin or Path(os.devnull).open()  # noqa: SIM115  it stays open to the end
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115  as above
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115  as above
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(
            errors="backslashreplace"
        )  # a terminal without Unicode shows a page all the same


def _misused(sentence: str, arguments: list[str]) -> int:
    """Say what is wrong, as JSON too where that was asked for; the exit code."""
    if "--json" in arguments:
        from syncline.commands.main import refuse  # noqa: PLC0415  heavy; see above

        return refuse(sentence)
    typer.echo(f"Error: {sentence}", err=True)
    return 2


@app.callback(invoke_without_command=True)
def syncline(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Show the version."""
    if version:
        from importlib.metadata import version as installed  # noqa: PLC0415  not needed by any command

        typer.echo(f"syncline {installed('syncline')}")


@app.command()
def demo(
    *,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the results in this folder, new or empty.")
    ] = None,
) -> None:
    """Pull a sample workspace from a local Notion.

    Starts the emulator, pulls, loads, and shows what comes out. Works without a network and without a Notion account. Takes less than a minute.
    """
    execute("demo", keep=keep)


@app.command()
def connect(
    *,
    token: Annotated[
        str,
        typer.Option(
            envvar="SYNCLINE_TOKEN",
            help="The connection's token; - reads it from standard input. The environment variable keeps it out of the shell's history.",
        ),
    ],
    name: Annotated[str | None, typer.Option(help="What to call it. Default: the workspace's name.")] = None,
    base_url: Annotated[str, typer.Option(help="Where the API is.")] = "https://api.notion.com",
    notion_version: Annotated[str, typer.Option(help="2026-03-11, 2025-09-03 or 2022-06-28.")] = "2026-03-11",
    rate: Annotated[
        str, typer.Option(help="Requests per seconds: 180/60, 3/1, or none for no limit of ours.")
    ] = "180/60",
) -> None:
    """Try a Notion token and store it, encrypted.

    The token is tried by reading only, and what it may do is listed. Nothing is stored unless Notion accepts it.
    """
    execute("connect", token=token, name=name, base_url=base_url, notion_version=notion_version, rate=rate)


@app.command()
def pull(  # noqa: PLR0913  its options are its arguments
    *,
    connection: Connection = None,
    full: Annotated[bool, typer.Option("--full", help="Read all content again.")] = False,
    reconcile: Annotated[
        bool, typer.Option("--reconcile", help="List everything, read what changed, and find what is gone.")
    ] = False,
    fidelity: Annotated[
        Fidelity | None,
        typer.Option(
            help="How much of each page: every block, Notion's Markdown, or no content. Default: as before, at first blocks."
        ),
    ] = None,
    page: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Read only this page; an id or URL. Can be repeated."),
    ] = None,
    root: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Read only what is below this page or database. Can be repeated."),
    ] = None,
    comments: Annotated[
        bool | None,
        typer.Option(
            "--comments/--no-comments",
            help="Read open comments, one request more a page. Default: as before.",
        ),
    ] = None,
    accept_deletions: Annotated[
        bool,
        typer.Option("--accept-deletions", help="Delete even if a large part of what is held has vanished."),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what would be read, with how many requests. Stores nothing."),
    ] = False,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON object on standard output, all else on standard error."),
    ] = False,
) -> None:
    """Read a workspace into the store.

    All of it the first time, then what changed. A pull that was interrupted goes on where it was. Ctrl-C stops it and keeps what was read.
    """
    execute(
        "pull",
        connection=connection,
        modes=[name for name, asked in (("full", full), ("reconcile", reconcile)) if asked],
        fidelity=fidelity.value if fidelity else None,
        pages=page or [],
        roots=root or [],
        comments=comments,
        accept_deletions=accept_deletions,
        dry_run=dry_run,
        as_json=json,
    )


@load.command("markdown")
def load_markdown(
    *,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder; created where it is missing.")],
    connection: ConnectionOption = None,
) -> None:
    """Write pages as a tree of Markdown files.

    Pages that moved or were deleted are followed; links between pages lead to the files.
    """
    execute("load_markdown", folder=folder, connection=connection)


@load.command("sql")
def load_sql(
    *,
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL", help="sqlite:///PATH, postgresql://HOST/NAME, or the path of a SQLite file."
        ),
    ],
    connection: ConnectionOption = None,
) -> None:
    """Write a typed table for each data source.

    Beside them come tables of pages, blocks, users and comments.
    """
    execute("load_sql", url=url, connection=connection)


@app.command()
def status(
    *, as_json: Annotated[bool, typer.Option("--json", help="One JSON object a connection.")] = False
) -> None:
    """Show how each connection is doing.

    What is held, how old it is, errors, the budget, the next pull.
    """
    execute("status", as_json=as_json)


@app.command()
def runs(
    *,
    connection: Connection = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, newest first.")] = 20,
) -> None:
    """List the pulls and pushes that were made, newest first."""
    execute("runs", connection=connection, limit=limit)


@app.command()
def errors(
    *,
    connection: Connection = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many.")] = 100,
    retry: Annotated[
        bool, typer.Option("--retry", help="Read these places again, and nothing else.")
    ] = False,
    dismiss: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PAGE", help="Put this page out of sight until it fails otherwise. Can be repeated."
        ),
    ] = None,
    dismissed: Annotated[bool, typer.Option("--dismissed", help="List what was dismissed.")] = False,
) -> None:
    """List what could not be read, where it stands and why; or read it again."""
    execute(
        "errors",
        connection=connection,
        limit=limit,
        retry=retry,
        dismiss=dismiss or [],
        dismissed=dismissed,
    )


@app.command()
def show(
    *,
    page: Annotated[str, typer.Argument(help="Id, URL or title of the page.")],
    format_: Annotated[
        Format,
        typer.Option(
            "--format", help="Notion's own Markdown, Markdown for other programs, or what Notion sent."
        ),
    ] = Format.MARKDOWN,
    connection: ConnectionOption = None,
) -> None:
    """Print a page as the store holds it."""
    execute("show", page=page, form=format_.value, connection=connection)


@app.command()
def disconnect(
    *,
    connection: Connection = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove a connection and all that was read by it.

    Its token goes with it. What was loaded into destinations stays, and so does Notion.
    """
    execute("disconnect", connection=connection, sure=yes)


@app.command("rotate-key")
def rotate_key() -> None:
    """Encrypt every stored token with a new key.

    Without SYNCLINE_KEY a new key replaces the key file. With it, its first key encrypts from now on.
    """
    execute("rotate_key")
