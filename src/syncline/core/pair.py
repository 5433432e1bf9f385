"""What a two-way merge speaks of: a row on both sides, what both agreed on, and what is to be done with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from syncline.core.canonical import Form, canonical
from syncline.core.hash import digest
from syncline.core.mapped_values import Value
from syncline.core.mapping import ConflictPolicy, DeletePolicy

__all__ = [
    "ROW",
    "Act",
    "Agreed",
    "Clash",
    "Decision",
    "Field",
    "Flow",
    "Merged",
    "Pair",
    "Presence",
    "Rules",
    "Side",
    "Take",
    "Version",
    "fingerprint",
    "forms",
]

ROW = ""
"""In the place of a property: the row as a whole, deleted on one side and edited on the other."""


class Side(StrEnum):
    """One of the two."""

    DATABASE = "database"
    NOTION = "notion"

    @property
    def other(self) -> "Side":
        """The other one."""
        return Side.NOTION if self is Side.DATABASE else Side.DATABASE


class Take(StrEnum):
    """What a person chose."""

    DATABASE = "database"
    NOTION = "notion"
    VALUE = "value"
    """A third value, for both."""


class Flow(StrEnum):
    """Where the changes of a property may go."""

    BOTH = "both"
    TO_NOTION = "to_notion"
    """The database decides, as with a key."""
    TO_DATABASE = "to_database"
    """Notion decides, as with a formula."""


class Presence(StrEnum):
    """How a row is there on one side."""

    PRESENT = "present"
    ABSENT = "absent"
    """It is not, or not any more."""
    TRASHED = "trashed"
    """In Notion's trash: it can be brought back."""
    LOST = "lost"
    """Notion does not show it: gone for good, moved away or no longer shared. Nobody can tell which, so it is no deletion."""


class Act(StrEnum):
    """What is to be done with one row."""

    NOTHING = "nothing"
    UPDATE = "update"
    """Write `to_notion` and `to_database`, as far as there is any, and remember."""
    CREATE_PAGE = "create_page"
    CREATE_ROW = "create_row"
    RESTORE_PAGE = "restore_page"
    """Take the page out of the trash, then as with UPDATE."""
    TRASH_PAGE = "trash_page"
    FLAG_PAGE = "flag_page"
    DELETE_ROW = "delete_row"
    DETACH = "detach"
    """A deletion that stays on its side, or a page out of sight: what is left is kept, and synced again once both are there."""
    FORGET = "forget"
    """Gone on both sides."""
    QUEUE = "queue"
    """Deleted here, edited there, and a person is to decide."""


@dataclass(frozen=True, slots=True)
class Field:
    """One mapped property with its type."""

    name: str
    kind: str
    flow: Flow = Flow.BOTH


@dataclass(frozen=True, slots=True)
class Version:
    """A row as one side shows it: its values by property, and when it was last changed, where that is known.

    `unreadable` are properties whose value the side holds and cannot show as one of their type; they are left alone.
    """

    values: Mapping[str, Value]
    changed_at: datetime | None = None
    unreadable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Agreed:
    """The forms of each property on each side when both last agreed. A property that is missing was empty."""

    database: Mapping[str, Form] = field(default_factory=dict)
    notion: Mapping[str, Form] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about one property, for exactly the two values of `fingerprint`."""

    fingerprint: str
    take: Take
    value: Value = None


@dataclass(frozen=True, slots=True)
class Rules:
    """Who is right where both changed, and what becomes of a deletion."""

    conflicts: ConflictPolicy = ConflictPolicy.DATABASE
    deletes: DeletePolicy = DeletePolicy.IGNORE


@dataclass(frozen=True, slots=True)
class Pair:
    """One row on both sides. `agreed` is None for two that never met; `detached`, if a deletion was left on its side.

    `loose`: which page is the row's was found out just now, and is to be remembered whatever else there is to do.
    """

    key: str
    agreed: Agreed | None
    database: Version | None
    notion: Version | None
    page: Presence = Presence.PRESENT
    detached: bool = False
    loose: bool = False


@dataclass(frozen=True, slots=True)
class Clash:
    """Both sides changed `property`: the forms of what they agreed on before and of what each holds. `winner` is None while it waits."""

    property: str
    base: Form
    database: Form
    notion: Form
    winner: Take | None
    database_at: datetime | None = None
    notion_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """What is to be done with a row.

    `settled` are the properties on which both sides agree as they are, without us having known it. `clashes` tells
    of each value that was overruled or waits.
    """

    key: str
    act: Act
    to_database: Mapping[str, Value] = field(default_factory=dict)
    to_notion: Mapping[str, Value] = field(default_factory=dict)
    settled: tuple[str, ...] = ()
    clashes: tuple[Clash, ...] = ()


def fingerprint(database: Form, notion: Form) -> str:
    """What names two clashing values."""
    return digest([database, notion])


def forms(fields: Iterable[Field], values: Mapping[str, Value]) -> dict[str, Form]:
    """The forms of a row's values, without the empty ones."""
    formed = {each.name: canonical(each.kind, values.get(each.name)) for each in fields}
    return {name: form for name, form in formed.items() if form is not None}
