"""Keeps a folder of Markdown files that follows a connection: one file a page, in the tree of the workspace.

A batch is written in an order that survives a crash anywhere. First the paths to be written are claimed, so that they are
known to be ours; then files are written, each by renaming a finished one into place; then files that are no longer
anybody's are removed; last the state is committed, with the checkpoint. After a crash the same batch does the
same again. Files that are not ours are never touched: a page gets another name instead.

Not written are comments, which are no part of a page's content, and the files that Notion hosts: their addresses are
signed and dead within the hour, so a link leads to the block in Notion. A file that somebody edited is
overwritten when its page changes, and not before.
"""

import asyncio
import errno
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final, Self, TypeVar

from syncline.core.errors import BadInput, Busy, StoreUnavailable, SynclineError
from syncline.core.hash import digest
from syncline.core.model import Change, Json, Kind, StoredRecord
from syncline.destinations.folder_drafts import Draft, Known, draft, encodable, references, table, written
from syncline.destinations.folder_files import OWN_FOLDER, Files
from syncline.destinations.folder_layout import Node, Place, arrange, called, sources_of
from syncline.destinations.folder_names import fold
from syncline.destinations.folder_state import FORMAT, Catalogue, Entry, FolderState
from syncline.notion.markdown import StyleName

__all__ = ["MarkdownFolder"]

T = TypeVar("T")

_CHUNK: Final = 200
_LARGE: Final = 500
"""The number of rows above which the table of a data source is written when the folder is closed."""
_FILES: Final = frozenset({Kind.PAGE, Kind.DATA_SOURCE})


class MarkdownFolder:
    """The latest state of a connection as files below `path`, in one of the styles of notion.markdown."""

    def __init__(
        self, path: str | os.PathLike[str], connection_id: str, *, style: StyleName = "portable"
    ) -> None:
        self.root = Path(path)
        self.connection_id = connection_id
        self.style: StyleName = style
        self._state: FolderState | None = None
        self._catalogue: Catalogue | None = None
        self._running = Lock()  # a thread goes on when the task that waits for it is cancelled

    async def __aenter__(self) -> Self:
        """Open the folder, creating it if it is missing.

        Raises BadInput if it cannot be used or is another connection's, Busy while another load has it open,
        StoreUnavailable if the disk is full.
        """
        try:
            await self._run(self._open)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Write what was postponed, unless there was an error, and close the state file."""
        try:
            if exc[:1] == (None,):
                await self._run(self._finish)
        finally:
            await self._close()

    async def _close(self) -> None:
        if self._state is not None:
            await self._run(self._state.close)
            self._state = None

    async def checkpoint(self) -> int:
        """The change number up to which everything is held. Raises BadInput if the folder is another connection's."""
        return await self._run(self._checkpoint)

    async def write(self, changes: Sequence[Change], checkpoint: int) -> None:
        """Follow `changes`, then remember `checkpoint`. Raises as `__aenter__` does; then nothing is remembered."""
        await self._run(lambda: self._write(changes, checkpoint))

    async def _run(self, function: Callable[[], T]) -> T:
        def alone() -> T:
            with self._running:
                return function()

        with _translated(self.root):
            return await asyncio.to_thread(alone)

    def _open(self) -> None:
        own = self.root / OWN_FOLDER
        own.mkdir(parents=True, exist_ok=True)
        self._state = FolderState(own / "state.sqlite")
        if self._state.owner() is None:
            self._state.own(self.connection_id, self.style)
        self._checkpoint()

    def _opened(self) -> FolderState:
        if self._state is None:
            raise RuntimeError("the destination is not open: use it in `async with`")
        return self._state

    def _checkpoint(self) -> int:
        connection_id, style, layout, checkpoint = self._opened().owner() or (
            self.connection_id,
            self.style,
            FORMAT,
            0,
        )
        if layout > FORMAT:
            raise BadInput(
                f"The folder {self.root} was written by a newer Syncline: upgrade it, or choose another folder."
            )
        if connection_id != self.connection_id:
            raise BadInput(
                f"The folder {self.root} holds the connection {connection_id}: choose another folder."
            )
        if style != self.style:
            raise BadInput(
                f"The folder {self.root} is in the style {style}: choose that style, or another folder."
            )
        return checkpoint

    def _finish(self) -> None:
        if self._opened().postponed():
            self._write([], 0)

    def _write(self, changes: Sequence[Change], checkpoint: int) -> None:
        state, held = self._opened(), self._checkpoint()
        before = self._catalogue or state.catalogue()
        self._catalogue = None  # until the end: after an error it is read again
        batch = _Batch(self.root, state, before, style=self.style)
        self._catalogue = batch.write(changes, checkpoint=max(held, checkpoint))


