"""Documents: the content of pages, as the lists of raw blocks that Notion sent, or as Markdown.

A page is read in many requests, perhaps in several runs. What arrives is staged under a generation of its own, a number
that the caller gives to each reading of the page, beside the content that counts. `promote` makes a complete
generation count by one switch; a reading that is given up is discarded and has changed nothing.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, RowMapping, bindparam, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.model import Action, BlockList, Document, DocumentState, Fidelity, Json, Unread
from syncline.store import connections, records
from syncline.store.tables import block_lists, chunks, documents, upsert
from syncline.store.types import dump

__all__ = [
    "NewDocument",
    "StagedList",
    "current",
    "discard",
    "drop",
    "load",
    "promote",
    "sizes",
    "stage",
    "staged",
    "unfinished",
]


_Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StagedList:
    """One answer of a children listing, read for a generation of `page`.

    It is the `ordinal`-th answer for `container`, the page itself or a block in it; `cursor` leads to the next one, None
    in the last.
    """

    page: str
    generation: int
    container: str
    ordinal: int
    cursor: str | None
    blocks: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A page read to its end: what `promote` takes.

    `edited_at` is the page's `last_edited_time` for which this is the content.
    """

    page: str
    generation: int
    fidelity: Fidelity
    hash: str
    state: DocumentState
    edited_at: datetime | None
    read_at: datetime
    markdown: str | None = None
    unread: tuple[Unread, ...] = ()


async def stage(conn: AsyncConnection, connection_id: str, lists: Sequence[StagedList]) -> None:
    """Keep answers; one that was kept before is replaced."""
    rows = []
    for each in lists:
        blocks = dump(each.blocks)
        rows.append(
            {
                "connection_id": connection_id,
                "page": each.page,
                "generation": each.generation,
                "container": each.container,
                "ordinal": each.ordinal,
                "cursor": each.cursor,
                "size": len(blocks),
                "blocks": blocks,
            }
        )
    if rows:
        await conn.execute(upsert(conn, block_lists), rows)


async def staged(conn: AsyncConnection, connection_id: str, page: str, generation: int) -> list[StagedList]:
    """What is kept of one generation, by container and ordinal, the page's own lists first."""
    query = (
        select(block_lists)
        .where(_lists_of(connection_id), block_lists.c.page == page, block_lists.c.generation == generation)
        .order_by(
            block_lists.c.container != block_lists.c.page, block_lists.c.container, block_lists.c.ordinal
        )
    )
    return [
        StagedList(page, generation, row.container, row.ordinal, row.cursor, tuple(row.blocks))
        for row in await conn.execute(query)
    ]


async def current(conn: AsyncConnection, connection_id: str, page: str, *, most: int) -> list[StagedList]:
    """The lists that are the content of a page; none if it has none of blocks, or more than `most` bytes of them."""
    this = (documents.c.connection_id == connection_id) & (documents.c.page == page)
    query = select(documents.c.generation).where(
        this, documents.c.fidelity == Fidelity.BLOCKS, documents.c.size <= most
    )
    generation = await conn.scalar(query)
    return [] if generation is None else await staged(conn, connection_id, page, generation=generation)


async def drop(conn: AsyncConnection, connection_id: str, page: str, generation: int) -> None:
    """Forget what was staged of one reading."""
    await _drop(conn, connection_id, [(page, generation)])


async def unfinished(conn: AsyncConnection, connection_id: str) -> set[tuple[str, int]]:
    """The page and generation of every reading that was begun and has not become the content of its page."""
    begun = select(block_lists.c.page, block_lists.c.generation).where(_lists_of(connection_id)).distinct()
    count = select(documents.c.page, documents.c.generation).where(documents.c.connection_id == connection_id)
    return {(page, generation) for page, generation in await conn.execute(begun.except_(count))}


