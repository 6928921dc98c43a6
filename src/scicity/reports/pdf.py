"""A report as PDF: typeset by Typst, which comes as one wheel; text stays text, charts are drawn, nothing is fetched."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

from scicity.cockpit.opening import path_of
from scicity.kernel.lineage import Figure
from scicity.reports import drawing, fonts, told
from scicity.reports.content import Cell, Report, Table, address_of, scales_of
from scicity.reports.words import ABOUT, UNKNOWN, Scale, amount, is_share, letters, marks_of, scale_of, unit

PAGE = Path(__file__).parent / "report.typ"
MOST_PRINTED = 2_000  # rows of a table; Excel has all
LONGEST = 32  # signs without a place where a line may break
NARROWEST, WIDEST = 6, 26  # signs of a column
ACROSS = 116  # signs across the page
BETWEEN = 2  # signs that the space between columns takes
SHORT = 8  # signs; a text of so many is not broken, though Chinese may
SIZES = (100, 93, 86, 80, 74, 68, 60)  # hundredths of the usual size
WHOLE = 300  # signs; a row of longer texts may go on on the next page
EASY = 0.92  # of the page, that the longest words may take
# What does not break: a run of Latin signs (a hyphen behind a letter may end it), or one Chinese sign.
WORD = re.compile(r"[\u2e80-\uffff]|(?:[^\s\u2e80-\uffff\u200b](?<![A-Za-z]-(?=[A-Za-z])))+-?")
UNBROKEN = re.compile(rf"[^\s\u2e80-\uffff]{{{LONGEST + 8},}}")


def written(report: Report, language: str, zone: ZoneInfo, address: str = "") -> bytes:
    """The PDF in `zh` or `en`. With the `address` of a server each number links to its page there, else to the appendix.

    Raises NoFont.
    """
    home = fonts.folder()
    import typst

    return bytes(
        typst.compile(
            str(PAGE),
            root=str(PAGE.parent),
            font_paths=[str(home)],
            ignore_system_fonts=True,
            sys_inputs={"data": json.dumps(document(report, language, zone, address), ensure_ascii=False)},
        )
    )


def document(report: Report, language: str, zone: ZoneInfo, address: str = "") -> dict[str, Any]:
    """What the page is told."""
    numbered = Numbered(report, language, address.rstrip("/"))
    highlights, parts = numbered.highlights(report), []
    for name in dict.fromkeys(table.section.part for table in report.tables):
        sections = [numbered.section(table) for table in report.of(name)]
        parts.append({"title": told.part(name, language), "sections": sections})
    at = report.at.astimezone(zone)

    def said(zh: str, en: str) -> str:
        return told.either(language, zh, en)

    return {
        "language": language,
        "font": fonts.FAMILY,
        "title": told.title(report, language),
        "district": told.clean(told.district(report, language)),
        "date": [at.year, at.month, at.day],
        "facts": [[label, broken(text)] for label, text in told.facts(report, language, zone)],
        "warning": said("示例数据：本报告含替代数据，不代表本区实况。", "Sample data: this report holds stand-in data.")
        if report.stand_ins
        else "",
        "legend": [list(each) for each in told.legend(report, language)],
        "highlights": highlights,
        "parts": parts,
        "tables": [[name, str(version), f"{when.astimezone(zone):%Y-%m-%d %H:%M:%S}"]
                   for name, (version, when) in report.read.items()],
        "appendix": numbered.listed if not address else [],
        "foot": said(f"数据湖状态 {report.digest}", f"state of the lake {report.digest}"),
        "words": {
            "contents": said("目录", "Contents"),
            "highlights": said("主要数值", "In short"),
            "state": said("数据状态", "State of the data"),
            "legend": said("标记", "Marks"),
            "tables": said("所读数据表", "Tables that were read"),
            "table": said("数据表", "Table"),
            "version": said("版本", "Version"),
            "written": said("写入时间", "Written"),
            "appendix": said("数值的由来", "Where the numbers come from"),
            "appendix_note": said(
                "行号后的字母依次为该行的各个数值。以 scicity why 加地址，或在网页 /why/ 之后接地址，即可打开。",
                "The letters behind the number of a row are its numbers from the left. scicity why ADDRESS, or the page "
                "/why/ADDRESS, opens one.",
            ),
            "links": said(f"每个数值均可点开其由来：{address}", f"Each number links to where it comes from: {address}"),
            "more": said(f"仅列前 {MOST_PRINTED:,} 行，其余见 Excel。", f"The first {MOST_PRINTED:,} rows; Excel has all."),
        },
    }  # fmt: skip


def broken(text: str) -> str:
    """A text whose long runs of signs may break."""
    return UNBROKEN.sub(lambda run: "\u200b".join(re.findall(f".{{1,{LONGEST}}}", run[0])), told.clean(text))


def width(text: str) -> int:
    """Signs that a text takes; a Chinese one counts for two, and so does one that its font makes as wide (→, —)."""
    return sum(2 if east_asian_width(sign) in "WFA" else 1 for sign in text)


class Numbered:
    """Numbers the rows of a report, and lists the addresses of their numbers."""

    def __init__(self, report: Report, language: str, base: str) -> None:
        self.report, self.language, self.base = report, language, base
        self.row = 0
        self.listed: list[list[str]] = []

    def section(self, table: Table) -> dict[str, Any]:
        """A section as the page is told of it."""
        language, section = self.language, table.section
        scales = scales_of(table, language)
        printed = [] if section.drawn else table.rows[:MOST_PRINTED]
        rows = [self._row(row, scales) for row in printed]
        heads = [
            {
                "text": broken(told.either(language, head.zh, head.en)),
                "unit": unit(scale.symbol, language),
                "right": head.numbers,
                "room": max((len(row["cells"][at].get("marks") or "") for row in rows), default=0),
            }
            for at, (head, scale) in enumerate(zip(table.heads, scales, strict=True))
        ]
        widths, size = _widths(heads, rows)
        return {
            "title": told.section(table, language),
            "note": told.note(self.report, table, language),
            "chart": drawing.drawn(table, language),
            "heads": heads if rows else [],
            "rows": rows,
            "widths": widths,
            "size": size,
            "whole": all(len(cell["text"]) <= WHOLE for row in rows for cell in row["cells"]),
            "more": len(table.rows) > MOST_PRINTED and not section.drawn,
        }

    def _row(self, row: Sequence[Cell], scales: Sequence[Scale]) -> dict[str, Any]:
        self.row += 1
        cells, number = [], 0
        for cell, scale in zip(row, scales, strict=True):
            if cell.figure is None:
                cells.append({"text": broken(cell.text(self.language))})
                continue
            told = self.cell(cell.figure, scale, f"{self.row}{_letter(number)}")
            cells.append(told | {"text": f"{cell.sign} {told['text']}"} if cell.sign else told)
            number += 1
        return {"number": str(self.row), "cells": cells}

    def cell(self, figure: Figure, scale: Scale, key: str) -> dict[str, Any]:
        """A number, whose address is listed under a key."""
        language, address = self.language, address_of(figure)
        self.listed.append([key, address])
        text = amount(figure, language, scale)
        alone = not scale.symbol and not is_share(figure) and text != UNKNOWN
        return {
            "text": text,
            "unit": unit(figure.symbol, language) if alone else "",
            "marks": letters(marks_of(figure), language),
            "url": self.base + path_of(address) if self.base else "",
            "key": key,
            "faint": figure.column in ABOUT,
        }

    def highlights(self, report: Report) -> list[dict[str, Any]]:
        """The numbers of the first page, each with that of the period before."""
        found = []
        for at, each in enumerate(report.highlights):
            cells = []
            for number, figure in enumerate(figure for figure in (each.figure, each.before) if figure is not None):
                scale = scale_of([figure], figure.symbol, self.language)
                cell = self.cell(figure, scale, f"{_letter(at).upper()}{number + 1}")
                cells.append(cell | {"unit": unit(scale.symbol, self.language)})
            label = broken(told.either(self.language, each.zh, each.en))
            found.append({"label": label, "cells": cells, "before": str(report.period.before) if len(cells) > 1 else ""})
        return found


def _letter(number: int) -> str:
    """a, b, … z, aa, ab, …"""
    return (_letter(number // 26 - 1) if number >= 26 else "") + chr(ord("a") + number % 26)


def _widths(heads: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]) -> tuple[list[int], int]:
    """How much of the page each column gets, in hundredths of a sign, and the size of the signs [hundredths of the usual].

    A column gets what its longest text wants, but where that is too much for the page, what its longest word needs and a
    share of the rest; where the words themselves are too much, all is written smaller.
    """
    wanted, needed = [], []
    for at, head in enumerate(heads):
        cells = [row["cells"][at] for row in rows]
        texts = [head["text"], head["unit"]]
        numbers = [
            f"{cell['text']} {cell['unit']}" + "m" * round(0.7 * width(cell["marks"])) for cell in cells if "key" in cell
        ]
        texts += [cell["text"] for cell in cells if "key" not in cell]
        words = [word for text in texts for word in WORD.findall(text)] + numbers
        need = max((*map(width, words), *(min(width(text), SHORT) for text in texts)), default=0)
        longest = max((width(text) for text in (*texts[2:], *numbers)), default=0)
        needed.append(max(need, 3) + BETWEEN)
        wanted.append(max(needed[-1], min(max(longest, width(head["text"]) // 2, NARROWEST), WIDEST) + BETWEEN))
    size = next((size for size in SIZES if sum(needed) <= EASY * ACROSS * 100 / size), SIZES[-1])
    over = sum(wanted) - ACROSS * 100 / size
    slack = sum(wanted) - sum(needed)
    if over > 0 and slack > 0:
        share = min(over / slack, 1.0)
        wanted = [want - share * (want - need) for want, need in zip(wanted, needed, strict=True)]
    return [round(100 * want) for want in wanted], size
