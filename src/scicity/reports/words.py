"""What a reader of a report reads: words of the vocabulary, names of things and keys, numbers, marks. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from scicity.cockpit import digits
from scicity.kernel.lineage import Figure
from scicity.vocabulary import terms

SIGNIFICANT = 6
UNKNOWN = digits.UNKNOWN
# Registers in which a key has a name: the column, and the table whose rows name it.
NAMED = {
    "zone": "district.zone",
    "building": "buildings.building",
    "enterprise": "buildings.enterprise",
    "carrier": "carbon.carrier",
    "budget_measure": "control.measure",
    "sub_item": "energy.sub_item",
    "energy_station": "optimisation.energy_station",
    "label_scheme": "buildings.scheme",
    "label_level": "buildings.scheme_level",
    "rule": "evidence.check",
}
SECTORS = "carbon.gpc_sector"
HOLDER = ("zone", "building", "enterprise")  # a scope of a budget is one of these
KEYS: dict[str, dict[str, tuple[str, str]]] = {
    "emission_scope": {"1": ("范围一", "Scope 1"), "2": ("范围二", "Scope 2"), "3": ("范围三", "Scope 3")},
    "purpose": {
        "location_based": ("基于位置的排放", "Location-based emissions"),
        "market_based": ("基于市场的排放", "Market-based emissions"),
        "standard_coal_equivalent": ("标准煤（当量值）", "Standard coal (equivalent value)"),
        "standard_coal_equal": ("标准煤（等价值）", "Standard coal (equal value)"),
        "heat_value": ("热值", "Heat value"),
        "supply_chain": ("供应链", "Supply chain"),
    },
    "review": {"verified": ("已核对", "verified"), "unverified": ("未核对", "unverified"), "stand-in": ("示意", "stand-in")},
    "origin": {
        "measured": ("实测", "measured"),
        "reported": ("报告所述", "reported"),
        "modelled": ("模拟", "modelled"),
        "estimated": ("估算", "estimated"),
        "allocated": ("分摊", "allocated"),
        "manual": ("人工录入", "manual"),
        "stand-in": ("替代", "stand-in"),
    },
    "stage": {"design": ("设计", "design"), "operation": ("运行", "operation")},
    "settlement": {
        "open": ("未了结", "open"),
        "accepted": ("接受该读法", "reading accepted"),
        "correction": ("已要求更正", "correction asked for"),
        "note": ("已说明", "noted"),
        "changed": ("陈述已变", "statements changed since"),
    },
    "missing": {
        "energy": ("能耗", "energy"),
        "choice": ("未选因子", "no factor chosen"),
        "factor": ("无因子", "no factor"),
        "ratio": ("无换算比", "no ratio"),
    },
    "enterprise": {"common": ("公共", "common"), "unattributed": ("无法归属", "unattributed")},
    "sub_item": {"unassigned": ("未分项", "unassigned"), "unattributed": ("无法归属", "unattributed")},
    "severity": {"low": ("低", "low"), "medium": ("中", "medium"), "high": ("高", "high")},
    "band": {
        "sharp": ("尖峰", "sharp"),
        "peak": ("高峰", "peak"),
        "flat": ("平段", "flat"),
        "valley": ("低谷", "valley"),
        "deep_valley": ("深谷", "deep valley"),
        "single": ("单一制", "single"),
        "demand": ("需量", "demand"),
        "none": ("无电价", "no tariff"),
    },
    "action": {"bought": ("购入", "bought"), "transferred": ("转让", "transferred"), "cancelled": ("核销", "cancelled")},
    "verdict": {"accepted": ("认可", "accepted"), "refused": ("不予认可", "refused")},
    "refusal": {
        "used_already": ("已使用", "used already"),
        "not_held": ("未持有", "not held"),
        "expired": ("已过期", "expired"),
        "produced_later": ("生产在后", "produced later"),
        "other_hour": ("时段不符", "another hour"),
        "more_than_use": ("超过用量", "more than was used"),
    },
    "notation": {
        "NE": ("NE 未估算", "NE not estimated"),
        "IE": ("IE 计入他处", "IE included elsewhere"),
        "NO": ("NO 不存在", "NO not occurring"),
        "C": ("C 保密", "C confidential"),
    },
    "budget_status": {
        "exceeded": ("已超预算", "exceeded"),
        "over": ("预计超出", "over"),
        "at_risk": ("有超出风险", "at risk"),
        "within": ("预算之内", "within"),
        "unknown": ("未知", "unknown"),
    },
    "saving_status": {
        "proved": ("已证实", "proved"),
        "not proved": ("未证实", "not proved"),
        "too early": ("为时尚早", "too early"),
        "no baseline": ("无基线", "no baseline"),
        "no meter": ("无计量", "no meter"),
    },
}
# origin: the letter behind a number, zh and en, and what it means
MARKS = {
    "stand-in": (
        "替",
        "S",
        "替代数据：借自其他园区，并非本区实测",
        "stand-in: data of another place, for want of the district's own",
    ),
    "reported": ("通", "R", "报告所述，并非测得", "stated by a report, not measured"),
    "modelled": ("模", "M", "由模型算得", "computed by a model"),
    "estimated": ("估", "E", "缺数处按负荷曲线估算", "estimated where readings are missing"),
    "allocated": ("摊", "A", "由总量分摊而得", "allocated from a total"),
    "manual": ("人", "H", "人工录入", "entered by hand"),
    "coverage": ("缺", "P", "数据不全：覆盖率不足 100 %", "partial: not all of its data are there"),
    "closed": ("结", "C", "已关账，不再变动", "closed: it stays as it is"),
}
ABOUT = ("coverage", "stand_in", "flags", "buildings_counted", "days")  # columns that tell about the figures of their row


@dataclass(frozen=True)
class Names:
    """Names of things by column and key: zh and en."""

    of: Mapping[str, Mapping[str, tuple[str, str]]]
    zone: ZoneInfo

    @classmethod
    def read(cls, city: Any) -> Names:
        """The names that a district's registers give."""
        found: dict[str, dict[str, tuple[str, str]]] = {}
        for column, name in NAMED.items():
            table = city.figures.catalog.tables.get(name)
            if table is None or not {column, "name_zh", "name_en"} <= set(table.columns):
                continue
            rows = city.figures.rows(name, [column, "name_zh", "name_en"])
            found[column] = _told_alike(column, rows)
        if SECTORS in city.figures.catalog.tables:  # a sector is named with its scope
            rows = city.figures.rows(SECTORS, ["gpc_sector", "emission_scope", "name_zh", "name_en"])
            found["gpc_sector"] = {
                f"{row['gpc_sector']}/{row['emission_scope']}": tuple(
                    f"{row['gpc_sector']} {row[f'name_{language}']}" for language in ("zh", "en")
                )
                for row in rows
            }
        return cls(found, city.district.calendar.tz)

    def pair(self, column: str, value: Any) -> tuple[str, str]:
        """A key or text of a row in Chinese and English."""
        if value is None or value == "":
            return (UNKNOWN, UNKNOWN)
        if isinstance(value, bool):
            return ("是", "yes") if value else ("否", "no")
        if isinstance(value, datetime):
            text = digits.moment(value, self.zone)
        elif isinstance(value, date):
            text = f"{value:%Y-%m}" if column == "month" else value.isoformat()
        else:
            text = str(value)
        for where in (column, *(HOLDER if column == "scope" else ())):
            for names in (self.of.get(where, {}), KEYS.get(where, {})):
                if text in names:
                    return names[text]
        return (text, text)

    def said(self, column: str, value: Any, language: str) -> str:
        """The same in one language."""
        return self.pair(column, value)[language != "zh"]


