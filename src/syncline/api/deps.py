"""What a route asks for: the service, who is calling, and the workspace with what the caller may do there.

    caller: Signed                          somebody who is signed in, or has an API key
    caller: Personal                        a person's session: no key may change passwords or make keys
    access: Annotated[Access, allow(Permission.QUERY)]
                                            a caller, a workspace it belongs to, and a role that has the permission
    caller: Annotated[Caller, signed(Scope.READ)]   for routes about no workspace in particular: a key needs the scope

The workspace is the one in the path (``{workspaceId}``), in the header ``X-Workspace-Id``, in the query or the body (``workspaceId``), else the
caller's only one. One that the caller does not belong to is not found: that it is there is nobody else's business.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Header, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.datastructures import Headers

from syncline.accounts import sessions
from syncline.accounts.sessions import Caller
from syncline.api.limits import BY_USER, BY_WORKSPACE, address, class_of
from syncline.api.service import Service
from syncline.core.errors import BadInput, Denied, NotFound, OwnerOnly, TooSoon, Unknown
from syncline.core.permission import Permission, Role, Scope, allowed, granted, owner_only
from syncline.store import members, users
from syncline.store.connections import Connection

__all__ = [
    "ACCESS_COOKIE",
    "REFRESH_COOKIE",
    "Access",
    "Allow",
    "Caller",
    "InstanceOwner",
    "Personal",
    "Scoped",
    "ServiceOf",
    "Signed",
    "allow",
    "cookies",
    "credential",
    "instance_owner",
    "same_origin",
    "signed",
    "throttle",
    "who",
]

ACCESS_COOKIE = "syncline_access"
REFRESH_COOKIE = "syncline_refresh"

_BEARER = HTTPBearer(auto_error=False, scheme_name="bearer", description="An access token or an API key")
_COOKIE = APIKeyCookie(
    name=ACCESS_COOKIE, auto_error=False, scheme_name="cookie", description="The access token of a browser"
)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Access:
    """A caller in a workspace."""

    caller: Caller
    connection: Connection
    role: Role


async def _service(request: Request) -> Service:  # a coroutine, as FastAPI takes threads for functions
    service: Service = request.state.service
    return service


ServiceOf = Annotated[Service, Depends(_service)]
"""The service that the route is part of."""


def credential(headers: Headers) -> tuple[str, bool] | None:
    """The token of a request, and whether it came as a cookie, which browsers send by themselves."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip(), False
    cookie = cookies(headers).get(ACCESS_COOKIE)
    return (cookie, True) if cookie else None


def cookies(headers: Headers) -> dict[str, str]:
    """The cookies of a request; none where they cannot be read."""
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(headers.get("cookie", ""))
    except Exception:  # noqa: BLE001 - CookieError is private to some versions
        return {}
    return {name: morsel.value for name, morsel in jar.items()}


def same_origin(headers: Headers, *, also: tuple[str, ...]) -> bool:
    """Whether a browser says that our own page, or one of the origins in `also`, has sent the request."""
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site") == "same-origin"
    return origin in also or urlsplit(origin).netloc == headers.get("host")


async def who(service: Service, method: str, headers: Headers) -> Caller:
    """Who is calling. Raises Unknown, Expired, Forged, and Denied where a foreign page lets a browser's cookie work."""
    held = credential(headers)
    if held is None:
        raise Unknown("Sign in, or send an API key: Authorization: Bearer …")
    token, by_cookie = held
    if by_cookie and method not in _SAFE and not same_origin(headers, also=service.app.settings.origins):
        raise Denied("This request comes from a page of another origin.")
    return await sessions.identify(service.app, token)


async def throttle(request: Request, service: ServiceOf) -> None:
    """Count the request where its class is counted by user or address. Raises TooSoon where there were too many.

    Every route has this dependency, before its others: who is not signed in is counted, too.
    """
    name = class_of(request.method, request.url.path)
    if name is None or name == BY_WORKSPACE:
        return
    whose = address(request)
    if name == BY_USER:
        with suppress(Unknown, Denied):  # the route itself says so, if it needs a caller
            caller = request.scope["syncline.caller"] = await _caller(request, service)
            whose = caller.user_id
    await _count(request, service, name, whose)


async def _count(request: Request, service: Service, name: str, whose: str) -> None:
    standing = await service.limiter.count(name, whose)
    if standing is None:
        return
    request.scope["state"]["rate_limit"] = standing.headers
    if standing.wait is not None:
        limit = standing.limit
        raise TooSoon(
            f"More than {limit.requests} requests in {limit.seconds} s: try again in {standing.wait} s.",
            seconds=standing.wait,
            details={"limit": limit.requests, "retryAfter": standing.wait},
        )
    if name != BY_USER:
        request.scope["state"]["counted"] = name, standing  # api.refund may give it back


