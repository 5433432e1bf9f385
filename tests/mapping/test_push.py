"""A push against a Notion of its own: what it sends, what it leaves alone, what it says."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from tests.mapping.pushes import Pushing, T, column, people_table, person

from syncline.core.errors import BadInput, Refused, TooManyDeletions, Unreachable
from syncline.core.mapping import DeletePolicy, Deletes, Direction, Key, MappedTable, Row, Target
from syncline.core.plan import ActionKind
from syncline.core.report import Outcome, Report
from syncline.mapping.asked import Asked
from syncline.notion import objects
from syncline.notion import operations as op
from syncline.notion.objects import Version


def value(page: dict[str, Any], name: str) -> Any:
    """A property of a page, as plainly as it goes."""
    cell = page["properties"][name]
    held = cell[cell["type"]]
    if cell["type"] in {"title", "rich_text"}:
        return "".join(run["plain_text"] for run in held)
    if cell["type"] == "relation":
        return [one["id"] for one in held]
    return held["name"] if isinstance(held, dict) else held


async def by_key(pushing: Pushing, data_source: str) -> dict[str, dict[str, Any]]:
    pages = await pushing.pages(data_source)
    keyed = {value(page, "External ID"): page for page in pages}
    assert len(keyed) == len(pages), "two pages have one key"
    return keyed


def reasons(report: Report, what: str = "failed") -> list[str]:
    return [one.reason for one in report.findings if one.what == what]


async def test_new_rows_become_pages(pushing: Pushing, people: str) -> None:
    pushing.tables.tables["people"] = [person("P1", "Ada", role="Lead"), person("P2", "Bob", age=41)]
    report = await pushing.push()
    assert report.outcome is Outcome.CHANGED
    assert report.tables["people"].created == 2
    assert len(pushing.writes) == 2
    pages = await by_key(pushing, people)
    assert (value(pages["P1"], "Name"), value(pages["P1"], "Role")) == ("Ada", "Lead")
    assert value(pages["P2"], "Age") == 41


@pytest.mark.parametrize("version", list(Version))
async def test_a_push_speaks_every_version_of_the_api(
    pushing: Pushing, people: str, version: Version
) -> None:
    async with pushing.client() as client:
        source = await client.send(op.retrieve_data_source(people))
    around = objects.parent(dict(source))
    assert around is not None
    pushing.version = version
    database = str(around.id)
    pushing.set_table(database=Target(id=database), deletes=Deletes(DeletePolicy.TRASH, threshold=1))
    pushing.tables.tables["people"] = [person("P1", "Ada"), person("P2")]
    await pushing.push()
    pushing.tables.tables["people"] = [person("P1", "Ada L.")]
    report = await pushing.push()
    assert (report.tables["people"].updated, report.tables["people"].deleted) == (1, 1)
    [page] = await pushing.pages(people if version.has_data_sources else database)
    assert value(page, "Name") == "Ada L."
    assert (await pushing.push()).outcome is Outcome.CLEAN


async def test_a_database_that_goes_away_while_it_is_read_leaves_notion_as_it_was(
    pushing: Pushing, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> AsyncIterator[list[Any]]:
        yield [person("P1")]
        raise Unreachable("The database cannot be reached.")

    monkeypatch.setattr(pushing.tables, "rows", broken)
    with pytest.raises(Unreachable, match="The database cannot be reached"):
        await pushing.push()
    assert pushing.writes == []


async def test_unchanged_rows_cost_no_write_and_no_look_up(pushing: Pushing) -> None:
    pushing.tables.tables["people"] = [person(f"P{n}") for n in range(120)]
    await pushing.push()
    report = await pushing.push()
    assert report.outcome is Outcome.CLEAN
    assert report.tables["people"].unchanged == 120
    assert [path.rsplit("/", 1)[1] for _, path in pushing.requests()] == ["query", "query"]
    assert report.tables["people"].requests == report.requests == 2


async def test_a_changed_row_is_one_write_of_what_differs(pushing: Pushing, people: str) -> None:
    pushing.tables.tables["people"] = [person("P1", "Ada", age=36), person("P2", "Bob")]
    await pushing.push()
    pushing.tables.tables["people"][0] = person("P1", "Ada", age=37)
    plan = await pushing.plan()
    assert [(one.property, one.old, one.new) for action in plan.writes for one in action.changes] == [
        ("Age", 36, 37)
    ]
    report = await pushing.push()
    assert (report.tables["people"].updated, len(pushing.writes)) == (1, 1)
    assert value((await by_key(pushing, people))["P1"], "Age") == 37


async def test_a_cleared_value_is_cleared(pushing: Pushing, people: str) -> None:
    pushing.tables.tables["people"] = [person("P1", role="Lead", age=3, email="a@b.c")]
    await pushing.push()
    pushing.tables.tables["people"] = [person("P1")]
    await pushing.push()
    page = (await by_key(pushing, people))["P1"]
    assert [value(page, name) for name in ("Role", "Age", "Email")] == [None, None, None]
    assert (await pushing.push()).outcome is Outcome.CLEAN


async def test_a_plan_sends_no_write(pushing: Pushing, people: str) -> None:
    pushing.tables.tables["people"] = [person("P1")]
    plan = await pushing.plan()
    assert [action.kind for action in plan.writes] == [ActionKind.CREATE]
    assert pushing.writes == []
    assert await pushing.pages(people) == []


# --- matching -----------------------------------------------------------------------------------------------------


async def people_by_hand(pushing: Pushing, people: str, *named: tuple[str, str]) -> list[str]:
    """Pages that somebody made in Notion, without a key."""
    made = []
    async with pushing.client() as client:
        for name, subsystem in named:
            page = await client.send(
                op.create_page(
                    parent={"type": "data_source_id", "data_source_id": people},
                    properties={
                        "Name": {"title": [{"text": {"content": name}}]},
                        "Subsystem": {"select": {"name": subsystem}},
                    },
                )
            )
            made.append(page["id"])
    return made


async def test_a_page_found_by_name_and_subsystem_gets_the_key(pushing: Pushing, people: str) -> None:
    pushing.set_table(match=("name", "subsystem"))
    [page] = await people_by_hand(pushing, people, ("Ada", "Power"))
    pushing.tables.tables["people"] = [
        person("P1", "Ada", subsystem="Power"),
        person("P2", "Ada", subsystem="Avionics"),
    ]
    report = await pushing.push()
    assert (report.tables["people"].created, report.tables["people"].updated) == (1, 1)
    assert (await by_key(pushing, people))["P1"]["id"] == page


async def test_an_ambiguous_match_is_reported_and_nothing_is_written(pushing: Pushing, people: str) -> None:
    pushing.set_table(match=("name", "subsystem"))
    pages = await people_by_hand(pushing, people, ("Ada", "Power"), ("Ada", "Power"))
    pushing.tables.tables["people"] = [person("P1", "Ada", subsystem="Power")]
    report = await pushing.push()
    assert report.outcome is Outcome.CONFLICTS
    assert report.tables["people"].ambiguous == 1
    assert report.findings[0].pages == tuple(sorted(pages))
    assert pushing.writes == []


async def test_a_copied_page_is_reported_and_the_linked_one_is_written(pushing: Pushing, people: str) -> None:
    pushing.tables.tables["people"] = [person("P1", "Ada")]
    await pushing.push()
    [copy] = await people_by_hand(pushing, people, ("Ada", "Power"))
    await pushing.edit(copy, properties={"External ID": {"rich_text": [{"text": {"content": "P1"}}]}})
    pushing.tables.tables["people"] = [person("P1", "Ada L.")]
    report = await pushing.push()
    assert (report.tables["people"].updated, report.tables["people"].ambiguous) == (1, 1)
    assert report.findings[0].pages == (copy,)


async def test_two_rows_with_one_key_fail_and_the_others_go_on(pushing: Pushing, people: str) -> None:
    pushing.tables.tables["people"] = [person("P1", "A"), person("P1", "B"), person("", "C"), person("P2")]
    report = await pushing.push()
    assert (report.tables["people"].failed, report.tables["people"].created) == (2, 1)
    assert sorted(reasons(report)) == ["2 rows have this key.", "The column id is empty."]
    assert list(await by_key(pushing, people)) == ["P2"]


async def test_a_page_that_is_gone_is_made_again(pushing: Pushing, people: str) -> None:
    pushing.tables.tables["people"] = [person("P1"), person("P2")]
    await pushing.push()
    old = (await by_key(pushing, people))["P1"]["id"]
    await pushing.edit(old, in_trash=True)
    report = await pushing.push()
    assert report.tables["people"].created == 1
    assert (await by_key(pushing, people))["P1"]["id"] != old
    assert (await pushing.push()).outcome is Outcome.CLEAN


# --- drift --------------------------------------------------------------------------------------------------------


async def test_the_database_wins_over_an_edit_in_notion_and_the_plan_says_so(
    pushing: Pushing, people: str
) -> None:
    pushing.tables.tables["people"] = [person("P1", "Ada", role="Lead")]
    await pushing.push()
    page = (await by_key(pushing, people))["P1"]["id"]
    await pushing.edit(page, properties={"Role": {"select": {"name": "Engineer"}}})
    plan = await pushing.plan()
    assert plan.writes[0].drift == ("Role",)
    await pushing.push()
    assert value((await by_key(pushing, people))["P1"], "Role") == "Lead"


async def test_an_edit_of_what_is_not_mapped_is_left_alone(pushing: Pushing, people: str) -> None:
    pushing.set_table(columns=pushing.mapped[0].columns[:1])
    pushing.tables.tables["people"] = [replace(person("P1", "Ada"), values={"Name": "Ada"})]
    await pushing.push()
    page = (await by_key(pushing, people))["P1"]["id"]
    await pushing.edit(page, properties={"Age": {"number": 5}})
    assert (await pushing.push()).outcome is Outcome.CLEAN
    assert value((await by_key(pushing, people))["P1"], "Age") == 5


# --- rows that are gone -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "left", "deleted"),
    [(DeletePolicy.IGNORE, 5, 0), (DeletePolicy.FLAG, 5, 1), (DeletePolicy.TRASH, 4, 1)],
)
async def test_a_row_that_is_gone_follows_the_policy(
    pushing: Pushing, people: str, policy: DeletePolicy, left: int, deleted: int
) -> None:
    pushing.set_table(deletes=Deletes(policy, threshold=0.2))
    pushing.tables.tables["people"] = [person(f"P{n}") for n in range(5)]
    await pushing.push()
    pushing.tables.tables["people"].pop()
    report = await pushing.push()
    pages = await by_key(pushing, people)
    assert (len(pages), report.tables["people"].deleted) == (left, deleted)
    if policy is DeletePolicy.FLAG:
        assert [key for key, page in pages.items() if value(page, "Deleted")] == ["P4"]
    assert (await pushing.push()).outcome is Outcome.CLEAN


async def test_a_row_that_comes_back_is_no_longer_flagged(pushing: Pushing, people: str) -> None:
    pushing.set_table(deletes=Deletes(DeletePolicy.FLAG, threshold=1))
    pushing.tables.tables["people"] = [person("P1")]
    await pushing.push()
    pushing.tables.tables["people"] = []
    await pushing.push()
    pushing.tables.tables["people"] = [person("P1")]
    report = await pushing.push()
    assert report.tables["people"].updated == 1
    assert not value((await by_key(pushing, people))["P1"], "Deleted")


async def test_more_deletions_than_the_threshold_stop_the_push(pushing: Pushing, people: str) -> None:
    pushing.set_table(deletes=Deletes(DeletePolicy.TRASH, threshold=0.2))
    pushing.tables.tables["people"] = [person(f"P{n}") for n in range(5)]
    await pushing.push()
    pushing.tables.tables["people"] = [person("P0", "New name"), person("P1"), person("P2")]
    with pytest.raises(TooManyDeletions, match="2 of the 5 rows of people are gone"):
        await pushing.push()
    assert pushing.writes == []
    await pushing.push(Asked("crew.toml", accept_deletions=True))
    assert sorted(await by_key(pushing, people)) == ["P0", "P1", "P2"]


# --- what Notion would refuse -------------------------------------------------------------------------------------


async def test_a_missing_option_is_refused_before_anything_is_sent(pushing: Pushing, people: str) -> None:
    pushing.tables.tables["people"] = [person("P1", role="Cook"), person("P2", role="Lead")]
    report = await pushing.push()
    assert reasons(report) == ["Role has no option Cook: add it in Notion, or allow that with add_options."]
    assert list(await by_key(pushing, people)) == ["P2"]


async def test_an_option_that_was_added_in_notion_meanwhile_is_found(pushing: Pushing, people: str) -> None:
    pushing.tables.tables["people"] = [person("P1", role="Lead")]
    await pushing.push()
    async with pushing.client() as client:
        options = [{"name": "Lead"}, {"name": "Cook"}]
        await client.send(
            op.update_data_source(people, properties={"Role": {"select": {"options": options}}})
        )
    pushing.tables.tables["people"] = [person("P1", role="Cook")]
    assert (await pushing.push()).tables["people"].updated == 1


async def test_an_option_is_made_where_that_is_allowed(pushing: Pushing, people: str) -> None:
    columns = [replace(one, add_options=True) for one in pushing.mapped[0].columns]
    pushing.set_table(columns=tuple(columns))
    pushing.tables.tables["people"] = [person("P1", role="Cook")]
    await pushing.push()
    assert value((await by_key(pushing, people))["P1"], "Role") == "Cook"


async def test_long_text_is_split_and_read_back_as_the_same(pushing: Pushing, people: str) -> None:
    pushing.tables.tables["people"] = [person("P1", "long " * 1000)]
    await pushing.push()
    assert value((await by_key(pushing, people))["P1"], "Name") == "long " * 1000
    assert (await pushing.push()).outcome is Outcome.CLEAN


async def test_text_of_more_runs_than_notion_takes_is_refused_by_name(pushing: Pushing) -> None:
    pushing.tables.tables["people"] = [person("P1", "x" * 200_001)]
    report = await pushing.push()
    assert "Name: title cannot hold" in reasons(report)[0]
    assert "101 runs and Notion allows 100" in reasons(report)[0]
    assert pushing.writes == []


async def test_a_value_that_is_none_of_its_type_fails_its_row(pushing: Pushing) -> None:
    pushing.tables.tables["people"] = [
        replace(person("P1"), problems={"age": "'old' is not a number"}),
        person("P2"),
    ]
    report = await pushing.push()
    assert (reasons(report), report.tables["people"].created) == (["age: 'old' is not a number."], 1)


async def test_an_excluded_row_is_skipped(pushing: Pushing, people: str) -> None:
    pushing.tables.tables["people"] = [replace(person("P1"), excluded="category is secret"), person("P2")]
    report = await pushing.push()
    assert (report.tables["people"].skipped, list(await by_key(pushing, people))) == (1, ["P2"])


async def test_a_property_that_is_not_there_stops_the_push_with_its_name(pushing: Pushing) -> None:
    pushing.set_table(columns=(*pushing.mapped[0].columns, column("phone", "Phone", T.PHONE_NUMBER)))
    pushing.tables.tables["people"] = [person("P1")]
    with pytest.raises(BadInput, match="The Notion database People has no property Phone"):
        await pushing.push()


async def test_rows_that_changed_since_a_time_are_pushed_and_the_others_are_not_gone(
    pushing: Pushing, people: str
) -> None:
    pushing.set_table(changed="updated_at", deletes=Deletes(DeletePolicy.TRASH, threshold=1))
    old, now = pushing.now(), pushing.now() + timedelta(hours=1)
    pushing.tables.tables["people"] = [replace(person(f"P{n}"), changed_at=old) for n in range(3)]
    await pushing.push()
    pushing.tables.tables["people"] = [
        replace(person("P0", "New name"), changed_at=now),
        replace(person("P1", "Not seen"), changed_at=old),
        replace(person("P9"), changed_at=now),
    ]
    report = await pushing.push(Asked("crew.toml", since=now))
    found = await by_key(pushing, people)
    assert (report.tables["people"].updated, report.tables["people"].created) == (1, 1)
    assert {key: value(page, "Name") for key, page in found.items()} == {
        "P0": "New name",
        "P1": "Person P1",
        "P2": "Person P2",
        "P9": "Person P9",
    }


async def test_a_mapping_that_pushes_nothing_says_so(pushing: Pushing) -> None:
    pushing.set_table(direction=Direction.PULL)
    with pytest.raises(BadInput, match="No table of the mapping crew is pushed: `syncline import`"):
        await pushing.push()


async def test_a_formula_cannot_be_pushed_to(pushing: Pushing, people: str) -> None:
    async with pushing.client() as client:
        formula = {"Double": {"formula": {"expression": "1 + 1"}}}
        await client.send(op.update_data_source(people, properties=formula))
    pushing.set_table(columns=(*pushing.mapped[0].columns, column("double", "Double", T.NUMBER)))
    pushing.tables.tables["people"] = [person("P1")]
    with pytest.raises(BadInput, match="The property Double of the Notion database People is a formula"):
        await pushing.push()


async def test_a_row_whose_key_changed_is_another_row(pushing: Pushing, people: str) -> None:
    pushing.set_table(deletes=Deletes(DeletePolicy.TRASH, threshold=1))
    pushing.tables.tables["people"] = [person("P1", "Ada")]
    await pushing.push()
    pushing.tables.tables["people"] = [person("P9", "Ada")]
    report = await pushing.push()
    assert (report.tables["people"].created, report.tables["people"].deleted) == (1, 1)
    assert list(await by_key(pushing, people)) == ["P9"]


async def test_a_row_that_looks_like_one_that_is_gone_is_told_with_what_to_do(
    pushing: Pushing, people: str
) -> None:
    pushing.tables.tables["people"] = [person("P1", "Ada"), person("P2", "Bob")]
    await pushing.push()
    pushing.tables.tables["people"] = [person("P9", "Ada"), person("P2", "Bob"), person("P3", "Eve")]
    planned = await pushing.plan()
    assert [(key, said) for _table, key, said in planned.notes] == [
        (
            "P9",
            "it has the values of P1, whose row is gone: if only its key changed, give the page of P1 the key P9.",
        )
    ]
    page = (await by_key(pushing, people))["P1"]
    key = {"External ID": {"rich_text": [{"text": {"content": "P9"}}]}}
    async with pushing.client() as client:
        await client.send(op.update_page(page["id"], properties=key))
    report = await pushing.push()
    assert (report.tables["people"].created, report.tables["people"].unchanged) == (1, 2)
    assert not report.findings


async def test_a_renamed_property_is_noticed_although_the_schema_is_remembered(
    pushing: Pushing, people: str
) -> None:
    pushing.tables.tables["people"] = [person("P1")]
    await pushing.push()
    async with pushing.client() as client:
        await client.send(op.update_data_source(people, properties={"Age": {"name": "Years"}}))
    with pytest.raises(BadInput, match="no property Age"):
        await pushing.push()


async def test_a_refused_token_ends_the_push_with_one_sentence(pushing: Pushing) -> None:
    pushing.tables.tables["people"] = [person("P1")]
    pushing.emulator.faults.add(401, method="POST", path="/v1/pages", count=1)
    with pytest.raises(Refused, match="Notion refuses the page of P1"):
        await pushing.push()


async def test_a_full_database_fails_the_rows_that_found_no_room(pushing: Pushing, people: str) -> None:
    pushing.emulator.settings.row_limit = 2
    pushing.tables.tables["people"] = [person(f"P{n}") for n in range(20)]
    report = await pushing.push()
    assert (report.tables["people"].created, report.tables["people"].failed) == (2, 18)
    assert set(reasons(report)) == {
        "Notion takes no more rows in this database: This data source has reached its limit of rows."
    }
    assert len(pushing.writes) < 12
    assert len(await pushing.pages(people)) == 2


class Spent(httpx2.AsyncBaseTransport):
    """A workspace on the free plan that has used all of its blocks."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self.inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self.inner.handle_async_request(request)
        if request.method != "POST" or not request.url.path.endswith("/pages"):
            return answer
        body = {
            "object": "error",
            "status": 403,
            "code": "restricted_resource",
            "message": "This workspace has used all of its free blocks.",
            "additional_data": {"block_limit": "block_creation"},
        }
        return httpx2.Response(403, json=body)


