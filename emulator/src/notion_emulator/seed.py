"""A workspace made by numbers, in which every text can be found again.

Each text carries a marker of its own (``m000123``), so that a reader's completeness is a count of markers. Equal
arguments on equal worlds make equal workspaces.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

from notion_emulator.clock import MINUTE, millis
from notion_emulator.figures import Figures, figures
from notion_emulator.objects import Database, DataSource, Node, Page
from notion_emulator.patterns import Pen
from notion_emulator.rich_text import plain
from notion_emulator.seed_rows import schema, values
from notion_emulator.world import World

__all__ = ["Marker", "Seeded", "Sizes", "generate"]

Json = dict[str, Any]

START = millis("2026-06-01T08:00:00Z")
FAN_OUT = 8  # child pages of a page
LONG = 250  # blocks of a long page, some of them in one long toggle
REFERENCES = 60  # items of a long relation
SYNCED = 4  # blocks of a synced original with its copies
TOGGLED = 10  # each tenth page lies in a toggle of its parent


class Marker(NamedTuple):
    """Where a marker stands.

    ``kind`` is title, property, block, comment, or novel: a block of a type that Markdown has no form for; ``id`` is
    that of the property, block or comment.
    """

    text: str
    page: str
    kind: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What to make.

    ``pages`` standalone pages with the root · ``rows`` of all data sources together · ``blocks`` without child pages
    and databases · ``depth`` of the deepest block · ``data_sources`` · ``sources_each`` data sources of a database ·
    ``long_pages`` pages of 250 blocks · ``giant`` blocks of one page more · ``relations`` rows with 60 relations ·
    ``comments`` · ``synced`` originals, each with a copy and with another copy of an original that cannot be reached
    · ``linked`` databases without data sources · ``unsupported`` blocks · ``novel`` blocks of a type nobody knows ·
    ``pace`` milliseconds between two pages.
    """

    pages: int = 20
    rows: int = 40
    blocks: int = 400
    depth: int = 3
    data_sources: int = 1
    sources_each: int = 1
    long_pages: int = 0
    giant: int = 0
    relations: int = 0
    comments: int = 0
    synced: int = 0
    linked: int = 0
    unsupported: int = 0
    novel: int = 0
    pace: int = MINUTE

    @property
    def reserved(self) -> int:
        """Blocks of what was asked for by name."""
        long, odd = LONG * self.long_pages, SYNCED * self.synced + self.unsupported + self.novel
        return self.giant + long + odd


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was made."""

    root: Page
    figures: Figures
    markers: list[Marker]


def generate(world: World, *, seed: int = 0, **sizes: int) -> Seeded:
    """Fill a world; ``sizes`` are the fields of Sizes. Raises TypeError for another name, ValueError for a bad number."""
    wanted = Sizes(**sizes)
    _check(wanted)
    generator = _Generator(world, wanted, seed)
    with _uncollected():
        root = generator.run()
        return Seeded(root, figures(world), generator.markers)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector: nothing made here is garbage, and looking for it takes two thirds of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _check(sizes: Sizes) -> None:
    if sizes.pages < 1 or sizes.depth < 1 or sizes.sources_each < 1:
        raise ValueError("pages, depth and sources_each must be at least 1")
    if sizes.rows and not sizes.data_sources:
        raise ValueError(f"{sizes.rows} rows need a data source")
    if sizes.relations and sizes.rows // sizes.data_sources < max(REFERENCES, sizes.relations):
        raise ValueError(f"a relation of {REFERENCES} needs as many rows in each data source")
    if sizes.blocks < sizes.reserved:
        raise ValueError(f"{sizes.blocks} blocks are too few: what was asked for needs {sizes.reserved}")


class _Generator:
    """The state of one generation: the clock, the markers, the author."""

    def __init__(self, world: World, sizes: Sizes, seed: int) -> None:
        self.world = world
        self.sizes = sizes
        self.random = Random(seed)
        self.at = START
        self.markers: list[Marker] = []
        self.spent = sizes.reserved  # blocks made or promised so far
        self.stored: str | None = None
        self.people = [user.id for user in world.users.values() if user.type == "person"]
        if not self.people:
            named = (("Iris Vale", "iris@quay.example"), ("Tomas Reed", "tomas@quay.example"))
            self.people = [world.add_user(name, email=email).id for name, email in named]

    def run(self) -> Page:
        pages = self.standalone()
        sources = self.sources(pages)
        rows = self.rows(sources)
        self.relate(rows)
        self.fill(pages, [row for source in sources for row in rows[source.id]])
        self.comment(pages)
        return pages[0]

    def mark(self, page: str, kind: str, place: str) -> str:
        """A new marker, recorded."""
        text = f"m{len(self.markers) + 1:06d}"
        self.markers.append(Marker(text, page, kind, place))
        return text

    def tick(self) -> int:
        self.at += self.sizes.pace
        return self.at

    # Pages

    def standalone(self) -> list[Page]:
        """The tree of pages; each tenth hangs in a toggle, so that it is found only by reading on."""
        pages: list[Page] = []
        for number in range(self.sizes.pages):
            parent = pages[(number - 1) // FAN_OUT] if number else None
            pages.append(self.page(self.holder(parent, number), f"Page {number}"))
        return pages

    def holder(self, parent: Page | None, number: int) -> Node | None:
        if parent is None or number % TOGGLED or self.budget() < 1:
            return parent
        self.spent += 1
        return self.pen(parent).text(parent, "toggle", at=self.at)

    def budget(self) -> int:
        return self.sizes.blocks - self.spent

    def page(self, parent: Node | None, name: str) -> Page:
        at = self.tick()
        page = self.world.create_page(parent, by=self.people[0], at=at)
        page.properties["title"] = plain(f"{name} {self.mark(page.id, 'title', 'title')}")
        return page

    def pen(self, page: Page, kind: str = "block") -> Pen:
        return Pen(self.world, by=self.people[0], mark=lambda block: self.mark(page.id, kind, block))

    # Data sources and rows

    def sources(self, pages: list[Page]) -> list[DataSource]:
        found: list[DataSource] = []
        database: Database | None = None
        for number in range(self.sizes.data_sources):
            at = self.tick()
            if database is None or not number % self.sizes.sources_each:
                parent = pages[number % len(pages)]
                database = self.world.create_database(parent, f"Database {number}", by=self.people[0], at=at)
            found.append(
                self.world.create_data_source(database, f"Database {number}", by=self.people[0], at=at)
            )
        for source in found:
            source.properties = schema(source)
        for number in range(self.sizes.linked):
            parent = pages[number % len(pages)]
            self.world.create_database(parent, "Untitled", by=self.people[0], at=self.tick(), is_inline=True)
        return found

    def rows(self, sources: list[DataSource]) -> dict[str, list[Page]]:
        made: dict[str, list[Page]] = {source.id: [] for source in sources}
        for number in range(self.sizes.rows):
            source = sources[number % len(sources)]
            row = self.page(source, f"Row {number}")
            note = plain(f"Note {self.mark(row.id, 'property', 'note')} about row {number}")
            row.properties |= values(number, note=note, people=self.people, file=self.file())
            made[source.id].append(row)
        return made

    def file(self) -> str:
        """The key of the one file that all rows and media blocks show."""
        if self.stored is None:
            self.stored = self.world.store_file(
                "note.txt", b"A generated file.\n", content_type="text/plain"
            ).key
        return self.stored

    def relate(self, rows: dict[str, list[Page]]) -> None:
        """Each row names the one before it; as many rows as asked for name 60."""
        long = self.sizes.relations
        for siblings in rows.values():
            for number, row in enumerate(siblings):
                count = REFERENCES if long > 0 else 1
                long -= 1
                named = [siblings[(number - 1 - back) % len(siblings)].id for back in range(count)]
                row.properties["rel"] = [{"id": one} for one in named]

    # Content

    def fill(self, pages: list[Page], rows: list[Page]) -> None:
        """Exactly as many blocks as asked for: the special ones first, the rest evenly over pages and rows."""
        everything = pages + rows
        for place, (page, special) in enumerate(self.specials(pages)):
            special(page, place)
        rest = self.budget()
        share, over = divmod(rest, len(everything))
        for number, page in enumerate(everything):
            count = share + (number < over)
            self.pen(page).fill(page, count, start=number * 7, depth=self.sizes.depth, at=page.created)
        self.spent += rest

    def specials(self, pages: list[Page]) -> Iterator[tuple[Page, Callable[[Page, int], None]]]:
        sizes = self.sizes
        kinds = [
            *([self.chain] if sizes.depth > 1 else []),
            *([self.giant] if sizes.giant else []),
            *[self.long] * sizes.long_pages,
            *[self.synced] * sizes.synced,
            *[self.unsupported] * sizes.unsupported,
            *[self.novel] * sizes.novel,
        ]
        for place, kind in enumerate(kinds, 1):
            yield pages[place % len(pages)], kind

    def chain(self, page: Page, _place: int) -> None:
        """Toggles in toggles down to the depth asked for."""
        depth = min(self.sizes.depth, max(0, self.budget()))
        node: Node = page
        for _ in range(depth):
            node = self.pen(page).text(node, "toggle", at=page.created)
        self.spent += depth

    def giant(self, page: Page, _place: int) -> None:
        self.pen(page).flat(page, self.sizes.giant, at=page.created)

    def long(self, page: Page, _place: int) -> None:
        """More than 100 blocks on the page and more than 100 in one toggle of it."""
        pen = self.pen(page)
        if self.sizes.depth == 1:
            pen.flat(page, LONG, at=page.created)
            return
        toggle = pen.text(page, "toggle", at=page.created)
        pen.flat(toggle, LONG // 2, at=page.created)
        pen.flat(page, LONG - LONG // 2 - 1, at=page.created)

    def synced(self, page: Page, _place: int) -> None:
        """An original with one paragraph, its copy, and a copy of what nobody shared."""
        pen = self.pen(page)
        original = pen.add(page, "synced_block", {"synced_from": None}, at=page.created)
        pen.text(original, "paragraph", at=page.created)
        for source in (original.id, self.world.ids.node(page.created)):
            copy = {"synced_from": {"type": "block_id", "block_id": source}}
            pen.add(page, "synced_block", copy, at=page.created)

    def unsupported(self, page: Page, place: int) -> None:
        kind = ("button", "ai_block", "form", "drive")[place % 4]
        self.pen(page).add(page, "unsupported", {"block_type": kind}, at=page.created)

    def novel(self, page: Page, _place: int) -> None:
        self.pen(page, "novel").text(page, "hologram", at=page.created)

    def comment(self, pages: list[Page]) -> None:
        for number in range(self.sizes.comments):
            page = pages[number % len(pages)]
            at = self.tick()
            comment = self.world.add_comment(page, [], by=self.people[number % len(self.people)], at=at)
            comment.rich_text = plain(f"Remark {self.mark(page.id, 'comment', comment.id)}")
