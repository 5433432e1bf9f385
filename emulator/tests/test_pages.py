from typing import Any

import pytest

from notion_emulator import Emulator


def test_a_page_reads_back_as_it_was_written(emulator: Emulator, ask: Any, paragraph: Any) -> None:
    made = ask.page(
        "Hello",
        icon={"emoji": "🌄"},
        cover={"external": {"url": "https://example.com/a.png"}},
        children=[paragraph("x")],
    )
    read = ask("GET", f"/pages/{made['id']}")
    assert {**made, "request_id": 0} == {**read, "request_id": 0}
    assert list(read) == [
        "object", "id", "created_time", "last_edited_time", "created_by", "last_edited_by", "cover", "icon", "parent", "in_trash",
        "is_archived", "is_locked", "properties", "url", "public_url", "request_id",
    ]  # fmt: skip
    assert read["icon"] == {"type": "emoji", "emoji": "🌄"}
    assert read["url"] == f"https://app.notion.com/p/Hello-{made['id'].replace('-', '')}"
    assert (
        ask("GET", f"/blocks/{made['id']}/children")["results"][0]["paragraph"]["rich_text"][0]["plain_text"]
        == "x"
    )


@pytest.mark.parametrize(
    ("version", "parent"),
    [
        ("2022-06-28", ["type", "database_id"]),
        ("2025-09-03", ["type", "data_source_id", "database_id"]),
        ("2026-03-11", ["type", "data_source_id", "database_id"]),
    ],
)
def test_a_row_names_its_parent_as_the_version_does(ask: Any, version: str, parent: list[str]) -> None:
    row = ask.row(ask.table())
    ask.version = version
    read = ask("GET", f"/pages/{row['id']}")
    assert list(read["parent"]) == parent
    assert ("archived" in read) == (version != "2026-03-11")


def test_every_writable_property_reads_back(ask: Any, text: Any) -> None:
    other = ask.table()
    target = ask.row(other)
    source = ask.table({
        "Text": {"rich_text": {}}, "Number": {"number": {"format": "euro"}}, "Select": {"select": {"options": [{"name": "a", "color": "red"}]}},
        "Multi": {"multi_select": {}}, "Status": {"status": {}}, "Date": {"date": {}}, "People": {"people": {}}, "Files": {"files": {}},
        "Check": {"checkbox": {}}, "Url": {"url": {}}, "Mail": {"email": {}}, "Phone": {"phone_number": {}},
        "Rel": {"relation": {"data_source_id": other["id"], "single_property": {}}}, "Place": {"place": {}}, "Id": {"unique_id": {"prefix": "T"}},
        "Twice": {"formula": {"expression": 'prop("Number") * 2'}}, "Made": {"created_time": {}}, "By": {"created_by": {}},
    })  # fmt: skip
    me = ask("GET", "/users/me")["id"]
    row = ask.row(
        source, Text={"rich_text": text("t")}, Number={"number": 4.5}, Select={"select": {"name": "a"}},
        Multi={"multi_select": [{"name": "x"}, {"name": "y"}]}, Status={"status": {"name": "Done"}},
        Date={"date": {"start": "2026-01-02T03:04:05Z", "end": "2026-01-03"}}, People={"people": [{"id": me}]},
        Files={"files": [{"name": "f", "external": {"url": "https://example.com/f"}}]}, Check={"checkbox": True},
        Url={"url": "https://example.com"}, Mail={"email": "a@example.com"}, Phone={"phone_number": "1"}, Rel={"relation": [{"id": target["id"]}]},
        Place={"place": {"lat": 1, "lon": 2}},
    )  # fmt: skip
    shown = {name: value[value["type"]] for name, value in row["properties"].items()}
    assert shown["Number"] == 4.5
    assert shown["Select"]["color"] == "red"
    assert [one["name"] for one in shown["Multi"]] == ["x", "y"]
    assert shown["Status"]["color"] == "green"
    assert shown["Date"] == {"start": "2026-01-02T03:04:05.000+00:00", "end": "2026-01-03", "time_zone": None}
    assert shown["People"][0]["type"] == "bot"
    assert shown["Files"] == [{"name": "f", "type": "external", "external": {"url": "https://example.com/f"}}]
    assert shown["Rel"] == [{"id": target["id"]}]
    assert row["properties"]["Rel"]["has_more"] is False
    assert shown["Id"] == {"prefix": "T", "number": 1}
    assert shown["Twice"] == {"type": "number", "number": 9}
    assert shown["Made"] == row["created_time"]
    assert shown["By"]["id"] == me
    schema = ask("GET", f"/data_sources/{source['id']}")["properties"]
    assert [one["name"] for one in schema["Multi"]["multi_select"]["options"]] == ["x", "y"]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"Colour": {"number": 1}}, "Colour is not a property that exists."),
        ({"N": {"rich_text": []}}, "N is expected to be number."),
        ({"S": {"select": {"name": "a,b"}}}, "Invalid select option, commas not allowed: a,b"),
        ({"St": {"status": {"name": "Nope"}}}, 'Invalid status option. Status option "Nope" does not exist.'),
        (
            {"U": {"url": ""}},
            "body failed validation: body.properties.U.url.length should be ≥ `1`, instead was `0`.",
        ),
        (
            {"N": {"number": "1"}},
            'body failed validation: body.properties.N.number should be a number or `null`, instead was `"1"`.',
        ),
        (
            {"F": {"formula": {}}},
            "body failed validation: body.properties.F.formula should be not present, instead was `{}`.",
        ),
    ],
)
def test_a_property_that_cannot_be_written_is_refused(ask: Any, properties: Any, message: str) -> None:
    source = ask.table(
        {
            "N": {"number": {}},
            "S": {"select": {}},
            "St": {"status": {}},
            "U": {"url": {}},
            "F": {"formula": {"expression": "1"}},
        }
    )
    body = {"parent": {"data_source_id": source["id"]}, "properties": properties}
    assert ask.refusal("POST", "/pages", body) == (400, "validation_error", message)


