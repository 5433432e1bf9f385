"""Duties: short work that each serving worker does every so often, whatever runs there are. One line a duty.

Several workers do the same duties at the same time, so each claims what it works on in the database.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from importlib import import_module
from typing import Final, Protocol, runtime_checkable

from syncline.app import App

__all__ = ["DUTIES", "Duty", "Lasting", "Once"]


class Once(Protocol):
    """What does a duty once. It returns the seconds after which it wants to be called again, None for the duty's `every`."""

    def __call__(self, app: App, /) -> Awaitable[float | None]:
        """Do it."""


@runtime_checkable
class Lasting(Once, Protocol):
    """One whose work goes on between its calls."""

    async def close(self) -> None:
        """Begin nothing more, and wait for what is under way."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Work to be done `every` so many seconds.

    `once` is ``module:name`` of an `Once`, or of a class of them: each worker then has one of its own.
    """

    name: str
    every: float
    once: str

    def load(self) -> Once:
        """What does it, imported when the worker starts."""
        module, _, name = self.once.partition(":")
        found = getattr(import_module(module), name)
        once: Once = found() if isinstance(found, type) else found
        return once


DUTIES: Final[tuple[Duty, ...]] = (
    Duty("schedules", 1.0, "syncline.engine.schedule:tick"),
    Duty("index", 5.0, "syncline.engine.indexing:catch_up"),
    Duty("inbox", 0.5, "syncline.engine.refreshing:due"),
    Duty("retention", 3600.0, "syncline.engine.retention:forget_old"),
    Duty("deliveries", 0.5, "syncline.delivery.deliveries:Deliverer"),
    Duty("rules", 1.0, "syncline.delivery.rules:decide"),
    Duty("alerts", 1.0, "syncline.delivery.alerts:watch"),
    Duty("notifications", 1.0, "syncline.delivery.notifying:Notifier"),
    Duty("notification retention", 3600.0, "syncline.delivery.notifying:forget_old"),
    Duty("delivery retention", 3600.0, "syncline.delivery.deliveries:forget_old"),
    Duty("log retention", 3600.0, "syncline.engine.journal:forget_old"),
    Duty("inbox retention", 3600.0, "syncline.engine.refreshing:forget_old"),
    Duty("door", 3600.0, "syncline.accounts.sessions:forget_ended"),
    Duty("tokens", 60.0, "syncline.engine.token_health:check_due"),
    Duty("token mail", 60.0, "syncline.delivery.token_mail:tell_people"),
)
