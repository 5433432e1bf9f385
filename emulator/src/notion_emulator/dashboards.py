"""The rows of a dashboard view and the widgets in them: read only for clients, kept as widgets come and go.

Source: https://developers.notion.com/reference/view
"""

from notion_emulator.ids import Ids
from notion_emulator.objects import Json, View

__all__ = ["add_widget", "remove_widget"]


def _widget(ids: Ids, view_id: str) -> Json:
    return {"id": ids.random_v4(), "view_id": view_id, "width": None, "row_index": None}


def add_widget(dashboard: View, view_id: str, *, placement: Json | None, ids: Ids) -> None:
    """Put a widget into a new row (at the end by default) or into one that is there."""
    rows = list((dashboard.configuration or {}).get("rows", []))
    placement = placement or {"type": "new_row"}
    index = placement.get("row_index", len(rows))
    widget = _widget(ids, view_id)
    if placement["type"] == "existing_row" and index < len(rows):
        rows[index] = {**rows[index], "widgets": [*rows[index]["widgets"], widget]}
    else:
        rows.insert(index, {"id": ids.random_v4(), "height": None, "widgets": [widget]})
    _keep(dashboard, rows)


def remove_widget(dashboard: View, view_id: str) -> None:
    """Take a widget out; a row without widgets goes too."""
    rows = [
        {**row, "widgets": [one for one in row["widgets"] if one["view_id"] != view_id]}
        for row in (dashboard.configuration or {}).get("rows", [])
    ]
    _keep(dashboard, [row for row in rows if row["widgets"]])


def _keep(dashboard: View, rows: list[Json]) -> None:
    """Every widget names the row it stands in and its share of the twelve columns."""
    numbered = [
        {
            **row,
            "widgets": [
                {**one, "width": 12 // len(row["widgets"]), "row_index": index} for one in row["widgets"]
            ],
        }
        for index, row in enumerate(rows)
    ]
    dashboard.configuration = {"type": "dashboard", "rows": numbered}
