"""Which page is a row's: the one it is linked to, else the only one with its key, else the only one like it.

A page without a key is like a row that has the same values in the columns `MappedTable.match` names. What fits several is nobody's.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from syncline.core.mapped_values import READ_ONLY, PropertyType, Unfit, Value, comparable, from_column
from syncline.core.mapping import PAGE_ID, DeletePolicy, MappedTable, Row
from syncline.core.plan import Action, ActionKind, Indexed, Link
from syncline.core.plurals import counted

__all__ = ["Match", "Side", "pushed", "row_values"]


@dataclass(frozen=True)
class Side:
    """One mapped table with all that is known of it: its rows, the pages of its database, the links between them.

    `key_type` is the type of the key's property. `options` are the choices of each property that has a closed set of them, `people` the
    e-mail addresses of the workspace. `check` raises Unfit for a value that Notion would refuse, `check_body` says why it would a page's
    content. `only` are the keys that were read, where not all were; then nothing else is deleted.
    """

    table: MappedTable
    rows: Sequence[Row]
    pages: Sequence[Indexed]
    links: Mapping[str, Link]
    key_type: PropertyType = PropertyType.RICH_TEXT
    options: Mapping[str, frozenset[str]] = field(default_factory=dict)
    people: frozenset[str] = frozenset()
    check: Callable[[PropertyType, Value], object] = lambda _kind, _value: None
    check_body: Callable[[str], str | None] = lambda _body: None
    only: frozenset[str] | None = None

    @cached_property
    def by_page(self) -> dict[str, Indexed]:
        """The pages by id."""
        return {page.page: page for page in self.pages}

    def refuse(self, values: Mapping[str, Value], *, body: str | None = None) -> str | None:
        """Why Notion would refuse some of these values or the content, None if it would not."""
        for name, value in values.items():
            options = self.options.get(name)
            asked = value if isinstance(value, tuple) else (value,)
            missing = [
                str(one) for one in asked if one is not None and options is not None and one not in options
            ]
            if missing:
                return f"{name} has no option {', '.join(missing)}: add it in Notion, or allow that with add_options."
            try:
                self.check(self.types[name], value)
            except Unfit as error:
                return f"{name}: {error}."
        return None if body is None else self.check_body(body)

    @cached_property
    def types(self) -> dict[str, PropertyType]:
        """The type of every property a push writes."""
        return pushed(self.table, self.key_type)


def pushed(table: MappedTable, key_type: PropertyType) -> dict[str, PropertyType]:
    """The properties a push writes, with their types: the columns', the key's, and the one that flags deleted rows."""
    types = {one.property: one.type for one in table.columns if one.type not in READ_ONLY}
    if table.key.property != PAGE_ID:
        types.setdefault(table.key.property, key_type)
    if table.deletes.policy is DeletePolicy.FLAG:
        types[table.deletes.flag] = PropertyType.CHECKBOX
    return types


def row_values(table: MappedTable, row: Row, key_type: PropertyType) -> dict[str, Value]:
    """All that a page of this row is to hold, relations as keys. Raises Unfit for a key its property cannot hold."""
    types = pushed(table, key_type)
    wanted = {name: row.values[name] for name in types if name in row.values}
    if table.key.property != PAGE_ID and table.key.property not in wanted:
        wanted[table.key.property] = from_column(key_type, row.key)
    if table.deletes.policy is DeletePolicy.FLAG:
        wanted[table.deletes.flag] = False
    return wanted


@dataclass
class Match:
    """What became of each row of a table: its page, None for a new one; or the action that it gets instead.

    `keys` has the key of each page that a row or the page itself names. `copies` are pages that have the key of a row which is
    linked to another page: somebody copied it, or two processes made it. `going` are keys whose page goes to the trash.
    """

    side: Side
    rows: dict[str, Row] = field(default_factory=dict)
    page_of: dict[str, Indexed | None] = field(default_factory=dict)
    instead: dict[str, Action] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    copies: list[Action] = field(default_factory=list)
    going: set[str] = field(default_factory=set)

    @property
    def known(self) -> set[str]:
        """The keys that have a page, or get one."""
        return {*self.page_of, *self.keys.values()} - self.going

    def run(self) -> "Match":
        """Find every row's page."""
        self._read_rows()
        self._by_link()
        self._by_key()
        self._by_values()
        self._refuse_new()
        self.keys = {page.page: page.key for page in self.side.pages if page.key}
        self.keys |= {page.page: key for key, page in self.page_of.items() if page is not None}
        return self

    def taken(self) -> set[str]:
        """The ids of the pages that are some row's."""
        return {page.page for page in self.page_of.values() if page is not None}

    def _read_rows(self) -> None:
        times = Counter(row.key for row in self.side.rows)
        for row in self.side.rows:
            self.rows[row.key] = row
            out = _out(self.side, row, times[row.key])
            if out is not None:
                self.instead[row.key] = out

    def _left(self) -> list[str]:
        return [key for key in self.rows if key not in self.page_of and key not in self.instead]

    def _by_link(self) -> None:
        for key in self._left():
            link = self.side.links.get(key)
            page = self.side.by_page.get(link.page) if link is not None and link.page else None
            if page is not None:
                self.page_of[key] = page

    def _by_key(self) -> None:
        """A page that is linked to another row belongs to that one, whatever key a person gave it."""
        taken = self.taken()
        keyed: dict[str, list[Indexed]] = {}
        for page in self.side.pages:
            if page.key and page.page not in taken:
                keyed.setdefault(page.key, []).append(page)
        for key in (key for key in self.page_of if key in keyed):
            self.copies.append(self._ambiguous(key, keyed[key], "Another page is linked to this row"))
        for key in self._left():
            pages = keyed.get(key, [])
            if len(pages) > 1:
                self.instead[key] = self._ambiguous(key, pages, f"{len(pages)} pages have this key")
            elif pages:
                self.page_of[key] = pages[0]

    def _by_values(self) -> None:
        """What has no page after this is new."""
        alike = self._unkeyed()
        left = self._left()
        claims = Counter(self._features(self.rows[key].values) for key in left)
        for key in left:
            features = self._features(self.rows[key].values)
            pages = alike.get(features, [])
            if not pages:
                self.page_of[key] = None
            elif len(pages) == 1 and claims[features] == 1:
                self.page_of[key] = pages[0]
            else:
                count = f"{counted(len(pages), 'page')} and {counted(claims[features], 'row')}"
                said = f"{count} have the same {', '.join(self.side.table.match)}"
                self.instead[key] = self._ambiguous(key, pages, said)

    def _refuse_new(self) -> None:
        """A row that Notion would refuse gets no page, so nothing can refer to it."""
        for key in [key for key, page in self.page_of.items() if page is None]:
            try:
                row = self.rows[key]
                reason = self.side.refuse(row_values(self.side.table, row, self.side.key_type), body=row.body)
            except Unfit as error:
                reason = f"{self.side.table.key.property}: {error}."
            if reason is not None:
                del self.page_of[key]
                self.instead[key] = Action(ActionKind.FAIL, self.side.table.name, key, reason=reason)

    def _unkeyed(self) -> dict[tuple[object, ...], list[Indexed]]:
        alike: dict[tuple[object, ...], list[Indexed]] = {}
        taken = self.taken()
        for page in self.side.pages if self.side.table.match else ():
            features = self._features(page.values)
            # What has none of the values is like nothing in particular.
            if not page.key and page.page not in taken and any(one is not None for one in features):
                alike.setdefault(features, []).append(page)
        return alike

    def _features(self, values: Mapping[str, Value]) -> tuple[object, ...]:
        table = self.side.table
        properties = (column.property for name in table.match if (column := table.column(name)))
        return tuple(comparable(values.get(name)) for name in properties)

    def _ambiguous(self, key: str, pages: Sequence[Indexed], said: str) -> Action:
        found = tuple(sorted(page.page for page in pages))
        reason = f"{said}: give the right one the key {key}, and the others none."
        return Action(ActionKind.AMBIGUOUS, self.side.table.name, key, reason=reason, pages=found)


def _out(side: Side, row: Row, times: int) -> Action | None:
    """Why a row is not to be written at all."""
    name = side.table.name
    if not row.key:
        return Action(ActionKind.FAIL, name, row.key, reason=f"The column {side.table.key.column} is empty.")
    if times > 1:
        return Action(ActionKind.FAIL, name, row.key, reason=f"{times} rows have this key.")
    if row.excluded is not None:
        return Action(ActionKind.SKIP, name, row.key, reason=row.excluded)
    if row.problems:
        said = " ".join(f"{column}: {problem}." for column, problem in sorted(row.problems.items()))
        return Action(ActionKind.FAIL, name, row.key, reason=said)
    return None
