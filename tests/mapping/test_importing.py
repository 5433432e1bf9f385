"""Import: pulled pages become rows of somebody's own tables, changed ones alone, cleared ones cleared, on both databases."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.engine.pulling import HOME, Pulling
from tests.mapping.cadence import HUB, client_of, notion
from tests.sources.sql_places import SqlPlace, postgres_place, sqlite_place

from syncline.app import App
from syncline.core.errors import BadInput, NotFound, TooManyDeletions
from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import (
    PAGE_ID,
    DeletePolicy,
    Deletes,
    Direction,
    Key,
    LinkTable,
    MappedColumn,
    MappedTable,
    Mapping,
    Target,
)
from syncline.mapping.importing import Asked, Import, Imported, Outcome, order
from syncline.mapping.targets import resolve
from syncline.notion import operations as op
from syncline.notion.client import Client
from syncline.settings import Settings
from syncline.sources.sql import SqlSource
from syncline.store import connections
from syncline.store.database import Database
from syncline.store.secrets import KeyRing

T = PropertyType
TABLES = """
CREATE TABLE crew (
    code TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT, email TEXT, active BOOLEAN, pay NUMERIC, boss TEXT REFERENCES crew (code)
);
CREATE TABLE job (
    page TEXT PRIMARY KEY, title TEXT, due DATE, crew TEXT REFERENCES crew (code), edited {zoned}, mine TEXT DEFAULT 'kept'
);
CREATE TABLE job_after (job TEXT REFERENCES job (page), after TEXT REFERENCES job (page), PRIMARY KEY (job, after));
"""
CREW = MappedTable(
    name="crew",
    table="crew",
    database=Target(name="Team Directory", under=HUB),
    key=Key("code"),
    direction=Direction.PULL,
    columns=(
        MappedColumn("name", "Name", T.TITLE),
        MappedColumn("role", "Role", T.SELECT),
        MappedColumn("email", "Email", T.EMAIL),
        MappedColumn("active", "Active", T.CHECKBOX),
    ),
)
JOB = MappedTable(
    name="job",
    table="job",
    database=Target(name="Development Tasks", under=HUB),
    key=Key("page", PAGE_ID),
    direction=Direction.PULL,
    columns=(
        MappedColumn("title", "Name", T.TITLE),
        MappedColumn("due", "Due", T.DATE),
        MappedColumn("crew", "Assignee", T.RELATION, relation="crew"),
        MappedColumn(
            "after", "Blocked by", T.RELATION, relation="job", through=LinkTable("job_after", "job", "after")
        ),
    ),
    deletes=Deletes(DeletePolicy.TRASH, threshold=0.5),
)


@dataclass
class Bench:
    """A Notion, a store, a database, and the import from the one into the other."""

    pulling: Pulling
    app: App
    client: Client
    source: SqlSource
    place: SqlPlace
    mapping: Mapping

    async def add(self, database: str, **values: Any) -> str:
        """Make a page; properties by name, underscores for spaces."""
        schema = await resolve(self.client, Target(name=database, under=HUB))
        parent = {"type": "data_source_id", "data_source_id": schema.data_source}
        return str(
            (await self.client.send(op.create_page(parent=parent, properties=_properties(values))))["id"]
        )

    async def change(self, page: str, **values: Any) -> None:
        await self.client.send(op.update_page(page, properties=_properties(values)))

    async def trash(self, page: str) -> None:
        await self.client.send(op.update_page(page, in_trash=True))

    async def pull(self) -> None:
        await self.pulling.pull()
        self.pulling.pass_time(minutes=2)

    async def bring(self, **asked: Any) -> dict[str, Imported]:
        """Pull and import."""
        await self.pull()
        return await self.only_import(**asked)

    async def only_import(self, **asked: Any) -> dict[str, Imported]:
        async with self.app.database.read() as conn:
            connection = await connections.find(conn, HOME)
        work = Import(self.app, connection, self.mapping, self.source, asked=Asked(**asked))
        return await work.run(self.client)


def _properties(values: dict[str, Any]) -> dict[str, Any]:
    text = {"Name": "title", "External_ID": "rich_text"}
    return {
        name.replace("_", " "): {text[name]: [{"text": {"content": value}}] if value else []}
        if name in text
        else value
        for name, value in values.items()
    }


def counts(imported: Imported) -> dict[str, int]:
    return {str(outcome): count for outcome in Outcome if (count := imported.count(outcome))}


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path, sqlite_path: Path) -> AsyncIterator[Bench]:
    if request.param == "sqlite":
        place = sqlite_place(str(tmp_path / "own.sqlite"))
    else:
        place = postgres_place(request.getfixturevalue("postgres_url"))
    for statement in TABLES.format(zoned="TIMESTAMP" if request.param == "sqlite" else "TIMESTAMPTZ").split(
        ";"
    ):
        if statement.strip():
            place.run(statement)
    async with AsyncExitStack() as stack:
        database = await Database.open(sqlite_path)
        stack.push_async_callback(database.close)
        emulator, ring = notion(), KeyRing.open(tmp_path)
        emulator.clock.freeze(1_795_276_000_000)
        pulling = Pulling(emulator, database)
        await pulling.connect(ring)
        app = App(settings=Settings(home=tmp_path), database=database, keys=ring, now=pulling.now)
        source = await stack.enter_async_context(SqlSource(place.url))
        client = await stack.enter_async_context(client_of(emulator))
        yield Bench(pulling, app, client, source, place, Mapping("m", place.url, (JOB, CREW)))


async def test_pages_become_typed_rows_with_their_relations(bench: Bench) -> None:
    ada = await bench.add(
        "Team Directory", Name="Ada", External_ID="A", Active={"checkbox": True}, Email={"email": "a@x"}
    )
    first = await bench.add(
        "Development Tasks",
        Name="one",
        Due={"date": {"start": "2026-12-01"}},
        Assignee={"relation": [{"id": ada}]},
    )
    second = await bench.add("Development Tasks", Name="two", Blocked_by={"relation": [{"id": first}]})
    await bench.change(first, Blocked_by={"relation": [{"id": second}]})  # they wait for each other
    result = await bench.bring()
    assert counts(result["crew"]) == {"created": 1, "skipped": 2}  # two pages of the directory bear no key
    assert counts(result["job"]) == {"created": 2}
    [crew] = bench.place.run("SELECT code, name, role, email, active FROM crew")
    assert (*crew[:4], bool(crew[4])) == ("A", "Ada", None, "a@x", True)
    jobs = bench.place.run("SELECT page, title, due, crew, mine FROM job ORDER BY title")
    assert [(page, title, str(due), crew_, mine) for page, title, due, crew_, mine in jobs] == [
        (first, "one", "2026-12-01", "A", "kept"),
        (second, "two", "None", None, "kept"),
    ]
    assert sorted(bench.place.run("SELECT job, after FROM job_after")) == sorted(
        [(first, second), (second, first)]
    )


async def test_only_what_changed_is_written_and_what_was_cleared_is_null(bench: Bench) -> None:
    page = await bench.add("Development Tasks", Name="one", Due={"date": {"start": "2026-12-01"}})
    await bench.add("Development Tasks", Name="two")
    await bench.bring()
    bench.place.run("UPDATE job SET mine = 'changed'")
    assert [counts(each) for each in (await bench.bring()).values()] == [{}, {}]
    await bench.change(page, Due={"date": None}, Name="")
    result = await bench.bring()
    assert counts(result["job"]) == {"updated": 1}
    assert bench.place.run("SELECT title, due, mine FROM job WHERE page = %s", [page]) == [
        (None, None, "changed")
    ]


async def test_a_full_import_compares_everything_and_repairs_what_others_changed(bench: Bench) -> None:
    for name in ("one", "two"):
        await bench.add("Development Tasks", Name=name)
    await bench.bring()
    bench.place.run("UPDATE job SET title = 'vandalised' WHERE title = 'two'")
    assert counts((await bench.only_import())["job"]) == {}
    assert counts((await bench.only_import(full=True))["job"]) == {"unchanged": 1, "updated": 1}
    assert bench.place.run("SELECT title FROM job ORDER BY title") == [("one",), ("two",)]


async def test_a_trashed_page_takes_its_row_where_the_mapping_says_so(bench: Bench) -> None:
    pages = [await bench.add("Development Tasks", Name=name) for name in ("one", "two")]
    await bench.change(pages[0], Blocked_by={"relation": [{"id": pages[1]}]})
    key = await bench.add("Team Directory", Name="Ada", External_ID="A")
    await bench.bring()
    await bench.trash(pages[0])
    await bench.trash(key)
    result = await bench.bring()
    assert counts(result["job"]) == {"deleted": 1}
    assert bench.place.run("SELECT title FROM job") == [("two",)]
    assert bench.place.run("SELECT name FROM crew") == [("Ada",)]  # policy ignore


async def test_a_large_part_of_the_rows_is_not_deleted_unasked(bench: Bench) -> None:
    pages = [await bench.add("Development Tasks", Name=str(n)) for n in range(10)]
    await bench.bring()
    for page in pages[:6]:
        await bench.trash(page)
    with pytest.raises(TooManyDeletions, match="6 of 10 rows of job"):
        await bench.bring()
    assert bench.place.run("SELECT count(*) FROM job") == [(10,)]
    assert counts((await bench.only_import(accept_deletions=True))["job"]) == {"deleted": 6}


async def test_a_row_that_the_table_refuses_is_tried_again_and_the_others_are_written(bench: Bench) -> None:
    bench.place.run("CREATE UNIQUE INDEX one_name ON crew (name)")
    await bench.add("Team Directory", Name="Ada", External_ID="A")
    await bench.add("Team Directory", Name="Ada", External_ID="B")
    await bench.add("Team Directory", Name="Bob", External_ID="C")
    result = await bench.bring()
    assert counts(result["crew"]) == {"created": 2, "failed": 1, "skipped": 2}
    assert len(result["crew"].problems) == 1
    assert "one_name" in str(result["crew"].problems) or "UNIQUE" in str(result["crew"].problems)
    [refused] = result["crew"].problems
    await bench.change(refused, Name="Cleo")
    again = await bench.bring()
    assert again["crew"].problems == {}
    assert bench.place.run("SELECT count(*) FROM crew") == [(3,)]


async def test_two_pages_with_one_key_are_reported_and_neither_is_taken(bench: Bench) -> None:
    for name in ("Ada", "Eve"):
        await bench.add("Team Directory", Name=name, External_ID="A")
    result = await bench.bring()
    assert counts(result["crew"]) == {"failed": 2, "skipped": 2}
    assert set(result["crew"].problems.values()) == {
        "2 pages have the key A, so none of them is known to be the row"
    }
    assert bench.place.run("SELECT count(*) FROM crew") == [(0,)]


async def test_a_reference_to_a_page_without_a_key_is_left_out_and_counted(bench: Bench) -> None:
    nobody = await bench.add("Team Directory", Name="Ada")
    await bench.add("Development Tasks", Name="one", Assignee={"relation": [{"id": nobody}]})
    result = await bench.bring()
    assert result["job"].unresolved == 1
    assert bench.place.run("SELECT crew FROM job") == [(None,)]


async def test_a_property_that_was_renamed_in_notion_is_an_error_before_anything_is_written(
    bench: Bench,
) -> None:
    await bench.add("Development Tasks", Name="one")
    schema = await resolve(bench.client, JOB.database)
    await bench.client.send(op.update_data_source(schema.data_source, properties={"Due": {"name": "Until"}}))
    with pytest.raises(BadInput, match="no property Due"):
        await bench.bring()
    assert bench.place.run("SELECT count(*) FROM job") == [(0,)]


async def test_missing_tables_are_made_when_asked_and_hold_what_notion_holds(bench: Bench) -> None:
    made = replace(
        JOB,
        name="fresh",
        table="fresh",
        database=Target(name="Technical Decisions", under=HUB),
        columns=(
            MappedColumn("title", "Name", T.TITLE),
            MappedColumn("tags", "Tags", T.MULTI_SELECT),
            MappedColumn("size", "Bytes", T.NUMBER),
        ),
    )
    jobs = replace(
        JOB,
        table="jobs2",
        columns=(*JOB.columns[:3], replace(JOB.columns[3], through=LinkTable("jobs2_after", "job", "after"))),
    )
    bench.mapping = Mapping("m", "x", (jobs, CREW, made))
    first = await bench.add("Development Tasks", Name="one", Due={"date": {"start": "2026-12-01"}})
    await bench.add("Development Tasks", Name="two", Blocked_by={"relation": [{"id": first}]})
    tags = {"multi_select": [{"name": "b"}, {"name": "a"}]}
    await bench.add("Technical Decisions", Name="D", Tags=tags, Bytes={"number": 1.5})
    with pytest.raises(BadInput, match="no table jobs2: --create-tables makes it"):
        await bench.bring()
    result = await bench.only_import(create_tables=True)
    assert counts(result["job"]) == {"created": 2}
    assert bench.place.run("SELECT title, due FROM jobs2 ORDER BY title") == [
        ("one", "2026-12-01"),
        ("two", None),
    ]
    assert [pair[1] for pair in bench.place.run("SELECT job, after FROM jobs2_after")] == [first]
    [(kept, size)] = bench.place.run("SELECT tags, size FROM fresh")
    assert (kept, float(size)) == (["b", "a"] if bench.place.dialect == "postgresql" else '["b", "a"]', 1.5)
    full = await bench.only_import(full=True)
    assert [counts(full[name]) for name in ("job", "fresh")] == [{"unchanged": 2}, {"unchanged": 1}]


class Killed(Import):
    """An import that dies when its rows are written and its position is not."""

    async def _conclude(self, side: Any) -> None:
        raise ConnectionAbortedError


async def test_an_import_that_died_is_made_good_by_the_next(bench: Bench) -> None:
    first = await bench.add("Development Tasks", Name="one")
    await bench.add("Development Tasks", Name="two", Blocked_by={"relation": [{"id": first}]})
    await bench.pull()
    async with bench.app.database.read() as conn:
        connection = await connections.find(conn, HOME)
    with pytest.raises(ConnectionAbortedError):
        await Killed(bench.app, connection, bench.mapping, bench.source, asked=Asked()).run(bench.client)
    bench.place.run("DELETE FROM job_after")
    bench.place.run("UPDATE job SET title = NULL WHERE page = %s", [first])
    assert counts((await bench.only_import())["job"]) == {"updated": 2}
    assert bench.place.run("SELECT title FROM job ORDER BY title") == [("one",), ("two",)]
    assert len(bench.place.run("SELECT * FROM job_after")) == 1
    assert counts((await bench.only_import())["job"]) == {}


async def test_what_was_not_pulled_is_said(bench: Bench) -> None:
    with pytest.raises(NotFound, match="was not pulled yet: `syncline pull`"):
        await bench.only_import()


async def test_a_mapping_without_a_table_to_pull_is_said(bench: Bench) -> None:
    bench.mapping = Mapping("m", "x", (replace(CREW, direction=Direction.PUSH),))
    with pytest.raises(BadInput, match="No table of the mapping has direction = pull"):
        await bench.only_import()
    with pytest.raises(BadInput, match="no table nothing"):
        await bench.only_import(tables=("nothing",))


def test_tables_are_written_in_the_order_in_which_they_refer_to_each_other() -> None:
    assert order([JOB, CREW]) == ["crew", "job"]
    circle = replace(CREW, columns=(MappedColumn("x", "X", T.RELATION, relation="job"),))
    assert order([JOB, circle]) == ["job", "crew"]
