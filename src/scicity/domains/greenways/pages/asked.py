"""What the page of parks and greenways asks of the tables."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from scicity.kernel.district import ROOT_ZONE

ANY = "any"
NETWORKS = {"slow": ("步行或骑行", "walking or cycling"), "walking": ("步行", "walking"), "cycling": ("骑行", "cycling")}
BASES = {"growth": ("城镇开发边界内", "within the urban growth boundary"), "zone": ("分区全域", "the whole zone")}
MEASURES = {
    "greenway_length": ("绿道长度", "length of greenways", "m"),
    "slow_density": ("步行和自行车道路密度", "density of ways for walking and cycling", "km/km²"),
    "park_area": ("公园面积", "area of parks", "m²"),
    "parks_counted": ("公园数", "number of parks", ""),
    "green_area": ("绿地面积", "area of green space", "m²"),
    "circle_share": ("服务圈面积占比", "share of area within the circle", "%"),
    "park_per_resident": ("人均公园面积", "park area per resident", "m²"),
}


def today(city: Any) -> date:
    """The district's day of now."""
    return datetime.now(city.district.calendar.tz).date()


def days(city: Any) -> list[Any]:
    """The days of the accounts, oldest first."""
    return city.rows("planning.account_day", order=["day"])


def day_of(found: list[Any], asked_for: str, now: date) -> Any:
    """The day that is asked for; else the last that is not in the future."""
    chosen = next((row for row in found if row["day"].isoformat() == asked_for), None)
    past = [row for row in found if row["day"] <= now]
    return chosen or (past[-1] if past else found[0] if found else None)


def by_zone(city: Any, table: str, day: date, **where: Any) -> list[Any]:
    """The rows of an account on a day, the district first."""
    rows = city.rows(table, where={"day": day} | where)
    return sorted(rows, key=lambda row: (row["zone"] != ROOT_ZONE, row["zone"] == "outside", row["zone"]))


def classes(city: Any) -> dict[str, Any]:
    """The classes of parks; the district's own go first."""
    return {
        row["park_class"]: row for table in ("greenways.park_class", "greenways.own_park_class") for row in city.rows(table)
    }


def circles(city: Any, day: date) -> list[dict[str, Any]]:
    """The circles of the district by class, all parks first."""
    known = classes(city)
    rows = city.rows("greenways.park_circle", where={"day": day, "zone": ROOT_ZONE})
    return [
        {"row": row, "class": known.get(row["park_class"])}
        for row in sorted(rows, key=lambda row: (row["park_class"] != ANY, -row["circle_area"]))
    ]


def parks(city: Any, day: date) -> list[dict[str, Any]]:
    """The parks that there are on a day, the largest first."""
    known, moment = classes(city), city.district.calendar.instant(day) / 1e6
    rows = [
        row
        for row in city.rows("greenways.park")
        if (row["valid_from"] is None or row["valid_from"].timestamp() <= moment)
        and (row["valid_to"] is None or row["valid_to"].timestamp() > moment)
    ]
    rows.sort(key=lambda row: (-(row["park_area"] or 0), row["feature"]))
    return [{"row": row, "class": known.get(row["park_class"]), "small": _small(row)} for row in rows]


def _small(row: Any) -> bool:
    return row["park_area"] is not None and row["least_area"] is not None and row["park_area"] < row["least_area"]


def claims(city: Any, day: date) -> list[dict[str, Any]]:
    """What reports say beside what the map comes to on a day."""
    said = {row["claim_id"]: row for row in city.rows("indicators.statement")}
    told = {(row["claim_id"], row["green_measure"]): row for row in city.rows("greenways.claim")}
    return [
        {
            "row": row,
            "said": said.get(row["claim_id"]),
            "claim": told.get((row["claim_id"], row["green_measure"])),
            "measure": MEASURES.get(row["green_measure"], (row["green_measure"],) * 2 + ("",)),
        }
        for row in city.rows("greenways.claim_check", where={"day": day}, order=["claim_id"])
    ]


def chart(city: Any) -> dict[str, Any] | None:
    """Green space and parks for each resident of the district over the days."""
    rows = city.rows("greenways.green_account", where={"zone": ROOT_ZONE}, order=["day"])
    if len(rows) < 2:
        return None
    return {
        "id": "per-resident",
        "kind": "bar",
        "unit": "m²",
        "title": ("人均绿地与公园面积", "Green space and parks for each resident"),
        "note": ("居民数取同一来源", "with the same residents on each day"),
        "axis": ("日期", "Day"),
        "labels": [row["day"].isoformat() for row in rows],
        "series": [
            {"name": ("人均绿地", "green space"), "figures": [row.figure("green_per_resident") for row in rows]},
            {"name": ("人均公园", "parks"), "figures": [row.figure("park_per_resident") for row in rows]},
        ],
    }
