"""Where links lead, and what of an icon is a text."""

from typing import Any

import pytest

from syncline.notion.links import Links, asset_url, icon_text

ID = "96245c8f-1784-44a4-82ad-1941127c3ec3"
HEX = ID.replace("-", "")


def kinds(url: str) -> tuple[str, str, str]:
    asked: list[tuple[str, str, str]] = []

    def link(kind: str, identity: str, _text: str, address: str) -> str:
        asked.append((kind, identity, address))
        return address

    Links(link=link).web(url)
    return asked[0]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"https://www.notion.so/Title-{HEX}", ("page", ID, f"https://www.notion.so/Title-{HEX}")),
        (f"https://app.notion.com/p/{HEX}#abc", ("page", ID, f"https://app.notion.com/p/{HEX}#abc")),
        (f"https://org.notion.site/T-{HEX}?pvs=4", ("page", ID, f"https://org.notion.site/T-{HEX}?pvs=4")),
        (f"/{HEX}", ("page", ID, f"https://app.notion.com/{HEX}")),
        ("https://www.notion.so/help", ("url", "", "https://www.notion.so/help")),
        (f"https://notion.so.evil.example/{HEX}", ("url", "", f"https://notion.so.evil.example/{HEX}")),
        (f"https://example.com/{HEX}", ("url", "", f"https://example.com/{HEX}")),
        ("mailto:a@example.com", ("url", "", "mailto:a@example.com")),
    ],
)
def test_links_to_pages_of_notion_are_known_by_their_id(url: str, expected: tuple[str, str, str]) -> None:
    assert kinds(url) == expected


def test_a_block_is_found_inside_its_page_or_by_its_id() -> None:
    assert Links("https://app.notion.com/p/x").block(ID) == f"https://app.notion.com/p/x#{HEX}"
    assert Links().block(ID) == f"https://app.notion.com/{HEX}"


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ({"type": "external", "external": {"url": "u"}}, "u"),
        ({"type": "file", "file": {"url": "u", "expiry_time": "t"}}, "u"),
        ({"type": "file_upload", "file_upload": {"id": "i"}}, "file-upload://i"),
        ({"type": "external"}, ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_asset_url(source: dict[str, Any] | None, url: str) -> None:
    assert asset_url(source) == url


@pytest.mark.parametrize(
    ("icon", "shown"),
    [
        ({"type": "emoji", "emoji": "🎯"}, "🎯"),
        ({"type": "custom_emoji", "custom_emoji": {"id": "c", "name": "ship", "url": "u"}}, ":ship:"),
        ({"type": "icon", "icon": {"name": "bell", "color": "gray"}}, ":bell:"),
        ({"type": "external", "external": {"url": "u"}}, ""),
        (None, ""),
    ],
)
def test_icon_text(icon: dict[str, Any] | None, shown: str) -> None:
    assert icon_text(icon) == shown
