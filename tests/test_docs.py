"""The documents say what is true: their commands run, their links lead somewhere, their tables are complete.

A block that begins with ```` ```console run ```` is a terminal session: each line after ``$`` is run, and what the session shows
must be what the command prints. ``…`` stands for anything within a line; alone on a line, for any lines.
```` ```console background ```` is a second terminal: its command runs until the page ends, and has printed its
first line before the page goes on. ```` ```python run ```` is a script, ```` ```python test ```` a file of
tests that pytest must pass. All blocks of a page share one empty folder, and free ports in place of 4100, 4200 and 4300.
"""

import os
import re
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.core.test_event import EVENTS
from tests.ports import free_port

from syncline.destinations.sql_tables import METADATA
from syncline.notion.blocks import TYPES
from syncline.settings import Settings
from syncline.store.schema import metadata

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), ROOT / "emulator" / "README.md"])
PORTS = ("4100", "4200", "4300")
BLOCK = re.compile(r"^```(console|python) (run|background|test)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
SECONDS = 60
PYTEST = "cat > test_page.py && python -m pytest -q -p no:cacheprovider test_page.py"


@dataclass(frozen=True)
class Step:
    """One command of a page, what the page says it prints, and what it reads from standard input."""

    command: str
    shown: str = ""
    background: bool = False
    script: str = ""


def steps(page: Path) -> list[Step]:
    found = []
    for language, kind, body in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            found.append(Step("python -", script=body) if kind == "run" else Step(PYTEST, "…\n", script=body))
            continue
        for command, shown in re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", body, re.MULTILINE):
            found.append(Step(command, shown, background=kind == "background"))
    return found


def pattern(shown: str) -> re.Pattern[str]:
    """What a session shows, as a pattern over what the command prints."""
    lines = [
        r"(?:.*\n)*?"
        if line.strip() == "…"
        else r".*?".join(map(re.escape, line.rstrip().split("…"))) + r"[ ]*\n"
        for line in shown.splitlines()
    ]
    return re.compile("".join(lines))


def links(page: Path) -> list[str]:
    """The targets of a page's links, those in code left out."""
    return LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8")))


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def ported(text: str, ports: Mapping[str, str]) -> str:
    """The text with the free ports in it."""
    for port, free in ports.items():
        text = text.replace(port, free)
    return text


def environment(folder: Path) -> Mapping[str, str]:
    """A stranger's environment: nothing of ours but the installed commands."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SYNCLINE", "PYTEST"))}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "SYNCLINE_HOME": str(folder / "syncline"),
        "NO_COLOR": "1",
        "COLUMNS": "100",
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def running(command: str, folder: Path) -> Iterator[None]:
    """A command in a second terminal, ready when its first line is out."""
    with subprocess.Popen(
        ["sh", "-c", f"exec {command}"],
        cwd=folder, env=environment(folder), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdout, selectors.EVENT_READ)
            assert ready.select(SECONDS), f"{command} prints nothing"
        assert process.stdout.readline(), f"{command} ended at once"
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # a terminal that is closed ends a whole pipe
            process.communicate(timeout=SECONDS)


def run(step: Step, folder: Path) -> None:
    answer = subprocess.run(
        ["sh", "-c", step.command],
        cwd=folder, env=environment(folder), check=False, text=True, timeout=SECONDS, input=step.script,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert answer.returncode == 0, f"$ {step.command}\n{answer.stdout}"
    assert pattern(step.shown).fullmatch(answer.stdout), (
        f"$ {step.command}\nprints\n{answer.stdout}\nthe page says\n{step.shown}"
    )


@pytest.mark.parametrize(
    "page", [page for page in PAGES if steps(page)], ids=lambda page: str(page.relative_to(ROOT))
)
def test_the_sessions_of_a_page_run_and_print_what_it_shows(page: Path, tmp_path: Path) -> None:
    ports = {port: str(free_port()) for port in PORTS}
    with ExitStack() as terminals:
        for step in steps(page):
            here = replace(
                step,
                command=ported(step.command, ports),
                shown=ported(step.shown, ports),
                script=ported(step.script, ports),
            )
            if here.background:
                terminals.enter_context(running(here.command, tmp_path))
            else:
                run(here, tmp_path)


def test_the_tutorial_has_sessions() -> None:
    assert len(steps(DOCS / "tutorial" / "first-pull.md")) >= 5


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in links(page):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        headings = (
            re.findall(r"^#+ (.+)$", goal.read_text(encoding="utf-8"), re.MULTILINE) if goal.is_file() else []
        )
        if not goal.exists() or (anchor and anchor not in map(slug, headings)):
            broken.append(target)

    assert broken == []


def test_every_page_is_listed_in_the_index() -> None:
    index = DOCS / "README.md"
    listed = {(DOCS / target.partition("#")[0]).resolve() for target in links(index)}

    assert set(DOCS.rglob("*.md")) - {index} - listed == set()


def explained(page: Path) -> dict[str, list[str]]:
    """The first column of the table below each heading that is a table's name."""
    return {
        name: re.findall(r"^\| `(\w+)`", section, re.MULTILINE)
        for name, section in re.findall(
            r"^## (\w+)\n(.*?)(?=^## |\Z)", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        )
    }


def test_the_store_page_explains_every_table_and_column() -> None:
    assert explained(DOCS / "reference" / "store-tables.md") == {
        table.name: table.columns.keys() for table in metadata.sorted_tables
    }


def test_the_sql_page_explains_every_table_and_column_for_people() -> None:
    assert explained(DOCS / "reference" / "sql-tables.md") == {
        table.name: table.columns.keys() for table in METADATA.sorted_tables if not table.name.startswith("_")
    }


def test_the_markdown_page_shows_every_block_type() -> None:
    page = (DOCS / "reference" / "markdown.md").read_text(encoding="utf-8").partition("## Block types")[2]
    rows = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| ([^|]+) \|", page, re.MULTILINE))))

    # One row stands for the four headings.
    assert rows - {"notion", "portable"} == TYPES.keys() - {"heading_2", "heading_3"}


def test_the_events_page_explains_every_kind_and_field() -> None:
    page = (DOCS / "reference" / "events.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## ([\w:-]+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    fields = {kind: set(re.findall(r"^\| `(\w+)`", text, re.MULTILINE)) for kind, text in sections}

    assert {kind: fields[kind] for kind in EVENTS} == {kind: set(one.data) for kind, one in EVENTS.items()}


@pytest.mark.parametrize(
    ("shown", "printed", "agrees"),
    [
        ("one\n", "one\n", True),
        ("one\n", "two\n", False),
        ("took … s\n", "took 0.3 s\n", True),
        ("took … s\n", "took 0.3 ms\n", False),
        ("…\nlast\n", "first\nsecond\nlast\n", True),
        ("…\nlast\n", "first\nlast\nmore\n", False),
        ("a (b)\n", "a (b)   \n", True),
        ("", "", True),
        ("", "surprise\n", False),
    ],
)
def test_a_session_agrees_with_what_is_printed_but_for_ellipses(
    shown: str, printed: str, *, agrees: bool
) -> None:
    assert (pattern(shown).fullmatch(printed) is not None) is agrees


def test_the_settings_page_explains_every_setting_and_what_one_command_reads() -> None:
    page = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    ours, _, of_commands = page.partition("## For one command")

    assert sorted(re.findall(r"^\| `SYNCLINE_(\w+)`", ours, re.MULTILINE)) == sorted(
        name.upper() for name in Settings.model_fields
    )
    assert re.findall(r"^\| `SYNCLINE_(\w+)`", of_commands, re.MULTILINE) == ["TOKEN", "CLIENT_SECRET"]
