"""Column types of the SQL destination: exact where Notion is exact, and plain SQL types for whoever reads them.

Numbers are decimals on PostgreSQL (NUMERIC keeps the digits that Notion sent, so money adds up) and SQLite's own numbers on
SQLite, which are the doubles that Notion computes with. Moments are TIMESTAMPTZ on PostgreSQL; SQLite has no such type
and gets ISO 8601 text in UTC of constant width, which its date functions read and which sorts by time.
"""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Dialect, Numeric, Text
from sqlalchemy.types import DateTime, TypeDecorator, TypeEngine, UserDefinedType

__all__ = ["JsonValue", "Moment", "Number", "Raw", "String", "readable"]

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LARGEST_INTEGER = 2**63 - 1


def readable(text: str) -> str:
    """`text` with U+FFFD for what a database refuses: U+0000 and halves of surrogate pairs."""
    return text if text.isascii() and "\0" not in text else _UNSTORABLE.sub("\ufffd", text)


class String(TypeDecorator[str]):
    """Any text, made storable by `readable`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Replace what cannot be stored."""
        return None if value is None else readable(value)


class _SqliteNumber(UserDefinedType[float]):
    """SQLite's NUMERIC affinity: integers stay integers, all else is a double."""

    cache_ok = True

    def get_col_spec(self, **_kw: Any) -> str:
        return "NUMERIC"


class Number(TypeDecorator[float]):
    """A JSON number."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """NUMERIC on both."""
        return dialect.type_descriptor(Numeric() if dialect.name == "postgresql" else _SqliteNumber())

    def process_bind_param(self, value: float | None, dialect: Dialect) -> Any:
        """The shortest decimal that means the same double; PostgreSQL's own cast would keep 15 digits."""
        if value is None:
            return None
        if dialect.name == "postgresql":
            return Decimal(repr(value))
        return float(value) if abs(value) > _LARGEST_INTEGER else value


class Moment(TypeDecorator[datetime]):
    """A moment in time."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """TIMESTAMPTZ, or TEXT on SQLite."""
        return dialect.type_descriptor(DateTime(timezone=True) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """In UTC."""
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _JsonText(UserDefinedType[str]):
    """PostgreSQL's JSON or JSONB, given text that is written already; SQLAlchemy's own types would write it again."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_kw: Any) -> str:
        return self.name


class Raw(TypeDecorator[Any]):
    """The JSON as Notion sent it, lossless: ASCII text in JSON (which keeps it as it stands), or in TEXT on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """JSON, not JSONB, which refuses an escaped U+0000 and rounds numbers."""
        return dialect.type_descriptor(_JsonText("JSON") if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Write JSON."""
        return None if value is None else _encode(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002 - SQLAlchemy's signature
        """Read JSON, unless the driver has."""
        return json.loads(value) if isinstance(value, str) else value


class JsonValue(TypeDecorator[Any]):
    """A JSON value to be queried: JSONB, or TEXT for SQLite's JSON functions."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """JSONB or TEXT."""
        return dialect.type_descriptor(_JsonText("JSONB") if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Write JSON for people: no escapes but the necessary ones, and nothing that JSONB refuses."""
        if value is None:
            return None
        written = _write(value)
        return readable(_write(_without_nul(value)) if "\\u0000" in written else written)


def _without_nul(value: Any) -> Any:
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    return readable(value) if isinstance(value, str) else value


_encode = json.JSONEncoder(separators=(",", ":")).encode
_write = json.JSONEncoder(ensure_ascii=False).encode
