"""What the commands about webhooks going out do. A running service sends; these only ask."""

from collections.abc import Sequence
from dataclasses import asdict

from syncline.app import App
from syncline.core.delivery import DEFAULT
from syncline.core.errors import BadInput
from syncline.delivery import deliveries as engine
from syncline.engine import connect as connecting
from syncline.present import local
from syncline.settings import Settings
from syncline.store import deliveries, endpoints
from syncline.store.deliveries import State
from syncline.terminal import Terminal

__all__ = [
    "add_here",
    "deliveries_here",
    "enable_here",
    "list_here",
    "redeliver_here",
    "remove_here",
    "rotate_here",
    "test_here",
]


async def add_here(
    terminal: Terminal, *, url: str, connection: str | None, kinds: Sequence[str] | None, as_json: bool
) -> None:
    """Make an endpoint."""
    async with App.open(Settings.load()) as app:
        found = await connecting.pick(app, connection)
        one, secret = await engine.create(
            app, found, url=url, description="", types=tuple(kinds or DEFAULT), streams=()
        )
    if as_json:
        terminal.json({"id": one.id, "url": one.url, "types": one.types, "secret": secret})
        return
    terminal.result(f"Endpoint {one.id}")
    terminal.result(f"Secret {secret}")
    terminal.note("The secret is not shown again. A running service (`syncline serve`) sends.")


async def list_here(terminal: Terminal, *, connection: str | None, as_json: bool) -> None:
    """Show the endpoints of a connection."""
    async with App.open(Settings.load()) as app:
        found = await connecting.pick(app, connection)
        async with app.database.read() as conn:
            known = await endpoints.every(conn, found.id)
            counts = [await deliveries.counts(conn, one.id) for one in known]
    if as_json:
        for one, count in zip(known, counts, strict=True):
            terminal.json(asdict(one) | {state.value: count.get(state, 0) for state in State})
        return
    if not known:
        terminal.result("There is no endpoint: `syncline endpoints add URL` makes one.")
        return
    rows = [
        (
            one.id,
            one.url,
            "failing" if one.enabled and one.failing_since else "enabled" if one.enabled else "disabled",
            *(count.get(state, 0) for state in State),
        )
        for one, count in zip(known, counts, strict=True)
    ]
    terminal.table(["id", "address", "state", *(state.value for state in State)], rows)
    for one in known:
        if one.disabled_for:
            terminal.note(f"{one.id}: {one.disabled_for}")


async def deliveries_here(
    terminal: Terminal, *, endpoint: str, state: str | None, limit: int, as_json: bool
) -> None:
    """Show what an endpoint was sent."""
    if state is not None and state not in list(State):
        raise BadInput(f"--state {state}: choose one of {', '.join(State)}.")
    async with App.open(Settings.load()) as app, app.database.read() as conn:
        one = await endpoints.one(conn, endpoint)
        wanted = None if state is None else State(state)
        found = await deliveries.listing(conn, one.id, limit=limit, state=wanted)
        last = [(await deliveries.attempts_of(conn, each.id))[-1:] for each in found]
    if as_json:
        for each, tried in zip(found, last, strict=True):
            terminal.json(asdict(each) | {"attempts": [asdict(attempt) for attempt in tried]})
        return
    rows = [
        (
            each.id,
            each.type,
            each.state,
            each.tries,
            local(each.created_at),
            (tried[0].status or tried[0].error) if tried else "",
        )
        for each, tried in zip(found, last, strict=True)
    ]
    terminal.table(["id", "type", "state", "tries", "since", "last answer"], rows)


async def redeliver_here(terminal: Terminal, *, endpoint: str, delivery: str | None) -> None:
    """Send deliveries once more."""
    async with App.open(Settings.load()) as app:
        async with app.database.read() as conn:
            one = await endpoints.one(conn, endpoint)
            if delivery is not None:
                await deliveries.one(conn, delivery)
        count = await engine.redeliver(app, one.id, delivery_id=delivery)
    terminal.result(f"{count} to be sent again.")


async def test_here(terminal: Terminal, *, endpoint: str) -> None:
    """Send a test event."""
    async with App.open(Settings.load()) as app:
        made = await engine.test(app, endpoint)
    terminal.result(f"{made.id} is to be sent.")


async def rotate_here(terminal: Terminal, *, endpoint: str) -> None:
    """Print a new secret."""
    async with App.open(Settings.load()) as app:
        async with app.database.read() as conn:
            await endpoints.one(conn, endpoint)
        secret = await engine.rotate(app, endpoint)
    terminal.result(f"Secret {secret}")
    terminal.note("It is not shown again. For a day the old one signs as well.")


async def enable_here(terminal: Terminal, *, endpoint: str) -> None:
    """Enable an endpoint."""
    async with App.open(Settings.load()) as app:
        async with app.database.read() as conn:
            await endpoints.one(conn, endpoint)
        await engine.enable(app, endpoint)
    terminal.result("Enabled: it goes on where it stopped.")


async def remove_here(terminal: Terminal, *, endpoint: str) -> None:
    """Forget an endpoint."""
    async with App.open(Settings.load()) as app, app.database.begin() as conn:
        await endpoints.remove(conn, endpoint)
    terminal.result("Removed.")
