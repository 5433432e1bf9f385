"""What Notion sends is read, or refused with the reason; only the raw bytes count for the signature."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.notion import webhook
from syncline.notion.webhook import Event, Handshake, Malformed, parse, signature, verify

PAGE = "153104cd-477e-809d-8dc4-ff2d96ae3090"
BLOCK = "153104cd-477e-80d9-b0c3-e6c3f2b8e9a5"
SOURCE = "1782edd6-a853-4d4a-b02c-9c8c16f28e53"
TOKEN = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"

EVENT: dict[str, Any] = {
    "id": "367cba44-b6f3-4c92-81e7-6a2e9659efd4",
    "timestamp": "2026-05-01T23:55:34.285Z",
    "workspace_id": "13950b26-c203-4f3b-b97d-93ec06319565",
    "type": "page.content_updated",
    "attempt_number": 2,
    "entity": {"id": PAGE, "type": "page"},
    "data": {
        "parent": {"id": PAGE, "type": "database", "data_source_id": SOURCE.replace("-", "")},
        "updated_blocks": [{"id": BLOCK, "type": "block"}, {"id": BLOCK, "type": "block"}],
    },
}


def body(**changes: Any) -> bytes:
    return json.dumps({**EVENT, **changes}).encode()


def test_an_event_says_what_to_look_at() -> None:
    assert parse(body()) == Event(
        id=EVENT["id"],
        type="page.content_updated",
        at=datetime(2026, 5, 1, 23, 55, 34, 285000, tzinfo=UTC),
        workspace_id=EVENT["workspace_id"],
        kind="page",
        entity=PAGE,
        source=SOURCE,
        page=None,
        blocks=(BLOCK,),
    )


def test_an_event_without_a_list_of_blocks_names_none() -> None:
    event = parse(body(data={}))
    assert isinstance(event, Event)
    assert (event.blocks, event.source) == (None, None)


def test_a_comment_says_its_page() -> None:
    event = parse(body(type="comment.created", data={"page_id": PAGE}))
    assert isinstance(event, Event)
    assert event.page == PAGE


def test_a_handshake_brings_the_token() -> None:
    assert parse(b'{"verification_token": "secret_x"}') == Handshake("secret_x")


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"no json",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"verification_token": 1}',
        b'{"verification_token": ""}',
        b"{}",
        body(id=None),
        body(id="x" * 201),
        body(timestamp="yesterday"),
        body(timestamp="2026-05-01T23:55:34"),
        body(entity=None),
        body(entity={"id": "../../etc/passwd", "type": "page"}),
        body(data=3),
        body(data={"updated_blocks": [{}]}),
        body(data={"updated_blocks": 3}),
        body(timestamp="0001-01-01T00:00:00+23:59"),
        body(id="nul\x00"),
        body(type="page.\ud800"),
        body(entity={"id": PAGE, "type": "page\n"}),
    ],
)
def test_what_is_no_event_is_refused(wrong: bytes) -> None:
    with pytest.raises(Malformed):
        parse(wrong)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(told: bytes) -> None:
    try:
        read: object = parse(told)
    except Malformed as error:
        read = str(error)
    assert isinstance(read, Event | Handshake | str)


def test_the_signature_is_the_documented_one() -> None:
    # HMAC-SHA256 of RFC 4231, test case 2
    assert signature(b"what do ya want for nothing?", "Jefe") == (
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


@pytest.mark.parametrize(
    ("told", "header", "good"),
    [
        (body(), signature(body(), TOKEN), True),
        (body() + b" ", signature(body(), TOKEN), False),
        (json.dumps(json.loads(body()), indent=1).encode(), signature(body(), TOKEN), False),
        (body(), signature(body(), "secret_other"), False),
        (body(), signature(body(), TOKEN).removeprefix("sha256="), False),
        (body(), signature(body(), TOKEN).upper(), False),
        (body(), "sha256=é", False),
        (body(), "", False),
        (body(), None, False),
    ],
)
def test_only_the_very_bytes_and_the_token_verify(told: bytes, header: str | None, *, good: bool) -> None:
    assert verify(told, header, TOKEN) is good


def test_the_header_has_notions_name() -> None:
    assert webhook.SIGNATURE == "X-Notion-Signature"
