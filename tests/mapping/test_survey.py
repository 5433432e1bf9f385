"""What a push reads: the index once, or nothing where a pull has just read it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.engine.pulling import Pulling
from tests.mapping.foretelling import told
from tests.mapping.pushes import Pushing, T, column, people_table, person
from tests.mapping.test_push import by_key, task, value, with_tasks

from syncline.core.errors import NotFound
from syncline.core.mapping import DeletePolicy, Deletes, Direction, Row, Target
from syncline.core.plan import ActionKind
from syncline.core.report import Outcome, planned_report
from syncline.notion import operations as op
from syncline.store import runs
from syncline.store.runs import RunState


async def pulled(pushing: Pushing, *, run_id: str = "run-1") -> None:
    """Pull the workspace, minutes after whatever was written."""
    pushing.pass_time(minutes=3)
    await Pulling(pushing.emulator, pushing.database).pull()
    async with pushing.database.begin() as conn:
        await runs.finish(conn, run_id, state=RunState.SUCCEEDED, now=pushing.now())


async def test_a_push_after_a_pull_reads_nothing(pushing: Pushing) -> None:
    pushing.tables.tables["people"] = [person(f"P{n}") for n in range(150)]
    await pushing.push()
    await pulled(pushing)
    report = await pushing.push()
    assert (report.outcome, pushing.requests()) == (Outcome.CLEAN, [])
    assert report.tables["people"].unchanged == 150


async def test_an_option_of_a_row_that_is_kept_out_is_not_asked_for(pushing: Pushing) -> None:
    kept_out = replace(person("P2", subsystem="Secret"), excluded="Subsystem is Secret.")
    pushing.tables.tables["people"] = [person("P1"), kept_out]
    await pushing.push()
    report = await pushing.push()
    assert (report.outcome, len(pushing.requests())) == (Outcome.CLEAN, 1)


async def test_changed_rows_after_a_pull_are_one_write_each_and_nothing_else(pushing: Pushing) -> None:
    pushing.tables.tables["people"] = [person(f"P{n}") for n in range(5)]
    await pushing.push()
    await pulled(pushing)
    pushing.tables.tables["people"][0] = person("P0", "New name")
    await pushing.push()
    assert [method for method, _ in pushing.requests()] == ["PATCH"]


async def test_what_was_pushed_after_the_pull_is_read_from_notion_again(pushing: Pushing) -> None:
    pushing.tables.tables["people"] = [person("P0")]
    await pushing.push()
    await pulled(pushing)
    pushing.tables.tables["people"][0] = person("P0", "New name")
    await pushing.push()
    assert (await pushing.push()).outcome is Outcome.CLEAN
    assert [path.rsplit("/", 1)[1] for _, path in pushing.requests()] == ["query"]


async def test_a_new_row_is_never_made_on_the_word_of_the_store(pushing: Pushing, people: str) -> None:
    """A page with its key came into being after the pull: the store does not know it."""
    pushing.tables.tables["people"] = [person("P0")]
    await pushing.push()
    await pulled(pushing)
    async with pushing.client() as client:
        key = {"External ID": {"rich_text": [{"text": {"content": "P1"}}]}}
        await client.send(
            op.create_page(parent={"type": "data_source_id", "data_source_id": people}, properties=key)
        )
    pushing.tables.tables["people"].append(person("P1"))
    report = await pushing.push()
    assert (report.tables["people"].created, report.tables["people"].updated) == (0, 1)
    assert sorted(await by_key(pushing, people)) == ["P0", "P1"]


async def test_an_old_pull_is_not_believed(pushing: Pushing) -> None:
    pushing.tables.tables["people"] = [person("P0")]
    await pushing.push()
    await pulled(pushing)
    pushing.pass_time(hours=1)
    await pushing.push(fresh=timedelta(minutes=5))
    assert len(pushing.requests()) == 1


async def test_a_pull_that_failed_is_not_believed(pushing: Pushing) -> None:
    pushing.tables.tables["people"] = [person("P0")]
    await pushing.push()
    pushing.pass_time(minutes=3)
    await Pulling(pushing.emulator, pushing.database).pull()
    await pushing.push()
    assert len(pushing.requests()) == 1


async def test_a_pull_that_went_on_with_an_older_one_is_not_believed(pushing: Pushing) -> None:
    """What it found was perhaps listed before the write."""
    pushing.tables.tables["people"] = [person("P0")]
    await pushing.push()
    pushing.pass_time(minutes=3)
    async with pushing.database.begin() as conn:
        old: dict[str, Any] = {
            "run_id": "old",
            "kind": "pull",
            "slot": "pull",
            "requested_by": "cli",
            "now": pushing.now(),
        }
        await runs.queue(conn, pushing.connection.id, **old)
        await runs.finish(conn, "old", state=RunState.FAILED, now=pushing.now())
    pulling = Pulling(pushing.emulator, pushing.database)
    await pulling.pull()
    async with pushing.database.begin() as conn:
        await runs.finish(conn, "run-1", state=RunState.SUCCEEDED, now=pushing.now())
    await pushing.push()
    assert len(pushing.requests()) == 1


async def test_the_first_push_finds_the_database_and_later_ones_remember_it(pushing: Pushing) -> None:
    pushing.set_table(database=Target(name="People"))
    pushing.tables.tables["people"] = [person("P0")]
    assert (await pushing.push()).tables["people"].created == 1
    assert ("POST", "/v1/search") in pushing.requests()
    await pushing.push()
    assert [path.rsplit("/", 1)[1] for _, path in pushing.requests()] == ["query"]


async def test_a_database_that_is_gone_is_told_by_one_sentence(pushing: Pushing, people: str) -> None:
    pushing.tables.tables["people"] = [person("P0")]
    await pushing.push()
    pushing.mapped = [people_table("2b96b8ea-578a-8165-905e-d8d01c403cc2")]
    with pytest.raises(NotFound, match="Notion does not show the database 2b96b8ea"):
        await pushing.push()


async def test_more_pages_than_one_query_shows_are_all_found(pushing: Pushing) -> None:
    pushing.emulator.settings.result_cap = 100
    pushing.tables.tables["people"] = [person(f"P{n:03}") for n in range(250)]
    for start in range(0, 250, 50):  # pages of five minutes, as in life
        rows = pushing.tables.tables["people"]
        pushing.tables.tables["people"] = rows[: start + 50]
        await pushing.push()
        pushing.tables.tables["people"] = rows
        pushing.pass_time(minutes=1)
    plan = await pushing.plan()
    assert (plan.unchanged, plan.writes) == ({"people": 250}, ())


async def test_a_relation_to_a_table_that_is_not_pushed_finds_its_pages(
    pushing: Pushing, people: str
) -> None:
    pushing.tables.tables["people"] = [person("P1")]
    await pushing.push()
    tasks = await with_tasks(pushing, people)
    pushing.set_table("people", direction=Direction.PULL)
    pushing.tables.tables = {"tasks": [task("T1", "P1")]}
    plan = await pushing.plan()
    assert [(action.kind, action.table) for action in plan.writes] == [(ActionKind.CREATE, "tasks")]
    await pushing.push()
    owner = (await by_key(pushing, people))["P1"]["id"]
    assert value((await by_key(pushing, tasks))["T1"], "Owner") == [owner]


# --- plan and push ------------------------------------------------------------------------------------------------

LONG = "x" * 400_001


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        pytest.param([], [person("P1")], ["create"], id="a new row"),
        pytest.param([person("P1")], [person("P1", "New")], ["update"], id="a changed row"),
        pytest.param([person("P1")], [person("P1")], [], id="nothing"),
        pytest.param([], [person("P1", role="Cook")], ["fail"], id="an option that is missing"),
        pytest.param([person("P1")], [person("P1", role="Cook")], ["fail"], id="an option of a row that is there"),
        pytest.param([], [person("P1", "x" * 200_001)], ["fail"], id="a text that is too long"),
        pytest.param([], [person("P1", body=LONG)], ["fail"], id="a content that is too long"),
        pytest.param([person("P1")], [person("P1", "New", body=LONG)], ["fail"], id="content too long, row there"),
        pytest.param([], [person("P1"), person("P1")], ["fail"], id="two rows with one key"),
        pytest.param([], [person("")], ["fail"], id="a row without a key"),
        pytest.param([person("P1"), person("P2")], [person("P2")], ["trash"], id="a row that is gone"),
        pytest.param([person("P1", body="a")], [person("P1", body="b")], ["update"], id="content alone"),
        pytest.param([], [person("P1"), person("P2", boss=("P1",))], ["create"] * 2, id="a relation"),
        pytest.param([], [person("P1", boss=("P2",)), person("P2", boss=("P1",))], ["create"] * 2, id="a circle"),
        pytest.param([], [person("P1", boss=("P9",))], ["create"], id="a relation to nowhere"),
        pytest.param([], [person("P1", boss=("P2",)), person("P2", role="Cook")], ["create", "fail"], id="to one that fails"),
    ],
)  # fmt: skip
async def test_a_push_does_what_its_plan_says(
    pushing: Pushing, people: str, before: list[Row], after: list[Row], kinds: list[str]
) -> None:
    boss = column("boss", "Boss", T.RELATION, relation="people")
    async with pushing.client() as client:
        relation = {"relation": {"data_source_id": people, "single_property": {}}}
        await client.send(op.update_data_source(people, properties={"Boss": relation}))
    columns = (*pushing.mapped[0].columns, boss)
    pushing.set_table(columns=columns, body="notes", deletes=Deletes(DeletePolicy.TRASH, threshold=1))
    pushing.tables.tables["people"] = before
    await pushing.push()
    pushing.tables.tables["people"] = after
    plan = await pushing.plan()
    report = await pushing.push()
    assert sorted(action.kind for action in plan.actions) == kinds
    assert told(planned_report(plan)) == told(report)
    assert (await pushing.plan()).writes == ()
