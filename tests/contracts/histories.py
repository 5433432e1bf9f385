"""Random histories of a workspace, for tests of convergence.

A history is a list of small numbers that `History` takes as deeds: adding, renaming, moving, deleting,
bringing back, editing pages, rows and the schemas of data sources. Each deed gives the change that the store would hand out.
Few names and few ids make collisions, swaps and circles frequent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st
from tests.factories import (
    block,
    child_page,
    data_source,
    database,
    deleted,
    document,
    mention,
    page,
    prop,
    text,
    uid,
    user,
    value,
)

from syncline.core.model import Change, StoredRecord

__all__ = ["Deeds", "History", "batches", "deeds"]

Deeds = Sequence[tuple[int, int, int, int]]

deeds: st.SearchStrategy[list[tuple[int, int, int, int]]] = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(0, 9), st.integers(0, 9)),
    min_size=1,
    max_size=25,
)
"""Up to 25 deeds: what, to which of six records, and two numbers more."""

TITLES = ("Plan", "plan", "", "pages", "U\u0308ber", "Über", "a/b", "CON", "Plan.md", "x" * 130)
PROPERTIES = ("Due", "due", "Order", "", "Due end", "page_id", "名前", "2024", "Due", "Ref")
TYPES: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("number", (1, 0.1, None)),
    ("rich_text", (text("hello"), [], text("a | b\0"))),
    (
        "date",
        ({"start": "2026-07-01"}, {"start": "2026-07-01T09:00:00.000+02:00", "end": "2026-07-02"}, None),
    ),
    ("relation", ([{"id": uid("page 0")}, {"id": uid("page 1")}], [], [{"id": uid("nowhere")}])),
    ("people", ([{"object": "user", "id": uid("user 0"), "name": "A"}], [])),
    ("multi_select", ([{"name": "red"}, {"name": "blue"}], [])),
    (
        "formula",
        (
            {"type": "number", "number": 2},
            {"type": "string", "string": "two"},
            {"type": "date", "date": {"start": "2026-01-01"}},
            {"type": "boolean", "boolean": None},
        ),
    ),
    (
        "rollup",
        (
            {"type": "array", "array": [{"type": "number", "number": 1}]},
            {"type": "number", "number": 3, "function": "sum"},
        ),
    ),
    ("checkbox", (True, False)),
    ("novelty", ({"new": 1}, None)),
)


@dataclass(frozen=True)
class Source:
    title: str
    properties: tuple[tuple[str, str, int], ...] = ()
    """(id, name, index of the type)"""


class History:
    """The changes that `deeds` make, in order."""

    def __init__(self, deeds: Deeds) -> None:
        self.changes: list[Change] = []
        self.pages: dict[str, StoredRecord] = {}
        self.sources: dict[str, Source] = {}
        self.begin()
        for what, which, one, two in deeds:
            _DEEDS[what](self, which, one, two)

    def begin(self) -> None:
        """A workspace that has something to lose: two data sources with rows."""
        self.sources[uid("source 0")] = Source(
            "Plan", (("p00", "Due", 0), ("p01", "Order", 6), ("p30", "Ref", 3))
        )
        self.sources[uid("source 1")] = Source(
            "plan", (("p10", "Due", 2), ("p11", "due", 7), ("p40", "Due end", 1))
        )
        for key in list(self.sources):
            self.add_source(key)
        for which in range(4):
            self.write_page(which, which, which % 2)

    @property
    def final(self) -> list[Change]:
        """The latest change of each record, in order."""
        latest = {(change.record.kind, change.record.key): change for change in self.changes}
        return sorted(latest.values(), key=lambda change: change.record.seq)

    def add(self, record: StoredRecord, content: Any = None) -> None:
        numbered = replace(record, seq=len(self.changes) + 1)
        self.changes.append(Change(numbered, content))

    def write_page(self, which: int, one: int, two: int) -> None:
        """A page or row, new or edited: at the root, below another page, or in a data source."""
        key = uid(f"page {which}")
        title, source = TITLES[one], uid(f"source {two % 3}")
        if two < 5:
            record = page(key, title, row_of=source, properties=self.values(source, one + two))
        else:
            record = page(key, title, parent=uid(f"page {two - 5}") if two < 9 else None)
        self.pages[key] = record
        blocks = [
            block(f"{title} {two}"),
            block("m", "paragraph", {"rich_text": [mention(uid(f"page {one % 6}"), "there")]}),
            child_page(uid(f"page {two % 6}"), "below"),
            block("l", "link_to_page", {"type": "database_id", "database_id": uid(f"database of {source}")}),
        ]
        self.add(record, document(key, blocks) if one % 3 else None)

    def values(self, source: str, number: int) -> dict[str, Any]:
        held = self.sources.get(source, Source(""))
        return {
            name: value(key, TYPES[kind][0], TYPES[kind][1][number % len(TYPES[kind][1])])
            for key, name, kind in held.properties
        }

    def rename_page(self, which: int, one: int, two: int) -> None:
        key = uid(f"page {which}")
        if key in self.pages:
            held = self.pages[key]
            properties = {**held.data["properties"], "Name": value("title", "title", text(TITLES[one]))}
            self.pages[key] = replace(held, title=TITLES[one], data={**held.data, "properties": properties})
            self.add(self.pages[key], document(key, [block("renamed")]) if two % 2 else None)

    def delete_page(self, which: int, _one: int, _two: int) -> None:
        key = uid(f"page {which}")
        if key in self.pages:
            self.add(deleted(self.pages[key]))

    def restore_page(self, which: int, _one: int, _two: int) -> None:
        key = uid(f"page {which}")
        if key in self.pages:
            self.add(self.pages[key])

    def write_source(self, which: int, one: int, two: int) -> None:
        """A data source, new or renamed."""
        key = uid(f"source {which % 3}")
        held = self.sources.get(key, Source(""))
        self.sources[key] = replace(held, title=TITLES[one])
        self.add_source(key, parent=uid(f"page {two}") if two < 6 else None)

    def add_source(self, key: str, *, parent: str | None = None) -> None:
        held = self.sources[key]
        properties = {name: prop(identity, TYPES[kind][0]) for identity, name, kind in held.properties}
        self.add(data_source(key, held.title, parent=parent, properties=properties))

    def edit_schema(self, which: int, one: int, two: int) -> None:
        """A property added, renamed or given another type. Names are unique within a data source."""
        key = uid(f"source {which % 3}")
        if key not in self.sources:
            return
        identity, name = f"p{which}{two % 2}", PROPERTIES[one]
        others = tuple(
            entry for entry in self.sources[key].properties if entry[0] != identity and entry[1] != name
        )
        self.sources[key] = replace(self.sources[key], properties=(*others, (identity, name, two)))
        self.add_source(key)

    def drop_property(self, which: int, one: int, _two: int) -> None:
        key = uid(f"source {which % 3}")
        held = self.sources.get(key)
        if held and held.properties:
            dropped = held.properties[one % len(held.properties)]
            rest = tuple(entry for entry in held.properties if entry != dropped)
            self.sources[key] = replace(held, properties=rest)
            self.add_source(key)

    def swap_names(self, which: int, _one: int, _two: int) -> None:
        key = uid(f"source {which % 3}")
        held = self.sources.get(key)
        if held and len(held.properties) > 1:
            (a, first, x), (b, second, y), *rest = held.properties
            self.sources[key] = replace(held, properties=((a, second, x), (b, first, y), *rest))
            self.add_source(key)

    def delete_source(self, which: int, _one: int, _two: int) -> None:
        key = uid(f"source {which % 3}")
        if key in self.sources:
            self.add(deleted(data_source(key, self.sources[key].title)))

    def write_others(self, which: int, one: int, two: int) -> None:
        """The database of a data source, or a person."""
        if two % 2:
            self.add(user(uid(f"user {which % 2}"), TITLES[one]))
        else:
            parent = uid(f"page {two}") if two < 6 else None
            self.add(
                replace(
                    database(uid(f"database of {uid(f'source {which % 3}')}"), parent=parent),
                    title=TITLES[one],
                )
            )


_DEEDS: tuple[Callable[[History, int, int, int], None], ...] = (
    History.write_page,
    History.write_page,
    History.rename_page,
    History.delete_page,
    History.restore_page,
    History.write_source,
    History.edit_schema,
    History.edit_schema,
    lambda history, which, one, two: (History.drop_property if two % 2 else History.swap_names)(
        history, which, one, two
    ),
    lambda history, which, one, two: (History.delete_source if two % 3 == 0 else History.write_others)(
        history, which, one, two
    ),
)


def batches(changes: Sequence[Change], sizes: Sequence[int]) -> list[list[Change]]:
    """`changes` in batches of the given sizes, taken round and round."""
    cut: list[list[Change]] = []
    rest, number = list(changes), 0
    while rest:
        size = sizes[number % len(sizes)]
        cut.append(rest[:size])
        rest, number = rest[size:], number + 1
    return cut
