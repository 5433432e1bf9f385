"""Users: one for an address however it is spelt, and one owner of the instance."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.factories import T0

from syncline.core.errors import Duplicate, NotFound
from syncline.store import users
from syncline.store.database import Database
from syncline.store.users import User

ANN = User("u1", "ann@example.com", "Ann \x00", instance_owner=True, created_at=T0)
BOB = User("u2", "bob@example.com", "Bob", instance_owner=False, created_at=T0 + timedelta(1))


async def test_users_are_found_by_id_by_address_and_in_the_order_they_came(database: Database) -> None:
    async with database.begin() as conn:
        assert not await users.any_exist(conn)
        assert await users.owner(conn) is None
        for user in (BOB, ANN):
            await users.add(conn, user, password="hash")
        assert await users.every(conn) == [ANN, BOB]
        assert await users.find(conn, "u2") == BOB
        assert await users.find_email(conn, "ANN@Example.com") == await users.owner(conn) == ANN
        assert await users.find_email(conn, "nobody@example.com") is None
        with pytest.raises(NotFound):
            await users.find(conn, "u3")


@pytest.mark.parametrize(
    "second", [replace(BOB, email=ANN.email), replace(BOB, instance_owner=True), replace(BOB, id=ANN.id)]
)
async def test_a_second_of_what_is_one_is_refused(database: Database, second: User) -> None:
    async with database.begin() as conn:
        await users.add(conn, ANN, password="hash")

    with pytest.raises(Duplicate):
        async with database.begin() as conn:
            await users.add(conn, second, password="hash")


async def test_an_address_is_proved_once(database: Database) -> None:
    async with database.begin() as conn:
        await users.add(conn, ANN, password="hash")
        told = [await users.verify(conn, "u1", now=T0 + timedelta(days=day)) for day in (1, 2)]

        assert told == [True, False]
        assert (await users.find(conn, "u1")).verified_at == T0 + timedelta(days=1)


async def test_a_name_and_a_password_can_be_replaced(database: Database) -> None:
    async with database.begin() as conn:
        await users.add(conn, ANN, password="hash")
        await users.rename(conn, ANN.id, "Anna")
        await users.set_password(conn, ANN.id, password="other", now=T0)

        assert (await users.find(conn, ANN.id)).name == "Anna"
        assert await users.password(conn, ANN.id) == "other"
        assert await users.password(conn, "nobody") == ""
