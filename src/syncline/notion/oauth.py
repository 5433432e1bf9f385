"""The operations of OAuth (https://developers.notion.com/docs/authorization); a client without token can send them.

They authenticate with the public connection's own id and secret in place of a token (RFC 6749 2.3.1).
"""

from base64 import b64encode
from typing import Any
from urllib.parse import urlencode

from .objects import JsonObject
from .sansio import BASE_URL, Operation

__all__ = ["authorize_url", "create_token", "introspect_token", "refresh_token", "revoke_token"]


def authorize_url(
    client_id: str, *, redirect_uri: str, state: str | None = None, base_url: str = BASE_URL
) -> str:
    """Return the page where a person chooses what to share; it sends them on to `redirect_uri`."""
    query = {"client_id": client_id, "redirect_uri": redirect_uri, "response_type": "code", "owner": "user"}
    if state is not None:
        query["state"] = state
    return f"{base_url}/v1/oauth/authorize?{urlencode(query)}"


def create_token(
    code: str, *, client_id: str, client_secret: str, redirect_uri: str | None = None
) -> Operation[JsonObject]:
    """Exchange the code of the redirect for tokens (create-a-token)."""
    body = {"grant_type": "authorization_code", "code": code}
    if redirect_uri is not None:
        body["redirect_uri"] = redirect_uri
    return _operation("token", body, client_id, client_secret)


def refresh_token(token: str, *, client_id: str, client_secret: str) -> Operation[JsonObject]:
    """Exchange a refresh token for a new pair; the old pair stops working (refresh-a-token)."""
    body = {"grant_type": "refresh_token", "refresh_token": token}
    return _operation("token", body, client_id, client_secret)


def introspect_token(token: str, *, client_id: str, client_secret: str) -> Operation[JsonObject]:
    """Ask whether a token is still good (introspect-token)."""
    return _operation("introspect", {"token": token}, client_id, client_secret)


def revoke_token(token: str, *, client_id: str, client_secret: str) -> Operation[JsonObject]:
    """Make a token useless (revoke-token)."""
    return _operation("revoke", {"token": token}, client_id, client_secret)


def _operation(name: str, body: dict[str, Any], client_id: str, client_secret: str) -> Operation[JsonObject]:
    credentials = b64encode(f"{client_id}:{client_secret}".encode()).decode()
    return Operation(
        f"oauth.{name}",
        "POST",
        f"/v1/oauth/{name}",
        (),
        body,
        safe=name == "introspect",
        authorization=f"Basic {credentials}",
    )
