"""Reads a file in a process of its own: a program that is given a task and writes a line of JSON, then an Arrow stream.

GDAL and Parquet's readers are large C++ programs; a file made to break them ends this process and nothing else. Of GDAL it has
one driver only, so that no file can be another kind than its name says, or lead to other files or to the network; its memory,
time and files are limited. It imports nothing of SciCity and is told all by its argument.
"""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import sys
from collections.abc import Iterator
from typing import Any

GEOMETRY, NUMBER, ID = "\x1fgeometry", "\x1frow", "\x1fid"  # as `scicity.space.formats` has them


def main() -> int:
    """Does the task of the first argument; 0 where it was done, 3 where the file was refused (then the last line of the error
    stream is a JSON object with `code`, `found`, `expected`, `row`)."""
    task = json.loads(sys.argv[1])
    for limit, most in task["limits"].items():
        which = getattr(resource, limit)
        resource.setrlimit(which, (most, resource.getrlimit(which)[1]))
    try:
        head, batches = {"gdal": gdal, "parquet": parquet}[task["how"]](task)
        out = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # what a library prints is no part of the answer
        out.write(json.dumps(head).encode() + b"\n")
        out.flush()
        import pyarrow as pa

        writer = None
        for batch in batches:
            writer = writer or pa.ipc.new_stream(out, batch.schema)
            writer.write_batch(batch)
        if writer:
            writer.close()
        out.close()
    except Wrong as wrong:
        print(json.dumps(wrong.told), file=sys.stderr)
        return 3
    except MemoryError:
        print(json.dumps({"code": "too-large", "found": "a content that needs too much memory"}), file=sys.stderr)
        return 3
    except Exception as error:  # whatever a library raises of a file: it is the file's fault, and told
        print(json.dumps({"code": "syntax", "found": f"{type(error).__name__}: {error}"[:400]}), file=sys.stderr)
        return 3
    return 0


class Wrong(Exception):  # noqa: N818
    """What is wrong with the file."""

    def __init__(self, code: str, found: str, expected: str, row: int | None = None) -> None:
        super().__init__(found)
        self.told = {"code": code, "found": found, "expected": expected, "row": row}


# --- GDAL ---


def gdal(task: dict[str, Any]) -> tuple[dict[str, Any], Iterator[Any]]:
    """A layer of a file that GDAL reads, with one driver."""
    os.environ.update(task["settings"], GDAL_SKIP=",".join(task["skip"]))  # before GDAL registers its drivers
    import pyarrow as pa
    import pyogrio

    left = set(pyogrio.list_drivers()) - {task["driver"]}
    if left:
        raise Wrong("file-kind", f"GDAL with {', '.join(sorted(left))}", f"GDAL with {task['driver']} alone")
    names = [str(name) for name, _ in pyogrio.list_layers(task["file"])]
    part = task["part"] or (names[0] if len(names) == 1 else None)
    if part is None and task["first"] in names:
        part = task["first"]
    if part not in names:
        found, expected = task["part"] or "none told", "one of its parts: " + ", ".join(names[:50])
        raise Wrong("reference", found, expected) if names else Wrong("syntax", "no layer", "a file with a layer")
    if task["driver"] == "GPKG":
        _one_system(task["file"], part)
    options = {"layer": part, "batch_size": task["at_once"], "return_fids": True, **task["options"]}
    opened = pyogrio.raw.open_arrow(task["file"], use_pyarrow=True, **options)
    about, reader = opened.__enter__()
    schema = reader.schema
    place, fid = about["geometry_name"] or "wkb_geometry", about["fid_column"] or "OGC_FID"
    if place not in schema.names:
        raise Wrong("geometry", "a table without geometry", "a layer of features")
    taken = {place, fid}

    def batches() -> Iterator[Any]:
        number = 0
        for batch in reader:
            columns = {GEOMETRY: batch.column(place).cast(pa.binary())}
            columns[NUMBER] = pa.array(range(number + 1, number + len(batch) + 1), pa.int64())
            columns[ID] = batch.column(fid).cast(pa.string()) if fid in schema.names else pa.nulls(len(batch), pa.string())
            columns |= {name: batch.column(name) for name in schema.names if name not in taken}
            number += len(batch)
            yield pa.record_batch(columns)
        opened.__exit__(None, None, None)

    return {"crs": about["crs"], "part": part, "parts": names}, batches()


