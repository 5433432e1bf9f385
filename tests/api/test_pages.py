"""The pages that links lead to: their forms work in a real browser, under a policy that lets nothing from elsewhere in."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import pytest
from tests.api.doors import HOME, PASSWORD, Door, opened
from tests.api.served import served

from syncline.accounts import accounts, membership, verification
from syncline.accounts.membership import Actor
from syncline.accounts.passwords import hashed
from syncline.app import App
from syncline.core.permission import Role
from syncline.settings import Settings
from syncline.store import members, users
from syncline.store.users import User

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.parametrize("path", ["/", "/setup", "/join", "/reset-password", "/verify-email"])
async def test_a_page_lets_nothing_in_from_elsewhere(bare: Door, path: str) -> None:
    answer = await bare.http.get(path)

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "<script>" not in answer.text
    assert "//" not in answer.text.replace("<!doctype html>", "")


async def test_what_an_outcome_says_is_no_html(bare: Door) -> None:
    answer = await bare.http.get("/settings/integrations", params={"error": "<script>alert(1)</script>"})

    assert "&lt;script&gt;" in answer.text
    assert "<script" not in answer.text


class Tab:
    """A page in the browser, by its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/)."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last = 0

    async def call(self, method: str, **params: Any) -> Any:
        self._last += 1
        await self._socket.send_json({"id": self._last, "method": method, "params": params})
        while (answer := await self._socket.receive_json()).get("id") != self._last:
            pass
        return answer["result"]

    async def run(self, script: str) -> Any:
        answer = await self.call("Runtime.evaluate", expression=script, returnByValue=True)
        return answer["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until a script says yes."""
        async with asyncio.timeout(60):
            while not await self.run(script):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)

    async def open(self, url: str) -> None:
        # A new hash alone loads nothing.
        await self.call("Page.navigate", url="about:blank")
        await self.until("location.href === 'about:blank'")
        await self.call("Page.navigate", url=url)
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def fill(self, section: str, do: str, **fields: str) -> str:
        """Fill in a form that can be seen, send it, and give what the page says then."""
        form = f"document.querySelector('#{section}:not([hidden]) form[data-do={do}]')"
        for name, value in fields.items():
            await self.run(f"{form}.elements[{json.dumps(name)}].value = {json.dumps(value)}")
        await self.run("document.getElementById('said').textContent = ''")
        await self.run(f"{form}.requestSubmit()")
        await self.until("document.getElementById('said').textContent")
        return str(await self.run("document.getElementById('said').textContent"))


@asynccontextmanager
async def browser() -> AsyncIterator[Tab]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    # Its socket lies in its folder, and the path of a socket has at most 107 bytes: tmp_path is too long.
    with TemporaryDirectory(prefix="tab", ignore_cleanup_errors=True) as folder:
        process = await asyncio.create_subprocess_exec(
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0",
            f"--user-data-dir={folder}", "about:blank", env=os.environ | {"HOME": folder, "TMPDIR": folder},
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with aiohttp.ClientSession() as http:
                async with http.get(
                    f"http://127.0.0.1:{await _port(process, Path(folder))}/json/list"
                ) as answer:
                    [page] = [one for one in await answer.json() if one["type"] == "page"]
                async with http.ws_connect(page["webSocketDebuggerUrl"]) as socket:
                    yield Tab(socket)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _port(process: asyncio.subprocess.Process, folder: Path) -> str:
    """Where the browser listens, once it says so."""
    ready = folder / "DevToolsActivePort"
    async with asyncio.timeout(60):
        while not ready.exists() or not (port := ready.read_text().split("\n")[0]):
            assert process.returncode is None, f"Chromium ended with {process.returncode}"
            await asyncio.sleep(0.05)
    return port


async def test_the_links_work_in_a_browser(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", database_url=None, key=None, rate_limits={})
    async with (
        App.open(settings) as app,
        opened(app) as door,
        served(door.service) as url,
        browser() as tab,
    ):
        await _set_up(door, url, tab)
        await _join(door, url, tab)
        await _reset(door, url, tab)
        await _verify(door, url, tab)


async def _set_up(door: Door, url: str, tab: Tab) -> None:
    await door.workspace(HOME)
    link = await accounts.setup_link(door.app, url)
    assert link is not None
    await tab.open(link)
    assert await tab.run("location.href") == f"{url}/setup"

    person = {"email": "ann@example.com", "name": "Ann"}
    assert "characters" in await tab.fill("setup", "register", **person, password="short")
    said = await tab.fill("setup", "register", **person, password=PASSWORD)
    made = await tab.fill("next", "key", name="mine")

    assert (said, made) == ("You are registered and signed in.", "Keep it: it is not shown again")
    key = await tab.run("document.getElementById('key').textContent")
    status, _ = await door.ask(
        "GET", f"/workspaces/{HOME}/members", headers={"Authorization": f"Bearer {key}"}
    )
    assert status == 200


async def _join(door: Door, url: str, tab: Tab) -> None:
    async with door.app.database.read() as conn:
        [ann] = await users.every(conn)
    _, token = await membership.invite(
        door.app, Actor(ann.id, HOME, Role.OWNER), email="bob@example.com", role=Role.VIEWER
    )
    await tab.open(f"{url}/join#token={token}")

    said = await tab.fill("join", "register", email="bob@example.com", name="Bob", password=PASSWORD)

    assert said == "You are registered and signed in."
    async with door.app.database.read() as conn:
        assert sorted(one.role for one in await members.every(conn, HOME)) == sorted(
            [Role.OWNER, Role.VIEWER]
        )


async def _reset(door: Door, url: str, tab: Tab) -> None:
    found = await accounts.request_reset(door.app, "bob@example.com")
    assert found is not None
    await tab.open(f"{url}/reset-password#token={found[1]}")

    said = await tab.fill("reset-password", "reset", password="another long password")

    assert said == "The password is set. All sessions are over."
    await tab.open(f"{url}/reset-password")
    assert (
        await tab.run("document.getElementById('said').textContent")
        == "This link is not whole: copy it again."
    )


async def _verify(door: Door, url: str, tab: Tab) -> None:
    async with door.app.database.begin() as conn:
        eve = User("eve", "eve@example.com", "Eve", instance_owner=False, created_at=door.time())
        await users.add(conn, eve, password=await hashed(PASSWORD))
    made = await verification.request(door.app, "eve")
    assert made is not None
    await tab.open(f"{url}/verify-email#token={made[1]}")

    wrong = await tab.fill("verify-email", "verify", email=eve.email, password="another one")
    said = await tab.fill("verify-email", "verify", email=eve.email, password=PASSWORD)

    assert "do not belong together" in wrong
    assert said == "Your address is confirmed."
    assert (await accounts.profile(door.app, "eve")).verified_at == door.time()
