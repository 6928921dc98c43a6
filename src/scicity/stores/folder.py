"""The files of a lake in a folder."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
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
        self._folders: dict[str, Path] = {}

    def folder(self, table: str) -> Path:
        """Where a table lies: `energy.meter_hourly` in `energy/meter_hourly`."""
        found = self._folders.get(table)
        if found is None:
            found = self._folders[table] = self.root.joinpath(*table.split("."))
        return found

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
        return delta.history(limit=limit) if limit > 0 else []

    def logged(self, table: str, since: int) -> Iterator[tuple[int, str]]:
        """The versions of a table from one on, as far as the log goes, each with what its commit says (lines of JSON)."""
        while (told := self.noted(table, commit_of(since))) is not None:
            yield since, told
            since += 1

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
        """A word that was written beside a table; None where there is none, or a power cut left an empty file of it."""
        file = self.folder(table) / name
        return (file.read_text(encoding="utf-8") or None) if file.exists() else None

    def say(self, table: str, name: str, word: str) -> None:
        """Writes a word beside a table; it is on stable storage then."""
        put(self.folder(table) / name, word.encode("utf-8"), durable=True)
        sync(self.folder(table))

    def aside(self, table: str) -> list[str]:
        """The names, as of tables, of what was set aside of a table, the newest first."""
        folder = self.folder(table)
        found = [each.name for each in folder.parent.glob(f"{folder.name}@[0-9]*") if (each / LOG).exists()]
        newest = sorted(found, key=lambda name: int(name.partition("@")[2]), reverse=True)
        return [f"{table.rpartition('.')[0]}.{name}" for name in newest]

    def state(self, table: str, path: str) -> Hashable | None:
        """What tells whether a file of a table (of the lake, where that is "") was written anew; None where there is none."""
        try:
            found = (self.folder(table) / path).stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_ino

    def seen(self, table: str, path: str) -> Hashable | None:
        """The same for a note, as it was when it was last looked for; in a folder it is looked for each time."""
        return self.state(table, path)

    def noted(self, table: str, path: str) -> str | None:
        """A note of a table or of the lake, or a commit, as it is now; None where there is none."""
        try:
            return (self.folder(table) / path).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def note(self, table: str, path: str, word: str) -> None:
        """Puts a note on stable storage; a file that is linked elsewhere stays as it was."""
        target = self.folder(table) / path
        passing = target.with_name(f"{target.name}.tmp")
        with passing.open("w", encoding="utf-8") as out:
            out.write(word)
            out.flush()
            os.fsync(out.fileno())
        passing.replace(target)
        sync(target.parent)

    def settle(self, table: str, paths: Sequence[str], whole_log: bool = False) -> None:
        """Puts files of a table on stable storage, with the names on the way to them; with all of its log, if that is said."""
        base = self.folder(table)
        files = [base / path for path in paths] + (list((base / LOG).glob("[0-9_]*")) if whole_log else [])
        for file in files:
            sync(file)
        for place in {parent for file in files for parent in file.parents if parent.is_relative_to(base)}:
            sync(place)
        sync(base.parent)

    def files_of(self, table: str) -> Iterator[str]:
        """All data files that lie below a table, whoever names them."""
        base = self.folder(table)
        for period in base.glob("period=*"):
            for file in period.rglob("*.parquet"):
                yield file.relative_to(base).as_posix()

    def weights(self, table: str) -> Callable[[Iterable[str]], int]:
        """Tells how many bytes files of a table take that lie there now, whoever names them."""
        base = self.folder(table)
        return lambda paths: sum(map(size_of, (base / path for path in paths)))

    def delete_files(self, table: str, paths: Sequence[str]) -> None:
        """Takes files of a table away, and folders that are empty then."""
        base = self.folder(table)
        for path in paths:
            (base / path).unlink(missing_ok=True)
        for bucket in {(base / path).parent for path in paths}:
            with suppress(OSError):  # not empty
                bucket.rmdir()
                bucket.parent.rmdir()

    def clear_log(self, table: str, through: int, most: int) -> int:
        """Takes away the oldest of the log before a version, with its checkpoints, at most so many files; how many."""
        log, before = self.folder(table) / LOG, f"{through:020d}"
        old = sorted(file for file in log.iterdir() if file.name[:20].isdigit() and file.name[:20] < before)
        for file in old[:most]:
            file.unlink()
        return len(old[:most])

    def mend(self) -> list[str]:
        """Copies that the machine's end tore; a folder has none."""
        return []

    def trouble(self) -> str:
        """Why the store does not answer; empty where it does."""
        return ""


def commit_of(version: int) -> str:
    """Where in a table the commit of a version stands."""
    return f"{LOG}/{version:020d}.json"


def size_of(file: Path) -> int:
    """Bytes of a file; 0 where it is gone."""
    with suppress(FileNotFoundError):
        return file.stat().st_size
    return 0


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
