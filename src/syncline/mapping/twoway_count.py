"""What a merge did, counted row by row: each row once, however often it was settled."""

from dataclasses import dataclass, field
from typing import Final

from syncline.core.pair import ROW, Act
from syncline.core.report import Finding, Report
from syncline.mapping.twoway_row import Result

__all__ = ["DELETIONS", "Counting", "clashing"]

DELETIONS: Final = frozenset({Act.TRASH_PAGE, Act.FLAG_PAGE, Act.DELETE_ROW})

_RANKS: Final = ("failed", "conflicts", "created", "deleted", "updated", "unchanged")
"""The counts a row may go to; of several the first."""

_OUTCOMES: Final = (
    (frozenset({Act.CREATE_PAGE, Act.CREATE_ROW}), "created"),
    (DELETIONS, "deleted"),
)


def clashing(waits: tuple[str, ...]) -> str:
    """What a person is told of a row whose conflicts wait."""
    said = ", ".join(name for name in waits if name != ROW) or "the row"
    return f"Both sides changed {said}: `syncline conflicts list`."


@dataclass
class Counting:
    """Counts into a report."""

    report: Report
    counted: dict[tuple[str, str], str] = field(default_factory=dict)
    """Where each row went, by table and key."""

    def first(self, table: str, result: Result) -> None:
        """A row that was settled for the first time."""
        what = _outcome(result)
        tally = self.report.tally(table)
        setattr(tally, what, getattr(tally, what) + 1)
        self.counted[table, result.key] = what
        self._tell(table, result)

    def again(self, table: str, result: Result) -> None:
        """A row that was settled once more, for its relations: it goes to where the more is told of it."""
        before, now = self.counted[table, result.key], _outcome(result)
        if _RANKS.index(now) < _RANKS.index(before):
            tally = self.report.tally(table)
            setattr(tally, before, getattr(tally, before) - 1)
            setattr(tally, now, getattr(tally, now) + 1)
            self.counted[table, result.key] = now
            self._tell(table, result)

    def _tell(self, table: str, result: Result) -> None:
        if result.failed is not None:
            self.report.findings.append(Finding(table, result.key, "failed", result.failed))
        elif result.waits:
            self.report.findings.append(Finding(table, result.key, "conflict", clashing(result.waits)))


def _outcome(result: Result) -> str:
    if result.failed is not None:
        return "failed"
    if result.waits:
        return "conflicts"
    for acts, name in _OUTCOMES:
        if acts & set(result.acts):
            return name
    return "updated" if result.pages_written or result.rows_written else "unchanged"
