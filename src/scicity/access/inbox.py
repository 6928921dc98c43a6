"""The inbox: what arrives is on stable storage before it is acknowledged, and leaves for the lake exactly once.

One SQLite file beside the lake, in a journal that is synced at every commit. Those who put at the same moment share one
commit. A batch is known by its name: one that comes again is acknowledged and not kept twice. What cannot be placed waits in
the quarantine, in the same file, so that it is there in the very commit in which its batch leaves.
"""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from scicity.kernel.reading import ARRIVAL, Batch

MOST_WAITING = 20_000_000  # readings that wait at most; beyond them senders are asked to wait
SCHEMA = """
CREATE TABLE IF NOT EXISTS identity (one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS batch (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    place TEXT NOT NULL,
    arrived TEXT NOT NULL,
    readings INTEGER NOT NULL,
    content BLOB
);
CREATE INDEX IF NOT EXISTS waiting ON batch (sequence) WHERE content IS NOT NULL;
CREATE TABLE IF NOT EXISTS quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sequence INTEGER NOT NULL,
    place TEXT NOT NULL,
    arrived TEXT NOT NULL,
    code TEXT NOT NULL,
    datastream TEXT NOT NULL,
    readings INTEGER NOT NULL,
    found TEXT NOT NULL,
    expected TEXT NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (sequence, code, datastream)
);
"""
INSERT = "INSERT OR IGNORE INTO batch (name, place, arrived, readings, content) VALUES (?, ?, ?, ?, ?)"


@dataclass(frozen=True)
class Waiting:
    """A batch that has not left for the lake: its place in the order of arrival, and what it holds."""

    sequence: int
    batch: Batch


@dataclass(frozen=True)
class Held:
    """Readings of one datastream that could not be placed: the problem (a code of `vocabulary/problems.csv`), and the rows.

    `rows` in the schema ARRIVAL, as they came. `id` is 0 before they are in the quarantine.
    """

    sequence: int
    place: str
    arrived: datetime
    code: str
    datastream: str
    found: str
    expected: str
    rows: pa.Table
    id: int = 0


class InboxFull(Exception):  # noqa: N818  (reads as what happened)
    """So much waits already that nothing more is taken; whoever sends must try again later."""


class _Ticket:
    def __init__(self, batches: Sequence[Batch]) -> None:
        self.rows = [_row(batch) for batch in batches]
        self.done = False
        self.error: Exception | None = None


