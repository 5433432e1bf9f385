"""Durable runs: the only file that knows DBOS.

A run is a loop of short steps that ends by itself, on demand or with an error, and that a restarted process takes up
where a killed one left it. What a step does is the task's affair; all that is kept here is which runs are not ended.

    begin ──▶ advance ──▶ advance ──▶ … ──▶ finish          each a checkpointed step
                 ╰── cancel: stop what is open, then finish ──▲

What DBOS needs from us, found by running it:

* Work that is recovered at launch goes through a queue that every process of the same application *name* and version
  polls. The name is therefore the executor's own, so that no process ever takes up the live work of another.
* It sets the loop's default thread pool to its own, and shuts that down; a new one is put in its place on close.
* A workflow may observe its cancellation between steps only, so steps are short.
* On SQLite below 3.42 it needs a ``unixepoch`` that knows ``subsec``; it leaves the journal in its slow mode.
"""

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID, WorkflowHandleAsync
from dbos import error as dbos_error
from sqlalchemy.exc import SQLAlchemyError

from syncline.core.errors import Busy, Retry, SynclineError
from syncline.engine.jobstore import open_engine, unusable, url
from syncline.engine.task import Failure, JobState, OpenRun, Outcome, Progress, RunState, Task
from syncline.settings import JOBS_SCHEMA

__all__ = ["Jobs", "forget"]

_VERSION = "1"
"""Changes only when a run that an older release began can no longer be continued."""

_LONGEST_STEP = 2.0
_LIVE = ("PENDING", "ENQUEUED", "DELAYED")
_BATCH = 200
_RECORDED = 5.0
"""Seconds that the record of a run's end is waited for."""


@dataclass(slots=True)
class _Live:
    """A run in this process."""

    open: OpenRun | None = None
    executing: asyncio.Task[Any] | None = None
    progress: Progress | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    outcome: asyncio.Future[Outcome] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    async def stop(self) -> None:
        opened, self.open = self.open, None
        if opened is not None:
            await opened.stop()

    def end(self, outcome: Outcome | Exception) -> None:
        """Tell whoever waits; an exception is raised there."""
        if isinstance(outcome, Exception):
            self.outcome.set_exception(outcome)
            self.outcome.exception()  # that nobody waits is no error
        else:
            self.outcome.set_result(outcome)
        self.changed.set()


@dataclass(slots=True)
class _Process:
    """All runs of this process: what the workflow below, a module-level function, works on."""

    store: Path | str
    task: Task
    runs: dict[str, _Live] = field(default_factory=dict)

    def live(self, run: str) -> _Live:
        return self.runs.setdefault(run, _Live())

    async def advance(self, run: str, seconds: float) -> Progress:
        live = self.live(run)
        if live.open is None:
            live.open = await self.task.open(run)
        live.progress = await live.open.advance(seconds)
        live.changed.set()
        return live.progress

    async def finish(self, run: str, outcome: Outcome) -> None:
        await self.live(run).stop()
        await self.task.finish(run, outcome)

    async def leave(self) -> None:
        """Let go of the runs that have not ended, in a way that the next process takes them up."""
        for live in self.runs.values():
            if live.executing is not None and not live.outcome.done():
                live.executing.cancel()
                await asyncio.wait([live.executing])
            await live.stop()


