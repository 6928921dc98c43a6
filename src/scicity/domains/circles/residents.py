"""Who lives where: the cells of the layer population, by age group, and where each touches the network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from scicity.domains.circles.destinations import ZONES
from scicity.domains.circles.methods import assembling, places, rows
from scicity.domains.circles.sources import in_use_days
from scicity.domains.circles.streets import RULES, STAND_IN
from scicity.kernel.computing import Slot
from scicity.kernel.district import ROOT_ZONE
from scicity.kernel.tables import Read, derived

POPULATION = Read(
    "layer.population",
    columns=("feature", "valid_from", "valid_to", "details", "geometry", "origin"),
    trace={"cell": "feature"},
)
DAYS = {name: RULES[name] for name in ("access_day", "own_access_day")}


@derived(
    reads={"population": POPULATION, "zones": ZONES, "age_group": "circles.age_group", **DAYS},
    columns=["day", "cell", "age_group", "zone", "longitude", "latitude", "people", "stand_in", "origin"],
    grain=["day", "cell", "age_group"],
    by_partition=True,
    title_zh="居民",
    title_en="Residents",
)
def resident(slot: Slot, population: pa.Table, zones: pa.Table, age_group: pa.Table, **days: pa.Table) -> pa.Table:
    """The people of each cell of the layer population by age group, the middle of the cell, and the zone it lies in (`district`
    where it is in none). What a cell does not tell of a group is unknown, not nobody."""
    outline = shapely.from_wkb(zones.column("geometry").to_numpy(zero_copy_only=False))
    parts = []
    for day in in_use_days(days["access_day"], days["own_access_day"]):
        there = rows.valid(population, slot.calendar.instant(day)).sort_by("feature")
        points = places.middles(shapely.from_wkb(there.column("geometry").to_numpy(zero_copy_only=False)))
        there = there.take(pa.array(points.of))
        zone = places.zones_of(points.longitude, points.latitude, rows.words(zones.column("feature")), outline, [ROOT_ZONE])
        for group in age_group.to_pylist():
            told = rows.numbers(rows.told(there.column("details"), [group["from_attribute"]])[group["from_attribute"]])
            known = np.isfinite(told) & (told >= 0)
            parts.append(
                pa.table(
                    {
                        "day": pa.array([day] * len(there), pa.date32()),
                        "cell": there.column("feature"),
                        "age_group": pa.array([group["age_group"]] * len(there), pa.string()),
                        "zone": rows.text(np.where(zone == None, ROOT_ZONE, zone)),  # noqa: E711  (an array)
                        "longitude": points.longitude,
                        "latitude": points.latitude,
                        "people": rows.exact(rows.millionths(np.where(known, told, 0.0)), known),
                        "stand_in": pc.equal(there.column("origin"), STAND_IN),
                        "origin": there.column("origin"),
                    }
                )
            )
    return pa.concat_tables(parts) if parts else resident.schema.empty_table()


@derived(
    reads={
        "population": POPULATION,
        "edges": Read("circles.edge", trace={"day": "day", "travel_mode": "travel_mode", "edge": "edge"}),
        **{name: RULES[name] for name in ("travel_mode", "own_travel_mode", "access_day", "own_access_day")},
    },
    columns=[
        *("day", "travel_mode", "cell", "longitude", "latitude", "edge", "edge_share", "snap_distance", "island", "stand_in"),
        "origin",
    ],
    grain=["day", "travel_mode", "cell"],
    by_partition=True,
    title_zh="居住单元接入路网",
    title_en="Homes on the network",
)
def home(slot: Slot, population: pa.Table, edges: pa.Table, **rules: Any) -> pa.Table:
    """Where the middle of each cell touches the network of a day and mode: the nearest place of an edge within the mode's
    limit, how far off it is, and the island it is on. A cell that no way comes near has no edge."""
    modes = rows.overlaid(rules["travel_mode"], rules["own_travel_mode"], ["travel_mode"])
    snapping = assembling.Snappings(edges)
    parts = []
    for day in in_use_days(rules["access_day"], rules["own_access_day"]):
        there = rows.valid(population, slot.calendar.instant(day)).sort_by("feature")
        points = places.middles(shapely.from_wkb(there.column("geometry").to_numpy(zero_copy_only=False)))
        there = there.take(pa.array(points.of))
        for mode in modes:
            snapped = snapping.snap(day, mode, points.longitude, points.latitude)
            mine = assembling.of(edges, day, mode["travel_mode"])
            at = pc.index_in(snapped["edge"], mine.column("edge").combine_chunks(), skip_nulls=True)
            parts.append(
                pa.table(
                    {
                        "day": pa.array([day] * len(there), pa.date32()),
                        "travel_mode": pa.array([mode["travel_mode"]] * len(there), pa.string()),
                        "cell": there.column("feature"),
                        "longitude": points.longitude,
                        "latitude": points.latitude,
                        **snapped,
                        "island": mine.column("island").combine_chunks().take(at),
                        "stand_in": pc.equal(there.column("origin"), STAND_IN),
                        "origin": pa.array(["modelled"] * len(there), pa.string()),
                    }
                )
            )
    return pa.concat_tables(parts) if parts else home.schema.empty_table()
