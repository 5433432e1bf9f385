"""Sessions: of two who redeem one token at once one loses, and rotating the key ring ends nobody's session."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select

from syncline.accounts import accounts, membership, sessions
from syncline.accounts.sessions import Tokens
from syncline.app import App
from syncline.core.errors import Forged, Unrenewable
from syncline.core.permission import Role
from syncline.settings import Settings
from syncline.store import ratelimits, users
from syncline.store.database import Database
from syncline.store.ratelimits import Use
from syncline.store.schema import metadata
from syncline.store.secrets import KeyRing
from syncline.store.users import User

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def app(database: Database) -> App:
    settings = Settings(database_url=None, key=None)
    return App(settings, database, KeyRing(OLD), now=lambda: NOON)


async def signed_in(app: App) -> Tokens:
    async with app.database.begin() as conn:
        if not await users.any_exist(conn):
            await users.add(conn, User("u", "a@example.com", "A", False, NOON), password="")
        return await sessions.begin(app, conn, "u", agent="x" * 1000)


async def test_of_two_who_renew_with_one_token_at_once_one_loses_and_the_session_ends(app: App) -> None:
    tokens = await signed_in(app)

    told = await asyncio.gather(
        *(sessions.renew(app, tokens.refresh) for _ in range(5)), return_exceptions=True
    )

    assert [type(one) for one in told if not isinstance(one, Tokens)] == [Unrenewable] * 4
    with pytest.raises(Forged):
        await sessions.identify(app, tokens.access)


async def test_a_key_ring_that_is_rotated_still_knows_what_its_old_keys_signed(app: App) -> None:
    tokens = await signed_in(app)
    both = replace(app, keys=KeyRing(f"{NEW},{OLD}"))
    new_only = replace(app, keys=KeyRing(NEW))

    assert (await sessions.identify(both, tokens.access)).user_id == "u"
    with pytest.raises(Forged):
        await sessions.identify(new_only, tokens.access)
    renewed = await sessions.renew(new_only, tokens.refresh)
    assert (await sessions.identify(new_only, renewed.access)).user_id == "u"


def test_a_ring_derives_one_key_of_each_and_another_for_each_purpose() -> None:
    ring = KeyRing(f"{NEW},{OLD}")

    assert ring.derive("a") == (*KeyRing(NEW).derive("a"), *KeyRing(OLD).derive("a"))
    assert len({*ring.derive("a"), *ring.derive("b")}) == 4
    assert {len(key) for key in ring.derive("a")} == {32}


async def test_what_is_over_is_forgotten_and_what_lives_stays(app: App) -> None:
    gone, stays = await signed_in(app), await signed_in(app)
    await accounts.request_reset(app, "a@example.com")
    await membership.invite(app, None, email="b@example.com", role=Role.VIEWER)
    async with app.database.begin() as conn:
        await ratelimits.count(conn, [Use("default:u", 1, NOON + timedelta(minutes=1))])
    await accounts.sign_out(app, (await sessions.identify(app, gone.access)).session_id or "")
    tables = ("sessions", "refresh_tokens", "tickets", "invitations", "rate_limits")

    async def counts() -> list[int]:
        async with app.database.read() as conn:
            return [
                await conn.scalar(select(func.count()).select_from(metadata.tables[name])) or 0
                for name in tables
            ]

    before = await counts()
    await sessions.forget_ended(replace(app, now=lambda: NOON + timedelta(seconds=1)))
    after = await counts()
    await sessions.identify(app, stays.access)
    await sessions.forget_ended(replace(app, now=lambda: NOON + timedelta(days=40)))

    assert (before, after, await counts()) == ([2, 2, 1, 1, 1], [1, 1, 1, 1, 1], [0] * 5)
