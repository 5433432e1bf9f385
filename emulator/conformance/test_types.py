"""The answers are of the types that Notion publishes: TypeScript checks them against the official SDK's.

Every kind of answer about the sample workspace is written into a program as a literal of the type that the SDK declares
for the operation; the compiler refuses missing keys, wrong values and keys that nobody declared. The types describe
2025-09-03 (``archived`` is there) and end in August 2026.
"""

import asyncio
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from emulator.conformance.environments import FOLDER, missing_npm, node_script, run

from notion_emulator import Emulator, World, sample
from notion_emulator.objects import Block
from notion_emulator.service import Request, respond

Json = dict[str, Any]
Typed = tuple[str, Any]

OPTIONS = (
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "--target",
    "es2022",
    "--module",
    "nodenext",
    "--pretty",
    "false",
)


class Asker:
    """Asks the sample workspace; all answers are successes."""

    def __init__(self) -> None:
        self.world = World("Sample workspace")
        self.world.connect("Reader")
        sample.populate(self.world)
        self.emulator = Emulator(world=self.world)

    def __call__(self, method: str, path: str, body: Json | None = None, *, status: int = 200) -> Any:
        path, _, query = path.partition("?")
        headers = {"authorization": f"Bearer {self.emulator.token}", "notion-version": "2025-09-03"}
        content = b"" if body is None else json.dumps(body).encode()
        answer = respond(self.emulator, Request(method, f"/v1{path}", query, headers, content))
        assert answer.status == status, answer.body
        return known(json.loads(answer.body))


def known(answer: Any) -> Any:
    """An answer without what recordings show and the published types do not know."""
    if isinstance(answer, list):
        return [known(one) for one in answer]
    if not isinstance(answer, dict):
        return answer
    newer = {"request_id", "email_verified"} | ({"has_more"} if answer.get("type") == "relation" else set())
    return {key: known(one) for key, one in answer.items() if key not in newer and not _undeclared(one)}


def _undeclared(one: Any) -> bool:
    """A schema entry of a type that is missing from the published union of data source properties."""
    schema = isinstance(one, dict) and "name" in one and "description" in one
    return schema and one.get("type") in ("button", "place", "verification")


def reads(ask: Asker) -> Iterator[Typed]:
    world = ask.world
    yield "GetSelfResponse", ask("GET", "/users/me")
    yield "ListUsersResponse", ask("GET", "/users")
    yield "GetUserResponse", ask("GET", f"/users/{next(iter(world.users))}")
    yield "SearchResponse", ask("POST", "/search", {})
    yield "ListCustomEmojisResponse", ask("GET", "/custom_emojis")
    for database in world.databases:
        yield "GetDatabaseResponse", ask("GET", f"/databases/{database}")
    for source in world.data_sources:
        yield "GetDataSourceResponse", ask("GET", f"/data_sources/{source}")
        yield "QueryDataSourceResponse", ask("POST", f"/data_sources/{source}/query", {})
        yield "ListDataSourceTemplatesResponse", ask("GET", f"/data_sources/{source}/templates")
        yield "ListDatabaseViewsResponse", ask("GET", f"/views?data_source_id={source}")
    for view in world.views:
        yield "GetViewResponse", ask("GET", f"/views/{view}")
    for page in world.pages:
        yield "GetPageResponse", ask("GET", f"/pages/{page}")
        yield "ListBlockChildrenResponse", ask("GET", f"/blocks/{page}/children")
        yield "GetPageMarkdownResponse", ask("GET", f"/pages/{page}/markdown")
    for block in [node for node in world.nodes.values() if isinstance(node, Block)]:
        yield "GetBlockResponse", ask("GET", f"/blocks/{block.id}")
    for parent in world.comments_on:
        yield "ListCommentsResponse", ask("GET", f"/comments?block_id={parent}")


def properties(ask: Asker) -> Iterator[Typed]:
    for source in ask.world.data_sources.values():
        row = next(ask.world.rows(source))
        for key in source.properties:
            yield "GetPagePropertyResponse", ask("GET", f"/pages/{row.id}/properties/{quote(key, safe='')}")


