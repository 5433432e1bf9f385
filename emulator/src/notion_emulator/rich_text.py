"""Rich text: built plain, read plain, checked, normalised and rendered.

An item is ``{type, <type>, annotations, plain_text, href}`` in that order
(https://developers.notion.com/reference/rich-text). What is written comes back normalised: neighbouring runs of equal
style are one, empty runs are gone, a bare host gains its slash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from notion_emulator.errors import ValidationFailed
from notion_emulator.ids import dashed, undashed
from notion_emulator.validate import (
    Check,
    anything,
    array,
    boolean,
    literal,
    nullable,
    obj,
    one_key,
    string,
    uuid,
)

if TYPE_CHECKING:
    from notion_emulator.call import Call
    from notion_emulator.world import World

__all__ = ["COLORS", "PLAIN", "RICH_TEXT", "item", "normalise", "plain", "plain_text", "render", "text"]

Json = dict[str, Any]

PLAIN: Json = {
    "bold": False, "italic": False, "strikethrough": False, "underline": False, "code": False, "color": "default",
}  # fmt: skip
OPTION_COLORS = ("default", "gray", "brown", "orange", "yellow", "green", "blue", "purple", "pink", "red")
COLORS = (*OPTION_COLORS, *(f"{color}_background" for color in OPTION_COLORS))

URL = string(2000, shortest=1)
DATE = obj({"start": string()}, {"end": nullable(string()), "time_zone": nullable(string())})
USER_FIELDS: dict[str, Check] = dict.fromkeys(
    ("object", "name", "avatar_url", "type", "person", "bot"), anything
)
MENTION = one_key({
    "user": obj({"id": uuid}, USER_FIELDS),
    "date": DATE,
    "page": obj({"id": uuid}),
    "database": obj({"id": uuid}),
    "custom_emoji": obj({"id": uuid}, {"name": string(), "url": string()}),
    "template_mention": one_key({
        "template_mention_date": literal("today", "now"), "template_mention_user": literal("me"),
    }),
})  # fmt: skip
ANNOTATIONS = obj({}, {
    "bold": boolean, "italic": boolean, "strikethrough": boolean, "underline": boolean, "code": boolean,
    "color": literal(*COLORS),
})  # fmt: skip
ITEM = one_key(
    {
        "text": obj(
            {"content": string(2000)}, {"link": nullable(obj({"url": URL}, {"type": literal("url")}))}
        ),
        "mention": MENTION,
        "equation": obj({"expression": string(1000)}),
    },
    {"annotations": ANNOTATIONS},
)
RICH_TEXT = array(ITEM)
BARE_HOST = re.compile(r"https?://[^/?#]+")


def text(content: str, *, link: str | None = None, **annotations: bool | str) -> Json:
    """One text item in the stored form: ``text("a", bold=True, color="red")``."""
    return {
        "type": "text",
        "text": {"content": content, "link": {"url": link} if link else None},
        "annotations": {**PLAIN, **annotations} if annotations else PLAIN,
        "plain_text": content,
        "href": link,
    }


def item(type: str, payload: Json, shown: str, *, href: str | None = None, **annotations: bool | str) -> Json:
    """One item of any type, for example ``item("equation", {"expression": "x"}, "x")``."""
    styled = {**PLAIN, **annotations} if annotations else PLAIN
    return {"type": type, type: payload, "annotations": styled, "plain_text": shown, "href": href}


def plain(content: str) -> list[Json]:
    """Rich text of one plain run; empty for an empty string."""
    return [text(content)] if content else []


def plain_text(items: Iterable[Json]) -> str:
    """What is read, without style."""
    return "".join([one["plain_text"] for one in items])


def normalise(world: World, items: list[Json]) -> list[Json]:
    """The stored form of checked request items. Raises ValidationFailed for a link or mention that leads nowhere."""
    result: list[Json] = []
    for request in items:
        one = _stored(world, request)
        last = result[-1] if result else None
        if last and one["type"] == last["type"] == "text" and _same_run(last, one):
            result[-1] = text(last["plain_text"] + one["plain_text"], link=one["href"], **one["annotations"])
        elif one["type"] != "text" or one["plain_text"]:
            result.append(one)
    return result


def _same_run(left: Json, right: Json) -> bool:
    return bool(left["annotations"] == right["annotations"] and left["href"] == right["href"])


def _stored(world: World, request: Json) -> Json:
    style = request.get("annotations") or {}
    if "text" in request:
        link = (request["text"].get("link") or {}).get("url")
        return text(request["text"]["content"], link=_url(world, link), **style)
    if "equation" in request:
        expression = request["equation"]["expression"]
        return item("equation", {"expression": expression}, expression, **style)
    kind, payload = _mention(request["mention"])
    return item("mention", {"type": kind, kind: payload}, *_said(world, kind, payload), **style)


def _url(world: World, url: str | None) -> str | None:
    if url is None:
        return None
    if url.startswith("/") and dashed(url[1:]):  # a relative link to a page
        return world.settings.page_host + url[1:]
    if not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", url):
        raise ValidationFailed("Invalid URL for link.")
    return f"{url}/" if BARE_HOST.fullmatch(url) else url


def _mention(request: Json) -> tuple[str, Any]:
    kind = next(key for key in request if key != "type")
    payload = request[kind]
    if kind == "date":
        return kind, {
            "start": payload["start"],
            "end": payload.get("end"),
            "time_zone": payload.get("time_zone"),
        }
    if kind == "template_mention":
        inner = next(key for key in payload if key != "type")
        return kind, {"type": inner, inner: payload[inner]}
    id = dashed(payload["id"]) or payload["id"]
    return kind, {"object": "user", "id": id} if kind == "user" else {"id": id}


def _said(world: World, kind: str, payload: Any) -> tuple[str, ...]:
    """The plain text of a mention as of now."""
    match kind:
        case "user":
            user = world.users.get(payload["id"])
            return (f"@{user.name}" if user and user.name else "@Anonymous",)
        case "date":
            return (f"{payload['start']} → {payload['end']}" if payload["end"] else payload["start"],)
        case "page" | "database":
            node = world.nodes.get(payload["id"])
            return (world.title(node) or "Untitled" if node else "Untitled",)
        case "template_mention":
            return (f"@{payload[payload['type']].capitalize()}",)
        case "custom_emoji":
            emoji = world.emojis.get(payload["id"])
            return (f":{emoji.name}:" if emoji else "",)
    return (str(payload.get("title") or payload.get("href") or payload.get("url") or ""),)


def is_fixed(items: Iterable[Json]) -> bool:
    """Whether the items read the same at each time: no mention among them."""
    for one in items:  # noqa: SIM110 - a loop is twice as quick here, and every block read passes through it
        if one["type"] == "mention":
            return False
    return True


RENEWED = ("user", "page", "database", "custom_emoji")


def render(call: Call, items: list[Json]) -> list[Json]:
    """The items as an answer shows them now: mentions carry today's title, name and address."""
    return items if is_fixed(items) else [_rendered(call, one) for one in items]


def _rendered(call: Call, one: Json) -> Json:
    if one["type"] != "mention":
        return one
    mention = one["mention"]
    kind, world = mention["type"], call.world
    payload, href = mention[kind], one["href"]
    if kind not in RENEWED:
        return one
    (shown,) = _said(world, kind, payload)
    if kind == "user":
        payload = call.user(payload["id"])
    elif kind in ("page", "database"):
        node = world.nodes.get(payload["id"])
        shown = shown if node and call.reaches(node) else "Untitled"
        href = world.settings.page_host + undashed(payload["id"])
    elif kind == "custom_emoji" and (emoji := world.emojis.get(payload["id"])):
        payload = {"id": emoji.id, "name": emoji.name, "url": call.signed(emoji.key)["url"]}
    return {**one, "mention": {"type": kind, kind: payload}, "plain_text": shown, "href": href}
