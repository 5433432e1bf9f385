"""Mail to those who can connect again, once for each token that died, where SYNCLINE_SMTP_URL says how mail is sent."""

from contextlib import suppress
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.app import App
from syncline.core.errors import NotFound, Unreachable
from syncline.core.permission import Permission, allowed
from syncline.core.standing import TokenStatus
from syncline.delivery import mail
from syncline.store import authorizations, checkpoints, connections, members
from syncline.store.authorizations import Authorization

__all__ = ["tell_people"]

_TOLD: Final = "token told"
"""The checkpoint that keeps the generation of the token that was told of."""

_BATCH: Final = 20


async def tell_people(app: App) -> float | None:
    """Write to the owners and admins of connections whose token died. What the mail server does not take is sent later.

    Returns 0 where there may be more.
    """
    url = app.settings.smtp_url
    if url is None:
        return None
    server = mail.server(url.get_secret_value())
    async with app.database.read() as conn:
        dead = await authorizations.dead(conn, (TokenStatus.EXPIRED, TokenStatus.INVALID))
    told = 0
    for held in dead:
        with suppress(NotFound):  # it was removed meanwhile
            told += await _tell(app, held, server)
        if told == _BATCH:
            return 0.0
    return None


async def _tell(app: App, held: Authorization, server: mail.Server) -> bool:
    """Whether this call is the one that told of it. Raises NotFound."""
    async with app.database.begin() as conn:
        if not await _is_ours(conn, held):
            return False
        connection = await connections.one(conn, held.connection_id)
        people = await members.every(conn, connection.id)
    name = connection.workspace_name or connection.name
    link = f"{app.settings.public_url}/settings/integrations"
    try:
        for one in people:
            if allowed(one.role, Permission.EDIT_SETTINGS):
                await mail.send(server, mail.token_died(one.email, link, workspace=name))
    except Unreachable:
        async with app.database.begin() as conn:
            await checkpoints.drop(conn, connection.id, _TOLD)
        raise
    return True


async def _is_ours(conn: AsyncConnection, held: Authorization) -> bool:
    """Take it upon oneself to tell of this token, unless somebody has."""
    await connections.hold(conn, held.connection_id)
    if await checkpoints.value(conn, held.connection_id, _TOLD) == held.generation:
        return False
    await checkpoints.put(conn, held.connection_id, _TOLD, held.generation)
    return True
