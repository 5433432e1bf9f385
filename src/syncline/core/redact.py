"""Redaction: what may be shown of a request or an answer. Secrets are recognised by their name and by their form.

What is taken out is replaced by a mark, so that a reader sees that something stood there.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["MARK", "redacted", "redacted_text"]

MARK: Final = "[redacted]"

_NAMES: Final = re.compile(
    r"(?i)(^|[_-])(authorization|cookie|password|passwd|secret|token|api[_-]?key|code|signature)$"
)
"""Keys whose value is a secret, whatever it looks like. ``code`` is OAuth's; an object's own code (an error's, a block's) is
an object or stands beside a status, see `redacted`."""

_FORMS: Final = tuple(
    re.compile(form)
    for form in (
        r"\b(?:ntn|secret|slk|slr|whsec|nrt)_[A-Za-z0-9+/=_-]{8,}",
        r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+",
        r"(?i)(?<=bearer )[^\s\"']{8,}",
        r"(?i)(?<=basic )[A-Za-z0-9+/=]{8,}",
        r"(?<=://)[^/\s@:]+:[^/\s@]+(?=@)",
        r"(?i)(?<=x-amz-signature=)[0-9a-f]+",
        r"(?i)(?<=x-amz-security-token=)[^&\s\"]+",
        r"(?i)(?<=x-amz-credential=)[^&\s\"]+",
    )
)
"""Notion's tokens, our keys, JSON web tokens, credentials of headers and URLs, and what signs a file's address."""

_ERROR_KEYS: Final = frozenset({"object", "status", "message"})


def redacted(value: Any) -> Any:
    """A JSON value without secrets; everything else stays, in its order."""
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, Mapping):
        is_error = value.keys() >= _ERROR_KEYS
        return {
            redacted_text(key): MARK if _is_secret(key, member, is_error=is_error) else redacted(member)
            for key, member in value.items()
        }
    if isinstance(value, list | tuple):
        return [redacted(member) for member in value]
    return value


def redacted_text(text: str) -> str:
    """A text without anything that has the form of a secret."""
    for form in _FORMS:
        text = form.sub(MARK, text)
    return text


def _is_secret(key: str, value: Any, *, is_error: bool) -> bool:
    if not isinstance(value, str) or not value:
        return False
    return _NAMES.search(key) is not None and not (is_error and key == "code")
