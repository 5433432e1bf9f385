"""The four updates: on text, as a plan, and through the API."""

from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notion_emulator import Emulator
from notion_emulator.errors import ValidationFailed
from notion_emulator.ids import undashed
from notion_emulator.markdown_edit import Create, Keep, Plan, Standing, edited, plan
from notion_emulator.markdown_input import parse
from notion_emulator.objects import Block, Page

Json = dict[str, Any]


def request(kind: str, **payload: Any) -> Json:
    return {"type": kind, kind: payload}


TEXT = "# Title\nalpha beta\n- one\n\t- nested alpha\nend"
EDITED = [
    (
        request("update_content", content_updates=[{"old_str": "beta", "new_str": "gamma"}]),
        TEXT.replace("beta", "gamma"),
    ),
    (
        request("update_content", content_updates=[{"old_str": "alpha", "new_str": "x", "replace_all_matches": True}]),
        TEXT.replace("alpha", "x"),
    ),
    (
        request("update_content", content_updates=[{"old_str": "beta", "new_str": "b"}, {"old_str": "b", "new_str": "c"}]),
        "# Title\nalpha c\n- one\n\t- nested alpha\nend",
    ),
    (request("replace_content", new_str="new"), "new"),
    (request("insert_content", content="last"), f"{TEXT}\nlast"),
    (request("insert_content", content="first", position={"type": "start"}), f"first\n{TEXT}"),
    (request("insert_content", content="last", position={"type": "end"}), f"{TEXT}\nlast"),
    (request("insert_content", content="x\ny", after="alpha...beta"), TEXT.replace("beta", "beta\nx\ny")),
    (request("insert_content", content="x", after="nested"), TEXT.replace("nested alpha", "nested alpha\n\tx")),
    (request("replace_content_range", content="x", content_range="alpha...one"), "# Title\nx\n\t- nested alpha\nend"),
    (request("replace_content_range", content="", content_range="end"), TEXT[:-3]),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "expected"), EDITED, ids=str)
def test_a_text_is_edited_as_asked(asked: Json, expected: str) -> None:
    assert edited(TEXT, asked) == expected


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            request("update_content", content_updates=[{"old_str": "Alpha", "new_str": ""}]),
            f"String not found: <pattern>Alpha</pattern> in current version of the page <target>{TEXT}</target>",
        ),
        (
            request("replace_content_range", content="", content_range="full_page...full_page"),
            (
                "String not found: <pattern>full_page...full_page</pattern> in current version of the page "
                f"<target>{TEXT}</target>"
            ),
        ),
        (
            request("insert_content", content="", after="end...alpha"),
            f"String not found: <pattern>end...alpha</pattern> in current version of the page <target>{TEXT}</target>",
        ),
        (
            request("update_content", content_updates=[{"old_str": "alpha", "new_str": ""}]),
            (
                "Found 2 matches of <pattern>alpha</pattern> in current version of the page. "
                "Make the pattern match exactly once, or set replace_all_matches."
            ),
        ),
    ],
)
def test_a_text_that_is_not_there_exactly_is_refused(asked: Json, message: str) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        edited(TEXT, asked)
    assert str(refusal.value) == message


# The plan


def standing(*lines: str) -> list[Standing]:
    return [Standing(str(place), tuple(parse(line))) for place, line in enumerate(lines)]


def told(decided: Plan) -> list[str]:
    """The steps: ids of what stays, "+" for what is made."""
    return [step.id if isinstance(step, Keep) else "+" for step in decided.steps]


@pytest.mark.parametrize(
    ("before", "after", "steps", "removed"),
    [
        (("a", "b", "c"), "a\nb\nc", ["0", "1", "2"], ()),
        (("a", "b", "c"), "a\nx\nc", ["0", "+", "2"], ("1",)),
        (("a", "b", "c"), "a\nc", ["0", "2"], ("1",)),
        (("a", "b"), "x\na\nb\ny", ["+", "0", "1", "+"], ()),
        (("a", "a"), "a\na\na", ["0", "+", "1"], ()),
        (("a", "b"), "", [], ("0", "1")),
        ((), "a", ["+"], ()),
        (("- a\n\t- b", "c"), "- a\n\t- x\nc", ["+", "1"], ("0",)),
    ],
)
def test_blocks_that_do_not_change_stay(
    before: tuple[str, ...], after: str, steps: list[str], removed: tuple[str, ...]
) -> None:
    decided = plan(standing(*before), after)
    assert sorted(told(decided)) == sorted(steps)
    assert len(decided.removed) == len(removed)


