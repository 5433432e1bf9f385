"""The files of a folder that others may use as well: written whole or not at all, removed only where they are ours."""

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from syncline.destinations.folder_names import fold

__all__ = ["OWN_FOLDER", "Files"]

OWN_FOLDER: Final = ".syncline"
"""The folder inside the root that is ours alone."""


class Files:
    """The files below `root`. `ours` are the paths, relative and with slashes, that we wrote."""

    def __init__(self, root: Path, ours: Collection[str]) -> None:
        self.root = root
        self._ours = frozenset(ours)
        self._folded: Mapping[str, str] | None = None

    def is_foreign(self, place: str) -> bool:
        """Whether the file of a page at `place` (a path without ``.md``), or the folder beside it, cannot be ours."""
        path = f"{place}.md"
        if (
            path not in self._ours
            and os.path.lexists(self.root / path)
            and not self._is_ours_in_other_case(path)
        ):
            return True
        folder = self.root / place
        return os.path.lexists(folder) and not folder.is_dir() and place not in self._ours

    def write(self, path: str, text: str) -> None:
        """Put a file with `text` at `path`, in one step. Raises OSError."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        writing = self.root / OWN_FOLDER / "writing.md"
        writing.write_bytes(text.encode())
        writing.replace(target)

    def remove(self, path: str, *, replaced_by: str | None = None) -> None:
        """Remove a file that is ours, and the folders that it leaves empty. Raises OSError.

        `replaced_by` is a path that differs only in case: where the file system takes both for one file, it stays.
        """
        target = self.root / path
        with suppress(FileNotFoundError, NotADirectoryError):
            if target.is_dir():  # a folder stands there by now
                return
            if replaced_by is not None and target.samefile(self.root / replaced_by):
                return
            target.unlink()
        with suppress(OSError):  # the first folder that is not empty, or not there, ends it
            for folder in target.parents:
                if folder == self.root:
                    break
                folder.rmdir()

    def _is_ours_in_other_case(self, path: str) -> bool:
        if self._folded is None:
            self._folded = {fold(ours): ours for ours in self._ours}
        ours = self._folded.get(fold(path))
        try:
            return ours is not None and (self.root / ours).samefile(self.root / path)
        except OSError:
            return False
