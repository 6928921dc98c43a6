"""What a district takes as documents: the table `[documents]` of `district.toml`. Knows no Django."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scicity.documents.types import TYPES
from scicity.kernel.problems import Problems

# name: least, most, usual
LIMITS = {"size_mb": (1, 100_000, 500), "unfinished_hours": (1, 24 * 90, 48)}
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Rules:
    """The largest file [bytes], how long [hours] an unfinished upload is kept, and the names of the types taken."""

    size: int = LIMITS["size_mb"][2] * MEGABYTE
    unfinished_hours: int = LIMITS["unfinished_hours"][2]
    types: tuple[str, ...] = tuple(TYPES)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The suffixes of names that are taken."""
        return tuple(dict.fromkeys(suffix for name in self.types for suffix in TYPES[name].suffixes))


def rules_of(settings: dict[str, Any], problems: Problems | None = None) -> Rules:
    """The rules of a district's settings. What cannot be is a problem, and the usual stands in its place."""
    problems = Problems() if problems is None else problems
    told = settings.get("documents", {})
    if not isinstance(told, dict):
        problems.add("value", "district.toml", field="documents", found=told, expected="a table [documents]")
        told = {}
    known = {*LIMITS, "types"}
    for name in sorted(told.keys() - known):
        expected = "one of " + ", ".join(sorted(known))
        problems.add("column-unknown", "district.toml", field=f"documents.{name}", found=name, expected=expected)
    found: dict[str, int] = {}
    for name, (least, most, usual) in LIMITS.items():
        value = told.get(name, usual)
        if not (type(value) is int and least <= value <= most):
            expected = f"a whole number from {least} to {most}"
            problems.add("value", "district.toml", field=f"documents.{name}", found=value, expected=expected)
            value = usual
        found[name] = value
    types = told.get("types", list(TYPES))
    if not (isinstance(types, list) and types and all(isinstance(each, str) and each in TYPES for each in types)):
        expected = "a list of " + ", ".join(TYPES)
        problems.add("choice", "district.toml", field="documents.types", found=types, expected=expected)
        types = list(TYPES)
    return Rules(found["size_mb"] * MEGABYTE, found["unfinished_hours"], tuple(dict.fromkeys(types)))
