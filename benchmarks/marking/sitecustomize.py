"""Tells what a process is about while it runs: read at the start of every process of `benchmarks/lossless.py`.

Each part leaves a file in the folder `MARKS_OF_PARTS` for as long as it goes on, so that a run may aim at it, and count what it
hit. Files of readings are merged as soon as there are a few, so that there is more to hit.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

FEW = 4  # files that are merged
MARKS = Path(os.environ["MARKS_OF_PARTS"])


def marked(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with its file beside it while it runs."""

    def marking(*told: Any, **named: Any) -> Any:
        mark = MARKS / f"{part}-{os.getpid()}"
        mark.touch()
        try:
            return function(*told, **named)
        finally:
            mark.unlink(missing_ok=True)

    return marking


def _mark() -> None:
    from scicity.access import arrival, compacting
    from scicity.access.inbox import Inbox
    from scicity.kernel.computing import Computing

    compacting.MANY = FEW
    Inbox.put = marked("keeping", Inbox.put)
    arrival.move = marked("moving", arrival.move)
    compacting.merge = marked("merging", compacting.merge)
    Computing.bring_up_to_date = marked("computing", Computing.bring_up_to_date)


_mark()
