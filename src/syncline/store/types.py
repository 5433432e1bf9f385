r"""Column types that mean the same on SQLite and PostgreSQL.

Nothing that Notion sends may be lost on the way through a database, and both databases have texts they refuse:
PostgreSQL has no U+0000, neither has a place for half of a surrogate pair, and Notion's users produce both
(JavaScript cuts strings between the halves of an emoji).

`Json` therefore stores JSON as text, with these escaped, in a TEXT column on SQLite and a JSON column on
PostgreSQL. Not JSONB, which refuses ``\u0000``, forgets the order of keys and rounds numbers; not
SQLite's JSON type name, which has numeric affinity and turns the text ``1.0`` into the integer 1.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from sqlalchemy import DateTime, Dialect, LargeBinary, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine

__all__ = ["LARGEST", "Instant", "Json", "JsonText", "Sealed", "Unicode", "dump"]


LARGEST: Final = 2**63 - 1
"""The largest whole number of both databases."""


class JsonText(str):
    """A JSON value that is text already and is stored as it stands."""

    __slots__ = ()


def dump(value: Any) -> JsonText:
    """`value` as JSON without spaces; keys keep their order, and text that is JSON already stays.

    Raises TypeError for what is no JSON.
    """
    if isinstance(value, JsonText):
        return value
    try:
        return JsonText(orjson.dumps(value, option=_JSON_ALONE).decode())
    except orjson.JSONEncodeError:  # half a surrogate pair, or a number beyond 64 bits
        return JsonText(_encode(value))


_JSON_ALONE = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Json(TypeDecorator[Any]):
    """Any JSON value; None is SQL's NULL.

    On PostgreSQL the driver writes and reads JSON, the former with `dump`, which store.database gives it.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """JSON on PostgreSQL, TEXT elsewhere."""
        native = dialect.name == "postgresql"
        return dialect.type_descriptor(postgresql.JSON(none_as_null=True) if native else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Write JSON where the driver does not."""
        return value if value is None or dialect.name == "postgresql" else dump(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Read JSON where the driver has not."""
        return value if value is None or dialect.name == "postgresql" else json.loads(value)


_ESCAPE = "\x1a"
_UNSTORABLE = re.compile("[\x00\x1a\ud800-\udfff]")
_ESCAPED = re.compile("\x1a([0-9a-f]{4})")


class Unicode(TypeDecorator[str]):
    """Any Python string. What a database refuses is kept as U+001A and four hex digits."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Escape what cannot be stored."""
        if value is None or (value.isascii() and not {"\x00", _ESCAPE} & set(value)):
            return value
        return _UNSTORABLE.sub(lambda match: f"{_ESCAPE}{ord(match[0]):04x}", value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Undo the escapes."""
        if value is None or _ESCAPE not in value:
            return value
        return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), value)


class Instant(TypeDecorator[datetime]):
    """A moment: timezone-aware in Python, UTC in the database, in the order of time in both."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without a zone; SQLite has no zones, so it gets UTC without saying so."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone cannot be stored: {value}")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Say that it is UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Sealed(LargeBinary):
    """A secret that the key ring has encrypted. By this type a rotation finds all there are (store.sealed)."""
