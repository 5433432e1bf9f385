"""The database of a mapping, read and written, on each kind."""

from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.sources.sql_places import PEOPLE, SqlPlace, postgres_place

from syncline.core.errors import BadInput, Unreachable
from syncline.core.mapped_values import PropertyType, Span, Value
from syncline.core.mapping import Exclusion, Key, MappedColumn, MappedTable, Row, Target
from syncline.sources.sql import SqlSource
from syncline.sources.sql_write import Moved, Refusal

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


async def every(source: SqlSource, mapped: MappedTable = PEOPLE, **options: object) -> list[Row]:
    return [row async for batch in source.rows(mapped, **options) for row in batch]  # type: ignore[arg-type]


def add(place: SqlPlace, name: str, **columns: object) -> None:
    names = ", ".join(["name", *columns])
    place.run(f"INSERT INTO people ({names}) VALUES (%s{', %s' * len(columns)})", [name, *columns.values()])


async def test_a_row_is_read_with_a_plain_value_for_each_property(place: SqlPlace) -> None:
    add(
        place,
        "Ada",
        score="10.50",
        active=True,
        born="1815-12-10",
        seen="2026-11-20 12:00:00+00:00",
        team_id=1,
        tags='["x", "y"]',
        changed="2026-11-20 11:00:00",
    )
    place.run("INSERT INTO people_skill VALUES (1, 2), (1, 1)")
    async with SqlSource(place.url) as source:
        [row] = await every(source)
    assert row.key == "1"
    assert row.values == {
        "Name": "Ada",
        "Score": 10.5,
        "Active": True,
        "Born": Span(date(1815, 12, 10)),
        "Seen": Span(NOON),
        "Team": ("1",),
        "Tags": ("x", "y"),
        "Skills": ("1", "2"),
    }
    assert row.changed_at == datetime(2026, 11, 20, 11, tzinfo=UTC)
    assert not row.problems


async def test_an_empty_row_is_nothing_but_its_key_and_an_unchecked_box(place: SqlPlace) -> None:
    add(place, "Ada")
    async with SqlSource(place.url) as source:
        [row] = await every(source)
    assert {name: value for name, value in row.values.items() if value is not None} == {
        "Name": "Ada",
        "Active": False,
    }


async def test_many_rows_come_in_batches_each_once(place: SqlPlace) -> None:
    place.run(
        "INSERT INTO people (name) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1201) "
        "SELECT 'p' || i FROM n"
    )
    place.run("INSERT INTO people_skill SELECT id, 1 FROM people")
    async with SqlSource(place.url) as source:
        sizes = [len(batch) async for batch in source.rows(PEOPLE)]
        rows = await every(source)
        assert await source.count(PEOPLE) == 1201
    assert sizes == [500, 500, 201]
    assert len({row.key for row in rows}) == 1201
    assert all(row.values["Skills"] == ("1",) for row in rows)


async def test_only_the_rows_with_given_keys_are_read(place: SqlPlace) -> None:
    for name in "abc":
        add(place, name)
    async with SqlSource(place.url) as source:
        assert [row.key for row in await every(source, keys={"3", "1", "99"})] == ["1", "3"]


async def test_what_changed_since_is_read_and_nothing_of_it_is_missed(place: SqlPlace) -> None:
    for hour in (9, 10, 11):
        add(place, f"at {hour}", changed=f"2026-11-20 {hour:02}:00:00")
    async with SqlSource(place.url) as source:
        since = datetime(2026, 11, 20, 10, tzinfo=UTC)
        assert [row.values["Name"] for row in await every(source, since=since)] == ["at 10", "at 11"]
        paris = ZoneInfo("Europe/Paris")
        named = [row.values["Name"] for row in await every(source, since=since, zone=paris)]
        assert named == ["at 11"]  # at 10 in Paris is nine in Greenwich


async def test_a_condition_an_exclusion_and_a_query_choose_the_rows(place: SqlPlace) -> None:
    for name, tags in (("a", "x"), ("b", "internal"), ("c:d", "x")):
        add(place, name, tags=tags)
    async with SqlSource(place.url) as source:
        asked = replace(PEOPLE, where="name LIKE '%:d' OR tags = 'internal'")
        assert [row.values["Name"] for row in await every(source, asked)] == ["b", "c:d"]
        excluding = replace(PEOPLE, exclude=(Exclusion("tags", ("internal",)),))
        assert [row.excluded for row in await every(source, excluding)] == [None, "tags is internal", None]
        query = MappedTable(
            name="upper",
            database=Target(name="Upper"),
            key=Key("code"),
            columns=(MappedColumn("label", "Name", PropertyType.TITLE),),
            query="SELECT name AS code, upper(name) || ':' AS label FROM people WHERE tags <> 'a:b';",
        )
        assert [row.values["Name"] for row in await every(source, query)] == ["A:", "B:", "C:D:"]
        described = await source.described(query)
        assert described is not None
        assert [column.name for column in described.columns] == ["code", "label"]


