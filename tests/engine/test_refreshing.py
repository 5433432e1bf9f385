"""What a webhook names is read again for as few requests as there can be; what is forged, repeated or late does no harm."""

import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.engine.pulling import HOME, Make, Pulling

from notion_emulator.objects import Page
from notion_emulator.rich_text import plain
from notion_emulator.webhooks import Subscription
from syncline.app import App
from syncline.core.errors import BadInput, Forged, NotFound
from syncline.core.model import Fidelity, Kind, Mode
from syncline.core.selection import SyncScope
from syncline.engine import inbox as engine
from syncline.engine import refreshing
from syncline.engine.begin import Request
from syncline.engine.extract import Progress
from syncline.engine.inbox import Paired, receive
from syncline.engine.pulling import Asked
from syncline.engine.task import Failure, Outcome, RunState
from syncline.notion.objects import Version
from syncline.settings import Settings
from syncline.store import connections, inbox, preferences, runs, subscriptions
from syncline.store.preferences import Preferences
from syncline.store.runs import Run
from syncline.store.secrets import KeyRing


def paragraph(text: str) -> dict[str, Any]:
    return {"rich_text": plain(text), "color": "default"}


@dataclass
class Hooked:
    """A workspace that was pulled, and whose webhooks reach us."""

    pulling: Pulling
    app: App
    here: str
    there: Subscription
    sent: list[tuple[bytes, str]]

    @property
    def world(self) -> Any:
        return self.pulling.emulator.world

    def row(self, index: int = 0) -> Page:
        rows: list[Page] = [page for page in self.world.pages.values() if page.parent_kind == "data_source"]
        return rows[index]

    async def deliver(self) -> None:
        """Let the edits become events, and take in all of them."""
        self.pulling.pass_time(minutes=3)
        await self.pulling.emulator.webhooks.deliver()

    async def queued(self) -> Run | None:
        """The refresh that the events lead to."""
        await refreshing.due(self.app)
        async with self.app.database.read() as conn:
            return await runs.live(conn, HOME, "pull")

    async def ended(self, run: Run, state: RunState, failure: Failure | None = None) -> None:
        async with self.app.database.begin() as conn:
            connection = await connections.find(conn, HOME)
            task = refreshing.RefreshTask(self.app, connection)
            await task.finish(conn, run, Outcome(state, failure))
            await runs.finish(conn, run.id, state=runs.RunState(state.value), now=self.app.now())

    async def refresh(self) -> Progress:
        """Deliver, and read what was named."""
        await self.deliver()
        run = await self.queued()
        assert run is not None
        progress = await self.pulling.pull(Asked.from_json(run.options).request)
        await self.ended(run, RunState.SUCCEEDED)
        return progress

    async def counts(self) -> dict[inbox.State, int]:
        async with self.app.database.read() as conn:
            return await inbox.counts(conn, self.here)


Hook = Callable[..., Awaitable[Hooked]]


@pytest.fixture
def hook(make: Make, tmp_path: Path) -> Hook:
    async def hooked(
        *, request: Request | None = None, version: Version | None = None, **sizes: int
    ) -> Hooked:
        pulling = await make(**sizes)
        if version is not None:
            pulling.version = version
        ring = KeyRing.open(tmp_path)
        ids = (f"id-{number}" for number in range(10_000))
        app = App(Settings(home=tmp_path), pulling.database, ring, now=pulling.now, new_id=lambda: next(ids))
        await pulling.pull(request)
        ours = await engine.subscribe(app, name="test", connection_id=HOME)
        sent: list[tuple[bytes, str]] = []

        async def post(url: str, headers: dict[str, str], body: bytes) -> int:
            sent.append((body, headers["x-notion-signature"]))
            try:
                await receive(app, ours.id, body, headers["x-notion-signature"])
            except Forged:
                return 401
            return 200

        webhooks = pulling.emulator.webhooks
        webhooks.post = post
        there = await webhooks.subscribe("http://ours.test")
        assert there.active
        pulling.pass_time(minutes=3)
        return Hooked(pulling, app, ours.id, there, sent)

    return hooked


# --- what it costs ------------------------------------------------------------------------------------------------


async def test_a_row_whose_properties_changed_is_one_request(hook: Hook) -> None:
    hooked = await hook(pages=12)
    row = hooked.row()
    hooked.world.record("page.properties_updated", row, data={"updated_properties": ["x"]})
    hooked.world.touch(row)
    await hooked.refresh()
    assert hooked.pulling.asked() == 1
    assert hooked.pulling.asked(f"pages/{row.id}") == 1


