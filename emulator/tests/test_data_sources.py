import json
from typing import Any

import pytest

from notion_emulator import Emulator
from notion_emulator.schema import CONFIGS


def test_a_database_without_title_is_a_new_database_with_an_untitled_source(
    emulator: Emulator, ask: Any
) -> None:
    source = ask.table()
    database = ask("GET", f"/databases/{source['parent']['database_id']}")
    assert database["title"][0]["plain_text"] == "New database"
    assert database["data_sources"] == [{"id": source["id"], "name": "New database"}]
    assert source["title"] == []
    assert source["database_parent"] == {"type": "page_id", "page_id": emulator.root_page_id}
    assert list(database) == [
        "object", "id", "title", "description", "parent", "is_inline", "in_trash", "is_locked", "created_time", "last_edited_time",
        "data_sources", "icon", "cover", "url", "public_url", "request_id",
    ]  # fmt: skip


def test_2022_06_28_sees_a_database_with_its_schema(ask: Any) -> None:
    source = ask.table({"N": {"number": {}}})
    row = ask.row(source)
    ask.version = "2022-06-28"
    id = source["parent"]["database_id"]
    database = ask("GET", f"/databases/{id}")
    assert list(database) == [
        "object", "id", "cover", "icon", "created_time", "created_by", "last_edited_by", "last_edited_time", "title", "description",
        "is_inline", "properties", "parent", "url", "public_url", "in_trash", "archived", "request_id",
    ]  # fmt: skip
    assert set(database["properties"]) == {"Name", "N"}
    listing = ask("POST", f"/databases/{id}/query", {})
    assert (listing["type"], listing["page_or_database"], listing["results"][0]["id"]) == (
        "page_or_database",
        {},
        row["id"],
    )
    made = ask(
        "POST",
        "/databases",
        {"parent": {"page_id": database["parent"]["page_id"]}, "properties": {"T": {"title": {}}}},
    )
    changed = ask("PATCH", f"/databases/{made['id']}", {"properties": {"X": {"checkbox": {}}}})
    assert set(changed["properties"]) == {"T", "X"}


def test_several_sources_are_too_many_for_2022_06_28(ask: Any) -> None:
    first = ask.table()
    database = first["parent"]["database_id"]
    second = ask(
        "POST", "/data_sources", {"parent": {"database_id": database}, "properties": {"Name": {"title": {}}}}
    )
    ask.version = "2022-06-28"
    for method, path in (("GET", f"/databases/{database}"), ("POST", f"/databases/{database}/query")):
        response = ask.raw(method, path, {})
        body = json.loads(response.body)
        assert (response.status, body["code"]) == (400, "validation_error")
        assert (
            body["message"] == "Databases with multiple data sources are not supported in this API version."
        )
        assert body["additional_data"] == {
            "error_type": "multiple_data_sources_for_database", "database_id": database,
            "child_data_source_ids": [first["id"], second["id"]], "minimum_api_version": "2025-09-03",
        }  # fmt: skip


def test_a_linked_database_has_no_data_sources(emulator: Emulator, ask: Any) -> None:
    linked = emulator.world.create_database(emulator.world.pages[emulator.root_page_id], "", is_inline=True)
    assert ask("GET", f"/databases/{linked.id}")["data_sources"] == []
    ask.version = "2022-06-28"
    assert (
        ask.refusal("GET", f"/databases/{linked.id}")[2]
        == "Database retrievals do not support linked databases."
    )
    message = f"Database with ID {linked.id} does not contain any data sources accessible by this API bot."
    assert ask.refusal("POST", f"/databases/{linked.id}/query", {})[2] == message


