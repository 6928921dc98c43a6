"""Keys of the tables of diagnosis in words: Chinese, English, and the mark of a state."""

from __future__ import annotations

CARRIERS = {"electricity": ("电力", "Electricity"), "natural_gas": ("天然气", "Natural gas"), "heat": ("热力", "Heat")}
QUOTA = {
    "guide": ("优于引导值", "better than the guide value", "good"),
    "within": ("符合约束值", "within the constraint", ""),
    "above": ("超过约束值", "above the constraint", "bad"),
    "unknown": ("无法判断", "unknown", ""),
}
SAVING = {
    "proved": ("已核证", "proved", "good"),
    "not proved": ("未能核证", "not proved", ""),
    "too early": ("为时过早", "too early", ""),
    "no baseline": ("无可用基准", "no baseline", ""),
    "no meter": ("无计量，无从核证", "no meter: cannot be shown", ""),
}
SHAPES = {
    "flat": ("与气温无关", "no answer to temperature"),
    "heating": ("随冷增加", "more when colder"),
    "cooling": ("随热增加", "more when warmer"),
    "both": ("冷热皆增", "more when colder and when warmer"),
}
REASONS = {
    "no weather": ("没有选定气温数据", "no air temperature is chosen for it"),
    "no use": ("没有用能", "no use"),
    "too few days": ("有效天数不足", "too few days"),
    "too many zeros": ("零值过多", "too many zeros"),
    "negative": ("出现负值", "negative values"),
    "flat": ("相邻日数值重复", "the same value day after day"),
    "change point": ("年内用能突变", "a step within the year"),
    "does not fit": ("模型不符", "the model does not tell it"),
    "no quota": ("没有适用的定额", "no quota for its use"),
    "ambiguous": ("两行定额同时适用，不予选择", "two quotas may hold: neither is taken"),
    "quota of a part": ("定额只覆盖年内一段", "a quota holds for a part of the year alone"),
    "coverage": ("数据不足一年，不外推", "not a whole year: never extrapolated"),
    "no floor area": ("缺少建筑面积", "no floor area"),
    "no energy": ("没有所计品种的计量", "no meter of the carriers counted"),
    "no attribute: hours_of_use": ("缺少年使用小时数", "its hours of use are not known"),
    "no attribute: area_per_person": ("缺少使用人数", "its number of people is not known"),
}
SEASONS = {"winter": ("冬季", "winter"), "shoulder": ("过渡季", "between"), "summer": ("夏季", "summer")}


def carrier(key: str) -> tuple[str, str]:
    """A carrier in Chinese and English."""
    return CARRIERS.get(key, (key, key))


def reason(text: str | None) -> tuple[str, str] | None:
    """Reasons as a table lists them, in Chinese and English; None where there is none."""
    if not text:
        return None
    pairs = [REASONS.get(text)] if text in REASONS else [REASONS.get(part, (part, part)) for part in text.split(", ")]
    kept = [pair for pair in pairs if pair]
    return "、".join(zh for zh, _ in kept), "; ".join(en for _, en in kept)
