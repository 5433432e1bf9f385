"""Secrets are planted in a whole service, and searched for in all that it says and keeps."""

import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from tests.journeys.conftest import Notion, Syncline
from tests.journeys.test_serving import line, pulled, serving

PASSWORD = "planted-password-of-the-owner-91"
NOTHING = "00000000-0000-4000-8000-000000000000"  # an id of nothing
DEBUG = {"SYNCLINE_LOG_LEVEL": "debug", "SYNCLINE_SYNC_COOLDOWN": "0", "SYNCLINE_RATE_LIMITS": "off"}


class Staying(urllib.request.HTTPRedirectHandler):
    """Goes nowhere: a redirect is an answer, too."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@dataclass
class Client:
    """One that keeps all that it was told."""

    url: str
    key: str = ""
    heard: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"}
            | ({"Authorization": f"Bearer {self.key}"} if self.key else {}),
        )
        try:
            with urllib.request.build_opener(Staying).open(request, timeout=60) as answer:
                said = answer.read().decode()
                headers = str(answer.headers)
        except urllib.error.HTTPError as error:
            said, headers = error.read().decode(), str(error.headers)
        self.heard[f"{method} {path}"] = said + headers
        return json.loads(said) if said.startswith("{") else said

    def told(self, method: str, path: str, body: Any) -> Any:
        """Ask for what holds a secret that is shown this once."""
        data = self.ask(method, path, body)["data"]
        del self.heard[f"{method} {path}"]
        return data


def read_everything(client: Client, workspace: str, document: str) -> int:
    """Read every address that the description names; how many those are."""
    named = {"workspaceId": workspace, "sourceId": document}
    paths = [
        path for path, known in client.ask("GET", "/api/v1/openapi.json")["paths"].items() if "get" in known
    ]
    for path in paths:
        filled = re.sub(r"\{(\w+)\}", lambda match: named.get(match[1], NOTHING), path)
        client.ask("GET", f"{filled}?workspaceId={workspace}&wait=0&q=a" if "{" not in path else filled)
    return len(paths)


def test_no_secret_is_in_anything_that_a_service_says_or_keeps(syncline: Syncline, notion: Notion) -> None:
    syncline.connect(notion)
    with serving(syncline, **DEBUG) as child:
        said = line(child), line(child)
        client = Client(said[0].split()[-1])
        setup = said[1].partition("#key=")[2].split()[0]
        owner = {"name": "Ann", "email": "ann@example.com", "password": PASSWORD, "key": setup}
        session = client.told("POST", "/api/v1/auth/register", owner)
        client.key = session["accessToken"]
        key = client.told("POST", "/api/v1/keys", {"name": "k", "scopes": ["admin"]})["key"]
        client.ask("POST", "/api/v1/auth/login", owner | {"key": None, "password": PASSWORD + "x"})
        client.key = key
        pulled(syncline)
        [workspace] = client.ask("GET", "/api/v1/notion/workspaces")["data"]["workspaces"]
        client.ask("POST", "/api/v1/notion/connect", {"token": notion.token, "name": "again"})
        client.ask("POST", "/api/v1/notion/check-token", {"workspaceId": workspace["id"]})
        client.ask("POST", "/api/v1/notion/sync", {"syncType": "full", "workspaceId": workspace["id"]})
        pulled(syncline)
        sources = client.ask("GET", f"/api/v1/notion/sources?workspaceId={workspace['id']}")["data"][
            "sources"
        ]
        count = read_everything(client, workspace["id"], sources[0]["id"])
        child.terminate()
        ended = syncline.ended(child)

    shown = [syncline(*command.split()) for command in ("logs", "status --json")]
    places = client.heard | {
        "log": ended.out + ended.err,
        "commands": "".join(one.out + one.err for one in shown),
    }
    places |= {
        str(path.relative_to(syncline.home)): path.read_bytes().decode("latin-1")
        for path in syncline.home.rglob("*")
        if path.is_file()
    }
    secrets = {
        "token": notion.token,
        "password": PASSWORD,
        "setup key": setup,
        "access token": session["accessToken"],
        "refresh token": session["refreshToken"],
        "API key": key,
    }
    found = [
        f"{name} in {where}"
        for name, secret in secrets.items()
        for where, text in places.items()
        if secret in text
    ]

    assert found == []
    # It would be found if it was there: the commands say something, the store is readable, the answers are answers.
    assert count > 40
    assert "/v1/" in places["commands"]
    assert sources[0]["title"] in places["store.sqlite"]
