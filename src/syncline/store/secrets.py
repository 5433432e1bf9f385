"""The key ring: secrets are encrypted at rest (Fernet: AES-128-CBC with HMAC-SHA256), with keys that can be rotated.

The first key encrypts, each of them decrypts. A rotation puts a new key in front (`prepend_key`), encrypts every
secret anew (`store.sealed.rotate`) and takes the old keys away (`keep_first_key`); it may stop after any step.
"""

import base64
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from syncline.core.errors import BadInput, Stop

__all__ = ["FILE", "KeyRing", "keep_first_key", "prepend_key"]

FILE: Final = "key"


class KeyRing:
    """One or more keys. Nothing of them shows in its repr."""

    def __init__(self, keys: str) -> None:
        """Take keys separated by commas or white space. Raises Stop if one is malformed, or there is none."""
        names = keys.replace(",", " ").split()
        try:
            self._fernet = MultiFernet([Fernet(key) for key in names])
        except ValueError as error:
            raise BadInput(
                "The encryption key is malformed: each key is 32 bytes in URL-safe base64."
            ) from error
        self._keys = [base64.urlsafe_b64decode(key) for key in names]

    def derive(self, purpose: str) -> tuple[bytes, ...]:
        """Keys of 32 bytes for a purpose of their own, one for each key and in their order (HKDF, RFC 5869)."""
        return tuple(
            HKDF(algorithm=SHA256(), length=32, salt=None, info=f"syncline {purpose}".encode()).derive(key)
            for key in self._keys
        )

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The ring in the file ``key`` of `folder`, created with one new key where there is none.

        Raises Stop if it cannot be read, written or understood.
        """
        with _explained(folder):
            if not (folder / FILE).exists():
                _create(folder)
            return cls(" ".join(_keys(folder)))

    def encrypt(self, secret: str) -> bytes:
        """Seal `secret` with the first key."""
        return self._fernet.encrypt(secret.encode())

    def decrypt(self, sealed: bytes) -> str:
        """Open what one of the keys has sealed. Raises Stop if none has."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken as error:
            raise _wrong_key() from error

    def rotate(self, sealed: bytes) -> bytes:
        """Seal anew with the first key. Raises Stop if none of the keys fits."""
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken as error:
            raise _wrong_key() from error


def _wrong_key() -> BadInput:
    return BadInput(
        "The stored token was encrypted with another key: bring back the key this store was made with, or connect again."
    )


def prepend_key(folder: Path) -> KeyRing:
    """Put a new key in front of those in the file: the first step of a rotation. Raises Stop as `KeyRing.open`."""
    with _explained(folder):
        return _replace(folder, [Fernet.generate_key().decode(), *_keys(folder)])


def keep_first_key(folder: Path) -> KeyRing:
    """Drop all keys in the file but the first: the last step of a rotation. Raises Stop as `KeyRing.open`."""
    with _explained(folder):
        return _replace(folder, _keys(folder)[:1])


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeDecodeError) as error:
        raise Stop(f"The encryption key {folder / FILE} cannot be read or written: {error}.") from error


def _keys(folder: Path) -> list[str]:
    return (folder / FILE).read_text("ascii").replace(",", " ").split()


def _create(folder: Path) -> None:
    """Write a new key; the first of several processes wins."""
    folder.mkdir(parents=True, exist_ok=True)
    with _draft(folder, [Fernet.generate_key().decode()]) as draft, suppress(FileExistsError):
        (folder / FILE).hardlink_to(draft)


def _replace(folder: Path, keys: list[str]) -> KeyRing:
    ring = KeyRing(" ".join(keys))
    with _draft(folder, keys) as draft:
        draft.replace(folder / FILE)
    return ring


@contextmanager
def _draft(folder: Path, keys: list[str]) -> Iterator[Path]:
    """A file of `keys`, whole and on the disk, readable by its owner alone; removed if it was not moved away."""
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".key-")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write("\n".join(keys) + "\n")
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
