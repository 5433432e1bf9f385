"""The merge between a real table and the emulated Notion."""

from dataclasses import replace

import pytest
from tests.mapping.merging import COLUMNS, PLACE, Crash, Fuse, Merging, pair

from notion_emulator.faults import Fault
from syncline.core.errors import BadInput, Unreachable
from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import ConflictPolicy, DeletePolicy, Deletes, MappedColumn
from syncline.core.mapping import Mapping as TableMapping
from syncline.core.pair import Agreed, Take
from syncline.notion import operations as op
from syncline.store import agreed, conflicts
from syncline.store.agreed import Known, Standing
from syncline.store.conflicts import State

# --- what goes where ------------------------------------------------------------------------------------------------


async def test_a_row_becomes_a_page_and_a_page_a_row(merging: Merging) -> None:
    merging.put(1, name="Ann", size=1.5, tags='["x"]')
    page = await merging.page(Name="Bob", Size=2, Due="2026-01-02")
    report = await merging.merge()
    assert (report.tables["items"].created, report.tables["items"].failed) == (2, 0)
    rows, pages = merging.rows(), await merging.pages()
    assert rows[2]["name"] == "Bob"
    assert rows[2]["due"] == "2026-01-02"
    assert pages[page]["External ID"] == "2"
    assert {shown["Name"] for shown in pages.values()} == {"Ann", "Bob"}
    again = await merging.merge()
    assert (again.tables["items"].unchanged, merging.writes()) == (2, 0)


async def test_edits_of_different_properties_of_one_row_both_survive_with_one_write_each(
    merging: Merging,
) -> None:
    page = await pair(merging)
    merging.change(1, name="Anna")
    await merging.edit(page, Size=7)
    report = await merging.merge()
    assert (report.tables["items"].updated, merging.writes()) == (1, 1)
    assert (merging.rows()[1]["name"], merging.rows()[1]["size"]) == ("Anna", 7)
    shown = (await merging.pages())[page]
    assert (shown["Name"], shown["Size"]) == ("Anna", 7)
    assert await merging.conflicts() == []


async def test_a_cleared_value_clears_the_other_side(merging: Merging) -> None:
    page = await pair(merging, tags='["x", "y"]', due="2026-01-02", note="n")
    merging.change(1, size=None, tags=None)
    await merging.edit(page, Due=None, Note=None)
    await merging.merge()
    shown = (await merging.pages())[page]
    assert (shown["Size"], shown["Tags"]) == (None, [])
    assert (merging.rows()[1]["due"], merging.rows()[1]["note"]) == (None, None)


async def test_our_own_writes_are_not_pushed_back(merging: Merging) -> None:
    page = await pair(merging)
    merging.change(1, name="Anna")
    await merging.merge()
    await merging.edit(page, Size=9)
    await merging.merge()
    assert merging.writes() == 0
    again = await merging.merge()
    assert (again.tables["items"].unchanged, merging.writes()) == (1, 0)


async def test_text_that_reads_the_same_keeps_its_format(merging: Merging) -> None:
    page = await pair(merging, note="bold")
    bold = [{"type": "text", "text": {"content": "bold"}, "annotations": {"bold": True}}]
    await merging.edit(page, Note=bold)
    merging.change(1, size=2)
    await merging.merge()
    held = merging.emulator.world.pages[page].properties
    assert any("True" in repr(value) and "bold" in repr(value) for value in held.values())
    assert merging.writes() == 1


async def test_rows_made_on_both_sides_with_one_key_become_one(merging: Merging) -> None:
    merging.put(5, name="Ann", size=1)
    page = await merging.page(key="5", Name="Ann", Note="from Notion")
    await merging.merge()
    assert list(await merging.pages()) == [page]
    assert merging.rows()[5]["note"] == "from Notion"
    assert (await merging.pages())[page]["Size"] == 1


