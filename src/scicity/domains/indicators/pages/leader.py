"""What indicators put on the leader's screen: how many stand where, and the newest values with a target."""

from __future__ import annotations

from typing import Any

from scicity.domains.indicators.pages import standing

SHOWN = 4


def cards(city: Any) -> list[dict[str, Any]]:
    """Values of indicators: those with a target first, then printed ones; measured ones stand with their domain."""
    names = {row["indicator"]: row for row in city.rows("indicators.indicator")}
    newest: dict[str, Any] = {}
    rows = city.rows("indicators.status", where={"zone": standing.WHOLE}, order=["year"])
    for row in rows:
        if row["value"] is not None and row["kind"] == "number":
            newest[row["indicator"]] = row
    ranked = sorted(newest.values(), key=lambda row: (row["target"] is None, row["origin"] == "measured", -row["year"]))
    found = []
    for row in ranked[:SHOWN]:
        about = names[row["indicator"]]
        progress = standing.PROGRESS.get(row["progress"], (row["progress"], row["progress"], ""))
        history = [r for r in rows if (r["indicator"], r["origin"]) == (row["indicator"], row["origin"])]
        before = next((r for r in reversed(history) if r["year"] < row["year"]), None)
        found.append(
            {
                "zh": about["name_zh"],
                "en": about["name_en"],
                "figure": row.figure("value"),
                "period": row["year"],
                "previous": before.figure("value") if before else None,
                "previous_period": before["year"] if before else None,
                "trend": [r.figure("value") for r in history],
                "note": progress[:2],
                "status": progress[2],
                "page": "/indicators/",
            }
        )
    return found
