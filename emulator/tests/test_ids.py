from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notion_emulator.clock import millis
from notion_emulator.ids import TAGS, Ids, dashed, undashed


def test_an_id_tells_its_day_its_workspace_its_way_and_its_table() -> None:
    ids = Ids(Random(1), "9ce7b60a4")
    made = ids.node(millis("2026-06-27T10:00:00Z"), tag="data_source")
    assert made.startswith("38c9ce7b-60a4-81")
    assert made.split("-")[4].startswith(TAGS["data_source"])
    assert made.split("-")[3][0] in "89ab"


def test_ids_do_not_collide() -> None:
    ids = Ids(Random(1), "9ce7b60a4")
    assert len({ids.node(0) for _ in range(100_000)}) == 100_000


@given(st.uuids(version=4))
def test_both_spellings_of_a_uuid_are_read(uuid: object) -> None:
    text = str(uuid)
    assert dashed(text) == dashed(undashed(text)) == dashed(text.upper()) == text


@pytest.mark.parametrize(
    "text", ["", "x", "0" * 31, "38c9ce7b-60a4-81e9-0951-000b9b64e41a", "g" * 32, "{" + "0" * 34 + "}"]
)
def test_what_is_no_uuid_is_none(text: str) -> None:
    assert dashed(text) is None


def test_the_nil_uuid_is_one() -> None:
    assert dashed("00000000-0000-0000-0000-000000000000") == "00000000-0000-0000-0000-000000000000"
