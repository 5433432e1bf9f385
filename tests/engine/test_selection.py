"""What a connection is to hold of its workspace: subtrees with all that comes later, and nothing beside them."""

from dataclasses import dataclass

import pytest
import pytest_asyncio
from tests.engine.pulling import HOME, Make, Pulling

from notion_emulator.objects import DataSource, Page
from syncline.core.errors import BadInput, NotFound, TooManyDeletions
from syncline.core.model import Deletion, Fidelity, Kind, Mode
from syncline.core.selection import SyncScope
from syncline.engine.begin import Request
from syncline.store import preferences
from syncline.store.preferences import Preferences

POLL = 2
"""Requests of an idle pull: search and trash."""


@dataclass(slots=True)
class Home:
    """A workspace: root ─ left ─ (leaf, nested below a toggle), right ─ table with rows."""

    pulling: Pulling
    names: dict[str, Page | DataSource]

    def id(self, name: str) -> str:
        return self.names[name].id

    def ids(self, *names: str) -> set[str]:
        return {self.id(name) for name in names}

    def create(self, name: str, parent: str | None, *, touch: bool = True) -> None:
        world = self.pulling.emulator.world
        above = self.names[parent] if parent else None
        self.names[name] = world.create_page(above, name)
        if touch and above is not None:
            world.touch(above)

    async def select(
        self,
        scope: SyncScope = SyncScope.ALL,
        *,
        included: tuple[str, ...] = (),
        excluded: tuple[str, ...] = (),
    ) -> None:
        chosen, left_out = (tuple(self.id(name) for name in names) for names in (included, excluded))
        async with self.pulling.database.begin() as conn:
            await preferences.put(conn, HOME, Preferences(scope, chosen, left_out))

    async def only(self, *names: str, excluded: tuple[str, ...] = ()) -> None:
        await self.select(SyncScope.SPECIFIC_PAGES, included=names, excluded=excluded)

    async def pull(self, request: Request | None = None) -> set[str]:
        """Pull, a while later; the names of the pages that are held then."""
        self.pulling.pass_time(minutes=5)
        await self.pulling.pull(request)
        return await self.held()

    async def held(self) -> set[str]:
        by_id = {node.id: name for name, node in self.names.items()}
        return {by_id.get(key, key) for key in await self.pulling.pages()}

    async def read(self) -> set[str]:
        """The pages whose content was read by the last pull."""
        by_id = {node.id: name for name, node in self.names.items()}
        paths = [one.path for one in self.pulling.emulator.requests if one.path.endswith("/children")]
        return {by_id[path.split("/")[3]] for path in paths if path.split("/")[3] in by_id}

    async def deletion(self, name: str) -> Deletion | None:
        return (await self.pulling.held(Kind.PAGE))[self.id(name)].deletion


@pytest_asyncio.fixture
async def home(make: Make) -> Home:
    pulling = await make(pages=1, rows=0, blocks=1, data_sources=0)
    world = pulling.emulator.world
    home = Home(pulling, {"root": pulling.emulator.seeded.root})
    for name, parent in [("left", "root"), ("leaf", "left"), ("right", "root")]:
        home.create(name, parent)
    block = world.add_block(home.names["left"], "toggle", {"rich_text": []})
    home.names["nested"] = world.create_page(block, "nested")
    database = world.create_database(home.names["right"], "table")
    source = world.create_data_source(database, "table")
    home.names["table"] = source
    for number in range(3):
        home.names[f"row{number}"] = world.create_page(source, f"row{number}")
    pulling.pass_time(days=30)
    return home


ALL = {"root", "left", "leaf", "nested", "right", "row0", "row1", "row2"}
LEFT = {"left", "leaf", "nested"}


@pytest.mark.parametrize("fidelity", [Fidelity.BLOCKS, Fidelity.MARKDOWN])
async def test_only_what_is_included_is_read_from_the_first_pull_on(home: Home, fidelity: Fidelity) -> None:
    await home.only("left")
    assert await home.pull(Request(fidelity=fidelity)) == LEFT
    home.create("later", "leaf")
    home.create("beside", "right")
    assert await home.pull() == LEFT | {"later"}


async def test_an_idle_pull_of_a_selection_makes_two_requests(home: Home) -> None:
    await home.only("left", excluded=("leaf",))
    await home.pull()
    await home.pull()
    await home.pull()
    assert home.pulling.asked() == POLL


async def test_what_is_excluded_is_not_read_and_neither_is_what_comes_below_it_later(home: Home) -> None:
    await home.select(excluded=("left",))
    assert await home.pull() == ALL - LEFT
    assert await home.read() == {"root", "right", "row0", "row1", "row2"}
    home.create("later", "leaf")
    home.create("beside", "right")
    assert await home.pull() == ALL - LEFT | {"beside"}
    assert "later" not in await home.read()


async def test_what_falls_out_of_the_selection_goes_with_the_next_pull_at_the_price_of_the_listings(
    home: Home,
) -> None:
    assert await home.pull() == ALL
    await home.pull(Request(mode=Mode.RECONCILE))
    listings = home.pulling.asked()
    await home.select(excluded=("left",))
    assert await home.pull() == ALL - LEFT
    assert home.pulling.asked() == listings
    assert {await home.deletion(name) for name in LEFT} == {Deletion.OUT_OF_SCOPE}


