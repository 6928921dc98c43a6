"""A report as an Excel file: a sheet for each section, numbers as numbers, each linked to where it comes from.

What a district calls its things is written as text, whatever it begins with; no formula is written at all.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from scicity.cockpit import digits
from scicity.cockpit.opening import path_of
from scicity.kernel.lineage import Figure
from scicity.reports import told
from scicity.reports.content import Cell, Report, Table, address_of
from scicity.reports.pdf import width
from scicity.reports.words import MARKS, is_number, is_share, letters, marks_of, unit, word

FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))
LONGEST_NAME = 31
LONGEST_TEXT = 32_000
MOST_LINKS = 65_000  # of a sheet, by Excel
LONGEST_LINK = 2_000
NARROWEST, WIDEST = 9, 46
OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}


def written(report: Report, language: str, zone: ZoneInfo, address: str = "") -> bytes:
    """The workbook in `zh` or `en`. With the `address` of a server each number links to its page there, else to its lineage."""
    import xlsxwriter

    into = io.BytesIO()
    with xlsxwriter.Workbook(into, OPTIONS) as book:
        # The library writes the time of creation; it is that of the lake's state, so that equal content is equal bytes.
        book.set_properties(
            {
                "title": told.title(report, language),
                "subject": told.clean(told.district(report, language)),
                "author": "SciCity",
                "created": report.at.replace(tzinfo=None),
            }
        )
        Book(book, report, language, zone, address.rstrip("/")).write()
    return into.getvalue()


class Book:
    """A workbook under way."""

    def __init__(self, book: Any, report: Report, language: str, zone: ZoneInfo, base: str) -> None:
        self.book, self.report, self.language, self.zone, self.base = book, report, language, zone, base
        self.names: set[str] = set()
        look = {"font_name": "Microsoft YaHei" if language == "zh" else "Calibri", "font_size": 10, "valign": "top"}
        self.plain = book.add_format(look)
        self.wrapped = book.add_format({**look, "text_wrap": True})
        self.faint = book.add_format({**look, "font_color": "#5A6B70", "text_wrap": True})
        self.large = book.add_format({**look, "font_size": 16, "bold": True, "font_color": "#0F5F68"})
        self.head = book.add_format(
            {**look, "bold": True, "bg_color": "#EEF3F3", "font_color": "#0F5F68", "bottom": 2, "text_wrap": True}
        )
        self.numbers = {
            form: book.add_format({**look, "num_format": form, "font_color": "#0F5F68"})
            for form in ("#,##0.00", "#,##0", "0.0%", "0.000000", "General")
        }
        self.look = {**look, "font_color": "#0F5F68"}
        self.signed: dict[tuple[str, str], Any] = {}
        self.lineage_name = self._name(self._said("由来", "Lineage"))
        self.lineage: list[tuple[Figure, str, str]] = []  # with sheet and cell

    def write(self) -> None:
        """All sheets; the lineage of every number is the last."""
        self._summary()
        for table in self.report.tables:
            self._section(table)
        self._tables()
        self._lineage()

    def _said(self, zh: str, en: str) -> str:
        return told.either(self.language, zh, en)

    def _name(self, wanted: str) -> str:
        """A name that no sheet has yet."""
        name = wanted.translate(FORBIDDEN)[:LONGEST_NAME].strip()
        number = 2
        while name.lower() in self.names:
            name = f"{wanted.translate(FORBIDDEN)[: LONGEST_NAME - 4].strip()} {number}"
            number += 1
        self.names.add(name.lower())
        return name

    def _text(self, sheet: Any, row: int, column: int, text: str, form: Any) -> None:
        sheet.write_string(row, column, told.clean(text)[:LONGEST_TEXT], form)

    def _number(self, sheet: Any, row: int, column: int, figure: Figure, sign: str = "") -> None:
        """A number with its link, and the sign of a bound before it; what is unknown is a dash."""
        from xlsxwriter.utility import xl_rowcol_to_cell

        where = xl_rowcol_to_cell(row, column)
        self.lineage.append((figure, sheet.name, where))
        form = self._signed(_form(figure), sign) if sign else self.numbers[_form(figure)]
        target = f"internal:'{self.lineage_name}'!A{len(self.lineage) + 1}"
        if self.base:
            target = self.base + path_of(address_of(figure))
        if len(self.lineage) <= MOST_LINKS and len(target) <= LONGEST_LINK:
            sheet.write_url(row, column, target, form, string=digits.UNKNOWN)
        if is_number(figure.value):
            sheet.write_number(row, column, float(figure.value), form)
        elif figure.value is None or not isinstance(figure.value, (str, bool)):
            sheet.write_string(row, column, digits.UNKNOWN, form)
        else:
            self._text(sheet, row, column, str(figure.value), form)

    def _signed(self, form: str, sign: str) -> Any:
        """The format of a number with a sign before it."""
        if (form, sign) not in self.signed:
            shown = "0.######" if form == "General" else form
            self.signed[form, sign] = self.book.add_format({**self.look, "num_format": f'"{sign} "{shown}'})
        return self.signed[form, sign]

    def _summary(self) -> None:
        sheet = self.book.add_worksheet(self._name(self._said("概要", "Summary")))
        report, language = self.report, self.language
        sheet.set_column(0, 0, 28)
        sheet.set_column(1, 3, 24)
        self._text(sheet, 0, 0, told.title(report, language), self.large)
        self._text(sheet, 1, 0, told.district(report, language), self.faint)
        at = 3
        self._heads(sheet, at, [self._said("主要数值", "In short"), str(report.period), str(report.period.before), ""])
        for each in report.highlights:
            at += 1
            self._text(sheet, at, 0, self._said(each.zh, each.en), self.plain)
            self._number(sheet, at, 1, each.figure)
            if each.before is not None:
                self._number(sheet, at, 2, each.before)
            marks = marks_of(each.figure)
            self._text(sheet, at, 3, f"{unit(each.figure.symbol, language)}  {letters(marks, language)}".strip(), self.faint)
        at += 2
        self._heads(sheet, at, [self._said("数据状态", "State of the data"), "", "", ""])
        for label, text in told.facts(report, language, self.zone):
            at += 1
            self._text(sheet, at, 0, label, self.faint)
            sheet.merge_range(at, 1, at, 3, "", self.wrapped)
            self._text(sheet, at, 1, text, self.wrapped)
            sheet.set_row(at, 15 * (1 + width(text) // 80))
        at += 2
        self._heads(sheet, at, [self._said("标记", "Marks"), "", "", ""])
        for letter, meaning in told.legend(report, language):
            at += 1
            self._text(sheet, at, 0, letter, self.plain)
            self._text(sheet, at, 1, meaning, self.plain)

    def _heads(self, sheet: Any, row: int, texts: Sequence[str]) -> None:
        for column, text in enumerate(texts):
            self._text(sheet, row, column, text, self.head)

    def _section(self, table: Table) -> None:
        language = self.language
        name = told.section(table, language)
        if name.startswith(("按", "By ")):  # alone it would not say of what
            name = f"{told.part(table.section.part, language)}{'' if language == 'zh' else ' '}{name[:1].lower()}{name[1:]}"
        sheet = self.book.add_worksheet(self._name(name))
        heads = []
        for head in table.heads:
            symbol = unit(head.symbol, language)
            heads.append(told.either(language, head.zh, head.en) + (f" [{symbol}]" if symbol else ""))
        own = any(cell.figure is not None and not table.heads[at].symbol and unit(cell.figure.symbol, language)
                  for row in table.rows for at, cell in enumerate(row))  # fmt: skip
        heads += [self._said("单位", "Unit")] if own else []
        heads.append(self._said("标记", "Marks"))
        self._heads(sheet, 0, heads)
        sheet.freeze_panes(1, 1)
        for number, row in enumerate(table.rows, start=1):
            for at, cell in enumerate(row):
                if cell.figure is None:
                    self._text(sheet, number, at, cell.text(language), self.plain)
                else:
                    self._number(sheet, number, at, cell.figure, cell.sign)
            if own:
                self._text(sheet, number, len(row), self._units(row), self.faint)
            self._text(sheet, number, len(heads) - 1, _marks(row, language), self.faint)
        for at, head in enumerate(heads):
            texts = [row[at].text(language) for row in table.rows[:500] if at < len(row) and row[at].figure is None]
            numbers = [_written(row[at].figure) for row in table.rows[:500] if at < len(row) and row[at].figure is not None]
            longest = max([width(head) * 0.7, *(width(text) for text in (*texts, *numbers))])
            sheet.set_column(at, at, min(max(longest + 3, NARROWEST, 15 if not texts else 0), WIDEST))
        sheet.autofilter(0, 0, len(table.rows), len(heads) - 1)
        note = told.note(self.report, table, language)
        if note and not table.section.drawn:
            self._text(sheet, len(table.rows) + 2, 0, note, self.plain)
        if table.section.chart:
            self._chart(sheet, table, len(heads))

    def _units(self, row: Sequence[Cell]) -> str:
        """The units of a row whose columns have none of their own."""
        found = (
            unit(cell.figure.symbol, self.language) for cell in row if cell.figure is not None and not is_share(cell.figure)
        )
        return ", ".join(dict.fromkeys(symbol for symbol in found if symbol))

    def _chart(self, sheet: Any, table: Table, column: int) -> None:
        """The same chart as in the PDF, over the cells of the sheet."""
        bars = table.section.chart == "bars"
        chart = self.book.add_chart({"type": "column", "subtype": "stacked"} if bars else {"type": "line"})
        charted = table.section.charted
        for at, head in enumerate(table.heads):
            first = next((row[at].figure for row in table.rows if row[at].figure is not None), None)
            if not head.numbers or first is None or (charted and first.column not in charted):
                continue
            chart.add_series(
                {
                    "name": [sheet.name, 0, at],
                    "categories": [sheet.name, 1, 0, len(table.rows), 0],
                    "values": [sheet.name, 1, at, len(table.rows), at],
                    **({"gap": 50} if bars else {"line": {"width": 1.25}}),
                }
            )
        chart.set_title({"name": told.section(table, self.language), "name_font": {"size": 12}})
        chart.set_legend({"position": "bottom"})
        chart.set_size({"width": 760, "height": 340})
        sheet.insert_chart(1, column + 1, chart)

    def _tables(self) -> None:
        sheet = self.book.add_worksheet(self._name(self._said("所读数据表", "Tables read")))
        self._heads(
            sheet, 0, [self._said(*each) for each in (("数据表", "Table"), ("版本", "Version"), ("写入时间", "Written"))]
        )
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, 0, 40)
        sheet.set_column(1, 2, 20)
        for at, (name, (version, when)) in enumerate(self.report.read.items(), start=1):
            self._text(sheet, at, 0, name, self.plain)
            sheet.write_number(at, 1, version, self.plain)
            self._text(sheet, at, 2, f"{when.astimezone(self.zone):%Y-%m-%d %H:%M:%S}", self.plain)

    def _lineage(self) -> None:
        """Every number with its address, exact value, unit, coverage and marks."""
        language = self.language
        sheet = self.book.add_worksheet(self.lineage_name)
        heads = [
            *(("地址", "Address"), ("工作表", "Sheet"), ("单元格", "Cell"), ("列", "Column"), ("准确值", "Exact value")),
            *(("单位", "Unit"), ("数据覆盖率", "Coverage"), ("说明", "Remarks")),
        ]
        self._heads(sheet, 0, [self._said(*each) for each in heads])
        sheet.freeze_panes(1, 0)
        for at, wide in enumerate((80, 26, 8, 24, 24, 10, 11, 60)):
            sheet.set_column(at, at, wide)
        for at, (figure, name, where) in enumerate(self.lineage, start=1):
            address = address_of(figure)
            target = self.base + path_of(address)
            if self.base and at <= MOST_LINKS and len(target) <= LONGEST_LINK:
                sheet.write_url(at, 0, target, self.plain, string=told.clean(address))
            else:
                self._text(sheet, at, 0, address, self.plain)
            self._text(sheet, at, 1, name, self.plain)
            self._text(sheet, at, 2, where, self.plain)
            self._text(sheet, at, 3, word(figure.column, language), self.plain)
            exact = digits.plain(digits.exact(figure.value)).replace(",", "") if is_number(figure.value) else digits.UNKNOWN
            self._text(sheet, at, 4, exact, self.plain)
            self._text(sheet, at, 5, unit(figure.symbol, language), self.plain)
            if figure.coverage is not None:
                sheet.write_number(at, 6, float(figure.coverage), self.numbers["0.0%"])
            meanings = [MARKS[mark][2 + (language != "zh")] for mark in marks_of(figure)]
            self._text(sheet, at, 7, self._said("；", "; ").join(meanings), self.plain)
        sheet.autofilter(0, 0, max(len(self.lineage), 1), len(heads) - 1)


def _form(figure: Figure) -> str:
    """How Excel shows a number."""
    if is_share(figure):
        return "0.0%"
    if isinstance(figure.value, int):
        return "#,##0"
    return "0.000000" if is_number(figure.value) and 0 < abs(figure.value) < 0.1 else "#,##0.00"


def _written(figure: Figure | None) -> str:
    """About what a number looks like in its cell, for the width of the column; what is too long there is shown as ###."""
    if figure is None or not is_number(figure.value):
        return digits.UNKNOWN
    return f"{float(figure.value):,.2f}"


def _marks(row: Sequence[Cell], language: str) -> str:
    """The marks of a row's numbers."""
    found = dict.fromkeys(mark for cell in row if cell.figure is not None for mark in marks_of(cell.figure))
    return letters([mark for mark in MARKS if mark in found], language)
