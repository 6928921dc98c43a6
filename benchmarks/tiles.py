"""Vector tiles of a layer of 200,000 features by HTTP, made and kept, beside engines that make tiles of the same features.

    python benchmarks/tiles.py [--features 200000] [--tiles 440] [--spatial FOLDER] [--postgis DSN]

Writes the stand-in buildings of `layers_large.py` in a district 22 km wide, loads it, and asks for tiles of zooms 8 to 18, as
many of each, where a building chosen by chance lies: by Django's test client, through all that a request goes through. First
none is kept; then all are asked for again. Beside them, for the same tiles, the same properties and the same features (from the
first zoom on that our index gives each, so that what is thinned out costs nobody anything): DuckDB's ST_AsMVT over an R-tree of
its own, where FOLDER holds the unpacked wheel duckdb-extension-spatial; PostGIS's ST_AsMVT over a GiST index, where a database
is named, as tile servers ask it (Martin, pg_tileserv, tipg); and mapbox-vector-tile for one tile. Times of the clock, and of
the processor in this process: on a busy machine the latter tell more.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import layers_large
import numpy as np
import shapely

from scicity.space.mvt import EXTENT, Tile, world

COLUMNS = "feature, name, feature_class, stratum, height, origin"
MERCATOR = 20037508.342789244  # [m]


def places(index: Path, count: int) -> list[Tile]:
    """Tiles of zooms 8 to 18 in turn, each where a feature lies."""
    chosen = random.Random(11)
    with sqlite3.connect(index) as connection:
        last = connection.execute("SELECT max(fid) FROM place").fetchone()[0]
        fids = [chosen.randint(1, last) for _ in range(count)]
        at = [connection.execute("SELECT minx, miny FROM place WHERE fid = ?", (fid,)).fetchone() for fid in fids]
    return [
        Tile(zoom, *np.floor(world(np.array([place]))[0] * 2**zoom).astype(int).tolist())
        for zoom, place in zip((8 + number % 11 for number in range(count)), at, strict=True)
    ]


def measured(
    name: str, tiles: list[Tile], ask: Callable[[Tile], int], used: Callable[[], float] = time.process_time
) -> dict[str, float]:
    """Asks for each tile once; prints and returns median and 95th percentile [ms]. `used`: the processor's time so far [s]."""
    clock, busy, sizes = [], [], []
    for tile in tiles:
        begun, before = time.perf_counter(), used()
        sizes.append(ask(tile))
        clock.append((time.perf_counter() - begun) * 1e3)
        busy.append((used() - before) * 1e3)
    told = {
        "p50": statistics.median(clock),
        "p95": statistics.quantiles(clock, n=20)[-1],
        "processor p50": statistics.median(busy),
        "processor p95": statistics.quantiles(busy, n=20)[-1],
        "kB": statistics.mean(sizes) / 1000,
    }
    print(f"{name:44}" + "  ".join(f"{key} {value:7.1f}" for key, value in told.items()), flush=True)
    return told


def ours(folder: Path, tiles: list[Tile]) -> dict[str, Any]:
    """The tiles by HTTP: none kept, then kept, then asked for with the ETag."""
    from django.test import Client

    client, etags = Client(SERVER_NAME="localhost"), {}

    def ask(tile: Tile) -> int:
        answer = client.get(
            f"/ogc/collections/buildings/tiles/WebMercatorQuad/{tile.z}/{tile.y}/{tile.x}", headers={"accept-encoding": "gzip"}
        )
        assert answer.status_code == 200, answer
        etags[tile] = answer.headers["ETag"]
        return len(answer.content)

    def again(tile: Tile) -> int:
        answer = client.get(
            f"/ogc/collections/buildings/tiles/WebMercatorQuad/{tile.z}/{tile.y}/{tile.x}",
            headers={"accept-encoding": "gzip", "if-none-match": etags[tile]},
        )
        assert answer.status_code == 304, answer
        return 0

    client.get("/ogc/collections/buildings/tiles/WebMercatorQuad?f=tilejson")
    for file in (folder / "map").glob("*.tiles.sqlite*"):
        file.unlink()
    return {
        "made": measured("by HTTP, none kept", tiles, ask),
        "kept": measured("by HTTP, kept", tiles, ask),
        "known": measured("by HTTP, kept, the reader has it (304)", tiles, again),
    }


