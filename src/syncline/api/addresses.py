"""Routes that are there under more than one address: the contract has grown two for what belongs to a workspace."""

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import APIRouter

__all__ = ["Addresses"]

F = TypeVar("F", bound=Callable[..., Any])


class Addresses:
    """The addresses of one resource, below the prefix of its router."""

    def __init__(self, router: APIRouter, *addresses: str) -> None:
        self._router = router
        self._addresses = addresses

    def route(self, method: str, path: str, **options: Any) -> Callable[[F], F]:
        """Decorates a route: it answers at `path` behind each of the addresses. `options` are those of FastAPI's routes."""

        def decorate(route: F) -> F:
            for address in self._addresses:
                self._router.add_api_route(address + path, route, methods=[method], **options)
            return route

        return decorate
