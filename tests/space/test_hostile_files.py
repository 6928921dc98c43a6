"""Files made to do harm: none is another kind than its name says, none leads elsewhere, none fills the machine, and whatever
breaks a reader ends in a problem."""

import json
import random
import resource
import sqlite3
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from scicity.kernel.calendar import Calendar
from scicity.kernel.problems import Problems
from scicity.space import formats, loading
from scicity.space.formats import Asked, gdal, parquet, running, zipped
from scicity.space.register import Spec

HERE = Path(__file__).parent
EXTRACT = HERE.parents[1] / "districts" / "helsinki" / "layers" / "helsinki.osm.pbf"
POLYGONS = shapely.box(116 + np.arange(3) / 100, 40, 116.005 + np.arange(3) / 100, 40.01)
VRT = b"""<OGRVRTDataset><OGRVRTLayer name="a"><SrcDataSource relativeToVRT="0">%s</SrcDataSource>
<SrcLayer>a</SrcLayer></OGRVRTLayer></OGRVRTDataset>"""


def written(folder, suffix, geometry=POLYGONS, driver=None, crs="EPSG:4490", **options):
    """A small file of a kind, made by GDAL."""
    file = folder / f"good{suffix}"
    names = [] if suffix == ".dxf" else ["name", "n"]
    values = [np.array(["甲", "乙", None], object), np.array([1, 2, 3])] if names else []
    shapes = np.asarray([shape.boundary for shape in geometry] if suffix == ".dxf" else geometry)
    kinds = {".gpkg": "GPKG", ".shp": "ESRI Shapefile", ".fgb": "FlatGeobuf", ".dxf": "DXF"}
    pyogrio.raw.write(
        file, shapely.to_wkb(shapes), values, names, driver=driver or kinds[suffix], crs=crs,
        geometry_type="LineString" if suffix == ".dxf" else "Polygon", **options,
    )  # fmt: skip
    return file


def geoparquet(folder, wkb=None, column=None, geo=None):
    file = folder / "good.parquet"
    wkb = pa.array(shapely.to_wkb(POLYGONS) if wkb is None else wkb, pa.binary())
    about = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB", **(column or {})}}}
    table = pa.table({"name": ["a", "b", "c"][: len(wkb)], "geometry": wkb})
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(about if geo is None else geo)}), file)
    return file


def read(file, **asked):
    problems = Problems()
    found = formats.read(file, f"layers/{file.name}", Asked(**asked), problems)
    batches = list(found.batches) if found else []
    return found, sum(map(len, batches)), problems


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".fgb", ".dxf"])
def test_each_kind_that_gdal_reads(tmp_path, suffix):
    found, count, problems = read(written(tmp_path, suffix))
    assert count == 3 and not problems.items, list(map(str, problems))
    assert found.crs == (None if suffix == ".dxf" else "EPSG:4490")
    assert not list(tmp_path.glob("*-wal")) and not list(tmp_path.glob("*-shm"))


def test_open_street_map_keeps_ids_and_all_tags():
    counts = {}
    for part in ("points", "lines", "multipolygons"):
        problems = Problems()
        names = frozenset({"highway"})
        found = formats.read(EXTRACT, "layers/h.osm.pbf", Asked(part=part, names=names), problems)
        (batch,) = found.batches
        counts[part] = len(batch)
        told = [json.loads(each or "{}") for each in batch.column(formats.PROPERTIES).to_pylist()]
        ids = batch.column(formats.ID).to_pylist()
        assert not problems.items and found.crs == "EPSG:4326" and len(set(ids)) == len(ids)
        if part == "lines":
            street = told[ids.index("way-4247500")]
            assert street["surface"] == "asphalt" and street["lit"] == "yes" and street["name:sv"] == "Universitetsgatan"
    assert counts == {"points": 8045, "lines": 3818, "multipolygons": 1095}
    _, _, problems = read(EXTRACT)
    assert [problem.code for problem in problems] == ["reference"] and "multipolygons" in next(iter(problems)).expected


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".shp", ".fgb", ".osm.pbf", ".parquet", ".city.json", ".zip"])
def test_a_file_that_is_a_vrt_in_truth_leads_nowhere(tmp_path, suffix):
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    file = tmp_path / f"a{suffix}"
    file.write_bytes(VRT % str(secret).encode())
    (tmp_path / "a.dbf").write_bytes(b"")
    (tmp_path / "a.shx").write_bytes(b"")
    _, count, problems = read(file)
    assert count == 0 and len(problems) == 1


