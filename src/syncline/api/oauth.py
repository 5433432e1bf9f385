"""``/api/v1/notion/auth``, ``/callback`` and ``/connect``: the ways to connect a Notion workspace.

The first two are pages of a browser: they answer with a redirect. Where Notion sends a person back to may as well be
``/integrations/notion``, on whatever host the OAuth app names.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import Field, SecretStr, StringConstraints

from syncline.accounts import authorize, joining
from syncline.accounts.authorize import PAGE, TTL, Answer, Begun
from syncline.api import pages
from syncline.api.deps import Caller, ServiceOf, cookies, signed
from syncline.api.envelope import Asked, Model, Success
from syncline.api.errors import answers
from syncline.core.errors import BadInput, Denied, NotFound, Refused, Unreachable
from syncline.core.permission import Role, Scope
from syncline.engine import connect

__all__ = ["router"]

router = APIRouter(tags=["connecting"])

Connecting = Annotated[Caller, signed(Scope.ADMIN)]
Text = Annotated[str | None, Field(max_length=2000)]

_TO_NOTION: Final[dict[int | str, dict[str, Any]]] = {
    302: {
        "description": "To Notion's page, where the person chooses what to share",
        "headers": {"Location": {"schema": {"type": "string", "format": "uri"}}},
    }
}
_BACK: Final[dict[int | str, dict[str, Any]]] = {
    302: {
        "description": "Back to the caller's page, with `workspace` or `error`, and `state` where the caller sent one",
        "headers": {"Location": {"schema": {"type": "string", "format": "uri"}}},
    }
}


class Authorization(Model):
    """Where to send the person, for a client that follows no redirect."""

    auth_url: str = Field(examples=["https://api.notion.com/v1/oauth/authorize?client_id=…"])
    state: str = Field(
        description="What Notion hands back; the browser has to keep the cookie of this answer"
    )


class ConnectingWith(Asked):
    """An internal token."""

    token: Annotated[SecretStr, Field(max_length=500, examples=["ntn_…"])]
    name: Annotated[str | None, StringConstraints(max_length=64)] = Field(
        default=None, description="What to call the connection. Default: the workspace's name"
    )


class Connected(Model):
    """The workspace, and what the caller is in it."""

    workspace_id: str
    my_role: Role
    token_kept: bool = Field(description="Whether the workspace is read with this token from now on")


@router.get(
    "/api/v1/notion/auth",
    status_code=302,
    response_class=RedirectResponse,
    responses={200: {"model": Success[Authorization], "description": "With `Accept: application/json`"}}
    | _TO_NOTION
    | answers(BadInput, NotFound, Denied),
)
async def start_authorization(
    request: Request,
    service: ServiceOf,
    caller: Connecting,
    *,
    state: Text = None,
    redirectUrl: Text = None,  # noqa: N803 - the contract's name
    app: Text = None,
) -> Response:
    """Begin to connect a workspace by OAuth.

    `state` is handed back to the page that the person comes out at, `redirectUrl`. `app` is the name or id of an OAuth app.
    """
    begun = await authorize.begin(service.app, caller, registered=app, echo=state, back=redirectUrl)
    if "application/json" in request.headers.get("accept", ""):
        shown = Success(data=Authorization(auth_url=begun.url, state=begun.state))
        response: Response = JSONResponse(shown.model_dump(mode="json", by_alias=True))
    else:
        response = RedirectResponse(begun.url, status_code=302)
    _keep(response, begun, secure=service.app.settings.public_url.startswith("https:"))
    return response


def _keep(response: Response, begun: Begun, *, secure: bool) -> None:
    """Have the browser keep what proves that it is the one that began. It comes from Notion's page, so not SameSite=Strict."""
    response.set_cookie(
        begun.cookie,
        begun.nonce,
        max_age=int(TTL.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


@router.get("/api/v1/notion/callback", status_code=302, response_class=RedirectResponse, responses=_BACK)
@router.get("/integrations/notion", status_code=302, response_class=RedirectResponse, responses=_BACK)
async def finish_authorization(
    request: Request,
    service: ServiceOf,
    *,
    code: Text = None,
    state: Text = None,
    error: Text = None,
) -> RedirectResponse:
    """Where Notion sends the person back. The state and the cookie say who it is; each works once."""
    name = authorize.cookie_name(service.app, state or "")
    nonce = cookies(request.headers).get(name)
    url = await authorize.finish(service.app, Answer(code, state, error), nonce=nonce)
    response = RedirectResponse(url, status_code=302)
    response.delete_cookie(name, path="/", secure=name.startswith("__Host-"), httponly=True, samesite="lax")
    return response


@router.post(
    "/api/v1/notion/connect",
    status_code=201,
    responses=answers(BadInput, Refused, Denied, Unreachable),
)
async def connect_with_token(
    service: ServiceOf, caller: Connecting, asked: ConnectingWith
) -> Success[Connected]:
    """Connect a workspace by an internal token. It is tried before it is stored, encrypted."""
    settings = service.app.settings
    wanted = connect.Asked(
        token=asked.token.get_secret_value(),
        name=asked.name,
        base_url=settings.notion_url,
        rate=settings.notion_rate,
    )
    joined = await joining.join_with_token(service.app, caller.user_id, wanted)
    made = Connected(workspace_id=joined.connection_id, my_role=joined.role, token_kept=joined.kept)
    return Success(data=made, message="Workspace connected")


@router.get(PAGE, response_class=HTMLResponse, include_in_schema=False)
async def show_outcome(workspace: Text = None, error: Text = None) -> HTMLResponse:
    """The page at which a person comes out where no other was asked for."""
    said = f"It did not work: {error}." if error else "The workspace is connected. You can close this page."
    if workspace is None and error is None:
        said = "Nothing was connected yet."
    return pages.said(said)
