"""A district of two buildings whose energy is written by hand, so that every figure of the carbon tables can be checked."""

from __future__ import annotations

import csv
from calendar import monthrange
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from scicity.city import City
from scicity.domains.carbon import tables
from scicity.kernel.computing import Done
from scicity.kernel.district import KERNEL_SOURCES
from scicity.kernel.lake import Part
from scicity.kernel.tables import Catalog, Table, discover

ACCOUNT = ("energy", "estimated_energy", "known_seconds", "expected_seconds", "stand_in")
BY_BUILDING = Table(
    name="energy.consumption_monthly",
    columns=("building", "carrier", "month", *ACCOUNT),
    grain=("building", "carrier", "month"),
    period="year",
    time="month",
)
BY_BUILDING_YEAR = Table(
    name="energy.consumption_yearly",
    columns=("building", "carrier", "year", "expected_seconds"),
    grain=("building", "carrier", "year"),
    period="year",
    time="year",
)
BY_ZONE = Table(
    name="energy.zone_monthly",
    columns=("zone", "carrier", "month", *ACCOUNT),
    grain=("zone", "carrier", "month"),
    period="year",
    time="month",
)
BY_ZONE_YEAR = Table(
    name="energy.zone_yearly",
    columns=("zone", "carrier", "year", "expected_seconds"),
    grain=("zone", "carrier", "year"),
    period="year",
    time="year",
)
BUILDING = Table(name="buildings.building", columns=("building", "zone", "floor_area"), grain=("building",))
PART = Table(
    name="energy.part_monthly",
    columns=("building", "carrier", "enterprise", "month", *ACCOUNT),
    grain=("building", "carrier", "enterprise", "month"),
    period="year",
    time="month",
)
BY_ENTERPRISE = Table(
    name="energy.enterprise_monthly",
    columns=("enterprise", "carrier", "month", *ACCOUNT),
    grain=("enterprise", "carrier", "month"),
    period="year",
    time="month",
)
HOURLY = Table(
    name="energy.meter_hourly",
    columns=("meter", "flow", "building", "hour", "day", "energy", "stand_in"),
    grain=("meter", "flow", "building", "hour"),
    period="month",
    time="day",
)
DERIVED = (BY_BUILDING, BY_BUILDING_YEAR, BY_ZONE, BY_ZONE_YEAR, PART, BY_ENTERPRISE, HOURLY)
OF_OTHERS = (*DERIVED, BUILDING)  # what other domains declare
REGISTERS = ("buildings.building", "buildings.enterprise", "energy.meter", "energy.installation", "energy.membership")

BUILDINGS = [{"building": "b1", "zone": "east", "floor_area": 100.0}, {"building": "b2", "zone": "west", "floor_area": 300.0}]
FACTOR = {
    **{"factor": "grid.beijing", "carrier": "electricity", "emission_scope": "2", "region": "beijing", "quantity": "grid_mean"},
    **{"unit": "kg/kWh", "document": "公告", "gas": "CO2", "boundary": "direct", "review": "unverified"},
}
GAS = {
    **{"factor": "gas", "carrier": "natural_gas", "emission_scope": "1", "region": "china", "quantity": "combustion_energy"},
    **{"printed": "55.54", "unit": "t/TJ", "valid_from": "2020-01-01", "document": "GB/T 51366-2019", "gas": "CO2"},
    **{"boundary": "direct", "review": "verified", "document_number": "GB/T 51366-2019", "published_on": "2019-04-09"},
    **{"clause": "A.0.1"},
}
NET = {
    **{
        "factor": "net",
        "carrier": "natural_gas",
        "region": "world",
        "quantity": "net_per_gross",
        "printed": "0.9",
        "unit": "1",
    },
    **{"valid_from": "2020-01-01", "document": "IPCC 2006", "boundary": "direct", "review": "unverified"},
}
COAL = {
    **{"region": "china", "quantity": "standard_coal_energy", "valid_from": "2020-01-01", "document": "GB/T 2589-2020"},
    **{"boundary": "direct", "review": "unverified"},
}
WHY = {"reason_zh": "因为", "reason_en": "because"}


