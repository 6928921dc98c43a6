"""What the pages ask of the tables, and whom one more place would serve. No Django here."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from scicity.domains.circles.methods import assembling, isochrones, rows
from scicity.domains.circles.methods.reaching import NONE
from scicity.kernel.district import ROOT_ZONE

AROUND = 40.0  # m around the ways that are reached, as the outline of what is within reach
RULES = {
    "facility_class": ["facility_class"],
    "travel_mode": ["travel_mode"],
    "circle": ["circle"],
    "circle_part": ["circle", "facility_class"],
}
STATES = {
    "reached": ("可达", "reached"),
    "unreached": ("无路可达", "no way there"),
    "off_network": ("附近无路", "no way near"),
    "no_facilities": ("无此类设施", "no such facility"),
}
_reaches: dict[tuple[Any, ...], assembling.Reach] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Asked:
    """The day, mode, age group and class that a page shows."""

    day: date | None
    mode: str
    group: str
    facility_class: str


@dataclass(frozen=True)
class Gap:
    """Whom a place would serve: by age group people within the limit now, newly, and whose way gets shorter; the outline of
    what it reaches (GeoJSON) and its area [m²]; `snapped` [m] is how far it is off the network, None where no way is near."""

    groups: list[dict[str, Any]]
    snapped: float | None
    outline: dict[str, Any] | None
    area: float
    newly: frozenset[str]
    served: int
    unknown: int


def rules(city: Any, name: str) -> dict[Any, Any]:
    """Rules in use by their key: the packaged ones, and in place of one of the same key the district's own."""
    key = RULES[name]
    found = {
        tuple(row[k] for k in key): row
        for table in (name, f"own_{name}")
        for row in sorted(city.rows(f"circles.{table}"), key=lambda row: row["source_row"])
    }
    return {of[0] if len(key) == 1 else of: row for of, row in found.items()}


def days(city: Any) -> list[Any]:
    """The days that access was computed for, the newest last."""
    there = {row["day"] for row in city.rows("circles.circle_coverage", ["day"])}
    known = {row["day"]: row for table in ("access_day", "own_access_day") for row in city.rows(f"circles.{table}")}
    return [known[day] for day in sorted(there) if day in known]


def asked(city: Any, given: Mapping[str, str], facility_class: str = "clinic") -> Asked:
    """What a page was asked for; what is none of the choices is the first of them."""
    known = days(city)
    day = next((row["day"] for row in known if str(row["day"]) == given.get("day")), known[-1]["day"] if known else None)
    modes, groups = list(rules(city, "travel_mode")), [row["age_group"] for row in city.rows("circles.age_group")]
    classes = list(rules(city, "facility_class"))

    def chosen(name: str, among: list[str], first: str) -> str:
        return given[name] if given.get(name) in among else first if first in among else next(iter(among), "")

    return Asked(
        day,
        chosen("mode", modes, "foot"),
        chosen("group", groups, "all"),
        chosen("class", classes, facility_class),
    )


def circles(city: Any, of: Asked) -> list[dict[str, Any]]:
    """Each circle with its coverage by zone, what it asks for, and what has no data."""
    where = {"day": of.day, "age_group": of.group}
    found = city.rows("circles.circle_coverage", where=where)
    parts, classes = rules(city, "circle_part"), rules(city, "facility_class")
    zones = zones_of(city)
    entries = []
    for name, circle in rules(city, "circle").items():
        by_zone = {row["zone"]: row for row in found if row["circle"] == name}
        mine = [{"row": part, "class": classes.get(key[1])} for key, part in parts.items() if key[0] == name]
        missing = (by_zone.get(ROOT_ZONE) or {}).get("classes_without_data") or ""
        entries.append(
            {
                "circle": circle,
                "parts": mine,
                "whole": by_zone.get(ROOT_ZONE),
                "rows": [by_zone.get(zone["zone"]) for zone in zones],
                "missing": [classes[each] for each in missing.split() if each in classes],
            }
        )
    return entries


def classes(city: Any, of: Asked) -> list[dict[str, Any]]:
    """Each class with the shares of the whole district, and how many facilities there are."""
    where = {"day": of.day, "travel_mode": of.mode, "age_group": of.group, "zone": ROOT_ZONE}
    found = {row["facility_class"]: row for row in city.rows("circles.class_coverage", where=where)}
    count: dict[str, int] = {}
    for row in city.rows("circles.facility", ["facility_class"], where={"day": of.day}):
        count[row["facility_class"]] = count.get(row["facility_class"], 0) + 1
    return [
        {"class": rule, "row": found.get(name), "count": count.get(name, 0)}
        for name, rule in rules(city, "facility_class").items()
    ]


def zones_of(city: Any) -> list[Any]:
    """The zones that residents were counted in, without the whole."""
    there = {row["zone"] for row in city.rows("circles.class_coverage", ["zone"])}
    return [row for row in city.rows("district.zone") if row["zone"] in there and row["zone"] != ROOT_ZONE]


def reach_of(city: Any, day: date, mode: Mapping[str, Any]) -> assembling.Reach:
    """The network of a day and mode with homes and facilities as far as they may be seen, kept as long as the tables stand."""
    tables = {"circles.edge": "edge", "circles.home": "cell", "circles.door": "facility_class, facility, door"}
    lake, declared = city.figures.lake, [city.figures.catalog[table] for table in tables]
    seen = [(lake.snapshot(table.name).version, city.figures.limit(table)) for table in declared]
    key = (str(lake.root), *seen, day, mode["travel_mode"], mode["travel_speed"])
    with _lock:
        if key not in _reaches:
            parts = [
                _seen(city, table, "day = ? AND travel_mode = ?", [day, mode["travel_mode"]], order)
                for table, order in tables.items()
            ]
            if len(_reaches) >= 8:
                _reaches.clear()
            _reaches[key] = assembling.Reach(*parts, mode["travel_speed"])
        return _reaches[key]


