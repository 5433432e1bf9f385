"""Every error Syncline raises on purpose, sorted by what the caller should do.

    SynclineError
    ├── Stop                 nothing more can be done until a person acts
    │   ├── BadInput         the request itself is wrong (CLI exit 2, HTTP 400)
    │   │   └── InvalidId    an id or address of something in Notion is none (exit 2, 400)
    │   ├── NotFound         it names something we do not have (exit 3, 404)
    │   │   └── NotShown     what is to be chosen is not there in Notion (exit 3, 400)
    │   ├── Busy             another run of the same thing is under way (exit 4, 409)
    │   ├── Refused          Notion refuses the token, or a capability is missing (exit 5, 403)
    │   ├── TooManyDeletions a run found more deletions than it may make on its own (exit 6)
    │   ├── LeaseLost        the run is not ours any more: another worker has it, or it has ended
    │   ├── Parked           the run has taken down every worker that had it
    │   ├── Unknown          the caller did not say who it is (401)
    │   │   ├── Expired      its access token was good once
    │   │   ├── Forged       its access token or key is none of ours, or was taken back
    │   │   ├── Unrenewable  its refresh token is none of ours, was used before, or has expired
    │   │   └── Mismatch     e-mail address and password do not belong together
    │   ├── Denied           the caller is known and may not do this (403)
    │   │   └── OwnerOnly    only the owner may
    │   ├── Duplicate        what is to be made is there already (409)
    │   └── Gone             what is asked for was there, and was forgotten (410)
    ├── Retry                it may work later, unchanged
    │   ├── Unreachable      the other side cannot be reached (exit 7, 503)
    │   ├── StoreUnavailable our own database cannot be read or written: locked, full disk (exit 8, 503)
    │   └── TooSoon          a limit of our own is reached; `seconds` says when to come back (429)
    ├── Skip                 this one item is out, the rest goes on
    └── Cancelled            somebody asked us to stop (exit 130)

The message is one sentence for a person: what is wrong, where, what to do. It never holds a token. `details` says the
same to a program: JSON values under names in camelCase, which the REST API shows as they are.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

__all__ = [
    "BadInput",
    "Busy",
    "Cancelled",
    "Denied",
    "Duplicate",
    "Expired",
    "Forged",
    "Gone",
    "InvalidId",
    "LeaseLost",
    "Mismatch",
    "NotFound",
    "NotShown",
    "OwnerOnly",
    "Parked",
    "Refused",
    "Retry",
    "Skip",
    "Stop",
    "StoreUnavailable",
    "SynclineError",
    "TooManyDeletions",
    "TooSoon",
    "Unknown",
    "Unreachable",
    "Unrenewable",
]


class SynclineError(Exception):
    """Root of all errors raised on purpose. `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str = "", *, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = dict(details or {})


class Stop(SynclineError):
    """Nothing more can be done until a person acts."""


class BadInput(Stop):
    """The request itself is wrong: a malformed id, an unknown option, a bad URL."""

    exit_code = 2


class InvalidId(BadInput):
    """What is sent as the id or address of something in Notion is none."""


class NotFound(Stop):
    """The request names a connection, page or run that is not there."""

    exit_code = 3


class NotShown(NotFound):
    """What is to be chosen Notion does not show to this connection: `details` has the ``ids``."""


class Busy(Stop):
    """Another run of the same connection is under way; `details` says which where that is known."""

    exit_code = 4


class LeaseLost(Stop):
    """The run is not ours any more: whoever finds that out writes nothing and lets go."""


class Parked(Stop):
    """A run took down each worker that had it, and is not tried again by itself."""


class Refused(Stop):
    """Notion refuses the token or one of the token's capabilities is missing."""

    exit_code = 5


class TooManyDeletions(Stop):
    """A run would delete a larger share of what we hold than it may without being told to."""

    exit_code = 6


class Unknown(Stop):
    """The caller did not say who it is, or not in a way that we can believe."""


class Expired(Unknown):
    """The caller's access token was good once."""


class Forged(Unknown):
    """The caller's access token or API key is none of ours, or was taken back."""


class Unrenewable(Unknown):
    """The refresh token is none of ours, was used before, or has expired."""


class Mismatch(Unknown):
    """E-mail address and password do not belong together."""


class Denied(Stop):
    """The caller is known and may not do this."""


class OwnerOnly(Denied):
    """Only the owner may do this."""


class Gone(Stop):
    """What is asked for was there, and was forgotten: a cursor behind which deletions are not known any more."""


class Duplicate(Stop):
    """What is to be made is there already."""


class Retry(SynclineError):
    """The same call may work later."""


class Unreachable(Retry):
    """The other side cannot be reached, or keeps failing."""

    exit_code = 7


class StoreUnavailable(Retry):
    """Our own database cannot be read or written: it is locked, or the disk is full."""

    exit_code = 8


class TooSoon(Retry):
    """A limit of our own is reached. The same call works after `seconds`."""

    def __init__(self, message: str, *, seconds: float, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, details=details)
        self.seconds = seconds


class Skip(SynclineError):
    """This one item cannot be read or written; the others go on."""


class Cancelled(SynclineError):
    """Somebody asked the run to stop. What was finished stays, the rest resumes later."""

    exit_code = 130
