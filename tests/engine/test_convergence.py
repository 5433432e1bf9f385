"""Random edits, faults and deaths: whatever happened, the store ends as a fresh pull would make it."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from tests.engine.conftest import NOON
from tests.engine.pulling import Pulling

from notion_emulator import Emulator
from notion_emulator.faults import Fault
from notion_emulator.rich_text import plain
from notion_emulator.seed import generate
from notion_emulator.world import World
from syncline.core.errors import Unreachable
from syncline.core.model import Mode
from syncline.engine.begin import Request
from syncline.engine.extract import Limits
from syncline.store.database import Database
from syncline.store.secrets import KeyRing

number = st.integers(min_value=0, max_value=10_000)


class Workspace(RuleBasedStateMachine):
    """A small workspace that people edit while we pull it, over a connection that fails and in processes that die."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="syncline-test-"))
        self.serial = 0

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(coroutine)

    @initialize(seed=number)
    def begin(self, seed: int) -> None:
        world = World()
        seeded = generate(world, seed=seed, pages=8, rows=8, blocks=60, depth=4, data_sources=2)
        self.emulator = Emulator(world=world, seeded=seeded)
        self.emulator.clock.freeze(NOON)
        self.world = world
        self.pulling = self.run(self.opened("a"))

    async def opened(self, name: str) -> Pulling:
        (self.folder / name).mkdir()
        database = await Database.open(self.folder / name / "store.sqlite")
        pulling = Pulling(self.emulator, database, limits=Limits(deletions=1.0))
        await pulling.connect(KeyRing.open(self.folder / name))
        return pulling

    # What people do.

    def pages(self) -> list[Any]:
        """The pages in sight, in a stable order; the root cannot be thrown away."""
        root = self.emulator.seeded.root
        return [one for one in self.world.pages.values() if one is not root and not self.world.in_trash(one)]

    def one(self, choice: int) -> Any:
        pages = self.pages()
        return pages[choice % len(pages)] if pages else self.emulator.seeded.root

    def text(self) -> list[Any]:
        self.serial += 1
        return plain(f"text {self.serial}")

    @rule(choice=number)
    def edit_a_title(self, choice: int) -> None:
        self.world.update_page(self.one(choice), properties={"title": self.text()})

    @rule(choice=number, nested=st.booleans())
    def write(self, choice: int, *, nested: bool) -> None:
        page = self.one(choice)
        content = {"rich_text": self.text(), "color": "default"}
        block = self.world.add_block(page, "toggle" if nested else "paragraph", content)
        if nested:
            self.world.add_block(block, "paragraph", {"rich_text": self.text(), "color": "default"})
        self.world.touch(page)

    @rule(choice=number, nested=st.booleans())
    def add_a_page(self, choice: int, *, nested: bool) -> None:
        parent = self.one(choice)
        if nested:
            parent = self.world.add_block(parent, "toggle", {"rich_text": self.text(), "color": "default"})
        self.world.create_page(parent, self.text())
        self.world.touch(self.one(choice))

    @rule(choice=number)
    def add_a_row(self, choice: int) -> None:
        sources = [one for one in self.world.data_sources.values() if not self.world.in_trash(one)]
        if sources:
            self.world.create_page(sources[choice % len(sources)], self.text())

    @rule(choice=number)
    def throw_away(self, choice: int) -> None:
        self.world.trash(self.one(choice))

    @rule(choice=number)
    def bring_back(self, choice: int) -> None:
        thrown = [one for one in self.world.pages.values() if one.trashed]
        if thrown:
            self.world.restore(thrown[choice % len(thrown)])

    @rule(choice=number, to=number)
    def move(self, choice: int, to: int) -> None:
        page, parent = self.one(choice), self.one(to)
        above = {parent.id, *(node.id for node in self.world.lineage(parent))}
        if page.parent_kind in {"page", "block"} and page.id not in above:
            self.world.move(page, parent)

    @rule(choice=number)
    def unshare(self, choice: int) -> None:
        self.world.unshare(self.emulator.connection, self.one(choice).id)

    @rule(minutes=st.integers(min_value=0, max_value=90))
    def wait(self, minutes: int) -> None:
        self.pulling.pass_time(minutes=minutes, seconds=17)

    # What we do.

    @rule(mode=st.sampled_from([None, None, None, Mode.RECONCILE, Mode.FULL]))
    def pull(self, mode: Mode | None) -> None:
        taken_up = self.run(self.pulling.left())
        self.run(self.pulling.pull(Request(mode=mode)))
        if taken_up:  # what was edited since that pull began comes with the next one
            self.run(self.pulling.pull())
        if not self.emulator.faults.active and not self.run(self.pulling.ledger()):
            self.run(self.check())

    async def check(self) -> None:
        """All that people can see is here as they left it; what is not to be seen has gone, but for what was unshared."""
        seen = {one.id: one for one in self.world.pages.values() if self.visible(one)}
        held = await self.pulling.pages()
        assert {key: held[key].title if key in held else None for key in seen} == {
            key: self.world.title(one) for key, one in seen.items()
        }
        thrown = {one.id for one in self.world.pages.values() if self.world.in_trash(one)}
        assert thrown.isdisjoint(held)
        for key, document in (await self.pulling.documents()).items():
            if key in seen:
                shown = repr(document.lists)
                assert all(text in shown for text in self.texts(seen[key]))

    def visible(self, page: Any) -> bool:
        return not self.world.in_trash(page) and self.world.can_reach(self.emulator.connection, page)

    def texts(self, page: Any) -> list[str]:
        blocks: list[Any] = [one for one in self.world.alive(page) if one.kind == "block"]
        runs = [one.content["rich_text"] for one in blocks if one.content.get("rich_text")]
        return [run[0]["plain_text"] for run in runs]

    @rule(mode=st.sampled_from([None, Mode.FULL]), after=st.integers(min_value=0, max_value=60))
    def die_while_pulling(self, mode: Mode | None, after: int) -> None:
        self.run(self.die(mode, after))

    async def die(self, mode: Mode | None, after: int) -> None:
        self.emulator.requests.clear()
        extraction = await self.pulling.start(Request(mode=mode))
        task = asyncio.create_task(extraction.advance(60))
        await self.pulling.reached(after, task)
        if extraction._main is not None:
            extraction._main.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await self.pulling.close()

    @precondition(lambda self: not self.emulator.faults.active)
    @rule(what=st.sampled_from([409, 429, 500, 502, 503, 504, 529, "timeout", "reset", "truncated"]))
    def begin_to_fail(self, what: int | str) -> None:
        self.emulator.faults.add(what, probability=0.1)

    @rule(path=st.sampled_from(["children", "/v1/pages/"]))
    def pull_while_down(self, path: str) -> None:
        fault = Fault(500, path=path)
        self.emulator.faults.active.append(fault)
        try:
            self.run(self.pulling.pull())
        except Unreachable:
            self.run(self.pulling.close())
        finally:
            self.emulator.faults.active.remove(fault)

    @rule()
    def stop_failing(self) -> None:
        self.emulator.faults.active.clear()

    def teardown(self) -> None:
        try:
            self.run(self.converge())
        finally:
            self.runner.close()
            shutil.rmtree(self.folder)

    async def converge(self) -> None:
        self.emulator.faults.active.clear()
        self.pulling.pass_time(minutes=5)
        await self.pulling.pull()
        await self.pulling.pull(Request(mode=Mode.FULL))
        mine = await self.pulling.state()
        fresh = await self.opened("fresh")
        await fresh.pull()
        theirs = await fresh.state()
        assert await self.pulling.ledger() == await fresh.ledger() == []
        await self.pulling.database.close()
        await fresh.database.close()
        assert mine == theirs


TestConvergence = Workspace.TestCase
TestConvergence.settings = settings(
    max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
