"""Failures the emulator was asked to produce.

A fault names what fails (a status, or ``timeout``, ``reset``, ``truncated``), for which requests (method, path), how
often (count, probability) and whether the request takes effect before it fails. Chance comes from a seed.
"""

import re
from dataclasses import dataclass, field
from random import Random
from typing import Any

from notion_emulator import errors
from notion_emulator.errors import NotionError

__all__ = ["Fault", "Faults"]

Json = dict[str, Any]
CLASSES: dict[int, type[NotionError]] = {
    400: errors.ValidationFailed,
    401: errors.Unauthorized,
    403: errors.RestrictedResource,
    404: errors.ObjectNotFound,
    409: errors.Conflict,
    429: errors.RateLimited,
    500: errors.InternalServerError,
    502: errors.BadGateway,
    503: errors.ServiceUnavailable,
    504: errors.GatewayTimeout,
    529: errors.ServiceOverload,
}
KINDS = ("timeout", "reset", "truncated")
SAVED = (
    "The change was saved, but the response could not be built in time. "
    "Read the object again instead of repeating the write."
)


@dataclass(slots=True)
class Fault:
    """One failure to produce; ``count`` None is without end, ``skip`` lets as many matching requests pass first."""

    what: int | str
    method: str | None = None
    path: str | None = None  # a regular expression, searched in the path with its query
    count: int | None = None
    probability: float = 1.0
    skip: int = 0
    applied: bool = False  # the request takes effect before it fails
    html: bool | None = None  # an HTML page from the edge; by default for 502
    retry_after: int | None = None
    message: str | None = None
    code: str | None = None
    reason: str | None = None  # rate_limit_reason of a 429
    hits: int = 0

    def matches(self, method: str, target: str) -> bool:
        """Whether the fault is meant for such a request and not used up."""
        used_up = self.count is not None and self.hits >= self.count
        wanted = self.method is None or self.method.upper() == method
        return not used_up and wanted and (self.path is None or re.search(self.path, target) is not None)


@dataclass(slots=True)
class Faults:
    """The faults in force, in order; the first that strikes wins."""

    seed: int = 0
    active: list[Fault] = field(default_factory=list)
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    def add(self, what: int | str, **how: Any) -> Fault:
        """Produce failures from now on: ``add(429, path="/v1/search", count=2, retry_after=1)``; see Fault.

        ``what`` is a status of Notion's, or ``timeout``, ``reset``, ``truncated``. Raises ValueError, TypeError.
        """
        if what not in CLASSES and what not in KINDS:
            known = ", ".join(map(str, (*CLASSES, *KINDS)))
            raise ValueError(f"{what!r} is no fault; known are {known}.")
        if not 0 <= how.get("probability", 1.0) <= 1:
            raise ValueError("A probability lies between 0 and 1.")
        fault = Fault(what, **how)
        re.compile(fault.path or "")
        self.active.append(fault)
        return fault

    def clear(self, *, seed: int | None = None) -> None:
        """Produce no failures any more; ``seed`` begins the chances anew."""
        self.active.clear()
        self.seed = self.seed if seed is None else seed
        self.random = Random(self.seed)

    def strike(self, method: str, target: str) -> Fault | None:
        """The fault that hits this request, counted."""
        for fault in self.active:
            if not fault.matches(method, target):
                continue
            if fault.probability < 1 and self.random.random() >= fault.probability:
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.hits += 1
            return fault
        return None


def error(fault: Fault, *, committed: Json | None = None) -> NotionError:
    """The error of a fault with a status; ``committed`` is the answer that a write would have had."""
    assert isinstance(fault.what, int)
    made = CLASSES[fault.what](fault.message)
    if fault.code:
        made.code = fault.code
    if fault.what == 503 and committed is not None:
        made = errors.ServiceUnavailable(fault.message or SAVED, data=_committed(committed))
    if fault.what in (429, 529):
        seconds = str(1 if fault.retry_after is None else fault.retry_after)
        reason = fault.reason or "public_api_request_rate_limit"
        made.data = {"rate_limit_reason": reason, "retry_after": seconds} if fault.what == 429 else None
        if reason != "public_api_request_blocked":
            made.headers = {"retry-after": seconds}
    elif fault.retry_after is not None:
        made.headers = {"retry-after": str(fault.retry_after)}
    return made


def _committed(answer: Json) -> Json:
    """What Notion says of a write that was saved although its answer failed."""
    data: Json = {
        "from": "public_api", "elapsed_ms": "55012", "deadline_ms": "55000",
        "retry_guidance": ["Read the object again instead of repeating the write."],
    }  # fmt: skip
    if answer.get("object") != "list":
        return {**data, "committed_resource_id": answer.get("id", "")}
    results = answer["results"]
    parent = results[0]["parent"] if results else {}
    ids = [one["id"] for one in results]
    return {
        **data,
        "committed_resource_id": parent.get(parent.get("type", ""), ""),
        "committed_child_ids": ids,
    }


EDGE_PAGE = """<html>\r
<head><title>{status} {title}</title></head>\r
<body>\r
<center><h1>{status} {title}</h1></center>\r
<hr><center>cloudflare</center>\r
</body>\r
</html>\r
"""
TITLES = {
    403: "Forbidden",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}


def edge_page(status: int) -> bytes:
    """The HTML that Notion's edge answers with."""
    return EDGE_PAGE.format(status=status, title=TITLES.get(status, "Error")).encode()
