"""Writing rows into a Notion database: one request each, read back where nobody knows what came of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.mapping.pushes import NOON, PEOPLE, Pushing, T, column, people_table

from notion_emulator import Emulator
from syncline.core.errors import Refused, Skip, Unreachable
from syncline.core.mapping import PAGE_ID, Key
from syncline.core.schema import NotionSchema
from syncline.destinations.notion import BODY, Full, NotionTable, indexed, key_type, person_ids, sentence
from syncline.mapping.targets import schema
from syncline.notion import errors
from syncline.notion import operations as op
from syncline.notion.client import Client
from syncline.store.database import Database

ADA = {
    "Name": {"title": [{"text": {"content": "Ada"}}]},
    "External ID": {"rich_text": [{"text": {"content": "P1"}}]},
}


@pytest_asyncio.fixture
async def notion(sqlite_database: Database, tmp_path: Path) -> Pushing:
    """A Notion with a database for people."""
    emulator = Emulator()
    emulator.clock.freeze(NOON)
    made = Pushing(emulator, sqlite_database, tmp_path)
    await made.connect()
    made.mapped = [people_table(await made.make_database("People", PEOPLE))]
    return made


@pytest_asyncio.fixture
async def client(notion: Pushing) -> AsyncIterator[Client]:
    async with notion.client() as client:
        yield client


@pytest_asyncio.fixture
async def people(notion: Pushing, client: Client) -> NotionTable:
    found = await schema_of(client, str(notion.mapped[0].database.id))
    notion.emulator.requests.clear()
    return NotionTable(client, found, notion.mapped[0], settle=0)


async def schema_of(client: Client, data_source: str) -> NotionSchema:
    found = await client.send(op.retrieve_data_source(data_source))
    return schema(dict(found))


async def index(table: NotionTable) -> list[Any]:
    return [page async for pages in table.index() for page in pages]


async def test_a_page_that_was_made_is_found_by_its_key_and_in_the_index(people: NotionTable) -> None:
    made = await people.create("P1", ADA, body="Some text.")
    assert [page["id"] for page in await people.find("P1")] == [made["id"]]
    assert await people.find("P2") == []
    [page] = await index(people)
    shown = indexed(page, people.table, ["Name", "External ID", "Age"])
    assert (shown.key, dict(shown.values)) == ("P1", {"Name": "Ada", "External ID": "P1", "Age": None})


async def test_the_index_asks_only_for_what_is_mapped(people: NotionTable) -> None:
    await people.create("P1", ADA)
    [page] = await index(people)
    assert "Deleted" not in page["properties"]


async def test_relations_beyond_what_an_answer_holds_are_read_to_their_end(
    notion: Pushing, client: Client
) -> None:
    source = str(notion.mapped[0].database.id)
    relation = {"Friends": {"relation": {"data_source_id": source, "single_property": {}}}}
    await client.send(op.update_data_source(source, properties=relation))
    mapped = people_table(source, columns=(column("friends", "Friends", T.RELATION, relation="people"),))
    found = await schema_of(client, source)
    table = NotionTable(client, found, mapped, settle=0)
    friends = [(await table.create(f"F{n}", {}))["id"] for n in range(40)]
    made = await table.create("P1", {"Friends": {"relation": [{"id": one} for one in friends]}})
    assert [one["id"] for one in made["properties"]["Friends"]["relation"]] == friends
    pages = {page["id"]: page for page in await index(table)}
    assert len(pages[made["id"]]["properties"]["Friends"]["relation"]) == 40


async def test_a_page_goes_to_the_trash_and_comes_back(people: NotionTable) -> None:
    page = str((await people.create("P1", ADA))["id"])
    await people.trash(page)
    assert await index(people) == []
    await people.restore(page)
    assert [one["id"] for one in await index(people)] == [page]


@pytest.mark.parametrize("fault", ["reset", "timeout", 500, 503])
async def test_what_was_done_before_the_answer_was_lost_is_not_done_again(
    notion: Pushing, people: NotionTable, fault: int | str
) -> None:
    page = str((await people.create("P1", ADA))["id"])
    for work in (
        people.update(page, {"Age": {"number": 7}, "Role": {"select": {"name": "Lead"}}}),
        people.trash(page),
        people.restore(page),
        people.write_body(page, "New text."),
        people.create("P2", {}),
    ):
        notion.emulator.faults.add(fault, method="PATCH", count=1, applied=True)
        notion.emulator.requests.clear()
        await work
        assert 1 <= len(notion.writes) <= 2
        notion.emulator.faults.clear()


async def test_a_body_that_would_delete_a_page_below_is_refused(people: NotionTable, client: Client) -> None:
    page = str((await people.create("P1", ADA))["id"])
    below = {"title": {"title": [{"text": {"content": "Below"}}]}}
    await client.send(op.create_page(parent={"type": "page_id", "page_id": page}, properties=below))
    with pytest.raises(Skip, match="Notion does not accept the content of the page"):
        await people.write_body(page, "Text.")


async def test_a_body_that_does_not_fit_into_a_request_is_refused_before_it_is_sent(
    notion: Pushing, people: NotionTable
) -> None:
    with pytest.raises(Skip, match="400,001 bytes, and Notion takes 400,000 at once"):
        await people.create("P1", ADA, body="x" * (BODY + 1))
    assert notion.writes == []


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (
            errors.RowLimitExceeded("full", status=409),
            Full,
            "Notion takes no more rows in this database: full.",
        ),
        (
            errors.Restricted("used up", status=403, additional_data={"block_limit": "block_creation"}),
            Full,
            "The workspace has no blocks left on its plan: used up.",
        ),
        (errors.Restricted("no", status=403), Refused, "Notion refuses the page to the connection: no."),
        (errors.Unauthorized("bad"), Refused, "Notion refuses the page to the connection: bad."),
        (
            errors.NotFound("none"),
            Skip,
            "Notion does not show the page: it is gone, or not shared with the connection.",
        ),
        (errors.Invalid("wrong."), Skip, "Notion does not accept the page: wrong."),
        (errors.ServerError("oops"), Unreachable, "Notion did not answer about the page: oops."),
        (errors.TimedOut("late"), Unreachable, "Notion did not answer about the page: late."),
    ],
)
def test_an_error_of_notions_is_one_sentence_of_the_right_kind(
    error: errors.NotionError, kind: type[Exception], said: str
) -> None:
    told = sentence(error, "the page")
    assert (type(told), str(told)) == (kind, said)


def test_the_key_may_be_the_page_itself() -> None:
    mapped = people_table("x", key=Key("id", PAGE_ID))
    assert indexed({"id": "p1", "properties": {}}, mapped, []).key == "p1"
    assert key_type(NotionSchema("d", "s", "t", ()), mapped).value == "rich_text"


def test_people_are_known_by_the_addresses_that_pages_show() -> None:
    cell = {"type": "people", "people": [{"id": "u1", "person": {"email": "Ada@x.y"}}, {"id": "u2"}]}
    assert person_ids({"properties": {"Team": cell, "Name": {"type": "title", "title": []}}}) == {
        "ada@x.y": "u1"
    }
