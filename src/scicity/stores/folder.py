"""The files of a lake in a folder."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
from deltalake import DeltaTable

LOG = "_delta_log"


class StoreRefused(OSError):  # noqa: N818  (reads as what happened)
    """The lake's store is away, refuses, or holds something else than it should. What was acknowledged stays where it is."""


class Folder:
    """The files of a lake in a folder of this machine."""

    strict = False  # whether a commit that meets another fails; here the lake's lock lets nobody in between

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def folder(self, table: str) -> Path:
        """Where a table lies: `energy.meter_hourly` in `energy/meter_hourly`."""
        return self.root.joinpath(*table.split("."))

    @contextmanager
    def asked(self) -> Iterator[None]:
        """While the store is asked for something; a folder's errors are the system's own."""
        yield

    def begin(self) -> None:
        """What is known of others' commits may be old."""

    @contextmanager
    def written_by_us_alone(self, lock: BinaryIO) -> Iterator[None]:
        """While a writer holds the lake's lock."""
        yield

    def looked(self, table: str) -> bool:
        """Whether others' commits were looked for since then; a folder is looked at each time."""
        return True

    def open(self, table: str, version: int | None = None) -> DeltaTable | None:
        """A table at a version or the newest; None where it is not written yet."""
        if not (self.folder(table) / LOG).exists():
            return None
        return DeltaTable(str(self.folder(table)), version=version)

    def create(self, table: str, schema: Any, partitions: Sequence[str], configuration: Mapping[str, str]) -> DeltaTable:
        """A new table without rows."""
        self.folder(table).mkdir(parents=True, exist_ok=True)
        made = DeltaTable.create(
            str(self.folder(table)), schema, partition_by=list(partitions), configuration=dict(configuration)
        )
        self.sync(table, 0)
        return made

    def refresh(self, table: str, delta: DeltaTable) -> None:
        """Brings a table to its newest version where somebody has written it since."""
        if (self.folder(table) / LOG / f"{delta.version() + 1:020d}.json").exists():
            delta.update_incremental()

    def history(self, table: str, delta: DeltaTable, limit: int) -> list[dict[str, Any]]:
        """What the newest commits tell of themselves, each with its `version`; as far back as the log goes."""
        return delta.history(limit=limit)

    def keep(self, table: str, path: str, content: pa.Buffer, durable: bool, live: Iterable[str]) -> int:
        """Keeps a file unless it is there; returns when it was written [ms]. `live` is not looked at here."""
        target = self.folder(table) / path
        if not target.exists() or target.stat().st_size != content.size:
            put(target, content, durable)
            if durable:
                sync(target.parent)
                sync(target.parent.parent)
        return int(target.stat().st_mtime * 1000)

    def sync(self, table: str, version: int) -> None:
        """Puts a commit on stable storage."""
        log = self.folder(table) / LOG
        for path in (log / f"{version:020d}.json", log, log.parent, log.parent.parent):
            sync(path)

    def local(self, table: str, paths: Sequence[str]) -> list[Path]:
        """Where files of a table can be read."""
        base = self.folder(table)
        return [base / path for path in paths]

    def sizes(self, table: str, paths: Iterable[str], delta: DeltaTable | None) -> dict[str, int]:
        """The size of files [bytes]; 0 for one that is gone since."""
        found, base = dict[str, int](), str(self.folder(table))
        for path in paths:
            try:
                found[path] = os.stat(f"{base}/{path}").st_size  # noqa: PTH116  (of a hundred thousand files: quickly)
            except FileNotFoundError:  # merged or computed anew since
                found[path] = 0
        return found

    def written(self, table: str, version: int) -> datetime | None:
        """When a version was committed."""
        log = self.folder(table) / LOG / f"{version:020d}.json"
        return datetime.fromtimestamp(log.stat().st_mtime, UTC) if log.exists() else None

    def tables(self, domain: str) -> list[str]:
        """The tables of a domain that were written, set aside or not."""
        return [f"{domain}.{log.parent.name}" for log in sorted((self.root / domain).glob(f"*/{LOG}"))]

    def set_aside(self, table: str) -> None:
        """Moves a table out of the way."""
        folder = self.folder(table)
        number = sum(1 for _ in folder.parent.glob(f"{folder.name}@*"))
        folder.rename(folder.with_name(f"{folder.name}@{number}"))

    def said(self, table: str, name: str) -> str | None:
        """A word that was written beside a table; None where there is none."""
        file = self.folder(table) / name
        return file.read_text(encoding="utf-8") if file.exists() else None

    def say(self, table: str, name: str, word: str) -> None:
        """Writes a word beside a table."""
        (self.folder(table) / name).write_text(word, encoding="utf-8")

    def mend(self) -> list[str]:
        """Copies that the machine's end tore; a folder has none."""
        return []

    def trouble(self) -> str:
        """Why the store does not answer; empty where it does."""
        return ""


def sync(path: Path) -> None:
    """Puts a file, or a folder's list of names, on stable storage."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def put(target: Path, content: Any, durable: bool = False) -> None:
    """Writes a file that is whole or not there; on stable storage, where `durable`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    passing = target.with_suffix(f".{os.getpid()}.{threading.get_ident()}.tmp")
    with passing.open("wb") as out:
        out.write(content)
        if durable:
            out.flush()
            os.fsync(out.fileno())
    passing.replace(target)
