"""What can go wrong when speaking with Notion, by cause; the class says what to do next.

    NotionError                     carries status, code, message, request_id, additional_data, retry_after
    ├── Unauthorized        stop    401, and a refused OAuth grant: the token is no longer good
    ├── Restricted          stop    403: the connection lacks a capability, or the workspace is full
    ├── NotFound            skip    404: the object does not exist or is not shared with the connection
    ├── Invalid             skip    400: the request as it is will never be accepted
    │   ├── StaleCursor     skip    the cursor died with its session: start the listing again
    │   └── MultipleDataSources     skip    the database needs version 2025-09-03 or later
    ├── RowLimitExceeded    skip    409: the data source is full
    ├── Conflict            retry   409: somebody saved at the same moment
    ├── Paced
    │   ├── RateLimited     retry   429: wait as told, everybody on the same key
    │   │   └── Blocked     stop    429 `public_api_request_blocked`: never repeated
    │   └── Overloaded      retry   529: Notion as a whole is overloaded
    ├── ServerError         retry   500, 502, 503, 504 in Notion's own form
    │   └── WriteApplied    skip    503 after the write was saved: read the object, never repeat the write
    ├── Gateway             retry   an HTML page of the edge in place of Notion's answer
    ├── Unexpected          stop    a redirect or an answer that is not Notion's: the address is wrong
    ├── BrokenListing       skip    a repeated cursor or an endless listing
    └── TransportError
        ├── Unreachable     retry   no connection was made, so nothing was sent
        ├── TimedOut        retry   no answer in time
        ├── ConnectionLost  retry   the connection broke off, before or inside the answer
        └── Garbled         retry   the answer is not the JSON object it should be

    ValueError
    ├── MalformedId                 no Notion id can be read from the text
    └── UnsupportedByVersion        the chosen API version has no such operation

*retry*: the same request may succeed later. *skip*: this object cannot be had, others can. *stop*: nothing
else will succeed either. Codes: https://developers.notion.com/reference/status-codes
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, Self

__all__ = [
    "Blocked",
    "BrokenListing",
    "Conflict",
    "ConnectionLost",
    "Effect",
    "Garbled",
    "Gateway",
    "Invalid",
    "MalformedId",
    "MultipleDataSources",
    "NotFound",
    "NotionError",
    "Overloaded",
    "Paced",
    "RateLimited",
    "Restricted",
    "Retry",
    "RowLimitExceeded",
    "ServerError",
    "StaleCursor",
    "TimedOut",
    "TransportError",
    "Unauthorized",
    "Unexpected",
    "Unreachable",
    "UnsupportedByVersion",
    "WriteApplied",
    "redact",
]

# https://developers.notion.com/docs/authorization: `ntn_` and `secret_` are access tokens, `nrt_` refresh tokens.
_TOKEN = re.compile(r"\b(ntn|nrt|secret)_[A-Za-z0-9_\-]+")


class Retry(StrEnum):
    """What an error says about the same request, sent again."""

    RETRY = "retry"
    SKIP = "skip"
    STOP = "stop"


class Effect(StrEnum):
    """Whether the refused or unanswered request changed something at Notion."""

    NONE = "none"
    UNKNOWN = "unknown"
    APPLIED = "applied"


def redact(value: Any) -> Any:
    """Return `value` (text, or JSON of any depth) with everything that looks like a Notion token masked."""
    match value:
        case str():
            return _TOKEN.sub(r"\1_[redacted]", value)
        case list() | tuple():
            return [redact(item) for item in value]
        case Mapping():
            return {key: redact(item) for key, item in value.items()}
        case _:
            return value


class NotionError(Exception):
    """Notion refused a request, or no usable answer came. Never contains a token.

    `status` is the HTTP status or None where no answer came; `code`, `request_id` and `additional_data` are
    Notion's own; `retry_after` is in seconds; `operation` is the name of the operation, set by the client.
    """

    retry: ClassVar[Retry] = Retry.SKIP
    effect: ClassVar[Effect] = Effect.NONE

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        additional_data: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.message: str = redact(message)
        super().__init__(self.message)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.additional_data: dict[str, Any] = redact(additional_data or {})
        self.retry_after = retry_after
        self.operation: str | None = None

    def __str__(self) -> str:
        facts = " ".join(str(fact) for fact in (self.operation, self.status, self.code) if fact is not None)
        return f"{facts}: {self.message}" if facts else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Durable job engines pickle what a step raised; keyword arguments need the longer way round.
        return _restored, (type(self), self.message, dict(self.__dict__))

    @classmethod
    def _restore(cls, message: str, state: Mapping[str, Any]) -> Self:
        error = cls(message)
        error.__dict__.update(state)
        return error


def _restored(cls: type[NotionError], message: str, state: Mapping[str, Any]) -> NotionError:
    return cls._restore(message, state)


class Unauthorized(NotionError):
    """The token, or the OAuth code or refresh token, is not accepted."""

    retry = Retry.STOP


class Restricted(NotionError):
    """The connection lacks the capability, or the workspace's free blocks are used up."""

    retry = Retry.STOP


