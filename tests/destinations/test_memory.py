from typing import Any

import pytest
from tests.contracts.destination import DestinationContract

from syncline.core.model import Kind
from syncline.destinations.memory import Memory, MemoryDestination


class MemoryPlace:
    def __init__(self) -> None:
        self.memory = Memory()

    def destination(self, connection_id: str = "one") -> MemoryDestination:
        return MemoryDestination(self.memory, connection_id)

    async def pages(self) -> dict[str, str]:
        held = [change.record for (kind, _), change in self.memory.changes.items() if kind is Kind.PAGE]
        return {record.key: record.title for record in held if record.deleted_at is None}

    async def dump(self) -> Any:
        return self.memory.changes


class TestMemoryDestination(DestinationContract):
    @pytest.fixture
    def place(self) -> MemoryPlace:
        return MemoryPlace()
