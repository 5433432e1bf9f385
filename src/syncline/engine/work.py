"""One piece of work from the frontier: read it once, and say what that comes to. Nothing is written here.

Each kind of work is one function; every one ends with an Outcome, whatever the source raised.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from functools import wraps
from typing import ParamSpec

from syncline.core.change import Reason
from syncline.core.errors import Refused, Retry, Unreachable
from syncline.core.model import Kind
from syncline.engine.apply import Batch
from syncline.engine.reading import Reading, Step
from syncline.engine.worklist import Work, kind_of, listing_item, object_item, record_from, subject
from syncline.sources.base import (
    Content,
    Listed,
    Listing,
    ListingExpired,
    Lost,
    Source,
    Unanswered,
    Unreadable,
)
from syncline.store.documents import StagedList
from syncline.store.frontier import Item
from syncline.store.ledger import Entry

__all__ = ["Outcome", "locate", "merged", "read", "read_step"]

P = ParamSpec("P")

_PAGE = 100
_RESTARTS = 5
_FORBIDDEN = 403


@dataclass(slots=True)
class Outcome:
    """What one read came to.

    `bound` is the number of requests it cost at least. `listed` is the answer of a listing that `item` is at.
    `steps` are what to read next of `reading`. `transient` marks a failure that may be the whole
    other side's; `fatal` ends the pull. `gap` tells that a listing is not whole.
    """

    batch: Batch = field(default_factory=Batch)
    item: Item | None = None
    listed: Listed | None = None
    reading: Reading | None = None
    steps: list[Step] = field(default_factory=list)
    bound: int = 0
    gap: bool = False
    transient: bool = False
    fatal: Exception | None = None


def merged(batches: Iterable[Batch]) -> Batch:
    """Many batches as one, in order."""
    whole = Batch()
    for batch in batches:
        for one in fields(Batch):
            mine, its = getattr(whole, one.name), getattr(batch, one.name)
            mine.update(its) if isinstance(mine, dict) else mine.extend(its)
    return whole


def _heard(read: Callable[P, Awaitable[Outcome]]) -> Callable[P, Awaitable[Outcome]]:
    """The read, with whatever it raises as its outcome: a worker that dies unheard would hang the pull."""

    @wraps(read)
    async def heard(*args: P.args, **kwargs: P.kwargs) -> Outcome:
        try:
            return await read(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - it ends the pull, which raises it
            return Outcome(fatal=error)

    return heard


@_heard
async def read(source: Source, item: Item) -> Outcome:
    """Do one piece of work other than reading content."""
    try:
        return await _READS[Work(item.kind)](source, item)
    except ListingExpired:
        return _restarted(item)
    except Unreadable as error:
        return _refused(item, error)
    except Retry as error:
        return _failed(item, error)


async def _read_listing(source: Source, item: Item) -> Outcome:
    payload = item.payload or {}
    listing = Listing(item.key, payload["window"], newest_first=payload["newest_first"])
    listed = await source.list(listing, payload["cursor"])
    outcome = _walked(item, listed)
    outcome.batch.add += [listing_item(follow, Reason.SEED) for follow in listed.follow]
    outcome.batch.add += [object_item(key, Reason.NEW) for key in listed.partial]
    if listed.gap is not None:
        outcome.gap = True
        outcome.batch.entries.append(_entry(item, listed.gap))
    return outcome


async def _read_comments(source: Source, item: Item) -> Outcome:
    payload = {"cursor": None, "size": 0, "answers": 0, "keys": [], **(item.payload or {})}
    try:
        listed = await source.comments(item.key, payload["cursor"])
    except Unreadable as error:
        if error.unread.status == _FORBIDDEN:
            raise Refused(
                "The connection may not read comments: allow it in its settings in Notion, or pull without --comments."
            ) from error
        raise
    keys = [*payload["keys"], *(record.key for record in listed.records)]
    outcome = _walked(replace(item, payload={**payload, "keys": keys}), listed)
    if listed.cursor is None:
        outcome.batch.comments[item.key] = tuple(keys)
    return outcome


def _walked(item: Item, listed: Listed) -> Outcome:
    """One answer of a listing, and the listing moved on."""
    payload = item.payload or {}
    before = payload["size"]
    if listed.cursor is not None and listed.cursor in (payload["cursor"], payload.get("mark")):
        raise Unreachable(f"The listing {item.key} repeats its cursor; it would never end. Try again later.")
    answers = payload["answers"] + 1
    moved = {**payload, "cursor": listed.cursor, "size": before + listed.size, "answers": answers}
    if answers.bit_count() == 1:
        # Brent's cycle detection: a cursor that comes back is met again at a power of two.
        moved["mark"] = listed.cursor
    batch = Batch(records=list(listed.records), suspects=list(listed.suspects))
    return Outcome(batch, item=replace(item, payload=moved), listed=listed, bound=_least(before, listed.size))


def _least(before: int, size: int) -> int:
    """How many more answers of 100 a listing needs at least, now that it grew from `before` by `size`."""
    pages = -(-(before + size) // _PAGE)
    return max(1, pages) if before == 0 else pages - -(-before // _PAGE)


async def _read_object(source: Source, item: Item) -> Outcome:
    name, _, key = item.key.partition(":")
    kind = Kind(name)
    found = await source.record(kind, key)
    batch = Batch(done=[item])
    if isinstance(found, Lost):
        batch.lost.append(((kind, key), found.reason))
        if item.reason == Reason.CHILD:
            batch.entries.append(_entry(item, f"A {kind} is shown here but cannot be read: {found.reason}."))
    else:
        batch.records += found.records
        if found.children:
            batch.children[key] = found.children
    return Outcome(batch, bound=1)


async def _read_properties(source: Source, item: Item) -> Outcome:
    record, least = await source.complete(record_from(item))
    return Outcome(Batch(completed=[record], done=[item]), bound=least)


_READS: dict[Work, Callable[[Source, Item], Awaitable[Outcome]]] = {
    Work.LISTING: _read_listing,
    Work.OBJECT: _read_object,
    Work.PROPERTIES: _read_properties,
    Work.COMMENTS: _read_comments,
}


def _restarted(item: Item) -> Outcome:
    """Begin a listing again whose cursor has died with Notion's session."""
    payload = item.payload or {}
    restarts = payload.get("restarts", 0) + 1
    if restarts > _RESTARTS:
        message = f"The listing {item.key} loses its cursor again and again. Try again later."
        return _failed(item, Unreachable(message))
    again = {**payload, "cursor": None, "size": 0, "answers": 0, "restarts": restarts, "mark": None}
    if "keys" in payload:
        again["keys"] = []
    return Outcome(Batch(progress=[replace(item, payload=again)]))


