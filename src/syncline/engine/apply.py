"""The heart: one batch of what was read becomes one transaction.

Records, block lists, documents, the frontier, the ledger, the event log and the counts change together or not at all, so that a
process may die anywhere. What a record means for the frontier is decided by core.change.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Self

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.change import Policy, Reason, comments_reason, content_reason, rows_reason
from syncline.core.checkpoint import final
from syncline.core.model import Action, Deletion, Json, Kind, Mode, Record, StoredRecord
from syncline.engine.telling import fetched, tell_pages
from syncline.engine.worklist import (
    Work,
    comments_item,
    content_item,
    listing_item,
    object_item,
    properties_item,
    subject,
)
from syncline.sources.base import Key, Listing, Source
from syncline.store import documents, frontier, ledger, records
from syncline.store.documents import NewDocument, StagedList
from syncline.store.frontier import Item
from syncline.store.ledger import Entry

__all__ = [
    "Applied",
    "Batch",
    "Context",
    "apply",
]


_PAGE_WORK = (Work.PROPERTIES, Work.CONTENT)


@dataclass(slots=True)
class Batch:
    """What a number of answers came to, not yet written."""

    records: list[Record] = field(default_factory=list)
    completed: list[Record] = field(default_factory=list)
    """Records whose values are as whole as they can be made."""
    lists: list[StagedList] = field(default_factory=list)
    documents: list[NewDocument] = field(default_factory=list)
    children: dict[str, tuple[Key, ...]] = field(default_factory=dict)
    """What was seen below each page of `documents`."""
    comments: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The open comments of each page whose comments were read to the end."""
    suspects: list[Key] = field(default_factory=list)
    lost: list[tuple[Key, Deletion]] = field(default_factory=list)
    add: list[Item] = field(default_factory=list)
    progress: list[Item] = field(default_factory=list)
    done: list[Item] = field(default_factory=list)
    parked: list[tuple[Item, Entry]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Context:
    """What a batch is applied under.

    `incomplete` tells whether a record's values were cut short, `stands` whether those we hold whole agree with it. `rows` is the listing of a data source's
    rows. `generation` makes a number that no read of a page had before.
    """

    connection_id: str
    run_id: str
    pull_id: str
    policy: Policy
    incomplete: Callable[[Record], bool]
    stands: Callable[[Json, Record], bool]
    rows: Callable[[Record], Listing]
    generation: Callable[[], int]

    @classmethod
    def of(
        cls, source: Source, policy: Policy, *, connection_id: str, run_id: str, pull_id: str, random: Random
    ) -> Self:
        """What the batches of one pull are applied under, in one run."""
        return cls(
            connection_id=connection_id,
            run_id=run_id,
            pull_id=pull_id,
            policy=policy,
            incomplete=source.incomplete,
            stands=source.stands,
            rows=source.rows,
            generation=lambda: random.getrandbits(62),
        )


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch changed. `news` are the keys that are new or changed, or whose content is to be read."""

    actions: Mapping[Key, Action]
    news: frozenset[Key]


async def apply(conn: AsyncConnection, batch: Batch, context: Context, *, now: datetime) -> Applied:
    """Write a batch. The caller owns the transaction."""
    one = context.connection_id
    stored = await _stored(conn, one, [*batch.records, *batch.completed])
    whole, cut = _sort_out(batch.records, stored, context)
    whole += batch.completed
    actions = dict(await records.upsert(conn, one, whole, run_id=context.pull_id, now=now))
    planned = list(_planned(whole, stored, context))
    await documents.stage(conn, one, batch.lists)
    promoted = await documents.promote(conn, one, batch.documents, now=now)
    await _close_comments(conn, batch, one, now=now)
    actions.update({(Kind.PAGE, page): action for page, action in promoted.items()})
    strangers, vanished = await _family(conn, batch, context, now=now)
    suspects = await _live(
        conn, one, [*batch.suspects, *vanished, *await _bury(conn, one, batch.lost, now=now)]
    )
    added = [
        *batch.add,
        *cut,
        *planned,
        *(object_item(key, Reason.CHILD) for key in strangers),
        *(object_item(key, Reason.SUSPECT) for key in suspects),
    ]
    await frontier.add(conn, one, _unique(added))
    told = [key for (_, key), action in actions.items() if action is Action.ADDED]
    await ledger.resolve(conn, one, told, operation=Work.OBJECT)
    await _settle(conn, batch, context, now=now)
    pages = fetched(context.policy.fidelity, promoted, actions)
    failed = {item.key: entry.message for item, entry in batch.parked if item.kind in _PAGE_WORK}
    await tell_pages(conn, one, run_id=context.run_id, read=pages, failed=failed, now=now)
    changed = {key for key, action in actions.items() if action is not Action.UNCHANGED}
    read = {
        (Kind.PAGE, item.key) for item in (*cut, *planned) if item.kind in (Work.CONTENT, Work.PROPERTIES)
    }
    return Applied(actions=actions, news=frozenset(changed | read | set(suspects)))


async def _stored(
    conn: AsyncConnection, connection_id: str, read: Sequence[Record]
) -> dict[Key, StoredRecord]:
    found: dict[Key, StoredRecord] = {}
    for kind in Kind:
        keys = [record.key for record in read if record.kind is kind]
        if keys:
            held = await records.find(conn, connection_id, kind, keys)
            found.update({(kind, key): record for key, record in held.items()})
    return found


def _sort_out(
    read: Iterable[Record], stored: Mapping[Key, StoredRecord], context: Context
) -> tuple[list[Record], list[Item]]:
    """Separate the records that are whole from those whose values must be completed first."""
    whole: list[Record] = []
    cut: list[Item] = []
    for record in read:
        held = stored.get((record.kind, record.key))
        if held is not None and _is_older(record, held, context):
            whole.append(_as_held(record, held))
        elif not context.incomplete(record):
            whole.append(record)
        elif held is not None and _is_current(record, held, context):
            whole.append(_as_held(record, held))
        else:
            cut.append(properties_item(record, held, context.generation()))
    return whole, cut


def _is_older(record: Record, held: StoredRecord, context: Context) -> bool:
    """Whether a listing that lags tells a state from before the one we hold. A full pull believes what it reads."""
    if held.deleted_at is not None or record.edited_at is None or held.edited_at is None:
        return False
    asked = context.policy.mode is Mode.FULL and held.seen_in != context.pull_id
    return record.edited_at < held.edited_at and not asked


def _is_current(record: Record, held: StoredRecord, context: Context) -> bool:
    """Whether the values we hold whole need not be read again."""
    if held.deleted_at is not None or record.edited_at != held.edited_at:
        return False
    if held.seen_in == context.pull_id:
        return True
    settled = final(held.edited_at, held.changed_at) and context.policy.mode is not Mode.FULL
    return settled and context.stands(held.data, record)


def _as_held(record: Record, held: StoredRecord) -> Record:
    return Record(
        record.kind, record.key, record.stream, held.data, held.hash, held.title, held.parent, held.edited_at
    )


def _planned(read: Iterable[Record], stored: Mapping[Key, StoredRecord], context: Context) -> Iterable[Item]:
    """The work that records, now written, ask for."""
    for record in read:
        held = stored.get((record.kind, record.key))
        reason = content_reason(record, held, context.policy, pull_id=context.pull_id)
        if reason is not None:
            yield content_item(record, reason, context.policy, generation=context.generation())
        comments = comments_reason(record, held, context.policy, pull_id=context.pull_id)
        if comments is not None:
            yield comments_item(record.key, comments, edited_at=record.edited_at)
        rows = rows_reason(record, held, context.policy, pull_id=context.pull_id)
        if rows is not None:
            yield listing_item(context.rows(record), rows)


async def _family(
    conn: AsyncConnection, batch: Batch, context: Context, *, now: datetime
) -> tuple[list[Key], list[Key]]:
    """Place the children seen below pages; those we do not know, and those that are not there any more."""
    one, policy = context.connection_id, context.policy
    homes = {key: page for page, children in batch.children.items() for _, key in children}
    await records.adopt(conn, one, homes, now=now)
    if policy.pages:
        return [], []
    seen = {key: None for children in batch.children.values() for key in children}
    live = set(await _live(conn, one, seen))
    strangers = [key for key in seen if key not in live]
    # No listing tells of a database, so no sweep finds that one is absent.
    told = (Kind.DATABASE,) if policy.lists_all else (Kind.PAGE, Kind.DATA_SOURCE, Kind.DATABASE)
    known = await records.children(conn, one, list(batch.children))
    return strangers, [key for key in known if key not in seen and key[0] in told]


async def _live(conn: AsyncConnection, connection_id: str, keys: Iterable[Key]) -> list[Key]:
    """Those of `keys`, once each, that we hold and that are not tombstones."""
    wanted = list(dict.fromkeys(keys))
    live: set[Key] = set()
    for kind in {kind for kind, _ in wanted}:
        held = await records.find(conn, connection_id, kind, [key for one, key in wanted if one is kind])
        live.update((kind, key) for key, record in held.items() if record.deleted_at is None)
    return [key for key in wanted if key in live]


async def _bury(
    conn: AsyncConnection, connection_id: str, lost: Sequence[tuple[Key, Deletion]], *, now: datetime
) -> list[Key]:
    """Turn what a direct read says is gone into tombstones; what hung below it, and the database around it, become suspect."""
    # What was never held is no tombstone: it is shown somewhere and cannot be read, and the ledger goes on saying so.
    held = await _live(conn, connection_id, [key for key, _ in lost])
    for reason in {reason for _, reason in lost}:
        keys = [key for key, why in lost if why is reason]
        await records.delete(conn, connection_id, keys, reason=reason, now=now)
    gone = [key for (_, key), _ in lost]
    pointless = (Work.PROPERTIES, Work.CONTENT, Work.COMMENTS)
    await frontier.drop(conn, connection_id, [(kind, key) for kind in pointless for key in gone])
    await ledger.resolve(conn, connection_id, [key for _, key in held])
    sources = [key for (kind, key), _ in lost if kind is Kind.DATA_SOURCE]
    around = await records.parents(conn, connection_id, sources)
    above = [(Kind.DATABASE, key) for key in around.values() if key is not None]
    return [*above, *await records.children(conn, connection_id, gone)]


async def _close_comments(conn: AsyncConnection, batch: Batch, connection_id: str, *, now: datetime) -> None:
    """A comment that is not listed any more was resolved or deleted; Notion lists the open ones alone."""
    known = await records.children(conn, connection_id, list(batch.comments))
    still = {key for keys in batch.comments.values() for key in keys}
    gone = [key for key in known if key[0] is Kind.COMMENT and key[1] not in still]
    if gone:
        await records.delete(conn, connection_id, gone, reason=Deletion.RESOLVED, now=now)


def _unique(items: Iterable[Item]) -> list[Item]:
    """One item a key, the last."""
    return list({(item.kind, item.key): item for item in items}.values())


async def _settle(conn: AsyncConnection, batch: Batch, context: Context, *, now: datetime) -> None:
    """Move the frontier and the ledger on."""
    one = context.connection_id
    await frontier.progress(conn, one, batch.progress)
    await frontier.done(conn, one, [(item.kind, item.key, item.generation) for item in batch.done])
    entries = [*batch.entries, *(entry for _, entry in batch.parked)]
    await ledger.record(conn, one, entries, run_id=context.run_id, now=now)
    await frontier.park(conn, one, [(item.kind, item.key, entry.message) for item, entry in batch.parked])
    for kind in Work:
        read = {subject(item) for item in batch.done if item.kind == kind}
        failed = {entry.page for entry in entries if entry.operation == kind}
        await ledger.resolve(conn, one, sorted(read - failed), operation=kind)
        # A page may be read but for some blocks: what failed in it before and not now was read as well.
        await ledger.resolve(conn, one, sorted(read & failed), operation=kind, before=now)
