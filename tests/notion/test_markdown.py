"""Every block type in both styles, and what holds for any page."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from tests.notion.block_samples import (
    PAGE_URL,
    block,
    captioned,
    equation,
    external,
    marked_trees,
    markers,
    mention,
    run,
    said,
    table,
    uid,
)

from syncline.notion.blocks import TYPES, Block, marker, plain_text, tree, walk
from syncline.notion.markdown import StyleName, render

STYLES: tuple[StyleName, ...] = ("notion", "portable")
PERSON = uid("person")
TARGET = uid("target")
TARGET_URL = f"https://app.notion.com/p/{TARGET.replace('-', '')}"
SIGNED = (
    "https://prod-files-secure.s3.us-west-2.amazonaws.com/a/b/plan.pdf?X-Amz-Signature=00&X-Amz-Expires=3600"
)


def at(name: str) -> str:
    """The address of the block that was named so."""
    return f"{PAGE_URL}#{uid(name).replace('-', '')}"


def own(kind: str) -> str:
    return f"https://app.notion.com/p/{uid(kind).replace('-', '')}"


para = said("paragraph", "Inside")

# What is sampled → how it looks in Notion's dialect, how in portable Markdown. One line of a list is one line of text.
GOLDEN: dict[str, tuple[Sequence[Block], list[str], list[str]]] = {
    "paragraph": ([said("paragraph", "Hello")], ["Hello"], ["Hello"]),
    "coloured paragraph": (
        [said("paragraph", "Hello", color="blue_background")],
        ['Hello {color="blue_bg"}'],
        ["Hello"],
    ),
    "empty paragraph": (
        [said("paragraph", "a"), said("paragraph", ""), said("paragraph", "b")],
        ["a", "<empty-block/>", "b"],
        ["a", "", "b"],
    ),
    "paragraph with children": (
        [said("paragraph", "Hello", para)],
        ["Hello", "\tInside"],
        ["Hello", "", "Inside"],
    ),
    "line breaks": (
        [said("paragraph", "one\n  two\n- three\n")],
        [r"one<br>  two<br>- three"],
        ["one\\", "&nbsp;&nbsp;two\\", r"\- three"],
    ),
    "headings": (
        [said(f"heading_{level}", f"H{level}") for level in (1, 2, 3, 4)],
        ["# H1", "## H2", "### H3", "#### H4"],
        ["# H1", "", "## H2", "", "### H3", "", "#### H4"],
    ),
    "heading that ends in hashes": (
        [said("heading_2", "C #"), said("heading_1", "##")],
        ["## C #", "# \\##"],
        ["## C \\#", "", "# \\##"],
    ),
    "toggle heading": (
        [said("heading_2", "More", para, is_toggleable=True, color="red")],
        ['## More {toggle="true" color="red"}', "\tInside"],
        ["## More", "", "Inside"],
    ),
    "bulleted list": (
        [
            said("bulleted_list_item", "a", said("bulleted_list_item", "b", para)),
            said("bulleted_list_item", "c"),
        ],
        ["- a", "\t- b", "\t\tInside", "- c"],
        ["- a", "  - b", "", "    Inside", "- c"],
    ),
    "numbered list from nine": (
        [
            said("numbered_list_item", "i", list_start_index=9),
            said("numbered_list_item", "j", para),
            said("paragraph", ""),
            said("numbered_list_item", "anew"),
        ],
        ["9. i", "10. j", "\tInside", "<empty-block/>", "1. anew"],
        ["9. i", "10. j", "", "    Inside", "", "<!-- -->", "", "1. anew"],
    ),
    "list inside a list that does not start at one": (
        [said("bulleted_list_item", "a", said("numbered_list_item", "b", list_start_index=3))],
        ["- a", "\t3. b"],
        ["- a", "", "  3. b"],
    ),
    "empty item with children": (
        [
            said("bulleted_list_item", "", para),
            said("bulleted_list_item", "", said("bulleted_list_item", "x")),
        ],
        ["- ", "\tInside", "- ", "\t- x"],
        ["- Inside", "-", "  - x"],
    ),
    "to-dos after bullets": (
        [
            said("bulleted_list_item", "a"),
            said("to_do", "b", checked=False),
            said("to_do", "c", para, checked=True),
        ],
        ["- a", "- [ ] b", "- [x] c", "\tInside"],
        ["- a", "", "<!-- -->", "", "- [ ] b", "- [x] c", "", "  Inside"],
    ),
    "toggle": (
        [said("toggle", [run("Open "), run("me", bold=True)], para, color="gray_background")],
        ['<details color="gray_bg">', "<summary>Open **me**</summary>", "\tInside", "</details>"],
        ["<details>", "<summary>Open <strong>me</strong></summary>", "", "Inside", "", "</details>"],
    ),
    "quote": (
        [said("quote", "a\nb", para), said("quote", "c")],
        ["> a<br>b", "\tInside", "> c"],
        ["> a\\", "> b", ">", "> Inside", "", "> c"],
    ),
    "callout": (
        [said("callout", "Mind", para, icon={"type": "emoji", "emoji": "🎯"}, color="blue_background")],
        ['<callout icon="🎯" color="blue_bg">', "\tMind", "\tInside", "</callout>"],
        ["> 🎯 Mind", ">", "> Inside"],
    ),
    "callout with a picture": (
        [
            said(
                "callout", "Mind", icon={"type": "external", "external": {"url": "https://example.com/i.png"}}
            )
        ],
        ['<callout icon="https://example.com/i.png">', "\tMind", "</callout>"],
        ['> <img src="https://example.com/i.png" alt="icon" width="20"> Mind'],
    ),
    "code": (
        [said("code", "a *b*\n```\n", language="c++", caption=[run("see")])],
        ["````c++", "a *b*", "```", "", "````", "see"],
        ["````cpp", "a *b*", "```", "", "````", "", "see"],
    ),
    "equation": (
        [block("equation", data={"expression": "a &= b \\\\\n\nc"})],
        ["$$", "a &= b \\\\", "", "c", "$$"],
        ["$$", "a &= b \\\\", "c", "$$"],
    ),
    "divider": ([block("divider")], ["---"], ["---"]),
    "breadcrumb": (
        [block("breadcrumb")],
        [f'<unknown url="{at("breadcrumb")}" alt="breadcrumb"/>'],
        [f"*[breadcrumb]({at('breadcrumb')})*"],
    ),
    "table of contents": (
        [block("table_of_contents", data={"color": "gray"})],
        ['<table_of_contents color="gray"/>'],
        [f"*[table of contents]({at('table_of_contents')})*"],
    ),
    "columns": (
        [
            block(
                "column_list",
                block("column", said("paragraph", "left"), data={"width_ratio": 0.625}),
                block("column", said("paragraph", "right"), said("paragraph", "below"), name="b"),
            )
        ],
        [
            "<columns>",
            '\t<column ratio="62.5">',
            "\t\tleft",
            "\t</column>",
            "\t<column>",
            "\t\tright",
            "\t\tbelow",
            "\t</column>",
            "</columns>",
        ],
        ["left", "", "* * *", "", "right", "", "below"],
    ),
    "tabs": (
        [
            block(
                "tab",
                said("paragraph", "First", para, icon={"type": "emoji", "emoji": "🍎"}),
                said("paragraph", "Second", said("bulleted_list_item", "x")),
            )
        ],
        [
            "<tabs>",
            '\t<tab icon="🍎">',
            "\t\tFirst",
            "\t\tInside",
            "\t</tab>",
            "\t<tab>",
            "\t\tSecond",
            "\t\t- x",
            "\t</tab>",
            "</tabs>",
        ],
        ["🍎 **First**", "", "Inside", "", "**Second**", "", "- x"],
    ),
    "table": (
        [table(["a|b", "c\nd"], ["1", ""], row=True)],
        [
            '<table header-row="true" header-column="true">',
            "<tr>",
            r"<td>a\|b</td>",
            "<td>c<br>d</td>",
            "</tr>",
            "<tr>",
            "<td>1</td>",
            "<td></td>",
            "</tr>",
            "</table>",
        ],
        [r"| **a\|b** | c<br>d |", "| --- | --- |", "| **1** |  |"],
    ),
    "table without a header": (
        [table(["a", "b"], column=False)],
        ["<table>", "<tr>", "<td>a</td>", "<td>b</td>", "</tr>", "</table>"],
        ["|  |  |", "| --- | --- |", "| a | b |"],
    ),
    "synced block": (
        [block("synced_block", para, data={"synced_from": None})],
        [f'<synced_block url="{at("synced_block")}">', "\tInside", "</synced_block>"],
        ["Inside"],
    ),
    "synced copy": (
        [
            block(
                "synced_block", para, data={"synced_from": {"type": "block_id", "block_id": uid("original")}}
            )
        ],
        [
            f'<synced_block_reference url="https://app.notion.com/{uid("original").replace("-", "")}">',
            "\tInside",
            "</synced_block_reference>",
        ],
        ["Inside"],
    ),
    "template": (
        [said("template", "New", para)],
        [f'<unknown url="{at("template")}" alt="template">', "\tNew", "\tInside", "</unknown>"],
        [f"*[template block]({at('template')})*", "", "New", "", "Inside"],
    ),
    "link to page": (
        [block("link_to_page", data={"type": "page_id", "page_id": TARGET})],
        [f'<unknown url="{at("link_to_page")}" alt="alias"/>'],
        [f"↗ [Link to page]({TARGET_URL})"],
    ),
    "child page": (
        [block("child_page", data={"title": "Plans <2>"})],
        [f'<page url="{own("child_page")}">Plans \\<2\\></page>'],
        [f"📄 [Plans \\<2>]({own('child_page')})"],
    ),
    "child database": (
        [block("child_database", data={"title": "Tasks"})],
        [f'<database url="{own("child_database")}">Tasks</database>'],
        [f"🗃️ [Tasks]({own('child_database')})"],
    ),
    "embed": (
        [captioned("embed", "A map", url="https://example.com/map_(1)")],
        [f'<unknown url="{at("embed")}" alt="embed">A map</unknown>'],
        [
            r"🔗 [https://example.com/map_(1)](https://example.com/map_\(1\)) — A map".replace(
                "map_(1)]", r"map\_(1)]"
            )
        ],
    ),
    "HTML embed": (
        [captioned("embed", "Chart", url=SIGNED)],
        [f'<embed src="{SIGNED}">Chart</embed>'],
        [f"🔗 [{SIGNED}]({SIGNED}) — Chart"],
    ),
    "bookmark": (
        [captioned("bookmark", "", url="https://example.com/")],
        [f'<unknown url="{at("bookmark")}" alt="bookmark"/>'],
        ["🔖 [https://example.com/](https://example.com/)"],
    ),
    "link preview": (
        [block("link_preview", data={"url": "https://example.com/pr/1"})],
        [f'<unknown url="{at("link_preview")}" alt="link_preview"/>'],
        ["🔗 [https://example.com/pr/1](https://example.com/pr/1)"],
    ),
    "image": (
        [external("image", "https://example.com/a b.png", "A [cat]")],
        [r"![A \[cat\]](https://example.com/a%20b.png)"],
        [r"![A \[cat\]](https://example.com/a%20b.png)"],
    ),
    "image with a formatted caption": (
        [
            block(
                "image",
                data={"caption": [run("big", bold=True)], "type": "external", "external": {"url": "x.png"}},
            )
        ],
        ["![**big**](x.png)"],
        ["![big](x.png)", "", "**big**"],
    ),
    "video": (
        [external("video", "https://example.com/v.mp4", "Launch")],
        ['<video src="https://example.com/v.mp4">Launch</video>'],
        ["🎬 [v.mp4](https://example.com/v.mp4) — Launch"],
    ),
    "audio": (
        [external("audio", "https://example.com/a.ogg")],
        ['<audio src="https://example.com/a.ogg"></audio>'],
        ["🔊 [a.ogg](https://example.com/a.ogg)"],
    ),
    "pdf": (
        [
            block(
                "pdf",
                data={"caption": [], "type": "file", "file": {"url": SIGNED, "expiry_time": "2026-01-01"}},
            )
        ],
        [f'<pdf src="{SIGNED}"></pdf>'],
        [f"📕 [plan.pdf]({SIGNED})"],
    ),
    "file": (
        [external("file", "https://example.com/0b1c", "the plan", name="plan.pdf")],
        ['<file src="https://example.com/0b1c" name="plan.pdf">the plan</file>'],
        ["📎 [plan.pdf](https://example.com/0b1c) — the plan"],
    ),
    "meeting notes": (
        tree(
            "page",
            {
                "page": [
                    {
                        "id": "m",
                        "type": "meeting_notes",
                        "has_children": False,
                        "meeting_notes": {
                            "title": [run("Weekly")],
                            "children": {"summary_block_id": "s", "transcript_block_id": "t"},
                        },
                    }
                ],
                "s": [said("paragraph", "Short").raw],
                "t": [said("paragraph", "Long").raw],
            },
        ),
        [
            "<meeting-notes>",
            "\tWeekly",
            "\t<summary>",
            "\t\tShort",
            "\t</summary>",
            "\t<transcript>",
            "\t\tLong",
            "\t</transcript>",
            "</meeting-notes>",
        ],
        ["🎙️ Weekly", "", "**Summary**", "", "Short", "", "**Transcript**", "", "Long"],
    ),
    "meeting notes with their parts as blocks": (
        [
            block(
                "meeting_notes",
                said("paragraph", "", para),
                data={"title": [], "children": {"notes_block_id": uid("paragraph")}},
            )
        ],
        ["<meeting-notes>", "\t<notes>", "\t\tInside", "\t</notes>", "</meeting-notes>"],
        ["🎙️ Meeting notes", "", "**Notes**", "", "Inside"],
    ),
    "meeting notes as they were called": (
        [block("transcription", data={"title": [run("Weekly")], "status": "notes_ready"})],
        ["<meeting-notes>", "\tWeekly", "</meeting-notes>"],
        ["🎙️ Weekly"],
    ),
    "unsupported": (
        [block("unsupported", para, data={"block_type": "ai_block"})],
        [f'<unknown url="{at("unsupported")}" alt="ai_block">', "\tInside", "</unknown>"],
        [f"*[ai block]({at('unsupported')})*", "", "Inside"],
    ),
    "a type of tomorrow": (
        [said("hologram", "Look", para)],
        [f'<unknown url="{at("hologram")}" alt="hologram">', "\tLook", "\tInside", "</unknown>"],
        [f"*[hologram block]({at('hologram')})*", "", "Look", "", "Inside"],
    ),
    "children that could not be read": (
        [said("toggle", "Secret", marker(uid("toggle"), "404 object_not_found"))],
        [
            "<details>",
            "<summary>Secret</summary>",
            f'\t<unknown url="{at("toggle")}" alt="not read: 404 object_not_found"/>',
            "</details>",
        ],
        [
            "<details>",
            "<summary>Secret</summary>",
            "",
            f"> ⚠️ [Not read]({at('toggle')}): 404 object_not_found",
            "",
            "</details>",
        ],
    ),
    "mentions": (
        [
            said(
                "paragraph",
                [
                    mention("user", {"object": "user", "id": PERSON, "name": "Ada"}, "@Ada"),
                    run(" "),
                    mention("page", {"id": TARGET}, "Plan [1]", href=f"{TARGET_URL}?slug"),
                    run(" "),
                    mention("database", {"id": TARGET}, "Tasks", href=TARGET_URL),
                    run(" "),
                    mention("date", {"start": "2026-07-01", "end": None, "time_zone": None}, "2026-07-01"),
                    run(" "),
                    mention(
                        "date",
                        {"start": "2026-07-01T09:30:00.000+02:00", "end": "2026-07-02T10:00:00.000Z"},
                        "…",
                    ),
                    run(" "),
                    mention(
                        "link_mention",
                        {"href": "https://example.com/", "title": "Example"},
                        "https://example.com/",
                        href="https://example.com/",
                    ),
                    run(" "),
                    mention("custom_emoji", {"id": "e", "name": "ship_it"}, ":ship_it:"),
                    run(" "),
                    mention("template_mention", {"type": "template_mention_date"}, "@Today"),
                    run(" "),
                    mention("hologram", {}, "new thing", href="https://example.com/h"),
                ],
            )
        ],
        [
            (
                f'<mention-user url="user://{PERSON}">Ada</mention-user> '
                f'<mention-page url="{TARGET_URL}?slug">Plan \\[1\\]</mention-page> '
                f'<mention-database url="{TARGET_URL}">Tasks</mention-database> '
                '<mention-date start="2026-07-01"/> '
                '<mention-date start="2026-07-01" end="2026-07-02" startTime="09:30" endTime="10:00"/> '
                "[Example](https://example.com/) :ship_it: @Today [new thing](https://example.com/h)"
            )
        ],
        [
            (
                f"@Ada [Plan \\[1\\]]({TARGET_URL}?slug) [Tasks]({TARGET_URL}) 2026-07-01 "
                "2026-07-01 09:30 +02:00 → 2026-07-02 10:00 UTC "
                "[Example](https://example.com/) :ship_it: @Today [new thing](https://example.com/h)"
            )
        ],
    ),
    "marks": (
        [
            said(
                "paragraph",
                [
                    run("red ", color="red"),
                    run("bold ", bold=True),
                    run("both", bold=True, italic=True),
                    run(" under", underline=True),
                    run("struck", strikethrough=True, underline=True),
                    run(" `tick`", code=True),
                    run("."),
                ],
            )
        ],
        [
            '<span color="red">red </span>**bold *both***'
            '<span underline="true"> under~~struck~~</span>`` `tick` ``.'.replace("`` `tick`", "``  `tick`")
        ],
        ["red **bold _both_** <u>under~~struck~~</u>``  `tick` ``."],
    ),
    "formulas in a line": (
        [said("paragraph", [run("cost $5 "), equation("a_1$"), equation("b"), run("5 \\")])],
        ["cost \\$5 $`a_1$`$$`b`$5 \\\\"],
        ["cost \\$5 $a_1\\$$<!-- -->$b$<!-- -->5 \\\\"],
    ),
    "links": (
        [
            said(
                "paragraph",
                [
                    run("see!"),
                    run("a (b)", link="https://example.com/a_(b) c"),
                    run("page", link="/" + TARGET.replace("-", "")),
                ],
            )
        ],
        [
            f"see\\![a (b)](https://example.com/a_\\(b\\)%20c)[page](https://app.notion.com/{TARGET.replace('-', '')})"
        ],
        [
            f"see\\![a (b)](https://example.com/a_\\(b\\)%20c)[page](https://app.notion.com/{TARGET.replace('-', '')})"
        ],
    ),
}


@pytest.mark.parametrize("sample", GOLDEN)
def test_notion_style(sample: str) -> None:
    blocks, expected, _ = GOLDEN[sample]
    assert render(blocks, style="notion", page_url=PAGE_URL).split("\n") == expected


@pytest.mark.parametrize("sample", GOLDEN)
def test_portable_style(sample: str) -> None:
    blocks, _, expected = GOLDEN[sample]
    assert render(blocks, style="portable", page_url=PAGE_URL).split("\n") == expected


def test_every_known_block_type_has_a_sample() -> None:
    sampled = {found.type for blocks, _, _ in GOLDEN.values() for found in walk(blocks)}
    assert set(TYPES) - sampled == set()


def test_an_empty_page_is_an_empty_text() -> None:
    assert [render((), style=style) for style in STYLES] == ["", ""]


@given(marked_trees())
def test_no_text_is_lost_in_notion_style(blocks: tuple[Block, ...]) -> None:
    _assert_complete(blocks, "notion")


@given(marked_trees())
def test_no_text_is_lost_in_portable_style(blocks: tuple[Block, ...]) -> None:
    _assert_complete(blocks, "portable")


def _assert_complete(blocks: tuple[Block, ...], style: StyleName) -> None:
    shown = render(blocks, style=style, page_url=PAGE_URL)
    written = [word for found in walk(blocks) for word in markers(_spread(plain_text(found.raw)))]
    assert [word for word in written if word not in shown] == []
    assert render(blocks, style=style, page_url=PAGE_URL) == shown


def _spread(text: str) -> str:
    """Markers stand side by side in runs of different marks."""
    return text.replace("mark", " mark")


@pytest.mark.parametrize("style", STYLES)
def test_a_tree_of_a_thousand_levels_is_rendered(style: StyleName) -> None:
    deepest = said("bulleted_list_item", "level 1000")
    for level in range(999, 0, -1):
        deepest = said("bulleted_list_item", f"level {level}", deepest)
    lines = render([deepest], style=style).split("\n")
    assert len(lines) == 1000
    assert lines[-1].strip() == "- level 1000"


def test_links_between_pages_and_files_can_be_rewritten() -> None:
    asked: list[tuple[str, str, str]] = []

    def link(kind: str, identity: str, text: str, url: str) -> str:
        asked.append((kind, identity, text))
        return f"{kind}/{identity or url}"

    blocks = [
        said("paragraph", [mention("page", {"id": TARGET}, "Plan")]),
        block("child_page", data={"title": "Sub"}, name="sub"),
        block("link_to_page", data={"type": "database_id", "database_id": TARGET}),
        said("paragraph", [run("web", link="https://example.com")]),
        said(
            "paragraph", [run("old", link=f"https://www.notion.so/team/Old-{TARGET.replace('-', '')}?pvs=4")]
        ),
        external("image", "https://example.com/a.png"),
        block("breadcrumb"),
    ]
    text = render(blocks, style="portable", link=link, names={TARGET: "The plan"})
    assert text.split("\n\n") == [
        f"[The plan](page/{TARGET})",
        f"📄 [Sub](page/{uid('sub')})",
        f"↗ [The plan](database/{TARGET})",
        "[web](url/https://example.com)",
        f"[old](page/{TARGET})",
        f"![](asset/{uid('image')})",
        f"*[breadcrumb](block/{uid('breadcrumb')})*",
    ]
    assert ("asset", uid("image"), "a.png") in asked


@pytest.mark.parametrize("style", STYLES)
def test_real_pages_lose_no_text(recorded: list[dict[str, Any]], style: StyleName) -> None:
    seen = 0
    for root, raws in _listings(recorded):
        shown = render(tree(root, {root: raws}), style=style, page_url=PAGE_URL)
        for raw in raws:
            seen += 1
            missing = [word for word in _words(plain_text(raw)) if word not in shown]
            assert missing == [], raw
    assert seen > 1000


def test_the_real_page_with_27_types_reads_well(recorded: list[dict[str, Any]]) -> None:
    root, raws = max(_listings(recorded), key=lambda listing: len({raw["type"] for raw in listing[1]}))
    assert len({raw["type"] for raw in raws}) >= 27
    text = render(tree(root, {root: raws}), style="portable", page_url=PAGE_URL)
    for part in (
        "# This *is* a big **heading** 1\n",
        "1. Collect underpants.\n2. ???\n3. Profit.\n\n- foo\n- bar\n",
        "> 🔥 Callout with a fire emoji.\n",
        "```go\nfunc main() {\n\tstartNotion()\n}\n```\n\nIt even has a caption!\n",
        "s identity ($e^{\\pi i}+1=0$) is shown here inline.",
        "\n$$\ne^{\\pi i}+1 = 0\n$$\n",
        "- [ ] finish this document\n- [x] take a long vacation\n",
        "<u>*This* **paragraph**</u> **_has_ ~~some~~** ~~`formatting`~~.",
    ):
        assert part in text


def _listings(recorded: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for line in recorded:
        answer = line["response"]["body"]
        results = answer.get("results") if isinstance(answer, dict) else None
        if isinstance(results, list) and results and results[0].get("object") == "block":
            yield line["request"]["path"].split("/")[3], results


def _words(text: str) -> list[str]:
    """What Markdown must show letter by letter: words without any punctuation."""
    clocks = re.sub(r"T(\d\d:\d\d):\d\d\.\d+\S*", r" \1", text)
    spaced = "".join(character if character.isalnum() else " " for character in clocks)
    return spaced.split()
