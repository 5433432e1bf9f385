"""A pull killed with SIGKILL at random points: whether the store is the same in the end, and what was asked twice.

Each trial pulls into an empty store, is killed when the emulator has seen a random number of requests, and is started again until
it ends. The store is compared, record by record and document by document, with that of a pull that nobody disturbed.
"""

import argparse
import signal
import subprocess
import time
from pathlib import Path
from random import Random
from typing import Any

from bench.harness import Emulator, Home, Result, command, scratch

__all__ = ["measure"]

WORKSPACE = "generated:pages=1000,rows=1500,blocks=50000,depth=3,data_sources=3,long_pages=10,seed=5"


def requests(emulator: Emulator) -> int:
    """How many requests the emulator has answered for us."""
    return int(emulator.ask("/_emulator/requests?limit=0")["count"])


def kill_at(process: subprocess.Popen[str], emulator: Emulator, *, count: int) -> bool:
    """Kill `process` when `count` requests were made; False if it ended before."""
    while process.poll() is None:
        if requests(emulator) >= count:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.004)
    return False


def trial(emulator: Emulator, folder: Path, *, kills: list[int]) -> tuple[list[Any], int, int]:
    """The state in the end, the requests of all tries, and how many of the kills struck."""
    home = Home(folder)
    home.connect(emulator)
    start = requests(emulator)
    struck = 0
    for count in kills:
        process = home.start("pull", "bench", "--json")
        struck += kill_at(process, emulator, count=start + count)
        process.communicate()
    home.pull()
    return home.state(), requests(emulator) - start, struck


def measure(workspace: str = WORKSPACE, *, trials: int = 20, kills: int = 1, seed: int = 0) -> Result:
    random = Random(seed)
    same = struck = extra = 0
    with scratch() as folder, Emulator(workspace) as emulator:
        expected, least, _ = trial(emulator, folder / "undisturbed", kills=[])
        for number in range(trials):
            points = sorted(random.randrange(1, least) for _ in range(kills))
            state, made, hit = trial(emulator, folder / str(number), kills=points)
            same += state == expected
            struck += hit
            extra += made - least
    row = (
        str(struck), f"{same} of {trials}", str(least), f"{extra / max(1, struck):.1f}",
        f"{extra / max(1, struck) / least:.3%}",
    )  # fmt: skip
    return Result(
        "Killed at random points",
        command(),
        ("kills", "same store", "requests of a pull", "repeated for a kill", "share repeated"),
        [row],
        f"Workspace `{workspace}`, {kills} kill(s) in each of {trials} pulls.",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", default=WORKSPACE)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--kills", type=int, default=1, help="kills in each trial")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    measure(arguments.workspace, trials=arguments.trials, kills=arguments.kills, seed=arguments.seed).show(
        as_json=arguments.json
    )


if __name__ == "__main__":
    main()
