"""Where more places of a class would be best: the answers to the questions in `registers/sitings.csv`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.domains.circles.methods import assembling, rows, siting
from scicity.domains.circles.reached import MODES, NETWORK
from scicity.domains.circles.sources import COVERING
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived

QUESTION = {
    **{name: Read(read.table) for name, read in (NETWORK | MODES).items()},
    "residents": Read("circles.resident"),
    "candidate": Read("circles.candidate"),
    "siting": Read("circles.siting"),
}


@derived(
    reads=QUESTION,
    columns=[
        *("siting", "rank", "candidate", "facility_class", "longitude", "latitude", "adds", "adds_people_time"),
        *("lost_without", "lost_people_time", "stand_in", "origin"),
    ],
    grain=["siting", "rank"],
    by_partition=True,
    title_zh="选址结果",
    title_en="Chosen places",
)
def siting_choice(slot: Slot, **given: pa.Table) -> pa.Table:
    """The chosen candidates of each question, in the order in which each adds most to those before it, and what would be lost
    if it alone were left out. A covering counts residents, a median residents times hours of way to the nearest."""
    parts = []
    for row, found, candidates, stand_in in _answers(given):
        chosen, count = np.array(found.chosen, dtype=np.int64), len(found.chosen)
        columns = ("adds", "lost_without") if row["siting_goal"] == COVERING else ("adds_people_time", "lost_people_time")
        scale = 1.0 if row["siting_goal"] == COVERING else 1 / 3600
        told = dict.fromkeys(("adds", "lost_without", "adds_people_time", "lost_people_time"), pa.nulls(count, pa.float64()))
        told |= {columns[0]: pa.array(found.adds * scale), columns[1]: pa.array(found.lost_without * scale)}
        picked = candidates.take(pa.array(chosen))
        parts.append(
            pa.table(
                {
                    "siting": pa.array([row["siting"]] * count, pa.string()),
                    "rank": np.arange(1, count + 1),
                    **{name: picked.column(name) for name in ("candidate", "facility_class", "longitude", "latitude")},
                    **told,
                    "stand_in": pa.array([stand_in] * count, pa.bool_()),
                    "origin": pa.array(["modelled"] * count, pa.string()),
                }
            ).select(siting_choice.schema.names)
        )
    return pa.concat_tables(parts) if parts else siting_choice.schema.empty_table()


@derived(
    reads=QUESTION,
    columns=[
        *("siting", "candidates_counted", "candidates_off", "worth", "worth_people_time", "bound", "bound_people_time"),
        *("optimality_gap", "solver_status", "people", "people_without", "stand_in", "origin"),
    ],
    grain=["siting"],
    by_partition=True,
    title_zh="选址评估",
    title_en="Answers to questions of siting",
)
def siting_outcome(slot: Slot, **given: pa.Table) -> pa.Table:
    """What the chosen places of each question come to together, the most that any choice could, and the gap between the two: 0
    where the solver proved that there is no better one. `people_without`: whom what there is does not reach within the limit,
    those off the network left out."""
    found = []
    for row, answer, candidates, stand_in in _answers(given):
        covering = row["siting_goal"] == COVERING
        scale = 1.0 if covering else 1 / 3600
        found.append(
            {
                "siting": row["siting"],
                "candidates_counted": len(candidates),
                "candidates_off": row["candidates_off"],
                "worth": answer.worth if covering else None,
                "worth_people_time": None if covering else answer.worth * scale,
                "bound": answer.bound if covering else None,
                "bound_people_time": None if covering else answer.bound * scale,
                "optimality_gap": answer.gap,
                "solver_status": answer.status,
                "people": row["people"],
                "people_without": row["people_without"],
                "stand_in": stand_in,
                "origin": "modelled",
            }
        )
    for row in found:
        for name in ("people", "people_without"):
            row[name] = rows.exact(rows.millionths(np.array([row[name]])))[0].as_py()
    return pa.Table.from_pylist(found, schema=siting_outcome.schema)


def _answers(given: dict[str, pa.Table]) -> Any:
    """Each question with its answer and the candidates of its class."""
    modes = {row["travel_mode"]: row for row in rows.overlaid(given["travel_mode"], given["own_travel_mode"], ["travel_mode"])}
    known: dict[Any, assembling.Reach] = {}
    for row in given["siting"].sort_by("siting").to_pylist():
        key = row["day"], row["travel_mode"]
        mode = modes[row["travel_mode"]]
        if key not in known:
            mine = [assembling.of(given[name], *key) for name in ("edges", "homes", "doors")]
            known[key] = assembling.Reach(*mine, mode["travel_speed"])
        reach = known[key]
        candidates = given["candidate"].filter(pc.equal(given["candidate"].column("facility_class"), row["facility_class"]))
        people = reach.people(given["residents"], row["day"], row["age_group"])
        now = reach.search("seconds").nearest(reach.of_class(row["facility_class"])).cost[reach.home] + reach.before("seconds")
        snapping = assembling.Snappings(given["edges"])
        snapped = snapping.snap(row["day"], mode, *(rows.floats(candidates.column(n)) for n in ("longitude", "latitude")))
        pairs = reach.pairs_to(snapped, row["access_limit"])
        demand = siting.Demand(people, now)
        solve = siting.covering if row["siting_goal"] == COVERING else siting.median
        answer = solve(demand, pairs, len(candidates), row["new_places"], row["access_limit"])
        below = (reach.edges, reach.homes, reach.doors, given["residents"])
        stand_in = any(bool(pc.any(table.column("stand_in")).as_py()) for table in below)
        row["candidates_off"] = snapped["edge"].null_count
        row["people"] = float(people.sum())
        row["people_without"] = float(people[~(now <= row["access_limit"]) & np.isfinite(reach.before("seconds"))].sum())
        yield row, answer, candidates, stand_in
