"""Off to Notion and back: only the browser that began, once, in time, to an address that is allowed."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from cryptography.fernet import Fernet
from tests.accounts.authorizing import BACK, Notion

from syncline.accounts import sessions
from syncline.accounts.authorize import Answer, Begun, begin, finish, return_url
from syncline.accounts.sessions import Caller
from syncline.core.errors import BadInput, NotFound
from syncline.core.permission import Role
from syncline.engine import tokens
from syncline.settings import Settings
from syncline.store import connections, members, oauth, preferences
from syncline.store import sessions as stored_sessions
from syncline.store.preferences import Joining, Preferences
from syncline.store.schema import metadata
from syncline.store.secrets import KeyRing

PAGE = "https://syncline.test/settings/integrations"
ALLOWED = ("https://app.example.com/done", "http://localhost:3000")


@pytest.fixture
def store_location(sqlite_path: Path) -> str:
    """One database: what the two could do differently is tested in tests/store/test_oauth.py and test_joining.py."""
    return str(sqlite_path)


def query(url: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}


async def session(notion: Notion, user: str) -> Caller:
    async with notion.app.database.begin() as conn:
        issued = await sessions.begin(notion.app, conn, user, agent=None)
    return await sessions.identify(notion.app, issued.access)


async def started(notion: Notion, user: str = "ann", **options: str) -> Begun:
    asked = [options.get(name) for name in ("registered", "echo", "back")]
    registered, echo, back = asked
    caller = await session(notion, user)
    return await begin(notion.app, caller, registered=registered, echo=echo, back=back)


def allow(notion: Notion, begun: Begun) -> Answer:
    """What the person's browser brings back after it allowed everything at Notion's page."""
    code = notion.server.emulator.oauth.grant(notion.client, redirect_uri=BACK)
    return Answer(code=code, state=query(begun.url)["state"])


async def nothing_happened(notion: Notion) -> bool:
    async with notion.app.database.read() as conn:
        return await connections.every(conn) == [] and notion.renewals == 0


async def test_a_person_goes_to_notion_and_comes_back_with_a_workspace(notion: Notion) -> None:
    begun = await started(notion, echo="a&b=c")
    url = urlsplit(begun.url)
    asked = query(begun.url)

    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{notion.server.url}/v1/oauth/authorize"
    assert asked.pop("state") == begun.state
    assert asked == {
        "client_id": notion.client.id,
        "redirect_uri": BACK,
        "response_type": "code",
        "owner": "user",
    }

    came = await finish(notion.app, allow(notion, begun), nonce=begun.nonce)

    assert came.startswith(f"{PAGE}?")
    workspace = query(came)["workspace"]
    assert query(came) == {"workspace": workspace, "state": "a&b=c"}
    async with notion.app.database.read() as conn:
        assert await members.role(conn, workspace, "ann") is Role.OWNER


async def test_the_second_user_of_a_notion_workspace_comes_back_as_a_member(notion: Notion) -> None:
    connection = await notion.connected()
    begun = await started(notion, "bob")

    came = await finish(notion.app, allow(notion, begun), nonce=begun.nonce)

    assert query(came) == {"workspace": connection.id}
    async with notion.app.database.read() as conn:
        assert await members.role(conn, connection.id, "bob") is Role.MEMBER


async def test_a_state_works_once(notion: Notion) -> None:
    begun = await started(notion)
    await finish(notion.app, allow(notion, begun), nonce=begun.nonce)
    renewals = notion.renewals

    came = await finish(notion.app, allow(notion, begun), nonce=begun.nonce)

    assert query(came) == {"error": "invalid_state"}
    assert notion.renewals == renewals


@pytest.mark.parametrize(("seconds", "good"), [(599, True), (600, False), (86_400, False)])
async def test_a_state_ends_after_ten_minutes(notion: Notion, *, seconds: int, good: bool) -> None:
    begun = await started(notion)
    answer = allow(notion, begun)
    notion.time.now += timedelta(seconds=seconds)
    assert ("workspace" in query(await finish(notion.app, answer, nonce=begun.nonce))) is good


@pytest.mark.parametrize("state", [None, "", "x", ".", "x.y", "é.é", "\ud800.\ud800"])
async def test_a_state_that_we_did_not_sign_is_refused(notion: Notion, state: str | None) -> None:
    begun = await started(notion)
    answer = replace(allow(notion, begun), state=state)
    assert query(await finish(notion.app, answer, nonce=begun.nonce)) == {"error": "invalid_state"}
    assert await nothing_happened(notion)


async def test_a_state_that_another_key_signed_is_refused(notion: Notion) -> None:
    begun = await started(notion)
    foreign = replace(notion.app, keys=KeyRing(Fernet.generate_key().decode()))
    came = await finish(foreign, allow(notion, begun), nonce=begun.nonce)
    assert query(came) == {"error": "invalid_state"}
    assert await nothing_happened(notion)


async def test_a_state_with_a_changed_number_is_refused(notion: Notion) -> None:
    begun, other = await started(notion), await started(notion, "bob")
    number, signature = begun.state.split(".")[0], other.state.split(".")[1]
    answer = replace(allow(notion, begun), state=f"{number}.{signature}")
    assert query(await finish(notion.app, answer, nonce=begun.nonce)) == {"error": "invalid_state"}


async def test_another_browser_comes_to_nothing_and_takes_nothing_away(notion: Notion) -> None:
    """The attack: somebody has the victim's browser finish what the attacker began, or the reverse."""
    begun, other = await started(notion), await started(notion, "bob")
    for nonce in (None, "", other.nonce):
        came = await finish(notion.app, allow(notion, begun), nonce=nonce)
        assert query(came) == {"error": "invalid_state"}
    assert await nothing_happened(notion)

    assert "workspace" in query(await finish(notion.app, allow(notion, begun), nonce=begun.nonce))