def writes(ask: Asker) -> Iterator[Typed]:
    home = ask.emulator.root_page_id
    text = [{"text": {"content": "x"}}]
    page = ask("POST", "/pages", {"parent": {"page_id": home}, "properties": {"title": text}})
    yield "CreatePageResponse", page
    yield (
        "UpdatePageResponse",
        ask("PATCH", f"/pages/{page['id']}", {"icon": {"type": "emoji", "emoji": "🏮"}}),
    )
    children = [
        {"toggle": {"rich_text": text, "children": [{"divider": {}}]}},
        {"bookmark": {"url": "https://example.com"}},
    ]
    appended = ask("PATCH", f"/blocks/{page['id']}/children", {"children": children})
    yield "AppendBlockChildrenResponse", appended
    block = appended["results"][0]["id"]
    yield "UpdateBlockResponse", ask("PATCH", f"/blocks/{block}", {"toggle": {"rich_text": text}})
    yield "DeleteBlockResponse", ask("DELETE", f"/blocks/{block}")
    insert = {"type": "insert_content", "insert_content": {"content": "a"}}
    yield "UpdatePageMarkdownResponse", ask("PATCH", f"/pages/{page['id']}/markdown", insert)
    comment = ask("POST", "/comments", {"parent": {"page_id": page["id"]}, "rich_text": text})
    yield "CreateCommentResponse", comment
    yield "GetCommentResponse", ask("GET", f"/comments/{comment['id']}")
    yield "UpdateCommentResponse", ask("PATCH", f"/comments/{comment['id']}", {"rich_text": text})
    yield "DeleteCommentResponse", ask("DELETE", f"/comments/{comment['id']}")
    other = ask("POST", "/pages", {"parent": {"page_id": home}, "properties": {"title": text}})["id"]
    yield "MovePageResponse", ask("POST", f"/pages/{page['id']}/move", {"parent": {"page_id": other}})
    later = f"/pages/{other}/markdown"
    task = ask("PATCH", later, {**insert, "allow_async": True}, status=202)
    for _ in range(3):
        yield "GetAsyncTaskResponse", ask("GET", f"/async_tasks/{task['id']}")
        ask.emulator.clock.advance(1.5)
    upload = ask("POST", "/file_uploads", {"filename": "a.txt"})
    yield "CreateFileUploadResponse", upload
    yield "GetFileUploadResponse", ask("GET", f"/file_uploads/{upload['id']}")
    yield "ListFileUploadsResponse", ask("GET", "/file_uploads")


def schemas(ask: Asker) -> Iterator[Typed]:
    parent = {"type": "page_id", "page_id": ask.emulator.root_page_id}
    database = ask(
        "POST", "/databases", {"parent": parent, "initial_data_source": {"properties": {"N": {"title": {}}}}}
    )
    yield "CreateDatabaseResponse", database
    yield "UpdateDatabaseResponse", ask("PATCH", f"/databases/{database['id']}", {"is_inline": True})
    made = {
        "parent": {"database_id": database["id"]},
        "properties": {"N": {"title": {}}, "S": {"status": {}}},
    }
    source = ask("POST", "/data_sources", made)
    yield "CreateDataSourceResponse", source
    changed = ask("PATCH", f"/data_sources/{source['id']}", {"properties": {"D": {"date": {}}}})
    yield "UpdateDataSourceResponse", changed
    wanted = {"database_id": database["id"], "data_source_id": source["id"], "name": "V", "type": "table"}
    view = ask("POST", "/views", wanted)
    yield "CreateViewResponse", view
    query = ask("POST", f"/views/{view['id']}/queries", {})
    yield "CreateViewQueryResponse", query
    yield "GetViewQueryResultsResponse", ask("GET", f"/views/{view['id']}/queries/{query['id']}")
    yield "DeleteViewQueryResponse", ask("DELETE", f"/views/{view['id']}/queries/{query['id']}")
    yield "UpdateViewResponse", ask("PATCH", f"/views/{view['id']}", {"name": "W"})
    yield "DeleteViewResponse", ask("DELETE", f"/views/{view['id']}")


def webhooks(ask: Asker) -> Iterator[Typed]:
    """What a receiver is sent for one action after another, each after the time of aggregation."""
    hooks, sent = ask.emulator.webhooks, list[bytes]()

    async def post(_url: str, _headers: dict[str, str], body: bytes) -> int:
        sent.append(body)
        return 200

    hooks.post = post
    hook = hooks.add("https://receiver.example/", api_version="2025-09-03")
    hooks.confirm(hook, hook.verification_token)
    for _ in actions(ask):
        ask.emulator.clock.advance(300)
        asyncio.run(hooks.deliver())
    for body in sent:
        event = json.loads(body)
        yield "".join(part.title() for part in re.split(r"[._]", event["type"])) + "WebhookPayload", event


