"""What dual control puts on the leader's screen."""

from __future__ import annotations

from typing import Any

from scicity.domains.control.pages import asked

LOOKS = {"good": "good", "bad": "bad"}


def cards(city: Any) -> list[dict[str, Any]]:
    """How much of each of the district's budgets is used, and whether the year will stay within it."""
    year = asked.year_shown(city)
    if year is None:
        return []
    found = []
    for entry in asked.states(city, year):
        row, measure, (zh, en, look) = entry["row"], entry["budget_measure"], entry["status"]
        if row["scope_kind"] != asked.WHOLE or row["used_share"] is None:
            continue
        card = {
            "zh": f"预算已用：{measure['name_zh']}",
            "en": f"Budget used: {measure['name_en']}",
            "figure": row.figure("used_share"),
            "period": year,
            "note": (zh, en),
            "page": f"/control/scopes/district/district/?year={year}",
        }
        found.append(card | ({"status": LOOKS[look]} if look in LOOKS else {}))
    return found
