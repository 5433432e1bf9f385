"""Half a surrogate pair: what JSON can escape, and so what people's titles hold, and what no UTF-8 can."""

import re
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["legible"]

_HALF: Final = re.compile("[\ud800-\udfff]")


def legible(value: Any) -> Any:
    """The same JSON value, each half of a surrogate pair in its texts replaced by U+FFFD."""
    if isinstance(value, str):
        return value if value.isascii() else _HALF.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {legible(key): legible(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [legible(one) for one in value]
    return value
