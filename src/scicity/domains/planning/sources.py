"""The registers of planning: plans, what they want to reach, and the rules by which their parcels are compared."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa

from scicity.domains.planning.methods.conflicts import CONFINES, FORBIDS
from scicity.kernel.problems import Problems
from scicity.kernel.tables import source

REVIEW = ("verified", "unverified", "stand-in")
LEVELS = ("nation", "city", "district", "area", "plot")
STATUSES = ("drafting", "adopted", "in_force", "superseded", "withdrawn")
BINDINGS = ("binding", "guiding", "study")
GROUPS = ("agricultural", "ecological", "construction", "reserve", "sea")
RESERVE = "reserve"
PLANS = "registers/plans.csv"

KIND = source(
    "planning.plan_kind",
    packaged=__file__,
    path="standards/plan_kinds.csv",
    columns=["plan_kind", "name_zh", "name_en", "precedence", "document", "clause", "review"],
    optional=("clause",),
    grain=["plan_kind"],
    choices={"review": REVIEW},
    title_zh="规划类别与优先次序",
    title_en="Kinds of plans",
    doc="The kinds of plans, and which goes first where two say different things of one place; a plan of the register may say "
    "another precedence of its own.",
)


def _check_plans(table: pa.Table, _: dict[str, pa.Table], problems: Problems) -> None:
    """A plan takes the place of one that is there and is not itself; a layer is of one plan; what ends begins before."""
    plans = set(table.column("plan").to_pylist())
    layers = Counter(name for name in table.column("layer").to_pylist() if name)
    for row in table.to_pylist():
        where = (row["source_file"], row["source_row"])
        if row["supersedes"] and (row["supersedes"] not in plans or row["supersedes"] == row["plan"]):
            problems.add("reference", *where, "supersedes", found=row["supersedes"], expected="another plan of this register")
        if row["layer"] and layers[row["layer"]] > 1:
            problems.add("key-twice", *where, "layer", found=row["layer"], expected="a layer that no other plan has")


PLAN = source(
    "planning.plan",
    path=PLANS,
    columns=[
        *("plan", "plan_kind", "plan_level", "plan_status", "plan_binding", "name_zh", "name_en", "zone", "adopted_on"),
        *("valid_from", "valid_to", "responsible_zh", "responsible_en", "layer", "precedence", "supersedes", "document"),
        *("review", "origin", "source", "note_zh", "note_en"),
    ],
    optional=(
        *("zone", "adopted_on", "valid_from", "valid_to", "responsible_zh", "responsible_en", "layer", "precedence"),
        *("supersedes", "document", "source", "note_zh", "note_en"),
    ),
    grain=["plan"],
    references={"zone": "district.zone.zone", "plan_kind": "planning.plan_kind.plan_kind"},
    choices={"plan_level": LEVELS, "plan_status": STATUSES, "plan_binding": BINDINGS, "review": REVIEW},
    ranges={"precedence": (1, 1000)},
    check=_check_plans,
    title_zh="规划与专题研究登记",
    title_en="Plans and special studies",
    doc="The plans and studies of the district: what kind, whose, since when, what binds, and the layer of its parcels.",
)


def _check_targets(table: pa.Table, _: dict[str, pa.Table], problems: Problems) -> None:
    """There is a way from the start to the target."""
    for row in table.to_pylist():
        if row["start_value"] is not None and row["start_value"] == row["target"]:
            where = (row["source_file"], row["source_row"], "start_value")
            problems.add("value", *where, found=row["start_value"], expected="another value than the target, or none")


TARGET = source(
    "planning.plan_target",
    path="registers/plan_targets.csv",
    columns=[
        *("plan", "plan_target", "name_zh", "name_en", "symbol", "direction", "start_value", "target", "due_on", "report_days"),
        *("responsible_zh", "responsible_en", "indicator", "document", "clause", "review", "origin", "source"),
    ],
    optional=(
        *("symbol", "start_value", "report_days", "responsible_zh", "responsible_en", "indicator", "document", "clause"),
        "source",
    ),
    grain=["plan", "plan_target"],
    references={"plan": "planning.plan.plan"},
    choices={"direction": ("higher", "lower"), "review": REVIEW},
    ranges={"report_days": (1, 36_525)},
    check=_check_targets,
    title_zh="规划目标",
    title_en="Targets of plans",
    doc="What each plan wants to reach, by when, who answers for it, and how often it is to be observed.",
)

MONITORING = source(
    "planning.monitoring",
    path="registers/plan_monitoring.csv",
    columns=["plan", "plan_target", "observed_on", "value", "note", "origin", "source"],
    optional=("note", "source"),
    grain=["plan", "plan_target", "observed_on"],
    references={"plan": "planning.plan.plan"},
    title_zh="规划监测登记",
    title_en="Observations of the register",
    doc="What was observed of the targets of plans, as the register holds it; more is entered on the pages.",
)

LAND_USE = source(
    "planning.land_use",
    packaged=__file__,
    path="standards/land_uses.csv",
    columns=["land_use", "name_zh", "name_en", "use_group", "document", "clause", "review"],
    optional=("clause",),
    grain=["land_use"],
    choices={"use_group": GROUPS, "review": REVIEW},
    title_zh="用地分类",
    title_en="Land uses",
    doc="The classes of land use, first level. A class of a parcel is that whose code it begins with.",
)

WORD = source(
    "planning.land_use_word",
    path="registers/land_use_words.csv",
    columns=["written_class", "land_use", "source"],
    optional=("source",),
    grain=["written_class"],
    title_zh="图上类别与用地分类对照",
    title_en="Classes as written",
    doc="What the classes of the district's layers mean where they are no codes of the classification, such as `wood`.",
)

COMPATIBLE = source(
    "planning.compatible_use",
    path="registers/compatible_uses.csv",
    columns=["land_use", "other_land_use", "document", "review"],
    grain=["land_use", "other_land_use"],
    choices={"review": REVIEW},
    title_zh="兼容用地",
    title_en="Compatible uses",
    doc="Pairs of land uses that agree though they differ, in either order, and the document that says so.",
)


def _check_lines(table: pa.Table, _: dict[str, pa.Table], problems: Problems) -> None:
    """A line controls uses."""
    for row in table.to_pylist():
        if row["land_uses"] is not None and not row["land_uses"].split():
            problems.add("value-missing", row["source_file"], row["source_row"], "land_uses", expected="codes of land uses")


_LINE = ["control_line", "name_zh", "name_en", "control_kind", "land_uses", "precedence", "document", "clause", "review"]

LINE = source(
    "planning.control_line",
    packaged=__file__,
    path="standards/control_lines.csv",
    columns=_LINE,
    optional=("clause",),
    grain=["control_line"],
    choices={"control_kind": (FORBIDS, CONFINES), "review": REVIEW},
    check=_check_lines,
    title_zh="控制线规则",
    title_en="Control lines",
    doc="What each kind of control line keeps out of its inside or confines to it, and which goes first. As we read the "
    "documents, "
    "none of which was opened: `unverified`.",
)

OWN_LINE = source(
    "planning.own_control_line",
    path="registers/control_lines.csv",
    columns=_LINE,
    optional=("clause",),
    grain=["control_line"],
    choices={"control_kind": (FORBIDS, CONFINES), "review": REVIEW},
    check=_check_lines,
    title_zh="本区控制线规则",
    title_en="The district's own control lines",
    doc="Rules of control lines in place of the program's, or of kinds that it does not have.",
)

_THRESHOLD = ["rule", "threshold", "symbol", "name_zh", "name_en", "source", "review"]

THRESHOLD = source(
    "planning.threshold",
    packaged=__file__,
    path="standards/thresholds.csv",
    columns=_THRESHOLD,
    optional=("symbol",),
    grain=["rule"],
    choices={"review": REVIEW},
    ranges={"threshold": (0, 1e6)},
    title_zh="比较阈值",
    title_en="Thresholds of comparisons",
    doc="From when on a piece counts as a conflict, how many digits of land uses are compared, and when decisions are "
    "carried on.",
)


def _check_thresholds(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """A threshold is of a rule that there is."""
    rules = tables["planning.threshold"].column("rule").to_pylist()
    for row in table.to_pylist():
        if row["rule"] is not None and row["rule"] not in rules:
            expected = "one of " + ", ".join(rules)
            problems.add("choice", row["source_file"], row["source_row"], "rule", found=row["rule"], expected=expected)


OWN_THRESHOLD = source(
    "planning.own_threshold",
    path="registers/planning_thresholds.csv",
    columns=["rule", "threshold", "source", "review"],
    grain=["rule"],
    choices={"review": REVIEW},
    ranges={"threshold": (0, 1e6)},
    check=_check_thresholds,
    title_zh="本区比较阈值",
    title_en="The district's own thresholds",
    doc="Thresholds in place of the program's.",
)

DAY = source(
    "planning.account_day",
    path="registers/account_days.csv",
    columns=["day", "name_zh", "name_en", "source"],
    optional=("source",),
    grain=["day"],
    title_zh="台账日期",
    title_en="Days of the accounts",
    doc="The days on which accounts of land, green space and heritage are drawn up: each counts what holds on that day.",
)


def rules_of(*tables: pa.Table) -> dict[str, float]:
    """The thresholds by their rules; a later table goes before an earlier one."""
    return {row["rule"]: row["threshold"] for table in tables for row in table.to_pylist()}


def rows_by(key: str, *tables: pa.Table) -> dict[str, dict[str, Any]]:
    """The rows of tables by a column; a later table goes before an earlier one."""
    return {row[key]: row for table in tables for row in table.to_pylist()}