def actions(ask: Asker) -> Iterator[Any]:
    home = ask.emulator.root_page_id
    text = [{"text": {"content": "x"}}]
    page, other = (
        ask("POST", "/pages", {"parent": {"page_id": home}, "properties": {"title": text}})["id"]
        for _ in range(2)
    )
    yield page
    yield ask("PATCH", f"/pages/{page}", {"properties": {"title": text}})
    yield ask("PATCH", f"/pages/{page}", {"is_locked": True})
    yield ask("PATCH", f"/pages/{page}", {"is_locked": False})
    yield ask("PATCH", f"/blocks/{page}/children", {"children": [{"divider": {}}]})
    yield ask("POST", f"/pages/{page}/move", {"parent": {"page_id": other}})
    comment = ask("POST", "/comments", {"parent": {"page_id": page}, "rich_text": text})["id"]
    yield comment
    yield ask("PATCH", f"/comments/{comment}", {"rich_text": text})
    yield ask("DELETE", f"/comments/{comment}")
    parent = {"type": "page_id", "page_id": home}
    database = ask(
        "POST", "/databases", {"parent": parent, "initial_data_source": {"properties": {"N": {"title": {}}}}}
    )["id"]
    yield database
    wanted = {"parent": {"database_id": database}, "properties": {"N": {"title": {}}}}
    source = ask("POST", "/data_sources", wanted)["id"]
    yield source
    yield ask("PATCH", f"/data_sources/{source}", {"properties": {"D": {"date": {}}}})
    asked = {"database_id": database, "data_source_id": source, "name": "V", "type": "table"}
    view = ask("POST", "/views", asked)["id"]
    yield view
    yield ask("PATCH", f"/views/{view}", {"name": "W"})
    yield ask("DELETE", f"/views/{view}")
    yield ask("PATCH", f"/data_sources/{source}", {"in_trash": True})
    yield ask("PATCH", f"/data_sources/{source}", {"in_trash": False})
    yield ask("PATCH", f"/databases/{database}", {"parent": {"type": "page_id", "page_id": other}})
    yield ask("PATCH", f"/databases/{database}", {"in_trash": True})
    yield ask("PATCH", f"/databases/{database}", {"in_trash": False})
    yield ask("DELETE", f"/blocks/{page}")
    yield ask("PATCH", f"/pages/{page}", {"in_trash": False})
    yield ask("POST", "/file_uploads", {"filename": "a.txt"})


def problems(typed: list[Typed]) -> list[str]:
    """What the compiler says, each line with the kind of answer that it is about."""
    node_script("sdk.mjs")
    (FOLDER / ".venv").mkdir(exist_ok=True)
    lines = ['import type * as api from "@notionhq/client/build/src/api-endpoints.js";']
    lines += [f"export const a{n}: api.{kind} = {json.dumps(one)};" for n, (kind, one) in enumerate(typed)]
    with tempfile.TemporaryDirectory(dir=FOLDER / ".venv") as folder:
        program = Path(folder) / "answers.ts"
        program.write_text("\n".join(lines))
        compiler = str(FOLDER / "node_modules" / ".bin" / "tsc")
        told = run(compiler, *OPTIONS, str(program), accept=(0, 1, 2))
    found = []
    for line in told.splitlines():
        place = re.search(r"answers\.ts\((\d+),\d+\): error (.*)", line)
        found.append(f"{typed[int(place[1]) - 2][0]}: {place[2][:400]}" if place else line[:400])
    return found


@pytest.mark.timeout(600)
@pytest.mark.skipif(missing_npm(), reason="npm and node are not installed")
def test_every_answer_is_of_the_published_type() -> None:
    ask = Asker()
    typed = [*reads(ask), *properties(ask), *writes(ask), *schemas(ask)]
    assert len({kind for kind, _ in typed}) > 30
    assert problems(typed) == []


@pytest.mark.timeout(600)
@pytest.mark.skipif(missing_npm(), reason="npm and node are not installed")
def test_every_webhook_is_of_the_published_type() -> None:
    typed = list(webhooks(Asker()))
    assert len({kind for kind, _ in typed}) > 18
    assert problems(typed) == []


@pytest.mark.timeout(600)
@pytest.mark.skipif(missing_npm(), reason="npm and node are not installed")
def test_the_compiler_finds_what_is_wrong() -> None:
    wrong = {"object": "page_markdown", "id": "x", "markdown": "", "truncated": 1, "unknown_block_ids": []}
    (problem,) = problems([("GetPageMarkdownResponse", wrong)])
    assert "'number' is not assignable to type 'boolean'" in problem
