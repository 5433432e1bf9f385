"""From what was typed to what is done: the one way from cli/ into commands/."""

from typing import Any, NoReturn

import typer

__all__ = ["execute"]


def execute(command: str, **arguments: Any) -> NoReturn:
    """Run a command and end with its exit code. What it needs is imported now, so that ``--help`` need not wait for it."""
    from syncline.commands import main  # noqa: PLC0415  heavy; see cli/main.py

    raise typer.Exit(main.execute(command, arguments))