def test_null_clears_a_value(ask: Any) -> None:
    source = ask.table({"N": {"number": {}}, "D": {"date": {}}})
    row = ask.row(source, N={"number": 1}, D={"date": {"start": "2026-01-01"}})
    cleared = ask(
        "PATCH", f"/pages/{row['id']}", {"properties": {"N": {"number": None}, "D": {"date": None}}}
    )
    assert cleared["properties"]["N"]["number"] is None
    assert cleared["properties"]["D"]["date"] is None


def test_references_stop_at_25_and_the_property_lists_all(ask: Any) -> None:
    other = ask.table()
    targets = [ask.row(other, f"T{n}")["id"] for n in range(30)]
    source = ask.table({"Rel": {"relation": {"data_source_id": other["id"], "single_property": {}}}})
    row = ask.row(source, Rel={"relation": [{"id": id} for id in targets]})
    shown = row["properties"]["Rel"]
    assert (len(shown["relation"]), shown["has_more"]) == (25, True)
    listed = ask("GET", f"/pages/{row['id']}/properties/{shown['id']}")
    assert [one["relation"]["id"] for one in listed["results"]] == targets
    assert listed["property_item"]["type"] == "relation"
    first = ask("GET", f"/pages/{row['id']}/properties/{shown['id']}?page_size=20")
    assert (len(first["results"]), first["has_more"]) == (20, True)
    rest = ask("GET", f"/pages/{row['id']}/properties/{shown['id']}?start_cursor={first['next_cursor']}")
    assert len(rest["results"]) == 10


def test_a_rollup_is_computed_over_its_references(ask: Any) -> None:
    other = ask.table({"Cost": {"number": {}}})
    targets = [ask.row(other, Cost={"number": n})["id"] for n in (1, 2, 4)]
    source = ask.table({"Rel": {"relation": {"data_source_id": other["id"], "single_property": {}}}})
    rollups = {
        name: {"rollup": {"relation_property_name": "Rel", "rollup_property_name": "Cost", "function": name}}
        for name in ("sum", "show_original", "median")
    }
    ask("PATCH", f"/data_sources/{source['id']}", {"properties": rollups})
    row = ask.row(source, Rel={"relation": [{"id": id} for id in targets]})
    assert row["properties"]["sum"]["rollup"] == {"type": "number", "number": 7, "function": "sum"}
    assert [one["number"] for one in row["properties"]["show_original"]["rollup"]["array"]] == [1, 2, 4]
    assert row["properties"]["median"]["rollup"]["type"] == "unsupported"


def test_a_dual_relation_is_mirrored(ask: Any) -> None:
    left, right = ask.table(), ask.table()
    ask("PATCH", f"/data_sources/{left['id']}", {"title": [{"text": {"content": "Left"}}]})
    change = {"Friends": {"relation": {"data_source_id": right["id"], "dual_property": {}}}}
    ask("PATCH", f"/data_sources/{left['id']}", {"properties": change})
    schema = ask("GET", f"/data_sources/{right['id']}")["properties"]
    assert "Related to Left (Friends)" in schema
    there = ask.row(right)
    here = ask.row(left, Friends={"relation": [{"id": there["id"]}]})
    mirror = ask("GET", f"/pages/{there['id']}")["properties"]["Related to Left (Friends)"]
    assert mirror["relation"] == [{"id": here["id"]}]
    ask("PATCH", f"/pages/{here['id']}", {"properties": {"Friends": {"relation": []}}})
    assert ask("GET", f"/pages/{there['id']}")["properties"]["Related to Left (Friends)"]["relation"] == []


