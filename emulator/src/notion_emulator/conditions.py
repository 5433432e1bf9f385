"""The conditions of a query filter: one operator on one value.

Every operator of https://developers.notion.com/reference/filter-data-source-entries is a function in a table; it takes
the operand and gives a predicate on the value in its comparable form (text, number, option name, day interval …).
Recorded answers settle what the page leaves open: negative operators match empty values, ``contains``,
``starts_with`` and ``ends_with`` ignore case, a date without a time means its whole day in UTC.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from notion_emulator.clock import millis
from notion_emulator.errors import ValidationFailed
from notion_emulator.ids import dashed
from notion_emulator.validate import expected, shown

__all__ = ["ACCEPTED", "RELATIVE", "Context", "Predicate", "comparable", "condition", "failed", "single"]

Json = dict[str, Any]
Predicate = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Context:
    """What a condition depends on beside its operand: milliseconds now, and whom ``"me"`` names (None: nobody)."""

    now: int
    me: str | None = None


Operator = Callable[[Any, str, Context], Predicate]

TEXT_KEYS = frozenset({"rich_text"})
# Which filter keys a property type takes; a rich_text filter is accepted on every text-like type (recorded).
ACCEPTED: dict[str, frozenset[str]] = {
    "title": TEXT_KEYS | {"title"},
    "rich_text": TEXT_KEYS,
    "url": TEXT_KEYS | {"url"},
    "email": TEXT_KEYS | {"email"},
    "phone_number": TEXT_KEYS | {"phone_number"},
    "number": frozenset({"number"}),
    "unique_id": frozenset({"unique_id"}),
    "checkbox": frozenset({"checkbox"}),
    "select": frozenset({"select"}),
    "status": frozenset({"status"}),
    "multi_select": frozenset({"multi_select"}),
    "date": frozenset({"date"}),
    "created_time": frozenset({"created_time", "date"}),
    "last_edited_time": frozenset({"last_edited_time", "date"}),
    "people": frozenset({"people"}),
    "created_by": frozenset({"created_by", "people"}),
    "last_edited_by": frozenset({"last_edited_by", "people"}),
    "files": frozenset({"files"}),
    "relation": frozenset({"relation"}),
    "formula": frozenset({"formula"}),
    "rollup": frozenset({"rollup"}),
    "verification": frozenset({"verification"}),
}


def failed(path: str, *expectations: str, value: Any) -> ValidationFailed:
    """The refusal of one value of the body."""
    return ValidationFailed(f"body failed validation: {expected(path, *expectations, value=value)[0]}")


# Values in comparable form


def comparable(type: str, value: Any) -> Any:
    """The comparable form of a property value of a type, as ``properties.value`` gives it."""
    read = _COMPARABLE.get(type)
    return read(value) if read else value


def _date(value: Any) -> int | None:
    return millis(value["start"]) if value else None


def _option(value: Any) -> str | None:
    return value["name"] if value else None


def _ids(value: Any) -> list[str]:
    return [one["id"] for one in value or ()]


def _text(value: Any) -> str:
    return "".join(run["plain_text"] for run in value or ())


_COMPARABLE: dict[str, Callable[[Any], Any]] = {
    "title": _text,
    "rich_text": _text,
    "url": lambda value: value or "",
    "email": lambda value: value or "",
    "phone_number": lambda value: value or "",
    "unique_id": lambda value: value["number"] if isinstance(value, dict) else value,
    "checkbox": bool,
    "select": _option,
    "status": _option,
    "multi_select": lambda value: [one["name"] for one in value or ()],
    "date": _date,
    "created_time": lambda value: millis(value) if isinstance(value, str) else value,
    "last_edited_time": lambda value: millis(value) if isinstance(value, str) else value,
    "people": _ids,
    "created_by": lambda value: [value["id"]] if value else [],
    "last_edited_by": lambda value: [value["id"]] if value else [],
    "files": lambda value: value or [],
    "relation": _ids,
    "verification": lambda value: "none" if not value or value["state"] == "unverified" else value["state"],
}


# Operands


def _string(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise failed(path, "a string", value=value)
    return value


def _number(value: Any, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise failed(path, "a number", value=value)
    return value


def _true(value: Any, path: str) -> None:
    if value is not True:
        raise failed(path, "`true`", value=value)


def _names(value: Any, path: str) -> frozenset[str]:
    """An option name, or several since April 2026."""
    if isinstance(value, list):
        return frozenset(_string(one, f"{path}[{place}]") for place, one in enumerate(value))
    return frozenset({_string(value, path)})


def _uuid(value: Any, path: str) -> str:
    found = dashed(value) if isinstance(value, str) else None
    if found is None:
        raise failed(path, "a valid uuid", value=value)
    return found


def _user(value: Any, path: str, context: Context) -> str | None:
    return context.me if value == "me" else _uuid(value, path)


# Days

DAY = timedelta(days=1)
BARE_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _ms(day: date) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def _today(context: Context) -> date:
    return datetime.fromtimestamp(context.now / 1000, UTC).date()


def _months(day: date, count: int) -> date:
    """The same day some months on, or the last of a shorter month."""
    month = day.month - 1 + count
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


RELATIVE: dict[str, Callable[[date], date]] = {
    "today": lambda day: day,
    "tomorrow": lambda day: day + DAY,
    "yesterday": lambda day: day - DAY,
    "one_week_ago": lambda day: day - 7 * DAY,
    "one_week_from_now": lambda day: day + 7 * DAY,
    "one_month_ago": lambda day: _months(day, -1),
    "one_month_from_now": lambda day: _months(day, 1),
}
# First and last day of a span. A week begins on Sunday, as in a workspace that was never told otherwise.
SPANS: dict[str, Callable[[date], tuple[date, date]]] = {
    "this_week": lambda day: (day - (day.isoweekday() % 7) * DAY, day + (6 - day.isoweekday() % 7) * DAY),
    "past_week": lambda day: (day - 7 * DAY, day),
    "past_month": lambda day: (_months(day, -1), day),
    "past_year": lambda day: (_months(day, -12), day),
    "next_week": lambda day: (day, day + 7 * DAY),
    "next_month": lambda day: (day, _months(day, 1)),
    "next_year": lambda day: (day, _months(day, 12)),
}


def _interval(value: Any, path: str, context: Context) -> tuple[int, int]:
    """The milliseconds an operand stands for, the second exclusive: a whole day, or one instant."""
    text = _string(value, path)
    try:
        if text in RELATIVE:
            day = RELATIVE[text](_today(context))
        elif BARE_DATE.fullmatch(text):
            day = date.fromisoformat(text)
        else:
            at = millis(text)
            return at, at + 1
        return _ms(day), _ms(day + DAY)
    except (ValueError, OverflowError):
        raise failed(path, "a valid ISO 8601 date string", value=value) from None


def _compared(test: Callable[[int, int, int], bool]) -> Operator:
    """A date operator from a test of (value, first, past)."""

    def build(operand: Any, path: str, context: Context) -> Predicate:
        first, past = _interval(operand, path, context)
        return lambda value: value is not None and test(value, first, past)

    return build


def _within(name: str) -> Operator:
    def build(operand: Any, path: str, context: Context) -> Predicate:
        if operand != {}:
            raise failed(path, "an empty object", value=operand)
        first, last = SPANS[name](_today(context))
        low, high = _ms(first), _ms(last + DAY)
        return lambda value: value is not None and low <= value < high

    return build


# Operators


def _texts(test: Callable[[str, str], bool]) -> Operator:
    """A text operator from a test of (value, wanted), both as written."""

    def build(operand: Any, path: str, context: Context) -> Predicate:  # noqa: ARG001 - one signature for all
        wanted = _string(operand, path)
        return lambda value: test(value, wanted)

    return build


def _folded(test: Callable[[str, str], bool]) -> Operator:
    """A text operator from a test of (value, wanted) without regard to case."""

    def build(operand: Any, path: str, context: Context) -> Predicate:  # noqa: ARG001 - one signature for all
        wanted = _string(operand, path).casefold()
        return lambda value: test(value.casefold(), wanted)

    return build


def _numbers(test: Callable[[float, float], bool], *, when_empty: bool = False) -> Operator:
    def build(operand: Any, path: str, context: Context) -> Predicate:  # noqa: ARG001 - one signature for all
        wanted = _number(operand, path)
        return lambda value: when_empty if value is None else test(value, wanted)

    return build


def _members(test: Callable[[Any, frozenset[str]], bool]) -> Operator:
    """An operator on option names."""

    def build(operand: Any, path: str, context: Context) -> Predicate:  # noqa: ARG001 - one signature for all
        wanted = _names(operand, path)
        return lambda value: test(value, wanted)

    return build


def _users(*, inside: bool) -> Operator:
    def build(operand: Any, path: str, context: Context) -> Predicate:
        wanted = _user(operand, path, context)
        return lambda value: (wanted in value) is inside

    return build


def _pages(*, inside: bool) -> Operator:
    def build(operand: Any, path: str, context: Context) -> Predicate:  # noqa: ARG001 - one signature for all
        wanted = _uuid(operand, path)
        return lambda value: (wanted in value) is inside

    return build


def _truth(*, same: bool) -> Operator:
    def build(operand: Any, path: str, context: Context) -> Predicate:  # noqa: ARG001 - one signature for all
        if not isinstance(operand, bool):
            raise failed(path, "a boolean", value=operand)
        return lambda value: (value is operand) is same

    return build


def _empty(empty: Predicate, *, wanted: bool) -> Operator:
    def build(operand: Any, path: str, context: Context) -> Predicate:  # noqa: ARG001 - one signature for all
        _true(operand, path)
        return lambda value: empty(value) is wanted

    return build


def _emptiness(empty: Predicate) -> dict[str, Operator]:
    return {"is_empty": _empty(empty, wanted=True), "is_not_empty": _empty(empty, wanted=False)}


def _missing(value: Any) -> bool:
    return value is None


def _void(value: Any) -> bool:
    return not value


STATES = ("verified", "expired", "none")


def _states(*, same: bool) -> Operator:
    def build(operand: Any, path: str, context: Context) -> Predicate:  # noqa: ARG001 - one signature for all
        if operand not in STATES:
            raise failed(path, *map(shown, STATES), value=operand)
        return lambda value: (value == operand) is same

    return build


TEXT: Mapping[str, Operator] = {
    "equals": _texts(lambda value, wanted: value == wanted),
    "does_not_equal": _texts(lambda value, wanted: value != wanted),
    "contains": _folded(lambda value, wanted: wanted in value),
    "does_not_contain": _folded(lambda value, wanted: wanted not in value),
    "starts_with": _folded(lambda value, wanted: value.startswith(wanted)),
    "ends_with": _folded(lambda value, wanted: value.endswith(wanted)),
    **_emptiness(_void),
}
NUMBER: Mapping[str, Operator] = {
    "equals": _numbers(lambda value, wanted: value == wanted),
    "does_not_equal": _numbers(lambda value, wanted: value != wanted, when_empty=True),
    "greater_than": _numbers(lambda value, wanted: value > wanted),
    "less_than": _numbers(lambda value, wanted: value < wanted),
    "greater_than_or_equal_to": _numbers(lambda value, wanted: value >= wanted),
    "less_than_or_equal_to": _numbers(lambda value, wanted: value <= wanted),
    **_emptiness(_missing),
}
CHECKBOX: Mapping[str, Operator] = {"equals": _truth(same=True), "does_not_equal": _truth(same=False)}
OPTION: Mapping[str, Operator] = {
    "equals": _members(lambda value, wanted: value in wanted),
    "does_not_equal": _members(lambda value, wanted: value not in wanted),
    **_emptiness(_missing),
}
OPTIONS: Mapping[str, Operator] = {
    "contains": _members(lambda value, wanted: not wanted.isdisjoint(value)),
    "does_not_contain": _members(lambda value, wanted: wanted.isdisjoint(value)),
    **_emptiness(_void),
}
DATE: Mapping[str, Operator] = {
    "equals": _compared(lambda value, first, past: first <= value < past),
    "before": _compared(lambda value, first, _past: value < first),
    "after": _compared(lambda value, _first, past: value >= past),
    "on_or_before": _compared(lambda value, _first, past: value < past),
    "on_or_after": _compared(lambda value, first, _past: value >= first),
    **{name: _within(name) for name in SPANS},
    **_emptiness(_missing),
}
PEOPLE: Mapping[str, Operator] = {
    "contains": _users(inside=True),
    "does_not_contain": _users(inside=False),
    **_emptiness(_void),
}
RELATION: Mapping[str, Operator] = {
    "contains": _pages(inside=True),
    "does_not_contain": _pages(inside=False),
    **_emptiness(_void),
}
VERIFICATION: Mapping[str, Operator] = {"status": _states(same=True), "does_not_equal": _states(same=False)}
FILES: Mapping[str, Operator] = _emptiness(_void)

OPERATORS: dict[str, Mapping[str, Operator]] = {
    **dict.fromkeys(("title", "rich_text", "url", "email", "phone_number", "string"), TEXT),
    **dict.fromkeys(("number", "unique_id"), NUMBER),
    "checkbox": CHECKBOX,
    **dict.fromkeys(("select", "status"), OPTION),
    "multi_select": OPTIONS,
    **dict.fromkeys(("date", "created_time", "last_edited_time"), DATE),
    **dict.fromkeys(("people", "created_by", "last_edited_by"), PEOPLE),
    "files": FILES,
    "relation": RELATION,
    "verification": VERIFICATION,
}


def single(body: Any, path: str, allowed: Mapping[str, Any]) -> tuple[str, Any]:
    """The one key of an object that must hold exactly one of ``allowed``, with its value. Raises ValidationFailed."""
    if not isinstance(body, dict):
        raise failed(path, "an object", value=body)
    present = [key for key in body if key in allowed]
    if not present:
        lines = [f"{path}.{key} should be defined, instead was `undefined`." for key in allowed]
        raise ValidationFailed("body failed validation. Fix one:\n" + "\n".join(lines))
    surplus = [key for key in body if key != present[0]]
    if surplus:
        raise failed(f"{path}.{surplus[0]}", "not present", value=body[surplus[0]])
    return present[0], body[present[0]]


def condition(key: str, body: Any, path: str, context: Context) -> Predicate:
    """The predicate of ``{operator: operand}`` under a filter key, on a value in comparable form. Raises ValidationFailed."""
    operators = OPERATORS[key]
    name, operand = single(body, path, operators)
    return operators[name](operand, f"{path}.{name}", context)
