"""Whose meters a formula may name: only its enterprise's, for the whole time in which it holds; and what else is refused."""

from __future__ import annotations

from typing import Any

import pytest

from scicity.domains.energy.methods.rights import Virtual, faults
from scicity.domains.energy.methods.trees import ALWAYS, Label

METERS: list[dict[str, Any]] = [
    {"meter": "main", "parent": None, "role": "main"},
    {"meter": "shop", "parent": "main", "role": "sub"},
    {"meter": "other", "parent": None, "role": "main"},
    {"meter": "roof", "parent": "main", "role": "generation"},
]
LABELS = [Label("main", "mine", 0, 100), Label("shop", "theirs", 40, 60), Label("other", "theirs", 0, ALWAYS)]


def codes(*virtuals: Virtual) -> list[tuple[str, str]]:
    return [(each.code, each.found) for each in faults(virtuals, METERS, LABELS)]


def one(formula: str, enterprise: str = "mine", start: int = 0, end: int = 100, meter: str = "v") -> Virtual:
    return Virtual(0, meter, formula, enterprise, start, end)


@pytest.mark.parametrize(
    ("virtual", "found"),
    [
        (one("main * 0.5"), []),
        (one("main - shop", end=40), []),  # the shop goes with the main meter
        (one("main - shop"), ["shop"]),  # for a while it was somebody else's
        (one("main - shop", start=60), []),
        (one("main", end=101), ["main"]),  # it is theirs no longer
        (one("main", end=ALWAYS), ["main"]),
        (one("main", start=-1), ["main"]),
        (one("other"), ["other"]),
        (one("main + other * 0"), ["other"]),  # times 0 is named, too
        (one("roof"), ["roof"]),  # nobody's
        (one("other + roof", enterprise=""), []),  # the district's own
    ],
)
def test_a_formula_names_only_what_is_its_enterprises(virtual: Virtual, found: list[str]) -> None:
    assert codes(virtual) == [("formula-rights", name) for name in found]


def test_another_enterprises_virtual_meter_is_not_theirs_either() -> None:
    theirs = Virtual(1, "w", "other", "theirs", 0, 100)
    everyones = Virtual(2, "u", "other", "", 0, 100)
    assert codes(one("w"), theirs) == [("formula-rights", "w")]
    assert codes(one("u"), everyones) == [("formula-rights", "u")]  # by way of the district's own it would read another's
    assert codes(one("w * 2"), Virtual(1, "w", "main", "mine", 0, 100)) == []


def test_circles_unknown_meters_and_taken_names_are_told() -> None:
    assert codes(one("w"), Virtual(1, "w", "v * 2", "mine", 0, 100)) == [("circle", "v → w → v")]
    assert codes(one("v + main")) == [("circle", "v → v")]
    assert codes(one("main - lost")) == [("reference", "lost")]
    assert codes(one("main", meter="shop")) == [("key-twice", "shop")]
    assert codes(one("import os")) == [("meter-formula", "os at character 8")]
