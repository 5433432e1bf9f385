"""Which row is which page: by what is remembered, by the key, at last by the values the mapping names. Nobody guesses.

known ── its page is there ──────────────▶ item
      ── it is not, one other has its key ▶ item with that page (somebody made it anew, or died making it)
a page with a key ── no row or one ──────▶ item
a page without ── one row is like it ────▶ item; none ▶ item without a key; several ▶ ambiguous
a row that is left ──────────────────────▶ item without a page
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from syncline.core.canonical import canonical
from syncline.core.mapped_values import Value
from syncline.core.mapping import MappedTable, Row
from syncline.core.pair import Field, Presence, forms
from syncline.mapping.twoway_sides import PageState
from syncline.store.agreed import Known, Standing

__all__ = ["Ambiguous", "Item", "Paired", "pair_up"]


@dataclass(frozen=True, slots=True)
class Item:
    """One row on both sides, as far as it is there. `key` is empty for a page whose row has yet to get one.

    `suspect`: its page is not in the index, so it has to be asked for.
    """

    key: str
    known: Known | None
    row: Row | None
    page: PageState | None
    suspect: bool = False

    @property
    def presence(self) -> Presence:
        """How the page is there."""
        return Presence.ABSENT if self.page is None else self.page.presence


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """What fits several: the pages, and the row's key where there is one, left alone."""

    key: str | None
    pages: tuple[str, ...]
    reason: str


@dataclass(slots=True)
class Paired:
    """Every row and page once: as an item, ambiguous, or left out with the reason."""

    items: list[Item] = field(default_factory=list)
    ambiguous: list[Ambiguous] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def pair_up(
    table: MappedTable,
    fields: Sequence[Field],
    known: Mapping[str, Known],
    *,
    rows: Mapping[str, Row],
    index: Iterable[PageState],
) -> Paired:
    """Pair rows and pages; in the order of their keys, then of their pages."""
    return _Pairing(table, tuple(fields), dict(known), dict(rows), {page.page: page for page in index}).run()


@dataclass
class _Pairing:
    table: MappedTable
    fields: tuple[Field, ...]
    known: dict[str, Known]
    rows: dict[str, Row]
    index: dict[str, PageState]
    made: Paired = field(default_factory=Paired)

    def run(self) -> Paired:
        self._drop_strangers()
        self._leave_out()
        linked = {one.page for one in self.known.values()}
        free = [page for name, page in sorted(self.index.items()) if name not in linked]
        by_key: defaultdict[str, list[PageState]] = defaultdict(list)
        for page in free:
            if page.key is not None:
                by_key[page.key].append(page)
        for key, one in sorted(self.known.items()):
            self._known(one, by_key.get(key, []))
        for key, pages in sorted(by_key.items()):
            if key not in self.known and key not in self.made.skipped:
                self._keyed(key, pages)
        self._keyless([page for page in free if page.key is None])
        for key, row in sorted(self.rows.items()):
            self.made.items.append(Item(key, None, row, None))
        return self.made

    def _drop_strangers(self) -> None:
        """Rows that died while being made, and keys reserved for a page that somebody else's row has got since."""
        for key, one in list(self.known.items()):
            if one.standing is Standing.ADOPTING and not self._was_made(one):
                del self.known[key]

    def _was_made(self, one: Known) -> bool:
        row, page = self.rows.get(one.key), self.index.get(one.page or "")
        if row is None:
            return False
        meant = {name: form for name, form in one.agreed.database.items() if name in self._names()}
        return (page is not None and page.key == one.key) or forms(self._shared(), row.values) == meant

    def _shared(self) -> tuple[Field, ...]:
        """The fields that a row shows itself, without a key that only the page shows."""
        return tuple(each for each in self.fields if self.table.of_property(each.name) is not None)

    def _names(self) -> set[str]:
        return {each.name for each in self._shared()}

    def _leave_out(self) -> None:
        for key, row in list(self.rows.items()):
            if row.excluded is not None:
                self.made.skipped[key] = row.excluded
                self.rows.pop(key)
                self.known.pop(key, None)

    def _known(self, one: Known, twins: Sequence[PageState]) -> None:
        page = self.index.get(one.page or "")
        row = self.rows.pop(one.key, None)
        if page is not None:
            self.made.items.append(Item(one.key, one, row, page))
            self._copies(one.key, twins)
        elif len(twins) == 1:
            # Not linked before that is remembered, unless its row had been let go.
            standing = Standing.CREATING if one.standing is Standing.LINKED else one.standing
            taken = replace(one, page=twins[0].page, standing=standing)
            self.made.items.append(Item(one.key, taken, row, twins[0]))
        elif twins:
            self._copies(one.key, twins)
        elif one.page is None:
            # Somebody died before the page was made, or before it was seen; without the row nobody wants it any more.
            self.made.items.append(Item(one.key, one, row, None, suspect=row is not None))
        else:
            suspect = one.standing is not Standing.DETACHED
            self.made.items.append(Item(one.key, one, row, None, suspect=suspect))

    def _copies(self, key: str, pages: Sequence[PageState]) -> None:
        if pages:
            names = tuple(page.page for page in pages)
            self.made.ambiguous.append(Ambiguous(key, names, f"several pages have the key {key}"))

    def _keyed(self, key: str, pages: Sequence[PageState]) -> None:
        if len(pages) > 1:
            self.rows.pop(key, None)
            self._copies(key, pages)
            return
        self.made.items.append(Item(key, None, self.rows.pop(key, None), pages[0]))

    # Pages without a key.

    def _keyless(self, pages: Iterable[PageState]) -> None:
        rows, alike = self._alike(self.rows.values()), self._alike(pages)
        for page in pages:
            if not self._values(page):
                self.made.skipped[page.page] = "the page is empty"
                continue
            mine = self._likeness(self._values(page))
            candidates = rows.get(mine, []) if mine else []
            if not candidates:
                self.made.items.append(Item("", None, None, page))
            elif len(candidates) == len(alike[mine]) == 1:
                row = candidates[0]
                self.made.items.append(Item(row.key, None, self.rows.pop(row.key), page))
            else:
                self._unclear(page, candidates)

    def _unclear(self, page: PageState, rows: Sequence[Row]) -> None:
        names = ", ".join(self.table.match)
        reason = f"the page could be several rows, or the row several pages, by {names}"
        for row in rows:
            self.rows.pop(row.key, None)
        self.made.ambiguous.append(Ambiguous(rows[0].key, (page.page,), reason))

    def _alike(self, sides: Iterable[Row | PageState]) -> dict[tuple[str, ...], list[Row]]:
        found: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
        for side in sides:
            likeness = self._likeness(self._values(side))
            if likeness:
                found[likeness].append(side)  # type: ignore[arg-type]  # pages are only counted
        return found

    def _values(self, side: Row | PageState) -> Mapping[str, Value]:
        values = side.values if isinstance(side, Row) else side.version.values if side.version else {}
        return {name: value for name, value in values.items() if value not in (None, "", (), False)}

    def _likeness(self, values: Mapping[str, Value]) -> tuple[str, ...]:
        """What a row and a page have in common; nothing where one of the named values is missing."""
        columns = [column for name in self.table.match if (column := self.table.column(name)) is not None]
        known = [repr(canonical(each.type, values.get(each.property))) for each in columns]
        return tuple(known) if all(values.get(each.property) is not None for each in columns) else ()
