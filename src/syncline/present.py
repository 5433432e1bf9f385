"""What is said of runs and plans, as text and as JSON. No output here."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from syncline.core.errors import Busy, Retry
from syncline.core.plurals import counted
from syncline.store.runs import PAGES, REQUESTS, Run

if TYPE_CHECKING:
    from syncline.engine.plan import Plan

__all__ = [
    "RUN_COLUMNS",
    "counted",
    "local",
    "outcome",
    "pages_line",
    "plan_lines",
    "plan_outcome",
    "refusal",
    "requests_line",
    "run_row",
]

RUN_COLUMNS = ("run", "started", "connection", "mode", "state", "pages", "changes", "requests", "seconds")
"""Changes are added, updated and deleted pages; requests are those made and the least possible."""


_SHORT = 8


def local(moment: datetime | None) -> str:
    """A time in the local zone, to the minute."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M") if moment else ""


def pages_line(run: Run) -> str:
    """What became of the pages of a run."""
    pages = run.pages
    parts = ", ".join(
        f"{pages.get(name, 0):,} {name}" for name in ("added", "updated", "unchanged", "deleted")
    )
    return f"{counted(pages.get('seen', 0), 'page')} seen: {parts}."


def requests_line(run: Run, seconds: float) -> str:
    """What a run cost, beside the least it could cost."""
    made, bound, limited = (run.requests.get(name, 0) for name in REQUESTS)
    said = f"{counted(made, 'request')} made, {bound:,} the least possible; {seconds:.1f} s."
    return f"{said} {limited:,} were answered with a rate limit." if limited else said


def outcome(run: Run, seconds: float) -> dict[str, Any]:
    """A run as `pull --json` prints it; `error` only where it failed."""
    said = {
        "run": run.id,
        "outcome": run.state,
        "pages": {name: run.pages.get(name, 0) for name in PAGES},
        "requests": {name: run.requests.get(name, 0) for name in REQUESTS},
        "seconds": round(seconds, 3),
    }
    error = run.error
    if error is None:
        return said
    return said | {"error": {name: error[name] for name in ("kind", "message", "retry")}}


def refusal(error: Exception, seconds: float) -> dict[str, Any]:
    """What `pull --json` prints where there is no run."""
    return {
        "run": None,
        "outcome": "failed",
        "pages": dict.fromkeys(PAGES, 0),
        "requests": dict.fromkeys(REQUESTS, 0),
        "seconds": round(seconds, 3),
        "error": {
            "kind": type(error).__name__,
            "message": str(error),
            "retry": isinstance(error, Retry | Busy),
        },
    }


def plan_outcome(plan: "Plan", seconds: float) -> dict[str, Any]:
    """What `pull --dry-run --json` prints."""
    return {
        "run": None,
        "outcome": "planned",
        "mode": plan.mode,
        "fidelity": plan.fidelity,
        "pages": dict(plan.pages),
        "requests": {"made": plan.spent, "bound": plan.requests},
        "seconds": round(seconds, 3),
    }


def plan_lines(plan: "Plan") -> list[str]:
    """A dry run's plan in sentences."""
    reasons = ", ".join(
        f"{count:,} {reason}" for reason, count in plan.pages.items() if reason not in {"seen", "to_read"}
    )
    article = "an" if plan.mode.startswith("i") else "a"
    return [
        f"This would be {article} {plan.mode} pull at fidelity {plan.fidelity}. Nothing was stored.",
        f"Listed {counted(len(plan.seen), 'page')} with {counted(plan.spent, 'request')}.",
        f"It would read the content of {counted(len(plan.reasons), 'page')}{f' ({reasons})' if reasons else ''}",
        f"and make at least {counted(plan.requests, 'request')} in all.",
    ]


def run_row(run: Run, name: str | None) -> tuple[object, ...]:
    """A run under RUN_COLUMNS."""
    pages, requests = run.pages, run.requests
    return (
        run.id[:_SHORT],
        local(run.started_at),
        name,
        run.mode or run.kind,
        run.state,
        pages.get("seen", 0),
        f"+{pages.get('added', 0)} ~{pages.get('updated', 0)} -{pages.get('deleted', 0)}",
        f"{requests.get('made', 0)}/{requests.get('bound', 0)}",
        f"{(run.ended_at - run.started_at).total_seconds():.1f}" if run.ended_at else "",
    )