async def test_a_page_without_a_key_is_the_row_that_is_like_it(merging: Merging) -> None:
    merging.match = ("name",)
    merging.put(5, name="Ann", size=1)
    page = await merging.page(Name="Ann", Note="from Notion")
    await merging.merge()
    assert (await merging.pages())[page]["External ID"] == "5"
    assert list(merging.rows()) == [5]


async def test_what_fits_several_is_reported_and_left_alone(merging: Merging) -> None:
    merging.put(5, name="Ann")
    for _ in range(2):
        await merging.page(key="5", Name="Ann")
    report = await merging.merge()
    assert (report.tables["items"].ambiguous, merging.writes()) == (1, 0)
    assert len(report.findings[0].pages) == 2


async def test_a_copied_page_is_reported_and_the_original_still_follows(merging: Merging) -> None:
    page = await pair(merging)
    await merging.page(key="1", Name="Ann")
    merging.change(1, name="Anna")
    report = await merging.merge()
    assert report.tables["items"].ambiguous == 1
    assert (await merging.pages())[page]["Name"] == "Anna"


async def test_a_key_changed_in_notion_is_put_back_and_told(merging: Merging) -> None:
    page = await pair(merging)
    await merging.edit(page, key="99")
    await merging.merge()
    assert (await merging.pages())[page]["External ID"] == "1"
    (one,) = await merging.conflicts()
    assert (one.state, one.property, one.notion, one.winner) == (
        State.OVERRULED,
        "External ID",
        "99",
        Take.DATABASE,
    )


async def test_an_empty_page_is_no_row_yet(merging: Merging) -> None:
    await merging.page()
    report = await merging.merge()
    assert (report.tables["items"].skipped, merging.rows(), merging.writes()) == (1, {}, 0)


async def test_relations_lead_to_rows_made_in_the_same_merge(merging: Merging) -> None:
    merging.put(1, name="child", parent=2)
    merging.put(2, name="parent")
    above = await merging.page(Name="above")
    await merging.page(Name="below", Parent=[above])
    await merging.merge()
    rows, pages = merging.rows(), await merging.pages()
    by_name = {row["name"]: (key, row) for key, row in rows.items()}
    assert by_name["below"][1]["parent"] == by_name["above"][0]
    child = await merging.page_of(1)
    assert pages[child]["Parent"] == [await merging.page_of(2)]
    await merging.merge()
    assert merging.writes() == 0


async def test_rows_that_lead_to_each_other_are_made_first_and_related_then(merging: Merging) -> None:
    merging.put(1, name="a", parent=2)
    merging.put(2, name="b", parent=1)
    report = await merging.merge()
    pages = await merging.pages()
    one, two = await merging.page_of(1), await merging.page_of(2)
    assert (pages[one]["Parent"], pages[two]["Parent"]) == ([two], [one])
    assert report.tables["items"].failed == 0
    await merging.merge()
    assert merging.writes() == 0


async def test_a_relation_to_nowhere_is_told_and_left_alone(merging: Merging) -> None:
    merging.put(1, name="a", parent=77)
    report = await merging.merge()
    assert [one.what for one in report.findings] == ["note"]
    assert merging.rows()[1]["parent"] == 77
    await merging.merge()
    assert merging.writes() == 0


async def test_a_new_row_never_gets_the_key_of_a_page_that_lost_its_row(merging: Merging) -> None:
    merging.deletes = Deletes(DeletePolicy.IGNORE)
    kept = await pair(merging)
    merging.drop(1)
    await merging.merge()
    page = await merging.page(Name="Bob")
    report = await merging.merge()
    assert (report.tables["items"].created, report.tables["items"].ambiguous) == (1, 0)
    pages = await merging.pages()
    assert pages[page]["External ID"] != pages[kept]["External ID"]


# --- conflicts ------------------------------------------------------------------------------------------------------

POLICIES = [
    (ConflictPolicy.DATABASE, "Anna", Take.DATABASE),
    (ConflictPolicy.NOTION, "Anne", Take.NOTION),
]


