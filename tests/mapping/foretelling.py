"""Whether a merge does what its plan says and nothing else: both sides, as the plan has them afterwards, are what the merge makes of them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tests.mapping.merging import NAME, Merging

from syncline.core.plan import Action, ActionKind, Plan
from syncline.core.report import COUNTS, Report, planned_report
from syncline.mapping.rehearsal import rehearsed

NOTHING = Plan(NAME, "", (), (), {})
K = ActionKind


async def planned(merging: Merging) -> Plan:
    """What a merge would do now. It writes nothing."""
    merging.emulator.requests.clear()
    async with merging.opened() as merge:
        await merge.read()
        plan = await rehearsed(merge, NOTHING)
    assert merging.writes() == 0
    return plan


async def merge_as_planned(merging: Merging) -> tuple[Plan, Report]:
    """Plan, merge, and compare; the plan and the report."""
    plan = await planned(merging)
    rows, pages = shown_rows(merging), await shown_pages(merging)
    report = await merging.merge()
    meant = planned_report(plan)
    assert told(meant) == told(report), (told(meant), told(report))
    after_rows, after_pages = shown_rows(merging), await shown_pages(merging)
    done = _Done(rows, pages, after_rows, after_pages)
    for action in plan.actions:
        done.do(action)
    assert done.rows == after_rows, (done.rows, after_rows)
    assert done.pages == after_pages, (done.pages, after_pages)
    sent = [one for one in plan.actions if one.kind in {K.CREATE, K.UPDATE, K.FLAG, K.TRASH}]
    least = len(sent) + sum(one.kind is K.INSERT and not one.key for one in plan.actions)
    most = least + sum(bool(one.later) or one.reason == "Back from the trash." for one in sent)
    assert least <= merging.writes() <= most + _after_flags(plan)
    return plan, report


def _after_flags(plan: Plan) -> int:
    """An update of a page that is flagged then is one request more."""
    return sum(one.kind is K.FLAG and len(one.changes) > 1 for one in plan.actions)


def told(report: Report) -> dict[str, Any]:
    """What a report says, but for requests and seconds and the keys that were given meanwhile."""
    tallies = {
        name: {count: asdict(tally)[count] for count in COUNTS} for name, tally in report.tables.items()
    }
    return {"tables": tallies, "found": sorted((one.what, one.reason) for one in report.findings)}


def shown_rows(merging: Merging) -> dict[str, dict[str, Any]]:
    """The rows by key, by property."""
    names = {each.column: each.property for each in merging.columns}
    return {
        str(key): _full(
            {names[column]: _held(column, value) for column, value in row.items() if column in names}
        )
        for key, row in merging.rows().items()
    }


def _held(column: str, value: Any) -> Any:
    """Lists as lists."""
    if column == "parent" and value is not None:
        return (value,)
    return json.loads(value) if column == "tags" and str(value).startswith("[") else value


async def shown_pages(merging: Merging) -> dict[str, dict[str, Any]]:
    """The pages by id."""
    names = {each.property for each in merging.columns} | {"External ID", merging.deletes.flag}
    return {
        page: _full({name: value for name, value in shown.items() if name in names})
        for page, shown in (await merging.pages()).items()
    }


def _full(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are not empty, each in the form that either side shows."""
    return {name: plain for name, value in values.items() if (plain := _plain(value)) is not None}


def _plain(value: Any) -> Any:
    """One form for what either side shows."""
    if isinstance(value, (list, tuple)):
        return tuple(sorted(str(one) for one in value)) or None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    start = getattr(value, "start", value)
    return (start.isoformat() if hasattr(start, "isoformat") else start) or None


@dataclass
class _Done:
    """Both sides before a merge, as its plan changes them, and after it."""

    rows: dict[str, dict[str, Any]]
    pages: dict[str, dict[str, Any]]
    after_rows: Mapping[str, dict[str, Any]]
    after_pages: Mapping[str, dict[str, Any]]

    def do(self, action: Action) -> None:
        key = action.key or self.after_pages[action.page or ""].get("External ID", "")
        page = action.page or self.page_of(key)
        values = {one.property: _plain(one.new) for one in action.changes}
        match action.kind:
            case K.TRASH:
                del self.pages[page]
            case K.DELETE:
                del self.rows[key]
            case K.CREATE | K.UPDATE | K.FLAG:
                # A page from the trash is there with all it held.
                before = {} if action.kind is K.CREATE else self.pages.get(page, self.after_pages[page])
                self.pages[page] = _full(before | self.related(values, self.page_of))
            case K.INSERT | K.REVISE:
                # A key that is given only then has no name before.
                given = self.after_rows[key].get("Parent", ())
                values = self.related(values, lambda one: one if one in self.after_rows else given[0])
                self.rows[key] = _full(self.rows.get(key, {}) | values)
        if action.kind is K.INSERT and not action.key:
            self.pages[page]["External ID"] = key

    def page_of(self, key: str) -> str:
        return next((one for one, shown in self.after_pages.items() if shown.get("External ID") == key), "")

    def related(self, values: Mapping[str, Any], named: Callable[[str], str]) -> dict[str, Any]:
        parents = values.get("Parent") or ()
        return {**values, **({"Parent": tuple(sorted(map(named, parents)))} if parents else {})}
