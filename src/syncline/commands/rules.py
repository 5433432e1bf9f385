"""What the commands about rules do. A running service tells; these only ask."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from syncline.app import App
from syncline.core.errors import BadInput
from syncline.core.rules import Channel, ChannelKind, Trigger, masked
from syncline.delivery import rules as engine
from syncline.engine import connect as connecting
from syncline.present import local
from syncline.settings import Settings
from syncline.store import notifications, rules
from syncline.store.notifications import State
from syncline.terminal import Terminal

__all__ = ["add_here", "disable_here", "enable_here", "list_here", "remove_here", "told_here"]


async def add_here(
    terminal: Terminal,
    *,
    asked: Mapping[str, Any],
    channels: Mapping[str, Sequence[str]],
    preview: bool,
    connection: str | None,
    as_json: bool,
) -> None:
    """Make a rule, or show what it would tell."""
    wanted = _asked(asked, channels)
    async with App.open(Settings.load()) as app:
        found = await connecting.pick(app, connection)
        if preview:
            row, shown = await engine.preview(app, found, wanted)
            terminal.note(f"Of {row}, at {local(shown.next_at)}:")
            terminal.result(shown.text)
            return
        rule, told = await engine.create(app, found, wanted)
    if as_json:
        shown_channels = [asdict(one) | {"target": masked(one)} for one in told]
        terminal.json({"id": rule.id, "name": rule.name, "channels": shown_channels})
        return
    terminal.result(f"Rule {rule.id}")
    for one in told:
        if one.secret is not None:
            terminal.result(f"Secret {one.secret} for {masked(one)}")
            terminal.note("The secret is not shown again.")
    terminal.note("A running service (`syncline serve`) tells.")


def _asked(asked: Mapping[str, Any], channels: Mapping[str, Sequence[str]]) -> engine.Asked:
    given = dict(asked)
    on = given.pop("on")
    if on not in list(Trigger):
        raise BadInput(f"--on {on}: choose one of {', '.join(Trigger)}.")
    told = tuple(Channel(ChannelKind(kind), target) for kind, all_ in channels.items() for target in all_)
    return engine.Asked(**given, trigger=Trigger(on), channels=told)


async def list_here(terminal: Terminal, *, connection: str | None, as_json: bool) -> None:
    """Show the rules of a connection."""
    async with App.open(Settings.load()) as app:
        found = await connecting.pick(app, connection)
        async with app.database.read() as conn:
            known = await rules.every(conn, found.id)
            told = [
                [masked(one) for one in await rules.channels(conn, rule.id, ring=app.keys)] for rule in known
            ]
    if as_json:
        for rule, shown in zip(known, told, strict=True):
            terminal.json(asdict(rule) | {"channels": shown})
        return
    if not known:
        terminal.result("There is no rule: `syncline rules add NAME --on appears --slack URL` makes one.")
        return
    rows = [
        (
            rule.id,
            rule.name,
            rule.trigger,
            rule.digest,
            "enabled" if rule.enabled else "disabled",
            ", ".join(shown),
        )
        for rule, shown in zip(known, told, strict=True)
    ]
    terminal.table(["id", "name", "on", "digest", "state", "tells"], rows)


async def told_here(
    terminal: Terminal,
    *,
    rule: str | None,
    state: str | None,
    limit: int,
    connection: str | None,
    as_json: bool,
) -> None:
    """Show what rules told."""
    if state is not None and state not in list(State):
        raise BadInput(f"--state {state}: choose one of {', '.join(State)}.")
    async with App.open(Settings.load()) as app:
        found = await connecting.pick(app, connection)
        async with app.database.read() as conn:
            wanted = None if state is None else State(state)
            listed = await notifications.listing(conn, found.id, limit=limit, rule_id=rule, state=wanted)
    if as_json:
        for one in listed:
            terminal.json(asdict(one))
        return
    rows = [
        (local(one.created_at), one.state, one.tries, " ".join(one.text.split()), one.error or "")
        for one in listed
    ]
    terminal.table(["since", "state", "tries", "text", "last answer"], rows)


async def enable_here(terminal: Terminal, *, rule: str) -> None:
    """Enable a rule."""
    await _switch(rule, enabled=True)
    terminal.result("Enabled.")


async def disable_here(terminal: Terminal, *, rule: str) -> None:
    """Disable a rule."""
    await _switch(rule, enabled=False)
    terminal.result("Disabled.")


async def _switch(rule_id: str, *, enabled: bool) -> None:
    async with App.open(Settings.load()) as app:
        async with app.database.read() as conn:
            rule = await rules.one(conn, rule_id)
        await engine.change(app, rule, enabled=enabled)


async def remove_here(terminal: Terminal, *, rule: str) -> None:
    """Forget a rule."""
    async with App.open(Settings.load()) as app, app.database.begin() as conn:
        await rules.remove(conn, rule)
    terminal.result("Removed.")