@pytest.mark.parametrize(("policy", "name", "winner"), POLICIES)
async def test_a_policy_decides_and_what_lost_is_in_the_history(
    merging: Merging, policy: ConflictPolicy, name: str, winner: Take
) -> None:
    merging.conflicts_policy = policy
    page = await pair(merging)
    merging.change(1, name="Anna")
    await merging.edit(page, Name="Anne")
    await merging.merge()
    assert merging.rows()[1]["name"] == (await merging.pages())[page]["Name"] == name
    (one,) = await merging.conflicts()
    assert (one.state, one.winner, one.base, one.database, one.notion) == (
        State.OVERRULED,
        winner,
        "Ann",
        "Anna",
        "Anne",
    )


@pytest.mark.parametrize(("minutes", "name"), [(-1, "Anne"), (0, "Anna"), (1, "Anna")])
async def test_the_newest_edit_counts_and_within_a_minute_the_database(
    merging: Merging, minutes: int, name: str
) -> None:
    merging.conflicts_policy = ConflictPolicy.NEWEST
    page = await pair(merging)
    await merging.edit(page, Name="Anne")
    merging.change(1, name="Anna", changed=f"2026-11-20 {12 if minutes >= 0 else 11}:{minutes % 60:02}:30")
    await merging.merge()
    assert merging.rows()[1]["name"] == (await merging.pages())[page]["Name"] == name


async def test_a_conflict_waits_untouched_until_somebody_decides(merging: Merging) -> None:
    merging.conflicts_policy = ConflictPolicy.MANUAL
    page = await pair(merging)
    merging.change(1, name="Anna", size=5)
    await merging.edit(page, Name="Anne")
    report = await merging.merge()
    await merging.merge()
    assert report.tables["items"].conflicts == 1
    assert merging.rows()[1]["name"] == "Anna"
    shown = (await merging.pages())[page]
    assert (shown["Name"], shown["Size"]) == ("Anne", 5)
    (one,) = await merging.conflicts()
    assert (one.state, one.property, one.times) == (State.OPEN, "Name", 2)


DECISIONS = [
    (Take.DATABASE, None, "Anna"),
    (Take.NOTION, None, "Anne"),
    (Take.VALUE, "Annabel", "Annabel"),
]


@pytest.mark.parametrize(("take", "value", "name"), DECISIONS)
async def test_what_somebody_decides_is_written_by_the_next_merge(
    merging: Merging, take: Take, value: str | None, name: str
) -> None:
    merging.conflicts_policy = ConflictPolicy.MANUAL
    page = await pair(merging)
    merging.change(1, name="Anna")
    await merging.edit(page, Name="Anne")
    await merging.merge()
    (one,) = await merging.conflicts()
    async with merging.store.begin() as conn:
        await conflicts.decide(conn, "c1", one.id, take, value=value, by="ann")
    await merging.merge()
    assert merging.rows()[1]["name"] == (await merging.pages())[page]["Name"] == name
    (after,) = await merging.conflicts()
    assert (after.state, after.winner, after.decided_by) == (State.RESOLVED, take, "ann")
    await merging.merge()
    assert merging.writes() == 0


async def test_a_decision_lapses_where_a_value_has_changed_since(merging: Merging) -> None:
    merging.conflicts_policy = ConflictPolicy.MANUAL
    page = await pair(merging)
    merging.change(1, name="Anna")
    await merging.edit(page, Name="Anne")
    await merging.merge()
    (one,) = await merging.conflicts()
    async with merging.store.begin() as conn:
        await conflicts.decide(conn, "c1", one.id, Take.DATABASE)
    await merging.edit(page, Name="Antonia")
    await merging.merge()
    assert (await merging.pages())[page]["Name"] == "Antonia"
    assert sorted(one.state for one in await merging.conflicts()) == [State.OPEN, State.SETTLED]


