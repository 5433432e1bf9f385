"""The application as a whole: pages of other origins, unknown paths, and every router in its table."""

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from sqlalchemy import Engine, event
from tests.api.doors import HOME, Door, opened

import syncline.api
from syncline.api.asgi import ROUTERS
from syncline.app import App

FRIEND = "http://localhost:3000"
LOGIN = "/api/v1/auth/login"


@pytest.mark.parametrize(("origin", "admitted"), [(FRIEND, True), ("https://evil.test", False)])
async def test_only_pages_of_named_origins_may_read_answers(app: App, origin: str, *, admitted: bool) -> None:
    named = replace(app, settings=app.settings.model_copy(update={"origins": (FRIEND,)}))
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-workspace-id",
    }
    async with opened(named) as door:
        before = await door.http.options(LOGIN, headers=asked)
        answer = await door.http.get("/healthz", headers={"Origin": origin})

    assert (before.status_code == 200) is admitted
    for one in (before, answer):
        assert (one.headers.get("access-control-allow-origin") == FRIEND) is admitted
        assert "x-request-id" in one.headers
    assert "X-RateLimit-Remaining" in answer.headers["access-control-expose-headers"]


async def test_without_named_origins_no_other_page_reads_anything(bare: Door) -> None:
    answer = await bare.http.get("/healthz", headers={"Origin": FRIEND})

    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nowhere", 404, "NOT_FOUND"),
        ("GET", "/nowhere", 404, "NOT_FOUND"),
        ("PUT", LOGIN, 405, "METHOD_NOT_ALLOWED"),
    ],
)
async def test_what_is_not_there_is_an_envelope_too(
    bare: Door, method: str, path: str, status: int, code: str
) -> None:
    answer = await bare.http.request(method, path)

    assert (answer.status_code, answer.json()["status"], answer.json()["error"]["code"]) == (
        status,
        "error",
        code,
    )


def test_every_file_with_a_router_is_in_the_table() -> None:
    names = [path.stem for path in Path(syncline.api.__file__).parent.glob("*.py") if path.stem != "__init__"]
    modules = [import_module(f"syncline.api.{name}") for name in names]
    found = [module.router for module in modules if isinstance(getattr(module, "router", None), APIRouter)]

    assert {id(router) for router in found} == {id(router) for router in ROUTERS}


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """The statements that are sent to databases."""
    sent: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield sent
    event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/notion/sync-status", 4),
        ("/notion/sync-history", 3),
        ("/notion/sources?search=a", 3),
        (f"/notion/workspaces/{HOME}/sources", 3),
        ("/notion/workspaces", 3),
    ],
)
async def test_a_read_takes_few_statements_those_that_let_in_included(
    door: Door, statements: list[str], path: str, most: int
) -> None:
    headers = await door.signed_in("viewer")
    await door.ask("GET", path, headers=headers)  # the first one of a connection asks more
    statements.clear()

    assert (await door.ask("GET", path, headers=headers))[0] == 200

    assert 0 < len(statements) <= most, "\n".join(statements)
