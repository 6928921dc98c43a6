"""Where an inbox can be: a file, and a database of PostgreSQL."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scicity.access.storage import SCHEMA, PostgresStorage
from tests.access.postgres import DEBIAN, Postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A cluster that runs as long as the tests."""
    if not DEBIAN:
        pytest.skip("PostgreSQL's server is not installed (Debian: postgresql)")
    with tempfile.TemporaryDirectory(prefix="scicity-") as folder:  # short: a socket's path holds 107 characters
        Path(folder).chmod(0o755)
        cluster = Postgres(Path(folder) / "pg")
        cluster.start()
        yield cluster
        cluster.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest) -> Callable[[Path], Path | str]:
    """Gives the place of an inbox in which nothing is, for a folder of its own."""

    def place(folder: Path) -> Path | str:
        if request.param == "sqlite":
            return folder / "inbox.sqlite3"
        address: str = request.getfixturevalue("postgres").address
        with PostgresStorage(address).transaction() as begun:
            begun.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
        return address

    return place
