"""The sources of schemes: what a rating or label consists of. All of it is the district's data; none comes with the program."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import Any

import pyarrow as pa

from scicity.domains.buildings.methods import scoring
from scicity.kernel.problems import Problems
from scicity.kernel.tables import source

REVIEW = ("verified", "unverified")
ENTERED, TEMPLATE, LABEL_ONLY = "entered", "template", "label_only"
MOST_POINTS = 1_000_000


def place_of(row: dict[str, Any]) -> tuple[str, int]:
    """The file and line of a row."""
    return row["source_file"], row["source_row"]


def _check_schemes(table: pa.Table, _: dict[str, pa.Table], problems: Problems) -> None:
    """A total can be formed and rounded."""
    for row in table.to_pylist():
        if row["score_divisor"] is not None and row["score_divisor"] <= 0:
            problems.add("range", *place_of(row), "score_divisor", found=row["score_divisor"], expected="a number above 0")
        if row["rounding"] not in (None, scoring.NONE) and row["score_decimals"] is None:
            problems.add("value-missing", *place_of(row), "score_decimals", expected="the decimals that a total is rounded to")


SCHEME = source(
    "buildings.scheme",
    path="scoresheets/*.scheme.csv",
    columns=[
        *("label_scheme", "name_zh", "name_en", "scheme_status", "base_score", "score_divisor", "rounding", "score_decimals"),
        *("items_expected", "document", "review", "note_zh", "note_en"),
    ],
    optional=("base_score", "score_divisor", "rounding", "score_decimals", "items_expected", "note_zh", "note_en"),
    grain=["label_scheme"],
    choices={"scheme_status": (ENTERED, TEMPLATE, LABEL_ONLY), "rounding": scoring.ROUNDINGS, "review": REVIEW},
    ranges={"base_score": (0, MOST_POINTS), "score_divisor": (0, MOST_POINTS), "score_decimals": (0, 6)},
    check=_check_schemes,
    title_zh="评价体系",
    title_en="Rating schemes",
    doc="A scheme by which buildings are rated or labelled: how its total is formed, its document, and whether its items stand "
    "here (`entered`), have to be filled in by its owner (`template`) or are not scored here at all (`label_only`).",
)


def _check_levels(table: pa.Table, _: dict[str, pa.Table], problems: Problems) -> None:
    """Ranks are different, and a higher level asks for a higher total."""
    of_scheme: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in table.to_pylist():
        if row["label_scheme"] is not None and row["level_rank"] is not None:
            of_scheme[row["label_scheme"]].append(row)
    for rows in of_scheme.values():
        ordered = sorted(rows, key=lambda row: row["level_rank"])
        for below, above in pairwise(ordered):
            if below["level_rank"] == above["level_rank"]:
                expected = f"another rank than that of row {below['source_row']}"
                problems.add("key-twice", *place_of(above), "level_rank", found=above["level_rank"], expected=expected)
        asked = [row for row in ordered if row["score_threshold"] is not None]
        for below, above in pairwise(asked):
            if above["score_threshold"] <= below["score_threshold"]:
                expected = f"above {below['score_threshold'].normalize():f}, the threshold of the level below"
                found = above["score_threshold"]
                problems.add("range", *place_of(above), "score_threshold", found=found, expected=expected)


LEVEL = source(
    "buildings.scheme_level",
    path="scoresheets/*.levels.csv",
    columns=["label_scheme", "label_level", "level_rank", "score_threshold", "name_zh", "name_en"],
    optional=("score_threshold",),
    grain=["label_scheme", "label_level"],
    references={"label_scheme": "buildings.scheme.label_scheme"},
    ranges={"score_threshold": (0, MOST_POINTS), "level_rank": (0, 100)},
    check=_check_levels,
    title_zh="评价等级",
    title_en="Levels of schemes",
    doc="The levels of a scheme, and the total from which on each is reached.",
)

CATEGORY = source(
    "buildings.scheme_category",
    path="scoresheets/*.categories.csv",
    columns=[
        *("label_scheme", "score_category", "full_score", "full_score_design", "minimum_share", "category_weight"),
        *("name_zh", "name_en"),
    ],
    optional=("full_score", "full_score_design", "minimum_share", "category_weight"),
    grain=["label_scheme", "score_category"],
    references={"label_scheme": "buildings.scheme.label_scheme"},
    ranges={
        "full_score": (0, MOST_POINTS),
        "full_score_design": (0, MOST_POINTS),
        "minimum_share": (0, 100),
        "category_weight": (0, 1000),
    },
    title_zh="评价类别",
    title_en="Categories of schemes",
    doc="The categories of a scheme: full score, the share of it that any rated level asks for, and weight (1 where empty). A "
    "category without a full score is still to be filled in.",
)


def _check_items(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """An item's category is one of its scheme's; a prerequisite names a level; points belong to scored items alone."""
    categories = {(row["label_scheme"], row["score_category"]) for row in tables["buildings.scheme_category"].to_pylist()}
    levels = {(row["label_scheme"], row["label_level"]) for row in tables["buildings.scheme_level"].to_pylist()}
    for row in table.to_pylist():
        where, scheme = place_of(row), row["label_scheme"]
        if row["score_category"] is not None and (scheme, row["score_category"]) not in categories:
            problems.add("reference", *where, "score_category", found=row["score_category"], expected=f"a category of {scheme}")
        if row["item_kind"] == scoring.PREREQUISITE and row["label_level"] is None:
            problems.add("value-missing", *where, "label_level", expected="the level that asks for it")
        elif row["label_level"] is not None and (scheme, row["label_level"]) not in levels:
            problems.add("reference", *where, "label_level", found=row["label_level"], expected=f"a level of {scheme}")
        if row["item_kind"] != scoring.SCORED and row["full_score"] is not None:
            problems.add("value", *where, "full_score", found=row["full_score"], expected="nothing, as it is no scored item")


ITEM = source(
    "buildings.scheme_item",
    path="scoresheets/*.items.csv",
    columns=[
        *("label_scheme", "score_category", "score_item", "item_kind", "full_score", "label_level", "clause"),
        *("name_zh", "name_en"),
    ],
    optional=("full_score", "label_level", "clause"),
    grain=["label_scheme", "score_item"],
    references={"label_scheme": "buildings.scheme.label_scheme"},
    choices={"item_kind": scoring.KINDS},
    ranges={"full_score": (0, MOST_POINTS)},
    check=_check_items,
    title_zh="评价条文",
    title_en="Items of schemes",
    doc="The items of a scheme: `control` (met or not), `scored` (points up to its full score, or its category's where empty), "
    "`prerequisite` (met or not, asked for by a level and those above it).",
)
