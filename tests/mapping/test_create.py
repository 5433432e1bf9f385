"""A check against both sides, and what is missing made: then the mapping fits, and again makes nothing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio
from tests.mapping.cadence import EXAMPLE, HUB, client_of, fill, notion, run

from notion_emulator import Emulator
from syncline.core.errors import BadInput
from syncline.core.findings import Level, NewDatabase, NewOptions, NewProperty
from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import Mapping, Target
from syncline.mapping.check import Checked, check_mapping
from syncline.mapping.create import create, creations, described
from syncline.mapping.file import read_mapping
from syncline.notion import operations as op
from syncline.notion.client import Client
from syncline.sources.sql import SqlSource


@dataclass
class Sides:
    """Both sides of the example, and its mapping."""

    emulator: Emulator
    client: Client
    source: SqlSource
    path: Path
    mapping: Mapping
    protected: tuple[str, ...] = ()

    async def check(self) -> Checked:
        return await check_mapping(self.mapping, self.source, self.client)

    async def mend(self) -> None:
        checked = await self.check()
        await create(self.client, self.mapping, creations(checked.findings), checked.schemas)

    def place(self, name: str, target: Target) -> None:
        """Map the table `name` to another database."""
        tables = [
            replace(each, database=target) if each.name == name else each for each in self.mapping.tables
        ]
        self.mapping = replace(self.mapping, tables=tuple(tables), protected=self.protected)

    def write_requests(self) -> int:
        return sum(
            one.method != "GET" and not one.path.endswith(("/search", "/query"))
            for one in self.emulator.requests
        )


@pytest_asyncio.fixture
async def sides(tmp_path: Path) -> AsyncIterator[Sides]:
    path = tmp_path / "cadence.sqlite"
    emulator = notion()
    async with SqlSource(fill(path)) as source, client_of(emulator) as client:
        yield Sides(emulator, client, source, path, read_mapping(EXAMPLE / "syncline.toml"))


def wrong(checked: Checked) -> list[str]:
    return [f"{each.table}.{each.item}" for each in checked.findings if each.level is not Level.NOTE]


async def test_the_example_fits(sides: Sides) -> None:
    checked = await sides.check()
    assert wrong(checked) == []
    assert checked.schemas.keys() == {"people", "projects", "tasks", "checklist", "meetings", "documents"}


async def test_rows_are_read_for_what_they_need(sides: Sides) -> None:
    run(sides.path, "UPDATE people SET subsystem = 'Optics' WHERE person_id = 'P-01'")
    run(sides.path, "UPDATE projects SET budget = 'much' WHERE id = 'M-AVI-1'")
    run(sides.path, "UPDATE tasks SET assignee_id = 'P-99' WHERE id = 101")
    run(sides.path, "UPDATE documents SET id = NULL WHERE id = 'D-001'")
    assert wrong(await sides.check()) == [
        "people.Subsystem",
        "projects.budget",
        "tasks.assignee_id",
        "documents.id",
    ]


async def test_missing_properties_and_options_are_made_and_what_was_there_stays(sides: Sides) -> None:
    run(sides.path, "UPDATE people SET subsystem = 'Optics' WHERE person_id = 'P-01'")
    await sides.client.send(
        op.update_data_source(
            (await sides.check()).schemas["tasks"].data_source, properties={"Due": None, "Module": None}
        )
    )
    before = (await sides.check()).schemas["people"]
    wanted = creations((await sides.check()).findings)
    assert wanted == [
        NewProperty("tasks", "Module", PropertyType.RELATION, target="projects"),
        NewProperty("tasks", "Due", PropertyType.DATE),
        NewOptions("people", "Subsystem", ("Optics",)),
    ]
    await sides.mend()
    checked = await sides.check()
    assert wrong(checked) == []
    after = checked.schemas["people"]
    for property_ in before.properties:
        found = after.named(property_.name)
        assert found is not None
        assert (found.id, found.type) == (property_.id, property_.type)
        added = ("Optics",) if property_.name == "Subsystem" else ()
        assert found.options == (*property_.options, *added)
    module = checked.schemas["tasks"].named("Module")
    assert module is not None
    assert module.target == checked.schemas["projects"].data_source


async def test_a_missing_database_is_made_on_its_page_with_relations_to_others_that_are_made(
    sides: Sides,
) -> None:
    sides.place("people", Target(name="Crew", under=HUB))
    sides.place("tasks", Target(name="Jobs", under=HUB))
    wanted = creations((await sides.check()).findings)
    assert [each.title for each in wanted if isinstance(each, NewDatabase)] == ["Crew", "Jobs"]
    await sides.mend()
    checked = await sides.check()
    # The relations of the other databases lead to the directory that was there before.
    assert {each.table for each in checked.findings if each.level is Level.ERROR} == {
        "projects",
        "checklist",
        "meetings",
    }
    jobs, crew = checked.schemas["tasks"], checked.schemas["people"]
    assert (jobs.title, jobs.parent) == ("Jobs", HUB)
    for name, target in (("Assignee", crew), ("Blocked by", jobs)):
        found = jobs.named(name)
        assert found is not None
        assert found.target == target.data_source
    priority = jobs.named("Priority")
    assert priority is not None
    assert set(priority.options) == {"High", "Middle", "Low"}


@pytest.mark.parametrize("below", [False, True])
async def test_no_database_is_made_on_a_protected_page_or_below_one(sides: Sides, below: bool) -> None:  # noqa: FBT001  a table
    page = HUB
    if below:
        page = (
            await sides.client.send(
                op.create_page(
                    parent={"type": "page_id", "page_id": HUB},
                    properties={"title": {"title": [{"text": {"content": "Below"}}]}},
                )
            )
        )["id"]
    sides.protected = (HUB,)
    sides.place("tasks", Target(name="Jobs", under=page))
    before = sides.write_requests()
    with pytest.raises(BadInput, match=r"is not made on the page .* protected"):
        await sides.mend()
    assert sides.write_requests() == before


async def test_a_second_creation_makes_nothing(sides: Sides) -> None:
    sides.place("tasks", Target(name="Jobs", under=HUB))
    await sides.mend()
    before = sides.write_requests()
    assert before
    assert creations((await sides.check()).findings) == []
    await sides.mend()
    assert sides.write_requests() == before


async def test_a_check_sends_no_write(sides: Sides) -> None:
    sides.place("tasks", Target(name="Jobs", under=HUB))
    await sides.check()
    assert sides.write_requests() == 0


async def test_a_database_that_is_not_shared_is_one_finding_and_the_others_are_still_checked(
    sides: Sides,
) -> None:
    sides.place("people", Target(id="00000000-0000-4000-8000-000000000000"))
    run(sides.path, "UPDATE documents SET category = 'novel' WHERE id = 'D-002'")
    checked = await sides.check()
    errors = [each for each in checked.findings if each.level is Level.ERROR]
    assert [each.table for each in errors] == ["people", "documents"]
    assert "share it" in errors[0].sentence


async def test_more_options_than_can_be_set_are_refused_before_anything_is_sent(sides: Sides) -> None:
    wanted = [NewOptions("people", "Subsystem", tuple(f"s{n}" for n in range(97)))]
    checked = await sides.check()
    with pytest.raises(BadInput, match=r"101 options.*only 100"):
        await create(sides.client, sides.mapping, wanted, checked.schemas)
    assert sides.write_requests() == 0


@pytest.mark.parametrize(
    ("creation", "line"),
    [
        (NewOptions("people", "Role", ("a", "b")), "options a, b of Role in people"),
        (
            NewProperty("people", "Role", PropertyType.SELECT, ("a",)),
            "property Role (select) of people with the options a",
        ),
        (NewDatabase("people", "Team", HUB, ()), f"database Team on the page {HUB} with "),
    ],
)
def test_what_would_be_made_is_one_line(creation: NewDatabase | NewProperty | NewOptions, line: str) -> None:
    assert described(creation) == line
