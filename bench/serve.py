"""How soon one server on SQLite is ready, what it holds in memory, and how soon it is gone."""

import argparse
import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from statistics import median

from bench.harness import MEBIBYTE, Emulator, Home, Result, command, scratch
from bench.serving import Server

__all__ = ["measure"]

WORKSPACE = "generated:pages=300,rows=700,blocks=20000,depth=3,data_sources=3,seed=2"


def ready(url: str) -> None:
    """Wait until the server answers that it is ready."""
    while True:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=10) as answer:
                if json.load(answer)["status"] == "ok":
                    return
        except urllib.error.URLError:
            time.sleep(0.01)


def started(folder: Path) -> tuple[float, int, float, float]:
    """Seconds until ready, bytes in memory after five quiet seconds, share of a core then, seconds to stop."""
    start = time.monotonic()
    server = Server(folder, "--port", "0")
    ready(server.url)
    seconds = time.monotonic() - start
    before, now = server.cpu, time.monotonic()
    time.sleep(5)
    idle = (server.cpu - before) / (time.monotonic() - now)
    memory = server.memory
    return seconds, memory, idle, server.stop()


def pulling(folder: Path) -> int:
    """The most bytes in memory while the server pulls a workspace of 1,000 pages."""
    with Emulator(WORKSPACE) as emulator:
        home = Home(folder)
        home.connect(emulator)
        with Server(folder, "--port", "0") as server:
            most = 0
            while not home.rows("SELECT 1 FROM runs WHERE state = 'succeeded'"):
                most = max(most, server.memory)
                time.sleep(0.05)
            return most


def measure(times: int = 5) -> Result:
    with scratch() as folder:
        found = [started(folder / "empty") for _ in range(times)]
        most = pulling(folder / "pulling")
    row = (
        f"{found[0][0]:.2f} s", f"{median(one[0] for one in found[1:]):.2f} s",
        f"{median(one[1] for one in found) / MEBIBYTE:.0f} MiB", f"{median(one[2] for one in found):.1%}",
        f"{most / MEBIBYTE:.0f} MiB", f"{median(one[3] for one in found):.2f} s",
    )  # fmt: skip
    return Result(
        "One server on SQLite",
        command(),
        ("ready, new store", "ready again", "memory, idle", "of a core, idle", "memory, pulling", "stopped"),
        [row],
        f"{times} starts, medians. Pulling is the first pull of `{WORKSPACE}`, with the search index.",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    measure(arguments.times).show(as_json=arguments.json)


if __name__ == "__main__":
    main()
