import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contracts.destination import DestinationContract, load
from tests.factories import (
    block,
    changes,
    child_page,
    data_source,
    database,
    deleted,
    document,
    markdown,
    mention,
    page,
    prop,
    uid,
    unread,
    url,
    user,
    value,
)

from syncline.core.errors import BadInput, Busy, StoreUnavailable
from syncline.core.model import DocumentState, StoredRecord
from syncline.destinations import markdown as module
from syncline.destinations.folder_files import Files
from syncline.destinations.markdown import MarkdownFolder

A, B, C, TASKS = uid("a"), uid("b"), uid("c"), uid("tasks")


class FolderPlace:
    def __init__(self, root: Path) -> None:
        self.root = root

    def destination(self, connection_id: str = "one") -> MarkdownFolder:
        return MarkdownFolder(self.root, connection_id)

    def files(self) -> dict[str, str]:
        """The text of every file of pages by relative path."""
        paths = (path for path in self.root.rglob("*.md") if path.is_file())
        texts = {path.relative_to(self.root).as_posix(): path.read_text() for path in paths}
        return {path: texts[path] for path in sorted(texts) if not path.startswith(".syncline")}

    async def pages(self) -> dict[str, str]:
        fronts = (front(text) for text in self.files().values())
        return {matter["id"]: matter["title"] for matter in fronts if not is_table(matter)}

    async def dump(self) -> Any:
        return self.files()


def front(text: str) -> dict[str, Any]:
    """The front matter of a file."""
    found = re.match(r"---\n(.*?\n)---\n", text, re.DOTALL)
    assert found is not None
    matter = yaml.safe_load(found[1])
    assert isinstance(matter, dict)
    return matter


def is_table(matter: dict[str, Any]) -> bool:
    """Whether the file is that of a data source: its properties are types."""
    return "title" in matter.get("properties", {}).values()


@pytest.fixture
def place(tmp_path: Path) -> FolderPlace:
    return FolderPlace(tmp_path / "vault")


class TestMarkdownFolder(DestinationContract):
    pass


def paragraph(*items: dict[str, Any]) -> dict[str, Any]:
    return block("p", "paragraph", {"rich_text": list(items)})


def row(key: str, title: str, **values: dict[str, Any]) -> StoredRecord:
    return page(key, title, row_of=TASKS, properties=values)


async def test_the_folder_is_the_tree_of_the_workspace(place: FolderPlace) -> None:
    await load(
        place,
        changes(
            page(A, "Home"),
            page(B, "Inner", parent=A),
            database(uid(f"database of {TASKS}"), parent=A),
            data_source(TASKS, "Tasks", parent=A),
            row(C, "Row"),
            page(uid("d"), "Below", parent=C),
            page(uid("e"), "Lost", parent=uid("not shared")),
        ),
    )
    assert [*place.files()] == [
        "Home.md", "Home/Inner.md", "Home/Tasks.md", "Home/Tasks/Row.md", "Home/Tasks/Row/Below.md", "Lost.md",
    ]  # fmt: skip


async def test_a_page_in_a_block_stands_below_the_page_it_was_seen_in(place: FolderPlace) -> None:
    await load(place, changes(page(A, "Home"), page(B, "Inner", parent=uid("toggle"), home=A)))
    assert [*place.files()] == ["Home.md", "Home/Inner.md"]


async def test_a_data_source_whose_database_is_not_known_stands_where_it_says(place: FolderPlace) -> None:
    await load(place, changes(page(A, "Home"), data_source(TASKS, "Tasks", parent=A)))
    assert [*place.files()] == ["Home.md", "Home/Tasks.md"]


async def test_a_data_source_without_a_title_has_that_of_its_database(place: FolderPlace) -> None:
    home = database(uid(f"database of {TASKS}"), title="Projects")
    await load(place, changes(data_source(TASKS, ""), home))
    assert front(place.files()["Projects.md"])["title"] == "Projects"


