"""A document as a page shows it: blocks with their runs, cells and charts. Numbers stay figures."""

from __future__ import annotations

from typing import Any

from scicity.cockpit.templatetags.words import is_long
from scicity.reports.annual.parts import Block, Document
from scicity.reports.annual.standing import STATUS
from scicity.reports.content import Cell, Head
from scicity.reports.drawing import drawn
from scicity.reports.told import clean

MOST_ROWS = 60  # of a table on the page; the files have all


def shown(document: Document) -> list[dict[str, Any]]:
    """The blocks in their order; neighbouring items of lists are one list."""
    found: list[dict[str, Any]] = []
    for number, block in enumerate(document.blocks):
        told = _block(document, block, number)
        if told["kind"] == "items" and found and found[-1]["kind"] == "items":
            found[-1]["items"] += told["items"]
        elif told["kind"] not in ("break", "contents"):
            found.append(told)
    return found


def _block(document: Document, block: Block, number: int) -> dict[str, Any]:
    chinese = document.language == "zh"
    if block.kind == "item":
        return {"kind": "items", "items": [{"level": str(block.level), "mark": block.mark, "runs": block.runs}]}
    if block.kind == "heading":
        return {"kind": "heading", "level": block.level, "tag": f"h{block.level + 1}", "runs": block.runs}
    if block.kind != "sheet" or block.table is None:
        return {"kind": block.kind, "runs": block.runs, "rows": block.rows, "facts": block.facts}
    table = block.table
    heads = [
        {"text": clean(head.zh if chinese else head.en), "unit": head.symbol, "right": head.numbers} for head in table.heads
    ]
    rows = [
        [_cell(cell, head, document.language) for cell, head in zip(row, table.heads, strict=True)]
        for row in table.rows[:MOST_ROWS]
    ]
    return {
        "kind": "sheet",
        "id": f"s{number}",
        "title": clean(table.section.zh if chinese else table.section.en),
        "note": clean(table.section.note[0 if chinese else 1]),
        "heads": heads,
        "rows": [] if table.section.drawn else rows,
        "more": len(table.rows) > MOST_ROWS or table.section.drawn,
        "status": table.section.table == STATUS,
        "chart": _picture(drawn(table, document.language)),
    }


def _cell(cell: Cell, head: Head, language: str) -> dict[str, Any]:
    text = clean(cell.text(language))
    return {"figure": cell.figure, "sign": cell.sign, "text": text, "long": is_long(text), "right": head.numbers}


COLOURS = 8


def _picture(chart: dict[str, Any] | None) -> dict[str, Any] | None:
    """A chart as lines and bars of an SVG of 1000 by 240, and its texts with their places [%] around it."""
    if chart is None:
        return None
    wide, tall = 1000, 240
    lines = [
        {
            "series": str(line["series"] % COLOURS),
            "points": " ".join(f"{x * wide:.1f},{tall - y * tall:.1f}" for x, y in line["points"]),
        }
        for line in chart["lines"]
    ]
    dots = [
        {"series": str(line["series"] % COLOURS), "x": f"{x * wide:.1f}", "y": f"{tall - y * tall:.1f}"}
        for line in chart["lines"]
        for x, y in line["points"]
        if len(line["points"]) < 40
    ]
    bars = [
        {
            "series": str(series % COLOURS),
            "x": f"{x * wide:.1f}",
            "y": f"{tall - (y + up) * tall:.1f}",
            "width": f"{across * wide:.1f}",
            "height": f"{up * tall:.1f}",
        }
        for series, x, across, y, up in chart["bars"]
    ]
    return {
        "names": [{"series": str(at % COLOURS), "name": clean(name)} for at, name in enumerate(chart["names"])],
        "unit": chart["unit"],
        "ticks": [
            {"y": f"{tall - share * tall:.1f}", "top": f"{100 - share * 100:.2f}", "text": text}
            for share, text in chart["ticks"]
        ],
        "labels": [{"x": f"{share * 100:.2f}", "text": clean(text)} for share, text in chart["labels"]],
        "zero": f"{tall - chart['zero'] * tall:.1f}",
        "lines": lines,
        "dots": dots,
        "bars": bars,
    }
