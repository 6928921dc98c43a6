"""An annual report as PDF, typeset by Typst: it is told JSON and evaluates none of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from scicity.kernel.lineage import Figure
from scicity.reports import fonts
from scicity.reports.annual.parts import Block, Document, Run
from scicity.reports.pdf import Numbered, broken
from scicity.reports.told import clean, either
from scicity.reports.words import letters, marks_of, scale_of, unit

HERE = Path(__file__).parent
PAGE, CHART = HERE / "annual.typ", HERE / "chart.typ"
PER_INCH = 200.0
MOST_ROWS = 2_000


def written(document: Document, zone: ZoneInfo, address: str = "") -> bytes:
    """The PDF. With the `address` of a server each number links to its page there, else to the appendix. Raises NoFont."""
    return _typeset(PAGE, told(document, zone, address))


def picture(chart: dict[str, Any], language: str) -> bytes:
    """A chart as PNG. Raises NoFont."""
    return _typeset(CHART, {"language": language, "words": {}, "font": fonts.FAMILY, "chart": chart}, "png", PER_INCH)


def _typeset(page: Path, data: dict[str, Any], form: str = "pdf", ppi: float | None = None) -> bytes:
    home = fonts.folder()
    import typst

    return bytes(
        typst.compile(
            str(page),
            root=str(HERE.parent),
            font_paths=[str(home)],
            ignore_system_fonts=True,
            sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
            format=form,
            ppi=ppi,
        )
    )


def told(document: Document, zone: ZoneInfo, address: str = "") -> dict[str, Any]:
    """What the page is told."""
    language = document.language
    numbered = Lines(document, address)
    blocks = [numbered.block(block) for block in document.blocks]
    at = document.at.astimezone(zone)

    def said(zh: str, en: str) -> str:
        return either(language, zh, en)

    return {
        "language": language,
        "font": fonts.FAMILY,
        "title": clean(document.title),
        "district": clean(document.district),
        "date": [at.year, at.month, at.day],
        "standing": clean(document.standing),
        "warning": said("示例数据：本报告含替代数据，不代表本区实况。", "Sample data: this report holds stand-in data.")
        if document.stand_ins
        else "",
        "blocks": blocks,
        "appendix": numbered.listed if not address else [],
        "foot": said(f"摘要 {document.digest[:12]}", f"digest {document.digest[:12]}"),
        "words": {
            "appendix": said("数值的由来", "Where the numbers come from"),
            "appendix_note": said(
                "以 scicity why 加地址，或在网页 /why/ 之后接地址，即可打开。",
                "scicity why ADDRESS, or the page /why/ADDRESS, opens a number.",
            ),
            "links": said(f"每个数值均可点开其由来：{address}", f"Each number links to where it comes from: {address}"),
            "more": said(f"仅列前 {MOST_ROWS:,} 行，其余见 Excel。", f"The first {MOST_ROWS:,} rows; Excel has all."),
        },
    }


class Lines(Numbered):
    """Numbers the figures of a document, in text and in tables, and lists their addresses."""

    def __init__(self, document: Document, address: str) -> None:
        super().__init__(_Open(), document.language, address.rstrip("/"))
        self.inline = 0

    def block(self, block: Block) -> dict[str, Any]:
        """A block as the page is told of it."""
        found: dict[str, Any] = {"kind": block.kind}
        if block.kind == "sheet" and block.table is not None:
            sheet = self.section(block.table)
            sheet |= {"title": clean(sheet["title"]), "note": clean(sheet["note"])}
            found["sheet"] = sheet | {"more": sheet["more"] or block.table.left_out}
        elif block.kind == "rows":
            widest = max((len(row) for row in block.rows), default=0)
            rows = [[self.runs(cell) for cell in row] + [[]] * (widest - len(row)) for row in block.rows]
            found["rows"] = [[cell or [_plain(Run(""))] for cell in row] for row in rows]
        elif block.kind == "facts":
            found["facts"] = [[broken(label), broken(text)] for label, text in block.facts]
        else:
            found |= {"runs": self.runs(block.runs), "level": block.level, "mark": block.mark}
        return found

    def runs(self, runs: tuple[Run, ...]) -> list[dict[str, Any]]:
        """Runs of text and numbers."""
        return [_plain(run) if run.figure is None else self.number(run, run.figure) for run in runs]

    def number(self, run: Run, figure: Figure) -> dict[str, Any]:
        """A number in a line of text, with its own unit."""
        self.inline += 1
        scale = scale_of([figure], figure.symbol, self.language)
        cell = self.cell(figure, scale, f"t{self.inline}")
        cell |= {"unit": unit(scale.symbol or figure.symbol, self.language), "marks": letters(marks_of(figure), self.language)}
        text = f"{run.sign} {cell['text']}" if run.sign else cell["text"]
        return cell | {"text": text, "bold": run.bold, "slanted": False}


class _Open:
    """In place of the report of a period, whose closing says more of its sections."""

    act = None


def _plain(run: Run) -> dict[str, Any]:
    return {"text": broken(run.text), "bold": run.bold, "slanted": run.slanted}
