"""Files that are made to break what reads them: each ends in a problem, soon, and within bounded memory."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scicity.kernel.problems import MOST_ALIKE, Problems
from tests.faults.seeds import append

DEMO = Path(__file__).parents[2] / "districts" / "demo"
SECONDS = 60
MEMORY = 2_500_000  # kB; the check of the demo itself takes about a tenth
# In a process of its own, so that its memory can be measured and a hang be ended.
CHECK = """
import sys
from pathlib import Path
from scicity.city import City
_, problems = City(Path(sys.argv[1]), Path(sys.argv[1]).parent / "state").check()
told = Path("/proc/self/status").read_text()  # getrusage counts the process that it was forked from
print(told.split("VmHWM:")[1].split()[0])
for p in problems:
    print(p.file, p.row, p.field, p.code, sep="|")
"""
SOURCES = Path(__file__).parents[2] / "src"


def checked(folder: Path) -> list[str]:
    run = [sys.executable, "-c", CHECK, str(folder)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=SECONDS, check=False, env={"PYTHONPATH": str(SOURCES)})
    assert done.returncode == 0, done.stderr[-2_000:]
    memory, *problems = done.stdout.splitlines()
    assert int(memory) < MEMORY
    assert not (folder.parent / "state").exists()
    return problems


def bare(parent: Path) -> Path:
    """A district of one zone, without registers."""
    folder = parent / "bare"
    for name in ("registers", "readings", "frameworks", "layers", "statements"):
        (folder / name).mkdir(parents=True)
    about = "[district]\nslug = 'bare'\nname = {zh = '空', en = 'bare'}\ntimezone = 'Asia/Shanghai'\n"
    (folder / "district.toml").write_text(about + "[[zone]]\nzone = 'district'\nname_zh = '空'\nname_en = 'bare'\n")
    stream = "datastream,thing,property,unit,flow,interval_seconds,origin,source\nx,y,active_power,kW,forward,60,measured,\n"
    (folder / "registers" / "datastreams.csv").write_text(stream.replace("active_power,kW", "air_temperature,degC"))
    return folder


def giant_cells(folder: Path) -> None:
    (folder / "registers" / "meters.csv").write_bytes(b"meter,carrier\n" + b"x" * 100_000_000 + b",heat\n")
    (folder / "registers" / "stations.csv").write_bytes(b"station,zone\n" + b"x" * 20_000_000 + b",district\n")
    (folder / "readings" / "cell.csv").write_bytes(b"datastream,time,value\n" + b"x" * 100_000_000 + b",2022-01-01T00:00Z,1\n")


def a_million_columns(folder: Path) -> None:
    header = ",".join(f"c{n}" for n in range(1_000_000)).encode()
    (folder / "registers" / "meters.csv").write_bytes(header + b"\n")
    (folder / "readings" / "wide.csv").write_bytes(header + b"\n")


def quotes(folder: Path) -> None:
    (folder / "registers" / "meters.csv").write_bytes(b'"' * 20_000_001)
    (folder / "registers" / "buildings.csv").write_bytes(b'a"b,"\n' * 1_000_000)
    (folder / "readings" / "quotes.csv").write_bytes(b"datastream,time,value\n" + b'"' * 20_000_001)


def a_million_faults(folder: Path) -> None:
    header = b"building,zone,name_zh,name_en,use,floor_area,longitude,latitude,origin,source\n"
    (folder / "registers" / "buildings.csv").write_bytes(header + b"a,b\n" * 1_000_000)
    rows = b"x,never,none\n" * 1_000_000
    (folder / "readings" / "faults.csv").write_bytes(b"datastream,time,value\n" + rows)


def deep_nesting(folder: Path) -> None:
    (folder / "layers" / "deep.geojson").write_bytes(b"[" * 1_000_000)
    (folder / "frameworks" / "deep.yaml").write_bytes(b"[" * 500_000)
    about = (folder / "district.toml").read_bytes()
    (folder / "district.toml").write_bytes(about + b"deep = " + b"[" * 100_000)


def odd_numbers(folder: Path) -> None:
    digits = b"9" * 10_000
    about = b"[district]\nslug = 'bare'\nname = {zh = 'b'}\ntimezone = 'UTC'\nbig = " + digits + b"\n"
    (folder / "district.toml").write_bytes(about)
    (folder / "layers" / "big.geojson").write_bytes(b'{"type": "FeatureCollection", "features": [' + digits + b"]}")
    stream = b"datastream,thing,property,unit,flow,interval_seconds,origin,source\n"
    stream += b"a,b,pm25,ug/m**3,,99999999999999999999,measured,\nc,d,pm25,9**9**9**9,,60,measured,\n"
    (folder / "registers" / "datastreams.csv").write_bytes(stream)


def parquet_bombs(folder: Path) -> None:
    moment = pa.array([datetime(2022, 1, 1, tzinfo=UTC)])
    many = {"datastream": pa.array(["x"] * 10_000).dictionary_encode(), "time": moment.take(pa.array([0] * 10_000))}
    rows = pa.table({**many, "value": pa.nulls(10_000, pa.float64())})
    with pq.ParquetWriter(folder / "readings" / "rows.parquet", rows.schema, compression="zstd") as out:
        for _ in range(60):
            out.write_table(pa.concat_tables([rows] * 100))
    name = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), pa.array(["x" * 10_000_000]))
    long = {"datastream": name, "time": moment.take(pa.array([0] * 1_000_000)), "value": pa.array([1.0] * 1_000_000)}
    pq.write_table(pa.table(long), folder / "readings" / "names.parquet", compression="zstd")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (
            giant_cells,
            {
                "readings/cell.csv|None|None|syntax",
                "registers/meters.csv|None|None|too-large",
                "registers/stations.csv|2|None|syntax",
            },
        ),
        (a_million_columns, {"readings/wide.csv|1|None|too-large", "registers/meters.csv|1|None|too-large"}),
        (quotes, {"registers/meters.csv|1|None|syntax", "registers/buildings.csv|1|None|syntax"}),
        (a_million_faults, {"registers/buildings.csv|2|None|row-width", "readings/faults.csv|2|time|time"}),
        (
            deep_nesting,
            {"district.toml|None|None|syntax", "frameworks/deep.yaml|1|None|too-large", "layers/deep.geojson|None|None|syntax"},
        ),
        (odd_numbers, {"registers/datastreams.csv|2|interval_seconds|value", "registers/datastreams.csv|3|unit|unit"}),
        (parquet_bombs, {"readings/rows.parquet|None|None|too-large", "readings/names.parquet|1|datastream|value"}),
    ],
    ids=lambda part: getattr(part, "__name__", None),
)
def test_a_hostile_file_ends_in_a_problem(tmp_path: Path, make: Callable[[Path], None], expected: set[str]) -> None:
    folder = bare(tmp_path)
    make(folder)
    told = checked(folder)
    assert expected <= set(told), told[:40]
    assert len(told) < 10 * MOST_ALIKE


def test_a_folder_that_leads_out_is_not_followed(tmp_path: Path) -> None:
    folder = bare(tmp_path)
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "a.txt").write_text("of somebody else\n")
    shutil.rmtree(folder / "statements")
    (folder / "statements").symlink_to(secret)
    (folder / "frameworks" / "loop.yaml").symlink_to("loop.yaml")
    told = checked(folder)
    assert {"statements/a.txt|None|None|file-kind", "frameworks/loop.yaml|None|None|file-kind"} <= set(told)


def test_what_was_found_cannot_reach_a_terminal_or_flood_it(tmp_path: Path) -> None:
    problems = Problems()
    problems.add("value", "a\x1b[2J\n.csv", 1, "x\u202e", found="\ud800\x07" + "y" * 1_000_000, expected="a number")
    text = str(next(iter(problems)))
    assert text.isprintable() and text.encode() and len(text) < 400
    for row in range(10_000):
        problems.add("value", "b.csv", row, "x", found=row, expected="a number")
    assert len(problems) == MOST_ALIKE + 1
    assert "there are more like it" in problems.items[-1].found


def test_half_of_a_reading_file_is_not_taken(tmp_path: Path) -> None:
    """One wrong line of ten thousand: nothing of the file is taken."""
    from scicity.city import City
    from scicity.kernel.problems import Refused

    folder = tmp_path / "demo"
    shutil.copytree(DEMO, folder)
    append(folder / "readings" / "energy_increment.csv", "boiler-gas.energy,2023-02-15T00:00:00+08:00,much")
    city = City(folder, tmp_path / "state")
    with pytest.raises(Refused):
        city.load()
    assert not (tmp_path / "state").exists()
