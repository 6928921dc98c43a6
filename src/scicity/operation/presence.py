"""Who uses a district's state: each process that serves, moves or collects says so while it lives, by a shared lock."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

LOCK = "in-use.lock"
_held: list[IO[bytes]] = []  # for as long as this process lives


def present(state: Path) -> None:
    """Says that this process uses a state folder, from now on."""
    state.mkdir(parents=True, exist_ok=True)
    lock = (state / LOCK).open("ab")
    fcntl.flock(lock, fcntl.LOCK_SH)
    _held.append(lock)


@contextmanager
def nobody_present(state: Path) -> Iterator[bool]:
    """Whether nobody uses a state folder; where nobody does, whoever comes waits until the block has ended."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
