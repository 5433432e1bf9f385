import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.contracts.destination import DestinationContract, load
from tests.destinations.sql_place import SqlPlace
from tests.factories import (
    block,
    changes,
    data_source,
    deleted,
    document,
    markdown,
    page,
    prop,
    text,
    uid,
    unread,
    value,
)

from syncline.core.errors import BadInput, StoreUnavailable, Unreachable
from syncline.core.model import Deletion, DocumentState, StoredRecord
from syncline.destinations.sql import SqlDestination

A, B, C, TASKS, OTHER = uid("a"), uid("b"), uid("c"), uid("tasks"), uid("other")


def tasks(title: str = "Tasks", /, **properties: dict[str, Any]) -> StoredRecord:
    return data_source(
        TASKS, title, properties={name.replace("_", " "): entry for name, entry in properties.items()}
    )


def row(key: str, title: str = "Row", /, **values: dict[str, Any]) -> StoredRecord:
    return page(key, title, row_of=TASKS, properties=values)


@pytest.fixture
def postgres(postgres_url: str) -> SqlPlace:
    return SqlPlace(postgres_url)


@pytest.fixture
def sqlite(tmp_path: Path) -> SqlPlace:
    return SqlPlace(f"sqlite:///{tmp_path / 'mirror.sqlite'}")


class TestSqlDestination(DestinationContract):
    pass


async def test_a_data_source_becomes_a_table_named_after_it(place: SqlPlace) -> None:
    await load(place, changes(tasks("Größe & Farbe", Due_date=prop("x", "date")), row(A, "One")))
    assert place.columns("grosse_farbe") == [
        "page_id",
        "name",
        "due_date",
        "due_date_end",
        "due_date_at",
        "due_date_end_at",
    ]
    assert place.query("SELECT page_id, name FROM grosse_farbe") == [(A, "One")]
    assert place.query("SELECT id, table_name FROM data_sources") == [(TASKS, "grosse_farbe")]


async def test_titles_that_give_the_same_name_are_numbered(place: SqlPlace) -> None:
    properties = {
        "Due": prop("1", "number"),
        "due": prop("2", "number"),
        "🎯": prop("3", "number"),
        "Order": prop("4", "number"),
    }
    sources = [data_source(uid(name), "Pages", properties=properties) for name in ("s1", "s2")]
    await load(place, changes(*sources))
    assert {"pages_2", "pages_3"} <= place.tables()
    assert sorted(place.columns("pages_2")) == ["due", "due_2", "name", "order_", "page_id", "property"]


async def test_a_renamed_property_renames_its_column_and_keeps_its_values(place: SqlPlace) -> None:
    await load(place, changes(tasks(Due=prop("d", "number")), row(A, Due=value("d", "number", 7))))
    await load(place, changes(tasks(Deadline=prop("d", "number")), after=2))
    assert place.query("SELECT deadline FROM tasks") == [(7,)]
    assert "due" not in place.columns("tasks")


async def test_two_properties_may_swap_names(place: SqlPlace) -> None:
    given = row(A, One=value("1", "number", 1), Two=value("2", "number", 2))
    await load(place, changes(tasks(One=prop("1", "number"), Two=prop("2", "number")), given))
    await load(place, changes(tasks(One=prop("2", "number"), Two=prop("1", "number")), after=2))
    assert place.query("SELECT one, two FROM tasks") == [(2, 1)]


async def test_two_data_sources_may_swap_names_one_after_the_other(place: SqlPlace) -> None:
    await load(place, changes(data_source(TASKS, "One"), data_source(OTHER, "Two"), row(A, "in one")))
    await load(place, changes(data_source(TASKS, "Two"), data_source(OTHER, "One"), after=3))
    names = dict(place.query("SELECT id, table_name FROM data_sources"))
    assert names == {TASKS: "two_2", OTHER: "one"}
    assert place.query("SELECT name FROM two_2") == [("in one",)]


async def test_views_follow_renamed_tables_and_columns(place: SqlPlace) -> None:
    await load(place, changes(tasks(Due=prop("d", "number")), row(A, Due=value("d", "number", 7))))
    place.query("CREATE VIEW mine AS SELECT due FROM tasks")
    await load(place, changes(tasks("Jobs", Deadline=prop("d", "number")), after=2))
    assert place.query("SELECT * FROM mine") == [(7,)]


