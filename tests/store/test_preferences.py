"""Preferences have defaults until somebody sets them."""

import pytest
from tests.store.samples import store

from syncline.core.selection import EVERYTHING, Selection, SyncScope
from syncline.store import preferences
from syncline.store.database import Database
from syncline.store.preferences import Joining, Preferences, TokenPreference


async def test_what_is_put_is_found_and_all_else_is_the_default(database: Database) -> None:
    wanted = Preferences(
        SyncScope.SPECIFIC_PAGES, ("p",), ("q",), Joining.INVITED, TokenPreference.AUTO_RECONNECT
    )
    async with database.begin() as conn:
        await store(conn)
        assert await preferences.find(conn, "c") == Preferences()
        for one in (Preferences(), wanted):
            await preferences.put(conn, "c", one)
            assert await preferences.find(conn, "c") == one


@pytest.mark.parametrize(
    ("wanted", "selection"),
    [
        (Preferences(), EVERYTHING),
        (Preferences(included=("p",)), EVERYTHING),
        (Preferences(SyncScope.SPECIFIC_PAGES, ("p",), ("q",)), Selection(("p",), ("q",))),
        (Preferences(SyncScope.DATABASES_ONLY, ("p",)), Selection(tables=True)),
        (Preferences(SyncScope.ALL, ("p",), ("q",)), Selection(excluded=("q",))),
    ],
)
def test_the_scope_says_which_of_the_lists_count(wanted: Preferences, selection: Selection) -> None:
    assert wanted.selection == selection
