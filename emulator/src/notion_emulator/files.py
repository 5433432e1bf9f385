"""Files, icons and covers: what a request may say, how it is stored, how an answer shows it.

A hosted file is stored by key; each answer carries another signed URL that lives for ``settings.file_seconds``
(https://developers.notion.com/reference/file-object).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

from notion_emulator.clock import stamp
from notion_emulator.errors import ValidationFailed
from notion_emulator.ids import dashed
from notion_emulator.rich_text import URL
from notion_emulator.validate import array, literal, nullable, obj, one_key, string, uuid

if TYPE_CHECKING:
    from notion_emulator.call import Call
    from notion_emulator.objects import StoredFile
    from notion_emulator.world import World

__all__ = ["COVER", "FILES", "FILE_SOURCES", "ICON", "accept", "attach", "rendered", "signed_url", "verified"]

Json = dict[str, Any]

EXTERNAL = obj({"url": URL})
UPLOAD = obj({"id": uuid})
FILE_SOURCES = {"external": EXTERNAL, "file_upload": UPLOAD}
ICON_COLORS = (
    "gray", "lightgray", "brown", "yellow", "orange", "green", "blue", "purple", "pink", "red",
)  # fmt: skip
ICON = nullable(
    one_key(
        {
            "emoji": string(shortest=1),
            **FILE_SOURCES,
            "custom_emoji": obj({"id": uuid}, {"name": string(), "url": string()}),
            "icon": obj({"name": string(shortest=1)}, {"color": literal(*ICON_COLORS)}),
        }
    )
)
COVER = nullable(one_key(FILE_SOURCES))
FILES = array(one_key(FILE_SOURCES, {"name": string(900)}))
NATIVE_ICON = re.compile(r"https://(?:www\.)?notion\.so/icons/([a-z0-9-]+)_([a-z]+)\.svg")
SECRET = b"emulated signature"


def accept(world: World, request: Json | None) -> Json | None:
    """The stored form of a checked icon, cover or file. Raises ValidationFailed for an upload that is not there."""
    if request is None:
        return None
    kind = next(key for key in request if key not in ("type", "name", "caption"))
    payload = request[kind]
    if kind == "file_upload":
        return {"type": "file", "file": {"key": attach(world, payload["id"])}}
    if kind == "external" and (native := NATIVE_ICON.fullmatch(payload["url"])):
        return {"type": "icon", "icon": {"name": native[1], "color": native[2]}}
    if kind == "custom_emoji":
        return {"type": kind, kind: {"id": dashed(payload["id"])}}
    if kind == "icon":
        return {"type": kind, kind: {"name": payload["name"], "color": payload.get("color", "gray")}}
    return {"type": kind, kind: {"url": payload["url"]} if kind == "external" else payload}


def attach(world: World, id: str) -> str:
    """The key of an uploaded file, which stays from now on. Raises ValidationFailed."""
    upload = world.uploads.get(dashed(id) or id)
    if upload is None:
        raise ValidationFailed(f"Could not find file_upload with ID: {dashed(id)}.")
    if upload.status != "uploaded" or upload.key is None:
        raise ValidationFailed(
            f"File upload {upload.id} must have status `uploaded`, instead it is `{upload.status}`."
        )
    upload.expires = None
    return upload.key


def rendered(call: Call, stored: Json | None) -> Json | None:
    """An icon, cover or file as an answer shows it; a hosted one with a fresh signature."""
    if stored is None:
        return None
    if stored["type"] == "file":
        return {**stored, "file": call.signed(stored["file"]["key"])}
    if stored["type"] == "custom_emoji":
        emoji = call.world.emojis.get(stored["custom_emoji"]["id"])
        if emoji:
            shown = {"id": emoji.id, "name": emoji.name, "url": call.signed(emoji.key)["url"]}
            return {"type": "custom_emoji", "custom_emoji": shown}
    return stored


def signed_url(stored: StoredFile, *, base: str, space: str, at: int, seconds: int, nonce: str) -> Json:
    """``{url, expiry_time}`` in the form of a pre-signed S3 address."""
    date = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    signature = _signature(stored.key, date, seconds=seconds, nonce=nonce)
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD"
        f"&X-Amz-Date={date}&X-Amz-Expires={seconds}&X-Amz-Security-Token={nonce}"
        f"&X-Amz-Signature={signature}&X-Amz-SignedHeaders=host&x-id=GetObject"
    )
    url = f"{base}/_files/{space}/{stored.key}/{quote(stored.name)}?{query}"
    expiry = at + seconds * 1000
    return {"url": url, "expiry_time": stamp(expiry)}


def _signature(key: str, date: str, *, seconds: int, nonce: str) -> str:
    return hmac.new(SECRET, f"{key}|{date}|{seconds}|{nonce}".encode(), hashlib.sha256).hexdigest()


def verified(key: str, query: str, *, at: int) -> bool:
    """Whether a signed address is genuine and not expired at ``at`` milliseconds."""
    fields = {name: values[0] for name, values in parse_qs(query).items()}
    try:
        date, seconds = fields["X-Amz-Date"], int(fields["X-Amz-Expires"])
        signed = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp() * 1000
    except (KeyError, ValueError):
        return False
    genuine = _signature(key, date, seconds=seconds, nonce=fields.get("X-Amz-Security-Token", ""))
    return (
        hmac.compare_digest(genuine, fields.get("X-Amz-Signature", ""))
        and at < signed + seconds * 1000 + 1000
    )
