"""Socket.IO: the events of every workspace that a client belongs to, on the namespace ``/sync`` (and on the root).

A client is told by right and not by request: whoever connects hears of all its workspaces, and of none that it has left. It may say
in ``auth.since`` how far it had come, ``{workspaceId: seq}``, and gets what it missed, in order, before what happens now.

Each node follows the log in the database by itself; nodes do not talk to each other. A client that reads slowly is sent no more than its
connection takes, and goes on from its place in the log.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import socketio
from socketio.exceptions import ConnectionRefusedError as Refusal
from starlette.datastructures import Headers
from starlette.types import ASGIApp

from syncline.accounts import sessions
from syncline.accounts.sessions import Caller
from syncline.api.deps import ACCESS_COOKIE, cookies, same_origin
from syncline.api.envelope import moment
from syncline.api.errors import answer_of
from syncline.api.events import messages, rights
from syncline.api.service import Service
from syncline.core.errors import BadInput, NotFound, Retry, SynclineError, Unknown
from syncline.engine.feed import FeedClosed, Follower
from syncline.store.connections import Connection
from syncline.store.types import LARGEST

__all__ = ["NAMESPACES", "mount"]

NAMESPACES: Final = ("/", "/sync")

_CHECK = 5.0
"""Seconds between two looks at what a client may hear."""
_WINDOW = 64
"""Packets that may wait for a client's connection."""
_DRAIN = 0.02
"""Seconds between two looks at whether they are fewer."""


def mount(service: Service, app: ASGIApp) -> ASGIApp:
    """`app` with Socket.IO beside it, at ``/socket.io``."""
    origins = service.app.settings.origins

    def admits(_origin: str, environ: Mapping[str, Any]) -> bool:
        return same_origin(_headers(environ), also=origins)

    server = socketio.AsyncServer(
        async_mode="asgi",
        cors_allowed_origins=admits,
        namespaces=list(NAMESPACES),
        max_http_buffer_size=64 * 1024,  # clients send a token and the numbers of events
    )
    for namespace in NAMESPACES:
        _Door(service, server, namespace).register()
    mounted: ASGIApp = socketio.ASGIApp(server, app)
    return mounted


@dataclass(slots=True)
class _Client:
    """One connected client. `workspaces` are those it hears of; `gone` is set when it hangs up."""

    sid: str
    caller: Caller
    token: str
    since: Mapping[str, int]
    workspaces: dict[str, Connection]
    follower: Follower | None = None
    gone: bool = False


