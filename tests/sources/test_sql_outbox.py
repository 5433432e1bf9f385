"""The outbox: what it notes, what it does not, and that it goes away without a trace."""

import asyncio
from dataclasses import replace

import psycopg
import pytest
from tests.sources.sql_places import PEOPLE, SqlPlace, postgres_place

from syncline.core.errors import BadInput
from syncline.sources.sql import SqlSource

MAPPING = "it's a 100% mapping: yes"


async def noted(source: SqlSource) -> set[str]:
    changed = await source.changed_keys(MAPPING, PEOPLE)
    return set(changed.keys) | ({"everything"} if changed.everything else set())


async def test_each_change_of_a_row_is_noted_by_its_key(place: SqlPlace) -> None:
    place.run("INSERT INTO people (name) VALUES ('before')")
    async with SqlSource(place.url) as source:
        await source.install(MAPPING, [PEOPLE])
        assert not await source.changed_keys(MAPPING, PEOPLE)
        place.run("INSERT INTO people (name) VALUES ('Ada'), ('Bob')")
        assert await noted(source) == {"2", "3"}
        place.run("UPDATE people SET id = 30 WHERE id = 3")
        assert await noted(source) == {"2", "3", "30"}
        place.run("DELETE FROM people WHERE id = 1")
        assert await noted(source) == {"1", "2", "3", "30"}


async def test_a_change_of_a_link_table_is_a_change_of_our_row(place: SqlPlace) -> None:
    place.run("INSERT INTO people (name) VALUES ('Ada'), ('Bob')")
    async with SqlSource(place.url) as source:
        await source.install(MAPPING, [PEOPLE])
        place.run("INSERT INTO people_skill VALUES (2, 1)")
        assert await noted(source) == {"2"}


async def test_acknowledging_forgets_what_was_read_and_nothing_that_came_since(place: SqlPlace) -> None:
    place.run("INSERT INTO people (name) VALUES ('Ada'), ('Bob')")
    async with SqlSource(place.url) as source:
        await source.install(MAPPING, [PEOPLE])
        place.run("UPDATE people SET name = 'Eve'")
        read = await source.changed_keys(MAPPING, PEOPLE)
        place.run("UPDATE people SET name = 'Eve' WHERE id = 2")
        await source.acknowledge(MAPPING, PEOPLE, of=read)
        assert await noted(source) == {"2"}
        await source.acknowledge(MAPPING, PEOPLE, of=await source.changed_keys(MAPPING, PEOPLE))
        assert not await noted(source)


async def test_at_most_so_many_are_read_at_once_and_the_oldest_first(place: SqlPlace) -> None:
    async with SqlSource(place.url) as source:
        await source.install(MAPPING, [PEOPLE])
        place.run("INSERT INTO people (name) VALUES ('a'), ('b'), ('c')")
        assert (await source.changed_keys(MAPPING, PEOPLE, limit=2)).keys == {"1", "2"}


async def test_what_was_rolled_back_was_never_noted(place: SqlPlace) -> None:
    async with SqlSource(place.url) as source:
        await source.install(MAPPING, [PEOPLE])
        with pytest.raises(Exception, match=r"(?i)null"):
            place.run("INSERT INTO people (name) VALUES ('a'), (NULL)")
        assert not await noted(source)


async def test_our_own_writes_are_not_noted_and_those_of_others_still_are(place: SqlPlace) -> None:
    place.run("INSERT INTO people (name) VALUES ('Ada')")
    async with SqlSource(place.url) as source:
        await source.install(MAPPING, [PEOPLE])
        async with source.writing() as writer:
            await writer.update(PEOPLE, "1", {"Name": "Eve", "Skills": ("1",)})
            await writer.insert(PEOPLE, None, {"Name": "Bob"})
        assert not await noted(source)
        place.run("UPDATE people SET name = 'Ada' WHERE id = 1")
        assert await noted(source) == {"1"}


