"""Telemetry: what happens as OpenTelemetry's spans and measurements, where the environment asks for them.

    request ──▶ run ──▶ each request to Notion
                 ╰────▶ webhooks about it

It is off unless ``OTEL_EXPORTER_OTLP_ENDPOINT`` (or ``…_TRACES_ENDPOINT``) is set, and then needs the extra ``syncline[otel]``. This is the only
file that knows the library; it is imported when it is needed. A context goes from process to process as a W3C ``traceparent``
(https://www.w3.org/TR/trace-context/). No attribute holds what people wrote.
"""

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from syncline.core.errors import BadInput

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as OtelSpan

__all__ = ["OFF", "Attributes", "Span", "SpanKind", "Telemetry", "open_telemetry"]

Attributes: TypeAlias = Mapping[str, str | int | float | bool]
SpanKind: TypeAlias = Literal["internal", "server", "client", "producer"]

_ASKED: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PATIENCE: Final = 2.0
"""Seconds that the end of the process waits for the last spans to leave."""
_NANOSECONDS: Final = 1_000_000_000


class Span:
    """A span that nobody sees."""

    def rename(self, name: str) -> None:
        """Give it a name that was not known when it began."""

    def put(self, attributes: Attributes) -> None:
        """Add attributes."""

    def fail(self, what: str) -> None:
        """Mark it as failed, by the kind of the error."""


class Telemetry:
    """Telemetry that is off."""

    def current(self) -> str | None:
        """The context of the span that is open here, as a ``traceparent``."""
        return None

    @contextmanager
    def span(
        self,
        name: str,  # noqa: ARG002 - the signature of what is on
        *,
        kind: SpanKind = "internal",  # noqa: ARG002 - as above
        parent: str | None = None,  # noqa: ARG002 - as above
        attributes: Attributes | None = None,  # noqa: ARG002 - as above
    ) -> Iterator[Span]:
        """A span around what is done inside, below the one that is open here, or below `parent`."""
        yield Span()

    def passed(self, name: str, *, seconds: float, attributes: Attributes, failed: str | None) -> None:
        """A span of the kind ``client`` that has just ended and took so long."""

    def count(self, name: str, amount: int, attributes: Attributes) -> None:
        """Add to a counter."""

    def observe(self, name: str, value: float, attributes: Attributes) -> None:
        """Note a duration in seconds."""

    def close(self) -> None:
        """Send what is left; it may block for _PATIENCE."""


OFF: Final = Telemetry()


def open_telemetry(environment: Mapping[str, str] = os.environ) -> Telemetry:
    """Telemetry as the environment wants it. Raises BadInput where it is wanted and the library is not there."""
    if not any(environment.get(name) for name in _ASKED) or environment.get("OTEL_SDK_DISABLED") == "true":
        return OFF
    try:
        import opentelemetry.exporter.otlp.proto.http  # noqa: PLC0415 - only those who want it have it
        import opentelemetry.sdk  # noqa: F401, PLC0415 - as above
    except ImportError:
        raise BadInput(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, and OpenTelemetry is not installed: pip install 'syncline[otel]'."
        ) from None
    return _On()


@dataclass(frozen=True, slots=True)
class _Open(Span):
    """A span of the library."""

    span: "OtelSpan"

    def rename(self, name: str) -> None:
        self.span.update_name(name)

    def put(self, attributes: Attributes) -> None:
        self.span.set_attributes(dict(attributes))

    def fail(self, what: str) -> None:
        from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - as above

        self.span.set_status(Status(StatusCode.ERROR, what))
        self.span.set_attribute("error.type", what)


class _On(Telemetry):
    def __init__(self) -> None:
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415 - as above

        # A collector that is away is its operator's business, and not news for every line of a terminal.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        service = {} if os.environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: "syncline"}
        resource = Resource.create(service)
        self._traces = _traces(resource)
        self._metrics = _metrics(resource)
        self._tracer = self._traces.get_tracer("syncline")
        self._meter = self._metrics.get_meter("syncline")
        self._instruments: dict[str, Any] = {}

    def current(self) -> str | None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier)
        return carrier.get("traceparent")

    @contextmanager
    def span(
        self,
        name: str,
        *,
        kind: SpanKind = "internal",
        parent: str | None = None,
        attributes: Attributes | None = None,
    ) -> Iterator[Span]:
        from opentelemetry.trace import SpanKind as Kinds  # noqa: PLC0415 - as above

        with self._tracer.start_as_current_span(
            name,
            context=None if parent is None else _context(parent),
            kind=Kinds[kind.upper()],
            attributes=dict(attributes or {}),
            record_exception=False,  # its message may hold what people wrote
        ) as span:
            yield _Open(span)

    def passed(self, name: str, *, seconds: float, attributes: Attributes, failed: str | None) -> None:
        from time import time_ns  # noqa: PLC0415 - the clock of spans is the system's

        from opentelemetry.trace import SpanKind as Kinds  # noqa: PLC0415 - as above

        now = time_ns()
        span = self._tracer.start_span(
            name,
            kind=Kinds.CLIENT,
            attributes=dict(attributes),
            start_time=now - int(seconds * _NANOSECONDS),
        )
        if failed is not None:
            _Open(span).fail(failed)
        span.end(now)

    def count(self, name: str, amount: int, attributes: Attributes) -> None:
        counter = self._instruments.get(name)
        if counter is None:
            counter = self._instruments[name] = self._meter.create_counter(name)
        counter.add(amount, dict(attributes))

    def observe(self, name: str, value: float, attributes: Attributes) -> None:
        histogram = self._instruments.get(name)
        if histogram is None:
            histogram = self._instruments[name] = self._meter.create_histogram(name, unit="s")
        histogram.record(value, dict(attributes))

    def close(self) -> None:
        # The library waits for its collector as long as it takes; the end of a process does not.
        ending = threading.Thread(target=self._shut_down, daemon=True)
        ending.start()
        ending.join(_PATIENCE)

    def _shut_down(self) -> None:
        self._traces.shutdown()
        self._metrics.shutdown()


def _context(parent: str) -> Any:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    return TraceContextTextMapPropagator().extract({"traceparent": parent})


def _traces(resource: Any) -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def _metrics(resource: Any) -> "MeterProvider":
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415

    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    return MeterProvider(resource=resource, metric_readers=[reader], shutdown_on_exit=False)
