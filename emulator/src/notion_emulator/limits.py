"""Rate limits in both forms: a fixed window of requests, or a bucket of tokens that refills.

One limit holds for each connection, another for all connections of a workspace together; what is refused counts for
neither (https://developers.notion.com/reference/request-limits).
"""

import math
from dataclasses import dataclass, field

__all__ = ["Bucket", "Limits", "Rate", "Refusal", "Window", "rate"]


@dataclass(frozen=True, slots=True)
class Window:
    """``count`` requests in each window of ``seconds``; windows begin at multiples of it, plus ``phase``."""

    count: int
    seconds: float = 60.0
    phase: float = 0.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """``count`` tokens that refill within ``seconds``."""

    count: int
    seconds: float = 1.0


Rate = Window | Bucket


def rate(text: str) -> Rate | None:
    """``none``, or requests/seconds: per one second a token bucket (``3/1``), else a window (``180/60``).

    Raises ValueError.
    """
    if text == "none":
        return None
    count, _, seconds = text.partition("/")
    if not (count.isdecimal() and seconds.isdecimal() and int(count) and int(seconds)):
        raise ValueError(f"{text!r} is no rate; give requests/seconds, for example 180/60 or 3/1, or none.")
    return Bucket(int(count)) if seconds == "1" else Window(int(count), float(seconds))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused and in how many seconds another may pass."""

    reason: str
    retry_after: int


@dataclass(slots=True)
class _Meter:
    """What one caller has used: requests in the window at ``since``, or tokens left at ``since``."""

    used: float = 0.0
    since: float = -math.inf


@dataclass(slots=True)
class Limits:
    """The two limits (None: none) and what has been used of them."""

    connection: Rate | None = None
    workspace: Rate | None = None
    meters: dict[str, _Meter] = field(default_factory=dict)

    def refusal(self, connection: str, workspace: str, *, at: int) -> Refusal | None:
        """Count a request at ``at`` milliseconds, or say why it may not pass."""
        now = at / 1000
        asked = (
            (self.connection, connection, "public_api_request_rate_limit"),
            (self.workspace, workspace, "public_api_space_request_rate_limit"),
        )
        meters = [
            (limit, self.meters.setdefault(key, _Meter()), reason) for limit, key, reason in asked if limit
        ]
        for limit, meter, reason in meters:
            wait = _wait(limit, meter, now)
            if wait > 0:
                return Refusal(reason, max(1, math.ceil(wait)))
        for _, meter, _ in meters:
            meter.used += 1
        return None

    def clear(self) -> None:
        """Forget what has been used."""
        self.meters.clear()


def _wait(limit: Rate, meter: _Meter, now: float) -> float:
    """Seconds until a request may pass; brings the meter to ``now``."""
    if isinstance(limit, Window):
        start = now - (now - limit.phase) % limit.seconds
        if start > meter.since or now < meter.since:
            meter.used, meter.since = 0, start
        return meter.since + limit.seconds - now if meter.used >= limit.count else 0
    refilled = max(0.0, now - meter.since) * limit.count / limit.seconds
    meter.used, meter.since = max(0.0, meter.used - refilled), now
    return (meter.used + 1 - limit.count) * limit.seconds / limit.count if meter.used + 1 > limit.count else 0