PAGE = '<page url="https://app.notion.com/p/38c9ce7bedcd811c9c6d000000000001">Child</page>'


def test_what_has_an_address_stays_itself_wherever_it_stands() -> None:
    decided = plan(standing("a", PAGE), f"{PAGE.replace('Child', 'Other')}\na")
    assert told(decided) == ["1", "0"]
    assert told(plan(standing("a", PAGE), f"new\n{PAGE}", anew=True)) == ["+", "1"]


def test_a_whole_replacement_keeps_no_other_block() -> None:
    decided = plan(standing("a", "b"), "a\nb", anew=True)
    assert told(decided) == ["+", "+"]
    assert decided.removed == ("0", "1")


def test_a_block_without_markdown_stays() -> None:
    assert plan([Standing("meeting", ())], "new") == Plan(
        (
            Create(
                {
                    "type": "paragraph",
                    "paragraph": {"rich_text": [{"type": "text", "text": {"content": "new"}}]},
                }
            ),
            Keep("meeting"),
        ),
        (),
    )


LINES = st.lists(
    st.sampled_from(["a", "b", "- c", "# d", "---", PAGE]),
    max_size=8,
    unique_by=lambda one: one == PAGE or id(one),
)


@given(LINES, LINES)
@settings(deadline=None)
def test_a_plan_reads_as_the_text_it_was_made_for(before: list[str], after: list[str]) -> None:
    old = standing(*before)
    blocks = {one.id: one.blocks[0] for one in old}
    decided = plan(old, "\n".join(after))
    made = [blocks[step.id] if isinstance(step, Keep) else step.block for step in decided.steps]
    assert made == parse("\n".join(after))
    kept = [step.id for step in decided.steps if isinstance(step, Keep)]
    assert len(kept) == len(set(kept))
    assert sorted(kept + list(decided.removed)) == sorted(blocks)


# Through the API


