"""The registers of energy stations: what stands in them, whom they serve, what their energy costs, what was said of them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pyarrow as pa

from scicity.domains.optimisation.methods import hours
from scicity.domains.optimisation.methods.described import KINDS, NEEDS, Faulty, tried
from scicity.kernel.problems import Problems
from scicity.kernel.tables import source

REVIEW = ("verified", "unverified", "stand-in")
CARRIERS = ("electricity", "natural_gas", "heat", "cold", "hydrogen")
MEASURES = (
    *("service_area", "renewable_share", "heat_pump_share", "ambient_heat_share", "emission_saving"),
    *("capacity", "yearly_energy", "not_compared"),
)
TOLD = ("origin", "source", "review")


def _check_stations(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """What tells a station's weather is a thing with datastreams."""
    things = {row["thing"] for row in tables["district.datastream"].to_pylist() if row["property"] == "air_temperature"}
    for row in table.to_pylist():
        if row["weather_station"] is not None and row["weather_station"] not in things:
            where = (row["source_file"], row["source_row"], "weather_station")
            expected = "a thing of registers/datastreams.csv that tells the air temperature"
            problems.add("reference", *where, found=row["weather_station"], expected=expected)


STATION = source(
    "optimisation.energy_station",
    path="registers/energy_stations.csv",
    columns=["energy_station", "name_zh", "name_en", "zone", "longitude", "latitude", "service_area", "weather_station", *TOLD],
    optional=("longitude", "latitude", "service_area", "weather_station"),
    grain=["energy_station"],
    references={"zone": "district.zone.zone"},
    choices={"review": REVIEW},
    ranges={"longitude": (-180, 180), "latitude": (-90, 90), "service_area": (1, 1e9)},
    check=_check_stations,
    title_zh="能源站",
    title_en="Energy stations",
    doc="The energy stations of the district, the floor area that each serves, where it stands if that is known, and the "
    "station or other thing whose readings tell the weather.",
)

_NUMBERS: dict[str, tuple[float, float]] = {
    "capacity": (0, 1e9),
    "storage_capacity": (0, 1e9),
    "efficiency": (0.01, 20),
    "heat_ratio": (0, 10),
    "source_temperature": (-50, 100),
    "supply_temperature": (-50, 200),
    "least_load": (0, 1),
    "least_load_efficiency": (0.01, 20),
    "ramp_rate": (0.001, 1e6),
    "least_hours_on": (0, 8760),
    "least_hours_off": (0, 8760),
    "start_cost": (0, 1e9),
    "running_cost": (-1e3, 1e3),
    "charge_efficiency": (0.01, 1),
    "discharge_efficiency": (0.01, 1),
    "hourly_loss": (0, 0.99),
    "least_level": (0, 1),
    "tilt": (0, 90),
    "azimuth": (0, 360),
    "temperature_coefficient": (-0.02, 0.0),
    "system_loss": (0, 0.9),
    "inverter_capacity": (0, 1e9),
    "hub_height": (1, 300),
    "cut_in_speed": (0, 30),
    "rated_speed": (1, 40),
    "cut_out_speed": (1, 60),
    "export_capacity": (0, 1e9),
    "turn": (1, 1000),
}
_OPTIONAL = (*("carrier", *_NUMBERS, "tariff", "export_tariff", "follows", "charging_hours", "discharging_hours"),)


