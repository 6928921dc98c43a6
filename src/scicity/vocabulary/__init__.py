"""The words: every column of every table is a term with one meaning, one type and one unit (`terms.csv`)."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

TERMS = Path(__file__).parent / "terms.csv"
UNITS = Path(__file__).parent / "units.txt"
LAYERS = Path(__file__).parent / "layers.csv"

UNIT_TEXT = re.compile(r"[A-Za-zµ][A-Za-z0-9_µ]*(?:\s?(?:\*\*|\^)\s?-?[1-9]|\s?[*/]\s?[A-Za-zµ(][A-Za-z0-9_µ)]*)*")

TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "real": pa.float64(),
    "decimal": pa.decimal128(18, 6),  # exact: sums do not depend on their order
    "factor": pa.decimal128(18, 12),  # decimal x factor still fits in 38 digits
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "instant": pa.timestamp("us", tz="UTC"),
    "geometry": pa.binary(),  # well-known binary, WGS 84
}


@dataclass(frozen=True)
class Term:
    """One word of the vocabulary; `unit` in pint's notation, `symbol` as it is printed."""

    term: str
    type: str
    unit: str
    symbol: str
    zh: str
    en: str
    definition: str
    standard: str

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type of a column of this name."""
        return TYPES[self.type]

    def name(self, language: str) -> str:
        """The word in a language (`zh` or `en`)."""
        return self.zh if language.startswith("zh") else self.en


@cache
def terms() -> dict[str, Term]:
    """All terms by name. Raises ValueError where the file itself is at fault (type, doubled term)."""
    found: dict[str, Term] = {}
    with TERMS.open(encoding="utf-8", newline="") as rows:
        for line, row in enumerate(csv.DictReader(rows), start=2):
            term = Term(**{name: (value or "").strip() for name, value in row.items()})
            if term.type not in TYPES:
                raise ValueError(f"{TERMS.name}, row {line}: type {term.type!r} is not one of {', '.join(TYPES)}")
            if term.term in found:
                raise ValueError(f"{TERMS.name}, row {line}: {term.term!r} stands twice")
            found[term.term] = term
    return found


def term(name: str) -> Term:
    """The term of this name. Raises LookupError with the file to add it to."""
    try:
        return terms()[name]
    except KeyError:
        raise LookupError(f"{name!r} is not a term; add a row to {TERMS.name}") from None


@cache
def layer_names() -> dict[str, tuple[str, str]]:
    """The names (zh, en) of the layers that domains read by name; a district may give its own."""
    with LAYERS.open(encoding="utf-8", newline="") as rows:
        return {row["layer"]: (row["zh"], row["en"]) for row in csv.DictReader(rows)}


@cache
def registry() -> Any:
    """The unit registry: pint's own definitions and those of `units.txt`."""
    import pint

    units: Any = pint.UnitRegistry(non_int_type=float)
    units.load_definitions(str(UNITS))
    return units


@cache
def conversion(unit: str, canonical: str) -> tuple[float, float]:
    """Slope and offset that turn a value in `unit` into one in `canonical` (both in pint's notation).

    Raises ValueError where the units do not measure the same thing, so that a mix is refused, never guessed.
    """
    if unit == canonical:
        return 1.0, 0.0
    if not UNIT_TEXT.fullmatch(unit):  # the parser is pint's: hand it nothing that is not a unit's text
        raise ValueError(f"{unit!r} is not the text of a unit")
    units = registry()
    try:
        at_zero = units.Quantity(0.0, unit).to(canonical).magnitude
        at_one = units.Quantity(1.0, unit).to(canonical).magnitude
    except Exception as error:  # pint raises assertions, attribute and value errors for text that it cannot parse
        raise ValueError(f"{unit!r} cannot be converted to {canonical!r}: {error}") from None
    return at_one - at_zero, at_zero
