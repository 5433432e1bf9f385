"""The report: its shape, its worst word, and itself as JSON and Markdown."""

import json

import pytest

from syncline.core.report import Finding, Outcome, Report, Tally


def report(**counts: int) -> Report:
    made = Report("crew")
    made.tables["people"] = Tally(**counts)
    return made


@pytest.mark.parametrize(
    ("counts", "outcome"),
    [
        ({"unchanged": 9}, Outcome.CLEAN),
        ({"skipped": 1}, Outcome.CLEAN),
        ({"created": 1}, Outcome.CHANGED),
        ({"deleted": 1}, Outcome.CHANGED),
        ({"created": 1, "ambiguous": 1}, Outcome.CONFLICTS),
        ({"conflicts": 1}, Outcome.CONFLICTS),
        ({"created": 1, "conflicts": 1, "failed": 1}, Outcome.FAILED),
    ],
)
def test_the_outcome_is_the_worst_that_happened(counts: dict[str, int], outcome: Outcome) -> None:
    assert report(**counts).outcome is outcome


def test_a_changed_dashboard_fails_whatever_else_happened() -> None:
    made = report(created=1)
    made.blocks = [{"id": "b", "type": "paragraph", "what": "edited", "parent": "p"}]
    assert made.outcome is Outcome.FAILED


def test_it_contains_the_counts_of_each_table_by_name() -> None:
    tables = report(created=10, updated=20).as_json()["tables"]
    assert {"created": 10, "updated": 20}.items() <= tables["people"].items()


def test_it_survives_being_stored() -> None:
    made = report(created=1, failed=1)
    made.findings.append(Finding("people", "P1", "failed", "Because.", ("a", "b")))
    made.protected, made.requests, made.seconds = 7, 9, 1.5
    assert Report.from_json(json.loads(json.dumps(made.as_json()))) == made


def test_as_markdown_it_lists_what_needs_a_person() -> None:
    made = report(created=1, failed=1, ambiguous=1)
    made.findings += [
        Finding("people", "P1", "failed", "Because."),
        Finding("people", "P2", "ambiguous", "Two pages.", ("a", "b")),
    ]
    text = made.as_markdown()
    assert "# Push of crew: failed" in text
    assert "| people | 1 | 0 | 0 | 0 | 1 | 1 | 0 | 0 | 0 | 0.0 |" in text
    assert "## Failed\n\n- people `P1`: Because.\n" in text
    assert "- people `P2`: Two pages. (a, b)" in text
