"""DBOS behind a port of our own: register, start, enqueue, take over."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID
from dbos._error import DBOSException

from engine.errors import Unavailable
from engine.jobs.steps import Step, StepOutcome, run_key

__all__ = ["QUEUE", "JobEngine"]

QUEUE = "jobs"
# A constant: work of another version would not be recovered. Changed steps get a new job name instead.
_VERSION = "1"
_UNDER_WAY = ["PENDING", "ENQUEUED", "DELAYED"]

_OFTEN_S, _SELDOM_S = 0.1, 5.0
_log = logging.getLogger(__name__)

_jobs: dict[str, Sequence[Step]] = {}


@DBOS.workflow(name="ecoo_job", max_recovery_attempts=1_000_000)
async def _run(job: str, id: str) -> str:
    for name, act in _jobs[job]:
        outcome = await DBOS.run_step_async({"name": name}, act, id)
        if outcome != StepOutcome.NEXT:
            return name
    return "end"


class JobEngine:
    """One process's hand on the job engine. `executor` is unique per running process and stable over restarts.

    A process that works `alone` keeps runs that wait in its memory: the job engine's queue would have to be asked ten
    times a second, day and night. What waited when it ended is queued again by whoever looks at the rows.
    """

    def __init__(self, url: str, *, executor: str, concurrency: int = 8, execute: bool = True, alone: bool = False) -> None:
        self._url = url
        self._executor = executor
        self._concurrency = concurrency
        self._execute = execute
        self._alone = alone and execute
        self._open = False
        self._line: asyncio.Queue[tuple[str, str, str]] = asyncio.Queue()
        self._waiting: set[str] = set()
        self._runners: list[asyncio.Task[None]] = []

    async def start(self, jobs: Mapping[str, Sequence[Step]]) -> None:
        """Launches in the running loop; what was cut off before goes on by itself."""
        _jobs.clear()
        _jobs.update(jobs)
        if self._url.startswith("sqlite:///"):
            Path(self._url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        DBOS(
            config=DBOSConfig(
                name="ecoo",
                system_database_url=self._url,
                application_version=_VERSION,
                executor_id=self._executor,
                serializer=DBOSPortableJSONSerializer(),
                enable_otlp=False,
                log_level="WARNING",
            )
        )
        _speak_through_ours()
        if not self._execute:
            DBOS.listen_queues([])
        DBOS.launch()
        often = _SELDOM_S if self._alone else _OFTEN_S
        await DBOS.register_queue_async(QUEUE, worker_concurrency=self._concurrency, polling_interval_sec=often)
        if self._alone:
            for other in await self.executors() - {self._executor}:  # workers of a time when this site had several
                await self.take_over(other)
            self._runners = [asyncio.create_task(self._run_in_turn(), name=f"jobs-{n}") for n in range(self._concurrency)]
        self._open = True

    async def stop(self, *, finish_s: int = 0) -> None:
        """Lets go; `finish_s` waits for what is running."""
        if self._open:
            self._open = False
            for runner in self._runners:
                runner.cancel()
            await asyncio.gather(*self._runners, return_exceptions=True)
            await asyncio.to_thread(DBOS.destroy, workflow_completion_timeout_sec=finish_s)
            # DBOS made its own threads this loop's default and has just ended them.
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="ecoo"))

    async def enqueue(self, job: str, id: str, run: int) -> str:
        """Queues one run of a job; saying it twice is saying it once. Gives the run's own id."""
        key = run_key(job, id, run)
        if self._alone:
            if key not in self._waiting:
                self._waiting.add(key)
                self._line.put_nowait((key, job, id))
            return key
        try:
            with SetWorkflowID(key):
                await DBOS.enqueue_workflow_async(QUEUE, _run, job, id)
        except DBOSException as error:
            raise Unavailable(f"The job could not be queued: {error}.", code="jobs") from error
        return key

    async def _run_in_turn(self) -> None:
        """Runs what waits, one after the other, until it is cancelled; a run that was begun then is left to the next start."""
        while True:
            key, job, id = await self._line.get()
            try:
                with SetWorkflowID(key):
                    handle = await DBOS.start_workflow_async(_run, job, id)
                await asyncio.shield(asyncio.ensure_future(handle.get_result()))
            except Exception as error:  # the rows say what went wrong, and the next look at them starts another run
                _log.warning("run_ended_with_an_error", extra={"run": key, "problem": type(error).__name__})
            finally:
                self._waiting.discard(key)

    async def is_over(self, job: str, id: str, run: int) -> bool:
        """Whether that run ended, however; False while it is queued or under way, and for one nobody knows yet."""
        if run_key(job, id, run) in self._waiting:
            return False
        status = await DBOS.get_workflow_status_async(run_key(job, id, run))
        return status is not None and status.status not in _UNDER_WAY

    async def under_way(self, job: str) -> frozenset[str]:
        """The names of the runs of that job that are queued or under way, in one question."""
        found = await DBOS.list_workflows_async(status=_UNDER_WAY, workflow_id_prefix=f"{job}-", load_input=False, load_output=False)
        return frozenset(run.workflow_id for run in found) | frozenset(key for key in self._waiting if key.startswith(f"{job}-"))

    async def executors(self) -> frozenset[str]:
        """Who has a run under way, living or dead."""
        found = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
        return frozenset(run.executor_id for run in found if run.executor_id)

    async def take_over(self, executor: str) -> int:
        """Queues the runs of an executor that is dead, each to go on after its last finished step; tells how many."""
        found = await DBOS.list_workflows_async(status="PENDING", executor_id=executor, load_input=False, load_output=False)
        ids = [run.workflow_id for run in found]
        if ids:
            await DBOS.resume_workflows_async(ids, queue_name=QUEUE)
        return len(ids)

    async def forget(self, before: datetime) -> int:
        """Deletes the history of runs that were queued before that moment and ended."""
        done = await DBOS.list_workflows_async(
            status=["SUCCESS", "ERROR", "CANCELLED"], end_time=before.isoformat(), limit=500, load_input=False, load_output=False
        )
        ids = [run.workflow_id for run in done]
        if ids:
            await DBOS.delete_workflows_async(ids)
        return len(ids)


def _speak_through_ours() -> None:
    """Takes the job engine's own handlers away, so that its warnings are lines of our log like any other."""
    logger = logging.getLogger("dbos")
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.WARNING)
