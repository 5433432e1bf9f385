"""One word about a connection's syncs, the most pressing first."""

import itertools

import pytest

from syncline.core.standing import SyncStatus, TokenStatus, sync_status


@pytest.mark.parametrize(
    ("token", "running", "paused", "failed", "word"),
    [
        ("valid", False, False, False, "active"),
        ("unknown", False, False, False, "active"),
        ("valid", True, True, True, "syncing"),
        ("valid", False, True, True, "paused"),
        ("valid", False, False, True, "error"),
        ("expired", True, True, True, "token_expired"),
        ("invalid", False, False, False, "token_expired"),
        ("revoked", True, False, True, "paused"),
    ],
)
def test_the_most_pressing_thing_is_told(
    token: str, *, running: bool, paused: bool, failed: bool, word: str
) -> None:
    found = sync_status(TokenStatus(token), running=running, paused=paused, failed=failed)
    assert found is SyncStatus(word)


def test_every_case_has_a_word_and_every_word_a_case() -> None:
    words = {
        sync_status(token, running=running, paused=paused, failed=failed)
        for token in TokenStatus
        for running, paused, failed in itertools.product((True, False), repeat=3)
    }
    assert words == set(SyncStatus)
