"""Notion's refusals, with its statuses, codes and wording.

    NotionError
    ├── InvalidJson              400 invalid_json
    ├── InvalidRequestUrl        400 invalid_request_url
    ├── InvalidRequest           400 invalid_request
    ├── ValidationFailed         400 validation_error
    ├── MissingVersion           400 missing_version
    ├── Unauthorized             401 unauthorized
    ├── RestrictedResource       403 restricted_resource
    ├── ObjectNotFound           404 object_not_found
    ├── Conflict                 409 conflict_error
    ├── RowLimitExceeded         409 row_limit_exceeded
    ├── RateLimited              429 rate_limited
    ├── InternalServerError      500 internal_server_error
    ├── BadGateway               502 bad_gateway
    ├── ServiceUnavailable       503 service_unavailable
    ├── GatewayTimeout           504 gateway_timeout
    ├── ServiceOverload          529 service_overload
    └── OAuthRefused             400 or 401, RFC 6749 keys beside Notion's

Source: https://developers.notion.com/reference/status-codes and recorded answers. No HTTP here: ``app`` sends them.
"""

from typing import Any

from notion_emulator.objects import Connection

__all__ = [
    "BadGateway", "Conflict", "GatewayTimeout", "InternalServerError", "InvalidJson", "InvalidRequest",
    "InvalidRequestUrl", "MissingVersion", "NotionError", "OAuthRefused", "ObjectNotFound", "RateLimited",
    "RestrictedResource", "RowLimitExceeded", "ServiceOverload", "ServiceUnavailable", "Unauthorized", "ValidationFailed", "not_found",
]  # fmt: skip

Json = dict[str, Any]


class NotionError(Exception):
    """An answer that is no success."""

    status = 500
    code = "internal_server_error"
    message = "Unexpected error occurred."

    def __init__(
        self, message: str | None = None, *, data: Json | None = None, headers: Json | None = None
    ) -> None:
        super().__init__(message or self.message)
        self.data = data
        self.headers: dict[str, str] = headers or {}

    def body(self) -> Json:
        """The JSON of the answer, without its request id."""
        body = {"object": "error", "status": self.status, "code": self.code, "message": str(self)}
        return {**body, "additional_data": self.data} if self.data else body


class InvalidJson(NotionError):
    """The body is not JSON."""

    status, code, message = 400, "invalid_json", "Error parsing JSON body."


class InvalidRequestUrl(NotionError):
    """An unknown path, or a wrong method on a known one."""

    status, code, message = 400, "invalid_request_url", "Invalid request URL."


class InvalidRequest(NotionError):
    """A request that Notion does not support."""

    status, code, message = 400, "invalid_request", "This request is not supported."


class ValidationFailed(NotionError):
    """A failure of shape or of meaning."""

    status, code, message = 400, "validation_error", "Validation failed."


class MissingVersion(NotionError):
    """No Notion-Version header."""

    status, code = 400, "missing_version"
    message = "Notion-Version header should be defined, instead was `undefined`."


class Unauthorized(NotionError):
    """No token, or one that nobody issued."""

    status, code, message = 401, "unauthorized", "API token is invalid."


class RestrictedResource(NotionError):
    """A missing capability, or the block quota of a free workspace."""

    status, code, message = 403, "restricted_resource", "Insufficient permissions for this endpoint."


class ObjectNotFound(NotionError):
    """Missing, or not shared: deliberately the same."""

    status, code, message = 404, "object_not_found", "Could not find object."


class Conflict(NotionError):
    """Somebody else was writing."""

    status, code, message = 409, "conflict_error", "Conflict occurred while saving. Please try again."


class RowLimitExceeded(NotionError):
    """A data source is full."""

    status, code, message = 409, "row_limit_exceeded", "This data source has reached its limit of rows."


class RateLimited(NotionError):
    """Too many requests, of this connection or of the workspace."""

    status, code = 429, "rate_limited"
    message = "You have been rate limited. Please try again in a few minutes."


class InternalServerError(NotionError):
    """Unexpected."""


class BadGateway(NotionError):
    """The edge could not reach Notion."""

    status, code, message = 502, "bad_gateway", "Bad gateway."


class ServiceUnavailable(NotionError):
    """Notion cannot answer just now; a write may have been saved."""

    status, code = 503, "service_unavailable"
    message = "Notion is unavailable. Please try again later."


class GatewayTimeout(NotionError):
    """Notion took too long."""

    status, code, message = 504, "gateway_timeout", "Gateway timeout."


class ServiceOverload(NotionError):
    """Global overload, to be met like 429."""

    status, code, message = 529, "service_overload", "Notion is overloaded. Please try again later."


class OAuthRefused(NotionError):
    """A refusal at the OAuth endpoints (RFC 6749 section 5.2), with both key sets."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(description)
        self.status = status
        self.code = error

    def body(self) -> Json:
        """Notion's keys and RFC 6749's."""
        return {"error": self.code, "error_description": str(self), **super().body()}


def not_found(kind: str, id: str, *, connection: Connection) -> ObjectNotFound:
    """The 404 for an object that is missing or not shared; users have their own wording (recorded)."""
    data = {"integration_id": connection.id}
    if kind == "user":
        return ObjectNotFound(
            f"Could not find user with ID: {id}. Make sure your integration has capabilities to read user information. "
            "With those capabilities, only members and guests in the integration's workspace are visible.",
            data=data,
        )
    return ObjectNotFound(
        f"Could not find {kind} with ID: {id}. Make sure the relevant pages and databases are shared with your "
        f'integration "{connection.name}".',
        data=data,
    )