def _one_system(file: str, part: str) -> None:
    """Refuses a GeoPackage whose geometries say by themselves another reference system than the first of them (GDAL looks at
    the table alone)."""
    with sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        told = "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?"
        if connection.execute("SELECT type FROM sqlite_master WHERE name = ?", (part,)).fetchone() != ("table",):
            return
        column = connection.execute(told, (part,)).fetchone()
        if column is None:
            return
        name, table = (text.replace('"', '""') for text in (column[0], part))
        heads = f'SELECT substr("{name}", 4, 1), substr("{name}", 5, 4), min(rowid) FROM "{table}" GROUP BY 1, 2 LIMIT 1000'
        seen: dict[int, int] = {}
        for flags, system, row in connection.execute(heads):
            if isinstance(flags, bytes) and isinstance(system, bytes) and len(flags) == 1 and len(system) == 4:
                number = int.from_bytes(system, "little" if flags[0] & 1 else "big", signed=True)
                seen[number] = min(row, seen.get(number, row))
        if len(seen) > 1:
            row = sorted(seen.values())[1]
            at = connection.execute(f'SELECT count(*) FROM "{table}" WHERE rowid <= ?', (row,)).fetchone()[0]
            raise Wrong("geometry", f"mixed-crs: {', '.join(map(str, seen))}", "one reference system for all features", at)


# --- GeoParquet ---


def parquet(task: dict[str, Any]) -> tuple[dict[str, Any], Iterator[Any]]:
    """A Parquet file with the metadata of GeoParquet; without them, its columns alone (`geometry` false in the head)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(task["file"], memory_map=False)
    for at in range(file.metadata.num_row_groups):
        size = file.metadata.row_group(at).total_byte_size
        if size > task["largest_group"]:
            raise Wrong("too-large", f"a row group of {size} bytes", f"row groups of at most {task['largest_group']} bytes")
    schema = file.schema_arrow
    geo = json.loads((schema.metadata or {}).get(b"geo", b"null"))
    name, crs, ordered = None, None, False
    if geo is not None:
        about = geo.get("columns", {}) if isinstance(geo, dict) else {}
        name = task["part"] or (geo.get("primary_column") if isinstance(geo, dict) else None)
        column = about.get(name) if isinstance(about, dict) and isinstance(name, str) else None
        if not isinstance(column, dict) or name not in schema.names:
            raise Wrong("syntax", f"geometry column {name!r}", "the metadata of GeoParquet with its primary column")
        if column.get("encoding") != "WKB":
            raise Wrong("geometry", f"encoding {column.get('encoding')!r}", "WKB")
        if column.get("edges", "planar") != "planar":
            raise Wrong("geometry", f"edges {column['edges']!r}", "planar edges")
        crs, ordered = column.get("crs", "OGC:CRS84"), column.get("orientation") == "counterclockwise"
        if not (pa.types.is_binary(schema.field(name).type) or pa.types.is_large_binary(schema.field(name).type)):
            raise Wrong("geometry", str(schema.field(name).type), "a column of WKB")
    spare = {each for each, told in (geo or {}).get("columns", {}).items() if each != name and isinstance(told, dict)}

    def batches() -> Iterator[Any]:
        number = 0
        kept = [each for each in schema.names if each not in spare]
        for batch in file.iter_batches(task["at_once"], columns=kept):
            columns = {NUMBER: pa.array(range(number + 1, number + len(batch) + 1), pa.int64())}
            if name is not None:
                columns[GEOMETRY] = batch.column(name).cast(pa.binary())
            columns[ID] = pa.nulls(len(batch), pa.string())
            for each in batch.schema.names:
                if each != name:
                    column = batch.column(each)
                    columns[each] = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
            number += len(batch)
            yield pa.record_batch(columns)

    return {"crs": crs, "ordered": ordered, "geometry": name is not None}, batches()


if __name__ == "__main__":
    sys.exit(main())
