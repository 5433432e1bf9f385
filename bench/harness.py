"""What every measurement needs: an emulator and the command line as processes of their own, and a table."""

import json
import os
import platform
import re
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

__all__ = ["Emulator", "Home", "Pulled", "Result", "command", "scratch"]

MARKER = re.compile(r"\bm\d{6,}\b")
MEBIBYTE = 1 << 20


def machine() -> str:
    """The class of the machine, without its name."""
    cores = os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return f"{platform.system()} {platform.machine()}, {cores} cores, {memory:.0f} GiB, Python {platform.python_version()}"


@dataclass(frozen=True, slots=True)
class Result:
    """One table. `columns` are its headings, `note` says what a reader must know to believe it."""

    title: str
    command: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str
    machine: str = field(default_factory=machine)

    def markdown(self) -> str:
        widths = [max(len(row[i]) for row in [self.columns, *self.rows]) for i in range(len(self.columns))]
        lines = [
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
            for row in [self.columns, ["-" * width for width in widths], *self.rows]
        ]
        return "\n".join(
            [f"## {self.title}", "", *lines, "", self.note, "", f"`{self.command}` on {self.machine}.", ""]
        )

    def show(self, *, as_json: bool) -> None:
        print(json.dumps(asdict(self)) if as_json else self.markdown(), flush=True)


def command() -> str:
    """The command line of this measurement, as a person types it."""
    script = Path(sys.argv[0])
    module = "bench" if script.stem == "__main__" else f"bench.{script.stem}"
    return " ".join(["python -m", module, *(arg for arg in sys.argv[1:] if arg != "--json")])


@contextmanager
def scratch() -> Iterator[Path]:
    """An empty folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="syncline-bench-") as folder:
        yield Path(folder)


class Emulator:
    """A local Notion over TCP, on a free port of the loopback address."""

    def __init__(self, workspace: str, *, rate: str = "none", latency: int = 0) -> None:
        self.workspace = workspace
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "notion_emulator", "serve", "--json", "--port", "0",
                "--workspace", workspace, "--rate", rate, "--latency", str(latency),
            ],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the emulator did not start: exit code {self._process.wait()}")
        ready = json.loads(line)
        self.url: str = ready["url"]
        self.token: str = ready["token"]
        self.root: str = ready["root_page_id"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)

    def ask(self, path: str, body: Mapping[str, Any] | None = None, *, method: str | None = None) -> Any:
        """One call of the emulator: its control prefix, or Notion's API with the token."""
        request = urllib.request.Request(
            self.url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "Notion-Version": "2026-03-11",
            },
            method=method,
        )
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.load(answer)

    def cpu(self) -> float:
        """Seconds of processor time that the emulator has used."""
        times = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Pulled:
    """What one ``syncline pull --json`` said, and what it took: seconds, processor seconds, bytes of memory at most."""

    report: Mapping[str, Any]
    wall: float
    cpu: float
    peak: int

    @property
    def made(self) -> int:
        return int(self.report["requests"]["made"])

    @property
    def bound(self) -> int:
        return int(self.report["requests"]["bound"])


class Home:
    """A data folder of its own, and the command line on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SYNCLINE_")},
            "SYNCLINE_HOME": str(folder),
            "NO_COLOR": "1",
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "syncline", *arguments],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *arguments: str) -> str:
        """Standard output of a command that must succeed."""
        process = self.start(*arguments)
        out, err = process.communicate()
        if process.returncode:
            raise SystemExit(f"syncline {' '.join(arguments)}: exit code {process.returncode}\n{err}")
        return out

    def connect(self, emulator: Emulator, *, rate: str = "none") -> None:
        self.run(
            "connect",
            "--token",
            emulator.token,
            "--base-url",
            emulator.url,
            "--rate",
            rate,
            "--name",
            "bench",
        )

    def pull(self, *options: str) -> Pulled:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.monotonic()
        out, peak = self.measured("pull", "bench", "--json", *options)
        wall = time.monotonic() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Pulled(json.loads(out), wall, cpu, peak)

    def measured(self, *arguments: str) -> tuple[str, int]:
        """Standard output and peak memory, in bytes, of one command."""
        with (self.folder / "stderr").open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "syncline", *arguments],
                env=self.environment, stdout=subprocess.PIPE, stderr=errors, text=True,
            )  # fmt: skip
            assert process.stdout is not None
            out = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said = (self.folder / "stderr").read_text(encoding="utf-8")[-2000:]
            raise SystemExit(f"syncline {' '.join(arguments)}: exit code {process.returncode}\n{out}\n{said}")
        # Linux counts kilobytes, macOS bytes.
        return out, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    @property
    def store(self) -> Path:
        """The store's SQLite file."""
        return self.folder / "store.sqlite"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as conn:
            return conn.execute(query).fetchall()

    def state(self) -> list[tuple[Any, ...]]:
        """What a pull is for: every record and document by its hash, without times and change numbers."""
        records = self.rows("SELECT kind, key, hash, deletion FROM records ORDER BY kind, key")
        documents = self.rows("SELECT page, fidelity, hash, state FROM documents ORDER BY page")
        blocks = self.rows("SELECT count(*), sum(size) FROM block_lists")
        return [*records, *documents, *blocks]

    def markers(self) -> set[str]:
        """Every marker that the store holds, in records and in documents."""
        found: set[str] = set()
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as conn:
            for query in (
                "SELECT data FROM records", "SELECT blocks FROM block_lists", "SELECT markdown FROM documents",
            ):  # fmt: skip
                for (text,) in conn.execute(query):
                    found.update(MARKER.findall(text or ""))
        return found