async def test_rows_of_one_data_source_are_one_query(hook: Hook) -> None:
    hooked = await hook(pages=40)
    rows = [page for page in hooked.world.pages.values() if page.parent_id == hooked.row().parent_id][:5]
    assert len(rows) > 1
    for row in rows:
        hooked.world.touch(row)
        hooked.world.record("page.properties_updated", row, data={"updated_properties": ["x"]})
    await hooked.refresh()
    assert hooked.pulling.asked() == 1
    assert hooked.pulling.asked("/query") == 1


async def test_a_row_that_the_query_does_not_tell_of_is_looked_at(hook: Hook) -> None:
    hooked = await hook(pages=40)
    rows = [page for page in hooked.world.pages.values() if page.parent_id == hooked.row().parent_id][:3]
    for row in rows:
        hooked.world.touch(row)
        hooked.world.record("page.properties_updated", row, data={"updated_properties": ["x"]})
    await hooked.deliver()
    hooked.world.trash(rows[0])
    run = await hooked.queued()
    assert run is not None
    await hooked.pulling.pull(Asked.from_json(run.options).request)
    assert hooked.pulling.asked(f"pages/{rows[0].id}") == 1
    assert rows[0].id not in await hooked.pulling.pages()


async def test_an_edited_block_of_a_long_page_is_two_requests(hook: Hook) -> None:
    hooked = await hook(pages=4)
    root = hooked.pulling.emulator.seeded.root
    blocks = [hooked.world.add_block(root, "paragraph", paragraph(f"line {n}")) for n in range(450)]
    hooked.world.touch(root)
    hooked.world.content_updated(root)
    await hooked.refresh()
    hooked.world.update_block(blocks[250], paragraph("another line"))
    hooked.world.touch(root)
    await hooked.refresh()
    assert hooked.pulling.asked(f"pages/{root.id}") == 1
    assert hooked.pulling.asked("/children") == 1
    assert hooked.pulling.asked() == 2
    document = (await hooked.pulling.documents())[root.id]
    assert "another line" in repr(document.lists)


async def test_the_next_pull_checks_a_page_that_was_put_together(hook: Hook) -> None:
    hooked = await hook(pages=4)
    root = hooked.pulling.emulator.seeded.root
    blocks = [hooked.world.add_block(root, "paragraph", paragraph(f"line {n}")) for n in range(250)]
    hooked.world.touch(root)
    hooked.world.content_updated(root)
    await hooked.refresh()
    hooked.world.update_block(blocks[120], paragraph("told"))
    blocks[10].content = paragraph("not told")
    hooked.world.touch(blocks[10])
    await hooked.refresh()
    assert "not told" not in repr((await hooked.pulling.documents())[root.id].lists)
    await hooked.pulling.pull()
    assert "not told" in repr((await hooked.pulling.documents())[root.id].lists)


async def test_a_deleted_page_is_one_request_and_a_tombstone(hook: Hook) -> None:
    hooked = await hook(pages=12)
    row = hooked.row()
    hooked.world.trash(row)
    await hooked.refresh()
    assert row.id not in await hooked.pulling.pages()
    assert hooked.pulling.asked(f"pages/{row.id}") == 1


async def test_a_deletion_that_was_undone_deletes_nothing(hook: Hook) -> None:
    hooked = await hook(pages=12)
    row = hooked.row()
    hooked.world.trash(row)
    await hooked.deliver()
    hooked.world.restore(row)
    run = await hooked.queued()
    assert run is not None
    await hooked.pulling.pull(Asked.from_json(run.options).request)
    assert row.id in await hooked.pulling.pages()


async def test_a_new_page_arrives_with_its_content(hook: Hook) -> None:
    hooked = await hook(pages=6)
    root = hooked.pulling.emulator.seeded.root
    page = hooked.world.create_page(root, "New")
    hooked.world.add_block(page, "paragraph", paragraph("fresh"))
    await hooked.refresh()
    assert (await hooked.pulling.pages())[page.id].title == "New"
    assert "fresh" in repr((await hooked.pulling.documents())[page.id].lists)


async def test_a_burst_is_read_once(hook: Hook) -> None:
    hooked = await hook(pages=12)
    row = hooked.row()
    for number in range(30):
        hooked.world.update_page(row, properties={"title": plain(f"Title {number}")})
        hooked.pulling.pass_time(seconds=2)
        await hooked.pulling.emulator.webhooks.deliver()
    await hooked.refresh()
    assert hooked.pulling.asked(f"pages/{row.id}") == 1
    assert (await hooked.pulling.pages())[row.id].title == "Title 29"


