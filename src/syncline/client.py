"""A client of a running Syncline: records as they change, events as they happen, syncs, documents, search.

    async with Syncline("http://127.0.0.1:8040", key) as syncline:
        async for record in syncline.changes():
            print(record.last_action, record.title)

What the service refuses is raised as the class of core.errors that it stands for, with its sentence and `details`; a service that cannot be
reached, or answers what is none of ours, as Unreachable.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from types import MappingProxyType, TracebackType
from typing import Any, Final, Literal, Self, TypeVar

import httpx2
import orjson
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from syncline.core import errors
from syncline.core.errors import Retry, SynclineError, TooSoon, Unreachable

__all__ = [
    "Event",
    "Hit",
    "Job",
    "Record",
    "RecordStream",
    "Source",
    "Syncline",
    "Workspace",
]

Action = Literal["added", "updated", "deleted"]

ERRORS: Final[Mapping[str, type[SynclineError]]] = MappingProxyType(
    {
        "VALIDATION_ERROR": errors.BadInput,
        "NOT_FOUND": errors.NotFound,
        "SYNC_IN_PROGRESS": errors.Busy,
        "NOTION_AUTH_EXPIRED": errors.Refused,
        "AUTH_REQUIRED": errors.Unknown,
        "TOKEN_EXPIRED": errors.Expired,
        "TOKEN_INVALID": errors.Forged,
        "PERMISSION_DENIED": errors.Denied,
        "OWNER_REQUIRED": errors.OwnerOnly,
        "DUPLICATE_RESOURCE": errors.Duplicate,
        "CURSOR_EXPIRED": errors.Gone,
        "SERVICE_UNAVAILABLE": errors.Unreachable,
    }
)
"""What a code of the service means here; another code is a Stop, or Unreachable from 500 on."""

_DELAYS: Final = (0.2, 1.0, 3.0, 10.0)
"""Seconds before each attempt to go on with a stream that broke; one more failure in a row is raised."""


class _Answer(BaseModel):
    """What the service says. A field that a newer one adds is passed over."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class Record(_Answer):
    """One record in its latest state. `cursor` is the place behind it; `data` is the object as Notion sent it."""

    id: str
    kind: str
    stream: str
    title: str
    parent_id: str | None
    edited_at: datetime | None
    content_hash: str | None
    first_seen_at: datetime
    last_modified_at: datetime
    last_action: Action
    deleted_at: datetime | None
    deletion: str | None
    pruned_at: datetime | None
    cursor: str
    data: dict[str, Any]


class Event(_Answer):
    """One event. `seq` is its place in the log of the workspace; `data` is the whole message, by its documented names."""

    kind: str
    workspace_id: str
    seq: int
    data: dict[str, Any]


class Workspace(_Answer):
    """A workspace that the key reaches. `id` names it in every call, `workspace_id` is Notion's."""

    id: str
    workspace_name: str | None
    workspace_id: str | None
    sync_status: str
    my_role: str


class Job(_Answer):
    """A sync that was put into the queue."""

    job_id: str
    status: str
    sync_type: str


class Source(_Answer):
    """A document, and whether it can be searched."""

    id: str
    title: str
    url: str | None
    sync_status: str
    chunk_count: int
    last_modified_in_source: datetime | None
    last_indexed_at: datetime | None


class Hit(_Answer):
    """A document that was found, by its best passage. `url` leads to the block where that begins."""

    source_id: str
    title: str
    url: str
    text: str
    score: float


T = TypeVar("T", bound=_Answer)


class RecordStream:
    """Records as they arrive. `cursor` is the place to go on from: behind the last record, at the end behind all."""

    def __init__(self, client: "Syncline", params: Mapping[str, Any], cursor: str | None) -> None:
        self.cursor = cursor
        self._client = client
        self._params = params

    async def __aiter__(self) -> AsyncGenerator[Record, None]:
        failures = 0
        while True:
            try:
                async with self._client.streaming(
                    "/records", {**self._params, **_given(cursor=self.cursor)}, accept="application/x-ndjson"
                ) as answer:
                    async for line in answer.aiter_lines():
                        record = Record.model_validate(orjson.loads(line))
                        yield record
                        self.cursor, failures = record.cursor, 0
                    self.cursor = answer.headers["x-next-cursor"]
                    return
            except Retry as error:
                await _wait(failures, error)
                failures += 1


