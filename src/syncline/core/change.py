"""What a record that was just read means for what we hold: is its content to be read, and why.

Every case is a line of one decision, so that the whole policy can be read, and tested, as a table.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from syncline.core.checkpoint import final
from syncline.core.model import Fidelity, Kind, Mode, Record, StoredRecord
from syncline.core.refresh import Refresh
from syncline.core.selection import EVERYTHING, Selection

__all__ = ["Policy", "Reason", "comments_reason", "content_reason", "rows_reason"]


class Reason(StrEnum):
    """Why something stands on the frontier."""

    NEW = "new"
    EDITED = "edited"
    UNSURE = "unsure"
    """It was last read within the minute of its last edit, so a later edit may hide behind the same time."""
    FULL = "full"
    FIDELITY = "fidelity"
    ASKED = "asked"
    CHILD = "child"
    """Seen as a child while its parent was read, and not known yet."""
    SUSPECT = "suspect"
    """In the trash search, or absent from a complete listing: a direct read decides."""
    SEED = "seed"


@dataclass(frozen=True, slots=True)
class Policy:
    """How one run reads. `pages` and `roots` are empty for the whole workspace; `refresh` is what signals asked for.

    `own` is what of the workspace the connection is to hold: what is held beside it goes.
    """

    mode: Mode
    fidelity: Fidelity
    pages: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    comments: bool = False
    refresh: Refresh | None = None
    own: Selection = EVERYTHING

    @property
    def selection(self) -> Selection:
        """What is inside, for this run."""
        return replace(self.own, roots=self.roots) if self.roots else self.own

    @property
    def named(self) -> bool:
        """Whether the run reads only what was named, and so vouches for nothing else."""
        return bool(self.pages) or self.refresh is not None

    @property
    def lists_all(self) -> bool:
        """Whether the run lists everything it can see, so that an absence means something."""
        return self.mode is not Mode.INCREMENTAL and not self.named


def content_reason(
    record: Record, stored: StoredRecord | None, policy: Policy, *, pull_id: str
) -> Reason | None:
    """Why the content of a page is to be read now, or None if what we hold, or have already planned, stands.

    `stored` is what we held before this reading, None if nothing. A page seen before by the same pull was
    decided then, unless it was edited since.
    """
    if record.kind is not Kind.PAGE or policy.fidelity is Fidelity.PROPERTIES:
        return None
    if stored is None or stored.deleted_at is not None:
        return Reason.NEW
    if policy.refresh is not None and record.key not in policy.refresh.content:
        return None
    if record.edited_at != stored.edited_at:
        return Reason.EDITED
    if stored.seen_in == pull_id:
        return None
    return _standing_reason(stored, policy)


def _standing_reason(stored: StoredRecord, policy: Policy) -> Reason | None:
    """Why a page that did not change since we last saw it is to be read all the same."""
    if policy.named:
        return Reason.ASKED
    if stored.content_read_at is None:
        return Reason.NEW
    if stored.content_fidelity is not policy.fidelity:
        return Reason.FIDELITY
    if policy.mode is Mode.FULL:
        return Reason.FULL
    return None if final(stored.edited_at, stored.content_read_at) else Reason.UNSURE


def rows_reason(
    record: Record, stored: StoredRecord | None, policy: Policy, *, pull_id: str
) -> Reason | None:
    """Why the rows of a data source are to be listed, or None if the poll finds their changes."""
    if record.kind is not Kind.DATA_SOURCE or policy.pages:
        return None
    if stored is None or stored.deleted_at is not None:
        return Reason.NEW
    return Reason.FULL if policy.lists_all and stored.seen_in != pull_id else None


def comments_reason(
    record: Record, stored: StoredRecord | None, policy: Policy, *, pull_id: str
) -> Reason | None:
    """Why the comments of a page are to be listed. A comment moves no time, so a pull of everything lists all."""
    if record.kind is not Kind.PAGE or not policy.comments:
        return None
    if stored is None or stored.deleted_at is not None:
        return Reason.NEW
    if policy.refresh is not None:
        return None
    if record.edited_at != stored.edited_at:
        return Reason.EDITED
    everything = policy.lists_all or bool(policy.pages)
    return Reason.FULL if everything and stored.seen_in != pull_id else None
