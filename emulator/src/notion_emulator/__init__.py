"""A local Notion API that real clients cannot tell from the real one: in memory (ASGI) and over TCP.

``Emulator``, ``Settings`` and ``World`` load when they are first asked for: pytest imports this package at the start of
every run to find the plugin.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from notion_emulator.emulator import Emulator
    from notion_emulator.objects import Settings
    from notion_emulator.world import World

__all__ = ["Emulator", "Settings", "World"]

HOMES = {"Emulator": "emulator", "Settings": "objects", "World": "world"}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
