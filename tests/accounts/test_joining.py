"""Who brings a token gets a connection, new life for one, or a place in one; never somebody else's."""

import asyncio
from dataclasses import replace

import pytest
from tests.accounts.authorizing import Notion

from notion_emulator.oauth import Client
from syncline.accounts.joining import Joined, NotInvited, join_with_token
from syncline.core.errors import NotFound
from syncline.core.permission import Role
from syncline.engine.connect import Asked
from syncline.store import connections, members, oauth, preferences, schedules
from syncline.store.preferences import Joining, Preferences


async def roles(notion: Notion, connection_id: str) -> dict[str, Role]:
    async with notion.app.database.read() as conn:
        return {one.user_id: one.role for one in await members.every(conn, connection_id)}


async def test_the_first_is_the_owner_and_the_workspace_has_a_schedule(notion: Notion) -> None:
    connection = await notion.connected()

    assert await roles(notion, connection.id) == {"ann": Role.OWNER}
    assert (await notion.held(connection)).user_id == "ann"
    assert "read_content" in connection.capabilities
    async with notion.app.database.read() as conn:
        schedule = await schedules.find(conn, connection.id)
    assert schedule is not None
    assert schedule.next_at == notion.time()


async def test_the_second_becomes_a_member_and_its_token_is_given_back(notion: Notion) -> None:
    connection = await notion.connected()
    token = await notion.token(connection)

    joined = await notion.authorise("bob")

    assert joined == Joined(connection.id, Role.MEMBER, kept=False)
    assert await roles(notion, connection.id) == {"ann": Role.OWNER, "bob": Role.MEMBER}
    assert await notion.token(connection) == token
    assert [one.token for one in notion.granted] == [token]


async def test_where_members_are_invited_the_second_is_refused_and_its_token_given_back(
    notion: Notion,
) -> None:
    connection = await notion.connected()
    async with notion.app.database.begin() as conn:
        await preferences.put(conn, connection.id, Preferences(joining=Joining.INVITED))

    with pytest.raises(NotInvited):
        await notion.authorise("bob")

    assert await roles(notion, connection.id) == {"ann": Role.OWNER}
    assert len(notion.granted) == 1


@pytest.mark.parametrize(
    ("role", "kept"), [("owner", True), ("admin", True), ("member", False), ("viewer", False)]
)
async def test_whoever_may_change_the_settings_replaces_the_token_and_nobody_else(
    notion: Notion, *, role: str, kept: bool
) -> None:
    connection = await notion.connected()
    token = await notion.token(connection)
    async with notion.app.database.begin() as conn:
        await members.add(conn, connection.id, "bob", role=Role(role), now=notion.time())

    joined = await notion.authorise("bob")

    assert joined == Joined(connection.id, Role(role), kept=kept)
    assert (await notion.token(connection) != token) is kept
    assert [one.token for one in notion.granted] == [await notion.token(connection)]
    assert (await notion.held(connection)).user_id == ("bob" if kept else "ann")


async def test_two_who_come_first_at_once_share_one_connection(notion: Notion) -> None:
    one, other = await asyncio.gather(notion.authorise("ann"), notion.authorise("bob"))

    assert one.connection_id == other.connection_id
    assert sorted([one.role, other.role]) == [Role.MEMBER, Role.OWNER]
    async with notion.app.database.read() as conn:
        assert len(await connections.every(conn)) == 1
    assert len(notion.granted) == 1


async def test_another_app_connects_the_same_workspace_once_more_under_another_name(notion: Notion) -> None:
    """White label: each app is its own customer's."""
    first = await notion.connected()
    client = notion.server.emulator.oauth.register(name="Other", redirect_uris=(notion.client.redirect_uris))
    second = await with_app(notion, client).authorise_stored("bob")

    async with notion.app.database.read() as conn:
        names = {one.name for one in await connections.every(conn)}
    assert second.role is Role.OWNER
    assert second.connection_id != first.id
    assert names == {first.name, f"{first.name}-2"}


class Other(Notion):
    async def authorise_stored(self, user: str) -> Joined:
        async with self.app.database.begin() as conn:
            await oauth.add(conn, self.registered, secret=self.client.secret, ring=self.app.keys)
        return await self.authorise(user)


def with_app(notion: Notion, client: Client) -> Other:
    registered = replace(notion.registered, id="b", name="other", client_id=client.id)
    return Other(notion.app, notion.server, client, registered, notion.time)


async def test_an_internal_token_joins_by_its_bot_and_is_replaced_by_whoever_may(notion: Notion) -> None:
    asked = Asked(notion.server.emulator.token, base_url=notion.server.url, rate="none")
    first = await join_with_token(notion.app, "ann", asked)
    again = await join_with_token(notion.app, "ann", asked)
    other = await join_with_token(notion.app, "bob", asked)

    assert first == again == Joined(first.connection_id, Role.OWNER, kept=True)
    assert other == Joined(first.connection_id, Role.MEMBER, kept=False)


async def test_a_user_who_is_gone_gets_nothing(notion: Notion) -> None:
    with pytest.raises(NotFound):
        await notion.authorise("nobody")
    async with notion.app.database.read() as conn:
        assert await connections.every(conn) == []
