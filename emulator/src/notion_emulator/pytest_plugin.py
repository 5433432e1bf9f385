"""Pytest fixtures of the emulator, found through the entry point ``pytest11``.

Modules load inside the fixtures: a run that needs no emulator loads none.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from notion_emulator.emulator import Emulator
    from notion_emulator.server import ServerThread

MARKER = "notion_workspace(name): the workspace of notion_emulator: empty (default), sample, generated:…, or a saved file"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def notion_emulator(request: pytest.FixtureRequest) -> "Emulator":
    """A local Notion in this process, with the workspace of the marker: ``.app`` is the ASGI application."""
    from notion_emulator.workspaces import open_workspace  # noqa: PLC0415 - see above

    marker = request.node.get_closest_marker("notion_workspace")
    return open_workspace(marker.args[0] if marker else "empty")


@pytest.fixture
def notion_emulator_server(notion_emulator: "Emulator") -> "Iterator[ServerThread]":
    """The same emulator over TCP, in a thread: ``.url`` (without /v1) and ``.emulator``."""
    from notion_emulator.server import ServerThread  # noqa: PLC0415 - see above

    with ServerThread(notion_emulator) as server:
        yield server
