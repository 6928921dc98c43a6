"""The inventory of the whole district by sector and scope in the form of GPC, with a notation key where there are no data."""

from __future__ import annotations

from typing import Any

import ibis

from scicity.domains.carbon.methods.accounts import OTHER, UNKNOWN, covered
from scicity.domains.carbon.sources import REVIEW
from scicity.kernel.tables import Read, derived, source

NOTATIONS = ("NE", "IE", "NO", "C")
NOT_SPECIFIED, ON_ROAD, SUPPLIED = "I.6", "II.1", "I.4.4"

SECTOR = source(
    "carbon.gpc_sector",
    packaged=__file__,
    path="standards/gpc_sectors.csv",
    columns=[
        *("gpc_sector", "emission_scope", "name_zh", "name_en", "in_basic", "notation", "document", "clause", "review", "note"),
    ],
    optional=("note",),
    grain=["gpc_sector", "emission_scope"],
    choices={"notation": NOTATIONS, "review": REVIEW},
    title_zh="GPC 部门",
    title_en="Sectors of GPC",
    doc="The sectors and scopes of a community's inventory, which of them the level BASIC sums, and the key without data.",
)

USE = source(
    "carbon.gpc_use",
    packaged=__file__,
    path="standards/gpc_uses.csv",
    columns=["use", "gpc_sector", "note"],
    optional=("note",),
    grain=["use"],
    title_zh="建筑用途与 GPC 部门",
    title_en="Uses of buildings and sectors of GPC",
    doc="Under which sector the energy of a building is reported, by its use; other uses are non-specified.",
)

NOTATION = source(
    "carbon.gpc_notation",
    path="registers/gpc_notation.csv",
    columns=["gpc_sector", "emission_scope", "notation", "reason_zh", "reason_en", "origin"],
    grain=["gpc_sector", "emission_scope"],
    references={"gpc_sector": "carbon.gpc_sector.gpc_sector"},
    choices={"notation": NOTATIONS},
    ranges={"emission_scope": (1, 3)},
    title_zh="缺项标记",
    title_en="Notation keys",
    doc="Why a sector and scope of the inventory has no figures: not estimated (NE, which holds where nothing is said), "
    "included elsewhere (IE), not occurring (NO) or confidential (C).",
)

ITEM = source(
    "carbon.inventory_item",
    packaged=__file__,
    path="standards/inventory_items.csv",
    columns=["inventory_item", "name_zh", "name_en", "document", "clause", "review", "note"],
    optional=("note",),
    grain=["inventory_item"],
    choices={"review": REVIEW},
    title_zh="企业清单项目",
    title_en="Items of an enterprise's inventory",
    doc="The lines of the inventory of an enterprise.",
)


