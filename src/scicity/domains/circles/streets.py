"""The network of each day and mode, edge by edge, from the layer streets and the rules of ways."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from scicity.domains.circles.methods import network, noding, rows, ways
from scicity.domains.circles.sources import in_use_days
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived

RULES = {
    name: Read(f"circles.{name}")
    for rule in ("travel_mode", "way_rule", "way_attribute", "network_rule", "access_day")
    for name in (rule, f"own_{rule}")
}
STREET = ("feature", "feature_class", "valid_from", "valid_to", "details", "geometry", "origin")
BARRIER_FREE = ("barrier_free", "wheelchair")
SLOPE, LEVEL = ("slope", "incline"), ("level", "layer")
STAND_IN = "stand-in"


@derived(
    reads={"streets": Read("layer.streets", columns=STREET, trace={"way": "feature"}), **RULES},
    columns=[
        *("day", "travel_mode", "edge", "way", "longitude", "latitude", "longitude_to", "latitude_to", "edge_length"),
        *("passing_time", "passing_time_back", "island", "island_length", "slope", "barrier_free_known", "stand_in", "origin"),
    ],
    grain=["day", "travel_mode", "edge"],
    by_partition=True,
    title_zh="路网边",
    title_en="Edges of the network",
)
def edge(slot: Slot, streets: pa.Table, **rules: pa.Table) -> pa.Table:
    """The stretches of ways between two vertices that a mode may pass on a day: their length, the time along and against them,
    the island they are on (0: the one with most ways), and whether the way says anything of being barrier-free."""
    modes = rows.overlaid(rules["travel_mode"], rules["own_travel_mode"], ["travel_mode"])
    attributes = rows.overlaid(
        rules["way_attribute"], rules["own_way_attribute"], ["travel_mode", "way_attribute", "attribute_value"]
    )
    how = rows.overlaid(rules["network_rule"], rules["own_network_rule"], ["layer"])[0]
    parts = []
    for day in in_use_days(rules["access_day"], rules["own_access_day"]):
        there = rows.valid(streets, slot.calendar.instant(day)).sort_by("feature")
        names = {row["way_attribute"] for row in attributes} | {*BARRIER_FREE, *SLOPE, *LEVEL}
        told = rows.told(there.column("details"), sorted(names))
        shapes = shapely.from_wkb(there.column("geometry").to_numpy(zero_copy_only=False))
        shapes = np.where(np.isin(shapely.get_type_id(shapes), (1, 5)), shapes, None)  # lines
        if not how["noded"] and len(there):
            shapes = noding.noded(shapes, np.nan_to_num(rows.numbers(_first(told, LEVEL))).astype(np.int64))
        slope = ways.percent(_first(told, SLOPE))
        known = np.any([told[name] != None for name in BARRIER_FREE], axis=0) if len(there) else np.zeros(0, bool)  # noqa: E711
        for mode in modes:
            name = mode["travel_mode"]
            classes = rows.overlaid(rules["way_rule"], rules["own_way_rule"], ["travel_mode", "feature_class"])
            pace = ways.paces(
                ways.Mode(mode["travel_speed"], mode["slope_effect"], _number(mode["steepest"])),
                [
                    ways.ClassRule(r["feature_class"], r["passable"], _number(r["travel_speed"]), r["passing_delay"] or 0.0)
                    for r in classes
                    if r["travel_mode"] == name
                ],
                [
                    ways.AttributeRule(r["way_attribute"], r["attribute_value"], r["way_effect"], r["rule_priority"])
                    for r in attributes
                    if r["travel_mode"] == name
                ],
                rows.words(there.column("feature_class")),
                told,
                slope,
            )
            built = network.build(shapes, pace, measure=how["length_measure"])
            parts.append(_edges(built, there, day, name, slope, known))
    return pa.concat_tables(parts) if parts else edge.schema.empty_table()


def _first(told: dict[str, Any], names: tuple[str, ...]) -> Any:
    """What the first of several attributes says."""
    found = told[names[0]]
    for name in names[1:]:
        found = np.where(found == None, told[name], found)  # noqa: E711  (an array)
    return found


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _edges(built: network.Network, there: pa.Table, day: Any, mode: str, slope: Any, known: Any) -> pa.Table:
    """The edges of a network as rows; an edge is named by its way and its number along it."""
    feature = rows.words(there.column("feature"))
    way = built.way
    heads = np.r_[True, way[1:] != way[:-1]] if len(way) else np.zeros(0, dtype=bool)
    number = np.arange(len(way)) - np.maximum.accumulate(np.where(heads, np.arange(len(way)), 0)) if len(way) else way
    island = built.islands[built.start]
    stand_in = rows.words(there.column("origin")) == STAND_IN
    return pa.table(
        {
            "day": pa.array([day] * len(way), pa.date32()),
            "travel_mode": pa.array([mode] * len(way), pa.string()),
            "edge": pa.array(
                [f"{name}:{count}" for name, count in zip(feature[way], number.tolist(), strict=True)], pa.string()
            ),
            "way": rows.text(feature[way]),
            "longitude": built.longitude[built.start],
            "latitude": built.latitude[built.start],
            "longitude_to": built.longitude[built.end],
            "latitude_to": built.latitude[built.end],
            "edge_length": built.length,
            "passing_time": rows.finite(built.forward),
            "passing_time_back": rows.finite(built.backward),
            "island": island,
            "island_length": built.island_lengths[island],
            "slope": rows.finite(slope[way]),
            "barrier_free_known": pa.array(known[way]),
            "stand_in": pa.array(stand_in[way]),
            "origin": pa.array(["modelled"] * len(way), pa.string()),
        }
    )
