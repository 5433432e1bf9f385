"""How often one may ask the service: so many requests of a class in so many seconds.

Windows begin on the clock, so that every node knows alone when one ends.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

__all__ = ["LIMITS", "Limit", "parse"]


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests in so many seconds."""

    requests: int
    seconds: int

    def ends(self, now: datetime) -> datetime:
        """When the window that `now` is in ends."""
        return datetime.fromtimestamp((int(now.timestamp()) // self.seconds + 1) * self.seconds, UTC)


LIMITS: Final[Mapping[str, Limit]] = MappingProxyType(
    {
        "login": Limit(10, 900),
        "register": Limit(5, 3600),
        "password": Limit(5, 3600),
        "refresh": Limit(30, 3600),
        "sync": Limit(5, 3600),
        "default": Limit(100, 60),
    }
)


def parse(text: str) -> dict[str, Limit | None]:
    """The limits with changes such as ``default=600/60,sync=off``; ``off`` alone is none at all. Raises ValueError."""
    if text.strip() == "off":
        return dict.fromkeys(LIMITS)
    found: dict[str, Limit | None] = dict(LIMITS)
    for word in text.replace(",", " ").split():
        name, _, value = word.partition("=")
        match = re.fullmatch(r"([1-9]\d{0,8})/([1-9]\d{0,6})|off", value)
        if name not in LIMITS or match is None:
            raise ValueError(f"{word!r} is no limit: write CLASS=REQUESTS/SECONDS or CLASS=off")
        found[name] = None if value == "off" else Limit(int(match[1]), int(match[2]))
    return found