async def test_a_conflict_ends_where_people_make_both_sides_equal(merging: Merging) -> None:
    merging.conflicts_policy = ConflictPolicy.MANUAL
    page = await pair(merging)
    merging.change(1, name="Anna")
    await merging.edit(page, Name="Anne")
    await merging.merge()
    await merging.edit(page, Name="Anna")
    await merging.merge()
    assert [one.state for one in await merging.conflicts()] == [State.SETTLED]


# --- deletions ------------------------------------------------------------------------------------------------------


async def test_a_deletion_on_either_side_reaches_the_other_where_the_mapping_says_so(
    merging: Merging,
) -> None:
    merging.put(2, name="Bob")
    page = await pair(merging)
    await merging.trash(page)
    merging.drop(2)
    report = await merging.merge()
    assert report.tables["items"].deleted == 2
    assert (merging.rows(), await merging.pages()) == ({}, {})
    assert await merging.known() == {}


async def test_a_deletion_stays_on_its_side_where_the_mapping_ignores_them(merging: Merging) -> None:
    merging.deletes = Deletes(DeletePolicy.IGNORE)
    merging.put(2, name="Bob")
    page = await pair(merging)
    await merging.trash(page)
    merging.drop(2)
    for _ in range(2):
        await merging.merge()
        assert merging.writes() == 0
    assert list(merging.rows()) == [1]
    assert [shown["Name"] for shown in (await merging.pages()).values()] == ["Bob"]


async def test_what_was_let_go_is_merged_again_once_both_sides_have_it(merging: Merging) -> None:
    merging.deletes = Deletes(DeletePolicy.IGNORE)
    page = await pair(merging)
    await merging.trash(page)
    await merging.merge()
    merging.change(1, name="Anna")
    await merging.trash(page, back=True)
    await merging.merge()
    assert (await merging.pages())[page]["Name"] == "Anna"


async def test_a_row_that_is_gone_marks_its_page_and_one_that_is_back_takes_the_mark_away(
    merging: Merging,
) -> None:
    merging.deletes = Deletes(DeletePolicy.FLAG, threshold=1.0, flag="Done")
    merging.columns = tuple(each for each in COLUMNS if each.property != "Done")
    page = await pair(merging)
    merging.drop(1)
    report = await merging.merge()
    assert report.tables["items"].deleted == 1
    assert (await merging.pages())[page]["Done"] is True
    await merging.merge()
    assert merging.writes() == 0
    merging.put(1, name="Ann", size=1)
    await merging.merge()
    assert (await merging.pages())[page]["Done"] is False


async def test_an_edit_in_notion_outlives_the_deletion_of_its_row(merging: Merging) -> None:
    page = await pair(merging)
    merging.drop(1)
    await merging.edit(page, Size=8)
    await merging.merge()
    assert (merging.rows()[1]["name"], merging.rows()[1]["size"]) == ("Ann", 8)
    assert [(one.property, one.winner) for one in await merging.conflicts()] == [("", Take.NOTION)]


async def test_an_edit_in_the_database_brings_the_page_back_from_the_trash(merging: Merging) -> None:
    page = await pair(merging)
    await merging.trash(page)
    merging.change(1, size=8)
    await merging.merge()
    assert (await merging.pages())[page]["Size"] == 8
    assert [(one.property, one.winner) for one in await merging.conflicts()] == [("", Take.DATABASE)]


async def test_too_many_deletions_stop_the_merge_before_it_writes(merging: Merging) -> None:
    merging.deletes = Deletes(DeletePolicy.TRASH, threshold=0.5)
    for key in range(1, 5):
        merging.put(key, name=f"n{key}")
    await merging.merge()
    for key in range(1, 4):
        merging.drop(key)
    async with merging.opened() as merge:
        await merge.read()
        assert "3 of the 4 rows" in (merge.too_many_deletions() or "")
    assert len(await merging.pages()) == 4


