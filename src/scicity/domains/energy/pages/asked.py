"""What the pages ask of the tables of energy, as charts and rows. No Django here."""

from __future__ import annotations

from datetime import date
from typing import Any

WHOLE = "district"
SEASONS = (1, 4, 7, 10)  # the months whose profiles are drawn: one of each season
CARRIERS = {"electricity": ("电力", "Electricity"), "natural_gas": ("天然气", "Natural gas"), "heat": ("热力", "Heat")}
FULL = 0.75  # a year with less of its hours than this is not the one that a page opens with
MONTHS = tuple(range(1, 13))


def carrier_name(carrier: str) -> tuple[str, str]:
    """A carrier in Chinese and English."""
    return CARRIERS.get(carrier, (carrier, carrier))


def years(city: Any) -> list[int]:
    """The years with data, oldest first."""
    return sorted({row["year"] for row in city.rows("energy.zone_yearly", ["year"])})


def full_year(city: Any) -> int | None:
    """The newest year of which most hours are known; the newest of all where there is none such."""
    rows = city.rows("energy.zone_yearly", ["coverage"], {"zone": WHOLE})
    full = [row["year"] for row in rows if (row["coverage"] or 0) >= FULL]
    return max(full or [row["year"] for row in rows], default=None)


def zones(city: Any) -> dict[str, Any]:
    """The zones by their short names, the whole first."""
    rows = city.rows("district.zone")
    return {row["zone"]: row for row in sorted(rows, key=lambda row: (row["zone"] != WHOLE, row["zone"]))}


def carriers(city: Any, zone: str, year: int) -> list[Any]:
    """The yearly rows of a zone, one per carrier, electricity first."""
    rows = city.rows("energy.zone_yearly", where={"zone": zone, "year": year})
    return sorted(rows, key=lambda row: list(CARRIERS).index(row["carrier"]) if row["carrier"] in CARRIERS else 9)


def profile(city: Any, zone: str, carrier: str, year: int) -> dict[str, Any]:
    """The chart of the energy of each local hour of the day, in four months of a year."""
    months = [date(year, month, 1) for month in SEASONS]
    rows = city.rows("energy.zone_profile", where={"zone": zone, "carrier": carrier, "month": months})
    by_hour = {(row["month"], row["hour_of_day"]): row for row in rows}
    hours = range(24)
    series = [
        {"name": (f"{m.month}月", f"{m:%B}"), "figures": [figure(by_hour.get((m, hour)), "energy") for hour in hours]}
        for m in months
        if any((m, hour) in by_hour for hour in hours)
    ]
    labels = [f"{hour:02d}:00" for hour in hours]
    return {"id": "profile", "kind": "line", "unit": "kWh", "axis": ("时段", "Hour"), "labels": labels, "series": series}


def calendar(city: Any, table: str, key: dict[str, Any], year: int) -> dict[str, Any]:
    """The calendar of a year's daily energy."""
    rows = city.rows(table, where=key)
    figures = {row["day"]: row.figure("energy") for row in rows if row["day"].year == year}
    return {"id": "calendar", "kind": "calendar", "unit": "kWh", "figures": figures}


def months(city: Any, table: str, key: dict[str, Any], year: int) -> dict[str, Any]:
    """The chart of a year's months, one series per carrier."""
    days = [date(year, month, 1) for month in MONTHS]
    rows = {(row["carrier"], row["month"]): row for row in city.rows(table, where={**key, "month": days})}
    found = [carrier for carrier in CARRIERS if any(c == carrier for c, _ in rows)]
    series = [
        {"name": carrier_name(carrier), "figures": [figure(rows.get((carrier, day)), "energy") for day in days]}
        for carrier in found
    ]
    labels = [f"{day:%Y-%m}" for day in days]
    return {"id": "months", "kind": "bar", "unit": "kWh", "axis": ("月", "Month"), "labels": labels, "series": series}


def flows(city: Any, year: int) -> dict[str, Any]:
    """The Sankey of a year: carrier → zone → building. Every link is a figure; a building without a known year has none."""
    names = zones(city)
    registered = {row["building"]: row for row in city.rows("buildings.building")}
    links = []
    for row in city.rows("energy.zone_yearly", where={"year": year}):
        if row["zone"] != WHOLE and row["energy"]:
            zone = names.get(row["zone"], {"name_zh": row["zone"], "name_en": row["zone"]})
            target = (zone["name_zh"], zone["name_en"])
            links.append({"source": carrier_name(row["carrier"]), "target": target, "figure": row.figure("energy")})
    for row in city.rows("energy.consumption_yearly", where={"year": year}):
        building = registered.get(row["building"])
        if building and row["energy"]:
            zone = names.get(building["zone"], {"name_zh": building["zone"], "name_en": building["zone"]})
            source, target = (zone["name_zh"], zone["name_en"]), (building["name_zh"], building["name_en"])
            links.append({"source": source, "target": target, "figure": row.figure("energy")})
    return {"id": "flows", "kind": "sankey", "unit": "kWh", "measure": ("能耗", "Energy"), "links": links}


def buildings(city: Any, zone: str, year: int) -> list[dict[str, Any]]:
    """The buildings of a zone with their yearly rows by carrier."""
    registered = [row for row in city.rows("buildings.building") if zone in (WHOLE, row["zone"])]
    rows = {(row["building"], row["carrier"]): row for row in city.rows("energy.consumption_yearly", where={"year": year})}
    found = [carrier for carrier in CARRIERS if any(c == carrier for _, c in rows)]
    return [{"row": row, "cells": [rows.get((row["building"], carrier)) for carrier in found]} for row in registered]


def carriers_present(city: Any, year: int) -> list[str]:
    """The carriers that any building has in a year."""
    present = {row["carrier"] for row in city.rows("energy.consumption_yearly", ["carrier"], {"year": year})}
    return [carrier for carrier in CARRIERS if carrier in present]


def day_of(city: Any, building: str, day: date) -> dict[str, Any]:
    """The chart of the hours of one day of a building, one series per carrier."""
    return hours_of_day(city, "energy.consumption_hourly", {"building": building}, day)


def hours_of_day(city: Any, table: str, key: dict[str, Any], day: date) -> dict[str, Any]:
    """The chart of the hours of one day of what a key names in a table of hours, one series per carrier."""
    rows = city.rows(table, where={**key, "day": day}, order=["hour"])
    hours = list(dict.fromkeys(row["hour"] for row in rows))
    by_hour = {(row["carrier"], row["hour"]): row for row in rows}
    tz = city.district.calendar.tz
    series = [
        {"name": carrier_name(carrier), "figures": [figure(by_hour.get((carrier, hour)), "energy") for hour in hours]}
        for carrier in CARRIERS
        if any(c == carrier for c, _ in by_hour)
    ]
    labels = [f"{hour.astimezone(tz):%H:%M}" for hour in hours]
    return {"id": "day", "kind": "line", "unit": "kWh", "axis": ("时刻", "Hour"), "labels": labels, "series": series}


def day_or(text: str, default: date) -> date:
    """The day that a text names, or another where it names none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return default


def figure(row: Any, column: str) -> Any:
    """A cell as a figure; a missing row is None."""
    return row.figure(column) if row else None