async def test_a_workspace_without_blocks_takes_updates_and_nothing_new(pushing: Pushing) -> None:
    pushing.tables.tables["people"] = [person("P1")]
    await pushing.push()
    pushing.wrap = Spent
    pushing.tables.tables["people"] = [person("P1", "New name"), *(person(f"P{n}") for n in range(2, 22))]
    report = await pushing.push()
    assert (report.tables["people"].updated, report.tables["people"].failed) == (1, 20)
    assert len(pushing.writes) < 12
    assert set(reasons(report)) == {
        "The workspace has no blocks left on its plan: This workspace has used all of its free blocks."
    }


# --- content ------------------------------------------------------------------------------------------------------


async def body_of(pushing: Pushing, page: str) -> str:
    async with pushing.client() as client:
        return str((await client.send(op.retrieve_markdown(page)))["markdown"])


async def test_a_body_comes_with_the_page_and_is_replaced_where_it_changed(
    pushing: Pushing, people: str
) -> None:
    pushing.set_table(body="notes")
    pushing.tables.tables["people"] = [person("P1", body="# Hello\nOne."), person("P2", body="Two.")]
    await pushing.push()
    assert len(pushing.writes) == 2
    page = (await by_key(pushing, people))["P1"]["id"]
    assert "One." in await body_of(pushing, page)
    assert (await pushing.push()).outcome is Outcome.CLEAN
    pushing.tables.tables["people"][0] = person("P1", body="# Hello\nThree.")
    report = await pushing.push()
    assert (report.tables["people"].updated, len(pushing.writes)) == (1, 1)
    assert "Three." in await body_of(pushing, page)
    assert (await pushing.push()).outcome is Outcome.CLEAN