@derived(
    reads={
        "yearly": Read("carbon.emission_yearly", trace={"year": "year", "emission_scope": "emission_scope"}),
        "fuels": Read(
            "carbon.fuel_emission_monthly",
            columns=(
                *("entry", "month", "building", "enterprise", "carrier", "emission_scope", "activity", "emission"),
                *("known_seconds", "expected_seconds", "review", "stand_in"),
            ),
            trace={"emission_scope": "emission_scope"},
        ),
        "buildings": Read("buildings.building", columns=("building", "use"), trace={}),
        "sectors": Read(
            "carbon.gpc_sector",
            columns=("gpc_sector", "emission_scope", "in_basic", "notation"),
            trace={"gpc_sector": "gpc_sector", "emission_scope": "emission_scope"},
        ),
        "uses": Read("carbon.gpc_use", columns=("use", "gpc_sector"), trace={"gpc_sector": "gpc_sector"}),
        "keys": Read(
            "carbon.gpc_notation",
            columns=("gpc_sector", "emission_scope", "notation", "reason_zh", "reason_en"),
            trace={"gpc_sector": "gpc_sector", "emission_scope": "emission_scope"},
        ),
    },
    columns=[
        *("year", "gpc_sector", "emission_scope", "in_basic", "emission", "basic_emission", "notation", "reason_zh"),
        *("reason_en", "known_seconds", "expected_seconds", "coverage", "review", "stand_in"),
    ],
    grain=["year", "gpc_sector", "emission_scope"],
    period="year",
    time="year",
    title_zh="区域温室气体清单（GPC）",
    title_en="Greenhouse-gas inventory of the district (GPC)",
)
def inventory_gpc(yearly: Any, fuels: Any, buildings: Any, sectors: Any, uses: Any, keys: Any) -> Any:
    """The district's emissions of a year by sector and scope in the form of GPC, level BASIC (unverified).

    Buildings by their use; what vehicles burn under on-road transport; what is burnt for energy that is sold to networks beside
    BASIC (I.4.4), as whoever takes the energy counts it. Sectors without data have a notation key, never a zero. All rows are
    together the scopes 1 and 2 of the district's totals.
    """
    of_use = buildings.left_join(uses, "use").select("building", "gpc_sector")
    placed = yearly.filter(yearly.emission_scope != OTHER).left_join(of_use, "building").drop("building_right")
    placed = placed.mutate(gpc_sector=ibis.coalesce(placed.gpc_sector, NOT_SPECIFIED))
    names = ["gpc_sector", "emission_scope", "year", "emission", "known_seconds", "expected_seconds", "review", "stand_in"]
    burnt = fuels.filter(fuels.emission_scope != OTHER).mutate(year=fuels.month.year().cast("int64"))
    burnt = burnt.left_join(of_use, "building").drop("building_right")
    burnt = burnt.mutate(of_building=ibis.coalesce(burnt.gpc_sector, NOT_SPECIFIED))
    goes_to = ibis.cases((burnt.activity == "mobile", ON_ROAD), (burnt.activity == "generation", SUPPLIED), else_=NOT_SPECIFIED)
    burnt = burnt.mutate(gpc_sector=goes_to)
    moved = burnt.filter((burnt.activity != "stationary") | burnt.building.isnull())
    zero = ibis.literal(0).cast("int64")
    taken = burnt.filter((burnt.activity != "stationary") & burnt.building.notnull())
    taken = taken.mutate(gpc_sector=taken.of_building, emission=-taken.emission, known_seconds=zero, expected_seconds=zero)
    rows = placed.select(names).union(moved.select(names)).union(taken.select(names))
    sums = rows.group_by("gpc_sector", "emission_scope", "year").agg(
        emission=rows.emission.sum().cast(UNKNOWN),
        known_seconds=rows.known_seconds.sum().cast("int64"),
        expected_seconds=rows.expected_seconds.sum().cast("int64"),
        review=rows.review.min(),
        stand_in=rows.stand_in.max(),
    )
    years = rows.select("year").distinct()
    said = keys.rename(said="notation")
    form = years.cross_join(sectors).left_join(said, ["gpc_sector", "emission_scope"])
    form = form.drop("gpc_sector_right", "emission_scope_right")
    found = form.left_join(sums, ["year", "gpc_sector", "emission_scope"])
    found = found.drop("year_right", "gpc_sector_right", "emission_scope_right")
    known = found.emission.notnull()
    return covered(
        found.mutate(
            basic_emission=ibis.ifelse(found.in_basic, found.emission, ibis.null(UNKNOWN)),
            notation=ibis.ifelse(known, ibis.null("string"), ibis.coalesce(found.said, found.notation)),
        )
    )


@derived(
    reads={"rows": Read("carbon.inventory_gpc", trace={"year": "year"})},
    columns=[
        *("year", "emission_scope", "emission", "basic_emission", "known_seconds", "expected_seconds", "coverage", "review"),
        "stand_in",
    ],
    grain=["year", "emission_scope"],
    period="year",
    time="year",
    title_zh="区域清单合计（GPC）",
    title_en="Totals of the inventory (GPC)",
)
def inventory_gpc_total(rows: Any) -> Any:
    """The inventory of a year by scope, all sectors; `basic_emission` is what the level BASIC sums."""
    return covered(
        rows.group_by("year", "emission_scope").agg(
            emission=rows.emission.sum().cast(UNKNOWN),
            basic_emission=rows.basic_emission.sum().cast(UNKNOWN),
            known_seconds=rows.known_seconds.sum().cast("int64"),
            expected_seconds=rows.expected_seconds.sum().cast("int64"),
            review=rows.review.min(),
            stand_in=rows.stand_in.max(),
        )
    )
