"""Frameworks: `frameworks/*.yaml` as rows of four tables, every fault with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from scicity.domains.indicators.membership import DETAIL_FIELDS, EDITION_FIELDS, crosswalks_of, details_of, edition_of, uses
from scicity.domains.indicators.methods import printed, status
from scicity.domains.indicators.yaml_file import Fields, composed
from scicity.kernel.district import ROOT_ZONE
from scicity.kernel.problems import Problem, Problems
from scicity.vocabulary import UNIT_TEXT, registry, terms

FRAMEWORK_FIELDS = ("id", "name", "document", "review", "source", *EDITION_FIELDS)
INDICATOR_FIELDS = (
    *("id", "name", "dimension", "unit", "symbol", "printed_unit", "printed_scale", "direction", "scope", "table", "formula"),
    *(
        "time",
        "minimum_coverage",
        "responsible",
        "sdg_target",
        "iso37101_issue",
        "source",
        "reported",
        "targets",
        *DETAIL_FIELDS,
    ),
)
USED_FIELDS = (
    *("uses", "dimension", "responsible", "sdg_target", "iso37101_issue", "source", "targets"),
    *DETAIL_FIELDS,
)
REPORTED_FIELDS = ("zone", "year", "printed", "kind", "value", "value_high", "comparator", "statement", "source")
TARGET_FIELDS = ("zone", "year", "value", "value_high", "document", "review", "source")

REVIEWS = ("verified", "unverified")
# The names of the twelve issues only; the text of the standard is under copyright.
ISSUES = (
    *("governance_empowerment_and_engagement", "education_and_capacity_building", "innovation_creativity_and_research"),
    *("health_and_care_in_the_community", "culture_and_community_identity", "living_together_interdependence_and_mutuality"),
    *("economy_and_sustainable_production_and_consumption", "living_and_working_environment", "safety_and_security"),
    *("community_infrastructures", "mobility", "biodiversity_and_ecosystem_services"),
)
ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?")
YEAR = re.compile(r"(?:19|20|21)[0-9]{2}")
NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,12})?")
SDG_TARGET = re.compile(r"(?:1[0-7]|[1-9])(?:\.(?:[1-9][0-9]?|[a-d]))?")
PARTS = ("framework", "indicator", "reported", "target", "membership", "promised", "crosswalk")


@dataclass(frozen=True)
class Spec:
    """The formula of an indicator as it stands in a file, with the lines of its fields."""

    indicator: str
    name_zh: str
    name_en: str
    symbol: str
    table: str
    formula: str
    time: str | None
    place: str
    lines: Mapping[str, int]


@dataclass(frozen=True)
class Contents:
    """What one file says: rows and problems of each part, and the formulas."""

    rows: Mapping[str, list[dict[str, Any]]]
    problems: Mapping[str, list[Problem]]
    specs: Sequence[Spec]


def parser_of(part: str) -> Callable[[Path, str, Problems], list[dict[str, Any]]]:
    """What turns a file into the rows of one part; each part reports its own faults, so that none is told twice."""

    def parse(file: Path, place: str, problems: Problems) -> list[dict[str, Any]]:
        found = contents(file.read_bytes(), place)
        problems.items += found.problems[part]
        return found.rows[part]

    return parse


@lru_cache(maxsize=16)
def contents(raw: bytes, place: str) -> Contents:
    """The rows of a framework file; what is wrong with it is collected by part."""
    reader = _Reader(place)
    reader.read(raw)
    return Contents(reader.rows, {part: list(problems) for part, problems in reader.problems.items()}, reader.specs)


@dataclass
class _Reader:
    place: str
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {part: [] for part in PARTS})
    problems: dict[str, Problems] = field(default_factory=lambda: {part: Problems() for part in PARTS})
    specs: list[Spec] = field(default_factory=list)
    seen: set[str | None] = field(default_factory=set)
    promised: set[tuple[Any, ...]] = field(default_factory=set)

    def read(self, raw: bytes) -> None:
        faults = self.problems["framework"]
        root = composed(raw, self.place, faults)
        if root is None:
            if not len(faults):
                faults.add("field-missing", self.place, 1, "framework", expected="a framework and its indicators")
            return
        top = Fields.of(root, self.place, faults, "", ("framework", "indicators"), ("framework", "indicators"))
        if "framework" not in top.nodes:
            return
        about = Fields.of(top.nodes["framework"], self.place, faults, "framework", FRAMEWORK_FIELDS, ("id", "name", "source"))
        zh, en = about.names("name", needed=True)
        framework = {
            **{"framework": identity(about, "id"), "name_zh": zh, "name_en": en, "document": about.text("document")},
            **{"review": choice(about, "review", REVIEWS), "source": about.text("source"), "source_row": about.line},
            **edition_of(about),
        }
        self._add("framework", framework)
        for number, node in enumerate(top.items("indicators")):
            if uses(node) is None:
                self._indicator(node, named(node) or f"indicators[{number}]", framework["framework"])
            else:
                self._used(node, f"indicators[{number}]", framework["framework"])

    def _add(self, part: str, row: Mapping[str, Any]) -> None:
        self.rows[part].append({name: value for name, value in row.items() if value is not None})

    def _indicator(self, node: Node, path: str, framework: str | None) -> None:
        faults = self.problems["indicator"]
        given = Fields.of(node, self.place, faults, path, INDICATOR_FIELDS, ("id", "name", "dimension", "unit", "source"))
        indicator = identity(given, "id")
        name_zh, name_en = given.names("name", needed=True)
        dimension_zh, dimension_en = given.names("dimension", needed=True)
        printed_zh, printed_en = given.names("printed_unit")
        responsible_zh, responsible_en = given.names("responsible")
        unit = unit_of(given)
        scale = number_of(given, "printed_scale")
        if scale is not None and scale <= 0:
            given.refuse("printed_scale", "a number above 0")
        coverage = number_of(given, "minimum_coverage")
        if coverage is not None and not 0 <= coverage <= 1:
            given.refuse("minimum_coverage", "a share from 0 to 1", "range")
            coverage = None
        direction = choice(given, "direction", status.DIRECTIONS)
        reported, targets = given.items("reported"), given.items("targets")
        if targets and direction in (None, "none"):
            given.refuse("direction", "higher, lower or within, as there are targets", "direction-missing")
        symbol = given.text("symbol", empty=True)
        row = {
            **{"framework": framework, "indicator": indicator, "name_zh": name_zh, "name_en": name_en},
            **{"dimension_zh": dimension_zh, "dimension_en": dimension_en, "unit": unit},
            **{"symbol": symbol_of(unit) if symbol is None else symbol},
            **{"printed_unit_zh": printed_zh, "printed_unit_en": printed_en},
            **{"printed_scale": scale or Decimal(1), "direction": direction or "none", "scope": given.text("scope")},
            **{"formula_table": given.text("table"), "formula": given.text("formula"), "formula_time": given.text("time")},
            **{"minimum_coverage": Decimal(1) if coverage is None else coverage},
            **{"responsible_zh": responsible_zh, "responsible_en": responsible_en, "sdg_target": sdg_target(given)},
            **{"iso37101_issue": choice(given, "iso37101_issue", ISSUES), "source": given.text("source")},
            "source_row": given.line,
        }
        self._add("indicator", row)
        if indicator not in self.seen:  # a second one of its name is told once, by the table of indicators
            self._place(given, row)
        self.seen.add(indicator)
        self._spec(given, row)
        words = [word for word in (printed_zh, printed_en, symbol) if word]
        for number, item in enumerate(reported):
            self._reported(item, f"{given.path}.reported[{number}]", row, words)
        for number, item in enumerate(targets):
            self._target(item, f"{given.path}.targets[{number}]", row)

    def _used(self, node: Node, path: str, framework: str | None) -> None:
        """An indicator of another framework that stands in this one too: one measured value, its own targets here."""
        given = Fields.of(node, self.place, self.problems["membership"], path, USED_FIELDS, ("uses", "dimension", "source"))
        dimension_zh, dimension_en = given.names("dimension", needed=True)
        responsible_zh, responsible_en = given.names("responsible")
        row = {
            **{"framework": framework, "indicator": identity(given, "uses"), "source": given.text("source")},
            **{"dimension_zh": dimension_zh, "dimension_en": dimension_en, "sdg_target": sdg_target(given)},
            **{"responsible_zh": responsible_zh, "responsible_en": responsible_en},
            "iso37101_issue": choice(given, "iso37101_issue", ISSUES),
            **{"printed_scale": Decimal(1), "direction": None},
        }
        self._place(given, row)
        for number, item in enumerate(given.items("targets")):
            self._target(item, f"{path}.targets[{number}]", row, own=False)

    def _place(self, given: Fields, row: Mapping[str, Any]) -> None:
        self._add("membership", details_of(given, row, number_of))
        for walk in crosswalks_of(given, row):
            self._add("crosswalk", walk)

    def _spec(self, given: Fields, row: Mapping[str, Any]) -> None:
        table, formula = row["formula_table"], row["formula"]
        if formula is None and (table is not None or "time" in given.nodes):
            given.refuse("formula", "a formula, as a table or its time is named", "field-missing", found="")
        elif table is None and formula is not None:
            given.refuse("table", "the table that the formula aggregates", "field-missing", found="")
        elif table is not None and formula is not None and row["indicator"] is not None:
            lines = {name: given.line_of(name) for name in ("table", "formula", "time")}
            names = (row["name_zh"] or "", row["name_en"] or "", row["symbol"] or "")
            self.specs.append(Spec(row["indicator"], *names, table, formula, row["formula_time"], self.place, lines))

    def _reported(self, node: Node, path: str, indicator: Mapping[str, Any], words: Sequence[str]) -> None:
        given = Fields.of(node, self.place, self.problems["reported"], path, REPORTED_FIELDS, ("year", "printed"))
        text = given.text("printed")
        meaning = meaning_of(given, text, words) if text is not None else printed.Printed("none")
        first, second = statements_of(given)
        scale = indicator["printed_scale"]
        row = {
            **{"framework": indicator["framework"], "indicator": indicator["indicator"]},
            **{"zone": given.text("zone") or ROOT_ZONE, "year": year_of(given), "printed": text, "kind": meaning.kind},
            **{"value": scaled(meaning.value, scale), "value_high": scaled(meaning.high, scale)},
            **{"comparator": meaning.comparator, "claim_id": first, "claim_id_high": second},
            **{"source": given.text("source") or indicator["source"], "source_row": given.line},
        }
        self._add("reported", row)

    def _target(self, node: Node, path: str, indicator: Mapping[str, Any], own: bool = True) -> None:
        needed = ("year", "value", "document", "review")
        given = Fields.of(node, self.place, self.problems["target" if own else "promised"], path, TARGET_FIELDS, needed)
        value, high = number_of(given, "value"), number_of(given, "value_high")
        if indicator["direction"] == "within" and value is not None and (high is None or high < value):
            given.refuse("value_high", "the upper end of the range, not below its lower end")
        scale = indicator["printed_scale"]
        row = {
            **{"indicator": indicator["indicator"], "zone": given.text("zone") or ROOT_ZONE, "year": year_of(given)},
            **{"value": scaled(value, scale), "value_high": scaled(high, scale), "document": given.text("document")},
            **{"review": choice(given, "review", REVIEWS), "source": given.text("source"), "source_row": given.line},
        }
        if own:
            self._add("target", row)
        key = (row["indicator"], row["zone"], row["year"])
        if not own or key not in self.promised:  # a second one of the same year is told once, by the table of targets
            self._add("promised", {**row, "framework": indicator["framework"]})
        self.promised.add(key)


def named(node: Node) -> str | None:
    """The id of an indicator, so that its faults can name it; None where it has none."""
    pairs = node.value if isinstance(node, MappingNode) else []
    ids = [value.value for key, value in pairs if key.value == "id" and isinstance(value, ScalarNode)]
    return ids[0] if ids and ID.fullmatch(ids[0]) else None


def identity(given: Fields, name: str) -> str | None:
    """A short name of a-z, 0-9 and -."""
    text = given.text(name)
    if text is not None and not ID.fullmatch(text):
        given.refuse(name, "a short name of at most 80 of a-z, 0-9 and -")
        return None
    return text


def choice(given: Fields, name: str, choices: Sequence[str]) -> str | None:
    """One of some words."""
    text = given.text(name)
    if text is not None and text not in choices:
        given.refuse(name, "one of " + ", ".join(choices), "choice")
        return None
    return text


def number_of(given: Fields, name: str) -> Decimal | None:
    """A decimal number, exactly as it is written."""
    text = given.text(name)
    if text is None:
        return None
    if not NUMBER.fullmatch(text):
        given.refuse(name, "a number such as 12.5")
        return None
    return Decimal(text)


def year_of(given: Fields) -> int | None:
    """A year of four digits."""
    text = given.text("year")
    if text is None:
        return None
    if not YEAR.fullmatch(text):
        given.refuse("year", "a year such as 2035")
        return None
    return int(text)


def sdg_target(given: Fields) -> str | None:
    """A goal or target of the Sustainable Development Goals, such as 11 or 11.6."""
    text = given.text("sdg_target")
    if text is not None and not SDG_TARGET.fullmatch(text):
        given.refuse("sdg_target", "a goal or target such as 11.6 or 7.b")
        return None
    return text


def unit_of(given: Fields) -> str | None:
    """A unit that the registry knows."""
    text = given.text("unit")
    if text is None:
        return None
    if len(text) <= 60 and UNIT_TEXT.fullmatch(text):  # the parser is pint's: hand it nothing that is not a unit's text
        try:
            registry().parse_units(text)
            return text
        except Exception:  # noqa: S110  (pint raises many types for text that it cannot parse; all mean the same)
            pass
    given.refuse("unit", "a unit in pint's notation, such as percent, km/km**2, CNY or one", "unit")
    return None


def symbol_of(unit: str | None) -> str | None:
    """How the vocabulary prints a unit; the unit's own text where it does not, nothing for a count."""
    if unit in (None, "one"):
        return None
    return next((term.symbol for term in terms().values() if term.unit == unit and term.symbol), unit)


