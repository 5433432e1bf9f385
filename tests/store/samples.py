"""Records, documents and a connection in the shapes the store takes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cryptography.fernet import Fernet
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.hash import digest
from syncline.core.model import DocumentState, Fidelity, Kind, Record, Unread
from syncline.store import connections
from syncline.store.connections import Connection
from syncline.store.documents import NewDocument, StagedList
from syncline.store.secrets import KeyRing

T0 = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

RING = KeyRing(Fernet.generate_key().decode())

CONNECTION = Connection(
    id="c",
    name="work",
    base_url="https://api.notion.com",
    notion_version="2026-03-11",
    rate="180/60",
    bot_id="b",
    bot_name="Bot",
    workspace_id="w",
    workspace_name="Ada's Wiki",
    capabilities=("read_content", "read_comments"),
    created_at=T0,
)


async def store(conn: AsyncConnection, connection_id: str = "c") -> None:
    """Store the connection that records belong to, if it is not there yet."""
    if all(each.id != connection_id for each in await connections.every(conn)):
        connection = replace(CONNECTION, id=connection_id, name=f"{CONNECTION.name} {connection_id}")
        await connections.add(conn, connection, token="secret", ring=RING)


def record(
    kind: Kind,
    key: str,
    data: Mapping[str, Any] | None = None,
    *,
    title: str = "",
    parent: str | None = None,
    edited_at: datetime | None = T0,
) -> Record:
    """A record whose hash is that of its data."""
    held = {"id": key} if data is None else data
    return Record(kind, key, f"{kind}s", held, digest(held), title, parent, edited_at)


def page(
    key: str,
    data: Mapping[str, Any] | None = None,
    *,
    title: str = "",
    parent: str | None = None,
    edited_at: datetime | None = T0,
) -> Record:
    """A page."""
    return record(Kind.PAGE, key, data, title=title, parent=parent, edited_at=edited_at)


def block_list(
    page: str,
    generation: int,
    *texts: str,
    container: str | None = None,
    ordinal: int = 0,
    cursor: str | None = None,
) -> StagedList:
    """One answer with a block for each of `texts`; the page's own list by default."""
    blocks = tuple({"object": "block", "text": each} for each in texts)
    return StagedList(page, generation, container or page, ordinal, cursor, blocks)


def document(
    page: str,
    generation: int,
    content: str,
    *,
    fidelity: Fidelity = Fidelity.BLOCKS,
    markdown: str | None = None,
    unread: tuple[Unread, ...] = (),
    read_at: datetime = T0,
) -> NewDocument:
    """What `promote` takes, for content that hashes to `content`."""
    return NewDocument(
        page=page,
        generation=generation,
        fidelity=fidelity,
        hash=content,
        state=DocumentState.MARKED if unread else DocumentState.COMPLETE,
        edited_at=T0,
        read_at=read_at,
        markdown=markdown,
        unread=unread,
    )