class Syncline:
    """A client of one service, with an API key or an access token.

    `workspace` is the id of the workspace that is meant; it can be left out by who reaches only one. `timeout` is in seconds.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        workspace: str | None = None,
        timeout: float = 30.0,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"} | _given(**{"X-Workspace-Id": workspace})
        self._http = httpx2.AsyncClient(
            base_url=url.rstrip("/") + "/api/v1", headers=headers, timeout=timeout, transport=transport
        )

    async def __aenter__(self) -> Self:
        """The client itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its connections."""
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def workspaces(self) -> list[Workspace]:
        """The workspaces that the key reaches, oldest first."""
        data = await self._ask("GET", "/notion/workspaces")
        return [Workspace.model_validate(one) for one in data["workspaces"]]

    async def sync(
        self, sync_type: Literal["full", "incremental"] = "incremental", *, pages: Iterable[str] = ()
    ) -> Job:
        """Start a sync, of the named pages alone if there are any. Raises Busy while one is under way, TooSoon after one."""
        body = {"syncType": sync_type, "options": {"pageFilter": list(pages)}}
        return Job.model_validate(await self._ask("POST", "/notion/sync", json=body))

    async def sync_status(self) -> dict[str, Any]:
        """The sync that is under way and the last ones, as the REST API shows them."""
        data: dict[str, Any] = await self._ask("GET", "/notion/sync-status")
        return data

    async def cancel(self) -> None:
        """Cancel the sync that is under way, if there is one."""
        await self._http_request("POST", "/notion/sync/cancel")

    async def sources(
        self, *, search: str | None = None, status: str | None = None
    ) -> AsyncGenerator[Source, None]:
        """All documents, or those whose title contains `search` and whose status is `status`."""
        page = 1
        while True:
            params = {"page": page, "limit": 100} | _given(search=search, status=status)
            data = await self._ask("GET", "/notion/sources", params=params)
            for one in data["sources"]:
                yield Source.model_validate(one)
            if page * 100 >= data["pagination"]["total"]:
                return
            page += 1

    async def search(self, query: str, *, limit: int = 10) -> list[Hit]:
        """The documents that fit best, best first."""
        data = await self._ask("GET", "/search", params={"q": query, "limit": limit})
        return [Hit.model_validate(one) for one in data["results"]]

    def records(
        self,
        cursor: str | None = None,
        *,
        actions: Iterable[Action] = (),
        kinds: Iterable[str] = (),
        streams: Iterable[str] = (),
        ids: Iterable[str] = (),
        modified_after: datetime | None = None,
    ) -> RecordStream:
        """Every record that changed behind a cursor, in the order of the changes; each once, in its latest state.

        An answer that breaks off is gone on with. Raises Gone where the cursor is so old that deletions may be missing.
        """
        params = {
            "filter": ",".join(actions),
            "kind": list(kinds),
            "stream": list(streams),
            "ids": list(ids),
        } | _given(modifiedAfter=modified_after.isoformat() if modified_after else None)
        return RecordStream(self, params, cursor)

    async def changes(
        self, cursor: str | None = None, *, every: float = 2.0, **filters: Any
    ) -> AsyncGenerator[Record, None]:
        """The same, and then each change as it comes, without an end: it looks `every` so many seconds.

        Whoever keeps the `cursor` of the last record that it is done with can go on from there after a crash.
        """
        while True:
            stream = self.records(cursor, **filters)
            async for record in stream:
                yield record
            cursor = stream.cursor
            await asyncio.sleep(every)

    async def events(self, since: int | None = None) -> AsyncGenerator[Event, None]:
        """The events of the workspace behind a number, or from now on, without an end; a broken connection is gone on with.

        An event of the kind ``sync:reset`` says that those before its `seq` are not in the log any more.
        """
        failures = 0
        while True:
            try:
                async with self.streaming(
                    "/notion/events", _given(since=since), accept="text/event-stream"
                ) as answer:
                    async for fields in _messages(answer.aiter_lines()):
                        failures = 0
                        since = int(fields["id"])
                        if "data" in fields:
                            data = orjson.loads(fields["data"])
                            yield Event.model_validate(data | {"kind": fields["event"], "data": data})
            except Retry as error:
                await _wait(failures, error)
                failures += 1

    @asynccontextmanager
    async def streaming(
        self, path: str, params: Mapping[str, Any], *, accept: str
    ) -> AsyncIterator[httpx2.Response]:
        """An answer whose body is read as it comes."""
        try:
            async with self._http.stream("GET", path, params=params, headers={"Accept": accept}) as answer:
                if answer.is_error:
                    await answer.aread()
                    raise _error(answer)
                yield answer
        except httpx2.TransportError as error:
            raise _unreachable(error) from error

    async def _ask(self, method: str, path: str, **rest: Any) -> Any:
        """The `data` of an answer."""
        return (await self._http_request(method, path, **rest))["data"]

    async def _http_request(self, method: str, path: str, **rest: Any) -> Any:
        try:
            answer = await self._http.request(method, path, **rest)
        except httpx2.TransportError as error:
            raise _unreachable(error) from error
        if answer.is_error:
            raise _error(answer)
        return answer.json()


def _given(**values: Any) -> dict[str, Any]:
    """Those of the values that are given."""
    return {name: value for name, value in values.items() if value is not None}


async def _messages(lines: AsyncIterator[str]) -> AsyncGenerator[dict[str, str], None]:
    """The messages of a stream of server-sent events that have an id."""
    fields: dict[str, str] = {}
    async for line in lines:
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif not line:
            if "id" in fields:
                yield fields
            fields = {}


async def _wait(failures: int, error: Retry) -> None:
    """Wait before the next attempt, or raise the error if there were too many."""
    if failures >= len(_DELAYS):
        raise error
    await asyncio.sleep(error.seconds if isinstance(error, TooSoon) else _DELAYS[failures])


def _unreachable(error: httpx2.TransportError) -> Unreachable:
    return Unreachable(f"The service cannot be reached: {error or type(error).__name__}.")


def _error(answer: httpx2.Response) -> SynclineError:
    """The error that an answer stands for."""
    try:
        body = answer.json()
        message, code, details = body["message"], body["error"]["code"], body["error"]["details"]
    except (ValueError, KeyError, TypeError):
        return Unreachable(f"The service answers {answer.status_code}, and not as Syncline does.")
    if answer.status_code == 429:
        return TooSoon(message, seconds=float(answer.headers.get("retry-after", 1)), details=details)
    fallback = errors.Unreachable if answer.status_code >= 500 else errors.Stop
    return ERRORS.get(code, fallback)(message, details=details)
