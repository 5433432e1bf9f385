"""Telemetry: off by itself, told where the environment asks, and never in the way."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.collector import Collector, collector

from syncline.telemetry import OFF, open_telemetry

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
CLIENT = 3


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collector() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
        yield found


def test_it_is_off_unless_it_is_asked_for() -> None:
    assert open_telemetry({}) is OFF
    assert open_telemetry({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}) is OFF
    with OFF.span("nothing", parent=PARENT) as span:
        span.fail("nothing")
        assert OFF.current() is None


def test_off_imports_nothing() -> None:
    script = (
        "import sys, syncline.app; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


def test_spans_hang_below_their_parents_across_processes(collected: Collector) -> None:
    telemetry = open_telemetry()
    with telemetry.span("outer", kind="server", parent=PARENT, attributes={"a": 1}) as span:
        span.rename("renamed")
        span.put({"http.route": "/x"})
        context = telemetry.current()
        telemetry.passed("asked", seconds=0.5, attributes={"notion.operation": "search"}, failed="Conflict")
    with telemetry.span("inner", parent=context):
        pass
    telemetry.count("syncline.notion.requests", 1, {"notion.operation": "search"})
    telemetry.observe("syncline.run.duration", 1.5, {"syncline.run.kind": "pull"})
    telemetry.close()

    (outer,), (asked,), (inner,) = (collected.named(name) for name in ("renamed", "asked", "inner"))
    assert {span.trace for span in collected.spans} == {TRACE}
    assert (outer.parent, asked.parent, inner.parent) == ("b7ad6b7169203331", outer.id, outer.id)
    assert outer.attributes == {"a": 1, "http.route": "/x"}
    assert (asked.kind, asked.failed, asked.attributes["error.type"]) == (CLIENT, True, "Conflict")
    assert collected.metrics == {"syncline.notion.requests", "syncline.run.duration"}


def test_a_context_that_is_none_begins_a_trace_of_its_own(collected: Collector) -> None:
    telemetry = open_telemetry()
    with telemetry.span("alone", parent="rubbish"):
        pass
    telemetry.close()
    (alone,) = collected.named("alone")
    assert (alone.parent, alone.trace == TRACE) == ("", False)


AWAY = """
import time
from syncline.telemetry import open_telemetry
telemetry = open_telemetry({"OTEL_EXPORTER_OTLP_ENDPOINT": "x"})
with telemetry.span("lost"):
    pass
began = time.monotonic()
telemetry.close()
print(time.monotonic() - began)
"""


def test_a_collector_that_is_away_holds_up_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    # In a process of its own: the library's thread goes on trying for a while, and rolls dice at it.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    ended = subprocess.run(
        [sys.executable, "-c", AWAY], capture_output=True, text=True, check=True, timeout=30
    )
    assert (float(ended.stdout) < 5, ended.stderr) == (True, "")
