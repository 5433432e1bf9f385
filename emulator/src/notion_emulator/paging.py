"""Listings in pages: cursors that are items, and cursors that are sessions.

Children, uploads, users and comments: the cursor is the id of the first item of the next page. Queries: the cursor is
``s:<session>:<item>``, bound to one server session with one filter and one sort, and it dies with it
(https://developers.notion.com/reference/intro#pagination, recorded since April 2026).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from notion_emulator.errors import ValidationFailed
from notion_emulator.ids import dashed
from notion_emulator.validate import integer, refuse, uuid

if TYPE_CHECKING:
    from notion_emulator.call import Call

__all__ = ["Session", "Sessions", "envelope", "page_of_ids", "query_paging"]

Json = dict[str, Any]
PAGE_SIZE = integer(0, 100)
MOST = 500  # sessions kept; the oldest goes first


@dataclass(slots=True, eq=False)
class Session:
    """The ordered result of one query, kept on the server between its pages."""

    id: str
    question: str  # what was asked by whom; a cursor of another question is refused
    items: Sequence[str]
    expires: int
    capped: bool = False
    places: dict[str, int] = field(default_factory=dict)

    def place(self, item: str) -> int | None:
        """Where an item stands."""
        if not self.places:
            self.places = {one: index for index, one in enumerate(self.items)}
        return self.places.get(item)


class Sessions:
    """The living query sessions; ``clear`` makes every cursor stale."""

    def __init__(self) -> None:
        self._by_id: OrderedDict[str, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_id)

    def keep(self, session: Session) -> None:
        """Remember a session, forgetting the oldest beyond a bound."""
        self._by_id[session.id] = session
        while len(self._by_id) > MOST:
            self._by_id.popitem(last=False)

    def find(self, id: str, *, at: int) -> Session | None:
        """The living session of that id."""
        session = self._by_id.get(id)
        return session if session and session.expires > at else None

    def drop(self, id: str) -> None:
        """Forget one session."""
        self._by_id.pop(id, None)

    def clear(self) -> None:
        """Kill them all: every cursor handed out so far is stale."""
        self._by_id.clear()


def query_paging(call: Call, *, cursor_is_uuid: bool = True) -> tuple[str | None, int]:
    """``start_cursor`` and ``page_size`` of a GET. Raises ValidationFailed.

    On 2022-06-28 a ``page_size`` above 100 was recorded as accepted; it counts as 100 there.
    """
    cursor = call.query.get("start_cursor", [None])[-1]
    size = call.query.get("page_size", [None])[-1]
    if cursor is not None and cursor_is_uuid:
        refuse("query", uuid(cursor, "query.start_cursor", ("`undefined`",)))
        cursor = dashed(cursor)
    if size is None:
        return cursor, 100
    value: Any = int(size) if re.fullmatch(r"-?[0-9]{1,9}", size) else size
    if isinstance(value, int) and value > 100 and call.version == "2022-06-28":
        value = 100
    refuse("query", PAGE_SIZE(value, "query.page_size", ("`undefined`",)))
    return cursor, int(value) or 100


def page_of_ids(items: Iterable[str], cursor: str | None, *, size: int) -> tuple[list[str], str | None]:
    """The items from the cursor on, at most ``size``, and the next cursor. Raises ValidationFailed for a stale one."""
    rest = iter(items)
    taken: list[str] = []
    if cursor is not None:
        if not any(one == cursor for one in rest):
            raise stale(cursor)
        taken.append(cursor)
    taken += islice(rest, size + 1 - len(taken))
    return taken[:size], taken[size] if len(taken) > size else None


def stale(cursor: str) -> ValidationFailed:
    """The refusal of a cursor that leads nowhere."""
    return ValidationFailed(f"The start_cursor provided is invalid: {cursor}")


def session_page(
    call: Call, question: str, compute: Callable[[], Sequence[str]], *, cursor: str | None, size: int
) -> tuple[Sequence[str], str | None, bool]:
    """One page of a session: its items, the next cursor, and whether the cap cut the whole result.

    Without a cursor ``compute`` orders everything anew. Raises ValidationFailed for a foreign or stale cursor.
    """
    world, now = call.world, call.world.clock.now()
    start = 0
    if cursor is None:
        items = compute()
        cap = world.settings.result_cap
        expires = now + round(world.settings.cursor_seconds * 1000)
        session = Session(world.ids.random_v4(), question, items[:cap], expires, capped=len(items) > cap)
        call.sessions.keep(session)
    else:
        session, start = _resumed(call, cursor, question=question, at=now)
    end = start + size
    more = end < len(session.items)
    following = f"s:{session.id}:{session.items[end]}" if more else None
    return session.items[start:end], following, session.capped and not more


def _resumed(call: Call, cursor: str, *, question: str, at: int) -> tuple[Session, int]:
    parts = cursor.split(":")
    session = call.sessions.find(parts[1], at=at) if len(parts) == 3 and parts[0] == "s" else None
    if session is None or session.question != question:
        raise stale(cursor)
    place = session.place(parts[2])
    if place is None:
        raise stale(cursor)
    return session, place


INCOMPLETE: Json = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}


def envelope(results: list[Any], kind: str, cursor: str | None, *, capped: bool = False) -> Json:
    """The list answer, in the recorded key order."""
    answer: Json = {
        "object": "list", "results": results, "next_cursor": cursor, "has_more": cursor is not None, "type": kind,
        kind: {},
    }  # fmt: skip
    return {**answer, "request_status": INCOMPLETE} if capped else answer