async def test_a_query_that_would_write_is_refused(place: SqlPlace) -> None:
    add(place, "Ada")
    asked = replace(PEOPLE, query="DELETE FROM people RETURNING id")
    writing = "WITH gone AS (DELETE FROM people RETURNING *) SELECT * FROM gone"
    async with SqlSource(place.url) as source:
        for query in (asked, replace(PEOPLE, query=writing)):
            with pytest.raises(BadInput):
                await every(source, query)
    assert place.run("SELECT count(*) FROM people") == [(1,)]


async def test_all_batches_are_one_snapshot_link_tables_too(place: SqlPlace) -> None:
    if place.dialect == "sqlite":
        place.run("PRAGMA journal_mode = WAL")  # else a writer waits for the reader
    place.run(
        "INSERT INTO people (name) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) "
        "SELECT 'p' FROM n"
    )
    async with SqlSource(place.url) as source, aclosing(source.rows(PEOPLE)) as batches:
        await anext(batches)
        place.run("INSERT INTO people_skill SELECT id, 1 FROM people")
        place.run("UPDATE people SET name = 'q'")
        rest = await anext(batches)
    assert {(row.values["Name"], row.values["Skills"]) for row in rest} == {("p", None)}


async def test_a_value_that_cannot_be_is_a_problem_of_its_property_alone(place: SqlPlace) -> None:
    add(place, "Ada", tags="x")
    mapped = replace(PEOPLE, columns=(PEOPLE.columns[0], MappedColumn("tags", "Size", PropertyType.NUMBER)))
    async with SqlSource(place.url) as source:
        [row] = await every(source, mapped)
    assert row.values == {"Name": "Ada"}
    assert row.problems == {"Size": "'x' is not a number"}


async def test_keys_that_two_rows_have_are_found(place: SqlPlace) -> None:
    for name in ("a", "b", "a"):
        add(place, name)
    async with SqlSource(place.url) as source:
        assert await source.duplicate_keys(replace(PEOPLE, key=Key("name"))) == ["a"]
        assert await source.duplicate_keys(PEOPLE) == []


@pytest.mark.parametrize(
    ("mapped", "said"),
    [
        (replace(PEOPLE, where="nonsense > 1"), "nonsense"),
        (replace(PEOPLE, table="nowhere"), "nowhere"),
        (replace(PEOPLE, changed="ghost"), "ghost"),
    ],
)
async def test_what_the_database_does_not_know_is_bad_input_in_its_own_words(
    place: SqlPlace, mapped: MappedTable, said: str
) -> None:
    async with SqlSource(place.url) as source:
        with pytest.raises(BadInput, match=f"refuses what the mapping asks for: .*{said}"):
            await every(source, mapped)


async def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be opened"):
        async with SqlSource(str(tmp_path / "none.sqlite")):
            pass
    assert not (tmp_path / "none.sqlite").exists()


# --- writing ------------------------------------------------------------------------------------------------------

WRITTEN: dict[str, Value] = {
    "Name": "Ada",
    "Score": 10.5,
    "Active": True,
    "Born": Span(date(1815, 12, 10)),
    "Seen": Span(NOON),
    "Team": ("2",),
    "Tags": ("x", "y"),
    "Skills": ("1", "2"),
}


async def test_a_row_that_was_written_is_read_as_it_was_written(place: SqlPlace) -> None:
    async with SqlSource(place.url) as source:
        async with source.writing() as writer:
            key = await writer.next_key(PEOPLE)
            made = await writer.insert(PEOPLE, key, WRITTEN)
        [row] = await every(source)
    assert made == row
    assert row.values == WRITTEN


async def test_a_row_that_chooses_its_own_key_says_it(place: SqlPlace) -> None:
    add(place, "first")
    async with SqlSource(place.url) as source, source.writing() as writer:
        made = await writer.insert(PEOPLE, None, {"Name": "second", "Skills": ("2",)})
    assert (made.key, made.values["Skills"]) == ("2", ("2",))


