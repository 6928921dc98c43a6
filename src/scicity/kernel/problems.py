"""What is wrong with something that came from outside: one type, collected, never raised one at a time."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

CATALOGUE = Path(__file__).parent.parent / "vocabulary" / "problems.csv"
LONGEST = 120  # characters of what was found; of file and what was expected, ten times as many
MOST_ALIKE = 200  # problems of one kind with one field of one file that are listed one by one


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Every kind of problem by its code: what it means and how it is mended, in Chinese and English."""
    with CATALOGUE.open(encoding="utf-8", newline="") as rows:
        return {row["code"]: row for row in csv.DictReader(rows)}


@dataclass(frozen=True)
class Problem:
    """One fault: where it stands, what was found there, what was expected, and the remedy.

    `code` is a row of `vocabulary/problems.csv`; `row` counts lines of the file from 1 (the header of a CSV is line 1).
    Raises ValueError for a code that the catalogue does not hold.
    """

    code: str
    file: str
    row: int | None = None
    field: str | None = None
    found: str = ""
    expected: str = ""
    remedy: str = ""

    def __post_init__(self) -> None:
        if self.code not in catalogue():
            raise ValueError(f"problem code {self.code!r} is not in {CATALOGUE.name}")
        if not self.remedy:
            object.__setattr__(self, "remedy", catalogue()[self.code]["remedy_en"])

    def __str__(self) -> str:
        where = self.file
        if self.row is not None:
            where += f", row {self.row}"
        if self.field is not None:
            where += f", field {self.field}"
        return f"{where}: {self.code}: found {self.found or 'nothing'}; expected {self.expected}. {self.remedy}"

    def as_dict(self) -> dict[str, str | int | None]:
        """The problem as plain values, for `--json`."""
        return asdict(self)


@dataclass
class Problems:
    """A collection that checks add to; nothing is loaded while it holds anything."""

    items: list[Problem] = field(default_factory=list)
    alike: Counter[tuple[str, str, str | None]] = field(default_factory=Counter, repr=False)

    def add(
        self,
        code: str,
        file: str | Path,
        row: int | None = None,
        field: str | None = None,
        *,
        found: object = "",
        expected: str = "",
        remedy: str = "",
    ) -> None:
        """Adds one problem. What was found is cut short and cleaned, so that a hostile cell cannot flood a page or a terminal;
        a kind of problem that fills a file is listed `MOST_ALIKE` times, and the last of them says that there are more."""
        kind = (code, str(file), field)
        self.alike[kind] += 1
        count = self.alike[kind]
        if count > MOST_ALIKE:
            return
        place = shown(file, 10 * LONGEST)
        column = None if field is None else shown(field)
        told = shown(found) + (" (and there are more like it)" if count == MOST_ALIKE else "")
        self.items.append(Problem(code, place, row, column, told, shown(expected, 10 * LONGEST), remedy))

    def __iter__(self) -> Iterator[Problem]:
        return iter(sorted(self.items, key=lambda p: (p.file, p.row or 0, p.field or "", p.code)))

    def __len__(self) -> int:
        return len(self.items)

    def refuse(self) -> None:
        """Raises `Refused` where there is any problem."""
        if self.items:
            raise Refused(self)


def shown(found: object, longest: int = LONGEST) -> str:
    """Something as one short line of text: control characters and what is no text are written out, the rest is cut off."""
    text = str(found)
    text = text if len(text) <= longest else text[: longest - 3] + "..."
    text = text.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Refused(Exception):  # noqa: N818  (reads as what happened: the input was refused)
    """Input that was not taken, with all of its problems."""

    def __init__(self, problems: Problems) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
