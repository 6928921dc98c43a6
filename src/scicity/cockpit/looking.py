"""Whether anybody looks: while no page is open figures need not be healed every second, and each step costs files for ever."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

MARK = "looked"  # of the lake: an empty file whose time says when somebody last looked
OFTEN = 10.0  # [s] between two marks of one process
PRESENT = 120.0  # [s] behind the last look; an open page looks every two seconds
BY_MACHINES = ("healthz", "readyz", "metrics", "static")  # first parts of addresses that nobody reads figures from

_lock = threading.Lock()
_marked: dict[Path, float] = {}


def look(lake: Path, method: str, path: str) -> None:
    """Notes that somebody asked for something that shows figures."""
    now = time.monotonic()
    if method != "GET" or path.lstrip("/").split("/", 1)[0] in BY_MACHINES:
        return
    with _lock:
        if now - _marked.get(lake, -OFTEN) < OFTEN:
            return
        _marked[lake] = now
    with suppress(OSError):  # a lake that is not there yet, or that may not be written: then figures heal slowly
        (lake / MARK).touch()


def somebody_looks(lake: Path) -> bool:
    """Whether somebody looked a short while ago."""
    try:
        return time.time() - os.stat(lake / MARK).st_mtime < PRESENT  # noqa: PTH116
    except OSError:
        return False
