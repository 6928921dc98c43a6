"""CSV with coordinates: points by two columns (and a third for the height), or any geometry as well-known text."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import shapely

from scicity.kernel.problems import Problems
from scicity.space.formats import GEOMETRY, ID, NUMBER, Asked, Opened

SUFFIXES = (".csv",)
# Names of columns, in small letters. X is east and Y north here, as files for maps have it; surveyors' 东 and 北 are plain.
X = ("longitude", "lon", "lng", "long", "经度", "easting", "east", "东坐标", "x")
Y = ("latitude", "lat", "纬度", "northing", "north", "北坐标", "y")
Z = ("z", "高程坐标")
TEXT = ("wkt", "geometry_wkt", "geom_wkt", "geometry", "geom")
BLOCK = 8 << 20  # bytes that are read at a time
LONGEST_HEADER = 1 << 20


def read(file: Path, place: str, asked: Asked, problems: Problems) -> Opened | None:
    """A CSV in UTF-8 with a header; it names no CRS, so that the register must."""
    names = _header(file, place, problems)
    if names is None:
        return None
    if _columns(names) is None:
        expected = "columns longitude and latitude (or easting and northing, 经度 and 纬度), or wkt"
        problems.add("column-missing", place, 1, found=", ".join(names[:40]), expected=expected)
        return None
    return Opened(None, _batches(file, place, names, problems))


def _header(file: Path, place: str, problems: Problems) -> list[str] | None:
    with file.open("rb") as opened:
        line = opened.readline(LONGEST_HEADER)
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.add("encoding", place, 1, found=error, expected="UTF-8")
        return None
    try:
        names = next(csv.reader([text], strict=True), [])
    except csv.Error as error:
        problems.add("syntax", place, 1, found=error, expected="a header on one line")
        return None
    twice = sorted({name for name in names if names.count(name) > 1}) if len(names) < 5_000 else ["too many"]
    if twice or not names:
        problems.add(
            "column-twice" if twice else "syntax", place, 1, found=", ".join(twice), expected="a header, each name once"
        )
        return None
    return names


def _columns(names: Sequence[str]) -> tuple[str | None, str | None, str | None, str | None] | None:
    """The columns of x, y, z and of text among these; None where there are none."""
    small = {name.strip().lower(): name for name in reversed(names)}

    def first(usual: tuple[str, ...]) -> str | None:
        return next((small[name] for name in usual if name in small), None)

    x, y, text = first(X), first(Y), first(TEXT)
    if x and y:
        return x, y, first(Z), None
    return (None, None, None, text) if text else None


def _batches(file: Path, place: str, names: list[str], problems: Problems) -> Iterator[pa.RecordBatch]:
    number = 0
    try:
        reader = pyarrow.csv.open_csv(
            file,
            pyarrow.csv.ReadOptions(block_size=BLOCK, use_threads=False, column_names=names, skip_rows=1),
            pyarrow.csv.ParseOptions(newlines_in_values=True),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
        for batch in reader:
            size = len(batch)
            columns = {NUMBER: pa.array(range(number + 1, number + size + 1), pa.int64()), ID: pa.nulls(size, pa.string())}
            columns |= dict(zip(batch.schema.names, batch.columns, strict=True))
            found = placed(pa.record_batch(columns), place, problems)
            if found is None:
                return
            yield found
            number += size
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        empty = "Empty CSV file" in str(error)
        if not empty:
            code = "encoding" if "UTF8" in str(error) else "syntax"
            problems.add(code, place, number + 1, found=str(error), expected="rows as wide as the header, in UTF-8")


def placed(batch: pa.RecordBatch, place: str, problems: Problems) -> pa.RecordBatch | None:
    """A batch with its geometry, from the columns that tell it; None, with the problem, where none do."""
    columns = _columns([name for name in batch.schema.names if name not in (NUMBER, ID)])
    if columns is None:
        expected = "geometry, or columns longitude and latitude"
        problems.add("column-missing", place, found=", ".join(batch.schema.names[2:40]), expected=expected)
        return None
    numbers = batch.column(NUMBER).to_numpy()
    x, y, z, text = columns
    if text is not None:
        wkb = _of_text(batch.column(text), numbers, place, text, problems)
        used = [text]
    else:
        used = [name for name in (x, y, z) if name is not None]
        values = [_numbers(batch.column(name), numbers, place, name, problems, needed=name != z) for name in used]
        built = shapely.points(np.column_stack(values[:2]))
        if len(values) == 3:
            deep = np.isfinite(values[2])
            built[deep] = shapely.points(np.column_stack(values)[deep])
        wkb = pa.array(shapely.to_wkb(built), pa.binary())
    kept = {name: batch.column(name) for name in batch.schema.names if name not in used}
    return pa.record_batch({GEOMETRY: wkb} | kept)


def _numbers(column: pa.Array, numbers: np.ndarray, place: str, name: str, problems: Problems, *, needed: bool) -> np.ndarray:
    """A column as numbers; a cell that is none, or is missing and must not be, is a problem."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        trimmed = pc.utf8_trim_whitespace(column)
        good = pc.match_substring_regex(trimmed, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
        wrong = pc.fill_null(pc.invert(good), False).to_numpy(zero_copy_only=False)
        missing = column.is_null().to_numpy(zero_copy_only=False)
        for at in np.flatnonzero(wrong)[:200]:
            problems.add("value", place, int(numbers[at]), name, found=column[int(at)].as_py(), expected="a finite number")
        values = pc.if_else(good, trimmed, None).cast(pa.float64()).to_numpy(zero_copy_only=False)
    else:
        values = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        missing = column.is_null().to_numpy(zero_copy_only=False)
    if needed:
        for at in np.flatnonzero(missing)[:200]:
            problems.add("value-missing", place, int(numbers[at]), name, expected="a coordinate")
    filled: np.ndarray = np.where(missing, 0.0 if needed else np.nan, values)  # what is missing was told
    return np.where(np.isnan(filled), 0.0, filled) if needed and pa.types.is_string(column.type) else filled


def _of_text(column: pa.Array, numbers: np.ndarray, place: str, name: str, problems: Problems) -> pa.Array:
    texts = column.to_numpy(zero_copy_only=False)
    # GEOS reads nested collections by recursion: more brackets than any geometry has are not given to it
    deep = pc.greater(pc.count_substring(column, "GEOMETRYCOLLECTION", ignore_case=True), 20)
    safe = np.where(pc.fill_null(deep, False).to_numpy(zero_copy_only=False), None, texts)
    built = shapely.from_wkt(safe, on_invalid="ignore")
    for at in np.flatnonzero(shapely.is_missing(built))[:200]:
        code = "value-missing" if texts[at] is None else "value"
        problems.add(code, place, int(numbers[at]), name, found=texts[at] or "", expected="well-known text")
    wkb = shapely.to_wkb(built)
    wkb[shapely.is_missing(built)] = shapely.to_wkb(shapely.Point(0, 0))  # told already
    return pa.array(wkb, pa.binary())
