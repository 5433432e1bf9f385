"""Decides where each page and data source stands in the folder. Nothing here touches a file.

A page is ``Title.md``; what hangs below it is in the folder ``Title/``. A data source is the same: its table is the
file, its rows are in the folder. A database is no file of its own. What hangs below something we do not see stands at
the root. A name is given once and kept until its title or its folder changes.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from syncline.core.model import Kind
from syncline.destinations.folder_names import chosen, stem, taken_names

__all__ = ["Node", "Place", "arrange", "called", "sources_of"]

_DEEPEST: Final = 800
"""The longest path of a folder, in bytes. What hangs lower stands beside its parent: macOS ends a path at 1,024."""


@dataclass(frozen=True, slots=True)
class Node:
    """A live record as the layout sees it.

    `parent` is the record it hangs below, `row_of` the data source a row belongs to, `otherwise` the page to
    stand below when the parent is not known.
    """

    key: str
    kind: Kind
    title: str
    parent: str | None = None
    row_of: str | None = None
    otherwise: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands: in the folder of `container` under `name`, which was made from `title`."""

    container: str | None
    title: str
    name: str
    folder: str
    """The folder of the file, relative, ``""`` or ending in a slash."""

    @property
    def path(self) -> str:
        """The file, relative to the root, with slashes."""
        return f"{self.folder}{self.name}.md"

    @property
    def inside(self) -> str:
        """The folder for what hangs below."""
        inside = f"{self.folder}{self.name}/"
        return inside if len(inside.encode()) <= _DEEPEST else self.folder


def arrange(
    nodes: Mapping[str, Node], held: Mapping[str, Place], *, occupied: Callable[[str], bool]
) -> dict[str, Place]:
    """The place of every page and data source among `nodes`.

    `held` are the places so far. `occupied` says whether a path without ``.md`` is in use by something that is not ours.
    """
    below: dict[str | None, list[Node]] = {}
    for key, container in _containers(nodes).items():
        below.setdefault(container, []).append(nodes[key])
    arrangement = _Arrangement(nodes, held, occupied)
    waiting: list[tuple[str | None, str]] = [(None, "")]
    while waiting:
        container, folder = waiting.pop()
        members = below.get(container, [])
        arrangement.fill(container, folder, members)
        waiting.extend(
            (node.key, arrangement.places[node.key].inside) for node in members if node.key in below
        )
    return arrangement.places


class _Arrangement:
    """Places given so far, folder by folder."""

    def __init__(
        self, nodes: Mapping[str, Node], held: Mapping[str, Place], occupied: Callable[[str], bool]
    ) -> None:
        self.nodes = nodes
        self.held = held
        self.occupied = occupied
        self.places: dict[str, Place] = {}
        self.names: dict[str, set[str]] = {}

    def fill(self, container: str | None, folder: str, members: Iterable[Node]) -> None:
        """Place `members` in `folder`: first those that keep their name, then the others by id."""
        taken = self.names.setdefault(folder, set())
        arrivals = []
        for node in members:
            place = self._kept(node, container, folder)
            if place is None or not taken.isdisjoint(taken_names(place.name)):
                arrivals.append(node)
            else:
                self._settle(node, place)
        for node in sorted(arrivals, key=lambda node: node.key):
            title = called(node, self.nodes)
            self._settle(node, Place(container, title, self._free(stem(title), node.key, folder), folder))

    def _kept(self, node: Node, container: str | None, folder: str) -> Place | None:
        held, title = self.held.get(node.key), called(node, self.nodes)
        if held is None or held.container != container:
            return None
        if held.title != title and stem(held.title) != stem(title):
            return None
        if held.folder != folder and self.occupied(folder + held.name):
            return None
        return (
            held
            if (held.title, held.folder) == (title, folder)
            else Place(container, title, held.name, folder)
        )

    def _free(self, wanted: str, key: str, folder: str) -> str:
        refused = self.names[folder]
        while self.occupied(folder + (name := chosen(wanted, key, taken=refused))):
            refused = refused | taken_names(name)
        return name

    def _settle(self, node: Node, place: Place) -> None:
        self.places[node.key] = place
        self.names[place.folder] |= taken_names(place.name)


def sources_of(nodes: Iterable[Node]) -> dict[str, str]:
    """The data source that stands for each database: the one with the lowest id."""
    pairs = ((node.parent, node.key) for node in nodes if node.kind is Kind.DATA_SOURCE and node.parent)
    sources: dict[str, str] = {}
    for database, key in pairs:
        sources[database] = min(key, sources.get(database, key))
    return sources


def called(node: Node, nodes: Mapping[str, Node]) -> str:
    """The title of a node; a data source without one has that of its database."""
    database = nodes.get(node.parent or "") if node.kind is Kind.DATA_SOURCE else None
    return node.title or (database.title if database else "")


def _containers(nodes: Mapping[str, Node]) -> dict[str, str | None]:
    """The page or data source in whose folder each page and data source stands."""
    containers = {key: _container(node, nodes) for key, node in nodes.items() if node.kind in _FILES}
    whole: set[str] = set()
    for key in sorted(containers):
        _cut_circle(key, containers, whole)
    return containers


_FILES = frozenset({Kind.PAGE, Kind.DATA_SOURCE})


def _container(node: Node, nodes: Mapping[str, Node]) -> str | None:
    for start in (node.row_of, node.parent, node.otherwise):
        seen: set[str] = set()
        key = start
        while key is not None and key in nodes and key not in seen:
            seen.add(key)
            if nodes[key].kind in _FILES:
                return key if key != node.key else None
            key = nodes[key].parent
    return None


def _cut_circle(start: str, containers: dict[str, str | None], whole: set[str]) -> None:
    """Put the lowest id of a circle at the root, should the way up from `start` lead into one."""
    way: list[str] = []
    key: str | None = start
    while key is not None and key not in whole:
        if key in way:
            containers[min(way[way.index(key) :])] = None
            break
        way.append(key)
        key = containers[key]
    whole |= set(way)
