"""Bodies of requests to batches: SciCity's own JSON, CSV with a header, or an Arrow IPC stream.

JSON is a list of readings, `[{"datastream": …, "time": …, "value": …}, …]`, or the same as columns,
`{"datastream": […], "time": […], "value": […]}`, each perhaps with `revision`; the object may hold either as `readings`.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic_core import from_json

from scicity.access.files.readings import of_csv, typed_columns
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch

JSON, CSV, ARROW = "application/json", "text/csv", "application/vnd.apache.arrow.stream"
FORMS = (JSON, CSV, ARROW)
MOST_READINGS = 1_000_000  # of one request
NEEDED = ("datastream", "time", "value")


def decode(payload: bytes, place: str, arrived: datetime, problems: Problems, form: str = JSON) -> Batch | None:
    """One body as a batch; None where any of it cannot be read, with all its problems.

    `form` is the content type, one of FORMS; `place` says who sent it, as problems name it. The name of the batch is made of
    both and of the body: the same body again is the same batch. Raises nothing.
    """
    before = len(problems)
    reader = {JSON: _json, CSV: of_csv, ARROW: _arrow}[form]
    try:
        rows = reader(payload, place, problems)
    except (pa.ArrowException, csv.Error, ValueError, OverflowError, RecursionError, MemoryError, OSError) as error:
        problems.add("syntax", place, found=error, expected=f"a whole body of {form}")
        return None
    if rows is None:
        return None
    if rows.num_rows > MOST_READINGS:
        problems.add("too-large", place, found=f"{rows.num_rows} readings", expected=f"at most {MOST_READINGS} in a request")
        return None
    first_row = 2 if form == CSV else 1
    columns = typed_columns(rows, place, first_row, problems)
    if columns is None or len(problems) > before:
        return None
    name = f"{place}#{hashlib.sha256(payload).hexdigest()[:32]}"
    return Batch(name, columns, arrived, place, first_row)


def _json(payload: bytes, place: str, problems: Problems) -> pa.Table | None:
    told: Any = from_json(payload, allow_inf_nan=False, cache_strings="keys")
    if isinstance(told, dict) and "readings" in told:
        told = told["readings"]
    if isinstance(told, list):
        wrong = next((number for number, each in enumerate(told, start=1) if not isinstance(each, dict)), None)
        if wrong is not None:
            problems.add("value", place, wrong, found=told[wrong - 1], expected="a reading: an object")
            return None
        unknown = sorted({str(key) for each in told for key in each} - set(ARRIVAL.names))
        columns = {name: [each.get(name) for each in told] for name in ARRIVAL.names}
        if not any(value is not None for value in columns["revision"]):
            del columns["revision"]
    elif isinstance(told, dict) and all(isinstance(column, list) for column in told.values()):
        unknown, columns = sorted(set(told) - set(ARRIVAL.names)), told
    else:
        problems.add("syntax", place, found=type(told).__name__, expected="a list of readings, or an object of columns")
        return None
    return _table(columns, unknown, place, problems)


def _table(columns: Mapping[str, list[Any]], unknown: list[str], place: str, problems: Problems) -> pa.Table | None:
    before = len(problems)
    for name in unknown:
        problems.add("column-unknown", place, 1, name, found=name, expected=", ".join(ARRIVAL.names))
    for name in NEEDED:
        if name not in columns:
            problems.add("column-missing", place, 1, name, expected=", ".join(NEEDED))
    if len({len(column) for column in columns.values()}) > 1:
        problems.add("row-width", place, found={name: len(column) for name, column in columns.items()}, expected="one length")
    if len(problems) > before:
        return None
    rows = {}
    for name, column in columns.items():
        try:
            rows[name] = pa.array(column, ARRIVAL.field(name).type if name in ("value", "revision") else pa.string())
        except (pa.ArrowException, OverflowError):
            _locate(column, name, place, problems)
            continue
        if name == "value" and pc.any(pc.is_inf(rows[name])).as_py():
            at = pc.index(pc.is_inf(rows[name]), True).as_py()
            problems.add("value", place, at + 1, name, found="a number beyond what can be held", expected="a number")
    return pa.table(rows) if len(problems) == before else None


def _locate(column: list[Any], name: str, place: str, problems: Problems) -> None:
    """Names the first value of a column that is of another kind."""
    kinds, expected = {"value": ((int, float, type(None)), "a number"), "revision": ((int, type(None)), "a whole number")}.get(
        name, ((str,), "a time with a zone, as text" if name == "time" else "a text")
    )
    at = next((n for n, each in enumerate(column) if not isinstance(each, kinds) or isinstance(each, bool)), 0)
    problems.add("value", place, at + 1, name, found=column[at], expected=expected)


def _arrow(payload: bytes, place: str, problems: Problems) -> pa.Table | None:
    with pa.ipc.open_stream(payload) as reader:
        unknown = sorted(set(reader.schema.names) - set(ARRIVAL.names))
        missing = [name for name in NEEDED if name not in reader.schema.names]
        for name in unknown:
            problems.add("column-unknown", place, 1, name, found=name, expected=", ".join(ARRIVAL.names))
        for name in missing:
            problems.add("column-missing", place, 1, name, expected=", ".join(NEEDED))
        if unknown or missing or len(set(reader.schema.names)) < len(reader.schema.names):
            return None
        batches, count = [], 0
        for batch in reader:
            batch.validate(full=True)  # lengths and offsets come from outside
            count += batch.num_rows
            if count > MOST_READINGS:
                problems.add("too-large", place, found=f"more than {MOST_READINGS} readings", expected="smaller batches")
                return None
            batches.append(batch)
        return pa.Table.from_batches(batches, reader.schema)
