"""What Notion sends to a webhook: a handshake once, then signed events that hold ids and no content.

    POST {"verification_token": "secret_…"}                            the handshake; the token signs all that follows
    POST {"id": …, "type": "page.content_updated", "entity": …}        an event, perhaps again, perhaps out of order

Source: https://developers.notion.com/reference/webhooks and …/webhooks-events-delivery.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .errors import MalformedId
from .objects import parse_id

__all__ = ["SIGNATURE", "Event", "Handshake", "Malformed", "parse", "signature", "verify"]

SIGNATURE = "X-Notion-Signature"
"""The header that carries ``sha256=<hex>``."""


class Malformed(ValueError):
    """The body is neither a handshake nor an event; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """The first request of a subscription. A person pastes the token in Notion to confirm that they can read it here."""

    token: str


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `entity` and `kind` say what it is about.

    `source` is the data source of a row, `page` the page of a comment. `blocks` are the blocks, pages and databases that a
    content update names, None where the event has no such list.
    """

    id: str
    type: str
    at: datetime
    workspace_id: str
    kind: str
    entity: str
    source: str | None
    page: str | None
    blocks: tuple[str, ...] | None


def signature(body: bytes, token: str) -> str:
    """The value of the signature header for a body: HMAC-SHA256 over the raw bytes, keyed with the verification token."""
    return f"sha256={hmac.new(token.encode(), body, hashlib.sha256).hexdigest()}"


def verify(body: bytes, header: str | None, token: str) -> bool:
    """Whether the header signs these very bytes with the token; the time it takes tells nothing about how near it was."""
    return hmac.compare_digest(signature(body, token).encode(), (header or "").encode())


def parse(body: bytes) -> Handshake | Event:
    """Read a body. Raises Malformed."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed("The body is no JSON.") from error
    if not isinstance(told, dict):
        raise Malformed("The body is no JSON object.")
    token = told.get("verification_token")
    if token is not None:
        if not isinstance(token, str) or not token:
            raise Malformed("verification_token is no text.")
        return Handshake(token)
    try:
        return _event(told)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError, MalformedId) as error:
        raise Malformed(f"The event lacks what every event has: {error}.") from error


def _event(told: Mapping[str, Any]) -> Event:
    data: Mapping[str, Any] = told.get("data") or {}
    parent: Mapping[str, Any] = data.get("parent") or {}
    at = datetime.fromisoformat(told["timestamp"])
    if at.tzinfo is None:
        raise ValueError("timestamp has no zone")
    return Event(
        id=_text(told["id"]),
        type=_text(told["type"]),
        at=at.astimezone(UTC),
        workspace_id=_text(told["workspace_id"]),
        kind=_text(told["entity"]["type"]),
        entity=parse_id(told["entity"]["id"]),
        source=_optional_id(parent.get("data_source_id")),
        page=_optional_id(data.get("page_id")),
        blocks=_blocks(data.get("updated_blocks")),
    )


def _blocks(told: Any) -> tuple[str, ...] | None:
    return None if told is None else tuple(dict.fromkeys(parse_id(block["id"]) for block in told))


def _optional_id(told: Any) -> str | None:
    return None if told is None else parse_id(told)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 200 or not value.isprintable():
        raise ValueError(f"{value!r} is no name")
    return value