# --- relations and people -----------------------------------------------------------------------------------------


async def with_tasks(pushing: Pushing, people: str) -> str:
    """A second table: tasks with an owner and other tasks they wait for; people have a task they like best."""
    tasks = await pushing.make_database(
        "Tasks",
        {
            "Name": {"title": {}},
            "External ID": {"rich_text": {}},
            "Owner": {"relation": {"data_source_id": people, "single_property": {}}},
            "Watchers": {"people": {}},
        },
    )
    async with pushing.client() as client:
        blocked = {"Blocked by": {"relation": {"data_source_id": tasks, "single_property": {}}}}
        await client.send(op.update_data_source(tasks, properties=blocked))
        best = {"Best": {"relation": {"data_source_id": tasks, "single_property": {}}}}
        await client.send(op.update_data_source(people, properties=best))
    pushing.mapped = [
        people_table(
            people,
            columns=(column("name", "Name", T.TITLE), column("best", "Best", T.RELATION, relation="tasks")),
        ),
        MappedTable(
            "tasks",
            Target(id=tasks),
            Key("id"),
            (
                column("name", "Name", T.TITLE),
                column("owner", "Owner", T.RELATION, relation="people"),
                column("blocked_by", "Blocked by", T.RELATION, relation="tasks"),
                column("watchers", "Watchers", T.PEOPLE),
            ),
        ),
    ]
    return tasks


