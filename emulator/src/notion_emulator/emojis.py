"""``GET /custom_emojis``: the workspace's own (https://developers.notion.com/reference/list-custom-emojis)."""

from notion_emulator.call import Answer, Call
from notion_emulator.paging import page_of_ids, query_paging

__all__ = ["list_all"]


def list_all(call: Call) -> Answer:
    """All, or the one of exactly that name; the envelope has an order of its own (recorded)."""
    call.allow("read_content")
    name = call.query.get("name", [None])[-1]
    cursor, size = query_paging(call)
    emojis = call.world.emojis
    ids, following = page_of_ids(
        [id for id, one in emojis.items() if name in (None, one.name)], cursor, size=size
    )
    results = [{"id": id, "name": emojis[id].name, "url": call.signed(emojis[id].key)["url"]} for id in ids]
    answer = {
        "object": "list", "type": "custom_emoji", "results": results, "has_more": following is not None,
        "next_cursor": following,
    }  # fmt: skip
    return Answer(answer)
