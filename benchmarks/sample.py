"""The sample district: a year to carbon from nothing, one late reading against a rebuild, and the leader's screen.

    .venv/bin/python benchmarks/sample.py

Prints seconds and ratios of one run; state goes to a temporary folder.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

HOME = Path(__file__).parent.parent
sys.path.insert(0, str(HOME / "src"))

from scicity.city import City  # noqa: E402

SAMPLE = HOME / "districts" / "future-science-city"
YEAR = "2022"
GOAL = "carbon.zone_emission_monthly"
RUNS = 40


def timed(function, *arguments):
    """The seconds that a call takes, and what it gives."""
    began = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - began, result


def year_to_carbon(folder: Path) -> None:
    """One year's readings of all buildings, already in the lake, to the district's emissions by month."""
    district = folder / "one-year"
    shutil.copytree(SAMPLE, district, ignore=shutil.ignore_patterns("readings"))
    (district / "readings").mkdir()
    for file in (SAMPLE / "readings").glob(f"energy*{YEAR}*"):
        shutil.copy(file, district / "readings")
    city = City(district, folder / "state-year")
    loaded = city.load()
    seconds, done = timed(city.computing.bring_up_to_date, None, GOAL)
    rows = sum(loaded.readings.values())
    print(f"{rows:,} readings of {YEAR} to {GOAL}: {seconds:.2f} s, {len(done)} tables, from nothing")


def late_reading(folder: Path) -> None:
    """One corrected reading: every figure that depends on it, against computing everything again."""
    city = City(SAMPLE, folder / "state")
    city.load()
    whole, done = timed(city.compute)
    print(f"all tables from nothing: {whole:.1f} s, {sum(len(d.computed) for d in done)} partitions of {len(done)} tables")
    seconds = []
    for number in range(6):
        file = folder / f"late-{number}.csv"
        when = f"2022-0{number + 2}-15T05:00:00Z"
        file.write_text(
            f"datastream,time,value,revision\nwest-10.electricity.energy,{when},{40 + number},1\n", encoding="utf-8"
        )
        city.take(file)
        took, done = timed(city.compute)
        seconds.append(took)
        parts = sum(len(d.computed) for d in done)
        print(f"  one late reading: {took:.2f} s, {parts} partitions of {len(done)} tables, {whole / took:.0f} times faster")
    print(f"median of warm runs: {sorted(seconds[1:])[len(seconds[1:]) // 2]:.2f} s")


def leaders_screen(folder: Path) -> None:
    """Server time of the leader's screen, 95th percentile."""
    import os

    os.environ |= {"SCICITY_DISTRICT": str(SAMPLE), "SCICITY_STATE": str(folder / "pages")}
    (folder / "pages").mkdir()
    shutil.move(folder / "state", folder / "pages" / City(SAMPLE).district.slug)
    from scicity.cockpit.first import prepare_records

    prepare_records()
    from django.test import Client

    browser = Client(HTTP_HOST="localhost")
    first, _ = timed(browser.get, "/")
    seconds = sorted(timed(browser.get, "/")[0] for _ in range(RUNS))
    print(f"the leader's screen: first {first * 1000:.0f} ms, then p95 {seconds[int(RUNS * 0.95)] * 1000:.0f} ms of {RUNS}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        year_to_carbon(Path(name))
        late_reading(Path(name))
        leaders_screen(Path(name))
