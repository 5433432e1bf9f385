"""The functions of formulas (https://www.notion.com/help/formula-syntax).

Values are text, numbers, booleans, dates, lists and None for empty. An empty operand counts as 0 or as no text.
"""

import calendar
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import fmean, median
from typing import Any

__all__ = ["FUNCTIONS", "Moment", "Scope", "Uncomputable", "Value", "text_of", "truth"]

Value = Any
Function = Callable[..., Value]


class Uncomputable(Exception):
    """The formula asks for something that cannot be computed here."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a formula may ask for beside the row."""

    now: datetime


@dataclass(frozen=True, slots=True)
class Moment:
    """A date with or without a time, or a range of them."""

    start: datetime
    end: datetime | None = None
    timed: bool = True

    def payload(self) -> dict[str, Any]:
        """The ``date`` of an answer."""
        return {
            "start": self._shown(self.start),
            "end": self.end and self._shown(self.end),
            "time_zone": None,
        }

    def _shown(self, at: datetime) -> str:
        return at.isoformat(timespec="milliseconds") if self.timed else at.date().isoformat()


def truth(value: Value) -> bool:
    """Whether a value counts as true."""
    return bool(value) if not isinstance(value, str) else value != ""


def text_of(value: Value) -> str:
    """A value as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, Moment):
        return _formatted(value, "MMMM D, YYYY")
    if isinstance(value, list):
        return ",".join(map(text_of, value))
    return str(value)


def number_of(value: Value) -> float:
    """A value as number. Raises Uncomputable for what is none."""
    if value is None:
        return 0
    if isinstance(value, bool | int | float):
        return value
    raise Uncomputable


def moment_of(value: Value) -> Moment:
    """A value as date. Raises Uncomputable."""
    if isinstance(value, Moment):
        return value
    raise Uncomputable


def _add(_scope: Scope, left: Value, right: Value) -> Value:
    if isinstance(left, str) or isinstance(right, str):
        return text_of(left) + text_of(right)
    return number_of(left) + number_of(right)


def _numeric(compute: Callable[..., float]) -> Function:
    return lambda _scope, *values: compute(*map(number_of, values))


def _over(compute: Callable[[list[float]], float]) -> Function:
    def run(_scope: Scope, *values: Value) -> Value:
        flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
        return compute([number_of(one) for one in flat]) if flat else None

    return run


def _textual(compute: Callable[..., Value]) -> Function:
    return lambda _scope, *values: compute(*map(text_of, values))


def _compared(test: Callable[[Any, Any], bool]) -> Function:
    def run(_scope: Scope, left: Value, right: Value) -> bool:
        if isinstance(left, Moment) and isinstance(right, Moment):
            return test(left.start, right.start)
        if isinstance(left, str) and isinstance(right, str):
            return test(left, right)
        return test(number_of(left), number_of(right))

    return run


def _empty(_scope: Scope, value: Value = None) -> bool:
    return value in (None, "", 0, False) or value == []


def _length(_scope: Scope, value: Value) -> int:
    return len(value) if isinstance(value, list) else len(text_of(value))


def _round(value: float, digits: float = 0) -> float:
    factor = 10 ** int(digits)
    return float(math.floor(value * factor + 0.5) / factor)


def _to_number(_scope: Scope, value: Value) -> Value:
    if isinstance(value, Moment):
        return int(value.start.timestamp() * 1000)
    if not isinstance(value, str):
        return number_of(value)
    found = re.match(r"\s*-?\d+(?:\.\d+)?", value)
    return float(found[0]) if found else None


def _slice(_scope: Scope, value: Value, start: float, end: float | None = None) -> Value:
    whole = value if isinstance(value, list) else text_of(value)
    return whole[int(start) : None if end is None else int(end)]


def _contains(_scope: Scope, value: Value, wanted: Value) -> bool:
    return wanted in value if isinstance(value, list) else text_of(wanted) in text_of(value)


def _join(_scope: Scope, *values: Value) -> str:
    """``join(list, separator)``, or the old ``join(separator, texts…)``."""
    if values and isinstance(values[0], list):
        return text_of(values[1] if len(values) > 1 else "").join(map(text_of, values[0]))
    return text_of(values[0]).join(map(text_of, values[1:]))


def _shifted(at: datetime, amount: int, unit: str) -> datetime:
    months = {"years": 12, "quarters": 3, "months": 1}.get(unit)
    if months is None:
        if unit not in ("weeks", "days", "hours", "minutes", "seconds", "milliseconds"):
            raise Uncomputable
        return at + timedelta(**{unit: amount})
    year, month = divmod(at.year * 12 + at.month - 1 + amount * months, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, calendar.monthrange(year, month + 1)[1]))


def _date_add(sign: int) -> Function:
    def run(_scope: Scope, value: Value, amount: Value, unit: str) -> Value:
        if value is None:
            return None
        moment, shift = moment_of(value), sign * int(number_of(amount))
        timed = moment.timed or unit in ("hours", "minutes", "seconds", "milliseconds")
        return Moment(_shifted(moment.start, shift, unit), timed=timed)

    return run


SECONDS = {
    "weeks": 604_800,
    "days": 86_400,
    "hours": 3600,
    "minutes": 60,
    "seconds": 1,
    "milliseconds": 0.001,
}


def _date_between(_scope: Scope, left: Value, right: Value, unit: str) -> Value:
    if left is None or right is None:
        return None
    late, early = moment_of(left).start, moment_of(right).start
    months = {"years": 12, "quarters": 3, "months": 1}.get(unit)
    if months is None:
        if unit not in SECONDS:
            raise Uncomputable
        return int((late - early).total_seconds() / SECONDS[unit])
    whole = (late.year - early.year) * 12 + late.month - early.month
    if whole and (late.day < early.day) == (whole > 0) and late.day != early.day:
        whole -= 1 if whole > 0 else -1
    return int(whole / months)


PATTERN = re.compile(r"YYYY|YY|MMMM|MMM|MM|M|dddd|ddd|DD|D|HH|H|hh|h|mm|m|ss|s|A|a|\[[^\]]*\]")
DIRECTIVES: dict[str, Callable[[datetime], str]] = {
    "YYYY": lambda at: f"{at.year:04}",
    "YY": lambda at: f"{at.year % 100:02}",
    "MMMM": lambda at: calendar.month_name[at.month],
    "MMM": lambda at: calendar.month_abbr[at.month],
    "MM": lambda at: f"{at.month:02}",
    "M": lambda at: str(at.month),
    "dddd": lambda at: calendar.day_name[at.weekday()],
    "ddd": lambda at: calendar.day_abbr[at.weekday()],
    "DD": lambda at: f"{at.day:02}",
    "D": lambda at: str(at.day),
    "HH": lambda at: f"{at.hour:02}",
    "H": lambda at: str(at.hour),
    "hh": lambda at: f"{(at.hour - 1) % 12 + 1:02}",
    "h": lambda at: str((at.hour - 1) % 12 + 1),
    "mm": lambda at: f"{at.minute:02}",
    "m": lambda at: str(at.minute),
    "ss": lambda at: f"{at.second:02}",
    "s": lambda at: str(at.second),
    "A": lambda at: "AM" if at.hour < 12 else "PM",
    "a": lambda at: "am" if at.hour < 12 else "pm",
}


def _formatted(moment: Moment, pattern: str) -> str:
    return PATTERN.sub(
        lambda found: found[0][1:-1] if found[0].startswith("[") else DIRECTIVES[found[0]](moment.start),
        pattern,
    )


def _format_date(_scope: Scope, value: Value, pattern: str = "MMMM D, YYYY") -> Value:
    return None if value is None else _formatted(moment_of(value), pattern)


def _part(read: Callable[[datetime], int]) -> Function:
    return lambda _scope, value: None if value is None else read(moment_of(value).start)


def _parse_date(_scope: Scope, text: Value) -> Moment:
    at = datetime.fromisoformat(text_of(text))
    return Moment(at if at.tzinfo else at.replace(tzinfo=UTC), timed="T" in text_of(text))


def _range(_scope: Scope, start: Value, end: Value) -> Moment:
    first = moment_of(start)
    return Moment(first.start, moment_of(end).start, first.timed)


def _end(_scope: Scope, value: Value) -> Value:
    if value is None:
        return None
    moment = moment_of(value)
    return Moment(moment.end or moment.start, timed=moment.timed)


def _today(scope: Scope) -> Moment:
    return Moment(scope.now.replace(hour=0, minute=0, second=0, microsecond=0), timed=False)


def _first(_scope: Scope, values: Value) -> Value:
    return values[0] if values else None


def _last(_scope: Scope, values: Value) -> Value:
    return values[-1] if values else None


def _at(_scope: Scope, values: Value, index: Value) -> Value:
    place = int(number_of(index))
    return values[place] if -len(values) <= place < len(values) else None


FUNCTIONS: dict[str, Function] = {
    "add": _add,
    "subtract": _numeric(lambda left, right: left - right),
    "multiply": _numeric(lambda left, right: left * right),
    "divide": _numeric(lambda left, right: left / right),
    "mod": _numeric(math.fmod),
    "pow": _numeric(math.pow),
    "unaryMinus": _numeric(lambda value: -value),
    "unaryPlus": _numeric(lambda value: value),
    "abs": _numeric(abs),
    "ceil": _numeric(math.ceil),
    "floor": _numeric(math.floor),
    "round": _numeric(_round),
    "sqrt": _numeric(math.sqrt),
    "cbrt": _numeric(math.cbrt),
    "exp": _numeric(math.exp),
    "ln": _numeric(math.log),
    "log10": _numeric(math.log10),
    "log2": _numeric(math.log2),
    "sign": _numeric(lambda value: (value > 0) - (value < 0)),
    "pi": lambda _scope: math.pi,
    "e": lambda _scope: math.e,
    "min": _over(min),
    "max": _over(max),
    "sum": _over(sum),
    "mean": _over(fmean),
    "median": _over(median),
    "equal": lambda _scope, left, right: left == right and isinstance(left, bool) == isinstance(right, bool),
    "unequal": lambda _scope, left, right: (
        not (left == right and isinstance(left, bool) == isinstance(right, bool))
    ),
    "larger": _compared(lambda left, right: left > right),
    "largerEq": _compared(lambda left, right: left >= right),
    "smaller": _compared(lambda left, right: left < right),
    "smallerEq": _compared(lambda left, right: left <= right),
    "not": lambda _scope, value: not truth(value),
    "empty": _empty,
    "length": _length,
    "format": _textual(lambda value: value),
    "toNumber": _to_number,
    "concat": lambda _scope, *values: (
        "".join(map(text_of, values))
        if not isinstance(values[0], list)
        else [one for value in values for one in value]
    ),
    "join": _join,
    "slice": _slice,
    "substring": _slice,
    "contains": _contains,
    "includes": _contains,
    "test": _textual(lambda text, pattern: re.search(pattern, text) is not None),
    "replace": _textual(lambda text, pattern, new: re.sub(pattern, new, text, count=1)),
    "replaceAll": _textual(lambda text, pattern, new: re.sub(pattern, new, text)),
    "lower": _textual(str.lower),
    "upper": _textual(str.upper),
    "trim": _textual(str.strip),
    "repeat": lambda _scope, text, count: text_of(text) * min(int(number_of(count)), 10_000),
    "padStart": lambda _scope, text, width, fill="": text_of(text).rjust(
        min(int(number_of(width)), 10_000), text_of(fill)[:1] or " "
    ),
    "padEnd": lambda _scope, text, width, fill="": text_of(text).ljust(
        min(int(number_of(width)), 10_000), text_of(fill)[:1] or " "
    ),
    "split": lambda _scope, text, by=",": text_of(text).split(text_of(by)) if by else list(text_of(text)),
    "list": lambda _scope, *values: list(values),
    "first": _first,
    "last": _last,
    "at": _at,
    "sort": lambda _scope, values: sorted(values),
    "reverse": lambda _scope, values: list(reversed(values)),
    "unique": lambda _scope, values: list(dict.fromkeys(values)),
    "now": lambda scope: Moment(scope.now.replace(second=0, microsecond=0)),
    "today": _today,
    "dateAdd": _date_add(1),
    "dateSubtract": _date_add(-1),
    "dateBetween": _date_between,
    "dateRange": _range,
    "dateStart": lambda _scope, value: (
        None if value is None else Moment(moment_of(value).start, timed=moment_of(value).timed)
    ),
    "dateEnd": _end,
    "formatDate": _format_date,
    "parseDate": _parse_date,
    "timestamp": _part(lambda at: int(at.timestamp() * 1000)),
    "fromTimestamp": lambda _scope, value: Moment(datetime.fromtimestamp(number_of(value) / 1000, UTC)),
    "minute": _part(lambda at: at.minute),
    "hour": _part(lambda at: at.hour),
    "day": _part(lambda at: at.isoweekday()),
    "date": _part(lambda at: at.day),
    "week": _part(lambda at: at.isocalendar().week),
    "month": _part(lambda at: at.month),
    "year": _part(lambda at: at.year),
}
