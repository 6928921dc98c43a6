"""A district of two parcels and a few projects, with forms and processes of its own, small enough to be tried on in tests."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from scicity.city import City
from scicity.domains.reviews import tables
from scicity.kernel.district import KERNEL_SOURCES
from scicity.kernel.lake import Part
from scicity.kernel.tables import Catalog, Table, source

BUILDING = source("buildings.building", path="registers/buildings.csv", columns=["building", "zone"], grain=["building"])
KINDS = Table(name="energy.day_kind", columns=("day", "day_kind"), grain=("day",))
PARCELS = (
    "parcel,zone,name_zh,name_en,supply_kind,supplied_on,framework,edition,area,document,review,origin,source\n"
    "a-1,east,甲地块,Parcel A,covenant,2014-06-10,old,2013,1000,约定书,stand-in,stand-in,invented\n"
    "b-1,west,乙地块,Parcel B,market,2025-03-18,new,2024,2000,规划条件,stand-in,stand-in,invented\n"
)
CONDITIONS = (
    "parcel,planning_condition,condition_kind,name_zh,name_en,promise_measure,comparator,limit,symbol,edition,document,review,"
    "origin,source\n"
    "a-1,energy,mandatory,能耗,Energy,energy_intensity,<=,90,kWh/m²,2013,约定书,unverified,stand-in,invented\n"
    "a-1,healthy,optional,健康建筑,Healthy building,,text,,,2013,约定书,unverified,stand-in,invented\n"
)
PROJECTS = (
    "project,parcel,building,name_zh,name_en,use,floor_area,origin,source\n"
    "p-1,a-1,b1,甲项目,Project A,office,1000,stand-in,invented\n"
    "p-2,b-1,,乙项目,Project B,,2000,stand-in,invented\n"
)
FORMS = (
    "review_form,form_field,field_order,name_zh,name_en,field_kind,symbol,choices,required,promise_measure,document,review,origin\n"
    "pledge,agreed,1,承诺,Agreed,yes,,,true,,示意,stand-in,stand-in\n"
    "pledge,energy,2,能耗,Energy,number,kWh/m²,,true,energy_intensity,示意,stand-in,stand-in\n"
    "pledge,stars,3,星级,Stars,choice,,1;2;3,false,,示意,stand-in,stand-in\n"
    "pledge,day,4,日期,Day,date,,,false,,示意,stand-in,stand-in\n"
)
TOML = '[district]\nslug = "s"\nname = {zh = "试", en = "s"}\ntimezone = "Asia/Shanghai"\nlanguages = ["zh", "en"]\n'
BEGIN = datetime(2026, 3, 2, 1, tzinfo=UTC)  # a Monday, 9 o'clock in Shanghai


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = BEGIN

    def __call__(self) -> datetime:
        return self.at

    def on(self, days: float) -> None:
        """Days go by."""
        self.at += timedelta(days=days)


class SmallReviews:
    """The district's folder and lake, with the tables of the reviews over both; `files` are further ones, by their place."""

    def __init__(self, root: Path, files: dict[str, str] | None = None, kinds: dict[date, str] | None = None) -> None:
        self.folder = root / "district"
        zones = "".join(f'[[zone]]\nzone = "{z}"\nname_zh = "{z}"\nname_en = "{z}"\n' for z in ("district", "east", "west"))
        told = {
            "district.toml": TOML + zones,
            "registers/buildings.csv": "building,zone\nb1,east\n",
            "registers/parcels.csv": PARCELS,
            "registers/planning_conditions.csv": CONDITIONS,
            "registers/projects.csv": PROJECTS,
            "registers/review_forms.csv": FORMS,
        }
        for place, text in {**told, **(files or {})}.items():
            self.write(place, text)
        self.city = City(self.folder, root / "state")
        mine = [value for value in vars(tables).values() if isinstance(value, Table)]
        self.city.catalog = Catalog([*KERNEL_SOURCES, BUILDING, KINDS, *mine])
        self.put(KINDS, [{"day": day, "day_kind": kind} for day, kind in (kinds or {}).items()])
        for table in mine:
            if table.kind == "recorded":
                self.put(table, [])
        self.clock = Clock()

    def write(self, place: str, text: str) -> None:
        """Writes a file of the folder."""
        file = self.folder / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def put(self, table: Table, rows: list[dict[str, Any]]) -> None:
        """Replaces a table."""
        found = pa.Table.from_pylist(rows, schema=table.schema)
        self.city.lake.replace(table.name, {Part("all"): found}, table.schema, inputs={}, code="")

    def load(self) -> None:
        """Loads the registers and computes. Raises Refused with what is wrong with them."""
        self.city.load()
        self.city.compute()

    def desk(self) -> Any:
        """The desk of this district, with the clock of the test; Django must be set up."""
        from scicity.domains.reviews.pages.desk import Desk

        rows = {name: list(self.city.figures.rows(f"reviews.{name}")) for name in ("form_field", "parcel", "project")}
        forms: dict[str, list[Any]] = {}
        for row in sorted(rows["form_field"], key=lambda row: row["field_order"]):
            forms.setdefault(row["review_form"], []).append(row)
        return Desk(
            ZoneInfo("Asia/Shanghai"),
            {row["day"]: row["day_kind"] for row in self.city.figures.rows("energy.day_kind")},
            forms,
            {row["parcel"]: row for row in rows["parcel"]},
            {row["project"]: row for row in rows["project"]},
            self.folder,
            self.clock,
        )
