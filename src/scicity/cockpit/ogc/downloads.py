"""A whole layer, as far as whoever asks may see it: as GeoPackage, or as GeoJSON texts one a line. Written as it is read."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyogrio
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse

from scicity.cockpit.ogc import taking
from scicity.cockpit.ogc.asking import FILTER, Asked, asked
from scicity.cockpit.ogc.described import GPKG, LINES
from scicity.cockpit.ogc.door import Refused, door
from scicity.cockpit.ogc.serving import Collection, collection
from scicity.space import geojson

NARROWED = ("bbox", "bbox-crs", "datetime", "crs", *FILTER)  # a part of a layer is taken by the same parameters
AT_ONCE = 20_000  # features
FILES_AT_ONCE = 2  # GeoPackages that are written at one time by a process
KINDS = {"text": "VARCHAR", "number": "DOUBLE", "bool": "BOOLEAN", "mixed": "VARCHAR"}
_room = threading.BoundedSemaphore(FILES_AT_ONCE)


@door
def download(request: HttpRequest, name: str, form: str) -> HttpResponse | StreamingHttpResponse | FileResponse:
    """A layer as one file."""
    found = collection(request, name)
    if request.method not in ("GET", "HEAD"):
        raise Refused(405, f"found {request.method}; expected GET", Allow="GET, HEAD")
    if form not in ("gpkg", "geojsonl"):
        raise Refused(404, f"found the form {form[:20]!r}; expected gpkg or geojsonl")
    wanted = asked(request, found, NARROWED)
    if form == "gpkg" and wanted.crs.code != 84:
        raise Refused(400, "crs: found another than CRS84; expected none, as a GeoPackage is in WGS 84")
    file = f"{request.city.district.slug}-{name}-{found.version}.{form}"
    heads = {"Content-Disposition": f'attachment; filename="{file}"', "Cache-Control": "private, no-store"}
    if request.method == "HEAD":
        return HttpResponse(content_type=GPKG if form == "gpkg" else LINES, headers=heads)
    taking.read(request, found, 0, form)
    if form == "geojsonl":
        return StreamingHttpResponse(_lines(request, found, wanted), content_type=LINES, headers=heads)
    if not _room.acquire(blocking=False):
        raise Refused(503, f"found {FILES_AT_ONCE} GeoPackages under way; expected another try", Retry_After="30")
    try:
        return FileResponse(_geopackage(request, found, wanted), content_type=GPKG, headers=heads)
    finally:
        _room.release()


def _rows(request: HttpRequest, found: Collection, wanted: Asked, form: str) -> Iterator[list[tuple[Any, ...]]]:
    """The rows, some thousand at a time; how many went out is kept, whatever ends it."""
    count = 0
    try:
        for rows in found.index.pages(wanted.query, geojson.COLUMNS, AT_ONCE if form == "gpkg" else AT_ONCE // 10):
            count += len(rows)
            yield rows
    finally:
        taking.read(request, found, count, form, times=0)


def _lines(request: HttpRequest, found: Collection, wanted: Asked) -> Iterator[bytes]:
    return geojson.lines(_rows(request, found, wanted, "geojsonl"), wanted.crs)


def _geopackage(request: HttpRequest, found: Collection, wanted: Asked) -> Any:
    """An open file of a GeoPackage that is gone when it is closed."""
    attributes = {name: each for name, each in found.queryables.items() if each.sql.startswith("json_extract")}
    with tempfile.TemporaryDirectory(prefix="scicity-") as folder:
        file, append = Path(folder) / "layer.gpkg", False
        told = {
            "layer": found.name,
            "driver": "GPKG",
            "geometry_name": "geometry",
            "crs": "EPSG:4326",
            "geometry_type": "Unknown",
        }
        more = {"IDENTIFIER": found.titles[0], "DESCRIPTION": " / ".join(found.titles)}
        for rows in _rows(request, found, wanted, "gpkg"):
            table = _table(rows, attributes)
            pyogrio.write_arrow(table, file, append=append, **told, layer_options=None if append else more)
            append = True
        if not append:
            pyogrio.write_arrow(_table([], attributes), file, **told, layer_options=more)
        return file.open("rb")


def _table(rows: list[tuple[Any, ...]], attributes: dict[str, Any]) -> pa.Table:
    """Rows of `geojson.COLUMNS` as columns of their kinds, with the attributes of `details` each in its own."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(geojson.COLUMNS)
    times = pa.timestamp("us", tz="UTC")
    kinds = {"geometry": pa.binary(), **dict.fromkeys(geojson.NUMBERS, pa.float64()), "valid_from": times, "valid_to": times}
    data = pa.table(
        {name: pa.array(column, kinds.get(name, pa.string())) for name, column in zip(geojson.COLUMNS, columns, strict=True)}
    )
    own = [f'"{name}"' for name in ("feature", *geojson.PROPERTIES, geojson.SOURCE)]
    paths = [
        f"try_cast(details ->> {_path(each.sql)} AS {KINDS[each.kind]}) AS {_name(name)}" for name, each in attributes.items()
    ]
    connection = duckdb.connect()
    connection.register("data", data)
    try:
        found: pa.Table = connection.execute(f"SELECT {', '.join([*own, *paths, 'geometry'])} FROM data").to_arrow_table()
    finally:
        connection.close()
    return found


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _path(sql: str) -> str:
    """The path of `json_extract(f.details, '…')` as SQL text."""
    return sql.removeprefix("json_extract(f.details, ").removesuffix(")")
