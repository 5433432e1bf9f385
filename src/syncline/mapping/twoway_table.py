"""One table of a merge: what its rows are compared by, and how each row looks on both sides."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from syncline.core.errors import BadInput
from syncline.core.mapped_values import READ_ONLY, PropertyType, Unfit, Value, from_column, from_json
from syncline.core.mapping import PAGE_ID, MappedColumn, MappedTable, Row
from syncline.core.merge import merge_row
from syncline.core.pair import Agreed, Decision, Field, Flow, Merged, Pair, Presence, Rules, Version, forms
from syncline.mapping.twoway_memory import Memory
from syncline.mapping.twoway_pairs import Item
from syncline.mapping.twoway_sides import Pages, PageState, Places, Rows
from syncline.store.agreed import Known, Standing
from syncline.store.links import Place

__all__ = ["Table", "fields_of"]


def fields_of(
    table: MappedTable, key_type: PropertyType, *, computed: frozenset[str] = frozenset()
) -> tuple[Field, ...]:
    """What a table is merged by. `computed` are columns that the database fills. Raises BadInput for a key nobody can write."""
    key = table.key.property
    if key == PAGE_ID or key_type in READ_ONLY:
        raise BadInput(
            f"The table {table.name} goes both ways, so its key needs a property that can be written: "
            f"give it a text property in the place of {'the id of the page' if key == PAGE_ID else key}."
        )
    fields = [Field(each.property, each.type.value, _flow(each, computed)) for each in table.columns]
    own = Field(key, key_type.value, Flow.TO_NOTION)
    return (*(each for each in fields if each.name != key), own)


def _flow(each: MappedColumn, computed: frozenset[str]) -> Flow:
    if each.type in READ_ONLY:
        return Flow.TO_DATABASE
    return Flow.TO_NOTION if each.column in computed else Flow.BOTH


@dataclass
class Table:
    """One table that goes both ways. `places` says which page is which row, of all tables."""

    place: Place
    mapped: MappedTable
    key_type: PropertyType
    fields: tuple[Field, ...]
    rows: Rows
    pages: Pages
    memory: Memory
    now: Callable[[], datetime]
    read_at: datetime
    """When its pages were read, by our clock."""
    began: datetime
    """A time that no edit which was not read is before, by Notion's clock."""
    places: Places = field(default_factory=Places)
    decisions: Mapping[str, Mapping[str, Decision]] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()
    keys: set[str] = field(default_factory=set)
    """Every key that is remembered, or that a page has."""

    @property
    def rules(self) -> Rules:
        """Who is right, and what becomes of deletions."""
        return Rules(self.mapped.conflicts, self.mapped.deletes.policy)

    def merge(self, item: Item) -> Merged:
        """What is to be done with a row."""
        known = item.known
        pair = Pair(
            item.key,
            agreed=known.agreed if known is not None else None,
            database=None if item.row is None else self.row_version(item.row),
            notion=None if item.page is None else self.page_version(item.page),
            page=item.presence,
            detached=known is not None and known.standing is Standing.DETACHED,
            loose=known is not None and known.standing in {Standing.CREATING, Standing.ADOPTING},
        )
        return merge_row(pair, self.fields, self.rules, decisions=self.decisions.get(item.key))

    def row_version(self, row: Row) -> Version:
        """A row's values, with its key where its property is not a column's."""
        values, unreadable = dict(row.values), set(row.problems)
        try:
            values[self.mapped.key.property] = from_column(self.key_type, row.key)
        except Unfit:
            unreadable.add(self.mapped.key.property)
        for each in self.mapped.relations:
            if self._lost(each, values.get(each.property), self.places.pages):
                unreadable.add(each.property)
        return Version(values, row.changed_at, frozenset(unreadable))

    def page_version(self, page: PageState) -> Version | None:
        """A page's values, relations as keys."""
        shown = page.version
        if shown is None:
            return None
        values, unreadable = dict(shown.values), set(shown.unreadable)
        for each in self.mapped.relations:
            value = values.get(each.property)
            if self._led_nowhere(each, page):
                unreadable.add(each.property)
            elif isinstance(value, tuple) and not page.presumed:
                keys = self.places.keys.get(each.relation or "", {})
                values[each.property] = tuple(keys[one] for one in value)
        return Version(values, shown.changed_at, frozenset(unreadable))

    def unresolved(self, item: Item) -> tuple[str, ...]:
        """The relations that lead, on either side, to a row or page which has no other side yet."""
        row = {} if item.row is None else item.row.values
        return tuple(
            each.property
            for each in self.mapped.relations
            if self._lost(each, row.get(each.property), self.places.pages)
            or (item.page is not None and self._led_nowhere(each, item.page))
        )

    def _led_nowhere(self, each: MappedColumn, page: PageState) -> bool:
        shown = {} if page.version is None or page.presumed else page.version.values
        return self._lost(each, shown.get(each.property), self.places.keys)

    def _lost(self, each: MappedColumn, value: Value, known: Mapping[str, Mapping[str, str]]) -> bool:
        if value is None:
            return False
        there = known.get(each.relation or "", {})
        return any(one not in there for one in (value if isinstance(value, tuple) else (str(value),)))

    def agree(
        self, known: Known, names: frozenset[str], *, row: Version, page: Version, page_id: str
    ) -> Known:
        """`known`, with the properties `names` as both sides show them."""
        some = [each for each in self.fields if each.name in names]

        def renewed(past: Mapping[str, object], now: Version) -> dict[str, object]:
            kept = {name: form for name, form in past.items() if name not in names}
            return kept | forms(some, now.values)

        agreed = Agreed(renewed(known.agreed.database, row), renewed(known.agreed.notion, page))
        return Known(known.key, page_id, agreed)

    def presumed(self, known: Known) -> PageState:
        """The page of a row as it was when both sides agreed."""
        values = {name: from_json(form) for name, form in known.agreed.notion.items()}
        assert known.page is not None, "only what is linked is presumed"
        return PageState(known.page, known.key, Version(values), presumed=True)

    def settle_place(self, item: Item) -> None:
        """Let relations lead to a row that both sides have, and to no other."""
        if item.row is not None and item.page is not None and item.presence is Presence.PRESENT:
            self.places.add(self.place.table, item.key, item.page.page)
        else:
            self.places.remove(self.place.table, item.key)
