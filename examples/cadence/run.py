"""Push the example twice into a local Notion and print both reports, one JSON line each.

The database is a new SQLite file, or what ``CADENCE_URL`` names: an empty PostgreSQL database. Everything else goes to standard error.
"""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

HERE = Path(__file__).parent
TABLES = [(HERE / name).read_text(encoding="utf-8") for name in ("tables.sql", "rows.sql")]


def main() -> int:
    """Run it in a folder of its own; the exit code of the first command that failed."""
    with tempfile.TemporaryDirectory(prefix="syncline-example-") as folder, emulator() as notion:
        url = os.environ.get("CADENCE_URL") or f"sqlite:///{folder}/cadence.sqlite"
        fill(url)
        home = {"SYNCLINE_HOME": f"{folder}/home", "CADENCE_URL": url, "SYNCLINE_TOKEN": notion["token"]}
        for command in (
            ["connect", "--base-url", notion["url"], "--rate", "none", "--name", "cadence"],
            ["mapping", "check", str(HERE / "syncline.toml")],
            ["apply", str(HERE / "syncline.toml"), "--json"],
            ["apply", str(HERE / "syncline.toml"), "--json"],
        ):
            code = run(command, home, shown=command[0] == "apply")
            if code:
                return code
    return 0


def run(command: list[str], home: dict[str, str], *, shown: bool) -> int:
    """Run one command; what it prints is a result where `shown`."""
    print(f"$ syncline {' '.join(command)}", file=sys.stderr)
    sys.stdout.flush()
    output = sys.stdout if shown else sys.stderr
    return subprocess.run(
        [sys.executable, "-m", "syncline", *command], env=os.environ | home, stdout=output, check=False
    ).returncode


def fill(url: str) -> None:
    """Make the tables and their rows."""
    if url.startswith("sqlite:///"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as conn:
            for script in TABLES:
                conn.executescript(script)
        return
    with psycopg.connect(url, autocommit=True) as conn:
        for script in TABLES:
            conn.execute(script.encode())


@contextlib.contextmanager
def emulator() -> Iterator[dict[str, str]]:
    """A local Notion with the dashboard and its six empty databases."""
    command = [sys.executable, "-m", "notion_emulator", "serve", "--json", "--port", "0", "--until-eof"]
    with subprocess.Popen(
        [*command, "--workspace", str(HERE / "workspace.json")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            yield json.loads(child.stdout.readline())
        finally:
            child.stdin.close()  # it ends with its input
            child.wait()


if __name__ == "__main__":
    sys.exit(main())
