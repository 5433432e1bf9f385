"""The tree of errors: the class says what to do, and every error ends the command line with its own code."""

import inspect
import re

import pytest

from syncline.core import errors
from syncline.core.errors import Cancelled, Retry, Skip, Stop, SynclineError

TREE = [
    (name, cls) for name, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, SynclineError)
]
DRAWN = re.compile(r"^    (?P<indent>[│├└─ ]*)(?P<name>\w+)(?:.*\(.*?exit (?P<code>\d+))?", re.MULTILINE)


def drawn() -> dict[str, tuple[int, int | None]]:
    """The tree in the module's docstring: depth and exit code by name."""
    lines = DRAWN.finditer(errors.__doc__ or "")
    return {
        line["name"]: (len(line["indent"]) // 4, int(line["code"]) if line["code"] else None)
        for line in lines
    }


@pytest.mark.parametrize(("name", "cls"), TREE)
def test_the_drawing_shows_where_an_error_stands(name: str, cls: type[SynclineError]) -> None:
    depth, code = drawn()[name]
    assert depth == len(cls.__mro__) - len(SynclineError.__mro__)
    assert cls.exit_code == (code or 1)


def test_the_drawing_shows_nothing_else() -> None:
    assert set(drawn()) == {name for name, _ in TREE}


@pytest.mark.parametrize(("name", "cls"), TREE)
def test_an_error_asks_for_one_thing_only(name: str, cls: type[SynclineError]) -> None:
    asks = [root for root in (Stop, Retry, Skip, Cancelled) if issubclass(cls, root)]
    assert len(asks) == (0 if cls is SynclineError else 1)


def test_no_two_errors_have_the_same_exit_code_of_their_own() -> None:
    codes = [cls.exit_code for _, cls in TREE if "exit_code" in vars(cls)]
    assert len(codes) == len(set(codes))