async def test_what_no_listing_tells_of_is_looked_at_before_it_goes(home: Home) -> None:
    """A search that tells nothing of a page is no proof, neither of its place nor of its absence."""
    world = home.pulling.emulator.world
    await home.pull()
    await home.select(excluded=("left",))
    world.settings.search_omits_ids = {home.id("leaf")}
    world.trash(home.names["nested"])
    assert await home.pull() == ALL - LEFT
    assert await home.deletion("leaf") is Deletion.OUT_OF_SCOPE
    assert await home.deletion("nested") is Deletion.TRASHED
    for name in ("leaf", "nested"):
        assert home.pulling.asked(f"^/v1/pages/{home.id(name)}$") == 1


async def test_what_is_selected_again_comes_back(home: Home) -> None:
    await home.pull()
    await home.select(excluded=("left",))
    await home.pull()
    await home.select()
    assert await home.pull() == ALL
    home.pulling.pass_time(minutes=5)
    await home.pull()
    assert home.pulling.asked() == POLL


async def test_a_page_that_moves_across_the_border_goes_and_comes(home: Home) -> None:
    world = home.pulling.emulator.world
    await home.select(excluded=("left",))
    await home.pull()
    home.create("wanderer", "right")
    home.create("child", "wanderer")
    assert {"wanderer", "child"} <= await home.pull()
    wanderer = world.pages[home.id("wanderer")]
    world.move(wanderer, home.names["left"])
    world.touch(wanderer)
    assert not {"wanderer", "child"} & await home.pull()
    assert await home.deletion("child") is Deletion.OUT_OF_SCOPE
    world.move(wanderer, home.names["right"])
    world.touch(wanderer)
    assert {"wanderer", "child"} <= await home.pull(Request(mode=Mode.RECONCILE))


async def test_of_nested_choices_the_nearest_counts(home: Home) -> None:
    await home.only("root", "leaf", excluded=("left",))
    assert await home.pull() == ALL - {"left", "nested"}


async def test_only_tables_are_read_where_databases_only_is_chosen(home: Home) -> None:
    await home.pull()
    await home.select(SyncScope.DATABASES_ONLY)
    assert await home.pull() == {"row0", "row1", "row2"}
    home.create("later", "table")
    home.create("beside", "right")
    assert await home.pull() == {"row0", "row1", "row2", "later"}


async def test_a_filtered_sync_deletes_nothing_outside_and_reads_nothing_outside_the_selection(
    home: Home,
) -> None:
    await home.only("left")
    await home.pull()
    assert await home.pull(Request(pages=(home.id("leaf"),))) == LEFT
    outside = Request(pages=(home.id("right"),))
    error = await home.pulling.fail(BadInput, outside)
    assert "is not among those that this connection syncs" in str(error)
    assert await home.held() == LEFT


async def test_an_included_page_that_is_gone_ends_no_pull(home: Home) -> None:
    await home.only("left", "right")
    await home.pull()
    home.pulling.emulator.world.trash(home.names["right"])
    assert await home.pull() == LEFT
    assert await home.pull() == LEFT


async def test_the_selection_is_changed_under_a_pull_that_was_left_behind(home: Home) -> None:
    extraction = await home.pulling.start()
    await extraction.advance(0.01)
    await extraction.stop()
    await home.pulling.close()
    await home.select(excluded=("left",))
    assert await home.pull() == ALL - LEFT


async def test_a_selection_of_pages_that_notion_does_not_show_takes_nothing_away(home: Home) -> None:
    before = await home.pull()
    mistyped = "00000000-0000-4000-8000-000000000001"
    async with home.pulling.database.begin() as conn:
        await preferences.put(conn, HOME, Preferences(SyncScope.SPECIFIC_PAGES, (mistyped,), ()))

    with pytest.raises(NotFound, match="none of the pages that this connection is to sync"):
        await home.pull()

    assert await home.held() == before == ALL


async def test_a_selection_whose_page_is_gone_takes_away_what_hung_below_it(home: Home) -> None:
    await home.only("leaf")
    assert await home.pull() == {"leaf"}
    home.pulling.emulator.world.trash(home.names["leaf"])

    assert await home.pull() == set()
    assert await home.pull() == set()


async def test_a_selection_by_pages_needs_content(home: Home) -> None:
    await home.only("left")
    await home.pulling.fail(BadInput, Request(fidelity=Fidelity.PROPERTIES))


async def test_an_outage_takes_no_more_than_it_may_from_a_selection(make: Make) -> None:
    pulling = await make(pages=60, rows=0, blocks=60, data_sources=0)
    async with pulling.database.begin() as conn:
        chosen = Preferences(SyncScope.SPECIFIC_PAGES, included=(pulling.emulator.seeded.root.id,))
        await preferences.put(conn, HOME, chosen)
    await pulling.pull()
    world = pulling.emulator.world
    for page in list(world.pages.values()):
        if page.id != pulling.emulator.seeded.root.id:
            world.trash(page)
    pulling.pass_time(minutes=5)
    await pulling.fail(TooManyDeletions, Request(mode=Mode.RECONCILE))
