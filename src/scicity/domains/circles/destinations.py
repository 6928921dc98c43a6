"""Facilities by class, and the doors by which they are reached on each day by each mode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from scicity.domains.circles.methods import assembling, places, rows
from scicity.domains.circles.sources import EDGE, LAYERS, in_use_days
from scicity.domains.circles.streets import RULES, STAND_IN
from scicity.kernel.computing import Slot
from scicity.kernel.district import ROOT_ZONE
from scicity.kernel.tables import Read, derived

FEATURE = (
    *("feature", "feature_class", "name_zh", "name_en", "valid_from", "valid_to", "restricted_to", "details", "geometry"),
    "origin",
)
READS = {name.replace("-", "_"): Read(f"layer.{name}", columns=FEATURE, trace={"facility": "feature"}) for name in LAYERS}
CLASSES = {name: Read(f"circles.{name}") for name in ("facility_class", "own_facility_class")}
DAYS = {name: RULES[name] for name in ("access_day", "own_access_day")}
ZONES = Read("layer.zones", columns=("feature", "geometry"), trace={"zone": "feature"})
PLACES = "places"


@derived(
    reads={**READS, **CLASSES, **DAYS, "zones": ZONES},
    columns=[
        *("day", "facility_class", "facility", "layer", "name_zh", "name_en", "zone", "places", "longitude", "latitude"),
        *("stand_in", "origin"),
    ],
    grain=["day", "facility_class", "facility"],
    by_partition=True,
    title_zh="设施",
    title_en="Facilities",
)
def facility(slot: Slot, zones: pa.Table, **given: pa.Table) -> pa.Table:
    """What there is of each class on each day: the features that the class selects in its layer, their places (seats, beds)
    where told, the zone that their middle lies in. Features that only some may see are left out."""
    outline = shapely.from_wkb(zones.column("geometry").to_numpy(zero_copy_only=False))
    parts = []
    for day, rule, there, shapes in _selected(slot, given):
        points = places.middles(shapes)
        there = there.take(pa.array(points.of))
        told = rows.told(there.column("details"), [PLACES])
        zone = places.zones_of(points.longitude, points.latitude, rows.words(zones.column("feature")), outline, [ROOT_ZONE])
        parts.append(
            pa.table(
                {
                    "day": pa.array([day] * len(there), pa.date32()),
                    "facility_class": pa.array([rule["facility_class"]] * len(there), pa.string()),
                    "facility": there.column("feature"),
                    "layer": pa.array([rule["layer"]] * len(there), pa.string()),
                    "name_zh": there.column("name_zh"),
                    "name_en": there.column("name_en"),
                    "zone": rows.text(np.where(zone == None, ROOT_ZONE, zone)),  # noqa: E711  (an array)
                    "places": rows.finite(rows.numbers(told[PLACES])),
                    "longitude": points.longitude,
                    "latitude": points.latitude,
                    "stand_in": pc.equal(there.column("origin"), STAND_IN),
                    "origin": there.column("origin"),
                }
            )
        )
    return pa.concat_tables(parts) if parts else facility.schema.empty_table()


@derived(
    reads={
        **READS,
        **CLASSES,
        **{name: RULES[name] for name in ("travel_mode", "own_travel_mode", "access_day", "own_access_day")},
        "edges": Read("circles.edge", trace={"day": "day", "travel_mode": "travel_mode", "edge": "edge"}),
    },
    columns=[
        *("day", "travel_mode", "facility_class", "facility", "door", "longitude", "latitude", "edge", "edge_share"),
        *("snap_distance", "stand_in", "origin"),
    ],
    grain=["day", "travel_mode", "facility_class", "facility", "door"],
    by_partition=True,
    title_zh="设施出入点",
    title_en="Doors of facilities",
)
def door(slot: Slot, edges: pa.Table, **given: pa.Table) -> pa.Table:
    """Where facilities touch the network: the nearest place of an edge (`edge_share` of its length from its start) within the
    mode's limit, and how far off it is. What is reached at its edge has a door at each point of its outline that lies by a
    way. A facility that no way comes near has a row without an edge."""
    modes = rows.overlaid(given["travel_mode"], given["own_travel_mode"], ["travel_mode"])
    snapping = assembling.Snappings(edges)
    parts = []
    for day, rule, there, shapes in _selected(slot, given):
        at_edge = rule["reached_at"] == EDGE
        points = places.edges(shapes, rule["door_spacing"]) if at_edge else places.middles(shapes)
        named = there.column("feature").take(pa.array(points.of))
        stand_in = pc.equal(there.column("origin"), STAND_IN).take(pa.array(points.of))
        number = np.arange(len(points.of)) - np.searchsorted(points.of, points.of)
        for mode in modes:
            snapped = snapping.snap(day, mode, points.longitude, points.latitude)
            part = pa.table(
                {
                    "day": pa.array([day] * len(named), pa.date32()),
                    "travel_mode": pa.array([mode["travel_mode"]] * len(named), pa.string()),
                    "facility_class": pa.array([rule["facility_class"]] * len(named), pa.string()),
                    "facility": named,
                    "door": number,
                    "longitude": points.longitude,
                    "latitude": points.latitude,
                    **snapped,
                    "stand_in": stand_in,
                    "origin": pa.array(["modelled"] * len(named), pa.string()),
                }
            )
            # Of an outline only points by a way are doors, but one point stays, to tell that there is none.
            kept = part.column("edge").is_valid().to_numpy() | (number == 0)
            parts.append(part.filter(pa.array(kept)) if at_edge else part)
    return pa.concat_tables(parts) if parts else door.schema.empty_table()


def _selected(slot: Slot, given: dict[str, pa.Table]) -> Any:
    """Day, rule of a class, its features that are valid then, sorted by name, and their shapes."""
    classes = rows.overlaid(given["facility_class"], given["own_facility_class"], ["facility_class"])
    for day in in_use_days(given["access_day"], given["own_access_day"]):
        layers = {
            name: rows.public(rows.valid(given[name.replace("-", "_")], slot.calendar.instant(day))).sort_by("feature")
            for name in LAYERS
        }
        for rule in classes:
            there = layers[rule["layer"]]
            attribute = rule["select_attribute"]
            told = rows.told(there.column("details"), [attribute])[attribute] if attribute else None
            chosen = there.filter(pa.array(places.selected(rule, rows.words(there.column("feature_class")), told)))
            yield day, rule, chosen, shapely.from_wkb(chosen.column("geometry").to_numpy(zero_copy_only=False))
