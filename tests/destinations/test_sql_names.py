import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.destinations.sql_names import MAX_IDENTIFIER, free, identifier

NAMES = (
    ("Due date", "due_date"),
    ("Größe (cm)", "grosse_cm"),
    ("任务", "ren_wu"),
    ("🎯", "property"),
    ("", "property"),
    ("Order", "order_"),
    ("user", "user_"),
    ("2024 Budget", "n2024_budget"),
    ("a" * 200, "a" * 40),
)


@pytest.mark.parametrize(("title", "name"), NAMES)
def test_a_title_becomes_a_name_that_needs_no_quotes(title: str, name: str) -> None:
    assert identifier(title, fallback="property") == name


@given(st.text())
def test_any_title_gives_an_identifier(title: str) -> None:
    name = identifier(title, fallback="property")
    assert name.isidentifier()
    assert name.isascii()
    assert name == name.lower()
    assert len(name) < MAX_IDENTIFIER - len("_end_at") - len("_9999")


def test_the_first_free_number_is_taken() -> None:
    assert free("due", taken={"due", "due_2", "due_4"}.__contains__) == "due_3"
    assert free("due", taken=set[str]().__contains__) == "due"


def test_a_number_never_makes_a_name_too_long() -> None:
    wanted = "a" * MAX_IDENTIFIER
    assert len(free(wanted, taken={wanted}.__contains__)) == MAX_IDENTIFIER
