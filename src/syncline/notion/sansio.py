"""All that can be known about speaking with Notion without a network: build, decipher, advise.

Rules of this file: no I/O, no clock, no randomness. What HTTP brings comes in as values, what to do goes out as values.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar
from urllib.parse import urlencode

import orjson

from .budget import Wait
from .errors import (
    Blocked,
    Conflict,
    Effect,
    Garbled,
    Gateway,
    Invalid,
    MultipleDataSources,
    NotFound,
    NotionError,
    Overloaded,
    Paced,
    RateLimited,
    Restricted,
    Retry,
    RowLimitExceeded,
    ServerError,
    StaleCursor,
    Unauthorized,
    Unexpected,
    UnsupportedByVersion,
    WriteApplied,
)
from .objects import JsonObject, Version

__all__ = [
    "BASE_URL",
    "GIVE_UP",
    "PATIENCE",
    "TRIES",
    "Advice",
    "GiveUp",
    "Multipart",
    "Operation",
    "ReadBack",
    "Request",
    "advise",
    "build",
    "dated",
    "decipher",
]

BASE_URL: Final = "https://api.notion.com"

TRIES: Final = 8
"""How often a request is sent in all when it fails for other reasons than pace."""

PATIENCE: Final = 3600.0
"""Seconds after which a request is given up however politely Notion asks to wait."""

T = TypeVar("T")


# --- Operations and requests ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Multipart:
    """A form with one file, the body of a file upload."""

    fields: tuple[tuple[str, str], ...]
    filename: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """One call of Notion's API, answered by a `T`.

    `safe` (RFC 9110 9.2.1): it only reads, so it may be repeated at will. `paged`: where `start_cursor` and `page_size`
    go; None where the answer is not a listing. `version`: the version it was made for, None where all understand
    it. `authorization` replaces the connection's token. Bodies are left out of the repr, for they may hold secrets.
    """

    name: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | Multipart | None = field(default=None, repr=False)
    safe: bool = False
    paged: Literal["query", "body"] | None = None
    version: Version | None = None
    authorization: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request as values. Headers carry the token, so they are left out of the repr."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    content: bytes | None = field(default=None, repr=False)


def build(
    operation: Operation[Any], *, token: str | None, version: Version, base_url: str = BASE_URL
) -> Request:
    """Return the request that carries out `operation`.

    `base_url` has neither `/v1` nor a slash at its end. Raises UnsupportedByVersion where the operation was made for
    another version. https://developers.notion.com/reference/intro
    """
    if operation.version not in (None, version):
        raise UnsupportedByVersion(f"{operation.name} was built for {operation.version}, not for {version}")
    headers = [("Notion-Version", str(version)), ("Accept", "application/json")]
    authorization = operation.authorization or (f"Bearer {token}" if token else None)
    if authorization:
        headers.append(("Authorization", authorization))
    content_type, content = _encoded(operation.body)
    if content_type:
        headers.append(("Content-Type", content_type))
    query = f"?{urlencode(operation.query)}" if operation.query else ""
    return Request(operation.method, f"{base_url}{operation.path}{query}", tuple(headers), content)


def _encoded(body: Mapping[str, Any] | Multipart | None) -> tuple[str | None, bytes | None]:
    if body is None:
        return None, None
    if isinstance(body, Multipart):
        return _multipart(body)
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # A lone surrogate is no Unicode; escaped, Notion itself can say what it thinks of it.
    return "application/json", text.encode("utf-8", "backslashreplace")


def _multipart(form: Multipart) -> tuple[str, bytes]:
    # The boundary comes from the content, so that the same upload is the same request; a hash occurs in no file.
    boundary = sha256(form.content).hexdigest()
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}\r\n'
        for name, value in form.fields
    ]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{_quoted(form.filename)}"\r\n'
        f"Content-Type: {form.content_type}\r\n\r\n"
    )
    content = "".join(parts).encode() + form.content + f"\r\n--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", content


def _quoted(name: str) -> str:
    # https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


# --- Answers ----------------------------------------------------------------------------------------------------

# https://developers.notion.com/reference/status-codes, and RFC 6749 5.2 for the OAuth operations.
_BY_CODE: Final[Mapping[str, type[NotionError]]] = {
    "bad_gateway": ServerError,
    "conflict_error": Conflict,
    "database_connection_unavailable": ServerError,
    "gateway_timeout": ServerError,
    "internal_server_error": ServerError,
    "invalid_beta": Invalid,
    "invalid_client": Unauthorized,
    "invalid_grant": Unauthorized,
    "invalid_json": Invalid,
    "invalid_request": Invalid,
    "invalid_request_url": Invalid,
    "missing_version": Invalid,
    "object_not_found": NotFound,
    "rate_limited": RateLimited,
    "restricted_resource": Restricted,
    "row_limit_exceeded": RowLimitExceeded,
    "service_overload": Overloaded,
    "service_unavailable": ServerError,
    "unauthorized": Unauthorized,
    "unauthorized_client": Unauthorized,
    "validation_error": Invalid,
}
_BY_STATUS: Final[Mapping[int, type[NotionError]]] = {
    401: Unauthorized,
    403: Restricted,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
    529: Overloaded,
}
_STALE_CURSOR: Final = re.compile(r"start_cursor .*\binvalid\b")
_WRITE_SAVED: Final = "The change was saved"


def decipher(status: int, headers: Mapping[str, str], content: bytes) -> JsonObject:
    """Return the object that Notion answered with, or raise the NotionError that the answer stands for.

    `headers` has lower-case names or ignores case.
    """
    body = _parsed(content)
    if 200 <= status < 300:
        if body is None:
            raise Garbled(_foreign(headers, content), status=status, request_id=_request_id(headers))
        return body
    raise _refusal(status, headers, body, content)


def dated(headers: Mapping[str, str]) -> datetime | None:
    """Return the time at which an answer was written, aware, by the clock of its writer; None where it does not say."""
    try:
        date = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _parsed(content: bytes) -> JsonObject | None:
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        body = _parsed_slowly(content)
    return body if isinstance(body, dict) else None


def _parsed_slowly(content: bytes) -> Any:
    """Return what orjson refuses though it is JSON: half a surrogate pair, deep nesting. None if it is none.

    An integer beyond 64 bits is no such case. orjson makes a float of it, which it was in Notion's JavaScript.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _refusal(status: int, headers: Mapping[str, str], body: JsonObject | None, content: bytes) -> NotionError:
    code = _code(body)
    if body is None or (code is None and body.get("object") != "error"):
        return _foreign_kind(status)(
            _foreign(headers, content),
            status=status,
            request_id=_request_id(headers),
            retry_after=_retry_after(headers, {}),
        )
    additional = body.get("additional_data")
    data: Mapping[str, Any] = additional if isinstance(additional, dict) else {}
    message = str(body.get("message") or body.get("error_description") or f"HTTP status {status}")
    kind = _BY_CODE.get(code or "") or _BY_STATUS.get(status)
    if kind is None:
        kind = ServerError if status >= 500 else Invalid
    return _refined(kind, message, data)(
        message,
        status=status,
        code=code,
        request_id=body.get("request_id") or _request_id(headers),
        additional_data=data,
        retry_after=_retry_after(headers, data),
    )


