"""The sources of dual control: what can be budgeted, the budgets of the register, and the rules of early warning."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import pyarrow as pa

from scicity.kernel.problems import Problems
from scicity.kernel.tables import source

HOLDERS = ("district", "zone", "enterprise", "building")
THRESHOLDS = ("forecast_over_budget", "share_ahead", "intensity_over_budget", "sudden_day", "stale")
SEVERITIES = ("high", "medium", "low")
REVIEW = ("verified", "unverified")
MONTHS = 12
OF_HOLDER = {"zone": ("district.zone", "zone"), "building": ("buildings.building", "building")}
ROOT = "district"

MEASURE = source(
    "control.measure",
    packaged=__file__,
    path="standards/measures.csv",
    columns=["budget_measure", "use_measure", "per_area", "symbol", "name_zh", "name_en"],
    grain=["budget_measure"],
    title_zh="预算指标",
    title_en="What can be budgeted",
    doc="What a budget limits: an amount of a year, or that amount over the floor area.",
)


def shares_of(text: str) -> list[Decimal]:
    """The twelve monthly shares of a text with spaces between them. Raises ValueError where they are not, or do not add up."""
    try:
        shares = [Decimal(each) for each in text.split()]
    except InvalidOperation:
        raise ValueError(text) from None
    if len(shares) != MONTHS or any(not each.is_finite() or each < 0 for each in shares) or sum(shares) != 1:
        raise ValueError(text)
    return shares


def _check_budgets(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """Each budget is for a scope that there is, is above nothing, and its monthly shares add up to 1."""
    known = {kind: set(tables[name].column(column).to_pylist()) for kind, (name, column) in OF_HOLDER.items() if name in tables}
    known["district"] = {ROOT}
    if "buildings.enterprise" in tables:
        known["enterprise"] = set(tables["buildings.enterprise"].column("enterprise").to_pylist())
    for row in table.to_pylist():
        where = (row["source_file"], row["source_row"])
        kind = row["scope_kind"]
        if kind in known and row["scope"] is not None and row["scope"] not in known[kind]:
            expected = "district" if kind == ROOT else f"a {kind} of the registers"
            problems.add("reference", *where, "scope", found=row["scope"], expected=expected)
        if row["budget"] is not None and row["budget"] <= 0:
            problems.add("range", *where, "budget", found=row["budget"], expected="a number above 0")
        if row["monthly_shares"]:
            try:
                shares_of(row["monthly_shares"])
            except ValueError:
                expected = "twelve numbers of at least 0 with spaces between them that add up to 1"
                problems.add("value", *where, "monthly_shares", found=row["monthly_shares"], expected=expected)


BUDGET = source(
    "control.budget",
    path="registers/budgets.csv",
    columns=[
        *(
            "scope_kind",
            "scope",
            "budget_measure",
            "year",
            "budget",
            "monthly_shares",
            "reason",
            "who",
            "origin",
            "source",
            "review",
        ),
    ],
    optional=("monthly_shares", "who"),
    grain=["scope_kind", "scope", "budget_measure", "year"],
    references={"budget_measure": "control.measure.budget_measure"},
    choices={"scope_kind": HOLDERS, "review": REVIEW},
    ranges={"year": (1990, 2100)},
    check=_check_budgets,
    title_zh="预算登记",
    title_en="Budgets of the register",
    doc="The budgets of total and intensity that the district's register holds, each with its document. Budgets that people "
    "enter on the page stand in the records and go before these.",
)


def _check_rules(table: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """A rule's dead band is not wider than its threshold, so that a warning can end."""
    for row in table.to_pylist():
        band, threshold = row["dead_band"], row["threshold"]
        if band is not None and threshold is not None and not 0 <= band <= abs(threshold):
            where = (row["source_file"], row["source_row"], "dead_band")
            problems.add("range", *where, found=band, expected=f"from 0 to the threshold, {abs(threshold):g}")


RULE = source(
    "control.warning_rule",
    path="registers/warning_rules.csv",
    columns=[
        *(
            "rule",
            "name_zh",
            "name_en",
            "threshold_kind",
            "scope_kind",
            "budget_measure",
            "threshold",
            "dead_band",
            "delay_steps",
        ),
        *("severity", "roles", "valid_from", "valid_to", "source"),
    ],
    optional=("scope_kind", "budget_measure", "dead_band", "delay_steps", "valid_to"),
    grain=["rule"],
    during=("valid_from", "valid_to"),
    key_of_period=("rule",),
    references={"budget_measure": "control.measure.budget_measure"},
    choices={"threshold_kind": THRESHOLDS, "scope_kind": HOLDERS, "severity": SEVERITIES},
    ranges={"delay_steps": (0, 60)},
    check=_check_rules,
    title_zh="预警规则",
    title_en="Rules of early warning",
    doc="When a warning is raised, when it ends, how grave it is, and which roles are told. A threshold is in per cent: "
    "the forecast of the budget, what is used above what should be, a day of its usual; for `stale` it is days without data.",
)
