"""The bodies of what is sent, as JSON."""

from typing import Any

import orjson

from syncline.core.surrogates import legible

__all__ = ["json_body"]


def json_body(value: Any) -> bytes:
    """A value as JSON, times in UTC; what no UTF-8 can hold is replaced."""
    try:
        return orjson.dumps(value, option=orjson.OPT_UTC_Z, default=str)
    except orjson.JSONEncodeError:
        return orjson.dumps(legible(value), option=orjson.OPT_UTC_Z, default=str)