def task(key: str, owner: str | None = None, *blocked: str, watchers: tuple[str, ...] | None = None) -> Any:
    return Row(
        key,
        {
            "Name": f"Task {key}",
            "Owner": (owner,) if owner else None,
            "Blocked by": blocked or None,
            "Watchers": watchers,
        },
    )


def friend(key: str, best: str | None = None) -> Any:
    return Row(key, {"Name": f"Person {key}", "Best": (best,) if best else None})


async def test_relations_are_set_with_the_page_where_the_other_is_there_first(
    pushing: Pushing, people: str
) -> None:
    tasks = await with_tasks(pushing, people)
    pushing.tables.tables = {
        "people": [friend("P1"), friend("P2")],
        "tasks": [task("T1", "P1", "T2", "T3"), task("T2", "P2", "T3"), task("T3")],
    }
    report = await pushing.push()
    assert len(pushing.writes) == 5
    owners, found = await by_key(pushing, people), await by_key(pushing, tasks)
    assert value(found["T1"], "Owner") == [owners["P1"]["id"]]
    assert set(value(found["T1"], "Blocked by")) == {found["T2"]["id"], found["T3"]["id"]}
    assert report.tables["tasks"].created == 3
    assert (await pushing.push()).outcome is Outcome.CLEAN


async def test_circles_of_relations_are_closed_in_a_second_pass(pushing: Pushing, people: str) -> None:
    tasks = await with_tasks(pushing, people)
    pushing.tables.tables = {
        "people": [friend("P1", "T1")],
        "tasks": [task("T1", "P1", "T2"), task("T2", None, "T1"), task("T3", None, "T3")],
    }
    await pushing.push()
    owners, found = await by_key(pushing, people), await by_key(pushing, tasks)
    assert value(owners["P1"], "Best") == [found["T1"]["id"]]
    assert value(found["T1"], "Owner") == [owners["P1"]["id"]]
    assert value(found["T1"], "Blocked by") == [found["T2"]["id"]]
    assert value(found["T2"], "Blocked by") == [found["T1"]["id"]]
    assert value(found["T3"], "Blocked by") == [found["T3"]["id"]]
    assert (await pushing.push()).outcome is Outcome.CLEAN


