"""One row: decided and written until nothing is left to do, so that it can be left at any point and taken up again.

    remember what is meant ─▶ write Notion ─▶ remember ─▶ write the database ─▶ remember

What both sides show is remembered the moment it is known, and only as far as it is: what a person edits between two of these steps
differs from what was remembered, and is found by the next look.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, TypeAlias

from syncline.core.errors import Skip
from syncline.core.mapped_values import Value
from syncline.core.mapping import DeletePolicy, Row
from syncline.core.pair import ROW, Act, Agreed, Clash, Merged, Version, forms
from syncline.mapping.twoway_pairs import Item
from syncline.mapping.twoway_sides import PageState
from syncline.mapping.twoway_table import Table
from syncline.store.agreed import Known, Standing
from syncline.store.conflicts import Raised

__all__ = ["Result", "settle_row"]

_FRESH: Final = timedelta(seconds=5)
"""How long ago a page may have been read that is written without another look: Notion has no write under a condition."""

_ROUNDS: Final = 8
"""So often a row is looked at again because it moved meanwhile, before that waits for the next run."""


@dataclass
class Result:
    """What became of a row: the acts that were done, in order, how often each side was written, why it failed."""

    key: str
    acts: list[Act] = field(default_factory=list)
    pages_written: int = 0
    rows_written: int = 0
    waits: tuple[str, ...] = ()
    """The properties of which a person has to decide; ROW for the row as a whole."""
    failed: str | None = None


async def settle_row(table: Table, item: Item) -> tuple[Result, Item | None]:
    """Bring one row to where both sides agree, as far as the table's policies say; None for one that is gone.

    Raises errors that end the run; what a side refuses ends this row alone and is in the result.
    """
    made = _Settling(table, Result(item.key))
    left: Item | None = item
    try:
        left = await made.run(item)
    except Skip as error:
        made.result.failed = str(error)
    return made.result, left


Step: TypeAlias = Callable[["_Settling", Item, Merged], Awaitable[Item | None]]


@dataclass
class _Settling:
    table: Table
    result: Result
    looked: bool = False
    noted: dict[tuple[str, str], str] = field(default_factory=dict)
    """The ids of clashes that are written down, by property and values."""

    async def run(self, item: Item) -> Item | None:
        for _ in range(_ROUNDS):
            merged = self.table.merge(item)
            waits = [clash for clash in merged.clashes if clash.winner is None]
            await self.note(item, merged.clashes)
            step = _STEPS.get(merged.act)
            if self.writes_notion(merged) and not self.looked:
                self.looked, known = True, item
                item = await self.look_again(item)
                if item is not known:
                    continue
            if step is None:
                self.result.waits = tuple(clash.property for clash in waits)
                await self.end(item, waits)
                return item
            following = await step(self, item, merged)
            self.result.acts.append(merged.act)
            if following is None:
                await self.end(item, ())
                return None
            item = following
            self.result.key = item.key
        raise Skip("the row kept changing while it was merged; the next run looks again")

    def writes_notion(self, merged: Merged) -> bool:
        """Whether a page that is there is going to be written."""
        return merged.act in {Act.TRASH_PAGE, Act.FLAG_PAGE} or (
            merged.act is Act.UPDATE and bool(merged.to_notion)
        )

    async def look_again(self, item: Item) -> Item:
        """The row with its page as it is now, if that was read a while ago and somebody has edited it since."""
        assert item.page is not None
        if self.table.now() - self.table.read_at <= _FRESH:
            return item
        page = await self.table.pages.one(item.page.page)
        same = page.presence is item.presence and not self.was_edited(item.page, page)
        return item if same else replace(item, page=page)

    def was_edited(self, before: PageState, after: PageState, *, beside: str = "") -> bool:
        """Whether a page shows other values than before, but for the property `beside`."""
        one, other = (_shown(self.table.page_version(state)) for state in (before, after))
        left_out = one.unreadable | other.unreadable | {beside}
        fields = [each for each in self.table.fields if each.name not in left_out]
        return forms(fields, one.values) != forms(fields, other.values)

    # What is written down.

    async def note(self, item: Item, clashes: Sequence[Clash]) -> None:
        new = [clash for clash in clashes if _name(clash) not in self.noted]
        if not new:
            return
        kinds = {each.name: each.kind for each in self.table.fields} | {ROW: ""}
        page = None if item.page is None else item.page.page
        raised = [Raised(item.key, clash, kinds[clash.property], page) for clash in new]
        ids = await self.table.memory.note(raised)
        self.noted |= {_name(clash): one for clash, one in zip(new, ids, strict=True)}

    async def end(self, item: Item, waits: Sequence[Clash]) -> None:
        """End what waited for this row, but for what still does."""
        if item.key not in self.table.waiting and not self.noted:
            return
        met = [self.noted[_name(clash)] for clash in waits]
        await self.table.memory.end(item.key, met=met, done=self.noted.values())

    async def remember(self, known: Known) -> Known:
        await self.table.memory.remember(known)
        return known

    async def forget(self, item: Item) -> None:
        await self.table.memory.forget([item.key])
        self.table.places.remove(self.table.place.table, item.key)

    # What is done.

    async def update(self, item: Item, merged: Merged, *, restore: bool = False) -> Item:
        """Both sides have the row."""
        table = self.table
        row, page = item.row, item.page
        assert row is not None
        assert page is not None
        seen, shown = table.row_version(row), _shown(table.page_version(page))
        known = item.known or Known(item.key, page.page, Agreed())
        to_notion = {**merged.to_notion, **self.unflagged(known)}
        if to_notion or restore:
            page = await table.pages.update(page.page, to_notion, restore=restore)
            self.result.pages_written += 1
        answered = _shown(table.page_version(page))
        # What both are to be given is agreed only when both have it.
        sent = frozenset(merged.to_notion) - frozenset(merged.to_database)
        known = table.agree(known, frozenset(merged.settled), row=seen, page=shown, page_id=page.page)
        known = await self.remember(table.agree(known, sent, row=seen, page=answered, page_id=page.page))
        if not merged.to_database:
            return self.both(item, known, row, page)
        changed = await table.rows.update(row, merged.to_database)
        if changed is None:
            return await self.seen_again(replace(item, known=known, page=page))
        self.result.rows_written += 1
        took = Version(
            {name: self.taken(name, merged, shown, answered) for name in merged.to_database},
        )
        names = frozenset(merged.to_database)
        known = table.agree(known, names, row=table.row_version(changed), page=took, page_id=page.page)
        return self.both(item, await self.remember(known), changed, page)

    def taken(self, name: str, merged: Merged, shown: Version, answered: Version) -> Value:
        """What Notion holds of a property that went to the database."""
        return (answered if name in merged.to_notion else shown).values.get(name)

    def unflagged(self, known: Known) -> Mapping[str, Value]:
        """The mark of a deletion is taken back from a row that is there again."""
        deletes = self.table.mapped.deletes
        back = known.standing is Standing.DETACHED and deletes.policy is DeletePolicy.FLAG
        return {deletes.flag: False} if back else {}

    async def restore(self, item: Item, merged: Merged) -> Item:
        return await self.update(item, merged, restore=True)

    async def create_page(self, item: Item, merged: Merged) -> Item:
        row = item.row
        assert row is not None
        meant = forms(self.table.fields, merged.to_notion)
        await self.remember(Known(item.key, None, Agreed(meant, meant), Standing.CREATING))
        page = await self.table.pages.create(item.key, merged.to_notion)
        self.result.pages_written += 1
        names = frozenset(merged.to_notion)
        known = self.table.agree(
            Known(item.key, page.page, Agreed()),
            names,
            row=self.table.row_version(row),
            page=_shown(self.table.page_version(page)),
            page_id=page.page,
        )
        return self.both(item, await self.remember(known), row, page)

    async def create_row(self, item: Item, merged: Merged) -> Item | None:
        page, table = item.page, self.table
        assert page is not None
        key = item.key or await table.rows.reserve(page.page, taken=table.keys)
        table.keys.add(key)
        meant = forms(table.fields, merged.to_database)
        known = await self.remember(Known(key, page.page, Agreed(meant, meant), Standing.ADOPTING))
        row = await table.rows.insert(key, merged.to_database)
        if row is None:
            # Somebody else's row has got the key since.
            await self.forget(replace(item, key=key))
            return await self.seen_again(replace(item, known=None)) if item.key else item
        self.result.rows_written += 1
        names = frozenset(merged.to_database)
        known = table.agree(
            Known(key, page.page, Agreed()),
            names,
            row=table.row_version(row),
            page=_shown(table.page_version(page)),
            page_id=page.page,
        )
        return self.both(replace(item, key=key), await self.remember(known), row, page)

    async def trash_page(self, item: Item, _merged: Merged) -> Item | None:
        assert item.page is not None
        page = await self.table.pages.trash(item.page.page)
        self.result.pages_written += 1
        if self.was_edited(item.page, page):
            # Somebody edited it after it was read, and an edit outlives a deletion: the next look decides anew.
            return replace(item, page=await self.table.pages.update(page.page, {}, restore=True))
        await self.forget(item)
        return None

    async def flag_page(self, item: Item, _merged: Merged) -> Item:
        assert item.page is not None
        flag = self.table.mapped.deletes.flag
        page = await self.table.pages.flag(item.page.page, flag)
        self.result.pages_written += 1
        if self.was_edited(item.page, page, beside=flag):
            return replace(item, page=await self.table.pages.update(page.page, {flag: False}))
        return await self.detach(replace(item, page=page), _merged)

    async def delete_row(self, item: Item, _merged: Merged) -> Item | None:
        assert item.row is not None
        if not await self.table.rows.delete(item.row):
            return await self.seen_again(item)
        self.result.rows_written += 1
        await self.forget(item)
        return None

    async def detach(self, item: Item, _merged: Merged) -> Item:
        assert item.known is not None
        known = await self.remember(replace(item.known, standing=Standing.DETACHED))
        self.table.places.remove(self.table.place.table, item.key)
        return replace(item, known=known)

    async def drop(self, item: Item, _merged: Merged) -> None:
        await self.forget(item)

    async def seen_again(self, item: Item) -> Item:
        """The row moved under our hands: as it is now."""
        rows = await self.table.rows.read([item.key])
        return replace(item, row=rows.get(item.key))

    def both(self, item: Item, known: Known, row: Row, page: PageState) -> Item:
        done = replace(item, known=known, row=row, page=page, suspect=False)
        self.table.settle_place(done)
        return done


def _shown(version: Version | None) -> Version:
    return version or Version({})


def _name(clash: Clash) -> tuple[str, str]:
    return clash.property, repr((clash.database, clash.notion))


_STEPS: Final[Mapping[Act, Step]] = {
    Act.UPDATE: _Settling.update,
    Act.RESTORE_PAGE: _Settling.restore,
    Act.CREATE_PAGE: _Settling.create_page,
    Act.CREATE_ROW: _Settling.create_row,
    Act.TRASH_PAGE: _Settling.trash_page,
    Act.FLAG_PAGE: _Settling.flag_page,
    Act.DELETE_ROW: _Settling.delete_row,
    Act.DETACH: _Settling.detach,
    Act.FORGET: _Settling.drop,
}
"""What each act does. What is missing ends the row: nothing is to be done, or a person has to decide."""
