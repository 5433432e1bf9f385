"""What both sides agreed on, as the store keeps it."""

from datetime import UTC, datetime

from syncline.core.pair import Agreed
from syncline.store import agreed
from syncline.store.agreed import Known, Standing
from syncline.store.database import Database
from syncline.store.links import Place

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HERE = Place("c1", "work", "items")
FORMS = Agreed({"Name": "Ann", "Tags": {"list": ["x"]}}, {"Name": "Ann", "Size": 1.5})


async def test_what_is_saved_is_there_again_until_it_is_forgotten(database: Database) -> None:
    one, two = Known("1", "p1", FORMS), Known("2", None, Agreed(), Standing.CREATING)
    async with database.begin() as conn:
        await agreed.save(conn, HERE, [one, two], now=NOW)
    async with database.read() as conn:
        assert await agreed.of_table(conn, HERE) == {"1": one, "2": two}
    async with database.begin() as conn:
        await agreed.save(conn, HERE, [Known("2", "p2", FORMS)], now=NOW)
        await agreed.forget(conn, HERE, ["1"])
    async with database.read() as conn:
        assert await agreed.of_table(conn, HERE) == {"2": Known("2", "p2", FORMS)}


async def test_tables_mappings_and_connections_are_kept_apart(database: Database) -> None:
    places = [HERE, Place("c2", "work", "items"), Place("c1", "play", "items"), Place("c1", "work", "others")]
    async with database.begin() as conn:
        for number, place in enumerate(places):
            await agreed.save(conn, place, [Known("1", f"p{number}", Agreed())], now=NOW)
        await agreed.forget(conn, HERE, ["1"])
    async with database.read() as conn:
        found = [await agreed.of_table(conn, place) for place in places]
    assert [[one.page for one in each.values()] for each in found] == [[], ["p1"], ["p2"], ["p3"]]