def of_year(year: int, printed: str, **changes: str) -> dict[str, str]:
    """The grid's factor of a year, valid for that year."""
    dated = {"data_year": str(year), "valid_from": f"{year}-01-01", "valid_to": f"{year + 1}-01-01"}
    return FACTOR | dated | {"printed": printed} | changes


FACTORS = [
    of_year(2021, "0.5688"),
    of_year(2022, "0.5580"),
    of_year(2023, "0.5554"),
    *(GAS, NET),
    COAL | {"factor": "coal.electricity", "carrier": "electricity", "printed": "0.1229", "unit": "kgce/kWh"},
    COAL | {"factor": "coal.gas", "carrier": "natural_gas", "printed": "0.03412", "unit": "kgce/MJ"},
]
YEAR = 365 * 86_400  # [s]
EQUIVALENT, EQUAL = "standard_coal_equivalent", "standard_coal_equal"
CHOICES = [
    WHY | {"purpose": "location_based", "carrier": "electricity", "factor": "grid.beijing", "valid_from": "2021-01-01"},
    WHY | {"purpose": "location_based", "carrier": "natural_gas", "factor": "gas", "ratio": "net", "valid_from": "2021-01-01"},
    WHY | {"purpose": EQUIVALENT, "carrier": "electricity", "factor": "coal.electricity", "valid_from": "2021-01-01"},
    WHY | {"purpose": EQUIVALENT, "carrier": "natural_gas", "factor": "coal.gas", "ratio": "net", "valid_from": "2021-01-01"},
]


def month_seconds(first: date) -> int:
    """The length of a month."""
    return monthrange(first.year, first.month)[1] * 86_400


def energy(building: str, carrier: str, month: str, kilowatt_hours: str | None, **more: Any) -> dict[str, Any]:
    """A month of energy, all of it measured unless `estimated_energy` or `known_seconds` say otherwise."""
    first = date.fromisoformat(f"{month}-01")
    seconds = month_seconds(first)
    value = None if kilowatt_hours is None else Decimal(kilowatt_hours)
    known = {"estimated_energy": Decimal(0), "known_seconds": seconds if value is not None else 0, "stand_in": False}
    row = {"building": building, "carrier": carrier, "month": first, "energy": value, "expected_seconds": seconds}
    return row | known | more


