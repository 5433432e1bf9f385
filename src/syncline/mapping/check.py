"""Checking a mapping against the database and Notion as they are: reads only.

Each table is read once, whole; each Notion database costs one to three requests, the members of the workspace one for a hundred, and those only
where a mapping has people.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass

from syncline.core.errors import BadInput, NotFound
from syncline.core.findings import Facts, Finding, Inventory
from syncline.core.mapped_values import PropertyType, Value
from syncline.core.mapping import MappedTable, Mapping
from syncline.core.mapping_check import check
from syncline.core.schema import CatalogueTable, NotionSchema
from syncline.mapping.file import zone_of
from syncline.mapping.targets import resolve, sentence
from syncline.notion import errors
from syncline.notion import operations as op
from syncline.notion.client import Client
from syncline.notion.objects import results
from syncline.sources.sql import SqlSource

__all__ = ["Checked", "check_mapping", "inventory", "people_of"]

_CHOICES = frozenset({PropertyType.SELECT, PropertyType.MULTI_SELECT, PropertyType.STATUS})


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, and the Notion databases by the name of the mapped table, without those that are not there."""

    findings: tuple[Finding, ...]
    schemas: dict[str, NotionSchema]


async def check_mapping(mapping: Mapping, source: SqlSource, client: Client) -> Checked:
    """Compare the mapping with both sides. Raises what reading them raises: Unreachable, Refused."""
    catalogue = await source.catalogue()
    schemas, missing = await _schemas(mapping, client)
    tables = {mapped.name: await source.described(mapped) for mapped in mapping.tables}
    inventories = {
        mapped.name: await inventory(mapping, mapped, source)
        for mapped in mapping.tables
        if _readable(mapped, tables[mapped.name], [table.name for table in catalogue.tables])
    }
    facts = Facts(
        tables=tables,
        known_tables=tuple(table.name for table in catalogue.tables),
        schemas=schemas,
        missing=missing,
        inventories=inventories,
        people=frozenset(await people_of(client)) if _has_people(mapping) else None,
    )
    return Checked(tuple(check(mapping, facts)), schemas)


async def inventory(mapping: Mapping, mapped: MappedTable, source: SqlSource) -> Inventory:
    """Read every row once and note what a check asks for."""
    seen = Counter[str]()
    unkeyed = 0
    found: dict[str, set[str]] = defaultdict(set)
    problems: dict[str, tuple[int, str]] = {}
    async for batch in source.rows(mapped, zone=zone_of(mapping)):
        for row in batch:
            unkeyed += not row.key
            seen[row.key] += bool(row.key)
            for name, said in row.problems.items():
                count, first = problems.get(name, (0, said))
                problems[name] = (count + 1, first)
            if row.excluded is None:
                for column in mapped.columns:
                    found[column.property].update(_texts(row.values.get(column.property)))
    kinds = {column.property: column for column in mapped.columns}
    return Inventory(
        rows=seen.total() + unkeyed,
        duplicates=tuple(sorted(key for key, count in seen.items() if count > 1)),
        unkeyed=unkeyed,
        keys=frozenset(key for key in seen if key),
        options={name: frozenset(each) for name, each in found.items() if kinds[name].type in _CHOICES},
        referred={name: frozenset(each) for name, each in found.items() if kinds[name].relation},
        people=frozenset(
            one for name, each in found.items() if kinds[name].type is PropertyType.PEOPLE for one in each
        ),
        problems=problems,
    )


async def people_of(client: Client) -> dict[str, str]:
    """User ids by e-mail address in lower case. Raises Refused where the connection may not read them."""
    found: dict[str, str] = {}
    try:
        async for listing in client.pages(op.list_users()):
            for user in results(listing):
                address = (user.get("person") or {}).get("email")
                if address:
                    found[str(address).lower()] = str(user["id"])
    except errors.NotionError as error:
        raise sentence(error, "the members of the workspace") from error
    return found


async def _schemas(mapping: Mapping, client: Client) -> tuple[dict[str, NotionSchema], dict[str, str]]:
    schemas: dict[str, NotionSchema] = {}
    missing: dict[str, str] = {}
    for mapped in mapping.tables:
        try:
            schemas[mapped.name] = await resolve(client, mapped.database)
        except (NotFound, BadInput) as error:
            missing[mapped.name] = str(error)
    return schemas, missing


def _readable(mapped: MappedTable, table: CatalogueTable | None, known: list[str]) -> bool:
    """Whether all the columns and link tables are there, so that reading can succeed."""
    if table is None:
        return False
    links = [each.through.table for each in mapped.columns if each.through is not None]
    named = [mapped.key.column, *(each.column for each in mapped.columns if each.through is None)]
    named += [name for name in (mapped.changed, mapped.body) if name] + [
        each.column for each in mapped.exclude
    ]
    return all(table.column(name) for name in named) and all(link in known for link in links)


def _has_people(mapping: Mapping) -> bool:
    kinds = {column.type for mapped in mapping.tables for column in mapped.columns}
    return PropertyType.PEOPLE in kinds


def _texts(value: Value) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    return (value,) if isinstance(value, str) else ()
