"""The inbox: what arrives is on stable storage before it is acknowledged, and leaves for the lake exactly once.

Those who put at the same moment share one commit. A batch is known by its name: one that comes again is acknowledged and not
kept twice. What cannot be placed waits in the quarantine, in the same storage, so that it is there in the very commit in which
its batch leaves; so do messages that could not be read at all. Batches leave in two lanes, each in its order of arrival: what
happened just now does not wait behind what a device sends after days of outage.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.access.storage import BYTES, NUMBERED, StorageRefused, storage_at
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch

MOST_WAITING = 20_000_000  # readings that wait at most; beyond them senders are asked to wait
LOOKS = 16  # times that a process looks how many wait, until it has put as many as may
LIVE, LATE = LANES = (0, 1)
LATEST = 2**53  # [µs] in the year 2255
MOST_VALUES = 10_000  # names of one statement
LIVE_FOR = timedelta(hours=1)  # a batch whose newest reading is older than this has time to wait
NAMES_KEPT = timedelta(days=92)  # so long a batch is known by its name when it comes again
FORM = 1  # of these tables: one that is changed takes the next number, and says what becomes of the one before
TABLES = (
    "CREATE TABLE IF NOT EXISTS form (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS identity (one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS batch (sequence {numbered}, name TEXT NOT NULL UNIQUE, place TEXT NOT NULL,
        arrived TEXT NOT NULL, lane INTEGER NOT NULL, readings INTEGER NOT NULL, content {bytes})""",
    "CREATE INDEX IF NOT EXISTS waits ON batch (lane, sequence, readings) WHERE content IS NOT NULL",
    "DROP INDEX IF EXISTS waiting",  # of releases before: without the readings, each look at what waits read all of it
    """CREATE TABLE IF NOT EXISTS quarantine (id {numbered}, sequence BIGINT NOT NULL, place TEXT NOT NULL,
        arrived TEXT NOT NULL, code TEXT NOT NULL, datastream TEXT NOT NULL, readings INTEGER NOT NULL, found TEXT NOT NULL,
        expected TEXT NOT NULL, content {bytes} NOT NULL, UNIQUE (sequence, code, datastream))""",
    """CREATE TABLE IF NOT EXISTS unread (id {numbered}, name TEXT NOT NULL UNIQUE, place TEXT NOT NULL, arrived TEXT NOT NULL,
        form TEXT NOT NULL, problems TEXT NOT NULL, content {bytes} NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS message (name TEXT PRIMARY KEY, arrived TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS pulse (part TEXT PRIMARY KEY, at TEXT NOT NULL, told TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS heard (datastream TEXT PRIMARY KEY, time TEXT NOT NULL)",
)
BEAT = "INSERT INTO pulse VALUES (?, ?, ?) ON CONFLICT (part) DO UPDATE SET at = excluded.at, told = excluded.told"
INSERT = """INSERT INTO batch (name, place, arrived, lane, readings, content) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (name) DO NOTHING"""
HOLD = """INSERT INTO quarantine (sequence, place, arrived, code, datastream, readings, found, expected, content)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sequence, code, datastream) DO NOTHING"""
UNREAD = """INSERT INTO unread (name, place, arrived, form, problems, content) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (name) DO NOTHING"""
HEARD = """INSERT INTO heard VALUES (?, ?) ON CONFLICT (datastream) DO UPDATE SET time = excluded.time
    WHERE excluded.time > heard.time"""


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

    def mended(self, datastream: str = "", shift: timedelta = timedelta(0), times: float = 1.0) -> Held:
        """The same readings under another datastream's name, and at the times that a right clock would have told.

        A time is first multiplied by `times` (1000: seconds were told as milliseconds), then shifted. Raises OverflowError for
        times that no calendar holds.
        """
        rows = self.rows
        if datastream:
            rows = rows.set_column(0, ARRIVAL.field("datastream"), pa.array([datastream] * rows.num_rows, pa.string()))
        if shift or times != 1:
            told = pc.cast(rows.column("time"), pa.int64()).to_numpy(zero_copy_only=False).astype(float) * times
            told += shift.total_seconds() * 1e6
            if (abs(told) > LATEST).any():
                raise OverflowError("a time that no calendar holds")
            mask = np.isnan(told)
            whole = pa.array(np.where(mask, 0, told).round().astype(np.int64), mask=mask)
            rows = rows.set_column(1, ARRIVAL.field("time"), whole.cast(ARRIVAL.field("time").type))
        return replace(self, rows=rows, datastream=datastream or self.datastream)


@dataclass(frozen=True)
class Unread:
    """A message that could not be read: `form` says as what (a protocol), `content` is what came, `problems` what was wrong."""

    name: str
    place: str
    arrived: datetime
    form: str
    problems: tuple[dict[str, Any], ...]
    content: bytes
    id: int = 0


class InboxFull(Exception):  # noqa: N818  (reads as what happened)
    """So much waits already that nothing more is taken; whoever sends must try again later."""


class _Ticket:
    def __init__(self, batches: Sequence[Batch], heard: Sequence[tuple[str, str]]) -> None:
        self.rows = [_row(batch) for batch in batches]
        self.heard = heard
        self.done = False
        self.error: Exception | None = None


class Inbox:
    """The inbox at a file or an address of PostgreSQL. Any number of threads and processes put; one moves on what waits."""

    def __init__(self, place: Path | str, most_waiting: int = MOST_WAITING) -> None:
        self.storage, self.most_waiting = storage_at(place), most_waiting
        self._queue: list[_Ticket] = []
        self._queued, self._writing = threading.Lock(), threading.Lock()
        with self.storage.transaction() as begun:
            for table in TABLES:
                begun.execute(table.format(numbered=NUMBERED[self.storage.kind], bytes=BYTES[self.storage.kind]))
            begun.execute("INSERT INTO form VALUES (1, ?) ON CONFLICT (one) DO NOTHING", (FORM,))
            begun.execute("INSERT INTO identity VALUES (1, ?) ON CONFLICT (one) DO NOTHING", (uuid.uuid4().hex,))
        ((form,),) = self.storage.rows("SELECT number FROM form")
        if form > FORM:
            raise StorageRefused(f"the inbox has form {form}, of a later SciCity; this one writes {FORM}")
        ((self.identity,),) = self.storage.rows("SELECT name FROM identity")
        self._readings, self._put = self.waiting_readings(), 0

    def put(self, batches: Sequence[Batch], heard: Sequence[tuple[str, datetime]] = ()) -> None:
        """Returns when the batches are on stable storage: all of them, or none. `heard` says up to when datastreams of devices
        that are asked have been heard of; it is kept in the same commit.

        Raises InboxFull where too much waits, and StorageRefused where the storage does (a full disk); nothing of these
        batches is kept then.
        """
        self._make_room(sum(batch.rows.num_rows for batch in batches))
        ticket = _Ticket(batches, [(name, _text(time)) for name, time in heard])
        with self._queued:
            self._queue.append(ticket)
        with self._writing:  # whoever comes here first writes for all that queue by then
            if not ticket.done:
                with self._queued:
                    group, self._queue = self._queue, []
                self._write(group)
        if ticket.error is not None:
            raise ticket.error

    def put_messages(self, names: Sequence[str], rows: pa.Table, of: np.ndarray, arrived: datetime, place: str) -> None:
        """Puts the readings of many small messages as one batch, without those of messages that are known by their `names`.

        `rows` in the schema ARRIVAL, `of` each row's message. Returns and raises as `put` does.
        """
        self._make_room(rows.num_rows)
        told = _text(arrived)
        with self._writing, self.storage.transaction() as begun:
            new = set()
            for at in range(0, len(names), MOST_VALUES):
                some = names[at : at + MOST_VALUES]
                marks = ", ".join(["(?, ?)"] * len(some))
                query = f"INSERT INTO message VALUES {marks} ON CONFLICT (name) DO NOTHING RETURNING name"
                new |= {name for (name,) in begun.execute(query, [value for name in some for value in (name, told)]).fetchall()}
            first = {name: number for number, name in reversed(list(enumerate(names))) if name in new}
            fresh = rows.filter(pa.array(np.isin(of, list(first.values()))))
            late = pc.fill_null(pc.less(fresh.column("time"), pa.scalar(arrived - LIVE_FOR)), False)
            for lane, mine in ((LIVE, fresh.filter(pc.invert(late))), (LATE, fresh.filter(late))):
                if mine.num_rows:
                    begun.execute(INSERT, _row(Batch(f"{place}#{min(new)}-{lane}", mine, arrived, place)))
        self._count(fresh.num_rows)

    def waiting(self, most: int, lane: int = LIVE) -> list[Waiting]:
        """The batches of a lane that have waited longest, as many as hold `most` readings, at least one where any waits."""
        readings, last = 0, None
        query = "SELECT sequence, readings FROM batch WHERE lane = ? AND content IS NOT NULL ORDER BY sequence LIMIT 100000"
        for sequence, count in self.storage.rows(query, (lane,)):
            if last is not None and readings + count > most:
                break
            readings, last = readings + count, sequence
        if last is None:
            return []
        query = """SELECT sequence, name, place, arrived, content FROM batch
            WHERE lane = ? AND content IS NOT NULL AND sequence <= ? ORDER BY sequence"""
        return [
            Waiting(sequence, Batch(name, _unpacked(content), datetime.fromisoformat(arrived), place))
            for sequence, name, place, arrived, content in self.storage.rows(query, (lane, last))
        ]

    def hold(self, held: Sequence[Held]) -> None:
        """Puts readings into the quarantine; those of a batch, problem and datastream that it holds already are left out."""
        rows = [
            (h.sequence, h.place, _text(h.arrived), h.code, h.datastream, h.rows.num_rows, h.found, h.expected, _packed(h.rows))
            for h in held
        ]
        with self.storage.transaction() as begun:
            begun.executemany(HOLD, rows)

    def held_of(self, sequences: Sequence[int], codes: Sequence[str]) -> set[tuple[int, str]]:
        """Of which batches (their sequence) which datastreams are held for one of these problems."""
        marks = ", ".join("?" * len(codes))
        query = f"SELECT sequence, datastream FROM quarantine WHERE sequence BETWEEN ? AND ? AND code IN ({marks})"
        return set(self.storage.rows(query, (min(sequences), max(sequences), *codes)))

    def moved(self, sequences: Sequence[int]) -> None:
        """Forgets what batches held, because all of it is on stable storage: in the lake, or in the quarantine.

        The name of a batch stays, so that it is known when it comes again.
        """
        with self.storage.transaction() as begun:
            begun.executemany("UPDATE batch SET content = NULL WHERE sequence = ?", [(sequence,) for sequence in sequences])
        self._readings = self.waiting_readings()

    def forget_names(self, now: datetime) -> None:
        """Lets go of the names of batches and messages of long ago."""
        before = (_text(now - NAMES_KEPT),)
        with self.storage.transaction() as begun:
            begun.execute("DELETE FROM batch WHERE content IS NULL AND arrived < ?", before)
            begun.execute("DELETE FROM message WHERE arrived < ?", before)

    def waiting_readings(self) -> int:
        """How many readings wait for the lake."""
        return int(self.storage.rows("SELECT coalesce(sum(readings), 0) FROM batch WHERE content IS NOT NULL")[0][0])

    def waiting_since(self) -> datetime | None:
        """When the batch arrived that has waited longest; None where nothing waits."""
        ((arrived,),) = self.storage.rows("SELECT min(arrived) FROM batch WHERE content IS NOT NULL")
        return datetime.fromisoformat(arrived) if arrived else None

    def heard(self) -> dict[str, datetime]:
        """Up to when each datastream of a device that is asked has been heard of."""
        return {name: datetime.fromisoformat(time) for name, time in self.storage.rows("SELECT datastream, time FROM heard")}

    def quarantine(self, ids: Sequence[int] | None = None) -> list[Held]:
        """What is held of batches that have left, the newest first; of some ids or all."""
        query = """SELECT id, q.sequence, q.place, q.arrived, code, datastream, found, expected, q.content FROM quarantine q
            LEFT JOIN batch USING (sequence) WHERE batch.content IS NULL ORDER BY id DESC"""
        return [
            Held(sequence, place, datetime.fromisoformat(arrived), code, name, found, expected, _unpacked(content), number)
            for number, sequence, place, arrived, code, name, found, expected, content in self.storage.rows(query)
            if ids is None or number in ids
        ]

    def not_placed(self, waiting: Sequence[str], held: Sequence[str]) -> tuple[list[pa.Table], list[pa.Table]]:
        """The readings (ARRIVAL) that wait of some datastreams, and those that are held of some: both as of one moment.

        A reading that is on its way from one to the other may be in both.
        """
        names = pa.array(sorted(waiting), pa.string())
        marks = (", ".join("?" * len(held)) or "NULL") if len(held) <= MOST_VALUES else "SELECT datastream FROM quarantine"
        query = f"""SELECT 0, content FROM batch WHERE content IS NOT NULL
            UNION ALL SELECT 1, content FROM quarantine WHERE datastream IN ({marks})"""
        found: tuple[list[pa.Table], list[pa.Table]] = ([], [])
        for which, content in self.storage.rows(query, tuple(held) if len(held) <= MOST_VALUES else ()):
            rows = _unpacked(content)
            asked = pa.array(sorted(held), pa.string()) if which else names
            mine = rows.filter(pc.is_in(rows.column("datastream"), value_set=asked))
            if mine.num_rows:
                found[which].append(mine)
        return found

    def held_readings(self) -> int:
        """How many readings are in the quarantine."""
        return int(self.storage.rows("SELECT coalesce(sum(readings), 0) FROM quarantine")[0][0])

    def replay(self, held: Sequence[Held]) -> int:
        """Puts held readings, perhaps mended, at the end of what waits, as new batches, in one commit; returns how many."""
        batches = [
            Batch(f"{each.place}#replay-{each.sequence}-{each.id}", each.rows, each.arrived, each.place) for each in held
        ]
        with self.storage.transaction() as begun:
            begun.executemany(INSERT, [_row(batch) for batch in batches])
            begun.executemany("DELETE FROM quarantine WHERE id = ?", [(each.id,) for each in held])
        self._readings = self.waiting_readings()
        return sum(each.rows.num_rows for each in held)

    def keep_unread(self, name: str, place: str, arrived: datetime, form: str, problems: Problems, content: bytes) -> None:
        """Puts a message that could not be read on stable storage; one of the same name is kept once."""
        told = json.dumps([problem.as_dict() for problem in problems], ensure_ascii=False, default=str)
        with self.storage.transaction() as begun:
            begun.execute(UNREAD, (name, place, _text(arrived), form, told, content))

    def unread(self) -> list[Unread]:
        """The messages that could not be read, the newest first."""
        query = "SELECT name, place, arrived, form, problems, content, id FROM unread ORDER BY id DESC"
        return [
            Unread(name, place, datetime.fromisoformat(arrived), form, tuple(json.loads(problems)), bytes(content), number)
            for name, place, arrived, form, problems, content, number in self.storage.rows(query)
        ]

    def forget_unread(self, ids: Sequence[int]) -> None:
        """Lets go of messages that could be read after all."""
        with self.storage.transaction() as begun:
            begun.executemany("DELETE FROM unread WHERE id = ?", [(number,) for number in ids])

    def unread_messages(self) -> int:
        """How many messages could not be read."""
        return int(self.storage.rows("SELECT count(*) FROM unread")[0][0])

    def beat(self, part: str, at: datetime, told: Mapping[str, Any]) -> None:
        """Says that a part of the access network is alive, and how it is doing."""
        with self.storage.transaction() as begun:
            begun.execute(BEAT, (part, _text(at), json.dumps(told)))

    def pulses(self) -> dict[str, tuple[datetime, dict[str, Any]]]:
        """When each part last said that it is alive, and how it was doing."""
        rows = self.storage.rows("SELECT part, at, told FROM pulse")
        return {part: (datetime.fromisoformat(at), json.loads(told)) for part, at, told in rows}

    def _count(self, readings: int) -> None:
        self._readings += readings
        self._put += readings

    def _make_room(self, more: int) -> None:
        if self.storage.full():
            raise InboxFull("the disk is nearly full")
        if self._readings + more > self.most_waiting or self._put > self.most_waiting // LOOKS:
            self._readings, self._put = self.waiting_readings(), 0  # others put as well, and another moves them on
            if self._readings + more > self.most_waiting:
                raise InboxFull(f"{self._readings:,} readings wait for the lake")

    def _write(self, group: list[_Ticket]) -> None:
        try:
            with self.storage.transaction() as begun:
                rows = [row for ticket in group for row in ticket.rows]
                heard = [row for ticket in group for row in ticket.heard]
                if rows:
                    begun.executemany(INSERT, rows)
                if heard:
                    begun.executemany(HEARD, heard)
        except Exception as error:  # told to each who waits for this commit
            for ticket in group:
                ticket.error = error
        else:
            self._count(sum(row[4] for row in rows))
        for ticket in group:
            ticket.done = True


def _row(batch: Batch) -> tuple[str, str, str, int, int, bytes]:
    newest = pc.max(batch.rows.column("time")).as_py()
    lane = LATE if newest is not None and batch.arrived - newest > LIVE_FOR else LIVE
    return batch.name, batch.place, _text(batch.arrived), lane, batch.rows.num_rows, _packed(batch.rows)


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds")  # one length, so that texts sort as times do


def _packed(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, ARRIVAL) as writer:
        writer.write_table(rows if rows.schema.equals(ARRIVAL) else rows.cast(ARRIVAL))
    return bytes(sink.getvalue())


def _unpacked(content: bytes) -> pa.Table:
    with pa.ipc.open_stream(content) as reader:
        return reader.read_all()
