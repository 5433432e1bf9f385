"""The outbox: triggers note in a table of ours which rows of a mapped table changed, in the transaction that changed them.

    syncline_outbox    version, mapping, name, key     a line for each change of a row; key '' for "any of them" (TRUNCATE)
    syncline_mute      one row while we write ourselves (SQLite); on PostgreSQL it is the setting syncline.mute

Lines are only ever added by the triggers, so that no transaction of anybody's waits for another because of them. They stay until they are
acknowledged, one by one: nothing is lost while nobody listens, nor what comes while a line is read. On PostgreSQL a NOTIFY wakes
who listens (https://www.postgresql.org/docs/current/sql-notify.html). Our own writes are not noted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    Text,
    delete,
    inspect,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.errors import BadInput
from syncline.core.mapping import LinkTable, MappedTable
from syncline.core.schema import Catalogue

__all__ = [
    "CHANNEL",
    "Changed",
    "acknowledge",
    "changed",
    "install",
    "installed",
    "mute",
    "uninstall",
    "unmute",
    "watched",
]

CHANNEL: Final = "syncline_outbox"
_LINES: Final = 500

_METADATA = MetaData()
outbox = Table(
    "syncline_outbox",
    _METADATA,
    Column("version", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("mapping", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False),
    sqlite_autoincrement=True,  # a version that was acknowledged must never come back
)


@dataclass(frozen=True, slots=True)
class Changed:
    """What the outbox says of one mapped table: the keys of the rows that changed, or `everything`; `versions` to be acknowledged."""

    keys: frozenset[str]
    everything: bool
    versions: tuple[int, ...]

    def __bool__(self) -> bool:
        return bool(self.versions)


async def changed(conn: AsyncConnection, mapping: str, name: str, *, limit: int) -> Changed:
    """The oldest changes that were not acknowledged, `limit` at most."""
    line = outbox.c
    statement = select(line.key, line.version).where(line.mapping == mapping, line.name == name)
    found = (await conn.execute(statement.order_by(line.version).limit(limit))).all()
    keys = frozenset(row.key for row in found)
    return Changed(keys - {""}, "" in keys, tuple(row.version for row in found))


async def acknowledge(conn: AsyncConnection, mapping: str, name: str, *, of: Changed) -> None:
    """Forget what was read, and nothing that came since."""
    line = outbox.c
    for start in range(0, len(of.versions), _LINES):
        these = line.version.in_(of.versions[start : start + _LINES])
        await conn.execute(delete(outbox).where(line.mapping == mapping, line.name == name, these))


async def mute(conn: AsyncConnection) -> None:
    """Let what the rest of the transaction writes not be noted."""
    await conn.execute(text(_MUTE[conn.dialect.name]))


async def unmute(conn: AsyncConnection) -> None:
    """The end of `mute`, before the transaction ends."""
    if conn.dialect.name == "sqlite":
        await conn.execute(text("DELETE FROM syncline_mute"))


_MUTE: Mapping[str, str] = {
    "postgresql": "SET LOCAL syncline.mute = 'on'",
    "sqlite": "INSERT INTO syncline_mute VALUES (1)",
}


def installed(conn: Connection) -> bool:
    """Whether there is an outbox in the database."""
    return bool(inspect(conn).has_table(outbox.name))


def watched(conn: Connection, mapping: str, mapped: MappedTable) -> bool:
    """Whether every change of the table is noted for this mapping."""
    if not installed(conn):
        return False
    present = set(conn.scalars(text(_TRIGGERS[conn.dialect.name])))
    return all(watch.trigger in present for watch in _watches(mapping, mapped))


def install(conn: Connection, mapping: str, tables: tuple[MappedTable, ...], catalogue: Catalogue) -> None:
    """Make the outbox and the triggers of `tables`, or make them anew. Raises BadInput for what can have none: a query, a view."""
    for mapped in tables:
        _observable(mapped, catalogue)
    _METADATA.create_all(conn)
    for statement in _SETUP[conn.dialect.name]:
        _run(conn, statement)
    for mapped in tables:
        for watch in _watches(mapping, mapped):
            for statement in (*_removal(watch, conn), *_creation(watch, conn)):
                _run(conn, statement)


def uninstall(conn: Connection, mapping: str, tables: tuple[MappedTable, ...]) -> None:
    """Remove the triggers of `tables` and what was noted of them; with the last ones the outbox itself."""
    if not installed(conn):
        return
    present = set(inspect(conn).get_table_names())
    for mapped in tables:
        for watch in _watches(mapping, mapped):
            if watch.table.rpartition(".")[2] in present or "." in watch.table:
                for statement in _removal(watch, conn):
                    _run(conn, statement)
    conn.execute(delete(outbox).where(outbox.c.mapping == mapping))
    if conn.scalar(text(_TRIGGERS[conn.dialect.name])) is None:
        for statement in _TEARDOWN[conn.dialect.name]:
            _run(conn, statement)


@dataclass(frozen=True, slots=True)
class _Watch:
    """One table to be watched for one mapped table: itself, or a link table whose `key` column refers to it."""

    mapping: str
    name: str
    table: str
    key: str

    @property
    def trigger(self) -> str:
        """A name that no other watch has, short enough for PostgreSQL's 63 bytes."""
        told = repr((self.mapping, self.name, self.table, self.key))
        return f"syncline_{blake2b(told.encode(), digest_size=8).hexdigest()}"


