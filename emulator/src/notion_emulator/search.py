"""Search as Notion does it: fuzzy, late and not exhaustive.

Titles only, by the beginnings of words, one common word is enough ("Contacts DB" found every database with "DB" in
its title); a data source is found by the title of its database; linked databases are left out
(https://developers.notion.com/reference/post-search and recorded answers). The order is computed once for a listing:
whoever pages through it keeps the ids.
"""

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from notion_emulator.errors import ValidationFailed
from notion_emulator.objects import Connection, DataSource, Node, Page
from notion_emulator.world import World

__all__ = ["find", "omitted", "score"]

Json = dict[str, Any]
WORD = re.compile(r"\w+")


def find(
    world: World,
    connection: Connection,
    *,
    query: str = "",
    kind: str | None = None,
    in_trash: bool | None = None,
    sort: Json | None = None,
    multi_source: bool = True,
) -> list[Page | DataSource]:
    """What a search answers, in order, as of the world's clock.

    ``kind`` is "page", "data_source" or None for both; ``in_trash`` None or False leaves the trash out, True shows
    nothing else; ``sort`` is the body's object; ``multi_source`` False leaves out databases with several data
    sources, as versions before 2025-09-03 do. Raises ValidationFailed.
    """
    wanted = WORD.findall(query.casefold())
    if query.strip() and not wanted:
        return []
    lag = round(world.settings.search_lag * 1000)
    horizon = world.clock.now() - lag
    ranked = []
    for node in _candidates(world, kind, multi_source=multi_source):
        if node.created > horizon or not _shown(world, connection, node, trash=bool(in_trash)):
            continue
        points = score(_title(world, node), wanted) if wanted else 0
        if points or not wanted:
            # An edit the index has not seen leaves the object where it was.
            ranked.append((points, node.edited if node.edited <= horizon else node.created, node))
    return _ordered(ranked, sort)


def score(title: str, wanted: list[str]) -> int:
    """How many of the wanted words begin a word of the title."""
    words = WORD.findall(title.casefold())
    return sum(1 for one in wanted if any(word.startswith(one) for word in words))


def omitted(node_id: str, *, salt: str, share: float) -> bool:
    """Whether search never shows this object: a fixed share of all, the same for equal salts."""
    if share <= 0:
        return False
    digest = blake2b(f"{salt}:{node_id}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") < share * 2**32


def _candidates(world: World, kind: str | None, *, multi_source: bool) -> Iterator[Page | DataSource]:
    if kind != "data_source":
        yield from (page for page in world.pages.values() if not page.is_template)
    if kind != "page":
        for source in world.data_sources.values():
            database = world.databases.get(source.parent_id)
            if multi_source or (database is not None and len(database.data_sources) == 1):
                yield source


def _shown(world: World, connection: Connection, node: Page | DataSource, *, trash: bool) -> bool:
    settings = world.settings
    if node.id in settings.search_omits_ids or omitted(node.id, salt=world.id, share=settings.search_omits):
        return False
    return world.in_trash(node) is trash and world.can_reach(connection, node)


def _title(world: World, node: Page | DataSource) -> str:
    named: Node = world.databases.get(node.parent_id, node) if isinstance(node, DataSource) else node
    return world.title(named)


def _ordered(ranked: list[tuple[int, int, Page | DataSource]], sort: Json | None) -> list[Page | DataSource]:
    """By edit time, newest first, unless the body's sort says otherwise."""
    ascending = False
    if sort and sort.get("property") == "relevance":
        ranked.sort(key=lambda one: one[:2], reverse=True)
        return [node for _, _, node in ranked]
    if sort:
        if sort.get("timestamp") != "last_edited_time":
            raise ValidationFailed(
                'body failed validation: body.sort.timestamp should be "last_edited_time" when sorting by timestamp.'
            )
        ascending = sort.get("direction") == "ascending"
    ranked.sort(key=lambda one: one[1], reverse=not ascending)
    return [node for _, _, node in ranked]