class SmallDistrict:
    """A folder of factors and a lake with energy in it, and the carbon tables over both."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "district"
        for name in ("factors", "registers"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        zones = "".join(
            f'[[zone]]\nzone = "{z}"\nname_zh = "{z}"\nname_en = "{z}"\n' + ('parent = "district"\n' if z != "district" else "")
            for z in ("district", "east", "west")
        )
        about = '[district]\nslug = "s"\nname = {zh = "试", en = "s"}\ntimezone = "Asia/Shanghai"\nlanguages = ["zh"]\n'
        (self.folder / "district.toml").write_text(about + zones)
        self.city = City(self.folder, root / "state")
        mine = [value for value in vars(tables).values() if isinstance(value, Table)]
        declared = discover()
        self.city.catalog = Catalog([*KERNEL_SOURCES, *DERIVED, *(declared[name] for name in REGISTERS), *mine])
        names = {"name_zh": "楼", "name_en": "house", "origin": "measured"}
        self.register("buildings.building", [names | {c: str(v) for c, v in row.items()} for row in BUILDINGS])

    def register(self, table: str, rows: list[dict[str, str]]) -> None:
        """Writes the file of a register; `factors` or `load` brings it into the lake."""
        declared: Any = self.city.catalog[table]
        _write(self.folder / declared.path, list(declared.columns), rows)

    def load(self) -> None:
        """Loads the folder again. Raises Refused with its problems."""
        self.city.load()

    def factors(self, rows: list[dict[str, str]], choices: list[dict[str, str]]) -> None:
        """Writes the files of factors and choices, and loads them. Raises Refused with the linter's problems."""
        columns = [c for c in tables.FACTOR.columns if c not in ("factor_value", "canonical_unit")]
        _write(self.folder / "factors" / "all.csv", columns, rows)
        _write(self.folder / "registers" / "factor_choices.csv", list(tables.CHOICE.columns), choices)
        self.city.load()

    def use(
        self,
        rows: list[dict[str, Any]],
        buildings: list[dict[str, Any]] | None = None,
        whose: dict[str, str] | None = None,
    ) -> None:
        """Puts energy into the lake as the domain of energy would: by building, by zone, by month and by year.

        `whose` maps a building to the enterprise that has all of it; others are common.
        """
        self.put(BY_BUILDING, rows)
        self.parts([row | {"enterprise": (whose or {}).get(row["building"], "common")} for row in rows])
        zone_of = {b["building"]: b["zone"] for b in buildings or BUILDINGS}
        zones: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in rows:
            for zone in (zone_of[row["building"]], "district"):
                of_zone = {"zone": zone, **{c: row[c] for c in ("carrier", "month", *ACCOUNT)}}
                before = zones.get((zone, row["carrier"], row["month"]))
                zones[zone, row["carrier"], row["month"]] = of_zone if before is None else _added(before, of_zone)
        self.put(BY_ZONE, list(zones.values()))
        for table, monthly, key in ((BY_BUILDING_YEAR, rows, "building"), (BY_ZONE_YEAR, list(zones.values()), "zone")):
            meters = {
                (r[key], r["carrier"], r["month"].year): r["expected_seconds"] // month_seconds(r["month"]) for r in monthly
            }
            years = [{key: k[0], "carrier": k[1], "year": k[2], "expected_seconds": YEAR * n} for k, n in meters.items()]
            self.put(table, years)

    def parts(self, rows: list[dict[str, Any]]) -> None:
        """Puts energy of buildings by whose it is into the lake, and that of each enterprise."""
        self.put(PART, rows)
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in rows:
            key = (row["enterprise"], row["carrier"], row["month"])
            found[key] = _added(found[key], row) if key in found else row
        self.put(BY_ENTERPRISE, list(found.values()))

    def put(self, table: Table, rows: list[dict[str, Any]]) -> None:
        """Replaces a table of another domain."""
        table = self.city.catalog[table.name]
        found = pa.Table.from_pylist(rows, schema=table.schema).sort_by([(c, "ascending") for c in table.grain])
        parts = self.city.computing.split(table, found)
        self.city.lake.replace(table.name, parts, table.schema, inputs={}, code="")

    def compute(self) -> dict[str, Done]:
        """Brings the tables up to date; what was done, by table."""
        return {done.table: done for done in self.city.compute()}

    def rows(self, table: str, **where: Any) -> list[dict[str, Any]]:
        """Rows of a table of carbon."""
        return [dict(row) for row in self.city.figures.rows(f"carbon.{table}", where=where)]

    def again(self, table: str, period: str, version: int) -> list[dict[str, Any]]:
        """A partition computed again as of a version of its table."""
        declared = self.city.catalog[f"carbon.{table}"]
        found: list[dict[str, Any]] = self.city.computing.again(declared, Part(period), version).to_pylist()
        return found

    def version(self, table: str) -> int:
        """The newest version of a table of carbon."""
        return self.city.lake.snapshot(f"carbon.{table}").version

    def contents(self) -> dict[str, frozenset[str]]:
        """The files of every derived table, which are named by their content."""
        return {t.name: self.city.lake.snapshot(t.name).paths for t in self.city.catalog.derived}


def _added(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    sums = {c: one[c] + other[c] for c in ("known_seconds", "expected_seconds", "estimated_energy")}
    values = [r["energy"] for r in (one, other) if r["energy"] is not None]
    return one | sums | {"energy": sum(values) if values else None, "stand_in": one["stand_in"] or other["stand_in"]}


def _write(file: Path, columns: list[str], rows: list[dict[str, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(rows)
