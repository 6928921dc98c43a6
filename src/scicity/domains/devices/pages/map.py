"""What devices put on the map: each place with what is said of the things there."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from scicity.domains.devices.methods.verdicts import STATES
from scicity.domains.devices.pages import asked

LAYERS = {"health": ("设备状态", "Health of devices")}


def features(city: Any, name: str, language: str) -> list[dict[str, Any]]:
    """The things of a district that have a place, as GeoJSON; the label says in words how many of their datastreams are how."""
    if name not in LAYERS:
        return []
    at: dict[tuple[float, float], list[asked.Said]] = {}
    for said in asked.everything(city, datetime.now(UTC), None, {}):
        if said.place.longitude is not None and said.place.latitude is not None:
            at.setdefault((said.place.longitude, said.place.latitude), []).append(said)
    return [_feature(place, found, language) for place, found in at.items()]


def _feature(at: tuple[float, float], found: list[asked.Said], language: str) -> dict[str, Any]:
    names = list(dict.fromkeys(str(said.place.building or said.stream["thing"]) for said in found))
    count = Counter(said.states[0] for said in found)
    words = [f"{asked.WORDS[state][language != 'zh']} {count[state]}" for state in STATES if count[state]]
    between = ("、", "：") if language == "zh" else (", ", ": ")
    things = sorted({said.stream["thing"] for said in found})
    asked_for = {"thing": things[0]} if len(things) == 1 else {"q": names[0]}
    properties = {
        "id": names[0],
        "kind": "health",
        "label": between[1].join((between[0].join(names), between[0].join(words))),
        "origin": None,
        "zone": found[0].place.zone,
        "url": "/devices/?" + urlencode(asked_for),
    }
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": list(at)}, "properties": properties}
