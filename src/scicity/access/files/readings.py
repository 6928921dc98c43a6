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

from scicity.kernel.files import check_header, is_plain, plain_files, text_of
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch

FILES = ("readings/*.csv", "readings/*.parquet")
SHOWN_FAULTS = 20  # faulty rows of one kind that are listed one by one
LARGEST = 4 << 30  # bytes of a file, also of what a Parquet file unpacks to
MOST_ROWS = 50_000_000  # of a file; they take about 4 GB of memory
LONGEST_NAME = 200  # characters of a datastream's name
MOST_FIELDS = 100  # of the header of a CSV
FIRST_ROW = {".csv": 2, ".parquet": 1}  # a Parquet file has no header: its first reading is row 1
EXPECTED = {
    "datastream": f"a text of at most {LONGEST_NAME} characters",
    "time": "a time with a zone, such as 2023-05-31T14:37:00+08:00 or 2023-05-31T06:37:00Z",
    "value": "a number",
    "revision": "a whole number",
}


def files_of(folder: Path, problems: Problems | None = None) -> list[Path]:
    """The files of readings below a district's folder, in order; what is no plain file goes to `problems`."""
    told = Problems() if problems is None else problems
    return [file for pattern in FILES for file, _ in plain_files(folder, pattern, told, LARGEST)]


def batches(folder: Path, problems: Problems, known: Container[str] = ()) -> Iterator[Batch]:
    """The batches of a district's folder, without those that are `known` by name; unreadable files go to `problems`."""
    for file in sorted(files_of(folder, problems)):
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
    if not is_plain(file, place, problems, largest=LARGEST):
        return None
    before = len(problems)
    content = file.read_bytes()
    first_row = FIRST_ROW.get(file.suffix, 2)
    try:
        read_rows = _parquet if file.suffix == ".parquet" else of_csv
        rows = read_rows(content, place, problems)
        columns = None if rows is None else typed_columns(rows, place, first_row, problems)
    except (pa.ArrowException, OSError, csv.Error, MemoryError, ValueError) as error:
        code = "parquet" if file.suffix == ".parquet" else "syntax"
        problems.add(code, place, found=error, expected="a whole file of readings")
        return None
    if columns is None or len(problems) > before:
        return None
    return Batch(named(place, content), columns, datetime.now(UTC), place, first_row)


def typed_columns(rows: pa.Table, place: str, first_row: int, problems: Problems) -> pa.Table | None:
    """Rows in the schema ARRIVAL; None where a cell of them cannot be read, with the problems of each column.

    `first_row` is the line of the first reading, as problems name it.
    """
    before = len(problems)
    columns = {field.name: _typed(rows, field, place, first_row, problems) for field in ARRIVAL}
    return pa.table(columns, schema=ARRIVAL) if len(problems) == before else None


def _parquet(content: bytes, place: str, problems: Problems) -> pa.Table | None:
    """The rows, once the file's own description shows that they are readings and will fit into memory."""
    opened = pq.ParquetFile(pa.BufferReader(content), read_dictionary=["datastream"])
    about, schema = opened.metadata, opened.schema_arrow
    if not columns_fit(schema.names, place, problems):
        return None
    unpacked = sum(
        about.row_group(group).column(column).total_uncompressed_size
        for group in range(about.num_row_groups)
        for column in range(about.num_columns)
    )
    if about.num_rows > MOST_ROWS or unpacked > LARGEST:
        expected = f"at most {MOST_ROWS} readings, and {LARGEST} bytes unpacked"
        problems.add("too-large", place, found=f"{about.num_rows} readings, {unpacked} bytes unpacked", expected=expected)
        return None
    return opened.read() if types_fit(schema, place, problems) else None


def of_csv(content: bytes, place: str, problems: Problems) -> pa.Table | None:
    """The rows of a CSV with a header, as text; those of another width are told one by one.

    Raises pyarrow.ArrowInvalid or csv.Error where it is no CSV.
    """
    first_line = text_of(content[: content.find(b"\n") + 1 or len(content)], place, problems)
    if first_line is None or text_of(content, place, problems) is None:
        return None
    header = next(csv.reader([first_line.strip("\r\n")], strict=True), [])
    if not columns_fit(header, place, problems):
        return None
    faulty = []

    def other_width(row: pa_csv.InvalidRow) -> str:
        faulty.append(row.number)
        if len(faulty) <= SHOWN_FAULTS:
            found = f"{row.actual_columns} fields" + (" (and there are more such rows)" if len(faulty) == SHOWN_FAULTS else "")
            problems.add("row-width", place, row.number, found=found, expected=f"{row.expected_columns} fields")
        return "skip"

    options = pa_csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=True)
    parse = pa_csv.ParseOptions(invalid_row_handler=other_width)
    rows = pa_csv.read_csv(
        pa.BufferReader(content), pa_csv.ReadOptions(use_threads=False), parse_options=parse, convert_options=options
    )
    return None if faulty else rows


