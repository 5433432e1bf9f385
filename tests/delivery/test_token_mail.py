"""Whoever can connect again is written to once for each token that died."""

import asyncio
from dataclasses import replace

import pytest
from pydantic import SecretStr
from tests.accounts.authorizing import Notion
from tests.letters import Mailbox, mailbox

from syncline.app import App
from syncline.core.errors import Unreachable
from syncline.core.permission import Role
from syncline.delivery.token_mail import tell_people
from syncline.engine.token_health import check
from syncline.store import members
from syncline.store.connections import Connection


def mailing(notion: Notion, url: str) -> App:
    settings = notion.app.settings.model_copy(update={"smtp_url": SecretStr(url)})
    return replace(notion.app, settings=settings)


async def died(notion: Notion) -> Connection:
    """A connection of ann with an admin and a member, whose token is dead."""
    connection = await notion.connected()
    async with notion.app.database.begin() as conn:
        for user, role in (("bob", Role.ADMIN), ("cid", Role.MEMBER)):
            await members.add(conn, connection.id, user, role=role, now=notion.time())
    notion.forget()
    await check(notion.app, connection)
    return connection


def recipients(box: Mailbox) -> list[str]:
    return sorted(to for _, people, _ in box.letters for to in people)


async def test_owners_and_admins_are_told_once_however_many_do_the_duty(notion: Notion) -> None:
    with mailbox() as box:
        app = mailing(notion, box.url)
        await tell_people(app)
        assert box.letters == []
        connection = await died(notion)
        await asyncio.gather(*(tell_people(app) for _ in range(3)))
        await tell_people(app)
        assert recipients(box) == ["ann@example.com", "bob@example.com"]
        assert str(connection.workspace_name) in box.letters[0][2]["Subject"]


async def test_a_token_that_dies_again_is_told_again(notion: Notion) -> None:
    with mailbox() as box:
        connection = await died(notion)
        await tell_people(mailing(notion, box.url))
        await notion.authorise("ann")
        await tell_people(mailing(notion, box.url))
        notion.forget()
        await check(notion.app, connection)
        await tell_people(mailing(notion, box.url))
        assert len(box.letters) == 4


async def test_what_the_mail_server_does_not_take_is_sent_later(notion: Notion) -> None:
    await died(notion)
    with pytest.raises(Unreachable):
        await tell_people(mailing(notion, "smtp://127.0.0.1:1?from=s@example.com"))
    with mailbox() as box:
        await tell_people(mailing(notion, box.url))
        assert len(box.letters) == 2


async def test_without_a_mail_server_nobody_is_written_to(notion: Notion) -> None:
    await died(notion)
    assert await tell_people(notion.app) is None
