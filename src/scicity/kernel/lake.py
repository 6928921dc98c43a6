"""The lake: one Delta table per table, in a folder or an object store (`stores`); every version stays readable.

A partition of a derived table is one Parquet file that is named by the digest of its content: writing the same rows
again changes nothing, and nothing above it is computed again. What a commit came from is kept in the commit itself.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Schema
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction

from scicity.stores import Folder, Store, StoreRefused

T = TypeVar("T")
R = TypeVar("R")
PARTITION = pa.schema([("period", pa.string()), ("bucket", pa.int64())])
AT_ONCE = 64  # commits that are read of a history at first; then so many times as many
KEEP_FOR_EVER = {"delta.logRetentionDuration": "interval 36500 days", "delta.enableExpiredLogCleanup": "false"}


class Part(NamedTuple):
    """One partition: a period (`2023-05`, `2023`, `all`) and a bucket of keys."""

    period: str
    bucket: int = 0


@dataclass(frozen=True)
class Snapshot:
    """A table at a version: its files by partition, paths relative to the table's folder. Version -1 is not written yet."""

    version: int
    files: Mapping[Part, tuple[str, ...]]

    @cached_property
    def paths(self) -> frozenset[str]:
        """All files of the snapshot."""
        return frozenset(path for paths in self.files.values() for path in paths)


EMPTY = Snapshot(-1, {})


@dataclass(frozen=True)
class Commit:
    """What a commit says of itself: from which versions of which tables, by which code, which partitions it wrote."""

    version: int
    inputs: Mapping[str, int] = field(default_factory=dict)
    code: str = ""
    parts: frozenset[Part] = frozenset()
    note: Mapping[str, Any] = field(default_factory=dict)


