"""Words of the pages of carbon in two languages, and the names that registers and standards give. No Django here."""

from __future__ import annotations

import re
from typing import Any

PURPOSES = {
    "location_based": ("碳排放（基于位置）", "emissions, location-based"),
    "market_based": ("碳排放（基于市场的剩余因子）", "emissions, market-based: residual factor"),
    "supply_chain": ("供应链排放（范围三）", "emissions of the supply (scope 3)"),
    "heat_value": ("热值", "calorific value"),
    "standard_coal_equivalent": ("标准煤：当量值", "standard coal, equivalent value"),
    "standard_coal_equal": ("标准煤：等价值", "standard coal, primary-energy value"),
}
MISSING = {
    "choice": ("未选定因子", "no factor chosen"),
    "factor": ("该时期没有因子", "no factor for the period"),
    "ratio": ("缺少基准比", "no basis ratio"),
    "heat_value": ("缺少热值", "no calorific value"),
    "fuel": ("燃料量未知", "amount of fuel unknown"),
    "output": ("产出未知", "output unknown"),
    "method": ("缺少该方法所需的数据", "what the method needs is not stated"),
}
ACTIONS = {
    "bought": ("购入", "bought"),
    "transferred": ("转让", "transferred"),
    "cancelled": ("使用（核销）", "used (cancelled)"),
}
REFUSALS = {
    "used_already": ("已被使用", "used already"),
    "not_held": ("并不持有", "not held"),
    "expired": ("已过有效期", "expired"),
    "produced_later": ("晚于使用时段生产", "produced after the period of use"),
    "other_hour": ("未标明该小时生产", "not certified for that hour"),
    "more_than_use": ("超过该时段用电量", "more than was used in the period"),
    "self_used": ("自发自用已计入，不重复计", "own power, counted already"),
    "use_unknown": ("用电量未知", "use unknown"),
    "more_than_issued": ("超过核发量", "more than was issued"),
    "unknown_certificate": ("没有登记该批绿证", "no such certificates are registered"),
}
TECHNOLOGIES = {
    "wind": ("风电", "wind"),
    "solar": ("光伏", "solar"),
    "hydro": ("水电", "hydro"),
    "biomass": ("生物质", "biomass"),
}
METHODS = {
    "energy_content": ("按能量", "Energy content", "产品能量之比", "by the energy of the products"),
    "exergy": ("㶲法", "Exergy (Carnot)", "按做功能力：热与冷按卡诺系数折算", "by the work that heat and cold could do"),
    "efficiency": ("分产效率法", "Efficiency", "按各产品分产所需的燃料", "by the fuel of separate production"),
    "benefit_to_power": (
        "好处归电",
        "Benefit to power",
        "热、冷按分产计，其余归电",
        "heat and cold as if made apart",
    ),
    "benefit_to_heat": (
        "好处归热",
        "Benefit to heat",
        "电按分产计，其余归热与冷",
        "power as if made apart",
    ),
    "fixed_share": ("约定比例", "Fixed share", "按协议约定", "as was agreed"),
}
PRODUCTS = {"power": ("电", "Power"), "heat": ("热", "Heat"), "cold": ("冷", "Cold")}
NOTATIONS = {
    "NE": ("未估算", "not estimated"),
    "IE": ("计入他处", "included elsewhere"),
    "NO": ("不发生", "not occurring"),
    "C": ("保密", "confidential"),
}
WHOSE = {
    "common": ("公共与未出租部分", "Common and not let"),
    "unattributed": ("无法归属", "Unattributed"),
}
CLAIM = re.compile(r"\b([A-Z]+)(\d{1,4})(?:[-–]\1?(\d{1,4}))?\b")
MOST_CLAIMS = 20


def pair(words: dict[str, tuple[str, str]], name: str | None) -> tuple[str, str]:
    """A word in two languages, itself where there is none."""
    return words.get(name or "", (name or "", name or ""))


def named(city: Any, table: str, key: str) -> dict[str, tuple[str, str]]:
    """The names that the rows of a register have, by their key."""
    return {row[key]: (row["name_zh"], row["name_en"]) for row in city.rows(table, [key, "name_zh", "name_en"])}


def whose(city: Any) -> dict[str, tuple[str, str]]:
    """The names of enterprises, and of what belongs to none."""
    return WHOSE | named(city, "buildings.enterprise", "enterprise")


def claims(city: Any, source: str | None) -> list[Any]:
    """The statements of reports whose ids a source names, such as `C279-C283`."""
    ids = [
        f"{letters}{number:0{len(first)}d}"
        for letters, first, last in CLAIM.findall(source or "")
        for number in range(int(first), min(int(last or first), int(first) + MOST_CLAIMS) + 1)
    ]
    return city.rows("indicators.statement", where={"claim_id": ids}, order=["claim_id"]) if ids else []
