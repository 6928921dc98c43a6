"""What the pages ask of the tables of dual control, as rows and charts. No Django here."""

from __future__ import annotations

from typing import Any

KINDS = {
    "district": ("全区", "District"),
    "zone": ("分区", "Zone"),
    "enterprise": ("企业", "Enterprise"),
    "building": ("建筑", "Building"),
}
STATUS = {
    "exceeded": ("已超预算", "exceeded", "bad"),
    "over": ("预计超预算", "will be over", "bad"),
    "at_risk": ("有超预算风险", "at risk", "estimated"),
    "within": ("预计不超", "within", "good"),
    "unknown": ("无法判断", "unknown", "old"),
}
CARRIERS = {"electricity": ("电力", "Electricity"), "natural_gas": ("天然气", "Natural gas"), "heat": ("热力", "Heat")}
RULES = {
    "past_use": ("按历史用量", "by past use", "按此前至多三年的平均用量", "by the mean use of up to three years before"),
    "floor_area": ("按建筑面积", "by floor area", "占建筑面积的比例", "as each one's share of the floor area"),
    "convergence": (
        "向平均强度收敛",
        "converging intensity",
        "各主体强度向平均值靠近一半",
        "intensities go halfway to their mean",
    ),
    "equal_cut": ("等比削减", "equal cut", "各主体从上年用量削减同一比例", "everybody cuts the same share of the year before"),
}
WHOLE = "district"


def names(city: Any) -> dict[tuple[str, str], Any]:
    """The registers' rows of all that can hold a budget, by kind and short name."""
    found: dict[tuple[str, str], Any] = {}
    for row in city.rows("district.zone"):
        found["district" if row["zone"] == WHOLE else "zone", row["zone"]] = row
    for row in city.rows("buildings.enterprise"):
        found["enterprise", row["enterprise"]] = row
    for row in city.rows("buildings.building"):
        found["building", row["building"]] = row
    return found


def measures(city: Any) -> dict[str, Any]:
    """What can be budgeted, in the order of the standard."""
    return {row["budget_measure"]: row for row in city.rows("control.measure", order=["source_row"])}


def years(city: Any) -> list[int]:
    """The years with budgets, newest first."""
    return sorted({row["year"] for row in city.rows("control.budget_state", ["year"])}, reverse=True)


def year_shown(city: Any) -> int | None:
    """The newest year of which anything is used; the newest of all where there is none such."""
    rows = city.rows("control.budget_state", ["year", "used_to_date"])
    begun = [row["year"] for row in rows if row["used_to_date"] is not None]
    return max(begun or [row["year"] for row in rows], default=None)


def states(city: Any, year: int) -> list[dict[str, Any]]:
    """The budgets of a year, the district's first, each with its names, status and how far such forecasts were off."""
    known, told = names(city), measures(city)
    order = list(KINDS)
    rows = city.rows("control.budget_state", where={"year": year})
    rows.sort(key=lambda row: (order.index(row["scope_kind"]), row["scope"], list(told).index(row["budget_measure"])))
    errors = errors_of(city, rows, year)
    return [
        {
            "row": row,
            "name": known.get((row["scope_kind"], row["scope"])),
            "kind": KINDS[row["scope_kind"]],
            "budget_measure": told[row["budget_measure"]],
            "status": STATUS[row["budget_status"]],
            "error": errors.get((row["scope_kind"], row["scope"], row["use_measure"], row["month"].month)),
        }
        for row in rows
    ]


def errors_of(city: Any, rows: list[Any], year: int) -> dict[tuple[str, str, str, int], Any]:
    """The newest back-tested forecast of an earlier year, told at the end of the same month, of each of some rows."""
    holders = sorted({row["scope"] for row in rows})
    months = sorted({row["month"].month for row in rows})
    found: dict[tuple[str, str, str, int], Any] = {}
    for row in city.rows("control.outlook_error", where={"scope": holders, "month_of_year": months}, order=["month"]):
        if row["month"].year < year:
            found[row["scope_kind"], row["scope"], row["budget_measure"], row["month_of_year"]] = row
    return found


def burn_down(rows: list[Any], measure: Any, number: int) -> dict[str, Any]:
    """The chart of a budget's year: what is used, what should be, and the way to the end with its interval."""
    series = [
        {"name": ("累计用量", "used to date"), "figures": [row.figure("used_to_date") for row in rows]},
        {"name": ("预算进度", "budget to date"), "kind": "limit", "figures": [row.figure("budget_to_date") for row in rows]},
        {"name": ("预计累计", "projected"), "figures": [row.figure("projected") for row in rows]},
        {"name": ("下限", "lower end"), "figures": [row.figure("projected_low") for row in rows]},
        {"name": ("上限", "upper end"), "figures": [row.figure("projected_high") for row in rows]},
    ]
    return {
        **_chart(rows, measure, f"burn-{number}", series),
        "title": (f"{measure['name_zh']}：累计与预算", f"{measure['name_en']}: used and budget"),
        "note": ("区间应含五分之四的结果", "the interval is to hold four outcomes in five"),
    }


def outlook(rows: list[Any], measure: Any, number: int) -> dict[str, Any]:
    """The chart of what was forecast of the year at the end of each month, beside the budget."""
    series = [
        {"name": ("全年预测", "forecast of the year"), "figures": [row.figure("forecast") for row in rows]},
        {"name": ("下限", "lower end"), "figures": [row.figure("forecast_low") for row in rows]},
        {"name": ("上限", "upper end"), "figures": [row.figure("forecast_high") for row in rows]},
        {"name": ("预算", "budget"), "kind": "limit", "figures": [row.figure("budget") for row in rows]},
    ]
    return {
        **_chart(rows, measure, f"outlook-{number}", series),
        "title": (f"{measure['name_zh']}：逐月末的全年预测", f"{measure['name_en']}: the year as forecast month by month"),
        "note": ("每点只用当月末之前已知的数据", "each point knows nothing behind its month"),
    }


def _chart(rows: list[Any], measure: Any, name: str, series: list[dict[str, Any]]) -> dict[str, Any]:
    labels = [f"{row['month']:%Y-%m}" for row in rows]
    axis = ("月末", "end of month")
    return {"id": name, "kind": "line", "unit": measure["symbol"], "axis": axis, "labels": labels, "series": series}
