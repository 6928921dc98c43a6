"""How each site stands: how many buildings keep the rules around it on the days of the accounts, and how large it is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from scicity.domains.heritage.checked import BREAKS, STAND_IN, UNKNOWN
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived
from scicity.space.ground import ground_of


@derived(
    reads={
        "checks": Read(
            "heritage.height_check",
            columns=(
                "feature",
                "check_kind",
                "height_rule",
                "site",
                "excess_height",
                "height_verdict",
                "valid_from",
                "valid_to",
                "stand_in",
            ),
            trace={"site": "site"},
        ),
        "days": Read("planning.account_day", columns=("day",), trace={"day": "day"}),
        "sites": Read("heritage.site", columns=("site",), trace={"site": "site"}),
    },
    columns=["day", "site", "buildings_checked", "buildings_breaking", "buildings_unknown", "worst_excess", "stand_in"],
    grain=["day", "site"],
    by_partition=True,
    title_zh="文物周边高度达标情况",
    title_en="Heights around sites",
)
def site_standing(slot: Slot, checks: pa.Table, days: pa.Table, sites: pa.Table) -> pa.Table:
    """How many buildings are under a rule of a site on a day, how many break any, of how many the height is not known, and
    the worst.

    A building that breaks a rule counts once, however many it breaks; one that breaks none and of which a height is unknown
    is unknown.
    """
    rows, frame = [], checks.to_pandas()
    for day in days.column("day").to_pylist():
        moment = np.datetime64(slot.calendar.instant(day), "us")
        begins, ends = (frame[name].dt.tz_localize(None).to_numpy() for name in ("valid_from", "valid_to"))
        now = frame[(np.isnat(begins) | (begins <= moment)) & (np.isnat(ends) | (ends > moment))]
        for site in sorted({*sites.column("site").to_pylist(), *now["site"]}):
            mine = now[now["site"] == site]
            breaking = set(mine.loc[mine["height_verdict"] == BREAKS, "feature"])
            unknown = set(mine.loc[mine["height_verdict"] == UNKNOWN, "feature"]) - breaking
            worst = mine["excess_height"].max() if len(mine) else None
            rows.append(
                {"day": day, "site": site, "buildings_checked": int(mine["feature"].nunique())}
                | {"buildings_breaking": len(breaking), "buildings_unknown": len(unknown)}
                | {
                    "worst_excess": float(worst) if worst is not None and worst > 0 else None,
                    "stand_in": bool(mine["stand_in"].any()),
                }
            )
    return pa.Table.from_pylist(rows, schema=site_standing.schema)


@derived(
    reads={
        "sites": Read("heritage.site", columns=("site", "stated_area", "source"), trace={"site": "site"}),
        "drawn": Read("layer.heritage-sites", columns=("feature", "geometry", "origin", "digest"), trace={"site": "feature"}),
    },
    columns=["site", "drawn_area", "stated_area", "area_difference", "stand_in"],
    grain=["site"],
    by_partition=True,
    title_zh="文物面积：图上与所述",
    title_en="Areas of sites, drawn and stated",
)
def site_area(slot: Slot, sites: pa.Table, drawn: pa.Table) -> pa.Table:
    """How large each site is on the map, beside what is said of it; a site that is drawn as a line or point has no area."""
    ground = ground_of(drawn)
    areas: dict[str, float] = {}
    stand_ins: set[str] = set()
    shapes: Any = ground.shapes(drawn.column("geometry")) if drawn.num_rows else np.empty(0, dtype=object)
    for name, area, origin in zip(
        drawn.column("feature").to_pylist(), shapely.area(shapes).tolist(), drawn.column("origin").to_pylist(), strict=True
    ):
        if area == area:
            areas[name] = areas.get(name, 0.0) + area
        if origin == STAND_IN:
            stand_ins.add(name)
    rows = []
    for row in sites.to_pylist():
        area, stated = areas.get(row["site"]), row["stated_area"]
        gap = None if area is None or stated is None else area - stated
        rows.append(
            {
                "site": row["site"],
                "drawn_area": area,
                "stated_area": stated,
                "area_difference": gap,
                "stand_in": row["site"] in stand_ins,
            }
        )
    return pa.Table.from_pylist(rows, schema=site_area.schema)
