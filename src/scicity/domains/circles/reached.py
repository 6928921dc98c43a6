"""Access: of each cell and class the nearest facility and how many are within reach; and whether a cell has a circle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.domains.circles.methods import assembling, circles, rows
from scicity.domains.circles.sources import in_use_days
from scicity.domains.circles.streets import RULES
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived

MINUTES = (5, 10, 15)
KEYS = {"day": "day", "travel_mode": "travel_mode"}
NETWORK = {
    "edges": Read("circles.edge", trace={**KEYS, "edge": "edge"}),
    "homes": Read("circles.home", trace={**KEYS, "cell": "cell"}),
    "doors": Read("circles.door", trace={**KEYS, "facility_class": "facility_class", "facility": "facility"}),
}
MODES = {name: RULES[name] for name in ("travel_mode", "own_travel_mode")}
DAYS = {name: RULES[name] for name in ("access_day", "own_access_day")}
CLASSES = {name: Read(f"circles.{name}") for name in ("facility_class", "own_facility_class")}
REACHED, UNREACHED, OFF, NOTHING = "reached", "unreached", "off_network", "no_facilities"


def reaches(given: dict[str, pa.Table]) -> Iterator[tuple[Any, dict[str, Any], assembling.Reach]]:
    """Day, mode, and the network of these with everything that is snapped to it."""
    modes = rows.overlaid(given["travel_mode"], given["own_travel_mode"], ["travel_mode"])
    for day in in_use_days(given["access_day"], given["own_access_day"]):
        for mode in modes:
            mine = [assembling.of(given[name], day, mode["travel_mode"]) for name in ("edges", "homes", "doors")]
            yield day, mode, assembling.Reach(*mine, mode["travel_speed"])


@derived(
    reads={**NETWORK, **MODES, **DAYS, **CLASSES},
    columns=[
        *("day", "travel_mode", "cell", "facility_class", "access_state", "facility", "access_time", "access_distance"),
        *("facilities_5", "facilities_10", "facilities_15", "edge", "stand_in", "origin"),
    ],
    grain=["day", "travel_mode", "cell", "facility_class"],
    by_partition=True,
    title_zh="可达性",
    title_en="Access",
)
def access(slot: Slot, **given: pa.Table) -> pa.Table:
    """From the middle of each cell to the nearest facility of each class: the time, the facility, the shortest way along the
    network, and how many facilities are within 5, 10 and 15 minutes. The way to the network and
    from it to the door is part of it. Null where there is no way: the cell is off the network, or on an island without such a
    facility (`access_state`)."""
    classes = rows.overlaid(given["facility_class"], given["own_facility_class"], ["facility_class"])
    parts = []
    for day, mode, reach in reaches(given):
        seconds, metres = reach.search("seconds"), reach.search("metres")
        before = {by: reach.before(by) for by in ("seconds", "metres")}
        edge = reach.homes.column("edge").combine_chunks()
        off = np.isinf(before["seconds"])
        drawn = set(
            given["doors"]
            .filter(pc.equal(given["doors"].column("day"), pa.scalar(day, pa.date32())))
            .column("facility_class")
            .to_pylist()
        )
        home_stand_in = reach.homes.column("stand_in").to_numpy(zero_copy_only=False).astype(bool)
        for rule in classes:
            mine = reach.of_class(rule["facility_class"])
            some = rule["facility_class"] in drawn
            nearest = seconds.nearest(mine)
            time = nearest.cost[reach.home] + before["seconds"]
            length = metres.nearest(mine).cost[reach.home] + before["metres"]
            count = seconds.counts(mine, reach.home, before["seconds"], [each * 60.0 for each in MINUTES])
            there = np.isfinite(time)
            which = np.where(there, nearest.facility[reach.home], 0)
            empty = pa.nulls(len(which), pa.string())
            named = (
                reach.facilities.column("facility").combine_chunks().take(pa.array(which, mask=~there)) if len(mine) else empty
            )
            state = np.select([there, np.full(len(off), not some), off], [REACHED, NOTHING, OFF], UNREACHED)
            counted = {f"facilities_{each}": pa.array(count[n], mask=off) for n, each in enumerate(MINUTES)}
            parts.append(
                pa.table(
                    {
                        "day": pa.array([day] * len(time), pa.date32()),
                        "travel_mode": pa.array([mode["travel_mode"]] * len(time), pa.string()),
                        "cell": reach.homes.column("cell"),
                        "facility_class": pa.array([rule["facility_class"]] * len(time), pa.string()),
                        "access_state": pa.array(state, pa.string()),
                        "facility": named,
                        "access_time": rows.finite(time),
                        "access_distance": rows.finite(length),
                        **counted,
                        "edge": edge,
                        "stand_in": home_stand_in | _stand_in(reach, rule["facility_class"]),
                        "origin": pa.array(["modelled"] * len(time), pa.string()),
                    }
                )
            )
    return pa.concat_tables(parts) if parts else access.schema.empty_table()


def _stand_in(reach: assembling.Reach, name: str) -> bool:
    """Whether a street or a facility of a class is a stand-in: then everything that is reached by it is."""
    mine = pc.equal(reach.doors.column("facility_class"), name)
    below = (reach.edges.column("stand_in"), reach.doors.filter(mine).column("stand_in"))
    return any(bool(pc.any(column).as_py()) for column in below)


@derived(
    reads={
        "access": Read("circles.access", trace={"day": "day", "travel_mode": "travel_mode", "cell": "cell"}),
        **{name: Read(f"circles.{name}") for name in ("circle", "own_circle", "circle_part", "own_circle_part")},
    },
    columns=[
        *("day", "circle", "cell", "travel_mode", "circle_met", "circle_met_at_most", "classes_asked", "classes_met"),
        *("classes_missing", "classes_without_data", "stand_in", "origin"),
    ],
    grain=["day", "circle", "cell"],
    by_partition=True,
    title_zh="居住单元的生活圈",
    title_en="Circles of cells",
)
def circle_cell(slot: Slot, access: pa.Table, **given: pa.Table) -> pa.Table:
    """Whether a cell has a circle: all of its classes within reach, or any, as the circle asks. Of a class that the district
    has no facility of, nobody can say whether there is none or it was never drawn: then a circle that asks for all is unknown,
    and `circle_met_at_most` says whether the other classes would do."""
    parts = rows.overlaid(given["circle_part"], given["own_circle_part"], ["circle", "facility_class"])
    found = []
    for circle in rows.overlaid(given["circle"], given["own_circle"], ["circle"]):
        mine = [part for part in parts if part["circle"] == circle["circle"]]
        some = access.filter(pc.equal(access.column("travel_mode"), circle["travel_mode"]))
        said = circles.judged(some, mine, circle["circle_rule"])
        count = len(said)
        told = {
            "circle": pa.array([circle["circle"]] * count, pa.string()),
            "travel_mode": pa.array([circle["travel_mode"]] * count, pa.string()),
            "classes_asked": pa.array(np.full(count, len(mine))),
            "origin": pa.array(["modelled"] * count, pa.string()),
        }
        for name, column in told.items():
            said = said.append_column(name, column)
        found.append(said.select(circle_cell.schema.names))
    return pa.concat_tables(found) if found else circle_cell.schema.empty_table()
