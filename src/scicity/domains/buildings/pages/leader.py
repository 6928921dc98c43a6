"""What buildings put on the leader's screen."""

from __future__ import annotations

from typing import Any

from scicity.domains.buildings.pages import asked
from scicity.kernel.district import ROOT_ZONE


def cards(city: Any) -> list[dict[str, Any]]:
    """The promise that is furthest behind in the newest year, and the largest rating scheme's share at its upper levels."""
    return [*_behind(city), *_share(city)]


def _behind(city: Any) -> list[dict[str, Any]]:
    years = asked.promise_years(city)
    judged = [entry for year in years[-1:] for entry in asked.ranked(city, year) if entry["row"]["gap_share"] is not None]
    if not judged or judged[0]["building"] is None:
        return []
    first, row = judged[0], judged[0]["row"]
    built, measure = first["building"], first["measure"]
    return [
        {
            "zh": "与承诺差距最大",
            "en": "Furthest behind its promise",
            "figure": row.figure("gap_share"),
            "period": row["year"],
            "note": (f"{built['name_zh']}：{measure['name_zh']}", f"{built['name_en']}: {measure['name_en']}"),
            "page": f"/buildings/promises/?year={row['year']}",
            **({"status": first["verdict"][2]} if first["verdict"][2] else {}),
        }
    ]


def _share(city: Any) -> list[dict[str, Any]]:
    years = asked.label_years(city)
    shares = [entry for entry in (asked.shares(city, years[-1], ROOT_ZONE) if years else []) if len(entry["rows"]) > 1]
    if not shares:
        return []
    entry = shares[0]
    upper = entry["rows"][1] if len(entry["rows"]) > 2 else entry["rows"][0]  # the second highest level or above
    level, (zh, en) = upper["level"], entry["name"]
    trend = city.rows(
        "buildings.label_yearly",
        where={"zone": ROOT_ZONE, "label_scheme": entry["scheme"], "label_level": upper["row"]["label_level"]},
        order=["year"],
    )
    return [
        {
            "zh": f"{zh}：{level['name_zh']}及以上占比",
            "en": f"{en}: {level['name_en']} or above",
            "figure": upper["row"].figure("share_at_least"),
            "period": upper["row"]["year"],
            "trend": [row.figure("share_at_least") for row in trend],
            "page": "/buildings/",
        }
    ]
