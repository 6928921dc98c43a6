"""A layer's file as the rows of its table: checked and mended geometry in WGS 84, attributes told apart by the register."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from scicity.kernel.calendar import Calendar
from scicity.kernel.files import is_plain
from scicity.kernel.problems import Problems
from scicity.space import formats
from scicity.space.formats import GEOMETRY, ID, NUMBER, Asked
from scicity.space.register import LARGEST, Spec

FORM = 1  # of the rows: of another form they are loaded again
WGS84 = CRS.from_epsg(4326)
# column of a layer: the field of its specification that names the attribute, and attributes that are taken untold
ATTRIBUTES = {
    "feature": ("feature_from", ("feature", "id")),
    "name_zh": ("name_zh_from", ("name_zh", "name:zh")),
    "name_en": ("name_en_from", ("name_en", "name:en", "name")),
    "feature_class": ("class_from", ("feature_class",)),
    "stratum": ("", ("stratum",)),
    "elevation": ("elevation_from", ("elevation",)),
    "height": ("height_from", ("height",)),
    "depth": ("depth_from", ("depth",)),
    "valid_from": ("valid_from_from", ("valid_from",)),
    "valid_to": ("valid_to_from", ("valid_to",)),
    "restricted_to": ("restricted_from", ("restricted_to",)),
    "origin": ("", ("origin",)),
    "source": ("", ("source",)),
}
NUMBERS, TIMES = ("elevation", "height", "depth"), ("valid_from", "valid_to")


def stamp_of(spec: Spec, folder: Path) -> str:
    """Tells a layer's file, and what is said of it, from any other; a file that is not there has one too."""
    file = folder / "layers" / spec.layer_file
    about = sorted(file.parent.glob(f"{file.stem}.*"))
    seen = [(each.name, each.stat().st_size, each.stat().st_mtime_ns) for each in about if each.exists()]
    return hashlib.sha256(repr((FORM, spec, seen)).encode()).hexdigest()[:32]


def rows(spec: Spec, folder: Path, calendar: Calendar, problems: Problems) -> pa.Table:
    """The rows of a layer's table from its file, in the order of the file; none where anything is wrong with it."""
    parts = list(batches(spec, folder, calendar, problems))
    schema = spec.table.schema
    return pa.concat_tables(parts) if parts else schema.empty_table()


def batches(spec: Spec, folder: Path, calendar: Calendar, problems: Problems) -> Iterator[pa.Table]:
    """The same, some thousand features at a time."""
    place = f"layers/{spec.layer_file}"
    file = folder / place
    if not is_plain(file, place, problems, inside=folder, largest=LARGEST):
        return
    opened = formats.read(file, place, Asked(spec.file_part, spec.where_sql, spec.crs), problems)
    if opened is None:
        return
    try:
        crs = CRS.from_user_input(opened.crs) if opened.crs else None
    except CRSError:
        crs = None
    if crs is None:
        problems.add(
            "crs", place, found=opened.crs or "none", expected="a coordinate reference system in the file or the register"
        )
        return
    seen: dict[str, int] = {}
    for batch in opened.batches:
        table = _told(spec, batch, place, calendar, crs, problems)
        _check_twice(table, seen, place, problems)
        yield table


def _told(spec: Spec, batch: pa.RecordBatch, place: str, calendar: Calendar, crs: CRS, problems: Problems) -> pa.Table:
    numbers = batch.column(NUMBER).to_numpy(zero_copy_only=False)
    geometry = _mended(
        _in_wgs84(shapely.from_wkb(batch.column(GEOMETRY).to_numpy(zero_copy_only=False)), crs), numbers, place, problems
    )
    theirs = [name for name in batch.schema.names if name not in (GEOMETRY, NUMBER, ID)]
    used: dict[str, str] = {}
    for column, (field, usual) in ATTRIBUTES.items():
        told = getattr(spec, field) if field else None
        if told and told not in theirs:
            problems.add("column-missing", place, None, told, found=", ".join(theirs[:40]), expected=f"an attribute {told}")
        usual = (*usual, spec.layer.removesuffix("s")) if column == "feature" else usual  # `zone` of the layer `zones`
        name = told or next((name for name in usual if name in theirs), None)
        if name and name in theirs:
            used[column] = name
    data = batch.set_column(batch.schema.get_field_index(GEOMETRY), GEOMETRY, pa.array(shapely.to_wkb(geometry), pa.binary()))
    kept = sorted(name for name in theirs if name not in used.values())
    found = _query(spec, used, kept, data, calendar)
    table = found.append_column("source_file", pa.array([place] * len(found), pa.string()))
    return table.append_column("source_row", batch.column(NUMBER)).select(spec.table.schema.names).cast(spec.table.schema)


