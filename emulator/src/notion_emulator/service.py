"""One HTTP request in, one answer out, without a server: routing, versions, tokens, limits, faults, the log.

The order of the refusals is Notion's as far as it is known: path and method, token, version, rate limit, JSON, then
path, query and body.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

import orjson

from notion_emulator import faults, files, routes, users
from notion_emulator.call import VERSIONS, Answer, Call
from notion_emulator.errors import (
    InvalidJson,
    InvalidRequestUrl,
    MissingVersion,
    NotionError,
    ObjectNotFound,
    RateLimited,
    Unauthorized,
    ValidationFailed,
)
from notion_emulator.faults import Fault
from notion_emulator.limits import Refusal
from notion_emulator.objects import Connection
from notion_emulator.replay import Recording
from notion_emulator.requests import Entry
from notion_emulator.validate import expected, refuse
from notion_emulator.world import World

if TYPE_CHECKING:
    from notion_emulator.emulator import Emulator

__all__ = ["Request", "Response", "respond"]

MOST_BYTES = 500_000
HEADERS: tuple[tuple[str, str], ...] = (
    ("content-type", "application/json; charset=utf-8"),
    ("content-security-policy", "default-src 'none'"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
    ("vary", "Accept-Encoding"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("x-content-type-options", "nosniff"),
    ("x-dns-prefetch-control", "off"),
    ("x-download-options", "noopen"),
    ("x-frame-options", "SAMEORIGIN"),
    ("x-permitted-cross-domain-policies", "none"),
    ("x-xss-protection", "0"),
    ("server", "cloudflare"),
    ("cf-cache-status", "DYNAMIC"),
)
RATE_LIMITED = "You have been rate limited. Please try again in a few minutes."


@dataclass(slots=True)
class Request:
    """An HTTP request."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)  # names in lower case
    body: bytes = b""
    base: str = "http://notion.test"


@dataclass(slots=True)
class Response:
    """An HTTP answer; ``fate`` is ``timeout``, ``reset`` or ``truncated`` where it shall not arrive whole."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    fate: str | None = None


def respond(emulator: "Emulator", request: Request) -> Response:
    """Answer a request to Notion's API, and log it."""
    target = f"{request.path}?{request.query}" if request.query else request.path
    fault = emulator.faults.strike(request.method, target)
    found: list[Connection] = []
    try:
        response = _outcome(emulator, request, fault=fault, found=found)
    except NotionError as error:
        response = _refused(emulator, error)
    emulator.requests.add(
        Entry(
            at=emulator.clock.now(),
            method=request.method,
            path=request.path,
            query=request.query,
            status=0 if response.fate in ("timeout", "reset") else response.status,
            connection=found[0].name if found else None,
            version=request.headers.get("notion-version"),
            size=len(request.body),
            fault=str(fault.what) if fault else None,
        )
    )
    return response


def _outcome(
    emulator: "Emulator", request: Request, *, fault: Fault | None, found: list[Connection]
) -> Response:
    """The answer, or what a fault makes of it; a truncated answer is a real one. Raises NotionError."""
    if fault and not fault.applied and fault.what != "truncated":
        return _struck(emulator, fault, None)
    if emulator.recording:
        return _replayed(emulator, emulator.recording, request)
    answer = _answer(emulator, request, found)
    return _struck(emulator, fault, answer) if fault else _encoded(emulator, answer)


def _struck(emulator: "Emulator", fault: Fault, answer: Answer | None) -> Response:
    if isinstance(fault.what, str):
        whole = _encoded(emulator, answer) if answer else _encoded(emulator, Answer({}))
        whole.fate = fault.what
        return whole
    if fault.html or (fault.html is None and fault.what == 502):
        headers = [*_headers(emulator, None), ("content-type", "text/html; charset=UTF-8")]
        return Response(fault.what, headers, faults.edge_page(fault.what))
    committed: Any = None
    if answer is not None:
        committed = orjson.loads(answer.body) if isinstance(answer.body, bytes) else answer.body
    return _refused(emulator, faults.error(fault, committed=committed))


def _answer(emulator: "Emulator", request: Request, found: list[Connection]) -> Answer:
    """What the resource answers. Raises NotionError."""
    operation, parts = _operation(request)
    if parts[0] == "oauth":
        return emulator.oauth.answer(request, parts[1])
    world, connection = _caller(emulator, request)
    found.append(connection)
    version = _version(request)
    if not operation.serves(version):
        raise InvalidRequestUrl
    refusal = emulator.limits.refusal(connection.id, world.id, at=emulator.clock.now())
    if refusal:
        raise rate_limited(refusal)
    world.settle()
    call = Call(
        world=world, connection=connection, version=version, base=emulator.base_url or request.base,
        sessions=emulator.sessions, path=routes.parameters(operation, parts),
        query=parse_qs(request.query, keep_blank_values=True) if request.query else {}, raw=request.body,
        content_type=request.headers.get("content-type", ""),
        jobs=emulator.jobs,
    )  # fmt: skip
    _misplaced(call, request.method)
    if "multipart/form-data" not in call.content_type:
        call.body = _json(request)
    return operation.resource(call)


