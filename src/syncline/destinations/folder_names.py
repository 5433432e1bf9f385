"""File names made from titles: readable, and possible on every file system people open the folder with.

A name has no character that Windows forbids and no ending it drops, is in Unicode's form C, and is taken as
equal to another that differs only in case, because macOS and Windows say so.
https://learn.microsoft.com/windows/win32/fileio/naming-a-file
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from typing import Final

__all__ = ["MAX_BYTES", "UNTITLED", "chosen", "fold", "stem", "taken_names"]

MAX_BYTES: Final = 120
"""The longest name, in UTF-8 and without ``.md``; file systems allow 255 bytes, encrypted ones about 140."""

UNTITLED: Final = "Untitled"

_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
_JOINER = "\u200d"


def stem(title: str) -> str:
    """The name wanted for a title, without ``.md``."""
    visible = "".join(map(_visible, unicodedata.normalize("NFC", title)))
    spaced = " ".join(_FORBIDDEN.sub("-", visible).split())
    name = _cut(spaced.lstrip(". "), MAX_BYTES) or UNTITLED
    return f"{name}_" if _RESERVED.fullmatch(name) else name


def chosen(wanted: str, key: str, *, taken: Collection[str]) -> str:
    """`wanted`, or where that is taken `wanted` with as much of the id `key` as makes it free.

    `taken` are folded names (see `fold`) of files and folders, so that ``Plan`` also leaves alone a page called ``Plan.md``.
    """
    return next(name for name in _candidates(wanted, key) if taken_names(name).isdisjoint(taken))


def taken_names(name: str) -> frozenset[str]:
    """The folded names of the folder and the file of a page called `name`."""
    return frozenset({fold(name), fold(f"{name}.md")})


def fold(name: str) -> str:
    """The form in which two names are equal on file systems that do not tell case apart."""
    return unicodedata.normalize("NFC", name.casefold())


def _visible(character: str) -> str:
    """Spaces for line breaks and other controls, nothing for what is invisible or half a character."""
    category = unicodedata.category(character)
    if category == "Cc":
        return " "
    return "" if category in {"Cf", "Cs"} and character != _JOINER else character


def _cut(name: str, limit: int) -> str:
    """At most `limit` bytes, and no ending that Windows drops."""
    return name.encode()[:limit].decode(errors="ignore").rstrip(". ")


def _candidates(wanted: str, key: str) -> Iterator[str]:
    yield wanted
    digits = key.replace("-", "")
    for length in (4, 8, 16, len(digits)):
        suffix = f"-{digits[-length:]}"
        yield _cut(wanted, MAX_BYTES - len(suffix)) + suffix
    number = 2
    while True:
        suffix = f"-{digits}-{number}"
        yield _cut(wanted, MAX_BYTES - len(suffix)) + suffix
        number += 1