class Lake:
    """The tables of one store. One process writes at a time (`alone`); any number read.

    `root` is the folder of the lake, and of what it notes of itself where its tables lie in another `store`.
    """

    def __init__(self, root: Path, store: Store | None = None) -> None:
        self.root = Path(root)
        self.store: Store = store or Folder(self.root)
        self._snapshots: dict[tuple[str, int], Snapshot] = {}
        self._open: dict[str, DeltaTable] = {}
        self._commits: dict[str, list[Commit]] = {}
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)  # one a table

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The only writer of all processes of this machine while the block runs; waits for another. Not to be nested."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("a+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self.store.written_by_us_alone(lock):
                yield

    def folder(self, table: str) -> Path:
        """Where a table of a lake in a folder lies: `energy.meter_hourly` in `energy/meter_hourly`."""
        return self.root.joinpath(*table.split("."))

    def schema(self, table: str) -> Schema | None:
        """The columns that a table has, with those of its partitions; None where it is not written yet."""
        delta = self._delta(table) if self.snapshot(table).version >= 0 else None
        return delta.schema() if delta else None

    def sizes(self, table: str, paths: Iterable[str]) -> dict[str, int]:
        """The sizes of files of a table [bytes]."""
        return self.store.sizes(table, paths, self._delta(table))

    def _delta(self, table: str) -> DeltaTable | None:
        with self._locks[table]:
            if table not in self._open:
                opened = self.store.open(table)
                if opened is None:
                    return None
                self._open[table] = opened
            return self._open[table]

    def snapshot(self, table: str, version: int | None = None) -> Snapshot:
        """The table's files at a version, or the newest. Raises LookupError for a version that is not there."""
        with self._locks[table]:
            delta = self._delta(table)
            if delta is None or version == -1:
                return EMPTY
            if version is None:
                self.store.refresh(table, delta)
                version = delta.version()
            if (table, version) not in self._snapshots:
                try:
                    at = delta if version == delta.version() else self.store.open(table, version)
                except StoreRefused:
                    raise
                except Exception as error:  # deltalake raises its own types for a missing version
                    raise LookupError(f"{table} has no version {version}") from error
                with self.store.asked():
                    self._snapshots[table, version] = Snapshot(version, _files(at or delta))
            return self._snapshots[table, version]

    def uris(self, table: str, snapshot: Snapshot, parts: Iterable[Part] | None = None) -> list[str]:
        """Absolute paths of a snapshot's files, of some partitions or all, where they can be read."""
        chosen = snapshot.files if parts is None else {p: snapshot.files[p] for p in parts if p in snapshot.files}
        return [str(file) for file in self.store.local(table, [path for part in sorted(chosen) for path in chosen[part]])]

    def commits(self, table: str, since: int = 0) -> list[Commit]:
        """The commits of a table from a version on, in their order; no more of a long history is read than is asked for."""
        with self._locks[table]:
            newest, delta = self.snapshot(table).version, self._delta(table)
            known = self._commits.setdefault(table, [])
            if delta is None:
                return []
            if known and known[-1].version < newest:
                known += _history(self.store.history(table, delta, newest - known[-1].version))
            first = known[0].version if known else newest + 1
            if since < first:
                known[:] = _history(self.store.history(table, delta, newest + 1 - since))
                first = known[0].version if known else newest + 1
            return known[max(since - first, 0) :]

    def newest_first(self, table: str, version: int | None = None) -> Iterator[Commit]:
        """The commits of a table from a version (the newest, if None) back to the first."""
        behind, width = (self.snapshot(table).version if version is None else version) + 1, AT_ONCE
        while behind > 0:
            since = max(behind - width, 0)
            yield from (commit for commit in reversed(self.commits(table, since)) if commit.version < behind)
            behind, width = since, width * AT_ONCE

    def last(self, table: str) -> Commit | None:
        """The newest commit of a table; None where it is not written yet."""
        return next(self.newest_first(table), None)

    def written(self, table: str, part: Part, version: int | None = None) -> Commit | None:
        """The commit that last wrote a partition, at a version of the table or the newest."""
        return next((commit for commit in self.newest_first(table, version) if part in commit.parts), None)

    def append(
        self,
        table: str,
        rows: Mapping[Part, pa.Table],
        schema: pa.Schema,
        note: Mapping[str, Any],
        footers: Mapping[Part, Mapping[str, str]],
    ) -> int:
        """Adds rows (readings) as new files with their footers and puts them on stable storage; returns the version."""
        adds = [
            self._write(table, part, rows[part], schema.with_metadata(footers[part]), durable=True) for part in sorted(rows)
        ]
        return self._commit(table, schema, adds, [], {"parts": sorted(rows), "note": dict(note)}, durable=True)

    def merge(
        self,
        table: str,
        part: Part,
        paths: Sequence[str],
        rows: pa.Table,
        schema: pa.Schema,
        footer: Mapping[str, str],
    ) -> int:
        """Puts one file in the place of some of a partition's, which hold the same rows; returns the version.

        The commit names no partition, because the content of none changed.
        """
        add = self._write(table, part, rows, schema.with_metadata(footer), durable=True)
        removes = [(part, path) for path in paths if path != add.path]
        return self._commit(table, schema, [add], removes, {"note": {"merged": len(paths)}}, durable=True)

    def replace(
        self,
        table: str,
        rows: Mapping[Part, pa.Table],
        schema: pa.Schema,
        *,
        inputs: Mapping[str, int],
        code: str,
        only: Iterable[Part] | None = None,
        note: Mapping[str, Any] | None = None,
        durable: bool = False,
    ) -> tuple[int, frozenset[Part]]:
        """Makes partitions hold exactly these rows; partitions in `only` (all, if None) without rows are emptied.

        Returns the version and the partitions whose content changed. Writes no commit where nothing changed and the
        last commit already tells of the same inputs and code. `durable` puts all of it on stable storage.
        """
        before = self.snapshot(table)
        written = dict(
            zip(rows, in_parallel(lambda part: self._write(table, part, rows[part], schema, durable), list(rows)), strict=True)
        )
        concerned = set(rows) | set(before.files if only is None else only)
        adds, removes, changed = [], [], set()
        for part in sorted(concerned):
            old = before.files.get(part, ())
            new = written.get(part)
            if new is not None and old == (new.path,):
                continue
            if new is None and not old:
                continue
            changed.add(part)
            adds += [new] if new is not None else []
            removes += [(part, path) for path in old if new is None or path != new.path]
        last = self.last(table)
        if not changed and last and (dict(last.inputs), last.code) == (dict(inputs), code):
            return before.version, frozenset()
        told = {"inputs": dict(inputs), "code": code, "parts": sorted(changed), "note": dict(note or {})}
        return self._commit(table, schema, adds, removes, told, durable, before.version), frozenset(changed)

    def _write(self, table: str, part: Part, rows: pa.Table, schema: pa.Schema, durable: bool = False) -> AddAction:
        buffer = pa.BufferOutputStream()
        pq.write_table(
            _stored_form(rows, schema),
            buffer,
            compression="zstd",
            store_decimal_as_integer=True,
            store_schema=bool(schema.metadata),  # else not: it would tell dictionaries and words apart, which are the same here
            row_group_size=262_144,
            write_statistics=[f.name for f in schema if not pa.types.is_string(f.type)],  # of words they cost half of the time
        )
        content = buffer.getvalue()
        path = f"period={part.period}/bucket={part.bucket}/{hashlib.sha256(content).hexdigest()[:32]}.parquet"
        live = self.snapshot(table).paths if self.store.strict else ()
        modified = self.store.keep(table, path, content, durable, live)
        values = {"period": part.period, "bucket": str(part.bucket)}
        stats = json.dumps({"numRecords": rows.num_rows})
        return AddAction(path, content.size, values, modified, True, stats)

    def _commit(
        self,
        table: str,
        schema: pa.Schema,
        adds: list[AddAction],
        removes: list[tuple[Part, str]],
        told: Mapping[str, Any],
        durable: bool = False,
        behind: int | None = None,
    ) -> int:
        """Commits; behind the version `behind`, where that is told. Raises Overtaken where another was faster."""
        with self._locks[table]:
            if not self.store.looked(table):
                self.snapshot(table)
            delta = self._delta(table)
            if behind is not None and behind != (-1 if delta is None else delta.version()):
                self.store.begin()
                raise Overtaken(table)
            full = Schema.from_arrow(pa.schema([*schema, *PARTITION]))
            if delta is None:
                try:
                    delta = self._open[table] = self.store.create(table, full, PARTITION.names, KEEP_FOR_EVER)
                except CommitFailedError as error:
                    raise Overtaken(table) from error
            elif delta.schema() != full:
                raise SchemaChanged(table)
            gone = [RemoveAction(path, True, 0, None, {"period": p.period, "bucket": str(p.bucket)}) for p, path in removes]
            try:
                with self.store.asked():
                    delta.create_write_transaction(
                        [*adds, *gone],
                        "append",
                        full,
                        PARTITION.names,
                        commit_properties=CommitProperties(
                            custom_metadata={"scicity": json.dumps(told)}, max_commit_retries=0 if self.store.strict else None
                        ),
                        post_commithook_properties=PostCommitHookProperties(cleanup_expired_logs=False),
                    )
                    delta.update_incremental()
            except (CommitFailedError, StoreRefused) as error:
                self._open.pop(table, None)  # what became of it, the store alone knows: the next look tells
                self.store.begin()
                if isinstance(error, StoreRefused):
                    raise
                raise Overtaken(table) from error
            version = int(delta.version())
            if durable:
                self.store.sync(table, version)
            self._remember(table, version, adds, removes, told)
            return version

    def _remember(
        self, table: str, version: int, adds: list[AddAction], removes: list[tuple[Part, str]], told: Mapping[str, Any]
    ) -> None:
        """Keeps what a commit of our own did, so that it need not be read back."""
        before = self._snapshots.get((table, version - 1))
        if before is not None:
            files = {part: set(paths) for part, paths in before.files.items()}
            for part, path in removes:
                files[part].discard(path)
            for add in adds:
                part = Part(str(add.partition_values["period"]), int(add.partition_values["bucket"] or 0))
                files.setdefault(part, set()).add(add.path)
            self._snapshots[table, version] = Snapshot(
                version, {p: tuple(sorted(paths)) for p, paths in files.items() if paths}
            )
        known = self._commits.get(table, [])
        if known and known[-1].version == version - 1:
            known.append(_commit({"version": version, "scicity": json.dumps(told)}))

    def distrust(self, table: str) -> None:
        """Notes that a derived table is not to be relied on, so that all of it is computed again."""
        last, delta = self.last(table), self._delta(table)
        if delta is not None and last is not None and last.code:
            schema = pa.schema(delta.schema()).remove_metadata()
            columns = pa.schema([field for field in schema if field.name not in PARTITION.names])
            self._commit(table, columns, [], [], {"inputs": dict(last.inputs), "code": "", "note": {"distrusted": True}})

    def forget(self) -> None:
        """Lets go of what is known of the tables, because their files were changed from outside."""
        self._open.clear()
        self._commits.clear()
        self._snapshots.clear()

    def tell(self, tables: Iterable[str], at: int) -> None:
        """Notes for whoever shows figures that these derived tables came out otherwise; `at` [ns] grows from note to note."""
        passing = self.root / f"changed.{os.getpid()}.tmp"
        passing.write_text(json.dumps(self.told() | dict.fromkeys(tables, at)), encoding="utf-8")
        passing.replace(self.root / "changed")

    def told(self) -> dict[str, int]:
        """When each derived table last came out otherwise [ns]."""
        try:
            return dict(json.loads((self.root / "changed").read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError):  # a power cut may have emptied it
            return {}

    def set_aside(self, table: str) -> None:
        """Moves a table whose declared columns changed out of the way, so that it is built anew; nothing is deleted."""
        with self._locks[table]:
            self.store.set_aside(table)
            self._open.pop(table, None)
            self._commits.pop(table, None)
            self._snapshots = {key: kept for key, kept in self._snapshots.items() if key[0] != table}


def _stored_form(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of a schema with its metadata; words may stay dictionaries, of which the bytes tell the rows alone."""
    columns = []
    for name, type_ in zip(schema.names, schema.types, strict=True):
        column = rows.column(name)
        words = pa.types.is_dictionary(column.type) and pa.types.is_string(type_)
        columns.append(_sorted_dictionary(column.combine_chunks()) if words else column.cast(type_))
    fields = [pa.field(name, column.type) for name, column in zip(schema.names, columns, strict=True)]
    return pa.table(columns, schema=pa.schema(fields, schema.metadata))


def _sorted_dictionary(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """The same words from a dictionary that is sorted and holds no others."""
    size = len(column.dictionary)
    codes = pc.fill_null(column.indices, size).to_numpy(zero_copy_only=False)
    used = np.flatnonzero(np.bincount(codes, minlength=size + 1)[:-1])
    words, place = np.unique(column.dictionary.to_numpy(zero_copy_only=False)[used].astype(str), return_inverse=True)
    if len(words) == size and (place == np.arange(size)).all():
        return column
    place_of = np.full(size + 1, -1, dtype=np.int32)
    place_of[used] = place
    codes = place_of[codes]
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0 if column.null_count else None), pa.array(words))


def in_parallel(function: Callable[[T], R], each: Sequence[T]) -> list[R]:
    """A function of each partition (or file), on both cores where there are several: its results in their order."""
    if len(each) < 2:
        return [function(one) for one in each]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(function, each))


class Overtaken(Exception):  # noqa: N818
    """Another writer committed to the table since it was looked at: nothing was written over, and it is to be done again."""

    def __init__(self, table: str) -> None:
        super().__init__(f"another has written {table} meanwhile; nothing was written over. One machine alone writes a lake")
        self.table = table


class SchemaChanged(Exception):  # noqa: N818
    """The table in the lake has other columns than its declaration: a migration is due."""

    def __init__(self, table: str) -> None:
        super().__init__(f"the lake's {table} has other columns than its declaration; rebuild or migrate it")
        self.table = table


def _files(delta: DeltaTable) -> dict[Part, tuple[str, ...]]:
    actions = pa.table(delta.get_add_actions(flatten=True))
    found: dict[Part, list[str]] = {}
    for path, period, bucket in zip(
        *(actions.column(name).to_pylist() for name in ("path", "partition.period", "partition.bucket")), strict=True
    ):
        found.setdefault(Part(period, int(bucket)), []).append(path)
    return {part: tuple(sorted(paths)) for part, paths in found.items()}


def _history(found: Iterable[Mapping[str, Any]]) -> list[Commit]:
    return sorted((_commit(info) for info in found), key=lambda commit: commit.version)


def _commit(info: Mapping[str, Any]) -> Commit:
    told = json.loads(info.get("scicity") or "{}")
    return Commit(
        version=info["version"],
        inputs=told.get("inputs", {}),
        code=told.get("code", ""),
        parts=frozenset(Part(*part) for part in told.get("parts", ())),
        note=told.get("note", {}),
    )