class _View:
    """The records at one moment: what each is called and where its file is."""

    def __init__(self, nodes: Mapping[str, Node], places: Mapping[str, Place]) -> None:
        self.nodes = nodes
        self.places = places
        self.sources = sources_of(nodes.values())

    def known(self, key: str) -> Known | None:
        """What links to `key` need; a database is known by its data source."""
        node = self.nodes.get(key)
        if key in self.sources:
            node = self.nodes[self.sources[key]]
        if node is None or node.kind is Kind.DATABASE:
            return None
        place = self.places.get(node.key)
        return Known(called(node, self.nodes), place.path if place else None)


class _Batch:
    """One batch on its way into the folder."""

    def __init__(self, root: Path, state: FolderState, before: Catalogue, *, style: StyleName) -> None:
        self.state = state
        self.before = before
        self.style: StyleName = style
        self.claims = state.claims()
        self.files = Files(root, {place.path for place in before.places.values()} | self.claims)

    def write(self, changes: Sequence[Change], *, checkpoint: int) -> Catalogue:
        """Write what changed; the catalogue as it is then."""
        entries = self._entries(changes)
        after = self._arranged(entries)
        moved = self._moved(entries, after)
        dirty = self._dirty(entries, moved, after)
        with self.state.transaction():
            self.state.claim(after.places[key].path for key in dirty)
        with self.state.transaction():
            self.state.keep(entries)
            postponed = self._postponed(dirty, after) if changes else set()
            hashes = self._write_files(sorted(dirty - postponed), after)
            places = {
                key: place for key, place in after.places.items() if self.before.places.get(key) != place
            }
            self.state.settle(places, hashes, postponed=postponed, checkpoint=checkpoint)
        return self._catalogue(entries, after, hashes)

    def _entries(self, changes: Sequence[Change]) -> list[Entry]:
        """The latest change of each record, unless it is older than what is held."""
        latest = {change.record.key: change for change in changes if change.record.kind is not Kind.COMMENT}
        newer = (
            change for key, change in latest.items() if self.before.seqs.get(key, 0) <= change.record.seq
        )
        return [_entry(change, style=self.style) for change in newer]

    def _arranged(self, entries: Sequence[Entry]) -> _View:
        if all(self.before.nodes.get(entry.key) == entry.node for entry in entries):
            return _View(self.before.nodes, self.before.places)
        nodes = dict(self.before.nodes)
        for entry in entries:
            nodes.pop(entry.key, None)
            if entry.node is not None:
                nodes[entry.key] = entry.node
        return _View(nodes, arrange(nodes, self.before.places, occupied=self.files.is_foreign))

    def _moved(self, entries: Sequence[Entry], after: _View) -> set[str]:
        """The keys of everything whose title or file is another than before."""
        then = _View(self.before.nodes, self.before.places)
        keys = {entry.key for entry in entries}
        if after.places is not then.places:
            everywhere = after.places.keys() | then.places.keys()
            keys |= {key for key in everywhere if after.places.get(key) != then.places.get(key)}
            keys |= after.sources.keys() | then.sources.keys() | set(after.sources.values())
        return {key for key in keys if after.known(key) != then.known(key)}

    def _dirty(self, entries: Sequence[Entry], moved: set[str], after: _View) -> set[str]:
        """The keys of the files that may have another text now."""
        touched = (
            {entry.key for entry in entries} | moved | self.state.referrers(moved) | self.state.postponed()
        )
        touched |= {key for key, place in after.places.items() if place.container in moved}
        if self.claims:
            touched |= {key for key, place in self.before.places.items() if place.path in self.claims}
        nodes = [
            node for key in touched for node in (self.before.nodes.get(key), after.nodes.get(key)) if node
        ]
        touched |= {node.row_of for node in nodes if node.row_of}
        return touched & after.places.keys()

    def _postponed(self, dirty: set[str], after: _View) -> set[str]:
        """The keys of the files that wait for the end, or each batch of many would write the same long table again."""
        sources = {key for key in dirty if after.nodes[key].kind is Kind.DATA_SOURCE}
        return self.state.large(sources, rows=_LARGE)

    def _write_files(self, dirty: Sequence[str], after: _View) -> dict[str, str]:
        """Write and remove files; the hashes of those that were written."""
        gone = self._gone(after)
        try:
            hashes = self._write_dirty(dirty, after)
        except (FileExistsError, IsADirectoryError, NotADirectoryError):
            self._remove(
                gone, dirty, after
            )  # a file of ours stood where a folder is needed now, or the reverse
            hashes = self._write_dirty(dirty, after)
        self._remove(gone, dirty, after)
        return hashes

    def _write_dirty(self, dirty: Sequence[str], after: _View) -> dict[str, str]:
        hashes = {}
        for start in range(0, len(dirty), _CHUNK):
            drafts = self.state.drafts(dirty[start : start + _CHUNK])
            for key, drafted in drafts.items():
                text = self._text(key, drafted, after)
                path = after.places[key].path
                hashes[key] = digest(text)
                if not self._is_written(key, path, hashes[key]):
                    self.files.write(path, text)
        return hashes

    def _is_written(self, key: str, path: str, content: str) -> bool:
        held = self.before.places.get(key)
        return (
            held is not None
            and held.path == path
            and path not in self.claims
            and self.before.hashes.get(key) == content
        )

    def _text(self, key: str, drafted: Draft, after: _View) -> str:
        place, rows = after.places[key], ""
        if after.nodes[key].kind is Kind.DATA_SOURCE:
            rows = table(drafted, self.state.rows(key), place.path, lookup=after.known)
        return written(drafted, place.path, lookup=after.known, parent=place.container, rows=rows)

    def _gone(self, after: _View) -> set[str]:
        """The paths that were ours and are nobody's now."""
        if after.places is self.before.places and not self.claims:
            return set()
        paths = {place.path for place in self.before.places.values()} | self.claims
        return paths - {place.path for place in after.places.values()}

    def _remove(self, gone: Iterable[str], dirty: Iterable[str], after: _View) -> None:
        in_place = {fold(path): path for path in (after.places[key].path for key in dirty)}
        for path in sorted(gone):
            self.files.remove(path, replaced_by=in_place.get(fold(path)))

    def _catalogue(self, entries: Sequence[Entry], after: _View, hashes: Mapping[str, str]) -> Catalogue:
        kept = {key: content for key, content in self.before.hashes.items() if key in after.places}
        seqs = self.before.seqs | {entry.key: entry.seq for entry in entries}
        return Catalogue(dict(after.nodes), dict(after.places), {**kept, **hashes}, seqs)