def _query(spec: Spec, used: dict[str, str], kept: list[str], data: pa.RecordBatch, calendar: Calendar) -> pa.Table:
    """The declared columns by SQL over a batch: each from its attribute, else from what is said of the whole layer."""
    said: list[Any] = []

    def of(column: str, kind: str, default: Any) -> str:
        said.append(default)
        cell = f"{_name(used[column])}::VARCHAR" if column in used else "NULL"
        return f"coalesce(try_cast(nullif(trim({cell}), '') AS {kind}), ?::{kind}) AS {column}"

    first = ", ".join(
        (
            *(of(column, "DOUBLE", None) for column in NUMBERS),
            *(of(column, "TIMESTAMPTZ", getattr(spec, column)) for column in TIMES),
            of("stratum", "VARCHAR", spec.stratum or "surface"),
            of("feature_class", "VARCHAR", spec.feature_class),
            *(of(column, "VARCHAR", None) for column in ("name_zh", "name_en", "restricted_to")),
            of("origin", "VARCHAR", spec.origin),
            of("source", "VARCHAR", spec.source),
        )
    )
    feature = f"{_name(used['feature'])}::VARCHAR" if "feature" in used else f"coalesce({ID}, {NUMBER}::VARCHAR)"
    pairs = ", ".join(f"{_text(name)}, {_name(name)}" for name in kept)
    details = f"nullif(json_merge_patch('{{}}', json_object({pairs}))::VARCHAR, '{{}}')" if kept else "NULL::VARCHAR"
    told = [name for name in spec.table.columns if name not in ("digest", "geometry")]
    digest = ", ".join(f"coalesce({name}::VARCHAR, '')" for name in told)
    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = '{calendar.tz.key}'")
    connection.register("data", pa.table(data))
    text = f"SELECT {feature} AS feature, {first}, {details} AS details, {GEOMETRY} FROM data"
    text = f"SELECT *, left(md5(concat_ws(chr(31), {digest}, md5({GEOMETRY}))), 16) AS digest FROM ({text})"
    found: pa.Table = connection.execute(text, said).to_arrow_table()
    return found


def _in_wgs84(geometry: np.ndarray, crs: CRS) -> np.ndarray:
    if crs == WGS84 or crs.to_epsg() in (4326, 4979) or crs.name in ("WGS 84", "WGS 84 (CRS84)"):
        return geometry
    across = Transformer.from_crs(crs, WGS84, always_xy=True)
    return shapely.transform(geometry, lambda at: np.column_stack(across.transform(at[:, 0], at[:, 1])))


def _mended(geometry: np.ndarray, numbers: np.ndarray, place: str, problems: Problems) -> np.ndarray:
    bounds = shapely.bounds(geometry)
    outside = ~((bounds[:, 0] >= -180) & (bounds[:, 2] <= 180) & (bounds[:, 1] >= -90) & (bounds[:, 3] <= 90))
    for number in numbers[outside][:20]:
        problems.add("geometry", place, int(number), "geometry", expected="longitude -180 to 180, latitude -90 to 90 (WGS 84)")
    broken = ~shapely.is_valid(geometry)
    if broken.any():
        geometry = geometry.copy()
        geometry[broken] = shapely.make_valid(geometry[broken], method="structure", keep_collapsed=False)
    return geometry


def _check_twice(table: pa.Table, seen: dict[str, int], place: str, problems: Problems) -> None:
    for feature, number in zip(table.column("feature").to_pylist(), table.column("source_row").to_pylist(), strict=True):
        if seen.setdefault(feature, number) != number:
            problems.add(
                "key-twice",
                place,
                number,
                "feature",
                found=feature,
                expected=f"one feature of it; the first is {seen[feature]}",
            )


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
