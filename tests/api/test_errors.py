"""Every error of the core has a status and a code at the door."""

import inspect

import pytest
from tests.api.doors import Door

from syncline.api.errors import TABLE, answer_of, answers, failure
from syncline.core import errors
from syncline.core.errors import Busy, Forged, Mismatch, SynclineError, TooSoon, Unknown

KINDS = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, SynclineError)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_answered_by_its_row_or_the_nearest_above(kind: type[SynclineError]) -> None:
    found = answer_of(kind)

    assert found == next(TABLE[cls] for cls in kind.__mro__ if cls in TABLE)
    assert 400 <= found.status < 600


def test_a_class_of_ones_own_is_answered_as_its_parent() -> None:
    class Special(TooSoon):
        """A limit of a kind."""

    assert answer_of(Special) == TABLE[TooSoon]


def test_errors_of_one_status_are_declared_together() -> None:
    declared = answers(Unknown, Forged, Mismatch, Busy)

    assert declared.keys() == {401, 409}
    assert declared[401]["description"] == "AUTH_REQUIRED, TOKEN_INVALID, INVALID_CREDENTIALS"


def test_a_failure_is_an_envelope() -> None:
    assert failure(404, "NOT_FOUND", "There is none.", details={"field": "id"}).body == (
        b'{"status":"error","message":"There is none.","error":{"code":"NOT_FOUND","details":{"field":"id"}}}'
    )


async def test_a_body_that_is_no_json_is_the_fields_parent(bare: Door) -> None:
    answer = await bare.http.post(
        "/api/v1/auth/login", content=b"{bad", headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["details"] == {
        "errors": [{"field": "body", "message": "JSON decode error"}]
    }
