"""The description is complete: every route, every status with its codes, every example as its schema says."""

from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator
from tests.api.doors import Door

from syncline.api.asgi import ROUTERS, routes
from syncline.api.deps import Signed
from syncline.api.errors import TABLE
from syncline.api.idempotent import COMMANDS
from syncline.api.openapi import api_routes, asks


@pytest.fixture(scope="module")
def spec() -> Any:
    """The description, as it is served; it depends on nothing that a service holds."""
    return routes().openapi()


def described() -> list[APIRoute]:
    return [route for route in api_routes(ROUTERS) if route.include_in_schema]


async def test_it_is_served_to_everybody(bare: Door, spec: Any) -> None:
    answer = await bare.http.get("/api/v1/openapi.json")

    assert (answer.status_code, answer.json()) == (200, spec)


def operations(spec: Any) -> list[tuple[str, str, Any]]:
    return [
        (method.upper(), path, operation)
        for path, methods in spec["paths"].items()
        for method, operation in methods.items()
    ]


def examples(content: Any) -> list[Any]:
    if "example" in content:
        return [content["example"]]
    return [one["value"] for one in content.get("examples", {}).values()]


def test_it_is_openapi_3_1_and_names_every_route(spec: Any) -> None:
    served = {(method, route.path_format) for route in described() for method in route.methods or ()}

    assert spec["openapi"].startswith("3.1")
    assert {(method, path) for method, path, _ in operations(spec)} == served


def test_every_route_says_what_it_does_and_has_a_tag(spec: Any) -> None:
    silent = [
        f"{method} {path}"
        for method, path, operation in operations(spec)
        if not operation.get("description") or not operation.get("tags")
    ]

    assert silent == []


def test_every_answer_has_an_example_that_its_schema_describes(spec: Any) -> None:
    wrong = []
    for method, path, operation in operations(spec):
        for status, entry in operation["responses"].items():
            content = entry.get("content", {}).get("application/json", {})
            if content.get("schema"):
                schema = {"components": spec["components"]} | content["schema"]
                given = examples(content)
                errors = [
                    error.message for one in given for error in Draft202012Validator(schema).iter_errors(one)
                ]
                if errors or not given:
                    wrong.append(f"{method} {path} {status}: {errors[:1] or 'no example'}")

    assert wrong == []


def test_every_error_is_an_envelope_with_its_codes(spec: Any) -> None:
    wrong = [
        f"{method} {path} {status}"
        for method, path, operation in operations(spec)
        for status, entry in operation["responses"].items()
        if status >= "400"
        and (
            entry["content"]["application/json"]["schema"] != {"$ref": "#/components/schemas/Failure"}
            or not all(one["error"]["code"] for one in examples(entry["content"]["application/json"]))
        )
    ]

    assert wrong == []


def test_what_the_dependencies_and_the_frame_answer_is_declared(spec: Any) -> None:
    missing = []
    for route in described():
        signed = asks(route, Signed)
        for method in route.methods or ():
            answered = spec["paths"][route.path_format][method.lower()]["responses"].keys()
            needed = {"503"} | ({"401"} if signed else set()) | ({"413"} if method in COMMANDS else set())
            needed |= {"409", "422"} if signed and method in COMMANDS else set()
            missing += [f"{method} {route.path} {status}" for status in sorted(needed - answered)]

    assert missing == []


def test_the_codes_of_the_table_are_those_of_the_contract() -> None:
    codes = {code.code for code in TABLE.values()}

    assert codes >= {
        "AUTH_REQUIRED", "TOKEN_EXPIRED", "TOKEN_INVALID", "REFRESH_TOKEN_INVALID", "INVALID_CREDENTIALS",
        "PERMISSION_DENIED", "OWNER_REQUIRED", "VALIDATION_ERROR", "NOT_FOUND", "DUPLICATE_RESOURCE", "SYNC_IN_PROGRESS",
        "SYNC_FAILED", "NOTION_AUTH_EXPIRED", "INVALID_ID", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE", "RATE_LIMIT_EXCEEDED",
    }  # fmt: skip


async def test_an_error_that_is_none_of_ours_says_nothing_but_where_to_look(
    bare: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError("secret of the house")

    monkeypatch.setattr(bare.app.database, "check", fail)
    answer = await bare.http.get("/readyz")

    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "INTERNAL_ERROR"
    assert "secret" not in answer.text
    assert f"Request {answer.headers['x-request-id']} failed: GET '/readyz'" in caplog.text
    assert "secret of the house" in caplog.text


def test_the_reference_page_lists_every_route_as_it_is() -> None:
    path = Path(__file__).parents[2] / "docs" / "routes.py"
    module = module_from_spec(
        found := cast("ModuleSpec", spec_from_file_location("routes_of_the_page", path))
    )
    cast("Loader", found.loader).exec_module(module)
    page = module.PAGE.read_text("utf-8")

    assert page == module.written(page), "run `make docs`"
