"""How a pull begins: take up what was left behind, or put the seeds of a new one on the frontier."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from sqlalchemy.ext.asyncio import AsyncConnection

from syncline.core.change import Policy, Reason
from syncline.core.errors import BadInput, Busy, NotFound
from syncline.core.model import Fidelity, Kind, Mode
from syncline.core.refresh import Refresh
from syncline.core.selection import EVERYTHING, Selection
from syncline.engine.apply import Batch, Context, apply
from syncline.engine.pull import History, Pull, decide_mode, history, load_pull, save_pull
from syncline.engine.scope import Scope
from syncline.engine.worklist import Work, comments_item, listing_item, object_item
from syncline.sources.base import Found, Source, Unreadable
from syncline.store import connections, documents, frontier, preferences, records
from syncline.store.database import Database
from syncline.store.frontier import Item

__all__ = ["ROOTS", "Request", "begin", "considered", "decide", "fits", "named", "since"]

ROOTS = (Kind.PAGE, Kind.DATABASE, Kind.DATA_SOURCE)
"""What a root may be."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a pull is asked to read. None means: as the pulls before it, or the default.

    `pages` reads only those pages. `roots` reads only what hangs below those pages, databases or data sources.
    `refresh` reads only what signals named.
    """

    mode: Mode | None = None
    fidelity: Fidelity | None = None
    pages: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    comments: bool | None = None
    refresh: Refresh | None = None


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
    async with database.glance() as conn:
        before, policy = await considered(conn, connection_id, request)
        left = await load_pull(conn, connection_id)
    if left is not None and fits(left, request, policy):
        if request.refresh is None:
            async with database.begin() as conn:
                await frontier.unpark(conn, connection_id)
        return left
    if left is not None and request.refresh is not None and left.policy.refresh is None:
        raise Busy("A pull was left behind: what signals named is read after the next pull.")
    found = [await named(source, key, (Kind.PAGE,)) for key in request.pages]
    found += [await named(source, key, ROOTS) for key in request.roots]
    if policy.own.partial:
        async with database.read() as conn:
            await _refuse_outside(conn, connection_id, policy, found)
            missing = await _missing(conn, connection_id, policy.own.roots)
        shown = [one for key in missing if (one := await _shown(source, key)) is not None]
        _require_one(policy.own.roots, missing, shown)
        found += shown
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
    return last.at if last is not None and policy.mode is Mode.INCREMENTAL and not policy.named else None


async def considered(conn: AsyncConnection, connection_id: str, request: Request) -> tuple[History, Policy]:
    """What a pull builds on, and how it reads, with what the connection's preferences select. Raises BadInput."""
    own = (await preferences.find(conn, connection_id)).selection
    before = await history(conn, connection_id, request.roots, own)
    return before, decide(request, before, own)


def decide(request: Request, before: History, own: Selection = EVERYTHING) -> Policy:
    """How a pull reads that was asked for by `request`, after what was read before. Raises BadInput."""
    last = before.watermark or before.manner
    if request.pages and request.roots:
        raise BadInput("Name pages or roots, not both: a pull of pages reads those alone.")
    fidelity = request.fidelity or (last.fidelity if last is not None else Fidelity.BLOCKS)
    if request.roots and fidelity is Fidelity.PROPERTIES:
        raise BadInput(
            "A subtree is found by reading content, so --root needs --fidelity blocks or markdown."
        )
    if (own.roots or own.excluded) and fidelity is Fidelity.PROPERTIES:
        raise BadInput(
            "The pages that this connection syncs are found by reading content: pull with --fidelity blocks or markdown."
        )
    comments = request.comments if request.comments is not None else bool(last and last.comments)
    policy = Policy(
        Mode.FULL,
        fidelity,
        request.pages,
        request.roots,
        comments=comments,
        refresh=request.refresh,
        own=own,
    )
    mode = Mode.INCREMENTAL if policy.named else decide_mode(request.mode, policy, before)
    return replace(policy, mode=mode)


def fits(left: Pull, request: Request, policy: Policy) -> bool:
    """Whether a pull that was left behind is what is asked for now."""
    same = replace(left.policy, mode=policy.mode) == policy
    return same and request.mode in (None, left.policy.mode)


async def named(source: Source, key: str, kinds: Iterable[Kind]) -> Found:
    """What a person named by its id, whatever of `kinds` it is. Raises NotFound."""
    found = await _shown(source, key, kinds)
    if found is None:
        raise NotFound(
            f"Notion shows nothing with the id {key}. Check the id, and that the page is shared with this connection."
        )
    return found


async def _shown(source: Source, key: str, kinds: Iterable[Kind] = ROOTS) -> Found | None:
    for kind in kinds:
        try:
            found = await source.record(kind, key)
        except Unreadable:
            continue
        if isinstance(found, Found):
            return found
    return None


async def _missing(conn: AsyncConnection, connection_id: str, roots: Iterable[str]) -> dict[str, bool]:
    """Those of the selected roots that are not held, with whether they once were: no listing may tell of them."""
    wanted = list(roots)
    live: dict[str, bool] = {}
    for kind in ROOTS if wanted else ():
        known = await records.find(conn, connection_id, kind, wanted)
        live |= {key: record.deleted_at is None for key, record in known.items()}
    return {key: key in live for key in wanted if not live.get(key)}


def _require_one(roots: Collection[str], missing: Mapping[str, bool], shown: Collection[Found]) -> None:
    """Raises NotFound where every selected root is mistyped or never was shared: such a pull would take away all that is held."""
    if roots and len(missing) == len(roots) and not shown and not any(missing.values()):
        raise NotFound(
            "Notion shows none of the pages that this connection is to sync: share them with it, or choose others."
        )


async def _refuse_outside(
    conn: AsyncConnection, connection_id: str, policy: Policy, found: Iterable[Found]
) -> None:
    """Raises BadInput for a page that was named and is not selected."""
    if not policy.pages:
        return
    scope = Scope(policy.selection)
    await scope.load(conn, connection_id)
    for one in found:
        if not scope.admit(one.records):
            raise BadInput(
                f"The page {one.records[0].key} is not among those that this connection syncs: change its selection first."
            )


async def _make_room(conn: AsyncConnection, connection_id: str, pull: Pull) -> None:
    """What another pull left on the frontier: this pull does what is inside its selection, the rest is set aside.

    Its listings go, since this pull has its own, and so do its answers about pages that it had begun: they are old.
    """
    await documents.discard(conn, connection_id)
    await frontier.reset(conn, connection_id)
    await frontier.clear(conn, connection_id, [Work.LISTING])
    roots = list(pull.policy.roots)
    if not roots and not pull.policy.named:
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
    await frontier.add(conn, connection_id, _seeds(source, pull))


def _seeds(source: Source, pull: Pull) -> list[Item]:
    """The work that a pull begins with."""
    refresh = pull.policy.refresh
    if refresh is not None:
        objects = [object_item(key, Reason.ASKED) for key in refresh.objects]
        edited = [listing_item(source.edited(key, since), Reason.ASKED) for key, since in refresh.edited]
        comments = [comments_item(page, Reason.ASKED) for page in refresh.comments if pull.policy.comments]
        return [*objects, *edited, *comments]
    listings = () if pull.policy.pages else source.listings(since=pull.since)
    return [listing_item(one, Reason.SEED) for one in listings]
