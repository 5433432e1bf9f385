"""Conflicts as people meet them: listed, looked at, decided. What is decided is written by the next merge."""

from typing import Any

from syncline.app import App
from syncline.core.canonical import Form
from syncline.core.errors import BadInput
from syncline.core.mapped_values import PropertyType, Unfit, Value, from_column
from syncline.core.pair import Take
from syncline.store import conflicts
from syncline.store.conflicts import Conflict

__all__ = ["as_json", "decide", "plain"]


async def decide(
    app: App, connection_id: str, name: str, take: Take, *, value: Any = None, by: str | None = None
) -> Conflict:
    """Choose for the conflict that `name` means: an id, its beginning, or a row's key.

    `value`, for Take.VALUE, is what both sides are to hold: text, a number, a list. Raises NotFound, BadInput.
    """
    async with app.database.begin() as conn:
        meant = await conflicts.find(conn, connection_id, name)
        given = _parsed(meant, value) if take is Take.VALUE else None
        return await conflicts.decide(conn, connection_id, meant.id, take, value=given, by=by)


def _parsed(meant: Conflict, value: Any) -> Value:
    if not meant.property:
        raise BadInput("A row is kept or deleted: take database or notion.")
    try:
        return from_column(PropertyType(meant.kind), value)
    except Unfit as error:
        raise BadInput(f"{meant.property} cannot be that: {error}.") from error


def plain(form: Form) -> Any:
    """A form as people read it: a list as a list."""
    return form["list"] if isinstance(form, dict) and form.keys() == {"list"} else form


def as_json(one: Conflict) -> dict[str, Any]:
    """A conflict as one JSON object; `property` is null for the row as a whole."""
    return {
        "id": one.id,
        "mapping": one.mapping,
        "table": one.table,
        "key": one.key,
        "property": one.property or None,
        "type": one.kind or None,
        "page": one.page,
        "state": one.state.value,
        "base": plain(one.base),
        "database": plain(one.database),
        "notion": plain(one.notion),
        "winner": one.winner,
        "times": one.times,
        "raised_at": one.raised_at.isoformat(),
        "ended_at": None if one.ended_at is None else one.ended_at.isoformat(),
        "database_changed_at": None if one.database_at is None else one.database_at.isoformat(),
        "notion_edited_at": None if one.notion_at is None else one.notion_at.isoformat(),
        "decided_by": one.decided_by,
    }
