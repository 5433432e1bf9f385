from pathlib import Path
from typing import Any

import orjson
import pytest

from notion_emulator import Emulator
from notion_emulator.snapshot import dump, load
from notion_emulator.workspaces import open_workspace


def test_a_saved_world_answers_as_before(emulator: Emulator, ask: Any, paragraph: Any, text: Any) -> None:
    source = ask.table({"N": {"number": {}}, "F": {"formula": {"expression": 'prop("N")'}}})
    row = ask.row(source, N={"number": 3})
    page = ask.page(children=[paragraph("x")])["id"]
    ask("POST", "/comments", {"parent": {"page_id": page}, "rich_text": text("c")})
    emulator.world.unshare(emulator.connection, ask.page("hidden")["id"])
    stored = emulator.world.store_file("f", b"\x00\xff")
    paths = ["/users", f"/pages/{row['id']}", f"/blocks/{page}/children", f"/comments?block_id={page}", f"/data_sources/{source['id']}",
             f"/blocks/{emulator.root_page_id}/children"]  # fmt: skip
    before = [{**ask("GET", path), "request_id": 0} for path in paths]
    ask.emulator = Emulator(world=load(dump(emulator.world)))
    assert [{**ask("GET", path), "request_id": 0} for path in paths] == before
    assert ask.emulator.world.files[stored.key].data == b"\x00\xff"
    assert ask.emulator.token == emulator.token
    assert ask.page("after")["id"][3:8] == page[3:8]


def test_saving_twice_gives_the_same_bytes(emulator: Emulator, ask: Any) -> None:
    ask.page()
    once = dump(emulator.world)
    assert dump(load(once)) == once


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"{", orjson.dumps({"form": 99})])
def test_a_file_that_is_no_world_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"saved workspace|form 99"):
        load(data)


def test_a_saved_file_is_a_workspace_to_serve(emulator: Emulator, ask: Any, tmp_path: Path) -> None:
    page = ask.page("kept")["id"]
    file = tmp_path / "world.json"
    file.write_bytes(dump(emulator.world))
    opened = open_workspace(str(file))
    assert opened.token == emulator.token
    assert opened.world.title(opened.world.pages[page]) == "kept"
