"""OAuth of public connections: the authorize page, codes, tokens, refresh, introspection, revocation.

https://developers.notion.com/docs/authorization. The page of ``GET /v1/oauth/authorize`` is a form that a browser or a
test can send; refusals at the token endpoints follow RFC 6749 section 5.2 beside Notion's own keys.
"""

import base64
import binascii
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import orjson

from notion_emulator.call import Answer
from notion_emulator.errors import OAuthRefused
from notion_emulator.ids import dashed
from notion_emulator.objects import Connection, Json, User
from notion_emulator.service import Request, Response
from notion_emulator.world import World

if TYPE_CHECKING:
    from notion_emulator.emulator import Emulator

__all__ = ["Client", "OAuth"]

CODE_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A public integration: what its developer registered."""

    id: str
    secret: str
    name: str = "Emulated integration"
    redirect_uris: tuple[str, ...] = ()  # empty: any
    integration_id: str = ""


@dataclass(frozen=True, slots=True)
class _Grant:
    """What stands behind a code until it is exchanged."""

    client_id: str
    world: World
    pages: tuple[str, ...]
    redirect_uri: str | None
    expires: int


@dataclass(slots=True)
class OAuth:
    """The authorization server of one Emulator."""

    emulator: "Emulator"
    clients: dict[str, Client] = field(default_factory=dict)
    grants: dict[str, _Grant] = field(default_factory=dict)

    def register(self, *, name: str = "Emulated integration", redirect_uris: tuple[str, ...] = ()) -> Client:
        """A new public integration with its id and secret."""
        ids = self.emulator.ids
        client = Client(
            id=ids.random_v4(), secret=f"secret_{ids.random.getrandbits(160):040x}", name=name,
            redirect_uris=redirect_uris, integration_id=ids.random_v4(),
        )  # fmt: skip
        self.clients[client.id] = client
        return client

    def page(self, request: Request) -> Response:
        """``GET /v1/oauth/authorize``: a form with the workspaces and their pages; 400 where the request is wrong."""
        query = {key: values[-1] for key, values in parse_qs(request.query).items()}
        problem = self._problem(query)
        if problem:
            return _html(400, f"<p>{escape(problem)}</p>")
        return _html(200, _form(self.emulator, self.clients[query["client_id"]], query))

    def _problem(self, query: dict[str, str]) -> str | None:
        client = self.clients.get(query.get("client_id", ""))
        if client is None:
            return "Missing or invalid client_id."
        if query.get("response_type") != "code" or query.get("owner", "user") != "user":
            return "Missing or invalid response_type or owner: they should be code and user."
        uri = query.get("redirect_uri")
        if uri is None and not client.redirect_uris:
            return "Missing or invalid redirect_uri."
        if uri is not None and client.redirect_uris and uri not in client.redirect_uris:
            return "Missing or invalid redirect_uri."
        return None

    def decide(self, request: Request) -> Response:
        """``POST /v1/oauth/authorize``: what the person chose; sends the browser back to the integration."""
        form = parse_qs(request.body.decode("utf-8", "replace"))
        query = {key: values[-1] for key, values in form.items()}
        problem = self._problem(query)
        if problem:
            return _html(400, f"<p>{escape(problem)}</p>")
        client = self.clients[query["client_id"]]
        target = query.get("redirect_uri") or client.redirect_uris[0]
        state = {"state": query["state"]} if "state" in query else {}
        if query.get("decision") != "allow":
            return _redirect(target, {"error": "access_denied", **state})
        code = self.grant(
            client,
            pages=form.get("page"),
            workspace=query.get("workspace"),
            redirect_uri=query.get("redirect_uri"),
        )
        return _redirect(target, {"code": code, **state})

    def grant(
        self,
        client: Client,
        *,
        pages: list[str] | None = None,
        workspace: str | None = None,
        redirect_uri: str | None = None,
    ) -> str:
        """A code, as if a person had allowed these pages (all at the top by default) of a workspace (the first)."""
        worlds = {one.id: one for one in self.emulator.worlds}
        world = worlds.get(workspace or "", self.emulator.world)
        code = self.emulator.ids.random_v4()
        chosen = tuple(dashed(one) or one for one in (world.top if pages is None else pages))
        expires = self.emulator.clock.now() + CODE_SECONDS * 1000
        self.grants[code] = _Grant(client.id, world, chosen, redirect_uri, expires)
        return code

    def answer(self, request: Request, operation: str) -> Answer:
        """``POST /v1/oauth/token``, ``/introspect`` and ``/revoke``, with Basic authentication. Raises OAuthRefused."""
        client = self._client(request)
        try:
            body = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            raise OAuthRefused("invalid_request", "The body should be JSON.") from None
        if not isinstance(body, dict):
            raise OAuthRefused("invalid_request", "The body should be an object.")
        if operation == "token":
            return Answer(self._token(client, body))
        return Answer(
            self._introspect(client, body) if operation == "introspect" else self._revoke(client, body)
        )

    def _client(self, request: Request) -> Client:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        try:
            id, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            id, secret = "", ""
        client = self.clients.get(id)
        if scheme.lower() != "basic" or client is None or client.secret != secret:
            raise OAuthRefused("invalid_client", "Client authentication failed.", status=401)
        return client

    def _token(self, client: Client, body: Json) -> Json:
        kind = body.get("grant_type")
        if kind == "authorization_code":
            world, connection = self._exchanged(client, body)
        elif kind == "refresh_token":
            world, connection = self._refreshed(client, body.get("refresh_token"))
        else:
            raise OAuthRefused(
                "unsupported_grant_type",
                f"grant_type should be authorization_code or refresh_token, instead was {kind!r}.",
            )
        return self._answer(world, connection)

    def _exchanged(self, client: Client, body: Json) -> tuple[World, Connection]:
        """A code for a pair of tokens, once."""
        code = body.get("code")
        grant = self.grants.get(code) if isinstance(code, str) else None
        if grant is None or grant.client_id != client.id or grant.expires <= self.emulator.clock.now():
            raise OAuthRefused("invalid_grant", "Invalid code.")
        if body.get("redirect_uri") != grant.redirect_uri:
            raise OAuthRefused("invalid_grant", "Mismatched redirect_uri.")
        del self.grants[str(code)]
        world = grant.world
        connection = world.connect(
            client.name,
            kind="public",
            client_id=client.id,
            all_pages=False,
            grants=dict.fromkeys(grant.pages, True),
        )
        world.users[connection.bot_id].owner = _person(world).id
        connection.refresh_token = self._refresh_token()
        return world, connection

    def _refreshed(self, client: Client, token: Any) -> tuple[World, Connection]:
        """A new pair for a refresh token; the old pair stops working."""
        found = self._find(client, lambda one: one.refresh_token is not None and one.refresh_token == token)
        if found is None:
            raise OAuthRefused("invalid_grant", "Invalid refresh token.")
        world, connection = found
        connection.token = f"ntn_{world.random.getrandbits(184):046x}"
        connection.refresh_token = self._refresh_token()
        connection.issued = self.emulator.clock.now()
        return world, connection

    def _refresh_token(self) -> str:
        return f"nrt_{self.emulator.ids.random.getrandbits(184):046x}"

    def _find(self, client: Client, test: Any) -> tuple[World, Connection] | None:
        for world in self.emulator.worlds:
            for connection in world.connections.values():
                if connection.client_id == client.id and test(connection):
                    return world, connection
        return None

    def _answer(self, world: World, connection: Connection) -> Json:
        person = world.users[world.users[connection.bot_id].owner or ""]
        user: Json = {
            "object": "user",
            "id": person.id,
            "name": person.name,
            "avatar_url": person.avatar_url,
            "type": "person",
        }
        return {
            "access_token": connection.token,
            "token_type": "bearer",
            "refresh_token": connection.refresh_token,
            "bot_id": connection.bot_id,
            "workspace_icon": world.icon,
            "workspace_name": world.name,
            "workspace_id": world.id,
            "owner": {
                "type": "user",
                "user": {**user, "person": {"email": person.email} if person.email else {}},
            },
            "duplicated_template_id": None,
        }

    def _introspect(self, client: Client, body: Json) -> Json:
        found = self._find(client, lambda one: one.token == body.get("token"))
        if found is None:
            return {"active": False}
        scope = " ".join(sorted(found[1].capabilities))
        return {"active": True, "scope": scope, "iat": found[1].issued // 1000}

    def _revoke(self, client: Client, body: Json) -> Json:
        found = self._find(client, lambda one: body.get("token") in (one.token, one.refresh_token))
        if found is not None:
            del found[0].connections[found[1].id]
        return {}


def _person(world: World) -> User:
    """Who authorizes: the first member."""
    person = next((one for one in world.users.values() if one.type == "person" and not one.guest), None)
    return person or world.add_user("Emulated person", email="person@example.com")


def _redirect(target: str, query: dict[str, str]) -> Response:
    joint = "&" if urlsplit(target).query else "?"
    return Response(302, [("location", f"{target}{joint}{urlencode(query)}")], b"")


def _html(status: int, content: str) -> Response:
    page = f'<!doctype html><meta charset="utf-8"><title>Connect</title><body>{content}</body>'
    return Response(status, [("content-type", "text/html; charset=utf-8")], page.encode())


def _form(emulator: "Emulator", client: Client, query: dict[str, str]) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in query.items()
    )
    worlds = "".join(_choices(world, first=world is emulator.world) for world in emulator.worlds)
    return (
        f"<h1>{escape(client.name)} wants to see your pages</h1>"
        f'<form method="post" action="/v1/oauth/authorize">{hidden}{worlds}'
        '<button name="decision" value="allow">Allow access</button> '
        '<button name="decision" value="deny">Cancel</button></form>'
    )


def _choices(world: World, *, first: bool) -> str:
    """A workspace and the pages at its top."""
    pages = "".join(
        f'<label><input type="checkbox" name="page" value="{id}"{" checked" if first else ""}> '
        f"{escape(world.title(world.nodes[id]) or 'Untitled')}</label><br>"
        for id in world.top
    )
    mark = " checked" if first else ""
    return (
        f'<fieldset><legend><label><input type="radio" name="workspace" value="{world.id}"{mark}> '
        f"{escape(world.name)}</label></legend>{pages}</fieldset>"
    )
