from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from syncline.notion import oauth
from syncline.notion.objects import LATEST
from syncline.notion.sansio import Operation, build

KEYS = {"client_id": "id", "client_secret": "shh"}


@pytest.mark.parametrize(
    ("operation", "path", "body"),
    [
        (
            oauth.create_token("c", redirect_uri="http://r", **KEYS),
            "/v1/oauth/token",
            {"grant_type": "authorization_code", "code": "c", "redirect_uri": "http://r"},
        ),
        (
            oauth.create_token("c", **KEYS),
            "/v1/oauth/token",
            {"grant_type": "authorization_code", "code": "c"},
        ),
        (
            oauth.refresh_token("r", **KEYS),
            "/v1/oauth/token",
            {"grant_type": "refresh_token", "refresh_token": "r"},
        ),
        (oauth.introspect_token("t", **KEYS), "/v1/oauth/introspect", {"token": "t"}),
        (oauth.revoke_token("t", **KEYS), "/v1/oauth/revoke", {"token": "t"}),
    ],
)
def test_oauth_authenticates_with_the_clients_own_secret(
    operation: Operation[Any], path: str, body: Any
) -> None:
    request = build(operation, token="ntn_of_nobody", version=LATEST)
    assert (request.method, request.url) == ("POST", f"https://api.notion.com{path}")
    assert operation.body == body
    assert dict(request.headers)["Authorization"] == "Basic aWQ6c2ho"


def test_only_introspection_may_be_repeated_at_will() -> None:
    assert oauth.introspect_token("t", **KEYS).safe
    assert not oauth.refresh_token("t", **KEYS).safe


def test_people_are_sent_to_notion_with_all_it_asks_for() -> None:
    url = urlsplit(oauth.authorize_url("id", redirect_uri="http://r/?a=b", state="s"))
    assert (url.netloc, url.path) == ("api.notion.com", "/v1/oauth/authorize")
    assert dict(parse_qsl(url.query)) == {
        "client_id": "id",
        "redirect_uri": "http://r/?a=b",
        "response_type": "code",
        "owner": "user",
        "state": "s",
    }