async def test_a_page_out_of_sight_deletes_nothing(merging: Merging) -> None:
    page = await pair(merging)
    merging.emulator.world.unshare(merging.emulator.connection, page)
    await merging.merge()
    assert list(merging.rows()) == [1]
    assert merging.writes() == 0


# --- only what changed ----------------------------------------------------------------------------------------------


async def test_a_merge_of_changes_asks_notion_once_and_finds_edits_of_both_sides(merging: Merging) -> None:
    for key in range(1, 4):
        merging.put(key, name=f"n{key}", parent=1)
    await merging.merge()
    page = await merging.page_of(2)
    merging.emulator.clock.advance(600)
    await merging.merge()
    await merging.edit(page, Size=7)
    merging.change(3, name="three")
    report = await merging.merge(changed_only=True)
    assert merging.emulator.requests.count(path="/query$") == 1
    assert (report.tables["items"].updated, merging.writes()) == (2, 1)
    assert merging.rows()[2]["size"] == 7
    assert (await merging.pages())[await merging.page_of(3)]["Name"] == "three"


async def test_a_merge_of_changes_that_finds_none_is_one_request(merging: Merging) -> None:
    await pair(merging)
    merging.emulator.clock.advance(600)
    await merging.merge()
    merging.emulator.clock.advance(600)
    await merging.merge(changed_only=True)
    assert merging.emulator.requests.total == 1


async def test_a_property_that_was_renamed_is_refused_and_clears_nothing(merging: Merging) -> None:
    page = await pair(merging, note="ours")
    merging.emulator.clock.advance(600)
    await merging.merge()
    async with merging.people() as client:
        renamed = {"Note": {"name": "Remark"}}
        await client.send(op.update_data_source(merging.source_id, properties=renamed))
    await merging.edit(page, Size=9)
    for changed_only in (True, False):
        with pytest.raises(BadInput, match="has no property Note"):
            await merging.merge(changed_only=changed_only)
    assert merging.rows()[1]["note"] == "ours"


async def test_an_option_that_was_added_meanwhile_is_known_at_once(merging: Merging) -> None:
    merging.columns = (*COLUMNS[:-2], MappedColumn("note", "Kind", PropertyType.SELECT))
    page = await pair(merging, note="old")
    merging.emulator.clock.advance(600)
    await merging.merge()
    async with merging.people() as client:
        options = {"Kind": {"select": {"options": [{"name": "old"}, {"name": "new"}]}}}
        await client.send(op.update_data_source(merging.source_id, properties=options))
    merging.change(1, note="new")
    report = await merging.merge(changed_only=True)
    assert report.findings == []
    assert (await merging.pages())[page]["Kind"] == "new"


async def test_a_merge_of_changes_makes_no_second_page_and_follows_a_new_one(merging: Merging) -> None:
    await pair(merging)
    merging.emulator.clock.advance(600)
    await merging.merge()
    merging.put(5, name="Bob")
    page = await merging.page(Name="Zoe")
    await merging.merge(changed_only=True)
    assert sorted(row["name"] for row in merging.rows().values()) == ["Ann", "Bob", "Zoe"]
    key = int((await merging.pages())[page]["External ID"])
    assert (key not in {1, 5}, merging.rows()[key]["name"]) == (True, "Zoe")
    await merging.merge(changed_only=True)
    assert merging.writes() == 0


async def test_what_waits_is_read_whole_every_time(merging: Merging) -> None:
    merging.conflicts_policy = ConflictPolicy.MANUAL
    page = await pair(merging)
    merging.change(1, name="Anna")
    await merging.edit(page, Name="Anne")
    await merging.merge()
    merging.emulator.clock.advance(600)
    for _ in range(2):
        await merging.merge(changed_only=True)
        assert merging.writes() == 0
    assert [one.state for one in await merging.conflicts()] == [State.OPEN]


