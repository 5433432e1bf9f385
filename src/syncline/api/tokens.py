"""``/api/v1/notion/token-health``, ``/token-preference`` and ``…/check-token``: whether Notion still takes the tokens."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from syncline.accounts import membership
from syncline.api.deps import Access, Caller, ServiceOf, allow, signed
from syncline.api.envelope import Asked, Model, Moment, Success
from syncline.api.errors import answers
from syncline.core.errors import Refused, Unreachable
from syncline.core.permission import Permission, Scope
from syncline.core.standing import TokenStatus
from syncline.engine import token_health, workspaces
from syncline.engine.workspaces import Changes
from syncline.store import authorizations, preferences
from syncline.store.preferences import TokenPreference

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/notion", tags=["connecting"])


class TokenHealth(Model):
    """What is known of a workspace's token."""

    workspace_id: str
    workspace_name: str = Field(examples=["My Workspace"])
    token_status: TokenStatus
    token_preference: TokenPreference
    last_checked_at: Moment | None
    renewable: bool = Field(description="Whether it is of an OAuth app, which renews it by itself")


class TokensHealth(Model):
    """The tokens of the caller's workspaces, oldest first."""

    workspaces: list[TokenHealth]


class Checked(Model):
    """What Notion said just now."""

    token_status: TokenStatus
    last_checked_at: Moment | None


class Preferring(Asked):
    """What is to happen when Notion refuses the token for good."""

    preference: TokenPreference
    workspace_id: Annotated[str | None, Field(max_length=64)] = None


class Preference(Model):
    """What happens now."""

    token_preference: TokenPreference


@router.get("/token-health")
async def show_token_health(
    service: ServiceOf, caller: Annotated[Caller, signed(Scope.READ)]
) -> Success[TokensHealth]:
    """Whether the tokens of the caller's workspaces are good, as far as it is known without asking Notion."""
    mine = [one for one, _ in await membership.reachable(service.app, caller)]
    async with service.app.database.read() as conn:
        held = await authorizations.many(conn, [one.id for one in mine])
        wanted = {one.id: await preferences.find(conn, one.id) for one in mine}
    shown = [
        TokenHealth(
            workspace_id=one.id,
            workspace_name=one.workspace_name or one.name,
            token_status=held[one.id].status,
            token_preference=wanted[one.id].token_preference,
            last_checked_at=held[one.id].checked_at,
            renewable=held[one.id].app_id is not None,
        )
        for one in mine
        if one.id in held
    ]
    return Success(data=TokensHealth(workspaces=shown))


@router.post("/workspaces/{workspaceId}/check-token", responses=answers(Refused, Unreachable))
@router.post("/check-token", responses=answers(Refused, Unreachable))
async def check_token(
    service: ServiceOf, access: Annotated[Access, allow(Permission.MANAGE_SYNC)]
) -> Success[Checked]:
    """Ask Notion whether the token is good. One that ended is renewed where that can be."""
    found = await token_health.check(service.app, access.connection)
    return Success(data=Checked(token_status=found.status, last_checked_at=found.checked_at))


@router.patch("/token-preference")
async def prefer(
    service: ServiceOf, access: Annotated[Access, allow(Permission.EDIT_SETTINGS)], asked: Preferring
) -> Success[Preference]:
    """Say what is to happen when Notion refuses the token for good: tell people, or try it again as well."""
    changes = Changes(token_preference=asked.preference)
    await workspaces.change(service.app, access.connection, changes)
    return Success(data=Preference(token_preference=asked.preference), message="Preference changed")
