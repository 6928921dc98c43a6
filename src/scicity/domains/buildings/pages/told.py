"""Keys of the tables of buildings in words: Chinese, English, and the mark of a state."""

from __future__ import annotations

from typing import Any

VERDICTS = {
    "missed": ("未兑现", "missed", "bad"),
    "tolerated": ("容差内", "within tolerance", ""),
    "kept": ("已兑现", "kept", "good"),
    "incomplete": ("数据不足，不作判断", "incomplete: not judged", ""),
    "not_measured": ("未计量", "not measured", ""),
    "not_comparable": ("指标或单位不符", "no such measure or unit", ""),
}
SCORES = {
    "assessed": ("已评定", "assessed", "good"),
    "level_certain": ("等级已定，分数未全", "level certain, items open", ""),
    "not_assessable": ("尚不能评定", "not assessable yet", ""),
    "template": ("模板，尚不能评分", "a template: cannot be scored", ""),
}
SCHEMES = {
    "entered": ("可评分", "can be scored", "good"),
    "template": ("模板，待主管方填写", "template, to be filled in by its owner", ""),
    "label_only": ("只登记标识", "labels only", ""),
}
STAGES = {"design": ("设计", "design"), "operation": ("运行", "operation")}
KINDS = {"control": ("控制项", "control"), "scored": ("评分项", "scored"), "prerequisite": ("前提条件", "prerequisite")}
ROUNDINGS = {
    "none": ("按原值比较，不修约", "compared as it is, not rounded"),
    "half_up": ("四舍五入后比较", "rounded half up before it is compared"),
    "down": ("舍去后比较", "rounded down before it is compared"),
}
NO_LEVEL = ("未达任何等级", "no level")
ABOUT = "minimum:"


def word(words: dict[str, tuple[str, ...]], key: str | None) -> tuple[str, ...]:
    """A key in words; the key itself where there are none."""
    return words.get(key or "", (key or "—", key or "—", ""))


def names_of(rows: list[Any], key: str) -> dict[Any, tuple[str, str]]:
    """The names of rows by one of their columns."""
    return {row[key]: (row["name_zh"], row["name_en"]) for row in rows}


def listed(
    text: str | None, items: dict[Any, tuple[str, str]], categories: dict[Any, tuple[str, str]]
) -> list[tuple[str, str]]:
    """The items and minimum shares that a table lists, in words."""
    found = []
    for key in (text or "").split():
        if key.startswith(ABOUT):
            zh, en = categories.get(key.removeprefix(ABOUT), (key, key))
            found.append((f"{zh}：低于最低得分率", f"{en}: below the minimum share"))
        else:
            found.append(items.get(key, (key, key)))
    return found
