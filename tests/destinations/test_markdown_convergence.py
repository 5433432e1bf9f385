"""Whatever happened in between, the folder says what a folder made at the end would say."""

import re
import tempfile
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any
from urllib.parse import unquote

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contracts.histories import Deeds, History, batches, deeds
from tests.destinations.test_markdown import FolderPlace, front

from syncline.core.model import Change
from syncline.destinations.markdown import MarkdownFolder


def outline(files: dict[str, str]) -> dict[str, Any]:
    """Every file by its id, with ids for paths: the folder it is in, and where its links lead."""
    owners = {path: front(text)["id"] for path, text in files.items()}
    return {
        owners[path]: (owners.get(f"{dirname(path)}.md"), _resolved(text, path, owners))
        for path, text in files.items()
    }


def _resolved(text: str, path: str, owners: dict[str, str]) -> str:
    def owner(found: re.Match[str]) -> str:
        target = normpath(join(dirname(path), unquote(found[1])))
        return f"]({owners[target]})"  # a KeyError is a link to a file that is not there

    return re.sub(r"\]\(([^):]*\.md)\)", owner, text)


async def load(root: Path, cut: list[list[Change]]) -> dict[str, str]:
    async with MarkdownFolder(root, "one") as folder:
        for batch in cut:
            await folder.write(batch, batch[-1].record.seq)
    return FolderPlace(root).files()


@settings(max_examples=60, deadline=None)
@given(deeds, st.lists(st.integers(1, 6), min_size=1, max_size=4))
async def test_a_folder_that_followed_says_what_a_fresh_one_says(history: Deeds, sizes: list[int]) -> None:
    past = History(history)
    if not past.changes:
        return
    with tempfile.TemporaryDirectory() as scratch:
        followed = await load(Path(scratch) / "followed", batches(past.changes, sizes))
        fresh = await load(Path(scratch) / "fresh", [past.final])
    assert outline(followed) == outline(fresh)
