"""Over TCP, for real: the command, the thread, the faults that break connections."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from notion_emulator.server import ServerThread


def get(
    url: str, path: str, token: str, *, method: str = "GET", body: Any = None, timeout: float = 60
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout)
    try:
        headers = {"authorization": f"Bearer {token}", "notion-version": "2026-03-11"}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_the_fixture_serves_the_same_emulator(notion_emulator_server: ServerThread) -> None:
    server = notion_emulator_server
    status, body = get(server.url, "/v1/users/me", server.emulator.token)
    assert (status, json.loads(body)["type"]) == (200, "bot")
    assert server.emulator.requests.count() == 1
    status, body = get(server.url, "/_emulator/state", "")
    assert json.loads(body)["requests"]["total"] == 1


def test_head_has_no_body(notion_emulator_server: ServerThread) -> None:
    server = notion_emulator_server
    assert get(server.url, "/v1/users/me", server.emulator.token, method="HEAD") == (200, b"")


def test_a_file_is_downloaded_from_its_signed_address(notion_emulator_server: ServerThread) -> None:
    server = notion_emulator_server
    world = server.emulator.world
    stored = world.store_file("ü.txt", b"hello")
    page = world.pages[server.emulator.root_page_id]
    world.add_block(page, "file", {"caption": [], "type": "file", "file": {"key": stored.key}, "name": "x"})
    _, body = get(server.url, f"/v1/blocks/{page.id}/children", server.emulator.token)
    url = json.loads(body)["results"][0]["file"]["file"]["url"]
    assert url.startswith(server.url)
    assert get(server.url, url.removeprefix(server.url), "") == (200, b"hello")


def test_a_reset_breaks_the_connection(notion_emulator_server: ServerThread) -> None:
    server = notion_emulator_server
    server.emulator.faults.add("reset", count=1)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        get(server.url, "/v1/users/me", server.emulator.token)
    assert get(server.url, "/v1/users/me", server.emulator.token)[0] == 200


def test_a_truncated_body_ends_early(notion_emulator_server: ServerThread) -> None:
    server = notion_emulator_server
    server.emulator.faults.add("truncated", count=1)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        get(server.url, "/v1/users/me", server.emulator.token)


def test_an_answer_that_waits_is_let_go_when_the_latency_ends(notion_emulator_server: ServerThread) -> None:
    server = notion_emulator_server
    server.emulator.latency = 3600.0
    answers: list[int] = []
    asking = threading.Thread(
        target=lambda: answers.append(get(server.url, "/v1/users/me", server.emulator.token)[0])
    )
    asking.start()
    until(lambda: server.emulator.requests.active)
    get(server.url, "/_emulator/latency", "", method="PUT", body={"seconds": 0})
    asking.join()
    assert answers == [200]


def test_a_timeout_never_answers(notion_emulator_server: ServerThread) -> None:
    server = notion_emulator_server
    server.emulator.faults.add("timeout", count=1)
    with pytest.raises(TimeoutError):
        get(server.url, "/v1/users/me", server.emulator.token, timeout=0.2)
    assert get(server.url, "/v1/users/me", server.emulator.token)[0] == 200


class Receiver:
    """A local web server that keeps what it is sent and serves one file."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        got = self.got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(200)
                self.end_headers()

            def do_GET(self) -> None:
                self.send_response(200 if self.path == "/file.txt" else 404)
                self.send_header("content-type", "text/plain")
                self.end_headers()
                self.wfile.write(b"from elsewhere")

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    thread = threading.Thread(target=found.server.serve_forever)
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


def until(happened: Callable[[], Any]) -> Any:
    """Wait for what the server does in the background, at most some seconds."""
    for _ in range(3000):
        if found := happened():
            return found
        time.sleep(0.02)
    raise AssertionError("It did not happen.")


