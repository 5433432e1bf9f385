"""What a push did, table by table, as data, as JSON and as Markdown."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

from syncline.core.plan import Action, ActionKind, Plan
from syncline.core.plurals import counted

__all__ = ["COUNTS", "Finding", "Outcome", "Report", "Tally", "findings", "planned_report"]


class Outcome(StrEnum):
    """How a push came out, the worst that is true."""

    CLEAN = "clean"
    """Nothing was to be done."""
    CHANGED = "changed"
    CONFLICTS = "conflicts"
    """A person has to decide: ambiguous rows, or conflicts."""
    FAILED = "failed"
    """A row could not be written, or a protected page changed."""


@dataclass(slots=True)
class Tally:
    """What became of the rows of one table. `deleted` counts pages that were flagged or trashed, `seconds` its own time."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    ambiguous: int = 0
    conflicts: int = 0
    deleted: int = 0
    requests: int = 0
    seconds: float = 0.0

    @property
    def rows(self) -> int:
        """How many rows that were."""
        return sum(getattr(self, name) for name in COUNTS)

    @property
    def changed(self) -> int:
        """How many pages were written."""
        return self.created + self.updated + self.deleted


COUNTS = ("created", "updated", "unchanged", "skipped", "failed", "ambiguous", "conflicts", "deleted")


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that needs a person, or a sentence about one: `what` is ``failed``, ``ambiguous``, ``conflict`` or ``note``."""

    table: str
    key: str
    what: str
    reason: str
    pages: tuple[str, ...] = ()


@dataclass
class Report:
    """The report of one push. `blocks` are the blocks of protected pages that are not as they were before it, each as JSON.

    `protected` counts the blocks that were looked at. `planned` marks a dry run: the counts then are what would be done.
    """

    mapping: str
    tables: dict[str, Tally] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    blocks: list[Mapping[str, Any]] = field(default_factory=list)
    protected: int = 0
    requests: int = 0
    seconds: float = 0.0
    halted: bool = False
    planned: bool = False

    def tally(self, table: str) -> Tally:
        """The counts of a table."""
        return self.tables.setdefault(table, Tally())

    @property
    def outcome(self) -> Outcome:
        """How it came out."""
        tallies = self.tables.values()
        if self.blocks or self.halted or any(one.failed for one in tallies):
            return Outcome.FAILED
        if any(one.ambiguous or one.conflicts for one in tallies):
            return Outcome.CONFLICTS
        return Outcome.CHANGED if any(one.changed for one in tallies) else Outcome.CLEAN

    def as_json(self) -> dict[str, Any]:
        """The report as JSON; `tables` is ``{"people": {"created": 10, "updated": 20, …}, …}``."""
        return {
            "mapping": self.mapping,
            "outcome": self.outcome.value,
            "planned": self.planned,
            "halted": self.halted,
            "tables": {
                name: {**asdict(tally), "seconds": round(tally.seconds, 3)}
                for name, tally in self.tables.items()
            },
            "findings": [{**asdict(one), "pages": list(one.pages)} for one in self.findings],
            "dashboards": {"blocks": self.protected, "differences": [dict(one) for one in self.blocks]},
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Report":
        """The inverse of `as_json`."""
        return cls(
            mapping=value["mapping"],
            tables={name: Tally(**tally) for name, tally in value["tables"].items()},
            findings=[Finding(**{**one, "pages": tuple(one["pages"])}) for one in value["findings"]],
            blocks=value["dashboards"]["differences"],
            protected=value["dashboards"]["blocks"],
            requests=value["requests"],
            seconds=value["seconds"],
            halted=value["halted"],
            planned=value["planned"],
        )

    def as_markdown(self) -> str:
        """The report as a Markdown document."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        verb = "would be done" if self.planned else "was done"
        yield f"# Push of {self.mapping}: {self.outcome}"
        yield ""
        yield f"What {verb}, with {counted(self.requests, 'request')} in {self.seconds:.1f} s:"
        yield ""
        columns = (*COUNTS, "requests", "seconds")
        yield f"| table | {' | '.join(columns)} |"
        yield f"|---|{'---:|' * len(columns)}"
        for name, tally in self.tables.items():
            cells = [*(getattr(tally, column) for column in (*COUNTS, "requests")), f"{tally.seconds:.1f}"]
            yield f"| {_cell(name)} | {' | '.join(str(cell) for cell in cells)} |"
        yield from self._found("failed", "Failed")
        yield from self._found("ambiguous", "Ambiguous")
        yield from self._found("conflict", "Conflicts")
        yield from self._found("note", "Notes")
        if self.blocks:
            yield from ("", "## Protected pages changed", "")
            yield from (f"- {one['what']}: {one['type']} `{one['id']}`" for one in self.blocks)

    def _found(self, what: str, title: str) -> Iterator[str]:
        found = [one for one in self.findings if one.what == what]
        if found:
            yield from ("", f"## {title}", "")
            for one in found:
                pages = f" ({', '.join(one.pages)})" if one.pages else ""
                yield f"- {one.table} `{one.key}`: {one.reason}{pages}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


_WHAT: Final[Mapping[ActionKind, str]] = {
    ActionKind.FAIL: "failed",
    ActionKind.AMBIGUOUS: "ambiguous",
    ActionKind.CONFLICT: "conflict",
}
_COUNTED: Final[Mapping[ActionKind, str]] = {
    ActionKind.FAIL: "failed",
    ActionKind.CONFLICT: "conflicts",
    ActionKind.CREATE: "created",
    ActionKind.INSERT: "created",
    ActionKind.TRASH: "deleted",
    ActionKind.FLAG: "deleted",
    ActionKind.DELETE: "deleted",
    ActionKind.UPDATE: "updated",
    ActionKind.REVISE: "updated",
}
"""The count of a row by what is done with it: where that is several things, the first of these."""


def findings(plan: Plan) -> list[Finding]:
    """What a plan says to a person."""
    rows = [
        Finding(one.table, one.key, _WHAT[one.kind], one.reason, one.pages)
        for one in plan.actions
        if one.kind in _WHAT
    ]
    return rows + [Finding(table, key, "note", said) for table, key, said in plan.notes]


def planned_report(plan: Plan) -> Report:
    """What a plan would do, as the report that it then gives."""
    report = Report(plan.mapping, planned=True)
    for table in plan.tables:
        tally, counts = report.tally(table), plan.counts(table)
        tally.unchanged, tally.skipped = counts["unchanged"], counts["skip"]
        tally.ambiguous = counts["ambiguous"]
        for what in _rows(plan, table).values():
            setattr(tally, what, getattr(tally, what) + 1)
    report.findings += findings(plan)
    return report


def _rows(plan: Plan, table: str) -> dict[str, str]:
    """The count that each row of a table goes to, which may be written on both sides."""
    ranks = list(_COUNTED.values())
    found: dict[str, str] = {}
    for action in plan.actions:
        if action.table == table and action.kind in _COUNTED:
            row, what = _row(action), _COUNTED[action.kind]
            found[row] = min(found.get(row, what), what, key=ranks.index)
    return found


def _row(action: Action) -> str:
    """A row by its key; a page that has none yet by its id."""
    return action.key or f"page {action.page}"
