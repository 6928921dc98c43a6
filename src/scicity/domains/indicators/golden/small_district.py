"""A small district with a framework, statements and a report, in a folder that a test fills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from scicity.domains.indicators import measured, tables
from scicity.kernel.computing import Computing
from scicity.kernel.district import KERNEL_SOURCES, District
from scicity.kernel.lake import Lake, Part
from scicity.kernel.lineage import Figures
from scicity.kernel.problems import Problem, Problems
from scicity.kernel.tables import Catalog, Table, source

FRAMEWORK = """\
framework:
  id: plan
  name: {zh: 规划指标, en: Plan}
  document: plan 2035
  review: unverified
  source: report.txt
indicators:
  - id: intensity
    name: {zh: 能耗强度, en: Energy use intensity}
    dimension: {zh: 能源, en: Energy}
    unit: kWh/m**2
    direction: lower
    source: report.txt, line 2
    table: toy.use
    formula: sum(energy) filter (where carrier = 'electricity') / sum(floor_area)
    reported:
      - {year: 2022, printed: 约20, statement: S1}
      - {year: 2023, printed: "-"}
    targets:
      - {year: 2030, value: 5, document: plan 2035, review: unverified}
  - id: daily-use
    name: {zh: 用能, en: Use}
    dimension: {zh: 能源, en: Energy}
    unit: kWh
    source: the district
    table: toy.daily
    formula: sum(energy)
    minimum_coverage: 0.5
  - id: incubators
    name: {zh: 孵化平台面积, en: Incubators}
    dimension: {zh: 创新, en: Innovation}
    unit: m**2
    printed_unit: {zh: 万平方米}
    printed_scale: 10000
    direction: higher
    source: report.txt, line 3
    reported:
      - {zone: east, year: 2022, printed: 32.1, statement: S2}
      - {zone: east, year: 2023, printed: 超过40, kind: bound, value: 40, comparator: over}
    targets:
      - {zone: east, year: 2023, value: 40, document: plan 2035, review: verified}
"""
STATEMENTS = """\
document,claim_id,subject_zh,subject_en,measure_en,topic,comparator,value,value_reported,quote_zh,status,line
report.txt,S1,能耗,energy,intensity,energy,~,20,20,强度约20,actual,2
report.txt,S2,面积,area,area,innovation,=,321000,32.1,面积32.1万平方米,actual,4
"""
REPORT = "标题\n全区强度约20千瓦时\n\n孵化平台面积32.1万平方米。\n"
USE = source(
    "toy.use",
    path="registers/use.csv",
    columns=["zone", "year", "carrier", "energy", "floor_area", "coverage", "stand_in"],
    optional=("energy", "coverage", "stand_in"),
    grain=["zone", "year", "carrier"],
)
USE_ROWS = """\
zone,year,carrier,energy,floor_area,coverage,stand_in
district,2022,electricity,300.3,10,1,false
district,2022,heat,99,5,0.25,false
district,2023,electricity,150,10,0.5,true
district,2023,heat,,5,,
east,2023,electricity,,4,0,false
"""
ACCOUNT = source(
    "toy.account", path="registers/account.csv", columns=["zone", "day", "energy", "stand_in"], grain=["zone", "day"]
)
DAILY = Table(name="toy.daily", columns=("zone", "day", "energy", "origin"), grain=("zone", "day"), period="month", time="day")
STATION = Table(name="toy.station", columns=("station", "year", "pm25"), grain=("station", "year"))
HOURLY = Table(name="toy.hourly", columns=("zone", "hour", "energy"), grain=("zone", "hour"), period="month", time="hour")
DECLARED = {table.name: table for table in (USE, ACCOUNT, DAILY, STATION, HOURLY)}


class Small:
    """The district in a folder: checked, loaded into a lake of its own, computed."""

    def __init__(self, folder: Path, files: Mapping[str, str] | None = None) -> None:
        self.folder = folder / "district"
        given = {
            "district.toml": '[district]\nslug = "t"\nname = {zh = "试", en = "t"}\ntimezone = "Asia/Shanghai"\n'
            '[[zone]]\nzone = "district"\nname_zh = "全"\nname_en = "All"\n'
            '[[zone]]\nzone = "east"\nparent = "district"\nname_zh = "东"\nname_en = "East"\n',
            "frameworks/plan.yaml": FRAMEWORK,
            "statements/report.csv": STATEMENTS,
            "statements/report.txt": REPORT,
            "registers/use.csv": USE_ROWS,
        }
        for name, text in (given | dict(files or {})).items():
            self.write(name, text)
        self.lake = Lake(folder / "lake")

    def write(self, name: str, text: str) -> None:
        """Writes one file of the folder."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(text.encode())

    @property
    def catalog(self) -> Catalog:
        """The tables of indicators for this folder, and the toy tables that formulas name."""
        district = District.open(self.folder, Problems())
        fixed = [value for value in vars(tables).values() if isinstance(value, Table)]
        return Catalog({id(t): t for t in (*KERNEL_SOURCES, *DECLARED.values(), *fixed, *tables.tables_of(district))}.values())

    def problems(self) -> list[Problem]:
        """Everything that is wrong with the folder."""
        problems = Problems()
        District.open(self.folder, problems).sources(self.catalog, problems)
        return list(problems)

    def load(self, days: Sequence[tuple[str, str, str | None]] = ()) -> Figures:
        """Loads the folder, and days (zone, day, energy) as the table toy.daily, and computes what is due."""
        catalog, problems = self.catalog, Problems()
        district = District.open(self.folder, problems)
        sources = district.sources(catalog, problems)
        problems.refuse()
        for name, rows in sources.items():
            self.lake.replace(name, {Part("all"): rows}, catalog[name].schema, inputs={}, code="")
        computing = Computing(self.lake, catalog, district.calendar)
        if days:
            zone, day, energy = (pa.array(list(column)) for column in zip(*days, strict=True))
            rows = pa.table({"zone": zone, "day": day, "energy": energy, "origin": ["stand-in"] * len(days)})
            rows = rows.set_column(1, "day", day.cast(pa.date32())).set_column(2, "energy", energy.cast(pa.decimal128(18, 6)))
            split = computing.split(DAILY, rows)
            self.lake.replace("toy.daily", split, DAILY.schema, inputs={}, code="")
        self.done = computing.bring_up_to_date()
        return Figures(computing)


def declare(monkeypatch: object) -> None:
    """Lets formulas name the toy tables, and these alone."""
    for module in (measured, tables):
        monkeypatch.setattr(module, "declared_tables", lambda: DECLARED)  # type: ignore[attr-defined]