def rows_of(index: Path) -> list[tuple[Any, ...]]:
    """What the other engines are given: the properties, the first zoom, the geometry."""
    with sqlite3.connect(index) as connection:
        return connection.execute(
            "SELECT f.feature, f.name_zh, f.feature_class, f.stratum, f.height, f.origin, CAST(p.minz AS INTEGER), f.geometry "
            "FROM features f JOIN place p USING (fid)"
        ).fetchall()


def duckdb_spatial(wheel: Path, rows: list[tuple[Any, ...]], tiles: list[Tile]) -> dict[str, float]:
    """DuckDB's ST_AsMVT over geometry in Web Mercator with an R-tree."""
    import duckdb
    import pyarrow as pa

    (extension,) = wheel.rglob("spatial.duckdb_extension")
    database = duckdb.connect(config={"threads": 2})
    database.execute(f"LOAD '{extension}'")
    names = (*COLUMNS.split(", "), "first", "wkb")
    given = pa.table(dict(zip(names, map(pa.array, zip(*rows, strict=True)), strict=True)))  # noqa: F841  (read by name)
    database.execute(
        f"CREATE TABLE buildings AS SELECT {COLUMNS}, first, "
        "ST_Transform(ST_GeomFromWKB(wkb), 'EPSG:4326', 'EPSG:3857', always_xy := true) AS geometry FROM given"
    )
    database.execute("CREATE INDEX place ON buildings USING RTREE (geometry)")
    fields = ", ".join(f"'{name}': {name}" for name in COLUMNS.split(", "))

    def ask(tile: Tile) -> int:
        west, south, east, north = mercator(tile, 0)
        wide = mercator(tile, 64)
        found = database.execute(
            f"""SELECT ST_AsMVT({{'geometry': shape, {fields}}}, 'buildings') FROM (
            SELECT ST_AsMVTGeom(geometry, ST_Extent(ST_MakeEnvelope({west}, {south}, {east}, {north})), {EXTENT}, 64) AS shape,
            {COLUMNS} FROM buildings WHERE ST_Intersects(geometry, ST_MakeEnvelope({wide[0]}, {wide[1]}, {wide[2]}, {wide[3]}))
            AND first <= {tile.z})"""
        ).fetchone()[0]
        return len(gzip.compress(found, 1)) if found else 0

    return measured("DuckDB spatial, ST_AsMVT, R-tree", tiles, ask)


