"""Membership: who belongs to a workspace, how somebody is invited, leaves, and hands it over.

A workspace that has members always has an owner. Nobody gives a role above its own; nobody but an owner changes a member who stands above
it or beside it. All that changes members holds the connection's row, so that two owners who leave at once do not both succeed.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.accounts.passwords import digest, new_token
from syncline.accounts.sessions import Caller
from syncline.app import App
from syncline.core.errors import BadInput, Denied, Duplicate, NotFound, OwnerOnly
from syncline.core.permission import Role, outranks
from syncline.store import connections, invitations, members, users
from syncline.store.connections import Connection
from syncline.store.invitations import Invitation
from syncline.store.members import Member

__all__ = [
    "Actor",
    "accept",
    "add",
    "change_role",
    "invite",
    "invited",
    "leave",
    "listed",
    "reachable",
    "remove",
    "transfer",
    "withdraw",
]

INVITATION: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes the members of which workspace, and what it is there."""

    user_id: str
    connection_id: str
    role: Role


async def reachable(app: App, caller: Caller) -> list[tuple[Connection, Role]]:
    """The workspaces that a caller reaches, oldest first, and what it is in each. A key may be limited to some."""
    async with app.database.glance() as conn:
        mine = await members.workspaces(conn, caller.user_id)
    return [pair for pair in mine if caller.workspaces is None or pair[0].id in caller.workspaces]


async def listed(app: App, connection_id: str) -> list[Member]:
    """The members of a workspace in the order they joined."""
    async with app.database.read() as conn:
        return await members.every(conn, connection_id)


async def add(app: App, actor: Actor, *, email: str, role: Role) -> Member:
    """Let in somebody who has an account, with an address that is proved: another may have registered it.

    Raises NotFound without one, Denied for a role too high, Duplicate.
    """
    _may_give(actor, role)
    async with app.database.begin() as conn:
        user = await users.find_email(conn, email)
        if user is None or user.verified_at is None:
            raise NotFound(
                "Nobody has an account with this address, or has confirmed it: invite them instead."
            )
        await members.add(conn, actor.connection_id, user.id, role=role, now=app.now())
        return Member(user.id, user.email, user.name, role, app.now())


async def change_role(app: App, actor: Actor, user_id: str, *, role: Role) -> Member:
    """Make a member something else. Raises NotFound, and Denied as the module says."""
    _may_give(actor, role)
    async with app.database.begin() as conn:
        await connections.hold(conn, actor.connection_id)
        old = await _member(conn, actor, user_id)
        await _may_change(conn, actor, old, leaves_an_owner=role is Role.OWNER)
        await members.set_role(conn, actor.connection_id, user_id, role)
        return Member(old.user_id, old.email, old.name, role, old.joined_at)


async def remove(app: App, actor: Actor, user_id: str) -> None:
    """Take a member out. Raises NotFound, and Denied as the module says."""
    async with app.database.begin() as conn:
        await connections.hold(conn, actor.connection_id)
        await _may_change(conn, actor, await _member(conn, actor, user_id), leaves_an_owner=False)
        await members.remove(conn, actor.connection_id, user_id)


async def leave(app: App, actor: Actor) -> None:
    """Take oneself out. Raises Denied for the last owner."""
    await remove(app, actor, actor.user_id)


async def transfer(app: App, actor: Actor, user_id: str) -> None:
    """Make another member the owner and oneself an admin. Raises NotFound if it is no member, BadInput if it is oneself."""
    if user_id == actor.user_id:
        raise BadInput("You own the workspace already: name another member.", details={"field": "userId"})
    async with app.database.begin() as conn:
        await connections.hold(conn, actor.connection_id)
        await members.set_role(conn, actor.connection_id, user_id, Role.OWNER)
        await members.set_role(conn, actor.connection_id, actor.user_id, Role.ADMIN)


async def invite(
    app: App,
    actor: Actor | None,
    *,
    email: str,
    role: Role = Role.MEMBER,
    connection_id: str | None = None,
) -> tuple[Invitation, str]:
    """An invitation and its token, which is shown once and good for a week. Raises Denied or Duplicate.

    A member invites to its workspace. Without an actor it is the operator who invites, to the connection named, or to the
    instance and to no workspace.
    """
    if actor is not None:
        _may_give(actor, role)
        connection_id = actor.connection_id
    token = new_token("sli")
    invitation = Invitation(
        id=app.new_id(),
        connection_id=connection_id,
        role=role if connection_id else None,
        email=email.lower(),
        invited_by=actor.user_id if actor else None,
        created_at=app.now(),
        expires_at=app.now() + INVITATION,
    )
    async with app.database.begin() as conn:
        user = await users.find_email(conn, email)
        if user and (connection_id is None or await members.role(conn, connection_id, user.id)):
            raise Duplicate(f"{user.email} is in already.")
        await invitations.add(conn, invitation, token=digest(token))
    return invitation, token


async def invited(app: App, connection_id: str) -> list[Invitation]:
    """The invitations to a workspace that nobody has accepted, oldest first, those that have expired included."""
    async with app.database.read() as conn:
        return await invitations.every(conn, connection_id)


async def withdraw(app: App, connection_id: str, invitation_id: str) -> None:
    """Take an invitation back. Raises NotFound."""
    async with app.database.begin() as conn:
        await invitations.remove(conn, connection_id, invitation_id)


async def accept(app: App, user_id: str, token: str) -> tuple[str, Role]:
    """Use up an invitation: the workspace, and what the user is there now. Its link proves the address.

    Raises NotFound if the token is good for nothing, Denied if it is for another address, Duplicate for a member.
    """
    async with app.database.begin() as conn:
        invitation = await invitations.redeem(conn, digest(token), now=app.now())
        if invitation is None or invitation.connection_id is None or invitation.role is None:
            raise NotFound("There is no such invitation: it was used, taken back, or has expired.")
        if (await users.find(conn, user_id)).email != invitation.email:
            raise Denied("This invitation is for another address.")
        await members.add(conn, invitation.connection_id, user_id, role=invitation.role, now=app.now())
        await users.verify(conn, user_id, now=app.now())
    return invitation.connection_id, invitation.role


def _may_give(actor: Actor, role: Role) -> None:
    if outranks(role, actor.role):
        raise OwnerOnly("Only the owner can make somebody an owner.")


async def _member(conn: AsyncConnection, actor: Actor, user_id: str) -> Member:
    for member in await members.every(conn, actor.connection_id):
        if member.user_id == user_id:
            return member
    raise NotFound("There is no such member.")


async def _may_change(conn: AsyncConnection, actor: Actor, member: Member, *, leaves_an_owner: bool) -> None:
    mine = member.user_id == actor.user_id or actor.role is Role.OWNER
    if not mine and not outranks(actor.role, member.role):
        raise OwnerOnly(f"Only the owner can change who is {member.role}.")
    if (
        member.role is Role.OWNER
        and not leaves_an_owner
        and await members.owners(conn, actor.connection_id) < 2
    ):
        raise Denied("A workspace needs an owner: make somebody else one first.")
