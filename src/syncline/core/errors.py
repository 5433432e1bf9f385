"""Every error Syncline raises on purpose, sorted by what the caller should do.

    SynclineError
    ├── Stop                 nothing more can be done until a person acts
    │   ├── BadInput         the request itself is wrong (CLI exit 2, HTTP 400)
    │   ├── NotFound         it names something we do not have (exit 3, 404)
    │   ├── Busy             another run of the same thing is under way (exit 4, 409)
    │   ├── Refused          Notion refuses the token, or a capability is missing (exit 5, 401/403)
    │   └── TooManyDeletions a run found more deletions than it may make on its own (exit 6)
    ├── Retry                it may work later, unchanged
    │   ├── Unreachable      the other side cannot be reached (exit 7, 503)
    │   └── StoreUnavailable our own database cannot be read or written: locked, full disk (exit 8, 503)
    ├── Skip                 this one item is out, the rest goes on
    └── Cancelled            somebody asked us to stop (exit 130)

The message is one sentence for a person: what is wrong, where, what to do. It never holds a token.
"""

from typing import ClassVar

__all__ = [
    "BadInput",
    "Busy",
    "Cancelled",
    "NotFound",
    "Refused",
    "Retry",
    "Skip",
    "Stop",
    "StoreUnavailable",
    "SynclineError",
    "TooManyDeletions",
    "Unreachable",
]


class SynclineError(Exception):
    """Root of all errors raised on purpose. `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 1


class Stop(SynclineError):
    """Nothing more can be done until a person acts."""


class BadInput(Stop):
    """The request itself is wrong: a malformed id, an unknown option, a bad URL."""

    exit_code = 2


class NotFound(Stop):
    """The request names a connection, page or run that is not there."""

    exit_code = 3


class Busy(Stop):
    """Another run of the same connection is under way."""

    exit_code = 4


class Refused(Stop):
    """Notion refuses the token or one of the token's capabilities is missing."""

    exit_code = 5


class TooManyDeletions(Stop):
    """A run would delete a larger share of what we hold than it may without being told to."""

    exit_code = 6


class Retry(SynclineError):
    """The same call may work later."""


class Unreachable(Retry):
    """The other side cannot be reached, or keeps failing."""

    exit_code = 7


class StoreUnavailable(Retry):
    """Our own database cannot be read or written: it is locked, or the disk is full."""

    exit_code = 8


class Skip(SynclineError):
    """This one item cannot be read or written; the others go on."""


class Cancelled(SynclineError):
    """Somebody asked the run to stop. What was finished stays, the rest resumes later."""

    exit_code = 130
