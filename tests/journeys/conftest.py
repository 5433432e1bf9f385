"""A real emulator process and the real command line: what a person at a terminal has."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from syncline.cli.main import run

SMALL = "generated:pages=12,rows=20,blocks=120,depth=3,data_sources=2,seed=3"
SECONDS = 90


@dataclass(frozen=True)
class Notion:
    """A local Notion in a process of its own."""

    url: str
    token: str

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Use the emulator's own controls."""
        request = urllib.request.Request(
            f"{self.url}/_emulator/{path}", method=method, data=json.dumps(body).encode() if body else None
        )
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return json.loads(answer.read() or b"null")

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Speak with it as a person's browser would, past the connection's budget."""
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Notion-Version": "2026-03-11",
            "Content-Type": "application/json",
        }
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.url}/v1/{path}", method=method, headers=headers, data=data)
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return json.loads(answer.read())


@contextlib.contextmanager
def emulator(workspace: str, *options: str) -> Iterator[Notion]:
    command = [sys.executable, "-m", "notion_emulator", "serve", "--json", "--port", "0", "--rate", "none"]
    child = subprocess.Popen(
        [*command, "--workspace", workspace, *options], stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        said = json.loads(child.stdout.readline())
        yield Notion(said["url"], said["token"])
    finally:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


@pytest.fixture(scope="session")
def notion() -> Iterator[Notion]:
    """A small workspace that nobody changes."""
    with emulator(SMALL) as started:
        yield started


@pytest.fixture
def own_notion() -> Iterator[Notion]:
    """A small workspace of the test's own, to be changed."""
    with emulator(SMALL) as started:
        yield started


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one object it must be."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


@dataclass(frozen=True)
class Syncline:
    """The command line with a home of its own."""

    home: Path

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """Start a command. Its standard output and error are pipes, so it shows plain lines."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith("SYNCLINE_")}
        return subprocess.Popen(
            [sys.executable, "-m", "syncline", *arguments],
            env=variables | {"SYNCLINE_HOME": str(self.home)} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell starts what runs in its background with interrupts ignored, and so all below it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  no threads here
        )

    def __call__(self, *arguments: str, **environment: str) -> Ended:
        """Run a command to its end, in this process: that is quicker, and nothing outlives it."""
        said = [io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2)]
        with pytest.MonkeyPatch.context() as patched:
            for name in [name for name in os.environ if name.startswith("SYNCLINE_")]:
                patched.delenv(name)
            for name, value in {"SYNCLINE_HOME": str(self.home), **environment}.items():
                patched.setenv(name, value)
            patched.setattr(sys, "stdin", io.StringIO())
            with contextlib.redirect_stdout(said[0]), contextlib.redirect_stderr(said[1]):
                code = run(list(arguments))
        return Ended(code, *(_text(stream) for stream in said))

    def apart(self, *arguments: str, **environment: str) -> Ended:
        """Run a command to its end, in a process of its own."""
        with self.start(*arguments, **environment) as child:
            return self.ended(child)

    def ended(self, child: "subprocess.Popen[str]") -> Ended:
        try:
            out, err = child.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            raise
        assert "Traceback" not in err, err
        return Ended(child.returncode, out, err)

    def connect(self, notion: Notion, *, name: str = "work", store: str | None = None) -> Ended:
        """Connect to a local Notion; `store` is where the store is, if not in the home."""
        options = ("--base-url", notion.url, "--rate", "none", "--name", name)
        place = {} if store is None else {"SYNCLINE_DATABASE_URL": store}
        ended = self("connect", *options, SYNCLINE_TOKEN=notion.token, **place)
        assert ended.code == 0, ended.err
        return ended


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode()


@pytest.fixture
def syncline(tmp_path: Path) -> Syncline:
    """The command line with an empty home."""
    return Syncline(tmp_path / "home")


@pytest.fixture(scope="session")
def pulled(notion: Notion, tmp_path_factory: pytest.TempPathFactory) -> Syncline:
    """The command line with a home that holds the small workspace. Not to be changed."""
    syncline = Syncline(tmp_path_factory.mktemp("pulled") / "home")
    syncline.connect(notion)
    assert syncline("pull").code == 0
    return syncline
