"""``/healthz``: the process lives. ``/readyz``: it can do its work: the store answers and has the schema of this release, events are told."""

from typing import Literal

from fastapi import APIRouter

from syncline.api.deps import ServiceOf
from syncline.api.envelope import Model
from syncline.api.errors import answers
from syncline.core.errors import StoreUnavailable

__all__ = ["router"]

router = APIRouter(tags=["health"])


class Health(Model):
    """The process is well."""

    status: Literal["ok"] = "ok"


@router.get("/healthz")
async def healthz() -> Health:
    """The process lives."""
    return Health()


@router.get("/readyz", responses=answers(StoreUnavailable))
async def readyz(service: ServiceOf) -> Health:
    """The store answers with the schema of this release, and this node tells of events."""
    await service.check()
    return Health()
