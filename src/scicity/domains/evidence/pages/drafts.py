"""A draft's statements read and checked, before anything is published; no Django here, and nothing is kept."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scicity.domains.evidence.finding import REGISTERS, rules_of
from scicity.domains.evidence.methods.checking import findings
from scicity.kernel.calendar import Calendar
from scicity.kernel.district import typed_rows
from scicity.kernel.files import read_csv, text_of
from scicity.kernel.problems import Problems
from scicity.kernel.tables import Source

LARGEST = 2 << 20  # bytes of each file
MOST_STATEMENTS = 2_000
LESS = ("document", "claim_id", "topic", "subject_en", "comparator", "status", "line")  # columns that a draft may leave out
DRAFT = "draft.txt"


@dataclass(frozen=True)
class Checked:
    """What a draft holds and what was found in it: rows of findings by statement, as `evidence.finding_claim` has them."""

    statements: list[dict[str, Any]]
    found: list[dict[str, Any]]
    lines: dict[str, dict[int, str]]

    def by_finding(self) -> list[list[dict[str, Any]]]:
        """The findings, the gravest first, each as its rows."""
        each: dict[str, list[dict[str, Any]]] = {}
        for row in self.found:
            each.setdefault(row["finding"], []).append(row)
        order = {"high": 0, "medium": 1, "low": 2}
        return sorted(each.values(), key=lambda rows: (order.get(rows[0]["severity"], 9), rows[0]["finding"]))


def check_draft(
    raw: bytes,
    text: bytes,
    declared: Source,
    rows_of: Callable[[str], Sequence[Mapping[str, Any]]],
    calendar: Calendar,
    problems: Problems,
) -> Checked | None:
    """Checks a draft's statements (CSV), with its text where there is one; None where `problems` says what is wrong with it.

    `declared`: the source of statements, whose columns and choices hold; `rows_of` gives the rows of a table by its name.
    """
    for name, content in (("statements", raw), ("text", text)):
        if len(content) > LARGEST:
            problems.add("too-large", name, found=f"{len(content)} bytes", expected=f"at most {LARGEST} bytes")
    if len(problems):
        return None
    source = replace(declared, optional=(*declared.optional, *LESS), check=None, references={})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "statements.csv"
        file.write_bytes(raw)
        cells = read_csv(file, "statements.csv", source, problems)
    if len(cells) > MOST_STATEMENTS:
        problems.add(
            "too-large", "statements.csv", found=f"{len(cells)} rows", expected=f"at most {MOST_STATEMENTS} statements"
        )
        return None
    rows = typed_rows(cells, "statements.csv", source, calendar, problems)
    words = text_of(text, "text", problems) if text else ""
    seen: dict[str, int] = {}
    for row in rows:
        row["document"] = DRAFT if words else row["document"] or DRAFT
        row["claim_id"] = row["claim_id"] or f"R{row['source_row']}"
        row["comparator"], row["status"] = row["comparator"] or "=", row["status"] or "actual"
        row["subject_en"] = row["subject_en"] or row["subject_zh"]
        first = seen.setdefault(row["claim_id"], row["source_row"])
        if first != row["source_row"]:
            problems.add(
                "key-twice",
                "statements.csv",
                row["source_row"],
                "claim_id",
                found=row["claim_id"],
                expected=f"once; row {first} has it",
            )
    if not rows and not len(problems):
        problems.add("value-missing", "statements.csv", 1, found="no statement", expected="at least one row below the header")
    if len(problems):
        return None
    lines = {DRAFT: {n: line for n, line in enumerate(words.split("\n"), start=1) if line.strip()}} if words else {}
    if words:
        _place(rows, lines[DRAFT])
    rules = rules_of({name: rows_of(f"evidence.{name}") for name in REGISTERS} | {"zone": rows_of("district.zone")})
    return Checked(rows, findings(rows, lines, rules), lines)


def _place(rows: list[dict[str, Any]], lines: Mapping[int, str]) -> None:
    """The line of each quote in the draft's text, where the statement does not say it or it stands elsewhere."""
    for row in rows:
        quote = row["quote_zh"] or ""
        if quote and quote not in lines.get(row["line"], ""):
            row["line"] = next((number for number, line in lines.items() if quote in line), row["line"])
