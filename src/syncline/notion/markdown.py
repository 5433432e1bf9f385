"""Blocks as Markdown, in two styles: Notion's own dialect, and plain CommonMark for files.

No block is dropped in either: what has no Markdown is a visible line with its type and a link to it.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from .blocks import Block
from .enhanced import ENHANCED
from .links import Link, Links
from .portable import PORTABLE_STYLE
from .rendering import Style, render_tree

__all__ = ["Link", "StyleName", "render"]

StyleName: TypeAlias = Literal["notion", "portable"]

_STYLES: Mapping[StyleName, Style] = {"notion": ENHANCED, "portable": PORTABLE_STYLE}


def render(
    blocks: Sequence[Block],
    *,
    style: StyleName = "notion",
    page_url: str = "",
    link: Link | None = None,
    names: Mapping[str, str] | None = None,
) -> str:
    """The blocks of a page (see `blocks.tree`) as Markdown, without a line break at the end.

    `style`: ``notion`` is the dialect of Notion's Markdown endpoint, version 1; ``portable`` is CommonMark with
    GFM's tables, to-dos and strikethrough. `page_url` is the page's own address, for links to its blocks. `link`
    rewrites every address (see `links.Link`). `names` are titles by id, for links whose title Notion does not
    send. The same arguments give the same text.
    """
    links = Links(page_url, names=names or {}) if link is None else Links(page_url, link, names or {})
    return "\n".join(render_tree(blocks, _STYLES[style], links=links))
