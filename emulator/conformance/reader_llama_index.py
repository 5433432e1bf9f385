"""LlamaIndex's NotionPageReader: every page by id. ``python reader_llama_index.py <url> <token> <page ids, comma>``."""

import sys

from llama_index.readers.notion import NotionPageReader, base

URL, TOKEN, IDS = sys.argv[1:4]
for name in ("BLOCK_CHILD_URL_TMPL", "DATABASE_URL_TMPL", "SEARCH_URL"):
    setattr(base, name, getattr(base, name).replace("https://api.notion.com", URL))
reader = NotionPageReader(integration_token=TOKEN)
for document in reader.load_data(page_ids=IDS.split(",")):
    print(document.text)
print(*reader.search(""))
