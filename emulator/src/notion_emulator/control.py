"""The control prefix ``/_emulator/``: everything a test may turn in process, over TCP as JSON.

| method and path | body or query | does |
| --- | --- | --- |
| GET /_emulator/ | | a page for people: the tree, the log, buttons |
| GET /_emulator/state | | clock, limits, faults, settings, counts |
| PATCH /_emulator/settings | fields of Settings | changes them |
| POST /_emulator/clock | {advance} {freeze} {set} {run} | moves the clock; seconds, or an ISO time, or true |
| PUT /_emulator/rate | {connection, workspace} | ``180/60``, ``3/1``, ``none`` |
| PUT /_emulator/latency | {seconds} | of each answer, of those that wait already too |
| GET, DELETE /_emulator/requests | method, path, status, limit | the log; or begin anew |
| GET, POST, DELETE /_emulator/faults | {what, …} of Fault | list, add, clear |
| DELETE /_emulator/cursors | | every query session dies |
| GET, POST /_emulator/connections | {name, kind, capabilities, all_pages, workspace} | list; a new one with its token |
| POST /_emulator/workspaces | {workspace: "empty" …} | another workspace with its own connection and token |
| POST /_emulator/shares | {id, shared, connection} | give or take a page and what is below it |
| GET /_emulator/figures | | the sizes of the workspace as a reader counts them |
| GET /_emulator/markers | | where each marker of a generated workspace stands |
| GET, POST /_emulator/oauth/clients | {name, redirect_uris} | public integrations; a new one with its secret |
| POST /_emulator/oauth/codes | {client_id, pages, workspace} | a code, as if a person had clicked through |
| GET, POST, PATCH, DELETE /_emulator/webhooks | {url, events, api_version, connection} | list, subscribe, tune, end |
| GET, PUT /_emulator/world | a saved world | save the first workspace as JSON; load one in its place |
"""

import dataclasses
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson

from notion_emulator import figures, snapshot
from notion_emulator.clock import millis, stamp
from notion_emulator.objects import CAPABILITIES, Connection, Json
from notion_emulator.panel import panel
from notion_emulator.service import Request, Response

if TYPE_CHECKING:
    from notion_emulator.emulator import Emulator

__all__ = ["Control"]


class Misused(Exception):
    """A control request that cannot be understood; its text says why."""


class Control:
    """Answers the control prefix of one Emulator."""

    def __init__(self, emulator: "Emulator") -> None:
        self.emulator = emulator

    def answer(self, request: Request) -> Response:
        """Do what is asked; 400 with one clear sentence where that is not possible, 404 for an unknown path."""
        action = ACTIONS.get((request.method, request.path.rstrip("/").removeprefix("/_emulator")))
        if action is None:
            paths = ", ".join(f"{method} /_emulator{path}" for method, path in ACTIONS)
            return _json(
                404, {"error": f"There is no {request.method} {request.path} here. There are: {paths}."}
            )
        try:
            body = orjson.loads(request.body) if request.body else {}
            query = {key: values[-1] for key, values in parse_qs(request.query).items()}
            result = action(self.emulator, {**query, **body})
        except (Misused, ValueError, TypeError, KeyError, re.error) as error:
            return _json(400, {"error": str(error) or type(error).__name__})
        return result if isinstance(result, Response) else _json(200, result)


def _json(status: int, body: Any) -> Response:
    return Response(
        status, [("content-type", "application/json; charset=utf-8")], orjson.dumps(body, default=list)
    )


def _state(emulator: "Emulator", _asked: Json) -> Json:
    world = emulator.world
    return {
        "now": stamp(emulator.clock.now()),
        "frozen": emulator.clock.frozen is not None,
        "latency": emulator.latency,
        "rate": {"connection": emulator.limits.connection, "workspace": emulator.limits.workspace},
        "settings": world.settings,
        "faults": emulator.faults.active,
        "requests": {"total": emulator.requests.total, "peak": emulator.requests.peak},
        "sessions": len(emulator.sessions),
        "workspaces": [
            {
                "id": one.id,
                "name": one.name,
                "pages": len(one.pages),
                "data_sources": len(one.data_sources),
                "nodes": len(one.nodes),
            }
            for one in emulator.worlds
        ],
    }


def _settings(emulator: "Emulator", asked: Json) -> Json:
    known = {one.name: one for one in dataclasses.fields(emulator.settings)}
    for name, value in asked.items():
        if name not in known:
            raise Misused(f"{name!r} is no setting; there are {', '.join(known)}.")
        setattr(emulator.settings, name, set(value) if name == "search_omits_ids" else value)
    return dataclasses.asdict(emulator.settings)


