"""Alerts: which incidents there are, and which events begin and end one. No I/O.

An incident that is met again and again is one alert until it is over.

    incident             begins with                                   ends with
    sync_failed          a run that failed, by its kind                a run of that kind that succeeds
    notion_unreachable   a pull that failed since nobody answers it    a pull that succeeds
    token_dead           the sync status `token_expired`               any other sync status
    endpoint_disabled    an endpoint that was disabled by us           its being enabled or removed (delivery.alerts looks)
    incomplete_pages     a run that left more incomplete pages than    a run that left no more
                         the settings allow
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from syncline.core.event import EventKind
from syncline.core.plurals import counted
from syncline.core.standing import SyncStatus

__all__ = ["HEARD", "Facts", "Incident", "IncidentKind", "news"]


class IncidentKind(StrEnum):
    """What can go wrong."""

    SYNC_FAILED = "sync_failed"
    NOTION_UNREACHABLE = "notion_unreachable"
    TOKEN_DEAD = "token_dead"  # noqa: S105 - a word, no secret
    ENDPOINT_DISABLED = "endpoint_disabled"
    INCOMPLETE_PAGES = "incomplete_pages"


@dataclass(frozen=True, slots=True)
class Incident:
    """What an event says of one thing that can go wrong: `text` tells what did, None that it is well.

    `subject` tells incidents of a kind apart: the kind of a run, an endpoint's id.
    """

    kind: IncidentKind
    subject: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What an event does not say itself.

    The kind of its run, and whether that failed because the other side does not answer; how many pages are incomplete, and how many may be.
    """

    run_kind: str = ""
    unreachable: bool = False
    incomplete: int = 0
    threshold: int = 0


def news(kind: str, data: Mapping[str, Any], facts: Facts) -> Sequence[Incident]:
    """What an event of the log says of incidents."""
    return _EVENTS[kind](data, facts) if kind in _EVENTS else ()


def _failed(data: Mapping[str, Any], facts: Facts) -> Sequence[Incident]:
    said = str(data.get("error", ""))
    if facts.unreachable and facts.run_kind in _READS:
        return (Incident(IncidentKind.NOTION_UNREACHABLE, "", said),)
    return (
        Incident(
            IncidentKind.SYNC_FAILED, facts.run_kind, f"The last {facts.run_kind or 'run'} failed. {said}"
        ),
    )


_READS: Final = frozenset({"pull", "refresh"})
"""Kinds of runs that read from Notion and speak to nobody else."""


def _succeeded(_data: Mapping[str, Any], facts: Facts) -> Sequence[Incident]:
    text = None
    if facts.incomplete > facts.threshold:
        text = f"{counted(facts.incomplete, 'page')} could not be read whole: `syncline errors` lists them."
    well = (
        Incident(IncidentKind.SYNC_FAILED, facts.run_kind, None),
        Incident(IncidentKind.INCOMPLETE_PAGES, "", text),
    )
    read = facts.run_kind in _READS
    return (*well, Incident(IncidentKind.NOTION_UNREACHABLE, "", None)) if read else well


def _status(data: Mapping[str, Any], _facts: Facts) -> Sequence[Incident]:
    dead = data.get("syncStatus") == SyncStatus.TOKEN_EXPIRED
    text = "Notion refuses the token: connect the workspace again." if dead else None
    return (Incident(IncidentKind.TOKEN_DEAD, "", text),)


def _disabled(data: Mapping[str, Any], _facts: Facts) -> Sequence[Incident]:
    text = f"Webhooks to {data.get('url', '')} are disabled. {data.get('reason', '')}"
    return (Incident(IncidentKind.ENDPOINT_DISABLED, str(data.get("endpointId", "")), text),)


_News: TypeAlias = Callable[[Mapping[str, Any], Facts], Sequence[Incident]]

_EVENTS: Final[Mapping[str, _News]] = MappingProxyType(
    {
        EventKind.ERROR: _failed,
        EventKind.COMPLETE: _succeeded,
        EventKind.STATUS: _status,
        EventKind.ENDPOINT_DISABLED: _disabled,
    }
)

HEARD: Final = tuple(str(kind) for kind in _EVENTS)
"""The kinds of events that say something of incidents."""
