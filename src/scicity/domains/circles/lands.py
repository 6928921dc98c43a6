"""Built-up land against people (SDG 11.3.1), and the share of it that is open to all (SDG 11.7.1)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from scicity.domains.circles.destinations import CLASSES, FEATURE, READS, ZONES
from scicity.domains.circles.methods import land, lengths, places, rows
from scicity.domains.circles.reached import DAYS
from scicity.domains.circles.sources import in_use_days
from scicity.domains.circles.streets import STAND_IN
from scicity.kernel.computing import Slot
from scicity.kernel.district import ROOT_ZONE
from scicity.kernel.tables import Read, derived

OPEN_SPACE = "sdg-11-7-1"  # the circle whose classes are open space for public use
WIDTH = "width"
EXTENT = Read("circles.urban_extent", trace={"zone": "zone"})


@derived(
    reads={"extent": EXTENT},
    columns=[
        *("zone", "year", "year_from", "built_up_area", "built_up_area_from", "inhabitants", "inhabitants_from"),
        *("land_consumption_rate", "population_growth_rate", "consumption_to_growth", "stand_in", "origin"),
    ],
    grain=["zone", "year"],
    by_partition=True,
    title_zh="土地消耗率与人口增长率之比（SDG 11.3.1）",
    title_en="Land consumption to population growth (SDG 11.3.1)",
)
def land_growth(slot: Slot, extent: pa.Table) -> pa.Table:
    """Of each zone and year with a built-up area, against the year before it that the register has: land consumption rate
    (V1 − V0) / V0
    / T, population growth rate ln(P1 / P0) / T, and their ratio. Null where one is not known or the population stood still.

    Source: UN SDG indicator metadata 11.3.1 (edition of 2021; read in quotations, the document itself was not seen).
    """
    given = extent.sort_by([("zone", "ascending"), ("year", "ascending")]).to_pylist()
    found = []
    for before, after in pairwise(given):
        if before["zone"] != after["zone"]:
            continue
        years = after["year"] - before["year"]
        consumption = land.consumption_rate(before["built_up_area"], after["built_up_area"], years)
        growth = land.growth_rate(before["inhabitants"] or 0, after["inhabitants"] or 0, years)
        found.append(
            {
                **{"zone": after["zone"], "year": after["year"], "year_from": before["year"]},
                **{"built_up_area": after["built_up_area"], "built_up_area_from": before["built_up_area"]},
                **{"inhabitants": after["inhabitants"], "inhabitants_from": before["inhabitants"]},
                "land_consumption_rate": None if consumption is None else consumption * 100,
                "population_growth_rate": None if growth is None else growth * 100,
                "consumption_to_growth": land.consumption_to_growth(consumption, growth),
                "stand_in": STAND_IN in (before["origin"], after["origin"]),
                "origin": "modelled",
            }
        )
    return pa.Table.from_pylist(found, schema=land_growth.schema)


@derived(
    reads={
        **READS,
        **CLASSES,
        **DAYS,
        "zones": ZONES,
        "extent": EXTENT,
        "streets": Read("layer.streets", columns=FEATURE, trace={}),
        "part": Read("circles.circle_part", trace={}),
        "own_part": Read("circles.own_circle_part", trace={}),
    },
    columns=[
        *("day", "zone", "open_space_area", "street_area", "coverage", "built_up_area", "year", "open_share", "stand_in"),
        "origin",
    ],
    grain=["day", "zone"],
    by_partition=True,
    title_zh="公共开放空间占比（SDG 11.7.1）",
    title_en="Share of open public space (SDG 11.7.1)",
)
def open_space(slot: Slot, zones: pa.Table, extent: pa.Table, streets: pa.Table, **given: pa.Table) -> pa.Table:
    """Of each zone with an outline: the area of open space for public use (classes of the circle `sdg-11-7-1`, what overlaps
    counted once), the area of streets (length times width; `coverage`: the share of their length whose width is told), and
    both as a share of the newest built-up area up to that day. Null where no built-up area is registered, or no street has a
    width.

    Source: UN SDG indicator metadata 11.7.1 (the document itself was not seen).
    """
    outline = shapely.from_wkb(zones.column("geometry").to_numpy(zero_copy_only=False))
    names = rows.words(zones.column("feature"))
    if not len(names):
        return open_space.schema.empty_table()
    bounds = shapely.total_bounds(outline)
    centre = float(bounds[0] + bounds[2]) / 2, float(bounds[1] + bounds[3]) / 2

    def plane(shapes: Any) -> Any:
        return shapely.transform(shapes, lambda at: lengths.true_to_area(at[:, 0], at[:, 1], centre))

    flat = plane(outline)
    if ROOT_ZONE not in names:
        names, flat = np.append(names, ROOT_ZONE), np.append(flat, shapely.union_all(flat))
    chosen = {
        part["facility_class"]
        for part in rows.overlaid(given["part"], given["own_part"], ["circle", "facility_class"])
        if part["circle"] == OPEN_SPACE
    }
    classes = rows.overlaid(given["facility_class"], given["own_facility_class"], ["facility_class"])
    found = []
    for day in in_use_days(given["access_day"], given["own_access_day"]):
        shapes, stand_in = [], False
        for rule in (rule for rule in classes if rule["facility_class"] in chosen):
            there = rows.valid(given[rule["layer"].replace("-", "_")], slot.calendar.instant(day))
            mine = there.filter(pa.array(places.selected(rule, rows.words(there.column("feature_class")), None)))
            shapes.append(shapely.from_wkb(mine.column("geometry").to_numpy(zero_copy_only=False)))
            stand_in |= STAND_IN in mine.column("origin").to_pylist()
        space = shapely.union_all(plane(np.concatenate(shapes)) if shapes else [])
        ways = rows.valid(streets, slot.calendar.instant(day))
        stand_in |= STAND_IN in ways.column("origin").to_pylist()
        lines = plane(shapely.from_wkb(ways.column("geometry").to_numpy(zero_copy_only=False)))
        width = rows.numbers(rows.told(ways.column("details"), [WIDTH])[WIDTH])
        for name, zone in zip(names, flat, strict=True):
            shapely.prepare(zone)
            within = shapely.length(shapely.intersection(lines, zone)) if len(lines) else np.zeros(0)
            known = np.isfinite(width)
            built = [row for row in extent.to_pylist() if row["zone"] == name and row["year"] <= day.year]
            newest = max(built, key=lambda row: row["year"], default=None)
            area = float(shapely.area(shapely.intersection(space, zone)))
            paved = float((within * width)[known].sum()) if known.any() else None
            extent_area = newest["built_up_area"] if newest else None
            whole = extent_area is not None and paved is not None
            found.append(
                {
                    **{"day": day, "zone": name, "open_space_area": area, "street_area": paved},
                    "coverage": float(within[known].sum() / within.sum()) if within.sum() > 0 else None,
                    **{"built_up_area": extent_area, "year": newest["year"] if newest else None},
                    "open_share": land.open_share(area, paved or 0.0, extent_area or 0.0) if whole else None,
                    "stand_in": stand_in or bool(newest and newest["origin"] == STAND_IN),
                    "origin": "modelled",
                }
            )
    return pa.Table.from_pylist(found, schema=open_space.schema)