def _clock(emulator: "Emulator", asked: Json) -> Json:
    clock = emulator.clock
    for word, value in asked.items():
        match word:
            case "advance":
                clock.advance(float(value))
            case "freeze":
                clock.freeze(None if value is True else millis(value))
            case "set":
                clock.advance((millis(value) - clock.now()) / 1000)
            case "run":
                clock.run()
            case _:
                raise Misused(
                    "The clock knows advance (seconds), freeze (true or a time), set (a time) and run."
                )
    return {"now": stamp(clock.now()), "frozen": clock.frozen is not None}


def _rate(emulator: "Emulator", asked: Json) -> Json:
    emulator.set_rate(asked.get("connection", "none"), workspace=asked.get("workspace", "none"))
    return {"connection": emulator.limits.connection, "workspace": emulator.limits.workspace}


def _latency(emulator: "Emulator", asked: Json) -> Json:
    emulator.latency = float(asked["seconds"])
    return {"seconds": emulator.latency}


def _requests(emulator: "Emulator", asked: Json) -> Json:
    wanted = {key: asked[key] for key in ("method", "path") if key in asked}
    status = int(asked["status"]) if "status" in asked else None
    found = emulator.requests.select(**wanted, status=status)
    limit = int(asked.get("limit", 1000))
    count = emulator.requests.count(**wanted, status=status)
    return {"count": count, "peak": emulator.requests.peak, "requests": found[-limit:] if limit else []}


def _forget_requests(emulator: "Emulator", _asked: Json) -> Json:
    emulator.requests.clear()
    return {"count": 0}


def _faults(emulator: "Emulator", _asked: Json) -> Json:
    return {"faults": emulator.faults.active}


def _add_fault(emulator: "Emulator", asked: Json) -> Json:
    what = asked.pop("what", None)
    return dataclasses.asdict(emulator.faults.add(int(what) if str(what).isdecimal() else what, **asked))


def _clear_faults(emulator: "Emulator", asked: Json) -> Json:
    emulator.faults.clear(seed=int(asked["seed"]) if "seed" in asked else None)
    return {"faults": []}


def _clear_cursors(emulator: "Emulator", _asked: Json) -> Json:
    killed = len(emulator.sessions)
    emulator.sessions.clear()
    return {"killed": killed}


def _connections(emulator: "Emulator", _asked: Json) -> Json:
    return {"connections": [_shown(one) for world in emulator.worlds for one in world.connections.values()]}


def _shown(connection: Connection) -> Json:
    keys = ("id", "name", "token", "bot_id", "kind", "all_pages", "grants")
    return {key: getattr(connection, key) for key in keys} | {"capabilities": sorted(connection.capabilities)}


def _connect(emulator: "Emulator", asked: Json) -> Json:
    worlds = {one.id: one for one in emulator.worlds}
    world = worlds.get(asked.pop("workspace", emulator.world.id))
    if world is None:
        raise Misused(f"There is no such workspace; there are {', '.join(worlds)}.")
    capabilities = frozenset(asked.pop("capabilities", CAPABILITIES))
    if unknown := capabilities - CAPABILITIES:
        raise Misused(
            f"There is no capability {', '.join(sorted(unknown))}; there are {', '.join(sorted(CAPABILITIES))}."
        )
    return _shown(world.connect(asked.pop("name", "Connection"), capabilities=capabilities, **asked))


def _share(emulator: "Emulator", asked: Json) -> Json:
    connections = emulator.world.connections
    connection = connections.get(asked.get("connection", emulator.connection.id))
    if connection is None or asked["id"] not in emulator.world.nodes:
        raise Misused("Name an object by id, and a connection by id where it is not the first one.")
    connection.grants[asked["id"]] = bool(asked.get("shared", True))
    return _shown(connection)


def _figures(emulator: "Emulator", _asked: Json) -> Json:
    found = figures.figures(emulator.world, emulator.connection)
    bounds = {name: getattr(found, name) for name in ("blocks_bound", "markdown_bound", "properties_bound")}
    return {**dataclasses.asdict(found), **bounds}


def _world(emulator: "Emulator", _asked: Json) -> Response:
    return Response(200, [("content-type", "application/json; charset=utf-8")], snapshot.dump(emulator.world))


def _replace_world(emulator: "Emulator", asked: Json) -> Json:
    emulator.replace_world(snapshot.load(orjson.dumps(asked)))
    return {"token": emulator.token, "root_page_id": emulator.root_page_id}