async def discard(conn: AsyncConnection, connection_id: str) -> None:
    """Drop what was staged of readings that were given up: every generation that does not count."""
    counts = exists().where(
        documents.c.connection_id == block_lists.c.connection_id,
        documents.c.page == block_lists.c.page,
        documents.c.generation == block_lists.c.generation,
    )
    await conn.execute(delete(block_lists).where(_lists_of(connection_id), ~counts))


async def promote(
    conn: AsyncConnection, connection_id: str, read: Sequence[NewDocument], *, now: datetime
) -> dict[str, Action]:
    """Make what was read of each page its content, and say what that did.

    With the hash and fidelity of the content that counts it is UNCHANGED: the staged lists go, only the times and the state are
    noted. Else it takes the place of the old content, whose lists go, and the record gets a new change number: UPDATED,
    or ADDED for the first content of a page. Of two for one page the last counts. Raises ValueError for a document of blocks
    without a staged list, which could not have been read.
    """
    new = {document.page: document for document in read}
    if not new:
        return {}
    await connections.hold(conn, connection_id)
    held = await _held(conn, connection_id, list(new))
    actions = {page: _action(document, held.get(page)) for page, document in new.items()}
    changed = [document for page, document in new.items() if actions[page] is not Action.UNCHANGED]
    unchanged = [document for page, document in new.items() if actions[page] is Action.UNCHANGED]
    await _replace(conn, connection_id, changed)
    await _confirm(conn, connection_id, unchanged)
    dropped = [(each.page, held[each.page]["generation"]) for each in changed if each.page in held]
    dropped += [(each.page, each.generation) for each in unchanged]
    kept = {(each.page, each.generation) for each in changed}
    kept |= {(each.page, held[each.page]["generation"]) for each in unchanged}
    await _drop(conn, connection_id, [generation for generation in dropped if generation not in kept])
    await records.touch(conn, connection_id, [document.page for document in changed], now=now)
    return actions


def _action(document: NewDocument, held: _Row | None) -> Action:
    if held is None:
        return Action.ADDED
    same = (document.hash, document.fidelity) == (held["hash"], held["fidelity"])
    return Action.UNCHANGED if same else Action.UPDATED


async def _replace(conn: AsyncConnection, connection_id: str, changed: Sequence[NewDocument]) -> None:
    if not changed:
        return
    sums = await _staged_sizes(conn, connection_id, [document.page for document in changed])
    rows = []
    for document in changed:
        size = sums.get((document.page, document.generation))
        if document.fidelity is Fidelity.BLOCKS and size is None:
            raise ValueError(
                f"no list of page {document.page} is staged under generation {document.generation}"
            )
        markdown = len(document.markdown or "")
        rows.append(_row(document) | {"connection_id": connection_id, "size": (size or 0) + markdown})
    await conn.execute(upsert(conn, documents), rows)


def _row(document: NewDocument) -> _Row:
    """The columns of a document, but for its size."""
    return {
        "page": document.page,
        "generation": document.generation,
        "fidelity": document.fidelity,
        "hash": document.hash,
        "state": document.state,
        "edited_at": document.edited_at,
        "read_at": document.read_at,
        "unread": [asdict(each) for each in document.unread],
        "markdown": document.markdown,
    }


async def _confirm(conn: AsyncConnection, connection_id: str, unchanged: Sequence[NewDocument]) -> None:
    noted = ("state", "unread", "edited_at", "read_at")
    rows = [
        {"this_page": document.page}
        | {f"new_{name}": value for name, value in _row(document).items() if name in noted}
        for document in unchanged
    ]
    if rows:
        this = (documents.c.connection_id == connection_id) & (documents.c.page == bindparam("this_page"))
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in noted}
        await conn.execute(update(documents).where(this).values(**values), rows)