def _seen(city: Any, table: str, where: str, values: list[Any], order: str = "") -> pa.Table:
    """Rows of a table as Arrow, as far as whoever asks may see them."""
    declared = city.figures.catalog[table]
    return city.figures.engine.rows(declared, f"{where} AND ({city.figures.limit(declared)})", values, order=order)


def snapped_to(
    reach: assembling.Reach, of: Asked, mode: Mapping[str, Any], longitude: float, latitude: float
) -> dict[str, Any]:
    """Where a place touches the network."""
    return assembling.Snappings(reach.edges).snap(of.day, mode, np.array([longitude]), np.array([latitude]))


def gap(city: Any, of: Asked, longitude: float, latitude: float, limit: float) -> Gap:
    """Whom one more facility of the class at a place would serve within `limit` [s]."""
    mode = rules(city, "travel_mode")[of.mode]
    reach = reach_of(city, of.day, mode)
    snapped = snapped_to(reach, of, mode, longitude, latitude)
    before = reach.before("seconds")
    now = reach.search("seconds").nearest(reach.of_class(of.facility_class)).cost[reach.home] + before
    search, home = reach.placed(snapped)
    cost = search.nearest(np.array([0])).cost
    then = cost[home] + before
    within, reaches = now <= limit, then <= limit
    newly, shorter = reaches & ~within, then < now - 1e-6
    groups = []
    residents = _seen(city, "circles.resident", "day = ?", [of.day])
    for group in city.rows("circles.age_group"):
        people = reach.people(residents, of.day, group["age_group"])
        sums = {"newly": newly, "reaches": reaches, "without": ~within & np.isfinite(before), "shorter": shorter & reaches}
        groups.append({"group": group, **{name: float(people[some].sum()) for name, some in sums.items()}})
    off = snapped["snap_distance"].to_pylist()[0]
    outline, area = None, 0.0
    if off is not None:
        ends, _ = isochrones.reached(search.network, cost, limit)
        area, shape = isochrones.area(search.network, ends, AROUND)
        outline = shapely.geometry.mapping(shapely.from_wkb(shape))
    cells = rows.words(reach.homes.column("cell"))
    unknown = int(np.isinf(before).sum())
    return Gap(groups, off, outline, area, frozenset(cells[newly]), int(reaches.sum()), unknown)


def home_points(city: Any, of: Asked, limit: float, newly: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
    """The middles of the cells and the facilities of the class as GeoJSON, each with how it stands."""
    where = {"day": of.day, "travel_mode": of.mode, "facility_class": of.facility_class}
    access = {row["cell"]: row for row in city.rows("circles.access", ["access_time", "access_state"], where=where)}
    found = []
    for row in city.rows("circles.resident", ["longitude", "latitude", "people"], where={"day": of.day, "age_group": of.group}):
        said = access.get(row["cell"])
        time = said["access_time"] if said else None
        state = "newly" if row["cell"] in newly else "off" if said is None or said["access_state"] == "off_network" else ""
        state = state or ("within" if time is not None and time <= limit else "beyond")
        told = {"state": state, "people": float(row["people"] or 0), "seconds": time, "id": row["cell"]}
        found.append(_point(row, told))
    for row in city.rows("circles.facility", where={"day": of.day, "facility_class": of.facility_class}):
        found.append(_point(row, {"state": "facility", "id": row["facility"], "zh": row["name_zh"], "en": row["name_en"]}))
    return found


def _point(row: Any, told: dict[str, Any]) -> dict[str, Any]:
    place = {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]}
    return {"type": "Feature", "geometry": place, "properties": told}


def way_to(city: Any, of: Asked, cell: str) -> list[dict[str, Any]]:
    """The ways that lead from a cell to the nearest facility of the class, with the metres and seconds of each, in order."""
    mode = rules(city, "travel_mode")[of.mode]
    reach = reach_of(city, of.day, mode)
    at = reach.homes.column("cell").to_pylist()
    if cell not in at or np.isinf(reach.off[at.index(cell)]):
        return []
    search = reach.search("seconds")
    path, facility = search.route(int(reach.home[at.index(cell)]), reach.of_class(of.facility_class))
    if facility == NONE:
        return []
    way = rows.words(reach.edges.column("way"))
    found: list[dict[str, Any]] = []
    for a, b in zip(path[:-1].tolist(), path[1:].tolist(), strict=True):
        edge, cost = _passed(reach.network, a, b)
        name = way[reach.network.way[edge]]
        if not found or found[-1]["way"] != name:
            found.append({"way": name, "metres": 0.0, "seconds": 0.0})
        found[-1]["metres"] += float(reach.network.length[edge])
        found[-1]["seconds"] += cost
    return found


def _passed(network: Any, a: int, b: int) -> tuple[int, float]:
    """The cheapest edge from one node to another, and its cost [s]."""
    along = np.flatnonzero((network.start == a) & (network.end == b))
    against = np.flatnonzero((network.start == b) & (network.end == a))
    edges, costs = np.r_[along, against], np.r_[network.forward[along], network.backward[against]]
    best = int(np.argmin(costs))
    return int(edges[best]), float(costs[best])


def unverified(city: Any) -> list[Any]:
    """The rules whose document was not seen."""
    tables = ("travel_mode", "facility_class", "circle")
    return [row for name in tables for row in rules(city, name).values() if row["review"] != "verified"]
