import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.destinations.folder_names import MAX_BYTES, chosen, fold, stem, taken_names

KEY = "38c9ce7b-60a4-81e9-b951-000b9b64e41a"

NAMES = (
    ("Plan", "Plan"),
    ("", "Untitled"),
    (" . ", "Untitled"),
    ('a/b\\c:d*e?f"g<h>i|j', "a-b-c-d-e-f-g-h-i-j"),
    ("line\nbreak\tand  spaces ", "line break and spaces"),
    (".hidden", "hidden"),
    ("ends with a dot.", "ends with a dot"),
    ("CON", "CON_"),
    ("con.txt", "con.txt_"),
    ("console", "console"),
    ("U\u0308ber", "Über"),
    ("\u202egpj.exe", "gpj.exe"),
    ("👩\u200d🚀", "👩\u200d🚀"),
    ("half \ud83d", "half"),
    ("ü" * 100, "ü" * 60),
    ("\0", "Untitled"),
)


@pytest.mark.parametrize(("title", "name"), NAMES)
def test_a_title_becomes_a_file_name(title: str, name: str) -> None:
    assert stem(title) == name


@given(st.text())
def test_any_title_gives_a_name_that_every_file_system_takes(title: str) -> None:
    name = stem(title)
    assert 0 < len(name.encode()) <= MAX_BYTES + 1
    assert name == name.strip(". ")
    assert not set(name) & set('<>:"/\\|?*\0')


def test_a_taken_name_gets_as_much_of_the_id_as_makes_it_free() -> None:
    assert chosen("Plan", KEY, taken=()) == "Plan"
    assert chosen("Plan", KEY, taken={"plan"}) == "Plan-e41a"
    assert chosen("Plan", KEY, taken={"plan", "plan-e41a"}) == "Plan-9b64e41a"


@given(st.text(), st.sets(st.sampled_from(["plan", "plan.md", "plan-e41a.md"])))
def test_a_chosen_name_is_free(title: str, taken: set[str]) -> None:
    assert taken_names(chosen(stem(title), KEY, taken=taken)).isdisjoint(taken)


def test_names_that_differ_in_case_or_composition_are_the_same() -> None:
    assert fold("STRASSE") == fold("straße")
    assert fold("U\u0308ber") == fold("über")
