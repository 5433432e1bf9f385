"""A plan as data: saved and read again, the same fingerprint for the same work, and what moved in between."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from syncline.core.mapped_values import PropertyType, Span
from syncline.core.plan import Action, ActionKind, Change, Plan, difference

CREATE = Action(
    ActionKind.CREATE,
    "people",
    "P1",
    changes=(
        Change("Name", PropertyType.TITLE, None, "Ada"),
        Change("Tags", PropertyType.MULTI_SELECT, None, ("a", "b")),
        Change("Since", PropertyType.DATE, None, Span(datetime(2026, 1, 2, tzinfo=UTC))),
    ),
    body="# Hello",
    row="r1",
    wave=2,
    later=("Boss",),
)
UPDATE = Action(
    ActionKind.UPDATE, "people", "P2", "page", (Change("Age", PropertyType.NUMBER, 1, 2),), row="r2", seen="s2",
    drift=("Age",),
)  # fmt: skip
TRASH = Action(ActionKind.TRASH, "people", "P3", "page 3", reason="Its row is gone.", seen="s3")
PLAN = Plan(
    "crew", "schemas", ("people",), (CREATE, UPDATE, TRASH), {"people": 4}, notes=(("people", "P1", "so"),)
)


def never(_action: Action) -> bool:
    return False


def test_a_plan_survives_being_saved() -> None:
    read = Plan.from_json(json.loads(json.dumps(PLAN.as_json())))
    assert (read, read.fingerprint) == (PLAN, PLAN.fingerprint)


def test_its_counts_are_by_kind_with_what_is_unchanged() -> None:
    counts = PLAN.counts("people")
    assert (counts["create"], counts["update"], counts["trash"], counts["unchanged"]) == (1, 1, 1, 4)


def test_a_plan_that_has_not_moved_differs_in_nothing() -> None:
    assert difference(PLAN, PLAN, done=never) == []


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (replace(UPDATE, row="other"), "people P2: the row changed."),
        (
            replace(UPDATE, changes=(Change("Age", PropertyType.NUMBER, 5, 2),)),
            "people P2: the page changed.",
        ),
        (replace(UPDATE, kind=ActionKind.TRASH), "people P2: update has become trash."),
        (replace(UPDATE, key="P9"), "people P2: update is no longer to be done."),
    ],
)
def test_a_plan_that_moved_is_told_by_its_row(action: Action, said: str) -> None:
    now = replace(PLAN, actions=(CREATE, action, TRASH))
    assert difference(PLAN, now, done=never)[0] == said


def test_another_schema_is_told_as_such() -> None:
    moved = difference(PLAN, replace(PLAN, against="other"), done=never)
    assert moved == ["The mapping or a Notion database's properties are not what they were."]


def test_what_the_plan_itself_has_done_is_no_difference() -> None:
    left = replace(PLAN, actions=(replace(UPDATE, wave=0, drift=()), TRASH))
    assert difference(PLAN, left, done=lambda action: action.key == "P1") == []


def test_a_page_that_was_made_but_not_related_yet_is_no_difference() -> None:
    related = Action(ActionKind.UPDATE, "people", "P1", "page 1", row="r1", seen="s")
    assert difference(PLAN, replace(PLAN, actions=(related, UPDATE, TRASH)), done=never) == []
