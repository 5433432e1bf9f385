"""Which part of a workspace a connection reads: subtrees that are included, subtrees that are not, or only tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["EVERYTHING", "Selection", "SyncScope", "chosen"]


class SyncScope(StrEnum):
    """What a person chose to sync, in the words of the REST contract."""

    ALL = "all"
    SPECIFIC_PAGES = "specific_pages"
    DATABASES_ONLY = "databases_only"


@dataclass(frozen=True, slots=True)
class Selection:
    """Keys of pages, databases and data sources. Each stands for all that hangs below it, now or later.

    Of the marks above a record the nearest counts. Without `roots` everything is inside that is not below `excluded`. With
    `tables` pages that are no rows of a data source are left out, wherever they are.
    """

    roots: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    tables: bool = False

    @property
    def partial(self) -> bool:
        """Whether anything may be left out."""
        return bool(self.roots or self.excluded or self.tables)


EVERYTHING: Final = Selection()


def chosen(key: str, places: Mapping[str, str | None], selection: Selection) -> bool:
    """Whether a record is inside by its place, going up until a mark is met; `places` says below what each key hangs.

    Pages that `tables` leaves out are not told here: their place decides for what is below them.
    """
    met: set[str] = set()
    step: str | None = key
    while step is not None and step not in met:
        if step in selection.roots:
            return True
        if step in selection.excluded:
            return False
        met.add(step)
        step = places.get(step)
    return not selection.roots
