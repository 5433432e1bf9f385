"""How a row of `records`, with what is known of its content, becomes a StoredRecord."""

from typing import Final

from sqlalchemy import RowMapping, select

from syncline.core.model import Action, Deletion, Fidelity, Kind, StoredRecord
from syncline.store.tables import documents, records

__all__ = ["STORED", "stored_record"]

_CONTENT = (documents.c.connection_id == records.c.connection_id) & (documents.c.page == records.c.key)

STORED: Final = select(
    records,
    documents.c.hash.label("content_hash"),
    documents.c.read_at.label("content_read_at"),
    documents.c.fidelity.label("content_fidelity"),
).select_from(records.outerjoin(documents, _CONTENT & (records.c.kind == Kind.PAGE)))
"""A SELECT of what `stored_record` reads."""


def stored_record(row: RowMapping) -> StoredRecord:
    """One row of STORED."""
    return StoredRecord(
        kind=Kind(row["kind"]),
        key=row["key"],
        stream=row["stream"],
        data=row["data"],
        hash=row["hash"],
        title=row["title"],
        parent=row["parent"],
        edited_at=row["edited_at"],
        seq=row["seq"],
        action=Action(row["action"]),
        first_seen_at=row["first_seen_at"],
        changed_at=row["changed_at"],
        deleted_at=row["deleted_at"],
        deletion=None if row["deletion"] is None else Deletion(row["deletion"]),
        content_hash=row["content_hash"],
        content_read_at=row["content_read_at"],
        content_fidelity=None if row["content_fidelity"] is None else Fidelity(row["content_fidelity"]),
        seen_in=row["seen_in"],
        home=row["home"],
    )
