"""Canonical hashes: equal content has an equal hash, whatever the order of keys.

What changes at each read of unchanged content (signed URLs, expiry times, request ids) is removed by the
source before it comes here; `notion.values.canonical` knows Notion's.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

__all__ = ["digest", "digest_many"]

_BYTES = 16


def digest(value: Any) -> str:
    """The hash of one JSON value, as 32 hex digits: keys sorted, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_BYTES).hexdigest()


def digest_many(digests: Iterable[str]) -> str:
    """The hash of a sequence of digests; order matters."""
    joined = hashlib.blake2b(digest_size=_BYTES)
    for one in digests:
        joined.update(one.encode("ascii"))
        joined.update(b"\n")
    return joined.hexdigest()
