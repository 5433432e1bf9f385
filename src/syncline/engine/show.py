"""One page as the store holds it: found by id, URL or title, and rendered."""

import json
from typing import Any

from syncline.app import App
from syncline.core.errors import BadInput, NotFound
from syncline.core.model import Document, Fidelity, Kind, StoredRecord
from syncline.notion import blocks, markdown
from syncline.notion.errors import MalformedId
from syncline.notion.objects import parse_id
from syncline.store import documents, records
from syncline.store.connections import Connection

__all__ = ["FORMATS", "find_page", "page_text"]

FORMATS = ("markdown", "portable", "json")
_CANDIDATES = 10
_LONGEST = 2000


async def find_page(app: App, connection: Connection, text: str) -> StoredRecord:
    """The live page with this id, URL or title. Raises NotFound, or BadInput if several have the title or it can be none."""
    if not 0 < len(text) <= _LONGEST:
        raise BadInput(f"A page is named by its id, its URL or its title, with 1 to {_LONGEST:,} characters.")
    async with app.database.read() as conn:
        try:
            key = parse_id(text)
        except MalformedId:
            found = await records.search_title(conn, connection.id, text, limit=_CANDIDATES)
            found = [record for record in found if record.kind is Kind.PAGE]
        else:
            held = await records.find(conn, connection.id, Kind.PAGE, [key])
            found = [record for record in held.values() if record.deleted_at is None]
    exact = [record for record in found if record.title.casefold() == text.casefold()] or found
    if not exact:
        raise NotFound(f"The store holds no page {text!r}: pull it first, or look it up with its id.")
    if len(exact) > 1:
        names = "; ".join(f"{record.title} ({record.key})" for record in exact)
        raise BadInput(f"Several pages are called like this, name one by its id: {names}.")
    return exact[0]


async def page_text(app: App, connection: Connection, page: StoredRecord, *, form: str) -> str:
    """The page in one of FORMATS. Raises NotFound if its content was not read."""
    async with app.database.read() as conn:
        document = (await documents.load(conn, connection.id, [page.key])).get(page.key)
    if form == "json":
        return json.dumps(_raw(page, document), ensure_ascii=False, indent=2)
    if document is None:
        raise NotFound(f"The content of {page.title!r} was not read: pull it with --page {page.key}.")
    if document.fidelity is Fidelity.MARKDOWN:
        if form == "portable":
            raise BadInput(
                "The page was read as Notion's Markdown; the portable form needs --fidelity blocks."
            )
        return document.markdown or ""
    return _rendered(page, document, style=form)


def _rendered(page: StoredRecord, document: Document, *, style: str) -> str:
    lists: dict[str, list[Any]] = {}
    for one in sorted(document.lists, key=lambda one: one.ordinal):
        lists.setdefault(one.container, []).extend(one.blocks)
    unread = {one.block: one.message for one in document.unread}
    tree = blocks.tree(page.key, lists, unread=unread)
    return markdown.render(
        tree, style="portable" if style == "portable" else "notion", page_url=page.data.get("url", "")
    )


def _raw(page: StoredRecord, document: Document | None) -> dict[str, Any]:
    lists = document.lists if document else ()
    return {
        "page": dict(page.data),
        "markdown": document.markdown if document else None,
        "blocks": [
            {
                "container": one.container,
                "ordinal": one.ordinal,
                "blocks": [dict(block) for block in one.blocks],
            }
            for one in lists
        ],
    }
