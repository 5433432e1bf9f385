"""Which Notion database a mapping means, and what it looks like: found by id, by name, or by its place on a page.

    GET  /v1/databases/{id}              by id; else /v1/data_sources/{id}
    POST /v1/search                      by name
    GET  /v1/blocks/{id}/children        by place: the page, its columns and toggles, not the pages below it
    GET  /v1/views                       what a linked view on that page shows

A linked view is a ``child_database`` block without data sources of its own; its views name the data source
(https://developers.notion.com/reference/view). Nothing is guessed: two that fit are an error that names both.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from syncline.core.errors import BadInput, NotFound, Refused, SynclineError, Unreachable
from syncline.core.mapped_values import PropertyType
from syncline.core.mapping import MappedTable, Target
from syncline.core.schema import NotionSchema, Property
from syncline.notion import errors, objects, values
from syncline.notion import operations as op
from syncline.notion.client import Client
from syncline.notion.views import list_views, retrieve_view

__all__ = ["candidates", "databases_on", "misfit", "resolve", "schema", "sentence"]

_PAGES = frozenset({"child_page", "child_database"})
"""Blocks whose children are another page's content."""


async def resolve(client: Client, target: Target) -> NotionSchema:
    """The database that `target` means.

    Raises NotFound if there is none that is shared with the connection, BadInput if several fit or it has no rows of its own.
    """
    try:
        return await _found(client, target)
    except errors.NotionError as error:
        raise sentence(error, f"the database {target}") from error


async def databases_on(client: Client, page: str) -> AsyncIterator[tuple[str, NotionSchema]]:
    """The databases on a page, originals and linked views, each with the title it has there."""
    async for block in _blocks(client, page):
        if block.get("type") == "child_database":
            found = await _database(client, str(block["id"]))
            if found is not None:
                yield objects.title(block), found


def schema(data_source: Mapping[str, Any], *, database: str | None = None) -> NotionSchema:
    """What a data source (up to 2022-06-28 a database) says of itself; `database` is the one it is in."""
    above = objects.parent(data_source)
    known = above.id if above is not None and above.kind == "database" else None
    around = data_source.get("database_parent") or data_source.get("parent") or {}
    return NotionSchema(
        database=database or known or str(data_source["id"]),
        data_source=str(data_source["id"]),
        title=objects.plain_text(data_source.get("title")),
        properties=tuple(_property(column) for column in values.schema(data_source)),
        parent=around.get("page_id"),
    )


def misfit(table: MappedTable, found: NotionSchema, kinds: Mapping[str, PropertyType]) -> str | None:
    """What keeps a database from holding a table's properties, which are of these `kinds`, as one sentence."""
    for name, kind in kinds.items():
        held = found.named(name)
        if held is None:
            return (
                f"The Notion database {found.title} has no property {name} (table {table.name}): make it there, correct the mapping, "
                "or let `syncline mapping check --create` make it."
            )
        if held.type != kind.value:
            return (
                f"The property {name} of the Notion database {found.title} is a {held.type}, and the mapping says {kind.value} "
                f"(table {table.name}): correct the one or the other."
            )
    return None


def sentence(error: errors.NotionError, what: str) -> SynclineError:
    """An error of Notion's about `what`, as one sentence that says what to do."""
    said = error.message.rstrip(".")
    match error:
        case errors.NotFound():
            return NotFound(
                f"Notion does not show {what} to the connection: check the id, and share it with the connection "
                "(in Notion: ••• → Connections)."
            )
        case errors.Unauthorized() | errors.Restricted() | errors.Blocked():
            return Refused(f"Notion refuses {what} to the connection: {said}.")
        case errors.Invalid() | errors.RowLimitExceeded():
            return BadInput(f"Notion does not accept the request for {what}: {said}.")
        case _:
            return Unreachable(f"Notion cannot be asked for {what}: {said}. Try again later.")


async def _found(client: Client, target: Target) -> NotionSchema:
    if target.id is not None:
        return await _by_id(client, target.id)
    if target.under is not None:
        placed = [
            (title, each)
            async for title, each in databases_on(client, target.under)
            if target.name in {None, title, each.title}
        ]
        return _only([each for _title, each in placed], target)
    return await _by_name(client, target)