def columns_fit(header: list[str], place: str, problems: Problems) -> bool:
    """Whether the columns are those of readings, each once; what is wrong goes to `problems`."""
    before = len(problems)
    if len(header) > MOST_FIELDS:
        problems.add("too-large", place, 1, found=f"{len(header)} columns", expected=f"at most {MOST_FIELDS}")
    else:
        check_header(header, ARRIVAL.names, place, problems, optional=("revision",))
    return len(problems) == before


def types_fit(schema: pa.Schema, place: str, problems: Problems) -> bool:
    """Whether the types of columns can hold readings; those that cannot go to `problems`."""
    wrong = [field for field in schema if not _type_fits(field)]
    for field in wrong:
        problems.add("value", place, 1, field.name, found=f"a column of {field.type}", expected=EXPECTED[field.name])
    return not wrong


def _type_fits(field: pa.Field) -> bool:
    """Whether a column's type can hold what it should; whole numbers are no times, as nobody knows what they count."""
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)
    if field.name == "time":
        return text or pa.types.is_timestamp(kind)
    if field.name == "datastream":
        return text
    whole = pa.types.is_integer(kind)
    return text or whole or (field.name == "value" and (pa.types.is_floating(kind) or pa.types.is_decimal(kind)))


def _typed(rows: pa.Table, field: pa.Field, place: str, first_row: int, problems: Problems) -> pa.ChunkedArray:
    if field.name not in rows.column_names:
        return pa.chunked_array([pa.nulls(rows.num_rows, field.type)])
    column = rows.column(field.name)
    if field.name == "time" and pa.types.is_timestamp(column.type) and column.type.tz is None:
        problems.add("time", place, first_row, "time", found="times without a zone", expected=EXPECTED["time"])
        return column
    if _longest(column) > LONGEST_NAME:  # looked at before a dictionary is written out for every row
        what = "name" if field.name == "datastream" else "text"
        found = f"a {what} of {_longest(column)} bytes"
        problems.add("value", place, first_row, field.name, found=found, expected=EXPECTED[field.name])
        return column
    try:
        typed = column if column.type == field.type else column.cast(field.type)
        if field.name == "value" and not pc.all(pc.is_finite(typed)).as_py():  # NaN and infinity say that nothing is known
            return pc.if_else(pc.is_finite(typed), typed, None)
        return typed
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        _locate(column, field, place, first_row, str(error), problems)
        return column


def _longest(column: pa.ChunkedArray) -> int:
    """How long [byte] the longest text of a column is; 0 of a column of anything else."""
    coded = pa.types.is_dictionary(column.type)
    kind = column.type.value_type if coded else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return 0
    parts = [chunk.dictionary for chunk in column.chunks] if coded else [column]
    return max((pc.max(pc.binary_length(part)).as_py() or 0 for part in parts), default=0)


def _locate(column: pa.ChunkedArray, field: pa.Field, place: str, first_row: int, error: str, problems: Problems) -> None:
    """Names the rows of a column that cannot be read, the first of them one by one."""
    code = "time" if field.name == "time" else "value"
    faulty: list[str] = []
    texts = column.cast(pa.string())
    for text in pc.unique(texts).drop_null().to_pylist():
        try:
            pa.scalar(text).cast(field.type)
        except pa.ArrowInvalid:
            faulty.append(text)
            if len(faulty) > SHOWN_FAULTS:
                break
    where = pc.indices_nonzero(pc.is_in(texts, value_set=pa.array(faulty, pa.string()))).to_pylist()
    for number, row in enumerate(where[:SHOWN_FAULTS], start=1):
        more = " (and there are more such rows)" if number == SHOWN_FAULTS < len(where) else ""
        found = f"{texts[row].as_py()}{more}"
        problems.add(code, place, first_row + row, field.name, found=found, expected=EXPECTED[field.name])
    if not where:  # the type as a whole, or a number that the other type cannot hold
        problems.add(code, place, first_row, field.name, found=error, expected=EXPECTED[field.name])