class Jobs:
    """The runs of one executor. One may be open per process, and one per `executor` anywhere.

    `store` is the path of a SQLite file of its own, or the URL of a Postgres database, where a schema of its
    own is used. `executor` names who runs: lower-case letters, digits, ``-`` and ``_``.
    """

    def __init__(self, store: Path | str, *, executor: str, task: Task) -> None:
        self._store = store
        self._executor = executor
        self.task = task
        self._process = _Process(store, task)
        self._engine: sa.Engine | None = None

    async def __aenter__(self) -> Self:
        """Open the job store and take up this executor's unfinished runs. Raises StoreUnavailable."""
        global _process  # noqa: PLW0603  DBOS is one per process and calls module-level functions
        assert _process is None, "one Jobs may be open per process"
        _process = self._process
        _silence()
        self._engine = open_engine(self._store)
        try:
            DBOS(config=_config(self._store, self._engine, self._executor))
            DBOS.launch()
        except (dbos_error.DBOSException, SQLAlchemyError) as error:
            await self.__aexit__()
            raise unusable(self._store, error) from error
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stop what runs here, leaving it to be taken up at the next start, and close."""
        global _process  # noqa: PLW0603  as above
        try:
            await self._process.leave()
        finally:
            await asyncio.to_thread(DBOS.destroy)
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
            if self._engine is not None:
                self._engine.dispose()
            _process = None

    async def start(self, run: str) -> None:
        """Begin a run, durably. To start it again under the same id changes nothing."""
        self._process.live(run)
        with self._usable(), SetWorkflowID(run):
            await DBOS.start_workflow_async(_run, run)

    async def unfinished(self) -> list[str]:
        """This executor's runs that have not ended, oldest first; they are being taken up."""
        with self._usable():
            found = await DBOS.list_workflows_async(
                status=list(_LIVE),
                application_name=_name(self._executor),
                load_input=False,
                load_output=False,
            )
        return [workflow.workflow_id for workflow in found]

    async def state(self, run: str) -> JobState:
        """Whether a run is live, whoever executes it."""
        with self._usable():
            status = await DBOS.get_workflow_status_async(run)
        if status is None:
            return JobState.UNKNOWN
        return JobState.LIVE if status.status in _LIVE else JobState.ENDED

    async def cancel(self, run: str) -> None:
        """Ask a run to end at its next step; whoever executes it notices. An ended run stays as it is."""
        with self._usable():
            await DBOS.cancel_workflow_async(run)

    async def watch(self, run: str) -> AsyncIterator[Progress]:
        """Yield the newest progress of a run of this process whenever there is some, until the run ends."""
        live = self._process.live(run)
        while not live.outcome.done():
            await live.changed.wait()
            live.changed.clear()
            if live.progress is not None:
                yield live.progress

    async def wait(self, run: str) -> Outcome:
        """How a run of this process ended. Raises what it raised if that was no error of core.errors."""
        outcome = await asyncio.shield(self._process.live(run).outcome)
        # The end is known; what is waited for is that it stands in the job store, too.
        with suppress(dbos_error.DBOSException, SQLAlchemyError, TimeoutError):
            handle: WorkflowHandleAsync[str] = await DBOS.retrieve_workflow_async(run)
            async with asyncio.timeout(_RECORDED):
                await handle.get_result(polling_interval_sec=0.02)
        return outcome

    async def prune(self, *, before: float) -> int:
        """Forget this executor's runs that ended before a Unix time; how many they were."""
        with self._usable():
            found = await DBOS.list_workflows_async(
                status=["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
                application_name=_name(self._executor),
                load_input=False,
                load_output=False,
            )
            old = [one.workflow_id for one in found if (one.updated_at or 0) < before * 1000]
            for start in range(0, len(old), _BATCH):
                await DBOS.delete_workflows_async(old[start : start + _BATCH])
        return len(old)

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """Turn what the job store's database fails with into StoreUnavailable."""
        try:
            yield
        except SQLAlchemyError as error:
            raise unusable(self._store, error) from error


def forget(store: Path | str, executor: str) -> None:
    """Delete all that is kept about an executor's runs, taking none of them up. Blocks for a moment.

    Raises StoreUnavailable if the job store cannot be used.
    """
    if isinstance(store, Path) and not store.exists():
        return
    _silence()
    engine = open_engine(store)
    try:
        schema = None if isinstance(store, Path) else JOBS_SCHEMA
        # A store that found no room when it was first opened has no tables.
        if sa.inspect(engine).has_table("workflow_status", schema=schema):
            _forget(engine, _name(executor))
    except (dbos_error.DBOSException, SQLAlchemyError) as error:
        raise unusable(store, error) from error
    finally:
        engine.dispose()


def _forget(engine: sa.Engine, name: str) -> None:
    client = DBOSClient(
        system_database_engine=engine,
        dbos_system_schema=JOBS_SCHEMA,
        serializer=DBOSPortableJSONSerializer(),
        application_name=name,
        retry_connection_errors=False,
    )
    found = client.list_workflows(application_name=name, load_input=False, load_output=False)
    runs = [workflow.workflow_id for workflow in found]
    for start in range(0, len(runs), _BATCH):
        client.delete_workflows(runs[start : start + _BATCH])
    client.destroy()


_process: _Process | None = None


def _here() -> _Process:
    assert _process is not None, "a run executes while its Jobs is open"
    return _process


@DBOS.workflow(name="syncline.run")
async def _run(run: str) -> str:
    here = _here()
    here.live(run).executing = asyncio.current_task()
    try:
        failure = await _steps(run)
        outcome = Outcome(RunState.FAILED if failure else RunState.SUCCEEDED, failure)
        await DBOS.run_step_async({"name": "finish"}, here.finish, run, outcome)
    except (dbos_error.DBOSWorkflowCancelledError, dbos_error.DBOSWorkflowConflictIDError):
        await _lost(here, run)
        raise
    except Exception as error:
        await _ended(here, run, *_verdict(here, error))
        raise
    here.live(run).end(outcome)
    return outcome.state.value


def _foreseen(here: _Process, error: Exception) -> Exception:
    return unusable(here.store, error) if isinstance(error, SQLAlchemyError) else error


def _verdict(here: _Process, error: Exception) -> tuple[Outcome, Exception | None]:
    """What an exception makes of a run, and what whoever waits is to see instead, if it was not foreseen."""
    foreseen = _foreseen(here, error)
    return Outcome(RunState.FAILED, _failure(foreseen)), None if foreseen is not error else error


async def _lost(here: _Process, run: str) -> None:
    """The run is not ours to go on with: somebody cancelled it, or another process has taken it over."""
    # A step that ends after the cancellation finds itself without a run to belong to. Outside this
    # workflow's context, asking is no step of it.
    asking = asyncio.create_task(DBOS.get_workflow_status_async(run), context=contextvars.Context())
    status = await asking
    if status is not None and status.status == "CANCELLED":
        await _ended(here, run, Outcome(RunState.CANCELLED))
        return
    await here.live(run).stop()
    here.live(run).end(Busy(f"The run {run} has been taken over by another process."))


async def _ended(here: _Process, run: str, outcome: Outcome, error: Exception | None = None) -> None:
    """Note an end that came from outside the steps; whoever waits sees `error` if there is one."""
    try:
        await here.finish(run, outcome)
    except Exception as second:
        here.live(run).end(error or _foreseen(here, second))
        raise
    here.live(run).end(error or outcome)


async def _steps(run: str) -> Failure | None:
    """All steps but the last; why they failed, None if the run is done."""
    failed = await DBOS.run_step_async({"name": "begin"}, _begin, run)
    step = 0
    while failed is None:
        said = await DBOS.run_step_async({"name": "advance"}, _advance, run, _stride(step))
        if said["done"]:
            return None
        failed = said["failed"]
        step += 1
    return Failure(**failed)


async def _begin(run: str) -> dict[str, Any] | None:
    try:
        await _here().task.begin(run)
    except SynclineError as error:
        return asdict(_failure(error))
    return None


async def _advance(run: str, seconds: float) -> dict[str, Any]:
    try:
        progress = await _here().advance(run, seconds)
    except SynclineError as error:
        return {"done": False, "failed": asdict(_failure(error))}
    return {"done": progress.done, "failed": None}


def _stride(step: int) -> float:
    """The length of the n-th step in seconds: short at first, for the eye; then longer, for the checkpoints."""
    return min(_LONGEST_STEP, 0.25 + step / 250)


def _failure(error: Exception) -> Failure:
    exit_code = error.exit_code if isinstance(error, SynclineError) else SynclineError.exit_code
    return Failure(type(error).__name__, str(error), exit_code, isinstance(error, Retry))


def _name(executor: str) -> str:
    return f"syncline-{executor}"


def _config(store: Path | str, engine: sa.Engine, executor: str) -> DBOSConfig:
    return DBOSConfig(
        name=_name(executor),
        executor_id=executor,
        application_version=f"{_VERSION}-{executor}",  # DBOS wants each version to be one name's alone
        system_database_url=url(store).render_as_string(hide_password=False),
        system_database_engine=engine,
        dbos_system_schema=JOBS_SCHEMA,
        serializer=DBOSPortableJSONSerializer(),
        enable_otlp=False,
        log_level="CRITICAL",
        # Neither messages between runs nor schedules are used: nothing waits for these, and where nothing waits
        # nothing is polled. Listening would take a connection that is not always closed at the end.
        use_listen_notify=False,
        notification_listener_polling_interval_sec=0.1,
        scheduler_polling_interval_sec=3600.0,
    )


def _silence() -> None:
    """Keep DBOS's logger off our output: it installs a console handler only where there is none."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
