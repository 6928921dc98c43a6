"""Labels that buildings and projects were awarded, those in force at the end of each year, and their shares by zone."""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from scicity.domains.buildings.methods import holding
from scicity.domains.buildings.schemes import REVIEW, place_of
from scicity.kernel.computing import Slot
from scicity.kernel.district import ROOT_ZONE
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Read, derived, source

STAND_IN = "stand-in"
EPOCH = date(1970, 1, 1)


def check_holder(row: dict[str, Any], problems: Problems) -> None:
    """Adds a problem where a row names neither building nor project, or a project without its zone."""
    if row["building"] is None and row["project"] is None:
        problems.add("value-missing", *place_of(row), "building", expected="a building, or a project")
    elif row["building"] is None and row["zone"] is None:
        problems.add("value-missing", *place_of(row), "zone", expected="the zone of the project, as no building is named")
    if row["building"] is None and row["zone"] == ROOT_ZONE:
        problems.add("reference", *place_of(row), "zone", found=ROOT_ZONE, expected="a zone of the district, not the whole")


def _check_labels(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """A label is of a level of its scheme, is somebody's, agrees with the building's zone, and ends after it began."""
    levels = {(row["label_scheme"], row["label_level"]) for row in tables["buildings.scheme_level"].to_pylist()}
    zones = {row["building"]: row["zone"] for row in tables["buildings.building"].to_pylist()}
    for row in table.to_pylist():
        where = place_of(row)
        check_holder(row, problems)
        if None not in (row["label_scheme"], row["label_level"]) and (row["label_scheme"], row["label_level"]) not in levels:
            expected = f"a level of {row['label_scheme']}"
            problems.add("reference", *where, "label_level", found=row["label_level"], expected=expected)
        if row["building"] in zones and row["zone"] not in (None, zones[row["building"]]):
            expected = f"{zones[row['building']]}, the zone of the building, or nothing"
            problems.add("reference", *where, "zone", found=row["zone"], expected=expected)
        if row["valid_to"] is not None and row["awarded_on"] is not None and row["valid_to"].date() <= row["awarded_on"]:
            problems.add("period", *where, "valid_to", found=row["valid_to"], expected=f"after {row['awarded_on']}")


LABEL = source(
    "buildings.label",
    path="registers/labels.csv",
    columns=[
        *("label", "label_scheme", "label_level", "stage", "project", "building", "zone", "floor_area", "awarded_on"),
        *("valid_to", "document", "review", "origin", "source"),
    ],
    optional=("project", "building", "zone", "floor_area", "valid_to", "source"),
    grain=["label"],
    references={
        "label_scheme": "buildings.scheme.label_scheme",
        "building": "buildings.building.building",
        "zone": "district.zone.zone",
    },
    choices={"stage": holding.STAGES, "review": REVIEW},
    ranges={"floor_area": (1, 10_000_000)},
    check=_check_labels,
    title_zh="建筑标识",
    title_en="Labels of buildings",
    doc="The labels that buildings and projects were awarded: scheme, level, stage, dates, and the document.",
)


def _day(moment: Any, slot: Slot) -> int | None:
    """The local day of an instant, or the day itself, as a number."""
    if moment is None:
        return None
    if hasattr(moment, "hour"):
        return int(slot.calendar.days(np.array([int(moment.timestamp()) * 1_000_000]))[0])
    return (moment - EPOCH).days


@derived(
    reads={
        "labels": Read("buildings.label", trace={"label": "label"}),
        "levels": Read(
            "buildings.scheme_level",
            columns=("label_scheme", "label_level", "level_rank"),
            trace={"label_scheme": "label_scheme", "label_level": "label_level"},
        ),
        "buildings": Read(
            "buildings.building", columns=("building", "zone", "floor_area", "origin"), trace={"building": "building"}
        ),
        "years": Read("energy.zone_yearly", columns=("zone", "year"), trace={"zone": "zone", "year": "year"}),
    },
    columns=[
        *("label", "year", "label_scheme", "label_level", "level_rank", "stage", "project", "building", "zone"),
        *("floor_area", "awarded_on", "review", "stand_in"),
    ],
    grain=["label", "year"],
    by_partition=True,
    title_zh="年末有效标识",
    title_en="Labels in force at the end of years",
)
def label_held(slot: Slot, labels: pa.Table, levels: pa.Table, buildings: pa.Table, years: pa.Table) -> pa.Table:
    """The labels that count at the end of each year: of a building (or project) and scheme the one that was awarded last.

    From the year of the first award to that of the last one, or to the last year of which the district has energy figures. The
    floor area is the label's own, or the building's where it tells none; unknown stays unknown.
    """
    rows = {row["label"]: row for row in labels.to_pylist()}
    if not rows:
        return label_held.schema.empty_table()
    ranks = {(row["label_scheme"], row["label_level"]): row["level_rank"] for row in levels.to_pylist()}
    built = {row["building"]: row for row in buildings.to_pylist()}
    offered = [
        holding.Label(
            key,
            row["label_scheme"],
            f"building:{row['building']}" if row["building"] else f"project:{row['project']}",
            ranks.get((row["label_scheme"], row["label_level"]), -1),
            row["stage"],
            _day(row["awarded_on"], slot) or 0,
            _day(row["valid_to"], slot),
        )
        for key, row in rows.items()
    ]
    awarded = [row["awarded_on"].year for row in rows.values()]
    last = max([*awarded, *(year for year in years.column("year").to_pylist() if year is not None)])
    found = []
    for year in range(min(awarded), last + 1):
        for label in holding.held_at(offered, (date(year, 12, 31) - EPOCH).days):
            row = rows[label.key]
            of = built.get(row["building"], {})
            area = row["floor_area"] if row["floor_area"] is not None else of.get("floor_area")
            kept = ("label", "label_scheme", "label_level", "stage", "project", "building", "awarded_on", "review")
            found.append(
                {
                    **{name: row[name] for name in kept},
                    **{"year": year, "level_rank": label.rank, "zone": of.get("zone") or row["zone"], "floor_area": area},
                    "stand_in": STAND_IN in (row["origin"], of.get("origin")),
                }
            )
    return pa.Table.from_pylist(found, schema=label_held.schema)


EXACT = "decimal(18, 6)"


def _area(rows: Any, which: Any) -> Any:
    """The sum of the floor areas of some rows [m²]; unknown where one of them is, 0 where there are none."""
    unknown = (which & rows.floor_area.isnull()).any()
    total = ibis.ifelse(which, rows.floor_area, 0.0).cast(EXACT).sum().cast("float64")
    return ibis.ifelse(unknown, ibis.null("float64"), total)


def _whole(rows: Any) -> Any:
    """Rows of zones, and again as rows of the whole district."""
    return rows.union(rows.filter(rows.zone != ROOT_ZONE).mutate(zone=ibis.literal(ROOT_ZONE)), distinct=False)


@derived(
    reads={
        "held": Read("buildings.label_held", trace={"zone": "zone", "year": "year", "label_scheme": "label_scheme"}),
        "levels": Read(
            "buildings.scheme_level",
            columns=("label_scheme", "label_level", "level_rank"),
            trace={"label_scheme": "label_scheme"},
        ),
        "buildings": Read("buildings.building", columns=("building", "zone", "floor_area"), trace={"zone": "zone"}),
    },
    columns=[
        *("zone", "year", "label_scheme", "label_level", "level_rank", "labelled_buildings", "labelled_area"),
        *("buildings_at_least", "area_at_least", "share_at_least", "area_share_at_least", "stock_area", "stock_share"),
        *("review", "stand_in"),
    ],
    grain=["zone", "year", "label_scheme", "label_level"],
    title_zh="标识等级占比",
    title_en="Shares of labels",
)
def label_yearly(held: Any, levels: Any, buildings: Any) -> Any:
    """Labelled buildings of a zone at the end of a year by scheme and level, and the shares at each level or above it.

    Shares are of all that the scheme labels in the zone; `stock_share` is the labelled floor area of the register's buildings
    over the floor area of all of them as the register is now. The zone `district` is all zones together. A level that nobody
    holds has the count 0 where the scheme labels anything. An area is unknown where that of one building is.
    """
    rows = _whole(held)
    there = rows.group_by("zone", "year", "label_scheme").agg(review=rows.review.min(), stand_in=rows.stand_in.max())
    asked = there.inner_join(levels, "label_scheme")
    both = asked.left_join(rows.drop("label_level", "review", "stand_in"), ["zone", "year", "label_scheme"])
    mine, above = both.level_rank_right == both.level_rank, both.level_rank_right >= both.level_rank
    listed = above & both.building.notnull()
    sums = both.group_by("zone", "year", "label_scheme", "label_level", "level_rank").agg(
        labelled_buildings=mine.sum().cast("int64"),
        labelled_area=_area(both, mine),
        buildings_at_least=above.sum().cast("int64"),
        area_at_least=_area(both, above),
        of_stock=_area(both, listed),
        every=both.count(),
        every_area=_area(both, ibis.literal(True)),
        review=both.review.min(),
        stand_in=both.stand_in.max(),
    )
    stocked = _whole(buildings)
    stock = stocked.group_by("zone").agg(stock_area=_area(stocked, ibis.literal(True)))
    found = sums.left_join(stock, "zone")

    def percent(part: Any, whole: Any) -> Any:
        return part.cast("float64") / whole.cast("float64").nullif(0.0) * 100  # real numbers on every engine

    return found.mutate(
        share_at_least=percent(found.buildings_at_least, found.every),
        area_share_at_least=percent(found.area_at_least, found.every_area),
        stock_share=percent(found.of_stock, found.stock_area),
    )
