"""The key ring: secrets are encrypted at rest (Fernet: AES-128-CBC with HMAC-SHA256), with keys that can be rotated.

The first key encrypts, each of them decrypts. A rotation puts a new key in front (`prepend_key`), encrypts every
secret anew (`store.sealed.rotate`) and takes the old keys away (`keep_first_key`); it may stop after any step.
"""

import base64
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from syncline.core.errors import BadInput, StoreUnavailable

__all__ = ["FILE", "KeyRing", "keep_first_key", "prepend_key"]

FILE: Final = "key"


class KeyRing:
    """One or more keys. Nothing of them shows in its repr."""

    def __init__(self, keys: str) -> None:
        """Take keys separated by commas or white space. Raises BadInput if one is malformed, or there is none."""
        self._use(keys.replace(",", " ").split())

    def _use(self, names: list[str]) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key) for key in names])
        except ValueError as error:
            raise BadInput(
                "The encryption key is malformed: each key is 32 bytes in URL-safe base64. Bring back the one the store was made with."
            ) from error
        self._names = names

    def _look(self) -> None:
        """See whether there are other keys by now: these stay as they are."""

    def derive(self, purpose: str) -> tuple[bytes, ...]:
        """Keys of 32 bytes for a purpose of their own, one for each key and in their order (HKDF, RFC 5869)."""
        self._look()
        return tuple(_derived(name, purpose) for name in self._names)

    @staticmethod
    def open(folder: Path) -> "KeyRing":
        """The ring in the file ``key`` of `folder`, created with one new key where there is none; it follows the file.

        Raises StoreUnavailable if it cannot be read or written, BadInput if it cannot be understood.
        """
        with _explained(folder):
            if not (folder / FILE).exists():
                _create(folder)
            return _KeyFile(folder)

    def encrypt(self, secret: str) -> bytes:
        """Seal `secret` with the first key."""
        self._look()
        return self._fernet.encrypt(secret.encode())

    def decrypt(self, sealed: bytes) -> str:
        """Open what one of the keys has sealed. Raises BadInput if none has."""
        self._look()
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken as error:
            raise _wrong_key() from error

    def rotate(self, sealed: bytes) -> bytes:
        """Seal anew with the first key. Raises BadInput if none of the keys fits."""
        self._look()
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken as error:
            raise _wrong_key() from error


class _KeyFile(KeyRing):
    """The ring in a file, which another process may rotate meanwhile: its first key seals, and what was there before still opens."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mark = self._marked()
        super().__init__(" ".join(_keys(folder)))

    def _marked(self) -> tuple[int, int]:
        state = (self._folder / FILE).stat()
        return state.st_ino, state.st_mtime_ns

    def _look(self) -> None:
        with suppress(OSError):  # a file that is gone takes no key from those who hold it
            mark = self._marked()
            if mark != self._mark:
                names = _keys(self._folder)
                self._use([*names, *(name for name in self._names if name not in names)])
                self._mark = mark


@lru_cache(maxsize=64)  # each request to the API asks for one
def _derived(name: str, purpose: str) -> bytes:
    key = base64.urlsafe_b64decode(name)
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"syncline {purpose}".encode()).derive(key)


def _wrong_key() -> BadInput:
    return BadInput(
        "The stored token was encrypted with another key: bring back the key this store was made with, or connect again."
    )


def prepend_key(folder: Path) -> KeyRing:
    """Put a new key in front of those in the file: the first step of a rotation. Raises as `KeyRing.open`."""
    with _explained(folder):
        return _replace(folder, [Fernet.generate_key().decode(), *_keys(folder)])


def keep_first_key(folder: Path) -> KeyRing:
    """Drop all keys in the file but the first: the last step of a rotation. Raises as `KeyRing.open`."""
    with _explained(folder):
        return _replace(folder, _keys(folder)[:1])


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(
            f"The encryption key {folder / FILE} cannot be read or written: {error.strerror}."
        ) from error


def _keys(folder: Path) -> list[str]:
    return (folder / FILE).read_text("ascii", errors="replace").replace(",", " ").split()


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
