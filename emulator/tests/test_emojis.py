from typing import Any

from notion_emulator import Emulator
from notion_emulator.objects import CustomEmoji


def test_custom_emojis_are_listed_by_exact_name_and_shown_in_text(emulator: Emulator, ask: Any) -> None:
    world = emulator.world
    for name in ("party", "party2"):
        id = world.ids.random_v4()
        world.emojis[id] = CustomEmoji(id, name, world.store_file(f"{name}.png", b"png").key)
    assert list(ask("GET", "/custom_emojis")) == [
        "object",
        "type",
        "results",
        "has_more",
        "next_cursor",
        "request_id",
    ]
    (party,) = ask("GET", "/custom_emojis?name=party")["results"]
    assert set(party) == {"id", "name", "url"}
    page = ask.page()["id"]
    (block,) = ask.append(
        page, {"paragraph": {"rich_text": [{"mention": {"custom_emoji": {"id": party["id"]}}}]}}
    )
    assert block["paragraph"]["rich_text"][0]["plain_text"] == ":party:"
    icon = ask("PATCH", f"/pages/{page}", {"icon": {"custom_emoji": {"id": party["id"]}}})["icon"]
    assert icon["custom_emoji"]["name"] == "party"