async def test_a_view_that_is_broken_already_does_not_stop_sqlite(sqlite: SqlPlace) -> None:
    await load(sqlite, changes(tasks(Due=prop("d", "number"), Old=prop("o", "number")), row(A)))
    sqlite.query("CREATE VIEW lost AS SELECT x FROM nowhere")
    sqlite.query('CREATE VIEW "two words" AS SELECT y FROM lost')
    await load(sqlite, changes(tasks("Jobs", Deadline=prop("d", "number")), after=2))
    assert sorted(sqlite.columns("jobs")) == ["deadline", "name", "page_id"]
    assert [
        name for (name,) in sqlite.query("SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY 1")
    ] == ["lost", "two words"]


async def test_a_trigger_in_the_way_is_named(sqlite: SqlPlace) -> None:
    await load(sqlite, changes(tasks(Due=prop("d", "number"))))
    sqlite.query("CREATE TRIGGER mine AFTER INSERT ON tasks BEGIN SELECT due FROM tasks; END")
    with pytest.raises(BadInput, match="trigger mine"):
        await load(sqlite, changes(tasks(), after=1))


async def test_a_deleted_property_takes_its_column_with_it(place: SqlPlace) -> None:
    await load(place, changes(tasks(Due=prop("d", "date"), Ref=prop("r", "relation")), row(A)))
    await load(place, changes(tasks(), after=2))
    assert place.columns("tasks") == ["page_id", "name"]
    assert "tasks__ref" not in place.tables()


async def test_what_a_view_shows_on_postgres_stays_empty_under_an_old_name(postgres: SqlPlace) -> None:
    await load(postgres, changes(tasks(Due=prop("d", "number")), row(A, Due=value("d", "number", 7))))
    postgres.query("CREATE VIEW mine AS SELECT name, due FROM tasks")
    await load(
        postgres,
        changes(tasks(Due=prop("d", "rich_text")), row(A, Due=value("d", "rich_text", text("x"))), after=2),
    )
    assert postgres.query("SELECT * FROM mine") == [("Row", None)]
    assert postgres.query("SELECT due, due_old FROM tasks") == [("x", None)]
    await load(postgres, changes(deleted(tasks()), after=4))
    assert postgres.query("SELECT * FROM mine") == []
    assert "tasks_old" in postgres.tables()


async def test_a_property_of_another_type_is_filled_again_from_the_raw_values(place: SqlPlace) -> None:
    given = row(A, Due=value("d", "rich_text", text("soon")))
    await load(place, changes(tasks(Due=prop("d", "rich_text")), given))
    await load(place, changes(tasks(Due=prop("d", "multi_select")), after=2))
    await load(place, changes(tasks(Due=prop("d", "url")), after=3))
    assert place.query("SELECT due FROM tasks") == [("soon",)]


async def test_a_new_property_is_filled_for_rows_that_came_with_it(place: SqlPlace) -> None:
    await load(place, changes(tasks(), row(A, Due=value("d", "number", 3))))
    await load(place, changes(tasks(Due=prop("d", "number")), after=2))
    assert place.query("SELECT due FROM tasks") == [(3,)]


async def test_a_cleared_value_is_null(place: SqlPlace) -> None:
    schema = {
        "n": "number",
        "t": "rich_text",
        "s": "select",
        "m": "multi_select",
        "d": "date",
        "r": "relation",
        "p": "people",
        "u": "url",
        "f": "files",
    }
    full = {
        "n": 1, "t": text("x"), "s": {"name": "a"}, "m": [{"name": "a"}], "d": {"start": "2026-01-01"}, "r": [{"id": B}],
        "p": [{"object": "user", "id": C}], "u": "https://a.b", "f": [{"name": "f", "type": "external", "external": {"url": "https://a.b"}}],
    }  # fmt: skip
    empty = dict.fromkeys(schema) | {"t": [], "m": [], "r": [], "p": [], "f": []}
    source = tasks(**{key: prop(key, kind) for key, kind in schema.items()})
    await load(
        place, changes(source, row(A, **{key: value(key, kind, full[key]) for key, kind in schema.items()}))
    )
    assert None not in place.query("SELECT n, t, s, m, d, u, f FROM tasks")[0]
    await load(
        place, changes(row(A, **{key: value(key, kind, empty[key]) for key, kind in schema.items()}), after=2)
    )
    assert place.query("SELECT n, t, s, d, u FROM tasks") == [(None,) * 5]
    assert place.query("SELECT CAST(m AS TEXT), CAST(f AS TEXT) FROM tasks") == [("[]", "[]")]
    assert place.query("SELECT * FROM tasks__r UNION ALL SELECT * FROM tasks__p") == []