class Api:
    """A page and its Markdown."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.world = emulator.world
        self.page: Page = self.world.create_page(self.world.pages[emulator.root_page_id], "Page")

    async def call(self, method: str, path: str, body: Json | None = None) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.emulator.token}", "Notion-Version": "2026-03-11"}
        transport = httpx2.ASGITransport(app=self.emulator.app)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://notion.test", headers=headers
        ) as client:
            return await client.request(method, path, json=body)

    async def edit(self, kind: str, **payload: Any) -> Json:
        answer = await self.call("PATCH", f"/v1/pages/{self.page.id}/markdown", request(kind, **payload))
        return {"status": answer.status_code, **answer.json()}

    def ids(self) -> list[str]:
        return [node.id for node in self.world.alive(self.page)]


@pytest.fixture
def api() -> Api:
    return Api(Emulator())


async def test_an_insertion_reads_back_as_recorded(api: Api) -> None:
    done = await api.edit("insert_content", content="## New Section\n\nHello from markdown.")
    assert done["markdown"] == "## New Section\nHello from markdown."
    assert list(done) == [
        "status",
        "object",
        "id",
        "markdown",
        "truncated",
        "unknown_block_ids",
        "request_id",
    ]


async def test_an_edit_keeps_the_ids_of_other_blocks(api: Api) -> None:
    await api.edit("insert_content", content="one\ntwo\nthree")
    before = api.ids()
    await api.edit("update_content", content_updates=[{"old_str": "two", "new_str": "2\n2b"}])
    after = api.ids()
    assert (after[0], after[-1], len(after)) == (before[0], before[-1], 4)


async def test_a_whole_replacement_loses_the_ids(api: Api) -> None:
    await api.edit("insert_content", content="one")
    before = api.ids()
    await api.edit("replace_content", new_str="one")
    assert len(api.ids()) == 1
    assert api.ids() != before


async def test_child_pages_are_not_lost_unasked(api: Api) -> None:
    child = api.world.create_page(api.page, "Child")
    refused = await api.edit("replace_content", new_str="new")
    assert (refused["status"], refused["code"]) == (400, "validation_error")
    assert '"Child"' in refused["message"]
    assert not child.trashed
    done = await api.edit("replace_content", new_str="new", allow_deleting_content=True)
    assert (done["status"], done["markdown"], child.trashed) == (200, "new", True)


async def test_a_page_line_moves_that_page_here(api: Api) -> None:
    other = api.world.create_page(api.world.pages[api.emulator.root_page_id], "Other")
    done = await api.edit(
        "insert_content", content=f'<page url="https://app.notion.com/p/{undashed(other.id)}">Other</page>'
    )
    assert done["status"] == 200
    assert other.parent_id == api.page.id
    assert api.ids() == [other.id]


async def test_a_page_line_without_an_address_makes_a_page(api: Api) -> None:
    await api.edit("insert_content", content='<page>Fresh</page>\n<database inline="true">Base</database>')
    page, database = (api.world.nodes[one] for one in api.ids())
    assert (api.world.title(page), api.world.title(database)) == ("Fresh", "Base")


async def test_a_block_without_a_form_survives_an_edit_around_it(api: Api) -> None:
    await api.edit("insert_content", content="<details>\n<summary>old</summary>\n</details>")
    toggle = api.world.nodes[api.ids()[0]]
    bookmark = api.world.add_block(toggle, "bookmark", {"caption": [], "url": "https://example.com/"})
    await api.edit("update_content", content_updates=[{"old_str": "old", "new_str": "new"}])
    parent = api.world.nodes[bookmark.parent_id]
    assert parent.id == api.ids()[0] != toggle.id
    assert parent.children == [bookmark.id]
    assert isinstance(parent, Block)
    assert toggle.trashed


async def test_a_page_in_a_replaced_block_goes_along(api: Api) -> None:
    await api.edit("insert_content", content="<details>\n<summary>old</summary>\n</details>")
    child = api.world.create_page(api.world.nodes[api.ids()[0]], "Child")
    done = await api.edit("update_content", content_updates=[{"old_str": "old", "new_str": "new"}])
    assert done["status"] == 200
    assert not api.world.in_trash(child)
    assert child.parent_id == api.ids()[0]


async def test_an_unknown_address_is_not_found(api: Api) -> None:
    unknown = "38c9ce7bedcd811c9c6d000000000001"
    refused = await api.edit(
        "insert_content", content=f'<page url="https://app.notion.com/p/{unknown}">x</page>'
    )
    assert (refused["status"], refused["code"]) == (404, "object_not_found")


async def test_an_edit_can_be_made_later(api: Api) -> None:
    body = {"allow_async": True, **request("insert_content", content="later")}
    accepted = await api.call("PATCH", f"/v1/pages/{api.page.id}/markdown", body)
    assert (accepted.status_code, accepted.json()["object"]) == (202, "async_task")
    api.emulator.clock.advance(5)
    task = await api.call("GET", f"/v1/async_tasks/{accepted.json()['id']}")
    assert task.json()["status"] == "succeeded"
    assert task.json()["result"]["markdown"] == "later"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "body.type should be defined, instead was `undefined`."),
        ({"type": "insert_content"}, "body.insert_content should be defined, instead was `undefined`."),
        (
            request("update_content", content_updates=[{"old_str": "a", "new_str": "b"}] * 101),
            "body.update_content.content_updates.length should be ≤ `100`, instead was `101`.",
        ),
    ],
)
async def test_a_wrong_body_is_refused(api: Api, body: Json, message: str) -> None:
    answer = await api.call("PATCH", f"/v1/pages/{api.page.id}/markdown", body)
    assert answer.status_code == 400
    assert answer.json()["message"] == f"body failed validation: {message}"


async def test_a_new_page_takes_its_title_from_the_first_heading(api: Api) -> None:
    body = {"parent": {"page_id": api.emulator.root_page_id}, "markdown": "# Title\n\ntext\n\n- item"}
    page = (await api.call("POST", "/v1/pages", body)).json()
    assert page["properties"]["title"]["title"][0]["plain_text"] == "Title"
    read = await api.call("GET", f"/v1/pages/{page['id']}/markdown")
    assert read.json()["markdown"] == "text\n- item"
