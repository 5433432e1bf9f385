"""What every source has to do: the contract of sources/base.py as a suite. Subclass it with a fixture `place`."""

from typing import Protocol

import pytest

from syncline.core.model import Fidelity, Kind, Record
from syncline.sources.base import Content, Found, Key, Listing, Lost, Source


class Place(Protocol):
    """A workspace that the suite can write to, and its source."""

    source: Source

    async def write(self, key: str, title: str, texts: list[str], *, parent: str | None = None) -> Key:
        """Write a page with some nested text; `parent` is what an earlier call returned the key of."""
        ...

    async def trash(self, key: Key) -> None:
        """Throw a page away."""
        ...

    def pass_time(self, *, minutes: int) -> None:
        """Let time go on."""
        ...


async def walked(source: Source, listing: Listing) -> list[Record]:
    """All records of a listing and of those that follow from it."""
    found: list[Record] = []
    waiting = [listing]
    while waiting:
        listing, cursor = waiting.pop(), None
        while True:
            listed = await source.list(listing, cursor)
            found += listed.records
            waiting += listed.follow
            cursor = listed.cursor
            if cursor is None:
                break
    return found


async def listed(source: Source) -> dict[Key, Record]:
    """Everything the listings of a full pull tell."""
    found: dict[Key, Record] = {}
    waiting = list(source.listings(since=None))
    while waiting:
        listing = waiting.pop()
        for record in await walked(source, listing):
            found[record.kind, record.key] = record
            if record.kind is Kind.DATA_SOURCE and listing.name != f"rows:{record.key}":
                waiting.append(source.rows(record))
    return found


async def read(source: Source, page: str) -> list[Content]:
    """Every answer about a page's blocks."""
    answers: list[Content] = []
    waiting: list[tuple[str, str | None]] = [(page, None)]
    while waiting:
        container, cursor = waiting.pop()
        answer = await source.content(container, cursor, fidelity=Fidelity.BLOCKS)
        answers.append(answer)
        waiting += [(one, None) for one in answer.containers]
        waiting += [(container, answer.cursor)] if answer.cursor is not None else []
    return answers


class SourceContract:
    """The suite."""

    async def test_what_is_written_is_listed(self, place: Place) -> None:
        keys = [await place.write(f"page {n}", f"Title {n}", ["text"]) for n in range(3)]
        found = await listed(place.source)
        assert {found[key].title for key in keys} == {"Title 0", "Title 1", "Title 2"}

    async def test_reading_twice_gives_equal_hashes(self, place: Place) -> None:
        key = await place.write("page", "Title", ["one", "two"])
        first, second = (await listed(place.source))[key], (await listed(place.source))[key]
        assert first.hash == second.hash
        before, after = await read(place.source, key[1]), await read(place.source, key[1])
        assert [one.digests for one in before] == [one.digests for one in after]

    async def test_all_text_of_a_page_is_read(self, place: Place) -> None:
        texts = [f"text-{n}-end" for n in range(230)]
        key = await place.write("page", "Title", texts)
        shown = repr([answer.blocks for answer in await read(place.source, key[1])])
        assert [text for text in texts if text not in shown] == []
        whole = await place.source.content(key[1], None, fidelity=Fidelity.MARKDOWN)
        assert whole.markdown is not None
        assert [text for text in texts if text not in whole.markdown] == []

    async def test_one_digest_a_block_and_nothing_new_when_parsed_again(self, place: Place) -> None:
        key = await place.write("page", "Title", ["one", "two"])
        for answer in await read(place.source, key[1]):
            again = place.source.parse(answer.blocks)
            assert len(answer.digests) == len(answer.blocks)
            assert (again.digests, again.containers, again.children) == (
                answer.digests,
                answer.containers,
                answer.children,
            )

    async def test_an_edit_changes_the_digests(self, place: Place) -> None:
        key = await place.write("page", "Title", ["one"])
        before = [one.digests for one in await read(place.source, key[1])]
        await place.write("page", "Title", ["other"])
        assert [one.digests for one in await read(place.source, key[1])] != before

    async def test_children_are_seen_in_their_parent(self, place: Place) -> None:
        parent = await place.write("parent", "Parent", ["text"])
        child = await place.write("child", "Child", [], parent="parent")
        seen = [key for answer in await read(place.source, parent[1]) for key in answer.children]
        assert child in seen

    async def test_a_direct_read_tells_what_is_there_and_what_was_thrown_away(self, place: Place) -> None:
        key = await place.write("page", "Title", ["text"])
        found = await place.source.record(*key)
        assert isinstance(found, Found)
        assert found.records[0].hash == (await listed(place.source))[key].hash
        await place.trash(key)
        assert isinstance(await place.source.record(*key), Lost)
        assert key not in await listed(place.source)

    async def test_a_key_that_never_was_is_lost(self, place: Place) -> None:
        assert isinstance(await place.source.record(Kind.PAGE, "00000000-0000-4000-8000-000000000000"), Lost)

    async def test_an_incremental_pull_is_told_what_was_thrown_away(self, place: Place) -> None:
        key = await place.write("page", "Title", ["text"])
        place.pass_time(minutes=5)
        since = place.source.now()
        await place.trash(key)
        suspects = [
            suspect
            for listing in place.source.listings(since=since)
            for suspect in (await place.source.list(listing, None)).suspects
        ]
        assert key in suspects

    async def test_every_read_counts(self, place: Place) -> None:
        key = await place.write("page", "Title", ["text"])
        before = place.source.usage.made
        await place.source.record(*key)
        assert place.source.usage.made == before + 1

    @pytest.mark.parametrize("edit", [False, True])
    async def test_the_newest_edit_comes_first(self, place: Place, *, edit: bool) -> None:
        for number in range(3):
            place.pass_time(minutes=2)
            await place.write(f"page {number}", f"Title {number}", [])
        if edit:
            place.pass_time(minutes=2)
            await place.write("page 0", "Title 0 again", [])
        newest = next(one for one in place.source.listings(since=None) if one.newest_first)
        pages = [one for one in await walked(place.source, newest) if one.kind is Kind.PAGE]
        times = [one.edited_at for one in pages if one.edited_at is not None]
        assert times == sorted(times, reverse=True)
        assert pages[0].title == ("Title 0 again" if edit else "Title 2")
