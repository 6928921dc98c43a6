"""Places at schools against the children who live nearby, by school and by zone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.domains.circles.destinations import CLASSES
from scicity.domains.circles.methods import assembling, rows, seats
from scicity.domains.circles.reached import DAYS, MODES, NETWORK
from scicity.domains.circles.sources import in_use_days
from scicity.kernel.computing import Slot
from scicity.kernel.district import ROOT_ZONE
from scicity.kernel.tables import Read, derived

ON_FOOT = "foot"
SCHOOLS = {
    **{name: Read(read.table) for name, read in (NETWORK | MODES | DAYS | CLASSES).items()},
    "residents": Read("circles.resident"),
    "facilities": Read("circles.facility"),
}


@derived(
    reads=SCHOOLS,
    columns=[
        *("day", "facility_class", "facility", "zone", "places", "people_nearest", "people_placed", "places_free"),
        *("mean_access_time", "stand_in", "origin"),
    ],
    grain=["day", "facility_class", "facility"],
    by_partition=True,
    title_zh="学校学位与学龄儿童",
    title_en="Places at schools",
)
def school(slot: Slot, **given: pa.Table) -> pa.Table:
    """Of each school its places, the children whom it is the nearest to, and how many are placed there when all children
    together have the shortest ways on foot that places allow (`mean_access_time`: of those placed). A school whose places are
    not told is the nearest to somebody, but nobody is placed there."""
    parts = []
    for found in _placing(given):
        parts.append(
            pa.table(
                {
                    "day": pa.array([found["day"]] * len(found["schools"]), pa.date32()),
                    **{name: found["schools"].column(name) for name in ("facility_class", "facility", "zone", "places")},
                    "people_nearest": rows.exact(rows.millionths(found["nearest"])),
                    "people_placed": rows.exact(rows.millionths(found["placed"]), found["told"]),
                    "places_free": pa.array(found["seats"] - found["placed"], mask=~found["told"]),
                    "mean_access_time": rows.finite(found["mean"]),
                    "stand_in": pa.array([found["stand_in"]] * len(found["schools"]), pa.bool_()),
                    "origin": pa.array(["modelled"] * len(found["schools"]), pa.string()),
                }
            )
        )
    return pa.concat_tables(parts) if parts else school.schema.empty_table()


@derived(
    reads=SCHOOLS,
    columns=[
        *(
            "day",
            "facility_class",
            "zone",
            "places",
            "places_known",
            "people",
            "people_placed",
            "people_without",
            "placed_share",
        ),
        *("mean_access_time", "stand_in", "origin"),
    ],
    grain=["day", "facility_class", "zone"],
    by_partition=True,
    title_zh="分区学位供需",
    title_en="Places at schools by zone",
)
def school_zone(slot: Slot, **given: pa.Table) -> pa.Table:
    """Of each zone the places at its schools, the children who live there, and how many of these find a place within reach on
    foot, in whichever zone. `places_known`: the share of schools whose places are told. The zone `district` is all."""
    parts = []
    for found in _placing(given):
        zone, home_zone = rows.words(found["schools"].column("zone")), found["home_zone"]
        for name in [*sorted({*zone, *home_zone} - {ROOT_ZONE, None}), ROOT_ZONE]:
            here, live = (zone == name) | (name == ROOT_ZONE), (home_zone == name) | (name == ROOT_ZONE)
            people, without = found["people"][live].sum(), found["without"][live].sum()
            known, placed = bool(found["told"][here].any()), people - without
            exact = rows.exact(rows.millionths(np.array([people, placed, without])))
            parts.append(
                {
                    "day": found["day"],
                    "facility_class": found["class"],
                    "zone": name,
                    "places": float(found["seats"][here].sum()) if known else None,
                    "places_known": float(found["told"][here].mean()) if here.any() else None,
                    **dict(zip(("people", "people_placed", "people_without"), exact.to_pylist(), strict=True)),
                    "placed_share": placed / people * 100 if people > 0 else None,
                    "mean_access_time": found["time"][live].sum() / placed if placed > 0 else None,
                    "stand_in": found["stand_in"],
                    "origin": "modelled",
                }
            )
    return pa.Table.from_pylist(parts, schema=school_zone.schema)


def _placing(given: dict[str, pa.Table]) -> Any:
    """Each day and class of schools with the children of each home, and where they find a place."""
    modes = rows.overlaid(given["travel_mode"], given["own_travel_mode"], ["travel_mode"])
    mode = next((row for row in modes if row["travel_mode"] == ON_FOOT), None)
    classes = rows.overlaid(given["facility_class"], given["own_facility_class"], ["facility_class"])
    asked = [row for row in classes if row["seat_limit"] is not None]
    for day in in_use_days(given["access_day"], given["own_access_day"]) if mode else ():
        mine = [assembling.of(given[name], day, ON_FOOT) for name in ("edges", "homes", "doors")]
        reach = assembling.Reach(*mine, mode["travel_speed"])
        for rule in asked:
            name = rule["facility_class"]
            of_day = pc.equal(given["facilities"].column("day"), pa.scalar(day, pa.date32()))
            schools = given["facilities"].filter(pc.and_(of_day, pc.equal(given["facilities"].column("facility_class"), name)))
            if not len(schools):
                continue
            yield _placed(reach, schools, given["residents"], day, rule)


def _placed(reach: assembling.Reach, schools: pa.Table, residents: pa.Table, day: Any, rule: dict[str, Any]) -> dict[str, Any]:
    limit = rule["seat_limit"]
    places = rows.floats(schools.column("places"))
    told = np.isfinite(places)
    people = reach.people(residents, day, rule["age_group"])
    mine = reach.of_class(rule["facility_class"])
    before = reach.before("seconds")
    search = reach.search("seconds")
    row_of = np.full(len(reach.facilities), -1, dtype=np.int64)
    at = pc.index_in(reach.facilities.column("facility"), schools.column("facility").combine_chunks()).fill_null(-1)
    row_of[mine] = at.to_numpy().astype(np.int64)[mine]
    nearest = search.nearest(mine)
    there = np.isfinite(nearest.cost[reach.home] + before)
    closest = np.bincount(row_of[nearest.facility[reach.home][there]], people[there], len(schools))
    pairs = search.pairs(mine, reach.home, before, limit)
    facility = row_of[pairs.facility]
    usable = told[facility]
    pairs = type(pairs)(pairs.place[usable], facility[usable], pairs.cost[usable])
    found = seats.placed(people, np.nan_to_num(places), pairs, limit * 10)
    placed = np.bincount(pairs.facility, found.people, len(schools))
    spent = np.bincount(pairs.facility, found.people * pairs.cost, len(schools))
    of_home = residents.filter(
        pc.and_(pc.equal(residents.column("day"), pa.scalar(day, pa.date32())), pc.equal(residents.column("age_group"), "all"))
    )
    zone_at = pc.index_in(reach.homes.column("cell"), of_home.column("cell").combine_chunks()).fill_null(-1).to_numpy()
    zone = np.append(rows.words(of_home.column("zone")), None)[zone_at.astype(np.int64)]
    below = (reach.edges, reach.homes, schools)
    return {
        **{"day": day, "class": rule["facility_class"], "schools": schools, "people": people, "nearest": closest},
        **{"placed": placed, "seats": np.nan_to_num(places), "told": told, "without": found.without, "home_zone": zone},
        "mean": np.divide(spent, placed, out=np.full(len(placed), np.nan), where=placed > 0),
        "time": np.bincount(pairs.place, found.people * pairs.cost, len(people)),
        "stand_in": any(bool(pc.any(table.column("stand_in")).as_py()) for table in below),
    }