class Inbox:
    """The inbox at a path. Any number of threads put; one moves on what waits."""

    def __init__(self, path: Path, most_waiting: int = MOST_WAITING) -> None:
        self.path, self.most_waiting = Path(path), most_waiting
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._own = threading.local()
        self._queue: list[_Ticket] = []
        self._queued, self._writing = threading.Lock(), threading.Lock()
        self._database.executescript(SCHEMA)
        self._database.execute("INSERT OR IGNORE INTO identity VALUES (1, ?)", (uuid.uuid4().hex,))
        (self.identity,) = self._database.execute("SELECT name FROM identity").fetchone()
        self._readings = self.waiting_readings()

    def put(self, batches: Sequence[Batch]) -> None:
        """Returns when the batches are on stable storage: all of them, or none.

        Raises InboxFull where too much waits, and sqlite3.Error where the storage refuses (a full disk); nothing of these
        batches is kept then.
        """
        more = sum(batch.rows.num_rows for batch in batches)
        if self._readings + more > self.most_waiting:
            self._readings = self.waiting_readings()  # another process moves them on
            if self._readings + more > self.most_waiting:
                raise InboxFull(f"{self._readings:,} readings wait for the lake")
        ticket = _Ticket(batches)
        with self._queued:
            self._queue.append(ticket)
        with self._writing:  # whoever comes here first writes for all that queue by then
            if not ticket.done:
                with self._queued:
                    group, self._queue = self._queue, []
                self._write(group)
        if ticket.error is not None:
            raise ticket.error

    def waiting(self, most: int) -> list[Waiting]:
        """The batches that have waited longest, as many as hold `most` readings, at least one where any waits."""
        found, readings = [], 0
        query = (
            "SELECT sequence, name, place, arrived, readings, content FROM batch WHERE content IS NOT NULL ORDER BY sequence"
        )
        for sequence, name, place, arrived, count, content in self._database.execute(query):
            if found and readings + count > most:
                break
            readings += count
            found.append(Waiting(sequence, Batch(name, _unpacked(content), datetime.fromisoformat(arrived), place)))
        return found

    def hold(self, held: Sequence[Held]) -> None:
        """Puts readings into the quarantine; those of a batch, problem and datastream that it holds already are left out."""
        columns = "sequence, place, arrived, code, datastream, readings, found, expected, content"
        rows = [
            (
                h.sequence,
                h.place,
                h.arrived.isoformat(),
                h.code,
                h.datastream,
                h.rows.num_rows,
                h.found,
                h.expected,
                _packed(h.rows),
            )
            for h in held
        ]
        with self._writing, _committed(self._database) as database:
            database.executemany(f"INSERT OR IGNORE INTO quarantine ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def held_of(self, sequences: Sequence[int], codes: Sequence[str]) -> set[tuple[int, str]]:
        """Of which batches (their sequence) which datastreams are held for one of these problems."""
        marks = ", ".join("?" * len(codes))
        query = f"SELECT sequence, datastream FROM quarantine WHERE sequence BETWEEN ? AND ? AND code IN ({marks})"
        return set(self._database.execute(query, (min(sequences), max(sequences), *codes)))

    def moved(self, sequences: Sequence[int]) -> None:
        """Forgets what batches held, because all of it is on stable storage: in the lake, or in the quarantine.

        The name of a batch stays, so that it is known when it comes again.
        """
        with self._writing, _committed(self._database) as database:
            database.executemany("UPDATE batch SET content = NULL WHERE sequence = ?", [(sequence,) for sequence in sequences])
        self._readings = self.waiting_readings()

    def waiting_readings(self) -> int:
        """How many readings wait for the lake."""
        query = "SELECT coalesce(sum(readings), 0) FROM batch WHERE content IS NOT NULL"
        return int(self._database.execute(query).fetchone()[0])

    def quarantine(self, ids: Sequence[int] | None = None) -> list[Held]:
        """What is held of batches that have left, the newest first; of some ids or all."""
        query = """SELECT id, q.sequence, q.place, q.arrived, code, datastream, found, expected, q.content FROM quarantine q
            LEFT JOIN batch USING (sequence) WHERE batch.content IS NULL ORDER BY id DESC"""
        return [
            Held(sequence, place, datetime.fromisoformat(arrived), code, name, found, expected, _unpacked(content), number)
            for number, sequence, place, arrived, code, name, found, expected, content in self._database.execute(query)
            if ids is None or number in ids
        ]

    def replay(self, ids: Sequence[int]) -> int:
        """Puts held readings at the end of what waits, as new batches, in one commit; returns how many readings."""
        held = self.quarantine(ids)
        with self._writing, _committed(self._database) as database:
            for each in held:
                database.execute(INSERT, _row(Batch(f"{each.place}#replay-{each.id}", each.rows, each.arrived, each.place)))
                database.execute("DELETE FROM quarantine WHERE id = ?", (each.id,))
        self._readings = self.waiting_readings()
        return sum(each.rows.num_rows for each in held)

    def _write(self, group: list[_Ticket]) -> None:
        try:
            with _committed(self._database) as database:
                for ticket in group:
                    database.executemany(INSERT, ticket.rows)
        except Exception as error:  # told to each who waits for this commit
            for ticket in group:
                ticket.error = error
        else:
            self._readings += sum(row[3] for ticket in group for row in ticket.rows)
        for ticket in group:
            ticket.done = True

    @property
    def _database(self) -> sqlite3.Connection:
        """This thread's connection."""
        if not hasattr(self._own, "database"):
            database = sqlite3.connect(self.path, timeout=30, isolation_level=None)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")  # the journal is synced before a commit returns
            self._own.database = database
        return self._own.database  # type: ignore[no-any-return]


def _row(batch: Batch) -> tuple[str, str, str, int, bytes]:
    return batch.name, batch.place, batch.arrived.astimezone(UTC).isoformat(), batch.rows.num_rows, _packed(batch.rows)


@contextmanager
def _committed(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _packed(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, ARRIVAL) as writer:
        writer.write_table(rows if rows.schema.equals(ARRIVAL) else rows.cast(ARRIVAL))
    return bytes(sink.getvalue())


def _unpacked(content: bytes) -> pa.Table:
    with pa.ipc.open_stream(content) as reader:
        return reader.read_all()
