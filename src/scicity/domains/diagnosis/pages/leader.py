"""What diagnosis puts on the leader's screen."""

from __future__ import annotations

from typing import Any

from scicity.domains.diagnosis.pages import asked


def cards(city: Any) -> list[dict[str, Any]]:
    """The finding that is worth most carbon dioxide in the newest year."""
    year = city.year("diagnosis.measure_ranked")
    entry = next(iter(asked.ranked(city, year)), None) if year else None
    if entry is None or entry["kind"] is None or entry["building"] is None:
        return []
    kind, building = entry["kind"], entry["building"]
    return [
        {
            "zh": "最值得处理的异常",
            "en": "The finding worth most",
            "figure": entry["row"].figure("excess_energy"),
            "period": year,
            "note": (f"{building['name_zh']}：{kind['name_zh']}", f"{building['name_en']}: {kind['name_en']}"),
            "page": f"/diagnosis/?year={year}",
        }
    ]