class NotFound(NotionError):
    """The object does not exist or is not shared with the connection; Notion does not say which."""


class Invalid(NotionError):
    """The request was refused for what it says."""


class StaleCursor(Invalid):
    """The cursor is no longer valid; the listing has to be started again."""


class MultipleDataSources(Invalid):
    """The database has several data sources, which the chosen version cannot express."""

    @property
    def database_id(self) -> str | None:
        """The database that was asked for."""
        return self.additional_data.get("database_id")

    @property
    def data_source_ids(self) -> list[str]:
        """The sources it holds."""
        return list(self.additional_data.get("child_data_source_ids", ()))


class RowLimitExceeded(NotionError):
    """The data source takes no more rows."""


class Conflict(NotionError):
    """Two writes met. Notion asks to try again."""

    retry = Retry.RETRY
    effect = Effect.UNKNOWN


class Paced(NotionError):
    """Notion asks for fewer requests; the request was not carried out."""

    retry = Retry.RETRY


class RateLimited(Paced):
    """A rate limit was exceeded. `reason` says whose (https://developers.notion.com/reference/request-limits)."""

    @property
    def reason(self) -> str | None:
        """`public_api_request_rate_limit`, `public_api_space_request_rate_limit` or another word of Notion's."""
        return self.additional_data.get("rate_limit_reason")


class Blocked(RateLimited):
    """Notion blocks this connection's requests and asks not to repeat them."""

    retry = Retry.STOP


class Overloaded(Paced):
    """Notion is overloaded."""


class ServerError(NotionError):
    """Notion failed. A write may or may not have been saved."""

    retry = Retry.RETRY
    effect = Effect.UNKNOWN


class WriteApplied(ServerError):
    """The write was saved but its answer could not be built in time: read the object instead of repeating."""

    retry = Retry.SKIP
    effect = Effect.APPLIED

    @property
    def committed_id(self) -> str | None:
        """The created page or database, or the parent block of an append."""
        return self.additional_data.get("committed_resource_id")

    @property
    def committed_child_ids(self) -> list[str]:
        """The blocks an append has created."""
        return list(self.additional_data.get("committed_child_ids", ()))


class Gateway(NotionError):
    """A proxy between Notion and us answered."""

    retry = Retry.RETRY
    effect = Effect.UNKNOWN


class Unexpected(NotionError):
    """The answer is not one that Notion gives; most likely the address is wrong."""

    retry = Retry.STOP


class BrokenListing(NotionError):
    """A listing repeats itself or does not end, so it can never be known to be complete."""


class TransportError(NotionError):
    """No whole answer came."""

    retry = Retry.RETRY
    effect = Effect.UNKNOWN


class Unreachable(TransportError):
    """No connection could be made; the request never left."""

    effect = Effect.NONE


class TimedOut(TransportError):
    """The answer did not come in time."""


class ConnectionLost(TransportError):
    """The connection broke before the answer was whole."""


class Garbled(TransportError):
    """The answer's body is not a JSON object."""


class MalformedId(ValueError):
    """The text holds no Notion id."""


class UnsupportedByVersion(ValueError):
    """The API version has no such operation or argument."""
