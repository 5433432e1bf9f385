"""How long the emulator takes to make a workspace of 10,000 pages with 300,000 blocks, and in how much memory.

python -m bench.emulator_seed
"""

import argparse
import json
import subprocess
import sys

from bench.harness import Result, command

__all__ = ["measure"]

SIZES = {"pages": 2_000, "rows": 8_000, "blocks": 300_000, "data_sources": 40, "depth": 6}
# In a process of its own, so that the memory is that of the workspace alone.
CHILD = """
import json, resource, sys, time
from notion_emulator import World, seed
begin, worked = time.perf_counter(), time.process_time()
world = World(seed=1)
made = seed.generate(world, **json.loads(sys.argv[1]))
seconds, cpu = time.perf_counter() - begin, time.process_time() - worked
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps({
    "seconds": seconds, "cpu": cpu, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
    "pages": made.figures.pages, "blocks": made.figures.blocks, "markers": len(made.markers),
    "bound": made.figures.blocks_bound,
}))
"""


def measure(runs: int = 3) -> Result:
    rows = []
    for run in range(1, runs + 1):
        told = subprocess.run(
            [sys.executable, "-c", CHILD, json.dumps(SIZES)], capture_output=True, text=True, check=True
        ).stdout
        made = json.loads(told)
        rows.append([
            str(run), f"{made['pages']:,}", f"{made['blocks']:,}", f"{made['markers']:,}", f"{made['bound']:,}",
            f"{made['seconds']:.1f}", f"{made['cpu']:.1f}",
            f"{made['peak'] / (1 << 20):.0f}",
        ])  # fmt: skip
    return Result(
        title="The emulator: making a workspace",
        command=command(),
        columns=[
            "run",
            "pages",
            "blocks",
            "markers",
            "requests to read it",
            "seconds",
            "processor seconds",
            "peak MiB",
        ],
        rows=rows,
        note="Aim: under 10 s and 1,024 MiB. The peak is that of the process, interpreter and markers included.",
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.emulator_seed", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    measure().show(as_json=parser.parse_args().json)


if __name__ == "__main__":
    main()
