"""``/metrics``: numbers for Prometheus. What the store holds is counted when it is asked for, requests as they are answered.

Each node answers for its own requests and for the whole store, so worker processes need not be asked. A scraper comes with
``SYNCLINE_METRICS_TOKEN`` or with an API key of the instance's owner that has the scope ``admin``.
"""

import hmac
from collections.abc import Iterable, Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from syncline.api.deps import ServiceOf, credential, instance_owner, who
from syncline.engine.status import SPAN, Status, statuses
from syncline.store import connections
from syncline.store.tallies import LABELS, SMALL, tallies

__all__ = ["router"]

router = APIRouter(tags=["health"])

_MOST: Final = 1000
"""So many connections have series of their own; of more only sums are told, and those only that take no reading of whole tables."""

_HELP: Final[Mapping[str, str]] = {
    "connections": "Connections to Notion workspaces.",
    "records": "Live records.",
    "documents": "Documents by state.",
    "frontier": "Pieces of work that are known and not done.",
    "failures": "What could not be read.",
    "runs": "Runs that the store remembers.",
    "workers": "Worker processes that are registered.",
    "inbox": "Events of Notion's webhooks.",
    "deliveries": "Webhooks going out.",
    "notion_requests": "Requests to Notion within the last hour.",
}


class _Counted(Collector):
    """What was counted in the store, as metrics."""

    def __init__(self, counted: Mapping[str, Mapping[tuple[str, ...], int]], seen: list[Status]) -> None:
        self._counted = counted
        self._seen = seen

    def collect(self) -> Iterable[Metric]:
        for name, counts in self._counted.items():
            family = GaugeMetricFamily(f"syncline_{name}", _HELP[name], labels=LABELS[name])
            for values, count in counts.items():
                family.add_metric(values, count)
            yield family
        yield from self._of_connections()

    def _of_connections(self) -> Iterable[Metric]:
        values = {
            "lag_seconds": ("Age of the newest state that is known.", _lag),
            "error_ratio": ("Share of requests to Notion that failed within the last hour.", _errors),
            "budget_left": ("Requests that may be sent at once.", _budget),
            "incomplete_pages": ("Pages that could not be read whole.", _incomplete),
        }
        for name, (text, value) in values.items():
            family = GaugeMetricFamily(f"syncline_connection_{name}", text, labels=("connection",))
            for one in self._seen:
                told = value(one)
                if told is not None:
                    family.add_metric((one.connection.id,), told)
            yield family
        status = GaugeMetricFamily(
            "syncline_connection_status", "Connections by status.", labels=("status", "token")
        )
        counts: dict[tuple[str, str], int] = {}
        for one in self._seen:
            key = (str(one.sync_status), str(one.token_status))
            counts[key] = counts.get(key, 0) + 1
        for key, count in counts.items():
            status.add_metric(key, count)
        yield status


def _lag(one: Status) -> float | None:
    return None if one.lag is None else one.lag.total_seconds()


def _errors(one: Status) -> float | None:
    return one.error_rate


def _budget(one: Status) -> float | None:
    return one.budget_left


def _incomplete(one: Status) -> float:
    return one.incomplete


async def _scraper(request: Request, service: ServiceOf) -> None:
    """Raises Unknown, Forged, Denied or OwnerOnly for whoever may not see the metrics."""
    token, held = service.app.settings.metrics_token, credential(request.headers)
    if token is not None and held is not None:
        told, _ = held
        if hmac.compare_digest(told.encode(), token.get_secret_value().encode()):
            return
    await instance_owner(await who(service, request.method, request.headers), service)


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(service: ServiceOf, _scraper: Annotated[None, Depends(_scraper)]) -> Response:
    """The metrics, in Prometheus' text format."""
    async with service.app.database.read() as conn:
        many = len(await connections.ids(conn, after="", limit=_MOST + 1)) > _MOST
        names = SMALL if many else LABELS.keys()
        counted = await tallies(conn, since=service.app.now() - SPAN, names=names)
        seen = [] if many else await statuses(service.app, conn, await connections.every(conn))
    registry = CollectorRegistry()
    registry.register(_Counted(counted, seen))
    body = generate_latest(registry) + generate_latest(service.meter.registry)
    return Response(body, media_type=CONTENT_TYPE_LATEST)