async def _caller(request: Request, service: Service) -> Caller:
    known = request.scope.get("syncline.caller")
    return known if isinstance(known, Caller) else await who(service, request.method, request.headers)


async def _signed(
    request: Request,
    service: ServiceOf,
    _bearer: Annotated[object, Security(_BEARER)],
    _cookie: Annotated[object, Security(_COOKIE)],
) -> Caller:
    return await _caller(request, service)


Signed = Annotated[Caller, Depends(_signed)]
"""A caller, else 401."""


async def _personal(caller: Signed) -> Caller:
    if caller.session_id is None:
        raise Denied("An API key may not do this: sign in.")
    return caller


Personal = Annotated[Caller, Depends(_personal)]
"""A person who has signed in: what an API key may never do."""


async def instance_owner(caller: Signed, service: ServiceOf) -> Caller:
    """The caller, if it is the first user. Raises Denied, OwnerOnly."""
    _need(caller, Scope.ADMIN)
    async with service.app.database.glance() as conn:
        user = await users.find(conn, caller.user_id)
    if not user.instance_owner:
        raise OwnerOnly("Only the owner of this instance may do this.")
    return caller


InstanceOwner = Annotated[Caller, Depends(instance_owner)]
"""The first user, by a session or a key with the scope ``admin``."""


def signed(scope: Scope) -> Any:
    """A dependency: a caller whose key, if it is one, has this scope."""
    return Depends(Scoped(scope))


def allow(permission: Permission) -> Any:
    """A dependency: a caller in a workspace where its role, and its key, have this permission."""
    return Depends(Allow(permission))


class Scoped:
    """Checks the scope of a key. An object, so that the description and a test see which."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, caller: Signed) -> Caller:
        """The caller. Raises Denied if it is a key without the scope."""
        _need(caller, self.scope)
        return caller


class Allow:
    """Resolves the workspace and checks the permission. An object, so that the description and a test see which."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission
        self.owner_only = owner_only(permission)

    async def __call__(
        self,
        request: Request,
        caller: Signed,
        service: ServiceOf,
        workspaceId: str | None = None,  # noqa: N803 - the contract's name, in the path or in the query
        x_workspace_id: Annotated[
            str | None, Header(description="The workspace, where no other place names it")
        ] = None,
    ) -> Access:
        """What the caller may do in the workspace. Raises NotFound, BadInput where none is named, Denied."""
        named = workspaceId or x_workspace_id or await _in_body(request)
        connection, role = await _workspace(service, caller, named)
        if not allowed(role, self.permission):
            if self.owner_only:
                raise OwnerOnly("Only the owner of the workspace may do this.")
            raise Denied(
                f"As {role} you may not do this.", details={"permission": self.permission, "role": role}
            )
        if not granted(caller.scopes, self.permission):
            raise Denied("The API key has no scope for this.", details={"permission": self.permission})
        if class_of(request.method, request.url.path) == BY_WORKSPACE:
            await _count(request, service, BY_WORKSPACE, connection.id)
        return Access(caller, connection, role)


async def _workspace(service: Service, caller: Caller, named: str | None) -> tuple[Connection, Role]:
    async with service.app.database.glance() as conn:
        if named is not None:
            found = await members.access(conn, named, caller.user_id)
            if found is None or not _reaches(caller, named):
                raise NotFound("There is no such workspace.")
            return found
        mine = [
            pair for pair in await members.workspaces(conn, caller.user_id) if _reaches(caller, pair[0].id)
        ]
    if not mine:
        raise NotFound("There is no workspace yet: connect one first.")
    if len(mine) > 1:
        known = [{"id": one.id, "workspaceName": one.workspace_name or one.name} for one, _ in mine]
        raise BadInput(
            "There are several workspaces: name one by X-Workspace-Id or workspaceId.",
            details={"field": "workspaceId", "workspaces": known},
        )
    return mine[0]


def _reaches(caller: Caller, connection_id: str) -> bool:
    return caller.workspaces is None or connection_id in caller.workspaces


async def _in_body(request: Request) -> str | None:
    if request.method in _SAFE or "json" not in request.headers.get("content-type", ""):
        return None
    try:
        body = json.loads(await request.body())
    except ValueError:  # the route's own model says what is wrong with it
        return None
    named = body.get("workspaceId") if isinstance(body, dict) else None
    return named if isinstance(named, str) else None


def _need(caller: Caller, scope: Scope) -> None:
    if scope is not Scope.READ and not caller.scopes & {scope, Scope.ADMIN}:  # every key reads
        raise Denied(f"The API key needs the scope {scope}.", details={"scope": scope})