@pytest.mark.parametrize("fidelity", [Fidelity.BLOCKS, Fidelity.MARKDOWN, Fidelity.PROPERTIES])
async def test_random_edits_told_anyhow_come_to_what_a_full_pull_reads(
    hook: Hook, fidelity: Fidelity
) -> None:
    hooked = await hook(request=Request(fidelity=fidelity), pages=25)
    webhooks, rng = hooked.pulling.emulator.webhooks, random.Random(7)
    webhooks.duplicates, webhooks.reorder = 0.4, True
    for _ in range(4):
        for _ in range(12):
            page = rng.choice(list(hooked.world.pages.values()))
            blocks = [node for node in hooked.world.alive(page) if node.kind == "block"]
            match rng.randrange(5):
                case 0 if page.parent_kind == "data_source":
                    # A page's title also stands on the page around it, of which no event tells.
                    hooked.world.update_page(page, properties={"title": plain(f"T{rng.random()}")})
                case 1:
                    hooked.world.add_block(page, "paragraph", paragraph(f"P{rng.random()}"))
                    hooked.world.content_updated(page)
                    hooked.world.touch(page)
                case 2 if blocks:
                    hooked.world.trash(rng.choice(blocks))
                    hooked.world.touch(page)
                case 3 if page.parent_kind == "data_source":
                    (hooked.world.restore if page.trashed else hooked.world.trash)(page)
                case 4 if [block for block in blocks if block.type == "paragraph"]:
                    block = rng.choice([block for block in blocks if block.type == "paragraph"])
                    hooked.world.update_block(block, paragraph(f"E{rng.random()}"))
        await hooked.refresh()
    told = await state(hooked)
    await hooked.pulling.pull(Request(mode=Mode.FULL, fidelity=fidelity))
    whole = await state(hooked)
    for mine, its in zip(told, whole, strict=True):
        assert {
            key: (mine.get(key), its.get(key)) for key in {*mine, *its} if mine.get(key) != its.get(key)
        } == {}


async def state(hooked: Hooked) -> Any:
    """All that can be seen but the values of properties: those of other rows (rollups) drift without an event."""
    live, content = await hooked.pulling.state()
    return {
        key: (stream, title, place, body) for key, (stream, _, title, place, body) in live.items()
    }, content


# --- what does no harm --------------------------------------------------------------------------------------------


async def test_an_event_that_comes_twice_is_kept_once(hook: Hook) -> None:
    hooked = await hook(pages=6)
    hooked.world.update_page(hooked.row(), properties={"title": plain("x")})
    await hooked.deliver()
    before = await hooked.counts()
    for body, header in hooked.sent[1:]:
        assert await receive(hooked.app, hooked.here, body, header) is False
    assert await hooked.counts() == before


async def test_a_replay_after_it_was_answered_reads_nothing(hook: Hook) -> None:
    hooked = await hook(pages=6)
    hooked.world.update_page(hooked.row(), properties={"title": plain("x")})
    await hooked.refresh()
    for body, header in hooked.sent[1:]:
        await receive(hooked.app, hooked.here, body, header)
    assert await hooked.queued() is None


async def test_forged_requests_keep_nothing(hook: Hook) -> None:
    hooked = await hook(pages=6)
    body = json.dumps({"id": "x"}).encode()
    for header in (None, "", "sha256=00", "sha256=" + "0" * 64):
        with pytest.raises(Forged):
            await receive(hooked.app, hooked.here, body, header)
    with pytest.raises(NotFound):
        await receive(hooked.app, "nobody", body, None)
    assert await hooked.counts() == {}


async def test_a_handshake_without_an_open_window_is_refused(hook: Hook) -> None:
    hooked = await hook(pages=6)
    with pytest.raises(Forged):
        await receive(hooked.app, hooked.here, b'{"verification_token": "secret_mine"}', None)
    async with hooked.app.database.read() as conn:
        token = await subscriptions.token(conn, hooked.here, ring=hooked.app.keys)
    assert token == hooked.there.verification_token


async def test_a_window_closes_by_itself_and_with_the_first_handshake(hook: Hook) -> None:
    hooked = await hook(pages=6)
    handshake = b'{"verification_token": "secret_mine"}'
    await engine.pairing(hooked.app, hooked.here)
    hooked.pulling.pass_time(minutes=16)
    with pytest.raises(Forged):
        await receive(hooked.app, hooked.here, handshake, None)
    await engine.pairing(hooked.app, hooked.here)
    assert await receive(hooked.app, hooked.here, handshake, None) == Paired(hooked.here)
    with pytest.raises(Forged):
        await receive(hooked.app, hooked.here, handshake, None)


async def test_the_token_is_shown_until_it_was_pasted(hook: Hook) -> None:
    hooked = await hook(pages=6)

    async def shown() -> str | None:
        async with hooked.app.database.read() as conn:
            one = await subscriptions.one(conn, hooked.here)
            return (await engine.show(hooked.app, conn, one)).token

    assert await shown() == hooked.there.verification_token
    hooked.world.update_page(hooked.row(), properties={"title": plain("x")})
    await hooked.deliver()
    assert await shown() is None


