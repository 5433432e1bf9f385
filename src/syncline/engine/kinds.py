"""The kinds of runs: which task each does, what it excludes, and how urgent it is. One line a kind.

A factory is imported when the first run of its kind is executed: a process that only pulls never loads what pushes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Final, TypeAlias

from syncline.app import App
from syncline.engine.task import Task
from syncline.store.connections import Connection

__all__ = ["KINDS", "SERVED", "Kind", "TaskFactory"]

TaskFactory: TypeAlias = Callable[[App, Connection], Task]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. `slot`: of a connection, one run of the slot is live at a time. `factory` is ``module:name``."""

    slot: str
    factory: str

    def task(self, app: App, connection: Connection) -> Task:
        """The task of a run of this kind."""
        module, _, name = self.factory.partition(":")
        factory: TaskFactory = getattr(import_module(module), name)
        return factory(app, connection)


KINDS: Final[Mapping[str, Kind]] = {
    "pull": Kind("pull", "syncline.engine.pulling:PullTask"),
}
"""What the command line executes where no server runs."""

SERVED: Final[Mapping[str, Kind]] = {
    "pull": Kind("pull", "syncline.engine.indexing:indexed_pull"),
    "push": Kind("push", "syncline.mapping.pushing:PushTask"),
    "refresh": Kind("pull", "syncline.engine.refreshing:RefreshTask"),
}
"""What a server executes."""
