"""The guard refuses before a request is sent: what is no row, and what is protected."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

import pytest
from tests.factories import uid
from tests.mapping.pushes import Pushing, person
from tests.mapping.test_survey import pulled

from syncline.core.errors import Unreachable
from syncline.core.mapping import Target
from syncline.core.report import Outcome
from syncline.mapping.guard import Guard, Protected
from syncline.mapping.upsert import Upsert
from syncline.notion import objects, operations, views
from syncline.notion import operations as op
from syncline.notion.objects import Version
from syncline.notion.sansio import Operation

ROWS, PAGE, DASHBOARD = uid("rows"), uid("a row"), uid("dashboard")
BLOCK = uid("a block of it")


def parent(kind: str, identity: str) -> Mapping[str, Any]:
    return {"type": kind, kind: identity}


FORBIDDEN: dict[str, Operation[Any]] = {
    "a block of the dashboard is changed": op.update_block(BLOCK, {"paragraph": {"rich_text": []}}),
    "a block is added to the dashboard": op.append_block_children(DASHBOARD, []),
    "a block is added to a row": op.append_block_children(PAGE, []),
    "a block is deleted": op.delete_block(BLOCK),
    "the dashboard goes to the trash": op.update_page(DASHBOARD, in_trash=True),
    "the dashboard is renamed": op.update_page(DASHBOARD, properties={}),
    "the dashboard's content is replaced": op.update_markdown(DASHBOARD, {}),
    "a page is made on the dashboard": op.create_page(parent=parent("page_id", DASHBOARD), properties={}),
    "a page is made at the top": op.create_page(
        parent={"type": "workspace", "workspace": True}, properties={}
    ),
    "a row of a database that is not mapped is made": op.create_page(
        parent=parent("data_source_id", uid("other")), properties={}
    ),
    "a page that is no row is changed": op.update_page(uid("some page"), properties={}),
    "a row is moved to the dashboard": op.move_page(PAGE, parent=parent("page_id", DASHBOARD)),
    "a database is made on the dashboard": op.create_database(parent=parent("page_id", DASHBOARD)),
    "the schema of a mapped database is changed": op.update_data_source(ROWS, properties={}),
    "a mapped database is moved": op.update_database(uid("database"), parent=parent("page_id", DASHBOARD)),
    "a comment is written": op.create_comment(parent={"page_id": PAGE}),
}


@pytest.mark.parametrize("case", FORBIDDEN)
async def test_it_is_refused_before_it_is_sent_that(pushing: Pushing, case: str) -> None:
    async with pushing.client() as client:
        guard = Guard(client, databases=[ROWS], protected=[DASHBOARD])
        guard.admit([PAGE])
        guard.protect([BLOCK])
        pushing.emulator.requests.clear()
        with pytest.raises(Protected, match="was not sent"):
            await guard.send(FORBIDDEN[case])
    assert pushing.requests() == []


READS_BY_POST = {"search", "data_sources.query", "databases.query", "meeting_notes.query", "views.query"}
"""What changes nothing although it is no GET."""

ARGUMENTS: Mapping[str, Any] = {"parent": parent("page_id", DASHBOARD), "fields": {}, "change": {}}
"""What an operation is called with besides the id of the dashboard."""

MORE: Mapping[str, Any] = {
    "create_page": {"parent": parent("page_id", DASHBOARD)},
    "list_views": {"database_id": DASHBOARD},
}


def every_operation(*modules: ModuleType) -> Iterator[Any]:
    """Each operation there is, aimed at the dashboard."""
    for module in modules:
        for name in module.__all__:
            function = getattr(module, name)
            if inspect.isfunction(function) and "Operation[" in str(function.__annotations__.get("return")):
                yield pytest.param(function, id=name)


def aimed(function: Callable[..., Operation[Any]]) -> Operation[Any]:
    """The operation on the dashboard."""
    needed = [
        one
        for one in inspect.signature(function).parameters.values()
        if one.default is one.empty and one.kind not in {one.VAR_KEYWORD, one.VAR_POSITIONAL}
    ]
    values = {one.name: ARGUMENTS.get(one.name, DASHBOARD) for one in needed}
    return function(**values, **MORE.get(function.__name__, {}))


@pytest.mark.parametrize("function", list(every_operation(operations, views)))
async def test_no_operation_there_is_writes_to_what_is_protected(
    pushing: Pushing, function: Callable[..., Operation[Any]]
) -> None:
    operation = aimed(function)
    if operation.safe:
        assert operation.method == "GET" or operation.name in READS_BY_POST
        return
    async with pushing.client() as client:
        guard = Guard(client, databases=[DASHBOARD], protected=[DASHBOARD])
        guard.admit([DASHBOARD])
        pushing.emulator.requests.clear()
        with pytest.raises(Protected, match="was not sent"):
            await guard.send(operation)
    assert pushing.requests() == []


async def test_a_row_that_is_protected_itself_is_not_written(pushing: Pushing) -> None:
    async with pushing.client() as client:
        guard = Guard(client, databases=[ROWS], protected=[PAGE])
        guard.admit([PAGE])
        with pytest.raises(Protected):
            await guard.send(op.update_page(PAGE, properties={}))


async def dashboard(pushing: Pushing, people: str) -> tuple[str, list[str]]:
    """A page with text, a toggle, columns, a child page, and the database of people moved onto it; and its blocks."""

    def paragraph(said: str) -> dict[str, Any]:
        return {"type": "paragraph", "paragraph": {"rich_text": [{"text": {"content": said}}]}}

    async with pushing.client() as client:
        page = await client.send(
            op.create_page(
                parent=parent("page_id", pushing.root),
                properties={"title": {"title": [{"text": {"content": "Mission control"}}]}},
                children=[
                    paragraph("Welcome"),
                    {
                        "type": "toggle",
                        "toggle": {"rich_text": [], "children": [paragraph("Hidden"), paragraph("Deeper")]},
                    },
                ],
            )
        )
        await client.send(
            op.create_page(
                parent=parent("page_id", page["id"]),
                properties={"title": {"title": [{"text": {"content": "Below"}}]}},
                children=[paragraph("On the page below")],
            )
        )
        source = await client.send(op.retrieve_data_source(people))
        await client.send(
            op.update_database(source["parent"]["database_id"], parent=parent("page_id", page["id"]))
        )
        blocks = [one["id"] for one in (await client.send(op.list_block_children(page["id"])))["results"]]
        nested = [one["id"] for one in (await client.send(op.list_block_children(blocks[1])))["results"]]
    return page["id"], [*blocks, *nested]


@pytest.mark.parametrize("version", list(Version))
async def test_rows_below_a_dashboard_may_change_and_the_dashboard_is_as_it_was(
    pushing: Pushing, people: str, version: Version
) -> None:
    page, _ = await dashboard(pushing, people)
    async with pushing.client() as client:
        source = await client.send(op.retrieve_data_source(people))
    around = objects.parent(dict(source))
    assert around is not None
    pushing.set_table(database=Target(id=str(around.id)))
    pushing.version, pushing.protected = version, (page,)
    pushing.tables.tables["people"] = [person("P1"), person("P2")]
    report = await pushing.push()
    assert report.outcome is Outcome.CHANGED
    assert (report.protected, list(report.blocks)) == (8, [])
    assert (await pushing.push()).requests == 1


async def test_a_row_that_was_moved_onto_the_dashboard_after_the_pull_is_not_written(
    pushing: Pushing, people: str
) -> None:
    """The index is the pull's, and so still calls it a row."""
    page, _ = await dashboard(pushing, people)
    pushing.protected = (page,)
    pushing.tables.tables["people"] = [person("P1")]
    await pushing.push()
    await pulled(pushing)
    async with pushing.client() as client:
        listing = await client.send(op.query_data_source(people))
        (row,) = objects.results(listing)
        await client.send(op.move_page(row["id"], parent=parent("page_id", page)))
    pushing.tables.tables["people"] = [person("P1", "New name")]
    report = await pushing.push()
    assert (report.tables["people"].failed, pushing.writes) == (1, [])


