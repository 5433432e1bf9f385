"""Reads of the API, alone and while a pull is under way, and how soon a client is told that a sync it started is under way."""

import argparse
import time
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.harness import Emulator, Home, Result, command, scratch
from bench.serving import Api, Server, percentile, postgres

__all__ = ["measure"]

WORKSPACE = "generated:pages=1500,rows=3500,blocks=60000,depth=3,data_sources=3,seed=6"
NOTION = "/api/v1/notion"
READS = (
    "/healthz",
    *(
        f"{NOTION}/{one}"
        for one in (
            "sync-status",
            "workspaces",
            "sources?limit=50",
            "sync-history",
            "sources?limit=50&search=a",
        )
    ),
)
"""The first needs no database: it shows how long the event loop is busy with something else."""
HEARD = ("sync:start", "sync:progress")
LIVE = "SELECT 1 FROM runs WHERE state IN ('queued', 'running')"

Reads = dict[str, list[float]]


def live(home: Home) -> bool:
    return bool(home.rows(LIVE))


def read(api: Api, *, pause: float, most: float, going_on: Callable[[], bool]) -> Reads:
    """Seconds of each read, by its path, as long as something is going on, `most` seconds at most."""
    found: Reads = {path: [] for path in READS}
    for path in READS:
        api.timed(path)  # the first one of a process compiles its statements
    end = time.monotonic() + most
    while going_on() and time.monotonic() < end:
        for path in READS:
            found[path].append(api.timed(path))
            time.sleep(pause)
    return found


def heard(api: Api, workspace: str) -> dict[str, float]:
    """Seconds from asking for a sync to the first event of each kind in HEARD."""
    request = api.request(f"{NOTION}/events?workspaceId={workspace}&wait=30")
    with urllib.request.urlopen(request, timeout=60) as stream, ThreadPoolExecutor(1) as other:
        start = time.perf_counter()
        asked = other.submit(api.ask, f"{NOTION}/sync", {"syncType": "full"})
        found: dict[str, float] = {}
        job = ""
        for raw in stream:
            name, _, value = raw.decode().rstrip("\n").partition(": ")
            if name == "data" and job in HEARD:
                asked.result()
                found.setdefault(job, time.perf_counter() - start)
            job = value if name == "event" else job
            if len(found) == len(HEARD):
                break
    return found


def beside(folder: Path, emulator: Emulator, *, rate: str, pause: float, most: float) -> Reads:
    """The reads while the same process makes the first pull of a workspace at a rate, on SQLite."""
    home = Home(folder)
    home.connect(emulator, rate=rate)
    with Server(folder, "--port", "0") as server:
        api = Api(server)
        return read(api, pause=pause, most=most, going_on=lambda: live(home))


def alone(folder: Path, emulator: Emulator, *, times: int) -> tuple[Reads, dict[str, float]]:
    """The reads of a server that does nothing else, `times` each, and the processor seconds that one of each takes."""
    found: Reads = {}
    cost: dict[str, float] = {}
    home = Home(folder)
    home.connect(emulator)
    home.pull()
    with Server(folder, "--port", "0") as server:
        api = Api(server)
        for path in READS:
            api.timed(path)
            before = server.cpu
            found[path] = [api.timed(path) for _ in range(times)]
            cost[path] = (server.cpu - before) / times
    return found, cost


def apart(folder: Path, emulator: Emulator, *, rate: str, pause: float, most: float) -> Reads:
    """The reads of an API while another process, its worker, makes the first pull, on PostgreSQL."""
    folder.mkdir()
    with postgres(folder) as database:
        url = database.get_uri()
        home = Home(folder)
        home.environment["SYNCLINE_DATABASE_URL"] = url
        home.connect(emulator, rate=rate)
        with (
            Server(folder, "--role", "api", "--port", "0", SYNCLINE_DATABASE_URL=url) as server,
            Server(folder, "--role", "worker", SYNCLINE_DATABASE_URL=url),
        ):
            return read(Api(server), pause=pause, most=most, going_on=lambda: True)


def told(folder: Path, emulator: Emulator, *, times: int) -> list[dict[str, float]]:
    """How soon `times` syncs were heard of that a client started."""
    home = Home(folder)
    home.connect(emulator)
    with Server(folder, "--port", "0", SYNCLINE_SYNC_COOLDOWN="0") as server:
        api = Api(server)
        [workspace] = api.ask(f"{NOTION}/workspaces")["data"]["workspaces"]
        found = []
        for _ in range(times):
            rest(api, home)
            found.append(heard(api, workspace["id"]))
        rest(api, home)
    return found


def rest(api: Api, home: Home) -> None:
    """Have no sync under way."""
    api.ask(f"{NOTION}/sync/cancel", {})
    while live(home):
        time.sleep(0.05)


def row(what: str, values: Sequence[float]) -> list[str]:
    shares = (0.5, 0.95, 0.99, 1)
    return [what, str(len(values)), *(f"{percentile(values, share) * 1000:.1f} ms" for share in shares)]


def measure(*, times: int = 20, pause: float = 0.01, most: float = 60) -> Result:
    with scratch() as folder, Emulator(WORKSPACE, latency=50) as emulator:
        how = {"pause": pause, "most": most}
        places = {
            "beside a sync, 180/60": beside(folder / "paced", emulator, rate="180/60", **how),
            "beside a sync, unlimited": beside(folder / "unlimited", emulator, rate="none", **how),
            "api beside a worker, 180/60": apart(folder / "apart", emulator, rate="180/60", **how),
        }
        idle, cost = alone(folder / "alone", emulator, times=5 * times)
        heard_of = told(folder / "told", emulator, times=times)
    rows = [[*row(f"GET {path}, alone", idle[path]), f"{cost[path] * 1000:.1f} ms"] for path in READS]
    for place, reads in places.items():
        rows += [[*row(f"GET {path}, {place}", values), ""] for path, values in reads.items() if values]
    rows += [[*row(f"POST sync to {kind}", [one[kind] for one in heard_of]), ""] for kind in HEARD]
    return Result(
        "Latency of the API",
        command(),
        ("what", "times", "median", "p95", "p99", "most", "processor"),
        rows,
        f"One client, each read over a new TCP connection, the first of each path not counted. The sync is the first pull of `{WORKSPACE}` with its search index: in the same process "
        "on SQLite, or in a worker of its own beside `--role api` on PostgreSQL. At 180/60 the pull waits for Notion most of the time, without "
        "a limit it takes all of a core. Server, client and emulator share the machine.",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--most", type=float, default=60, help="seconds of reads beside a sync")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    measure(times=arguments.times, most=arguments.most).show(as_json=arguments.json)


if __name__ == "__main__":
    main()
