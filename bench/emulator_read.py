"""How many answers a second the emulator gives over TCP on one core.

    python -m bench.emulator_read

The load is made with bare sockets, because any HTTP client would need more processor time than the emulator.
"""

import argparse
import json
import socket
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import Any
from urllib.parse import urlsplit

from bench.harness import Emulator, Result, command

__all__ = ["measure"]

WORKSPACE = "generated:pages=400,rows=1600,blocks=60000,data_sources=8,depth=4,seed=1"
CONNECTIONS = 8
VERSION = "2026-03-11"


class Load:
    """Some kept-alive connections, one request on its way on each."""

    def __init__(self, emulator: Emulator) -> None:
        place = urlsplit(emulator.url)
        self.host, self.token = place.netloc, emulator.token
        self.sockets = []
        for _ in range(CONNECTIONS):
            one = socket.create_connection((place.hostname or "", place.port or 80))
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sockets.append(one)

    def run(self, requests: Sequence[bytes]) -> int:
        """Send everything; the bytes that came back."""
        received = 0
        for start in range(0, len(requests), CONNECTIONS):
            batch = requests[start : start + CONNECTIONS]
            for one, request in zip(self.sockets, batch, strict=False):
                one.sendall(request)
            received += sum(_answer(one) for one in self.sockets[: len(batch)])
        return received

    def request(self, method: str, path: str, body: Any = None) -> bytes:
        content = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\nAuthorization: Bearer {self.token}\r\n"
            f"Notion-Version: {VERSION}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content


def _answer(one: socket.socket) -> int:
    """Read one answer; its length. Raises SystemExit for any status but 200."""
    data = one.recv(1 << 18)
    while b"\r\n\r\n" not in data:
        data += one.recv(1 << 18)
    head, _, rest = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"the emulator answered {data[:200]!r}")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    missing = length - len(rest)
    while missing > 0:
        missing -= len(one.recv(min(missing, 1 << 18)))
    return len(head) + length


def _cases(emulator: Emulator, load: Load, count: int) -> Iterator[tuple[str, list[bytes]]]:
    markers = emulator.ask("/_emulator/markers")
    pages = list(dict.fromkeys(marker["page"] for marker in markers))
    blocks = [marker["id"] for marker in markers if marker["kind"] == "block"]
    found = emulator.ask("/v1/search", {"filter": {"property": "object", "value": "data_source"}})["results"]
    sources = [one["id"] for one in found]
    children = [load.request("GET", f"/v1/blocks/{page}/children?page_size=100") for page in pages]
    yield "block children, first read", children
    yield "block children, read again", list(islice(cycle(children), count))
    yield (
        "one block",
        list(islice(cycle(load.request("GET", f"/v1/blocks/{block}") for block in blocks[:5000]), count)),
    )
    yield "one page", list(islice(cycle(load.request("GET", f"/v1/pages/{page}") for page in pages), count))
    markdown = [load.request("GET", f"/v1/pages/{page}/markdown") for page in pages]
    yield "a page as Markdown", list(islice(cycle(markdown), count // 4))
    query = [
        load.request("POST", f"/v1/data_sources/{source}/query", {"page_size": 100}) for source in sources
    ]
    yield "100 rows of a query", list(islice(cycle(query), count // 40))
    search = load.request("POST", "/v1/search", {"page_size": 100})
    yield "100 results of a search", [search] * (count // 40)


def measure(count: int = 8_000) -> Result:
    rows = []
    with Emulator(WORKSPACE) as emulator:
        load = Load(emulator)
        for name, requests in _cases(emulator, load, count):
            before, begin = emulator.cpu(), time.perf_counter()
            received = load.run(requests)
            wall, cpu = time.perf_counter() - begin, emulator.cpu() - before
            rows.append([
                name, f"{len(requests):,}", f"{received / len(requests) / 1024:.1f}", f"{len(requests) / wall:,.0f}",
                f"{len(requests) / max(cpu, 0.01):,.0f}",
            ])  # fmt: skip
    return Result(
        title="The emulator: answering over TCP",
        command=command(),
        columns=["answer", "requests", "KiB each", "a second", "a second of processor time"],
        rows=rows,
        note="Aim: at least 2,000 block-children answers a second on one core. The emulator is one process with one "
        "thread; the load shares the machine with it, so the last column is what one whole core gives.",
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.emulator_read", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    measure().show(as_json=parser.parse_args().json)


if __name__ == "__main__":
    main()
