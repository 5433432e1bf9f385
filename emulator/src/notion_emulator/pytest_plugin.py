"""Pytest fixtures of the emulator, found through the entry point ``pytest11``."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from notion_emulator.emulator import Emulator
    from notion_emulator.server import ServerThread


@pytest.fixture
def notion_emulator() -> "Emulator":
    """A local Notion in this process, with an empty workspace: ``.app`` is the ASGI application."""
    from notion_emulator.emulator import Emulator  # noqa: PLC0415 - a test run that needs no emulator loads none

    return Emulator()


@pytest.fixture
def notion_emulator_server(notion_emulator: "Emulator") -> "Iterator[ServerThread]":
    """The same emulator over TCP, in a thread: ``.url`` (without /v1) and ``.emulator``."""
    from notion_emulator.server import ServerThread  # noqa: PLC0415 - as above

    with ServerThread(notion_emulator) as server:
        yield server