@pytest.mark.parametrize("driver", ["GPKG", "ESRI Shapefile", "OSM", "DXF", "FlatGeobuf"])
def test_gdal_has_one_driver_and_no_other(tmp_path, driver):
    """The program reads with the one driver that it is told; a VRT, or an address, is opened by none."""
    secret = tmp_path / "secret.geojson"
    secret.write_text('{"type":"FeatureCollection","features":[]}')
    (tmp_path / "a.vrt").write_bytes(VRT % str(secret).encode())
    skip = [each for each in gdal._drivers() if each != driver]
    for file in (tmp_path / "a.vrt", secret, "/vsicurl/http://127.0.0.1:9/a.gpkg"):
        task = {"how": "gdal", "driver": driver, "skip": skip, "settings": gdal.SETTINGS, "options": {}, "part": None}
        task |= {"first": "", "at_once": 10, "file": str(file), "limits": {}}
        done = subprocess.run([sys.executable, "-P", running.PROGRAM, json.dumps(task)], capture_output=True, timeout=120)
        told = json.loads(done.stderr.decode().strip().rpartition("\n")[2])
        assert done.returncode == 3 and not done.stdout, told
        assert told["code"] == "syntax" and "one driver" not in told["found"]
    task["skip"] = []
    done = subprocess.run([sys.executable, "-P", running.PROGRAM, json.dumps(task)], capture_output=True, timeout=120)
    assert json.loads(done.stderr.decode().strip().rpartition("\n")[2])["code"] == "file-kind"


def test_the_parts_of_a_shapefile_must_be_there_and_plain(tmp_path):
    file = written(tmp_path, ".shp")
    (tmp_path / "good.dbf").rename(tmp_path / "elsewhere.dbf")
    _, _, problems = read(file)
    assert [(problem.code, problem.file) for problem in problems] == [("file-missing", "layers/good.dbf")]
    outside = tmp_path.parent / f"{tmp_path.name}.dbf"
    (tmp_path / "elsewhere.dbf").rename(outside)
    (tmp_path / "good.dbf").symlink_to(outside)
    _, _, problems = read(file)
    assert [problem.code for problem in problems] == ["file-kind"]


def test_a_shapefile_without_a_word_of_its_encoding(tmp_path):
    for encoding in ("GB18030", "UTF-8"):
        file = written(tmp_path, ".shp", encoding=encoding)
        (tmp_path / "good.cpg").unlink()
        problems = Problems()
        (batch,) = formats.read(file, "layers/good.shp", Asked(), problems).batches
        assert batch.column("name").to_pylist() == ["甲", "乙", None], encoding


# --- GeoPackage ---


