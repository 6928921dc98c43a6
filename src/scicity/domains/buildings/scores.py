"""Data sheets of buildings and projects, and what they come to by their scheme."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

from scicity.domains.buildings.labels import STAND_IN, check_holder
from scicity.domains.buildings.methods import holding, scoring
from scicity.domains.buildings.schemes import LABEL_ONLY, MOST_POINTS, TEMPLATE, place_of
from scicity.kernel.computing import Slot
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Read, derived, source

SIX = Decimal("0.000001")
DESIGN = "design"


def _check_sheets(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """A sheet is somebody's, and of a scheme that is scored here."""
    status = {row["label_scheme"]: row["scheme_status"] for row in tables["buildings.scheme"].to_pylist()}
    for row in table.to_pylist():
        check_holder(row, problems)
        if status.get(row["label_scheme"]) == LABEL_ONLY:
            expected = "a scheme that is scored here, not one of labels alone"
            problems.add("reference", *place_of(row), "label_scheme", found=row["label_scheme"], expected=expected)


SHEET = source(
    "buildings.sheet",
    path="registers/score_sheets.csv",
    columns=["sheet", "label_scheme", "stage", "project", "building", "zone", "rated_on", "origin", "source"],
    optional=("project", "building", "zone", "rated_on", "source"),
    grain=["sheet"],
    references={
        "label_scheme": "buildings.scheme.label_scheme",
        "building": "buildings.building.building",
        "zone": "district.zone.zone",
    },
    choices={"stage": holding.STAGES},
    check=_check_sheets,
    title_zh="评分表",
    title_en="Data sheets",
    doc="Which building or project is rated by which scheme, at which stage.",
)


