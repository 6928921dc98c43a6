"""Files of readings to batches. A file is known by its place and content: it is taken once."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Container, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch

ENDINGS = (".csv", ".parquet")
SHOWN_FAULTS = 20  # faulty rows of one column that are listed one by one


def files_of(folder: Path) -> list[Path]:
    """The files of readings below a district's folder, in order."""
    return sorted(file for file in (folder / "readings").glob("*") if file.suffix in ENDINGS)


def batches(folder: Path, problems: Problems, known: Container[str] = ()) -> Iterator[Batch]:
    """The batches of a district's folder, without those that are `known` by name; unreadable files go to `problems`."""
    for file in files_of(folder):
        place = str(file.relative_to(folder))
        if known and named(place, file.read_bytes()) in known:
            continue
        found = read(file, place, problems)
        if found is not None:
            yield found


def named(place: str, content: bytes) -> str:
    """The name of a file's batch: where it stands, and a digest of what it says."""
    return f"{place}#{hashlib.sha256(content).hexdigest()[:16]}"


def read(file: Path, place: str, problems: Problems) -> Batch | None:
    """One file as a batch named by its place and content; None where it cannot be read, with its problems.

    Columns: datastream, time (UTC, or ISO 8601 with an offset), value in the unit of the register, and optionally revision.
    """
    try:
        content = file.read_bytes()
        rows = _parquet(content) if file.suffix == ".parquet" else _csv(content)
    except FileNotFoundError:
        problems.add("file-missing", place, expected="a file of readings")
        return None
    except UnicodeDecodeError as error:
        problems.add("encoding", place, found=str(error), expected="UTF-8")
        return None
    except (pa.ArrowInvalid, OSError, csv.Error) as error:
        code = "parquet" if file.suffix == ".parquet" else "syntax"
        problems.add(code, place, found=str(error), expected="a whole file of readings")
        return None
    before = len(problems)
    missing = [name for name in ("datastream", "time", "value") if name not in rows.column_names]
    for name in missing:
        problems.add("column-missing", place, 1, name, found=", ".join(rows.column_names), expected=f"a column {name}")
    for name in rows.column_names:
        if name not in ARRIVAL.names:
            problems.add("column-unknown", place, 1, name, found=name, expected=", ".join(ARRIVAL.names))
    if len(problems) > before:
        return None
    columns = {field.name: _typed(rows, field, place, problems) for field in ARRIVAL}
    if len(problems) > before:
        return None
    return Batch(named(place, content), pa.table(columns, schema=ARRIVAL), datetime.now(UTC))


def _parquet(content: bytes) -> pa.Table:
    return pq.read_table(pa.BufferReader(content))


def _csv(content: bytes) -> pa.Table:
    content.decode("utf-8-sig")
    header = next(csv.reader([content.split(b"\n", 1)[0].decode("utf-8-sig").strip("\r")]), [])
    options = pa_csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=True)
    return pa_csv.read_csv(pa.BufferReader(content), convert_options=options)


def _typed(rows: pa.Table, field: pa.Field, place: str, problems: Problems) -> pa.ChunkedArray:
    if field.name not in rows.column_names:
        return pa.chunked_array([pa.nulls(rows.num_rows, field.type)])
    column = rows.column(field.name)
    if field.name == "time" and pa.types.is_timestamp(column.type) and column.type.tz is None:
        problems.add("time", place, 1, "time", found="a time without a zone", expected="UTC, or an offset such as +08:00")
        return column
    try:
        return column.cast(field.type)
    except pa.ArrowInvalid:
        _locate(column, field, place, problems)
        return column


def _locate(column: pa.ChunkedArray, field: pa.Field, place: str, problems: Problems) -> None:
    """Names the rows of a column whose text cannot be read, the first of them one by one."""
    expected = {"time": "2023-05-31T14:37:00+08:00 or ...Z", "value": "a number", "revision": "a whole number"}
    faulty = []
    for text in pc.unique(column.cast(pa.string())).drop_null().to_pylist():
        try:
            pa.scalar(text).cast(field.type)
        except pa.ArrowInvalid:
            faulty.append(text)
    where = pc.indices_nonzero(pc.is_in(column.cast(pa.string()), value_set=pa.array(faulty))).to_pylist()
    for row in where[:SHOWN_FAULTS]:
        code = "time" if field.name == "time" else "value"
        problems.add(
            code, place, row + 2, field.name, found=column[row].as_py(), expected=expected.get(field.name, str(field.type))
        )
    if len(where) > SHOWN_FAULTS:
        problems.add("value", place, where[SHOWN_FAULTS] + 2, field.name, found=f"{len(where)} such rows", expected="none")
