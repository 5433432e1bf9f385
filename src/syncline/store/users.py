"""Users: whoever may sign in. Passwords are argon2id hashes and leave this file only to be compared."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import Duplicate, NotFound
from syncline.store.tables_accounts import users

__all__ = [
    "User",
    "add",
    "any_exist",
    "every",
    "find",
    "find_email",
    "owner",
    "password",
    "rename",
    "set_password",
    "verify",
]


@dataclass(frozen=True, slots=True)
class User:
    """One user. `email` is in lower case; the `instance_owner` is the first one. `verified_at` is when the address was proved."""

    id: str
    email: str
    name: str
    instance_owner: bool
    created_at: datetime
    verified_at: datetime | None = None


_COLUMNS = [users.c[field.name] for field in fields(User)]


async def add(conn: AsyncConnection, user: User, *, password: str) -> None:
    """Store a user. Raises Duplicate if the address is taken, or if there is an instance owner already."""
    row = {column.name: getattr(user, column.name) for column in _COLUMNS}
    try:
        await conn.execute(insert(users), row | {"password": password, "password_at": user.created_at})
    except IntegrityError as error:
        raise Duplicate(f"There is an account for {user.email} already: sign in instead.") from error


async def every(conn: AsyncConnection) -> list[User]:
    """All users, oldest first."""
    return [
        _user(row) for row in await conn.execute(select(*_COLUMNS).order_by(users.c.created_at, users.c.id))
    ]


async def any_exist(conn: AsyncConnection) -> bool:
    """Whether anybody has registered."""
    return await conn.scalar(select(users.c.id).limit(1)) is not None


async def find(conn: AsyncConnection, user_id: str) -> User:
    """The user with this id. Raises NotFound if there is none."""
    row = (await conn.execute(select(*_COLUMNS).where(users.c.id == user_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such user.")
    return _user(row)


async def find_email(conn: AsyncConnection, email: str) -> User | None:
    """The user with this address, if there is one."""
    row = (await conn.execute(select(*_COLUMNS).where(users.c.email == email.lower()))).one_or_none()
    return _user(row) if row else None


async def owner(conn: AsyncConnection) -> User | None:
    """The first user, once there is one."""
    row = (await conn.execute(select(*_COLUMNS).where(users.c.instance_owner))).one_or_none()
    return _user(row) if row else None


async def password(conn: AsyncConnection, user_id: str) -> str:
    """The hash of a user's password."""
    found: str = await conn.scalar(select(users.c.password).where(users.c.id == user_id)) or ""
    return found


async def set_password(conn: AsyncConnection, user_id: str, *, password: str, now: datetime) -> None:
    """Replace the hash of a user's password."""
    this = users.c.id == user_id
    await conn.execute(update(users).where(this).values(password=password, password_at=now))


async def verify(conn: AsyncConnection, user_id: str, *, now: datetime) -> bool:
    """Note that the address is proved. Whether that is news."""
    this = (users.c.id == user_id) & users.c.verified_at.is_(None)
    return (await conn.execute(update(users).where(this).values(verified_at=now))).rowcount > 0


async def rename(conn: AsyncConnection, user_id: str, name: str) -> None:
    """Give a user another name."""
    await conn.execute(update(users).where(users.c.id == user_id).values(name=name))


def _user(row: Row[Any]) -> User:
    return User(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for the row as a mapping