def _told_alike(column: str, rows: Iterable[Any]) -> dict[str, tuple[str, str]]:
    """The names of keys; a key that a register names twice differently, as a level of two schemes, has none here."""
    said: dict[str, set[tuple[str, str]]] = {}
    for row in rows:
        said.setdefault(row[column], set()).add((row["name_zh"] or row[column], row["name_en"] or row[column]))
    return {key: next(iter(names)) for key, names in said.items() if len(names) == 1}


def word(column: str, language: str) -> str:
    """A column in a language."""
    known = terms().get(column)
    said = (known.name(language) if known else "") or column.replace("_", " ")
    return said[:1].upper() + said[1:]


def marks_of(figure: Figure) -> list[str]:
    """What a reader must know of a number, as names of MARKS."""
    if figure.column in ABOUT or figure.value is None:
        return []
    found = [figure.origin] if figure.origin in MARKS and figure.origin != "stand-in" else []
    if figure.stand_in or figure.origin == "stand-in":
        found.append("stand-in")
    if figure.coverage is not None and figure.coverage < 1:
        found.append("coverage")
    return [*found, "closed"] if figure.closed else found


def letters(marks: list[str], language: str) -> str:
    """Marks as they stand behind a number."""
    return "".join(MARKS[mark][language != "zh"] for mark in marks)