def scaled(number: Decimal | None, scale: Decimal) -> Decimal | None:
    """A printed number in the indicator's unit."""
    return None if number is None else number * scale


def statements_of(given: Fields) -> tuple[str | None, str | None]:
    """The statement of a value, and of the second number of a pair."""
    node = given.nodes.get("statement")
    if isinstance(node, SequenceNode):
        if len(node.value) == 2 and all(isinstance(item, ScalarNode) and item.value.strip() for item in node.value):
            return node.value[0].value.strip(), node.value[1].value.strip()
        given.refuse("statement", "one statement, or the two of a pair")
        return None, None
    return given.text("statement"), None


def meaning_of(given: Fields, text: str, words: Sequence[str]) -> printed.Printed:
    """What a printed text means; what the file says of it must be what it says itself, or what it can be read as."""
    kind, comparator = choice(given, "kind", printed.KINDS), choice(given, "comparator", printed.COMPARATORS)
    value, high = number_of(given, "value"), number_of(given, "value_high")
    read = printed.read(text, words)
    said = {"kind": kind, "value": value, "value_high": high, "comparator": comparator}
    if read.kind != "text" or all(part is None for part in said.values()) or kind == "text":
        expected = {"kind": read.kind, "value": read.value, "value_high": read.high, "comparator": read.comparator}
        for name, part in said.items():
            if part is not None and part != expected[name]:
                told = "nothing" if expected[name] is None else str(expected[name])
                given.refuse(name, f"{told}, as {text[:40]!r} is printed", "printed")
        return read
    there = {Decimal(number.replace(",", "")) for number in re.findall(printed.NUMBER, text)}
    for name, part in (("value", value), ("value_high", high)):
        if part is not None and part not in there:
            given.refuse(name, f"a number that stands in {text[:40]!r}", "printed")
    needs_value = kind in ("number", "bound", "pair")
    if needs_value != (value is not None) or (kind == "pair") != (high is not None) or (kind == "bound" and not comparator):
        given.refuse("kind", "a kind with the value, second value and comparator that it needs", "printed")
    return printed.Printed(kind or "text", value, high, comparator or ("=" if needs_value else None))
