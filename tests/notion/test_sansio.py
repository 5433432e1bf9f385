"""Bytes in, value or error out; error in, advice out."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.notion import errors
from syncline.notion.budget import Wait
from syncline.notion.errors import NotionError, Retry
from syncline.notion.objects import Version
from syncline.notion.sansio import (
    GIVE_UP,
    PATIENCE,
    TRIES,
    Advice,
    Multipart,
    Operation,
    ReadBack,
    advise,
    build,
    decipher,
)

GET: Operation[Any] = Operation("pages.retrieve", "GET", "/v1/pages/x", safe=True)
POST: Operation[Any] = Operation("pages.create", "POST", "/v1/pages", (), {"a": "é"})


# --- Requests ---------------------------------------------------------------------------------------------------


def test_a_request_carries_version_token_and_body() -> None:
    request = build(POST, token="ntn_t", version=Version.V2025_09_03, base_url="http://x")
    assert (request.method, request.url) == ("POST", "http://x/v1/pages")
    assert dict(request.headers) == {
        "Notion-Version": "2025-09-03",
        "Accept": "application/json",
        "Authorization": "Bearer ntn_t",
        "Content-Type": "application/json",
    }
    assert json.loads(request.content or b"") == {"a": "é"}


def test_a_request_without_body_has_no_content_type() -> None:
    request = build(GET, token="t", version=Version.V2026_03_11)
    assert request.url == "https://api.notion.com/v1/pages/x"
    assert request.content is None
    assert "Content-Type" not in dict(request.headers)


def test_queries_are_encoded_and_repeated() -> None:
    operation: Operation[Any] = Operation("x", "GET", "/v1/x", (("p", "a b"), ("p", "é&=")))
    assert build(operation, token="t", version=Version.V2026_03_11).url.endswith("?p=a+b&p=%C3%A9%26%3D")


def test_neither_request_nor_operation_shows_a_secret() -> None:
    operation: Operation[Any] = Operation("o", "POST", "/", (), {"t": "ntn_1"}, authorization="Basic ntn_2")
    request = build(operation, token="ntn_3", version=Version.V2026_03_11)
    assert "ntn_" not in repr(operation) + repr(request)
    assert dict(request.headers)["Authorization"] == "Basic ntn_2"


def test_an_operation_for_another_version_is_refused() -> None:
    operation: Operation[Any] = Operation("x", "GET", "/", version=Version.V2022_06_28)
    with pytest.raises(errors.UnsupportedByVersion, match="2022-06-28"):
        build(operation, token="t", version=Version.V2026_03_11)


def test_a_file_is_sent_as_a_form_that_is_the_same_each_time() -> None:
    form = Multipart((("part_number", "2"),), 'a"b\r\nc.txt', "text/plain", b"\x00data")
    operation: Operation[Any] = Operation("x", "POST", "/", (), form)
    request = build(operation, token="t", version=Version.V2026_03_11)
    boundary = dict(request.headers)["Content-Type"].removeprefix("multipart/form-data; boundary=").encode()
    assert request.content == (
        b'--%b\r\nContent-Disposition: form-data; name="part_number"\r\n\r\n2\r\n'
        b'--%b\r\nContent-Disposition: form-data; name="file"; filename="a%%22b%%0D%%0Ac.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\n\x00data\r\n--%b--\r\n" % (boundary, boundary, boundary)
    )  # fmt: skip
    assert build(operation, token="t", version=Version.V2026_03_11) == request


@given(st.dictionaries(st.text(st.characters()), st.text(st.characters())))
def test_every_text_can_be_sent(body: dict[str, str]) -> None:
    operation: Operation[Any] = Operation("x", "POST", "/", (), body)
    assert json.loads(build(operation, token=None, version=Version.V2026_03_11).content or b"") == body


# --- Answers ----------------------------------------------------------------------------------------------------


def notions(status: int, code: str, message: str = "m", **additional: Any) -> bytes:
    body: dict[str, Any] = {
        "object": "error",
        "status": status,
        "code": code,
        "message": message,
        "request_id": "r",
    }
    if additional:
        body["additional_data"] = additional
    return json.dumps(body).encode()


HTML = b"<html><body>Bad gateway ntn_x</body></html>"

REFUSALS: list[tuple[int, bytes, type[NotionError]]] = [
    (400, notions(400, "validation_error"), errors.Invalid),
    (400, notions(400, "invalid_json"), errors.Invalid),
    (400, notions(400, "invalid_request_url"), errors.Invalid),
    (400, notions(400, "missing_version"), errors.Invalid),
    (400, notions(400, "a_new_code"), errors.Invalid),
    (
        400,
        notions(400, "validation_error", "The start_cursor provided is invalid: s:1:2"),
        errors.StaleCursor,
    ),
    (
        400,
        notions(400, "validation_error", "query failed validation: query.start_cursor should be not present"),
        errors.Invalid,
    ),
    (
        400,
        notions(400, "validation_error", error_type="multiple_data_sources_for_database"),
        errors.MultipleDataSources,
    ),
    (400, b'{"error":"invalid_grant","error_description":"gone"}', errors.Unauthorized),
    (401, b'{"error":"invalid_client"}', errors.Unauthorized),
    (401, notions(401, "unauthorized"), errors.Unauthorized),
    (403, notions(403, "restricted_resource"), errors.Restricted),
    (404, notions(404, "object_not_found"), errors.NotFound),
    (409, notions(409, "conflict_error"), errors.Conflict),
    (409, notions(409, "row_limit_exceeded"), errors.RowLimitExceeded),
    (413, notions(413, "payload_too_large"), errors.Invalid),
    (429, notions(429, "rate_limited"), errors.RateLimited),
    (429, notions(429, "rate_limited", rate_limit_reason="public_api_request_blocked"), errors.Blocked),
    (500, notions(500, "internal_server_error"), errors.ServerError),
    (502, notions(502, "bad_gateway"), errors.ServerError),
    (503, notions(503, "service_unavailable"), errors.ServerError),
    (503, notions(503, "database_connection_unavailable"), errors.ServerError),
    (503, notions(503, "service_unavailable", committed_resource_id="p"), errors.WriteApplied),
    (503, notions(503, "service_unavailable", "The change was saved, but the response"), errors.WriteApplied),
    (504, notions(504, "gateway_timeout"), errors.ServerError),
    (529, notions(529, "service_overload"), errors.Overloaded),
    (599, notions(599, "a_new_code"), errors.ServerError),
    (502, HTML, errors.Gateway),
    (504, b"", errors.Gateway),
    (403, HTML, errors.Gateway),
    (429, HTML, errors.RateLimited),
    (529, HTML, errors.Overloaded),
    (413, HTML, errors.Invalid),
    (414, b"", errors.Invalid),
    (404, HTML, errors.Unexpected),
    (301, b"", errors.Unexpected),
    (302, b'{"location":"x"}', errors.Unexpected),
    (502, b'["not", "an", "object"]', errors.Gateway),
    (200, HTML, errors.Garbled),
    (200, b'{"object":"list","res', errors.Garbled),
    (200, b"[]", errors.Garbled),
    (200, b"\xff\xfe", errors.Garbled),
    (200, b"[" * 200_000, errors.Garbled),
]


@pytest.mark.parametrize(("status", "content", "kind"), REFUSALS)
def test_every_refusal_has_its_class(status: int, content: bytes, kind: type[NotionError]) -> None:
    with pytest.raises(NotionError) as caught:
        decipher(status, {"content-type": "text/html", "x-notion-request-id": "r"}, content)
    assert type(caught.value) is kind
    assert caught.value.status == status
    assert caught.value.request_id == "r"
    assert "ntn_" not in str(caught.value)


def test_an_object_is_returned_whole() -> None:
    body = {"object": "planet", "new": {"field": [1, None, 2.5]}}
    assert decipher(200, {}, json.dumps(body).encode()) == body
    assert decipher(202, {}, b"{}") == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\ud83d"', "\ud83d"),  # half of a smiley, cut in two by somebody's program
        (r'"\ud83d\ude00"', "\U0001f600"),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2.0**64),
        ("-9223372036854775809", -(2.0**63)),
        ("1e400", float("inf")),
        ("[" * 500 + "]" * 500, None),
    ],
)
def test_whatever_notion_can_write_can_be_read(text: str, value: Any) -> None:
    read = decipher(200, {}, b'{"value":%s}' % text.encode())["value"]
    assert value is None or (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("headers", "additional", "seconds"),
    [
        ({"retry-after": "7"}, {}, 7.0),
        ({"retry-after": "0"}, {}, 0.0),
        ({"retry-after": "-3"}, {}, 0.0),
        ({"retry-after": "nan"}, {"retry_after": "4"}, 4.0),
        ({}, {"retry_after": "42"}, 42.0),
        ({}, {}, None),
        ({"retry-after": "soon"}, {}, None),
        (
            {"retry-after": "Fri, 20 Nov 2026 12:01:30 GMT", "date": "Fri, 20 Nov 2026 12:00:00 GMT"},
            {},
            90.0,
        ),
        ({"retry-after": "Fri, 20 Nov 2026 12:01:30 GMT"}, {}, None),
        ({"retry-after": "1e300"}, {}, 86_400.0),
    ],
)
def test_the_time_to_wait_is_read_in_every_form(
    headers: dict[str, str], additional: dict[str, str], seconds: float | None
) -> None:
    with pytest.raises(errors.RateLimited) as caught:
        decipher(429, headers, notions(429, "rate_limited", **additional))
    assert caught.value.retry_after == seconds


@given(st.integers(100, 599), st.binary(max_size=60))
def test_no_answer_whatever_breaks_the_reading(status: int, content: bytes) -> None:
    try:
        assert isinstance(decipher(status, {}, content), dict)
    except NotionError as error:
        assert error.status == status  # noqa: PT017 - either outcome is right


# --- Advice -----------------------------------------------------------------------------------------------------


def after(error: NotionError, *, safe: bool = True, attempt: int = 1, elapsed: float = 0.0) -> Advice:
    return advise(error, safe=safe, attempt=attempt, elapsed=elapsed, random=0.5)


@pytest.mark.parametrize(
    "kind",
    [errors.Unauthorized, errors.Restricted, errors.NotFound, errors.Invalid, errors.StaleCursor, errors.Blocked,
     errors.RowLimitExceeded, errors.Unexpected, errors.BrokenListing],
)  # fmt: skip
@pytest.mark.parametrize("safe", [True, False])
def test_what_will_not_change_is_given_up_at_once(kind: type[NotionError], *, safe: bool) -> None:
    assert after(kind("x", retry_after=1.0), safe=safe) is GIVE_UP


TRANSIENT = [
    errors.Conflict,
    errors.ServerError,
    errors.Gateway,
    errors.TimedOut,
    errors.ConnectionLost,
    errors.Garbled,
]


@pytest.mark.parametrize("kind", TRANSIENT)
def test_a_read_is_tried_eight_times(kind: type[NotionError]) -> None:
    advices = [after(kind("x"), attempt=attempt) for attempt in range(1, TRIES + 1)]
    assert all(isinstance(advice, Wait) for advice in advices[:-1])
    assert advices[-1] is GIVE_UP


@pytest.mark.parametrize("kind", TRANSIENT)
def test_a_write_is_read_back_before_it_is_repeated(kind: type[NotionError]) -> None:
    assert isinstance(after(kind("x"), safe=False), ReadBack)


@pytest.mark.parametrize("kind", [errors.RateLimited, errors.Overloaded, errors.Unreachable])
def test_a_write_that_was_not_carried_out_is_simply_repeated(kind: type[NotionError]) -> None:
    assert isinstance(after(kind("x"), safe=False), Wait)


@pytest.mark.parametrize("kind", [errors.RateLimited, errors.Overloaded])
def test_pace_is_obeyed_as_told_and_never_counts_as_an_attempt(kind: type[NotionError]) -> None:
    assert after(kind("x", retry_after=75.0), attempt=100) == Wait(75.0)
    assert after(kind("x", retry_after=75.0), elapsed=PATIENCE) is GIVE_UP


def test_a_saved_write_is_read_and_never_repeated() -> None:
    assert after(errors.WriteApplied("x"), safe=False) == ReadBack(0.0)


@given(st.integers(1, 50), st.floats(0, 1, exclude_max=True))
def test_waits_grow_with_jitter_and_stay_below_half_a_minute(attempt: int, random: float) -> None:
    error = errors.RateLimited("without Retry-After")
    advice = advise(error, safe=True, attempt=attempt, elapsed=0.0, random=random)
    assert isinstance(advice, Wait)
    ceiling = min(30.0, 0.5 * 2 ** (attempt - 1))
    assert ceiling / 2 <= advice.seconds <= ceiling


def test_the_advice_is_never_to_repeat_what_the_class_says_not_to() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, NotionError)
    ]
    for kind in kinds:
        if kind.retry is not Retry.RETRY:
            assert not isinstance(after(kind("x"), safe=True), Wait)
            assert not isinstance(after(kind("x"), safe=False), Wait)