async def test_a_session_that_ended_meanwhile_connects_nothing(notion: Notion) -> None:
    caller = await session(notion, "ann")
    begun = await begin(notion.app, caller, registered=None, echo=None, back=None)
    assert caller.session_id is not None
    async with notion.app.database.begin() as conn:
        await stored_sessions.revoke(conn, caller.session_id, now=notion.time())

    assert query(await finish(notion.app, allow(notion, begun), nonce=begun.nonce)) == {"error": "forbidden"}
    assert await nothing_happened(notion)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(error="access_denied"), "access_denied"),
        (Answer(error="server_error"), "invalid_request"),
        (Answer(error="<script>"), "invalid_request"),
        (Answer(), "invalid_request"),
        (Answer(code="no such code"), "exchange_failed"),
    ],
)
async def test_what_notion_refuses_comes_back_as_a_stable_code(
    notion: Notion, answer: Answer, code: str
) -> None:
    begun = await started(notion, echo="mine")
    came = await finish(notion.app, replace(answer, state=begun.state), nonce=begun.nonce)
    assert query(came) == {"error": code, "state": "mine"}


async def test_a_notion_that_is_down_comes_back_as_a_stable_code(
    notion: Notion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_LONGEST", 0.2)
    begun = await started(notion)
    notion.server.emulator.faults.add(503)
    came = await finish(notion.app, allow(notion, begun), nonce=begun.nonce)
    assert query(came) == {"error": "notion_unavailable"}


async def test_who_is_not_invited_comes_back_with_that(notion: Notion) -> None:
    connection = await notion.connected()
    async with notion.app.database.begin() as conn:
        await preferences.put(conn, connection.id, Preferences(joining=Joining.INVITED))
    begun = await started(notion, "bob")
    came = await finish(notion.app, allow(notion, begun), nonce=begun.nonce)
    assert query(came) == {"error": "not_invited"}


async def test_of_several_apps_the_named_one_is_used_and_else_the_oldest(notion: Notion) -> None:
    other = replace(notion.registered, id="b", name="other", client_id="x", created_at=notion.time())
    async with notion.app.database.begin() as conn:
        await oauth.add(conn, other, secret="s", ring=notion.app.keys)
    chosen = {
        name: query((await started(notion, registered=name)).url)["client_id"] for name in ("other", "b")
    }
    assert chosen == {"other": "x", "b": "x"}
    assert query((await started(notion)).url)["client_id"] == notion.client.id
    with pytest.raises(NotFound):
        await started(notion, registered="missing")


async def test_neither_state_nor_cookie_lies_in_the_store(notion: Notion) -> None:
    begun = await started(notion)
    async with notion.app.database.read() as conn:
        rows = [repr((await conn.execute(table.select())).all()) for table in metadata.sorted_tables]
    for secret in (begun.nonce, begun.state, begun.state.split(".")[0]):
        assert not [row for row in rows if secret in row]
        assert secret not in repr(begun)


SETTINGS = Settings(return_urls=ALLOWED, public_url="https://syncline.test")


# --- where people come out --------------------------------------------------------------------------------


def allowing(notion: Notion, *urls: str) -> Notion:
    settings = notion.app.settings.model_copy(update={"return_urls": urls})
    return replace(notion, app=replace(notion.app, settings=settings))


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example.com/done",
        "https://app.example.com/done/",
        "https://app.example.com/done/deeper?x=1#y",
        "http://localhost:3000",
        "http://localhost:3000/anywhere",
        f"{PAGE}?tab=notion",
    ],
)
def test_an_address_below_an_allowed_one_is_allowed(url: str) -> None:
    assert return_url(SETTINGS, url) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/done",
        "https://app.example.com.evil.com/done",
        "https://app.example.com@evil.com/done",
        "https://evil.com\\@app.example.com/done",
        "https://app.example.com/done\\..\\..",
        "https://app.example.com/done/../elsewhere",
        "https://app.example.com/doneelsewhere",
        "https://app.example.com/done/%2e%2e/elsewhere",
        "https://app.example.com/done/.%2E/elsewhere",
        "https://app.example.com/done/..%2felsewhere",
        "https://app.example.com/",
        "https://app.example.com:444/done",
        "http://app.example.com/done",
        "//app.example.com/done",
        "/done",
        "",
        "javascript:alert(1)//app.example.com/done",
        "data:text/html,x",
        "http://localhost:3000\r\nSet-Cookie: a=b",
        "http://localhost:3000\t/x",
        "http://localhost:3000 /x",
        "http://l\u043ecalhost:3000/",
        "http://[::1",
    ],
)
def test_every_other_address_is_refused(url: str) -> None:
    with pytest.raises(BadInput) as caught:
        return_url(SETTINGS, url)
    assert caught.value.details == {"field": "redirectUrl"}


