"""Notion's side of a merge: the pages of one mapped database, through the destination that a push writes them with."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from syncline.core.errors import Skip
from syncline.core.mapped_values import PropertyType, Unfit, Value, key_text
from syncline.core.mapping import MappedTable
from syncline.core.pair import Presence, Version
from syncline.core.schema import NotionSchema
from syncline.destinations.notion import NotionTable, person_ids
from syncline.destinations.property_values import payload, value
from syncline.mapping.twoway_sides import PageState, Places
from syncline.notion import errors, objects

__all__ = ["NotionPages"]

_CLOSED = frozenset({PropertyType.SELECT, PropertyType.MULTI_SELECT, PropertyType.STATUS})


@dataclass
class NotionPages:
    """The pages of one database. `kinds` has the type of each property that is read or written; `admit` is told of rows."""

    notion: NotionTable
    kinds: Mapping[str, PropertyType]
    places: Places
    admit: Callable[[Iterable[str]], None] = lambda _pages: None
    people: dict[str, str] = field(default_factory=dict)
    stale: bool = False
    """Whether a page lacked a property: the database is not what it was."""
    renew: Callable[[], Awaitable[NotionSchema]] | None = None
    """Asks for the properties anew, where they are only remembered."""
    _asked: bool = False

    @property
    def mapped(self) -> MappedTable:
        """The table whose rows they are."""
        return self.notion.table

    @property
    def schema(self) -> NotionSchema:
        """What is known of the database."""
        return self.notion.schema

    async def index(self, *, since: datetime | None = None) -> list[PageState]:
        """Every page that is there, or that was edited at `since` or later."""
        found = [self._state(page) async for pages in self.notion.index(since=since) for page in pages]
        self.admit(state.page for state in found)
        return found

    async def find(self, key: str) -> list[PageState]:
        """The pages that have this key."""
        found = [self._state(page) for page in await self.notion.find(key)]
        self.admit(state.page for state in found)
        return found

    async def one(self, page: str) -> PageState:
        """One page, wherever it is."""
        try:
            state = self._state(await self.notion.retrieve(page))
        except Skip as error:
            if isinstance(error.__cause__, errors.NotFound):
                return PageState(page, None, None, Presence.LOST)
            raise
        if state.presence is not Presence.LOST:
            self.admit([page])
        return state

    async def check(self, values: Mapping[str, Value], *, places: Places) -> None:
        """Raises Skip for values that Notion would refuse; `places` are where relations lead by then."""
        await self._sent(values, places)

    async def create(self, key: str, values: Mapping[str, Value]) -> PageState:
        """Make the page of `key`."""
        return self._state(await self.notion.create(key, await self._sent(values, self.places)))

    async def update(self, page: str, values: Mapping[str, Value], *, restore: bool = False) -> PageState:
        """Change a page, with `restore` out of the trash first."""
        sent = await self._sent(values, self.places)
        answer = await self.notion.restore(page) if restore else None
        if sent or answer is None:
            answer = await self.notion.update(page, sent)
        return self._state(answer)

    async def flag(self, page: str, name: str) -> PageState:
        """Tick the box `name` of a page whose row is gone."""
        return await self.update(page, {name: True})

    async def trash(self, page: str) -> PageState:
        """Move a page to the trash; as Notion then shows it."""
        return self._state(await self.notion.trash(page))

    def _state(self, page: Mapping[str, Any]) -> PageState:
        self.people |= person_ids(page)
        values: dict[str, Value] = {}
        # A property that is not there, since somebody renamed or removed it meanwhile, is not one that was cleared.
        unreadable = set(self.kinds.keys() - (page.get("properties") or {}).keys())
        self.stale = self.stale or bool(unreadable)
        for name, cell in (page.get("properties") or {}).items():
            if name in self.kinds:
                try:
                    values[name] = value(cell)
                except Unfit:
                    unreadable.add(name)
        own = self.mapped.key.property
        return PageState(
            str(page["id"]),
            key_text(values.get(own)),
            Version(values, objects.last_edited(page), frozenset(unreadable)),
            self._presence(page),
        )

    def _presence(self, page: Mapping[str, Any]) -> Presence:
        """A page that stands in another database, or on a page, is no row of ours any more."""
        above = objects.parent(page)
        home = {self.notion.schema.data_source, self.notion.schema.database}
        if above is None or above.id not in home:
            return Presence.LOST
        return Presence.TRASHED if objects.trashed(page) else Presence.PRESENT

    async def _sent(self, values: Mapping[str, Value], places: Places) -> dict[str, Any]:
        """Values as a request holds them. Raises Skip for one that Notion would refuse, or an option nobody has made."""
        await self._find_people(values)
        led = {each.property: each.relation or "" for each in self.mapped.relations}
        sent: dict[str, Any] = {}
        for name, given in values.items():
            kind = self.kinds[name]
            await self._check_options(name, kind, given)
            pages = places.pages.get(led.get(name, ""), {})
            try:
                sent[name] = payload(kind, given, pages=pages, people=self._known(given))
            except Unfit as error:
                raise Skip(f"{name}: {error}") from error
        return sent

    def _known(self, given: Value) -> Mapping[str, str]:
        """User ids by e-mail address; somebody whose address Notion does not show goes by the id."""
        entries = given if isinstance(given, tuple) else ()
        return self.people | {one: one for one in entries if "@" not in one}

    async def _find_people(self, values: Mapping[str, Value]) -> None:
        named = {
            one
            for name, given in values.items()
            if self.kinds[name] is PropertyType.PEOPLE and isinstance(given, tuple)
            for one in given
            if "@" in one
        }
        if named - self.people.keys() and not self._asked:
            self._asked = True
            self.people |= await self.notion.user_ids()

    async def _check_options(self, name: str, kind: PropertyType, given: Value) -> None:
        """Notion makes an option that is missing: nobody gets one by a slip of the pen."""
        column = self.mapped.of_property(name)
        if kind not in _CLOSED or column is None:
            return
        missing = self._missing(name, given)
        if missing and self.renew is not None:
            self.notion, self.renew = replace(self.notion, schema=await self.renew()), None
            missing = self._missing(name, given)
        if missing and (not column.add_options or kind is PropertyType.STATUS):
            raise Skip(
                f"The property {name} has no option {', '.join(missing)}: add it in Notion, "
                f"or let the mapping do so (add_options)."
            )

    def _missing(self, name: str, given: Value) -> list[str]:
        known = self.notion.schema.named(name)
        named = given if isinstance(given, tuple) else (given,)
        return [str(one) for one in named if one and (known is None or one not in known.options)]
