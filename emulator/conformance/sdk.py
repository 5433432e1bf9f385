"""Every method of the Python SDK (notion-client) against an emulator.

    python sdk.py <url> <token> <root page id> <notion version>

Prints one JSON object: {"steps": {name: null or what failed}, "called": [...], "methods": [...]}. It runs in an
environment of its own, which has notion-client and nothing of the emulator.
"""

import asyncio
import io
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any
from urllib.request import urlopen

from notion_client import APIResponseError, AsyncClient, Client, helpers

URL, TOKEN, ROOT, VERSION = sys.argv[1:5]
client = Client(auth=TOKEN, base_url=URL, notion_version=VERSION)
called: set[str] = set()
methods: list[str] = []
made: dict[str, Any] = {}
steps: dict[str, str | None] = {}


class Watched:
    """An endpoint group, noting which of its methods are called."""

    def __init__(self, endpoint: Any, path: str) -> None:
        for name in dir(endpoint):
            if name.startswith("_") or name == "parent":
                continue
            value, full = getattr(endpoint, name), f"{path}.{name}"
            if callable(value) and not hasattr(value, "parent"):
                methods.append(full)
                setattr(self, name, noted(value, full))
            elif hasattr(value, "parent"):
                setattr(self, name, Watched(value, full))


def noted(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def call(*given: Any, **named: Any) -> Any:
        called.add(name)
        return function(*given, **named)

    return call


class Notion:
    """The client, watched."""

    users = Watched(client.users, "users")
    pages = Watched(client.pages, "pages")
    blocks = Watched(client.blocks, "blocks")
    databases = Watched(client.databases, "databases")
    data_sources = Watched(client.data_sources, "data_sources")
    views = Watched(client.views, "views")
    comments = Watched(client.comments, "comments")
    file_uploads = Watched(client.file_uploads, "file_uploads")
    custom_emojis = Watched(client.custom_emojis, "custom_emojis")
    oauth = Watched(client.oauth, "oauth")
    search = staticmethod(noted(client.search, "search"))


notion: Any = Notion
methods.append("search")
if hasattr(client, "async_tasks"):
    notion.async_tasks = Watched(client.async_tasks, "async_tasks")


def step(run: Callable[[], None]) -> None:
    """Run one part of the scenario at once; a failure is told and does not stop the rest."""
    try:
        run()
    except Exception:  # whatever it is, it is the result
        steps[run.__name__] = traceback.format_exc(limit=-2)
    else:
        steps[run.__name__] = None


def text(content: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": {"content": content}}]


def plain(items: list[dict[str, Any]]) -> str:
    return "".join(item["plain_text"] for item in items)


def refused(call: Callable[[], Any], code: str, status: int) -> None:
    refusal = None
    try:
        call()
    except APIResponseError as error:
        refusal = error
    assert refusal is not None, f"not refused with {code}"
    assert str(getattr(refusal.code, "value", refusal.code)) == code
    assert refusal.status == status
    assert refusal.request_id


@step
def users() -> None:
    me = notion.users.me()
    assert me["type"] == "bot"
    assert all(helpers.is_full_user(one) for one in notion.users.list()["results"])
    assert notion.users.retrieve(me["id"])["id"] == me["id"]


@step
def pages() -> None:
    page = made["page"] = notion.pages.create(
        parent={"page_id": ROOT}, properties={"title": {"title": text("Python page")}},
        children=[{"paragraph": {"rich_text": text("first")}}],
    )  # fmt: skip
    assert helpers.is_full_page(page)
    assert plain(notion.pages.retrieve(page["id"])["properties"]["title"]["title"]) == "Python page"
    updated = notion.pages.update(page["id"], icon={"type": "emoji", "emoji": "🐍"})
    assert updated["icon"]["emoji"] == "🐍"
    item = notion.pages.properties.retrieve(page["id"], "title")
    assert item["results"][0]["title"]["plain_text"] == "Python page"
    other = notion.pages.create(parent={"page_id": ROOT}, properties={"title": {"title": text("Moving")}})
    assert notion.pages.move(other["id"], parent={"page_id": page["id"]})["parent"]["page_id"] == page["id"]


@step
def blocks() -> None:
    page = made["page"]["id"]
    appended = notion.blocks.children.append(
        page,
        children=[
            {"toggle": {"rich_text": text("Toggle"), "children": [{"divider": {}}]}},
            {"to_do": {"rich_text": text("Task")}},
        ],
    )["results"]
    assert all(helpers.is_full_block(one) for one in appended)
    assert notion.blocks.update(appended[1]["id"], to_do={"checked": True})["to_do"]["checked"]
    listed = helpers.collect_paginated_api(notion.blocks.children.list, block_id=page, page_size=2)
    assert [one["type"] for one in listed] == ["paragraph", "child_page", "toggle", "to_do"]
    assert notion.blocks.delete(appended[1]["id"])["in_trash"]
    assert notion.blocks.retrieve(appended[1]["id"])["in_trash"]
    refused(
        lambda: notion.blocks.children.append(page, children=[{"divider": {}}] * 101), "validation_error", 400
    )


@step
def markdown() -> None:
    page = made["page"]["id"]
    assert "first" in notion.pages.retrieve_markdown(page)["markdown"]
    written = notion.pages.update_markdown(
        page, type="insert_content", insert_content={"content": "## Section\n\nText."}
    )
    assert written["markdown"].endswith("## Section\nText.")


@step
def databases() -> None:
    schema = {"Name": {"title": {}}, "Amount": {"number": {"format": "number"}}, "Tags": {"multi_select": {}}}
    database = made["database"] = notion.databases.create(
        parent={"type": "page_id", "page_id": ROOT},
        title=text("Python base"),
        initial_data_source={"properties": schema},
    )
    assert helpers.is_full_database(database)
    made["source"] = database["data_sources"][0]["id"]
    assert notion.databases.retrieve(database["id"])["id"] == database["id"]
    renamed = notion.databases.update(database["id"], title=text("Renamed"))
    assert plain(renamed["title"]) == "Renamed"


@step
def data_sources() -> None:
    source = made["source"]
    assert helpers.is_full_data_source(notion.data_sources.retrieve(source))
    changed = notion.data_sources.update(source, properties={"Notes": {"rich_text": {}}})
    assert "Notes" in changed["properties"]
    for number in range(5):
        tags = [{"name": "even" if number % 2 == 0 else "odd"}]
        notion.pages.create(
            parent={"data_source_id": source},
            properties={
                "Name": {"title": text(str(number))},
                "Amount": {"number": number},
                "Tags": {"multi_select": tags},
            },
        )
    found = notion.data_sources.query(
        source,
        filter={"property": "Tags", "multi_select": {"contains": "even"}},
        sorts=[{"property": "Amount", "direction": "ascending"}],
    )
    assert [row["properties"]["Amount"]["number"] for row in found["results"]] == [0, 2, 4]
    rows = list(helpers.iterate_paginated_api(notion.data_sources.query, data_source_id=source, page_size=2))
    assert [plain(row["properties"]["Name"]["title"]) for row in rows] == ["4", "3", "2", "1", "0"]
    second = notion.data_sources.create(
        parent={"database_id": made["database"]["id"]}, properties={"T": {"title": {}}}, title=text("2")
    )
    assert second["object"] == "data_source"
    assert notion.data_sources.list_templates(source)["templates"] == []
    assert (
        helpers.collect_data_source_templates(notion.data_sources.list_templates, data_source_id=source) == []
    )


@step
def views() -> None:
    view = notion.views.create(
        database_id=made["database"]["id"], data_source_id=made["source"], name="Large", type="table",
        filter={"property": "Amount", "number": {"greater_than": 2}},
    )  # fmt: skip
    assert helpers.is_full_view(view)
    assert notion.views.retrieve(view["id"])["name"] == "Large"
    assert notion.views.update(view["id"], name="Larger")["name"] == "Larger"
    assert any(
        one["id"] == view["id"] for one in notion.views.list(database_id=made["database"]["id"])["results"]
    )
    query = notion.views.queries.create(view["id"])
    assert query["total_count"] == 2
    assert len(notion.views.queries.results(view["id"], query["id"])["results"]) == 2
    assert notion.views.queries.delete(view["id"], query["id"])["deleted"]
    assert notion.views.delete(view["id"])["id"] == view["id"]


@step
def search() -> None:
    found = notion.search(query="Python", filter={"property": "object", "value": "page"})["results"]
    assert any(one["id"] == made["page"]["id"] for one in found)
    assert all(
        helpers.is_full_page_or_data_source(one)
        for one in helpers.collect_paginated_api(notion.search, page_size=3)
    )


@step
def comments() -> None:
    page = made["page"]["id"]
    first = notion.comments.create(parent={"page_id": page}, rich_text=text("Remark"))
    assert [plain(one["rich_text"]) for one in notion.comments.list(block_id=page)["results"]] == ["Remark"]
    assert notion.comments.retrieve(first["id"])["id"] == first["id"]
    assert plain(notion.comments.update(first["id"], rich_text=text("Better"))["rich_text"]) == "Better"
    assert notion.comments.delete(first["id"])["id"] == first["id"]


@step
def file_uploads() -> None:
    upload = notion.file_uploads.create(filename="note.txt", content_type="text/plain")
    sent = notion.file_uploads.send(upload["id"], file=("note.txt", io.BytesIO(b"hello"), "text/plain"))
    assert (sent["status"], sent["content_length"]) == ("uploaded", 5)
    assert notion.file_uploads.retrieve(upload["id"])["status"] == "uploaded"
    page = notion.pages.update(
        made["page"]["id"], cover={"type": "file_upload", "file_upload": {"id": upload["id"]}}
    )
    with urlopen(page["cover"]["file"]["url"]) as answer:
        assert answer.read() == b"hello"
    parts = notion.file_uploads.create(
        mode="multi_part", number_of_parts=1, filename="big.bin", content_type="application/octet-stream"
    )
    notion.file_uploads.send(
        parts["id"], file=("big.bin", io.BytesIO(b"0" * 10), "application/octet-stream"), part_number="1"
    )
    assert notion.file_uploads.complete(parts["id"])["status"] == "uploaded"
    assert notion.file_uploads.list(status="uploaded")["results"]


@step
def custom_emojis() -> None:
    assert notion.custom_emojis.list()["results"] == []


@step
def meeting_notes() -> None:
    assert notion.blocks.meeting_notes.query(limit=5)["results"] == []


@step
def errors() -> None:
    refused(lambda: notion.pages.retrieve("00000000-0000-0000-0000-000000000000"), "object_not_found", 404)
    refused(lambda: client.request("nowhere", "GET"), "invalid_request_url", 400)
    stranger = Client(auth="ntn_wrong", base_url=URL, notion_version=VERSION)
    refused(stranger.users.me, "unauthorized", 401)


async def _concurrently() -> None:
    async with AsyncClient(auth=TOKEN, base_url=URL, notion_version=VERSION) as other:
        read = await asyncio.gather(*(other.pages.retrieve(made["page"]["id"]) for _ in range(20)))
        assert {one["id"] for one in read} == {made["page"]["id"]}
        rows = await helpers.async_collect_paginated_api(
            other.data_sources.query, data_source_id=made["source"], page_size=2
        )
        assert len(rows) == 5


@step
def async_client() -> None:
    asyncio.run(_concurrently())


if os.environ.get("CODE"):

    @step
    def oauth() -> None:
        app = {"client_id": os.environ["CLIENT_ID"], "client_secret": os.environ["CLIENT_SECRET"]}
        granted = notion.oauth.token(**app, grant_type="authorization_code", code=os.environ["CODE"])
        assert granted["token_type"] == "bearer"
        assert notion.oauth.introspect(**app, token=granted["access_token"])["active"]
        notion.oauth.revoke(**app, token=granted["access_token"])
        assert not notion.oauth.introspect(**app, token=granted["access_token"])["active"]


print(json.dumps({"steps": steps, "called": sorted(called), "methods": sorted(methods)}))
