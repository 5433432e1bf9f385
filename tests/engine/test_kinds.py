"""Every kind of run has a task, and every duty a function."""

import inspect
from typing import Any, cast

import pytest
from tests.store.samples import CONNECTION

from syncline.app import App
from syncline.engine.duties import DUTIES, Duty
from syncline.engine.kinds import KINDS, SERVED, Kind

EVERY = [*KINDS.items(), *SERVED.items()]


@pytest.mark.parametrize(("name", "kind"), EVERY, ids=[name for name, _ in EVERY])
def test_a_kind_has_a_task(name: str, kind: Kind) -> None:
    task: Any = kind.task(cast("App", None), CONNECTION)

    assert [inspect.iscoroutinefunction(getattr(task, part)) for part in ("begin", "open", "finish")] == [
        True
    ] * 3


@pytest.mark.parametrize("duty", DUTIES, ids=lambda duty: duty.name)
def test_a_duty_can_be_done(duty: Duty) -> None:
    once = duty.load()
    assert inspect.iscoroutinefunction(once) or inspect.iscoroutinefunction(type(once).__call__)
    assert duty.every > 0


def test_duties_have_names_of_their_own() -> None:
    assert len({duty.name for duty in DUTIES}) == len(DUTIES)


def test_what_the_command_line_executes_a_server_executes_too() -> None:
    assert KINDS.keys() <= SERVED.keys()
    assert all(SERVED[name].slot == kind.slot for name, kind in KINDS.items())
