"""The lake: one Delta table per table, in a folder or an object store (`stores`); a version stays readable
until the district's rule lets go of it.

A partition of a derived table is one Parquet file that is named by the digest of its content: writing the same rows
again changes nothing, and nothing above it is computed again. What a commit came from is kept in the commit itself, and in
the table's record (`kernel/record.py`) when the log of long ago is gone.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import threading
import time
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Schema
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction

from scicity.kernel import record as records
from scicity.kernel import retired
from scicity.kernel.record import EMPTY, EMPTY_RECORD, RECORD, LetGo, Notes, Record
from scicity.kernel.record import Commit as Commit
from scicity.kernel.record import Overtaken as Overtaken
from scicity.kernel.record import Part as Part
from scicity.kernel.record import SchemaChanged as SchemaChanged
from scicity.kernel.record import Snapshot as Snapshot
from scicity.kernel.retired import RETIRED, Retirement
from scicity.kernel.rows import Filed, file_of, in_parallel
from scicity.stores import Folder, Store, StoreRefused

PARTITION = pa.schema([("period", pa.string()), ("bucket", pa.int64())])
MOST_COMMITS = 10_000  # of a table that a process remembers
AT_ONCE = MOST_SNAPSHOTS = 64  # commits that are read of a history at first, then so many times as many; snapshots remembered
KEEP_FOR_EVER = {"delta.logRetentionDuration": "interval 36500 days", "delta.enableExpiredLogCleanup": "false"}


class Lake(Notes):
    """The tables of one store. One process writes at a time (`alone`); any number read.

    `root` is the folder of the lake, and of what it notes of itself where its tables lie in another `store`.
    """

    def __init__(self, root: Path, store: Store | None = None) -> None:
        self.root = Path(root)
        self.store: Store = store or Folder(self.root)
        self._snapshots: dict[tuple[str, int], Snapshot] = {}
        self._open: dict[str, DeltaTable] = {}
        self._commits: dict[str, list[Commit]] = {}
        self._records: dict[str, tuple[Hashable, Record]] = {}
        self._retired: tuple[Hashable, tuple[Retirement, ...]] = None, ()
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

    def record(self, table: str) -> Record:
        """What is kept of the table's commits of long ago; read again where another process has let go of more."""
        with self._locks[table]:
            seen = self.store.seen(table, RECORD)
            if seen is None:
                return EMPTY_RECORD
            if self._records.get(table, (None, EMPTY_RECORD))[0] != seen:
                known = records.read(self.store, table)
                self._records[table] = seen, known
                self._snapshots = {
                    key: kept for key, kept in self._snapshots.items() if key[0] != table or key[1] >= known.through
                }
                self._commits[table] = [each for each in self._commits.get(table, ()) if each.version >= known.through]
            return self._records[table][1]

    def retirements(self) -> tuple[Retirement, ...]:
        """The acts by which readings were retired; read again where another process wrote one."""
        seen = self.store.seen("", RETIRED)
        if seen is None:
            return ()
        if self._retired[0] != seen:
            self._retired = seen, retired.read(self.store)
        return self._retired[1]

    def snapshot(self, table: str, version: int | None = None) -> Snapshot:
        """The table's files at a version, or the newest. Raises LookupError for a version that never was.

        Of a version that was let go of, those partitions are there whose rows are the same in a version that is kept.
        """
        with self._locks[table]:
            delta = self._delta(table)
            if delta is None or version == -1:
                return EMPTY
            record = self.record(table)
            if record.through > delta.version():  # the log goes on behind what this process has seen
                self._open.pop(table)
                delta = self._delta(table)
                if delta is None:
                    return EMPTY
            if version is None:
                self.store.refresh(table, delta)
                version = delta.version()
            if (table, version) not in self._snapshots:
                self._snapshots[table, version] = self._snapshot(table, version, delta, record)
                self._snapshots.pop((table, version - MOST_SNAPSHOTS), None)
            return self._snapshots[table, version]

    def _snapshot(self, table: str, version: int, delta: DeltaTable, record: Record) -> Snapshot:
        if 0 <= version < record.through:
            files, gone = record.files(version)
            return Snapshot(version, files, gone, LetGo(table, version, record) if gone else None)
        try:
            at = delta if version == delta.version() else self.store.open(table, version)
        except StoreRefused:
            raise
        except Exception as error:  # deltalake raises its own types for a missing version
            raise LookupError(f"{table} has no version {version}") from error
        if at is None:
            raise LookupError(f"{table} has no version {version}")
        with self.store.asked():
            return Snapshot(version, records.files_in(pa.table(at.get_add_actions(flatten=True))))

    def uris(self, table: str, snapshot: Snapshot, parts: Iterable[Part] | None = None) -> list[str]:
        """Where a snapshot's files can be read, of some partitions or all. Raises LetGo where some are gone."""
        wanted = None if parts is None else set(parts)
        if snapshot.told is not None and (wanted is None or wanted & snapshot.gone):
            raise snapshot.told
        chosen = snapshot.files if wanted is None else {p: snapshot.files[p] for p in wanted if p in snapshot.files}
        return [str(file) for file in self.store.local(table, [path for part in sorted(chosen) for path in chosen[part]])]

    def commits(self, table: str, since: int = 0) -> list[Commit]:
        """The commits of a table from a version on, in their order; no more of a long history is read than is asked for.

        Of those of long ago there are the kept ones, and they tell no partitions: see `written` and `written_since`.
        """
        record = self.record(table)
        kept = [record.versions[version] for version in sorted(record.versions) if since <= version < record.through]
        return kept + self._logged(table, max(since, record.through))

    def _logged(self, table: str, since: int) -> list[Commit]:
        with self._locks[table]:
            newest, delta = self.snapshot(table).version, self._delta(table)
            known = self._commits.setdefault(table, [])
            if delta is None:
                return []
            if known and known[-1].version < newest:
                known += records.commits_in(self.store.history(table, delta, newest - known[-1].version))
                del known[:-MOST_COMMITS]
            first = known[0].version if known else newest + 1
            if since < first:
                known[:] = records.commits_in(self.store.history(table, delta, newest + 1 - max(since, 0)))
                first = known[0].version if known else newest + 1
            return known[max(since - first, 0) :]

    def newest_first(self, table: str, version: int | None = None) -> Iterator[Commit]:
        """The commits of a table from a version (the newest, if None) back to the first that is kept."""
        behind, width = (self.snapshot(table).version if version is None else version) + 1, AT_ONCE
        while behind > 0:
            since = max(behind - width, 0)
            yield from (commit for commit in reversed(self.commits(table, since)) if commit.version < behind)
            behind, width = since, width * AT_ONCE

    def last(self, table: str) -> Commit | None:
        """The newest commit of a table; None where it is not written yet."""
        return next(self.newest_first(table), None)

    def written(self, table: str, part: Part, version: int | None = None) -> Commit | None:
        """The commit that last wrote a partition, at a version of the table or the newest; see `writers`."""
        return next((commit for commit, _ in self.writers(table, {part}, version)), None)

    def writers(self, table: str, parts: set[Part], version: int | None = None) -> Iterator[tuple[Commit, set[Part]]]:
        """The commits that last wrote partitions, at a version of the table or the newest, each with those that it wrote.

        Of long ago, the first that is kept by which the partition stood as that one wrote it. Raises LetGo where none is.
        """
        record, left = self.record(table), set(parts)
        version = self.snapshot(table).version if version is None else version
        after: Commit | None = None
        for commit in self.newest_first(table, version) if version > record.through else ():
            if commit.version <= record.through or not left:
                break
            if commit.note.get("distrusted"):
                if after is not None:  # all was computed again then: what came out the same stands for that
                    yield after, left
                    return
                continue  # not yet
            after = commit
            if mine := left & commit.parts:
                yield commit, mine
                left -= mine
        at = self.snapshot(table, version) if left and version < record.through else EMPTY
        if at.told is not None and left & at.gone:
            raise at.told
        for part in left if record.through >= 0 else ():
            if first := record.origin(part, min(version, record.through)):
                yield first, {part}

    def written_since(self, table: str, version: int, until: int) -> set[Part]:
        """The partitions of a table that commits behind a version up to another wrote; merging files writes none."""
        record = self.record(table)
        since = self._logged(table, max(version, record.through) + 1)
        found = {part for commit in since if commit.version <= until for part in commit.parts}
        return found | (record.written_behind(version) if version < record.through else set())

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
        told = {"merged": len(paths), "of": sorted(path for _, path in removes), "into": add.path}
        return self._commit(table, schema, [add], removes, {"note": told}, durable=True)

    def merges(self, table: str, version: int, until: int) -> dict[str, list[str]]:
        """The files that commits behind a version up to another merged, by the file that holds their rows since; none where the
        files of that version may be gone."""
        if version < self.record(table).through:
            return {}
        since = self._logged(table, version + 1)
        return {each.note["into"]: each.note["of"] for each in since if each.version <= until and "into" in each.note}

    def reduce(
        self,
        table: str,
        rows: Mapping[Part, pa.Table | None],
        schema: pa.Schema,
        footers: Mapping[Part, Mapping[str, str]],
        note: Mapping[str, Any],
    ) -> int:
        """Leaves of partitions these rows alone, or none (None); returns the version.

        The commit names no partition: what was computed from them stays, and is not computed again.
        """
        before, adds = self.snapshot(table), []
        for part, left in sorted(rows.items()):
            if left is not None:
                adds.append(self._write(table, part, left, schema.with_metadata(footers[part]), durable=True))
        written = {add.path for add in adds}
        removes = [(part, path) for part in rows for path in before.files.get(part, ()) if path not in written]
        adds = [add for add in adds if add.path not in before.paths]
        return self._commit(table, schema, adds, removes, {"note": dict(note)}, durable=True, behind=before.version)

    def replace(
        self,
        table: str,
        rows: Mapping[Part, pa.Table | Filed],
        schema: pa.Schema,
        *,
        inputs: Mapping[str, int],
        code: str,
        only: Iterable[Part] | None = None,
        note: Mapping[str, Any] | None = None,
        durable: bool = False,
        quiet: bool = False,
    ) -> tuple[int, frozenset[Part]]:
        """Makes partitions hold exactly these rows; partitions in `only` (all, if None) without rows are emptied.

        Returns the version and the partitions whose content changed. Writes no commit where nothing changed and the last commit
        already tells of the same inputs and code, or with `quiet`. `durable` puts all of it on stable storage.
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
            if old == (() if new is None else (new.path,)):
                continue
            changed.add(part)
            adds += [new] if new is not None else []
            removes += [(part, path) for path in old if new is None or path != new.path]
        last = self.last(table)
        if not changed and last and (quiet or (dict(last.inputs), last.code) == (dict(inputs), code)):
            return before.version, frozenset()
        told = {"inputs": dict(inputs), "code": code, "parts": sorted(changed), "note": dict(note or {})}
        return self._commit(table, schema, adds, removes, told, durable, before.version), frozenset(changed)

    def _write(self, table: str, part: Part, rows: pa.Table | Filed, schema: pa.Schema, durable: bool = False) -> AddAction:
        content = file_of(rows, schema)
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
        if (before := self._snapshots.get((table, version - 1))) is not None:
            files = {part: set(paths) for part, paths in before.files.items()}
            for part, path in removes:
                files[part].discard(path)
            for add in adds:
                part = Part(str(add.partition_values["period"]), int(add.partition_values["bucket"] or 0))
                files.setdefault(part, set()).add(add.path)
            self._snapshots.pop((table, version - MOST_SNAPSHOTS), None)
            self._snapshots[table, version] = Snapshot(
                version, {p: tuple(sorted(paths)) for p, paths in files.items() if paths}
            )
        known = self._commits.get(table, [])
        if known and known[-1].version == version - 1:
            now = time.time_ns() // 1_000_000
            known.append(records.commit_in({"version": version, "scicity": json.dumps(told), "timestamp": now}))
            del known[:-MOST_COMMITS]

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
        self._records.clear()
        self.store.begin()

    def aside(self, table: str) -> list[str]:
        """The names, as of tables, of what was set aside of a table, the newest first."""
        return self.store.aside(table)

    def set_aside(self, table: str) -> None:
        """Moves a table whose declared columns changed out of the way, so that it is built anew; nothing is deleted."""
        with self._locks[table]:
            self.store.set_aside(table)
            self._open.pop(table, None)
            self._commits.pop(table, None)
            self._records.pop(table, None)
            self._snapshots = {key: kept for key, kept in self._snapshots.items() if key[0] != table}
