"""What the pages of enterprises and of the district's inventory ask. No Django here."""

from __future__ import annotations

from datetime import date
from typing import Any

from scicity.domains.carbon.pages.words import NOTATIONS, named, pair, whose

WHOLE = "district"


def by_enterprise(city: Any, zone: str, year: int) -> list[dict[str, Any]]:
    """The emissions of a zone's year by whose they are, most first."""
    names = whose(city)
    known = {row["enterprise"] for row in city.rows("buildings.enterprise", ["enterprise"])}
    market = {row["enterprise"]: row for row in city.rows("carbon.market_based_yearly", where={"year": year})}
    rows = city.rows("carbon.enterprise_total_yearly", where={"zone": zone, "year": year}, order=["-emission"])
    return [
        {
            "row": row,
            "name": pair(names, row["enterprise"]),
            "opens": row["enterprise"] in known,
            "market": market.get(row["enterprise"]),
        }
        for row in rows
    ]


def carriers_of(city: Any, enterprise: str, year: int) -> list[dict[str, Any]]:
    """The accounts of an enterprise's year by carrier."""
    names = named(city, "carbon.carrier", "carrier")
    where = {"zone": WHOLE, "enterprise": enterprise, "year": year}
    rows = city.rows("carbon.enterprise_emission_yearly", where=where, order=["emission_scope", "carrier"])
    return [{"row": row, "name": pair(names, row["carrier"])} for row in rows]


def form(city: Any, enterprise: str, year: int) -> list[dict[str, Any]]:
    """The lines of an enterprise's inventory in the order of the form."""
    rows = {
        row["inventory_item"]: row
        for row in city.rows("carbon.inventory_enterprise", where={"enterprise": enterprise, "year": year})
    }
    items = city.rows("carbon.inventory_item", order=["source_row"])
    return [
        {"item": item, "row": rows[item["inventory_item"]], "notation": _notation(rows[item["inventory_item"]])}
        for item in items
        if item["inventory_item"] in rows
    ]


def _notation(row: Any) -> tuple[str, str] | None:
    return pair(NOTATIONS, row["notation"]) if row["notation"] else None


def months(city: Any, enterprise: str, year: int) -> dict[str, Any]:
    """The chart of an enterprise's months by carrier."""
    days = [date(year, month, 1) for month in range(1, 13)]
    where = {"zone": WHOLE, "enterprise": enterprise, "month": days}
    rows = {(row["carrier"], row["month"]): row for row in city.rows("carbon.enterprise_emission_monthly", where=where)}
    names = named(city, "carbon.carrier", "carrier")
    shown = [name for name in names if any(carrier == name for carrier, _ in rows)]
    series = [
        {
            "name": names[carrier],
            "figures": [rows[carrier, day].figure("emission") if (carrier, day) in rows else None for day in days],
        }
        for carrier in shown
    ]
    labels = [f"{day:%Y-%m}" for day in days]
    return {"id": "months", "kind": "bar", "unit": "kg", "axis": ("月", "Month"), "labels": labels, "series": series}


def gpc(city: Any, year: int) -> list[dict[str, Any]]:
    """The lines of the district's inventory: sectors in their order, and what is said where there are no data."""
    rows = {(row["gpc_sector"], row["emission_scope"]): row for row in city.rows("carbon.inventory_gpc", where={"year": year})}
    sectors = city.rows("carbon.gpc_sector", order=["source_row"])
    return [
        {"sector": sector, "row": rows[key], "notation": _notation(rows[key]), "reason": _reason(rows[key])}
        for sector in sectors
        if (key := (sector["gpc_sector"], sector["emission_scope"])) in rows
    ]


def _reason(row: Any) -> tuple[str, str] | None:
    return (row["reason_zh"], row["reason_en"]) if row["reason_zh"] and row["notation"] else None