def _replayed(emulator: "Emulator", recording: Recording, request: Request) -> Response:
    """What Notion said when this request was recorded; any token will do. Raises NotionError.

    ``GET /v1/users/me`` has an answer even where none was recorded, so that a client can check its token.
    """
    if not request.headers.get("authorization", "").partition(" ")[2].strip():
        raise Unauthorized
    version = request.headers.get("notion-version", "")
    multipart = "multipart/form-data" in request.headers.get("content-type", "")
    recorded = recording.answer(
        request.method, request.path, request.query, version=version, body=request.body, multipart=multipart
    )
    if recorded:
        return Response(recorded.status, [*recorded.headers, *_headers(emulator, None)[-1:]], recorded.body)
    if request.method == "GET" and request.path.rstrip("/") == "/v1/users/me":
        world, connection = emulator.world, emulator.connection
        call = Call(
            world=world, connection=connection, version=version, base=request.base, sessions=emulator.sessions
        )
        return _encoded(emulator, users.me(call))
    target = f"{request.path}?{request.query}" if request.query else request.path
    raise ObjectNotFound(f"No recorded answer for {request.method} {target} on version {version or 'none'}.")


def _misplaced(call: Call, method: str) -> None:
    """Paging stands in the query of a GET and in the body of a POST; the other place is refused."""
    if method == "POST":
        for name in ("start_cursor", "page_size"):
            if name in call.query:
                refuse("query", expected(f"query.{name}", "not present", value=call.query[name][-1]))


def _operation(request: Request) -> tuple[routes.Operation, list[str]]:
    parts = request.path.strip("/").split("/")
    if parts[0] != "v1":
        raise InvalidRequestUrl(
            f"Invalid request URL. The emulator serves Notion below /v1/, not at {request.path}."
        )
    method = "GET" if request.method == "HEAD" else request.method
    operation = routes.operation(method, parts[1:]) if len(parts) > 1 else None
    if operation is None:
        raise InvalidRequestUrl
    return operation, parts[1:]


def _caller(emulator: "Emulator", request: Request) -> tuple[World, Connection]:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    known = emulator.caller(token.strip()) if scheme.lower() == "bearer" else None
    if known is None:
        raise Unauthorized
    return known


def _version(request: Request) -> str:
    version = request.headers.get("notion-version")
    if version is None:
        raise MissingVersion
    if version not in VERSIONS:
        names = ", ".join(f'`"{one}"`' for one in VERSIONS)
        raise ValidationFailed(
            f'headers failed validation: headers["notion-version"] should be one of {names}, instead was `"{version}"`.'
        )
    return version


def rate_limited(refusal: Refusal) -> RateLimited:
    """The 429 of a limit, which says when to come again."""
    seconds = str(refusal.retry_after)
    data = {"rate_limit_reason": refusal.reason, "retry_after": seconds}
    return RateLimited(RATE_LIMITED, data=data, headers={"retry-after": seconds})


def _json(request: Request) -> Any:
    """The body of a write; a body on GET is read past, as Notion does."""
    if request.method in ("GET", "HEAD", "DELETE") or not request.body:
        return None
    if len(request.body) > MOST_BYTES:
        raise ValidationFailed(
            f"body failed validation: body.length should be ≤ `{MOST_BYTES}`, instead was `{len(request.body)}`."
        )
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise InvalidJson from None


def _headers(emulator: "Emulator", request_id: str | None) -> list[tuple[str, str]]:
    headers = [
        *(HEADERS if request_id else HEADERS[1:]),
        ("date", formatdate(emulator.clock.now() // 1000, usegmt=True)),
    ]
    return [*headers, ("x-notion-request-id", request_id)] if request_id else headers


def _encoded(emulator: "Emulator", answer: Answer) -> Response:
    """The answer as bytes, with its request id inside and in the header, and its ETag."""
    request_id = emulator.request_id()
    body = answer.body if isinstance(answer.body, bytes) else orjson.dumps(answer.body)
    if answer.request_id:
        comma = b"," if len(body) > 2 else b""
        body = b'%b%b"request_id":"%b"}' % (body[:-1], comma, request_id.encode())
    tag = base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode().rstrip("=")
    return Response(
        answer.status, [*_headers(emulator, request_id), ("etag", f'W/"{len(body):x}-{tag}"')], body
    )


def _refused(emulator: "Emulator", error: NotionError) -> Response:
    response = _encoded(emulator, Answer(error.body(), error.status))
    response.headers += error.headers.items()
    return response


def download(emulator: "Emulator", request: Request) -> Response:
    """A stored file behind its signed address: 403 from the store where it expired, as S3 does."""
    parts = request.path.split("/")
    world = next((one for one in emulator.worlds if len(parts) > 3 and one.id == parts[2]), None)
    stored = world.files.get(parts[3]) if world else None
    if stored is None or not files.verified(stored.key, request.query, at=emulator.clock.now()):
        xml = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>'
        return Response(403, [("content-type", "application/xml")], xml)
    disposition = f"inline; filename*=UTF-8''{quote(stored.name)}"
    return Response(
        200, [("content-type", stored.content_type), ("content-disposition", disposition)], stored.data
    )
