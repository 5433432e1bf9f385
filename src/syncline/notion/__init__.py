"""A client library for Notion's API, typed and asynchronous; it knows nothing of who uses it.

`operations`, `views` and `oauth` build what is sent, `Client` sends it, `objects` reads what came, `errors` draws what can go wrong,
`budget` keeps within Notion's limits:

    async with Client(token) as notion:
        async for listing in notion.pages(operations.list_block_children(page_id)):
            ...
"""

from typing import TYPE_CHECKING, Any

from . import budget, errors, objects, operations, views
from .budget import Budget, Lane, MemoryBudget, Meter, Rate, Unlimited
from .errors import NotionError
from .objects import LATEST, Version, parse_id
from .sansio import Operation

if TYPE_CHECKING:
    from .client import Client

__all__ = [
    "LATEST",
    "Budget",
    "Client",
    "Lane",
    "MemoryBudget",
    "Meter",
    "NotionError",
    "Operation",
    "Rate",
    "Unlimited",
    "Version",
    "budget",
    "errors",
    "objects",
    "operations",
    "parse_id",
    "views",
]


def __getattr__(name: str) -> Any:
    # The HTTP library takes a quarter of a second to import; who only reads objects need not wait for it.
    if name == "Client":
        from .client import Client  # noqa: PLC0415 - as above

        return Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
