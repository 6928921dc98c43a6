"""Bodies of requests to batches: SciCity's own JSON, CSV with a header, or an Arrow IPC stream.

JSON is a reading, a list of readings, `[{"datastream": …, "time": …, "value": …}, …]`, or the same as columns,
`{"datastream": […], "time": […], "value": […]}`, each perhaps with `revision`; the object may hold either as `readings`.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from scicity.access.files.readings import EXPECTED, MOST_FIELDS, columns_fit, of_csv, typed_columns, types_fit
from scicity.access.http.inflating import inflated
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch

JSON, CSV, ARROW = "application/json", "text/csv", "application/vnd.apache.arrow.stream"
FORMS = (JSON, CSV, ARROW)
MOST_READINGS = 1_000_000  # of one request
MOST_COMMAS = 5 * MOST_READINGS  # of JSON, so that it cannot say more values than that many readings have
MOST_INFLATED = 256 << 20  # [byte] of Arrow's compressed buffers, unpacked
# What the readers of others raise at bodies that are made to break them.
UNREADABLE = (pa.ArrowException, csv.Error, ValueError, OverflowError, RecursionError, MemoryError, OSError)


class Reading(msgspec.Struct, forbid_unknown_fields=True):
    """One reading as JSON tells it: time as text with a zone; the value is in the register's unit, or null where unknown."""

    datastream: str
    time: str
    value: float | None
    revision: int | None = None


_plain = msgspec.json.Decoder(list[Reading])


def decode(payload: bytes, place: str, arrived: datetime, problems: Problems, form: str = JSON) -> Batch | None:
    """One body as a batch; None where any of it cannot be read, with all its problems.

    `form` is the content type, one of FORMS; `place` says who sent it, as problems name it. The name of the batch is made of
    both and of the body: the same body again is the same batch. Raises nothing.
    """
    before = len(problems)
    reader, first_row = {JSON: _json, CSV: of_csv, ARROW: _arrow}[form], 2 if form == CSV else 1
    try:
        rows = reader(payload, place, problems)
        if rows is not None and rows.num_rows > MOST_READINGS:
            problems.add(
                "too-large", place, found=f"{rows.num_rows} readings", expected=f"at most {MOST_READINGS} in a request"
            )
            return None
        columns = None if rows is None else typed_columns(rows, place, first_row, problems)
    except UNREADABLE as error:
        problems.add("syntax", place, found=error, expected=f"a whole body of {form}")
        return None
    if columns is None or len(problems) > before:
        return None
    name = f"{place}#{hashlib.sha256(payload).hexdigest()[:32]}"
    return Batch(name, columns, arrived, place, first_row)


def _json(payload: bytes, place: str, problems: Problems) -> pa.Table | None:
    if payload.count(b",") > MOST_COMMAS:  # a list of nothing takes thirty times its length in memory
        problems.add("too-large", place, found=f"more than {MOST_COMMAS} values", expected=f"at most {MOST_READINGS} readings")
        return None
    try:  # what nearly every body is: a list of whole readings
        plain = _plain.decode(payload)
        columns = {name: list(map(attrgetter(name), plain)) for name in ARRIVAL.names}
    except msgspec.ValidationError:
        told = _columns(msgspec.json.decode(payload), place, problems)
        if told is None or not columns_fit(list(told), place, problems):
            return None
        columns = told
    return _table(columns, place, problems)


def _columns(told: Any, place: str, problems: Problems) -> dict[str, list[Any]] | None:
    """What a body of another form says, by column."""
    if isinstance(told, dict) and "readings" in told:
        told = told["readings"]
    if isinstance(told, dict) and isinstance(told.get("datastream"), str):
        told = [told]
    if isinstance(told, list):
        wrong = next((number for number, each in enumerate(told, start=1) if not isinstance(each, dict)), None)
        if wrong is not None:
            problems.add("value", place, wrong, found=told[wrong - 1], expected="a reading: an object")
            return None
        names = set[str]()
        for each in told:
            names.update(each if len(each) <= MOST_FIELDS else list(each)[: MOST_FIELDS + 1])
            if len(names) > MOST_FIELDS:
                problems.add("too-large", place, found=f"more than {MOST_FIELDS} fields", expected=", ".join(ARRIVAL.names))
                return None
        return {name: [each.get(name) for each in told] for name in sorted(names)}
    if not (isinstance(told, dict) and all(isinstance(column, list) for column in told.values())):
        problems.add("syntax", place, found=type(told).__name__, expected="a list of readings, or an object of columns")
        return None
    return told


def _table(columns: Mapping[str, list[Any]], place: str, problems: Problems) -> pa.Table | None:
    before = len(problems)
    if len({len(column) for column in columns.values()}) > 1:
        problems.add("row-width", place, found={name: len(column) for name, column in columns.items()}, expected="one length")
        return None
    rows = {}
    for name, column in columns.items():
        kind = pa.string() if name == "time" else ARRIVAL.field(name).type
        try:
            if any(isinstance(each, bool) for each in column):  # Arrow would take them for 1 and 0
                raise pa.ArrowInvalid("true and false are no numbers")
            rows[name] = pa.array(column, kind)
        except (pa.ArrowException, OverflowError):
            wrong = next(at for at, each in enumerate(column) if not _is_a(kind, each))
            problems.add("value", place, wrong + 1, name, found=column[wrong], expected=EXPECTED[name])
            continue
        if name == "value" and pc.any(pc.is_inf(rows[name])).as_py():
            at = pc.index(pc.is_inf(rows[name]), True).as_py()
            problems.add("value", place, at + 1, name, found="a number beyond what can be held", expected=EXPECTED[name])
    return pa.table(rows) if len(problems) == before else None


def _is_a(kind: pa.DataType, value: Any) -> bool:
    if isinstance(value, bool):
        return False
    try:
        pa.array([value], kind)
    except (pa.ArrowException, OverflowError):
        return False
    return True


def _arrow(payload: bytes, place: str, problems: Problems) -> pa.Table | None:
    unpacked = inflated(payload)
    if unpacked > MOST_INFLATED:
        problems.add("too-large", place, found=f"{unpacked} bytes unpacked", expected=f"at most {MOST_INFLATED}")
        return None
    with pa.ipc.open_stream(payload) as reader:
        if not (columns_fit(reader.schema.names, place, problems) and types_fit(reader.schema, place, problems)):
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
