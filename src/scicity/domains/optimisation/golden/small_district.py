"""A district of one zone with a metered building, weather of a year and energy stations, written by hand."""

from __future__ import annotations

import csv
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from scicity.city import City

HOURS = 366 * 24
BEGIN = datetime(2022, 12, 31, 16, tzinfo=UTC)  # midnight in Shanghai
TOML = """[district]
slug = "small"
name = { zh = "小区", en = "Small" }
timezone = "Asia/Shanghai"

[[zone]]
zone = "district"
name_zh = "小区"
name_en = "Small"
area = 1000000
source = "invented"
"""
STATION = {
    **{"energy_station": "yard", "name_zh": "站", "name_en": "Yard", "zone": "district", "longitude": "116.4"},
    **{"latitude": "40.1", "service_area": "10000", "weather_station": "mast", "origin": "manual", "source": "invented"},
    **{"review": "verified"},
}
UNIT = {
    "energy_station": "yard",
    "name_zh": "设备",
    "name_en": "unit",
    "origin": "manual",
    "source": "invented",
    "review": "verified",
}
UNITS = [
    {
        "station_unit": "grid",
        "unit_kind": "grid",
        "tariff": "power",
        "export_tariff": "sold",
        "export_capacity": "200",
        "turn": "9",
    },
    {"station_unit": "pump", "unit_kind": "air_source_heat_pump", "capacity": "500", "efficiency": "3.0", "turn": "2"}
    | {"source_temperature": "7", "supply_temperature": "45"},
    {"station_unit": "tank", "unit_kind": "thermal_storage", "carrier": "heat", "capacity": "100", "storage_capacity": "600"}
    | {"hourly_loss": "0.01", "charging_hours": "23-7", "discharging_hours": "8-20", "turn": "1"},
    {"station_unit": "pv", "unit_kind": "pv", "capacity": "120", "tilt": "30", "azimuth": "180"},
    {"station_unit": "battery", "unit_kind": "battery", "capacity": "50", "storage_capacity": "100", "turn": "3"}
    | {"charge_efficiency": "0.95", "discharge_efficiency": "0.95", "running_cost": "0.01"},
]
DEMAND = {
    "energy_station": "yard",
    "name_zh": "负荷",
    "name_en": "demand",
    "origin": "manual",
    "source": "invented",
    "review": "verified",
}
DEMANDS = [
    {"demand": "warmth", "carrier": "heat", "floor_area": "10000", "load_slope": "1.2", "balance_temperature": "16"}
    | {"active_from": "11-15", "active_to": "03-15"},
    {"demand": "power", "carrier": "electricity", "building": "house", "metered_carrier": "electricity", "demand_ratio": "2"},
]
TARIFF = {"carrier": "electricity", "valid_from": "2022-01-01", "document": "none", "origin": "manual", "source": "invented"}
TARIFFS = [
    {"tariff": "power", "tariff_period": "day", "tariff_hours": "7-23", "unit_price": "1.0"},
    {"tariff": "power", "tariff_period": "night", "tariff_hours": "23-7", "unit_price": "0.4"},
    {"tariff": "sold", "tariff_period": "all", "unit_price": "0.3"},
]
FACTOR = {
    **{"factor": "grid", "carrier": "electricity", "emission_scope": "2", "region": "north", "quantity": "grid_mean"},
    **{"printed": "0.5", "unit": "kg/kWh", "data_year": "2023", "valid_from": "2023-01-01", "valid_to": "2024-01-01"},
    **{"document": "公告", "published_on": "2025-01-01", "gas": "CO2", "boundary": "direct", "review": "unverified"},
}
CHOICE = {
    **{"purpose": "location_based", "carrier": "electricity", "factor": "grid", "valid_from": "2023-01-01"},
    **{"reason_zh": "因为", "reason_en": "because"},
}
METER = {"meter": "m", "carrier": "electricity", "role": "main", "zero_is_gap": "false", "origin": "measured"}
INSTALLATION = {"meter": "m", "valid_from": "2022-12-01", "building": "house", "serial": "1", "multiplier": "1"}
STREAMS = [
    {"datastream": "m.energy", "thing": "m", "property": "energy_increment", "unit": "kWh", "flow": "forward"},
    {"datastream": "mast.t", "thing": "mast", "property": "air_temperature", "unit": "degC"},
    {"datastream": "mast.v", "thing": "mast", "property": "wind_speed", "unit": "m/s"},
]

