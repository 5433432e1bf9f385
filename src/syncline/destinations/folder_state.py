"""What the Markdown folder remembers about itself, in the SQLite file ``.syncline/state.sqlite`` inside it.

Drafts, places and links are kept, so that a file can be written again when something it speaks of moves. A claim is
a path that a batch is about to write: after a crash it is known to be ours, and what it holds is in doubt.

The file ``lock`` beside it is locked while the state is open: what is remembered of the folder is true only as long as nobody
else writes into it. The operating system frees it when its holder dies.
"""

import fcntl
import json
import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from syncline.core.model import Kind
from syncline.destinations.folder_drafts import Draft
from syncline.destinations.folder_layout import Node, Place

__all__ = ["FORMAT", "Catalogue", "Entry", "FolderState"]

FORMAT: Final = 1
"""The number of this layout. A folder with a higher one was written by a newer release."""

_CHUNK = 500

_TABLES = """
CREATE TABLE IF NOT EXISTS owner (
    connection TEXT NOT NULL, style TEXT NOT NULL, format INTEGER NOT NULL, checkpoint INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS nodes (
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, seq INTEGER NOT NULL, live INTEGER NOT NULL, title TEXT NOT NULL,
    parent TEXT, row_of TEXT, otherwise TEXT, head TEXT, properties TEXT, body TEXT,
    container TEXT, called TEXT, name TEXT, folder TEXT, hash TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS nodes_by_row_of ON nodes (row_of);
CREATE TABLE IF NOT EXISTS links (
    source TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (source, target)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS links_by_target ON links (target);
CREATE TABLE IF NOT EXISTS claims (path TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS postponed (key TEXT PRIMARY KEY) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that is known of the records, but for what their files say. `seqs` knows tombstones, too."""

    nodes: dict[str, Node] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    seqs: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a change leaves in the state. `node` is None for a tombstone, `draft` for what has no file."""

    key: str
    kind: Kind
    seq: int
    node: Node | None
    draft: Draft | None
    links: Collection[str] = ()


class FolderState:
    """The open state file. Every method is one transaction at most; sqlite3.Error where the file fails.

    BlockingIOError if it is open already, here or in another process.
    """

    def __init__(self, path: Path) -> None:
        self._lock = _lock(path.with_name("lock"))
        try:
            self._db = _connect(path)
        except sqlite3.Error:  # not a database
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Close the file, and let others open it."""
        self._db.close()
        os.close(self._lock)

    def owner(self) -> tuple[str, str, int, int] | None:
        """The connection, style, format and checkpoint; None for a new folder."""
        row = self._db.execute("SELECT connection, style, format, checkpoint FROM owner").fetchone()
        return None if row is None else (row[0], row[1], row[2], row[3])

    def own(self, connection_id: str, style: str) -> None:
        """Make the folder a connection's."""
        self._db.execute("INSERT INTO owner VALUES (?, ?, ?, 0)", (connection_id, style, FORMAT))

    def catalogue(self) -> Catalogue:
        """Everything but the drafts, read at once."""
        found = Catalogue()
        query = "SELECT key, kind, seq, live, title, parent, row_of, otherwise, container, called, name, folder, hash FROM nodes"
        for key, kind, seq, live, title, parent, row_of, otherwise, *place, content in self._db.execute(
            query
        ):
            found.seqs[key] = seq
            if live:
                found.nodes[key] = Node(key, Kind(kind), title, parent, row_of, otherwise)
            if live and place[2] is not None:
                found.places[key] = Place(*place)
                found.hashes[key] = content
        return found

    def claims(self) -> set[str]:
        """The paths of a batch that did not end."""
        return {path for (path,) in self._db.execute("SELECT path FROM claims")}

    def claim(self, paths: Iterable[str]) -> None:
        """Remember, before writing them, that `paths` are ours."""
        self._db.executemany("INSERT OR IGNORE INTO claims VALUES (?)", ((path,) for path in paths))

    def postponed(self) -> set[str]:
        """The keys of the data sources whose file is to be written later."""
        return {key for (key,) in self._db.execute("SELECT key FROM postponed")}

    def large(self, sources: Iterable[str], *, rows: int) -> set[str]:
        """Those of `sources` that have more than `rows` rows."""
        query = "SELECT row_of, count(*) FROM nodes WHERE row_of IN ({}) AND live GROUP BY row_of"
        return {source for source, number in self._among(query, sources) if number > rows}

    def drafts(self, keys: Iterable[str]) -> dict[str, Draft]:
        """The drafts of those of `keys` that have one."""
        query = "SELECT key, title, head, properties, body FROM nodes WHERE head IS NOT NULL AND key IN ({})"
        return {
            key: Draft(title, json.loads(head), json.loads(properties), json.loads(body))
            for key, title, head, properties, body in self._among(query, keys)
        }

    def rows(self, source: str) -> Iterator[tuple[str, Draft]]:
        """The rows of a data source, without their bodies."""
        query = "SELECT key, title, properties FROM nodes WHERE row_of = ? AND live AND head IS NOT NULL"
        for key, title, properties in self._db.execute(query, (source,)):
            yield key, Draft(title, {}, json.loads(properties), ())

    def referrers(self, keys: Iterable[str]) -> set[str]:
        """The keys of the drafts that speak of one of `keys`."""
        return {
            source
            for (source,) in self._among("SELECT DISTINCT source FROM links WHERE target IN ({})", keys)
        }

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what happens inside."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def keep(self, entries: Iterable[Entry]) -> None:
        """Keep what changes say."""
        for entry in entries:
            self._keep(entry)

    def settle(
        self,
        places: Mapping[str, Place],
        hashes: Mapping[str, str],
        *,
        postponed: Collection[str],
        checkpoint: int,
    ) -> None:
        """Keep where files are and what they hold, what is yet to be written, and the checkpoint. Claims are over."""
        self._db.executemany(
            "UPDATE nodes SET container = ?, called = ?, name = ?, folder = ? WHERE key = ?",
            ((place.container, place.title, place.name, place.folder, key) for key, place in places.items()),
        )
        self._db.executemany(
            "UPDATE nodes SET hash = ? WHERE key = ?", ((content, key) for key, content in hashes.items())
        )
        self._db.execute("UPDATE owner SET checkpoint = ?", (checkpoint,))
        self._db.execute("DELETE FROM claims")
        self._db.execute("DELETE FROM postponed")
        self._db.executemany("INSERT INTO postponed VALUES (?)", ((key,) for key in postponed))

    def _keep(self, entry: Entry) -> None:
        node, draft = entry.node, entry.draft
        self._db.execute("DELETE FROM links WHERE source = ?", (entry.key,))
        self._db.executemany(
            "INSERT INTO links VALUES (?, ?)", ((entry.key, target) for target in sorted(entry.links))
        )
        parts = (draft.head, draft.properties, draft.body) if draft else (None, None, None)
        values = (
            entry.key,
            str(entry.kind),
            entry.seq,
            node is not None,
            node.title if node else "",
            *((node.parent, node.row_of, node.otherwise) if node else (None, None, None)),
            *(None if part is None else _json(part) for part in parts),
        )
        self._db.execute(_KEEP if node is not None else _BURY, values)

    def _among(self, query: str, keys: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        """The rows of `query`, whose braces stand for the keys, some keys at a time."""
        listed: Sequence[str] = sorted(keys)
        for start in range(0, len(listed), _CHUNK):
            chunk = listed[start : start + _CHUNK]
            with closing(self._db.execute(query.format(",".join("?" * len(chunk))), chunk)) as cursor:
                yield from cursor.fetchall()


_KEEP = """
INSERT INTO nodes (key, kind, seq, live, title, parent, row_of, otherwise, head, properties, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET
    kind = excluded.kind, seq = excluded.seq, live = excluded.live, title = excluded.title, parent = excluded.parent,
    row_of = excluded.row_of, otherwise = excluded.otherwise, head = excluded.head,
    properties = excluded.properties, body = excluded.body
"""
_BURY = """
INSERT OR REPLACE INTO nodes (key, kind, seq, live, title, parent, row_of, otherwise, head, properties, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


_json = json.JSONEncoder(separators=(",", ":")).encode


def _lock(path: Path) -> int:
    """The descriptor that holds the lock. The file stays: to remove it would let two lock two files of one name."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.executescript(_TABLES)
    except sqlite3.Error:
        db.close()
        raise
    return db
