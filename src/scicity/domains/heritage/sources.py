"""The registers of heritage: sites, the heights permitted around them, and the views that are to stay open."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from scicity.domains.heritage.methods.heights import SLOPE, STEP, Band, faults
from scicity.kernel.problems import Problems
from scicity.kernel.tables import source

REVIEW = ("verified", "unverified", "stand-in")
NONE = "no_building"
ALL, NEW = "all", "new"

SITE = source(
    "heritage.site",
    path="registers/heritage_sites.csv",
    columns=[
        *(
            "site",
            "zone",
            "name_zh",
            "name_en",
            "protection_level",
            "era_zh",
            "era_en",
            "built_year",
            "stated_area",
            "reuse_zh",
        ),
        *("reuse_en", "responsible_zh", "responsible_en", "document", "review", "origin", "source", "note_zh", "note_en"),
    ],
    optional=(
        *("zone", "protection_level", "era_zh", "era_en", "built_year", "stated_area", "reuse_zh", "reuse_en"),
        *("responsible_zh", "responsible_en", "document", "source", "note_zh", "note_en"),
    ),
    grain=["site"],
    references={"zone": "district.zone.zone"},
    choices={"protection_level": ("nation", "city", "district", "listed", "none"), "review": REVIEW},
    ranges={"stated_area": (0, 1e9), "built_year": (-3000, 2200)},
    title_zh="历史文化资源登记",
    title_en="Heritage sites",
    doc="The sites of the district: how they are protected, when they were built, how large they are said to be, what they "
    "are used "
    "for. Where they lie the layer heritage-sites tells, whose features have the names of the sites.",
)


def _check_rules(table: pa.Table, _: dict[str, pa.Table], problems: Problems) -> None:
    """A rule is of a distance or of a range; what it permits is told; no place has two heights by distance."""
    bands: list[Band] = []
    rows: dict[str, dict[str, Any]] = {}
    for row in table.to_pylist():
        where = (row["source_file"], row["source_row"])
        if (row["distance_from"] is None) == (row["range_class"] is None):
            found = f"{row['distance_from']}, {row['range_class']}"
            problems.add(
                "value", *where, "distance_from", found=found, expected="a distance from the site, or a class of ranges: one"
            )
            continue
        if row["rule_form"] != NONE and row["permitted_height"] is None:
            problems.add("value-missing", *where, "permitted_height", expected="the height at the beginning of the band")
        if (row["rule_form"] == SLOPE) != (row["height_slope"] is not None) or (
            row["rule_form"] == SLOPE and row["range_class"]
        ):
            expected = "a slope where the form is slope, which is of a distance; none elsewhere"
            problems.add("value", *where, "height_slope", found=row["height_slope"], expected=expected)
        if row["distance_from"] is not None and None not in (row["height_rule"], row["permitted_height"], row["valid_from"]):
            band = band_of(row)
            if band.ends <= band.begins:
                expected = f"more than {row['distance_from']}"
                problems.add("range", *where, "distance_to", found=row["distance_to"], expected=expected)
            bands.append(band)
            rows[band.rule] = row
    for band, other in faults(bands):
        one, two = rows[band.rule], rows[other.rule]
        apart = _ends(one) <= two["valid_from"] or _ends(two) <= one["valid_from"]
        if not apart and one["applies_to"] == two["applies_to"]:
            where = (two["source_file"], two["source_row"], "distance_from")
            problems.add("value", *where, found=two["distance_from"], expected=f"no distance that {band.rule} has already")


def _ends(row: dict[str, Any]) -> datetime:
    return row["valid_to"] or datetime.max.replace(tzinfo=UTC)


def band_of(row: dict[str, Any]) -> Band:
    """A row of the rules by distance."""
    ends = math.inf if row["distance_to"] is None else row["distance_to"]
    return Band(
        row["height_rule"], row["site"], row["distance_from"], ends, row["permitted_height"] or 0.0, row["height_slope"] or 0.0
    )


RULE = source(
    "heritage.height_rule",
    path="registers/height_rules.csv",
    columns=[
        *("height_rule", "site", "name_zh", "name_en", "rule_form", "distance_from", "distance_to", "range_class"),
        *(
            "permitted_height",
            "height_slope",
            "applies_to",
            "valid_from",
            "valid_to",
            "document",
            "clause",
            "review",
            "origin",
            "source",
        ),
    ],
    optional=(
        *("site", "distance_from", "distance_to", "range_class", "permitted_height", "height_slope", "valid_to", "clause"),
        "source",
    ),
    grain=["height_rule"],
    references={"site": "heritage.site.site"},
    choices={"rule_form": (STEP, SLOPE, NONE), "applies_to": (ALL, NEW), "review": REVIEW},
    ranges={"distance_from": (0, 20_000), "distance_to": (0, 20_000), "permitted_height": (0, 1000), "height_slope": (0, 10)},
    check=_check_rules,
    title_zh="建筑高度规则",
    title_en="Rules of heights",
    doc="How high something may be built: by its distance from a site (a step, or a slope outwards), or by the class of the "
    "protection range that it stands in. `applies_to` new: what is built from valid_from on. None comes with the program.",
)

CORRIDOR = source(
    "heritage.view_corridor",
    path="registers/view_corridors.csv",
    columns=[
        *("corridor", "site", "name_zh", "name_en", "eye_height", "target_height", "eye_width", "target_width", "eye_ground"),
        *("target_ground", "valid_from", "valid_to", "document", "clause", "review", "origin", "source"),
    ],
    optional=("site", "eye_ground", "target_ground", "valid_to", "clause", "source"),
    grain=["corridor"],
    references={"site": "heritage.site.site"},
    choices={"review": REVIEW},
    ranges={
        "eye_height": (0, 500),
        "target_height": (0, 500),
        "eye_width": (0, 5000),
        "target_width": (0, 5000),
        "eye_ground": (-500, 9000),
        "target_ground": (-500, 9000),
    },
    title_zh="视线通廊",
    title_en="View corridors",
    doc="The views that are to stay open: how high the eye is above its ground, from which height of the target on it is "
    "to be seen, "
    "and how wide. The layer view-corridors has a line from the eye to the target under the same name; where the register "
    "tells no "
    "ground, the elevations of both ends of that line are those of the sight line.",
)