async def test_front_matter_holds_what_the_page_is_and_its_properties(place: FolderPlace) -> None:
    values = {
        "Due": value("d", "date", {"start": "2026-07-01", "end": "2026-07-02", "time_zone": None}),
        "Done": value("x", "checkbox", content=True),
        "Needs": value("r", "relation", [{"id": B}, {"id": uid("unknown")}]),
        "Who": value(
            "w",
            "people",
            [{"object": "user", "id": uid("ann")}, {"object": "user", "id": uid("bo"), "name": "Bo"}],
        ),
        "Empty": value("e", "number", None),
        "File": value(
            "f",
            "files",
            [{"name": "a.pdf", "type": "file", "file": {"url": "https://s3/a.pdf?X-Amz-Signature=1"}}],
        ),
        "New": value("n", "novelty", {"a": [1]}),
    }
    await load(
        place,
        changes(user(uid("ann"), "Ann"), data_source(TASKS, "Tasks"), row(A, "One", **values), row(B, "Two")),
    )
    matter = front(place.files()["Tasks/One.md"])
    assert matter == {
        "id": A,
        "title": "One",
        "parent": "[Tasks](../Tasks.md)",
        "url": url(A),
        "created": "2026-11-20T11:00:00.000Z",
        "edited": "2026-11-20T12:00:00.000Z",
        "properties": {
            "Done": True,
            "Due": "2026-07-01 → 2026-07-02",
            "Empty": None,
            "File": ["a.pdf"],
            "Needs": ["[Two](Two.md)", uid("unknown")],
            "New": {"a": [1]},
            "Who": ["Ann", "Bo"],
        },
    }
    assert [*matter["properties"]] == sorted(matter["properties"])


async def test_a_data_source_is_a_table_of_its_rows(place: FolderPlace) -> None:
    source = data_source(
        TASKS, "Tasks", properties={"Done": prop("d", "checkbox"), "Needs": prop("r", "relation")}
    )
    rows = [
        row(A, "b|ar", Done=value("d", "checkbox", content=False)),
        row(B, "Abc", Needs=value("r", "relation", [{"id": A}])),
    ]
    await load(place, changes(source, *rows))
    assert place.files()["Tasks.md"].endswith(
        "# Tasks\n\n"
        "| Title | Done | Needs |\n"
        "| --- | --- | --- |\n"
        "| [Abc](Tasks/Abc.md) |  | [b\\|ar](Tasks/b-ar.md) |\n"
        "| [b\\|ar](Tasks/b-ar.md) | no |  |\n"
    )


async def test_links_between_pages_lead_to_files(place: FolderPlace) -> None:
    link = block("l", "link_to_page", {"type": "database_id", "database_id": uid(f"database of {TASKS}")})
    content = [paragraph(mention(B, "there"), mention(uid("far"), "far")), child_page(B, "A (b)"), link]
    await load(
        place,
        changes(
            (page(A, "Home"), document(A, content)), page(B, "A (b)", parent=A), data_source(TASKS, "Tasks")
        ),
    )
    text = place.files()["Home.md"]
    assert "[there](Home/A%20%28b%29.md)" in text
    assert f"[far]({url(uid('far'))})" in text
    assert "[A (b)](Home/A%20%28b%29.md)" in text
    assert "(Tasks.md)" in text


async def test_a_file_that_notion_hosts_is_linked_where_it_stands_and_never_with_its_signature(
    place: FolderPlace,
) -> None:
    hosted = {"type": "file", "file": {"url": "https://s3/a.png?X-Amz-Signature=1"}, "caption": []}
    elsewhere = {"type": "external", "external": {"url": "https://example.com/b.png?x=1"}, "caption": []}
    content = document(A, [block("i", "image", hosted), block("j", "image", elsewhere)])
    await load(place, changes((page(A, "Home"), content)))
    text = place.files()["Home.md"]
    assert "X-Amz" not in text
    assert f"({url(A)}#{uid('i').replace('-', '')})" in text
    assert "(https://example.com/b.png?x=1)" in text


async def test_links_in_notions_own_markdown_lead_to_files(place: FolderPlace) -> None:
    text = f'<page url="{url(B)}">Two</page>\n[x](https://www.notion.so/Two-{B.replace("-", "")}?pvs=4) {url(uid("far"))}'
    await load(place, changes((page(A, "Home"), markdown(A, text)), page(B, "Two", parent=A)))
    body = place.files()["Home.md"].partition("# Home\n\n")[2]
    assert body == f'<page url="Home/Two.md">Two</page>\n[x](Home/Two.md?pvs=4) {url(uid("far"))}\n'


async def test_a_moved_page_takes_its_files_along_and_is_found_by_those_that_link_to_it(
    place: FolderPlace,
) -> None:
    linking = document(C, [paragraph(mention(B, "there"))])
    await load(
        place,
        changes(
            page(A, "Home"),
            page(B, "Inner", parent=A),
            page(uid("d"), "Leaf", parent=B),
            (page(C, "Else"), linking),
        ),
    )
    await load(place, changes(page(B, "New", parent=C), after=4))
    assert [*place.files()] == ["Else.md", "Else/New.md", "Else/New/Leaf.md", "Home.md"]
    assert "[there](Else/New.md)" in place.files()["Else.md"]
    assert not (place.root / "Home").exists()


