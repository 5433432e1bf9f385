"""The rows of a data source: how a listing asks for them, and how it passes Notion's cap of 10,000 results in windows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from syncline.core.model import Json, Record
from syncline.sources.base import Listed, Listing

__all__ = ["NEWEST_FIRST", "edited", "row_query", "rows", "windowed"]

NEWEST_FIRST: Final = {"timestamp": "last_edited_time", "direction": "descending"}


def rows(record: Record) -> Listing:
    """The rows of a data source, oldest first, so that 10,000 and more can be passed in windows."""
    columns: Mapping[str, Json] = record.data.get("properties") or {}
    number = next((name for name, column in columns.items() if column.get("type") == "unique_id"), None)
    window = {"of": "rows", "in": record.key, "number": number, "by": "created_time", "from": None}
    return Listing(f"rows:{record.key}", window)


def edited(source: str, since: datetime) -> Listing:
    """The rows of a data source that were edited since a minute, the newest first."""
    window = {"of": "edited", "in": source, "since": since.isoformat()}
    return Listing(f"edited:{source}", window, newest_first=True, telling=False)


def row_query(window: Json) -> dict[str, Any]:
    """The body of a query for one window of rows."""
    if window["of"] == "edited":
        edited = {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": window["since"]}}
        return {"sorts": [NEWEST_FIRST], "filter": edited}
    by, start = window["by"], window["from"]
    if by == "created_time":
        query: dict[str, Any] = {"sorts": [{"timestamp": "created_time", "direction": "ascending"}]}
        if start is not None:
            operator = "after" if window.get("past") else "on_or_after"
            query["filter"] = {"timestamp": "created_time", "created_time": {operator: start}}
        return query
    condition = {"property": by, "unique_id": {"greater_than_or_equal_to": start}}
    return {"sorts": [{"property": by, "direction": "ascending"}], "filter": condition}


def windowed(listing: Listing, listed: Listed, items: Sequence[Json], capped: str) -> Listed:
    """Pass Notion's cap of 10,000 results: go on in the next window, or say that there is none.

    Source: https://developers.notion.com/reference/query-a-data-source. Times are minutes, so more than 10,000 rows created in one minute
    need another order: the data source's unique id, where it has one.
    """
    window = listing.window
    if window["of"] != "rows" or not items:
        return replace(listed, gap=f"Notion ended the listing {listing.name} early: {capped}.")
    name = f"rows:{window['in']}"
    if window["by"] != "created_time":
        value = _unique_number(items[-1], window["by"])
        start = {**window, "from": value}
        return replace(listed, follow=(Listing(f"{name}:number:{value}", start),))
    last = items[-1]["created_time"]
    if last != window["from"]:
        return replace(listed, follow=(Listing(f"{name}:{last}", {**window, "from": last, "past": False}),))
    if window["number"] is not None:
        start = {**window, "by": window["number"], "from": 0}
        return replace(listed, follow=(Listing(f"{name}:number:0", start),))
    past = Listing(f"{name}:past:{last}", {**window, "past": True})
    gap = f"More than 10,000 rows were created in the minute {last}; Notion lists only the first of them."
    return replace(listed, follow=(past,), gap=gap)


def _unique_number(row: Json, name: str) -> int:
    number: int = row["properties"][name]["unique_id"]["number"]
    return number
