"""What the command line says of itself: help, documents, exit codes; and that saying it is cheap."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from syncline.cli.help import EXAMPLES, HEADINGS
from syncline.cli.main import EXIT_CODES, app, run
from syncline.core import errors

PAGE = (Path(__file__).parents[1] / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
HEAVY = ("asyncio", "cryptography", "httpx2", "pydantic_settings", "rich", "sqlalchemy")


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, with the words that call it."""
    waiting: list[tuple[str, Any]] = [("syncline", typer.main.get_command(app))]
    while waiting:
        words, command = waiting.pop()
        inside = getattr(command, "commands", {})
        waiting += [(f"{words} {name}", one) for name, one in inside.items()]
        if not inside:
            yield words, command


COMMANDS = dict(commands())


def section(words: str) -> str:
    """What the page says under a command's heading."""
    found = re.search(rf"^## {re.escape(words)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"{words} has no heading"
    return found[1]


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_its_heading_with_each_of_its_options(words: str) -> None:
    said = section(words)
    names = {name for option in COMMANDS[words].params for name in (*option.opts, *option.secondary_opts)}

    assert {name for name in names if name.startswith("-") and f"`{name}" not in said} == {"--help"} & names


def test_the_page_describes_no_command_that_is_not_there() -> None:
    assert set(re.findall(r"^## (syncline .*)$", PAGE, re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("words", COMMANDS)
def test_help_tells_what_a_command_and_each_of_its_options_is_for(words: str) -> None:
    told = CliRunner().invoke(app, [*words.split()[1:], "--help"])

    assert told.exit_code == 0
    assert all(option.help for option in COMMANDS[words].params)
    assert COMMANDS[words].help


def test_help_lists_each_command_on_a_line_of_its_own() -> None:
    told = CliRunner().invoke(app, ["--help"], terminal_width=80).output

    assert [line for line in told.splitlines() if line.startswith("  ") and line.endswith("...")] == []


def test_every_error_has_an_exit_code_that_is_documented() -> None:
    ours = [
        one
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, errors.SynclineError)
    ]

    assert {one.exit_code for one in ours} <= set(EXIT_CODES)
    assert dict(re.findall(r"^\| (\d+) \| (.*) \|$", PAGE, re.MULTILINE)) == {
        str(code): meaning for code, meaning in EXIT_CODES.items()
    }


def test_help_tells_the_exit_codes() -> None:
    told = CliRunner().invoke(app, ["--help"]).output

    assert [
        code
        for code, meaning in EXIT_CODES.items()
        if not re.search(rf"^ +{code} +{re.escape(meaning)}$", told, re.MULTILINE)
    ] == []


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    assert "Usage: syncline" in capsys.readouterr().out


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert re.fullmatch(r"syncline \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)


def test_what_is_typed_wrong_is_one_sentence_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pull", "--zzz"]) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "Error: No such option: --zzz; `syncline pull --help` tells more.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["pul"], "No such command 'pul'. Did you mean 'pull'? `syncline --help` tells more."),
        (["conflicts", "resolve", "x"], "Missing option '--take'. Choose from: database, notion, value;"),
    ],
)
def test_what_typer_says_in_several_lines_is_one_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2

    said = capsys.readouterr().err
    assert said.startswith(f"Error: {sentence}")
    assert said.count("\n") == 1


@pytest.mark.parametrize("group", sorted({words.split()[1] for words in COMMANDS if words.count(" ") == 2}))
def test_a_group_alone_shows_its_help(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([group]) == 0

    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.startswith(f"Usage: syncline {group} ")


def test_every_command_stands_under_one_heading() -> None:
    assert sorted(name for names in HEADINGS.values() for name in names) == sorted(
        {words.split()[1] for words in COMMANDS}
    )


@pytest.mark.parametrize(
    ("words", "line"), [(words, line) for words, all_ in EXAMPLES.items() for line in all_]
)
def test_an_example_can_be_typed_as_it_stands(words: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variables, _, typed = line.rpartition("syncline ")
    for name, value in re.findall(r"(\w+)=(\S+)", variables):
        monkeypatch.setenv(name, value)
    called = shlex.split(typed)
    length = words.count(" ") + 1

    assert called[:length] == words.split()
    assert COMMANDS[f"syncline {words}"].make_context(words, called[length:]).params


def test_help_shows_the_examples() -> None:
    told = CliRunner().invoke(app, ["load", "markdown", "--help"]).output

    assert told.endswith("\n  Examples:\n    syncline load markdown notes -c work\n")


def test_a_terminal_without_unicode_shows_a_page_all_the_same(tmp_path: Path) -> None:
    program = "import sys; from syncline.cli.main import run; run(['--version']); print('\\u00e4')"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONIOENCODING": "ascii:strict", "SYNCLINE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout.splitlines()[-1:]) == (0, [r"\xe4"])


def test_help_imports_nothing_heavy() -> None:
    """That is how it answers at once; a test of the time itself would fail on a busy machine."""
    program = (
        "import sys; from syncline.cli.main import run; run(['pull', '--help']); "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ended.stdout.splitlines()[-1] == "[]"