async def test_a_relation_to_a_row_that_is_not_there_is_noted_and_the_rest_written(
    pushing: Pushing, people: str
) -> None:
    tasks = await with_tasks(pushing, people)
    pushing.tables.tables = {"people": [friend("P1")], "tasks": [task("T1", "P1", "T9"), task("T2", "P9")]}
    report = await pushing.push()
    assert reasons(report, "note") == [
        "Blocked by: no page of tasks has the key T9.",
        "Owner: no page of people has the key P9.",
    ]
    assert value((await by_key(pushing, tasks))["T1"], "Owner") != []


async def test_a_relation_to_a_row_that_notion_would_refuse_is_set_once_it_is_there(
    pushing: Pushing, people: str
) -> None:
    tasks = await with_tasks(pushing, people)
    broken = replace(friend("P1"), problems={"name": "it is binary"})
    pushing.tables.tables = {"people": [broken], "tasks": [task("T1", "P1")]}
    await pushing.push()
    assert (await pushing.push()).tables["tasks"].unchanged == 1
    pushing.tables.tables["people"] = [friend("P1")]
    await pushing.push()
    owner = (await by_key(pushing, people))["P1"]["id"]
    assert value((await by_key(pushing, tasks))["T1"], "Owner") == [owner]


async def test_a_relation_finds_a_page_that_was_matched_by_its_values_in_the_same_push(
    pushing: Pushing, people: str
) -> None:
    tasks = await with_tasks(pushing, people)
    pushing.set_table("people", match=("name",))
    [page] = await people_by_hand(pushing, people, ("Person P1", "Power"))
    pushing.tables.tables = {"people": [friend("P1")], "tasks": [task("T1", "P1")]}
    await pushing.push()
    assert value((await by_key(pushing, tasks))["T1"], "Owner") == [page]
    assert (await pushing.push()).outcome is Outcome.CLEAN


