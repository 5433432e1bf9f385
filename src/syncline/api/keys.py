"""``/api/v1/keys``: a person's API keys. A key cannot make keys."""

from typing import Annotated, Final

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from syncline.accounts import apikeys
from syncline.accounts.apikeys import Wanted
from syncline.api.deps import Personal, ServiceOf
from syncline.api.envelope import Asked, Done, Model, Moment, Success, Time
from syncline.api.errors import answers
from syncline.core.errors import NotFound
from syncline.core.permission import Scope
from syncline.store.keys import ApiKey

__all__ = ["router"]

_MOST: Final = 100
router = APIRouter(prefix="/api/v1/keys", tags=["keys"])


class Key(Model):
    """A key, without what it is."""

    id: str
    name: str = Field(examples=["nightly export"])
    prefix: str = Field(description="How the key begins, to tell it from others", examples=["slk_Kp3x"])
    scopes: list[Scope]
    workspaces: list[str] | None = Field(
        description="The only workspaces it reaches; null: all of its user's"
    )
    created_at: Moment
    expires_at: Moment | None
    last_used_at: Moment | None


class NewKey(Key):
    """A key that was just made: the only time that it is shown."""

    key: str = Field(examples=["slk_Kp3x…"])


class Keys(Model):
    """The caller's keys."""

    keys: list[Key]


class MakingKey(Asked):
    """What a key is to be."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    scopes: list[Scope] = Field(default=[Scope.READ], min_length=1, max_length=len(Scope))
    workspaces: list[Annotated[str, StringConstraints(max_length=64)]] | None = Field(
        default=None, min_length=1, max_length=_MOST
    )
    expires_at: Time | None = None


@router.get("")
async def list_keys(service: ServiceOf, caller: Personal) -> Success[Keys]:
    """The caller's keys, oldest first."""
    found = await apikeys.every(service.app, caller)
    return Success(data=Keys(keys=[Key.model_validate(_shown(key)) for key in found]))


@router.post("", status_code=201, responses=answers(NotFound))
async def make_key(service: ServiceOf, caller: Personal, asked: MakingKey) -> Success[NewKey]:
    """Make a key. It is shown in this answer and never again."""
    wanted = Wanted(
        name=asked.name,
        scopes=frozenset(asked.scopes),
        workspaces=None if asked.workspaces is None else frozenset(asked.workspaces),
        expires_at=asked.expires_at,
    )
    key, token = await apikeys.make(service.app, caller.user_id, wanted)
    return Success(
        data=NewKey.model_validate(_shown(key) | {"key": token}), message="Keep it: it is not shown again"
    )


@router.delete("/{keyId}", responses=answers(NotFound))
async def revoke_key(service: ServiceOf, caller: Personal, keyId: str) -> Done:  # noqa: N803 - the contract's name
    """Revoke a key. It is worth nothing from now on."""
    await apikeys.revoke(service.app, caller, keyId)
    return Done(message="Key revoked")


def _shown(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": list(key.scopes),
        "workspaces": None if key.workspaces is None else list(key.workspaces),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.used_at,
    }
