"""The client against handlers: functions from request to answer, and a few bytes over a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from syncline.notion import errors, oauth
from syncline.notion import operations as op
from syncline.notion.budget import Lane, MemoryBudget, Meter, Rate, Unlimited
from syncline.notion.client import Client, Runtime
from syncline.notion.errors import NotionError
from syncline.notion.exchange import Exchange
from syncline.notion.objects import Version

ID = "38c9ce7b-60a4-81e9-b951-000b9b64e41a"
TOKEN = "ntn_0123456789"
PAGE = {"object": "page", "id": ID, "request_id": "r"}

Answer = httpx2.Response | Exception
Handler = (
    Callable[[httpx2.Request], httpx2.Response]
    | Callable[[httpx2.Request], Coroutine[None, None, httpx2.Response]]
)


def ok(body: Any = PAGE) -> httpx2.Response:
    return httpx2.Response(200, json=body)


def refusal(status: int, code: str, message: str = "m", **additional: Any) -> httpx2.Response:
    headers = {"retry-after": str(additional.pop("wait"))} if "wait" in additional else {}
    body = {"object": "error", "status": status, "code": code, "message": message, "request_id": "r"}
    return httpx2.Response(status, json=body | {"additional_data": additional}, headers=headers)


class Script:
    """Gives its answers in turn, the last for ever; remembers what it was asked, and when."""

    def __init__(self, *answers: Answer, time: Any = None) -> None:
        self.answers = answers
        self.requests: list[httpx2.Request] = []
        self.times: list[float] = []
        self._time = time

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
        self.requests.append(request)
        self.times.append(self._time.now if self._time else 0.0)
        if isinstance(answer, Exception):
            raise answer
        # A response can be read once; each request gets its own.
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)


def client(handler: Handler, time: Any = None, **options: Any) -> Client:
    runtime = Runtime(clock=time.clock, sleep=time.sleep, random=lambda: 0.5) if time else Runtime()
    if time:
        options.setdefault("budget", Unlimited(clock=time.clock, sleep=time.sleep))
    return Client(TOKEN, transport=httpx2.MockTransport(handler), runtime=runtime, **options)


async def outcome(time: Any, awaitable: Any) -> Any:
    """Return what came, the answer or the error, after as much virtual time as it took."""

    async def caught() -> Any:
        try:
            return await awaitable
        except NotionError as error:
            return error

    (result,) = await time.run(caught())
    return result


# --- One request ------------------------------------------------------------------------------------------------


async def test_a_request_says_who_asks_and_in_which_version() -> None:
    script = Script(ok())
    async with client(script, version=Version.V2025_09_03, base_url="http://notion.test/v1/") as notion:
        assert await notion.send(op.retrieve_page(ID)) == PAGE
    (request,) = script.requests
    assert str(request.url) == f"http://notion.test/v1/pages/{ID}"
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.headers["Notion-Version"] == "2025-09-03"
    assert "gzip" in request.headers["Accept-Encoding"]
    assert request.headers["User-Agent"]


async def test_the_body_and_the_host_arrive() -> None:
    script = Script(ok())
    async with client(script) as notion:
        await notion.send(op.update_page(ID, properties={"a": "é"}))
    (request,) = script.requests
    assert json.loads(request.content) == {"properties": {"a": "é"}}
    assert request.headers["Host"] == "api.notion.com"
    assert request.headers["Content-Length"] == str(len(request.content))


async def test_oauth_goes_without_a_token() -> None:
    script = Script(ok({"access_token": "ntn_new"}))
    async with Client(None, transport=httpx2.MockTransport(script), budget=Unlimited()) as notion:
        answer = await notion.send(oauth.refresh_token("nrt_x", client_id="i", client_secret="s"))
    assert answer == {"access_token": "ntn_new"}
    assert script.requests[0].headers["Authorization"].startswith("Basic ")


async def test_a_redirect_is_never_followed() -> None:
    script = Script(httpx2.Response(302, headers={"location": "https://evil.test/"}))
    async with client(script) as notion:
        with pytest.raises(errors.Unexpected):
            await notion.send(op.retrieve_page(ID))
    assert [request.url.host for request in script.requests] == ["api.notion.com"]


@pytest.mark.parametrize(
    "address",
    [
        *("", "api.notion.com", "ftp://x", "http://", "http://[x", "http://x:99999", "file:///etc/passwd"),
        *("http://user:secret@x", "http://x/?q=1", "http://x/#a", "http://x y"),
    ],
)
def test_a_bad_address_is_refused_at_once(address: str) -> None:
    with pytest.raises(ValueError, match="address") as caught:
        Client(TOKEN, base_url=address)
    assert "secret" not in str(caught.value)


async def test_the_token_is_nowhere_to_be_seen() -> None:
    seen: list[Exchange] = []
    script = Script(refusal(401, "unauthorized", f'token "{TOKEN}" is invalid', token=TOKEN))
    async with client(script, observer=seen.append) as notion:
        with pytest.raises(errors.Unauthorized) as caught:
            await notion.send(op.retrieve_me())
        shown = f"{notion!r} {seen!r} {caught.value} {caught.value!r} {caught.value.additional_data}"
    assert TOKEN not in shown


# --- Failures and repetitions -----------------------------------------------------------------------------------

TRANSIENT: list[Answer] = [
    refusal(409, "conflict_error"),
    refusal(500, "internal_server_error"),
    refusal(502, "bad_gateway"),
    refusal(503, "service_unavailable"),
    refusal(504, "gateway_timeout"),
    httpx2.Response(502, text="<html>Bad gateway</html>"),
    httpx2.Response(200, text='{"object": "pa'),
    httpx2.ReadTimeout("slow"),
    httpx2.ReadError("reset"),
    httpx2.RemoteProtocolError("peer closed connection without sending complete message body"),
    httpx2.DecodingError("bad gzip"),
    ConnectionResetError("reset"),
]
PACED: list[Answer] = [
    refusal(429, "rate_limited", wait=3),
    refusal(429, "rate_limited", wait=120, rate_limit_reason="public_api_space_request_rate_limit"),
    refusal(529, "service_overload", wait=2),
    refusal(529, "service_overload"),
]
NEVER_SENT: list[Answer] = [
    httpx2.ConnectError("refused"),
    httpx2.ConnectTimeout("slow"),
    httpx2.PoolTimeout("full"),
]
LASTING: list[Answer] = [
    refusal(400, "validation_error"),
    refusal(401, "unauthorized"),
    refusal(403, "restricted_resource"),
    refusal(404, "object_not_found"),
    refusal(429, "rate_limited", wait=1, rate_limit_reason="public_api_request_blocked"),
]


def described(answer: Answer) -> str:
    return (
        type(answer).__name__ if isinstance(answer, Exception) else f"{answer.status_code}{answer.text[:60]}"
    )


@pytest.mark.parametrize("fault", TRANSIENT + PACED + NEVER_SENT, ids=described)
async def test_a_read_survives_what_passes(fault: Answer, virtual_time: Any) -> None:
    script = Script(fault, fault, ok())
    async with client(script, virtual_time) as notion:
        assert await outcome(virtual_time, notion.send(op.retrieve_page(ID))) == PAGE
        assert notion.counts.requests == 3
        assert notion.counts.retries == 2
        assert notion.counts.by_operation == {"pages.retrieve": 3}


@pytest.mark.parametrize("fault", TRANSIENT + NEVER_SENT, ids=described)
async def test_a_read_is_given_up_after_eight_tries(fault: Answer, virtual_time: Any) -> None:
    script = Script(fault)
    async with client(script, virtual_time) as notion:
        error = await outcome(virtual_time, notion.send(op.retrieve_page(ID)))
    assert isinstance(error, NotionError)
    assert error.operation == "pages.retrieve"
    assert len(script.requests) == 8


@pytest.mark.parametrize("fault", LASTING, ids=described)
@pytest.mark.parametrize("operation", [op.retrieve_page(ID), op.delete_block(ID)], ids=["read", "write"])
async def test_what_lasts_is_asked_once(fault: Answer, operation: Any, virtual_time: Any) -> None:
    script = Script(fault, ok())
    async with client(script, virtual_time) as notion:
        assert isinstance(await outcome(virtual_time, notion.send(operation)), NotionError)
    assert len(script.requests) == 1


@pytest.mark.parametrize("fault", PACED + NEVER_SENT, ids=described)
async def test_a_write_that_was_not_carried_out_is_repeated(fault: Answer, virtual_time: Any) -> None:
    script = Script(fault, ok())
    async with client(script, virtual_time) as notion:
        assert await outcome(virtual_time, notion.send(op.create_page(parent={}))) == PAGE
    assert len(script.requests) == 2


@pytest.mark.parametrize("fault", TRANSIENT, ids=described)
async def test_a_write_with_unknown_outcome_is_not_repeated_blindly(fault: Answer, virtual_time: Any) -> None:
    script = Script(fault, ok())
    async with client(script, virtual_time) as notion:
        error = await outcome(virtual_time, notion.send(op.create_page(parent={})))
    assert isinstance(error, NotionError)
    assert error.effect is errors.Effect.UNKNOWN
    assert len(script.requests) == 1


@pytest.mark.parametrize("fault", TRANSIENT, ids=described)
async def test_a_write_found_by_reading_back_is_the_answer(fault: Answer, virtual_time: Any) -> None:
    found = {"object": "page", "id": "found"}
    asked: list[NotionError] = []

    async def read_back(error: NotionError) -> Any:
        asked.append(error)
        return found

    script = Script(fault, ok())
    async with client(script, virtual_time) as notion:
        sent = notion.send(op.create_page(parent={}), read_back=read_back)
        assert await outcome(virtual_time, sent) == found
    assert (len(script.requests), len(asked)) == (1, 1)


async def test_a_write_that_left_nothing_is_repeated(virtual_time: Any) -> None:
    async def read_back(error: NotionError) -> Any:
        return None

    script = Script(httpx2.ReadTimeout("slow"), httpx2.ReadTimeout("slow"), ok())
    async with client(script, virtual_time) as notion:
        assert (
            await outcome(virtual_time, notion.send(op.create_page(parent={}), read_back=read_back)) == PAGE
        )
    assert len(script.requests) == 3


@pytest.mark.parametrize("found", [PAGE, None])
async def test_a_saved_write_is_read_and_never_repeated(found: Any, virtual_time: Any) -> None:
    committed: list[str | None] = []

    async def read_back(error: NotionError) -> Any:
        assert isinstance(error, errors.WriteApplied)
        committed.append(error.committed_id)
        return found

    script = Script(refusal(503, "service_unavailable", committed_resource_id=ID), ok())
    async with client(script, virtual_time) as notion:
        result = await outcome(virtual_time, notion.send(op.create_page(parent={}), read_back=read_back))
    assert result == PAGE if found else isinstance(result, errors.WriteApplied)
    assert (len(script.requests), committed) == (1, [ID])


async def test_an_endless_rate_limit_is_given_up_within_two_hours(virtual_time: Any) -> None:
    script, start = Script(refusal(429, "rate_limited", wait=60)), virtual_time.now
    async with client(script, virtual_time) as notion:
        error = await outcome(virtual_time, notion.send(op.retrieve_page(ID)))
        assert notion.counts.rate_limited == len(script.requests)
    assert isinstance(error, errors.RateLimited)
    assert 1800 < virtual_time.now - start < 7200


# --- Pace -------------------------------------------------------------------------------------------------------


async def test_a_retry_after_stops_everybody(virtual_time: Any) -> None:
    script = Script(refusal(429, "rate_limited", wait=30), ok(), time=virtual_time)
    async with client(script, virtual_time) as notion:

        async def later() -> None:
            await virtual_time.sleep(1.0)
            await notion.send(op.retrieve_user(ID))

        start = virtual_time.now
        await virtual_time.run(notion.send(op.retrieve_page(ID)), later())
    assert [at - start for at in script.times] == pytest.approx([0.0, 30.0, 30.0])


async def test_no_sixty_seconds_see_more_than_the_rate(virtual_time: Any) -> None:
    script = Script(ok(), time=virtual_time)
    time = {"clock": virtual_time.clock, "sleep": virtual_time.sleep}
    budget = MemoryBudget(Meter(Rate(10, 60.0)), **time)
    async with client(script, virtual_time, budget=budget) as notion:
        await virtual_time.run(*(notion.send(op.retrieve_page(ID)) for _ in range(35)))
    times = script.times
    assert len(times) == 35
    assert all(after - before > 60.0 for before, after in zip(times, times[10:], strict=False))
    assert times[-1] - times[0] < 3 * 61.0


async def test_a_person_goes_before_the_backfill(virtual_time: Any) -> None:
    script = Script(ok(), time=virtual_time)
    time = {"clock": virtual_time.clock, "sleep": virtual_time.sleep}
    budget = MemoryBudget(Meter(Rate(5, 60.0)), **time)
    async with client(script, virtual_time, budget=budget) as notion:

        async def person() -> None:
            await virtual_time.sleep(10.0)
            await notion.send(op.retrieve_me(), lane=Lane.INTERACTIVE)

        backfill = (notion.send(op.retrieve_page(ID), lane=Lane.BACKFILL) for _ in range(12))
        await virtual_time.run(*backfill, person())
    assert [request.url.path for request in script.requests].index("/v1/users/me") == 5


async def test_between_two_and_sixteen_are_in_flight() -> None:
    inside, most = 0, 0

    async def handler(request: httpx2.Request) -> httpx2.Response:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.001)
        inside -= 1
        return ok()

    async with client(handler, budget=Unlimited()) as notion:
        await asyncio.gather(*(notion.send(op.retrieve_page(ID)) for _ in range(300)))
        assert most == 16
        assert notion.gate.inside == 0


async def test_a_cancelled_request_gives_back_its_place() -> None:
    async def handler(request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(60)
        return ok()

    meter = Meter(Rate(5, 60.0))
    async with client(handler, budget=MemoryBudget(meter)) as notion:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(notion.send(op.retrieve_page(ID)), 0.01)
        assert notion.gate.inside == 0
    assert meter.state.open == ()
    assert sum(count for _, count in meter.state.spent) == 1


async def test_a_request_cancelled_while_it_waits_for_its_place_gives_back_its_slot() -> None:
    async def handler(request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(60)
        return ok()

    meter = Meter(Rate(50, 60.0))
    async with client(handler, budget=MemoryBudget(meter)) as notion:
        tasks = [asyncio.create_task(notion.send(op.retrieve_page(ID))) for _ in range(6)]
        await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert notion.gate.inside == 0
    assert meter.state.open == ()
    assert sum(count for _, count in meter.state.spent) == 5  # four in flight, one waiting, one behind it


# --- Listings ---------------------------------------------------------------------------------------------------


def shelf(total: int, refuse: Callable[[int], httpx2.Response | None] = lambda size: None) -> Handler:
    """Lists the numbers below `total`; `refuse` may refuse a page by its size."""

    def handler(request: httpx2.Request) -> httpx2.Response:
        asked = dict(request.url.params) or json.loads(request.content)
        size, start = int(asked["page_size"]), int(asked.get("start_cursor", 0))
        end = start + size
        results = [{"object": "block", "id": str(number)} for number in range(start, min(end, total))]
        more = {"has_more": end < total, "next_cursor": str(end) if end < total else None}
        return refuse(size) or ok({"object": "list", "results": results, **more})

    return handler


async def everything(notion: Client, operation: Any) -> list[str]:
    return [item["id"] async for listing in notion.pages(operation) for item in listing["results"]]


@pytest.mark.parametrize(
    "operation", [op.list_block_children(ID), op.query_data_source(ID)], ids=["query", "body"]
)
@pytest.mark.parametrize(("total", "requests"), [(0, 1), (1, 1), (100, 1), (101, 2), (1234, 13)])
async def test_a_listing_is_read_whole_with_no_request_too_many(
    operation: Any, total: int, requests: int
) -> None:
    async with client(shelf(total), budget=Unlimited()) as notion:
        assert await everything(notion, operation) == [str(number) for number in range(total)]
        assert notion.counts.requests == requests


@pytest.mark.parametrize(
    "fault", [refusal(503, "service_unavailable"), refusal(504, "gateway_timeout")], ids=described
)
async def test_large_pages_that_fail_are_read_in_small_ones(
    fault: httpx2.Response, virtual_time: Any
) -> None:
    asked: list[int] = []

    def refuse(size: int) -> httpx2.Response | None:
        asked.append(size)
        return httpx2.Response(fault.status_code, content=fault.content) if size > 25 else None

    async with client(shelf(300, refuse), virtual_time) as notion:
        read = await outcome(virtual_time, everything(notion, op.query_data_source(ID)))
    assert read == [str(number) for number in range(300)]
    assert asked[:3] == [100, 50, 25]
    # From then on 25, with a try of 50 after the fourth answer; the next would come after eight more.
    assert asked[3:] == [25, 25, 25, 50, *[25] * 8]


async def test_page_size_recovers_when_the_strain_is_over(virtual_time: Any) -> None:
    asked: list[int] = []

    def refuse(size: int) -> httpx2.Response | None:
        asked.append(size)
        return refusal(503, "service_unavailable") if len(asked) <= 6 else None

    async with client(shelf(1000, refuse), virtual_time) as notion:
        read = await outcome(virtual_time, everything(notion, op.list_block_children(ID)))
    assert len(read) == len(set(read)) == 1000
    assert asked[:6] == [100, 50, 25, 12, 10, 10]
    assert asked[6:] == [*[10] * 4, *[20] * 4, *[40] * 4, *[80] * 4, *[100] * 4]


async def test_a_cursor_that_comes_back_ends_with_an_error() -> None:
    answers = (
        {"object": "list", "results": [{"id": str(number)}], "has_more": True, "next_cursor": cursor}
        for number, cursor in enumerate("aba")
    )
    script = Script(*(ok(answer) for answer in answers))
    async with client(script, budget=Unlimited()) as notion:
        with pytest.raises(errors.BrokenListing):
            await everything(notion, op.search())
    assert len(script.requests) == 3


async def test_a_listing_without_end_ends_with_an_error() -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        cursor = int(json.loads(request.content).get("start_cursor", 0)) + 1
        return ok(
            {"object": "list", "results": [{"id": "same"}], "has_more": True, "next_cursor": str(cursor)}
        )

    async with client(handler, budget=Unlimited()) as notion:
        with pytest.raises(errors.BrokenListing):
            await everything(notion, op.search())


async def test_a_dead_cursor_is_told_apart() -> None:
    first = {"object": "list", "results": [{"id": "1"}], "has_more": True, "next_cursor": "s:1:2"}
    script = Script(
        ok(first), refusal(400, "validation_error", "The start_cursor provided is invalid: s:1:2")
    )
    async with client(script, budget=Unlimited()) as notion:
        with pytest.raises(errors.StaleCursor):
            await everything(notion, op.query_data_source(ID))


# --- What is told -----------------------------------------------------------------------------------------------


async def test_the_observer_hears_of_every_request(virtual_time: Any) -> None:
    seen: list[Exchange] = []
    slow = httpx2.Response(202, json={"object": "async_task", "id": "t", "request_id": "r2"})
    script = Script(refusal(500, "internal_server_error"), httpx2.ReadError("reset"), slow)
    async with client(script, virtual_time, observer=seen.append) as notion:
        await outcome(virtual_time, notion.send(op.retrieve_markdown(ID), lane=Lane.WEBHOOK))
    assert [(each.attempt, each.status, each.request_id) for each in seen] == [
        (1, 500, "r"),
        (2, None, None),
        (3, 202, "r2"),
    ]
    assert isinstance(seen[1].error, errors.ConnectionLost)
    assert {(each.operation, each.method, each.path, each.lane) for each in seen} == {
        ("pages.markdown", "GET", f"/v1/pages/{ID}/markdown", Lane.WEBHOOK)
    }


async def test_notions_clock_is_known_from_its_last_answer(virtual_time: Any) -> None:
    first = httpx2.Response(200, json=PAGE, headers={"date": "Fri, 20 Nov 2026 12:00:00 GMT"})
    script = Script(first, httpx2.Response(200, json=PAGE, headers={"date": "yesterday"}))
    async with client(script, virtual_time) as notion:
        assert notion.server_time() is None
        await notion.send(op.retrieve_page(ID))
        virtual_time.now += 90.0
        await notion.send(op.retrieve_page(ID))
        assert notion.server_time() == datetime(2026, 11, 20, 12, 1, 30, tzinfo=UTC)


# --- Over a socket ----------------------------------------------------------------------------------------------


@asynccontextmanager
async def server(answers: Iterable[bytes]) -> AsyncIterator[str]:
    """Answer each connection's first request with the next of the byte strings, then close it."""
    rest = iter(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(next(rest))
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\nConnection: close\r\n\r\n" + b'{"object":"page"}'
BROKEN = {
    "closed without a word": b"",
    "closed inside the head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "closed inside the body": WHOLE[:-5],
    "closed inside a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n" + b'{"obj',
    "no HTTP": b"hello\r\n\r\n",
    "bad gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
}


@pytest.mark.parametrize("case", BROKEN)
async def test_a_broken_answer_over_tcp_is_asked_for_again(case: str) -> None:
    runtime = Runtime(random=lambda: 0.0, sleep=lambda seconds: asyncio.sleep(0))
    async with (
        server([BROKEN[case], WHOLE]) as address,
        Client(TOKEN, base_url=address, budget=Unlimited(), runtime=runtime) as notion,
    ):
        assert await notion.send(op.retrieve_page(ID)) == {"object": "page"}
        assert notion.counts.requests == 2


async def test_nobody_listening_is_unreachable() -> None:
    async with server([]) as address:
        pass
    runtime = Runtime(sleep=lambda seconds: asyncio.sleep(0))
    async with Client(TOKEN, base_url=address, budget=Unlimited(), runtime=runtime) as notion:
        with pytest.raises(errors.Unreachable):
            await notion.send(op.delete_block(ID))


# --- Another token ----------------------------------------------------------------------------------------------


UNAUTHORIZED = refusal(401, "unauthorized")


def renewing(handler: Handler, *tokens: str | None, **options: Any) -> tuple[Client, list[str]]:
    """A client that is given these tokens in turn, and the refused ones that it asked about."""
    given, refused = iter(tokens), []

    async def renew(token: str) -> str | None:
        refused.append(token)
        await asyncio.sleep(0)
        return next(given)

    return client(handler, renew=renew, **options), refused


def bearers(script: Script) -> list[str]:
    return [request.headers["authorization"].removeprefix("Bearer ") for request in script.requests]


@pytest.mark.parametrize("operation", [op.retrieve_page(ID), op.update_page(ID, properties={})])
async def test_a_refused_token_is_replaced_and_the_request_sent_again(operation: Any) -> None:
    script = Script(UNAUTHORIZED, ok())
    http, refused = renewing(script, "ntn_new")
    await http.send(operation)
    assert (refused, bearers(script)) == ([TOKEN], [TOKEN, "ntn_new"])


@pytest.mark.parametrize("given", [None, TOKEN])
async def test_without_another_token_the_refusal_is_told(given: str | None) -> None:
    script = Script(UNAUTHORIZED)
    http, refused = renewing(script, given)
    with pytest.raises(errors.Unauthorized):
        await http.send(op.retrieve_page(ID))
    assert (refused, len(script.requests)) == ([TOKEN], 1)


async def test_an_operation_has_one_other_token_and_no_third() -> None:
    script = Script(UNAUTHORIZED)
    http, refused = renewing(script, "ntn_new", "ntn_newer")
    with pytest.raises(errors.Unauthorized):
        await http.send(op.retrieve_page(ID))
    assert (refused, len(script.requests)) == ([TOKEN], 2)


async def test_those_who_meet_the_refusal_together_ask_once() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return ok() if request.headers["authorization"].endswith("new") else refusal(401, "unauthorized")

    http, refused = renewing(answer, "ntn_new")
    await asyncio.gather(*(http.send(op.retrieve_page(ID)) for _ in range(10)))
    assert refused == [TOKEN]


async def test_credentials_of_the_operations_own_are_never_replaced() -> None:
    script = Script(UNAUTHORIZED)
    http, refused = renewing(script, "ntn_new")
    with pytest.raises(errors.Unauthorized):
        await http.send(oauth.introspect_token("t", client_id="c", client_secret="s"))
    assert (refused, len(script.requests)) == ([], 1)


async def test_who_waited_for_a_turn_meanwhile_goes_with_the_new_token() -> None:
    script = Script(UNAUTHORIZED, ok())
    budget = MemoryBudget(Meter(Rate(1, 0.05)))
    http, refused = renewing(script, "ntn_new", budget=budget)
    await asyncio.gather(*(http.send(op.retrieve_page(ID)) for _ in range(3)))
    assert (refused, bearers(script)) == ([TOKEN], [TOKEN, *["ntn_new"] * 3])
