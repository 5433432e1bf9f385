"""Deciding a conflict: the third value is read as one of the property's type."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from syncline.app import App
from syncline.core.errors import BadInput
from syncline.core.mapped_values import Value
from syncline.core.pair import ROW, Clash, Take
from syncline.mapping.conflicts import as_json, decide
from syncline.settings import Settings
from syncline.store import conflicts
from syncline.store.conflicts import Raised
from syncline.store.database import Database
from syncline.store.links import Place
from syncline.store.secrets import KeyRing

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


async def raised(database: Database, home: Path, kind: str, name: str = "P") -> App:
    clash = Clash(name, None, {"list": ["a"]}, "b", winner=None)
    async with database.begin() as conn:
        await conflicts.note(conn, Place("c1", "m", "t"), [Raised("1", clash, kind, None)], now=NOW)
    return App(settings=Settings(home=home), database=database, keys=KeyRing.open(home), now=lambda: NOW)


VALUES: list[tuple[str, Any, Value]] = [
    ("rich_text", "text", "text"),
    ("number", "1.50", 1.5),
    ("number", 3, 3),
    ("checkbox", "yes", True),
    ("multi_select", '["b", "a"]', ("b", "a")),
    ("multi_select", ["b", "a"], ("b", "a")),
    ("rich_text", "", None),
]


@pytest.mark.parametrize(("kind", "given", "value"), VALUES)
async def test_the_third_value_is_of_the_propertys_type(
    sqlite_database: Database, tmp_path: Path, kind: str, given: Any, value: Value
) -> None:
    app = await raised(sqlite_database, tmp_path, kind)
    assert (await decide(app, "c1", "1", Take.VALUE, value=given)).value == value


async def test_a_value_of_another_type_is_refused(sqlite_database: Database, tmp_path: Path) -> None:
    app = await raised(sqlite_database, tmp_path, "number")
    with pytest.raises(BadInput, match="P cannot be that: 'many' is not a number"):
        await decide(app, "c1", "1", Take.VALUE, value="many")


async def test_a_row_is_kept_or_deleted(sqlite_database: Database, tmp_path: Path) -> None:
    app = await raised(sqlite_database, tmp_path, "", ROW)
    with pytest.raises(BadInput, match="A row is kept or deleted"):
        await decide(app, "c1", "1", Take.VALUE, value="x")
    shown = as_json(await decide(app, "c1", "1", Take.NOTION, by="ann"))
    assert (shown["property"], shown["winner"], shown["decided_by"]) == (None, "notion", "ann")
    assert (shown["database"], shown["notion"], shown["state"]) == (["a"], "b", "decided")
