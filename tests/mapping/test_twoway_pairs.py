"""Which row is which page: a table of cases."""

from collections.abc import Mapping
from typing import Any

import pytest

from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import Direction, Key, MappedColumn, MappedTable, Row, Target
from syncline.core.pair import Agreed, Version
from syncline.mapping.twoway_pairs import Paired, pair_up
from syncline.mapping.twoway_sides import PageState
from syncline.mapping.twoway_table import fields_of
from syncline.store.agreed import Known, Standing

TABLE = MappedTable(
    "items",
    Target(name="Items"),
    Key("id"),
    (MappedColumn("name", "Name", PropertyType.TITLE), MappedColumn("size", "Size", PropertyType.NUMBER)),
    direction=Direction.BOTH,
    match=("name",),
)
FIELDS = fields_of(TABLE, PropertyType.RICH_TEXT)


def row(key: str, name: str | None = "Ann", **more: Any) -> Row:
    return Row(key, {"Name": name}, **more)


def page(identity: str, key: str | None = None, name: str | None = "Ann") -> PageState:
    return PageState(identity, key, Version({"Name": name, "External ID": key}))


def known(key: str, of: str | None, standing: Standing = Standing.LINKED, name: str = "Ann") -> Known:
    return Known(key, of, Agreed({"Name": name}, {"Name": name}), standing)


def paired(*sides: Row | PageState | Known) -> Paired:
    rows = {one.key: one for one in sides if isinstance(one, Row)}
    remembered = {one.key: one for one in sides if isinstance(one, Known)}
    return pair_up(
        TABLE, FIELDS, remembered, rows=rows, index=[one for one in sides if isinstance(one, PageState)]
    )


Found = tuple[str, str | None, bool, bool]
CASES: Mapping[str, tuple[tuple[Row | PageState | Known, ...], list[Found]]] = {
    "a row alone": ((row("1"),), [("1", None, False, True)]),
    "a page alone": ((page("p", None, "Bob"),), [("", "p", False, False)]),
    "a page that names a row that is not there": ((page("p", "7"),), [("7", "p", False, False)]),
    "by the key": ((row("1", "x"), page("p", "1", "y")), [("1", "p", False, True)]),
    "by the link, whatever key the page has now": (
        (row("1"), page("p", "99"), known("1", "p")),
        [("1", "p", True, True)],
    ),
    "by the values": ((row("1"), page("p")), [("1", "p", False, True)]),
    "not by values that are missing": (
        (row("1", None), page("p", None, "Bob")),
        [("", "p", False, False), ("1", None, False, True)],
    ),
    "a page that is not in the index is a suspect": (
        (row("1"), known("1", "p")),
        [("1", None, True, True)],
    ),
    "a page made anew takes the place of the one that is gone": (
        (row("1"), page("q", "1"), known("1", "p")),
        [("1", "q", True, True)],
    ),
    "somebody died before the page was made, or before it was seen": (
        (row("1"), known("1", None, Standing.CREATING)),
        [("1", None, True, True)],
    ),
    "somebody died after it was made": (
        (row("1"), page("p", "1"), known("1", None, Standing.CREATING)),
        [("1", "p", True, True)],
    ),
    "somebody died before the row was made": (
        (page("p"), known("5", "p", Standing.ADOPTING)),
        [("", "p", False, False)],
    ),
    "somebody died after it was made, before the page had its key": (
        (row("5"), page("p"), known("5", "p", Standing.ADOPTING)),
        [("5", "p", True, True)],
    ),
    "a stranger has the key that was reserved": (
        (row("5", "Zoe"), page("p"), known("5", "p", Standing.ADOPTING)),
        [("", "p", False, False), ("5", None, False, True)],
    ),
    "gone on both sides": ((known("1", "p"),), [("1", None, True, False)]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_row_and_its_page_meet(case: str) -> None:
    sides, expected = CASES[case]
    found = [
        (
            one.key,
            None if one.page is None else one.page.page,
            one.known is not None,
            one.row is not None,
        )
        for one in paired(*sides).items
    ]
    assert found == expected
    assert paired(*sides).ambiguous == []


AMBIGUOUS: Mapping[str, tuple[tuple[Row | PageState | Known, ...], str | None]] = {
    "two pages with one key": ((row("1"), page("p", "1"), page("q", "1")), "1"),
    "a copy of a linked page": ((row("1"), page("p", "1"), page("q", "1"), known("1", "p")), "1"),
    "two pages like one row": ((row("1"), page("p"), page("q")), "1"),
    "two rows like one page": ((row("1"), row("2"), page("p")), "1"),
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_what_fits_several_is_nobodys(case: str) -> None:
    sides, key = AMBIGUOUS[case]
    found = paired(*sides)
    assert found.ambiguous[0].key == key
    new = [one for one in found.items if one.known is None]
    assert new == []


def test_excluded_rows_and_empty_pages_are_left_out_with_the_reason() -> None:
    found = paired(row("1", excluded="kind is draft"), page("p", None, None))
    assert found.skipped == {"1": "kind is draft", "p": "the page is empty"}
    assert found.items == []


def test_a_row_that_was_let_go_is_no_suspect() -> None:
    (one,) = paired(row("1"), known("1", "p", Standing.DETACHED)).items
    assert not one.suspect
