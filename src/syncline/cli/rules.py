"""The commands about rules: their options and nothing else, like main.py."""

from typing import Annotated

import typer

from syncline.cli.execute import execute

__all__ = ["rules"]

rules = typer.Typer(help="Tell people what changed: Slack, mail, webhooks.", no_args_is_help=True)

_Id = Annotated[str, typer.Argument(metavar="ID", help="The rule, as `syncline rules list` shows it.")]
_Json = Annotated[bool, typer.Option("--json", help="JSON, for a program.")]
_Connection = Annotated[str | None, typer.Option(help="The connection; the only one by default.")]


@rules.command("add")
def add(  # noqa: PLR0913  one parameter an option
    name: Annotated[str, typer.Argument(help="What to call it.")],
    *,
    on: Annotated[str, typer.Option(help="changed, appears, goes, content or alert.")],
    stream: Annotated[str | None, typer.Option(help="Only rows of this data source.")] = None,
    column: Annotated[str | None, typer.Option("--property", help="Only this property.")] = None,
    was: Annotated[str | None, typer.Option("--from", help="Only if it was this value.")] = None,
    becomes: Annotated[str | None, typer.Option("--to", help="Only if it becomes this value.")] = None,
    slack: Annotated[list[str] | None, typer.Option(help="An incoming webhook of Slack.")] = None,
    email: Annotated[list[str] | None, typer.Option(help="An address of mail.")] = None,
    webhook: Annotated[list[str] | None, typer.Option(help="An https:// address.")] = None,
    template: Annotated[str, typer.Option(help="What to say.")] = "",
    digest: Annotated[str, typer.Option(help="off, minutes such as 30m, or a time such as 09:00.")] = "off",
    zone: Annotated[str, typer.Option(help="The time zone of these times.")] = "UTC",
    quiet: Annotated[str | None, typer.Option(help="Hours in which nothing is told: 22:00-07:00.")] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what would be told, and make no rule.")
    ] = False,
    connection: _Connection = None,
    as_json: _Json = False,
) -> None:
    """Tell of what happens from now on. Prints the secrets that sign webhooks, this once."""
    asked = {"name": name, "on": on, "stream": stream, "property": column, "was": was, "becomes": becomes}
    how = {"template": template, "digest": digest, "zone": zone, "quiet": quiet}
    channels = {"slack": slack or [], "email": email or [], "webhook": webhook or []}
    execute(
        "rules_add",
        asked=asked | how,
        channels=channels,
        preview=preview,
        connection=connection,
        as_json=as_json,
    )


@rules.command("list")
def listed(*, connection: _Connection = None, as_json: _Json = False) -> None:
    """Show the rules."""
    execute("rules_list", connection=connection, as_json=as_json)


@rules.command("told")
def told(
    *,
    rule: Annotated[str | None, typer.Option(help="Only of this rule.")] = None,
    state: Annotated[str | None, typer.Option(help="Only waiting, sent or dead ones.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the newest.")] = 20,
    connection: _Connection = None,
    as_json: _Json = False,
) -> None:
    """Show what rules told, and what waits to be told."""
    execute("rules_told", rule=rule, state=state, limit=limit, connection=connection, as_json=as_json)


@rules.command("enable")
def enable(rule: _Id) -> None:
    """Let a rule tell again. What happened meanwhile it does not tell."""
    execute("rules_enable", rule=rule)


@rules.command("disable")
def disable(rule: _Id) -> None:
    """Have a rule tell nothing."""
    execute("rules_disable", rule=rule)


@rules.command("remove")
def remove(rule: _Id) -> None:
    """Forget a rule and what it told."""
    execute("rules_remove", rule=rule)
