"""The registers of the checker: its checks, printed units, ranges, relations, ratios and words; a district may add its own."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from scicity.kernel.problems import Problems
from scicity.kernel.tables import Source, source

KINDS = ("reading", "said_twice", "parts", "change", "range", "target", "series", "scope", "date", "measured")
SEVERITIES = ("high", "medium", "low")
REVIEW = ("verified", "unverified")
NATURES = ("level", "share", "count", "change", "date", "duration", "rank", "class")
RELATIONS = ("at_most", "sum", "named", "scope")
TOGETHER = ("subject", "place", "sentence", "line", "section", "document", "series")
CUE_PLACES = ("before", "behind", "change", "parts", "nature", "scope")


def _check_ranges(table: pa.Table, _: dict[str, pa.Table], problems: Problems) -> None:
    for row in table.to_pylist():
        if row["lowest"] is not None and row["highest"] is not None and row["lowest"] > row["highest"]:
            where = (row["source_file"], row["source_row"], "highest")
            problems.add("range", *where, found=row["highest"], expected=f"at least lowest, {row['lowest']}")


def _pair(name: str, file: str, **declared: Any) -> tuple[Source, Source]:
    """A register that the domain brings, and the rows that a district adds to it, which go before."""
    title_zh, title_en = declared.pop("title_zh"), declared.pop("title_en")
    brought = source(
        f"evidence.{name}", packaged=__file__, path=f"standards/{file}", title_zh=title_zh, title_en=title_en, **declared
    )
    added = source(
        f"evidence.own_{name}",
        path=f"registers/evidence_{file}",
        title_zh=f"本区{title_zh}",
        title_en=f"{title_en} of the district",
        **declared,
    )
    return brought, added


CHECK = source(
    "evidence.check",
    packaged=__file__,
    path="standards/checks.csv",
    columns=[
        *("rule", "finding_kind", "severity", "threshold", "name_zh", "name_en", "reason_zh", "reason_en", "source", "review"),
    ],
    optional=("threshold", "reason_zh", "reason_en"),
    grain=["rule"],
    choices={"finding_kind": KINDS, "severity": SEVERITIES, "review": REVIEW},
    title_zh="核查规则",
    title_en="Checks",
    doc="A check of statements: its kind, how grave its findings are, its threshold, and what usually explains them.",
)

PRINTED_UNIT = source(
    "evidence.printed_unit",
    packaged=__file__,
    path="standards/printed_units.csv",
    columns=["printed", "unit_pattern", "unit_scale"],
    grain=["printed", "unit_pattern"],
    title_zh="印刷单位",
    title_en="Printed units",
    doc="A unit as reports print it, the units that it can be taken down in, and how many of these it is.",
)

MEASURE, OWN_MEASURE = _pair(
    "measure",
    "measures.csv",
    columns=["measure_pattern", "unit_pattern", "lowest", "highest", "nature", "source", "review"],
    grain=["measure_pattern", "unit_pattern"],
    choices={"nature": NATURES, "review": REVIEW},
    check=_check_ranges,
    title_zh="指标范围",
    title_en="Ranges of measures",
    doc="What measures of a pattern can be, in units of a pattern: their nature and the range that is possible or usual.",
)

PART, OWN_PART = _pair(
    "part",
    "parts.csv",
    columns=[
        *("part_pattern", "part_subject", "whole_pattern", "whole_subject", "unit_pattern", "together", "relation"),
        *("reason_zh", "reason_en", "source", "review"),
    ],
    grain=["part_pattern", "part_subject", "whole_pattern", "whole_subject", "unit_pattern", "together"],
    choices={"together": TOGETHER, "relation": RELATIONS, "review": REVIEW},
    title_zh="部分与整体",
    title_en="Parts and wholes",
    doc="Which measures are parts of which, and how near to each other they must be said.",
)

RATIO, OWN_RATIO = _pair(
    "ratio",
    "ratios.csv",
    columns=[
        *("numerator", "numerator_unit", "denominator", "denominator_unit", "together", "lowest", "highest", "symbol"),
        *("name_zh", "name_en", "reason_zh", "reason_en", "source", "review"),
    ],
    grain=["numerator", "numerator_unit", "denominator", "denominator_unit"],
    choices={"together": TOGETHER, "review": REVIEW},
    check=_check_ranges,
    title_zh="比值范围",
    title_en="Ranges of ratios",
    doc="The range that the ratio of two measures can have or usually has.",
)

CUE = source(
    "evidence.cue",
    packaged=__file__,
    path="standards/cues.csv",
    columns=["cue", "cue_place", "meaning", "source"],
    grain=["cue", "cue_place"],
    choices={"cue_place": CUE_PLACES},
    title_zh="提示词",
    title_en="Telling words",
    doc="Words of reports that say a bound, a direction, parts, an expectation or a scope.",
)
