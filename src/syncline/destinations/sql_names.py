"""Readable names for tables and columns, made from the titles people gave in Notion.

A name is a slug of ASCII letters, digits and underscores that needs no quotes in SQL, on either database. It never
exceeds PostgreSQL's 63 bytes (https://www.postgresql.org/docs/current/limits.html), suffixes included.
"""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Final

from slugify import slugify
from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS as POSTGRES_WORDS
from sqlalchemy.dialects.sqlite.base import SQLiteIdentifierPreparer

__all__ = ["MAX_IDENTIFIER", "free", "identifier"]

MAX_IDENTIFIER: Final = 63
_MAX_STEM: Final = 40
_RESERVED: Final = frozenset(POSTGRES_WORDS) | frozenset(SQLiteIdentifierPreparer.reserved_words)


def identifier(title: str, *, fallback: str) -> str:
    """The name wanted for `title`; `fallback` where nothing of the title can be written in ASCII."""
    name: str = slugify(title, separator="_", max_length=_MAX_STEM, word_boundary=False) or fallback
    if name[0].isdigit():
        name = f"n{name}"
    return f"{name}_" if name in _RESERVED else name


def free(wanted: str, *, taken: Callable[[str], bool]) -> str:
    """`wanted`, or the first of wanted_2, wanted_3, … that is not taken."""
    return next(name for name in _candidates(wanted) if not taken(name))


def _candidates(wanted: str) -> Iterator[str]:
    yield wanted
    for number in count(2):
        suffix = f"_{number}"
        yield wanted[: MAX_IDENTIFIER - len(suffix)].rstrip("_") + suffix
