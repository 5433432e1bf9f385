"""Writes COVERAGE.md: what Notion's API has, what the emulator has of it, and which test proves it.

The left column is the public API as of November 2026 (https://developers.notion.com/reference). The proof of a row is
the first test that names it, together with the tables that the test uses. ``python conformance/coverage.py`` writes the
file, a test checks that it is up to date and that whatever the emulator has is proved.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from notion_emulator import conditions, errors, query
from notion_emulator.block_types import TYPES
from notion_emulator.computed import FUNCTIONS
from notion_emulator.routes import OPERATIONS
from notion_emulator.schema import CONFIGS, ROLLUPS
from notion_emulator.webhook_events import EVENTS

__all__ = ["Row", "rows", "written"]

HERE = Path(__file__).parents[1]
AGENTS = (
    "agents", "agents/query", "agents/batch", "agents/{id}", "agents/{id}/chat", "agents/{id}/insights", "agents/{id}/status",
    "agents/{id}/credit_limit", "agents/{id}/threads", "sessions", "sessions/query", "sessions/{id}", "sessions/{id}/cancel",
    "sessions/{id}/events/query", "threads/{id}/messages", "threads/{id}/continue", "external_agent_stub",
)  # fmt: skip
READ_ONLY = ("child_page", "child_database", "link_preview", "meeting_notes", "unsupported")
MENTIONS = (
    "user",
    "date",
    "page",
    "database",
    "custom_emoji",
    "template_mention",
    "link_mention",
    "link_preview",
)
CODES = tuple(
    one.code for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.NotionError)
)
MISSING_CODES = ("invalid_beta", "database_connection_unavailable")


@dataclass(frozen=True, slots=True)
class Row:
    """One thing of Notion's API, whether the emulator has it, and the patterns that its proof must hold."""

    part: str
    name: str
    served: bool
    patterns: tuple[str, ...] = ()


def _word(name: str) -> str:
    return rf"(?<![\w.]){re.escape(name)}(?![\w])"


def _called(method: str, path: str) -> str:
    """A call of the operation in a test: the method, then the path with something for each parameter."""
    if path.startswith("/oauth/"):
        return rf'post\(emulator, \w+, "{path.rsplit("/", 1)[-1]}"'
    parts = re.sub(r"\\\{[^}]*\\\}", lambda _: r"(?:\{[^{}]*\}|[^/\"'?\s{}]+)", re.escape(path))
    return rf"{method}\"?,? f?[\"']?(?:/v1)?{parts}/?[\"'?\s]"


def _filters() -> Iterator[tuple[str, str]]:
    for key, operators in conditions.OPERATORS.items():
        if key != "string":
            yield from ((key, name) for name in operators)
    yield from (("formula", key) for key in query.FORMULA_KEYS)
    yield from (("rollup", key) for key in query.ROLLUP_KEYS)


def rows() -> list[Row]:
    """Everything, in the order of the file."""
    found = [
        Row("Operations", f"{one.method} {one.path}", True, (_called(one.method, one.path),))
        for one in OPERATIONS
    ]
    found += [Row("Operations", f"(beta) {path}", False) for path in AGENTS]
    found += [Row("Block types", name, True, (_word(name),)) for name in (*TYPES, *READ_ONLY)]
    found += [Row("Property types", name, True, (_word(name),)) for name in CONFIGS]
    found += [Row("Mentions", name, True, (_word(name),)) for name in MENTIONS]
    found += [Row("Filters", f"{key}: {name}", True, (_word(key), _word(name))) for key, name in _filters()]
    found += [Row("Rollup functions", name, name in FUNCTIONS, (_word(name),)) for name in ROLLUPS]
    found += [Row("Webhook events", name, True, (_word(name),)) for name in EVENTS]
    found += [Row("Errors", name, True, (_word(name),)) for name in dict.fromkeys(CODES)]
    return found + [Row("Errors", name, False) for name in MISSING_CODES]


def proofs(folder: Path = HERE / "tests") -> dict[str, str]:
    """The text of each test, by ``file::name``, with the tables of its module that it uses."""
    found: dict[str, str] = {}
    shared = _shared_calls()
    for file in sorted(folder.glob("test_*.py")):
        if file.name in ("test_garbage.py", "test_coverage.py"):  # they name everything and prove little
            continue
        text = file.read_text()
        tree = ast.parse(text)
        tables = {name: part for node in tree.body for name, part in _named(node, text)}
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                body = _source(node, text)
                used = [part for name, part in tables.items() if re.search(_word(name), body)]
                calls = [part for call, part in shared.items() if call in body]
                found[f"{file.name}::{node.name}"] = "\n".join([body, *used, *calls])
    return found


def _named(node: ast.stmt, text: str) -> Iterator[tuple[str, str]]:
    """The constants and functions beside the tests."""
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (
            (one.id, ast.get_source_segment(text, node) or "") for one in targets if isinstance(one, ast.Name)
        )
    elif isinstance(node, ast.FunctionDef) and not node.name.startswith("test_"):
        yield node.name, ast.get_source_segment(text, node) or ""


def _source(node: ast.FunctionDef | ast.AsyncFunctionDef, text: str) -> str:
    first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
    return "\n".join(text.splitlines()[first - 1 : node.end_lineno])


def proof(row: Row, tests: dict[str, str]) -> str | None:
    """The first test that names the row."""
    wanted = [re.compile(one) for one in row.patterns]
    for name, text in tests.items():
        if all(one.search(text) for one in wanted):
            return name
    return None


def _shared_calls() -> dict[str, str]:
    """What the asker of conftest does for the tests that call it."""
    text = (HERE / "tests" / "conftest.py").read_text()
    asker = next(node for node in ast.parse(text).body if isinstance(node, ast.ClassDef))
    return {
        f"ask.{one.name}(": ast.get_source_segment(text, one) or ""
        for one in asker.body
        if isinstance(one, ast.FunctionDef) and one.name in ("page", "table", "row", "append")
    }


HEAD = """# Coverage

Generated by `python conformance/coverage.py` from the tables of the emulator and its tests; do not edit.
☑ served and proved by the named test · ☐ not served. Beyond this list, `tests/test_recordings.py` replays recorded
exchanges of the real API, and `tests/test_sdks.py` calls every method of the two official SDKs.
"""


def written(
    tests: dict[str, str] | None = None, prove: Callable[[Row, dict[str, str]], str | None] = proof
) -> str:
    """The whole file."""
    tests = proofs() if tests is None else tests
    lines, part = [HEAD], ""
    every = rows()
    for row in every:
        if row.part != part:
            part = row.part
            served = sum(one.served for one in every if one.part == part)
            lines.append(f"\n## {part}: {served} of {sum(one.part == part for one in every)}\n")
            lines += ["| | | proof |", "| --- | --- | --- |"]
        shown = prove(row, tests) if row.served else None
        lines.append(f"| {'☑' if row.served else '☐'} | `{row.name}` | {shown or ''} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (HERE / "COVERAGE.md").write_text(written())