def _refined(kind: type[NotionError], message: str, data: Mapping[str, Any]) -> type[NotionError]:
    if kind is Invalid and data.get("error_type") == "multiple_data_sources_for_database":
        return MultipleDataSources
    if kind is Invalid and _STALE_CURSOR.search(message):
        return StaleCursor
    if kind is RateLimited and data.get("rate_limit_reason") == "public_api_request_blocked":
        return Blocked
    if kind is ServerError and ("committed_resource_id" in data or message.startswith(_WRITE_SAVED)):
        return WriteApplied
    return kind


def _code(body: JsonObject | None) -> str | None:
    code = (body or {}).get("code") or (body or {}).get("error")
    return code if isinstance(code, str) else None


def _foreign_kind(status: int) -> type[NotionError]:
    if status in (429, 529):
        return _BY_STATUS[status]
    if status in (413, 414):  # this request is too large; the next one need not be
        return Invalid
    # 403 is how the edge refuses what it takes for a robot; 408 and 5xx are its own troubles.
    return Gateway if status >= 500 or status in (403, 408) else Unexpected


def _foreign(headers: Mapping[str, str], content: bytes) -> str:
    kind = headers.get("content-type") or "no content type"
    return f"the answer is not Notion's JSON ({kind}, {len(content)} bytes)"


def _request_id(headers: Mapping[str, str]) -> str | None:
    return headers.get("x-notion-request-id")


def _retry_after(headers: Mapping[str, str], data: Mapping[str, Any]) -> float | None:
    """Return the seconds to wait: the header in either form of RFC 9110 10.2.3, or Notion's copy in the body."""
    for text in (headers.get("retry-after"), data.get("retry_after")):
        seconds = _seconds(text, headers) if text is not None else None
        if seconds is not None:
            return seconds
    return None


def _seconds(text: Any, headers: Mapping[str, str]) -> float | None:
    try:
        seconds = float(text)
    except (TypeError, ValueError):
        # Measured on the clock of whoever wrote both dates, so ours need not agree.
        until, now = dated({"date": str(text)}), dated(headers)
        if until is None or now is None:
            return None
        seconds = (until - now).total_seconds()
    return min(max(seconds, 0.0), 86_400.0) if seconds == seconds else None  # noqa: PLR0124 - NaN is not itself


# --- Advice to retry --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Wait `seconds`, then read what the write may have changed; repeat it only if it did not."""

    seconds: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Raise the error."""


GIVE_UP: Final = GiveUp()

Advice: TypeAlias = Wait | ReadBack | GiveUp


def advise(error: NotionError, *, safe: bool, attempt: int, elapsed: float, random: float) -> Advice:
    """Return what to do after `error`: wait and send the same again, read back first, or give up.

    `attempt` counts the failures so far that were not about pace, this one included; `elapsed` is in seconds since the
    first try; `random` is in [0, 1). 429 and 529 wait as told, without counting as attempts; all else that may be
    retried waits with jitter, up to TRIES attempts. What may have changed something is read back before it is repeated.
    """
    if error.effect is Effect.APPLIED:
        return GIVE_UP if safe else ReadBack(0.0)
    if error.retry is not Retry.RETRY:
        return GIVE_UP
    seconds = max(_jittered(attempt, random), error.retry_after or 0.0)
    exhausted = not isinstance(error, Paced) and attempt >= TRIES
    if exhausted or elapsed + seconds > PATIENCE:
        return GIVE_UP
    return Wait(seconds) if safe or error.effect is Effect.NONE else ReadBack(seconds)


def _jittered(attempt: int, random: float) -> float:
    ceiling = min(30.0, 0.5 * 2.0 ** min(max(attempt - 1, 0), 10))
    return ceiling * (0.5 + random / 2)