@pytest.mark.parametrize(
    ("done", "what"),
    [("edited", {"edited"}), ("added", {"added"}), ("removed", {"removed", "moved"}), ("nested", {"edited"})],
)
async def test_a_block_that_somebody_changed_meanwhile_fails_the_push_and_is_listed(
    pushing: Pushing, people: str, done: str, what: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page, blocks = await dashboard(pushing, people)
    text = {"paragraph": {"rich_text": [{"text": {"content": "Changed"}}]}}
    operations: dict[str, Operation[Any]] = {
        "edited": op.update_block(blocks[0], text),
        "nested": op.update_block(blocks[-1], text),
        "removed": op.delete_block(blocks[0]),
        "added": op.append_block_children(blocks[1], [{"type": "paragraph", **text}]),
    }
    pushing.protected = (page,)
    pushing.tables.tables["people"] = [person("P1")]
    written = Upsert.rows

    async def meanwhile(self: Upsert, found: Any) -> None:
        await written(self, found)
        async with pushing.client() as client:
            await client.send(operations[done])

    monkeypatch.setattr(Upsert, "rows", meanwhile)
    report = await pushing.push()
    assert report.outcome is Outcome.FAILED
    assert {one["what"] for one in report.blocks} == what
    if done in {"edited", "nested"}:
        assert [one["id"] for one in report.blocks] == [blocks[0] if done == "edited" else blocks[-1]]


async def test_a_push_that_cannot_see_all_of_a_dashboard_writes_nothing(
    pushing: Pushing, people: str
) -> None:
    page, _ = await dashboard(pushing, people)
    pushing.protected = (page,)
    pushing.tables.tables["people"] = [person("P1")]
    pushing.emulator.faults.add(500, method="GET", path="/children")
    with pytest.raises(Unreachable, match="The protected pages could not be read"):
        await pushing.push()
    assert pushing.writes == []
