"""``python -m bench [NAME …]``: measure, and write the page that shows what was measured, docs/explanation/numbers.md.

Each measurement replaces its own table; the others stay as they were measured last.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import (
    budget,
    cluster,
    emulator_read,
    emulator_seed,
    kill,
    latency,
    pull,
    push,
    refresh,
    scale,
    schedules,
    serve,
    speed,
)
from bench.harness import Result

__all__ = ["main"]

MEASURED = Path(__file__).with_name("measured.json")
PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "numbers.md"
HEAD = """# Measured numbers

Made by `make bench`, against the emulator over TCP on the same machine. Requests are counted by the pull and checked against the bound that the
emulator computes from the workspace it serves ([what the bound is](requests.md)). Seconds depend on the machine, requests do not.

"""
MEASUREMENTS: dict[str, Callable[[], Result]] = {
    "pull": pull.measure,
    "budget": budget.measure,
    "speed": speed.measure,
    "speed_nested": lambda: speed.measure(speed.NESTED),
    "memory": lambda: speed.measure(speed.LARGE),
    "kill": lambda: kill.measure(trials=10, kills=20),
    "push": push.measure,
    "push_kill": push.measure_kills,
    "refresh": refresh.measure,
    "refresh_answers": refresh.measure_answers,
    "serve": serve.measure,
    "schedules": schedules.measure,
    "scale": scale.measure,
    "latency": latency.measure,
    "cluster": cluster.measure,
    "emulator_read": emulator_read.measure,
    "emulator_seed": emulator_seed.measure,
}


def write(measured: Mapping[str, Mapping[str, Any]]) -> None:
    """Remember the results, and show them in the order of the measurements."""
    MEASURED.write_text(json.dumps(measured, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    tables = [
        Result(**{name: value for name, value in measured[one].items() if name != "day"}).markdown()
        + f"Measured on {measured[one]['day']}.\n"
        for one in MEASUREMENTS
        if one in measured
    ]
    PAGE.write_text(HEAD + "\n".join(tables), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASUREMENTS)}; all by default"
    )
    names: list[str] = parser.parse_args().names or list(MEASUREMENTS)
    if unknown := set(names) - MEASUREMENTS.keys():
        sys.exit(
            f"bench: no measurement named {', '.join(sorted(unknown))}; there are {', '.join(MEASUREMENTS)}"
        )
    measured = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
    for name in names:
        result = MEASUREMENTS[name]()
        result.show(as_json=False)
        measured[name] = asdict(result) | {
            "command": f"python -m bench {name}",
            "day": f"{datetime.now(UTC):%Y-%m-%d}",
        }
        write(measured)


if __name__ == "__main__":
    main()