def _check_entries(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """An entry is for an item of the sheet's scheme: points within its full score for a scored one, met or not for others."""
    scheme_of = {row["sheet"]: row["label_scheme"] for row in tables["buildings.sheet"].to_pylist()}
    fulls = {(r["label_scheme"], r["score_category"]): r["full_score"] for r in tables["buildings.scheme_category"].to_pylist()}
    items = {(row["label_scheme"], row["score_item"]): row for row in tables["buildings.scheme_item"].to_pylist()}
    for row in table.to_pylist():
        where, scheme = place_of(row), scheme_of.get(row["sheet"])
        if scheme is None or row["score_item"] is None:
            continue  # told already
        item = items.get((scheme, row["score_item"]))
        if item is None:
            problems.add("reference", *where, "score_item", found=row["score_item"], expected=f"an item of {scheme}")
            continue
        asked, other = ("points", "met") if item["item_kind"] == scoring.SCORED else ("met", "points")
        if row[other] is not None:
            expected = f"nothing, as {row['score_item']} is {item['item_kind']}: fill in `{asked}`"
            problems.add("value", *where, other, found=row[other], expected=expected)
        most = item["full_score"] if item["full_score"] is not None else fulls.get((scheme, item["score_category"]))
        if asked == "points" and row["points"] is not None and most is not None and not 0 <= row["points"] <= most:
            problems.add("range", *where, "points", found=row["points"], expected=f"from 0 to {most.normalize():f}")


ENTRY = source(
    "buildings.sheet_entry",
    path="registers/score_entries.csv",
    columns=["sheet", "score_item", "met", "points", "document", "note", "origin", "source"],
    optional=("met", "points", "document", "note", "source"),
    grain=["sheet", "score_item"],
    references={"sheet": "buildings.sheet.sheet"},
    ranges={"points": (0, MOST_POINTS)},
    check=_check_entries,
    title_zh="评分表填报",
    title_en="Entries of data sheets",
    doc="What a sheet says of an item: met or not, or its points, and the document that shows it. Empty is unknown, never 0.",
)


def schemes_of(tables: Mapping[str, pa.Table], stage: str) -> dict[str, scoring.Scheme | None]:
    """The schemes by their keys at a stage; None for one that is a template or whose categories lack a full score."""
    of: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for name in ("levels", "categories", "items"):
        for row in tables[name].to_pylist():
            of[row["label_scheme"]][name].append(row)
    found: dict[str, scoring.Scheme | None] = {}
    for row in tables["schemes"].to_pylist():
        mine = of[row["label_scheme"]]
        wanting = not mine["categories"] or any(each["full_score"] is None for each in mine["categories"])
        if row["scheme_status"] != "entered" or wanting:
            found[row["label_scheme"]] = None
            continue
        ranks = {each["label_level"]: each["level_rank"] for each in mine["levels"]}
        found[row["label_scheme"]] = scoring.Scheme(
            categories=tuple(_category(each, stage) for each in mine["categories"]),
            items=tuple(
                scoring.Item(
                    each["score_item"],
                    each["score_category"],
                    each["item_kind"],
                    each["full_score"],
                    ranks.get(each["label_level"], 0),
                )
                for each in mine["items"]
            ),
            levels=tuple(
                scoring.Level(each["label_level"], each["level_rank"], each["score_threshold"]) for each in mine["levels"]
            ),
            base=row["base_score"] or Decimal(0),
            divisor=row["score_divisor"] or Decimal(1),
            rounding=row["rounding"] or scoring.NONE,
            decimals=row["score_decimals"] or 0,
        )
    return found


def _category(row: Mapping[str, Any], stage: str) -> scoring.Category:
    designed = row["full_score_design"] if stage == DESIGN else None
    full = row["full_score"] if designed is None else designed
    weight = row["category_weight"]
    return scoring.Category(row["score_category"], full, row["minimum_share"], Decimal(1) if weight is None else weight)


_SCHEME = {"label_scheme": "label_scheme"}
_READS = {
    "sheets": Read("buildings.sheet", trace={"sheet": "sheet"}),
    "entries": Read(
        "buildings.sheet_stated", columns=("sheet", "score_item", "met", "points", "origin"), trace={"sheet": "sheet"}
    ),
    "schemes": Read("buildings.scheme", trace=_SCHEME),
    "levels": Read(
        "buildings.scheme_level", columns=("label_scheme", "label_level", "level_rank", "score_threshold"), trace=_SCHEME
    ),
    "categories": Read(
        "buildings.scheme_category",
        columns=("label_scheme", "score_category", "full_score", "full_score_design", "minimum_share", "category_weight"),
        trace=_SCHEME,
    ),
    "items": Read(
        "buildings.scheme_item",
        columns=("label_scheme", "score_category", "score_item", "item_kind", "full_score", "label_level"),
        trace=_SCHEME,
    ),
    "buildings": Read("buildings.building", columns=("building", "zone", "origin"), trace={"building": "building"}),
}


def _rated(tables: Mapping[str, pa.Table]) -> list[tuple[dict[str, Any], scoring.Scheme | None, scoring.Scored | None]]:
    """Each sheet with its scheme at its stage and what it comes to; None for a scheme that is still a template."""
    at_stage = {stage: schemes_of(tables, stage) for stage in holding.STAGES}
    kinds = {(row["label_scheme"], row["score_item"]): row["item_kind"] for row in tables["items"].to_pylist()}
    entries: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in tables["entries"].to_pylist():
        entries[row["sheet"]].append(row)
    zones = {row["building"]: row for row in tables["buildings"].to_pylist()}
    status = {row["label_scheme"]: row for row in tables["schemes"].to_pylist()}
    found: list[tuple[dict[str, Any], scoring.Scheme | None, scoring.Scored | None]] = []
    for row in sorted(tables["sheets"].to_pylist(), key=lambda row: row["sheet"]):
        scheme = at_stage[row["stage"]].get(row["label_scheme"])
        mine, built = entries[row["sheet"]], zones.get(row["building"], {})
        about = {
            **row,
            "zone": built.get("zone") or row["zone"],
            "review": status.get(row["label_scheme"], {}).get("review"),
            "stand_in": STAND_IN in {row["origin"], built.get("origin"), *(entry["origin"] for entry in mine)},
        }
        if scheme is None:
            found.append((about, None, None))
            continue
        scored_items = [e for e in mine if kinds.get((row["label_scheme"], e["score_item"])) == scoring.SCORED]
        others = [e for e in mine if e not in scored_items]
        capped = {item.key: item for item in scheme.items}
        points = {e["score_item"]: _within(e["points"], capped[e["score_item"]], scheme) for e in scored_items}
        met = {entry["score_item"]: entry["met"] for entry in others}
        found.append((about, scheme, scoring.scored(scheme, met, points)))
    return found


def _within(points: Decimal | None, item: scoring.Item, scheme: scoring.Scheme) -> Decimal | None:
    """Points, at most those that the item's category has at the stage of the sheet."""
    most = next(each.full for each in scheme.categories if each.key == item.category) if item.full is None else item.full
    return None if points is None else min(points, most)


def _told(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(SIX)


@derived(
    reads=_READS,
    columns=[
        *(
            "sheet",
            "label_scheme",
            "stage",
            "project",
            "building",
            "zone",
            "rated_on",
            "total_score",
            "score_low",
            "score_high",
        ),
        *("score_full", "controls_met", "score_verdict", "label_level", "level_at_least", "level_at_most", "failing"),
        *("open_items", "next_level", "points_missing", "review", "stand_in"),
    ],
    grain=["sheet"],
    by_partition=True,
    title_zh="评分结果",
    title_en="Scores of data sheets",
)
def score(slot: Slot, **tables: pa.Table) -> pa.Table:
    """What each data sheet comes to: its total and level, or the bounds of both while items are open.

    Total = (base score, if all control items are met, + weight x points of each category) / divisor. A level asks for all
    control items, its prerequisites and those of the levels below, in each category the minimum share of its full score, and
    its threshold. An open item counts as neither 0 nor full. `points_missing` is what the scored items would still have to give
    for the next level, with all control items met.
    """
    rows = []
    for about, scheme, told in _rated(tables):
        row = {name: about[name] for name in ("sheet", "label_scheme", "stage", "project", "building", "zone")}
        row |= {name: about[name] for name in ("rated_on", "review", "stand_in")}
        if scheme is None or told is None:
            rows.append({**row, "score_verdict": TEMPLATE})
            continue
        rows.append(
            {
                **row,
                "total_score": _told(told.total) if not told.open else None,
                "score_low": _told(told.low),
                "score_high": _told(told.high),
                "score_full": _told(scheme.full),
                "controls_met": told.controls,
                "score_verdict": told.verdict,
                "label_level": told.level_low if told.verdict != scoring.OPEN else None,
                "level_at_least": told.level_low,
                "level_at_most": told.level_high,
                "failing": " ".join(told.failing) or None,
                "open_items": " ".join(told.open) or None,
                "next_level": told.next_level,
                "points_missing": _told(told.missing),
            }
        )
    return pa.Table.from_pylist(rows, schema=score.schema)


@derived(
    reads=_READS,
    columns=[
        *(
            "sheet",
            "score_category",
            "label_scheme",
            "building",
            "points",
            "points_low",
            "points_high",
            "full_score",
            "minimum_points",
        ),
        *("category_weight", "floor_met", "failing", "open_items", "stand_in"),
    ],
    grain=["sheet", "score_category"],
    by_partition=True,
    title_zh="分类得分",
    title_en="Scores by category",
)
def score_category(slot: Slot, **tables: pa.Table) -> pa.Table:
    """What a data sheet gives in each category of its scheme: points or their bounds, and whether the minimum is reached.

    The full score is that of the sheet's stage. More points than the full score count as the full score.
    """
    rows = []
    for about, _, told in _rated(tables):
        for part in told.parts if told else ():
            rows.append(
                {
                    **{name: about[name] for name in ("sheet", "label_scheme", "building", "stand_in")},
                    "score_category": part.category.key,
                    "points": _told(part.low) if part.low == part.high else None,
                    "points_low": _told(part.low),
                    "points_high": _told(part.high),
                    "full_score": _told(part.category.full),
                    "minimum_points": _told(part.category.minimum),
                    "category_weight": _told(part.category.weight),
                    "floor_met": part.reached if part.category.minimum is not None else None,
                    "failing": " ".join(part.failing) or None,
                    "open_items": " ".join(part.open) or None,
                }
            )
    return pa.Table.from_pylist(rows, schema=score_category.schema)
