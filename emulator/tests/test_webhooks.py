import hashlib
import hmac
import json
from typing import Any
from urllib.parse import unquote

import pytest

from notion_emulator import Emulator
from notion_emulator.webhook_events import EVENTS
from notion_emulator.webhooks import Subscription


class Receiver:
    """Keeps what it is sent and answers what it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        self.got.append((headers, body))
        return self.statuses.pop(0) if self.statuses else 200

    @property
    def events(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got[1:]]


@pytest.fixture
def receiver(emulator: Emulator) -> Receiver:
    found = Receiver()
    emulator.webhooks.post = found.post
    return found


@pytest.fixture
async def subscription(emulator: Emulator, receiver: Receiver) -> Subscription:
    emulator.clock.freeze()
    return await emulator.webhooks.subscribe("https://example.com/hook")


async def later(emulator: Emulator, seconds: float = 2) -> None:
    emulator.clock.advance(seconds)
    await emulator.webhooks.deliver()


async def test_the_handshake_is_signed_with_its_token(receiver: Receiver, subscription: Subscription) -> None:
    ((headers, body),) = receiver.got
    token = json.loads(body)["verification_token"]
    assert token.startswith("secret_")
    assert (
        headers["x-notion-signature"]
        == "sha256=" + hmac.new(token.encode(), body, hashlib.sha256).hexdigest()
    )
    assert subscription.active


async def test_a_receiver_that_refuses_the_handshake_hears_nothing(
    emulator: Emulator, receiver: Receiver, ask: Any
) -> None:
    receiver.statuses = [404]
    one = await emulator.webhooks.subscribe("https://example.com/hook")
    assert not one.active
    ask.page()
    await later(emulator)
    assert receiver.events == []
    with pytest.raises(ValueError, match="another one"):
        emulator.webhooks.confirm(one, "secret_x")


async def test_an_event_names_what_happened_and_who_did_it(
    emulator: Emulator, receiver: Receiver, subscription: Subscription, ask: Any
) -> None:
    page = ask.page()["id"]
    await later(emulator)
    made = next(one for one in receiver.events if one["type"] == "page.created")
    assert list(made) == [
        "id", "timestamp", "workspace_id", "workspace_name", "subscription_id", "integration_id", "type", "authors", "attempt_number",
        "api_version", "entity", "data",
    ]  # fmt: skip
    assert made["entity"] == {"id": page, "type": "page"}
    assert made["data"]["parent"] == {"id": emulator.root_page_id, "type": "page"}
    assert made["authors"] == [{"id": emulator.connection.bot_id, "type": "bot"}]


async def test_a_burst_of_edits_is_one_event(
    emulator: Emulator, receiver: Receiver, subscription: Subscription, ask: Any
) -> None:
    source = ask.table({"A": {"number": {}}, "B": {"number": {}}})
    row = ask.row(source)["id"]
    await later(emulator)
    receiver.got[1:] = []
    for name in ("A", "B", "A"):
        ask("PATCH", f"/pages/{row}", {"properties": {name: {"number": 1}}})
    await emulator.webhooks.deliver()
    assert receiver.events == []
    await later(emulator)
    (event,) = receiver.events
    ids = [source["properties"][name]["id"] for name in ("A", "B")]
    assert event["type"] == "page.properties_updated"
    assert event["data"]["updated_properties"] == [unquote(id) for id in ids]
    assert event["data"]["parent"] == {
        "id": source["parent"]["database_id"],
        "type": "database",
        "data_source_id": source["id"],
    }


async def test_what_is_made_and_gone_in_one_window_is_not_told(
    emulator: Emulator, receiver: Receiver, subscription: Subscription, ask: Any
) -> None:
    page = ask.page()["id"]
    ask("PATCH", f"/pages/{page}", {"in_trash": True})
    await later(emulator)
    assert not [
        one
        for one in receiver.events
        if one["entity"]["id"] == page and one["type"] in ("page.created", "page.deleted")
    ]


async def test_a_failed_delivery_is_tried_eight_times(
    emulator: Emulator, receiver: Receiver, subscription: Subscription, ask: Any
) -> None:
    subscription.events = frozenset({"page.created"})
    receiver.statuses = [500] * 20
    ask.page()
    for _ in range(12):
        await later(emulator, 43_200)
    assert [one["attempt_number"] for one in receiver.events] == list(range(1, 9))
    assert len({one["id"] for one in receiver.events}) == 1
    assert emulator.webhooks.deliveries == []


async def test_a_recovered_receiver_is_not_told_again(
    emulator: Emulator, receiver: Receiver, subscription: Subscription, ask: Any
) -> None:
    subscription.events = frozenset({"page.created"})
    receiver.statuses = [0, 503]
    ask.page()
    for _ in range(6):
        await later(emulator, 3600)
    assert [one["attempt_number"] for one in receiver.events] == [1, 2, 3]


async def test_events_may_come_twice_and_in_another_order(
    emulator: Emulator, receiver: Receiver, subscription: Subscription, ask: Any
) -> None:
    subscription.events = frozenset({"page.created"})
    emulator.webhooks.duplicates, emulator.webhooks.reorder = 1.0, True
    pages = [ask.page(str(n))["id"] for n in range(10)]
    await later(emulator)
    got = [one["entity"]["id"] for one in receiver.events]
    assert sorted(got) == sorted(pages * 2)
    assert got != [id for id in pages for _ in range(2)]
    assert len({one["id"] for one in receiver.events}) == 10


async def test_only_what_the_connection_may_see_is_told(
    emulator: Emulator, receiver: Receiver, subscription: Subscription, ask: Any, text: Any
) -> None:
    page = ask.page()["id"]
    await later(emulator)
    receiver.got[1:] = []
    emulator.world.unshare(emulator.connection, page)
    emulator.world.update_page(emulator.world.pages[page], is_locked=True)
    emulator.connection.capabilities -= {"read_comments"}
    emulator.world.add_comment(emulator.world.pages[emulator.root_page_id], [])
    await later(emulator)
    assert receiver.events == []


async def test_comments_and_locks_are_told_at_once(
    emulator: Emulator, receiver: Receiver, subscription: Subscription, ask: Any, text: Any
) -> None:
    page = ask.page()["id"]
    await later(emulator)
    receiver.got[1:] = []
    made = ask("POST", "/comments", {"parent": {"page_id": page}, "rich_text": text("x")})
    ask("PATCH", f"/pages/{page}", {"is_locked": True})
    await emulator.webhooks.deliver()
    assert [one["type"] for one in receiver.events] == ["comment.created", "page.locked"]
    assert receiver.events[0]["data"] == {"page_id": page, "parent": {"id": page, "type": "page"}}
    assert receiver.events[0]["entity"] == {"id": made["id"], "type": "comment"}


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2026-03-11", {"data_source.schema_updated", "data_source.content_updated"}),
        ("2022-06-28", {"database.schema_updated", "database.content_updated"}),
    ],
)
async def test_old_subscriptions_hear_of_databases(
    emulator: Emulator,
    receiver: Receiver,
    subscription: Subscription,
    ask: Any,
    version: str,
    expected: set[str],
) -> None:
    source = ask.table()
    await later(emulator)
    receiver.got[1:] = []
    subscription.api_version = version
    ask.row(source)
    ask("PATCH", f"/data_sources/{source['id']}", {"properties": {"New": {"checkbox": {}}}})
    await later(emulator)
    told = {one["type"]: one for one in receiver.events if not one["type"].startswith("page.")}
    assert set(told) == expected
    entity = source["id"] if version == "2026-03-11" else source["parent"]["database_id"]
    assert {one["entity"]["id"] for one in told.values()} == {entity}
    changed = next(one for name, one in told.items() if "schema" in name)["data"]["updated_properties"]
    assert [(one["name"], one["action"]) for one in changed] == [("New", "created")]


async def test_views_and_uploads_have_events(
    emulator: Emulator, receiver: Receiver, subscription: Subscription, ask: Any
) -> None:
    source = ask.table()
    body = {
        "data_source_id": source["id"],
        "database_id": source["parent"]["database_id"],
        "name": "V",
        "type": "list",
    }
    view = ask("POST", "/views", body)["id"]
    await later(emulator)
    ask("PATCH", f"/views/{view}", {"name": "W"})
    ask("POST", "/file_uploads", {"filename": "x"})
    await later(emulator)
    told = {one["type"]: one.get("data") for one in receiver.events}
    assert told["view.created"]["view_type"] == "list"
    assert told["view.updated"]["updated_fields"] == ["name"]
    assert told["file_upload.created"] is None


def _notes(emulator: Emulator, ask: Any) -> None:
    page = emulator.world.pages[ask.page()["id"]]
    notes = emulator.world.add_block(page, "meeting_notes", {"title": [], "children": {}})
    transcript = emulator.world.add_block(notes, "paragraph", {"rich_text": []})
    notes.content = {**notes.content, "children": {"transcript_block_id": transcript.id}}
    ask("DELETE", f"/blocks/{transcript.id}")


def _comment(emulator: Emulator, ask: Any, method: str, body: Any = None) -> None:
    made = ask("POST", "/comments", {"parent": {"page_id": emulator.root_page_id}, "rich_text": []})["id"]
    ask(method, f"/comments/{made}", body)


def _upload(emulator: Emulator, ask: Any, status: str) -> None:
    made = ask("POST", "/file_uploads", {"filename": "a.txt"})["id"]
    if status == "expired":
        emulator.clock.advance(3601)
        ask("GET", f"/file_uploads/{made}")
    else:
        form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nx\r\n--b--\r\n'
        ask.raw("POST", f"/file_uploads/{made}/send", form, content_type="multipart/form-data; boundary=b")


def _view(emulator: Emulator, ask: Any) -> str:
    source = ask.table()
    body = {
        "data_source_id": source["id"],
        "database_id": source["parent"]["database_id"],
        "name": "V",
        "type": "list",
    }
    return str(ask("POST", "/views", body)["id"])


def _page(change: Any) -> Any:
    def act(emulator: Emulator, ask: Any) -> None:
        ask("PATCH", f"/pages/{ask.page()['id']}", change)

    return act


def _source(change: Any, kind: str = "data_sources") -> Any:
    def act(emulator: Emulator, ask: Any) -> None:
        source = ask.table()
        id = source["id"] if kind == "data_sources" else source["parent"]["database_id"]
        for one in change if isinstance(change, list) else [change]:
            ask("PATCH", f"/{kind}/{id}", one)

    return act


TRASHED, RESTORED = {"in_trash": True}, {"in_trash": False}
HAPPENINGS: dict[str, Any] = {
    "page.created": lambda emulator, ask: ask.page(),
    "page.deleted": _page(TRASHED),
    "page.undeleted": lambda emulator, ask: (id := ask.page()["id"], ask("PATCH", f"/pages/{id}", TRASHED), ask("PATCH", f"/pages/{id}", RESTORED)),
    "page.moved": lambda emulator, ask: ask("POST", f"/pages/{ask.page()['id']}/move", {"parent": {"page_id": ask.page()["id"]}}),
    "page.locked": _page({"is_locked": True}),
    "page.unlocked": _page({"is_locked": False}),
    "page.content_updated": lambda emulator, ask: ask.append(ask.page()["id"], {"divider": {}}),
    "page.properties_updated": _page({"icon": {"emoji": "x"}}),
    "page.transcription_block.transcript_deleted": _notes,
    "database.created": lambda emulator, ask: ask.table(),
    "database.deleted": _source(TRASHED, "databases"),
    "database.undeleted": _source([TRASHED, RESTORED], "databases"),
    "database.moved": lambda emulator, ask: ask("PATCH", f"/databases/{ask.table()['parent']['database_id']}", {"parent": {"page_id": ask.page()["id"]}}),
    "data_source.created": lambda emulator, ask: ask.table(),
    "data_source.deleted": _source(TRASHED),
    "data_source.undeleted": _source([TRASHED, RESTORED]),
    "data_source.moved": lambda emulator, ask: ask("PATCH", f"/data_sources/{ask.table()['id']}", {"parent": {"database_id": ask.table()["parent"]["database_id"]}}),
    "data_source.content_updated": lambda emulator, ask: ask.row(ask.table()),
    "data_source.schema_updated": _source({"properties": {"X": {"checkbox": {}}}}),
    "database.content_updated": lambda emulator, ask: ask.row(ask.table()),
    "database.schema_updated": _source({"properties": {"X": {"checkbox": {}}}}),
    "comment.created": lambda emulator, ask: ask("POST", "/comments", {"parent": {"page_id": emulator.root_page_id}, "rich_text": []}),
    "comment.updated": lambda emulator, ask: _comment(emulator, ask, "PATCH", {"rich_text": []}),
    "comment.deleted": lambda emulator, ask: _comment(emulator, ask, "DELETE"),
    "view.created": _view,
    "view.updated": lambda emulator, ask: ask("PATCH", f"/views/{_view(emulator, ask)}", {"name": "W"}),
    "view.deleted": lambda emulator, ask: ask("DELETE", f"/views/{_view(emulator, ask)}"),
    "file_upload.created": lambda emulator, ask: _upload(emulator, ask, "uploaded"),
    "file_upload.completed": lambda emulator, ask: _upload(emulator, ask, "uploaded"),
    "file_upload.expired": lambda emulator, ask: _upload(emulator, ask, "expired"),
}  # fmt: skip


def test_every_event_but_one_happens_below() -> None:
    assert set(EVENTS) - set(HAPPENINGS) == {"file_upload.upload_failed"}  # over TCP, in test_server


@pytest.mark.parametrize("name", HAPPENINGS)
async def test_each_event_is_told_when_it_happens(
    emulator: Emulator, receiver: Receiver, subscription: Subscription, ask: Any, name: str
) -> None:
    if name.startswith("database.") and name.endswith("_updated"):
        subscription.api_version = "2022-06-28"
    emulator.webhooks.window = 0
    HAPPENINGS[name](emulator, ask)
    await later(emulator)
    told = [one for one in receiver.events if one["type"] == name]
    assert len(told) == 1 or name == "page.content_updated"
    assert told[0]["entity"]["id"]
