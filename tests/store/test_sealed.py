"""A rotation reaches every secret there is, whichever table it is in."""

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select
from tests.store.samples import CONNECTION, RING, T0

from syncline.core.errors import Stop
from syncline.store import authorizations, connections, oauth, sealed
from syncline.store.authorizations import Grant
from syncline.store.database import Database
from syncline.store.oauth import OAuthApp
from syncline.store.schema import metadata
from syncline.store.secrets import KeyRing
from syncline.store.types import Sealed

APP = OAuthApp("a", "acme", "client", "https://x/back", "https://api.notion.com", "2026-03-11", "none", T0)
GIVEN = Grant("access", refresh_token="refresh", app_id="a", workspace_id="w")


async def fill(database: Database) -> None:
    async with database.begin() as conn:
        await oauth.add(conn, APP, secret="secret", ring=RING)
        await connections.add(conn, CONNECTION, token="first", ring=RING)
        await authorizations.grant(conn, "c", GIVEN, user_id="u", ring=RING, now=T0)


async def test_after_a_rotation_the_new_key_alone_opens_everything(database: Database) -> None:
    await fill(database)
    new = Fernet.generate_key().decode()
    both = KeyRing(new)
    both._fernet._fernets.extend(RING._fernet._fernets)

    async with database.begin() as conn:
        assert await sealed.rotate(conn, both) == 3

    ring = KeyRing(new)
    async with database.read() as conn:
        await sealed.open_all(conn, ring)
        assert await connections.token(conn, "c", ring=ring) == "access"
        assert await authorizations.refresh_token(conn, "c", ring=ring) == "refresh"
        assert await oauth.app_secret(conn, "a", ring=ring) == "secret"
        with pytest.raises(Stop):
            await sealed.open_all(conn, RING)


async def test_one_secret_that_does_not_open_is_found(database: Database) -> None:
    await fill(database)
    async with database.begin() as conn:
        with pytest.raises(Stop):
            await sealed.rotate(conn, KeyRing(Fernet.generate_key().decode()))


async def test_a_token_that_was_forgotten_is_passed_over(database: Database) -> None:
    await fill(database)
    async with database.begin() as conn:
        await authorizations.forget(conn, "c", now=T0 + timedelta(1))
        assert await sealed.rotate(conn, RING) == 1


async def test_no_secret_lies_in_clear(database: Database) -> None:
    await fill(database)
    async with database.read() as conn:
        for table in metadata.sorted_tables:
            rows = repr((await conn.execute(select(table))).all())
            assert not [secret for secret in ("'secret'", "first", "access'", "refresh'") if secret in rows]


def test_every_binary_column_is_a_secret_or_known_to_be_none() -> None:
    """So that nobody forgets to declare one."""
    binary = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if column.type.__visit_name__ == "large_binary" and not isinstance(column.type, Sealed)
    }
    assert binary == set()
