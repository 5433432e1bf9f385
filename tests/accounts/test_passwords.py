"""Passwords are hashed with today's parameters, and an address that nobody has costs the same work."""

import pytest
from argon2 import extract_parameters
from hypothesis import given
from hypothesis import strategies as st

from syncline.accounts import passwords
from syncline.accounts.passwords import (
    LONGEST,
    SHORTEST,
    acceptable,
    digest,
    hashed,
    matches,
    new_token,
    outdated,
)
from syncline.core.errors import BadInput


async def test_a_password_is_known_again_by_its_hash_alone() -> None:
    known = await hashed("correct horse")

    assert await matches("correct horse", known)
    assert not await matches("correct horse ", known)
    assert "correct" not in known
    assert known != await hashed("correct horse")
    assert not outdated(known)


async def test_nobody_is_compared_with_a_hash_of_the_same_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    verify = passwords._verify

    def watched(known: str, password: bytes) -> bool:
        compared.append(known)
        return verify(known, password)

    monkeypatch.setattr(passwords, "_verify", watched)

    assert not await matches("correct horse", None)

    [nobody] = compared
    assert extract_parameters(nobody) == extract_parameters(await hashed("x"))


async def test_what_is_too_long_is_not_hashed_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    known = await hashed("correct horse")
    monkeypatch.setattr(passwords, "_verify", None)

    assert not await matches("x" * (LONGEST + 1), known)


async def test_a_hash_that_is_none_matches_nothing() -> None:
    assert not await matches("x", "no hash")


@given(st.text(max_size=300))
def test_a_password_is_accepted_by_its_length_and_variety(password: str) -> None:
    good = SHORTEST <= len(password) <= LONGEST and len(set(password)) >= 4
    if good:
        assert acceptable(password) == password
        return
    with pytest.raises(BadInput):
        acceptable(password)


def test_tokens_differ_and_say_what_they_are() -> None:
    tokens = {new_token("slk") for _ in range(100)}

    assert len(tokens) == len({digest(token) for token in tokens}) == 100
    assert all(token.startswith("slk_") and len(token) == 47 for token in tokens)