async def test_a_relation_to_a_page_that_is_made_again_leads_to_the_new_one(
    pushing: Pushing, people: str
) -> None:
    tasks = await with_tasks(pushing, people)
    pushing.tables.tables = {"people": [friend("P1")], "tasks": [task("T1", "P1")]}
    await pushing.push()
    await pushing.edit((await by_key(pushing, people))["P1"]["id"], in_trash=True)
    await pushing.push()
    owner = (await by_key(pushing, people))["P1"]["id"]
    assert value((await by_key(pushing, tasks))["T1"], "Owner") == [owner]
    assert (await pushing.push()).outcome is Outcome.CLEAN


async def test_people_are_found_by_their_address_and_nobody_is_cleared_by_a_stranger(
    pushing: Pushing, people: str
) -> None:
    tasks = await with_tasks(pushing, people)
    user, address = pushing.emulator.world.add_user("Ada", email="Ada@crew.test"), "ada@crew.test"
    pushing.tables.tables = {"people": [], "tasks": [task("T1", watchers=(address,))]}
    await pushing.push()
    [page] = await pushing.pages(tasks)
    assert [one["id"] for one in page["properties"]["Watchers"]["people"]] == [user.id]
    assert (await pushing.push()).requests == 2
    pushing.tables.tables["tasks"] = [task("T1", watchers=("nobody@nowhere.test",))]
    report = await pushing.push()
    assert reasons(report, "note") == [
        "Watchers: nobody in the workspace has the address nobody@nowhere.test."
    ]
    assert report.tables["tasks"].unchanged == 1
    [page] = await pushing.pages(tasks)
    assert page["properties"]["Watchers"]["people"]


