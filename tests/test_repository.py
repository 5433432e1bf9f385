"""What holds for the repository as a whole: versions, contracts, names, and what no file may hold."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EMULATOR: dict[str, Any] = tomllib.loads((ROOT / "emulator" / "pyproject.toml").read_text(encoding="utf-8"))

# Written so that no pattern matches its own line: a class of one letter breaks each word.
FORBIDDEN = {
    "a package registry's host": r"py[p]i\.org|python[h]osted\.org|npm[j]s\.(org|com)|debian\.[o]rg",
    "the index a tool was told to use": r"index-[u]rl|find-[l]inks|registry ?= ?[\"']?http",
    "a path of the machine it was made on": r"(?<![\w.])/([w]ork|[r]oot|[h]ome|[o]pt|[U]sers)/",
    "a scratch folder": r"/[t]mp/\w",
}
PACKAGES = {
    "syncline": ROOT / "src" / "syncline",
    "notion_emulator": ROOT / "emulator" / "src" / "notion_emulator",
}


def tracked() -> list[Path]:
    """Every file that is, or would be, committed."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(
        [git, "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return [path for name in listing.split("\0") if name and (path := ROOT / name).is_file()]


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def modules() -> list[Path]:
    return sorted(
        path
        for folder in PACKAGES.values()
        for path in folder.rglob("*.py")
        if "migrations" not in path.parts
    )


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def exported(tree: ast.Module) -> list[str] | None:
    """The names in ``__all__``; None where the module has none."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]:
            return list(ast.literal_eval(node.value))
    return None


def defined(tree: ast.Module) -> Iterator[str]:
    """The public functions and classes that a module defines at its top level, commands left out."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            decorators = " ".join(map(ast.unparse, node.decorator_list))
            if not node.name.startswith("_") and not re.search(r"\.(command|callback)\(", decorators):
                yield node.name


def bound(tree: ast.Module) -> Iterator[str]:
    """Every name that a module binds at its top level, imports included."""
    yield from defined(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value  # a table of lazily loaded names


def modules_of(node: ast.AST) -> list[str]:
    """The modules that an import statement names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


def requirement_names(requirements: list[Any]) -> set[str]:
    return {
        re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0].lower()
        for line in requirements
        if isinstance(line, str)
    }


def test_the_newest_version_in_the_changelog_is_the_version_of_both_packages() -> None:
    versions = re.findall(r"^## (\d+\.\d+\.\d+)\b", text(ROOT / "CHANGELOG.md"), re.MULTILINE)

    assert versions
    assert versions[0] == PROJECT["project"]["version"] == EMULATOR["project"]["version"]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{name_of(path)}:{number}: {line.strip()[:120]}"
        for path in tracked()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]

    assert found == []


def test_the_constraints_pin_every_dependency_and_nothing_else_than_versions() -> None:
    lines = [line for line in text(ROOT / "constraints.txt").splitlines() if not line.startswith("#")]
    pinned = {line.split("==")[0] for line in lines}
    needed = requirement_names(
        [
            *PROJECT["project"]["dependencies"],
            *EMULATOR["project"]["dependencies"],
            *PROJECT["dependency-groups"]["dev"],
        ]
    )

    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)?", line)] == []
    assert needed - {"notion-emulator"} - pinned == set()


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_all_lists_what_a_module_offers(path: Path) -> None:
    tree = ast.parse(text(path))
    names = exported(tree)

    if names is None:
        assert path.is_relative_to(PACKAGES["notion_emulator"]) or path.stem in {"__init__", "__main__"}
        return
    assert len(names) == len(set(names))
    assert set(names) - set(bound(tree)) == set()
    # A resource of the REST API offers its router; its routes and their shapes are in OpenAPI.
    if path.is_relative_to(PACKAGES["syncline"]) and not (path.parent.name == "api" and "router" in names):
        assert set(defined(tree)) - set(names) == set(), "private names begin with an underscore"


def test_every_import_contract_is_kept() -> None:
    command = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert command is not None
    answer = subprocess.run([command, "--no-cache"], cwd=ROOT, check=False, capture_output=True, text=True)

    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "warning" not in answer.stdout, answer.stdout


def test_every_import_contract_says_why() -> None:
    lines = text(ROOT / "pyproject.toml").splitlines()
    starts = [number for number, line in enumerate(lines) if line == "[[tool.importlinter.contracts]]"]

    assert starts
    assert [lines[number] for number in starts if not lines[number - 1].startswith("# ")] == []


def test_every_ignored_rule_says_why() -> None:
    ignored = text(ROOT / "pyproject.toml").split("\nignore = [\n", 1)[1].split("\n]\n", 1)[0]

    assert [line for line in ignored.splitlines() if not re.search(r"  # \w+|^\s+# ", line)] == []


def test_every_dependency_has_its_line_in_the_documents() -> None:
    page = text(ROOT / "docs" / "explanation" / "dependencies.md")
    explained = set(re.findall(r"^\| `([\w.-]+)`", page, re.MULTILINE))
    needed = requirement_names(
        [
            *PROJECT["project"]["dependencies"],
            *EMULATOR["project"]["dependencies"],
            *PROJECT["dependency-groups"]["dev"],
            *PROJECT["build-system"]["requires"],
        ]
    )

    assert explained == needed


def test_every_dependency_is_used() -> None:
    # Drivers that SQLAlchemy loads by name, and the process that the demo starts.
    loaded_by_name = {"aiosqlite", "psycopg", "notion-emulator"}
    imported = {
        module.partition(".")[0]
        for path in PACKAGES["syncline"].rglob("*.py")
        for node in ast.walk(ast.parse(text(path)))
        for module in modules_of(node)
    }
    installed = packages_distributions()
    distributions = {
        name.lower().replace("_", "-") for module in imported for name in installed.get(module, [])
    }

    assert requirement_names(PROJECT["project"]["dependencies"]) - loaded_by_name - distributions == set()


def test_the_decision_records_are_numbered_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]

    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=name_of)
def test_a_decision_record_has_context_decision_and_consequences_on_one_page(path: Path) -> None:
    record = text(path)

    assert re.findall(r"^## (.+)$", record, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert record.startswith(f"# {path.name[:4]}. ")
    assert len(record.split()) <= 400
