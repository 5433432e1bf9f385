"""Async tasks: a write accepted with 202 and done later (https://developers.notion.com/reference/async-tasks)."""

from collections.abc import Callable

from notion_emulator.call import Answer, Call
from notion_emulator.clock import stamp
from notion_emulator.errors import NotionError
from notion_emulator.objects import AsyncTask, Json

__all__ = ["accept", "retrieve"]

POLL_SECONDS = 2


def accept(call: Call, name: str, write: Callable[[], Json]) -> Answer:
    """Have a write done after ``settings.task_seconds``, and answer 202 with its task."""
    world, now = call.world, call.world.clock.now()
    seconds = world.settings.task_seconds
    task = AsyncTask(
        id=f"task_{world.random.getrandbits(128):032x}", created=now, ready=now + round(seconds * 1000), name=name,
        connection=call.connection.id,
    )  # fmt: skip
    world.tasks[task.id] = task
    world.later(seconds, lambda: _run(task, write))
    return Answer(_shown(call, task), 202)


def _run(task: AsyncTask, write: Callable[[], Json]) -> None:
    try:
        result = write()
    except NotionError as error:
        task.error = error.body()
    else:
        whole = {key: value for key, value in result.items() if key not in ("id", "object")}
        task.result = {**whole, "id": result["id"], "object": result["object"]}


def _shown(call: Call, task: AsyncTask) -> Json:
    """A task as of now; its created time wanders by some milliseconds from read to read (recorded)."""
    now = call.world.clock.now()
    done = task.result is not None or task.error is not None
    started = "running" if now >= (task.created + task.ready) // 2 else "queued"
    status = started if not done else "succeeded" if task.error is None else "failed"
    answer: Json = {
        "object": "async_task",
        "id": task.id,
        "status": status,
        "status_url": f"https://api.notion.com/v1/async_tasks/{task.id}",
        "created_time": stamp(task.created + call.world.random.randrange(300)),
    }
    if not done:
        answer["poll_after_seconds"] = POLL_SECONDS
    answer["operation"] = {"surface": "rest", "name": task.name}
    if task.error is not None:
        return {**answer, "error": task.error}
    return {**answer, "result": task.result} if done else answer


def retrieve(call: Call) -> Answer:
    """``GET /async_tasks/{task_id}``."""
    task = call.world.tasks.get(call.path["task_id"])
    if task is None or task.connection != call.connection.id:
        raise call.missing("async_task", call.path["task_id"])
    return Answer(_shown(call, task))
