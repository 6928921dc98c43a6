"""A layer's file as the rows of its table: geometry in WGS 84, checked and mended; attributes told apart by the register."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely

from scicity.kernel.calendar import Calendar
from scicity.kernel.files import is_plain
from scicity.kernel.problems import Problems
from scicity.kernel.rows import Filed, filed
from scicity.space import crs, formats
from scicity.space.attributes import Telling
from scicity.space.formats import GEOMETRY, NUMBER, Asked
from scicity.space.geometry import REPORT, Check
from scicity.space.register import LARGEST, Spec
from scicity.space.where import WrongCondition, condition

FORM = 3  # of the rows: of another form they are loaded again
REPORTS = "map"  # folder of the state, beside the indexes
AT_ONCE = 50_000  # features that are in memory at a time
LEFT = 86_400.0  # [s] a file of rows that is older was left of a power cut


@dataclass
class Report:
    """What was done with a layer as it was loaded: how many features, from which CRS, and what was mended."""

    layer: str
    features: int = 0
    crs: str = ""
    shifted: str = ""
    mended: pa.Table = field(default_factory=REPORT.empty_table)

    def write(self, state: Path) -> None:
        """Keeps it beside the layer's index, in the place of the one before."""
        file = _report_file(state, self.layer)
        file.parent.mkdir(parents=True, exist_ok=True)
        about = {"features": str(self.features), "crs": self.crs, "shifted": self.shifted}
        part = file.with_suffix(".part")
        pq.write_table(self.mended.replace_schema_metadata(about), part)
        part.replace(file)


def report_of(state: Path, layer: str) -> Report | None:
    """The report of the last load of a layer; None where there is none."""
    file = _report_file(state, layer)
    if not file.exists():
        return None
    mended = pq.read_table(file)
    about = {key.decode(): value.decode() for key, value in (mended.schema.metadata or {}).items()}
    return Report(layer, int(about["features"]), about["crs"], about["shifted"], mended)


@dataclass(frozen=True)
class Taken:
    """A layer's file as it was read once: its stamp, what was done with it, and its rows, which lie on a disk."""

    stamp: str
    report: Report
    rows: Filed

    def parts(self) -> Iterator[pa.Table]:
        """The rows, some thousand at a time."""
        for batch in pq.ParquetFile(pa.BufferReader(self.rows.content)).iter_batches(AT_ONCE):
            yield pa.Table.from_batches([batch])


def take(spec: Spec, folder: Path, calendar: Calendar, problems: Problems, aside: Path) -> Taken | None:
    """Reads a layer's file once, its rows to a file of the folder `aside` that nobody sees (where that is not there yet, of the
    one above it: what is refused makes none); None where anything is wrong."""
    before, stamp, report = len(problems), stamp_of(spec, folder), Report(spec.layer)
    aside = next(each for each in (aside, *aside.absolute().parents) if each.is_dir())
    for left in aside.glob("taken.*.tmp"):
        if time.time() - left.stat().st_mtime > LEFT:
            left.unlink(missing_ok=True)
    file = aside / f"taken.{spec.layer}.{os.getpid()}.tmp"
    try:
        rows = filed(batches(spec, folder, calendar, problems, report), spec.table.schema, file)
    finally:
        file.unlink(missing_ok=True)
    return Taken(stamp, report, rows) if len(problems) == before else None


def _report_file(state: Path, layer: str) -> Path:
    return Path(state) / REPORTS / f"{layer}.mended.parquet"


def stamp_of(spec: Spec, folder: Path) -> str:
    """Tells a layer's file, and what is said of it, from any other; a file that is not there has one too."""
    file = folder / "layers" / spec.layer_file
    about = sorted(file.parent.glob(f"{formats.glob_of(file.name.split('.')[0])}.*"))
    seen = [(each.name, each.stat().st_size, each.stat().st_mtime_ns) for each in about if each.exists()]
    return hashlib.sha256(repr((FORM, spec, seen)).encode()).hexdigest()[:32]


def rows(spec: Spec, folder: Path, calendar: Calendar, problems: Problems, report: Report | None = None) -> pa.Table:
    """The rows of a layer's table from its file, in the order of the file; none where anything is wrong with it."""
    before = len(problems)
    parts = list(batches(spec, folder, calendar, problems, report))
    schema = spec.table.schema
    return pa.concat_tables(parts) if parts and len(problems) == before else schema.empty_table()