async def test_a_refused_address_begins_nothing(notion: Notion) -> None:
    with pytest.raises(BadInput):
        await started(notion, back="https://evil.example.com/")
    async with notion.app.database.read() as conn:
        assert (await conn.execute(metadata.tables["oauth_states"].select())).all() == []


async def test_the_first_allowed_address_is_the_default_and_keeps_its_own_query(notion: Notion) -> None:
    notion = allowing(notion, "https://app.example.com/done?tab=notion&state=old", *ALLOWED)
    begun = await started(notion, echo="new")
    came = await finish(notion.app, replace(allow(notion, begun), code="wrong"), nonce=begun.nonce)
    expected = [("tab", "notion"), ("error", "exchange_failed"), ("state", "new")]
    assert came == f"https://app.example.com/done?{urlencode(expected)}"
    assert dict(parse_qsl(urlsplit(came).query))["state"] == "new"


@pytest.mark.parametrize(
    ("url", "host_only"), [("https://x.example.com", True), ("http://127.0.0.1:1", False)]
)
async def test_under_https_no_other_host_can_set_the_cookie(
    notion: Notion, *, url: str, host_only: bool
) -> None:
    settings = notion.app.settings.model_copy(update={"public_url": url})
    begun = await started(replace(notion, app=replace(notion.app, settings=settings)))
    assert begun.cookie.startswith("__Host-") is host_only
