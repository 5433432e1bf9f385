"""Generated rows: one property of every type that a schema can hold and a page can show.

Config and value forms: https://developers.notion.com/reference/property-object and
https://developers.notion.com/reference/page-property-values.
"""

from datetime import date, timedelta
from typing import Any

from notion_emulator.objects import DataSource

__all__ = ["schema", "values"]

Json = dict[str, Any]

COLORS = ("default", "gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red")
FIRST_DAY = date(2026, 6, 1)


def _options(prefix: str, *names: str) -> list[Json]:
    return [
        {"id": f"{prefix}{place}", "name": name, "color": COLORS[place % len(COLORS)], "description": None}
        for place, name in enumerate(names, 1)
    ]


KINDS = _options("k", "Note", "Letter", "Report", "Sketch")
TOPICS = _options("t", "Harbour", "Garden", "Workshop", "Archive", "Kitchen")
STATES = [
    {"id": "s1", "name": "Not started", "color": "default", "description": None},
    {"id": "s2", "name": "In progress", "color": "blue", "description": None},
    {"id": "s3", "name": "Done", "color": "green", "description": None},
]
GROUPS = [
    {"id": "g1", "name": "To-do", "color": "gray", "option_ids": ["s1"]},
    {"id": "g2", "name": "In progress", "color": "blue", "option_ids": ["s2"]},
    {"id": "g3", "name": "Complete", "color": "green", "option_ids": ["s3"]},
]


def schema(source: DataSource) -> dict[str, Json]:
    """Twenty-three properties by id; the relation is to the source's own rows."""
    single: Json = {
        "database_id": source.parent_id, "data_source_id": source.id, "type": "single_property", "single_property": {},
    }  # fmt: skip
    rollup: Json = {
        "rollup_property_name": "Amount", "relation_property_name": "Previous", "rollup_property_id": "amount",
        "relation_property_id": "rel", "function": "sum",
    }  # fmt: skip
    typed: list[tuple[str, str, str, Json]] = [
        ("title", "Name", "title", {}),
        ("note", "Note", "rich_text", {}),
        ("amount", "Amount", "number", {"format": "number"}),
        ("kind", "Kind", "select", {"options": KINDS}),
        ("topics", "Topics", "multi_select", {"options": TOPICS}),
        ("state", "Status", "status", {"options": STATES, "groups": GROUPS}),
        ("due", "Due", "date", {}),
        ("who", "People", "people", {}),
        ("files", "Files", "files", {}),
        ("done", "Checked", "checkbox", {}),
        ("link", "Link", "url", {}),
        ("mail", "Mail", "email", {}),
        ("tel", "Phone", "phone_number", {}),
        ("rel", "Previous", "relation", single),
        ("twice", "Twice", "formula", {"expression": 'prop("Amount") * 2'}),
        ("sum", "Sum of previous", "rollup", rollup),
        ("made", "Created", "created_time", {}),
        ("maker", "Created by", "created_by", {}),
        ("edit", "Edited", "last_edited_time", {}),
        ("editor", "Edited by", "last_edited_by", {}),
        ("number", "Number", "unique_id", {"prefix": "ROW"}),
        ("place", "Place", "place", {}),
        ("press", "Press", "button", {}),
    ]
    return {
        key: {"id": key, "name": name, "description": None, "type": kind, kind: config}
        for key, name, kind, config in typed
    }


def _picked(option: Json) -> Json:
    return {"id": option["id"], "name": option["name"], "color": option["color"]}


def values(number: int, *, note: list[Json], people: list[str], file: str) -> dict[str, Json | Any]:
    """The stored values of a row; ``file`` is the key of a stored file. Each fifth row leaves most of them empty."""
    if number % 5 == 4:
        return {"note": note, "amount": None, "done": False}
    day = FIRST_DAY + timedelta(days=number % 365)
    return {
        "note": note,
        "amount": number * 1.5 if number % 3 else number,
        "kind": _picked(KINDS[number % len(KINDS)]),
        "topics": [_picked(one) for one in TOPICS[: number % 3 + 1]],
        "state": _picked(STATES[number % len(STATES)]),
        "due": {"start": day.isoformat(), "end": None, "time_zone": None},
        "who": [{"object": "user", "id": people[number % len(people)]}],
        "files": [{"name": "note.txt", "type": "file", "file": {"key": file}}],
        "done": number % 2 == 0,
        "link": f"https://www.example.com/{number}",
        "mail": f"row{number}@quay.example",
        "tel": f"+44 1632 {number % 1_000_000:06d}",
        "place": {
            "lat": 51.5, "lon": -0.1, "name": "Quay", "address": "1 Quay Road", "aws_place_id": None,
            "google_place_id": None,
        },
    }  # fmt: skip
