"""What is said of runs and plans."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from syncline.core.change import Reason
from syncline.core.errors import BadInput, Busy, Unreachable
from syncline.core.model import Fidelity, Mode
from syncline.engine.plan import Plan
from syncline.present import (
    RUN_COLUMNS,
    counted,
    local,
    outcome,
    pages_line,
    plan_lines,
    plan_outcome,
    refusal,
    requests_line,
    run_row,
)
from syncline.store.runs import Run, RunState

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
RUN = Run(
    id="0123456789abcdef",
    connection_id="c",
    kind="pull",
    slot="pull",
    requested_by="cli",
    queued_at=NOON,
    mode=Mode.INCREMENTAL,
    fidelity=Fidelity.BLOCKS,
    options={},
    state=RunState.SUCCEEDED,
    started_at=NOON,
    ended_at=NOON + timedelta(seconds=2.5),
    phase="done",
    pages={"seen": 1200, "added": 3, "updated": 1, "unchanged": 1196, "deleted": 2, "incomplete": 0},
    requests={"made": 21, "bound": 20, "rate_limited": 0},
    error=None,
)
FAILURE = {"kind": "Unreachable", "message": "Notion is away.", "exit_code": 7, "retry": True}
PLAN = Plan(Mode.FULL, Fidelity.BLOCKS, {"a", "b"}, {"a": Reason.NEW, "b": Reason.NEW}, spent=4)


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 pages"), (1, "1 page"), (2, "2 pages"), (12345, "12,345 pages")]
)
def test_things_are_counted_in_words(count: int, said: str) -> None:
    assert counted(count, "page") == said


def test_a_run_is_told_in_two_lines() -> None:
    assert pages_line(RUN) == "1,200 pages seen: 3 added, 1 updated, 1,196 unchanged, 2 deleted."
    assert requests_line(RUN, 2.54) == "21 requests made, 20 the least possible; 2.5 s."


def test_rate_limits_are_told_where_there_were_some() -> None:
    limited = replace(RUN, requests={"made": 21, "bound": 20, "rate_limited": 3})

    assert requests_line(limited, 1).endswith(" 3 were answered with a rate limit.")


def test_the_json_of_a_run_has_the_promised_shape() -> None:
    assert outcome(RUN, 2.54321) == {
        "run": RUN.id,
        "outcome": "succeeded",
        "pages": RUN.pages,
        "requests": RUN.requests,
        "seconds": 2.543,
    }


def test_the_json_of_a_failed_run_says_why_and_whether_to_try_again() -> None:
    failed = outcome(replace(RUN, state=RunState.FAILED, error=FAILURE), 1.0)

    assert failed["outcome"] == "failed"
    assert failed["error"] == {"kind": "Unreachable", "message": "Notion is away.", "retry": True}


@pytest.mark.parametrize(
    ("error", "retry"), [(BadInput("No."), False), (Unreachable("Later."), True), (Busy("Wait."), True)]
)
def test_the_json_of_what_never_ran_has_the_same_shape(
    error: BadInput | Unreachable | Busy, *, retry: bool
) -> None:
    said = refusal(error, 0.5)

    assert said.keys() - {"error"} == outcome(RUN, 1).keys()
    assert said["pages"].keys() == outcome(RUN, 1)["pages"].keys()
    assert said["error"] == {"kind": type(error).__name__, "message": str(error), "retry": retry}


def test_a_plan_is_told_in_sentences_and_as_json() -> None:
    told = "\n".join(plan_lines(PLAN))

    assert "a full pull at fidelity blocks. Nothing was stored." in told
    assert "Listed 2 pages with 4 requests." in told
    assert "the content of 2 pages (2 new)" in told
    assert "at least 6 requests in all." in told
    assert plan_outcome(PLAN, 0.1)["requests"] == {"made": 4, "bound": 6}
    assert plan_lines(replace(PLAN, mode=Mode.INCREMENTAL))[0].startswith("This would be an incremental")


def test_a_row_has_a_cell_for_each_column() -> None:
    row = run_row(RUN, "work")

    assert len(row) == len(RUN_COLUMNS)
    assert row == (
        "01234567",
        local(NOON),
        "work",
        "incremental",
        "succeeded",
        1200,
        "+3 ~1 -2",
        "21/20",
        "2.5",
    )


def test_a_run_under_way_has_no_duration() -> None:
    assert run_row(replace(RUN, ended_at=None), None)[-1] == ""
    assert local(None) == ""
