"""The rules by which parks and ways are counted, and which statements are held against them."""

from __future__ import annotations

import pyarrow as pa

from scicity.kernel.problems import Problems
from scicity.kernel.tables import source

REVIEW = ("verified", "unverified", "stand-in")
MEASURES = (
    *("greenway_length", "slow_density", "park_area", "parks_counted", "green_area", "circle_area_share", "park_per_resident"),
    "not_compared",
)
OTHER = "other"

WAY = source(
    "greenways.way_kind",
    packaged=__file__,
    path="standards/way_kinds.csv",
    columns=["way_class", "name_zh", "name_en", "way_rank", "walked", "cycled", "source", "review"],
    grain=["way_class"],
    choices={"review": REVIEW},
    title_zh="道路类别与慢行",
    title_en="Kinds of ways",
    doc="Which kinds of ways are walked and cycled, unless a way itself says otherwise (`foot`, `bicycle`), and which goes "
    "first where "
    "several run beside each other.",
)

PARK = source(
    "greenways.park_class",
    packaged=__file__,
    path="standards/park_classes.csv",
    columns=["park_class", "name_zh", "name_en", "circle_radius", "least_area", "document", "clause", "review"],
    optional=("least_area", "clause"),
    grain=["park_class"],
    choices={"review": REVIEW},
    title_zh="公园类别与服务半径",
    title_en="Classes of parks",
    doc="How far the circle of a park of each class reaches, by straight distance, and how large it is at least. A park of "
    "a class that is "
    "not here is `other`.",
)

_OWN = ["park_class", "name_zh", "name_en", "circle_radius", "least_area", "document", "clause", "review"]
OWN_PARK = source(
    "greenways.own_park_class",
    path="registers/park_classes.csv",
    columns=_OWN,
    optional=("least_area", "clause"),
    grain=["park_class"],
    choices={"review": REVIEW},
    ranges={"circle_radius": (0, 50_000), "least_area": (0, 1e9)},
    title_zh="本区公园类别",
    title_en="The district's own classes of parks",
    doc="Classes of parks in place of the program's, or beside them.",
)

THRESHOLD = source(
    "greenways.threshold",
    packaged=__file__,
    path="standards/thresholds.csv",
    columns=["rule", "threshold", "symbol", "name_zh", "name_en", "source", "review"],
    grain=["rule"],
    choices={"review": REVIEW},
    title_zh="慢行密度口径",
    title_en="How lengths are counted",
    doc="When a way runs beside another one, so that both count once: distance, angle, and the length of the stretches "
    "compared.",
)


def _check_thresholds(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """A threshold is of a rule that there is, and stretches have a length."""
    rules = tables["greenways.threshold"].column("rule").to_pylist()
    for row in table.to_pylist():
        where = (row["source_file"], row["source_row"])
        if row["rule"] is not None and row["rule"] not in rules:
            problems.add("choice", *where, "rule", found=row["rule"], expected="one of " + ", ".join(rules))
        if row["rule"] == "step" and row["threshold"] is not None and row["threshold"] < 1:
            problems.add("range", *where, "threshold", found=row["threshold"], expected="at least 1 m")


OWN_THRESHOLD = source(
    "greenways.own_threshold",
    path="registers/slow_traffic.csv",
    columns=["rule", "threshold", "source", "review"],
    grain=["rule"],
    choices={"review": REVIEW},
    ranges={"threshold": (0, 1000)},
    check=_check_thresholds,
    title_zh="本区慢行密度口径",
    title_en="How the district counts lengths",
    doc="Thresholds in place of the program's.",
)

CLAIM = source(
    "greenways.claim",
    path="registers/green_claims.csv",
    columns=["claim_id", "green_measure", "zone", "park_class", "assumed_zh", "assumed_en"],
    optional=("zone", "park_class", "assumed_zh", "assumed_en"),
    grain=["claim_id", "green_measure"],
    references={"claim_id": "indicators.statement.claim_id", "zone": "district.zone.zone"},
    choices={"green_measure": MEASURES},
    title_zh="绿地与慢行陈述对照",
    title_en="Statements about green space",
    doc="Which statement of a report is about which figure of parks, greenways and slow traffic, and what must be assumed "
    "to compare "
    "them. Without a zone all that is drawn counts, outside of the zones too.",
)