def _markers(emulator: "Emulator", _asked: Json) -> list[Json]:
    seeded = emulator.seeded
    return [one._asdict() for one in seeded.markers] if seeded else []


def _add_workspace(emulator: "Emulator", asked: Json) -> Json:
    from notion_emulator.workspaces import open_workspace  # noqa: PLC0415 - it opens emulators, which hold this control

    opened = open_workspace(asked["workspace"], seed=len(emulator.worlds))
    world = emulator.add_world(opened.world)
    return {"id": world.id, "token": opened.token, "root_page_id": opened.root_page_id}


def _clients(emulator: "Emulator", _asked: Json) -> Json:
    return {"clients": list(emulator.oauth.clients.values())}


def _register(emulator: "Emulator", asked: Json) -> Any:
    uris = tuple(asked.pop("redirect_uris", ()))
    return dataclasses.asdict(emulator.oauth.register(redirect_uris=uris, **asked))


def _code(emulator: "Emulator", asked: Json) -> Json:
    client = emulator.oauth.clients.get(asked.pop("client_id", ""))
    if client is None:
        raise Misused("Name a client by its client_id; register one first.")
    return {"code": emulator.oauth.grant(client, **asked)}


def _webhooks(emulator: "Emulator", _asked: Json) -> Json:
    hooks = emulator.webhooks
    keys = ("id", "url", "verification_token", "api_version", "events", "active")
    shown = [{key: getattr(one, key) for key in keys} for one in hooks.subscriptions.values()]
    ended = [
        {"type": one.body["type"], "attempts": one.attempt, "status": one.status} for one in hooks.log[-1000:]
    ]
    return {"subscriptions": shown, "waiting": len(hooks.waiting) + len(hooks.deliveries), "delivered": ended}


def _subscribe(emulator: "Emulator", asked: Json) -> Json:
    hooks, events = emulator.webhooks, asked.pop("events", None)
    connections = {id: one for world in emulator.worlds for id, one in world.connections.items()}
    connection = connections[asked.pop("connection", emulator.connection.id)]
    one = hooks.add(
        asked.pop("url"), connection=connection, events=frozenset(events) if events else None, **asked
    )
    emulator.jobs.append(lambda: hooks.shake_hands(one))
    return {"id": one.id, "verification_token": one.verification_token, "active": one.active}


def _tune_webhooks(emulator: "Emulator", asked: Json) -> Json:
    for name, value in asked.items():
        if name not in ("window", "duplicates", "reorder", "backoff"):
            raise Misused(
                "Webhooks know window (seconds), duplicates (share), reorder (boolean) and backoff (seconds)."
            )
        setattr(emulator.webhooks, name, tuple(value) if name == "backoff" else value)
    return _webhooks(emulator, asked)


def _unsubscribe(emulator: "Emulator", asked: Json) -> Json:
    emulator.webhooks.subscriptions.pop(asked["id"])
    return _webhooks(emulator, asked)


def _panel(emulator: "Emulator", _asked: Json) -> Response:
    return Response(200, [("content-type", "text/html; charset=utf-8")], panel(emulator).encode())


ACTIONS: dict[tuple[str, str], Callable[["Emulator", Json], Any]] = {
    ("GET", ""): _panel,
    ("GET", "/state"): _state,
    ("PATCH", "/settings"): _settings,
    ("POST", "/clock"): _clock,
    ("PUT", "/rate"): _rate,
    ("PUT", "/latency"): _latency,
    ("GET", "/requests"): _requests,
    ("DELETE", "/requests"): _forget_requests,
    ("GET", "/faults"): _faults,
    ("POST", "/faults"): _add_fault,
    ("DELETE", "/faults"): _clear_faults,
    ("DELETE", "/cursors"): _clear_cursors,
    ("GET", "/connections"): _connections,
    ("POST", "/connections"): _connect,
    ("POST", "/workspaces"): _add_workspace,
    ("POST", "/shares"): _share,
    ("GET", "/figures"): _figures,
    ("GET", "/markers"): _markers,
    ("GET", "/oauth/clients"): _clients,
    ("POST", "/oauth/clients"): _register,
    ("POST", "/oauth/codes"): _code,
    ("GET", "/webhooks"): _webhooks,
    ("POST", "/webhooks"): _subscribe,
    ("PATCH", "/webhooks"): _tune_webhooks,
    ("DELETE", "/webhooks"): _unsubscribe,
    ("GET", "/world"): _world,
    ("PUT", "/world"): _replace_world,
}
