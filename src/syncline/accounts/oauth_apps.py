"""OAuth apps: what is checked before one is stored. An app is registered by a person with Notion, and told here."""

from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from syncline.app import App
from syncline.core.errors import BadInput
from syncline.notion.budget import Rate
from syncline.notion.objects import LATEST, Version
from syncline.notion.sansio import BASE_URL
from syncline.store import oauth
from syncline.store.oauth import OAuthApp

__all__ = ["CALLBACK", "Wanted", "add", "change", "every", "remove"]

CALLBACK: Final = "/api/v1/notion/callback"
"""Where Notion sends people back to, unless an app names another address."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an app is to be; None is the default, or what it was."""

    name: str | None = None
    client_id: str | None = None
    secret: str | None = field(default=None, repr=False)
    redirect_uri: str | None = None
    base_url: str | None = None
    notion_version: str | None = None
    rate: str | None = None


async def every(app: App) -> list[OAuthApp]:
    """All apps, oldest first."""
    async with app.database.read() as conn:
        return await oauth.every(conn)


async def add(app: App, wanted: Wanted) -> OAuthApp:
    """Set up an app. Raises BadInput for a value that cannot be, Duplicate if the name is taken."""
    if not wanted.name or not wanted.client_id or not wanted.secret:
        raise BadInput("An OAuth app has a name, a client id and a client secret.")
    made = OAuthApp(
        id=app.new_id(),
        name=wanted.name,
        client_id=wanted.client_id,
        redirect_uri=f"{app.settings.public_url}{CALLBACK}",
        base_url=BASE_URL,
        notion_version=LATEST,
        rate="180/60",
        created_at=app.now(),
    )
    made = _checked(made, wanted)
    async with app.database.begin() as conn:
        await oauth.add(conn, made, secret=wanted.secret, ring=app.keys)
    return made


async def change(app: App, name_or_id: str, wanted: Wanted) -> OAuthApp:
    """Change an app. Raises NotFound, and as `add`."""
    async with app.database.begin() as conn:
        made = _checked(await oauth.find(conn, name_or_id), wanted)
        await oauth.change(conn, made, secret=wanted.secret, ring=app.keys)
    return made


async def remove(app: App, name_or_id: str) -> OAuthApp:
    """Remove an app. Raises NotFound, and Busy if workspaces are connected with it."""
    async with app.database.begin() as conn:
        found = await oauth.find(conn, name_or_id)
        await oauth.remove(conn, found.id)
    return found


def _checked(app: OAuthApp, wanted: Wanted) -> OAuthApp:
    names = ("name", "client_id", "redirect_uri", "base_url", "notion_version", "rate")
    given = {name: value for name in names if (value := getattr(wanted, name)) is not None}
    made = replace(app, **given)
    for name, address in (("redirectUri", made.redirect_uri), ("baseUrl", made.base_url)):
        if not _is_address(address):
            raise BadInput(f"{name}: {address!r} is no address: write https://…", details={"field": name})
    try:
        Version(made.notion_version)
        Rate.parse(made.rate)
    except ValueError as error:
        raise BadInput(f"{str(error)[:1].upper()}{str(error)[1:].rstrip('.')}.") from None
    return replace(made, base_url=made.base_url.rstrip("/").removesuffix("/v1"))


def _is_address(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0 and not url.fragment
    except ValueError:
        return False