async def test_an_update_touches_only_the_columns_it_names_and_null_clears(place: SqlPlace) -> None:
    add(place, "Ada", score="1.00", notes="ours", tags="x", team_id=1)
    place.run("INSERT INTO people_skill VALUES (1, 1)")
    changes: dict[str, Value] = {"Tags": None, "Team": None, "Skills": ("2",), "Score": 2}
    async with SqlSource(place.url) as source, source.writing() as writer:
        row = await writer.update(PEOPLE, "1", changes, expected={"Tags": ("x",), "Score": 1})
    assert (row.values["Tags"], row.values["Team"], row.values["Skills"]) == (None, None, ("2",))
    [(score, notes, tags)] = place.run("SELECT score, notes, tags FROM people")
    assert (float(score), notes, tags) == (2.0, "ours", None)


async def test_a_row_that_is_no_longer_as_expected_is_left_alone(place: SqlPlace) -> None:
    add(place, "Ada", tags="x")
    async with SqlSource(place.url) as source, source.writing() as writer:
        with pytest.raises(Moved):
            await writer.update(PEOPLE, "1", {"Tags": ("z",)}, expected={"Tags": ("y",)})
        with pytest.raises(Moved):
            await writer.update(PEOPLE, "2", {"Tags": ("z",)})
        with pytest.raises(Moved):
            await writer.update(PEOPLE, "no number", {"Tags": ("z",)})
        with pytest.raises(Moved):
            await writer.remove(PEOPLE, "1", expected={"Name": "Bob"})
        with pytest.raises(Moved):
            await writer.insert(PEOPLE, "1", {"Name": "Eve"})
    assert place.run("SELECT name, tags FROM people") == [("Ada", "x")]


@pytest.mark.parametrize(
    "values",
    [
        {"Name": None},
        {"Team": ("77",)},
        {"Team": ("1", "2")},
        {"Score": "not a number"},
        {"Born": Span(date(2026, 1, 1), date(2026, 1, 2))},
        {"Skills": ("77",)},
    ],
)
async def test_what_the_table_refuses_leaves_the_rest_of_the_transaction(
    place: SqlPlace, values: dict[str, Value]
) -> None:
    add(place, "Ada", tags="x")
    add(place, "Bob")
    async with SqlSource(place.url) as source, source.writing() as writer:
        with pytest.raises(Refusal):
            await writer.update(PEOPLE, "1", {"Tags": ("new",), **values})
        await writer.update(PEOPLE, "2", {"Tags": ("kept",)})
    assert place.run("SELECT name, tags FROM people ORDER BY id") == [("Ada", "x"), ("Bob", "kept")]


async def failing(source: SqlSource) -> None:
    async with source.writing() as writer:
        await writer.update(PEOPLE, "1", {"Name": "Eve"})
        raise ZeroDivisionError


async def test_an_exception_rolls_everything_back(place: SqlPlace) -> None:
    add(place, "Ada")
    async with SqlSource(place.url) as source:
        with pytest.raises(ZeroDivisionError):
            await failing(source)
    assert place.run("SELECT name FROM people") == [("Ada",)]


async def test_a_removed_row_takes_its_links_with_it(place: SqlPlace) -> None:
    add(place, "Ada")
    place.run("INSERT INTO people_skill VALUES (1, 1)")
    async with SqlSource(place.url) as source, source.writing() as writer:
        await writer.remove(PEOPLE, "1", expected={"Name": "Ada"})
    assert place.run("SELECT count(*) FROM people") == [(0,)]
    assert place.run("SELECT count(*) FROM people_skill") == [(0,)]


async def test_a_query_cannot_be_written_to(place: SqlPlace) -> None:
    async with SqlSource(place.url) as source, source.writing() as writer:
        with pytest.raises(BadInput, match="not a table"):
            await writer.update(replace(PEOPLE, query="SELECT 1"), "1", {})


# --- when the server goes away ------------------------------------------------------------------------------------

KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


async def interrupted(source: SqlSource, place: SqlPlace) -> None:
    async with source.writing() as writer:
        await writer.update(PEOPLE, "1", {"Name": "Eve"})
        place.run(KILL)
        await writer.update(PEOPLE, "2", {"Name": "Eve"})


async def test_a_server_that_goes_away_in_the_middle_is_one_sentence_and_nothing_is_half_done(
    postgres_url: str,
) -> None:
    place = postgres_place(postgres_url).tables()
    add(place, "Ada")
    add(place, "Bob")
    async with SqlSource(place.url) as source:
        with pytest.raises(Unreachable, match="cannot be reached"):
            await interrupted(source, place)
        assert place.run("SELECT name FROM people ORDER BY id") == [("Ada",), ("Bob",)]
        place.run(KILL)
        with pytest.raises(Unreachable):
            await every(source)
        assert len(await every(source)) == 2  # the next one opens a new connection
