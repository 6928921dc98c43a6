"""What a template may ask for: `{{ value some-indicator year=2023 }}`. A word, names, and `key=value`; nothing is evaluated.

Pure: text in, what is asked for or a fault with the place and the remedy out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

LONGEST = 400  # characters between the braces
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,119}")
OPTION = re.compile(r"([a-z][a-z0-9_]{0,59})=(\S{1,200})")
COLUMNS = re.compile(r"[a-z][a-z0-9_]*(?:,[a-z][a-z0-9_]*)*")
YEAR = re.compile(r"[12]\d{3}")
MOST_YEARS = 10
PROGRESS = (
    *("achieved", "missed", "on_track", "behind", "undecided", "no_baseline", "incomplete"),
    *("no_target", "no_value", "pending", "text"),
)


@dataclass(frozen=True)
class Word:
    """A word of the language: how many names follow it (least, most), which options it knows (None: any key of a table)."""

    block: bool
    names: tuple[int, int]
    options: tuple[str, ...] | None
    example: str
    zh: str
    en: str


_ABOUT = ("year", "zone", "origin")
WORDS: Mapping[str, Word] = {
    "year": Word(False, (0, 0), (), "{{ year }}", "报告年份", "the year of the report"),
    "district": Word(False, (0, 0), (), "{{ district }}", "城区名称", "the district's name"),
    "as_of": Word(False, (0, 0), (), "{{ as_of }}", "数据截至时间", "up to when the data are"),
    "closing": Word(False, (0, 0), (), "{{ closing }}", "该年是否关账", "whether the year is closed"),
    "name": Word(False, (1, 1), (), "{{ name some-indicator }}", "指标名称", "an indicator's name"),
    "unit": Word(False, (1, 1), (), "{{ unit some-indicator }}", "指标单位", "an indicator's unit"),
    "responsible": Word(False, (1, 1), (), "{{ responsible some-indicator }}", "责任单位", "who answers for an indicator"),
    "value": Word(False, (1, 1), _ABOUT, "{{ value some-indicator }}", "指标值", "an indicator's value of the year"),
    "before": Word(False, (1, 1), _ABOUT, "{{ before some-indicator }}", "上一年指标值", "its value of the year before"),
    "target": Word(False, (1, 1), _ABOUT, "{{ target some-indicator }}", "目标值", "the target that counts"),
    "distance": Word(False, (1, 1), _ABOUT, "{{ distance some-indicator }}", "距目标", "how far it is from the target"),
    "baseline": Word(False, (1, 1), _ABOUT, "{{ baseline some-indicator }}", "基期值", "the baseline"),
    "status": Word(False, (1, 1), _ABOUT, "{{ status some-indicator }}", "进展", "where it stands, in words"),
    "cell": Word(False, (1, 1), None, "{{ cell carbon.zone_total_yearly.emission zone=district }}",
                 "任一数据表的一个数值", "one number of any table"),
    "indicators": Word(True, (0, 1), ("years", "zone"), "{{ indicators some-framework years=3 }}",
                       "指标表", "the table of a framework's indicators"),
    "section": Word(True, (1, 1), (), "{{ section energy-carriers }}", "能碳年报的一节", "a section of the yearly report"),
    "table": Word(True, (1, 1), None, "{{ table carbon.zone_total_yearly columns=zone,emission }}",
                  "任一数据表", "the rows of any table"),
    "chart": Word(True, (1, 1), ("zone", "years"), "{{ chart some-indicator }}", "指标走势图", "an indicator over the years"),
    "state": Word(True, (0, 0), (), "{{ state }}", "数据状态", "the state of the data"),
    "marks": Word(True, (0, 0), (), "{{ marks }}", "标记说明", "what the marks mean"),
    "read": Word(True, (0, 0), (), "{{ read }}", "所读数据表", "the tables that were read"),
    "contents": Word(True, (0, 0), (), "{{ contents }}", "目录", "the contents"),
    "break": Word(True, (0, 0), (), "{{ break }}", "换页", "a new page"),
}  # fmt: skip
CONDITIONS: Mapping[str, tuple[int, str, str, str]] = {
    "table": (1, "{{ if table buildings.label }}", "该表有本年数据", "the table has rows of the year"),
    "section": (1, "{{ if section warnings }}", "该节有数据", "the section has rows"),
    "indicator": (1, "{{ if indicator some-indicator }}", "指标有本年数值", "the indicator has a value of the year"),
    "status": (2, "{{ if status some-indicator behind }}", "指标进展为……", "the indicator stands so"),
    "closed": (0, "{{ if closed }}", "该年已关账", "the year is closed"),
}


@dataclass(frozen=True)
class Fault:
    """What is wrong with a template: line and sign from 1, what was found and expected, the remedy, each in zh and en."""

    line: int
    column: int
    found: str
    expected: tuple[str, str]
    remedy: tuple[str, str]


@dataclass(frozen=True)
class Asked:
    """What one pair of braces asks for, and where it stands."""

    word: str
    names: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    line: int = 0
    column: int = 0
    text: str = ""

    def fault(self, found: str, expected: tuple[str, str], remedy: tuple[str, str]) -> Fault:
        """A fault of its place."""
        return Fault(self.line, self.column, found[:120], expected, remedy)


@dataclass(frozen=True)
class Condition:
    """What an `if` asks: one of CONDITIONS with its names, or its contrary."""

    kind: str
    names: tuple[str, ...]
    negated: bool
    line: int
    column: int


REMEDY = ("见“占位符”一览。", "See the list of placeholders.")


def asked(text: str, line: int, column: int) -> Asked | Fault:
    """What stands between the braces, as what is asked for or as a fault."""

    def wrong(found: str, zh: str, en: str, remedy: tuple[str, str] = REMEDY) -> Fault:
        return Fault(line, column, found[:120], (zh, en), remedy)

    if len(text) > LONGEST:
        return wrong(text[:40] + "…", f"至多 {LONGEST} 个字符", f"at most {LONGEST} characters")
    parts = text.split()
    if not parts:
        return wrong("{{ }}", "一个占位符，如 {{ year }}", "a placeholder such as {{ year }}")
    known = WORDS.get(parts[0])
    if known is None:
        told = "、".join(WORDS), ", ".join(WORDS)
        return wrong(parts[0], f"其一：{told[0]}", f"one of {told[1]}", _nearest(parts[0]))
    names = [part for part in parts[1:] if "=" not in part]
    options: dict[str, str] = {}
    for part in parts[1:]:
        if "=" not in part:
            continue
        found = OPTION.fullmatch(part)
        if found is None:
            return wrong(part, "形如 键=值，不含空格", "key=value without spaces")
        if found[1] in options:
            return wrong(part, "每个键只出现一次", "each key once")
        options[found[1]] = found[2]
    bad = next((name for name in names if not NAME.fullmatch(name)), None)
    if bad is not None:
        return wrong(bad, "由字母、数字和 . _ / - 组成的名称", "a name of letters, digits and . _ / -")
    least, most = known.names
    if not least <= len(names) <= most:
        return wrong(text.strip(), f"如 {known.example}", f"such as {known.example}")
    if known.options is not None:
        unknown = next((name for name in options if name not in known.options), None)
        if unknown is not None:
            allowed = ", ".join(known.options) or "—"
            return wrong(unknown, f"可用的键：{allowed}", f"a key out of {allowed}")
    return _checked(Asked(parts[0], tuple(names), options, line, column, text.strip()))


def _checked(found: Asked) -> Asked | Fault:
    """The options that have a shape of their own."""
    options = found.options
    if "year" in options and found.word != "table" and not YEAR.fullmatch(options["year"]):
        return found.fault(options["year"], ("四位年份，如 2023", "a year such as 2023"), REMEDY)
    if found.word in ("indicators", "chart") and "years" in options:
        years = options["years"]
        if not years.isascii() or not years.isdigit() or not 1 <= int(years[:4]) <= MOST_YEARS:
            return found.fault(years, (f"1 至 {MOST_YEARS} 的年数", f"a number of years from 1 to {MOST_YEARS}"), REMEDY)
    if found.word == "table" and "columns" in options and not COLUMNS.fullmatch(options["columns"]):
        return found.fault(options["columns"], ("以逗号分隔的列名", "names of columns with commas between"), REMEDY)
    if found.word == "cell" and found.names[0].count(".") != 2:
        return found.fault(found.names[0], ("域.表.列", "domain.table.column"), REMEDY)
    if found.word == "table" and found.names[0].count(".") != 1:
        return found.fault(found.names[0], ("域.表", "domain.table"), REMEDY)
    return found


def condition(text: str, line: int, column: int) -> Condition | Fault:
    """What an `if` asks, of the text behind the word."""
    parts = text.split()
    negated = bool(parts) and parts[0] == "not"
    parts = parts[1:] if negated else parts
    known = CONDITIONS.get(parts[0]) if parts else None
    if known is None or len(parts) != known[0] + 1 or not all(NAME.fullmatch(part) for part in parts):
        examples = "; ".join(example for _, example, _, _ in CONDITIONS.values())
        return Fault(line, column, text.strip()[:120], (f"如 {examples}", f"such as {examples}"), REMEDY)
    if parts[0] == "status" and parts[2] not in PROGRESS:
        told = ", ".join(PROGRESS)
        return Fault(line, column, parts[2], (f"其一：{told}", f"one of {told}"), REMEDY)
    return Condition(parts[0], tuple(parts[1:]), negated, line, column)


def _nearest(word: str) -> tuple[str, str]:
    """The remedy for a word that is not known: the nearest that is."""
    from difflib import get_close_matches

    close = get_close_matches(word[:40], WORDS, 1)
    return (f"是否为 {close[0]}？", f"Is {close[0]} meant?") if close else REMEDY