# --- saved plans --------------------------------------------------------------------------------------------------


async def test_a_saved_plan_is_applied_as_it_was(pushing: Pushing, people: str) -> None:
    pushing.tables.tables["people"] = [person("P1"), person("P2")]
    saved = (await pushing.plan()).as_json()
    report = await pushing.push(Asked("crew.toml", saved=saved))
    assert report.tables["people"].created == 2


@pytest.mark.parametrize("moved", ["row", "page", "new row", "mapping"])
async def test_a_saved_plan_is_refused_if_the_world_moved(pushing: Pushing, people: str, moved: str) -> None:
    pushing.tables.tables["people"] = [person("P1")]
    await pushing.push()
    pushing.tables.tables["people"] = [person("P1", "New name")]
    saved = (await pushing.plan()).as_json()
    page = (await by_key(pushing, people))["P1"]["id"]
    if moved == "row":
        pushing.tables.tables["people"] = [person("P1", "Another name")]
    elif moved == "page":
        await pushing.edit(page, properties={"Name": {"title": [{"text": {"content": "By hand"}}]}})
    elif moved == "new row":
        pushing.tables.tables["people"].append(person("P2"))
    else:
        pushing.set_table(columns=pushing.mapped[0].columns[:1])
    with pytest.raises(BadInput, match="The plan was made for another state"):
        await pushing.push(Asked("crew.toml", saved=saved))
    assert pushing.writes == []


