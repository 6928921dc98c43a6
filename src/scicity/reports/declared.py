"""What a report holds, as data: each section is a query of one table. A table that a district has not is no section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scicity.kernel.engine import Between
from scicity.reports.period import ROOT, Period

# What a `where` may name instead of a value; the period and the district say what it is.
YEAR, MONTH, MONTHS, DAYS, ROUND, ZONES = "§year", "§month", "§months", "§days", "§thirteen months", "§zones"
BOTH = ("year", "month")


@dataclass(frozen=True)
class Section:
    """A table of a report: the rows of `table` where `where` holds, of which the `columns` are shown that it has.

    `of` says in which reports it stands; `annual` is what the annual report alone may ask for. With `by`, the values of that
    key become columns of `columns[-1]`. `chart` draws it (`bars` on each other, `lines`); `drawn` leaves the rows to Excel.
    `during` names the columns of a first and a last day that must touch the period.
    """

    name: str
    part: str
    zh: str
    en: str
    table: str
    columns: tuple[str, ...]
    where: Mapping[str, Any] = field(default_factory=dict)
    of: tuple[str, ...] = BOTH
    by: str = ""
    order: tuple[str, ...] = ()
    chart: str = ""
    charted: tuple[str, ...] = ()  # the columns that are drawn; the last one unless said
    drawn: bool = False
    during: tuple[str, str] | None = None
    note: tuple[str, str] = ("", "")


PARTS = {
    "energy": ("能源", "Energy"),
    "carbon": ("碳排放", "Carbon"),
    "control": ("预算与预警", "Budgets and warnings"),
    "savings": ("节能措施", "Savings"),
    "stations": ("能源站", "Energy stations"),
    "factors": ("因子与更正", "Factors and corrections"),
    "evidence": ("报告核查", "Reports checked"),
}

_ACCOUNT = ("energy", "estimated_energy", "coverage")
_EMITTED = ("emission", "direct_emission", "indirect_emission")
_SAVED = ("energy", "expected_energy", "saved_energy", "saved_low", "saved_high", "saved_share", "saving_status")
_GREEN = ("energy", "covered_energy", "residual_energy", "market_emission", "green_share", "coverage", "review")
_PLANNED = ("cost", "emission", "cost_saving", "emission_saving")


def _pair(year_table: str, month_table: str, **told: Any) -> tuple[Section, Section]:
    """The section of a yearly and of a monthly report that differ by their table and the column of time."""
    where = dict(told.pop("where", {}))
    columns = told.pop("columns")
    year_columns = told.pop("year_columns", columns)
    return (
        Section(table=year_table, where={**where, "year": YEAR}, of=("year",), columns=year_columns, **told),
        Section(table=month_table, where={**where, "month": MONTH}, of=("month",), columns=columns, **told),
    )


SECTIONS: tuple[Section, ...] = (
    *_pair(
        "energy.zone_yearly",
        "energy.zone_monthly",
        name="energy-carriers",
        part="energy",
        zh="按能源品种",
        en="By carrier",
        where={"zone": ROOT},
        columns=("carrier", *_ACCOUNT, "buildings_counted"),
        year_columns=("carrier", *_ACCOUNT, "energy_intensity", "buildings_counted"),
    ),
    Section(
        "energy-months",
        "energy",
        "逐月用能",
        "Energy by month",
        "energy.zone_monthly",
        ("month", "energy"),
        {"zone": ROOT, "month": MONTHS},
        ("year",),
        by="carrier",
        chart="bars",
    ),
    Section(
        "energy-round",
        "energy",
        "近十三个月用能",
        "Thirteen months of energy",
        "energy.zone_monthly",
        ("month", "energy"),
        {"zone": ROOT, "month": ROUND},
        ("month",),
        by="carrier",
        chart="bars",
    ),
    Section(
        "energy-days",
        "energy",
        "逐日用能",
        "Energy by day",
        "energy.zone_daily",
        ("day", "energy"),
        {"zone": ROOT, "day": DAYS},
        ("month",),
        by="carrier",
        chart="lines",
    ),
    Section(
        "energy-year-days",
        "energy",
        "全年逐日用能",
        "Energy by day of the year",
        "energy.zone_daily",
        ("day", "energy"),
        {"zone": ROOT, "day": DAYS},
        ("year",),
        by="carrier",
        chart="lines",
        drawn=True,
        note=("逐日数值见 Excel 报告。", "The values of the days are in the Excel report."),
    ),
    *_pair(
        "energy.zone_yearly",
        "energy.zone_monthly",
        name="energy-zones",
        part="energy",
        zh="按分区",
        en="By zone",
        where={"zone": ZONES},
        columns=("zone", "carrier", *_ACCOUNT, "buildings_counted"),
        year_columns=("zone", "carrier", *_ACCOUNT, "energy_intensity", "buildings_counted"),
    ),
    *_pair(
        "energy.enterprise_yearly",
        "energy.enterprise_monthly",
        name="energy-enterprises",
        part="energy",
        zh="按企业",
        en="By enterprise",
        columns=("enterprise", "carrier", *_ACCOUNT),
    ),
    *_pair(
        "energy.consumption_yearly",
        "energy.consumption_monthly",
        name="energy-buildings",
        part="energy",
        zh="按建筑",
        en="By building",
        columns=("building", "carrier", *_ACCOUNT),
        year_columns=("building", "carrier", *_ACCOUNT, "energy_intensity"),
    ),
    Section(
        "energy-sub-items",
        "energy",
        "按分项",
        "By sub-item",
        "energy.zone_sub_item_monthly",
        ("month", "carrier", "sub_item", *_ACCOUNT),
        {"zone": ROOT, "month": MONTHS},
    ),
    Section(
        "energy-cost",
        "energy",
        "能源费用",
        "Cost of energy",
        "energy.zone_cost_monthly",
        ("month", "carrier", "band", "energy", "cost", "coverage", "review"),
        {"zone": ROOT, "month": MONTHS},
    ),
    Section(
        "standard-coal",
        "energy",
        "综合能耗（标准煤）",
        "Standard coal",
        "carbon.standard_coal_total",
        ("zone", "purpose", "energy", "standard_coal", "coverage", "review"),
        {"year": YEAR},
        ("year",),
    ),
    Section(
        "standard-coal-carriers",
        "energy",
        "标准煤（按品种）",
        "Standard coal by carrier",
        "carbon.standard_coal_yearly",
        ("purpose", "carrier", "energy", "standard_coal", "coverage", "review"),
        {"zone": ROOT, "year": YEAR},
        ("year",),
    ),
    *_pair(
        "carbon.zone_total_yearly",
        "carbon.zone_total_monthly",
        name="emission-zones",
        part="carbon",
        zh="按分区与范围",
        en="By zone and scope",
        columns=("zone", *_EMITTED, "coverage", "review"),
        year_columns=("zone", *_EMITTED, "emission_intensity", "coverage", "review"),
        note=(
            "范围二为基于位置的核算；“未核对”：所用因子的文件未曾亲见。",
            "Scope 2 is location-based; unverified: the document of the factor was not seen.",
        ),
    ),
    *_pair(
        "carbon.zone_emission_yearly",
        "carbon.zone_emission_monthly",
        name="emission-carriers",
        part="carbon",
        zh="按能源品种与范围",
        en="By carrier and scope",
        where={"zone": ROOT},
        columns=("carrier", "emission_scope", "energy", "emission", "coverage", "review"),
    ),
    Section(
        "emission-months",
        "carbon",
        "逐月碳排放",
        "Emissions by month",
        "carbon.zone_total_monthly",
        ("month", *_EMITTED, "coverage"),
        {"zone": ROOT, "month": MONTHS},
        ("year",),
        chart="bars",
        charted=("direct_emission", "indirect_emission"),
    ),
    Section(
        "emission-round",
        "carbon",
        "近十三个月碳排放",
        "Thirteen months of emissions",
        "carbon.zone_total_monthly",
        ("month", *_EMITTED, "coverage"),
        {"zone": ROOT, "month": ROUND},
        ("month",),
        chart="bars",
        charted=("direct_emission", "indirect_emission"),
    ),
    Section(
        "emission-market",
        "carbon",
        "用电的基于市场的排放",
        "Electricity by the market",
        "carbon.market_based_total",
        _GREEN,
        {"year": YEAR},
        ("year",),
    ),
    Section(
        "emission-market-enterprises",
        "carbon",
        "各企业用电的基于市场的排放",
        "Electricity of enterprises by the market",
        "carbon.market_based_yearly",
        ("enterprise", *_GREEN),
        {"year": YEAR},
        ("year",),
    ),
    Section(
        "certificates",
        "carbon",
        "绿证台账",
        "Ledger of certificates",
        "carbon.certificate_ledger",
        ("event_on", "certificate", "action", "enterprise", "certificate_volume", "used_period", "verdict", "refusal"),
        {"event_on": DAYS},
        order=("event_on", "event"),
    ),
    Section(
        "emission-causes",
        "carbon",
        "变化的原因",
        "Why emissions changed",
        "carbon.change_cause",
        (
            *("carrier", "emission_scope", "previous_emission", "emission", "emission_change"),
            *("change_by_activity", "change_by_factor", "change_by_coverage"),
        ),
        {"zone": ROOT, "year": YEAR},
        ("year",),
    ),
    Section(
        "emission-inventory",
        "carbon",
        "区域清单（GPC）",
        "Inventory of the district (GPC)",
        "carbon.inventory_gpc",
        ("gpc_sector", "emission_scope", "emission", "notation", "coverage", "review"),
        {"year": YEAR},
        ("year",),
    ),
    Section(
        "emission-enterprises",
        "carbon",
        "按企业",
        "Emissions by enterprise",
        "carbon.enterprise_total_yearly",
        ("enterprise", *_EMITTED, "other_emission", "coverage", "review"),
        {"zone": ROOT, "year": YEAR},
        ("year",),
    ),
    Section(
        "emission-buildings",
        "carbon",
        "按建筑",
        "Emissions by building",
        "carbon.building_total_yearly",
        ("building", *_EMITTED, "emission_intensity", "coverage", "review"),
        {"year": YEAR},
        ("year",),
    ),
    Section(
        "emission-buildings",
        "carbon",
        "按建筑",
        "Emissions by building",
        "carbon.emission_monthly",
        ("building", "carrier", "emission_scope", "accounted_energy", "emission", "coverage", "review"),
        {"month": MONTH},
        ("month",),
    ),
    Section(
        "budgets",
        "control",
        "预算执行",
        "Where budgets stand",
        "control.budget_state",
        (
            *("scope", "budget_measure", "month", "budget", "used_to_date", "used_share", "forecast", "forecast_low"),
            *("forecast_high", "budget_status"),
        ),
        {"year": YEAR},
        ("year",),
    ),
    Section(
        "budgets",
        "control",
        "预算执行",
        "Where budgets stand",
        "control.burn_down_monthly",
        (
            *("scope", "budget_measure", "budget", "used", "used_to_date", "used_share", "expected_share", "forecast"),
            "budget_status",
        ),
        {"month": MONTH},
        ("month",),
    ),
    Section(
        "warnings",
        "control",
        "预警",
        "Warnings",
        "control.warning",
        ("since", "cleared_on", "severity", "rule", "scope", "budget_measure", "carrier", "worst", "limit"),
        {"since": DAYS},
        order=("since", "warning"),
    ),
    *_pair(
        "diagnosis.saving_yearly",
        "diagnosis.saving_monthly",
        name="savings",
        part="savings",
        zh="措施节能量",
        en="What measures saved",
        columns=("measure", *_SAVED),
        note=(
            "上下限为统计区间；只有下限大于零的节能量才算已证实。",
            "The bounds are those of chance; a saving is proved where the lower one lies above nothing.",
        ),
    ),
    Section(
        "station-plans",
        "stations",
        "优化计划的节省",
        "What the plans would save",
        "optimisation.plan_saving_monthly",
        ("energy_station", "month", "days", *_PLANNED),
        {"month": MONTHS},
        note=("与实际运行规则相比，由模型算得。", "Against the rule that runs, by the model."),
    ),
    Section(
        "station-design",
        "stations",
        "全年设计的节省",
        "A year for design",
        "optimisation.design_saving",
        ("energy_station", *_PLANNED, "peak_saving"),
        {"year": YEAR},
        ("year",),
    ),
    Section(
        "factors",
        "factors",
        "所用因子",
        "Factors in use",
        "carbon.factor_in_use",
        ("purpose", "carrier", "first_day", "last_day", "factor", "factor_value", "document_number", "review", "missing"),
        during=("first_day", "last_day"),
        note=(
            "“未核对”：因子的文件未曾亲见。",
            "Unverified: nobody has seen the document of the factor.",
        ),
    ),
    Section(
        "factor-gaps",
        "factors",
        "缺少因子的能耗",
        "Energy without a factor",
        "carbon.factor_gap",
        ("month", "carrier", "emission_scope", "missing", "factor", "energy", "buildings_counted"),
        {"month": MONTHS},
    ),
    Section(
        "findings",
        "evidence",
        "报告陈述的核查发现",
        "Findings in what reports say",
        "evidence.finding_standing",
        ("rule", "document", "line", "severity", "claims_counted", "arithmetic", "settlement"),
        of=("annual",),
        order=("document", "line"),
        note=(
            "已发布报告中彼此矛盾、超出可能范围或与测得不符的陈述，以及各自的了结情况。",
            "What reports say that contradicts itself, what can be, or what was measured; and what became of it.",
        ),
    ),
)


def where_of(section: Section, period: Period, zones: list[str]) -> dict[str, Any]:
    """The condition of a section for a period. Months of a monthly report are its own."""
    meant = {
        YEAR: period.year,
        MONTH: period.first,
        MONTHS: Between(period.first, period.last_month),
        DAYS: Between(period.first, period.last),
        ROUND: Between(period.a_year_before, period.last_month),
        ZONES: zones,
    }
    return {name: meant.get(value, value) if isinstance(value, str) else value for name, value in section.where.items()}
