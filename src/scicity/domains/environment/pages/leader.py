"""What the environment puts on the leader's screen."""

from __future__ import annotations

from typing import Any

from scicity.domains.environment.pages import asked


def cards(city: Any) -> list[dict[str, Any]]:
    """PM2.5 and good days of the newest full year at each station, with the year before and the trend."""
    year = asked.full_year(city)
    found = []
    for station in asked.stations(city):
        air = city.rows("environment.air_yearly", where={"station": station["station"], "pollutant": "pm25"}, order=["year"])
        where = {"station": station["station"], "in_force": True}
        days = city.rows("environment.air_good_days", where=where, order=["year"])
        name_zh, name_en = station["name_zh"], station["name_en"]
        found += [
            _card(air, "concentration_of_valid_days", year, (f"PM2.5 年均 · {name_zh}", f"PM2.5, yearly mean · {name_en}")),
            _card(days, "good_day_share", year, (f"优良天数比例 · {name_zh}", f"Good days · {name_en}")),
        ]
    return [card for card in found if card]


def _card(rows: list[Any], column: str, year: int | None, name: tuple[str, str]) -> dict[str, Any] | None:
    by_year = {row["year"]: row for row in rows}
    if year not in by_year:
        return None
    before = by_year.get(year - 1)
    return {
        "zh": name[0],
        "en": name[1],
        "figure": by_year[year].figure(column),
        "period": year,
        "previous": before.figure(column) if before else None,
        "previous_period": year - 1,
        "trend": [row.figure(column) for row in rows if (row["coverage"] or 0) >= asked.FULL],
        "page": "/environment/",
    }
