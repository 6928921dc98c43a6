"""Files that GDAL reads: GeoJSON, GeoPackage, Shapefile, OpenStreetMap, DXF."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from scicity.kernel.problems import Problems
from scicity.space.formats import AT_ONCE, GEOMETRY, ID, NUMBER, Asked, Opened

SUFFIXES = (".geojson", ".geojsonl", ".gpkg", ".shp", ".osm.pbf", ".dxf", ".fgb")


def read(file: Path, place: str, asked: Asked, problems: Problems) -> Opened | None:
    """A file as GDAL tells it."""
    try:
        about = pyogrio.read_info(file, layer=asked.part)
    except (DataSourceError, DataLayerError, ValueError) as error:
        problems.add("syntax", place, found=str(error)[:200], expected="a file that GDAL reads")
        return None
    return Opened(asked.crs or about["crs"], _batches(file, place, asked, problems))


def _batches(file: Path, place: str, asked: Asked, problems: Problems) -> Iterator[pa.RecordBatch]:
    number = 0
    try:
        with pyogrio.raw.open_arrow(
            file, layer=asked.part, where=asked.where, batch_size=AT_ONCE, use_pyarrow=True, return_fids=True
        ) as (about, batches):
            geometry, fid = about["geometry_name"] or "wkb_geometry", about["fid_column"] or "OGC_FID"
            for batch in batches:
                table = pa.table(batch)
                columns = {GEOMETRY: pc.cast(table.column(geometry), pa.binary())}
                columns[NUMBER] = pa.array(range(number + 1, number + table.num_rows + 1), pa.int64())
                columns[ID] = (
                    table.column(fid).cast(pa.string()) if fid in table.column_names else pa.nulls(table.num_rows, pa.string())
                )
                columns |= {name: table.column(name) for name in table.column_names if name not in (geometry, fid)}
                number += table.num_rows
                yield from pa.table(columns).combine_chunks().to_batches()
    except (DataSourceError, DataLayerError, ValueError, RuntimeError) as error:
        problems.add("syntax", place, number + 1, found=str(error)[:200], expected="features that GDAL reads")
