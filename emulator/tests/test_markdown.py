"""Blocks to Markdown of dialect v1, and back: each form once, then any document."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notion_emulator.block_types import TYPES, stored
from notion_emulator.ids import undashed
from notion_emulator.inline_input import rich_text
from notion_emulator.markdown import Rendered, render
from notion_emulator.markdown_input import parse, split_title
from notion_emulator.objects import Node, Page
from notion_emulator.rich_text import item, plain, text
from notion_emulator.seed import generate
from notion_emulator.world import World

Json = dict[str, Any]
HOST = "https://app.notion.com/p/"


def shown(world: World, node: Node, *, hidden: frozenset[str] = frozenset(), **options: Any) -> Rendered:
    return render(
        world, node, link=lambda one: HOST + undashed(one.id), visible=lambda one: one.id not in hidden,
        file_url=lambda file: str(file[file["type"]].get("url") or "https://files.example.com/signed"), **options,
    )  # fmt: skip


def write(world: World, parent: Node, blocks: list[Json]) -> None:
    """Create blocks as a request names them."""
    for block in blocks:
        kind = block["type"]
        made = world.add_block(parent, kind, stored(world, kind, block[kind]))
        write(world, made, block[kind].get("children", []))


def rewritten(markdown: str) -> str:
    """Markdown read and written again."""
    world = World()
    page = world.create_page(None, "Page")
    write(world, page, parse(markdown))
    return shown(world, page).markdown


CANONICAL = [
    "plain text",
    "<empty-block/>",
    "# One\n## Two\n### Three\n#### Four",
    '## Title {toggle="true"}\n\tinside',
    'coloured {color="blue"}\n- item {color="red_bg"}',
    "- one\n\t- two\n\t\t- three\n- four",
    "1. one\n2. two\nbetween\n1. again\n\t1. inner",
    "- [ ] open\n- [x] done\n\tnote",
    "> a<br>b\n> another",
    '<details color="gray_bg">\n<summary>More</summary>\n\tinside\n\t\tdeeper\n</details>',
    '<callout icon="🎯" color="blue_bg">\n\ttext\n\t- child\n</callout>',
    '```python\nif x:\n\treturn "*"\n\nend\n```',
    "- item\n\t```mermaid\n\tgraph TD\n\t```",
    "````markdown\n```\ninner\n```\n````",
    "$$\ne = mc^2\n$$",
    "---",
    ('<table header-row="true">\n<tr>\n<td>**a**</td>\n<td></td>\n'
    "</tr>\n</table>"),
    '<columns>\n\t<column ratio="25">\n\t\tleft\n\t</column>\n\t<column>\n\t\tright\n\t</column>\n</columns>',
    '<tabs>\n\t<tab icon="🎯">\n\t\tFirst\n\t\tbody\n\t</tab>\n\t<tab>\n\t\tSecond\n\t</tab>\n</tabs>',
    "![caption](https://example.com/a.png)",
    '<video src="https://example.com/a.mp4">film</video>\n<audio src="https://example.com/a.mp3"></audio>',
    '<video src="https://example.com/a?x=1&copy=2">film</video>',
    '<pdf src="https://example.com/a.pdf">paper</pdf>\n<file src="https://example.com/a.zip"></file>',
    '<table_of_contents color="gray"/>\n<table_of_contents/>',
    "**b** *i* ~~s~~ `c` [t](https://example.com/) $`x^2`$",
    '<span underline="true">u</span> <span color="red">r</span> <span color="red_bg">[l](https://example.com/)</span>',
    "**a*b*** and *c* ***d***",
    r"\* \~ \` \$ \[ \] \< \> \{ \} \| \^ \\",
    "one<br>two",
    "``a`b``",
]  # fmt: skip


@pytest.mark.parametrize("markdown", CANONICAL, ids=str)
def test_canonical_markdown_is_read_and_written_unchanged(markdown: str) -> None:
    expected = markdown.replace(
        '<span color="red_bg">[l](https://example.com/)</span>',
        '[<span color="red_bg">l</span>](https://example.com/)',
    )
    assert rewritten(markdown) == expected


LENIENT = [
    ("one\n\n\n\ntwo", "one\ntwo"),
    ("##### Five", "#### Five"),
    ("# No toggle\n\tchild", "# No toggle\nchild"),
    ("* star\n+ plus\n2) two", "- star\n- plus\n1. two"),
    ("- [X] done\n- [] open", "- [x] done\n- [ ] open"),
    ('::: callout {icon="🎯" color="blue_bg"}\n\told\n:::', '<callout icon="🎯" color="blue_bg">\n\told\n</callout>'),
    ("$$x$$", "$$\nx\n$$"),
    ("$x$ costs $5", r"$`x`$ costs \$5"),
    ("***", "---"),
    ("```js\nx\n```", "```javascript\nx\n```"),
    ("```klingon\nx\n```", "```plain text\nx\n```"),
    ("~~~\nx\n~~~", "```plain text\nx\n```"),
    ("```python\nnever closed", "```python\nnever closed\n```"),
    (
        "| a | b |\n|---|---|\n| 1 |",
        ('<table header-row="true">\n<tr>\n<td>a</td>\n<td>b</td>\n'
        "</tr>\n<tr>\n<td>1</td>\n<td></td>\n</tr>\n</table>"),
    ),
    ("<callout>one line</callout>", '<callout icon="💡">\n\tone line\n</callout>'),
    ("<columns>\n<column>\nalone\n</column>\n</columns>", "alone"),
    ("text **never closed", r"text \*\*never closed"),
    ("2 * 3 * 4", r"2 \* 3 \* 4"),
    ("a <b>tag</b>", r"a \<b\>tag\</b\>"),
    ("<details>\n<summary>a</summary>\nnot indented\n</details>", "<details>\n<summary>a</summary>\n\tnot indented\n</details>"),
    ("line\r\nother", "line\nother"),
    ("<unclosed>", r"\<unclosed\>"),
    ("<details>", r"\<details\>"),
]  # fmt: skip


@pytest.mark.parametrize(("markdown", "canonical"), LENIENT, ids=str)
def test_other_spellings_are_accepted(markdown: str, canonical: str) -> None:
    assert rewritten(markdown) == canonical


# What only the reading side has


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def page(world: World) -> Page:
    return world.create_page(None, "Page")


def test_a_recorded_page_of_children_is_written_as_notion_wrote_it(world: World, page: Page) -> None:
    world.add_block(page, "paragraph", {"rich_text": [], "icon": None, "color": "default"})
    child = world.create_page(page, "Child")
    database = world.create_database(page, "Base")
    source = world.create_data_source(database)
    assert shown(world, page).markdown.split("\n") == [
        "<empty-block/>",
        f'<page url="{HOST}{undashed(child.id)}">Child</page>',
        f'<database url="{HOST}{undashed(database.id)}" inline="false" data-source-url="collection://{source.id}">Base</database>',
    ]


@pytest.mark.parametrize(
    ("kind", "content", "alt"),
    [
        ("bookmark", {"caption": [], "url": "https://example.com/"}, "bookmark"),
        ("embed", {"caption": [], "url": "https://example.com/"}, "embed"),
        ("link_preview", {"url": "https://example.com/"}, "link_preview"),
        ("breadcrumb", {}, "breadcrumb"),
        ("link_to_page", {"type": "page_id", "page_id": "x"}, "alias"),
        ("unsupported", {"block_type": "button"}, "button"),
        ("hologram", {"rich_text": []}, "hologram"),
    ],
)
def test_a_block_without_a_form_is_an_unknown_line(
    world: World, page: Page, kind: str, content: Json, alt: str
) -> None:
    block = world.add_block(page, kind, content)
    found = shown(world, page)
    assert found.markdown == f'<unknown url="{HOST}{undashed(page.id)}#{undashed(block.id)}" alt="{alt}"/>'
    assert not found.truncated


def test_a_long_page_is_truncated_and_says_where(world: World, page: Page) -> None:
    blocks = [
        world.add_block(page, "paragraph", {"rich_text": plain(str(n)), "color": "default"}) for n in range(3)
    ]
    found = shown(world, page, limit=2)
    assert found.truncated
    assert found.unknown_block_ids == [blocks[2].id]
    assert found.markdown.split("\n")[:2] == ["0", "1"]
    assert found.markdown.split("\n")[2].startswith("<unknown url=")
    assert shown(world, blocks[2]).markdown == "2"


def test_at_most_a_hundred_ids_are_listed(world: World, page: Page) -> None:
    for _ in range(150):
        world.add_block(page, "divider", {})
    found = shown(world, page, limit=0)
    assert len(found.unknown_block_ids) == 100
    assert found.markdown.count("<unknown") == 150


def test_a_copy_shows_its_originals_children(world: World, page: Page) -> None:
    original = world.add_block(page, "synced_block", {"synced_from": None})
    world.add_block(original, "paragraph", {"rich_text": plain("shared"), "color": "default"})
    copy = {"synced_from": {"type": "block_id", "block_id": original.id}}
    world.add_block(page, "synced_block", copy)
    url = f"{HOST}{undashed(page.id)}#{undashed(original.id)}"
    assert shown(world, page).markdown.split("\n") == [
        f'<synced_block url="{url}">', "\tshared", "</synced_block>",
        f'<synced_block_reference url="{url}">', "\tshared", "</synced_block_reference>",
    ]  # fmt: skip


def test_a_copy_of_what_is_not_shared_is_left_out_and_named(world: World, page: Page) -> None:
    away = {"synced_from": {"type": "block_id", "block_id": world.ids.node(0)}}
    copy = world.add_block(page, "synced_block", away)
    found = shown(world, page)
    assert (found.truncated, found.unknown_block_ids) == (True, [copy.id])


def test_a_copy_inside_its_original_ends(world: World, page: Page) -> None:
    original = world.add_block(page, "synced_block", {"synced_from": None})
    world.add_block(original, "synced_block", {"synced_from": {"type": "block_id", "block_id": original.id}})
    assert shown(world, page, limit=50).truncated


def test_what_the_reader_cannot_see_is_not_there(world: World, page: Page) -> None:
    child = world.create_page(page, "Hidden")
    assert shown(world, page, hidden=frozenset({child.id})).markdown == ""


def test_what_is_in_the_trash_is_not_there(world: World, page: Page) -> None:
    world.trash(world.create_page(page, "Gone"))
    assert shown(world, page).markdown == ""


def test_a_thousand_levels_are_written(world: World, page: Page) -> None:
    node: Node = page
    for _ in range(1000):
        node = world.add_block(node, "toggle", {"rich_text": plain("x"), "color": "default"})
    assert shown(world, page).markdown.count("<summary>") == 1000


def test_mentions_name_what_they_mention(world: World, page: Page) -> None:
    user = world.add_user("Iris Vale")
    day = {"start": "2026-07-01T09:30:00.000+00:00", "end": "2026-07-02", "time_zone": "Europe/Berlin"}
    runs = [
        item("mention", {"type": "user", "user": {"object": "user", "id": user.id}}, "@old"),
        item("mention", {"type": "page", "page": {"id": page.id}}, "old", href="x"),
        item("mention", {"type": "date", "date": day}, "shown"),
        item("mention", {"type": "custom_emoji", "custom_emoji": {"name": "quay"}}, ":quay:"),
        item("mention", {"type": "template_mention", "template_mention": {}}, "@Today"),
    ]
    world.add_block(page, "paragraph", {"rich_text": runs, "color": "default"})
    assert shown(world, page).markdown == (
        f'<mention-user url="user://{user.id}">Iris Vale</mention-user>'
        f'<mention-page url="{HOST}{undashed(page.id)}">Page</mention-page>'
        '<mention-date start="2026-07-01" end="2026-07-02" startTime="09:30" timeZone="Europe/Berlin"/>:quay:@Today'
    )


def test_a_page_that_is_hidden_is_mentioned_without_its_title(world: World, page: Page) -> None:
    other = world.create_page(None, "Secret")
    runs = [item("mention", {"type": "page", "page": {"id": other.id}}, "Secret")]
    world.add_block(page, "paragraph", {"rich_text": runs, "color": "default"})
    assert ">Untitled<" in shown(world, page, hidden=frozenset({other.id})).markdown


def test_meeting_notes_keep_their_transcript_until_asked(world: World, page: Page) -> None:
    parts = {}
    notes = world.add_block(page, "meeting_notes", {})
    for name in ("summary", "notes", "transcript"):
        part = world.add_block(notes, "paragraph", {"rich_text": [], "color": "default"})
        world.add_block(part, "paragraph", {"rich_text": plain(f"the {name}"), "color": "default"})
        parts[f"{name}_block_id"] = part.id
    notes.content = {"title": plain("Weekly"), "status": "notes_ready", "children": parts}
    short, whole = shown(world, page).markdown, shown(world, page, transcript=True).markdown
    assert short.split("\n")[:3] == ["<meeting-notes>", "\tWeekly", "\t<summary>"]
    assert "the transcript" not in short
    assert "the transcript" in whole


def test_generated_pages_show_every_marker_but_the_novel_ones(world: World) -> None:
    seeded = generate(world, pages=4, rows=4, blocks=900, synced=1, novel=1)
    whole = "\n".join(shown(world, page).markdown for page in world.pages.values())
    lost = {one.kind for one in seeded.markers if one.kind in ("block", "novel") and one.text not in whole}
    assert lost == {"novel"}


# What only the writing side has


def test_pages_databases_and_unknown_lines_name_what_exists() -> None:
    known = "38c9ce7b-60a4-81e9-b951-000000000001"
    url = f"{HOST}Title-{undashed(known)}"
    lines = [
        f'<page url="{url}">A \\[b\\]</page>', "<page>New</page>", f'<database url="{url}" inline="true">Base</database>',
        f'<unknown url="{HOST}{"0" * 32}#{undashed(known)}" alt="bookmark"/>',
    ]  # fmt: skip
    assert [block["existing"] for block in parse("\n".join(lines))] == [
        {"kind": "page", "id": known, "title": "A [b]"},
        {"kind": "page", "id": None, "title": "New"},
        {"kind": "database", "id": known, "title": "Base", "inline": True, "data_source": None},
        {"kind": "block", "id": known, "title": ""},
    ]


def test_an_upload_is_named_by_its_id() -> None:
    assert parse('<audio src="file-upload://abc"></audio>')[0]["audio"] == {
        "caption": [], "type": "file_upload", "file_upload": {"id": "abc"},
    }  # fmt: skip


def test_the_first_heading_can_become_the_title() -> None:
    title, rest = split_title(parse("intro\n# The title\nbody"))
    assert title == [{"type": "text", "text": {"content": "The title"}}]
    assert [block["type"] for block in rest] == ["paragraph", "paragraph"]
    assert split_title(parse("## No"))[0] is None


def test_mentions_are_read() -> None:
    known = "38c9ce7b-60a4-81e9-b951-000000000001"
    runs = rich_text(
        f'<mention-user url="user://{known}"/> <mention-date start="2026-07-01" startTime="10:00"/>'
    )
    assert runs[0]["mention"] == {"type": "user", "user": {"id": known}}
    assert runs[2]["mention"]["date"] == {"start": "2026-07-01T10:00:00", "end": None, "time_zone": None}
    assert rich_text("<mention-user/>") == []


def test_a_long_text_is_cut_into_runs_that_notion_takes() -> None:
    for character in ("a", "🎯"):
        runs = rich_text(character * 5000)
        assert "".join(run["text"]["content"] for run in runs) == character * 5000
        assert all(len(run["text"]["content"].encode("utf-16-le")) <= 4000 for run in runs)


def test_ten_thousand_levels_are_read() -> None:
    assert parse("\n".join("\t" * level + "x" for level in range(1000)))


@given(
    st.text(
        st.sampled_from('ab *_~`$[]()<>{}|^\\#-+.>!"=/\n\t1:') | st.characters(codec="utf-8"), max_size=80
    )
)
@settings(deadline=None)
def test_any_text_is_read_into_blocks_that_can_be_created(markdown: str) -> None:
    for block in parse(markdown):
        assert block["type"] in TYPES or block["type"] == "existing"


ANY_TEXT = st.text(
    st.sampled_from("ab *~`$[]<>{}|^\\🎯") | st.characters(codec="utf-8", categories=["L", "N"]), max_size=12
)
RUNS = st.lists(
    st.builds(
        lambda content, link, styles: text(content, link=link, **styles),
        ANY_TEXT,
        st.none() | st.just("https://example.com/"),
        st.fixed_dictionaries({
            "bold": st.booleans(), "italic": st.booleans(), "strikethrough": st.booleans(), "underline": st.booleans(),
            "color": st.sampled_from(["default", "red", "blue_background"]),
        }),
    ),
    max_size=4,
)  # fmt: skip


@given(RUNS)
@settings(deadline=None)
def test_what_is_written_is_read_back(runs: list[Json]) -> None:
    world = World()
    page = world.create_page(None)
    world.add_block(page, "callout", {"rich_text": runs, "icon": None, "color": "default"})
    (block,) = parse(shown(world, page).markdown)
    assert styled(block["callout"]["rich_text"]) == styled(runs)


def styled(runs: list[Json]) -> list[tuple[str, Json]]:
    """Each visible character with its link and styles."""
    found = []
    for run in runs:
        styles = {name: on for name, on in run.get("annotations", {}).items() if on and on != "default"}
        link = run["text"].get("link")
        found += [(one, {**styles, "link": link}) for one in run["text"]["content"] if not one.isspace()]
    return found
