"""Writing while things go wrong: answers that get lost, processes that die, two pushes at once. Never a page too many."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from tests.mapping.pushes import Pushing, person
from tests.mapping.test_push import by_key, value

from syncline.core.errors import SynclineError, Unreachable
from syncline.core.report import Outcome
from syncline.mapping.asked import Asked
from syncline.mapping.push import Push
from syncline.notion import operations as op
from syncline.store import links
from syncline.store.database import Database

CREATE = "/v1/pages$"


class Died(BaseException):
    """The process is gone."""


def rows(count: int) -> list[Any]:
    return [person(f"P{n:03}") for n in range(count)]


@pytest.mark.parametrize(
    "fault",
    [
        {"what": "reset"},
        {"what": "reset", "applied": True},
        {"what": "timeout", "applied": True},
        {"what": "truncated", "applied": True},
        {"what": 500, "applied": True},
        {"what": 502},
        {"what": 503, "applied": True},
        {"what": 409},
        {"what": 429, "retry_after": 0},
    ],
    ids=str,
)
async def test_an_answer_that_is_lost_makes_no_second_page(
    pushing: Pushing, people: str, fault: dict[str, Any]
) -> None:
    pushing.tables.tables["people"] = rows(8)
    pushing.emulator.faults.add(
        fault["what"],
        method="POST",
        path=CREATE,
        count=3,
        **{name: how for name, how in fault.items() if name != "what"},
    )
    report = await pushing.push()
    assert report.tables["people"].created == 8
    assert len(await by_key(pushing, people)) == 8
    assert (await pushing.push()).outcome is Outcome.CLEAN


async def test_an_update_whose_answer_is_lost_is_read_back(pushing: Pushing, people: str) -> None:
    pushing.tables.tables["people"] = rows(1)
    await pushing.push()
    pushing.tables.tables["people"] = [person("P000", "New name")]
    pushing.emulator.faults.add("reset", method="PATCH", path="/v1/pages/", count=1, applied=True)
    report = await pushing.push()
    assert (report.tables["people"].updated, len(pushing.writes)) == (1, 1)


class Cut(httpx2.AsyncBaseTransport):
    """Lets so many writes of rows through, and dies with the next: before it is sent, or when its answer comes."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, *, after: int, sent: bool) -> None:
        self.inner, self.left, self.sent = inner, after, sent

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method != "POST" or not request.url.path.endswith("/pages"):
            return await self.inner.handle_async_request(request)
        self.left -= 1
        if self.left >= 0:
            return await self.inner.handle_async_request(request)
        if self.sent and self.left == -1:
            await self.inner.handle_async_request(request)
        raise Died


def cut(*, after: int, sent: bool) -> Callable[[httpx2.AsyncBaseTransport], httpx2.AsyncBaseTransport]:
    return lambda inner: Cut(inner, after=after, sent=sent)


@pytest.mark.parametrize("lost", ["answer", "request"])
@pytest.mark.parametrize("after", [0, 1, 7, 19])
async def test_a_push_that_dies_at_any_create_makes_no_second_page_when_it_is_begun_anew(
    pushing: Pushing, people: str, after: int, lost: str
) -> None:
    pushing.tables.tables["people"] = rows(20)
    pushing.wrap = cut(after=after, sent=lost == "answer")
    with pytest.raises(Died):
        await pushing.push()
    pushing.wrap = None
    await pushing.push()
    assert len(await by_key(pushing, people)) == 20
    assert (await pushing.push()).outcome is Outcome.CLEAN


