"""What rules see of a record: its property values as plain JSON."""

from collections.abc import Mapping
from typing import Any

from syncline.core.model import StoredRecord
from syncline.core.rules import Row
from syncline.notion.values import (
    DateValue,
    FileValue,
    PersonValue,
    PlaceValue,
    Unknown,
    VerificationValue,
    properties,
)

__all__ = ["kinds", "row"]


def row(record: StoredRecord) -> Row:
    """The row that a record of a page is."""
    values = {name: _json(cell.plain) for name, cell in properties(record.data).items()}
    if record.content_hash is None or record.content_fidelity is None:
        return Row(values)
    return Row(values, (record.content_fidelity.value, record.content_hash))


def kinds(record: StoredRecord) -> Mapping[str, str]:
    """The types of a record's properties by name."""
    return {name: cell.type for name, cell in properties(record.data).items()}


def _json(value: Any) -> Any:
    """A plain value as texts, numbers, truth values, None and lists: of persons and files their names, which stay when links change."""
    match value:
        case list():
            return [_json(one) for one in value]
        case DateValue(start, end):
            return start if end is None else f"{start}/{end}"
        case PersonValue():
            return value.name or value.email or value.id
        case FileValue():
            return value.name
        case PlaceValue():
            return value.name or value.address or f"{value.lat}, {value.lon}"
        case VerificationValue():
            return value.state
        case Unknown():
            return None
    return value
