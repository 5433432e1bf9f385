from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_emulator import Emulator
from notion_emulator.formula import evaluate
from notion_emulator.formula_functions import Moment, Uncomputable

DAY = Moment(datetime(2026, 1, 31, tzinfo=UTC), timed=False)
VALUES: dict[str, Any] = {"N": 4, "T": "hi", "D": DAY, "E": None, "L": ["a", "b"], "B": True}
NOW = 1_780_000_000_000  # 2026-05-28T20:26:40Z


def read(name: str) -> Any:
    if name not in VALUES:
        raise Uncomputable
    return VALUES[name]


@pytest.mark.parametrize(
    ("expression", "kind", "expected"),
    [
        ("1 + 2 * 3 ^ 2", "number", 19),
        ("-2 ^ 2", "number", -4),
        ("2 ^ 3 ^ 2", "number", 512),
        ("7 % 4 - 10 / 4", "number", 0.5),
        ('prop("N") * 2 > 7 ? "big" : "small"', "string", "big"),
        ('if(empty(prop("E")), "none", "some")', "string", "none"),
        ('ifs(false, 1, prop("B"), 2, 3)', "number", 2),
        ('prop("T").upper() + "!"', "string", "HI!"),
        ('"a" + 1', "string", "a1"),
        ("not true or 1 == 1", "boolean", True),
        ('!empty(prop("T")) and prop("N") >= 4', "boolean", True),
        ("round(2.345, 2)", "number", 2.35),
        ("[1, 2, 3].sum()", "number", 6),
        ('join(prop("L"), "-")', "string", "a-b"),
        ('prop("L").length()', "number", 2),
        ("{{notion:block_property:N:x:y}} + 1", "number", 5),
        ('dateAdd(prop("D"), 1, "months")', "date", {"start": "2026-02-28", "end": None, "time_zone": None}),
        ('dateBetween(now(), prop("D"), "days")', "number", 117),
        ('dateBetween(prop("D"), now(), "months")', "number", -3),
        ('formatDate(prop("D"), "dddd, MMMM D, YYYY")', "string", "Saturday, January 31, 2026"),
        ('year(prop("D")) + month(prop("D")) + date(prop("D")) + day(prop("D"))', "number", 2026 + 1 + 31 + 6),
        ('parseDate("2026-03-01").dateEnd()', "date", {"start": "2026-03-01", "end": None, "time_zone": None}),
        ('replaceAll("a-b-c", "-", "")', "string", "abc"),
        ('toNumber("12.5 kg")', "number", 12.5),
        ('contains("hello", "ell") and test("abc", "b.")', "boolean", True),
        ('split("a,b", ",").at(1)', "string", "b"),
        ("min(3, 1, 2) + max([4, 5])", "number", 6),
        ('prop("E")', "string", None),
        ("true == 1", "boolean", False),
    ],
)  # fmt: skip
def test_an_expression_gives_its_value(expression: str, kind: str, expected: Any) -> None:
    assert evaluate(expression, read, now=NOW) == {"type": kind, kind: expected}


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "foo(1)",
        "1 / 0",
        "((((",
        "1 +",
        'prop("Nope")',
        "prop(1)",
        '"open',
        "1 2",
        "sqrt(-1)",
        '"a" - 1',
        "name",
        'test("a", "(")',
        "[1].at()",
    ],
)
def test_what_cannot_be_computed_is_unsupported(expression: str) -> None:
    assert evaluate(expression, read, now=NOW) == {"type": "unsupported", "unsupported": {}}


@given(st.text(alphabet='()[]{}".,?:+-*/%^<>=!&| 0123456789abprope', max_size=60))
def test_no_expression_breaks_the_emulator(expression: str) -> None:
    assert evaluate(expression, read, now=NOW)["type"] in {
        "string",
        "number",
        "boolean",
        "date",
        "unsupported",
    }


def test_a_formula_over_itself_is_unsupported(emulator: Emulator, ask: Any) -> None:
    source = ask.table(
        {"A": {"formula": {"expression": 'prop("B")'}}, "B": {"formula": {"expression": 'prop("A")'}}}
    )
    assert ask.row(source)["properties"]["A"]["formula"]["type"] == "unsupported"
