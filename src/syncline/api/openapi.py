"""The OpenAPI 3.1 description: what FastAPI knows of the routes, and what every route answers through the frame and its dependencies.

A route declares only the errors that it raises itself (errors.answers); the rest follows from what it asks for.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from syncline.api.deps import Allow, InstanceOwner, Scoped, Signed
from syncline.api.envelope import Failure
from syncline.api.errors import answers, example
from syncline.api.idempotent import COMMANDS
from syncline.api.limits import class_of
from syncline.api.samples import sample
from syncline.core import errors
from syncline.core.errors import SynclineError
from syncline.core.permission import Scope

__all__ = ["api_routes", "asks", "asks_for", "completed", "scope_of"]

_JSON: Final = "application/json"
_IDEMPOTENCY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A command that is sent twice with one key runs once, and answers the same twice",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"},
}
_HEADERS: Final = {
    "X-Request-Id": {"description": "Names the request in the log", "schema": {"type": "string"}},
}


def api_routes(routers: Iterable[APIRouter]) -> Iterator[APIRoute]:
    """The routes of the contract, in their order."""
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield route


def asks_for(route: APIRoute) -> set[Any]:
    """Everything that a route depends on, however deep."""
    return set(_calls(route.dependant))


def _calls(dependant: Dependant) -> Iterator[Any]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)


def completed(spec: dict[str, Any], routers: Iterable[APIRouter]) -> dict[str, Any]:
    """FastAPI's description with every status that a route can answer, each code with an example."""
    spec["components"]["schemas"]["Failure"] = Failure.model_json_schema(
        ref_template="#/components/schemas/{model}", by_alias=True
    )
    for unused in ("HTTPValidationError", "ValidationError"):
        spec["components"]["schemas"].pop(unused, None)
    spec["components"]["schemas"].update(spec["components"]["schemas"]["Failure"].pop("$defs", {}))
    for route in api_routes(routers):
        for method in route.methods or ():
            operation = spec["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:
                _complete(operation, route, method)
                _exemplify(operation, spec["components"]["schemas"])
    return spec


def _exemplify(operation: dict[str, Any], known: dict[str, Any]) -> None:
    """Give every success an example, where the route has given none."""
    for status, entry in operation["responses"].items():
        content = entry.get("content", {}).get(_JSON)
        if (
            status < "400"
            and content
            and not content.keys() & {"example", "examples"}
            and content.get("schema")
        ):
            content["example"] = sample(content["schema"], known)


def _complete(operation: dict[str, Any], route: APIRoute, method: str) -> None:
    answered = operation["responses"]
    answered.pop("422", None)
    for status, declared in _declared(route, method).items():
        entry = answered.setdefault(status, {"description": "", "content": {_JSON: {}}})
        content = entry.setdefault("content", {}).setdefault(_JSON, {})
        content["schema"] = {"$ref": "#/components/schemas/Failure"}
        content.setdefault("examples", {}).update(declared)
        entry["description"] = ", ".join(content["examples"])
    for entry in answered.values():
        entry["headers"] = _HEADERS | entry.get("headers", {})
    operation["parameters"] = [_plain(one) for one in operation.get("parameters", [])]
    if method in COMMANDS and asks(route, Signed):
        operation["parameters"].append(_IDEMPOTENCY)
    if not operation["parameters"]:
        del operation["parameters"]


def _declared(route: APIRoute, method: str) -> dict[str, dict[str, Any]]:
    """The examples by code of each status, of those that no route declares itself."""
    found: dict[str, dict[str, Any]] = {}
    for kind in _errors(route, method):
        [(status, entry)] = answers(kind).items()
        found.setdefault(str(status), {}).update(entry["content"][_JSON]["examples"])
    for status, code, sentence in _of_the_frame(route, method):
        found.setdefault(str(status), {})[code] = example(code, sentence)
    return found


def _errors(route: APIRoute, method: str) -> Iterator[type[SynclineError]]:
    asked = asks_for(route)
    access = any(isinstance(call, Allow) for call in asked)
    has_key = method in COMMANDS and asks(route, Signed)  # an Idempotency-Key, which may be wrong
    if route.dependant.path_params or route.dependant.query_params or route.body_field or access or has_key:
        yield errors.BadInput
    if asks(route, Signed):
        yield from (errors.Unknown, errors.Expired, errors.Forged)
        if method in COMMANDS or access or len(asked) > len({Signed}):
            yield errors.Denied
    if asks(route, InstanceOwner) or any(isinstance(call, Allow) and call.owner_only for call in asked):
        yield errors.OwnerOnly
    if access:
        yield errors.NotFound
    if class_of(method, route.path_format) is not None:
        yield errors.TooSoon
    yield errors.StoreUnavailable


def _of_the_frame(route: APIRoute, method: str) -> Iterator[tuple[int, str, str]]:
    if method in COMMANDS:
        yield 413, "PAYLOAD_TOO_LARGE", "The body is larger than 1,048,576 bytes."
        if asks(route, Signed):
            yield 409, "IDEMPOTENCY_IN_PROGRESS", "The same command is under way: ask again in a moment."
            yield 422, "IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key was used for another request."


def asks(route: APIRoute, dependency: Any) -> bool:
    """Whether a route depends on one of the annotations of api.deps, such as `Signed`."""
    return dependency.__metadata__[0].dependency in asks_for(route)


def _plain(parameter: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter whose value may be left out cannot be null: it would have to be spelt."""
    schema = dict(parameter["schema"])
    kinds = [kind for kind in schema.pop("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) == 1:
        schema |= kinds[0]
    elif kinds:
        schema["anyOf"] = kinds
    schema.pop("title", None)
    return {**parameter, "schema": schema}


def scope_of(route: APIRoute) -> Scope | None:
    """The scope that a route about no workspace in particular asks of a key."""
    return next((call.scope for call in asks_for(route) if isinstance(call, Scoped)), None)