def postgis(dsn: str, rows: list[tuple[Any, ...]], tiles: list[Tile]) -> dict[str, float]:
    """PostGIS's ST_AsMVT over geometry in Web Mercator with a GiST index; the processor's time is the server's and ours."""
    import psycopg

    with psycopg.connect(dsn, autocommit=True) as database:
        database.execute("CREATE EXTENSION IF NOT EXISTS postgis")
        database.execute("DROP TABLE IF EXISTS buildings")
        database.execute(
            "CREATE TABLE buildings (feature text, name text, feature_class text, stratum text, height float8, origin text, "
            "first int, wkb bytea, geometry geometry)"
        )
        with database.cursor().copy(f"COPY buildings ({COLUMNS}, first, wkb) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        database.execute("UPDATE buildings SET geometry = ST_Transform(ST_GeomFromWKB(wkb, 4326), 3857), wkb = NULL")
        database.execute("CREATE INDEX ON buildings USING gist (geometry)")
        database.execute("VACUUM ANALYZE buildings")
        asked = f"""
            WITH bounds AS (
                SELECT ST_TileEnvelope(%s, %s, %s) AS box, ST_TileEnvelope(%s, %s, %s, margin => 64.0 / 4096) AS wide
            ), drawn AS (
                SELECT ST_AsMVTGeom(geometry, box, {EXTENT}, 64, true) AS geometry, {COLUMNS}
                FROM buildings, bounds WHERE geometry && wide AND first <= %s
            )
            SELECT ST_AsMVT(drawn, 'buildings', {EXTENT}, 'geometry') FROM drawn"""

        def ask(tile: Tile) -> int:
            found = database.execute(asked, (*2 * (tile.z, tile.x, tile.y), tile.z), binary=True).fetchone()[0]
            return len(gzip.compress(found, 1)) if found else 0

        backend = Path(f"/proc/{database.info.backend_pid}/schedstat")

        def used() -> float:
            return int(backend.read_text(encoding="ascii").split()[0]) / 1e9 + time.process_time()

        return measured("PostGIS, ST_AsMVT, GiST", tiles, ask, used)


def mapbox(rows: list[tuple[Any, ...]], tile: Tile) -> None:
    """mapbox-vector-tile of what one tile holds."""
    import mapbox_vector_tile

    west, south, east, north = tile.bounds(64)
    geometries = shapely.from_wkb(np.array([row[-1] for row in rows], object))
    x0, y0, x1, y1 = shapely.bounds(geometries).T
    first = np.array([row[-2] for row in rows])
    there = np.flatnonzero((x1 >= west) & (x0 <= east) & (y1 >= south) & (y0 <= north) & (first <= tile.z))
    names = COLUMNS.split(", ")

    def ask(tile: Tile) -> int:
        features = [
            {"geometry": shape, "properties": dict(zip(names, rows[at], strict=False))}
            for at, shape in zip(there.tolist(), shapely.transform(geometries[there], tile.units), strict=True)
        ]
        layer = {"name": "buildings", "features": features}
        return len(mapbox_vector_tile.encode([layer], default_options={"y_coord_down": True}))

    measured(f"mapbox-vector-tile, one tile of {len(there):,} features", [tile] * 3, ask)


def mercator(tile: Tile, margin: float) -> tuple[float, float, float, float]:
    """West, south, east, north of a tile with a margin [units of it]: [m]."""
    size, more = 2 * MERCATOR / 2**tile.z, margin / EXTENT
    return (
        -MERCATOR + size * (tile.x - more),
        MERCATOR - size * (tile.y + 1 + more),
        -MERCATOR + size * (tile.x + 1 + more),
        MERCATOR - size * (tile.y - more),
    )


def main() -> None:
    """Prints each engine's times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--features", type=int, default=200_000)
    parser.add_argument("--tiles", type=int, default=440)
    parser.add_argument("--spatial", type=Path)
    parser.add_argument("--postgis")
    asked = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="scicity-tiles-"))
    district = root / "district"
    layers_large.make(district, asked.features, wide=22.0)
    os.environ |= {"SCICITY_DISTRICT": str(district), "SCICITY_STATE": str(root / "state"), "SCICITY_LOG": "json"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "scicity.cockpit.settings"
    import django

    django.setup()
    from django.core.management import call_command

    from scicity.city import City

    call_command("migrate", verbosity=0)
    state = root / "state" / "large"
    City(district, state).load()
    index = state / "map" / "buildings.sqlite"
    tiles = places(index, asked.tiles)
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    print(f"{asked.features:,} features, {len(tiles)} tiles of zooms 8 to 18, {load}", flush=True)
    found = ours(state, tiles)
    rows = rows_of(index)
    if asked.spatial:
        found["duckdb"] = duckdb_spatial(asked.spatial, rows, tiles)
    if asked.postgis:
        found["postgis"] = postgis(asked.postgis, rows, tiles)
    mapbox(rows, next(tile for tile in tiles if tile.z == 12))
    found["made again"] = ours(state, tiles)["made"]
    print(json.dumps({"features": asked.features, "ms": found}))
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
