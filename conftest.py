"""For all tests: no test holds a clock, so neither does Hypothesis; and districts that are computed once for all who ask."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from scicity.city import City

settings.register_profile("scicity", deadline=None)
settings.load_profile("scicity")

DISTRICTS = Path(__file__).parent / "districts"


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], City]:
    """A district of `districts/` with all its figures, by name: loaded and computed once for all processes of a run.

    Nobody writes to it: who changes anything copies its `state`.
    """
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def made(name: str) -> City:
        city = City(DISTRICTS / name, root / f"shipped-{name}")
        with (root / f"shipped-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the other process computes it
            done = root / f"shipped-{name}.done"
            if not done.exists():
                city.load()
                city.compute()
                done.touch()
        return city

    return made
