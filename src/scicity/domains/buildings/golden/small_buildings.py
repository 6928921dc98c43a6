"""A district of four buildings whose years are written by hand, with labels, data sheets and promises in its registers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from scicity.city import City
from scicity.domains.buildings import tables
from scicity.kernel.district import KERNEL_SOURCES, District
from scicity.kernel.lake import Part
from scicity.kernel.problems import Problem, Problems
from scicity.kernel.tables import Catalog, Table


def _table(name: str, *columns: str, grain: tuple[str, ...], period: str = "all", time: str = "") -> Table:
    return Table(name=name, columns=columns, grain=grain, period=period, time=time)  # type: ignore[arg-type]


def _of_period(name: str, time: str, *columns: str) -> Table:
    known = [name for name in columns if name in ("building", "zone", "carrier", "meter", "flow", "emission_scope")]
    return _table(name, *columns, time, "coverage", "stand_in", grain=(*known, time), period="year", time=time)


YEARLY = _of_period("energy.consumption_yearly", "year", "building", "carrier", "energy")
MONTHLY = _of_period("energy.consumption_monthly", "month", "building", "carrier", "energy")
ZONES = _of_period("energy.zone_yearly", "year", "zone", "carrier")
METER_YEARLY = _of_period("energy.meter_yearly", "year", "meter", "flow", "building", "energy")
METER_MONTHLY = _of_period("energy.meter_monthly", "month", "meter", "flow", "building", "energy")
METER = _table("energy.meter", "meter", "role", "carrier", grain=("meter",))
EMITTED = _of_period("carbon.building_total_yearly", "year", "building", "emission")
EMITTED_MONTHLY = _of_period("carbon.emission_monthly", "month", "building", "emission_scope", "emission")
DECIDED = _table(
    "reviews.promise",
    *("review_case", "project", "building", "promise_measure", "promise_value", "symbol", "stage", "decided_on"),
    grain=("review_case", "promise_measure"),
)
OF_OTHERS = (DECIDED, YEARLY, MONTHLY, ZONES, METER_YEARLY, METER_MONTHLY, METER, EMITTED, EMITTED_MONTHLY)

BUILDINGS = """building,zone,name_zh,name_en,use,floor_area,longitude,latitude,origin,source
a,north,甲,A,office,1000,,,measured,x
b,north,乙,B,office,3000,,,measured,x
c,south,丙,C,office,2000,,,measured,x
d,south,丁,D,office,,,,measured,x
"""
SCHEME = """label_scheme,name_zh,name_en,scheme_status,base_score,score_divisor,rounding,score_decimals,\
items_expected,document,review,note_zh,note_en
stars,星级,Stars,entered,400,10,none,,,made up,unverified,,
plan,模板,Plan,template,,,,,17,made up,unverified,,
healthy,健康,Healthy,label_only,,,,,,made up,unverified,,
"""
LEVELS = """label_scheme,label_level,level_rank,score_threshold,name_zh,name_en
stars,basic,0,,基本级,Basic
stars,one,1,60,一星,One
stars,two,2,70,二星,Two
stars,three,3,85,三星,Three
healthy,labelled,1,,获标识,Labelled
"""
CATEGORIES = """label_scheme,score_category,full_score,full_score_design,minimum_share,category_weight,name_zh,name_en
stars,safe,300,,30,1,安全,Safe
stars,easy,200,140,30,,便利,Easy
plan,green,,,,,绿色,Green
"""
ITEMS = """label_scheme,score_category,score_item,item_kind,full_score,label_level,clause,name_zh,name_en
stars,safe,must,control,,,,控制项,Must
stars,safe,safe_points,scored,300,,,安全得分,Safe points
stars,easy,easy_points,scored,,,,便利得分,Easy points
stars,safe,airtight,prerequisite,,three,,气密,Airtight
"""
LABELS = (
    "label,label_scheme,label_level,stage,project,building,zone,floor_area,awarded_on,valid_to,document,review,origin,source\n"
)
SHEETS = "sheet,label_scheme,stage,project,building,zone,rated_on,origin,source\n"
ENTRIES = "sheet,score_item,met,points,document,note,origin,source\n"
PROMISES = "promise,project,building,promise_measure,promise_value,symbol,stage,valid_from,document,review,origin,source\n"
TOLERANCES = "promise_measure,tolerance,document,review,source\n"
HEADS = {
    "registers/labels": LABELS,
    "registers/score_sheets": SHEETS,
    "registers/score_entries": ENTRIES,
    "registers/promises": PROMISES,
    "registers/promise_tolerances": TOLERANCES,
}
FILES = {
    "registers/buildings": BUILDINGS,
    "scoresheets/all.scheme": SCHEME,
    "scoresheets/all.levels": LEVELS,
    "scoresheets/all.categories": CATEGORIES,
    "scoresheets/all.items": ITEMS,
}


def catalog() -> Catalog:
    """The tables of buildings, and what they read."""
    mine = [value for value in vars(tables).values() if isinstance(value, Table)]
    return Catalog([*KERNEL_SOURCES, *OF_OTHERS, *mine])


def written(folder: Path, rows: dict[str, str], files: dict[str, str]) -> None:
    """Writes a district's folder: rows by register without their heads, and whole files in place of those above."""
    for part in ("registers", "scoresheets"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    zones = "".join(f'[[zone]]\nzone = "{z}"\nname_zh = "{z}"\nname_en = "{z}"\n' for z in ("district", "north", "south"))
    about = '[district]\nslug = "s"\nname = {zh = "试", en = "s"}\ntimezone = "Asia/Shanghai"\nlanguages = ["zh"]\n'
    (folder / "district.toml").write_text(about + zones, encoding="utf-8")
    texts = FILES | files | {name: HEADS[name] + text for name, text in rows.items()}
    for name, text in texts.items():
        if text:
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")


def faults(folder: Path, rows: dict[str, str], **files: str) -> list[Problem]:
    """What is wrong with registers."""
    written(folder, rows, files)
    problems = Problems()
    District.open(folder, problems).sources(catalog(), problems)
    return list(problems.items)


class SmallBuildings:
    """The district's folder and lake, with the tables of buildings over both; `rows` by file, without their heads."""

    def __init__(self, root: Path, rows: dict[str, str] | None = None, **files: str) -> None:
        self.folder = root / "district"
        written(self.folder, rows or {}, files)
        self.city = City(self.folder, root / "state")
        self.city.catalog = catalog()
        for table in OF_OTHERS:
            self.put(table, [])

    def write(self, name: str, text: str) -> None:
        """Writes a file of the folder, named without `.csv`."""
        (self.folder / f"{name}.csv").write_text(text, encoding="utf-8")

    def put(self, table: Table, rows: list[dict[str, Any]]) -> None:
        """Replaces a table; coverage is whole and no data stand in unless a row says so."""
        told = [{"coverage": 1.0, "stand_in": False} | row for row in rows]
        kept = [{name: value for name, value in row.items() if name in table.columns} for row in told]
        found = pa.Table.from_pylist(kept, schema=table.schema)
        parts = self.city.computing.split(table, found)
        if table.period == "all":
            parts = parts or {Part("all"): found}
        self.city.lake.replace(table.name, parts, table.schema, inputs={}, code="")

    def load(self) -> None:
        """Loads the registers. Raises Refused with what is wrong with them."""
        self.city.load()

    def rows(self, table: str, **where: Any) -> list[dict[str, Any]]:
        """Brings the tables up to date and gives rows of one."""
        self.city.compute()
        return [dict(row) for row in self.city.figures.rows(f"buildings.{table}", where=where)]


def used(building: str, year: int, carrier: str = "electricity", energy: float | None = 0, **more: Any) -> dict[str, Any]:
    """A building's year of a carrier [kWh]."""
    exact = None if energy is None else Decimal(repr(energy))
    return {"building": building, "carrier": carrier, "year": year, "energy": exact, **more}


def months(building: str, year: int, energies: list[float | None], **more: Any) -> list[dict[str, Any]]:
    """A building's electricity [kWh] by month, from January on; None is a month that has no row."""
    return [
        {
            **{"building": building, "carrier": "electricity", "month": date(year, number, 1)},
            **{"energy": Decimal(repr(energy)), **more},
        }
        for number, energy in enumerate(energies, start=1)
        if energy is not None
    ]
