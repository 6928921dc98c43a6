"""What carbon puts on the leader's screen."""

from __future__ import annotations

from typing import Any

from scicity.domains.carbon.pages import asked

CARDS = (
    ("emission", ("碳排放（范围一、二）", "Carbon emissions, scopes 1 and 2")),
    ("emission_intensity", ("单位面积碳排放", "Emissions per floor area")),
)


def cards(city: Any) -> list[dict[str, Any]]:
    """The emissions of the newest full year, with the year before and the trend; and the standard coal."""
    year = asked.full_year(city)
    if year is None:
        return []
    history = city.rows("carbon.zone_total_yearly", where={"zone": asked.WHOLE}, order=["year"])
    found = [_card(history, column, name, year) for column, name in CARDS]
    for entry in asked.coal(city, asked.WHOLE, year):
        where = {"zone": asked.WHOLE, "purpose": entry["row"]["purpose"]}
        books = city.rows("carbon.standard_coal_total", where=where, order=["year"])
        found.append(_card(books, "standard_coal", entry["name"], year))
    return [card for card in found if card]


def _card(history: list[Any], column: str, name: tuple[str, str], year: int) -> dict[str, Any] | None:
    by_year = {row["year"]: row for row in history}
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
        "trend": [row.figure(column) for row in history if (row["coverage"] or 0) >= asked.FULL],
        "page": f"/carbon/?year={year}",
    }
