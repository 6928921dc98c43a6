"""What the domain reads besides layers: rules that come with it, a district's own rules, and questions that it asks.

A rule that comes with the domain stands in `standards/`; a district's own file of the same columns in `registers/` adds rows,
and its row takes the place of one of the same key.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from scicity.domains.circles.methods.lengths import HOW
from scicity.domains.circles.methods.ways import EFFECTS, SLOPES
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Source, source

REVIEW = ("verified", "unverified")
LAYERS = ("facilities", "transit-stops", "parks", "green-space")
CENTRE, EDGE = "centre", "edge"
SECONDS, METRES = "seconds", "metres"
COVERING, MEDIAN = "covering", "median"
ALL = "all"


def rules(name: str, path: str, **declared: Any) -> tuple[Source, Source]:
    """A table of rules twice: as it comes with the domain, and as a district has it (`circles.own_<name>`)."""
    titles = declared["title_zh"], declared["title_en"]
    own = {**declared, "title_zh": f"本区{titles[0]}", "title_en": f"{titles[1]} of the district"}
    own["doc"] = f"{declared['doc']} Rows of the district's own; one of the same key takes the place of the packaged row."
    return (
        source(f"circles.{name}", packaged=__file__, path=f"standards/{path}", **declared),
        source(f"circles.own_{name}", path=f"registers/{path}", **own),
    )


MODE, OWN_MODE = rules(
    "travel_mode",
    "travel_modes.csv",
    columns=[
        *("travel_mode", "name_zh", "name_en", "travel_speed", "slope_effect", "steepest", "snap_limit", "least_island"),
        *("document", "clause", "review", "note"),
    ],
    optional=("steepest", "document", "clause", "note"),
    grain=["travel_mode"],
    choices={"slope_effect": SLOPES, "review": REVIEW},
    ranges={"travel_speed": (0.1, 20), "snap_limit": (0, 5000), "least_island": (0, 1e6), "steepest": (0, 100)},
    title_zh="出行方式",
    title_en="Modes of travel",
    doc="How people get about: their speed on the flat, what slope does, how far off a way they may start.",
)

WAY, OWN_WAY = rules(
    "way_rule",
    "way_rules.csv",
    columns=["travel_mode", "feature_class", "passable", "travel_speed", "passing_delay", "document", "review", "note"],
    optional=("travel_speed", "passing_delay", "document", "note"),
    grain=["travel_mode", "feature_class"],
    choices={"review": REVIEW},
    ranges={"travel_speed": (0.1, 20), "passing_delay": (0, 3600)},
    title_zh="道路通行规则",
    title_en="Classes of ways",
    doc="Which classes of the layer streets may be passed by a mode, at which speed, and what passing one costs besides. "
    "Classes that are not named are closed.",
)

NETWORK, OWN_NETWORK = rules(
    "network_rule",
    "network_rules.csv",
    columns=["layer", "noded", "length_measure", "note"],
    optional=("note",),
    grain=["layer"],
    choices={"layer": ("streets",), "length_measure": HOW},
    title_zh="路网构建规则",
    title_en="How networks are built",
    doc="Whether lines of the layer already share a vertex at each junction (`noded`; else they become junctions where they "
    "cross on one level), and whether lengths are geodesic on the ellipsoid or in a plane.",
)

ATTRIBUTE, OWN_ATTRIBUTE = rules(
    "way_attribute",
    "way_attributes.csv",
    columns=[
        *("travel_mode", "way_attribute", "attribute_value", "way_effect", "rule_priority", "document", "review", "note"),
    ],
    optional=("document", "note"),
    grain=["travel_mode", "way_attribute", "attribute_value"],
    choices={"way_effect": EFFECTS, "review": REVIEW},
    title_zh="道路属性规则",
    title_en="Attributes of ways",
    doc="What a value of a way's attribute does: opens or closes the way, or leaves one direction. Of several the one "
    "of higher "
    "priority counts.",
)


def _check_doors(table: pa.Table, _: dict[str, pa.Table], problems: Problems) -> None:
    for row in table.to_pylist():
        if row["reached_at"] == EDGE and row["door_spacing"] is None:
            where = (row["source_file"], row["source_row"], "door_spacing")
            problems.add("value-missing", *where, expected="how far apart the points of an outline are at most [m]")


CLASS, OWN_CLASS = rules(
    "facility_class",
    "facility_classes.csv",
    columns=[
        *("facility_class", "name_zh", "name_en", "layer", "selects", "select_attribute", "select_values", "reached_at"),
        *("door_spacing", "age_group", "service_radius", "seat_limit", "document", "clause", "review", "note"),
    ],
    optional=(
        "select_attribute",
        "select_values",
        "door_spacing",
        "service_radius",
        "seat_limit",
        "document",
        "clause",
        "note",
    ),
    grain=["facility_class"],
    references={"age_group": "circles.age_group.age_group"},
    choices={"layer": LAYERS, "reached_at": (CENTRE, EDGE), "review": REVIEW},
    ranges={"service_radius": (1, 100_000), "door_spacing": (5, 1000), "seat_limit": (60, 7200)},
    check=_check_doors,
    title_zh="设施类别",
    title_en="Classes of facilities",
    doc="What is a facility of a class: the classes of features of a layer (`*`: all), where an attribute has one of "
    "some values; "
    "whether it is reached at its centre or its edge; its service radius; of schools how far a child may be placed "
    "(`seat_limit`).",
)

GROUP = source(
    "circles.age_group",
    packaged=__file__,
    path="standards/age_groups.csv",
    columns=["age_group", "name_zh", "name_en", "from_attribute", "note"],
    optional=("note",),
    grain=["age_group"],
    title_zh="年龄组",
    title_en="Age groups",
    doc="Groups of residents, and the attribute of the layer population that counts them.",
)

CIRCLE, OWN_CIRCLE = rules(
    "circle",
    "circles.csv",
    columns=["circle", "name_zh", "name_en", "travel_mode", "circle_rule", "document", "clause", "review", "note"],
    optional=("document", "clause", "note"),
    grain=["circle"],
    choices={"circle_rule": ("all", "any"), "review": REVIEW},
    title_zh="生活圈",
    title_en="Circles",
    doc="What a circle asks for: all of its classes within reach, or any.",
)

PART, OWN_PART = rules(
    "circle_part",
    "circle_parts.csv",
    columns=["circle", "facility_class", "limit_measure", "reach_limit"],
    grain=["circle", "facility_class"],
    choices={"limit_measure": (SECONDS, METRES)},
    ranges={"reach_limit": (1, 100_000)},
    title_zh="生活圈组成",
    title_en="Parts of circles",
    doc="The classes of a circle, and within how many seconds or metres of network each must be reached.",
)

DAY, OWN_DAY = rules(
    "access_day",
    "access_days.csv",
    columns=["day", "name_zh", "name_en"],
    grain=["day"],
    title_zh="可达性计算日期",
    title_en="Days of access",
    doc="The days whose state of ways and facilities access is computed for. Where a district names days, its own alone count.",
)


def _known(table: pa.Table, tables: dict[str, pa.Table], problems: Problems, column: str, name: str) -> None:
    """A column that must name a rule of the domain or of the district."""
    known = set(tables[f"circles.{name}"].column(column).to_pylist()) | set(
        tables[f"circles.own_{name}"].column(column).to_pylist()
    )
    for row in table.to_pylist():
        if row[column] is not None and row[column] not in known:
            where = (row["source_file"], row["source_row"], column)
            problems.add("reference", *where, found=row[column], expected=f"a {column} of circles.{name} or registers/{name}")


def _check_candidates(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    _known(table, tables, problems, "facility_class", "facility_class")


def _check_sitings(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    for column, name in (("facility_class", "facility_class"), ("travel_mode", "travel_mode")):
        _known(table, tables, problems, column, name)
    days = set(in_use_days(tables["circles.access_day"], tables["circles.own_access_day"]))
    for row in table.to_pylist():
        if row["day"] is not None and row["day"] not in days:
            expected = ", ".join(sorted(str(day) for day in days))
            problems.add("reference", row["source_file"], row["source_row"], "day", found=row["day"], expected=expected)


CANDIDATE = source(
    "circles.candidate",
    path="registers/facility_candidates.csv",
    columns=["candidate", "facility_class", "name_zh", "name_en", "longitude", "latitude", "origin", "source"],
    optional=("source",),
    grain=["candidate"],
    ranges={"longitude": (-180, 180), "latitude": (-90, 90)},
    check=_check_candidates,
    title_zh="备选点位",
    title_en="Candidate places",
    doc="Places where a facility of a class could be.",
)

SITING = source(
    "circles.siting",
    path="registers/sitings.csv",
    columns=[
        *("siting", "name_zh", "name_en", "day", "facility_class", "travel_mode", "age_group", "siting_goal", "new_places"),
        "access_limit",
    ],
    grain=["siting"],
    references={"age_group": "circles.age_group.age_group"},
    choices={"siting_goal": (COVERING, MEDIAN)},
    ranges={"new_places": (1, 50), "access_limit": (60, 7200)},
    check=_check_sitings,
    title_zh="选址问题",
    title_en="Questions of siting",
    doc="Where so many more places of a class would be best: `covering` brings most people within the limit [s], "
    "`median` makes "
    "everybody's way together shortest (ways beyond the limit count as it).",
)

EXTENT = source(
    "circles.urban_extent",
    path="registers/urban_extents.csv",
    columns=["zone", "year", "built_up_area", "inhabitants", "origin", "source"],
    optional=("inhabitants", "source"),
    grain=["zone", "year"],
    references={"zone": "district.zone.zone"},
    ranges={"built_up_area": (0, 1e12), "inhabitants": (0, 1e9)},
    title_zh="建成区面积与人口",
    title_en="Built-up area and inhabitants",
    doc="The built-up area of zones and the people who live there, by year: for SDG 11.3.1 and 11.7.1.",
)


def in_use_days(packaged: pa.Table, own: pa.Table) -> list[Any]:
    """The days that access is computed for: a district's own, else those that come with the domain."""
    return (own if len(own) else packaged).column("day").to_pylist()
