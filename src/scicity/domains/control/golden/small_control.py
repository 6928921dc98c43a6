"""A district of two buildings and an enterprise whose months are written by hand, with budgets and rules in its registers."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from scicity.city import City
from scicity.domains.control import tables
from scicity.kernel.district import KERNEL_SOURCES
from scicity.kernel.lake import Part
from scicity.kernel.tables import Catalog, Table

_ENERGY = ("energy", "known_seconds", "expected_seconds", "stand_in")
_EMITTED = ("emission", "known_seconds", "expected_seconds", "review", "stand_in")


def _table(name: str, *columns: str, grain: tuple[str, ...], period: str = "all", time: str = "") -> Table:
    return Table(name=name, columns=columns, grain=grain, period=period, time=time)  # type: ignore[arg-type]


def _monthly(name: str, key: str, *columns: str) -> Table:
    return _table(name, key, *columns, grain=(key, "month"), period="year", time="month")


BY_BUILDING = _monthly("energy.consumption_monthly", "building", "carrier", "month", *_ENERGY)
BY_ZONE = _monthly("energy.zone_monthly", "zone", "carrier", "month", *_ENERGY)
BY_ENTERPRISE = _monthly("energy.enterprise_monthly", "enterprise", "carrier", "month", *_ENERGY)
EMITTED = _monthly("carbon.emission_monthly", "building", "month", *_EMITTED)
ZONE_EMITTED = _monthly("carbon.zone_total_monthly", "zone", "month", *_EMITTED)
ENTERPRISE_EMITTED = _monthly(
    "carbon.enterprise_emission_monthly", "enterprise", "zone", "carrier", "emission_scope", "month", *_EMITTED
)
IN_USE = _table(
    "carbon.factor_in_use",
    *("purpose", "carrier", "first_day", "last_day", "factor_value", "energy_ratio", "review"),
    grain=("purpose", "carrier", "first_day"),
)
HOURLY = _table(
    "energy.consumption_hourly",
    *("building", "carrier", "hour", "day", "hour_of_day", "energy", "estimated_energy", "coverage", "stand_in"),
    grain=("building", "carrier", "hour"),
    period="month",
    time="day",
)
DAILY = _table(
    "energy.consumption_daily",
    *("building", "carrier", "day", "energy", "coverage", "stand_in"),
    grain=("building", "carrier", "day"),
    period="month",
    time="day",
)
ZONE_DAILY = _table(
    "energy.zone_daily",
    *("zone", "carrier", "day", "energy", "coverage", "stand_in"),
    grain=("zone", "carrier", "day"),
    period="month",
    time="day",
)
BUILDING = _table("buildings.building", "building", "zone", "floor_area", grain=("building",))
ENTERPRISE = _table("buildings.enterprise", "enterprise", grain=("enterprise",))
OF_OTHERS = (
    *(
        BY_BUILDING,
        BY_ZONE,
        BY_ENTERPRISE,
        EMITTED,
        ZONE_EMITTED,
        ENTERPRISE_EMITTED,
        IN_USE,
        HOURLY,
        DAILY,
        ZONE_DAILY,
        BUILDING,
        ENTERPRISE,
    ),
)
DECIDED = tables.budget_decided
BUDGETS = "scope_kind,scope,budget_measure,year,budget,monthly_shares,reason,who,origin,source,review\n"
RULES = (
    "rule,name_zh,name_en,threshold_kind,scope_kind,budget_measure,threshold,dead_band,delay_steps,severity,roles,"
    "valid_from,valid_to,source\n"
)
SECONDS = 30 * 86_400


class SmallControl:
    """The district's folder and lake, with the tables of control over both."""

    def __init__(self, root: Path, budgets: str = "", rules: str = "") -> None:
        self.folder = root / "district"
        (self.folder / "registers").mkdir(parents=True, exist_ok=True)
        zones = "".join(f'[[zone]]\nzone = "{z}"\nname_zh = "{z}"\nname_en = "{z}"\n' for z in ("district", "east", "west"))
        about = '[district]\nslug = "s"\nname = {zh = "试", en = "s"}\ntimezone = "Asia/Shanghai"\nlanguages = ["zh"]\n'
        (self.folder / "district.toml").write_text(about + zones, encoding="utf-8")
        self.registers(budgets, rules)
        self.city = City(self.folder, root / "state")
        mine = [value for value in vars(tables).values() if isinstance(value, Table)]
        self.city.catalog = Catalog([*KERNEL_SOURCES, *OF_OTHERS, *mine])
        self.put(
            BUILDING,
            [{"building": b, "zone": z, "floor_area": a} for b, z, a in (("b1", "east", 100.0), ("b2", "west", 300.0))],
        )
        self.put(ENTERPRISE, [{"enterprise": "e"}])
        for table in OF_OTHERS[:10]:
            self.put(table, [])
        self.put(DECIDED, [])

    def registers(self, budgets: str, rules: str = "") -> None:
        """Writes the registers."""
        (self.folder / "registers" / "budgets.csv").write_text(BUDGETS + budgets, encoding="utf-8")
        (self.folder / "registers" / "warning_rules.csv").write_text(RULES + rules, encoding="utf-8")

    def put(self, table: Table, rows: list[dict[str, Any]]) -> None:
        """Replaces a table."""
        found = pa.Table.from_pylist(rows, schema=table.schema)
        parts = self.city.computing.split(table, found) or {Part("all" if table.period == "all" else "2020"): found}
        if not rows and table.period != "all":
            parts = {}
        self.city.lake.replace(table.name, parts, table.schema, inputs={}, code="")

    def energy(self, months: dict[str, dict[str, float | None]], coverage: float = 1.0) -> None:
        """Puts the electricity of buildings in, by month (`2022-01`), and of their zones, the district and the enterprise."""
        rows: dict[str, list[dict[str, Any]]] = {"building": [], "zone": [], "enterprise": []}
        for month, of_building in months.items():
            told = {"b1": ("east",), "b2": ("west",)}
            for building, value in of_building.items():
                rows["building"].append(_row("building", building, month, value, coverage))
                rows["zone"].append(_row("zone", told[building][0], month, value, coverage))
            known = [value for value in of_building.values() if value is not None]
            rows["zone"].append(_row("zone", "district", month, sum(known) if known else None, coverage))
            rows["enterprise"].append(_row("enterprise", "e", month, of_building.get("b1"), coverage))
        for table, key in ((BY_BUILDING, "building"), (BY_ZONE, "zone"), (BY_ENTERPRISE, "enterprise")):
            self.put(table, rows[key])

    def load(self) -> None:
        """Loads the registers. Raises Refused with what is wrong with them."""
        self.city.load()

    def rows(self, table: str, **where: Any) -> list[dict[str, Any]]:
        """Brings the tables up to date and gives rows of one."""
        self.city.compute()
        return [dict(row) for row in self.city.figures.rows(f"control.{table}", where=where)]