async def test_a_property_that_is_mapped_later_is_compared_and_not_presumed_empty(merging: Merging) -> None:
    merging.columns = tuple(each for each in COLUMNS if each.property != "Note")
    page = await pair(merging, note="ours")
    await merging.edit(page, Note="theirs")
    merging.emulator.clock.advance(600)
    await merging.merge()
    merging.columns = COLUMNS
    await merging.merge(changed_only=True)
    assert (await merging.pages())[page]["Note"] == "ours"
    assert [one.notion for one in await merging.conflicts()] == ["theirs"]


async def test_a_page_in_the_trash_fails_once_and_is_then_found(merging: Merging) -> None:
    page = await pair(merging)
    merging.emulator.clock.advance(600)
    await merging.merge()
    await merging.trash(page)
    merging.change(1, name="Anna")
    await merging.merge(changed_only=True)
    await merging.merge(changed_only=True)
    assert (await merging.pages())[page]["Name"] == "Anna"


# --- what is refused ------------------------------------------------------------------------------------------------


async def test_a_value_the_database_refuses_fails_its_row_alone(merging: Merging) -> None:
    page = await pair(merging)
    await merging.edit(page, Note="never")
    await merging.page(Name="Bob")
    report = await merging.merge()
    tally = report.tables["items"]
    assert (tally.failed, tally.created) == (1, 1)
    assert merging.rows()[1]["note"] is None
    assert report.findings[0].what == "failed"


async def test_an_option_that_is_missing_fails_its_row_and_names_the_remedy(merging: Merging) -> None:
    merging.columns = (*COLUMNS[:-2], MappedColumn("note", "Kind", PropertyType.SELECT))
    page = await pair(merging, note="old")
    merging.change(1, note="new", name="Anna")
    report = await merging.merge()
    assert report.tables["items"].failed == 1
    assert report.findings[0].reason == (
        "The property Kind has no option new: add it in Notion, or let the mapping do so (add_options)."
    )
    assert (await merging.pages())[page]["Name"] == "Ann"


async def test_the_first_failure_stops_a_merge_that_halts_on_errors(merging: Merging) -> None:
    page = await pair(merging)
    await merging.edit(page, Note="never")
    merging.put(2, name="Bob")
    report = await merging.merge(halt_on_error=True)
    assert report.halted
    assert len(await merging.pages()) == 1


async def test_a_key_that_is_not_unique_is_refused_before_anything_is_written(merging: Merging) -> None:
    merging.sql("ALTER TABLE items RENAME TO others")
    merging.sql("CREATE TABLE items AS SELECT * FROM others")
    for _ in range(2):
        merging.put(5, name="Ann", done=False)
    with pytest.raises(BadInput, match="more than once: it is no key"):
        await merging.merge()


async def test_a_body_cannot_go_both_ways(merging: Merging) -> None:
    merging.mapping = TableMapping("work", merging.url, (replace(merging.table, body="note"),))
    with pytest.raises(BadInput, match="goes both ways, and the content of pages does not"):
        await merging.merge()


async def test_a_query_cannot_go_both_ways(merging: Merging) -> None:
    query = replace(merging.table, table=None, query="SELECT * FROM items")
    merging.mapping = TableMapping("work", merging.url, (query,))
    with pytest.raises(BadInput, match="has to be a table of the database"):
        await merging.merge()


@pytest.mark.parametrize("merging", ["postgresql"], indirect=True)
async def test_a_database_that_goes_away_in_the_middle_ends_the_merge_and_nothing_is_half_done(
    merging: Merging,
) -> None:
    page = await pair(merging)
    merging.put(2, name="Bob")
    await merging.edit(page, Size=7)
    sentences: list[str] = []
    for at in range(1, 24, 2):

        def cut() -> None:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
            merging.sql(others)

        merging.fuse = Fuse(meanwhile={at: cut})
        try:
            await merging.merge()
        except Unreachable as error:
            sentences.append(str(error))
    assert sentences
    assert not any("\n" in one for one in sentences)
    merging.fuse = Fuse()
    report = await merging.merge()
    assert report.tables["items"].failed == 0
    assert merging.rows()[1]["size"] == 7
    assert len(await merging.pages()) == 2
    await merging.merge()
    assert merging.writes() == 0


