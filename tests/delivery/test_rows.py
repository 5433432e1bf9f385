"""What rules see of a row: values that are others only when somebody changed them."""

from typing import Any

import pytest
from tests.delivery.ruling import Ruling
from tests.store.samples import page

from syncline.delivery.rows import kinds, row
from syncline.store import changes, records
from syncline.store.changes import Filter

URL = "https://files.test/a?X-Amz-Signature="
PERSON = {"object": "user", "id": "u1", "name": "Ann", "person": {"email": "ann@example.com"}}


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ({"type": "select", "select": {"name": "Open"}}, "Open"),
        ({"type": "select", "select": None}, None),
        ({"type": "multi_select", "multi_select": [{"name": "a"}, {"name": "b"}]}, ["a", "b"]),
        ({"type": "checkbox", "checkbox": True}, True),
        ({"type": "number", "number": 1.5}, 1.5),
        ({"type": "date", "date": {"start": "2026-11-20", "end": None}}, "2026-11-20"),
        ({"type": "date", "date": {"start": "2026-11-20", "end": "2026-11-21"}}, "2026-11-20/2026-11-21"),
        ({"type": "people", "people": [PERSON, {"object": "user", "id": "u2"}]}, ["Ann", "u2"]),
        (
            {"type": "files", "files": [{"name": "a.pdf", "type": "file", "file": {"url": f"{URL}1"}}]},
            ["a.pdf"],
        ),
        ({"type": "relation", "relation": [{"id": "p1"}]}, ["p1"]),
        ({"type": "unheard_of", "unheard_of": {}}, None),
    ],
)
async def test_a_value_is_plain(ruling: Ruling, cell: dict[str, Any], expected: Any) -> None:
    made = page("p", {"id": "p", "properties": {"Cell": {"id": "c", **cell}}})
    async with ruling.app.database.begin() as conn:
        await records.upsert(conn, "c", [made], run_id="r", now=ruling.app.now())
        (listed,) = await changes.listed(conn, "c", Filter(), after=0, limit=1)
    found = row(listed.record)
    assert (found.values, found.content) == ({"Cell": expected}, None)
    assert kinds(listed.record) == {"Cell": cell["type"]}
