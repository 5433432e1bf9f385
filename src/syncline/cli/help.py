"""How help looks: commands under headings, each with its whole sentence; examples; and a group alone tells what is in it."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from typer.core import TyperGroup

__all__ = ["EXAMPLES", "HEADINGS", "Group", "Program"]

_WHOLE: Final = 1000
"""More characters than a sentence has."""

HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "Pull": ("demo", "connect", "select", "pull", "load", "disconnect"),
    "Look": ("status", "runs", "errors", "show", "search", "logs"),
    "Push": ("mapping", "plan", "apply", "sync", "conflicts", "import"),
    "Serve": ("serve", "users", "oauth-app", "webhooks", "endpoints", "rules", "alerts", "rotate-key"),
}
"""Under what each command stands, in this order."""

EXAMPLES: Final[Mapping[str, tuple[str, ...]]] = {
    "connect": ("syncline connect --token - --name work", "SYNCLINE_TOKEN=… syncline connect --rate 3/1"),
    "select set": ("syncline select set --include https://www.notion.so/Handbook-3566d82c07cd81e7b413ef664b1c7cfd",),
    "pull": (
        "syncline pull work",
        "syncline pull work --reconcile",
        "syncline pull work --full --dry-run",
        "syncline pull work --page https://www.notion.so/Handbook-3566d82c07cd81e7b413ef664b1c7cfd",
    ),
    "load markdown": ("syncline load markdown notes -c work",),
    "load sql": (
        "syncline load sql notion.db",
        "syncline load sql postgresql://localhost/notion -c work",
    ),
    "show": ("syncline show Handbook", "syncline show Handbook --format portable"),
    "search": ("syncline search quiet lantern", "syncline search '\"fog horn\"' --type page"),
    "logs": (
        "syncline logs work --status error --since 2h",
        "syncline logs --follow",
        "syncline logs --curl 1795204791731331944",
    ),
    "mapping draft": (
        "syncline mapping draft crew.sqlite --under https://www.notion.so/Crew-3566d82c07cd81e7b413ef664b1c7cfd",
        "syncline mapping draft env:CREW_URL --output crew.toml",
    ),
    "mapping check": ("syncline mapping check crew.toml", "syncline mapping check crew.toml --create --dry-run"),
    "plan": ("syncline plan syncline.toml", "syncline plan syncline.toml --save monday.plan"),
    "apply": ("syncline apply syncline.toml", "syncline apply monday.plan --report-markdown report.md"),
    "sync": ("syncline sync syncline.toml --watch --every 30",),
    "conflicts resolve": ("syncline conflicts resolve 4f1c --take notion",),
    "import": ("syncline import syncline.toml --create-tables",),
    "serve": ("syncline serve", "syncline serve --role worker --concurrency 16"),
    "users invite": ("syncline users invite bob@example.com -c work --role viewer",),
    "users key": ("syncline users key ann@example.com --name 'nightly export' --scope read --days 90",),
    "oauth-app add": ("syncline oauth-app add main --client-id 463558a3 --client-secret -",),
    "endpoints add": ("syncline endpoints add https://example.com/hook --type 'record.*'",),
    "rules add": (
        "syncline rules add Shipped --on changed --property Stage --to Shipped --email ann@example.com",
    ),
}  # fmt: skip
"""How commands are called, by their words."""


class Group(TyperGroup):
    """A group of commands."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Nothing after the group's name asks for its help."""
        return super().parse_args(ctx, args or ["--help"])

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, with its examples."""
        found = super().get_command(ctx, cmd_name)
        words = f"{ctx.command_path} {cmd_name}".partition(" ")[2]
        if found is not None and words in EXAMPLES:
            found.epilog = "\n  ".join(("\b\nExamples:", *EXAMPLES[words]))
        return found

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  Typer's signature
        """Each command with its whole sentence."""
        for heading, names in self.headings().items():
            said = [(name, self.commands[name].get_short_help_str(limit=_WHOLE)) for name in names]
            with formatter.section(heading):
                formatter.write_dl(said)

    def headings(self) -> Mapping[str, Collection[str]]:
        """Which commands stand under what."""
        return {"Commands": self.commands}


class Program(Group):
    """All commands."""

    def headings(self) -> Mapping[str, Collection[str]]:
        """Those of HEADINGS."""
        return HEADINGS
