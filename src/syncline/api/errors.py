"""What an error is at the door: one table from the classes of core.errors to status and code, and how it is answered.

    class                status  code
    Unknown              401     AUTH_REQUIRED
    Expired              401     TOKEN_EXPIRED
    ...                          (TABLE has them all)

A class that is not in the table is answered as the nearest one above it. An error that is none of ours is a 500 that says nothing but the
request's id: its traceback goes to the log.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from syncline.api.envelope import Failure, Problem
from syncline.api.refund import spare
from syncline.core import errors
from syncline.core.errors import SynclineError, TooSoon

__all__ = ["TABLE", "Answer", "Code", "answer_of", "answers", "example", "failure", "register", "response_to"]


class Code(NamedTuple):
    """How a class of errors is answered, and a sentence as an example."""

    status: int
    code: str
    example: str


TABLE: Final[Mapping[type[SynclineError], Code]] = MappingProxyType(
    {
        SynclineError: Code(500, "INTERNAL_ERROR", "Something unexpected happened."),
        errors.Stop: Code(500, "INTERNAL_ERROR", "Something unexpected happened."),
        errors.BadInput: Code(400, "VALIDATION_ERROR", "limit: Input should be less than or equal to 100."),
        errors.InvalidId: Code(400, "INVALID_ID", "'x' is neither the id of a page nor its address."),
        errors.NotFound: Code(404, "NOT_FOUND", "There is no such workspace."),
        errors.NotShown: Code(
            400,
            "VALIDATION_ERROR",
            "includedPages: Notion shows nothing with the id 1f0d872b594c80599b0c0037fd2f1a52.",
        ),
        errors.Busy: Code(409, "SYNC_IN_PROGRESS", "A sync of this workspace is under way."),
        errors.Refused: Code(403, "NOTION_AUTH_EXPIRED", "Notion refuses the token: connect again."),
        errors.TooManyDeletions: Code(409, "SYNC_FAILED", "The sync found more deletions than it may make."),
        errors.Unknown: Code(401, "AUTH_REQUIRED", "Sign in, or send an API key."),
        errors.Expired: Code(401, "TOKEN_EXPIRED", "The access token has expired."),
        errors.Forged: Code(401, "TOKEN_INVALID", "The access token is not valid."),
        errors.Unrenewable: Code(401, "REFRESH_TOKEN_INVALID", "The session is over: sign in again."),
        errors.Mismatch: Code(
            401, "INVALID_CREDENTIALS", "E-mail address and password do not belong together."
        ),
        errors.Denied: Code(403, "PERMISSION_DENIED", "As a viewer you may not do this."),
        errors.OwnerOnly: Code(403, "OWNER_REQUIRED", "Only the owner of the workspace may do this."),
        errors.Duplicate: Code(409, "DUPLICATE_RESOURCE", "There is one already."),
        errors.Gone: Code(410, "CURSOR_EXPIRED", "Deletions behind this cursor were forgotten."),
        errors.Retry: Code(503, "SERVICE_UNAVAILABLE", "Try again later."),
        errors.Unreachable: Code(503, "SERVICE_UNAVAILABLE", "Notion cannot be reached."),
        errors.StoreUnavailable: Code(503, "SERVICE_UNAVAILABLE", "The store cannot be reached."),
        errors.TooSoon: Code(429, "RATE_LIMIT_EXCEEDED", "Too many requests: try again in 42 s."),
        errors.Skip: Code(502, "SYNC_FAILED", "This item cannot be read."),
        errors.Cancelled: Code(409, "SYNC_FAILED", "The sync was cancelled."),
    }
)

_UNEXPECTED: Final = "Something unexpected happened. The log has it under the request's id."

_HTTP: Final[Mapping[int, str]] = MappingProxyType(
    {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "PAYLOAD_TOO_LARGE", 415: "UNSUPPORTED_MEDIA_TYPE"}
)


def answer_of(kind: type[SynclineError]) -> Code:
    """How a class of errors is answered: by its own row, or that of the nearest class above."""
    return next(TABLE[cls] for cls in kind.__mro__ if cls in TABLE)


def failure(status: int, code: str, message: str, *, details: Mapping[str, Any] | None = None) -> Response:
    """An error's envelope."""
    body = Failure(message=message, error=Problem(code=code, details=dict(details or {})))
    return JSONResponse(body.model_dump(mode="json", by_alias=True), status_code=status)


def answers(*kinds: type[SynclineError]) -> dict[int | str, dict[str, Any]]:
    """What a route declares as `responses`: the statuses of these errors, each code with its example."""
    declared: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        status, code, sentence = answer_of(kind)
        entry = declared.setdefault(
            status, {"model": Failure, "description": "", "content": {"application/json": {"examples": {}}}}
        )
        examples = entry["content"]["application/json"]["examples"]
        examples[code] = example(code, sentence)
        entry["description"] = ", ".join(examples)
    return declared


def example(code: str, sentence: str) -> dict[str, Any]:
    """An error as an example of OpenAPI."""
    return {"value": {"status": "error", "message": sentence, "error": {"code": code, "details": {}}}}


def register(api: FastAPI) -> None:
    """Let every error of the application be answered by an envelope."""
    api.add_exception_handler(SynclineError, _any)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _any)
    api.add_exception_handler(Exception, _any)


def _ours(error: SynclineError) -> Response:
    status, code, _ = answer_of(type(error))
    if isinstance(error, Answer):
        status, code = error.status, error.code
    response = failure(status, code, str(error), details=error.details)
    if isinstance(error, TooSoon):
        response.headers["Retry-After"] = str(math.ceil(error.seconds))
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    spare(request)
    # What was sent is left out: it may be a password.
    found = [
        {"field": _field(one), "message": one["msg"].removeprefix("Value error, ").rstrip(".")}
        for one in error.errors()
    ]
    sentence = " ".join(f"{one['field']}: {one['message']}." for one in found[:3])
    return failure(400, "VALIDATION_ERROR", sentence, details={"errors": found})


def _field(error: Mapping[str, Any]) -> str:
    if error["type"] == "json_invalid":  # its place is a character's, not a field's
        return str(error["loc"][0])
    return ".".join(str(part) for part in error["loc"][1:]) or str(error["loc"][0])


async def _any(_request: Request, error: Exception) -> Response:
    # What nobody expected Starlette raises again, and the frame writes its traceback.
    return response_to(error)


def response_to(error: Exception) -> Response:
    """The answer to any error: one of ours, one of the framework, or one that nobody expected."""
    if isinstance(error, SynclineError):
        return _ours(error)
    if not isinstance(error, HTTPException):
        return failure(500, "INTERNAL_ERROR", _UNEXPECTED)
    code = _HTTP.get(error.status_code, "VALIDATION_ERROR" if error.status_code < 500 else "INTERNAL_ERROR")
    response = failure(error.status_code, code, str(error.detail))
    response.headers.update(error.headers or {})
    return response


class Answer(SynclineError):
    """An error of the door alone, with a status and code that no class of core.errors has."""

    def __init__(
        self, message: str, *, status: int, code: str, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message, details=details)
        self.status = status
        self.code = code