# A report that says what the registers hold, and once something else.
TEXT = "这个站服务面积10000平方米。光伏容量120千瓦，热泵供热占比90%。"
STATEMENT = {
    "document": "report.zh.txt",
    "section": "1",
    "topic": "energy",
    "subject_zh": "站",
    "subject_en": "Yard",
    "line": "1",
}
STATEMENTS = [
    {
        "claim_id": "Y1",
        "measure_en": "service area",
        "value": "10000",
        "value_reported": "10000",
        "unit": "m2",
        "quote_zh": "服务面积10000平方米",
    },
    {
        "claim_id": "Y2",
        "measure_en": "capacity",
        "value": "120000",
        "value_reported": "120",
        "unit": "W",
        "quote_zh": "光伏容量120千瓦",
    },
    {
        "claim_id": "Y3",
        "measure_en": "share of heat pumps",
        "value": "90",
        "value_reported": "90",
        "unit": "%",
        "quote_zh": "热泵供热占比90%",
    },
]
CLAIMS = [
    {"claim_id": "Y1", "claim_measure": "service_area"},
    {"claim_id": "Y2", "claim_measure": "capacity", "station_unit": "pv"},
    {"claim_id": "Y3", "claim_measure": "heat_pump_share"},
]


def write(file: Path, rows: list[dict[str, Any]]) -> None:
    """A CSV of rows, its columns those of any of them."""
    file.parent.mkdir(parents=True, exist_ok=True)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, columns)
        writer.writeheader()
        writer.writerows(rows)


def folder(root: Path, hours: int = HOURS, begin: datetime = BEGIN) -> Path:
    """The district's folder, its readings of so many hours from an instant on."""
    place = root / "small"
    place.mkdir(parents=True)
    (place / "district.toml").write_text(TOML, encoding="utf-8")
    registers = place / "registers"
    write(registers / "energy_stations.csv", [STATION])
    write(registers / "station_units.csv", [UNIT | each for each in UNITS])
    write(registers / "station_demands.csv", [DEMAND | each for each in DEMANDS])
    write(registers / "station_tariffs.csv", [TARIFF | {"review": "verified"} | each for each in TARIFFS])
    write(place / "factors" / "grid.csv", [FACTOR])
    write(registers / "factor_choices.csv", [CHOICE])
    write(
        registers / "buildings.csv",
        [{"building": "house", "zone": "district", "name_zh": "楼", "name_en": "House", "origin": "manual"}],
    )
    write(registers / "meters.csv", [METER])
    write(registers / "installations.csv", [INSTALLATION])
    write(registers / "datastreams.csv", [each | {"interval_seconds": "3600", "origin": "measured"} for each in STREAMS])
    assumed = {"energy_station": "yard", "assumed_zh": "照写", "assumed_en": "as it says"}
    write(registers / "station_claims.csv", [assumed | each for each in CLAIMS])
    write(
        place / "statements" / "report.csv", [STATEMENT | {"comparator": "=", "status": "actual"} | each for each in STATEMENTS]
    )
    (place / "statements" / "report.zh.txt").write_text(TEXT + "\n", encoding="utf-8")
    write(place / "readings" / "all.csv", readings(hours, begin))
    return place


def readings(hours: int, begin: datetime) -> list[dict[str, Any]]:
    """Weather that repeats itself year by year, and a building that uses 20 kWh an hour by night and 60 by day."""
    rows = []
    for hour in range(hours):
        time = begin + timedelta(hours=hour)
        day, of_day = (time - datetime(2022, 12, 31, 16, tzinfo=UTC)).total_seconds() / 86400, (time.hour + 8) % 24
        outside = 12 - 15 * math.cos(2 * math.pi * (day - 15) / 365) + 5 * math.sin(2 * math.pi * (of_day - 9) / 24)
        rows += [
            {"datastream": "mast.t", "time": time.isoformat(), "value": f"{outside:.2f}"},
            {"datastream": "mast.v", "time": time.isoformat(), "value": "2.0"},
            {
                "datastream": "m.energy",
                "time": (time + timedelta(hours=1)).isoformat(),
                "value": 60 if 8 <= of_day < 20 else 20,
            },
        ]
    return rows


def city(root: Path, **how: Any) -> City:
    """The district, loaded and computed."""
    found = City(folder(root, **how), root / "state")
    found.load()
    found.compute()
    return found
