"""Passwords: argon2id, computed in a thread, and the same time for an address that nobody has.

The parameters are OWASP's (Password Storage Cheat Sheet): 19 MiB and two passes, about 30 ms, so that several who sign in at once do
not take a small machine's memory. A hash with other parameters is replaced when its owner signs in.
"""

import asyncio
import hashlib
import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from syncline.core.errors import BadInput

__all__ = ["LONGEST", "SHORTEST", "acceptable", "digest", "hashed", "matches", "new_token", "outdated"]

SHORTEST: Final = 10
LONGEST: Final = 256
"""Characters of a password. What is longer is no password but an attempt to keep the processor busy."""

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_NOBODY: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$c3luY2xpbmUgbm9ib2R5IQ$n7Cq3T0l0l8m0vT8a1b0o2q9m0gq1m3n0u4p5r6s7t8"
)
"""What is compared where there is no user. No password has it."""


def acceptable(password: str) -> str:
    """The password. Raises BadInput if it is too short, too long or of hardly any character."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadInput(f"A password has {SHORTEST} to {LONGEST} characters.", details={"field": "password"})
    if len(set(password)) < 4:
        raise BadInput(
            "Anybody guesses a password of so few characters: choose another.", details={"field": "password"}
        )
    return password


async def hashed(password: str) -> str:
    """The hash of a new password, with its parameters and a salt of its own."""
    return await asyncio.to_thread(_HASHER.hash, _bytes(password))


async def matches(password: str, known: str | None) -> bool:
    """Whether `known` is the password's hash. Without one it takes as long and is false."""
    if len(password) > LONGEST:
        return False
    same = await asyncio.to_thread(_verify, known or _NOBODY, _bytes(password))
    return same and known is not None


def outdated(known: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(known)


def new_token(prefix: str) -> str:
    """A random token of 256 bits; its prefix tells people and secret scanners what it is."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def digest(token: str) -> str:
    """What is stored of a random token. It cannot be guessed, so it needs no slow hash."""
    return hashlib.sha256(_bytes(token)).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # JSON can hold half of a surrogate pair


def _verify(known: str, password: bytes) -> bool:
    try:
        return _HASHER.verify(known, password)
    except (VerificationError, InvalidHashError):
        return False
