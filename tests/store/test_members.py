"""Members: what a user may reach is one query, and what nobody has becomes the first user's."""

from dataclasses import replace

import pytest
from tests.factories import T0
from tests.store.samples import CONNECTION

from syncline.core.errors import Duplicate, NotFound
from syncline.core.permission import Role
from syncline.store import connections, members
from syncline.store.database import Database
from syncline.store.secrets import KeyRing

RING = KeyRing("8cozhW9kSi5poZ6TWFuMCV123zg-9NORTs3gJq_J5Do=")
OTHER = replace(CONNECTION, id="d", name="other")


@pytest.fixture
async def two(database: Database) -> Database:
    """A store with two connections."""
    async with database.begin() as conn:
        for connection in (CONNECTION, OTHER):
            await connections.add(conn, connection, token="t", ring=RING)
    return database


async def test_the_first_user_gets_only_what_nobody_has(two: Database) -> None:
    async with two.begin() as conn:
        await members.add(conn, "d", "bob", role=Role.VIEWER, now=T0)
        await members.adopt(conn, "ann", now=T0)

        assert [(one.id, role) for one, role in await members.workspaces(conn, "ann")] == [
            (CONNECTION.id, Role.OWNER)
        ]
        assert await members.access(conn, "d", "bob") == (OTHER, Role.VIEWER)
        assert await members.access(conn, "d", "ann") is None
        assert await members.role(conn, "d", "ann") is None
        assert [await members.owners(conn, one) for one in (CONNECTION.id, "d")] == [1, 0]


async def test_somebody_is_a_member_once_and_the_transaction_goes_on(two: Database) -> None:
    async with two.begin() as conn:
        await members.add(conn, "d", "bob", role=Role.VIEWER, now=T0)
        with pytest.raises(Duplicate):
            await members.add(conn, "d", "bob", role=Role.OWNER, now=T0)
        await members.set_role(conn, "d", "bob", Role.ADMIN)

    async with two.read() as conn:
        assert await members.role(conn, "d", "bob") is Role.ADMIN


async def test_who_is_no_member_cannot_be_changed_or_taken_out(two: Database) -> None:
    async with two.begin() as conn:
        with pytest.raises(NotFound):
            await members.set_role(conn, "d", "bob", Role.ADMIN)
        with pytest.raises(NotFound):
            await members.remove(conn, "d", "bob")


async def test_removing_a_connection_leaves_nothing_of_its_members(two: Database) -> None:
    async with two.begin() as conn:
        await members.add(conn, "d", "bob", role=Role.VIEWER, now=T0)
        await connections.remove(conn, "d")

        assert await members.role(conn, "d", "bob") is None
