"""In which order pages are made, so that a relation finds the page it leads to."""

from collections import deque
from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

__all__ = ["waves"]

T = TypeVar("T", bound=Hashable)


def waves(needs: Mapping[T, Mapping[str, tuple[T, ...]]]) -> tuple[dict[T, int], dict[T, tuple[str, ...]]]:
    """The wave of each page to be made, counted from 0, and the relations of each that must wait until all are made.

    `needs` has, for each page to be made and each of its relations, the pages to be made that it leads to. A wave needs pages of earlier
    ones only. Where relations form a circle, those of one page in it wait that lead on around it.
    """
    return _Order(needs).run()


class _Order(Generic[T]):
    """Kahn's algorithm, with a page of a circle let through where nothing else is free."""

    def __init__(self, needs: Mapping[T, Mapping[str, tuple[T, ...]]]) -> None:
        self._needs = needs
        self._open = {
            page: {other for leads in one.values() for other in leads} for page, one in needs.items()
        }
        self._needed_by: dict[T, list[T]] = {page: [] for page in needs}
        for page, others in self._open.items():
            for other in others:
                self._needed_by[other].append(page)
        self._free = deque(page for page, others in self._open.items() if not others)
        self._wave: dict[T, int] = {}
        self._later: dict[T, tuple[str, ...]] = {}

    def run(self) -> tuple[dict[T, int], dict[T, tuple[str, ...]]]:
        for page in self._needs:
            self._drain()
            if page not in self._wave:
                self._break_circles(page)
        self._drain()
        return self._wave, self._later

    def _drain(self) -> None:
        while self._free:
            page = self._free.popleft()
            kept = self._needs[page].items()
            waiting = self._later.get(page, ())
            before = (self._wave[other] for name, leads in kept if name not in waiting for other in leads)
            self._wave[page] = 1 + max(before, default=-1)
            for other in self._needed_by[page]:
                self._settle(other, page)

    def _settle(self, page: T, needed: T) -> None:
        if needed in self._open[page]:
            self._open[page].discard(needed)
            if not self._open[page]:
                self._free.append(page)

    def _break_circles(self, page: T) -> None:
        """Let pages of circles through until `page` has its wave."""
        while page not in self._wave:
            chosen = self._in_circle(page)
            self._later[chosen] = tuple(
                name for name, leads in self._needs[chosen].items() if self._open[chosen] & set(leads)
            )
            self._open[chosen] = set()
            self._free.append(chosen)
            self._drain()

    def _in_circle(self, page: T) -> T:
        """A page of the circle that is reached from `page` along what is needed and not there: its least, to be the same each time."""
        path: dict[T, None] = {}
        while page not in path:
            path[page] = None
            page = min(self._open[page], key=repr)
        walked = list(path)
        return min(walked[walked.index(page) :], key=repr)