def _row(key: str, name: str, month: str, value: float | None, coverage: float) -> dict[str, Any]:
    known = 0 if value is None else round(SECONDS * coverage)
    exact = None if value is None else Decimal(repr(value))
    about = {"known_seconds": known, "expected_seconds": SECONDS, "stand_in": False}
    return {key: name, "carrier": "electricity", "month": date.fromisoformat(f"{month}-01"), "energy": exact, **about}


def factors(*purposes: tuple[str, str]) -> list[dict[str, Any]]:
    """Factors in use of electricity from 2020 on, by purpose."""
    about = {"carrier": "electricity", "first_day": date(2020, 1, 1), "last_day": None, "energy_ratio": Decimal(1)}
    return [
        {**about, "purpose": purpose, "factor_value": Decimal(value), "review": "unverified"} for purpose, value in purposes
    ]


def days(first: date, values: list[float | None], building: str = "b1") -> list[dict[str, Any]]:
    """Days of a building's electricity; None is a day of which nothing is known."""
    return [
        {
            "building": building,
            "carrier": "electricity",
            "day": first + timedelta(days=number),
            "energy": None if value is None else Decimal(repr(value)),
            "coverage": 0.0 if value is None else 1.0,
            "stand_in": False,
        }
        for number, value in enumerate(values)
    ]