def changed(file, *statements):
    with sqlite3.connect(file) as connection:
        connection.create_function("ST_IsEmpty", 1, lambda _: 0)
        for name in ("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            connection.create_function(name, 1, lambda _: 0.0)
        for statement, *values in statements:
            connection.execute(statement, values)
    return file


def blob(wkb, system=4490):
    return b"GP\x00\x01" + struct.pack("<i", system) + wkb


@pytest.mark.parametrize(
    ("wkb", "code"),
    [
        (struct.pack("<BI", 1, 99), "geometry"),
        (struct.pack("<BII", 1, 3, 0xFFFFFFF0), "geometry"),
        (struct.pack("<BIII", 1, 3, 1, 0x10000000), "geometry"),
        (shapely.to_wkb(shapely.Point(float("nan"), 1)), "geometry"),
        (struct.pack("<BIdd", 1, 1, 1e308, 1e308), "geometry"),
        (struct.pack("<BIdd", 1, 1, float("inf"), 1), "geometry"),
        (struct.pack("<BII", 1, 7, 1) * 4_000, "geometry"),
        (b"", "geometry"),
    ],
)
def test_geometries_of_a_geopackage_that_are_none(tmp_path, wkb, code):
    (tmp_path / "layers").mkdir()
    file = written(tmp_path / "layers", ".gpkg")
    changed(file, ("UPDATE good SET geom = ? WHERE fid = 2", blob(wkb)))
    problems = Problems()
    spec = Spec(layer="good", layer_file=file.name)
    table = loading.rows(spec, tmp_path, Calendar("Asia/Shanghai"), problems)
    assert table.num_rows == 0 and [(problem.code, problem.row) for problem in problems] == [(code, 2)]


def test_a_geopackage_of_two_reference_systems(tmp_path):
    file = written(tmp_path, ".gpkg")
    changed(file, ("UPDATE good SET geom = ? WHERE fid = 3", blob(shapely.to_wkb(POLYGONS[0]), 4326)))
    _, count, problems = read(file)
    (problem,) = problems
    assert count == 0 and problem.row == 3 and problem.found.startswith("mixed-crs")


def test_a_geopackage_runs_nothing(tmp_path):
    """Views and triggers of a file do nothing, and the file is as it was."""
    file = written(tmp_path, ".gpkg")
    victim = tmp_path / "victim.sqlite"
    changed(
        file,
        ("CREATE TRIGGER harm AFTER UPDATE ON good BEGIN DELETE FROM good; END",),
        (f"CREATE VIEW other AS SELECT load_extension('{victim}') AS a, geom FROM good",),
        ("INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES ('other', 'features', 'other', 4490)",),
        ("INSERT INTO gpkg_geometry_columns VALUES ('other', 'geom', 'POLYGON', 4490, 0, 0)",),
    )
    before = file.read_bytes()
    _, count, problems = read(file, part="other")
    assert problems.items or count in (0, 3)
    _, count, problems = read(file, part="good")
    assert count == 3 and not problems.items
    assert file.read_bytes() == before and not victim.exists() and {each.name for each in tmp_path.iterdir()} == {"good.gpkg"}


# --- GeoParquet ---


def test_geoparquet_and_what_it_must_say(tmp_path):
    found, count, problems = read(geoparquet(tmp_path))
    assert count == 3 and found.crs == "OGC:CRS84" and not problems.items
    for column, crs in (({"crs": None}, None), ({"crs": {"name": "GCJ-02"}}, {"name": "GCJ-02"})):
        found, _, _ = read(geoparquet(tmp_path, column=column))
        assert found.crs == crs
    for column in ({"encoding": "point"}, {"edges": "spherical"}):
        _, count, problems = read(geoparquet(tmp_path, column=column))
        assert count == 0 and [problem.code for problem in problems] == ["geometry"]
    for geo in ({}, [], 5, {"primary_column": "other", "columns": {}}, {"primary_column": 5, "columns": 5}):
        _, count, problems = read(geoparquet(tmp_path, geo=geo))
        assert count == 0 and len(problems) == 1


def test_a_parquet_that_is_a_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "LARGEST_GROUP", 1 << 20)
    table = pa.table({"longitude": pa.array(np.arange(1e6)), "latitude": pa.array(np.arange(1e6))})
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd")
    _, count, problems = read(tmp_path / "a.parquet")
    assert count == 0 and [problem.code for problem in problems] == ["too-large"]


