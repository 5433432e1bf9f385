import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contracts.destination import DestinationContract

from syncline.destinations.markdown import MarkdownFolder


class FolderPlace:
    def __init__(self, root: Path) -> None:
        self.root = root

    def destination(self, connection_id: str = "one") -> MarkdownFolder:
        return MarkdownFolder(self.root, connection_id)

    def files(self) -> dict[str, str]:
        """The text of every file of pages by relative path."""
        paths = (path for path in sorted(self.root.rglob("*.md")) if path.is_file() and ".syncline" not in path.parts)
        return {path.relative_to(self.root).as_posix(): path.read_text() for path in paths}

    async def pages(self) -> dict[str, str]:
        fronts = (front(text) for text in self.files().values())
        return {matter["id"]: matter["title"] for matter in fronts if not is_table(matter)}

    async def dump(self) -> Any:
        return self.files()


def front(text: str) -> dict[str, Any]:
    """The front matter of a file."""
    found = re.match(r"---\n(.*?\n)---\n", text, re.DOTALL)
    assert found is not None
    matter = yaml.safe_load(found[1])
    assert isinstance(matter, dict)
    return matter


def is_table(matter: dict[str, Any]) -> bool:
    """Whether the file is that of a data source: its properties are types."""
    return "title" in matter.get("properties", {}).values()


@pytest.fixture
def place(tmp_path: Path) -> FolderPlace:
    return FolderPlace(tmp_path / "vault")


class TestMarkdownFolder(DestinationContract):
    pass