def _watches(mapping: str, mapped: MappedTable) -> Iterator[_Watch]:
    yield _Watch(mapping, mapped.name, mapped.table or mapped.name, mapped.key.column)
    links: list[LinkTable] = [each.through for each in mapped.columns if each.through is not None]
    for link in links:
        yield _Watch(mapping, mapped.name, link.table, link.own)


def _observable(mapped: MappedTable, catalogue: Catalogue) -> None:
    name = mapped.table or mapped.name
    found = catalogue.table(name)
    if mapped.query is not None or found is None or found.view:
        what = "a query" if mapped.query is not None else "no table" if found is None else "a view"
        raise BadInput(
            f"{mapped.name} is {what}, and only a table can have triggers: leave it to be compared row by row, "
            "or install the outbox for the other tables by naming them with --table."
        )


def _run(conn: Connection, statement: str) -> None:
    conn.execute(text(statement.replace(":", r"\:")))


def _text(value: str) -> str:
    """A text in SQL: a trigger cannot have parameters."""
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in value.split("."))


def _creation(watch: _Watch, conn: Connection) -> Iterator[str]:
    return _CREATION[conn.dialect.name](watch)


def _removal(watch: _Watch, conn: Connection) -> Iterator[str]:
    return _REMOVAL[conn.dialect.name](watch)


# --- PostgreSQL ---------------------------------------------------------------------------------------------------

_FUNCTION: Final = """
CREATE OR REPLACE FUNCTION syncline_note() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    noted text[] := '{}';
BEGIN
    IF current_setting('syncline.mute', true) = 'on' THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'TRUNCATE' THEN
        noted := ARRAY[''];
    END IF;
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        noted := noted || (to_jsonb(OLD) ->> TG_ARGV[2]);
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        noted := noted || (to_jsonb(NEW) ->> TG_ARGV[2]);
    END IF;
    INSERT INTO syncline_outbox (mapping, name, key)
    SELECT DISTINCT TG_ARGV[0], TG_ARGV[1], k FROM unnest(noted) AS k WHERE k IS NOT NULL;
    PERFORM pg_notify('syncline_outbox', TG_ARGV[0]);
    RETURN NULL;
END $$
"""
"""Whoever writes to the table may know nothing of ours, so it has its own rights and path."""


def _create_postgres(watch: _Watch) -> Iterator[str]:
    told = ", ".join(_text(each) for each in (watch.mapping, watch.name, watch.key))
    on = f"ON {_name(watch.table)}"
    yield (
        f"CREATE TRIGGER {watch.trigger} AFTER INSERT OR UPDATE OR DELETE {on} "
        f"FOR EACH ROW EXECUTE FUNCTION syncline_note({told})"
    )
    yield (
        f"CREATE TRIGGER {watch.trigger}_t AFTER TRUNCATE {on} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION syncline_note({told})"
    )


def _remove_postgres(watch: _Watch) -> Iterator[str]:
    for name in (watch.trigger, f"{watch.trigger}_t"):
        yield f"DROP TRIGGER IF EXISTS {name} ON {_name(watch.table)}"


# --- SQLite -------------------------------------------------------------------------------------------------------


def _create_sqlite(watch: _Watch) -> Iterator[str]:
    for event, sides in (("INSERT", ("NEW",)), ("UPDATE", ("OLD", "NEW")), ("DELETE", ("OLD",))):
        keys = " UNION ".join(f"SELECT CAST({side}.{_name(watch.key)} AS TEXT) AS k" for side in sides)
        told = f"{_text(watch.mapping)}, {_text(watch.name)}"
        yield (
            f"CREATE TRIGGER {watch.trigger}_{event[0].lower()} AFTER {event} ON {_name(watch.table)} "  # noqa: S608  quoted
            "WHEN NOT EXISTS (SELECT 1 FROM syncline_mute) BEGIN INSERT INTO syncline_outbox (mapping, name, key) "
            f"SELECT {told}, k FROM ({keys}) WHERE k IS NOT NULL; END"
        )


def _remove_sqlite(watch: _Watch) -> Iterator[str]:
    for event in "iud":
        yield f"DROP TRIGGER IF EXISTS {watch.trigger}_{event}"


_CREATION = {"postgresql": _create_postgres, "sqlite": _create_sqlite}
_REMOVAL = {"postgresql": _remove_postgres, "sqlite": _remove_sqlite}
_SETUP: Mapping[str, tuple[str, ...]] = {
    "postgresql": (_FUNCTION,),
    "sqlite": ("CREATE TABLE IF NOT EXISTS syncline_mute (mute INTEGER)",),
}
_TEARDOWN: Mapping[str, tuple[str, ...]] = {
    "postgresql": (
        "DROP FUNCTION syncline_note()",
        "DROP TABLE syncline_outbox",
    ),
    "sqlite": ("DROP TABLE syncline_mute", "DROP TABLE syncline_outbox"),
}
_TRIGGERS: Mapping[str, str] = {
    "postgresql": r"SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgname LIKE 'syncline\_%'",
    "sqlite": (
        "SELECT substr(name, 1, length(name) - 2) FROM sqlite_master "
        r"WHERE type = 'trigger' AND name LIKE 'syncline\_%' ESCAPE '\'"
    ),
}
