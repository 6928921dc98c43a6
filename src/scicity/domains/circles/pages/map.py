"""What living circles put on the map: each home with whether it has a circle, and the facilities of each class."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from scicity.domains.circles.pages import asked

CIRCLES = {"service": "service-15", "park": "park-15"}
LAYERS = {
    "service": ("15分钟社区服务圈", "15-minute service circle"),
    "park": ("15分钟公园生活圈", "15-minute park circle"),
}
WORDS = {True: ("满足", "met"), False: ("不满足", "not met"), None: ("不详", "not known")}


def features(city: Any, name: str, language: str) -> list[dict[str, Any]]:
    """The homes of the newest day, as GeoJSON; the label says whether they have the circle and what is missing."""
    known = asked.days(city)
    if name not in LAYERS or not known:
        return []
    day, chinese = known[-1]["day"], language == "zh"
    classes = asked.rules(city, "facility_class")
    met = {row["cell"]: row for row in city.rows("circles.circle_cell", where={"day": day, "circle": CIRCLES[name]})}
    found = []
    for row in city.rows("circles.resident", where={"day": day, "age_group": "all"}):
        said = met.get(row["cell"])
        if said is None:
            continue
        missing = [
            classes[each]["name_zh" if chinese else "name_en"] for each in said["classes_missing"].split() if each in classes
        ]
        words = LAYERS[name][not chinese] + ("：" if chinese else ": ") + WORDS[said["circle_met"]][not chinese]
        if missing:
            words += ("；缺 " if chinese else "; missing ") + ("、" if chinese else ", ").join(missing)
        properties = {
            "id": row["cell"],
            "kind": f"circle-{'met' if said['circle_met'] else 'unmet' if said['circle_met'] is False else 'unknown'}",
            "label": words,
            "origin": "stand-in" if said["stand_in"] or row["stand_in"] else said["origin"],
            "zone": row["zone"],
            "url": f"/circles/cells/{row['cell']}/?" + urlencode({"day": str(day)}),
        }
        place = {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]}
        found.append({"type": "Feature", "geometry": place, "properties": properties})
    return found
