"""Checkpoints of a table's log: where it begins when what was before it is gone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, PostCommitHookProperties, Schema
from deltalake.transaction import AddAction

from scicity.kernel.lake import KEEP_FOR_EVER, PARTITION
from scicity.kernel.record import Part, Record
from scicity.stores import Store
from scicity.stores.folder import LOG, sync

CHECKPOINT = "{:020d}.checkpoint.parquet"
PASSING = "_checkpoint"  # of a table: where one is put together


def written(store: Store, table: str, record: Record) -> None:
    """Writes a checkpoint of the version where a record ends, reads it back, and puts it on stable storage.

    Raises RuntimeError where it does not hold the files of the record.
    """
    with store.asked():
        _at(store, table, record.through).create_checkpoint()
        store.settle(table, [f"{LOG}/{CHECKPOINT.format(record.through)}", f"{LOG}/_last_checkpoint"])
        actions = _at(store, table, record.through).get_add_actions(flatten=True)
    if set(pa.table(actions).column("path").to_pylist()) != {path for paths in files_of(record).values() for path in paths}:
        raise RuntimeError(f"{table}: the checkpoint of version {record.through} and the record differ; nothing was let go of")


def _at(store: Store, table: str, version: int) -> DeltaTable:
    found = store.open(table, version)
    if found is None:
        raise LookupError(f"{table} is not there any more")
    return found


def files_of(record: Record) -> dict[Part, tuple[str, ...]]:
    """The files of the version where a record ends."""
    return {part: states[-1].files for part, states in record.states.items() if states[-1].files}


def put_together(folder: Path, version: int, schema: pa.Schema, files: Mapping[Part, Sequence[str]]) -> None:
    """A checkpoint of a version from its files alone, where there is none from which the log could go on."""
    passing = folder / PASSING
    shutil.rmtree(passing, ignore_errors=True)
    full = Schema.from_arrow(pa.schema([*schema, *PARTITION]))
    table = DeltaTable.create(str(passing), full, partition_by=PARTITION.names, configuration=KEEP_FOR_EVER)
    adds = [_add(folder, part, path) for part, paths in sorted(files.items()) for path in paths]
    hooks = PostCommitHookProperties(cleanup_expired_logs=False)
    table.create_write_transaction(adds, "append", full, PARTITION.names, post_commithook_properties=hooks)
    table.update_incremental()
    table.create_checkpoint()
    made = passing / "_delta_log" / CHECKPOINT.format(table.version())
    sync(made)
    (folder / "_delta_log" / "_last_checkpoint").unlink(missing_ok=True)
    made.replace(folder / "_delta_log" / CHECKPOINT.format(version))
    sync(folder / "_delta_log")
    shutil.rmtree(passing)


def _add(folder: Path, part: Part, path: str) -> AddAction:
    state = (folder / path).stat()
    stats = json.dumps({"numRecords": pq.read_metadata(folder / path).num_rows})
    values = {"period": part.period, "bucket": str(part.bucket)}
    return AddAction(path, state.st_size, values, int(state.st_mtime * 1000), True, stats)
