"""``/api/v1/notion/apps``: the OAuth apps that workspaces can be connected with, for the owner of the instance.

Several may be set up, each with a name, a logo and a redirect address of its own at Notion (white label). A secret can be written and
never read.
"""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, SecretStr, StringConstraints

from syncline.accounts import oauth_apps
from syncline.accounts.oauth_apps import Wanted
from syncline.api.deps import InstanceOwner, ServiceOf
from syncline.api.envelope import Asked, Done, Model, Moment, Success
from syncline.api.errors import answers
from syncline.core.errors import BadInput, Busy, Duplicate, NotFound
from syncline.store.oauth import OAuthApp

__all__ = ["router"]

router = APIRouter(prefix="/api/v1/notion/apps", tags=["connecting"])

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=500)]


class OneApp(Model):
    """An OAuth app, without its secret."""

    id: str
    name: str = Field(examples=["acme"])
    client_id: str = Field(examples=["1f0d872b-594c-8059-9b0c-0037fd2f1a52"])
    redirect_uri: str = Field(examples=["https://syncline.example.com/api/v1/notion/callback"])
    base_url: str = Field(examples=["https://api.notion.com"])
    notion_version: str = Field(examples=["2026-03-11"])
    rate: str = Field(examples=["180/60"])
    created_at: Moment


class Apps(Model):
    """The apps, oldest first; the first is the default."""

    apps: list[OneApp]


class App(Model):
    """One of them."""

    app: OneApp


class AddingApp(Asked):
    """An app as it is registered with Notion."""

    name: Name
    client_id: Line
    client_secret: Secret
    redirect_uri: Line | None = Field(default=None, description="Default: the callback of this service")
    base_url: Line | None = None
    notion_version: Line | None = None
    rate: Line | None = None


class ChangingApp(Asked):
    """What is to be different."""

    name: Name | None = None
    client_id: Line | None = None
    client_secret: Secret | None = None
    redirect_uri: Line | None = None
    base_url: Line | None = None
    notion_version: Line | None = None
    rate: Line | None = None


@router.get("")
async def list_apps(service: ServiceOf, _caller: InstanceOwner) -> Success[Apps]:
    """The OAuth apps."""
    found = await oauth_apps.every(service.app)
    return Success(data=Apps(apps=[OneApp.model_validate(one) for one in found]))


@router.post("", status_code=201, responses=answers(BadInput, Duplicate))
async def add_app(service: ServiceOf, _caller: InstanceOwner, asked: AddingApp) -> Success[App]:
    """Set up an OAuth app."""
    return _shown(await oauth_apps.add(service.app, _wanted(asked)), "OAuth app added")


@router.patch("/{appId}", responses=answers(BadInput, NotFound, Duplicate))
async def change_app(
    service: ServiceOf,
    _caller: InstanceOwner,
    appId: str,  # noqa: N803 - the contract's name
    asked: ChangingApp,
) -> Success[App]:
    """Change an OAuth app. What is not named stays, the secret as well."""
    return _shown(await oauth_apps.change(service.app, appId, _wanted(asked)), "OAuth app changed")


@router.delete("/{appId}", responses=answers(NotFound, Busy))
async def remove_app(service: ServiceOf, _caller: InstanceOwner, appId: str) -> Done:  # noqa: N803 - as above
    """Remove an OAuth app that no workspace is connected with."""
    await oauth_apps.remove(service.app, appId)
    return Done(message="OAuth app removed")


def _wanted(asked: AddingApp | ChangingApp) -> Wanted:
    secret = asked.client_secret
    return Wanted(
        name=asked.name,
        client_id=asked.client_id,
        secret=None if secret is None else secret.get_secret_value(),
        redirect_uri=asked.redirect_uri,
        base_url=asked.base_url,
        notion_version=asked.notion_version,
        rate=asked.rate,
    )


def _shown(app: OAuthApp, message: str) -> Success[App]:
    return Success(data=App(app=OneApp.model_validate(app)), message=message)