class _Door:
    """The handlers of one namespace."""

    def __init__(self, service: Service, server: socketio.AsyncServer, namespace: str) -> None:
        self._service = service
        self._server = server
        self._namespace = namespace
        self._clients: dict[str, _Client] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def register(self) -> None:
        """Tell the server which event means what."""
        handlers = {
            "connect": self._connect,
            "disconnect": self._disconnect,
            "join:workspace": self._join,
            "ping": self._ping,
        }
        for event, handler in handlers.items():
            self._server.on(event, handler, namespace=self._namespace)

    # --- a client comes and goes ----------------------------------------------------------------------

    async def _connect(self, sid: str, environ: Mapping[str, Any], auth: object = None) -> None:
        try:
            client = await self._admitted(sid, environ, auth if isinstance(auth, dict) else {})
        except SynclineError as error:
            raise Refusal(str(error), {"code": answer_of(type(error)).code}) from None
        self._clients[sid] = client
        task = asyncio.create_task(self._serve(client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _admitted(self, sid: str, environ: Mapping[str, Any], auth: Mapping[str, Any]) -> _Client:
        token = auth.get("token") or cookies(_headers(environ)).get(ACCESS_COOKIE)
        if not isinstance(token, str) or not token:
            raise Unknown(
                "Send an access token or an API key as auth.token; one in the URL would end up in logs."
            )
        since = _positions(auth.get("since"))
        caller = await sessions.identify(self._service.app, token)
        workspaces = await rights(self._service, caller, token)
        return _Client(sid, caller, token, since, workspaces)

    async def _disconnect(self, sid: str, _reason: str) -> None:
        client = self._clients.pop(sid, None)
        if client is not None:
            # Not cancelled: in the middle of a read that would break the connection to the store.
            client.gone = True
            if client.follower is not None:
                client.follower.woken.set()

    # --- what a client hears --------------------------------------------------------------------------

    async def _serve(self, client: _Client) -> None:
        """Tell a client of everything, until it goes or this node stops."""
        manager = self._server.manager
        while not client.gone and not manager.is_connected(client.sid, self._namespace):  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0)  # what is sent before the handshake is over is lost
        async with self._service.feed.follower(client.caller.user_id) as follower:
            client.follower = follower
            await self._greet(client, follower)
            checked = asyncio.get_running_loop().time()
            while not client.gone:
                now = asyncio.get_running_loop().time()
                if now >= checked + _CHECK:
                    checked = now
                    if not await self._recheck(client, follower):
                        return
                if not await self._tell_next(client, follower):
                    return

    async def _greet(self, client: _Client, follower: Follower) -> None:
        """Say which workspaces the client hears of, and from where on."""
        known = []
        for one in client.workspaces.values():
            with suppress(NotFound):  # it was deleted just now
                position = await follower.follow(one.id, after=client.since.get(one.id))
                known.append(_workspace(one, position))
        now = moment(self._service.app.now())
        greeting = {"userId": client.caller.user_id, "workspaces": known, "timestamp": now}
        await self._emit(client, "connected", greeting)

    async def _tell_next(self, client: _Client, follower: Follower) -> bool:
        """Wait a while for news and tell it. False: this node stops, and the client is to go to another."""
        try:
            news = await follower.next(_CHECK)
        except FeedClosed:
            # Not a Socket.IO disconnect, after which the official client would stay away.
            await self._server.eio.disconnect(self._transport(client))
            return False
        if news is None:
            return True
        connection = client.workspaces[news.connection_id]
        for kind, told in messages(news, connection):
            await self._emit(client, kind, told)
        return True

    async def _recheck(self, client: _Client, follower: Follower) -> bool:
        """Look again at what the client may hear. False: its session or key is over, and it was sent away."""
        try:
            now = await rights(self._service, client.caller, client.token)
        except Retry:
            return True  # the store is away, and so are events
        except SynclineError as error:
            await self._emit(
                client, "disconnecting", {"message": str(error), "code": answer_of(type(error)).code}
            )
            await self._server.disconnect(client.sid, namespace=self._namespace)
            return False
        for gone in client.workspaces.keys() - now.keys():
            follower.leave(gone)
            await self._emit(client, "workspace:left", {"workspaceId": gone})
        for new in [one for key, one in now.items() if key not in client.workspaces]:
            with suppress(NotFound):
                await self._emit(client, "workspace:joined", _workspace(new, await follower.follow(new.id)))
        client.workspaces = now
        return True

    async def _emit(self, client: _Client, kind: str, told: Mapping[str, Any]) -> None:
        """Send one packet, when the client's connection takes it."""
        transport = self._server.eio.sockets.get(self._transport(client))
        while transport is not None and not transport.closed and transport.queue.qsize() >= _WINDOW:  # noqa: ASYNC110 - as above
            await asyncio.sleep(_DRAIN)
        await self._server.emit(kind, told, to=client.sid, namespace=self._namespace)

    def _transport(self, client: _Client) -> str:
        return str(self._server.manager.eio_sid_from_sid(client.sid, self._namespace))

    # --- what a client may ask ------------------------------------------------------------------------

    async def _join(self, sid: str, workspace: object = None) -> dict[str, Any]:
        """A client hears of all its workspaces already; asking for one says whether it is among them."""
        client = self._clients.get(sid)
        if client is None or not isinstance(workspace, str) or workspace not in client.workspaces:
            return {"ok": False, "code": answer_of(NotFound).code, "message": "There is no such workspace."}
        return {"ok": True, "workspaceId": workspace}

    async def _ping(self, _sid: str, *_: object) -> dict[str, Any]:
        return {"timestamp": moment(self._service.app.now())}


def _workspace(connection: Connection, position: int) -> dict[str, Any]:
    return {
        "workspaceId": connection.id,
        "notionWorkspaceId": connection.workspace_id,
        "workspaceName": connection.workspace_name or connection.name,
        "seq": position,
    }


def _headers(environ: Mapping[str, Any]) -> Headers:
    return Headers(scope=environ["asgi.scope"])


def _is_number(seq: object) -> bool:
    return type(seq) is int and 0 <= seq <= LARGEST


def _positions(since: object) -> dict[str, int]:
    """How far a client says it had come. Raises BadInput for what is no position."""
    if since is None:
        return {}
    if not isinstance(since, dict) or not all(_is_number(seq) for seq in since.values()):
        raise BadInput("auth.since is {workspaceId: seq}, with the last seq that was seen.")
    return {str(key): seq for key, seq in since.items()}