async def test_relations_and_people_are_link_tables_in_order(place: SqlPlace) -> None:
    people = [{"object": "user", "id": C, "name": "C"}, {"object": "user", "id": A}]
    given = row(A, Ref=value("r", "relation", [{"id": C}, {"id": B}]), Who=value("w", "people", people))
    await load(place, changes(tasks(Ref=prop("r", "relation"), Who=prop("w", "people")), given))
    assert place.query("SELECT from_id, position, to_id FROM tasks__ref ORDER BY position") == [
        (A, 0, C),
        (A, 1, B),
    ]
    assert place.query("SELECT to_id FROM tasks__who ORDER BY position") == [(C,), (A,)]


async def test_link_tables_follow_the_names_of_table_and_property(place: SqlPlace) -> None:
    await load(
        place, changes(tasks(Ref=prop("r", "relation")), row(A, Ref=value("r", "relation", [{"id": B}])))
    )
    await load(place, changes(tasks("Jobs", Needs=prop("r", "relation")), after=2))
    assert place.query("SELECT to_id FROM jobs__needs") == [(B,)]
    await load(
        place, changes(data_source(OTHER, "Tasks", properties={"Ref": prop("r", "relation")}), after=3)
    )
    assert {"jobs__needs", "tasks__ref"} <= place.tables()


@pytest.mark.parametrize(
    "number", [0, -1, 0.1, 2**53, 12345678.901234567, 1e20, 10**20, 5e-324, 1.7976931348623157e308]
)
async def test_numbers_come_back_as_the_double_that_was_sent(place: SqlPlace, number: float) -> None:
    await load(place, changes(tasks(N=prop("n", "number")), row(A, N=value("n", "number", number))))
    assert float(place.query("SELECT n FROM tasks")[0][0]) == float(number)


async def test_decimals_add_up_on_postgres(postgres: SqlPlace) -> None:
    rows = [row(key, N=value("n", "number", amount)) for key, amount in ((A, 0.1), (B, 0.2))]
    await load(postgres, changes(tasks(N=prop("n", "number")), *rows))
    assert postgres.query("SELECT sum(n) = 0.3 FROM tasks") == [(True,)]


DATES: tuple[tuple[dict[str, Any], tuple[str | None, ...]], ...] = (
    ({"start": "2026-07-01", "end": None}, ("2026-07-01", None, None, None)),
    ({"start": "2026-07-01", "end": "2026-07-03"}, ("2026-07-01", "2026-07-03", None, None)),
    ({"start": "2026-07-01T23:30:00.000-04:00"}, ("2026-07-01", None, "2026-07-02T03:30", None)),
    (
        {"start": "2026-07-01T09:00:00", "time_zone": "Europe/Berlin"},
        ("2026-07-01", None, "2026-07-01T07:00", None),
    ),
    (
        {"start": "2026-07-01T09:00:00", "time_zone": "Nowhere/Atall"},
        ("2026-07-01", None, "2026-07-01T09:00", None),
    ),
    ({"start": "-000044-03-15"}, (None, None, None, None)),
)


