"""Files under way: a report is typeset by a thread, one at a time, while whoever waits for it sees how far it is."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger(__name__)
KEPT = 16  # files
PATIENCE = 0.12  # seconds that a request waits before it shows the progress

_lock = threading.Lock()
_one_by_one = threading.Lock()  # typesetting takes a processor for a second or two
_jobs: dict[tuple[Any, ...], Job] = {}


@dataclass
class Job:
    """A file being made; `step` of `steps` is what is done now."""

    step: int = 0
    steps: int = 2
    content: bytes | None = None
    error: Exception | None = None
    begun: float = field(default_factory=time.monotonic)
    done: threading.Event = field(default_factory=threading.Event)


def of(key: tuple[Any, ...], make: Callable[[Job], bytes]) -> Job:
    """The job of a key, begun where there is none or the last one failed."""
    with _lock:
        job = _jobs.pop(key, None)
        if job is None or (job.done.is_set() and job.error is not None):
            job = Job()
            threading.Thread(target=_run, args=(job, make), daemon=True, name="annual-report").start()
        _jobs[key] = job
        for old in [each for each, known in _jobs.items() if known.done.is_set()][: max(len(_jobs) - KEPT, 0)]:
            if old != key:
                _jobs.pop(old)
    return job


def _run(job: Job, make: Callable[[Job], bytes]) -> None:
    try:
        with _one_by_one:
            job.step = 1
            job.content = make(job)
    except Exception as error:
        log.exception("a report could not be made")
        job.error = error
    finally:
        job.done.set()


def forget() -> None:
    """Forgets all files (tests)."""
    with _lock:
        _jobs.clear()
