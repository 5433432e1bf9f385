"""The commands on the service's users, for its operator: their options and nothing else, like main.py."""

from enum import StrEnum
from typing import Annotated

import typer

from syncline.cli.execute import execute

__all__ = ["Role", "Scope", "users"]


class Role(StrEnum):
    """What somebody is to be in a workspace."""

    VIEWER = "viewer"
    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"


class Scope(StrEnum):
    """What an API key is for."""

    READ = "read"
    SYNC = "sync"
    WRITE = "write"
    ADMIN = "admin"


users = typer.Typer(help="The users of `syncline serve`: list, invite, reset, key.")

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The user's e-mail address.")]


@users.command("list")
def list_users() -> None:
    """List the users and the workspaces that each belongs to."""
    execute("users_list")


@users.command()
def invite(
    email: Email,
    *,
    connection: Annotated[
        str | None,
        typer.Option(
            "--connection", "-c", help="The connection to let them into; without it they start with none."
        ),
    ] = None,
    role: Annotated[Role, typer.Option(help="What they are to be in it.")] = Role.MEMBER,
) -> None:
    """Print a link with which somebody registers, once and within a week."""
    execute("users_invite", email=email, connection=connection, role=role.value)


@users.command()
def reset(email: Email) -> None:
    """Print a link with which a user sets a new password, once and within an hour."""
    execute("users_reset", email=email)


@users.command()
def key(
    email: Email,
    *,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "command line",
    scope: Annotated[
        list[Scope] | None, typer.Option(help="read (default), sync, write or admin. Can be repeated.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="Days until it expires; never by default.")
    ] = None,
) -> None:
    """Make an API key for a user and print it. It is not shown again."""
    scopes = [one.value for one in scope or [Scope.READ]]
    execute("users_key", email=email, name=name, scopes=scopes, days=days)
