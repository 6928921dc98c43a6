"""Markdown from plain values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; what would end a cell is escaped."""
    lines = [row_of(head), "|" + "---|" * len(head)]
    return "\n".join([*lines, *(row_of(row) for row in rows)]) + "\n"


def row_of(cells: Sequence[object]) -> str:
    """One row of a table."""
    texts = ("" if cell is None else " ".join(str(cell).split()).replace("|", "\\|") for cell in cells)
    return "| " + " | ".join(texts) + " |"


def code(text: object) -> str:
    """A name as code; nothing stays nothing."""
    return f"`{text}`" if text not in (None, "") else ""


def codes(names: Iterable[object]) -> str:
    """Names as code, one behind the other."""
    return ", ".join(code(name) for name in names)
