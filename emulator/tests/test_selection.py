"""Filters through the API: the same values under different property types are found by the same conditions."""

from typing import Any

import pytest

from notion_emulator import Emulator
from notion_emulator.clock import millis, minute

NOW = "2026-06-17T12:00:00Z"
DAYS = (
    "2025-05-01",
    "2025-12-01",
    "2026-05-25",
    "2026-06-12",
    "2026-06-17",
    "2026-06-23",
    "2026-07-10",
    "2027-03-01",
)
DATE_CONDITIONS: list[dict[str, Any]] = [
    {"equals": "2026-06-17"}, {"before": "2026-06-17"}, {"after": "2026-06-17"}, {"on_or_before": "2026-06-17"}, {"on_or_after": "2026-06-17"},
    {"this_week": {}}, {"past_week": {}}, {"past_month": {}}, {"past_year": {}}, {"next_week": {}}, {"next_month": {}}, {"next_year": {}},
    {"is_empty": True}, {"is_not_empty": True},
]  # fmt: skip


@pytest.fixture
def source(emulator: Emulator, ask: Any) -> Any:
    emulator.clock.freeze(millis(NOW))
    made = ask.table(
        {
            "Date": {"date": {}},
            "created_time": {"created_time": {}},
            "last_edited_time": {"last_edited_time": {}},
        }
    )
    stored = emulator.world.data_sources[made["id"]]
    for day in DAYS:
        at = millis(f"{day}T09:30:00Z")
        values = {stored.property("Date")["id"]: {"start": minute(at), "end": None, "time_zone": None}}  # type: ignore[index]  # it is there
        emulator.world.create_page(stored, day, properties=values, at=at)
    return made


def titles(ask: Any, source: Any, filter: Any) -> list[str]:
    found = ask("POST", f"/data_sources/{source['id']}/query", {"filter": filter})["results"]
    return [one["properties"]["Name"]["title"][0]["plain_text"] for one in found]


@pytest.mark.parametrize("condition", DATE_CONDITIONS, ids=[next(iter(one)) for one in DATE_CONDITIONS])
def test_created_time_and_last_edited_time_are_filtered_as_dates(
    ask: Any, source: Any, condition: Any
) -> None:
    by_date = titles(ask, source, {"property": "Date", "date": condition})
    for name in ("created_time", "last_edited_time"):
        assert titles(ask, source, {"property": name, name: condition}) == by_date
        assert titles(ask, source, {"timestamp": name, name: condition}) == by_date
    assert len(by_date) < len(DAYS) or "is_not_empty" in condition


NUMBER_CONDITIONS = [
    {name: 3}
    for name in (
        "equals",
        "does_not_equal",
        "greater_than",
        "less_than",
        "greater_than_or_equal_to",
        "less_than_or_equal_to",
    )
]
TEXT_CONDITIONS = [
    {name: "+49 1"}
    for name in ("equals", "does_not_equal", "contains", "does_not_contain", "starts_with", "ends_with")
]


@pytest.fixture
def table(ask: Any) -> Any:
    made = ask.table(
        {
            "number": {"number": {}},
            "unique_id": {"unique_id": {}},
            "rich_text": {"rich_text": {}},
            "phone_number": {"phone_number": {}},
        }
    )
    for number, phone in enumerate(("+49 1", "+49 12", "0 +49 1", "0"), 1):
        ask.row(
            made,
            str(number),
            number={"number": number},
            rich_text={"rich_text": [{"text": {"content": phone}}]},
            phone_number={"phone_number": phone},
        )
    return made


@pytest.mark.parametrize("condition", NUMBER_CONDITIONS, ids=[next(iter(one)) for one in NUMBER_CONDITIONS])
def test_unique_id_is_filtered_as_number(ask: Any, table: Any, condition: Any) -> None:
    assert titles(ask, table, {"property": "unique_id", "unique_id": condition}) == titles(
        ask, table, {"property": "number", "number": condition}
    )


@pytest.mark.parametrize("condition", TEXT_CONDITIONS, ids=[next(iter(one)) for one in TEXT_CONDITIONS])
def test_phone_number_is_filtered_as_rich_text(ask: Any, table: Any, condition: Any) -> None:
    wanted = titles(ask, table, {"property": "rich_text", "rich_text": condition})
    assert titles(ask, table, {"property": "phone_number", "phone_number": condition}) == wanted
    assert titles(ask, table, {"property": "phone_number", "rich_text": condition}) == wanted
