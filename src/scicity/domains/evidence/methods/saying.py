"""The same thing said again: at one time, undated, as a target, or from one time to the next.

Values are in the units of their statements [UCUM]. Source: own rules; what they know of measures and units stands in data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from scicity.domains.evidence.methods.claims import ALIKE, NO_DAY, Claims, likeness
from scicity.domains.evidence.methods.found import Found, Rules, digits, unit_word

FACTS = ("actual", "construction")
AIMS = ("target", "plan")
STILL = ("level", "share", "count")  # natures that are expected to move from year to year
YEAR = 366  # days
MOST = 80  # statements of one measure that are compared each with each
MANY_STILL, MOST_STILL = 3, 40  # series that stand still together from which they are one finding, and up to which
STANDS_STILL = (
    "多个数列在两期之间一位不差；后一期可能未更新。",
    "Many series have the very same values in two periods: the later may not have been brought up to date.",
)
SAYS = ("=", "~")  # comparators of a value; a bound that stays is no value that stays


def saying(claims: Claims, rules: Rules) -> list[Found]:
    """Statements about one subject and measure that cannot all hold, or that stand still or jump.

    Two statements contradict each other where the intervals [their unit] that they leave open do not meet. Source: interval
    arithmetic, IEEE 1788-2015.
    """
    found: list[Found] = []
    still: list[Found] = []
    for group in alike(claims):
        found += _twice(claims, group, rules)
        found += _targets(claims, group, rules)
        series = list(_series(claims, group, rules))
        still += [one for one in series if one.rule == "unmoved"]
        found += [one for one in series if one.rule != "unmoved"]
    return [*found, *_together(claims, still)]


def alike(claims: Claims) -> list[list[int]]:
    """Statements by measure, unit, scope and likeness of subject; groups of two and more."""
    by_measure: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, (measure, unit) in enumerate(zip(claims.column("measure_en"), claims.column("unit"), strict=True)):
        if np.isfinite(claims.value[i]):
            by_measure[measure, unit].append(i)
    groups = []
    for members in by_measure.values():
        above = {i: i for i in members}

        def head(i: int, above: dict[int, int] = above) -> int:
            while above[i] != i:
                above[i] = above[above[i]]
                i = above[i]
            return i

        for i, j in combinations(members, 2) if len(members) <= MOST else pairwise(members):
            if claims.scope[i] == claims.scope[j] and likeness(claims.subject[i], claims.subject[j]) >= ALIKE:
                above[head(j)] = head(i)
        by_head: dict[int, list[int]] = defaultdict(list)
        for i in members:
            by_head[head(i)].append(i)
        groups += [group for group in by_head.values() if len(group) > 1]
    return groups


def _told(claims: Claims, i: int) -> str:
    row = claims.rows[i]
    said = str(row.get("comparator") or "=")
    mark = {"over": ">", "~": "≈", "=": ""}.get(said, said)
    return f"{mark}{digits(claims.value[i])} {unit_word(str(row.get('unit') or ''))}".strip()


def _same_time(claims: Claims, i: int, j: int) -> bool:
    return bool(claims.first_day[i] == claims.first_day[j] and claims.last_day[i] == claims.last_day[j])


def _kin(claims: Claims, i: int, j: int) -> bool:
    """Whether both say what is, or both say what is aimed at, or both what is foreseen."""
    first, second = claims.rows[i].get("status"), claims.rows[j].get("status")
    return (
        (first in AIMS and second in AIMS)
        or (first not in AIMS and second not in AIMS and first != "claim" and second != "claim")
        or first == second
    )


def _twice(claims: Claims, group: list[int], rules: Rules) -> Iterator[Found]:
    newest = max((int(claims.last_day[i]) for i in group if claims.rows[i].get("status") in FACTS), default=NO_DAY)
    for i, j in _compared(claims, group):
        nature = rules.nature(str(claims.rows[i].get("measure_en")), str(claims.rows[i].get("unit")))
        if not _kin(claims, i, j) or nature == "rank":
            continue
        if claims.subject[i] != claims.subject[j] and not _one_subject(claims, i, j):
            continue
        if claims.sentence[i] == claims.sentence[j] and claims.subject[i] != claims.subject[j]:
            continue  # worded apart in one sentence, they are told apart
        apart = claims.low[i] > claims.high[j] or claims.low[j] > claims.high[i]
        told = f"{_told(claims, i)} ≠ {_told(claims, j)}"
        difference = abs(claims.value[i] - claims.value[j])
        if claims.value[i] and claims.value[j] and apart:
            told += (
                f"; Δ = {digits(difference)} ({digits(100 * difference / max(abs(claims.value[i]), abs(claims.value[j])))} %)"
            )
        members = ((i, "first"), (j, "second"))
        values = (float(claims.value[j]), float(claims.low[i]), float(claims.high[i]))
        once = nature == "date" and claims.subject[i] == claims.subject[j]
        if once or _same_time(claims, i, j):
            if apart:
                yield Found("said_twice", members, told, *values, symbol=unit_word(str(claims.rows[i].get("unit"))))
            elif _other_bound(claims, i, j):
                yield Found("bounds_twice", members, told)
        elif claims.dated(i) != claims.dated(j) and apart:
            dated, other = (i, j) if claims.dated(i) else (j, i)
            aims = claims.rows[i].get("status") in AIMS
            if (aims or claims.last_day[dated] >= newest - YEAR) and not _equals_target(claims, other, group):
                yield Found("undated_twice", members, told, *values)
        elif aimed_twice(claims, i, j) and _other_bound(claims, i, j):
            yield Found("bounds_twice", members, told)


def _compared(claims: Claims, group: list[int]) -> Iterator[tuple[int, int]]:
    """Each with each; of very many those that are next to each other by time and value."""
    if len(group) <= MOST:
        yield from combinations(group, 2)
    else:
        yield from pairwise(sorted(group, key=lambda i: (claims.first_day[i], claims.last_day[i], claims.value[i], i)))


def aimed_twice(claims: Claims, i: int, j: int) -> bool:
    """Two targets of which one has no period."""
    both = claims.rows[i].get("status") in AIMS and claims.rows[j].get("status") in AIMS
    return both and claims.dated(i) != claims.dated(j)


def _one_subject(claims: Claims, i: int, j: int) -> bool:
    """Whether statements whose subjects are worded differently are about one: the same in English, or worded nearly alike."""
    first, second = claims.rows[i].get("subject_en"), claims.rows[j].get("subject_en")
    return (bool(first) and first == second) or likeness(claims.subject[i], claims.subject[j]) >= ALIKE


def _other_bound(claims: Claims, i: int, j: int) -> bool:
    first, second = str(claims.rows[i].get("comparator") or "="), str(claims.rows[j].get("comparator") or "=")
    if first == second:
        return first != "=" and first != "~" and claims.value[i] != claims.value[j]
    strict = {first, second} in ({">", ">="}, {"<", "<="})
    return strict and claims.value[i] == claims.value[j]


def _equals_target(claims: Claims, i: int, group: list[int]) -> bool:
    return any(claims.rows[k].get("status") == "target" and claims.value[k] == claims.value[i] for k in group if k != i)


def _targets(claims: Claims, group: list[int], rules: Rules) -> Iterator[Found]:
    aims = [i for i in group if claims.rows[i].get("status") == "target"]
    facts = [i for i in group if claims.rows[i].get("status") == "actual"]
    for i in facts:
        for aim in aims:
            if claims.value[i] != claims.value[aim] or (
                claims.dated(i) and claims.first_day[i] >= claims.first_day[aim] != NO_DAY
            ):
                continue
            others = [k for k in facts if k != i and (claims.high[k] < claims.low[i] or claims.low[k] > claims.high[i])]
            if others:
                latest = max(others, key=lambda k: claims.last_day[k])
                told = f"{_told(claims, i)} = {_told(claims, aim)} ≠ {_told(claims, latest)}"
                yield Found("target_as_fact", ((i, "fact"), (aim, "target"), (latest, "reported")), told)


def _series(claims: Claims, group: list[int], rules: Rules) -> Iterator[Found]:
    by_subject: dict[str, list[int]] = defaultdict(list)
    for i in group:
        if claims.rows[i].get("status") == "actual" and claims.dated(i):
            by_subject[claims.base[i]].append(i)
    least, limit = rules.threshold("unmoved", 20), rules.threshold("jump", 0.5)
    for members in by_subject.values():
        members.sort(key=lambda i: (claims.first_day[i], i))
        for i, j in pairwise(members):
            measure, unit = str(claims.rows[i].get("measure_en")), str(claims.rows[i].get("unit") or "")
            nature = rules.nature(measure, unit)
            if nature not in STILL or claims.first_day[i] == claims.first_day[j]:
                continue
            earlier, later = claims.value[i], claims.value[j]
            values = {str(claims.rows[k].get("comparator") or "=") for k in (i, j)} <= set(SAYS)
            if values and _moves_not(nature, unit, earlier, later, least):
                yield Found("unmoved", ((i, "earlier"), (j, "later")), f"{_told(claims, i)} = {_told(claims, j)}", float(later))
            years = (claims.first_day[j] - claims.first_day[i]) / 365.25
            if earlier > 0 and later > 0 and 0.5 <= years <= 1.5 and _length(claims, i) == _length(claims, j):
                change = later / earlier - 1
                if (change > limit or change < -limit / (1 + limit)) and max(earlier, later) >= least / 10:
                    told = f"{digits(later)} / {digits(earlier)} - 1 = {digits(100 * change)} %"
                    low, high = earlier / (1 + limit), earlier * (1 + limit)
                    yield Found("jump", ((i, "earlier"), (j, "later")), told, float(later), float(low), float(high))


def _together(claims: Claims, still: list[Found]) -> Iterator[Found]:
    """Series that stand still: several of one document between the same two times are one finding, a stronger one.

    A single stock may well stand still for a year; that many numbers do, to the last digit, says that one of the two years was
    not brought up to date.
    """
    groups: dict[tuple[Any, ...], list[Found]] = defaultdict(list)
    for one in still:
        (i, _), (j, _) = one.members
        groups[claims.rows[j].get("document"), claims.first_day[i], claims.first_day[j]].append(one)
    for group in groups.values():
        if len(group) < MANY_STILL:
            yield from group
            continue
        for at in range(0, len(group), MOST_STILL):
            part = group[at : at + MOST_STILL]
            members = tuple(member for one in part for member in one.members)
            told = f"{len(group)}: " + "; ".join(one.arithmetic for one in part)
            yield Found("unmoved", members, told, float(len(group)), severity="medium", reason=STANDS_STILL)


def _length(claims: Claims, i: int) -> int:
    return int(claims.last_day[i] - claims.first_day[i]) // 40


def _moves_not(nature: str, unit: str, earlier: float, later: float, least: float) -> bool:
    """The same value again, where it would be expected to move: no small count, and no share of nothing or of all."""
    if earlier != later or earlier == 0 or (unit == "%" and earlier == 100):
        return False
    return not (nature == "count" and earlier < least)