async def test_a_signed_body_that_is_no_event_is_refused(hook: Hook) -> None:
    hooked = await hook(pages=6)
    from syncline.notion.webhook import signature  # noqa: PLC0415

    body = b'{"id": "x"}'
    with pytest.raises(BadInput):
        await receive(hooked.app, hooked.here, body, signature(body, hooked.there.verification_token))
    assert await hooked.counts() == {}


async def test_events_wait_while_a_pull_was_left_behind(hook: Hook) -> None:
    hooked = await hook(pages=20)
    extraction = await hooked.pulling.start(Request(mode=Mode.FULL))
    await extraction.stop()
    await hooked.pulling.close()
    hooked.world.update_page(hooked.row(), properties={"title": plain("Waited")})
    await hooked.deliver()
    assert await hooked.queued() is None
    await hooked.pulling.pull(Request(mode=Mode.FULL))
    run = await hooked.queued()
    assert run is not None
    await hooked.pulling.pull(Asked.from_json(run.options).request)
    assert (await hooked.pulling.pages())[hooked.row().id].title == "Waited"


async def test_events_of_a_failed_refresh_wait_longer_each_time_and_are_given_up(hook: Hook) -> None:
    hooked = await hook(pages=6)
    hooked.world.update_page(hooked.row(), properties={"title": plain("x")})
    await hooked.deliver()
    failed = Failure("Unreachable", "Down.", 7, retry=True)
    for tried in range(8):
        run = await hooked.queued()
        assert run is not None
        await hooked.ended(run, RunState.FAILED, failed)
        if tried < 7:
            assert await hooked.queued() is None
        hooked.pulling.pass_time(seconds=5 * 2**tried)
    assert await hooked.queued() is None
    assert set(await hooked.counts()) == {inbox.State.GIVEN_UP}


async def test_what_was_answered_is_forgotten_after_a_week(hook: Hook) -> None:
    hooked = await hook(pages=6)
    hooked.world.update_page(hooked.row(), properties={"title": plain("x")})
    await hooked.refresh()
    await refreshing.forget_old(hooked.app)
    assert await hooked.counts() != {}
    hooked.pulling.pass_time(days=8)
    await refreshing.forget_old(hooked.app)
    assert await hooked.counts() == {}


async def test_a_workspace_on_an_old_version_is_refreshed_as_well(hook: Hook) -> None:
    hooked = await hook(version=Version("2022-06-28"), pages=12)
    hooked.there.api_version = "2022-06-28"
    hooked.world.update_page(hooked.row(), properties={"title": plain("Old")})
    await hooked.refresh()
    assert (await hooked.pulling.pages())[hooked.row().id].title == "Old"


async def test_a_comment_has_the_comments_of_its_page_listed_where_they_are_wanted(hook: Hook) -> None:
    hooked = await hook(request=Request(comments=True), pages=6)
    page = hooked.row()
    comment = hooked.world.add_comment(page, plain("Well said"))
    await hooked.refresh()
    assert comment.id in await hooked.pulling.held(Kind.COMMENT)
    assert hooked.pulling.asked() == hooked.pulling.asked("comments") == 1


async def test_a_comment_costs_nothing_where_comments_are_not_read(hook: Hook) -> None:
    hooked = await hook(pages=6)
    hooked.world.add_comment(hooked.row(), plain("Well said"))
    await hooked.refresh()
    assert hooked.pulling.asked() == 0
    assert await hooked.pulling.held(Kind.COMMENT) == {}


async def test_an_event_about_a_page_outside_the_selection_brings_nothing_in(hook: Hook) -> None:
    hooked = await hook(pages=12)
    row = hooked.row()
    async with hooked.app.database.begin() as conn:
        await preferences.put(conn, HOME, Preferences(SyncScope.ALL, (), (row.parent_id,)))
    await hooked.pulling.pull()
    assert row.id not in await hooked.pulling.pages()
    hooked.world.update_page(row, properties={"title": plain("Outside")})
    hooked.world.add_block(row, "paragraph", paragraph("secret"))
    hooked.world.content_updated(row)
    await hooked.refresh()
    assert row.id not in await hooked.pulling.pages()
    assert row.id not in await hooked.pulling.documents()
    assert hooked.pulling.asked("/children") == 0


async def test_a_schema_told_by_a_subscription_of_the_old_version_is_read(hook: Hook) -> None:
    hooked = await hook(pages=12)
    hooked.there.api_version = "2022-06-28"
    source = hooked.world.data_sources[hooked.row().parent_id]
    added = {"id": "xyzw", "name": "Added later", "type": "number", "number": {"format": "number"}}
    hooked.world.change_schema(source, {**source.properties, "xyzw": added})
    await hooked.refresh()
    held = await hooked.pulling.held(Kind.DATA_SOURCE)
    assert "Added later" in held[source.id].data["properties"]