async def test_a_person_renamed_is_renamed_where_they_are_named(place: FolderPlace) -> None:
    ann = uid("ann")
    await load(
        place,
        changes(row(A, "One", Who=value("w", "people", [{"object": "user", "id": ann}])), user(ann, "Ann")),
    )
    await load(place, changes(user(ann, "Anna"), after=2))
    assert front(place.files()["One.md"])["properties"]["Who"] == ["Anna"]


async def test_links_to_a_deleted_page_lead_to_notion_again(place: FolderPlace) -> None:
    await load(
        place, changes((page(A, "Home"), document(A, [paragraph(mention(B, "there"))])), page(B, "Two"))
    )
    await load(place, changes(deleted(page(B, "Two")), after=2))
    assert f"[there]({url(B)})" in place.files()["Home.md"]


async def test_files_whose_text_did_not_change_are_not_written(place: FolderPlace) -> None:
    await load(
        place,
        changes(
            page(A, "One"), (page(B, "Two"), document(B, [paragraph(mention(A, "x"))])), page(C, "Three")
        ),
    )
    before = {path: path.stat().st_mtime_ns for path in place.root.glob("*.md")}
    await load(place, changes(page(A, "One"), page(C, "Three", edited_at=None), after=3))
    assert {path: path.stat().st_mtime_ns for path in place.root.glob("*.md")} == before


async def test_a_name_does_not_change_because_another_page_comes_or_goes(place: FolderPlace) -> None:
    await load(place, changes(page(A, "Plan")))
    await load(place, changes(page(B, "PLAN"), page(C, "Plan.md"), after=1))
    second = f"PLAN-{B[-4:]}.md"
    assert {*place.files()} == {"Plan.md", second, f"Plan.md-{C[-4:]}.md"}
    await load(place, changes(deleted(page(A, "Plan")), after=3))
    assert {*place.files()} == {second, f"Plan.md-{C[-4:]}.md"}


async def test_files_of_other_people_stay_as_they_are(place: FolderPlace) -> None:
    place.root.mkdir()
    (place.root / "Home.md").write_text("mine")
    (place.root / "Tasks").write_text("mine, too")
    (place.root / "Notes").mkdir()
    (place.root / "Notes" / "own.md").write_text("mine as well")
    pages = (page(A, "Home"), page(B, "Tasks"), page(C, "Notes"), page(uid("d"), "own", parent=C))
    await load(place, changes(*pages))
    await load(place, changes(*map(deleted, pages), after=4))
    left = [path for path in place.root.rglob("*") if path.is_file() and ".syncline" not in path.parts]
    mine = {path.relative_to(place.root).as_posix(): path.read_text() for path in left}
    assert mine == {"Home.md": "mine", "Tasks": "mine, too", "Notes/own.md": "mine as well"}


async def test_a_page_takes_another_name_where_its_folder_moved_onto_somebody_elses_file(
    place: FolderPlace,
) -> None:
    (place.root / "New").mkdir(parents=True)
    (place.root / "New" / "Leaf.md").write_text("mine")
    await load(place, changes(page(A, "Old"), page(B, "Leaf", parent=A)))
    await load(place, changes(page(A, "New"), after=2))
    assert (place.root / "New" / "Leaf.md").read_text() == "mine"
    assert (place.root / "New" / f"Leaf-{B[-4:]}.md").exists()


async def test_what_notion_refuses_is_visible(place: FolderPlace) -> None:
    refused = document(
        A, [block("t", "toggle", children=True)], state=DocumentState.MARKED, unread=(unread(uid("t")),)
    )
    short = markdown(B, "text", state=DocumentState.MARKED, unread=(unread(uid("x")),))
    await load(place, changes((page(A, "Blocks"), refused), (page(B, "Markdown"), short)))
    assert all("404 object_not_found: Could not find block." in text for text in place.files().values())