@pytest.mark.parametrize(("date", "expected"), DATES)
async def test_a_date_keeps_its_day_and_its_moment(
    place: SqlPlace, date: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    await load(place, changes(tasks(D=prop("d", "date")), row(A, D=value("d", "date", date))))
    with place.connect() as conn:
        if conn.dialect.name == "postgresql":
            conn.execute(sa.text("SET TIME ZONE 'UTC'"))
        found = conn.execute(sa.text("SELECT d, d_end, d_at, d_end_at FROM tasks")).one()
    shown = [None if entry is None else str(entry).replace(" ", "T")[:16] for entry in found]
    assert tuple(shown) == expected


async def test_a_formula_takes_the_type_of_its_results_and_text_where_they_differ(place: SqlPlace) -> None:
    def result(kind: str, content: Any) -> dict[str, Any]:
        return value("f", "formula", {"type": kind, kind: content})

    await load(
        place,
        changes(
            tasks(F=prop("f", "formula")), row(A, F=result("number", None)), row(B, F=result("number", 2))
        ),
    )
    assert place.query("SELECT page_id FROM tasks WHERE f + 1 = 3") == [(B,)]
    await load(place, changes(row(C, F=result("string", "two")), after=3))
    assert sorted(place.query("SELECT f FROM tasks WHERE f IS NOT NULL")) == [("2",), ("two",)]


async def test_a_rollup_of_dates_gets_the_columns_of_a_date(place: SqlPlace) -> None:
    span = value(
        "r",
        "rollup",
        {"type": "date", "date": {"start": "2026-01-01", "end": "2026-02-01"}, "function": "date_range"},
    )
    await load(place, changes(tasks(R=prop("r", "rollup")), row(A, R=span)))
    assert [tuple(map(str, found)) for found in place.query("SELECT r, r_end FROM tasks")] == [
        ("2026-01-01", "2026-02-01")
    ]


async def test_lists_are_json_that_the_database_can_search(place: SqlPlace) -> None:
    tags = value("t", "multi_select", [{"name": "red\0"}, {"name": "\\u0000 🙂"}])
    await load(place, changes(tasks(T=prop("t", "multi_select")), row(A, T=tags)))
    with place.connect() as conn:
        each = {"sqlite": "json_each(t)", "postgresql": "jsonb_array_elements_text(t) AS e(value)"}[
            conn.dialect.name
        ]
        assert list(conn.scalars(sa.text(f"SELECT value FROM tasks, {each}"))) == ["red\ufffd", "\\u0000 🙂"]


async def test_raw_json_is_kept_without_loss(place: SqlPlace) -> None:
    odd = page(A, "half \ud83d and \0", properties={"T": value("t", "rich_text", text("\0 \udc00 \\u0000"))})
    await load(place, changes(odd))
    with place.connect() as conn:
        [raw] = conn.scalars(sa.text("SELECT CAST(raw AS TEXT) FROM pages"))
    assert json.loads(raw) == odd.data


async def test_blocks_are_rows_in_reading_order(place: SqlPlace) -> None:
    lists = {A: [block("one", children=True), block("two")], uid("one"): [block("inner")]}
    await load(place, changes((page(A, "P"), document(A, lists))))
    found = place.query("SELECT text, depth, parent_id FROM blocks ORDER BY position")
    assert found == [("one", 0, A), ("inner", 1, uid("one")), ("two", 0, A)]
    await load(place, changes((page(A, "P"), document(A, [block("new")])), after=1))
    assert place.query("SELECT text FROM blocks") == [("new",)]


async def test_what_notion_refuses_is_listed_and_stands_in_its_place(place: SqlPlace) -> None:
    refused = document(
        A, [block("t", "toggle", children=True)], state=DocumentState.MARKED, unread=(unread(uid("t")),)
    )
    await load(place, changes((page(A, "P"), refused)))
    reason = "404 object_not_found: Could not find block."
    assert place.query("SELECT text FROM blocks WHERE type = 'unread'") == [(reason,)]
    [(state, listed)] = place.query("SELECT content_state, CAST(unread AS TEXT) FROM pages")
    assert (state, listed) == ("marked", f'["{reason}"]')


async def test_content_is_held_as_markdown_in_either_fidelity(place: SqlPlace) -> None:
    await load(
        place,
        changes(
            (page(A, "A"), document(A, [block("from blocks")])), (page(B, "B"), markdown(B, "# from Notion"))
        ),
    )
    assert sorted(place.query("SELECT markdown FROM pages")) == [("# from Notion",), ("from blocks",)]


async def test_a_tombstone_says_why_and_leaves_no_row_and_no_blocks(place: SqlPlace) -> None:
    await load(
        place,
        changes(
            tasks(Ref=prop("r", "relation")),
            (row(A, Ref=value("r", "relation", [{"id": B}])), document(A, [block("x")])),
        ),
    )
    await load(place, changes(deleted(row(A), reason=Deletion.UNREACHABLE), after=2))
    assert place.query("SELECT deletion, deleted_at IS NULL FROM pages") in (
        [("unreachable", False)],
        [("unreachable", 0)],
    )
    assert (
        place.query(
            "SELECT page_id FROM tasks UNION ALL SELECT from_id FROM tasks__ref UNION ALL SELECT id FROM blocks"
        )
        == []
    )


async def test_a_row_that_moves_to_another_table_leaves_the_first(place: SqlPlace) -> None:
    await load(place, changes(tasks(), data_source(OTHER, "Other"), row(A, "One")))
    await load(place, changes(page(A, "One", row_of=OTHER), after=3))
    assert place.query("SELECT page_id FROM tasks") == []
    assert place.query("SELECT page_id FROM other") == [(A,)]


async def test_tables_and_columns_of_other_people_are_left_alone(place: SqlPlace) -> None:
    async with place.destination():
        place.query("CREATE TABLE tasks (mine TEXT)")
    await load(place, changes(tasks(Due=prop("d", "number")), row(A, Due=value("d", "number", 1))))
    place.query("ALTER TABLE tasks_2 ADD COLUMN note TEXT")
    place.query("UPDATE tasks_2 SET note = 'mine'")
    await load(
        place,
        changes(
            tasks(Due=prop("d", "number"), Note=prop("n", "number")),
            row(A, Note=value("n", "number", 5)),
            after=2,
        ),
    )
    assert place.query("SELECT note, note_2, due FROM tasks_2") == [("mine", 5, None)]
    assert place.columns("tasks") == ["mine"]


async def test_a_database_with_tables_of_our_names_is_refused_and_left_as_it_was(place: SqlPlace) -> None:
    place.query("CREATE TABLE users (id INTEGER)")
    with pytest.raises(BadInput, match="already has a table users"):
        await load(place, changes(page(A)))
    assert place.tables() == {"users"}


async def test_two_connections_share_a_postgres_database_in_two_schemas(postgres_url: str) -> None:
    one, two = SqlPlace(postgres_url), SqlPlace(postgres_url, schema="second; one")
    await load(one, changes(tasks(), row(A)))
    async with two.destination("two") as destination:
        await destination.write(changes(tasks(), row(B)), 2)
    assert (one.query("SELECT page_id FROM tasks"), two.query("SELECT page_id FROM tasks")) == (
        [(A,)],
        [(B,)],
    )


async def test_a_write_that_fails_changes_nothing(place: SqlPlace) -> None:
    await load(place, changes(tasks(), row(A, "One")))
    before = await place.dump()
    unwritable = replace(page(B, "Two"), data={"properties": {"x": {1, 2}}})  # a set is no JSON
    with pytest.raises(Exception, match="not JSON serializable"):
        await load(place, changes(tasks("Jobs", N=prop("n", "number")), unwritable, after=2))
    assert await place.dump() == before


UNUSABLE: tuple[tuple[str, type[Exception], str], ...] = (
    ("mysql://localhost/x", BadInput, "SQLite or PostgreSQL"),
    ("sqlite://", BadInput, "names no file"),
    ("sqlite:///x?schema=y", BadInput, "only PostgreSQL has schemas"),
    ("postgresql://localhost:x/y", BadInput, "cannot be read"),
)


@pytest.mark.parametrize(("url", "kind", "message"), UNUSABLE)
def test_a_url_that_is_no_destination_is_refused_at_once(
    url: str, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        SqlDestination(url, "one")


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"postgresql://me:\*\*\*@127\.0\.0\.1:1/x"):
        async with SqlDestination("postgresql://me:secret@127.0.0.1:1/x", "one"):
            pass


async def test_a_password_in_the_query_is_not_printed() -> None:
    with pytest.raises(Unreachable, match=r"postgresql:///x\?host=127\.0\.0\.1&port=1 ") as caught:
        async with SqlDestination("postgresql:///x?host=127.0.0.1&port=1&password=geheim", "one"):
            pass
    assert "geheim" not in str(caught.value)


async def test_an_option_that_no_server_has_is_refused() -> None:
    with pytest.raises(BadInput, match=r'has no such option .*"bogus"'):
        async with SqlDestination("postgresql://127.0.0.1:1/x?bogus=1", "one"):
            pass


async def test_a_database_that_is_not_there_is_named(postgres_url: str) -> None:
    with pytest.raises(BadInput, match="does not exist"):
        async with SqlDestination(postgres_url.replace("/test_", "/no_"), "one"):
            pass


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, but long enough to be looked at" * 50)
    with pytest.raises(BadInput, match="not an SQLite database"):
        async with SqlDestination(tmp_path / "notes.txt", "one"):
            pass


async def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be opened"):
        async with SqlDestination(tmp_path / "no" / "x.sqlite", "one"):
            pass


async def test_a_full_disk_is_said_plainly_and_changes_nothing(sqlite: SqlPlace) -> None:
    await load(sqlite, changes(page(A, "One")))
    async with sqlite.destination() as destination:
        assert destination._engine is not None
        async with destination._engine.connect() as conn:
            await conn.execute(sa.text("PRAGMA max_page_count = 1"))
        with pytest.raises(StoreUnavailable, match="cannot grow"):
            await destination.write(changes(page(B, "x" * 500_000), after=1), 2)
        assert await destination.checkpoint() == 1
    assert await sqlite.pages() == {A: "One"}


async def test_more_changes_than_a_statement_takes_are_written(sqlite: SqlPlace) -> None:
    await load(sqlite, changes(*(page(uid(str(number)), str(number)) for number in range(6000))))
    assert len(await sqlite.pages()) == 6000


async def test_a_newer_layout_is_refused(place: SqlPlace) -> None:
    await load(place, changes(page(A)))
    place.query("UPDATE _syncline_checkpoint SET format = 99")
    with pytest.raises(BadInput, match="newer"):
        await load(place, changes(page(A)))
