from typing import Any

from notion_emulator import Emulator
from notion_emulator.call import Call
from notion_emulator.errors import ValidationFailed
from notion_emulator.tasks import accept, retrieve


def call(emulator: Emulator, **path: str) -> Call:
    return Call(
        world=emulator.world, connection=emulator.connection, version="2026-03-11", base="http://notion.test",
        sessions=emulator.sessions, path=path,
    )  # fmt: skip


def seen(emulator: Emulator, id: str) -> Any:
    emulator.world.settle()
    return retrieve(call(emulator, task_id=id)).body


def test_a_task_is_queued_then_running_then_succeeded(emulator: Emulator) -> None:
    emulator.clock.freeze()
    answer = accept(
        call(emulator), "PATCH /v1/x", lambda: {"object": "page_markdown", "id": "i", "markdown": "m"}
    )
    task: Any = answer.body
    assert (answer.status, task["status"], task["poll_after_seconds"]) == (202, "queued", 2)
    emulator.clock.advance(1.5)
    assert seen(emulator, task["id"])["status"] == "running"
    emulator.clock.advance(1)
    done = seen(emulator, task["id"])
    assert done["status"] == "succeeded"
    assert list(done["result"]) == ["markdown", "id", "object"]
    assert "poll_after_seconds" not in done


def test_a_task_that_is_refused_says_why(emulator: Emulator) -> None:
    def write() -> Any:
        raise ValidationFailed("no")

    task: Any = accept(call(emulator), "PATCH /v1/x", write).body
    emulator.clock.advance(5)
    failed = seen(emulator, task["id"])
    assert (failed["status"], failed["error"]["message"]) == ("failed", "no")