def test_rows_come_newest_first_in_a_session(ask: Any) -> None:
    source = ask.table()
    ids = [ask.row(source, str(n))["id"] for n in range(5)]
    path = f"/data_sources/{source['id']}/query"
    first = ask("POST", path, {"page_size": 2})
    assert [one["id"] for one in first["results"]] == ids[:-3:-1]
    kind, session, item = first["next_cursor"].split(":")
    assert (kind, item) == ("s", ids[2])
    late = ask.row(source, "late")["id"]
    rest = ask("POST", path, {"start_cursor": first["next_cursor"]})
    assert [one["id"] for one in rest["results"]] == ids[2::-1]
    assert late not in {one["id"] for one in rest["results"]}
    assert session


def test_a_cursor_dies_with_its_session_and_serves_its_own_query_only(emulator: Emulator, ask: Any) -> None:
    source = ask.table()
    for n in range(3):
        ask.row(source, str(n))
    path = f"/data_sources/{source['id']}/query"
    cursor = ask("POST", path, {"page_size": 1})["next_cursor"]
    stale = (400, "validation_error", f"The start_cursor provided is invalid: {cursor}")
    sorted_otherwise = {
        "start_cursor": cursor,
        "sorts": [{"timestamp": "created_time", "direction": "ascending"}],
    }
    assert ask.refusal("POST", path, sorted_otherwise) == stale
    assert ask("POST", path, {"start_cursor": cursor, "page_size": 1})["has_more"] is True
    emulator.clock.advance(3601)
    assert ask.refusal("POST", path, {"start_cursor": cursor}) == stale
    cursor = ask("POST", path, {"page_size": 1})["next_cursor"]
    emulator.sessions.clear()
    assert ask.refusal("POST", path, {"start_cursor": cursor})[1] == "validation_error"


