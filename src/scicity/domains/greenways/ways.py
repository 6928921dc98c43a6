"""Greenways and the density of ways for walking and cycling, by centre lines; and what is said of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import shapely

from scicity.domains.greenways.ground import (
    DAYS,
    OUTSIDE,
    ZONES,
    areas,
    layer,
    lines,
    on,
    rules_of,
    share,
    stands_in,
    told,
    with_whole,
    words,
    zones_on,
)
from scicity.domains.greenways.methods.centre import by_place, parted, stretches
from scicity.domains.greenways.methods.circles import once
from scicity.kernel.computing import Slot
from scicity.kernel.district import ROOT_ZONE
from scicity.kernel.tables import Read, derived
from scicity.space.ground import ground_of, number_of, word_of

GROWTH = "urban growth"
NO = ("no", "false", "private", "none")
_RULES = {
    "thresholds": Read("greenways.threshold", columns=("rule", "threshold"), trace={}),
    "own_thresholds": Read("greenways.own_threshold", columns=("rule", "threshold"), trace={}),
}
LEAST = 0.001  # m; what of a line is shorter in a zone, or outside of them, is their edges as they are rounded
_LENGTHS = ["drawn_length", "merged_length", "counted_length"]


@derived(
    reads={"days": DAYS, "zones": ZONES, "greenways": layer("greenways"), **_RULES},
    columns=["day", "zone", *_LENGTHS, "stand_in"],
    grain=["day", "zone"],
    by_partition=True,
    title_zh="绿道长度",
    title_en="Length of greenways",
)
def greenway_length(
    slot: Slot, days: pa.Table, zones: pa.Table, greenways: pa.Table, thresholds: pa.Table, own_thresholds: pa.Table
) -> pa.Table:
    """The greenways of each zone by their centre lines: two lines that run beside each other count once; `outside`: beyond
    all zones.

    Method: `methods/centre.py`.
    """
    rows: list[dict[str, Any]] = []
    if not greenways.num_rows:
        return told(rows, False, greenway_length.schema)
    rules, ground = rules_of(thresholds, own_thresholds), ground_of(zones, greenways)
    shapes = lines(ground, greenways)
    for day in days.column("day").to_pylist():
        moment = slot.calendar.instant(day)
        places, names = zones_on(ground, zones, moment)
        now = shapes[on(greenways, moment)]
        lengths_of = _lengths(now, np.zeros(len(now), np.int64), places, names, rules, rules["greenway_reach"])
        rows += [{"day": day, "zone": zone} | lengths for zone, lengths in lengths_of]
    return told(rows, stands_in(zones, greenways), greenway_length.schema)


@derived(
    reads={
        "days": DAYS,
        "zones": ZONES,
        "streets": layer("streets"),
        "control": layer("control-lines"),
        "kinds": Read("greenways.way_kind", columns=("way_class", "way_rank", "walked", "cycled"), trace={}),
        **_RULES,
    },
    columns=["day", "zone", "network", *_LENGTHS, "density_area", "density_basis", "slow_density", "stand_in"],
    grain=["day", "zone", "network"],
    by_partition=True,
    title_zh="慢行道路密度",
    title_en="Density of ways for walking and cycling",
)
def slow_density(
    slot: Slot,
    days: pa.Table,
    zones: pa.Table,
    streets: pa.Table,
    control: pa.Table,
    kinds: pa.Table,
    thresholds: pa.Table,
    own_thresholds: pa.Table,
) -> pa.Table:
    """Length of ways that are walked (`walking`), cycled (`cycling`) or either (`slow`) for each square kilometre, by centre
    lines.

    Carriageways, cycle tracks and footways that run beside each other count once, as one street (`methods/centre.py`). The
    area, and the ways within it, are those inside the urban growth boundary where the control lines have one (`density_basis`
    growth), else those of the zone (`zone`).
    """
    rows: list[dict[str, Any]] = []
    if not streets.num_rows:
        return told(rows, False, slow_density.schema)
    rules, ground = rules_of(thresholds, own_thresholds), ground_of(zones, streets)
    shapes, rank, walked, cycled = lines(ground, streets), *_ways(streets, kinds)
    bounds = areas(ground, control)
    is_growth = words(control, "feature_class") == GROWTH
    for day in days.column("day").to_pylist():
        moment = slot.calendar.instant(day)
        places, names = zones_on(ground, zones, moment)
        growth = bounds[is_growth & on(control, moment)]
        whole = np.nan_to_num(shapely.area(places))
        if len(growth):
            inner = shapely.intersection(places, shapely.union_all(growth))
            whole = once(places, growth)
        within = inner if len(growth) else places
        now = on(streets, moment)
        for network, chosen in (("walking", walked), ("cycling", cycled), ("slow", walked | cycled)):
            here = chosen & now
            area = dict(with_whole(names, whole[:, None]))
            for zone, lengths in _lengths(shapes[here], rank[here], within, names, rules, rules["street_reach"]):
                if zone == OUTSIDE:
                    continue
                (of,) = area[zone]
                rows.append(
                    {"day": day, "zone": zone, "network": network, **lengths, "density_area": of}
                    | {"density_basis": "growth" if len(growth) else "zone"}
                    | {"slow_density": share(lengths["counted_length"], of, 1000.0)}
                )
    return told(rows, stands_in(zones, streets, control), slow_density.schema)


@derived(
    reads={"days": DAYS, "zones": ZONES, "streets": layer("streets")},
    columns=["day", "zone", "drawn_length", "known_length", "shaded_length", "shaded_share", "stand_in"],
    grain=["day", "zone"],
    by_partition=True,
    title_zh="街道林荫",
    title_en="Shade of streets",
)
def street_shade(slot: Slot, days: pa.Table, zones: pa.Table, streets: pa.Table) -> pa.Table:
    """How much of the streets of which it is known lies in the shade of trees; nothing where no street tells.

    A street tells by its attribute `shade`: yes, no, or a share from 0 to 1.
    """
    rows: list[dict[str, Any]] = []
    told_share, word = number_of(streets.column("details"), "shade"), word_of(streets.column("details"), "shade")
    told_share = np.where(
        np.isin(word.astype(str), ("yes", "true")), 1.0, np.where(np.isin(word.astype(str), NO), 0.0, told_share)
    )
    known = ~np.isnan(told_share)
    if not known.any():
        return told(rows, False, street_shade.schema)
    ground = ground_of(zones, streets)
    shapes = lines(ground, streets)
    for day in days.column("day").to_pylist():
        moment = slot.calendar.instant(day)
        places, names = zones_on(ground, zones, moment)
        now = on(streets, moment)
        pieces, of, where = parted(shapes[now], places)
        all_ = stretches(pieces, np.zeros(len(pieces), np.int64), 0.0, 0.0, 20.0)
        part = np.nan_to_num(np.clip(told_share[now][of], 0, 1))[all_.line]
        tells = known[now][of][all_.line]
        weighed = [all_.length, np.where(tells, all_.length, 0.0), all_.length * part]
        columns = np.column_stack([by_place(replace(all_, length=each), where, len(places))[0] for each in weighed])[:-1]
        for zone, (of, length, shade) in with_whole(names, columns):
            rows.append(
                {"day": day, "zone": zone, "drawn_length": of, "known_length": length, "shaded_length": shade}
                | {"shaded_share": share(shade, length, 100.0)}
            )
    return told(rows, stands_in(zones, streets), street_shade.schema)


def _lengths(
    shapes: Any, rank: Any, places: Any, names: list[str], rules: dict[str, float], reach: float
) -> list[tuple[str, dict[str, float]]]:
    """Lengths of lines by zone, of the district, and of what lies in no zone."""
    pieces, of, where = parted(shapes, places)
    found = stretches(pieces, rank[of], reach, rules["turn"], rules["step"])
    drawn, counted = by_place(found, where, len(places))
    columns = np.column_stack([drawn, drawn - counted, counted])
    columns[drawn < LEAST] = 0.0
    rows = [*with_whole(names, columns[:-1]), (OUTSIDE, columns[-1].tolist())]
    return [(zone, dict(zip(_LENGTHS, of_zone, strict=True))) for zone, of_zone in rows]


def _ways(streets: pa.Table, kinds: pa.Table) -> tuple[Any, Any, Any]:
    """The rank of each way, and whether it is walked and cycled: as it says itself, else as its kind is."""
    known = {row["way_class"]: row for row in kinds.to_pylist()}
    written = [known.get(each) for each in words(streets, "feature_class")]
    rank = np.array([row["way_rank"] if row else 9 for row in written], dtype=np.int64)
    found = []
    for name, usual in (("foot", "walked"), ("bicycle", "cycled")):
        said = word_of(streets.column("details"), name)
        by_kind = np.array([bool(row and row[usual]) for row in written], dtype=bool)
        own = np.array([None if each is None else each not in NO for each in said], dtype=object)
        found.append(
            np.array([usual_ if mine is None else mine for mine, usual_ in zip(own, by_kind, strict=True)], dtype=bool)
        )
    return rank, *found


# What a statement's unit (UCUM) is multiplied by to be in the unit of the figure that it is compared with.
_UNITS = {"m": 1.0, "m2": 1.0, "m/m2": 1000.0, "%": 1.0, "{park}": 1.0, "m2/{person}": 1.0}


@derived(
    reads={
        "claims": Read("greenways.claim", trace={"claim_id": "claim_id"}),
        "statements": Read(
            "indicators.statement", columns=("claim_id", "value", "unit", "comparator"), trace={"claim_id": "claim_id"}
        ),
        "lengths": Read(
            "greenways.greenway_length", columns=("day", "zone", "counted_length", "stand_in"), trace={"day": "day"}
        ),
        "density": Read(
            "greenways.slow_density", columns=("day", "zone", "network", "slow_density", "stand_in"), trace={"day": "day"}
        ),
        "green": Read(
            "greenways.green_account",
            columns=("day", "zone", "park_area", "parks_counted", "green_area", "park_per_resident", "stand_in"),
            trace={"day": "day"},
        ),
        "circles": Read(
            "greenways.park_circle",
            columns=("day", "zone", "park_class", "circle_area_share", "stand_in"),
            trace={"day": "day"},
        ),
    },
    columns=["claim_id", "green_measure", "zone", "day", "stated_value", "measured_value", "gap", "stand_in"],
    grain=["claim_id", "green_measure", "day"],
    title_zh="绿地与慢行：陈述与图上",
    title_en="Statements beside the map",
)
def claim_check(claims: Any, statements: Any, lengths: Any, density: Any, green: Any, circles: Any) -> Any:
    """What a report says of parks, greenways and ways beside what the map comes to on each day of the accounts.

    A greenway without a zone is all that is drawn, outside of the zones too; a density is of walking and cycling together.
    """
    parts = []
    inside = lengths.filter((lengths.zone == ROOT_ZONE) | (lengths.zone == OUTSIDE))
    all_drawn = inside.group_by("day").agg(measured_value=inside.counted_length.sum(), stand_in=inside.stand_in.max())
    parts.append(
        all_drawn.mutate(green_measure=ibis.literal("greenway_length"), of_zone=ibis.literal(""), of_class=ibis.literal(""))
    )
    for table, measure, column in (
        (lengths, "greenway_length", "counted_length"),
        (density.filter(density.network == "slow"), "slow_density", "slow_density"),
        (green, "park_area", "park_area"),
        (green, "parks_counted", "parks_counted"),
        (green, "green_area", "green_area"),
        (green, "park_per_resident", "park_per_resident"),
    ):
        parts.append(_measured(table, measure, column, ibis.literal("")))
    parts.append(_measured(circles, "circle_area_share", "circle_area_share", circles.park_class))
    names = ["green_measure", "of_zone", "of_class", "day", "measured_value", "stand_in"]
    known = ibis.union(*(part.select(names) for part in parts), distinct=False)
    scale = ibis.cases(*((statements.unit == unit, factor) for unit, factor in _UNITS.items()), else_=ibis.null("float64"))
    rows = claims.inner_join(statements.mutate(stated_value=statements.value * scale), "claim_id")
    by_zone = rows.mutate(
        of_zone=ibis.ifelse(rows.green_measure == "greenway_length", rows.zone.fill_null(""), rows.zone.fill_null(ROOT_ZONE)),
        of_class=ibis.ifelse(rows.green_measure == "circle_area_share", rows.park_class.fill_null("any"), ibis.literal("")),
    )
    both = by_zone.inner_join(known, ["green_measure", "of_zone", "of_class"])
    return both.mutate(gap=both.measured_value - both.stated_value)


def _measured(table: Any, measure: str, column: str, kind: Any) -> Any:
    return table.select(
        day=table.day,
        of_zone=table.zone,
        of_class=kind,
        green_measure=ibis.literal(measure),
        measured_value=table[column].cast("float64"),
        stand_in=table.stand_in,
    )
