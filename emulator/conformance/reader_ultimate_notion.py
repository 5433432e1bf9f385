"""ultimate-notion: everything search finds, typed. ``python reader_ultimate_notion.py <url> <token>``."""

import os
import sys

import notion_client

os.environ.setdefault("NOTION_TOKEN", sys.argv[2])
import ultimate_notion as uno

URL, TOKEN = sys.argv[1:3]


def below(node: object) -> None:
    """A page's or block's blocks, with everything below them."""
    for block in getattr(node, "blocks", ()) or ():
        print(block.obj_ref.model_dump_json())
        below(block)


with uno.Session(
    client=notion_client.Client(auth=TOKEN, base_url=URL, notion_version="2026-03-11")
) as notion:
    pages = {page.id: page for page in notion.search_page()}
    for source in notion.search_ds():
        pages |= {page.id: page for page in source.get_all_pages()}
    for page in pages.values():
        print(page.title, *(f"{name}: {page.props[name]}" for name in page.props))
        print(*(comment.text for comment in page.comments))
        below(page)