def _check_units(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """Every unit has what its kind needs, its hours can be read, and every station as a whole is sound."""
    rows = table.to_pylist()
    for row in rows:
        where = (row["source_file"], row["source_row"])
        for column in NEEDS.get(row["unit_kind"], ()):
            if row[column] is None:
                problems.add("value-missing", *where, column, expected=f"a value, as it is a {row['unit_kind']}")
        for column in ("charging_hours", "discharging_hours"):
            _check_hours(row, column, problems)
        if row["follows"] is not None and row["follows"] not in CARRIERS:
            problems.add("choice", *where, "follows", found=row["follows"], expected=", ".join(CARRIERS))
        speeds = [row[name] for name in ("cut_in_speed", "rated_speed", "cut_out_speed") if row[name] is not None]
        if any(b <= a for a, b in pairwise(speeds)):
            expected = "speeds that grow from cut-in to rated to cut-out"
            problems.add("range", *where, "rated_speed", found=row["rated_speed"], expected=expected)
    files = {row["source_file"] for row in rows}
    if any(problem.file in files for problem in problems.items) or not rows:
        return
    demands = tables["optimisation.station_demand"].to_pylist()
    for station in dict.fromkeys(row["energy_station"] for row in rows):
        own = [row for row in rows if row["energy_station"] == station]
        of = [row for row in demands if row["energy_station"] == station]
        try:
            found = tried(station, own, of)
        except Faulty as fault:
            row = own[fault.row]
            problems.add(
                "value", row["source_file"], row["source_row"], fault.field, found=fault.found, expected=fault.expected
            )
            continue
        by_name = {row["station_unit"]: row for row in own} | {row["demand"]: row for row in of}
        for problem in found:
            name = (problem.field or "").split(".")[0].split(" at ")[0]
            row = by_name.get(name, own[0])
            problems.add(
                problem.code,
                row["source_file"],
                row["source_row"],
                problem.field,
                found=problem.found,
                expected=problem.expected,
            )


def _check_hours(row: dict[str, Any], column: str, problems: Problems) -> None:
    try:
        hours.hours_of(row[column])
    except ValueError as error:
        expected = "hours of the day such as 10-15;18-21 or 23-7"
        problems.add("value", row["source_file"], row["source_row"], column, found=str(error), expected=expected)


UNIT = source(
    "optimisation.station_unit",
    path="registers/station_units.csv",
    columns=["energy_station", "station_unit", "unit_kind", "name_zh", "name_en", *_OPTIONAL, *TOLD],
    optional=_OPTIONAL,
    grain=["energy_station", "station_unit"],
    references={
        "energy_station": "optimisation.energy_station.energy_station",
        "tariff": "optimisation.tariff.tariff",
        "export_tariff": "optimisation.tariff.tariff",
    },
    choices={"unit_kind": tuple(KINDS), "review": REVIEW, "carrier": CARRIERS},
    ranges=_NUMBERS,
    check=_check_units,
    title_zh="能源站设备",
    title_en="Units of energy stations",
    doc="What stands in each energy station: kind, capacity, efficiency and what it depends on, limits of its running, "
    "what its energy costs, and its turn in the rule by which the station is run without a plan.",
)


def _check_demands(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """A demand is metered in a building, or a profile of a floor area; its days and hours can be read."""
    for row in table.to_pylist():
        where = (row["source_file"], row["source_row"])
        _check_hours(row, "busy_hours", problems)
        for column in ("active_from", "active_to"):
            try:
                hours.day_of(row[column])
            except ValueError as error:
                problems.add("value", *where, column, found=str(error), expected="a day of the year such as 11-15")
        if row["building"] is not None:
            if row["metered_carrier"] is None or row["demand_ratio"] is None:
                expected = "the metered carrier of the building, and what its energy is multiplied by"
                problems.add("value-missing", *where, "metered_carrier", expected=expected)
        elif row["floor_area"] is None or (row["area_load"] is None and row["load_slope"] is None):
            problems.add("value-missing", *where, "floor_area", expected="a building, or a floor area with its load")
        elif row["load_slope"] is not None and row["balance_temperature"] is None:
            problems.add("value-missing", *where, "balance_temperature", expected="the temperature at which the load begins")


DEMAND = source(
    "optimisation.station_demand",
    path="registers/station_demands.csv",
    columns=[
        *("energy_station", "demand", "name_zh", "name_en", "carrier", "building", "metered_carrier", "demand_ratio"),
        *("floor_area", "area_load", "load_slope", "balance_temperature", "active_from", "active_to"),
        *("busy_hours", "quiet_share", *TOLD),
    ],
    optional=(
        *("building", "metered_carrier", "demand_ratio", "floor_area", "area_load", "load_slope", "balance_temperature"),
        *("active_from", "active_to", "busy_hours", "quiet_share"),
    ),
    grain=["energy_station", "demand"],
    references={"energy_station": "optimisation.energy_station.energy_station", "building": "buildings.building.building"},
    choices={"carrier": CARRIERS, "review": REVIEW},
    ranges={
        **{"demand_ratio": (0, 1e6), "floor_area": (1, 1e9), "area_load": (0, 1000), "load_slope": (0, 100)},
        **{"balance_temperature": (-20, 40), "quiet_share": (0, 2)},
    },
    check=_check_demands,
    title_zh="能源站负荷",
    title_en="Demands on energy stations",
    doc="What each energy station must meet: what a building's meters show, times a ratio; or, where nothing is metered, a "
    "profile of the floor area by the outside temperature.",
)


def _check_tariffs(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """Months and hours can be read, and no hour of a month has two prices or none while any holds."""
    rows = table.to_pylist()
    sound = True
    for row in rows:
        for column, read, expected in (
            ("tariff_months", hours.months_of, "months such as 1-12 or 7;8"),
            ("tariff_hours", hours.hours_of, "hours of the day such as 10-15;18-21 or 23-7"),
        ):
            try:
                read(row[column])
            except ValueError as error:
                sound = False
                problems.add("value", row["source_file"], row["source_row"], column, found=str(error), expected=expected)
    if not sound:
        return
    for tariff in dict.fromkeys(row["tariff"] for row in rows):
        own = [row for row in rows if row["tariff"] == tariff]
        for begin in sorted({row["valid_from"] for row in own if row["valid_from"] is not None}):
            held = [row for row in own if row["valid_from"] is not None and row["valid_from"] <= begin]
            held = [row for row in held if row["valid_to"] is None or row["valid_to"] > begin]
            for month, hour, count in hours.uncovered(held):
                row, found = own[0], f"{count} prices for hour {hour} of month {month}"
                where = (row["source_file"], row["source_row"], "tariff_hours")
                problems.add("value", *where, found=found, expected=f"one price of {tariff} for each hour of each month")
                break


TARIFF = source(
    "optimisation.tariff",
    path="registers/station_tariffs.csv",
    columns=[
        *("tariff", "tariff_period", "carrier", "tariff_months", "tariff_hours", "unit_price", "valid_from", "valid_to"),
        *("document", *TOLD),
    ],
    optional=("tariff_months", "tariff_hours", "valid_to"),
    grain=["tariff", "tariff_period", "valid_from"],
    during=("valid_from", "valid_to"),
    key_of_period=("tariff", "tariff_period"),
    choices={"carrier": CARRIERS, "review": REVIEW},
    ranges={"unit_price": (-100, 100)},
    check=_check_tariffs,
    title_zh="能源站价格",
    title_en="Prices of energy stations",
    doc="What a kWh that a station buys or sells costs, by month and hour of the day, since when, and by which document.",
)

CLAIM = source(
    "optimisation.station_claim",
    path="registers/station_claims.csv",
    columns=[
        *("energy_station", "claim_measure", "claim_id", "station_unit", "reference_efficiency"),
        *("assumed_zh", "assumed_en"),
    ],
    optional=("station_unit", "reference_efficiency"),
    grain=["energy_station", "claim_measure", "claim_id"],
    references={
        "energy_station": "optimisation.energy_station.energy_station",
        "claim_id": "indicators.statement.claim_id",
    },
    choices={"claim_measure": MEASURES},
    ranges={"reference_efficiency": (0.1, 1.2)},
    title_zh="能源站的陈述",
    title_en="Statements on energy stations",
    doc="Which statement of a report is about which figure of an energy station, and what must be assumed to compare them.",
)
