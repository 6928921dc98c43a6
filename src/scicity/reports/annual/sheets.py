"""An annual report as an Excel file: its text with the numbers in their cells, a sheet for each table, and the lineage."""

from __future__ import annotations

import io
from typing import Any
from zoneinfo import ZoneInfo

from scicity.reports.annual.parts import Block, Document
from scicity.reports.pdf import width
from scicity.reports.told import clean, either
from scicity.reports.words import letters, marks_of, unit
from scicity.reports.xlsx import OPTIONS, Book

WIDE = 96  # signs of the column of text
LINE, HIGH = 15, 24  # [pt] of a line of text, and of a heading


def written(document: Document, zone: ZoneInfo, address: str = "") -> bytes:
    """The workbook. With the `address` of a server each number links to its page there, else to its lineage."""
    import xlsxwriter

    into = io.BytesIO()
    with xlsxwriter.Workbook(into, OPTIONS) as book:
        book.set_properties(
            {
                "title": clean(document.title),
                "subject": clean(document.district),
                "author": "SciCity",
                "created": document.at.replace(tzinfo=None),
            }
        )
        _Annual(book, document, zone, address.rstrip("/")).write()
    return into.getvalue()


class _Annual(Book):
    """The workbook under way."""

    def __init__(self, book: Any, document: Document, zone: ZoneInfo, base: str) -> None:
        self.document = document
        super().__init__(book, _Reported(document), document.language, zone, base)

    def write(self) -> None:
        """The text, a sheet for each table, the tables that were read, and the lineage of every number."""
        self._words()
        for table in self.document.tables:
            self._section(table)
        self._tables()
        self._lineage()

    def _words(self) -> None:
        """The report in its order; a table is named with its sheet, a number in a text has a cell of its own beside it."""
        sheet = self.book.add_worksheet(self._name(self._said("报告", "Report")))
        sheet.set_column(0, 0, WIDE)
        sheet.set_column(1, 1, 20)
        sheet.set_column(2, 3, 14)
        document = self.document
        self._text(sheet, 0, 0, document.title, self.large)
        sheet.set_row(0, HIGH)
        self._text(sheet, 1, 0, document.district, self.faint)
        at = 2
        if document.standing:
            self._text(sheet, at, 0, document.standing, self.faint)
            at += 1
        at += 1
        self._heads(
            sheet,
            at,
            [self._said(*each) for each in (("正文", "Text"), ("数值", "Number"), ("单位", "Unit"), ("标记", "Marks"))],
        )
        for block in document.blocks:
            at = self._block(sheet, at + 1, block)

    def _block(self, sheet: Any, at: int, block: Block) -> int:
        """A block from a row on; the last row that it took."""
        language = self.language
        if block.kind == "sheet" and block.table is not None:
            section = block.table.section
            told = either(language, section.zh, section.en)
            self._text(sheet, at, 0, self._said(f"〔表：{told}〕", f"[table: {told}]"), self.faint)
            return at
        if block.kind == "facts":
            for label, text in block.facts:
                line = f"{label}{self._said('：', ': ')}{text}"
                self._text(sheet, at, 0, line, self.wrapped)
                sheet.set_row(at, self._height(line))
                at += 1
            return at - 1 if block.facts else at
        lines = [[run for cell in row for run in (*cell, SPACE)] for row in block.rows] or [list(block.runs)]
        for runs in lines:
            indent = "    " * max(block.level - 1, 0) + (f"{block.mark} " if block.mark else "")
            words = [run.text if run.figure is None else self._shown(run) for run in runs]
            form = self.large if block.kind == "heading" and block.level == 1 else self.wrapped
            if block.kind == "heading" and block.level > 1:
                form = self.head
            line = (indent if block.kind == "item" else "") + "".join(words).rstrip()
            self._text(sheet, at, 0, line, form)
            sheet.set_row(at, HIGH if form is self.large else self._height(line))
            numbers = [run for run in runs if run.figure is not None]
            for number, run in enumerate(numbers):
                if run.figure is None:
                    continue
                self._number(sheet, at + number, 1, run.figure, run.sign)
                self._text(sheet, at + number, 2, unit(run.figure.symbol, language), self.faint)
                self._text(sheet, at + number, 3, letters(marks_of(run.figure), language), self.faint)
            at += max(len(numbers), 1)
        return at - 1

    def _height(self, line: str) -> float:
        """How high a row of wrapped text is [pt]; not every program works it out by itself."""
        return LINE * max(1, -(-width(line) // WIDE))

    def _shown(self, run: Any) -> str:
        """A number within a text, as the other formats print it."""
        from scicity.reports.words import amount, scale_of

        scale = scale_of([run.figure], run.figure.symbol, self.language)
        symbol = unit(scale.symbol or run.figure.symbol, self.language)
        text = amount(run.figure, self.language, scale)
        return " ".join(part for part in (run.sign, text, symbol) if part)


class _Text:
    text, figure, sign = "  ", None, ""


SPACE: Any = _Text()


class _Reported:
    """What the sheets of tables ask of a report."""

    act = None

    def __init__(self, document: Document) -> None:
        self.tables, self.read = document.tables, document.read
