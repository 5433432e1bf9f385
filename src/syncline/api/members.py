"""``/api/v1/workspaces/{workspaceId}/members`` and ``…/invitations``, also below ``/api/v1/notion``: who belongs to a workspace."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks
from pydantic import EmailStr, Field, SecretStr, StringConstraints

from syncline.accounts import membership
from syncline.accounts.membership import Actor
from syncline.api.addresses import Addresses
from syncline.api.deps import Access, Personal, ServiceOf, allow
from syncline.api.envelope import Asked, Done, Model, Moment, Success
from syncline.api.errors import answers
from syncline.api.service import Service
from syncline.core.errors import BadInput, Denied, Duplicate, NotFound, OwnerOnly
from syncline.core.permission import Permission, Role, flags
from syncline.delivery import mail
from syncline.store.invitations import Invitation
from syncline.store.members import Member

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["members"])

_here = Addresses(router, "/workspaces/{workspaceId}", "/notion/workspaces/{workspaceId}")

Viewing = Annotated[Access, allow(Permission.VIEW_SOURCES)]
Inviting = Annotated[Access, allow(Permission.INVITE)]
UserId = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class OneMember(Model):
    """A user within a workspace."""

    user_id: str
    email: str = Field(examples=["ann@example.com"])
    name: str = Field(examples=["Ann"])
    role: Role
    joined_at: Moment


class Members(Model):
    """Who belongs to the workspace."""

    members: list[OneMember]


class OneMemberOnly(Model):
    """One of them."""

    member: OneMember


class OneInvitation(Model):
    """An invitation that nobody has accepted."""

    id: str
    email: str = Field(examples=["bob@example.com"])
    role: Role
    invited_by: str | None
    created_at: Moment
    expires_at: Moment


class NewInvitation(OneInvitation):
    """An invitation that was just made: the only time that its token is shown."""

    token: str = Field(examples=["sli_8Yt…"])
    link: str = Field(examples=["https://syncline.example.com/join#token=sli_8Yt…"])


class Invitations(Model):
    """The invitations to the workspace."""

    invitations: list[OneInvitation]


class Joined(Model):
    """The workspace that was joined."""

    workspace_id: str
    role: Role


class Permissions(Model):
    """What the caller is in the workspace, and what that allows."""

    role: Role
    can_query: bool
    can_view_sources: bool
    can_invite: bool
    can_manage_sync: bool
    can_edit_settings: bool
    can_delete_workspace: bool


class Adding(Asked):
    """Somebody who has an account."""

    email: EmailStr
    role: Role = Role.MEMBER


class Changing(Asked):
    """What a member is to be."""

    role: Role


class Invited(Asked):
    """Whom to invite."""

    email: EmailStr
    role: Role = Role.MEMBER


class Transferring(Asked):
    """Who is to be the owner."""

    user_id: UserId


class Accepting(Asked):
    """The token of an invitation."""

    token: Annotated[SecretStr, Field(max_length=1000, examples=["sli_8Yt…"])]


@_here.route("GET", "/permissions")
async def permissions(access: Viewing) -> Success[Permissions]:
    """What the caller is in the workspace, and what that allows."""
    return Success(data=Permissions.model_validate({"role": access.role, **flags(access.role)}))


@_here.route("GET", "/members")
async def list_members(service: ServiceOf, access: Viewing) -> Success[Members]:
    """Who belongs to the workspace, in the order they joined."""
    found = await membership.listed(service.app, access.connection.id)
    return Success(data=Members(members=[_member(one) for one in found]))


@_here.route("POST", "/members", status_code=201, responses=answers(Duplicate, OwnerOnly, NotFound))
async def add_member(service: ServiceOf, access: Inviting, asked: Adding) -> Success[OneMemberOnly]:
    """Let in somebody who has an account."""
    member = await membership.add(service.app, _actor(access), email=asked.email, role=asked.role)
    return Success(data=OneMemberOnly(member=_member(member)), message="Member added")


@_here.route("PATCH", "/members/{userId}", responses=answers(Denied, OwnerOnly, NotFound))
async def change_member(
    service: ServiceOf,
    access: Inviting,
    userId: UserId,  # noqa: N803 - the contract's name
    asked: Changing,
) -> Success[OneMemberOnly]:
    """Change what a member is."""
    member = await membership.change_role(service.app, _actor(access), userId, role=asked.role)
    return Success(data=OneMemberOnly(member=_member(member)), message="Role changed")


@_here.route("DELETE", "/members/{userId}", responses=answers(Denied, OwnerOnly, NotFound))
async def remove_member(service: ServiceOf, access: Inviting, userId: UserId) -> Done:  # noqa: N803 - as above
    """Take a member out."""
    await membership.remove(service.app, _actor(access), userId)
    return Done(message="Member removed")


@_here.route("POST", "/leave", responses=answers(Denied))
async def leave(service: ServiceOf, access: Viewing, _caller: Personal) -> Done:
    """Leave the workspace. Its last owner cannot."""
    await membership.leave(service.app, _actor(access))
    return Done(message="Left the workspace")


@_here.route("POST", "/transfer", responses=answers(NotFound, BadInput))
async def transfer(
    service: ServiceOf, access: Annotated[Access, allow(Permission.TRANSFER)], asked: Transferring
) -> Done:
    """Make another member the owner. The caller stays as an admin."""
    await membership.transfer(service.app, _actor(access), asked.user_id)
    return Done(message="Workspace transferred")


@_here.route("GET", "/invitations")
async def list_invitations(service: ServiceOf, access: Inviting) -> Success[Invitations]:
    """The invitations that nobody has accepted."""
    found = await membership.invited(service.app, access.connection.id)
    return Success(data=Invitations(invitations=[OneInvitation.model_validate(one) for one in found]))


@_here.route("POST", "/invitations", status_code=201, responses=answers(Duplicate, OwnerOnly))
async def invite(
    service: ServiceOf, access: Inviting, asked: Invited, later: BackgroundTasks
) -> Success[NewInvitation]:
    """Invite an address. The answer holds the link once; it is also sent where the server sends mail."""
    invitation, token = await membership.invite(
        service.app, _actor(access), email=asked.email, role=asked.role
    )
    link = f"{service.app.settings.public_url}/join#token={token}"
    later.add_task(_send, service, invitation, link, access.connection.workspace_name)
    shown = OneInvitation.model_validate(invitation).model_dump()
    return Success(data=NewInvitation(**shown, token=token, link=link), message="Invited")


@_here.route("DELETE", "/invitations/{invitationId}", responses=answers(NotFound))
async def withdraw(service: ServiceOf, access: Inviting, invitationId: str) -> Done:  # noqa: N803 - as above
    """Take an invitation back."""
    await membership.withdraw(service.app, access.connection.id, invitationId)
    return Done(message="Invitation taken back")


@router.post("/invitations/accept", responses=answers(NotFound, Denied, Duplicate))
async def accept(service: ServiceOf, caller: Personal, asked: Accepting) -> Success[Joined]:
    """Join a workspace with the token of an invitation to the caller's address."""
    workspace, role = await membership.accept(service.app, caller.user_id, asked.token.get_secret_value())
    return Success(data=Joined(workspace_id=workspace, role=role), message="Joined")


def _member(member: Member) -> OneMember:
    return OneMember.model_validate(member)


def _actor(access: Access) -> Actor:
    return Actor(access.caller.user_id, access.connection.id, access.role)


async def _send(service: Service, invitation: Invitation, link: str, workspace: str | None) -> None:
    """Runs after the answer: the link is in it, and a mail server that is down takes nothing away."""
    url = service.app.settings.smtp_url
    if url is not None:
        message = mail.invitation(invitation.email, link, workspace=workspace)
        await mail.send(mail.server(url.get_secret_value()), message)