def test_filter_properties_shows_what_is_named(ask: Any) -> None:
    source = ask.table({"A": {"number": {}}, "B": {"number": {}}})
    row = ask.row(source)
    id = source["properties"]["A"]["id"]
    assert list(
        ask("GET", f"/pages/{row['id']}?filter_properties=B&filter_properties={id}")["properties"]
    ) == ["A", "B"]
    assert list(ask("GET", f"/pages/{row['id']}?filter_properties=A,B")["properties"]) == ["A", "B"]
    message = ask.refusal("GET", f"/pages/{row['id']}?filter_properties=Colour")[2]
    assert message == "Could not find property with name or id: Colour"


def test_what_is_written_is_normalised(ask: Any) -> None:
    bold = {"bold": True}
    runs = [
        {"text": {"content": "a"}}, {"text": {"content": "b"}}, {"text": {"content": ""}},
        {"text": {"content": "c", "link": {"url": "https://example.com"}}, "annotations": bold}, {"equation": {"expression": "x"}},
    ]  # fmt: skip
    page = ask("PATCH", f"/pages/{ask.page()['id']}", {"properties": {"title": runs}})
    title = page["properties"]["title"]["title"]
    assert [one["plain_text"] for one in title] == ["ab", "c", "x"]
    assert title[1]["href"] == "https://example.com/"
    assert title[1]["annotations"]["bold"] is True


def test_trash_and_restore(emulator: Emulator, ask: Any) -> None:
    page = ask.page()["id"]
    child = ask("POST", "/pages", {"parent": {"page_id": page}, "properties": {}})["id"]
    assert ask("PATCH", f"/pages/{page}", {"in_trash": True})["in_trash"] is True
    assert ask("GET", f"/pages/{child}")["in_trash"] is True
    assert ask("GET", f"/blocks/{emulator.root_page_id}/children")["results"] == []
    message = ask.refusal("PATCH", f"/pages/{child}", {"properties": {}})[2]
    assert message == "Can't edit block that is archived. You must unarchive the block before editing."
    assert ask("PATCH", f"/pages/{page}", {"in_trash": False})["in_trash"] is False
    assert ask("GET", f"/pages/{child}")["in_trash"] is False


def test_archived_is_a_word_of_older_versions(ask: Any) -> None:
    page = ask.page()["id"]
    assert (
        "body.archived should be not present" in ask.refusal("PATCH", f"/pages/{page}", {"archived": True})[2]
    )
    ask.version = "2022-06-28"
    assert ask("PATCH", f"/pages/{page}", {"archived": True})["archived"] is True


def test_a_page_moves_to_a_data_source_and_back(emulator: Emulator, ask: Any) -> None:
    source, page = ask.table({"N": {"unique_id": {}}}), ask.page("Moves")
    moved = ask("POST", f"/pages/{page['id']}/move", {"parent": {"data_source_id": source["id"]}})
    assert moved["properties"]["N"]["unique_id"]["number"] == 1
    assert moved["properties"]["Name"]["title"][0]["plain_text"] == "Moves"
    back = ask("POST", f"/pages/{page['id']}/move", {"parent": {"page_id": emulator.root_page_id}})
    assert list(back["properties"]) == ["title"]
    assert back["last_edited_time"] == page["last_edited_time"]


def test_a_page_cannot_move_into_itself(ask: Any) -> None:
    page = ask.page()["id"]
    child = ask("POST", "/pages", {"parent": {"page_id": page}, "properties": {}})["id"]
    assert ask.refusal("POST", f"/pages/{page}/move", {"parent": {"page_id": child}})[1] == "validation_error"


def test_position_places_a_page_among_its_siblings(emulator: Emulator, ask: Any) -> None:
    first = ask.page("first")["id"]
    ask.page("start", position={"type": "page_start"})
    ask.page("second", position={"type": "after_block", "after_block": {"id": first}})
    titles = [
        one["child_page"]["title"]
        for one in ask("GET", f"/blocks/{emulator.root_page_id}/children")["results"]
    ]
    assert titles == ["start", "first", "second"]


def test_two_kinds_of_content_exclude_each_other(emulator: Emulator, ask: Any) -> None:
    body = {
        "parent": {"page_id": emulator.root_page_id},
        "properties": {},
        "children": [],
        "template": {"type": "default"},
    }
    assert ask.refusal("POST", "/pages", body)[1] == "validation_error"


