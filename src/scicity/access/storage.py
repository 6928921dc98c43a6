"""Stable storage for the inbox: an SQLite file beside the lake, or PostgreSQL where several machines write.

Both speak the same plain SQL here, with `?` for what is filled in. A transaction returns when it is on stable storage, and
transactions of all processes follow one another, so that numbers given in them are in the order of their commits.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

NUMBERED = {"sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT", "postgresql": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"}
BYTES = {"sqlite": "BLOB", "postgresql": "BYTEA"}
POSTGRESQL = ("postgresql://", "postgres://")
SCHEMA = "scicity_inbox"  # of PostgreSQL
ALONE = 0x5C1C17  # the advisory lock of PostgreSQL that keeps writers behind one another
LONGEST_JOURNAL = 65_536  # pages of SQLite's journal until whoever puts must carry it into the file
SPARE, SPARE_SHARE = 500_000_000, 0.1  # [bytes], share of the disk that is kept for the lake
PATIENCE = 30  # [s] so long a writer waits for another


class StorageRefused(Exception):  # noqa: N818  (reads as what happened)
    """The storage did not do what was asked, and nothing of it is kept: it is full, or away."""


class Transaction(Protocol):
    """What can be done within a transaction."""

    def execute(self, text: str, values: Sequence[Any] = ()) -> Any:
        """One statement."""

    def executemany(self, text: str, rows: Sequence[Sequence[Any]]) -> Any:
        """One statement for each row."""


class Storage(Protocol):
    """Tables on stable storage, for any number of threads."""

    kind: str

    def rows(self, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query. Raises StorageRefused."""

    def transaction(self) -> Any:
        """A context: all of what is done in it is on stable storage behind it, or nothing. Raises StorageRefused."""

    def tidy(self) -> None:
        """What is to be done now and then, by one process."""

    def full(self) -> bool:
        """Whether so little is left that those who move what waits need it."""


def storage_at(place: str | Path) -> Storage:
    """The storage at a file, or at an address `postgresql://…`."""
    return PostgresStorage(str(place)) if str(place).startswith(POSTGRESQL) else SqliteStorage(Path(place))


class SqliteStorage:
    """One file with a journal that is synced at every commit."""

    kind = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path, self._own = path, threading.local()
        path.parent.mkdir(parents=True, exist_ok=True)

    def rows(self, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        try:
            return self.connection.execute(text, values).fetchall()
        except sqlite3.Error as error:
            raise StorageRefused(str(error)) from error

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Begins as a writer, so that none fails in its middle."""
        try:
            connection, turn = self.connection, self._own.turn
            fcntl.flock(turn, fcntl.LOCK_EX)  # wakes who waits at once, where SQLite would sleep and look again
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                fcntl.flock(turn, fcntl.LOCK_UN)
        except (sqlite3.Error, OSError) as error:
            raise StorageRefused(str(error)) from error

    def tidy(self) -> None:
        """Carries what the journal holds into the file, so that those who put need not; gives its room back on a full disk."""
        self.rows(f"PRAGMA wal_checkpoint({'TRUNCATE' if self.full() else 'PASSIVE'})")

    def full(self) -> bool:
        """Whether the disk is nearly full: the lake needs the rest, or nothing that waits could ever be moved."""
        disk = os.statvfs(self.path.parent)
        return disk.f_bavail < min(SPARE_SHARE * disk.f_blocks, SPARE / disk.f_frsize)

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's own."""
        if not hasattr(self._own, "connection"):
            connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")  # the journal is synced before a commit returns
            connection.execute(f"PRAGMA wal_autocheckpoint = {LONGEST_JOURNAL}")
            self._own.turn = self.path.with_name(f"{self.path.name}.turn").open("ab")
            self._own.connection = connection
        return self._own.connection


class PostgresStorage:
    """A schema of a PostgreSQL database, with `synchronous_commit` as its server has it (on, unless somebody changed it)."""

    kind = "postgresql"

    def __init__(self, address: str) -> None:
        self.address, self._own = address, threading.local()

    def rows(self, text: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self._connected() as connection:
            return connection.execute(_marked(text), values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Waits for the transactions of others, and is alone until its end."""
        with self._connected() as connection, connection.transaction(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (ALONE,))
            yield _Marked(cursor)

    def tidy(self) -> None:
        """Nothing: its server does."""

    def full(self) -> bool:
        """Its server minds its disk, and refuses by itself."""
        return False

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        import psycopg  # slow to load, and needed only here

        try:
            if getattr(self._own, "connection", None) is None:
                connection = psycopg.connect(self.address, autocommit=True, connect_timeout=PATIENCE)
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
                connection.execute(f"SET search_path TO {SCHEMA}")
                self._own.connection = connection
            yield self._own.connection
        except psycopg.Error as error:
            broken, self._own.connection = getattr(self._own, "connection", None), None
            if broken is not None:
                broken.close()
            raise StorageRefused(str(error).strip()) from error


class _Marked:
    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor

    def execute(self, text: str, values: Sequence[Any] = ()) -> Any:
        return self.cursor.execute(_marked(text), values)

    def executemany(self, text: str, rows: Sequence[Sequence[Any]]) -> Any:
        return self.cursor.executemany(_marked(text), rows)


def _marked(text: str) -> str:
    return text.replace("?", "%s")