def batches(
    spec: Spec, folder: Path, calendar: Calendar, problems: Problems, report: Report | None = None
) -> Iterator[pa.Table]:
    """The same, some thousand features at a time. What is wrong with a feature is told as its batch is taken; whoever takes
    batches keeps none of them where there was a problem before the last."""
    place = f"layers/{spec.layer_file}"
    file = folder / place
    if ".." in PurePath(spec.layer_file).parts or PurePath(spec.layer_file).is_absolute():
        problems.add("file-kind", place, found=spec.layer_file, expected="a file below layers/")
        return
    if not is_plain(file, place, problems, inside=folder, largest=LARGEST):
        return
    try:
        chosen = condition(spec.where_sql) if spec.where_sql else None
    except WrongCondition as error:
        remedy = "Compare attributes with values: =, <>, <, >, IN, LIKE, BETWEEN, IS NULL, joined by AND, OR, NOT."
        where = ("registers/layers.csv", None, "where_sql")
        problems.add("formula", *where, found=f"{spec.layer}: {error}", expected="a condition on attributes", remedy=remedy)
        return
    telling = Telling(spec, place, calendar, problems, chosen)
    names: list[pa.ChunkedArray] = []
    numbers: list[pa.ChunkedArray] = []
    mended: list[pa.Table] = []
    before, reference = 0, None  # features of the parts before
    for part in spec.parts:
        opened = formats.read(file, place, Asked(part, spec.crs, telling.names), problems)
        if opened is None:
            return
        stream = iter(opened.batches)
        batch = next(stream, None)
        if batch is None:
            continue
        reference = crs.known(spec.crs or opened.crs, place, problems, _position(batch))
        if reference is None:
            return
        check = Check(place, reference, problems, opened.ordered)
        telling.shifted = reference.shifted
        last = before
        while batch is not None:
            batch = _behind(batch, before)
            last = batch.column(NUMBER)[-1].as_py() if len(batch) else last
            batch = telling.met(batch)
            if len(batch):
                geometry = check.batch(batch.column(GEOMETRY), batch.column(NUMBER).to_numpy())
                wkb = pa.array(shapely.to_wkb(geometry, flavor="iso"), pa.binary())
                table = telling.table(batch.set_column(batch.schema.get_field_index(GEOMETRY), GEOMETRY, wkb))
                names.append(_apart(table.column("feature")))
                numbers.append(_apart(table.column("source_row")))
                yield table
            batch = next(stream, None)
        before = last
        mended.append(check.report)
    if reference is None:
        return
    telling.finish()
    if names:
        _check_twice(pa.chunked_array([c for each in names for c in each.chunks]), numbers, place, problems)
    if report is not None:
        report.features, report.crs, report.shifted = sum(map(len, names)), reference.name, reference.shifted
        report.mended = pa.concat_tables(mended)


def _behind(batch: pa.RecordBatch, before: int) -> pa.RecordBatch:
    """A batch of a part of a file, its features numbered on from those of the parts before."""
    if not before:
        return batch
    return batch.set_column(batch.schema.get_field_index(NUMBER), NUMBER, pc.add(batch.column(NUMBER), before))


def _apart(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column in memory of its own: what comes from another library is held whole for as long as any column of it is."""
    return pa.chunked_array([pa.concat_arrays([*column.chunks, pa.array([], column.type)])])


def _position(batch: pa.RecordBatch) -> tuple[float, float] | None:
    """The first position of a file, to guess its CRS by."""
    for wkb in batch.column(GEOMETRY).slice(0, 10).to_pylist():
        at = shapely.get_coordinates(shapely.from_wkb(wkb, on_invalid="ignore"))
        if len(at) and np.isfinite(at[0]).all():
            return float(at[0, 0]), float(at[0, 1])
    return None


def _check_twice(names: pa.ChunkedArray, numbers: list[pa.ChunkedArray], place: str, problems: Problems) -> None:
    """Refuses features of one name, each with the row of the first of them."""
    counts = names.value_counts()
    double = pc.filter(counts.field("values"), pc.greater(counts.field("counts"), 1))
    if not len(double):
        return
    chosen = pc.is_in(names, double)
    rows = pa.chunked_array([c for each in numbers for c in each.chunks])
    seen: dict[str, int] = {}
    for feature, number in zip(names.filter(chosen).to_pylist(), rows.filter(chosen).to_pylist(), strict=True):
        if seen.setdefault(feature, number) != number:
            expected = f"one feature of it; the first is feature {seen[feature]}"
            problems.add("key-twice", place, number, "feature", found=feature, expected=expected)
