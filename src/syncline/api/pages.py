"""The few pages that a link of ours leads to: first start, invitation, new password, an address to confirm. Without any framework, and nothing from elsewhere."""

from functools import cache
from html import escape
from importlib.resources import files
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

__all__ = ["router", "said"]

router = APIRouter(include_in_schema=False)

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_TYPES: Final = {"pages.css": "text/css", "pages.js": "text/javascript"}


def said(sentence: str) -> HTMLResponse:
    """A page with one sentence."""
    before, mark, after = _file("pages.html").partition('<p id="said" role="status">')
    # The script would show a form; there is nothing to fill in.
    rest = after.partition("</p>")[0] + escape(sentence) + "</p>\n</main>\n</html>\n"
    page = before.replace('<script src="/pages.js" defer></script>\n', "") + mark + rest
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})


@router.get("/")
@router.get("/setup")
@router.get("/join")
@router.get("/reset-password")
@router.get("/verify-email")
async def page() -> HTMLResponse:
    """What this server is, and the form that the link is about."""
    return HTMLResponse(_file("pages.html"), headers={"Content-Security-Policy": _POLICY})


@router.get("/pages.css")
async def style() -> Response:
    """What the pages look like."""
    return _asset("pages.css")


@router.get("/pages.js")
async def script() -> Response:
    """What their forms do."""
    return _asset("pages.js")


def _asset(name: str) -> Response:
    return Response(_file(name), media_type=_TYPES[name])


@cache
def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")
