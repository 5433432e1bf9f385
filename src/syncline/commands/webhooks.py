"""What the commands about Notion's webhooks do."""

from syncline.app import App
from syncline.core.errors import BadInput, NotFound
from syncline.engine import connect as connecting
from syncline.engine import inbox
from syncline.engine.inbox import WINDOW, Shown
from syncline.present import local
from syncline.settings import Settings
from syncline.store import oauth, subscriptions
from syncline.store.subscriptions import Subscription
from syncline.terminal import Terminal

__all__ = ["add_here", "list_here", "pair_here", "remove_here"]


async def add_here(
    terminal: Terminal, *, connection: str | None, app_name: str | None, as_json: bool
) -> None:
    """Make a webhook of a connection or of an OAuth app."""
    if connection is not None and app_name is not None:
        raise BadInput("Name a connection or an app, not both.")
    async with App.open(Settings.load()) as app:
        if app_name is None:
            found = await connecting.pick(app, connection)
            one = await inbox.subscribe(app, name=found.name, connection_id=found.id)
        else:
            async with app.database.read() as conn:
                known = {each.name: each for each in await oauth.every(conn)}
            if app_name not in known:
                raise NotFound(
                    f"There is no OAuth app called {app_name}: `syncline oauth-app list` shows them."
                )
            one = await inbox.subscribe(app, name=app_name, app_id=known[app_name].id)
        if as_json:
            terminal.json(_as_json(await _shown(app, one), app))
            return
        terminal.result(_url(app, one))
        minutes = int(WINDOW.total_seconds() // 60)
        terminal.note(
            f"Enter this address in Notion: Connections, your connection, Webhooks. {minutes} minutes are left."
        )
        terminal.note("Then `syncline webhooks list` shows the token that Notion asks for.")


async def list_here(terminal: Terminal, *, as_json: bool) -> None:
    """Show the webhooks."""
    async with App.open(Settings.load()) as app:
        async with app.database.read() as conn:
            known = await subscriptions.every(conn)
        shown = [await _shown(app, one) for one in known]
        if as_json:
            for each in shown:
                terminal.json(_as_json(each, app))
            return
        if not shown:
            terminal.result("There is no webhook: `syncline webhooks add` makes one.")
            return
        terminal.table(
            ["id", "name", "state", "last event", "waiting", "ignored", "given up"],
            [_row(each, app) for each in shown],
        )
        for each in shown:
            if each.token is not None:
                terminal.result(f"Paste in Notion for {each.subscription.name}: {each.token}")


async def pair_here(terminal: Terminal, *, webhook: str) -> None:
    """Open the window of a webhook again."""
    async with App.open(Settings.load()) as app:
        one = await inbox.pairing(app, webhook)
        terminal.result(_url(app, one))
        terminal.note(f"Notion's request is waited for until {local(one.pairing_until)}.")


async def remove_here(terminal: Terminal, *, webhook: str) -> None:
    """Forget a webhook."""
    async with App.open(Settings.load()) as app:
        await inbox.forget(app, webhook)
    terminal.result("Removed.")


async def _shown(app: App, one: Subscription) -> Shown:
    async with app.database.read() as conn:
        return await inbox.show(app, conn, one)


def _url(app: App, one: Subscription) -> str:
    return f"{app.settings.public_url}/webhooks/notion/{one.id}"


def _row(shown: Shown, app: App) -> tuple[object, ...]:
    one = shown.subscription
    state = one.state(app.now())
    return one.id, one.name, state, local(one.heard_at), shown.waiting, shown.ignored, shown.given_up


def _as_json(shown: Shown, app: App) -> dict[str, object]:
    one = shown.subscription
    return {
        "id": one.id,
        "name": one.name,
        "url": _url(app, one),
        "state": one.state(app.now()),
        "token": shown.token,
        "waiting": shown.waiting,
        "ignored": shown.ignored,
        "given_up": shown.given_up,
    }
