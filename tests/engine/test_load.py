"""Loading a destination: in batches, from its own checkpoint, and again after a crash."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import pytest
import pytest_asyncio
from tests.engine.remembering import HOME, Remembering

from syncline.core.errors import BadInput, Gone, Unreachable
from syncline.core.model import Action, Change, Fidelity, Kind
from syncline.destinations.memory import Memory, MemoryDestination
from syncline.engine import load as module
from syncline.engine.begin import Request
from syncline.engine.load import Loaded, load
from syncline.store.database import Database

PAGES = 12


@dataclass
class Watched:
    """A memory destination that notes its batches, and fails at the batch of number `breaks`, before or after writing it."""

    memory: Memory = field(default_factory=Memory)
    batches: list[list[str]] = field(default_factory=list)
    breaks: int = -1
    written: bool = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        pass

    async def checkpoint(self) -> int:
        return await MemoryDestination(self.memory, HOME).checkpoint()

    async def write(self, changes: Sequence[Change], checkpoint: int) -> None:
        breaks = len(self.batches) == self.breaks
        self.batches.append([change.record.key for change in changes])
        if breaks and not self.written:
            raise Unreachable("the destination is down")
        await MemoryDestination(self.memory, HOME).write(changes, checkpoint)
        if breaks:
            raise Unreachable("the destination went down")


@pytest_asyncio.fixture
async def home(sqlite_database: Database) -> Remembering:
    """A store with pages of some hundred bytes of content each, and a data source."""
    home = Remembering(sqlite_database)
    await home.connect()
    for number in range(PAGES):
        home.write(f"p{number:02}", "x" * 400)
    home.source.put(Kind.DATA_SOURCE, "d", stream="data_sources", title="Rows")
    home.pass_time(hours=1)
    await home.pull()
    return home


async def fresh(home: Remembering) -> dict[tuple[Kind, str], Change]:
    """What a destination holds that was loaded in one go."""
    destination = Watched()
    await load(home.database, HOME, destination)
    return destination.memory.changes


def numbered(changes: dict[tuple[Kind, str], Change]) -> dict[str, object]:
    """What a change brings; when its record was last seen, unchanged, is no change."""
    return {
        key: (one.record.seq, one.record.hash, one.record.deletion, one.document)
        for (_, key), one in changes.items()
    }


async def test_everything_arrives_with_its_content_and_a_repetition_writes_nothing(home: Remembering) -> None:
    destination = Watched()
    loaded = await load(home.database, HOME, destination)
    held = await home.held()
    assert set(destination.memory.changes) == set(held)
    for (kind, _), change in destination.memory.changes.items():
        assert (change.document is not None) is (kind is Kind.PAGE)
    assert loaded == Loaded(PAGES + 1, max(record.seq for record in held.values()))
    assert await load(home.database, HOME, destination) == Loaded(0, loaded.checkpoint)
    assert len(destination.batches) == 1


async def test_only_what_changed_is_loaded_again_and_deletions_without_content(home: Remembering) -> None:
    destination = Watched()
    await load(home.database, HOME, destination)
    home.pass_time(hours=1)
    home.write("p03", "another text")
    home.source.trash.add((Kind.PAGE, "p05"))
    home.pass_time(minutes=5)
    await home.pull()
    assert (await load(home.database, HOME, destination)).changes == 2
    assert sorted(destination.batches[1]) == ["p03", "p05"]
    gone = destination.memory.changes[Kind.PAGE, "p05"]
    assert (gone.record.action, gone.document) == (Action.DELETED, None)
    assert numbered(destination.memory.changes) == numbered(await fresh(home))


async def test_a_destination_that_is_ahead_of_a_restored_store_is_refused(home: Remembering) -> None:
    memory = Memory()
    loaded = await load(home.database, HOME, Watched(memory))
    memory.checkpoint = loaded.checkpoint + 1

    with pytest.raises(Gone, match="older backup: empty it and load it again"):
        await load(home.database, HOME, Watched(memory))


@pytest.mark.parametrize(("room", "most"), [(0, 1), (1, 1), (1000, 2), (10_000_000, PAGES + 1)])
async def test_a_batch_is_cut_by_its_bytes_and_never_empty(
    home: Remembering, monkeypatch: pytest.MonkeyPatch, room: int, most: int
) -> None:
    monkeypatch.setattr(module, "_BYTES", room)
    destination, progress = Watched(), list[Loaded]()
    await load(home.database, HOME, destination, on_progress=progress.append)
    pages = [[key for key in batch if key != "d"] for batch in destination.batches]
    assert max(map(len, pages)) == min(most, PAGES)
    assert min(map(len, destination.batches)) > 0
    assert [one.changes for one in progress] == [
        sum(map(len, destination.batches[: n + 1])) for n in range(len(destination.batches))
    ]
    assert destination.memory.changes == await fresh(home)


async def test_a_batch_is_cut_by_its_records(home: Remembering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RECORDS", 5)
    destination = Watched()
    await load(home.database, HOME, destination)
    assert list(map(len, destination.batches)) == [5, 5, 3]


@pytest.mark.parametrize("breaks", [0, 1, 2])
@pytest.mark.parametrize("written", [False, True])
async def test_a_load_that_broke_off_goes_on_behind_what_was_written(
    home: Remembering, monkeypatch: pytest.MonkeyPatch, breaks: int, *, written: bool
) -> None:
    monkeypatch.setattr(module, "_RECORDS", 5)
    destination = Watched(breaks=breaks, written=written)
    with pytest.raises(Unreachable):
        await load(home.database, HOME, destination)
    destination.breaks = -1
    done = breaks + written
    before = len(destination.batches)
    await load(home.database, HOME, destination)
    assert len(destination.batches) - before == 3 - done
    assert destination.memory.changes == await fresh(home)


async def test_a_destination_of_another_connection_is_refused(home: Remembering) -> None:
    destination = Watched()
    destination.memory.connection_id = "somebody else's"
    with pytest.raises(BadInput):
        await load(home.database, HOME, destination)
    assert destination.batches == []


async def test_pages_without_content_arrive_without(sqlite_database: Database) -> None:
    home = Remembering(sqlite_database)
    await home.connect()
    home.write("p", "text")
    await home.pull(Request(fidelity=Fidelity.PROPERTIES))
    assert [change.document for change in (await fresh(home)).values()] == [None]
