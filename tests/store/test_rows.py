"""The rows of a data source, as pulls left them."""

from datetime import timedelta

from tests.store.samples import T0, store

from syncline.core.model import Deletion, Kind, Record
from syncline.store import records
from syncline.store.database import Database
from syncline.store.rows import rows_of

CONNECTION = "c"


def row(key: str, *, source: str = "people", parent: str | None = None) -> Record:
    return Record(Kind.PAGE, key, source, {"id": key}, key, parent=parent or source, edited_at=T0)


async def test_the_rows_are_those_of_the_data_source_that_are_not_deleted(database: Database) -> None:
    found = [row("a"), row("b"), row("c", source="tasks"), row("below a", source="pages", parent="a")]
    async with database.begin() as conn:
        await store(conn)
        await records.upsert(conn, CONNECTION, found, run_id=None, now=T0)
        later = T0 + timedelta(hours=1)
        await records.delete(conn, CONNECTION, [(Kind.PAGE, "b")], reason=Deletion.TRASHED, now=later)
    async with database.read() as conn:
        assert [page async for page in rows_of(conn, CONNECTION, "people")] == [{"id": "a"}]
        assert [page async for page in rows_of(conn, "another", "people")] == []
