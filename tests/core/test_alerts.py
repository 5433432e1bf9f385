"""Which events begin and end which incident."""

from typing import Any

import pytest

from syncline.core.alerts import Facts, IncidentKind, news

Kind = IncidentKind
PULL = Facts(run_kind="pull", incomplete=3, threshold=3)


@pytest.mark.parametrize(
    ("event", "data", "facts", "expected"),
    [
        ("sync:error", {"error": "No."}, PULL, {(Kind.SYNC_FAILED, "pull", True)}),
        ("sync:error", {}, Facts("pull", unreachable=True), {(Kind.NOTION_UNREACHABLE, "", True)}),
        ("sync:error", {}, Facts("push", unreachable=True), {(Kind.SYNC_FAILED, "push", True)}),
        (
            "sync:complete",
            {},
            PULL,
            {
                (Kind.SYNC_FAILED, "pull", False),
                (Kind.NOTION_UNREACHABLE, "", False),
                (Kind.INCOMPLETE_PAGES, "", False),
            },
        ),
        (
            "sync:complete",
            {},
            Facts("load"),
            {(Kind.SYNC_FAILED, "load", False), (Kind.INCOMPLETE_PAGES, "", False)},
        ),
        ("sync:status", {"syncStatus": "token_expired"}, Facts(), {(Kind.TOKEN_DEAD, "", True)}),
        ("sync:status", {"syncStatus": "active"}, Facts(), {(Kind.TOKEN_DEAD, "", False)}),
        ("endpoint:disabled", {"endpointId": "e"}, Facts(), {(Kind.ENDPOINT_DISABLED, "e", True)}),
        ("sync:progress", {}, Facts(), set()),
        ("alert:opened", {}, Facts(), set()),
    ],
)
def test_an_event_says_this_of_incidents(
    event: str, data: dict[str, Any], facts: Facts, expected: set[tuple[Kind, str, bool]]
) -> None:
    found = {(one.kind, one.subject, one.text is not None) for one in news(event, data, facts)}
    assert found == expected


def test_more_incomplete_pages_than_allowed_are_an_incident() -> None:
    last = news("sync:complete", {}, Facts("pull", incomplete=4, threshold=3))[1]
    assert last.kind is Kind.INCOMPLETE_PAGES
    assert last.text is not None
    assert last.text.startswith("4 pages")
