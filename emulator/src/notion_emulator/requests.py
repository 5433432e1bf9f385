"""What was asked of the emulator: a bounded log that counts."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Entry", "Requests"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One request and the status of its answer (0: none was sent)."""

    at: int
    method: str
    path: str
    query: str
    status: int
    connection: str | None
    version: str | None
    size: int  # bytes of the request's body
    fault: str | None = None


@dataclass(slots=True)
class Requests:
    """The log of Notion's own paths, newest last; the control prefix and file downloads are not logged."""

    most: int = 200_000
    total: int = 0
    active: int = 0  # being answered now
    peak: int = 0  # most at once
    entries: deque[Entry] = field(init=False)

    def __post_init__(self) -> None:
        self.entries = deque(maxlen=self.most)

    def __len__(self) -> int:
        return self.total

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def add(self, entry: Entry) -> None:
        """Log a request."""
        self.total += 1
        self.entries.append(entry)

    def select(
        self, *, method: str | None = None, path: str | None = None, status: int | None = None
    ) -> list[Entry]:
        """The logged requests of that method, path (a regular expression, searched) and status."""
        wanted = re.compile(path) if path else None
        return [
            one
            for one in self.entries
            if (method is None or one.method == method)
            and (wanted is None or wanted.search(one.path))
            and (status is None or one.status == status)
        ]

    def count(self, *, method: str | None = None, path: str | None = None, status: int | None = None) -> int:
        """How many there were; without conditions all ever logged."""
        if (method, path, status) == (None, None, None):
            return self.total
        return len(self.select(method=method, path=path, status=status))

    def clear(self) -> None:
        """Begin to count anew."""
        self.entries.clear()
        self.total = self.peak = 0
