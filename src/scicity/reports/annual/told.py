"""What an annual report says of itself in words: its title, the state of its data, its marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from scicity.closing import Act
from scicity.cockpit import digits
from scicity.kernel.lineage import Figure
from scicity.reports.told import either
from scicity.reports.words import MARKS, marks_of


def title(year: int, language: str) -> str:
    """What kind of report it is, of which year."""
    return either(language, f"年度监测报告 · {year} 年", f"Annual monitoring report {year}")


def closing(act: Act | None, year: int, language: str, zone: ZoneInfo) -> str:
    """Whether the figures of the year are closed."""
    if act is None:
        zh = f"{year} 年未关账：数值仍会随数据补齐而更新"
        return either(language, zh, f"{year} is open: figures are still brought up to date as data come")
    when = digits.moment(act.at, zone)
    return either(
        language,
        f"{act.period} 已于 {when} 关账（第 {act.number} 号）",
        f"{act.period} was closed on {when} (act {act.number})",
    )


def state(
    figures: Sequence[Figure], unverified: Sequence[str], at: datetime, language: str, zone: ZoneInfo
) -> list[tuple[str, str]]:
    """The state of the data: how many numbers, which of them are not the district's own, which documents nobody saw."""
    count = len(figures)
    unknown = sum(figure.value is None for figure in figures)
    stand_ins = sum("stand-in" in marks_of(figure) for figure in figures)
    partial = sum("coverage" in marks_of(figure) for figure in figures)
    said = either(language, f"{count:,} 个", f"{count:,}")
    if unknown:
        said += either(language, f"，其中 {unknown:,} 个未知", f", {unknown:,} of them unknown")
    found = [(either(language, "数值", "Numbers"), said)]
    if stand_ins:
        zh = f"{stand_ins:,} 个数值以其他园区的数据替代，不代表本区实况"
        en = f"{stand_ins:,} numbers stand on data of another place and do not tell of this district"
        found.append((either(language, "替代数据", "Stand-in data"), either(language, zh, en)))
    if partial:
        zh, en = f"{partial:,} 个数值的数据覆盖率不足 100 %", f"{partial:,} numbers have not all of their data"
        found.append((either(language, "数据不全", "Partial data"), either(language, zh, en)))
    if unverified:
        names = either(language, "、", ", ").join(unverified)
        zh, en = f"以下文件未曾亲见：{names}", f"these documents were not seen: {names}"
        found.append((either(language, "未核对", "Unverified"), either(language, zh, en)))
    when = digits.moment(at, zone)
    found.append((either(language, "数据截至", "Data as of"), when))
    return found


def legend(figures: Sequence[Figure], language: str) -> list[tuple[str, str]]:
    """The marks that stand in a report, with what they mean."""
    there = {mark for figure in figures for mark in marks_of(figure)}
    return [(MARKS[name][language != "zh"], MARKS[name][2 + (language != "zh")]) for name in MARKS if name in there]


def tables(read: Mapping[str, tuple[int, datetime]], language: str, zone: ZoneInfo) -> list[tuple[str, str]]:
    """The tables that were read, each with its version and when that was written."""
    return [
        (name, either(language, f"第 {version} 版，{when.astimezone(zone):%Y-%m-%d %H:%M:%S}",
                      f"version {version}, {when.astimezone(zone):%Y-%m-%d %H:%M:%S}"))
        for name, (version, when) in read.items()
    ]  # fmt: skip