def test_a_reader_that_needs_too_much_memory_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "MEMORY", 600 << 20)
    table = pa.table({"longitude": np.zeros(30_000_000), "latitude": np.zeros(30_000_000), "a": np.zeros(30_000_000)})
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd", row_group_size=30_000_000)
    _, _, problems = read(tmp_path / "a.parquet")
    assert len(problems) == 1 and next(iter(problems)).remedy


# --- ZIP ---


def archive(folder, entries, name="a.zip"):
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as opened:
        for entry, content in entries.items():
            opened.writestr(entry, content)
    return folder / name


def test_a_zipped_shapefile(tmp_path):
    written(tmp_path, ".shp")
    parts = {f"some/folder/good{each}": (tmp_path / f"good{each}").read_bytes() for each in zipped.PARTS}
    found, count, problems = read(archive(tmp_path, parts))
    assert count == 3 and found.crs == "EPSG:4490" and not problems.items
    _, _, problems = read(archive(tmp_path, {**parts, **{f"b{each}": b"" for each in zipped.PARTS}}))
    assert [problem.code for problem in problems] == ["reference"]
    found, count, _ = read(archive(tmp_path, {**parts, **{f"b{each}": b"" for each in zipped.PARTS}}), part="good")
    assert count == 3


def test_an_archive_that_escapes_or_swells(tmp_path, monkeypatch):
    written(tmp_path, ".shp")
    parts = {each: (tmp_path / f"good{each}").read_bytes() for each in zipped.PARTS}
    _, count, problems = read(archive(tmp_path, {f"../../escaped{each}": content for each, content in parts.items()}))
    assert count == 3 and not problems.items and not list(tmp_path.parent.glob("escaped*"))
    monkeypatch.setattr(zipped, "BLOCK", 1 << 10)
    _, count, problems = read(archive(tmp_path, {**{f"a{k}": v for k, v in parts.items()}, "a.dbf": bytes(20 << 20)}))
    assert count == 0 and [problem.code for problem in problems] == ["too-large"]
    link = zipfile.ZipInfo("a.shp")
    link.external_attr = 0o120777 << 16
    _, count, problems = read(archive(tmp_path, {link: "/etc/passwd"}))
    assert count == 0 and [problem.code for problem in problems] == ["file-kind"]
    for entries in ({}, {"a.txt": "a"}, {f"{n}.txt": "" for n in range(1001)}):
        _, count, problems = read(archive(tmp_path, entries))
        assert count == 0 and len(problems) == 1


# --- whatever bytes ---


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".fgb", ".dxf", ".osm.pbf", ".parquet", ".zip"])
def test_broken_files_end_in_a_problem_or_in_features(tmp_path, suffix):
    """Bytes changed, cut off and filled in, in files of every kind: no exception, and no end of this process."""
    if suffix == ".osm.pbf":
        good = (EXTRACT).read_bytes()[:60_000]
    elif suffix == ".parquet":
        good = geoparquet(tmp_path).read_bytes()
    elif suffix == ".zip":
        written(tmp_path, ".shp")
        good = archive(tmp_path, {f"a{each}": (tmp_path / f"good{each}").read_bytes() for each in zipped.PARTS}).read_bytes()
    else:
        good = written(tmp_path, suffix).read_bytes()
    chance = random.Random(suffix)
    file = tmp_path / f"bad{suffix}"
    for part in (".dbf", ".shx", ".prj"):
        if suffix == ".shp":
            (tmp_path / f"bad{part}").write_bytes((tmp_path / f"good{part}").read_bytes())
    for _ in range(4):
        raw = bytearray(good)
        for _ in range(chance.randint(1, 20)):
            at = chance.randrange(len(raw))
            raw[at : at + chance.randint(0, 4)] = chance.randbytes(chance.randint(0, 4))
        file.write_bytes(raw[: chance.randrange(len(raw))] if chance.random() < 0.3 else raw)
        _, count, problems = read(file, part="lines" if suffix == ".osm.pbf" else None)
        assert count or len(problems) <= 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 4 << 20  # KiB