def _entry(change: Change, *, style: StyleName) -> Entry:
    record = change.record
    if record.deleted_at is not None:
        return Entry(record.key, record.kind, record.seq, None, None)
    drafted = draft(change, style=style) if record.kind in _FILES else None
    return Entry(
        record.key, record.kind, record.seq, _node(record), drafted, references(drafted) if drafted else ()
    )


def _node(record: StoredRecord) -> Node:
    is_row = record.kind is Kind.PAGE and record.stream != "pages"
    return Node(
        record.key,
        record.kind,
        encodable(record.title),
        record.place,
        record.stream if is_row else None,
        _page_of_database(record.data),
    )


def _page_of_database(data: Json) -> str | None:
    """The page a data source's database is in, as the data source says it."""
    place = data.get("database_parent")
    page = place.get("page_id") if isinstance(place, Mapping) else None
    return page if isinstance(page, str) else None


@contextmanager
def _translated(root: Path) -> Iterator[None]:
    try:
        yield
    except BlockingIOError as error:
        raise Busy(f"Another load into the folder {root} is under way: wait for its end.") from error
    except OSError as error:
        raise _error(error, root) from error
    except sqlite3.Error as error:
        kind = (
            BadInput
            if isinstance(error, sqlite3.DatabaseError) and "not a database" in str(error)
            else StoreUnavailable
        )
        raise kind(f"The state of the folder {root} cannot be used: {error}.") from error


def _error(error: OSError, root: Path) -> SynclineError:
    where = error.filename2 or error.filename or root
    kind = StoreUnavailable if error.errno in _PASSING else BadInput
    return kind(
        f"The folder {root} cannot be written: {error.strerror} ({where}). What was written before is safe."
    )


_PASSING: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE})