def _refused(item: Item, error: Unreadable) -> Outcome:
    """Notion refuses this for good: list it, and go on."""
    batch = Batch(done=[item], entries=[_entry(item, str(error), error)])
    if item.kind == Work.PROPERTIES and not (item.payload or {})["known"]:
        batch.completed.append(record_from(item))
    telling = item.kind == Work.LISTING and (item.payload or {})["telling"]
    return Outcome(batch, gap=telling, bound=1)


def _failed(item: Item, error: Retry) -> Outcome:
    """All tries failed. A listing ends the pull, since nobody knows what it would have told; the rest waits."""
    if item.kind == Work.LISTING:
        return Outcome(fatal=error)
    return Outcome(Batch(parked=[(item, _entry(item, str(error), error))]), transient=True)


def _entry(item: Item, message: str, error: Exception | None = None) -> Entry:
    unread = error.unread if isinstance(error, Unreadable | Unanswered) else None
    page = subject(item)
    return Entry(
        page=page,
        block=unread.block if unread is not None and unread.block != page else None,
        operation=str(item.kind),
        status=unread.status if unread is not None else 0,
        code=unread.code if unread is not None else "unread",
        message=message,
        request_id=unread.request_id if unread is not None else None,
        kind=kind_of(item),
    )


@_heard
async def read_step(
    source: Source, item: Item, reading: Reading, step: Step, *, generation: Callable[[], int]
) -> Outcome:
    """Read one answer about a page's content."""
    if reading.closed:
        return Outcome()
    try:
        content = await source.content(step.container, step.cursor, fidelity=reading.fidelity, size=step.size)
    except ListingExpired as error:
        return _reread(item, reading, error, generation=generation)
    except Unreadable as error:
        return _refused_step(source, item, reading, step, error)
    except Retry as error:
        return _abandoned(item, reading, error)
    outcome = _taken_in(source, item, reading, step, content)
    if outcome.batch.documents and reading.patch is not None and reading.patch.wanted:
        return await _searched(source, item, reading, outcome, generation=generation)
    return outcome


