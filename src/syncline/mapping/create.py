"""Making what a mapping misses in Notion: databases, properties, options. Nothing that is there is changed or removed.

A database is a block of the page it stands on, so none is made on a protected page or below one; properties and options are no blocks.
The options of a select are replaced by what is sent (https://developers.notion.com/reference/update-a-data-source), so those that are
there are sent again, by their ids. Relations come last, when the databases they lead to are there.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any

from syncline.core.errors import BadInput
from syncline.core.findings import Creation, Finding, NewDatabase, NewOptions, NewProperty
from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import Mapping as Mapped
from syncline.core.schema import NotionSchema
from syncline.mapping.targets import schema, sentence
from syncline.notion import errors, objects
from syncline.notion import operations as op
from syncline.notion.client import Client
from syncline.notion.sansio import Operation

__all__ = ["create", "creations", "described", "permit"]

_CHOICES = frozenset({PropertyType.SELECT, PropertyType.MULTI_SELECT, PropertyType.STATUS})
_MOST = 100
"""Options in one request: https://developers.notion.com/reference/request-limits"""
_PLACES: Mapping[str, Callable[[str], Operation[Any]]] = {
    "page": op.retrieve_page,
    "block": op.retrieve_block,
    "database": op.retrieve_database,
    "data_source": op.retrieve_data_source,
}
"""How to ask for what something stands in: https://developers.notion.com/reference/parent-object"""


def creations(findings: Iterable[Finding]) -> list[Creation]:
    """What would be made: databases first, then properties, then options."""
    order: list[type[Creation]] = [NewDatabase, NewProperty, NewOptions]
    wanted = dict.fromkeys(each.creation for each in findings if each.creation is not None)
    return sorted(wanted, key=lambda creation: order.index(type(creation)))


def described(creation: Creation) -> str:
    """One line for a person."""
    match creation:
        case NewDatabase():
            names = ", ".join(each.name for each in creation.properties)
            return f"database {creation.title} on the page {creation.under} with {names}"
        case NewProperty():
            options = f" with the options {', '.join(creation.options)}" if creation.options else ""
            return f"property {creation.name} ({creation.type}) of {creation.table}{options}"
        case NewOptions():
            return f"options {', '.join(creation.options)} of {creation.property} in {creation.table}"


async def create(
    client: Client, mapping: Mapped, wanted: Sequence[Creation], schemas: Mapping[str, NotionSchema]
) -> dict[str, NotionSchema]:
    """Make what is `wanted`, and return all schemas as they are then. What was made before an error stays; again is no harm.

    Raises BadInput for what Notion does not accept and, before anything is sent, for a database on a protected page; Refused, Unreachable.
    """
    await permit(client, mapping, wanted)
    known = dict(schemas)
    for each in wanted:
        if isinstance(each, NewDatabase):
            known[each.table] = await _database(client, each)
    related = {each: known.get(each.target or "") for each in _properties(wanted)}
    for property_, target in related.items():
        if property_.target is not None and target is None:
            raise BadInput(
                f"The relation {property_.name} of {property_.table} cannot be made: the database of {property_.target} is not there."
            )
        await _extend(client, known[property_.table], {property_.name: _config(property_, target)})
    for each in wanted:
        if isinstance(each, NewOptions):
            await _add_options(client, known[each.table], each)
    touched = {each.table for each in wanted}
    for mapped in mapping.tables:
        if mapped.name in touched:
            found = await _retrieve(client, known[mapped.name].data_source)
            known[mapped.name] = schema(found, database=known[mapped.name].database)
    return known


async def permit(client: Client, mapping: Mapped, wanted: Sequence[Creation]) -> None:
    """Raises BadInput if a database is wanted on a protected page, or on a page below one."""
    if not mapping.protected:
        return
    for each in wanted:
        if not isinstance(each, NewDatabase):
            continue
        async for place in _upwards(client, each.under):
            if place in mapping.protected:
                where = "which is" if place == each.under else f"below {place}, which is"
                raise BadInput(
                    f"The database {each.title} is not made on the page {each.under}, {where} protected: "
                    "make it there by hand, or name another page."
                )


async def _upwards(client: Client, page: str) -> AsyncIterator[str]:
    """The ids of a page and of all it stands in, as far as the connection sees."""
    above: objects.Parent | None = objects.Parent("page", page)
    while above is not None and above.id is not None and above.kind in _PLACES:
        yield above.id
        try:
            above = objects.parent(await client.send(_PLACES[above.kind](above.id)))
        except errors.NotFound:
            return
        except errors.NotionError as error:
            raise sentence(error, f"the page {page}") from error


def _properties(wanted: Sequence[Creation]) -> Iterable[NewProperty]:
    """Those to be added to databases that are there by now: a new database gets its relations afterwards."""
    for each in wanted:
        if isinstance(each, NewProperty):
            yield each
        elif isinstance(each, NewDatabase):
            yield from (one for one in each.properties if one.target is not None)


async def _database(client: Client, wanted: NewDatabase) -> NotionSchema:
    simple = {each.name: _config(each, None) for each in wanted.properties if each.target is None}
    operation = op.create_database(
        version=client.version,
        parent={"type": "page_id", "page_id": wanted.under},
        title=[{"type": "text", "text": {"content": wanted.title}}],
        is_inline=True,
        properties=simple,
    )
    what = f"the database {wanted.title} on the page {wanted.under}"
    try:
        made = await client.send(operation)
    except errors.NotionError as error:
        raise sentence(error, what) from error
    [source] = objects.sources(made)
    return schema(await _retrieve(client, source.id), database=str(made["id"]))


async def _extend(client: Client, held: NotionSchema, properties: Mapping[str, Any]) -> None:
    operation = op.update_data_source(held.data_source, version=client.version, properties=properties)
    try:
        await client.send(operation)
    except errors.NotionError as error:
        raise sentence(error, f"the database {held.title}") from error


async def _add_options(client: Client, held: NotionSchema, wanted: NewOptions) -> None:
    found = await _retrieve(client, held.data_source)
    raw = found["properties"][wanted.property]
    kind = str(raw["type"])
    there = [{"id": option["id"]} for option in raw[kind]["options"]]
    if len(there) + len(wanted.options) > _MOST:
        raise BadInput(
            f"The property {wanted.property} of {held.title} would have {len(there) + len(wanted.options)} options, and only {_MOST} can "
            "be set through the API: add them in Notion, or choose type rich_text."
        )
    options = [*there, *({"name": name} for name in wanted.options)]
    await _extend(client, held, {wanted.property: {kind: {"options": options}}})


async def _retrieve(client: Client, data_source: str) -> Mapping[str, Any]:
    try:
        return await client.send(op.retrieve_data_source(data_source, version=client.version))
    except errors.NotionError as error:
        raise sentence(error, f"the database {data_source}") from error


def _config(wanted: NewProperty, target: NotionSchema | None) -> dict[str, Any]:
    """The definition of a property: https://developers.notion.com/reference/property-schema-object ."""
    kind = str(wanted.type)
    if target is not None:
        return {
            kind: {"data_source_id": target.data_source, "type": "single_property", "single_property": {}}
        }
    if wanted.type in _CHOICES and wanted.options:
        return {kind: {"options": [{"name": name} for name in wanted.options[:_MOST]]}}
    return {kind: {}}
