"""How often one may ask: which class a request is of, and the counting, in the database for all nodes together.

    class       limit       counted by
    login       10 / 900    address
    register     5 / 3600   address
    password     5 / 3600   address
    refresh     30 / 3600   address
    sync         5 / 3600   workspace
    default    100 / 60     user, else address

A request of the class ``default`` costs no statement: it is counted here at once and in the database within a second, so
several nodes together let through what comes within that second at most. The others are exact, cost one statement each, and count what
was a try alone (api.refund). Health, the status of a sync, streams of events and Notion's own events are not limited.
"""

import asyncio
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final

from starlette.requests import Request

from syncline.core.errors import StoreUnavailable
from syncline.core.limit import Limit
from syncline.store.database import Database
from syncline.store.ratelimits import Use, count, give_back

__all__ = ["BY_USER", "BY_WORKSPACE", "CLASSES", "Limiter", "Standing", "address", "class_of"]

_FLUSH: Final = 1.0
_SURE: Final = timedelta(seconds=1)
"""For how long a bucket that was full is taken to be: what is given back at another node is not told here."""

BY_USER: Final = "default"
"""The class that is counted by user. It is told to the database afterwards."""
BY_WORKSPACE: Final = "sync"
"""The class that is counted by workspace, once that is known. All others are counted by address."""

CLASSES: Final[tuple[tuple[str, str, str | None], ...]] = (
    ("POST", r"/auth/login", "login"),
    ("POST", r"/auth/register", "register"),
    ("POST", r"/auth/(forgot-password|reset-password|verify-email|verify-email/resend)", "password"),
    ("POST", r"/auth/refresh", "refresh"),
    ("POST", r"(/notion)?(/workspaces/[^/]+)?/sync", BY_WORKSPACE),
    ("GET", r"(/notion)?(/workspaces/[^/]+)?/(sync-status|events)", None),
    ("*", r"/.*", BY_USER),
)
"""Method and path below ``/api/v1``, and the class; None: not limited. The first row that fits counts."""


def class_of(method: str, path: str) -> str | None:
    """The class of a request; None if it is not limited."""
    below = path.removeprefix("/api/v1")
    if below == path:
        return None
    for known, pattern, name in CLASSES:
        if known in {method, "*"} and re.fullmatch(pattern, below):
            return name
    return None


def address(request: Request) -> str:
    """Where a request comes from; of an IPv6 address the half that names the network, for one caller has all the rest."""
    host = request.client.host if request.client else ""
    try:
        ip = ip_address(host)
    except ValueError:
        return host
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped or f"{IPv6Address(int(ip) >> 64 << 64)}/64")
    return str(ip)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the caller who has a bucket stands. `wait` is the number of seconds after which it may ask again, None if this request may go on."""

    bucket: str
    limit: Limit
    remaining: int
    resets_at: datetime
    wait: int | None

    @property
    def headers(self) -> dict[str, str]:
        """What the answer says of it."""
        return {
            "X-RateLimit-Limit": str(self.limit.requests),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(int(self.resets_at.timestamp())),
        }


@dataclass(slots=True)
class _Bucket:
    """What one node knows of a bucket: how often it was used, and what of that the database does not know yet."""

    ends: datetime
    used: int = 0
    unsaved: int = 0
    full_until: datetime | None = None


class Limiter:
    """Counts the requests of one node. `run` tells the database; without it each node counts for itself."""

    def __init__(
        self, database: Database, limits: Mapping[str, Limit | None], *, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._limits = limits
        self._now = now
        self._buckets: dict[str, _Bucket] = {}

    async def count(self, name: str, whose: str) -> Standing | None:
        """Count a request of a class. None where the class has no limit."""
        limit = self._limits.get(name)
        if limit is None:
            return None
        now, key = self._now(), f"{name}:{whose}"
        bucket = self._bucket(key, limit, now)
        if name != BY_USER:
            free = await self._take(key, bucket, limit, now)
        elif free := bucket.used < limit.requests:
            bucket.used += 1
            bucket.unsaved += 1
        return Standing(
            bucket=key,
            limit=limit,
            remaining=max(0, limit.requests - bucket.used),
            resets_at=bucket.ends,
            wait=None if free else math.ceil((bucket.ends - now).total_seconds()),
        )

    async def _take(self, key: str, bucket: _Bucket, limit: Limit, now: datetime) -> bool:
        """Count one use of an exact class, and whether that was within its limit; what was not is not counted."""
        if bucket.full_until is not None and now < bucket.full_until:
            return False
        use = Use(key, 1, bucket.ends)
        async with self._database.begin() as conn:
            [used] = await count(conn, [use])
            free = used <= limit.requests
            bucket.used = used if free else await give_back(conn, use)
        bucket.full_until = None if free else now + _SURE
        return free

    async def give_back(self, standing: Standing) -> Standing:
        """Take back what was counted for a request of an exact class; where its caller stands then."""
        use = Use(standing.bucket, 1, standing.resets_at)
        async with self._database.begin() as conn:
            used = await give_back(conn, use)
        bucket = self._buckets.get(use.bucket)
        if bucket is not None and bucket.ends == use.resets_at:
            bucket.used, bucket.full_until = used, None
        return replace(standing, remaining=max(0, standing.limit.requests - used))

    async def run(self) -> None:
        """Tell the database every second what was counted, until cancelled."""
        while True:
            await asyncio.sleep(_FLUSH)
            try:
                await self.flush()
            except StoreUnavailable:
                continue  # what was counted is kept, and told when the store is back

    async def flush(self) -> None:
        """Tell the database what was counted, and learn what the other nodes have."""
        now = self._now()
        known = self._buckets = {
            key: bucket for key, bucket in self._buckets.items() if bucket.ends > now or bucket.unsaved
        }
        uses = [Use(key, bucket.unsaved, bucket.ends) for key, bucket in known.items() if bucket.unsaved]
        if not uses:
            return
        async with self._database.begin() as conn:
            totals = await count(conn, uses)
        for use, total in zip(uses, totals, strict=True):
            bucket = known[use.bucket]
            if bucket.ends == use.resets_at:
                bucket.unsaved -= use.times
                bucket.used = total + bucket.unsaved

    def _bucket(self, key: str, limit: Limit, now: datetime) -> _Bucket:
        bucket = self._buckets.get(key)
        if bucket is None or bucket.ends <= now:
            bucket = self._buckets[key] = _Bucket(limit.ends(now))
        return bucket
