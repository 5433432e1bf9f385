"""The tree of a workspace, part by part, and what of it is chosen."""

from typing import Any

import pytest
import pytest_asyncio
from tests.api.doors import HOME, T0, Door

from syncline.core.model import Deletion, Kind, Record
from syncline.core.selection import SyncScope
from syncline.store import preferences, records
from syncline.store.preferences import Preferences

# a ─ b ─ c, a ─ d(database) ─ s(data source) ─ r; z hangs below a page that is not shared
TREE = [
    Record(Kind.PAGE, "a", "pages", {"url": "https://notion/a"}, "h", "Alpha"),
    Record(Kind.PAGE, "b", "pages", {}, "h", "beta", "a"),
    Record(Kind.PAGE, "c", "pages", {}, "h", "Gamma 100%", "b"),
    Record(Kind.DATABASE, "d", "databases", {}, "h", "Delta", "a"),
    Record(Kind.DATA_SOURCE, "s", "data_sources", {}, "h", "Delta", "d"),
    Record(Kind.PAGE, "r", "s", {}, "h", "Row", "s"),
    Record(Kind.PAGE, "z", "pages", {}, "h", "Zeta", "unknown"),
    Record(Kind.USER, "u", "users", {}, "h", "Ulla"),
]


@pytest_asyncio.fixture
async def door(door: Door) -> Door:
    async with door.app.database.begin() as conn:
        await records.upsert(conn, HOME, TREE, run_id=None, now=T0)
    return door


async def items(door: Door, query: str = "") -> Any:
    headers = await door.signed_in("viewer")
    status, body = await door.ask("GET", f"/notion/workspaces/{HOME}/items{query}", headers=headers)
    assert status == 200, body
    return body["data"]


async def ids(door: Door, query: str = "") -> list[str]:
    return [one["id"] for one in (await items(door, query))["items"]]


async def chosen(door: Door, wanted: Preferences) -> set[str]:
    async with door.app.database.begin() as conn:
        await preferences.put(conn, HOME, wanted)
    found: set[str] = set()
    waiting = [""]
    while waiting:
        for one in (await items(door, waiting.pop()))["items"]:
            if one["selected"]:
                found.add(one["id"])
            if one["isExpandable"]:
                waiting.append(f"?parentId={one['id']}")
    return found


async def test_the_tree_is_told_level_by_level(door: Door) -> None:
    assert await ids(door) == ["a", "z"]
    assert await ids(door, "?parentId=a") == ["b", "d"]
    assert await ids(door, "?parentId=s") == ["r"]
    assert await ids(door, "?parentId=r") == await ids(door, "?parentId=nothing") == []


async def test_an_item_says_all_that_a_picker_shows(door: Door) -> None:
    (item,) = (await items(door, "?limit=1"))["items"]
    assert item == {
        "id": "a",
        "name": "Alpha",
        "itemType": "page",
        "url": "https://notion/a",
        "parentId": None,
        "isSelectable": True,
        "isExpandable": True,
        "selected": True,
        "mark": None,
        "syncedAt": None,
    }


@pytest.mark.parametrize(
    ("search", "found"),
    [("ALPHA", ["a"]), ("ta", ["b", "d", "s", "z"]), ("100%", ["c"]), ("%", ["c"]), ("_", [])],
)
async def test_a_search_looks_at_names_in_any_case_and_takes_nothing_for_a_pattern(
    door: Door, search: str, found: list[str]
) -> None:
    assert await ids(door, f"?search={search.replace('%', '%25')}") == found


async def test_a_long_list_comes_in_pages(door: Door) -> None:
    first, second = [await items(door, f"?search=ta&limit=3&page={page}") for page in (1, 2)]
    assert [len(one["items"]) for one in (first, second)] == [3, 1]
    assert second["pagination"] == {"page": 2, "limit": 3, "total": 4}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Preferences(), {"a", "b", "c", "d", "s", "r", "z"}),
        (Preferences(SyncScope.SPECIFIC_PAGES, ("b",)), {"b", "c"}),
        (Preferences(SyncScope.SPECIFIC_PAGES, ("a",), ("b",)), {"a", "d", "s", "r"}),
        (Preferences(excluded=("a",)), {"z"}),
        (Preferences(SyncScope.DATABASES_ONLY), {"d", "s", "r"}),
    ],
)
async def test_what_is_shown_as_selected_is_what_is_synced(
    door: Door, wanted: Preferences, found: set[str]
) -> None:
    assert await chosen(door, wanted) == found


async def test_marks_are_shown_where_they_stand_and_what_was_left_out_can_be_chosen_again(door: Door) -> None:
    async with door.app.database.begin() as conn:
        await preferences.put(conn, HOME, Preferences(excluded=("b",)))
        gone = [(Kind.PAGE, "b"), (Kind.PAGE, "c")]
        await records.delete(conn, HOME, gone, reason=Deletion.OUT_OF_SCOPE, now=T0)
        await records.delete(conn, HOME, [(Kind.PAGE, "r")], reason=Deletion.TRASHED, now=T0)
    shown = {one["id"]: (one["mark"], one["selected"]) for one in (await items(door, "?parentId=a"))["items"]}
    assert shown == {"b": ("excluded", False), "d": (None, True)}
    assert await ids(door, "?parentId=s") == []


@pytest.mark.parametrize("query", ["?limit=0", "?limit=101", "?page=0", "?page=x", f"?search={'x' * 501}"])
async def test_what_cannot_be_asked_is_refused(door: Door, query: str) -> None:
    headers = await door.signed_in("viewer")
    status, body = await door.ask("GET", f"/notion/workspaces/{HOME}/items{query}", headers=headers)
    assert (status, body["error"]["code"]) == (400, "VALIDATION_ERROR")