def test_the_cap_ends_a_query_and_says_so(emulator: Emulator, ask: Any) -> None:
    source = ask.table()
    for n in range(6):
        ask.row(source, str(n))
    emulator.settings.result_cap = 5
    path = f"/data_sources/{source['id']}/query"
    first = ask("POST", path, {"page_size": 3})
    assert "request_status" not in first
    last = ask("POST", path, {"page_size": 3, "start_cursor": first["next_cursor"]})
    assert (len(last["results"]), last["has_more"], last["next_cursor"]) == (2, False, None)
    assert last["request_status"] == {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
    emulator.settings.result_cap = 6
    assert "request_status" not in ask("POST", path, {})


def test_a_query_filters_sorts_and_shows_what_is_named(ask: Any) -> None:
    source = ask.table({"N": {"number": {}}, "Other": {"checkbox": {}}})
    for n in range(4):
        ask.row(source, str(n), N={"number": n})
    body = {
        "filter": {"property": "N", "number": {"greater_than": 0}},
        "sorts": [{"property": "N", "direction": "ascending"}],
    }
    found = ask("POST", f"/data_sources/{source['id']}/query?filter_properties=N", body)["results"]
    assert [one["properties"] for one in found] == [
        {"N": {"id": source["properties"]["N"]["id"], "type": "number", "number": n}} for n in (1, 2, 3)
    ]


def test_trashed_rows_are_not_queried(ask: Any) -> None:
    source = ask.table()
    kept, gone = ask.row(source)["id"], ask.row(source)["id"]
    ask("PATCH", f"/pages/{gone}", {"in_trash": True})
    assert [one["id"] for one in ask("POST", f"/data_sources/{source['id']}/query", {})["results"]] == [kept]


def test_a_new_row_moves_neither_source_nor_database(emulator: Emulator, ask: Any) -> None:
    source = ask.table()
    database = f"/databases/{source['parent']['database_id']}"
    before = ask("GET", database)["last_edited_time"]
    emulator.clock.advance(120)
    ask.row(source)
    assert ask("GET", f"/data_sources/{source['id']}")["last_edited_time"] == source["last_edited_time"]
    assert ask("GET", database)["last_edited_time"] == before


def test_the_schema_changes_by_name_or_id(ask: Any) -> None:
    source = ask.table({"A": {"number": {}}, "S": {"select": {"options": [{"name": "x"}, {"name": "y"}]}}})
    path = f"/data_sources/{source['id']}"
    row = ask.row(source, S={"select": {"name": "y"}})
    id = source["properties"]["A"]["id"]
    renamed = ask("PATCH", path, {"properties": {id: {"name": "B"}}})["properties"]
    assert renamed["B"]["id"] == id
    options = ask("PATCH", path, {"properties": {"S": {"select": {"options": [{"name": "x"}]}}}})[
        "properties"
    ]["S"]["select"]["options"]
    assert [one["name"] for one in options] == ["x"]
    assert ask("GET", f"/pages/{row['id']}")["properties"]["S"]["select"] is None
    gone = ask("PATCH", path, {"properties": {"B": None}})["properties"]
    assert set(gone) == {"Name", "S"}


@pytest.mark.parametrize(
    "properties",
    [{"Name": None}, {"Nope": None}, {"Name": {"number": {}}}, {"X": {"title": {}}}, {"X": {"name": "Y"}},
     {"R": {"rollup": {"relation_property_name": "No", "rollup_property_name": "No", "function": "sum"}}},
     {"X": {"select": {"options": [{"name": "a,b"}]}}}, {"A": {"name": "Name"}}],
)  # fmt: skip
def test_a_schema_change_that_cannot_be_made_is_refused_and_changes_nothing(
    ask: Any, properties: Any
) -> None:
    source = ask.table({"A": {"number": {}}})
    path = f"/data_sources/{source['id']}"
    assert (
        ask.refusal("PATCH", path, {"properties": {"Fresh": {"checkbox": {}}, **properties}})[1]
        == "validation_error"
    )
    assert set(ask("GET", path)["properties"]) == {"Name", "A"}


def test_a_status_begins_with_three_options_in_three_groups(ask: Any) -> None:
    status = ask.table({"S": {"status": {}}})["properties"]["S"]["status"]
    assert [(one["name"], one["color"]) for one in status["options"]] == [
        ("Not started", "default"),
        ("In progress", "blue"),
        ("Done", "green"),
    ]
    assert [(one["name"], one["color"], len(one["option_ids"])) for one in status["groups"]] == [
        ("To-do", "gray", 1), ("In progress", "blue", 1), ("Complete", "green", 1),
    ]  # fmt: skip


def test_renaming_the_only_source_renames_the_database(ask: Any, text: Any) -> None:
    source = ask.table()
    ask("PATCH", f"/data_sources/{source['id']}", {"title": text("Renamed")})
    assert ask("GET", f"/databases/{source['parent']['database_id']}")["title"][0]["plain_text"] == "Renamed"


def test_a_refused_relation_unmakes_the_database(emulator: Emulator, ask: Any) -> None:
    nil = "00000000-0000-0000-0000-000000000000"
    schema = {"Name": {"title": {}}, "R": {"relation": {"data_source_id": nil, "single_property": {}}}}
    body = {
        "parent": {"type": "page_id", "page_id": emulator.root_page_id},
        "initial_data_source": {"properties": schema},
    }
    assert ask.refusal("POST", "/databases", body)[0] == 404
    assert not emulator.world.databases
    assert ask("GET", f"/blocks/{emulator.root_page_id}/children")["results"] == []


def test_a_source_moves_to_another_database(ask: Any) -> None:
    source, other = ask.table(), ask.table()
    target = other["parent"]["database_id"]
    moved = ask("PATCH", f"/data_sources/{source['id']}", {"parent": {"database_id": target}})
    assert moved["parent"]["database_id"] == target
    assert len(ask("GET", f"/databases/{target}")["data_sources"]) == 2


def test_templates_are_listed_and_applied_late(emulator: Emulator, ask: Any, paragraph: Any) -> None:
    source = ask.table({"N": {"number": {}}})
    world = emulator.world
    stored = world.data_sources[source["id"]]
    template = world.create_page(stored, "Weekly", is_template=True)
    stored.rows.remove(template.id)
    stored.templates.append(template.id)
    stored.default_template = template.id
    ask.append(template.id, paragraph("from the template"))
    listed = ask.raw("GET", f"/data_sources/{source['id']}/templates?name=WEEK")
    assert json.loads(listed.body) == {
        "templates": [{"id": template.id, "name": "Weekly", "is_default": True}],
        "has_more": False,
        "next_cursor": None,
    }
    row = ask(
        "POST",
        "/pages",
        {"parent": {"data_source_id": source["id"]}, "properties": {}, "template": {"type": "default"}},
    )
    assert ask("GET", f"/blocks/{row['id']}/children")["results"] == []
    emulator.clock.advance(5)
    assert len(ask("GET", f"/blocks/{row['id']}/children")["results"]) == 1
    assert ask("GET", f"/pages/{row['id']}")["properties"]["Name"]["title"][0]["plain_text"] == "Weekly"


CONFIGURED: dict[str, Any] = {
    **{name: {} for name in ("rich_text", "date", "people", "files", "checkbox", "url", "email", "phone_number", "created_time", "created_by",
                     "last_edited_time", "last_edited_by", "place", "button", "location", "verification", "last_visited_time")},
    "number": {"format": "yen"}, "select": {"options": [{"name": "a"}]}, "multi_select": {"options": []}, "status": {},
    "formula": {"expression": "1 + 1"}, "unique_id": {"prefix": "ID"},
}  # fmt: skip


@pytest.mark.parametrize("kind", CONFIGURED)
def test_a_property_of_each_type_is_made_and_has_a_value(ask: Any, kind: str) -> None:
    source = ask.table({"P": {kind: CONFIGURED[kind]}})
    entry = source["properties"]["P"]
    assert list(entry) == ["id", "name", "description", "type", kind]
    shown = ask.row(source)["properties"]["P"]
    assert list(shown) == ["id", "type", kind]
    assert shown["id"] == entry["id"]


def test_every_type_but_title_and_the_related_ones_is_tried_above() -> None:
    assert set(CONFIGS) - set(CONFIGURED) == {"title", "relation", "rollup"}


def test_a_data_source_has_a_limit_of_rows(emulator: Emulator, ask: Any) -> None:
    source = ask.table()
    ask.row(source)
    emulator.settings.row_limit = 1
    body = {"parent": {"data_source_id": source["id"]}, "properties": {}}
    assert ask.refusal("POST", "/pages", body)[:2] == (409, "row_limit_exceeded")


def test_a_trashed_source_has_no_rows_to_query(ask: Any) -> None:
    source = ask.table()
    ask.row(source)
    ask("PATCH", f"/databases/{source['parent']['database_id']}", {"in_trash": True})
    assert ask("POST", f"/data_sources/{source['id']}/query", {})["results"] == []


def test_nothing_is_moved_into_itself(ask: Any) -> None:
    source = ask.table()
    row = ask.row(source)["id"]
    database = source["parent"]["database_id"]
    assert (
        ask.refusal("PATCH", f"/databases/{database}", {"parent": {"page_id": row}})[1] == "validation_error"
    )
    assert ask.refusal("POST", f"/pages/{row}/move", {"parent": {"page_id": row}})[1] == "validation_error"
    parent = {"type": "page_id", "page_id": row}
    inner = ask(
        "POST", "/databases", {"parent": parent, "initial_data_source": {"properties": {"N": {"title": {}}}}}
    )["id"]
    assert (
        ask.refusal("PATCH", f"/data_sources/{source['id']}", {"parent": {"database_id": inner}})[1]
        == "validation_error"
    )
    assert ask("GET", f"/pages/{row}")["in_trash"] is False


def test_a_refused_write_makes_no_option(ask: Any) -> None:
    source = ask.table({"A": {"select": {}}, "N": {"number": {}}})
    values = {"A": {"select": {"name": "new"}}, "N": {"number": "x"}}
    ask.refusal("POST", "/pages", {"parent": {"data_source_id": source["id"]}, "properties": values})
    assert ask("GET", f"/data_sources/{source['id']}")["properties"]["A"]["select"]["options"] == []