def test_creating_and_trashing_a_child_moves_the_parent_s_time_and_editing_it_does_not(
    emulator: Emulator, ask: Any
) -> None:
    home, clock = f"/pages/{emulator.root_page_id}", emulator.clock
    clock.freeze(clock.now() // 60_000 * 60_000)
    times = []
    page = ask.page()["id"]
    bodies: tuple[Any, ...] = ({"properties": {"title": []}}, {"in_trash": True})
    for body in bodies:
        times.append(ask("GET", home)["last_edited_time"])
        clock.advance(60)
        ask("PATCH", f"/pages/{page}", body)
    assert times[0] == times[1] != ask("GET", home)["last_edited_time"]


def test_a_database_id_on_the_pages_endpoint_says_so(ask: Any) -> None:
    database = ask.table()["parent"]["database_id"]
    message = ask.refusal("GET", f"/pages/{database}")[2]
    assert (
        message == f"Provided ID {database} is a database, not a page. Use the retrieve database API instead."
    )


def test_erase_content_empties_a_page(ask: Any, paragraph: Any) -> None:
    page = ask.page(children=[paragraph("x"), paragraph("y")])["id"]
    ask("PATCH", f"/pages/{page}", {"erase_content": True})
    assert ask("GET", f"/blocks/{page}/children")["results"] == []


@pytest.mark.parametrize(
    "more",
    [
        {"children": [{"paragraph": {"rich_text": []}}, {"paragraph": {"rich_text": [{"text": {"content": "x", "link": {"url": "nowhere"}}}]}}]},
        {"children": [{"image": {"file_upload": {"id": "00000000-0000-0000-0000-000000000000"}}}]},
        {"template": {"type": "default"}},
        {"position": {"type": "after_block", "after_block": {"id": "00000000-0000-0000-0000-000000000000"}}},
        {"cover": {"file_upload": {"id": "00000000-0000-0000-0000-000000000000"}}},
    ],
)  # fmt: skip
def test_a_page_that_is_refused_was_not_made(emulator: Emulator, ask: Any, more: Any) -> None:
    body = {"parent": {"page_id": emulator.root_page_id}, "properties": {}, **more}
    assert ask.refusal("POST", "/pages", body)[1] == "validation_error"
    assert ask("GET", f"/blocks/{emulator.root_page_id}/children")["results"] == []


def test_an_append_that_is_refused_adds_nothing(ask: Any, paragraph: Any) -> None:
    page = ask.page()["id"]
    linked = {"paragraph": {"rich_text": [{"text": {"content": "x", "link": {"url": "nowhere"}}}]}}
    body = {"children": [paragraph("a"), {"toggle": {"rich_text": [], "children": [linked]}}]}
    assert ask.refusal("PATCH", f"/blocks/{page}/children", body)[2] == "Invalid URL for link."
    assert ask("GET", f"/blocks/{page}/children")["results"] == []


def test_a_page_of_markdown_may_be_made_later(emulator: Emulator, ask: Any) -> None:
    body = {"parent": {"page_id": emulator.root_page_id}, "markdown": "# Title\n\nText", "allow_async": True}
    task = ask("POST", "/pages", body, status=202)
    assert (task["status"], task["operation"]["name"]) == ("queued", "POST /v1/pages")
    emulator.clock.advance(5)
    done = ask("GET", f"/async_tasks/{task['id']}")
    page = done["result"]["id"]
    assert ask("GET", f"/pages/{page}")["properties"]["title"]["title"][0]["plain_text"] == "Title"
    assert ask("GET", f"/pages/{page}/markdown")["markdown"] == "Text"


def test_a_time_zone_gives_its_offset(ask: Any) -> None:
    source = ask.table({"D": {"date": {}}})
    row = ask.row(source, D={"date": {"start": "2026-07-01T12:00:00", "time_zone": "America/New_York"}})
    expected = {"start": "2026-07-01T12:00:00.000-04:00", "end": None, "time_zone": "America/New_York"}
    assert row["properties"]["D"]["date"] == expected
    for date in ({"start": "2026-07-01T12:00:00", "time_zone": "Mars/Base"}, {"start": "soon"}):
        assert (
            ask.refusal("PATCH", f"/pages/{row['id']}", {"properties": {"D": {"date": date}}})[1]
            == "validation_error"
        )


def test_what_comes_out_of_the_trash_may_be_unshared(emulator: Emulator, ask: Any) -> None:
    page = ask.page()["id"]
    emulator.settings.restore_drops_access = True
    emulator.world.trash(emulator.world.pages[page])
    emulator.world.restore(emulator.world.pages[page])
    assert ask.refusal("GET", f"/pages/{page}")[0] == 404
