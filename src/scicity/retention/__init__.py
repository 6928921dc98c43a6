"""Retention: what is old is let go of by the district's rule, in bites between which live steps go on."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from scicity.closing import Closings
from scicity.kernel.computing import Computing
from scicity.kernel.district import District
from scicity.kernel.lake import Lake
from scicity.kernel.problems import Problems
from scicity.retention.readings import NotYet, Readings
from scicity.retention.rule import Rule, rule_of
from scicity.retention.standing import pins
from scicity.retention.versions import Gone, Versions

__all__ = ["Gone", "Rule", "UnderWay", "held_back", "let_go", "rule_of"]


class UnderWay(Exception):  # noqa: N818  (reads as what happened)
    """Another process lets go already."""


def let_go(computing: Computing, closings: Closings, district: District, now: datetime, *, dry: bool = False) -> Iterator[Gone]:
    """Lets go of what the rule of a district says, a bite with each step; what each let go of. `dry`: only tells.

    Raises UnderWay where another process does so, and Refused for a rule that cannot be: nothing is deleted by one that was not
    meant. Not within `Lake.alone`: each bite takes it for itself.
    """
    rule, lake = rule_of(district.settings, problems := Problems()), computing.lake
    problems.refuse()
    lake.root.mkdir(parents=True, exist_ok=True)
    with _alone(lake.root / "retaining"):
        try:
            yield from Readings(computing, rule, now, dry).bites()
        except NotYet as reason:
            yield Gone(problem=f"readings are not retired: {reason}")
        pinned = pins(computing, closings)
        yield from Versions(lake, computing.catalog, computing.calendar, rule, pinned, now, dry).bites()


@contextmanager
def held_back(lake: Lake) -> Iterator[None]:
    """While nothing of a lake is let go of; waits for who does so now. Not within `Lake.alone`."""
    lake.root.mkdir(parents=True, exist_ok=True)
    with (lake.root / "retaining").open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("ab") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UnderWay(f"another process lets go already ({lock})") from None
        yield