@_heard
async def locate(source: Source, item: Item, blocks: Iterable[str]) -> Outcome:
    """Ask below what new blocks hang, so that only the lists they are in need be read."""
    payload = item.payload or {}
    try:
        homes = {block: await source.home(block) for block in blocks}
    except Unreadable:
        return Outcome(Batch(progress=[replace(item, payload=None)]), bound=1)
    except Retry as error:
        return _failed(item, error)
    return Outcome(Batch(progress=[replace(item, payload={**payload, "homes": homes})]), bound=len(homes))


async def _searched(
    source: Source, item: Item, reading: Reading, outcome: Outcome, *, generation: Callable[[], int]
) -> Outcome:
    """Named blocks were not where they were looked for: they are gone, or the page has to be read whole."""
    assert reading.patch is not None
    try:
        homes = [await source.home(block) for block in sorted(reading.patch.wanted)]
    except Unreadable:
        homes = [reading.page]
    except Retry as error:
        reading.closed = False
        return _abandoned(item, reading, error)
    outcome.bound += len(homes)
    if not any(homes):
        return outcome
    again = replace(item, generation=generation(), payload=None)
    return Outcome(Batch(progress=[again]), bound=outcome.bound)


def _taken_in(source: Source, item: Item, reading: Reading, step: Step, content: Content) -> Outcome:
    before = len(reading.digests.get(step.container, ()))
    try:
        steps = reading.add(step, content)
    except Retry as error:
        return _abandoned(item, reading, error)
    one_each = content.markdown is not None or reading.patch is not None
    least = 1 if one_each else _least(before, len(content.blocks))
    outcome = Outcome(item=item, reading=reading, steps=steps, bound=least)
    outcome.batch.lists, reading.standing = reading.standing, []
    if content.markdown is None:
        staged = StagedList(
            page=reading.page,
            generation=reading.generation,
            container=step.container,
            ordinal=step.ordinal,
            cursor=content.cursor,
            blocks=content.blocks,
        )
        outcome.batch.lists.append(staged)
    return _closed_if_complete(source, item, reading, outcome)


def _closed_if_complete(source: Source, item: Item, reading: Reading, outcome: Outcome) -> Outcome:
    if reading.complete and not reading.closed:
        reading.closed = True
        document = reading.document(source.join)
        outcome.batch.documents.append(document)
        outcome.batch.children[reading.page] = tuple(reading.children)
        outcome.batch.done.append(item)
        outcome.batch.entries += [
            Entry(
                page=reading.page,
                block=unread.block,
                operation=Work.CONTENT,
                status=unread.status,
                code=unread.code,
                message=unread.message,
                request_id=unread.request_id,
            )
            for unread in document.unread
        ]
    return outcome


def _refused_step(source: Source, item: Item, reading: Reading, step: Step, error: Unreadable) -> Outcome:
    """A block's children are refused for good: mark the place. For the page itself a direct read decides."""
    if step.container != reading.page:
        reading.refuse(step, error.unread)
        return _closed_if_complete(source, item, reading, Outcome(reading=reading, bound=1))
    reading.closed = True
    batch = Batch(parked=[(item, _entry(item, str(error), error))], suspects=[(Kind.PAGE, reading.page)])
    return Outcome(batch, bound=1)


def _abandoned(item: Item, reading: Reading, error: Retry) -> Outcome:
    """Leave what we hold of the page in place and the page on the frontier."""
    if reading.closed:
        return Outcome(transient=True)
    reading.closed = True
    return Outcome(Batch(parked=[(item, _entry(item, str(error), error))]), transient=True)


def _reread(item: Item, reading: Reading, error: ListingExpired, *, generation: Callable[[], int]) -> Outcome:
    """Read a page again whose cursor died, from its first block."""
    if reading.closed:
        return Outcome()
    if item.attempt >= _RESTARTS:
        return _abandoned(item, reading, error)
    reading.closed = True
    # Where only parts were read again, another part has changed meanwhile.
    payload = item.payload if reading.patch is None else None
    again = replace(item, attempt=item.attempt + 1, generation=generation(), payload=payload)
    return Outcome(Batch(progress=[again]))
