import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from syncline.notion import views
from syncline.notion.errors import UnsupportedByVersion
from syncline.notion.objects import LATEST, Version
from syncline.notion.sansio import Operation, build

ID = "38c9ce7b-60a4-81e9-b951-000b9b64e41a"
OTHER = "00000000-0000-0000-0000-000000000000"
OLD = Version.V2022_06_28
SIZE = "page_size=100"

# operation, method, path and query, body, safe
TABLE: list[tuple[Operation[Any], str, str, Any, bool]] = [
    (views.list_views(database_id=ID), "GET", f"/v1/views?database_id={ID}&{SIZE}", None, True),
    (views.list_views(data_source_id=ID), "GET", f"/v1/views?data_source_id={ID}&{SIZE}", None, True),
    (views.create_view(name="v", type="table"), "POST", "/v1/views", {"name": "v", "type": "table"}, False),
    (views.retrieve_view(ID), "GET", f"/v1/views/{ID}", None, True),
    (views.update_view(ID, filter=None), "PATCH", f"/v1/views/{ID}", {"filter": None}, False),
    (views.delete_view(ID), "DELETE", f"/v1/views/{ID}", None, False),
    (views.create_view_query(ID, page_size=5), "POST", f"/v1/views/{ID}/queries", {"page_size": 5}, True),
    (views.list_view_query(ID, OTHER), "GET", f"/v1/views/{ID}/queries/{OTHER}?{SIZE}", None, True),
    (views.delete_view_query(ID, OTHER), "DELETE", f"/v1/views/{ID}/queries/{OTHER}", None, False),
]


@pytest.mark.parametrize(("operation", "method", "path", "body", "safe"), TABLE)
def test_the_request_is_the_documented_one(
    operation: Operation[Any], method: str, path: str, body: Any, *, safe: bool
) -> None:
    request = build(operation, token="t", version=LATEST)
    assert (request.method, request.url) == (method, f"https://api.notion.com{path}")
    assert (operation.body, operation.safe) == (body, safe)


def test_the_table_leaves_no_operation_out() -> None:
    written = set(re.findall(r'Operation\(\s*"([\w.]+)"', inspect.getsource(views)))
    assert written == {row[0].name for row in TABLE}


@pytest.mark.parametrize(
    "ask",
    [
        lambda: views.list_views(database_id=ID, version=OLD),
        lambda: views.create_view(version=OLD),
        lambda: views.retrieve_view(ID, version=OLD),
        lambda: views.update_view(ID, version=OLD),
        lambda: views.delete_view(ID, version=OLD),
        lambda: views.create_view_query(ID, version=OLD),
        lambda: views.list_view_query(ID, OTHER, version=OLD),
        lambda: views.delete_view_query(ID, OTHER, version=OLD),
    ],
)
def test_there_are_no_views_before_data_sources(ask: Callable[[], object]) -> None:
    with pytest.raises(UnsupportedByVersion, match="2025-09-03"):
        ask()


@pytest.mark.parametrize("named", [{}, {"database_id": ID, "data_source_id": ID}])
def test_views_are_listed_for_exactly_one_thing(named: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="one of them"):
        views.list_views(**named)
