"""How a pull begins: take up what was left behind, or put the seeds of a new one on the frontier."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.change import Policy, Reason
from syncline.core.errors import BadInput, NotFound
from syncline.core.model import Fidelity, Kind, Mode
from syncline.engine.apply import Batch, Context, Work, apply, listing_item
from syncline.engine.pull import History, Pull, decide_mode, history, load_pull, save_pull
from syncline.sources.base import Found, Source, Unreadable
from syncline.store import connections, documents, frontier, records
from syncline.store.database import Database

__all__ = ["ROOTS", "Request", "begin", "decide", "fits", "named", "since"]

ROOTS = (Kind.PAGE, Kind.DATABASE, Kind.DATA_SOURCE)
"""What a root may be."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a pull is asked to read. None means: as the pulls before it, or the default.

    `pages` reads only those pages. `roots` reads only what hangs below those pages, databases or data sources.
    """

    mode: Mode | None = None
    fidelity: Fidelity | None = None
    pages: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    comments: bool | None = None


async def begin(
    *,
    database: Database,
    source: Source,
    connection_id: str,
    run_id: str,
    request: Request,
    now: datetime,
    random: Random,
) -> Pull:
    """The pull that a run has to move on. Can be called again: a pull that was begun is taken up.

    Raises NotFound for a page or root that is not there, BadInput for what does not fit together; then nothing was written.
    """
    async with database.read() as conn:
        before = await history(conn, connection_id, request.roots)
        left = await load_pull(conn, connection_id)
    policy = decide(request, before)
    if left is not None and fits(left, request, policy):
        async with database.begin() as conn:
            await frontier.unpark(conn, connection_id)
        return left
    found = [await named(source, key, (Kind.PAGE,)) for key in request.pages]
    found += [await named(source, key, ROOTS) for key in request.roots]
    async with database.begin() as conn:
        pull = Pull(
            id=run_id,
            policy=policy,
            began_at=source.now(),
            since=since(policy, before),
            started_at=now,
            after_seq=await connections.advance(conn, connection_id, 0) - 1,
        )
        await _make_room(conn, connection_id, pull)
        await save_pull(conn, connection_id, pull)
        await _seed(conn, source, connection_id, pull, found, now=now, random=random)
    return pull


def since(policy: Policy, before: History) -> datetime | None:
    """From when on a pull lists edits; None for one that lists everything, or only named pages."""
    last = before.watermark
    return last.at if last is not None and policy.mode is Mode.INCREMENTAL and not policy.pages else None


def decide(request: Request, before: History) -> Policy:
    """How a pull reads that was asked for by `request`, after what was read before. Raises BadInput."""
    last = before.watermark
    if request.pages and request.roots:
        raise BadInput("Name pages or roots, not both: a pull of pages reads those alone.")
    fidelity = request.fidelity or (last.fidelity if last is not None else Fidelity.BLOCKS)
    if request.roots and fidelity is Fidelity.PROPERTIES:
        raise BadInput(
            "A subtree is found by reading content, so --root needs --fidelity blocks or markdown."
        )
    comments = request.comments if request.comments is not None else bool(last and last.comments)
    policy = Policy(Mode.FULL, fidelity, request.pages, request.roots, comments=comments)
    return replace(
        policy, mode=Mode.INCREMENTAL if request.pages else decide_mode(request.mode, policy, before)
    )


def fits(left: Pull, request: Request, policy: Policy) -> bool:
    """Whether a pull that was left behind is what is asked for now."""
    same = replace(left.policy, mode=policy.mode) == policy
    return same and request.mode in (None, left.policy.mode)


async def named(source: Source, key: str, kinds: Iterable[Kind]) -> Found:
    """What a person named by its id, whatever of `kinds` it is. Raises NotFound."""
    for kind in kinds:
        try:
            found = await source.record(kind, key)
        except Unreadable:
            continue
        if isinstance(found, Found):
            return found
    raise NotFound(
        f"Notion shows nothing with the id {key}. Check the id, and that the page is shared with this connection."
    )


async def _make_room(conn: AsyncConnection, connection_id: str, pull: Pull) -> None:
    """What another pull left on the frontier: this pull does what is inside its selection, the rest is set aside.

    Its listings go, since this pull has its own, and so do its answers about pages that it had begun: they are old.
    """
    await documents.discard(conn, connection_id)
    await frontier.reset(conn, connection_id)
    await frontier.clear(conn, connection_id, [Work.LISTING])
    roots = list(pull.policy.roots)
    if not roots and not pull.policy.pages:
        await frontier.unpark(conn, connection_id)
        return
    await frontier.set_aside(conn, connection_id)
    inside = [*roots, *await records.descendants(conn, connection_id, roots)] if roots else []
    await frontier.unpark_keys(conn, connection_id, inside)


async def _seed(
    conn: AsyncConnection,
    source: Source,
    connection_id: str,
    pull: Pull,
    found: Iterable[Found],
    *,
    now: datetime,
    random: Random,
) -> None:
    context = Context.of(
        source, pull.policy, connection_id=connection_id, run_id=pull.id, pull_id=pull.id, random=random
    )
    batch = Batch()
    for one in found:
        batch.records += one.records
        if one.children:
            batch.children[one.records[0].key] = one.children
    await apply(conn, batch, context, now=now)
    if not pull.policy.pages:
        seeds = source.listings(since=pull.since)
        await frontier.add(conn, connection_id, [listing_item(one, Reason.SEED) for one in seeds])
