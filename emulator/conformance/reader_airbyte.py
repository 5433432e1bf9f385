"""Airbyte's source-notion: all of its streams. ``python reader_airbyte.py <url> <token> <folder for its files>``."""

import json
import shutil
import sys
from pathlib import Path

import source_notion

URL, TOKEN, FOLDER = sys.argv[1:4]
folder = Path(FOLDER)
package = folder / "source_notion"
shutil.copytree(Path(source_notion.__file__).parent, package)
manifest = package / "manifest.yaml"
manifest.write_text(manifest.read_text().replace("https://api.notion.com", URL))
for name in [name for name in sys.modules if name.partition(".")[0] == "source_notion"]:
    del sys.modules[name]
sys.path.insert(0, FOLDER)

from source_notion.run import run  # noqa: E402 - after the base address is set

STREAMS = ("users", "databases", "pages", "blocks", "comments")
config = folder / "config.json"
credentials = {"auth_type": "token", "token": TOKEN}
config.write_text(json.dumps({"credentials": credentials, "start_date": "2020-01-01T00:00:00.000Z"}))
catalog = folder / "catalog.json"
read = {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
schema = {"json_schema": {}, "supported_sync_modes": ["full_refresh"]}
catalog.write_text(
    json.dumps({"streams": [{**read, "stream": {"name": name, **schema}} for name in STREAMS]})
)
sys.argv = ["source-notion", "read", "--config", str(config), "--catalog", str(catalog)]
run()