async def test_two_mappings_of_one_table_each_hear_of_every_change(place: SqlPlace) -> None:
    async with SqlSource(place.url) as source:
        await source.install(MAPPING, [PEOPLE])
        await source.install("other", [PEOPLE])
        place.run("INSERT INTO people (name) VALUES ('Ada')")
        await source.acknowledge(MAPPING, PEOPLE, of=await source.changed_keys(MAPPING, PEOPLE))
        assert (await source.changed_keys("other", PEOPLE)).keys == {"1"}


async def test_installing_again_is_no_harm_and_uninstalling_leaves_nothing(place: SqlPlace) -> None:
    objects = {
        "sqlite": "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite%' ORDER BY name",
        "postgresql": "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace UNION ALL "
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal UNION ALL "
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
    }[place.dialect]
    before = place.run(objects)
    async with SqlSource(place.url) as source:
        for _again in range(2):
            await source.install(MAPPING, [PEOPLE])
        assert await source.installed(MAPPING, PEOPLE)
        assert not await source.installed("other", PEOPLE)
        place.run("INSERT INTO people (name) VALUES ('Ada')")
        assert await noted(source) == {"1"}
        await source.install("other", [PEOPLE])
        await source.uninstall(MAPPING, [PEOPLE])
        assert not await source.installed(MAPPING, PEOPLE)
        assert await source.installed("other", PEOPLE)
        place.run("INSERT INTO people (name) VALUES ('Bob')")
        await source.uninstall("other", [PEOPLE])
        await source.uninstall("other", [PEOPLE])
    assert place.run(objects) == before
    place.run("INSERT INTO people (name) VALUES ('free')")


async def test_a_query_or_a_view_can_have_no_trigger(place: SqlPlace) -> None:
    place.run("CREATE VIEW seen AS SELECT * FROM people")
    async with SqlSource(place.url) as source:
        for mapped, what in (
            (replace(PEOPLE, query="SELECT * FROM people"), "a query"),
            (replace(PEOPLE, table="seen"), "a view"),
            (replace(PEOPLE, table="nowhere"), "no table"),
        ):
            with pytest.raises(BadInput, match=what):
                await source.install(MAPPING, [mapped])
        assert not await source.installed(MAPPING, PEOPLE)


async def test_a_listener_wakes_at_a_change_and_sleeps_without_one(place: SqlPlace) -> None:
    async with SqlSource(place.url) as source:
        await source.install(MAPPING, [PEOPLE])
        async with source.listening() as wait:
            assert not await wait(0.05)
            waiting = asyncio.ensure_future(wait(20))
            await asyncio.to_thread(place.run, "INSERT INTO people (name) VALUES ('Ada')")
            assert await waiting
        assert await noted(source) == {"1"}


async def test_emptying_a_table_at_once_is_a_change_of_everything(
    place: SqlPlace, request: pytest.FixtureRequest
) -> None:
    if place.dialect == "sqlite":
        place.run("INSERT INTO people (name) VALUES ('Ada')")
    async with SqlSource(place.url) as source:
        await source.install(MAPPING, [PEOPLE])
        place.run("DELETE FROM people" if place.dialect == "sqlite" else "TRUNCATE people CASCADE")
        assert await noted(source) == ({"1"} if place.dialect == "sqlite" else {"everything"})


async def test_somebody_without_rights_on_the_outbox_can_still_write_the_table(postgres_url: str) -> None:
    place = postgres_place(postgres_url).tables()
    async with SqlSource(place.url) as source:
        await source.install(MAPPING, [PEOPLE])
        place.run("DROP ROLE IF EXISTS clerk")
        place.run("CREATE ROLE clerk")
        place.run("GRANT INSERT ON people TO clerk")
        place.run("GRANT USAGE ON SEQUENCE people_id_seq TO clerk")
        with psycopg.connect(postgres_url, autocommit=True) as conn:
            conn.execute("SET ROLE clerk")
            conn.execute("SET search_path TO pg_catalog")
            conn.execute("INSERT INTO public.people (name) VALUES ('Ada')")
            conn.execute("RESET ROLE")
            conn.execute("DROP OWNED BY clerk")
            conn.execute("DROP ROLE clerk")
        assert await noted(source) == {"1"}
