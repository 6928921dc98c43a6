"""The condition of a running district, for its operator: what its processes say, what waits, and what it takes on disk."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from scicity.access.inbox import Inbox
from scicity.access.storage import SCHEMA
from scicity.cockpit.arriving import COLLECTOR, MOVER, NOTICES, SILENT, inbox_of
from scicity.cockpit.city import OpenCity
from scicity.kernel.lake import Lake
from scicity.stores import StoreRefused

BEATING = (MOVER, COLLECTOR, NOTICES)  # parts that beat for as long as they live; others say when they last did their work
OF_POSTGRES = f"""SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '{SCHEMA}' AND c.relkind = 'r'"""

_lock = threading.Lock()
_bytes: dict[tuple[str, str], dict[str, int]] = {}  # of each file of a table: files never change


@dataclass(frozen=True)
class Pulse:
    """A part of the access network: when it was last heard of, since when it runs, and what is wrong with it, if anything."""

    part: str
    at: datetime
    begun: datetime | None
    silent: bool
    error: str
    told: dict[str, Any]


@dataclass(frozen=True)
class Size:
    """What the newest version of a table takes: files, bytes; how many versions are kept, how many files its log has, and how
    many wait to be deleted."""

    table: str
    files: int
    bytes: int
    versions: int
    logs: int = 0
    doomed: int = 0


@dataclass(frozen=True)
class Condition:
    """All of it. Sizes in bytes, rates in readings per second, `oldest` is when the batch arrived that waits longest.

    `sizes` is None where the lake's store does not answer.
    """

    waiting: int
    oldest: datetime | None
    held: int
    unread: int
    inbox_bytes: int
    pulses: dict[str, Pulse]
    disk_free: int
    disk_total: int
    sizes: list[Size] | None = None

    @property
    def lake_bytes(self) -> int | None:
        """Of the newest versions of all tables."""
        return None if self.sizes is None else sum(size.bytes for size in self.sizes)

    @property
    def log_files(self) -> int | None:
        """Of the logs of all tables: one for each version that has not been let go of by steps."""
        return None if self.sizes is None else sum(size.logs for size in self.sizes)

    @property
    def doomed_files(self) -> int | None:
        """That no kept version has, and that are deleted with one of the next runs of retention."""
        return None if self.sizes is None else sum(size.doomed for size in self.sizes)

    @property
    def lake_files(self) -> int | None:
        """Of the newest versions of all tables."""
        return None if self.sizes is None else sum(size.files for size in self.sizes)


def condition(city: OpenCity, now: datetime) -> Condition:
    """How a district is. Raises StorageRefused where the inbox does."""
    inbox = inbox_of(city)
    try:
        found = sizes(city.figures.lake, city.figures.catalog.tables)
    except StoreRefused:  # which `trouble` tells of
        found = None
    disk = shutil.disk_usage(_there(city.place.state))
    return Condition(
        waiting=inbox.waiting_readings(),
        oldest=inbox.waiting_since(),
        held=inbox.held_readings(),
        unread=inbox.unread_messages(),
        inbox_bytes=inbox_bytes(inbox),
        pulses={part: _pulse(part, at, told, now) for part, (at, told) in sorted(inbox.pulses().items())},
        disk_free=disk.free,
        disk_total=disk.total,
        sizes=found,
    )


def inbox_bytes(inbox: Inbox) -> int:
    """What the inbox takes on disk, with its journal."""
    if inbox.storage.kind == "postgresql":
        return int(inbox.storage.rows(OF_POSTGRES)[0][0])
    ((_, _, file),) = inbox.storage.rows("PRAGMA database_list")[:1]
    return sum(part.stat().st_size for part in (Path(file), Path(f"{file}-wal")) if part.exists())


def sizes(lake: Lake, tables: Any) -> list[Size]:
    """The tables that the lake holds, the largest first. A file is looked at once in the life of this process."""
    found = []
    for table in tables:
        snapshot = lake.snapshot(table)
        if snapshot.version >= 0:
            known = _bytes.get((str(lake.root), table), {})
            new = lake.sizes(table, snapshot.paths - known.keys())
            now = {path: known[path] if path in known else new[path] for path in snapshot.paths}
            with _lock:
                _bytes[str(lake.root), table] = now
            record = lake.record(table)
            logs = snapshot.version - max(record.through, 0) + 1
            kept = sum(version < record.through for version in record.versions)
            found.append(Size(table, len(now), sum(now.values()), kept + logs, logs, len(record.doomed)))
    return sorted(found, key=lambda size: (-size.bytes, size.table))


def _pulse(part: str, at: datetime, told: dict[str, Any], now: datetime) -> Pulse:
    begun = told.get("begun")
    silent = part in BEATING and now - at > SILENT
    return Pulse(part, at, datetime.fromisoformat(begun) if begun else None, silent, str(told.get("error") or ""), told)


def _there(folder: Path) -> Path:
    """The folder, or the nearest one above it that there is."""
    return next(each for each in (folder, *folder.parents) if each.exists())