async def _drop(conn: AsyncConnection, connection_id: str, generations: Sequence[tuple[str, int]]) -> None:
    if generations:
        rows = [
            {"this_page": page, "this_generation": generation} for page, generation in sorted(generations)
        ]
        statement = delete(block_lists).where(
            _lists_of(connection_id),
            block_lists.c.page == bindparam("this_page"),
            block_lists.c.generation == bindparam("this_generation"),
        )
        await conn.execute(statement, rows)


async def load(conn: AsyncConnection, connection_id: str, pages: Sequence[str]) -> dict[str, Document]:
    """The content of those of `pages` that have some, each page's own lists first."""
    lists = await _lists(conn, connection_id, pages)
    found = {}
    for part in chunks(pages):
        query = select(documents).where(
            documents.c.connection_id == connection_id, documents.c.page.in_(part)
        )
        for row in (await conn.execute(query)).mappings():
            found[row["page"]] = _document(row, lists.get(row["page"], ()))
    return found


async def sizes(conn: AsyncConnection, connection_id: str, pages: Sequence[str]) -> dict[str, int]:
    """About how many bytes the content of each of `pages` has, where it has some."""
    found: dict[str, int] = {}
    for part in chunks(pages):
        query = select(documents.c.page, documents.c.size).where(
            documents.c.connection_id == connection_id, documents.c.page.in_(part)
        )
        found |= {row.page: row.size for row in await conn.execute(query)}
    return found


async def _lists(
    conn: AsyncConnection, connection_id: str, pages: Sequence[str]
) -> Mapping[str, list[BlockList]]:
    lists: defaultdict[str, list[BlockList]] = defaultdict(list)
    current = (
        (documents.c.connection_id == block_lists.c.connection_id)
        & (documents.c.page == block_lists.c.page)
        & (documents.c.generation == block_lists.c.generation)
    )
    own_first = (
        block_lists.c.container != block_lists.c.page,
        block_lists.c.container,
        block_lists.c.ordinal,
    )
    for part in chunks(pages):
        query = (
            select(block_lists.c.page, block_lists.c.container, block_lists.c.ordinal, block_lists.c.blocks)
            .join_from(documents, block_lists, current)
            .where(documents.c.connection_id == connection_id, documents.c.page.in_(part))
            .order_by(block_lists.c.page, *own_first)
        )
        for page, container, ordinal, blocks in await conn.execute(query):
            lists[page].append(BlockList(container, ordinal, tuple(blocks)))
    return lists


def _document(row: RowMapping, lists: Sequence[BlockList]) -> Document:
    return Document(
        page=row["page"],
        fidelity=Fidelity(row["fidelity"]),
        hash=row["hash"],
        state=DocumentState(row["state"]),
        lists=tuple(lists),
        markdown=row["markdown"],
        unread=tuple(Unread(**each) for each in row["unread"]),
    )


async def _held(conn: AsyncConnection, connection_id: str, pages: Sequence[str]) -> dict[str, _Row]:
    columns = (documents.c.page, documents.c.generation, documents.c.fidelity, documents.c.hash)
    held: dict[str, _Row] = {}
    for part in chunks(pages):
        query = select(*columns).where(documents.c.connection_id == connection_id, documents.c.page.in_(part))
        held |= {row["page"]: dict(row) for row in (await conn.execute(query)).mappings()}
    return held


async def _staged_sizes(
    conn: AsyncConnection, connection_id: str, pages: Sequence[str]
) -> dict[tuple[str, int], int]:
    sums: dict[tuple[str, int], int] = {}
    for part in chunks(pages):
        query = (
            select(block_lists.c.page, block_lists.c.generation, func.sum(block_lists.c.size))
            .where(_lists_of(connection_id), block_lists.c.page.in_(part))
            .group_by(block_lists.c.page, block_lists.c.generation)
        )
        sums |= {(page, generation): int(size) for page, generation, size in await conn.execute(query)}
    return sums


def _lists_of(connection_id: str) -> ColumnElement[bool]:
    return block_lists.c.connection_id == connection_id
