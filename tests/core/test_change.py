"""The policy of a pull as tables: what a record that was just read means for what we hold."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.factories import T0, record

from syncline.core.change import Policy, Reason, comments_reason, content_reason, rows_reason
from syncline.core.model import Deletion, Fidelity, Kind, Mode, Record, StoredRecord

PULL = "this pull"
LATER = T0 + timedelta(minutes=2)
INCREMENTAL = Policy(Mode.INCREMENTAL, Fidelity.BLOCKS)
RECONCILE = Policy(Mode.RECONCILE, Fidelity.BLOCKS)
FULL = Policy(Mode.FULL, Fidelity.BLOCKS)
NAMED = Policy(Mode.INCREMENTAL, Fidelity.BLOCKS, pages=("key",))
SUBTREE = Policy(Mode.RECONCILE, Fidelity.BLOCKS, roots=("root",))


def read(kind: Kind = Kind.PAGE, **fields: Any) -> Record:
    """What a listing tells."""
    values: dict[str, Any] = {"stream": "pages", "data": {}, "hash": "", "edited_at": T0}
    return Record(kind, "key", **(values | fields))


def held(kind: Kind = Kind.PAGE, **fields: Any) -> StoredRecord:
    """What we hold: seen by an earlier pull, its content read whole and long after its last edit."""
    values: dict[str, Any] = {
        "content_read_at": T0 + timedelta(days=1),
        "content_fidelity": Fidelity.BLOCKS,
        "content_hash": "hash",
        "seen_in": "an earlier pull",
    }
    return record(kind, "key", {}, **(values | fields))


GONE: dict[str, Any] = {"deleted_at": T0, "deletion": Deletion.TRASHED}
NEVER_READ: dict[str, Any] = {"content_read_at": None, "content_fidelity": None, "content_hash": None}


@pytest.mark.parametrize(
    ("told", "stored", "policy", "reason"),
    [
        # What we do not hold is new, whatever the pull.
        (read(), None, INCREMENTAL, Reason.NEW),
        (read(), None, RECONCILE, Reason.NEW),
        (read(), None, FULL, Reason.NEW),
        (read(), None, NAMED, Reason.NEW),
        (read(), held(**GONE), INCREMENTAL, Reason.NEW),
        (read(), held(**GONE, seen_in=PULL), INCREMENTAL, Reason.NEW),
        # So is a page whose properties alone were read.
        (read(), held(**NEVER_READ), INCREMENTAL, Reason.NEW),
        (read(), held(**NEVER_READ), RECONCILE, Reason.NEW),
        (read(), held(**NEVER_READ), FULL, Reason.NEW),
        # Another time of the last edit is an edit.
        (read(edited_at=LATER), held(), INCREMENTAL, Reason.EDITED),
        (read(edited_at=LATER), held(), RECONCILE, Reason.EDITED),
        (read(edited_at=LATER), held(), FULL, Reason.EDITED),
        (read(edited_at=LATER), held(), NAMED, Reason.EDITED),
        (read(edited_at=LATER), held(seen_in=PULL), FULL, Reason.EDITED),
        (read(edited_at=T0 - timedelta(days=1)), held(), INCREMENTAL, Reason.EDITED),
        (read(edited_at=None), held(), INCREMENTAL, Reason.EDITED),
        # The same pull decides once for the same edit.
        (read(), held(seen_in=PULL), FULL, None),
        (read(), held(seen_in=PULL, **NEVER_READ), INCREMENTAL, None),
        (read(), held(seen_in=PULL, content_read_at=T0), INCREMENTAL, None),
        (read(), held(seen_in=PULL), NAMED, None),
        # A page that stands is read again when it was named, read otherwise, or everything is.
        (read(), held(), NAMED, Reason.ASKED),
        (read(), held(content_fidelity=Fidelity.MARKDOWN), RECONCILE, Reason.FIDELITY),
        (read(), held(content_fidelity=Fidelity.MARKDOWN), FULL, Reason.FIDELITY),
        (read(), held(), FULL, Reason.FULL),
        (read(), held(), INCREMENTAL, None),
        (read(), held(), RECONCILE, None),
        (read(), held(), SUBTREE, None),
        # A read within the minute of the edit may have missed another edit.
        (read(), held(content_read_at=T0), INCREMENTAL, Reason.UNSURE),
        (read(), held(content_read_at=T0 + timedelta(seconds=64)), INCREMENTAL, Reason.UNSURE),
        (read(), held(content_read_at=T0 + timedelta(seconds=65)), INCREMENTAL, None),
        (read(), held(content_read_at=T0), RECONCILE, Reason.UNSURE),
        (read(edited_at=None), held(edited_at=None), INCREMENTAL, Reason.UNSURE),
        # Content is read of pages, and not where properties alone are wanted.
        (read(Kind.DATA_SOURCE), None, FULL, None),
        (read(Kind.DATABASE), None, FULL, None),
        (read(Kind.USER), None, FULL, None),
        (read(Kind.COMMENT), None, FULL, None),
        (read(), None, replace(FULL, fidelity=Fidelity.PROPERTIES), None),
        (read(edited_at=LATER), held(), replace(INCREMENTAL, fidelity=Fidelity.PROPERTIES), None),
    ],
)
def test_why_the_content_of_a_page_is_read(
    told: Record, stored: StoredRecord | None, policy: Policy, reason: Reason | None
) -> None:
    assert content_reason(told, stored, policy, pull_id=PULL) == reason


SOURCE = read(Kind.DATA_SOURCE)
HELD = held(Kind.DATA_SOURCE)


@pytest.mark.parametrize(
    ("told", "stored", "policy", "reason"),
    [
        (SOURCE, None, INCREMENTAL, Reason.NEW),
        (SOURCE, None, FULL, Reason.NEW),
        (SOURCE, held(Kind.DATA_SOURCE, **GONE), INCREMENTAL, Reason.NEW),
        (SOURCE, held(Kind.DATA_SOURCE, **GONE, seen_in=PULL), RECONCILE, Reason.NEW),
        # The poll finds the rows that changed; a listing of everything lists all, once.
        (SOURCE, HELD, INCREMENTAL, None),
        (read(Kind.DATA_SOURCE, edited_at=LATER), HELD, INCREMENTAL, None),
        (SOURCE, HELD, RECONCILE, Reason.FULL),
        (SOURCE, HELD, FULL, Reason.FULL),
        (SOURCE, HELD, SUBTREE, Reason.FULL),
        (SOURCE, held(Kind.DATA_SOURCE, seen_in=PULL), FULL, None),
        # A pull of named pages reads those alone.
        (SOURCE, None, NAMED, None),
        (SOURCE, HELD, replace(NAMED, mode=Mode.FULL), None),
        # Only data sources have rows.
        (read(), None, FULL, None),
        (read(Kind.DATABASE), None, FULL, None),
    ],
)
def test_why_the_rows_of_a_data_source_are_listed(
    told: Record, stored: StoredRecord | None, policy: Policy, reason: Reason | None
) -> None:
    assert rows_reason(told, stored, policy, pull_id=PULL) == reason


@pytest.mark.parametrize(
    ("told", "stored", "policy", "reason"),
    [
        (read(), None, INCREMENTAL, Reason.NEW),
        (read(), held(**GONE), INCREMENTAL, Reason.NEW),
        (read(edited_at=LATER), held(), INCREMENTAL, Reason.EDITED),
        (read(edited_at=LATER), held(seen_in=PULL), INCREMENTAL, Reason.EDITED),
        # A comment moves no time, so only a pull of everything, or of the page itself, finds it.
        (read(), held(), INCREMENTAL, None),
        (read(), held(), RECONCILE, Reason.FULL),
        (read(), held(), FULL, Reason.FULL),
        (read(), held(), SUBTREE, Reason.FULL),
        (read(), held(), NAMED, Reason.FULL),
        (read(), held(seen_in=PULL), FULL, None),
        (read(), held(seen_in=PULL), NAMED, None),
        # Comments hang below pages.
        (read(Kind.DATA_SOURCE), None, FULL, None),
        (read(Kind.COMMENT), None, FULL, None),
    ],
)
def test_why_the_comments_of_a_page_are_listed(
    told: Record, stored: StoredRecord | None, policy: Policy, reason: Reason | None
) -> None:
    assert comments_reason(told, stored, replace(policy, comments=True), pull_id=PULL) == reason
    assert comments_reason(told, stored, policy, pull_id=PULL) is None


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (FULL, True),
        (RECONCILE, True),
        (SUBTREE, True),
        (INCREMENTAL, False),
        (NAMED, False),
        (replace(NAMED, mode=Mode.FULL), False),
    ],
)
def test_absence_means_something_only_where_everything_was_listed(policy: Policy, *, expected: bool) -> None:
    assert policy.lists_all is expected