async def test_a_row_that_moves_between_reading_and_writing_is_looked_at_again(merging: Merging) -> None:
    page = await pair(merging)
    await merging.edit(page, Size=5)
    async with merging.opened() as merge:
        await merge.read()
        merging.change(1, name="Anna")
        await merge.write()
    assert (merging.rows()[1]["name"], merging.rows()[1]["size"]) == ("Anna", 5)
    assert (await merging.pages())[page]["Name"] == "Anna"


# --- failures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [500, 503, "timeout", "reset"])
async def test_a_create_whose_answer_was_lost_makes_no_second_page(merging: Merging, what: int | str) -> None:
    merging.put(1, name="Ann")
    merging.emulator.faults.add(what, method="POST", path=r"/v1/pages$", count=1, applied=True)
    await merging.merge()
    assert len(list(merging.all_pages())) == 1


@pytest.mark.parametrize("merging", ["sqlite"], indirect=True)
async def test_a_merge_that_dies_at_any_point_is_finished_by_the_next(merging: Merging) -> None:
    """One row to make, one page to take over, one edit on each side: dead before and after every request and transaction."""
    at, died = 0, True
    while died:
        at += 1
        merging.fuse = Fuse()
        merging.sql("DELETE FROM items")
        merging.put(100, name="Ann", size=1)
        await merging.merge()
        merging.put(101, name="Bob", note="new")
        page = await merging.page(Name="Zoe")
        merging.change(100, name=f"Anna {at}")
        await merging.edit(await merging.page_of(100), Size=at + 1)
        merging.fuse = Fuse(crash_at=at)
        try:
            await merging.merge()
            died = False
        except Crash:
            merging.fuse = Fuse()
            await merging.merge()
        merging.fuse = Fuse()
        known = await merging.known()
        assert {one.standing for one in known.values()} == {Standing.LINKED}
        pages = await merging.pages()
        assert sorted(shown["Name"] for shown in pages.values()) == [f"Anna {at}", "Bob", "Zoe"]
        rows = merging.rows()
        assert sorted(row["name"] for row in rows.values()) == [f"Anna {at}", "Bob", "Zoe"]
        assert rows[100]["size"] == at + 1
        assert rows[int(pages[page]["External ID"])]["name"] == "Zoe"
        assert await merging.conflicts() == []
        await merging.merge()
        assert merging.writes() == 0
    assert at > 20


async def test_a_page_that_the_index_does_not_show_yet_is_not_made_again(merging: Merging) -> None:
    """Its making was under way when we died, and took effect after the index was read."""
    merging.put(1, name="Ann")
    async with merging.store.begin() as conn:
        meant = Agreed({"Name": "Ann", "External ID": "1"}, {"Name": "Ann", "External ID": "1"})
        creating = Known("1", None, meant, Standing.CREATING)
        await agreed.save(conn, PLACE, [creating], now=merging.now())
    pages: list[str] = []

    async def appear() -> None:
        pages.append(await merging.page(key="1", Name="Ann"))

    merging.fuse = Fuse(listed=appear)
    await merging.merge()
    assert list(await merging.pages()) == pages
    assert (await merging.known())["1"].standing is Standing.LINKED


async def test_a_notion_that_is_down_ends_the_merge_and_the_next_one_goes_on(merging: Merging) -> None:
    for key in range(1, 4):
        merging.put(key, name=f"n{key}")
    down = Fault(502, method="POST", path=r"/v1/pages$", skip=1)
    merging.emulator.faults.active.append(down)
    with pytest.raises(Unreachable):
        await merging.merge()
    merging.emulator.faults.active.clear()
    await merging.merge()
    assert len(list(merging.all_pages())) == 3
