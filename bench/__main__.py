"""``python -m bench``: every measurement, and the page that shows them, docs/explanation/numbers.md."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import budget, emulator_read, emulator_seed, kill, pull, speed
from bench.harness import Result, machine

__all__ = ["main"]

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "numbers.md"
HEAD = """# Measured numbers

Made by `make bench` on {machine}, against the emulator over TCP on the same machine. Requests are counted by the pull and checked against the bound that the
emulator computes from the workspace it serves ([what the bound is](requests.md)). Seconds depend on the machine, requests do not.

"""
MEASUREMENTS: dict[str, Callable[[], Result]] = {
    "pull": pull.measure,
    "speed": speed.measure,
    "memory": lambda: speed.measure(speed.LARGE),
    "budget": budget.measure,
    "kill": lambda: kill.measure(trials=10, kills=20),
    "emulator_read": emulator_read.measure,
    "emulator_seed": emulator_seed.measure,
}


def write(results: Sequence[Result]) -> None:
    PAGE.write_text(
        HEAD.format(machine=machine()) + "\n".join(result.markdown() for result in results), encoding="utf-8"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASUREMENTS)}; all of them write the page"
    )
    names: list[str] = parser.parse_args().names
    if unknown := set(names) - MEASUREMENTS.keys():
        sys.exit(
            f"bench: no measurement named {', '.join(sorted(unknown))}; there are {', '.join(MEASUREMENTS)}"
        )
    results = []
    for name in names or MEASUREMENTS:
        results.append(MEASUREMENTS[name]())
        results[-1].show(as_json=False)
    if not names:
        write(results)


if __name__ == "__main__":
    main()
