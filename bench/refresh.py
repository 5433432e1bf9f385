"""From an edit in Notion to the record updated: the emulator's webhook, the service, and back for what was edited."""

import hashlib
import hmac
import http.client
import json
import sqlite3
import statistics
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

from bench.harness import Emulator, Home, Result, command, scratch

EDITS = 40
EVENTS = 300
WINDOW = 0.0
"""Seconds in which the emulator puts edits together; Notion's are up to a minute and no part of what is measured."""


@contextmanager
def served(home: Home) -> Iterator[str]:
    """``syncline serve`` on a free port; its address."""
    process = home.start("serve", "--port", "0")
    assert process.stdout is not None
    try:
        for line in process.stdout:
            address = next((word for word in line.split() if word.startswith("http://")), None)
            if address is not None and "setup" not in address:
                yield address.rstrip("/.")
                return
        raise SystemExit("the server did not start")
    finally:
        process.terminate()
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()


def title(home: Home, page: str) -> str | None:
    """The title that the store holds."""
    with closing(sqlite3.connect(f"file:{home.folder / 'store.sqlite'}?mode=ro", uri=True)) as store:
        row = store.execute("SELECT title FROM records WHERE kind = 'page' AND key = ?", (page,)).fetchone()
    return None if row is None else str(row[0])


def edit(emulator: Emulator, page: str, text: str) -> None:
    said = {"properties": {"title": {"title": [{"text": {"content": text}}]}}}
    emulator.ask(f"/v1/pages/{page}", said, method="PATCH")


def paired(emulator: Emulator, home: Home, address: str) -> None:
    """Make a webhook and have the emulator shake hands."""
    made: dict[str, Any] = json.loads(home.run("webhooks", "add", "--json"))
    emulator.ask("/_emulator/webhooks", {"window": WINDOW}, method="PATCH")
    emulator.ask("/_emulator/webhooks", {"url": f"{address}/webhooks/notion/{made['id']}"}, method="POST")
    until = time.monotonic() + 20
    while json.loads(home.run("webhooks", "list", "--json"))["state"] != "paired":
        if time.monotonic() > until:
            raise SystemExit("the webhook was not paired")
        time.sleep(0.1)


def signed(token: str, number: int) -> tuple[bytes, dict[str, str]]:
    """An event as Notion sends it, about a page that is not there, and its headers."""
    said = {
        "id": str(uuid.UUID(int=number)),
        "timestamp": "2026-11-20T12:00:00.000Z",
        "workspace_id": str(uuid.UUID(int=1)),
        "type": "page.properties_updated",
        "entity": {"id": str(uuid.UUID(int=2)), "type": "page"},
        "data": {"parent": {"id": str(uuid.UUID(int=3)), "type": "page"}, "updated_properties": ["title"]},
    }
    body = json.dumps(said).encode()
    mark = hmac.new(token.encode(), body, hashlib.sha256).hexdigest()
    return body, {"Content-Type": "application/json", "X-Notion-Signature": f"sha256={mark}"}


def measure_answers(events: int = EVENTS) -> Result:
    """How soon a signed event is answered, posted straight to the server, one after the other on one connection."""
    milliseconds: list[float] = []
    with scratch() as folder, Emulator("sample") as emulator:
        home = Home(folder)
        home.connect(emulator)
        home.pull()
        with served(home) as address:
            made: dict[str, Any] = json.loads(home.run("webhooks", "add", "--json"))
            line = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
            token, path = "secret_bench", f"/webhooks/notion/{made['id']}"
            handshake = json.dumps({"verification_token": token})
            line.request("POST", path, handshake, {"Content-Type": "application/json"})
            line.getresponse().read()
            for number in range(events):
                body, headers = signed(token, number)
                start = time.perf_counter()
                line.request("POST", path, body, headers)
                answer = line.getresponse()
                answer.read()
                milliseconds.append((time.perf_counter() - start) * 1000)
                if answer.status != 200:
                    raise SystemExit(f"event {number} was answered with {answer.status}")
            line.close()
    ordered = sorted(milliseconds)
    shown = [ordered[int(events * share) - 1] for share in (0.5, 0.99, 1)]
    return Result(
        title="How soon an event of Notion's webhook is answered",
        command=command(),
        columns=["events", "p50 ms", "p99 ms", "max ms"],
        rows=[[f"{events}", *(f"{one:.1f}" for one in shown)]],
        note="One process on SQLite that reads what the events name at the same time; signature, inbox and answer included.",
    )


def measure(edits: int = EDITS) -> Result:
    seconds: list[float] = []
    with scratch() as folder, Emulator("sample") as emulator:
        home = Home(folder)
        home.connect(emulator)
        home.pull()
        with served(home) as address:
            paired(emulator, home, address)
            for number in range(edits):
                text = f"edited {number}"
                start = time.monotonic()
                edit(emulator, emulator.root, text)
                while title(home, emulator.root) != text:
                    if time.monotonic() - start > 30:
                        raise SystemExit(f"edit {number} did not arrive within 30 s")
                    time.sleep(0.01)
                seconds.append(time.monotonic() - start)
    ordered = sorted(seconds)
    row = [
        f"{edits}",
        f"{statistics.median(ordered):.2f}",
        f"{ordered[int(edits * 0.95) - 1]:.2f}",
        f"{ordered[-1]:.2f}",
    ]
    return Result(
        title="From an edit in Notion to the record",
        command=command(),
        columns=["edits", "median s", "p95 s", "max s"],
        rows=[row],
        note="One process on SQLite; webhook, inbox, run and read included. Notion's own aggregation (up to a minute) comes on top.",
    )


if __name__ == "__main__":
    measure().show(as_json=False)
