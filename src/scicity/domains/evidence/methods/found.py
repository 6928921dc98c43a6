"""What a check finds: its rule, the statements with the part that each plays, and the arithmetic in words.

Values are in the units of their statements [UCUM]. Source: own rules; what they know of measures and units stands in data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from typing import Any


@dataclass(frozen=True)
class Found:
    """A finding. `members`: places of statements with their role; `found` is expected from `low` to `high`."""

    rule: str
    members: tuple[tuple[int, str], ...]
    arithmetic: str
    found: float | None = None
    low: float | None = None
    high: float | None = None
    symbol: str = ""
    severity: str = ""  # else the rule's own
    reason: tuple[str, str] = ("", "")  # else the rule's own
    about: str = ""  # tells findings of one rule over the same statements apart


@dataclass(frozen=True)
class Rules:
    """The registers of the checker as rows; a rule of a register names measures, subjects, units and words."""

    checks: Mapping[str, Mapping[str, Any]]
    printed: tuple[Mapping[str, Any], ...] = ()
    measures: tuple[Mapping[str, Any], ...] = ()
    parts: tuple[Mapping[str, Any], ...] = ()
    ratios: tuple[Mapping[str, Any], ...] = ()
    cues: tuple[Mapping[str, Any], ...] = ()
    zones: tuple[Mapping[str, Any], ...] = field(default=())

    def threshold(self, rule: str, otherwise: float) -> float:
        """The threshold of a check."""
        said = self.checks.get(rule, {}).get("threshold")
        return otherwise if said is None or said == "" else float(said)

    def words(self, place: str) -> list[Mapping[str, Any]]:
        """The cues of a place, the longest first."""
        return self._words.get(place, [])

    @cached_property
    def _words(self) -> dict[str, list[Mapping[str, Any]]]:
        found: dict[str, list[Mapping[str, Any]]] = {}
        for row in sorted(self.cues, key=lambda row: -len(row["cue"])):
            found.setdefault(row["cue_place"], []).append(row)
        return found

    def nature(self, measure: str, unit: str) -> str:
        """What kind of number a measure in a unit is: level, share, count, change, date, duration, rank; '' if unknown."""
        row = self.measure(measure, unit)
        return str(row["nature"]) if row else ""

    def measure(self, measure: str, unit: str) -> Mapping[str, Any] | None:
        """The first row of the measures that fits a measure and its unit."""
        if (measure, unit) not in self._found:
            fitting = (
                row for row in self.measures if fits(row["measure_pattern"], measure) and fits(row["unit_pattern"], unit)
            )
            self._found[measure, unit] = next(fitting, None)
        return self._found[measure, unit]

    @cached_property
    def _found(self) -> dict[tuple[str, str], Mapping[str, Any] | None]:
        return {}


def fits(patterns: Any, text: str) -> bool:
    """Whether a text fits one of the shell patterns, with spaces between them; without patterns all fits."""
    return _fits(str(patterns or "*"), text)


@lru_cache(maxsize=1 << 17)
def _fits(patterns: str, text: str) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns.split())


SCOPES = {"wider": "更大范围 wider", "whole": "全区 whole", "every": "全口径 all", "large": "规模以上 large", "new": "新建 new"}


def scope_words(scope: Iterable[str]) -> str:
    """Scopes in words of both languages; a dash where nothing is said."""
    return " + ".join(SCOPES.get(word, word) for word in sorted(scope)) or "—"


def digits(value: float) -> str:
    """A number in words of arithmetic: six significant digits, with no exponent where it is not very long."""
    if value != value or value in (float("inf"), float("-inf")):
        return "∞" if value > 0 else "-∞" if value < 0 else "?"
    if value == 0:
        return "0"
    size = abs(value)
    if 1e-4 <= size < 1e15:
        text = f"{value:,.6f}" if size < 1 else f"{value:,.4f}" if size < 1000 else f"{value:,.2f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.6g}"


def unit_word(unit: str) -> str:
    """A unit as it stands behind a number; a count has none."""
    return "" if unit == "1" or unit.startswith("{") else unit


def roles(places: Iterable[int], role: str) -> tuple[tuple[int, str], ...]:
    """The same role for several statements."""
    return tuple((place, role) for place in places)
