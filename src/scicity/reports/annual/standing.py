"""What a template may say of indicators: their values, targets and progress, and the table of a framework."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scicity.kernel.lineage import Row
from scicity.reports.content import Cell, Head, Table
from scicity.reports.declared import Section
from scicity.reports.period import ROOT
from scicity.reports.words import UNKNOWN, Names

FRAMEWORK, INDICATOR = "indicators.framework", "indicators.indicator"
VALUE, STATUS = "indicators.value", "indicators.status"
SIGNS = {">=": "≥", "<=": "≤", ">": ">", "<": "<", "over": ">", "~": "≈"}
PROGRESS = {
    "achieved": ("已达成", "achieved"),
    "on_track": ("进展正常", "on track"),
    "behind": ("滞后", "behind"),
    "missed": ("未达成", "missed"),
    "undecided": ("不能判定", "undecided"),
    "no_baseline": ("无基期值", "no baseline"),
    "incomplete": ("数据不全", "data incomplete"),
    "no_target": ("无目标", "no target"),
    "no_value": ("无数值", "no value"),
    "pending": ("暂缺", "pending"),
    "text": ("文字表述", "a sentence"),
}
CHARTED = {"value": ("指标值", "Value"), "target": ("目标", "Target")}
NOTHING = ("无数值", "no value")
TRENDS = {
    ("higher", 1): ("↑ 改善", "↑ better"),
    ("higher", -1): ("↓ 变差", "↓ worse"),
    ("lower", 1): ("↑ 变差", "↑ worse"),
    ("lower", -1): ("↓ 改善", "↓ better"),
}
PLAIN_TRENDS = {1: ("↑ 上升", "↑ up"), -1: ("↓ 下降", "↓ down"), 0: ("→ 持平", "→ same")}


class Indicators:
    """The indicators of a city as a template sees them; each table is asked once. `ask` reads rows and notes the version."""

    def __init__(self, ask: Any, names: Names) -> None:
        self.names = names
        about = sorted(ask(INDICATOR), key=lambda row: (row["framework"], row["source_file"], row["source_row"]))
        self.about: dict[str, Row] = {row["indicator"]: row for row in about}
        self.frameworks: dict[str, Row] = {row["framework"]: row for row in ask(FRAMEWORK)}
        self.printed = {(row["indicator"], row["zone"], row["year"], row["origin"]): row["printed"] for row in ask(VALUE)}
        self._rows: dict[tuple[str, str], list[Row]] = {}
        for row in ask(STATUS):
            self._rows.setdefault((row["indicator"], row["zone"]), []).append(row)

    def row(self, indicator: str, year: int, zone: str = ROOT, origin: str = "") -> Row | None:
        """The row of an indicator's year: what was measured here before what was reported, and both before stand-ins."""
        rows = [row for row in self._rows.get((indicator, zone), ()) if row["year"] == year]
        rows = [row for row in rows if not origin or row["origin"] == origin]
        return min(rows, key=_rank, default=None)

    def years(self, indicator: str, zone: str, origin: str, last: int, count: int) -> list[Row]:
        """The newest rows of one origin up to a year, the oldest first."""
        rows = [row for row in self._rows.get((indicator, zone), ()) if row["origin"] == origin and row["year"] <= last]
        return sorted(rows, key=lambda row: row["year"])[-count:]

    def text(self, indicator: str, language: str, what: str) -> str:
        """The name, unit or responsible body of an indicator."""
        row = self.about[indicator]
        if what == "unit":
            return str(row.get(f"printed_unit_{language}") or row.get("symbol") or UNKNOWN)
        return str(row.get(f"{what}_{language}") or row.get(f"{what}_en") or row.get(f"{what}_zh") or UNKNOWN)

    def status(self, row: Row | None) -> tuple[str, str]:
        """Where a value stands, in words."""
        return NOTHING if row is None else PROGRESS.get(row["progress"], (row["progress"], row["progress"]))

    def table(self, framework: str, year: int, zone: str, count: int) -> Table | None:
        """The indicators of a framework with `count` years of values, target, distance and status; None without any."""
        lines = self._lines(framework, year, zone)
        if not lines:
            return None
        years = list(range(year - count + 1, year + 1))
        second = any(row is not None and row["value_high"] is not None for _, row in lines)
        band = any(row is not None and row["target_high"] is not None for _, row in lines)
        heads = [Head("指标", "Indicator", "", False)]
        heads += [Head(f"{each} 年", str(each), "", True) for each in years]
        heads += [Head("第二个数", "Second number", "", True)] if second else []
        heads += [Head("走势", "Trend", "", False), Head("目标", "Target", "", True)]
        heads += [Head("目标上限", "Upper end", "", True)] if band else []
        heads += [Head("目标年", "For", "", False), Head("距目标", "Distance", "", True), Head("进展", "Status", "", False)]
        rows = [self._cells(indicator, row, years, zone, second, band) for indicator, row in lines]
        about = self.frameworks.get(framework, {})
        review = about.get("review")
        note = ("", "")
        if review == "unverified":
            note = ("该指标体系的文件未曾亲见（未核对）。", "The document of this framework was not seen (unverified).")
        section = Section(
            f"indicators-{framework}",
            "",
            about.get("name_zh") or framework,
            about.get("name_en") or framework,
            STATUS,
            ("indicator", "value"),
            note=note,
        )
        return Table(section, heads, rows)

    def _lines(self, framework: str, year: int, zone: str) -> list[tuple[str, Row | None]]:
        """The indicators of a framework with the row of a year for each origin that has one, or none."""
        found: list[tuple[str, Row | None]] = []
        for name, about in self.about.items():
            if about["framework"] != framework:
                continue
            rows = sorted((row for row in self._rows.get((name, zone), ()) if row["year"] == year), key=_rank)
            found += [(name, row) for row in rows] or [(name, None)]
        return found

    def _cells(self, indicator: str, row: Row | None, years: Sequence[int], zone: str, second: bool, band: bool) -> list[Cell]:
        about = self.about[indicator]
        cells = [Cell(None, about["name_zh"] or indicator, about["name_en"] or indicator)]
        history = [self.row(indicator, year, zone, row["origin"] if row is not None else "") for year in years]
        cells += [self.cell(each, "value") for each in history]
        if second:
            cells.append(self.cell(row, "value_high"))
        cells += [_told(self.trend(indicator, row, zone)), self.cell(row, "target")]
        if band:
            cells.append(self.cell(row, "target_high"))
        when = row["target_year"] if row is not None else None
        cells += [_told((str(when or UNKNOWN),) * 2), self.cell(row, "distance"), _told(self.status(row))]
        return cells

    def cell(self, row: Row | None, column: str) -> Cell:
        """One number of a row; a value that is none is the text as it was printed."""
        if row is None:
            return Cell(None, UNKNOWN, UNKNOWN)
        if row[column] is None:
            printed = self.printed.get((row["indicator"], row["zone"], row["year"], row["origin"]))
            if column == "value" and row["kind"] == "pending":
                return Cell(None, *PROGRESS["pending"])
            if column == "value" and row["kind"] == "text" and printed:
                return Cell(None, printed, printed)
            if column == "value" and row["origin"] == "measured":
                return Cell(row.figure(column))  # unknown, and it opens to why
            return Cell(None, UNKNOWN, UNKNOWN)
        return Cell(row.figure(column), sign=SIGNS.get(row["comparator"] or "", "") if column == "value" else "")

    def trend(self, indicator: str, row: Row | None, zone: str) -> tuple[str, str]:
        """How a value stands to the last known one before it: up, down or the same, better or worse."""
        if row is None or row["value"] is None:
            return (UNKNOWN, UNKNOWN)
        before = [
            each
            for each in self._rows.get((indicator, zone), ())
            if each["origin"] == row["origin"] and each["year"] < row["year"] and each["value"] is not None
            and each["kind"] == row["kind"] == "number"
        ]  # fmt: skip
        if not before:
            return (UNKNOWN, UNKNOWN)
        last = max(before, key=lambda each: each["year"])["value"]
        step = (row["value"] > last) - (row["value"] < last)
        return TRENDS.get((self.about[indicator]["direction"], step)) or PLAIN_TRENDS[step]

    def chart(self, indicator: str, zone: str, year: int, count: int) -> Table | None:
        """An indicator over the years, with the target of each; None where it has no number."""
        row = self.row(indicator, year, zone) or next(iter(self._rows.get((indicator, zone), ())), None)
        if row is None:
            return None
        history = self.years(indicator, zone, row["origin"], year, count)
        if not any(each["value"] is not None for each in history):
            return None
        about = self.about[indicator]
        columns = ["value", *(["target"] if any(each["target"] is not None for each in history) else [])]
        symbol = str(row.get("symbol") or "")
        heads = [Head("年", "Year", "", False)]
        heads += [Head(*CHARTED[name], symbol, True) for name in columns]
        rows = [[_told((str(each["year"]),) * 2), *(self.cell(each, name) for name in columns)] for each in history]
        names = (about["name_zh"] or indicator, about["name_en"] or indicator)
        section = Section(
            f"chart-{indicator}", "", *names, STATUS, ("year", "value"), chart="lines", charted=("value", "target")
        )
        return Table(section, heads, rows)


def _told(pair: tuple[str, str]) -> Cell:
    return Cell(None, *pair)


def _rank(row: Row) -> tuple[bool, bool, str]:
    """What was measured here goes before what was reported, stand-ins last; what has no value behind what has one."""
    return bool(row.get("stand_in")), row["origin"] != "measured", row["origin"]
