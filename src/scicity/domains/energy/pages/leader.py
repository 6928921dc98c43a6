"""What energy puts on the leader's screen."""

from __future__ import annotations

from typing import Any

from scicity.domains.energy.pages import asked


def cards(city: Any) -> list[dict[str, Any]]:
    """Energy of the newest full year by carrier, and over the floor area, with the year before and the trend."""
    year = asked.full_year(city)
    if year is None:
        return []
    found = []
    for row in asked.carriers(city, asked.WHOLE, year):
        zh, en = asked.carrier_name(row["carrier"])
        where = {"zone": asked.WHOLE, "carrier": row["carrier"]}
        history = city.rows("energy.zone_yearly", where=where, order=["year"])
        before = next((r for r in history if r["year"] == year - 1), None)
        for column, name in (
            ("energy", (f"{zh}用量", f"{en}")),
            ("energy_intensity", (f"单位面积{zh}", f"{en} per floor area")),
        ):
            found.append(
                {
                    "zh": name[0],
                    "en": name[1],
                    "figure": row.figure(column),
                    "period": year,
                    "previous": before.figure(column) if before else None,
                    "previous_period": year - 1,
                    "trend": [r.figure(column) for r in history if (r["coverage"] or 0) >= asked.FULL],
                    "page": f"/energy/?carrier={row['carrier']}&year={year}",
                }
            )
    return found
