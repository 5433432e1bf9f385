"""A Notion database is found by id, by name or by its place, and never guessed."""

import pytest
from tests.mapping.cadence import HUB, TASKS, TEAM, client_of, notion

from notion_emulator import Emulator
from syncline.core.errors import BadInput, NotFound, Refused
from syncline.core.mapping import Target
from syncline.mapping.targets import candidates, databases_on, resolve
from syncline.notion import operations as op
from syncline.notion.objects import Version
from syncline.notion.views import create_view

NOWHERE = "00000000-0000-4000-8000-000000000000"


async def title_of(emulator: Emulator, target: Target, version: Version = Version.V2026_03_11) -> str:
    async with client_of(emulator, version) as client:
        return (await resolve(client, target)).title


@pytest.mark.parametrize("version", list(Version))
async def test_a_database_is_found_by_its_id_in_every_version(version: Version) -> None:
    async with client_of(notion(), version) as client:
        found = await resolve(client, Target(id=TEAM))
    assert (found.title, found.database, found.parent) == ("Team Directory", TEAM, HUB)
    role = found.named("Role")
    assert role is not None
    assert role.options == ("Team Lead", "Engineer", "Mentor")
    assert found.title_property.name == "Name"


async def test_a_database_is_found_by_the_id_of_its_data_source_too() -> None:
    emulator = notion()
    async with client_of(emulator) as client:
        by_database = await resolve(client, Target(id=TEAM))
        by_source = await resolve(client, Target(id=by_database.data_source))
    assert by_source == by_database


@pytest.mark.parametrize("version", list(Version))
async def test_a_database_is_found_by_its_name_and_by_its_place(version: Version) -> None:
    emulator = notion()
    assert await title_of(emulator, Target(name="Module Library"), version) == "Module Library"
    assert await title_of(emulator, Target(name="Module Library", under=HUB), version) == "Module Library"


async def test_a_relation_names_the_data_source_it_leads_to() -> None:
    async with client_of(notion()) as client:
        team, tasks = await resolve(client, Target(id=TEAM)), await resolve(client, Target(id=TASKS))
    assignee = tasks.named("Assignee")
    assert assignee is not None
    assert assignee.target == team.data_source


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (Target(id=NOWHERE), f"does not show the database {NOWHERE}.*share it"),
        (Target(name="Team"), "no database Team"),
        (Target(name="Team", under=HUB), f"no database Team under {HUB}"),
        (Target(name="Team Directory", under=NOWHERE), "does not show"),
    ],
)
async def test_one_that_is_not_there_or_not_shared_is_said_with_what_to_do(target: Target, said: str) -> None:
    with pytest.raises(NotFound, match=said):
        await title_of(notion(), target)


async def test_two_that_fit_are_named_and_neither_is_taken() -> None:
    emulator = notion()
    async with client_of(emulator) as client:
        made = await client.send(
            op.create_database(
                parent={"type": "page_id", "page_id": HUB},
                title=[{"type": "text", "text": {"content": "Team Directory"}}],
                properties={"Name": {"title": {}}},
            )
        )
        for target in (Target(name="Team Directory"), Target(name="Team Directory", under=HUB)):
            with pytest.raises(BadInput, match="Several databases") as caught:
                await resolve(client, target)
            assert str(made["data_sources"][0]["id"]) in str(caught.value)


async def test_a_linked_view_leads_to_the_database_it_shows() -> None:
    emulator = notion()
    async with client_of(emulator) as client:
        team = await resolve(client, Target(id=TEAM))
        home = await client.send(
            op.create_page(
                parent={"type": "page_id", "page_id": emulator.root_page_id},
                properties={"title": {"title": [{"text": {"content": "Board"}}]}},
            )
        )
        await client.send(
            create_view(
                data_source_id=team.data_source,
                name="All",
                type="table",
                create_database={"parent": {"type": "page_id", "page_id": home["id"]}},
            )
        )
        shown = [found async for _title, found in databases_on(client, str(home["id"]))]
        assert [each.data_source for each in shown] == [team.data_source]
        assert (
            await resolve(client, Target(name="Team Directory", under=str(home["id"])))
        ).title == team.title


async def test_the_databases_of_a_page_are_those_that_stand_on_it() -> None:
    emulator = notion()
    async with client_of(emulator) as client:
        titles = [title async for title, _found in databases_on(client, HUB)]
    assert sorted(titles) == [
        "Development Tasks",
        "Integration Checklist",
        "Launch Readiness",
        "Module Library",
        "Team Directory",
        "Technical Decisions",
    ]


async def test_a_draft_looks_at_what_was_named_or_at_all_that_is_shared() -> None:
    async with client_of(notion()) as client:
        every, page = await candidates(client, [], None)
        assert (len(every), page) == (6, None)
        on_page, page = await candidates(client, [], f"https://www.notion.so/Hub-{HUB.replace('-', '')}")
        assert (len(on_page), page) == (6, HUB)
        named, _page = await candidates(client, [TEAM, "Module Library"], None)
        assert [each.title for each in named] == ["Team Directory", "Module Library"]
        with pytest.raises(BadInput, match="No Notion id"):
            await candidates(client, [], "nonsense")


async def test_a_token_that_is_refused_is_said() -> None:
    emulator = notion()
    async with client_of(emulator) as client:
        emulator.connection.token = "ntn_another"
        with pytest.raises(Refused, match="Notion refuses"):
            await resolve(client, Target(id=TEAM))
