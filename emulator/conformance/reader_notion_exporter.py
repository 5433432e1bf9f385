"""notion-exporter: every standalone page by id. ``python reader_notion_exporter.py <url> <token> <page ids, comma>``."""

import functools
import sys

import notion_client

URL, TOKEN, PAGES = sys.argv[1:4]
for name in ("Client", "AsyncClient"):
    setattr(notion_client, name, functools.partial(getattr(notion_client, name), base_url=URL))

from notion_exporter import NotionExporter  # noqa: E402 - after the base address is set

exporter = NotionExporter(notion_token=TOKEN)
for text in exporter.export_pages(page_ids=PAGES.split(",")).values():
    print(text)