async def test_an_intent_is_settled_by_asking_for_the_key(
    pushing: Pushing, people: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page comes into being after the index was read: only the question by its key can find it."""
    pushing.tables.tables["people"] = rows(1)
    pushing.wrap = cut(after=0, sent=False)
    with pytest.raises(Died):
        await pushing.push()
    pushing.wrap = None
    original = Push.plan

    async def slow(self: Push) -> Any:
        found = await original(self)
        # What the dead process asked for is done by Notion only now.
        async with pushing.client() as client:
            properties = {
                "Name": {"title": [{"text": {"content": "Person P000"}}]},
                "External ID": {"rich_text": [{"text": {"content": "P000"}}]},
            }
            parent = {"type": "data_source_id", "data_source_id": people}
            await client.send(op.create_page(parent=parent, properties=properties))
        return found

    monkeypatch.setattr(Push, "plan", slow)
    await pushing.push(settle=timedelta(seconds=0.01))
    monkeypatch.undo()
    assert list(await by_key(pushing, people)) == ["P000"]


async def test_two_pushes_at_once_make_each_page_once(pushing_anywhere: Pushing) -> None:
    pushing = pushing_anywhere
    people = str(pushing.mapped[0].database.id)
    pushing.tables.tables["people"] = rows(40)
    patient = timedelta(seconds=0.2)
    both = (pushing.push(settle=patient), pushing.push(settle=patient))
    ended = await asyncio.gather(*both, return_exceptions=True)
    assert not [one for one in ended if isinstance(one, BaseException) and not isinstance(one, SynclineError)]
    await pushing.push()
    keys = Counter(value(page, "External ID") for page in await pushing.pages(people))
    assert keys == {f"P{n:03}": 1 for n in range(40)}
    assert (await pushing.push()).outcome is Outcome.CLEAN


async def test_what_was_done_before_notion_went_away_stays_done(pushing: Pushing, people: str) -> None:
    pushing.tables.tables["people"] = rows(30)
    pushing.emulator.faults.add(503, method="POST", path=CREATE, skip=10)
    with pytest.raises(Unreachable, match="Notion did not answer about the page of"):
        await pushing.push()
    done = len(await by_key(pushing, people))
    assert done >= 10
    assert sum(link.page is not None for link in (await pushing.links()).values()) == done
    pushing.emulator.faults.clear()
    assert (await pushing.push()).tables["people"].created == 30 - done


async def test_a_stopped_push_links_what_was_in_flight(pushing: Pushing, people: str) -> None:
    pushing.tables.tables["people"] = rows(40)
    async with pushing.opened() as push:
        running = asyncio.create_task(push.run())
        while not pushing.writes:
            await asyncio.wait([running], timeout=0.001)
        await push.stop()
        await running
    made = await by_key(pushing, people)
    assert 0 < len(made) < 40
    assert {key for key, link in (await pushing.links()).items() if link.page} == set(made)


async def test_the_store_failing_between_page_and_link_makes_no_second_page(
    pushing: Pushing, people: str, monkeypatch: pytest.MonkeyPatch, sqlite_database: Database
) -> None:
    pushing.tables.tables["people"] = rows(10)
    saved, count = links.save, 0

    async def failing(*arguments: Any, **named: Any) -> None:
        nonlocal count
        count += 1
        if count == 5:
            raise Died
        await saved(*arguments, **named)

    monkeypatch.setattr("syncline.mapping.upsert.links.save", failing)
    with pytest.raises(Died):
        await pushing.push()
    monkeypatch.undo()
    await pushing.push(Asked("crew.toml"))
    assert len(await by_key(pushing, people)) == 10


# --- edits between reading and writing --------------------------------------------------------------------------------


@dataclass
class Edited(httpx2.AsyncBaseTransport):
    """Somebody edits a page once it was listed."""

    inner: httpx2.AsyncBaseTransport
    edit: Callable[[], Awaitable[None]] | None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self.inner.handle_async_request(request)
        if request.url.path.endswith("/query") and self.edit is not None:
            edit, self.edit = self.edit, None
            await edit()
        return answer


async def test_an_edit_that_the_answer_to_a_write_shows_is_not_taken_for_ours(
    pushing: Pushing, people: str
) -> None:
    pushing.tables.tables["people"] = [person("P1", age=30)]
    await pushing.push()
    (page,) = await pushing.pages(people)

    async def edit() -> None:
        pushing.wrap = None
        await pushing.edit(page["id"], properties={"Age": {"number": 99}})

    pushing.wrap = lambda inner: Edited(inner, edit)
    pushing.tables.tables["people"] = [person("P1", "New name", age=30)]
    await pushing.push()
    (action,) = (await pushing.plan()).actions
    assert (action.kind, [one.property for one in action.changes], action.drift) == (
        "update",
        ["Age"],
        ("Age",),
    )
    assert (await pushing.push()).tables["people"].updated == 1
    assert (await pushing.push()).tables["people"].unchanged == 1
