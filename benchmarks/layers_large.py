"""A layer of two million features: loaded, drawn and filtered, with the memory that each process needs.

    python benchmarks/layers_large.py [--features 2000000] [--folder FOLDER] [--tiles 200]

Writes a GeoPackage of building-like polygons (stand-in: none of them exists) in some hundred towns around a point, with ten
attributes each. One process loads it as `scicity load` does: read, checked and mended, put into the lake, and its index made.
Another loads it again with one feature in a hundred changed. A third makes tiles that nobody kept and asks for features by box
and attributes. Each tells its time, and the memory that was resident at its highest, as the system counted it.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyogrio
import shapely

from scicity.city import City
from scicity.space.index import Index, Query
from scicity.space.mvt import Tile, world
from scicity.space.tiles import Tiles

AT_ONCE = 100_000
PLACE = 116.3, 40.15  # longitude, latitude [°]
WIDE = 60.0  # [km] so far the towns are spread
LAYER = "buildings"
SOURCE = "stand-in: of the benchmark; no such building exists"
CLASSES = ("house", "flats", "shop", "school", "office", "works", "store", "barn")
TOML = '[district]\nslug = "large"\nname = { zh = "测试区", en = "Benchmark" }\ntimezone = "Asia/Shanghai"\n'
TOML += '[[zone]]\nzone = "district"\nname_zh = "测试区"\nname_en = "Benchmark"\n'
TOML += 'area = 1000000\nresidents = 1000\nsource = "stand-in"\n'
SHAPES = ([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]], [[0, 0], [1, 0], [1, 0.5], [0.5, 0.5], [0.5, 1], [0, 1], [0, 0]])


def buildings(random: np.random.Generator, count: int, towns: np.ndarray) -> np.ndarray:
    """Rectangles and L-shapes of 5 to 40 m, turned, in towns (x, y, width) [km]; shapely, WGS 84."""
    town = towns[random.integers(len(towns), size=count)]
    middle = town[:, :2] + random.normal(size=(count, 2)) * town[:, 2:]
    size = np.exp(random.normal(2.5, 0.5, (count, 2))) / 1000
    turned = random.uniform(0, np.pi / 2, count)
    cos, sin = np.cos(turned)[:, None], np.sin(turned)[:, None]
    kind = random.random(count) < 0.3
    found = np.empty(count, object)
    for chosen, shape in ((~kind, SHAPES[0]), (kind, SHAPES[1])):
        corners = (np.array(shape, float)[None] - 0.5) * size[chosen][:, None]
        x = corners[..., 0] * cos[chosen] - corners[..., 1] * sin[chosen] + middle[chosen, :1]
        y = corners[..., 0] * sin[chosen] + corners[..., 1] * cos[chosen] + middle[chosen, 1:]
        degrees = np.stack([PLACE[0] + x / (111.32 * np.cos(np.radians(PLACE[1]))), PLACE[1] + y / 111.13], axis=-1)
        found[chosen] = shapely.polygons(degrees)
    return found


def make(folder: Path, count: int, wide: float = WIDE, changed: bool = False) -> None:
    """The district and its layer; `changed`: every hundredth building is higher."""
    file = folder / "layers" / f"{LAYER}.gpkg"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    (folder / "district.toml").write_text(TOML, encoding="utf-8")
    (folder / "registers").mkdir(exist_ok=True)
    (folder / "registers" / "layers.csv").write_text(
        "layer,theme,name_zh,name_en,layer_file,feature_from,class_from,height_from,origin,source\n"
        f"{LAYER},buildings,建筑,Buildings,{LAYER}.gpkg,number,use,height,stand-in,{SOURCE}\n",
        encoding="utf-8",
    )
    random = np.random.default_rng(6)
    towns = np.column_stack([random.uniform(-wide / 2, wide / 2, (150, 2)), random.uniform(0.3, 2.5, 150)])
    for begin in range(0, count, AT_ONCE):
        some = min(AT_ONCE, count - begin)
        numbers = np.arange(begin, begin + some)
        heights = random.uniform(3, 60, some).round(1)
        if changed:
            heights[::100] += 1
        uses = random.integers(len(CLASSES), size=some)
        table = pa.table(
            {
                "number": pa.array([f"b{number:07d}" for number in numbers]),
                "name_zh": pa.array([f"{number} 号楼" for number in numbers]),
                "name_en": pa.array([f"Building {number}" for number in numbers]),
                "use": pa.array(np.array(CLASSES)[uses]),
                "height": pa.array(heights),
                "floors": pa.array((heights / 3).astype(int)),
                "built": pa.array(random.integers(1950, 2024, some)),
                "material": pa.array(np.array(["brick", "concrete", "wood", "steel"])[random.integers(4, size=some)]),
                "street": pa.array([f"Street {number % 997}" for number in numbers]),
                "geometry": pa.array(shapely.to_wkb(buildings(random, some, towns)), pa.binary()),
            }
        )
        pyogrio.write_arrow(
            table, file, layer=LAYER, geometry_name="geometry", geometry_type="Polygon", crs="EPSG:4326", append=begin > 0
        )


def load(folder: Path, state: Path) -> None:
    """Loads the district, as `scicity load` does."""
    print("  features loaded:", City(folder, state).load().layers)


def serve(folder: Path, state: Path, count: int) -> None:
    """Makes tiles and asks for features."""
    index = Index(state, LAYER)
    tiles = Tiles(index, ZoneInfo("Asia/Shanghai"))
    random = np.random.default_rng(7)
    with index.connected() as connection:
        last = connection.execute("SELECT max(fid) FROM features").fetchone()[0]
        fids = random.integers(1, last + 1, count).tolist()
        places = [connection.execute("SELECT minx, miny FROM place WHERE fid = ?", (fid,)).fetchone() for fid in fids]
    taken, computed = [], []
    for at, place in enumerate(places):
        zoom = 8 + at % 11
        x, y = np.floor(world(np.array([place]))[0] * 2**zoom).astype(int).tolist()
        begun, busy = time.perf_counter(), time.process_time()
        with index.connected() as connection:
            tiles.raw(connection, Tile(zoom, x, y), "zh", None)
        taken.append(time.perf_counter() - begun)
        computed.append(time.process_time() - busy)
    told("tiles, none kept, zooms 8 to 18", taken, computed)
    asked = {
        "features in a box of 1 km": lambda x, y: Query(bbox=(x, y, x + 0.01, y + 0.01), limit=1000),
        "schools over 50 m in a box of 10 km": lambda x, y: Query(
            bbox=(x, y, x + 0.1, y + 0.1), where=("f.feature_class = ? AND f.height > ?", ("school", 50)), limit=1000
        ),
        "a feature by its id": lambda x, y: Query(ids=[f"b{random.integers(last):07d}"]),
    }
    for name, query in asked.items():
        taken, computed = [], []
        for x, y in places[:100]:
            begun, busy = time.perf_counter(), time.process_time()
            index.find(query(x, y))
            taken.append(time.perf_counter() - begun)
            computed.append(time.process_time() - busy)
        told(name, taken, computed)


def told(name: str, taken: list[float], computed: list[float]) -> None:
    """Prints median and 95th percentile, as the clock has it and as the processor was busy."""
    worst = [statistics.quantiles(each, n=20)[-1] * 1e3 for each in (taken, computed)]
    middle = [statistics.median(each) * 1e3 for each in (taken, computed)]
    print(
        f"  {name}: median {middle[0]:.1f} ms, p95 {worst[0]:.1f} ms (of the processor {middle[1]:.1f} and {worst[1]:.1f} ms)"
    )


def apart(what: str, *arguments: str) -> None:
    """Runs a part of this in a process of its own, and tells its time and memory; of one that was killed, by which signal."""
    print(f"{what} …", flush=True)
    begun = time.perf_counter()
    done = subprocess.Popen([sys.executable, __file__, "--part", what, *arguments])
    try:
        _, status, used = os.wait4(done.pid, 0)
    except BaseException:
        done.kill()
        raise
    done.returncode = code = os.waitstatus_to_exitcode(status)
    took = f"{time.perf_counter() - begun:.1f} s ({used.ru_utime + used.ru_stime:.1f} s of the processor)"
    took += f", at most {used.ru_maxrss / 1024:.0f} MB resident"
    if code:
        said = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        raise SystemExit(f"{what}: {said} after {took}")
    print(f"{what}: {took}", flush=True)


def ended(number: int, _: FrameType | None) -> None:
    """Who ends the benchmark itself hears of it, and its parts end with it."""
    raise SystemExit(f"layers_large.py: ended by {signal.Signals(number).name}")


def main() -> None:
    """Makes, loads, loads again, serves."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--features", type=int, default=2_000_000)
    parser.add_argument("--tiles", type=int, default=200)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--part")
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="scicity-large-"))
    district, state = folder / "district", folder / "state"
    if asked.part == "load" or asked.part == "load again":
        load(district, state)
    elif asked.part == "serve":
        serve(district, state, asked.tiles)
    elif asked.part in ("make", "change"):
        make(district, asked.features, changed=asked.part == "change")
    else:
        numbers = ("--features", str(asked.features), "--tiles", str(asked.tiles), "--folder", str(folder))
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, ended)
        print(f"{asked.features:,} features, stand-in; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
        for part in ("make", "load", "serve", "change", "load again"):
            apart(part, *numbers)
        size = {file.suffix: file.stat().st_size >> 20 for file in (state / "map").iterdir() if file.suffix == ".sqlite"}
        print("index [MB]:", size, "· file [MB]:", (district / "layers" / f"{LAYER}.gpkg").stat().st_size >> 20)
        if asked.folder is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
