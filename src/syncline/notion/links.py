"""Where the links of a rendered page lead: to Notion, or to wherever the caller keeps things."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .errors import MalformedId
from .objects import parse_id

__all__ = ["BASE", "Link", "Links", "asset_url", "icon_text"]

Json: TypeAlias = Mapping[str, Any]

Link: TypeAlias = Callable[[str, str, str, str], str]
"""(kind, id, text, url) → the address to write.

`kind` is ``page``, ``database``, ``block``, ``asset``, ``user`` or ``url``; `id` the object's id with dashes
(of an asset, the block it stands in; of a url, empty); `text` what the link shows; `url` its address at
Notion or on the web.
"""

BASE = "https://app.notion.com"
"""The host of Notion's pages since July 2026; the former, www.notion.so, leads there."""

_NOTION = re.compile(r"https?://(?:[\w-]+\.)*(?:notion\.(?:so|site|com))(?=[/?#]|$)", re.IGNORECASE)


def _unchanged(_kind: str, _id: str, _text: str, url: str) -> str:
    return url


@dataclass(frozen=True, slots=True)
class Links:
    """The caller's wishes for one page: its own URL, how links are rewritten, titles it knows by id."""

    page_url: str = ""
    link: Link = _unchanged
    names: Mapping[str, str] = field(default_factory=dict)

    def block(self, identity: str) -> str:
        """The address of a block inside the page."""
        if not self.page_url:
            return self.elsewhere(identity)
        return self.link("block", identity, "", f"{self.page_url}#{identity.replace('-', '')}")

    def elsewhere(self, identity: str) -> str:
        """The address of a block whose page is not known. Notion finds it."""
        return self.link("block", identity, "", f"{BASE}/{identity.replace('-', '')}")

    def to(self, kind: str, identity: str, *, text: str = "", url: str = "") -> str:
        """The address of a page or database; `url` is what Notion gave for it, if it gave one."""
        return self.link(kind, identity, text, url or f"{BASE}/p/{identity.replace('-', '')}")

    def asset(self, identity: str, url: str, *, text: str = "") -> str:
        """The address of a file, image, video, audio or icon shown in the block `identity`."""
        return self.link("asset", identity, text, url)

    def web(self, url: str, *, text: str = "") -> str:
        """The address behind a text that people linked: a page of Notion is known by the id at its end."""
        absolute = BASE + url if url.startswith("/") else url
        if not _NOTION.match(absolute):
            return self.link("url", "", text, absolute)
        try:
            return self.link("page", parse_id(absolute), text, absolute)
        except MalformedId:
            return self.link("url", "", text, absolute)

    def name(self, identity: str, *, text: str) -> str:
        """The title of an object as far as it is known, else `text`."""
        return self.names.get(identity) or text


def asset_url(source: Json | None) -> str:
    """The address in a file object of any kind; empty where there is none."""
    if not source:
        return ""
    kind = str(source.get("type") or "")
    payload = source.get(kind)
    payload = payload if isinstance(payload, Mapping) else {}
    if kind == "file_upload":
        return f"file-upload://{payload.get('id') or ''}"
    return str(payload.get("url") or "")


def icon_text(icon: Json | None) -> str:
    """An icon that is a text: an emoji, or the name of one between colons. Empty for a picture and for none."""
    kind = str((icon or {}).get("type") or "")
    payload = (icon or {}).get(kind)
    if isinstance(payload, str):
        return payload
    name = payload.get("name") if isinstance(payload, Mapping) else None
    return f":{name}:" if name else ""
