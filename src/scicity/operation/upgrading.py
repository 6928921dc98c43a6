"""Upgrades of the lake: what an older SciCity wrote becomes what this one declares, and no reading is lost on the way.

Registers and derived tables can be had again: whoever writes one next whose columns changed sets it aside (`Lake.set_aside`).
Readings cannot be had again. A table of readings whose columns or whose unit changed is written anew beside the lake, file by
file and with its log: each version holds the same readings as before, so that what the log tells (up to which batch of the
inbox the lake holds readings, which files were taken) and what others remember of its versions stay true. Then the old one is
set aside and the new one moved to its place; an upgrade that was ended in between goes on there.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import Schema

from scicity.kernel import record as records
from scicity.kernel.lake import PARTITION, Lake, Part
from scicity.kernel.record import Record
from scicity.kernel.tables import READING_PREFIX, Catalog, Table, reading_table
from scicity.retention.checkpoint import files_of, put_together
from scicity.stores import Objects
from scicity.vocabulary import conversion, term, terms

STAGE = ".upgrading"  # of the lake: tables of readings that are being written anew
UNIT = "_unit"  # of a table of readings: the unit in which the lake keeps them; Delta passes over names that begin so


class UpgradeDue(Exception):  # noqa: N818  (reads as what happened)
    """The lake was written by an older SciCity in a way that what is asked cannot mend; nothing was changed."""


def upgrade(lake: Lake, catalog: Catalog, loading: bool) -> list[str]:
    """Brings the lake to what the catalog declares; the tables of readings that were written anew. Within `Lake.alone`.

    Registers are written anew by a load alone. Raises UpgradeDue where they are due and this is none (`loading`), and where
    readings cannot be brought to their new form.
    """
    _finish(lake)
    stale = [] if loading else [each.name for each in catalog.sources if _differs(lake, each)]
    if stale:
        raise UpgradeDue(f"registers of an older version ({', '.join(stale)}): run ./scicity load")
    told = []
    for table in _of_readings(lake):
        before, now = unit_of(lake, table), _unit(table)
        if before != now or _differs(lake, table):
            if isinstance(lake.store, Objects):
                raise UpgradeDue(
                    f"readings of an older version ({table.name}) in the object store {lake.store.address}: they are written "
                    "anew in a folder alone. Back up, restore without SCICITY_LAKE, load, back up, and restore into the store"
                )
            slope, offset = _converted(table, before, now)
            _write_anew(lake, table, slope, offset)
            for above in catalog.above(table.name) if before != now else ():
                lake.distrust(above)
            lake.set_aside(table.name)
            _finish(lake)
            told.append(table.name)
        elif lake.store.said(table.name, UNIT) is None:
            lake.store.say(table.name, UNIT, now)
    return told


def unit_of(lake: Lake, table: Table) -> str:
    """The unit in which the lake keeps the readings of a table: as it says, else as it is declared."""
    said = lake.store.said(table.name, UNIT)
    return _unit(table) if said is None else said


def _unit(table: Table) -> str:
    return term(table.name.removeprefix(READING_PREFIX)).unit


def _converted(table: Table, before: str, now: str) -> tuple[float, float]:
    try:
        return conversion(before, now)
    except ValueError as error:
        raise UpgradeDue(f"{table.name} is kept in {before!r} and declared in {now!r}: {error}") from error


def _of_readings(lake: Lake) -> list[Table]:
    """The tables of readings that the lake has and the vocabulary still knows."""
    names = [name.removeprefix(READING_PREFIX) for name in lake.store.tables(READING_PREFIX.rstrip("."))]
    return [reading_table(name) for name in names if name in terms()]


def _differs(lake: Lake, table: Table) -> bool:
    """Whether a table of the lake has other columns than it is declared with."""
    found = lake.schema(table.name)
    return found is not None and found != _full(table)


def _full(table: Table) -> Schema:
    return Schema.from_arrow(pa.schema([*table.schema, *PARTITION]))


def _finish(lake: Lake) -> None:
    """Moves tables that were written anew to their places, where the old ones were set aside; what is not whole goes."""
    for log in sorted((lake.root / STAGE).glob("*/*/_delta_log")):
        fresh = log.parent
        place = lake.root / fresh.relative_to(lake.root / STAGE)
        if not place.exists():  # the old one is set aside only behind the last file of the new
            fresh.rename(place)
    shutil.rmtree(lake.root / STAGE, ignore_errors=True)


def _write_anew(lake: Lake, table: Table, slope: float, offset: float) -> None:
    """Writes a table of readings with its whole log below STAGE, in the declared columns, values times slope plus offset."""
    stage, old = Lake(lake.root / STAGE), lake.folder(table.name)
    shutil.rmtree(stage.root, ignore_errors=True)
    now, fresh = lake.snapshot(table.name).paths, stage.folder(table.name)
    (fresh / "_delta_log").mkdir(parents=True)
    record = lake.record(table.name)
    first = max(record.through, 0)
    logs = sorted(log for log in (old / "_delta_log").glob("[0-9]*.json") if int(log.stem) >= first)
    if [int(log.stem) for log in logs] != list(range(first, first + len(logs))):
        raise UpgradeDue(f"the log of {table.name} is not whole; it cannot be brought to its new form")
    paths: dict[str, dict[str, Any]] = {}
    if record.through >= 0:
        paths = _record_anew(stage, table, old, record, slope, offset)
    for log in logs:
        actions = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        for action in actions:
            if "metaData" in action:
                action["metaData"]["schemaString"] = _full(table).to_json()
            elif "add" in action:
                path, file = action["add"]["path"], old / unquote(action["add"]["path"])
                if file.exists():
                    paths[path] = _written_anew(stage, table, file, action["add"]["partitionValues"], slope, offset)
                elif path in now:
                    raise UpgradeDue(f"{table.name} lacks the file {path}; restore it from a back-up")
                action["add"] |= paths.get(path, {})
            elif "remove" in action:
                action["remove"]["path"] = paths.get(action["remove"]["path"], action["remove"])["path"]
        lines = "".join(json.dumps(action, separators=(",", ":")) + "\n" for action in actions)
        (fresh / "_delta_log" / log.name).write_text(lines, encoding="utf-8")
    (fresh / UNIT).write_text(_unit(table), encoding="utf-8")
    os.sync()


def _record_anew(
    stage: Lake, table: Table, old: Path, record: Record, slope: float, offset: float
) -> dict[str, dict[str, Any]]:
    """The record of a table whose log of long ago is gone, its files and its checkpoint; what a log says of each old path."""
    paths: dict[str, dict[str, Any]] = {}
    for part, states in record.states.items():
        for path in {path for state in states for path in state.files}:
            if not (old / path).exists():
                raise UpgradeDue(f"{table.name} lacks the file {path}; restore it from a back-up")
            values = {"period": part.period, "bucket": str(part.bucket)}
            paths[path] = _written_anew(stage, table, old / path, values, slope, offset)
    states = {
        part: tuple(state._replace(files=tuple(sorted(paths[path]["path"] for path in state.files))) for state in each)
        for part, each in record.states.items()
    }
    fresh = dataclasses.replace(record, states=states, doomed={})
    put_together(stage.folder(table.name), record.through, table.schema, files_of(fresh))
    records.write(stage.store, table.name, fresh)
    return paths


def _written_anew(
    stage: Lake, table: Table, file: Path, partition: dict[str, str], slope: float, offset: float
) -> dict[str, Any]:
    """One file of readings in the declared columns, its footer kept; what a log says of where it is."""
    source = pq.ParquetFile(file)
    footer = {key.decode(): value.decode() for key, value in (source.metadata.metadata or {}).items() if key != b"ARROW:schema"}
    rows = _in_columns(source.read(), table)
    if (slope, offset) != (1.0, 0.0):
        values = pc.add(pc.multiply(rows.column("value"), slope), offset)
        rows = rows.set_column(rows.schema.get_field_index("value"), "value", values)
    part = Part(partition["period"], int(partition["bucket"]))
    schema = table.schema.with_metadata(footer) if footer else table.schema
    add = stage._write(table.name, part, rows, schema)
    return {"path": add.path, "size": add.size, "modificationTime": add.modification_time}


def _in_columns(rows: pa.Table, table: Table) -> pa.Table:
    """Rows in the declared columns; what there was not is unknown. Raises UpgradeDue for values that a new type cannot hold."""
    columns = []
    for declared in table.schema:
        known = declared.name in rows.column_names
        column = rows.column(declared.name) if known else pa.nulls(rows.num_rows, declared.type)
        try:
            columns.append(column.cast(declared.type))
        except pa.ArrowException as error:
            raise UpgradeDue(f"{table.name}: {declared.name} cannot be {declared.type}: {error}") from error
    return pa.table(columns, schema=table.schema)
