"""Who may read which meters in a formula, and what else can be wrong with the register of virtual meters.

A formula of an enterprise may name only meters that are the enterprise's for the whole time in which the formula holds, and
virtual meters of the same enterprise. Times are [µs UTC], half-open. Source: the bar that a formula cannot read another
tenant's meters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from scicity.domains.energy.methods import formulas
from scicity.domains.energy.methods.trees import Label, borne_at, chains

SHOWN = 80  # characters of what was found


class Virtual(NamedTuple):
    """A row of the register of virtual meters: from `start` up to `end` [µs UTC] its meter is this formula."""

    row: int
    meter: str
    formula: str
    enterprise: str
    start: int
    end: int


@dataclass(frozen=True)
class Fault:
    """What is wrong with a row: its place among the rows, the problem's code, the field, what was found and expected."""

    row: int
    code: str
    field: str
    found: str
    expected: str


def faults(virtuals: Sequence[Virtual], meters: Iterable[Mapping[str, Any]], labels: Iterable[Label]) -> list[Fault]:
    """All that is wrong with virtual meters: what cannot be read, names nothing, goes in a circle, or is not the owner's.

    `meters` are the rows of the register of meters, `labels` the memberships [µs UTC]. Source: the head of this module.
    """
    rows = list(meters)
    known = {str(row["meter"]) for row in rows}
    names = {each.meter for each in virtuals}
    found = [
        Fault(each.row, "key-twice", "meter", each.meter, "a name that no meter of registers/meters.csv has")
        for each in virtuals
        if each.meter in known
    ]
    named: dict[int, tuple[str, ...]] = {}
    for each in virtuals:
        try:
            named[each.row] = formulas.meters_of(formulas.parsed(each.formula))
        except formulas.FormulaError as error:
            found.append(
                Fault(each.row, "meter-formula", "meter_formula", f"{error.found} at character {error.at}", error.expected)
            )
            continue
        expected = "a meter of registers/meters.csv or registers/virtual_meters.csv (a minus sign stands between spaces)"
        found += [
            Fault(each.row, "reference", "meter_formula", name[:SHOWN], expected)
            for name in named[each.row]
            if name not in known | names
        ]
    found += _circles(virtuals, named)
    return found + _not_theirs(virtuals, named, rows, list(labels), known)


def _circles(virtuals: Sequence[Virtual], named: Mapping[int, tuple[str, ...]]) -> list[Fault]:
    below: dict[str, set[str]] = {}
    for each in virtuals:
        below.setdefault(each.meter, set()).update(named.get(each.row, ()))
    try:
        formulas.in_turn(below)
    except formulas.Circle as circle:
        row = next(each.row for each in virtuals if each.meter == circle.path[0] and circle.path[1] in named.get(each.row, ()))
        return [Fault(row, "circle", "meter_formula", str(circle)[:400], "no meter that its own formula leads back to")]
    return []


def _not_theirs(
    virtuals: Sequence[Virtual],
    named: Mapping[int, tuple[str, ...]],
    rows: list[Mapping[str, Any]],
    labels: list[Label],
    known: set[str],
) -> list[Fault]:
    ways = chains(rows)
    by_meter: dict[str, list[Label]] = {}
    for label in labels:
        by_meter.setdefault(label.meter, []).append(label)
    found = []
    for each in virtuals:
        for name in named.get(each.row, ()) if each.enterprise else ():
            if name in known:
                way = ways.get(name, (name,))
                cuts = [cut for step in way for label in by_meter.get(step, ()) for cut in label[2:]]
                times = [each.start, *(cut for cut in cuts if each.start < cut < each.end)]
                theirs = all(borne_at(way, by_meter, time)[0] == each.enterprise for time in times)
            else:
                others = [other for other in virtuals if other.meter == name]
                theirs = all(other.enterprise == each.enterprise for other in others)
            if not theirs:
                expected = f"only meters that are of {each.enterprise} for the whole time in which the formula holds"
                found.append(Fault(each.row, "formula-rights", "meter_formula", name[:SHOWN], expected))
    return found