async def test_an_edit_that_no_action_depends_on_does_not_refuse_a_saved_plan(
    pushing: Pushing, people: str
) -> None:
    pushing.tables.tables["people"] = [person("P1")]
    await pushing.push()
    pushing.tables.tables["people"].append(person("P2"))
    saved = (await pushing.plan()).as_json()
    pushing.pass_time(minutes=3)
    page = (await by_key(pushing, people))["P1"]["id"]
    await pushing.edit(page, icon={"type": "emoji", "emoji": "🚀"})
    assert (await pushing.push(Asked("crew.toml", saved=saved))).tables["people"].created == 1


# --- stopping -----------------------------------------------------------------------------------------------------


async def test_halt_on_error_stops_at_the_first_and_the_same_plan_goes_on_later(
    pushing: Pushing, people: str
) -> None:
    pushing.tables.tables["people"] = [person(f"P{n:02}") for n in range(30)]
    saved = (await pushing.plan()).as_json()
    pushing.emulator.faults.add(400, method="POST", path="/v1/pages$", count=1, skip=7)
    asked = Asked("crew.toml", saved=saved, halt_on_error=True)
    report = await pushing.push(asked)
    assert (report.outcome, report.halted, report.tables["people"].failed) == (Outcome.FAILED, True, 1)
    assert 7 <= report.tables["people"].created < 30
    report = await pushing.push(asked)
    assert report.outcome is Outcome.CHANGED
    assert len(await by_key(pushing, people)) == 30


async def test_a_row_that_notion_refuses_fails_and_the_others_go_on(pushing: Pushing, people: str) -> None:
    pushing.tables.tables["people"] = [person(f"P{n:02}") for n in range(10)]
    pushing.emulator.faults.add(400, method="POST", path="/v1/pages$", count=1, skip=3)
    report = await pushing.push()
    assert (report.outcome, report.tables["people"].created) == (Outcome.FAILED, 9)
    assert (await pushing.push()).tables["people"].created == 1
    assert len(await by_key(pushing, people)) == 10
