"""What a push costs: requests of unchanged and of changed rows, seconds and memory of a large plan, and 100 kills.

The rows are in an SQLite file, the pages in an emulator over TCP. Requests and writes are counted by the emulator. The memory of a
plan is the peak of its process beyond that of the same command on an empty table.
"""

import argparse
import json
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

from bench.harness import MEBIBYTE, Emulator, Home, Result, command, scratch

__all__ = ["measure", "measure_kills"]

MAPPING = """
name = "bench"
database = "sqlite:///rows.sqlite"

[[tables]]
name = "people"
notion = {{ id = "{database}" }}
key = {{ column = "id" }}

[tables.columns]
name = {{ property = "Name", type = "title" }}
role = {{ property = "Role", type = "select" }}
age = {{ property = "Age", type = "number" }}
email = {{ property = "Email", type = "email" }}
"""
PROPERTIES = {
    "Name": {"title": {}},
    "Role": {"select": {"options": [{"name": "Engineer"}]}},
    "Age": {"number": {}},
    "Email": {"email": {}},
    "External ID": {"rich_text": {}},
}


class Crew:
    """A table of people in a file, its Notion database, a connected command line."""

    def __init__(self, folder: Path, emulator: Emulator) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.emulator = folder, emulator
        made = emulator.ask(
            "/v1/databases",
            {
                "parent": {"type": "page_id", "page_id": emulator.root},
                "title": [{"text": {"content": "People"}}],
                "initial_data_source": {"properties": PROPERTIES},
            },
            method="POST",
        )
        self.source = str(made["data_sources"][0]["id"])
        self.mapping = folder / "syncline.toml"
        self.mapping.write_text(MAPPING.format(database=made["id"]), encoding="utf-8")
        self.sql("CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT, role TEXT, age INTEGER, email TEXT)")
        self.home = Home(folder / "home")
        self.home.connect(emulator)

    def sql(self, statement: str) -> None:
        with closing(sqlite3.connect(self.folder / "rows.sqlite")) as conn, conn:
            conn.execute(statement)

    def fill(self, count: int) -> None:
        self.sql(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < "
            f"{count}) INSERT INTO people SELECT printf('P%06d', i), 'Person ' || i, 'Engineer', i % 90, i || '@crew.test' FROM n"
        )

    def log(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.emulator.ask("/_emulator/requests?limit=200000")["requests"]
        return found

    def apply(self) -> tuple[dict[str, Any], int, int]:
        """The report, and how many reads and writes Notion saw of it."""
        self.emulator.ask("/_emulator/requests", method="DELETE")
        report = json.loads(self.home.run("apply", str(self.mapping), "--json"))
        log = self.log()
        reads = sum(one["method"] == "GET" or one["path"].split("?")[0].endswith("/query") for one in log)
        return report, reads, len(log) - reads

    def keys(self) -> Counter[str]:
        found: Counter[str] = Counter()
        cursor = None
        while True:
            body = {"page_size": 100} | ({"start_cursor": cursor} if cursor else {})
            listing = self.emulator.ask(f"/v1/data_sources/{self.source}/query", body, method="POST")
            for page in listing["results"]:
                text = page["properties"]["External ID"]["rich_text"]
                found[text[0]["plain_text"] if text else ""] += 1
            cursor = listing["next_cursor"]
            if cursor is None:
                return found


def _row(what: str, rows: int, said: tuple[dict[str, Any], int, int]) -> tuple[str, ...]:
    report, reads, writes = said
    changed = sum(report["tables"]["people"][name] for name in ("created", "updated"))
    each = f"{writes / changed:.2f}" if changed else ""
    return (what, f"{rows:,}", f"{reads:,}", f"{writes:,}", each, f"{report['seconds']:.1f} s")


def measure(*, rows: int = 1500, changed: int = 60, planned: int = 10_000) -> Result:
    with scratch() as folder, Emulator("empty") as emulator:
        crew = Crew(folder / "small", emulator)
        crew.fill(rows)
        found = [_row("first push", rows, crew.apply()), _row("nothing changed", rows, crew.apply())]
        crew.sql(f"UPDATE people SET age = age + 1 WHERE id < 'P{changed:06}'")
        found.append(_row(f"{changed} rows changed", rows, crew.apply()))
        emulator.ask("/_emulator/clock", {"advance": 240}, method="POST")
        crew.home.pull("--fidelity", "properties")
        found.append(_row("nothing changed, after a pull", rows, crew.apply()))
        plans = _plans(folder, emulator, planned)
    return Result(
        "Push",
        command(),
        ("what", "rows", "reads", "writes", "writes per changed row", "time"),
        found,
        f"{rows:,} rows need {-(-rows // 100)} reads for their index. {plans}",
    )


def _plans(folder: Path, emulator: Emulator, rows: int) -> str:
    """Seconds and memory of a plan of many new rows: reading, comparing, everything but the start of the process."""
    crew = Crew(folder / "large", emulator)
    began = time.monotonic()
    _, base = crew.home.measured("plan", str(crew.mapping), "--json")
    start = time.monotonic() - began
    crew.fill(rows)
    began = time.monotonic()
    out, peak = crew.home.measured("plan", str(crew.mapping), "--json")
    seconds = time.monotonic() - began - start
    assert len(json.loads(out)["actions"]) == rows, "a plan has an action for each new row"
    return f"A plan of {rows:,} new rows takes {seconds:.1f} s and {(peak - base) / MEBIBYTE:.0f} MiB more than a plan of none."


def measure_kills(*, rows: int = 500, kills: int = 100, seed: int = 0) -> Result:
    random = Random(seed)
    struck = 0
    with scratch() as folder, Emulator("empty") as emulator:
        crew = Crew(folder, emulator)
        crew.fill(rows)
        while struck < kills:
            struck += _killed(crew, after=random.randrange(1, 1 + rows // kills))
            if crew.keys().total() >= rows:
                break
        json.loads(crew.home.run("apply", str(crew.mapping), "--json"))
        keys = crew.keys()
    row = (
        f"{rows:,}", str(struck), str(sum(count - 1 for count in keys.values())), str(rows - len(keys)),
    )  # fmt: skip
    return Result(
        "A push killed at random points",
        command(),
        ("rows", "kills", "pages made twice", "pages missing"),
        [row],
        "One push of new rows, killed with SIGKILL when the emulator had seen a random number of its requests, and begun anew each time.",
    )


def _killed(crew: Crew, *, after: int) -> bool:
    """Kill a push when it has sent so many writes; False if it ended before."""
    crew.emulator.ask("/_emulator/requests", method="DELETE")
    process = crew.home.start("apply", str(crew.mapping), "--json")
    struck = False
    while process.poll() is None:
        if _writes(crew) >= after:
            process.send_signal(signal.SIGKILL)
            struck = True
            break
        time.sleep(0.001)
    process.communicate()
    return struck and process.returncode == -signal.SIGKILL


def _writes(crew: Crew) -> int:
    return int(crew.emulator.ask("/_emulator/requests?limit=0&method=POST&path=/v1/pages$")["count"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--planned", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=0, help="measure kills in place of requests")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = (
        measure_kills(kills=arguments.kills)
        if arguments.kills
        else measure(rows=arguments.rows, planned=arguments.planned)
    )
    result.show(as_json=arguments.json)


if __name__ == "__main__":
    main()
