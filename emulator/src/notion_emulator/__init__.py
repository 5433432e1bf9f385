"""A local Notion API that real clients cannot tell from the real one: in memory (ASGI) and over TCP."""

from notion_emulator.emulator import Emulator
from notion_emulator.objects import Settings
from notion_emulator.world import World

__all__ = ["Emulator", "Settings", "World"]