async def _by_id(client: Client, identity: str) -> NotionSchema:
    found = await _database(client, identity)
    if found is None:
        raise BadInput(
            f"The database {identity} has no rows that the connection may see: it is a linked view, or its original is not shared. "
            "Give the id of the original database, and share that."
        )
    return found


async def _database(client: Client, identity: str) -> NotionSchema | None:
    """The database or data source of this id; None for a link to what is not shared. Raises BadInput for several data sources."""
    version = client.version
    try:
        database = await client.send(op.retrieve_database(identity))
    except errors.NotFound:
        if not version.has_data_sources:
            raise
        alone = await client.send(op.retrieve_data_source(identity, version=version))
        return schema(alone)
    if not version.has_data_sources:
        return schema(database)
    sources = objects.sources(database)
    if len(sources) > 1:
        names = ", ".join(f"{source.name} ({source.id})" for source in sources)
        raise BadInput(f"The database {identity} has several data sources: give the id of one of {names}.")
    shown = sources[0].id if sources else await _linked(client, identity)
    if shown is None:
        return None
    answer = await client.send(op.retrieve_data_source(shown, version=version))
    return schema(answer, database=identity if sources else None)


async def _linked(client: Client, identity: str) -> str | None:
    """The data source that a linked view shows."""
    try:
        listing = await client.send(list_views(database_id=identity, version=client.version))
        for entry in objects.results(listing):
            view = await client.send(retrieve_view(entry["id"], version=client.version))
            if view.get("data_source_id"):
                return str(view["data_source_id"])
    except (errors.NotFound, errors.Invalid):
        return None
    return None


async def _by_name(client: Client, target: Target) -> NotionSchema:
    found = []
    search = op.search(target.name, kind="data_source", version=client.version)
    async for listing in client.pages(search):
        found += [schema(each) for each in objects.results(listing) if objects.title(each) == target.name]
    return _only(found, target)


def _only(found: list[NotionSchema], target: Target) -> NotionSchema:
    if not found:
        raise NotFound(
            f"There is no database {target} that is shared with the connection: check the name, share it "
            "(in Notion: ••• → Connections), or give its id. A new one is found by name only after a while."
        )
    different = {each.data_source: each for each in found}
    if len(different) > 1:
        raise BadInput(
            f"Several databases are called {target}: give the id of one of {', '.join(different)}."
        )
    return found[0]


async def _blocks(client: Client, page: str) -> AsyncIterator[Mapping[str, Any]]:
    """Every block of a page's own content, in no promised order."""
    waiting = [page]
    while waiting:
        async for listing in client.pages(op.list_block_children(waiting.pop())):
            for block in objects.results(listing):
                yield block
                if block.get("has_children") and block.get("type") not in _PAGES:
                    waiting.append(str(block["id"]))


def _property(column: values.Property) -> Property:
    options = tuple(str(option.get("name") or "") for option in column.config.get("options") or ())
    target = column.config.get("data_source_id") or column.config.get("database_id")
    return Property(column.id, column.name, column.type, options, str(target) if target else None)


async def candidates(
    client: Client, databases: Sequence[str], under: str | None
) -> tuple[list[NotionSchema], str | None]:
    """The databases a mapping may be drafted for, and the id of the page for new ones.

    Those that are named, by id, URL or title; else those on the page `under`; else all that the search shows.
    Raises NotFound, BadInput.
    """
    try:
        page = None if under is None else objects.parse_id(under)
        if databases:
            return [await resolve(client, _target(each, page)) for each in databases], page
        if page is not None:
            return [found async for _title, found in databases_on(client, page)], page
        listings = client.pages(op.search(kind="data_source", version=client.version))
        return [schema(each) async for listing in listings for each in objects.results(listing)], None
    except errors.MalformedId as error:
        raise BadInput(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
    except errors.NotionError as error:
        raise sentence(error, f"the page {under}" if under else "the databases") from error


def _target(text: str, page: str | None) -> Target:
    try:
        return Target(id=objects.parse_id(text))
    except errors.MalformedId:
        return Target(name=text, under=page)
