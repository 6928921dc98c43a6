"""What a framework says of an indicator beside its values: definition, duty, targets of the edition, cross-walks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from yaml.nodes import Node, ScalarNode

from scicity.domains.indicators.methods.duty import PERIODS
from scicity.domains.indicators.yaml_file import Fields

EDITION_FIELDS = (
    *("system", "edition", "valid_from", "valid_to", "predecessor", "horizon"),
    *("expected_classes", "expected_items", "expected_indicators"),
)
DETAIL_FIELDS = (
    *("definition", "denominator", "data_source", "frequency", "due_after", "duty_from", "duty_origin", "breakdowns"),
    *("base_from", "natural_limit", "iso37101_purposes", "crosswalks"),
)
DUTY_ORIGINS = ("document", "stand-in")
# The names of the six purposes only; the text of the standard is under copyright.
PURPOSES = (
    *("attractiveness", "preservation_and_improvement_of_environment", "resilience", "responsible_resource_use"),
    *("social_cohesion", "well_being"),
)
SCHEMES = ("sdg", "iso37108", "u4ssc")
CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z .:_-]{0,39}")
WHOLE = re.compile(r"[0-9]{1,6}")
MOST_YEARS = 60  # of duties


def edition_of(about: Fields) -> dict[str, Any]:
    """The fields of a framework that make it an edition of a system."""
    found = {
        "indicator_system": about.text("system"),
        "edition": about.text("edition"),
        "predecessor": about.text("predecessor"),
    }
    days = {name: day_of(about, name) for name in ("valid_from", "valid_to")}
    if days["valid_from"] and days["valid_to"] and days["valid_to"] <= days["valid_from"]:
        about.refuse("valid_to", f"a day behind {days['valid_from']}")
    numbers = {name: whole_of(about, name) for name in EDITION_FIELDS[5:]}
    return {**found, **{name: day.isoformat() if day else None for name, day in days.items()}, **numbers}


def details_of(given: Fields, row: Mapping[str, Any], decimal: Any) -> dict[str, Any]:
    """The fields of an indicator that its framework's edition says; `row` holds framework, indicator and who answers for it."""
    found: dict[str, Any] = {}
    for name in ("definition", "denominator", "data_source"):
        found[f"{name}_zh"], found[f"{name}_en"] = given.names(name)
    frequency = given.text("frequency")
    if frequency is not None and frequency not in PERIODS:
        given.refuse("frequency", "one of " + ", ".join(PERIODS), "choice")
        frequency = None
    origin = given.text("duty_origin")
    if origin is not None and origin not in DUTY_ORIGINS:
        given.refuse("duty_origin", "one of " + ", ".join(DUTY_ORIGINS), "choice")
    numbers = {name: whole_of(given, name) for name in ("due_after", "duty_from", "base_from")}
    if frequency is not None:
        for name in ("due_after", "duty_from"):
            if name not in given.nodes:
                given.refuse(name, f"a whole number, as a value is owed {frequency}", "field-missing", found="")
    limit = decimal(given, "natural_limit")
    parts = [text for text, _ in texts_of(given, "breakdowns")]
    return {
        **{"framework": row["framework"], "indicator": row["indicator"], **found, "frequency": frequency, **numbers},
        **{"duty_origin": origin, "breakdowns": "; ".join(parts) or None, "natural_limit": limit},
        **{name: row[name] for name in ("dimension_zh", "dimension_en", "responsible_zh", "responsible_en")},
        **{"source": row["source"], "source_row": given.line},
    }


def crosswalks_of(given: Fields, row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The places of an indicator in other schemes; what the file says of them is a reading, and unverified."""
    plain = {name: row[name] for name in ("framework", "indicator", "source")} | {"review": "unverified"}
    seen = set()

    def told(scheme: str, code: str, line: int, purpose: str | None = None) -> Iterator[dict[str, Any]]:
        if (scheme, code) not in seen:
            seen.add((scheme, code))
            place = {"crosswalk_scheme": scheme, "crosswalk_code": code, "iso37101_purpose": purpose}
            yield {**plain, **place, "iso37101_issue": row.get("iso37101_issue") if scheme == "iso37101" else None} | {
                "source_row": line
            }

    if row.get("sdg_target"):
        yield from told("sdg", row["sdg_target"], given.line)
    issue = row.get("iso37101_issue")
    purposes = list(texts_of(given, "iso37101_purposes"))
    for purpose, line in purposes:
        if purpose not in PURPOSES:
            given.refuse("iso37101_purposes", "of " + ", ".join(PURPOSES), "choice")
        elif issue is None:
            given.refuse("iso37101_purposes", "an iso37101_issue beside them", "field-missing")
        else:
            yield from told("iso37101", f"{purpose}/{issue}", line, purpose)
    if issue and not purposes:
        yield from told("iso37101", f"/{issue}", given.line)
    if "crosswalks" in given.nodes:
        inner = Fields.of(given.nodes["crosswalks"], given.place, given.problems, given.named("crosswalks"), SCHEMES)
        for scheme in SCHEMES:
            for code, line in texts_of(inner, scheme):
                if CODE.fullmatch(code):
                    yield from told(scheme, code, line)
                else:
                    inner.refuse(scheme, "codes such as 11.6.2")


def texts_of(given: Fields, name: str) -> Iterator[tuple[str, int]]:
    """The texts of a list with their lines."""
    for item in given.items(name):
        if isinstance(item, ScalarNode) and item.value.strip():
            yield item.value.strip(), item.start_mark.line + 1
        else:
            given.refuse(name, "a list of texts")


def day_of(given: Fields, name: str) -> date | None:
    """A day such as 2019-01-01."""
    text = given.text(name)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        given.refuse(name, "a day such as 2019-01-01")
        return None


def whole_of(given: Fields, name: str) -> int | None:
    """A whole number."""
    text = given.text(name)
    if text is None:
        return None
    if not WHOLE.fullmatch(text):
        given.refuse(name, "a whole number")
        return None
    return int(text)


def uses(node: Node) -> str | None:
    """The indicator of another framework that an item takes over, if it does."""
    pairs = node.value if hasattr(node, "value") and isinstance(node.value, list) else []
    named = [pair[1].value for pair in pairs if isinstance(pair, tuple) and getattr(pair[0], "value", "") == "uses"]
    return named[0] if named and isinstance(named[0], str) else None
