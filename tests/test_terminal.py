"""What goes to standard output, what to standard error, and how progress looks without a terminal."""

import json
from dataclasses import dataclass, field

import pytest

from syncline.terminal import Terminal


@dataclass(frozen=True)
class Told:
    """Some progress."""

    phase: str
    requests: dict[str, int]
    pages: dict[str, int] = field(default_factory=dict)
    done: bool = False
    waiting: int = 0


def test_results_go_to_standard_output_and_the_rest_to_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terminal = Terminal()
    terminal.result("[bold] is printed as it is")
    terminal.note("a note [1]")
    terminal.error("What [is] wrong.")

    said = capsys.readouterr()
    assert said.out == "[bold] is printed as it is\n"
    assert said.err == "a note [1]\nError: What [is] wrong.\n"


def test_json_is_one_line_of_real_json(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().json({"title": "Ärger [x]", "long": "x" * 1000})

    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert json.loads(said)["title"] == "Ärger [x]"


def test_cells_of_a_table_are_printed_as_they_are_and_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().table(["a", "b"], [["[red]x[/]", None], ["y" * 300, 7]])

    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("[red]x[/]")
    assert lines[2].split() == ["y" * 300, "7"]


def test_a_dumb_terminal_shows_tables_whole_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("FORCE_COLOR", "1")  # for Rich it is a terminal
    Terminal().table(["a"], [["y" * 300]])

    assert capsys.readouterr().out.splitlines()[1].strip() == "y" * 300


def test_without_a_terminal_progress_is_a_line_when_the_phase_changes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Terminal().progress() as watch:
        for made in range(1, 4):
            watch(Told("listing", {"made": made, "bound": made}))
        watch(Told("content", {"made": 9, "bound": 8, "rate_limited": 1}, {"seen": 1200}))

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "listing: 1 request (least possible 1)",
        "content: 1,200 pages  9 requests (least possible 8)  1 rate limited",
    ]


def test_a_pull_that_waits_says_so_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("syncline.terminal._QUIET", 0.0)
    with Terminal().progress() as watch:
        for _ in range(4):
            watch(Told("content", {"made": 180, "bound": 180}, waiting=1200))
        watch(Told("content", {"made": 181, "bound": 181}, waiting=1199))

    assert capsys.readouterr().err.splitlines() == [
        "content: 180 requests (least possible 180)",
        "content: 180 requests (least possible 180)  waiting for Notion, 1,200 to go",
        "content: 181 requests (least possible 181)",
    ]


def test_on_a_terminal_progress_is_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with Terminal().progress() as watch:
        watch(Told("content", {"made": 50, "bound": 50}, {"seen": 20}, waiting=50))

    assert "20 pages  50 requests (least possible 50)" in capsys.readouterr().err


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    Terminal().error("Wrong.")
    monkeypatch.setenv("NO_COLOR", "1")
    Terminal().error("Wrong.")

    coloured, plain = capsys.readouterr().err.splitlines()
    assert "\x1b[1;31mError:" in coloured
    assert "31m" not in plain
