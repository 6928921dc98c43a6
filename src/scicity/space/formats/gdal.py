"""Files that GDAL reads, each with one driver and after a look at its first bytes: GeoPackage, Shapefile, OpenStreetMap, DXF,
FlatGeobuf."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from scicity.kernel.files import is_plain
from scicity.kernel.problems import Problems
from scicity.space.formats import AT_ONCE, GEOMETRY, ID, NUMBER, Asked, Gathering, Opened, glob_of
from scicity.space.formats.running import run

SETTINGS = {
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "CPL_VSIL_CURL_USE_HEAD": "NO",
    "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "OGR_SQLITE_LOAD_EXTENSIONS": "",
    "OGR_SQLITE_LIST_VIRTUAL_OGR": "NO",
    "SQLITE_LIST_ALL_TABLES": "NO",
    "DXF_CLOSED_LINE_AS_POLYGON": "TRUE",
    "OSM_MAX_TMPFILE_SIZE": "200",
    "OGR_GEOJSON_MAX_OBJ_SIZE": "64",
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
}
LARGEST_SIDECAR = 8 << 30


@dataclass(frozen=True)
class Kind:
    """A kind of file: GDAL's driver, what its first bytes are, which part is meant where none is told, options of opening."""

    driver: str
    begins: tuple[bytes, ...]
    at: int = 0
    first: str = ""
    options: dict[str, str] = field(default_factory=dict)


KINDS = {
    ".gpkg": Kind("GPKG", (b"SQLite format 3\x00",), options={"IMMUTABLE": "YES"}),
    ".shp": Kind("ESRI Shapefile", (b"\x00\x00\x27\x0a",)),
    ".osm.pbf": Kind("OSM", (b"\x0a\x09OSMHeader",), at=4, options={"TAGS_FORMAT": "JSON"}),
    ".dxf": Kind("DXF", (b"0", b" ", b"999", b"\r", b"\n", b"\xef\xbb\xbf", b"AutoCAD Binary DXF"), first="entities"),
    ".fgb": Kind("FlatGeobuf", (b"fgb\x03fgb",)),
}
SUFFIXES = tuple(KINDS)


def read(file: Path, place: str, asked: Asked, problems: Problems) -> Opened | None:
    """A file as GDAL tells it; OpenStreetMap's ids are made `way-7`, and its other tags are properties."""
    suffix = next(each for each in KINDS if file.name.lower().endswith(each))
    kind = KINDS[suffix]
    with file.open("rb") as opened:
        head = opened.read(64)[kind.at :]
    if not head.startswith(kind.begins):
        problems.add("file-kind", place, found=f"bytes {head[:8].hex(' ')}", expected=f"a file that begins as {suffix} does")
        return None
    options = dict(kind.options)
    if suffix == ".shp" and not _whole(file, place, problems, options):
        return None
    skip = [driver for driver in _drivers() if driver != kind.driver]
    task = {"how": "gdal", "driver": kind.driver, "skip": skip, "settings": SETTINGS, "options": options}
    running = run(task | {"part": asked.part, "first": kind.first, "at_once": AT_ONCE}, file, place, problems)
    if running is None:
        return None
    batches = running.batches
    if suffix == ".osm.pbf":
        batches = _osm(batches, running.head["part"], asked)
    elif suffix == ".dxf":
        batches = _dxf(batches)
    return Opened(running.head["crs"], batches)


@cache
def _drivers() -> list[str]:
    import pyogrio

    return sorted(pyogrio.list_drivers())


# --- Shapefile ---


def _whole(file: Path, place: str, problems: Problems, options: dict[str, str]) -> bool:
    """Whether the files beside a Shapefile are plain files too; tells GDAL the encoding where none of them does."""
    before = len(problems)
    beside = {each.suffix.lower(): each for each in file.parent.glob(f"{glob_of(file.stem)}.*")}
    for suffix in (".shx", ".dbf", ".prj", ".cpg"):
        if suffix in beside:
            is_plain(beside[suffix], f"{place[:-4]}{suffix}", problems, inside=file.parent, largest=LARGEST_SIDECAR)
        elif suffix in (".shx", ".dbf"):
            problems.add("file-missing", f"{place[:-4]}{suffix}", expected=f"the file that belongs to {file.name}")
    if len(problems) > before:
        return False
    with beside[".dbf"].open("rb") as opened:
        head = opened.read(1 << 20)
    if ".cpg" not in beside and len(head) > 29 and head[29] in (0, 0x57):  # says nothing, or "ANSI"
        try:
            head.decode("utf-8")
            options["encoding"] = "UTF-8"
        except UnicodeDecodeError as error:
            # a letter that is cut off at the end of what was looked at is no fault
            options["encoding"] = "UTF-8" if error.start > (1 << 20) - 4 else "GB18030"
    return True


# --- OpenStreetMap ---


def _osm(batches: Iterator[pa.RecordBatch], part: str, asked: Asked) -> Iterator[pa.RecordBatch]:
    """Ids that tell what they are of, and all tags of a feature together."""
    kind = {"points": "node", "lines": "way"}.get(part, "relation")
    for batch in batches:
        table = pa.table(batch)
        columns = {name: table.column(name) for name in (GEOMETRY, NUMBER)}
        ids = pc.binary_join_element_wise(f"{kind}-", table.column("osm_id"), "")
        if "osm_way_id" in table.column_names:
            ids = pc.coalesce(ids, pc.binary_join_element_wise("way-", table.column("osm_way_id"), ""))
        names = [
            name for name in table.column_names if name not in (GEOMETRY, NUMBER, ID, "osm_id", "osm_way_id", "other_tags")
        ]
        gathered = Gathering(asked.names)
        others = table.column("other_tags").to_pylist()
        values = zip(*(table.column(name).to_pylist() for name in names), strict=True) if names else iter([()] * len(others))
        for number, id_, own, other in zip(columns[NUMBER].to_pylist(), ids.to_pylist(), values, others, strict=True):
            tags = {name: value for name, value in zip(names, own, strict=True) if value is not None and name != "z_order"}
            gathered.add(number, id_, tags | (msgspec.json.decode(other) if other else {}))
        yield gathered.batch(columns[GEOMETRY].combine_chunks())


# --- DXF ---


def _dxf(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The handle of an entity is its id."""
    for batch in batches:
        if "EntityHandle" in batch.schema.names:
            at = batch.schema.get_field_index(ID)
            batch = batch.set_column(at, ID, batch.column("EntityHandle").cast(pa.string()))
            batch = batch.drop_columns(["EntityHandle"])
        yield batch
