"""What the pages ask of the tables of carbon. No Django here."""

from __future__ import annotations

from datetime import date
from typing import Any

from scicity.domains.carbon.pages.words import MISSING, PURPOSES, named, pair

WHOLE = "district"
FULL = 0.75  # a year with less of its hours than this is not the one that a page opens with


def years(city: Any) -> list[int]:
    """The years with accounts, oldest first."""
    return sorted({row["year"] for row in city.rows("carbon.zone_total_yearly", ["year"])})


def full_year(city: Any) -> int | None:
    """The newest year of which most is known; the newest of all where there is none such."""
    rows = city.rows("carbon.zone_total_yearly", ["coverage"], {"zone": WHOLE})
    full = [row["year"] for row in rows if (row["coverage"] or 0) >= FULL]
    return max(full or [row["year"] for row in rows], default=None)


def months(city: Any, zone: str, year: int) -> dict[str, Any]:
    """The chart of a year's months: scope 1 and scope 2."""
    days = [date(year, month, 1) for month in range(1, 13)]
    rows = {row["month"]: row for row in city.rows("carbon.zone_total_monthly", where={"zone": zone, "month": days})}
    series = [
        {"name": name, "figures": [rows[day].figure(column) if day in rows else None for day in days]}
        for column, name in (
            ("direct_emission", ("范围一 直接", "Scope 1, direct")),
            ("indirect_emission", ("范围二 间接", "Scope 2, indirect")),
        )
    ]
    labels = [f"{day:%Y-%m}" for day in days]
    return {"id": "months", "kind": "bar", "unit": "kg", "axis": ("月", "Month"), "labels": labels, "series": series}


def trend(city: Any) -> dict[str, Any]:
    """The chart of the years of each zone."""
    shown = years(city)
    zones = {row["zone"]: row for row in city.rows("district.zone")}
    rows = {(row["zone"], row["year"]): row for row in city.rows("carbon.zone_total_yearly")}
    series = [
        {
            "name": (zone["name_zh"], zone["name_en"]),
            "figures": [rows[name, year].figure("emission") if (name, year) in rows else None for year in shown],
        }
        for name, zone in sorted(zones.items(), key=lambda item: (item[0] != WHOLE, item[0]))
        if any(key[0] == name for key in rows)
    ]
    return {"id": "trend", "kind": "bar", "unit": "kg", "axis": ("年", "Year"), "labels": shown, "series": series}


def by_carrier(city: Any, zone: str, year: int) -> list[dict[str, Any]]:
    """The accounts of a zone's year by carrier and scope, each with why it differs from the year before."""
    names = named(city, "carbon.carrier", "carrier")
    changed = {
        (row["carrier"], row["emission_scope"]): row
        for row in city.rows("carbon.change_cause", where={"zone": zone, "year": year})
    }
    rows = city.rows("carbon.zone_emission_yearly", where={"zone": zone, "year": year}, order=["emission_scope", "carrier"])
    return [
        {"row": row, "name": pair(names, row["carrier"]), "change": changed.get((row["carrier"], row["emission_scope"]))}
        for row in rows
    ]


def factors(city: Any, year: int) -> list[dict[str, Any]]:
    """The factors in use in a year."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    names = named(city, "carbon.carrier", "carrier")
    rows = city.rows("carbon.factor_in_use", order=["purpose", "carrier", "first_day"])
    return [
        {
            "row": row,
            "purpose": pair(PURPOSES, row["purpose"]),
            "carrier": pair(names, row["carrier"]),
            "missing": pair(MISSING, row["missing"]) if row["missing"] else None,
            "reason": (row["reason_zh"], row["reason_en"]),
        }
        for row in rows
        if row["first_day"] <= last and (row["last_day"] is None or row["last_day"] >= first)
    ]


def gaps(city: Any, year: int) -> list[dict[str, Any]]:
    """The months of a year whose energy has no factor."""
    names = named(city, "carbon.carrier", "carrier")
    rows = city.rows("carbon.factor_gap", order=["month", "carrier"])
    return [
        {"row": row, "carrier": pair(names, row["carrier"]), "missing": pair(MISSING, row["missing"])}
        for row in rows
        if row["month"].year == year
    ]


def coal(city: Any, zone: str, year: int) -> list[dict[str, Any]]:
    """The standard coal of a zone's year, one entry per book."""
    rows = city.rows("carbon.standard_coal_total", where={"zone": zone, "year": year}, order=["purpose"])
    return [{"row": row, "name": pair(PURPOSES, row["purpose"])} for row in rows]


def buildings(city: Any, zone: str, year: int) -> list[dict[str, Any]]:
    """The buildings of a zone with the emissions of a year, most first."""
    registered = {row["building"]: row for row in city.rows("buildings.building") if zone in (WHOLE, row["zone"])}
    rows = city.rows("carbon.building_total_yearly", where={"year": year}, order=["-emission"])
    return [{"row": row, "building": registered[row["building"]]} for row in rows if row["building"] in registered]
