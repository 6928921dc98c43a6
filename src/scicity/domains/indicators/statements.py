"""What reports say: each number with its quote, and the lines of the reports that the quotes stand in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from scicity.domains.indicators.methods.printed import COMPARATORS
from scicity.kernel.files import text_of
from scicity.kernel.problems import Problems
from scicity.kernel.tables import source

LONGEST_DOCUMENT = 32 << 20  # bytes
STATUSES = ("actual", "construction", "plan", "projection", "target", "definition", "event", "claim")


def parse_lines(file: Path, place: str, problems: Problems) -> list[dict[str, Any]]:
    """The lines of a text that hold anything, numbered from 1; the document is the file's name."""
    raw = file.read_bytes()
    if len(raw) > LONGEST_DOCUMENT:
        problems.add("too-large", place, found=f"{len(raw)} bytes", expected=f"at most {LONGEST_DOCUMENT} bytes")
        return []
    text = text_of(raw, place, problems)
    if text is None:
        return []
    # Only \n ends a line: form feeds and the like stand within lines of extracted texts, and editors do not count them.
    return [
        {"document": file.name, "line": number, "text": line, "source_row": number}
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]


def check_quotes(statements: pa.Table, tables: dict[str, pa.Table], problems: Problems) -> None:
    """A quote is an exact part of its line and holds the printed number, where the document's text is there."""
    lines = tables["indicators.document_line"].to_pylist()
    texts = {(row["document"], row["line"]): row["text"] for row in lines}
    documents = {row["document"] for row in lines}
    for row in statements.to_pylist():
        where = (row["source_file"], row["source_row"])
        quote = row["quote_zh"] or ""
        if row["value_reported"] and row["value_reported"] not in quote:
            problems.add("quote", *where, "value_reported", found=row["value_reported"], expected=f"a part of {quote[:60]!r}")
        if row["document"] not in documents:
            continue
        text = texts.get((row["document"], row["line"]))
        if text is None:
            problems.add("quote", *where, "line", found=row["line"], expected=f"a line of {row['document']} that holds text")
        elif quote not in text:
            problems.add("quote", *where, "quote_zh", found=quote, expected=f"a part of line {row['line']}: {text[:60]}")


DOCUMENT_LINE = source(
    "indicators.document_line",
    path="statements/*.txt",
    columns=["document", "line", "text"],
    grain=["document", "line"],
    parse=parse_lines,
    title_zh="报告原文",
    title_en="Text of the reports",
    doc="The lines of a report, so that a quote can be shown in its place; empty lines are left out.",
)

STATEMENT = source(
    "indicators.statement",
    path="statements/*.csv",
    columns=[
        *("document", "claim_id", "section", "topic", "subject_zh", "subject_en", "measure_en", "comparator", "value"),
        *(
            "value_high",
            "unit",
            "value_reported",
            "unit_reported",
            "stated_period",
            "baseline_period",
            "quote_zh",
            "status",
            "line",
        ),
    ],
    optional=("section", "value", "value_high", "unit", "unit_reported", "stated_period", "baseline_period"),
    grain=["claim_id"],
    choices={"comparator": COMPARATORS, "status": STATUSES},
    check=check_quotes,
    title_zh="报告陈述",
    title_en="Statements of reports",
    doc="One number that a report states, as printed and as it is understood (`unit` in UCUM), with its quote and line.",
)
