"""What a push is asked for, in the form in which its run keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

__all__ = ["Asked"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a push is asked for.

    `file` is the mapping file. With `saved`, a plan that was saved, it does that and nothing else. `accept_deletions`: however many rows are
    gone. `halt_on_error`: the first row that cannot be written ends it. `changed_only`: of tables that go both
    ways, Notion is asked for edited pages alone. `since`: only rows that changed then or later are read.
    """

    file: str
    saved: Mapping[str, Any] | None = None
    accept_deletions: bool = False
    halt_on_error: bool = False
    changed_only: bool = False
    since: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """The form in which the run's row keeps it."""
        return {
            "file": self.file,
            "saved": None if self.saved is None else dict(self.saved),
            "accept_deletions": self.accept_deletions,
            "halt_on_error": self.halt_on_error,
            "since": self.since.isoformat() if self.since else None,
            "changed_only": self.changed_only,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Asked":
        """The inverse of `as_json`."""
        return cls(
            value["file"],
            value.get("saved"),
            accept_deletions=value.get("accept_deletions", False),
            halt_on_error=value.get("halt_on_error", False),
            since=datetime.fromisoformat(value["since"]) if value.get("since") else None,
            changed_only=value.get("changed_only", False),
        )
