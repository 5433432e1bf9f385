"""A page of which only parts are read again: which of the lists that are held still count. No I/O.

Notion names the blocks that changed. A list that holds none of them stands; one that holds some is read again from its own cursor,
and so are the lists below a block that is named. A block that is not held is new: where it hangs is asked for first.

Cursors of a children listing are the id of the next block (https://developers.notion.com/reference/intro, pagination), so after a list that grew or shrank
the reading gets back to where the next one begins by asking for fewer blocks.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from syncline.sources.base import Content
from syncline.store.documents import StagedList

__all__ = ["Patch", "Place", "strangers"]

Place = tuple[str, str | None]
"""Where a list begins: its container, and the cursor that leads to it, None for the first."""


@dataclass(slots=True)
class Patch:
    """What stands of a page's content.

    `standing` are the lists that need not be read, by place. `remaining` says of each block of all lists how many there are from it to the
    end of its list. `wanted` are named blocks that the reading has not come upon: they are gone, or stand where nobody looked.
    """

    standing: dict[Place, StagedList]
    remaining: Mapping[Place, int]
    parse: Callable[[StagedList], Content]
    wanted: set[str]

    @classmethod
    def of(
        cls,
        held: Sequence[StagedList],
        *,
        page: str,
        named: Collection[str],
        homes: Mapping[str, str | None],
        parse: Callable[[StagedList], Content],
    ) -> "Patch":
        """What stands when the blocks `named` changed; `homes` tells of those that are not held below what they hang."""
        places = list(_places(held))
        touched = _touched(places, page=page, named=named, homes=homes)
        remaining: dict[Place, int] = {
            (one.container, str(block["id"])): len(one.blocks) - index
            for one in held
            for index, block in enumerate(one.blocks)
        }
        standing = {place: one for place, one in places if place not in touched}
        gone = {block for block, home in homes.items() if home is None}
        wanted = {block for block in named if block != page and block not in gone} if standing else set()
        return cls(standing, remaining, parse, wanted)

    def take(self, container: str, cursor: str | None) -> StagedList | None:
        """The list at this place if it stands, once."""
        one = self.standing.pop((container, cursor), None)
        if one is not None:
            self.saw(one.blocks)
        return one

    def size(self, container: str, cursor: str | None) -> int | None:
        """How many blocks to ask for, so that the answer ends where a list that is held did; None: as many as come."""
        return None if cursor is None else self.remaining.get((container, cursor))

    def saw(self, blocks: Iterable[Mapping[str, object]]) -> None:
        """Note that these blocks have been read."""
        if self.wanted:
            self.wanted.difference_update(str(block.get("id")) for block in blocks)


def strangers(held: Sequence[StagedList], *, page: str, named: Collection[str]) -> list[str]:
    """Those of the named blocks of which nothing is held. Where one list is all there is, they can only be there."""
    if len(held) <= 1:
        return []
    known = {page, *(str(block["id"]) for one in held for block in one.blocks)}
    return sorted(block for block in named if block not in known)


def _places(held: Sequence[StagedList]) -> Iterable[tuple[Place, StagedList]]:
    """Each list and where it begins."""
    lists: defaultdict[str, list[StagedList]] = defaultdict(list)
    for one in sorted(held, key=lambda each: each.ordinal):
        lists[one.container].append(one)
    for container, ordered in lists.items():
        cursor = None
        for one in ordered:
            yield (container, cursor), one
            cursor = one.cursor


def _left(places: Sequence[tuple[Place, StagedList]], named: Collection[str]) -> Mapping[str, int]:
    """How many blocks of each container were not named."""
    left: defaultdict[str, int] = defaultdict(int)
    for (container, _), one in places:
        left[container] += sum(str(block["id"]) not in named for block in one.blocks)
    return left


def _touched(
    places: Sequence[tuple[Place, StagedList]],
    *,
    page: str,
    named: Collection[str],
    homes: Mapping[str, str | None],
) -> set[Place]:
    """The places of the lists that may have changed."""
    last = {place[0]: place for place, _ in places}
    first = {place for place, _ in places if place[1] is None}
    if len(places) <= 1:
        return first
    holding = {str(block["id"]): place for place, one in places for block in one.blocks}
    touched = {holding[block] for block in named if block in holding}
    touched |= {place for place, _ in places if place[0] in named}
    # A list that may have lost all it held: the block above it says whether it has children.
    emptied = {container for container, left in _left(places, named).items() if left == 0}
    touched |= {holding[container] for container in emptied if container in holding}
    for home in homes.values():
        if home in last:
            # A new block stands at the end more often than not; where it does not, the page is read whole.
            touched.add(last[home])
        elif home in holding:
            touched.add(holding[home])
    before = {place: earlier for (earlier, _), (place, _) in pairwise(places) if place[1] is not None}
    for place, _ in reversed(places):
        # The block that a list begins with may be gone, and with it the cursor.
        if place in touched and place[1] in named:
            touched.add(before[place])
    return touched or {place for place in first if place[0] == page}
