"""Rules: what change of a row is worth telling whom. No I/O.

A rule compares a row as it saw it last with the row as it is. Values are plain JSON (delivery.rows): texts, numbers, true and false, None,
and lists of these.

    trigger     before    after
    changed     a row     the same row, a watched property has another value (`was`, `becomes`: this one)
    appears     nothing   a row
    goes        a row     nothing
    content     a row     the same row, another content at the same fidelity
    alert       is told of alerts, and compares nothing
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeAlias

__all__ = [
    "Channel",
    "ChannelKind",
    "Difference",
    "Match",
    "Row",
    "Rule",
    "Trigger",
    "fires",
    "masked",
    "masked_url",
    "said",
    "watched",
]


class Trigger(StrEnum):
    """What a rule waits for."""

    CHANGED = "changed"
    APPEARS = "appears"
    GOES = "goes"
    CONTENT = "content"
    ALERT = "alert"


class ChannelKind(StrEnum):
    """How somebody is told."""

    SLACK = "slack"
    """An incoming webhook of Slack (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks)."""
    EMAIL = "email"
    WEBHOOK = "webhook"
    """A webhook as endpoints get them, signed with `Channel.secret`."""


@dataclass(frozen=True, slots=True)
class Channel:
    """Where to tell: an address of mail or of HTTP. All of it is a secret: who knows an address of Slack may write there."""

    kind: ChannelKind
    target: str
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Its channels stay in the store: `store.rules.channels` reads them.

    `stream` None means the rows of all streams, `property` None any property, `was` and `becomes` None any value. `digest` and `quiet` are
    as core.due reads them, in the time zone `zone`. `since` is the number of the last change when it was made, None once the rule has
    looked at every row; `change_seq` is how far it has looked, `serial` the number of its last notification.
    """

    id: str
    connection_id: str
    name: str
    trigger: Trigger
    stream: str | None
    property: str | None
    was: str | None
    becomes: str | None
    template: str
    digest: str
    zone: str
    quiet: str | None
    enabled: bool
    created_at: datetime
    since: int | None
    change_seq: int
    serial: int


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its values by property, and fidelity and hash of its content, None where that was not read."""

    values: Mapping[str, Any]
    content: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """A property whose value is another one."""

    property: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Match:
    """A rule fires: why, and for `changed` what differs."""

    trigger: Trigger
    differences: tuple[Difference, ...] = ()


_COMPUTED: Final = frozenset({"last_edited_time", "last_edited_by"})
"""Types of properties that are others at each edit. A rule on any property does not count them."""


def watched(rule: Rule, row: Row, kinds: Mapping[str, str]) -> Row:
    """What a rule has to keep of a row, to compare it the next time. `kinds` are the types of its properties."""
    values: Mapping[str, Any] = {}
    if rule.trigger is Trigger.CHANGED:
        values = {name: value for name, value in row.values.items() if _concerns(rule, name, kinds)}
    return Row(values, row.content if rule.trigger is Trigger.CONTENT else None)


def _concerns(rule: Rule, name: str, kinds: Mapping[str, str]) -> bool:
    return kinds.get(name) not in _COMPUTED if rule.property is None else name == rule.property


def fires(rule: Rule, before: Row | None, after: Row | None) -> Match | None:
    """Whether a rule fires for a row that was `before` and is `after`, both as `watched` leaves them; None is no row."""
    return _TRIGGERS[rule.trigger](rule, before, after)


def _changed(rule: Rule, before: Row | None, after: Row | None) -> Match | None:
    if before is None or after is None:
        return None
    found = tuple(
        Difference(name, before.values[name], value)
        for name, value in sorted(after.values.items())
        if name in before.values and _counts(rule, before.values[name], value)
    )
    return Match(Trigger.CHANGED, found) if found else None


def _appears(_rule: Rule, before: Row | None, after: Row | None) -> Match | None:
    return Match(Trigger.APPEARS) if before is None and after is not None else None


def _goes(_rule: Rule, before: Row | None, after: Row | None) -> Match | None:
    return Match(Trigger.GOES) if before is not None and after is None else None


def _content(_rule: Rule, before: Row | None, after: Row | None) -> Match | None:
    old, new = before and before.content, after and after.content
    if not old or not new:
        return None
    (fidelity, digest), (was, held) = new, old
    # Read at another fidelity it has another hash, and nobody edited it.
    return Match(Trigger.CONTENT) if fidelity == was and digest != held else None


def _never(_rule: Rule, _before: Row | None, _after: Row | None) -> Match | None:
    return None


_Fires: TypeAlias = Callable[[Rule, Row | None, Row | None], Match | None]

_TRIGGERS: Final[Mapping[Trigger, _Fires]] = MappingProxyType(
    {
        Trigger.CHANGED: _changed,
        Trigger.APPEARS: _appears,
        Trigger.GOES: _goes,
        Trigger.CONTENT: _content,
        Trigger.ALERT: _never,
    }
)


def _counts(rule: Rule, old: Any, new: Any) -> bool:
    """Whether a value became another one, and one that the rule waits for: it left `was`, or came to `becomes`."""
    before, after = _held(old), _held(new)
    left = rule.was is None or (rule.was in before and rule.was not in after)
    came = rule.becomes is None or (rule.becomes in after and rule.becomes not in before)
    return before != after and left and came


def _held(value: Any) -> tuple[str, ...]:
    """What a value holds, as texts: an empty one the empty text, a list its entries in no order."""
    if isinstance(value, list):
        return tuple(sorted(said(one) for one in value)) or ("",)
    return (said(value),)


def said(value: Any) -> str:
    """A plain value as a person writes it: nothing for None, ``true`` and ``false``, whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return ", ".join(said(one) for one in value)
    return str(value)


def masked(channel: Channel) -> str:
    """A channel as it may be shown: of an address of HTTP the host, of mail the whole."""
    if channel.kind is ChannelKind.EMAIL:
        return channel.target
    return masked_url(channel.target)


def masked_url(url: str) -> str:
    """An address of HTTP as it may be shown to those who may not know all of it: host and the last letters."""
    scheme, _, rest = url.partition("://")
    host = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    return f"{scheme}://{host}/…{url[-4:]}" if len(rest) > len(host) + 8 else f"{scheme}://{host}/…"