def test_webhooks_reach_a_local_receiver(notion_emulator_server: ServerThread, receiver: Receiver) -> None:
    server = notion_emulator_server
    get(server.url, "/_emulator/webhooks", "", method="PATCH", body={"window": 0})
    get(server.url, "/_emulator/webhooks", "", method="POST", body={"url": f"{receiver.url}/hook"})
    until(lambda: next(iter(server.emulator.webhooks.subscriptions.values())).active)
    assert set(receiver.got[0]) == {"verification_token"}
    body = {"parent": {"page_id": server.emulator.root_page_id}, "properties": {}}
    get(server.url, "/v1/pages", server.emulator.token, method="POST", body=body)
    until(lambda: [one for one in receiver.got if one.get("type") == "page.created"])


@pytest.mark.parametrize(("path", "status"), [("/file.txt", "uploaded"), ("/missing.txt", "failed")])
def test_an_external_file_is_fetched(
    notion_emulator_server: ServerThread, receiver: Receiver, path: str, status: str
) -> None:
    server = notion_emulator_server
    token = server.emulator.token
    body = {"mode": "external_url", "filename": "file.txt", "external_url": receiver.url + path}
    told: list[str] = []
    server.emulator.world.observers.append(lambda event: told.append(event.type))
    _, answer = get(server.url, "/v1/file_uploads", token, method="POST", body=body)
    made = json.loads(answer)
    assert made["status"] == "pending"

    def read() -> Any:
        shown = json.loads(get(server.url, f"/v1/file_uploads/{made['id']}", token)[1])
        return shown if shown["status"] != "pending" else None

    done = until(read)
    assert done["status"] == status
    assert done["file_import_result"]["type"] == ("success" if status == "uploaded" else "error")
    ended = "file_upload.completed" if status == "uploaded" else "file_upload.upload_failed"
    assert told == ["file_upload.created", ended]


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    command = [sys.executable, "-m", "notion_emulator", "serve", "--port", "0", "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_one_line_and_ends_with_0(ending: signal.Signals) -> None:
    with serving("--workspace", "empty") as (process, ready):
        assert set(ready) == {"url", "token", "root_page_id"}
        status, _ = get(ready["url"], f"/v1/pages/{ready['root_page_id']}", ready["token"])
        assert status == 200
        process.send_signal(ending)
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, rest, errors) == (0, "", "")


@pytest.mark.parametrize("workspace", ["sample", "generated:pages=5,rows=6,blocks=40,data_sources=1,seed=3"])
def test_the_command_serves_a_workspace(workspace: str) -> None:
    with serving("--workspace", workspace, "--rate", "180/60") as (_, ready):
        status, body = get(ready["url"], f"/v1/blocks/{ready['root_page_id']}/children", ready["token"])
    assert status == 200
    assert json.loads(body)["results"]


def test_the_command_replays_a_recording(tmp_path: Path) -> None:
    file = tmp_path / "r.jsonl"
    request = {"method": "GET", "path": "/v1/users", "version": "2026-03-11", "body": None}
    file.write_text(
        json.dumps(
            {"case": "c", "request": request, "response": {"status": 200, "headers": {}, "body": {"n": 1}}}
        )
    )
    with serving("--replay", str(file)) as (_, ready):
        assert get(ready["url"], "/v1/users", "anything") == (200, b'{"n":1}')


def run(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "notion_emulator", "serve", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--workspace", "nope"), "There is no workspace 'nope'"),
        (("--workspace", "generated:pages=x"), "'pages=x' is no size"),
        (("--workspace", "generated:dragons=1"), "'dragons=1': the sizes are pages, rows, blocks,"),
        (("--workspace", "generated:pages=99999999999"), "each up to 10,000,000"),
        (("--workspace", __file__), "This file is no saved workspace: unexpected content"),
        (("--latency", "-5"), "-5 is no latency"),
        (("--latency", "nan"), "nan is no latency"),
        (("--rate", "fast"), "'fast' is no rate"),
        (("--replay", "missing.jsonl"), "missing.jsonl"),
        (("--port", "99999"), "Cannot listen on"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_2(arguments: tuple[str, ...], sentence: str) -> None:
    code, error = run(*arguments)
    assert code == 2
    assert sentence in error
    assert error.count("\n") == 1


def test_a_used_port_is_one_sentence_and_exit_2() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, error = run("--workspace", "empty", "--port", str(taken.getsockname()[1]))
    assert code == 2
    assert error.startswith("Cannot listen on 127.0.0.1:")
