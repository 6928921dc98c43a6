"""Parks of every size: how much of them there is for each resident, and who lives within their circle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from scicity.domains.greenways.ground import (
    DAYS,
    STAND_IN,
    ZONES,
    areas,
    layer,
    on,
    share,
    stands_in,
    told,
    with_whole,
    words,
    zones_on,
)
from scicity.domains.greenways.methods.circles import circle, once, people, shared
from scicity.domains.greenways.sources import OTHER
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived
from scicity.space.ground import ground_of, number_of, word_of

ANY = "any"
_CLASSES = {
    "classes": Read(
        "greenways.park_class", columns=("park_class", "circle_radius", "least_area"), trace={"park_class": "park_class"}
    ),
    "own_classes": Read(
        "greenways.own_park_class", columns=("park_class", "circle_radius", "least_area"), trace={"park_class": "park_class"}
    ),
}
_PARKS, _PEOPLE = layer("parks"), layer("population")
_PLANNED = Read("district.zone", columns=("zone", "residents"), trace={"zone": "zone"})


def classes_of(*tables: pa.Table) -> dict[str, dict[str, Any]]:
    """The classes of parks by name; a later table goes before an earlier one."""
    return {row["park_class"]: row for table in tables for row in table.to_pylist()}


@derived(
    reads={"parks": Read("layer.parks", columns=_PARKS.columns, trace={"feature": "feature"}), "zones": ZONES, **_CLASSES},
    columns=[
        *("feature", "name_zh", "name_en", "park_class", "zone", "park_area", "least_area", "valid_from", "valid_to"),
        *("restricted_to", "origin", "stand_in"),
    ],
    grain=["feature"],
    by_partition=True,
    title_zh="公园",
    title_en="Parks",
)
def park(slot: Slot, parks: pa.Table, zones: pa.Table, classes: pa.Table, own_classes: pa.Table) -> pa.Table:
    """The parks of the district: class, area as drawn, the zone in which a point of it lies, and how large one of its class
    is at least."""
    known, ground, shapes = classes_of(classes, own_classes), ground_of(zones, parks), np.empty(0, dtype=object)
    if parks.num_rows:
        shapes = areas(ground, parks)
    kinds = [kind if kind in known else OTHER for kind in words(parks, "feature_class")]
    zone = np.full(len(shapes), None, dtype=object)
    if zones.num_rows and len(shapes):
        names = np.array(
            [a or b for a, b in zip(word_of(zones.column("details"), "zone"), words(zones, "feature"), strict=True)], object
        )
        at, which = shapely.STRtree(areas(ground, zones)).query(shapely.point_on_surface(shapes), predicate="intersects")
        zone[at[::-1]] = names[which[::-1]]
    rows = [
        {
            **row,
            "park_class": kind,
            "zone": of,
            "park_area": None if area != area else area,
            "stand_in": row["origin"] == STAND_IN,
        }
        | {"least_area": known.get(kind, {}).get("least_area")}
        for row, kind, of, area in zip(parks.to_pylist(), kinds, zone, shapely.area(shapes).tolist(), strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=park.schema)


@derived(
    reads={
        "days": DAYS,
        "zones": ZONES,
        "parks": _PARKS,
        "green": layer("green-space"),
        "people_": _PEOPLE,
        "planned": _PLANNED,
    },
    columns=[
        *("day", "zone", "zone_area", "park_area", "parks_counted", "green_area", "residents", "residents_kind"),
        *("park_per_resident", "green_per_resident", "green_space_share", "stand_in"),
    ],
    grain=["day", "zone"],
    by_partition=True,
    title_zh="公园与绿地台账",
    title_en="Account of parks and green space",
)
def green_account(
    slot: Slot, days: pa.Table, zones: pa.Table, parks: pa.Table, green: pa.Table, people_: pa.Table, planned: pa.Table
) -> pa.Table:
    """Parks and all green space by zone, each place counted once, and how much of them there is for each resident.

    Residents are those of the layer population (`residents_kind` layer), else those that are planned for the zone
    (`planned`). A park that lies in two zones is counted in both and once in the district.
    """
    rows: list[dict[str, Any]] = []
    if not parks.num_rows and not green.num_rows:
        return told(rows, False, green_account.schema)
    ground = ground_of(zones, parks, green)
    of_parks, of_green = areas(ground, parks), areas(ground, green)
    living, cells = number_of(people_.column("details"), "residents"), _cells(ground, people_)
    expected = {row["zone"]: row["residents"] for row in planned.to_pylist()}
    for day in days.column("day").to_pylist():
        moment = slot.calendar.instant(day)
        shapes, names = zones_on(ground, zones, moment)
        now, leaves, there = on(parks, moment), on(green, moment), on(people_, moment)
        park_area = once(shapes, of_parks[now])
        green_area = once(shapes, np.concatenate([of_parks[now], of_green[leaves]]))
        counted, whole_count = _counted(shapes, of_parks[now])
        lived = people(shapes, cells[there], living[there])
        columns = np.column_stack([np.nan_to_num(shapely.area(shapes)), park_area, green_area, lived, counted])
        for zone, (area, parks_, all_, residents, count) in with_whole(names, columns):
            known = bool(people_.num_rows)
            of = residents if known else expected.get(zone)
            rows.append(
                {"day": day, "zone": zone, "zone_area": area, "park_area": parks_, "green_area": all_, "residents": of}
                | {"parks_counted": int(count) if zone in names else whole_count}
                | {"residents_kind": "layer" if known else "planned" if of else None}
                | {
                    "park_per_resident": share(parks_, of),
                    "green_per_resident": share(all_, of),
                    "green_space_share": share(all_, area, 100.0),
                }
            )
    return told(rows, stands_in(zones, parks, green, people_), green_account.schema)


@derived(
    reads={"days": DAYS, "zones": ZONES, "parks": _PARKS, "people_": _PEOPLE, **_CLASSES},
    columns=[
        *(
            "day",
            "zone",
            "park_class",
            "circle_area",
            "circle_area_share",
            "residents",
            "residents_covered",
            "residents_share",
            "stand_in",
        ),
    ],
    grain=["day", "zone", "park_class"],
    by_partition=True,
    title_zh="公园服务圈（直线距离）",
    title_en="Circles of parks, by straight distance",
)
def park_circle(
    slot: Slot, days: pa.Table, zones: pa.Table, parks: pa.Table, people_: pa.Table, classes: pa.Table, own_classes: pa.Table
) -> pa.Table:
    """How much of each zone, and how many of its residents, lie within the circle of a park of a class, and of `any`.

    Straight distances from the edge of the park, by the radius of its class; ways and barriers are not regarded. Without a
    layer population residents are unknown. Method: `methods/circles.py`.
    """
    rows: list[dict[str, Any]] = []
    if not parks.num_rows:
        return told(rows, False, park_circle.schema)
    known, ground = classes_of(classes, own_classes), ground_of(zones, parks)
    shapes_of, living = areas(ground, parks), number_of(people_.column("details"), "residents")
    cells = _cells(ground, people_)
    kinds = np.array([kind if kind in known else OTHER for kind in words(parks, "feature_class")], dtype=object)
    radius = np.array([known[kind]["circle_radius"] for kind in kinds], dtype=float)
    for day in days.column("day").to_pylist():
        moment = slot.calendar.instant(day)
        shapes, names = zones_on(ground, zones, moment)
        now, there = on(parks, moment), on(people_, moment)
        whole, lived = np.nan_to_num(shapely.area(shapes)), people(shapes, cells[there], living[there])
        for kind in [*sorted(set(kinds[now].tolist())), ANY]:
            chosen = now if kind == ANY else now & (kinds == kind)
            reach = circle(shapes_of[chosen], radius[chosen])
            area = shared(shapes, reach)
            within = people(shapes, cells[there], living[there], reach) if reach is not None else np.zeros(len(shapes))
            for zone, (of, covered, residents, served) in with_whole(names, np.column_stack([whole, area, lived, within])):
                rows.append(
                    {
                        "day": day,
                        "zone": zone,
                        "park_class": kind,
                        "circle_area": covered,
                        "circle_area_share": share(covered, of, 100.0),
                    }
                    | {"residents": residents if people_.num_rows else None}
                    | {"residents_covered": served if people_.num_rows else None}
                    | {"residents_share": share(served, residents, 100.0) if people_.num_rows else None}
                )
    return told(rows, stands_in(zones, parks, people_), park_circle.schema)


def _cells(ground: Any, people_: pa.Table) -> Any:
    """Cells or points of the layer of people, in metres."""
    if not people_.num_rows:
        return np.empty(0, dtype=object)
    shapes = areas(ground, people_)
    return np.where(shapely.is_missing(shapes), ground.points(people_.column("geometry")), shapes)


def _counted(zones: Any, parks: Any) -> tuple[Any, int]:
    """How many parks share area with each zone, and with any of them."""
    if not len(zones) or not len(parks):
        return np.zeros(len(zones)), 0
    i, j = shapely.STRtree(parks).query(zones, predicate="intersects")
    meets = shapely.area(shapely.intersection(zones[i], parks[j])) > 0
    return np.bincount(i[meets], minlength=len(zones)), len(set(j[meets].tolist()))
