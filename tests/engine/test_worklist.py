"""The items of the frontier: what each is about, and what it carries."""

from datetime import UTC, datetime

import pytest

from syncline.core.change import Policy, Reason
from syncline.core.model import Fidelity, Kind, Mode, Record
from syncline.core.refresh import Refresh
from syncline.engine.worklist import (
    Work,
    comments_item,
    content_item,
    kind_of,
    listing_item,
    object_item,
    properties_item,
    record_from,
    subject,
)
from syncline.sources.base import Listing
from syncline.store.frontier import Item

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
POLICY = Policy(Mode.INCREMENTAL, Fidelity.BLOCKS)
PAGE = Record(Kind.PAGE, "p", "rows", {"id": "p"}, "hash", title="Page", parent="d", edited_at=NOON)


@pytest.mark.parametrize(
    ("item", "about", "kind"),
    [
        (listing_item(Listing("rows:d", {}), Reason.SEED), "rows:d", None),
        (listing_item(Listing("rows:d:2026-11-20T12:00", {}), Reason.SEED), "rows:d", None),
        (object_item((Kind.DATA_SOURCE, "d"), Reason.CHILD), "d", Kind.DATA_SOURCE),
        (comments_item("p", Reason.NEW), "p", Kind.PAGE),
        (content_item(PAGE, Reason.NEW, POLICY, generation=1), "p", Kind.PAGE),
        (properties_item(PAGE, None, 1), "p", Kind.PAGE),
    ],
)
def test_an_item_is_about_a_key_of_a_kind(item: Item, about: str, kind: Kind | None) -> None:
    assert (subject(item), kind_of(item)) == (about, kind)


def test_lanes_follow_the_order_of_the_kinds() -> None:
    made = (
        listing_item(Listing("rows:d", {}), Reason.SEED),
        object_item((Kind.PAGE, "p"), Reason.CHILD),
        properties_item(PAGE, None, 1),
        content_item(PAGE, Reason.NEW, POLICY, generation=1),
        comments_item("p", Reason.NEW),
    )
    assert [(item.kind, item.lane) for item in made] == list(zip(Work, range(len(Work)), strict=True))


def test_a_record_that_was_cut_short_comes_out_as_it_went_in() -> None:
    assert record_from(properties_item(PAGE, None, 1)) == PAGE


@pytest.mark.parametrize(
    ("named", "payload"), [({}, None), ({"p": None}, None), ({"p": ("b",)}, {"blocks": ["b"]})]
)
def test_signals_name_the_blocks_that_are_to_be_read(
    named: dict[str, tuple[str, ...] | None], payload: dict[str, list[str]] | None
) -> None:
    policy = Policy(Mode.INCREMENTAL, Fidelity.BLOCKS, refresh=Refresh(content=named))
    assert content_item(PAGE, Reason.ASKED, policy, generation=1).payload == payload