async def test_a_long_table_is_written_at_the_end(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LARGE", 1)
    async with place.destination() as folder:
        await folder.write(changes(data_source(TASKS, "Tasks"), row(A, "One"), row(B, "Two")), 3)
        assert "Tasks.md" not in place.files()
    assert "[Two](Tasks/Two.md)" in place.files()["Tasks.md"]


async def test_a_tree_deeper_than_paths_may_be_is_flattened(place: FolderPlace) -> None:
    keys = [uid(f"level {level}") for level in range(60)]
    chain = [
        page(key, "x" * 100, parent=keys[level - 1] if level else None) for level, key in enumerate(keys)
    ]
    await load(place, changes(*chain))
    assert len(await place.pages()) == 60
    assert max(len(path) for path in place.files()) < 1024


async def test_a_full_disk_is_said_plainly_and_moves_no_checkpoint(place: FolderPlace) -> None:
    await load(place, changes(page(A, "One")))
    writing = place.root / ".syncline" / "writing.md"
    writing.symlink_to("/dev/full")
    with pytest.raises(StoreUnavailable, match="No space left on device"):
        await load(place, changes(page(A, "Two"), after=1))
    writing.unlink()
    async with place.destination() as folder:
        assert await folder.checkpoint() == 1
        await folder.write(changes(page(A, "Two"), after=1), 2)
    assert [*place.files()] == ["Two.md"]


async def test_a_file_in_place_of_the_folder_is_refused(place: FolderPlace) -> None:
    place.root.write_text("a file")
    with pytest.raises(BadInput, match="cannot be written"):
        await load(place, changes(page(A)))


async def test_a_folder_of_another_style_is_refused(place: FolderPlace) -> None:
    await load(place, changes(page(A, "One")))
    with pytest.raises(BadInput, match="in the style portable"):
        async with MarkdownFolder(place.root, "one", style="notion"):
            pass


async def test_two_loads_of_one_folder_never_overlap(place: FolderPlace) -> None:
    async with place.destination():
        with pytest.raises(Busy, match="Another load into the folder"):
            await load(place, changes(page(A, "One")))
    await load(place, changes(page(A, "One")))
    assert [*place.files()] == ["One.md"]


async def test_a_state_file_that_is_none_is_refused(place: FolderPlace) -> None:
    (place.root / ".syncline").mkdir(parents=True)
    (place.root / ".syncline" / "state.sqlite").write_text(
        "not a database, but long enough to be looked at" * 50
    )
    with pytest.raises(BadInput, match="not a database"):
        await load(place, changes(page(A)))


class Crash(BaseException):
    """The process is gone."""


async def test_a_crash_at_any_file_is_made_good_by_the_same_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = changes(
        page(A, "One"),
        page(B, "Two", parent=A),
        (page(C, "Three"), document(C, [paragraph(mention(B, "x"))])),
        page(uid("d"), "Four"),
    )
    second = changes(
        page(A, "Three"),
        page(C, "One"),
        deleted(page(uid("d"), "Four")),
        page(uid("e"), "Two", parent=A),
        after=4,
    )
    whole = FolderPlace(tmp_path / "whole")
    for batch in (first, second):
        await load(whole, batch)
    for crash_at in range(1, 12):
        place = FolderPlace(tmp_path / str(crash_at))
        await load(place, first)
        with monkeypatch.context() as patch:
            crashed = _crashing(patch, crash_at)
            with pytest.raises(Crash):
                await load(place, second)
        assert crashed
        await load(place, second)
        assert place.files() == whole.files()


async def test_what_a_crashed_batch_wrote_is_in_doubt(
    place: FolderPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = document(A, [block("old")]), document(A, [block("new")])
    await load(place, changes((page(A, "One"), old)))
    before = place.files()
    with monkeypatch.context() as patch:
        _crashing(patch, 1)
        with pytest.raises(Crash):
            await load(place, changes((page(A, "One"), new), after=1))
    assert place.files() != before
    await load(place, changes((page(A, "One"), old), after=2))
    assert place.files() == before


async def test_a_folder_may_be_needed_where_a_file_stood(place: FolderPlace) -> None:
    await load(place, changes(page(A, "Plan")))
    await load(place, changes(page(A, "Other"), page(B, "Plan.md"), page(C, "Leaf", parent=B), after=1))
    assert [*place.files()] == ["Other.md", "Plan.md.md", "Plan.md/Leaf.md"]


def _crashing(patch: pytest.MonkeyPatch, crash_at: int) -> list[str]:
    """Let the file operation of that number be the last, done or half done."""
    done: list[str] = []

    def counted(name: str) -> Any:
        original = getattr(Files, name)

        def operation(self: Files, path: str, *args: Any, **kwargs: Any) -> None:
            done.append(path)
            if len(done) > crash_at // 2:
                if crash_at % 2:
                    original(self, path, *args, **kwargs)
                raise Crash
            original(self, path, *args, **kwargs)

        return operation

    patch.setattr(Files, "write", counted("write"))
    patch.setattr(Files, "remove", counted("remove"))
    return done
