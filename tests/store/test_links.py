"""Links and intents, on both databases."""

from datetime import timedelta

import pytest
from tests.factories import T0

from syncline.core.plan import Link
from syncline.store import links
from syncline.store.database import Database
from syncline.store.links import Place

HERE = Place("c1", "crew", "people")
ELSEWHERE = (Place("c2", "crew", "people"), Place("c1", "other", "people"), Place("c1", "crew", "tasks"))
LATER = T0 + timedelta(seconds=9)


async def held(database: Database, place: Place = HERE) -> dict[str, Link]:
    async with database.read() as conn:
        return await links.of_table(conn, place)


async def intend(database: Database, key: str, intent: str) -> Link | None:
    async with database.begin() as conn:
        return await links.intend(conn, HERE, key, intent=intent, now=T0)


async def test_a_saved_link_is_there_for_its_own_table_only(database: Database) -> None:
    async with database.begin() as conn:
        await links.save(conn, HERE, [Link("A", "page", written="w", seen="s", body="b")], now=T0)
    found = (await held(database))["A"]
    assert found == Link("A", "page", 0, "w", "s", "b", written_at=T0)
    for place in ELSEWHERE:
        assert await held(database, place) == {}


async def test_each_save_is_a_generation_and_keeps_when_it_was_written(database: Database) -> None:
    for moment in (T0, None, LATER):
        async with database.begin() as conn:
            await links.save(conn, HERE, [Link("A", "page")], now=moment)
    found = (await held(database))["A"]
    assert (found.generation, found.written_at) == (2, LATER)
    async with database.begin() as conn:
        await links.save(conn, HERE, [Link("A", "page")], now=None)
    assert (await held(database))["A"].written_at == LATER


async def test_an_intent_is_the_first_ones_and_can_be_renewed(database: Database) -> None:
    assert await intend(database, "A", "one") is None
    assert await intend(database, "A", "one") is None
    other = await intend(database, "A", "two")
    assert other is not None
    assert (other.page, other.intent, other.intended_at) == (None, "one", T0)


async def test_a_link_is_no_place_for_an_intent(database: Database) -> None:
    async with database.begin() as conn:
        await links.save(conn, HERE, [Link("A", "page")], now=T0)
    other = await intend(database, "A", "two")
    assert other is not None
    assert other.page == "page"
    assert (await held(database))["A"].intent is None


async def test_an_intent_becomes_a_link(database: Database) -> None:
    await intend(database, "A", "one")
    async with database.begin() as conn:
        await links.save(conn, HERE, [Link("A", "page")], now=T0)
    found = (await held(database))["A"]
    assert (found.page, found.intent, found.intended_at) == ("page", None, None)


async def test_one_of_two_takes_over_what_somebody_left(database: Database) -> None:
    await intend(database, "A", "who died")
    left = (await held(database))["A"]
    taken = []
    for name in ("one", "two"):
        async with database.begin() as conn:
            taken.append(await links.take_over(conn, HERE, left, intent=name, now=LATER))
    assert taken == [True, False]
    assert (await held(database))["A"].intent == "one"


async def test_forgotten_links_are_gone_and_the_others_stay(database: Database) -> None:
    async with database.begin() as conn:
        await links.save(conn, HERE, [Link(str(n), f"page {n}") for n in range(1200)], now=T0)
        await links.forget(conn, HERE, [str(n) for n in range(1, 1200)])
    assert list(await held(database)) == ["0"]


async def test_some_links_are_found_by_key_and_by_page(database: Database) -> None:
    async with database.begin() as conn:
        await links.save(conn, HERE, [Link("A", "page a"), Link("B", "page b")], now=T0)
        assert list(await links.of_keys(conn, HERE, ["B", "Z"])) == ["B"]
        assert await links.pages(conn, "c1", ["page a", "page z"]) == {"page a": ("crew", "people", "A")}
        assert await links.pages(conn, "c2", ["page a"]) == {}


async def test_the_last_write_of_a_table_is_that_of_a_link_or_of_an_intent(database: Database) -> None:
    async with database.begin() as conn:
        assert await links.last_written(conn, HERE) is None
        await links.intend(conn, HERE, "A", intent="one", now=T0)
        assert await links.last_written(conn, HERE) == T0
        await links.save(conn, HERE, [Link("B", "page")], now=LATER)
        assert await links.last_written(conn, HERE) == LATER


@pytest.mark.parametrize("key", ["", "ключ", "a\x00b", "x" * 3000])
async def test_any_text_is_a_key(database: Database, key: str) -> None:
    async with database.begin() as conn:
        await links.save(conn, HERE, [Link(key, "page")], now=T0)
    assert list(await held(database)) == [key]
