from typing import Any

import pytest

from notion_emulator import Emulator


def view(ask: Any, source: Any, **more: Any) -> Any:
    body = {
        "data_source_id": source["id"],
        "database_id": source["parent"]["database_id"],
        "name": "V",
        "type": "table",
        **more,
    }
    return ask("POST", "/views", body)


def test_a_view_lives_from_creation_to_deletion(ask: Any) -> None:
    source = ask.table()
    database = source["parent"]["database_id"]
    (first,) = ask("GET", f"/views?database_id={database}")["results"]
    made = view(ask, source, name="Mine")
    assert (made["configuration"], made["filter"], made["sorts"], made["quick_filters"]) == (
        {"type": "table"},
        None,
        None,
        None,
    )
    changed = ask(
        "PATCH",
        f"/views/{made['id']}",
        {"name": "Ours", "sorts": [{"timestamp": "created_time", "direction": "ascending"}]},
    )
    assert changed["name"] == ask("GET", f"/views/{made['id']}")["name"] == "Ours"
    assert [one["id"] for one in ask("GET", f"/views?data_source_id={source['id']}")["results"]] == [
        first["id"],
        made["id"],
    ]
    assert ask("DELETE", f"/views/{made['id']}")["object"] == "view"
    assert ask.refusal("GET", f"/views/{made['id']}")[0] == 404
    assert ask.refusal("DELETE", f"/views/{first['id']}")[1] == "validation_error"


def test_a_view_query_keeps_the_rows_for_15_minutes(emulator: Emulator, ask: Any) -> None:
    source = ask.table({"N": {"number": {}}})
    for n in range(5):
        ask.row(source, N={"number": n})
    made = view(ask, source, filter={"property": "N", "number": {"greater_than": 0}}, quick_filters={"N": {"number": {"less_than": 4}}},
                sorts=[{"property": "N", "direction": "descending"}])  # fmt: skip
    asked = ask("POST", f"/views/{made['id']}/queries", {"page_size": 2})
    assert (asked["object"], asked["total_count"], asked["has_more"], len(asked["results"])) == (
        "view_query",
        3,
        True,
        2,
    )
    path = f"/views/{made['id']}/queries/{asked['id']}"
    rest = ask("GET", f"/views/{made['id']}/queries/{asked['id']}?start_cursor={asked['next_cursor']}")
    assert (rest["type"], len(rest["results"]), rest["has_more"]) == ("page", 1, False)
    emulator.clock.advance(15 * 60 + 1)
    assert ask.refusal("GET", path)[0] == 404


def test_a_view_query_is_deleted(ask: Any) -> None:
    made = view(ask, ask.table())
    asked = ask("POST", f"/views/{made['id']}/queries", {})
    path = f"/views/{made['id']}/queries/{asked['id']}"
    gone = ask("DELETE", f"/views/{made['id']}/queries/{asked['id']}")
    assert {**gone, "request_id": 0} == {
        "object": "view_query",
        "id": asked["id"],
        "deleted": True,
        "request_id": 0,
    }
    assert ask.refusal("GET", path)[0] == 404


def test_a_linked_view_makes_a_linked_database(emulator: Emulator, ask: Any) -> None:
    source = ask.table()
    body = {"data_source_id": source["id"], "name": "L", "type": "table",
            "create_database": {"parent": {"type": "page_id", "page_id": emulator.root_page_id}}}  # fmt: skip
    made = ask("POST", "/views", body)
    assert ask("GET", f"/databases/{made['parent']['database_id']}")["data_sources"] == []


def test_a_deleted_dashboard_takes_its_widgets(ask: Any) -> None:
    source = ask.table()
    board = view(ask, source, type="dashboard")
    widget = ask("POST", "/views", {"data_source_id": source["id"], "name": "W", "type": "chart", "view_id": board["id"],
                                    "configuration": {"type": "chart", "chart_type": "bar"}})  # fmt: skip
    assert widget["parent"] == {"type": "view_id", "view_id": board["id"]}
    ask("DELETE", f"/views/{board['id']}")
    assert ask.refusal("GET", f"/views/{widget['id']}")[0] == 404


@pytest.mark.parametrize(
    "body",
    [{"type": "feed"}, {"type": "board", "configuration": {"type": "table"}}, {"type": "board", "configuration": {"type": "board"}},
     {"filter": {"property": "Nope", "number": {"equals": 1}}}, {"view_id": "00000000-0000-0000-0000-000000000000"}],
)  # fmt: skip
def test_a_view_that_cannot_be_is_refused(ask: Any, body: Any) -> None:
    source = ask.table()
    whole = {
        "data_source_id": source["id"],
        "database_id": source["parent"]["database_id"],
        "name": "V",
        "type": "table",
        **body,
    }
    assert ask.refusal("POST", "/views", whole)[1] == "validation_error"


def test_an_unknown_view_type_is_named(ask: Any) -> None:
    source = ask.table()
    body = {
        "data_source_id": source["id"],
        "database_id": source["parent"]["database_id"],
        "name": "V",
        "type": "feed",
    }
    assert ask.refusal("POST", "/views", body)[2] == "Unsupported view type: feed"


def test_a_dashboard_keeps_its_widgets_in_rows(ask: Any) -> None:
    source = ask.table()
    board = view(ask, source, type="dashboard")["id"]

    def widget(**placement: Any) -> str:
        body = {
            "data_source_id": source["id"],
            "name": "W",
            "type": "list",
            "view_id": board,
            "placement": placement,
        }
        return str(ask("POST", "/views", body)["id"])

    first, second = widget(type="new_row"), widget(type="existing_row", row_index=0)
    top = widget(type="new_row", row_index=0)
    rows = ask("GET", f"/views/{board}")["configuration"]["rows"]
    assert [[one["view_id"] for one in row["widgets"]] for row in rows] == [[top], [first, second]]
    assert [(one["row_index"], one["width"]) for one in rows[1]["widgets"]] == [(1, 6), (1, 6)]
    ask("DELETE", f"/views/{top}")
    assert len(ask("GET", f"/views/{board}")["configuration"]["rows"]) == 1