def is_share(figure: Figure) -> bool:
    """Whether a number is a share from 0 to 1 that is written in per cent."""
    return figure.column == "coverage" or (figure.column.endswith("_share") and figure.symbol in ("", "1"))


@dataclass(frozen=True)
class Scale:
    """How a column's numbers are written: unit, what they are divided by, places behind the point (None: each by itself)."""

    symbol: str = ""
    divisor: Any = 1
    places: int | None = None


def scaled(largest: Any, symbol: str, language: str) -> tuple[str, Any]:
    """The unit in which a column is read whose largest amount is this, and what its numbers are divided by.

    Of several larger units the smallest, so that what is small beside the largest can still be read.
    """
    for canonical, only, least, divisor, larger in reversed(digits.LARGER):
        if symbol == canonical and only in ("", language) and largest >= least:
            return larger, divisor
    return symbol, 1


def scale_of(figures: Iterable[Figure | None], symbol: str, language: str) -> Scale:
    """How a column is written whose head has a unit; of one without, each number stands for itself."""
    if not symbol:
        return Scale()
    values = [digits.exact(figure.value) for figure in figures if figure is not None and is_number(figure.value)]
    largest = max(map(abs, values), default=Decimal(0))
    symbol, divisor = scaled(largest, symbol, language)
    exponent = (largest / divisor).adjusted() if largest else 0
    places = min(max(SIGNIFICANT - 1 - exponent, 0), 2) if exponent >= 0 else min(2 - exponent, SIGNIFICANT)
    whole = all(value % 1 == 0 for value in values) and divisor == 1
    return Scale(symbol, divisor, 0 if whole else places)


def is_number(value: Any) -> bool:
    """Whether a value can be written in digits."""
    return value is not None and not isinstance(value, (str, bool)) and math.isfinite(value)


def amount(figure: Figure, language: str, scale: Scale) -> str:
    """The digits of a number."""
    if not is_number(figure.value):
        return digits.written(figure.value, language)
    if is_share(figure):
        return digits.share(figure.value)
    value = digits.exact(figure.value) / scale.divisor
    if scale.places is not None:
        fixed = value.quantize(Decimal(1).scaleb(-scale.places), ROUND_HALF_EVEN)
        if fixed or not value:
            return f"{fixed:,f}"
    return digits.written(value, language, significant=SIGNIFICANT if scale.places is None else 2, grouped=False)


def unit(symbol: str, language: str) -> str:
    """A unit for a reader; nothing where a number has none."""
    symbol = digits.in_language(symbol, language)
    return "" if symbol in ("", "1") else symbol
