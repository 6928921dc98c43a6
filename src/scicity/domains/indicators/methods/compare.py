"""The methods side by side over one series, what their verdicts have in common, and where they flip.

Values and targets [the indicator's unit]. Source: rule of this project; the methods name their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from scicity.domains.indicators.methods import escap, eurostat, sdsn, statcan, status, u4ssc, unsd
from scicity.domains.indicators.methods.measure import Assessed, Case, Point, corners, number, refused
from scicity.domains.indicators.methods.status import AT_LEAST, AT_MOST, Value

METHODS: Mapping[str, Callable[[Case], Assessed]] = {
    "statcan": statcan.assess,
    "eurostat": eurostat.assess,
    "unsd": unsd.assess,
    "escap_status": escap.current_status,
    "escap_anticipated": escap.anticipated,
    "sdsn": sdsn.assess,
    "u4ssc": u4ssc.assess,
}
STATE = "u4ssc"  # judges a value and not a way: needs no base
SINGLE = ("statcan", "eurostat", "unsd", "sdsn", STATE)
TOGETHER = {"statcan": statcan.together, "eurostat": eurostat.together}
# What verdicts have in common: as wished, too slow, or standing still and worse. What is not here is no judgement.
STANDING = {
    **dict.fromkeys(("achieved", "substantial", "significant_progress", "on_track", "maintain", "from_95"), "good"),
    **dict.fromkeys(("moderate", "limited", "moderate_progress", "insufficient_progress", "fair_progress"), "slow"),
    **dict.fromkeys(("progress", "accelerate", "moderately_improving", "from_66", "from_33"), "slow"),
    **dict.fromkeys(("deterioration", "neutral", "moderate_deterioration", "significant_deterioration"), "bad"),
    **dict.fromkeys(("movement_away", "stagnation", "no_change", "regress", "reverse"), "bad"),
    **dict.fromkeys(("stagnating", "decreasing", "below_33"), "bad"),
}
AGREEMENTS = ("opposite", "differ", "agree", "single", "none")
WORST_FIRST = ("bad", "slow", "good")
BASE_YEAR = 2015  # of the published methods, or the next year with a number


@dataclass(frozen=True)
class Judged:
    """What a method says of a value, with the base that it starts from; `low` and `high` where an end of a bound differs."""

    method: str
    assessed: Assessed
    base: Value | None = None
    low: str | None = None
    high: str | None = None


def side_by_side(
    history: Sequence[Value],
    direction: str,
    target: status.Target | None,
    minimum_coverage: float = 1.0,
    limit: float | None = None,
    percent: bool = False,
    base_year: int | None = None,
) -> list[Judged]:
    """All methods over the newest value of a history of one origin, which is judged from the value of the base year.

    The base is the first number or bound of `base_year` or later (2015 without one, as published), or where there is none, the
    first of all. Values without a number and those that are covered too little are left out; a newest one of these is
    `no_value` or `incomplete`. Pairs are judged half by half: StatCan and Eurostat by the mean of the scores, others by the
    worse half. Each end of a bound is judged, and where the verdicts differ it is `undecided`. One number alone is judged by
    methods for which a met target is met whatever its base was, and by U4SSC. Source: as the module.
    """
    ordered = sorted(history, key=lambda each: each.year)
    newest = ordered[-1]
    if newest.value is None or number(newest.value) is None:
        return [Judged(name, refused("no_value")) for name in METHODS]
    if newest.coverage is not None and newest.coverage < minimum_coverage:
        return [Judged(name, refused("incomplete")) for name in METHODS]
    if direction == "none" or (direction == "within" and target is None):
        return [Judged(name, refused("no_direction")) for name in METHODS]
    usable = [each for each in ordered if _usable(each, newest, minimum_coverage)]
    first = BASE_YEAR if base_year is None else base_year
    begun = [each for each in usable if each.year >= first]
    series = begun if len(begun) > 1 else usable
    frame = _frame(direction, target, limit, percent)
    if len(series) < 2:
        return _single(newest, frame)
    if newest.kind != "pair":
        return [replace(each, base=series[0]) for each in judge([_point(each) for each in series], frame)]
    halves = _halves(series, frame, target)
    if halves is None:
        return [Judged(name, refused("one_target_for_a_pair"), series[0]) for name in METHODS]
    return [_both(name, *pair, base=series[0]) for name, pair in _by_method(halves).items()]


def _single(newest: Value, frame: Case) -> list[Judged]:
    if frame.target is None or newest.kind == "pair":
        return [Judged(name, refused("one_point")) for name in METHODS]
    cases = corners([_point(newest)] * 2, frame)
    found = []
    for name, assess in METHODS.items():
        each = [assess(case) if name in SINGLE and (case.met or name == STATE) else refused("one_point") for case in cases]
        found.append(_of_ends(name, each))
    return found


def judge(points: Sequence[Point], frame: Case) -> list[Judged]:
    """All methods over points, each end of a bound by itself; `frame` holds direction, target, limit. Source: as the module."""
    cases = corners(points, frame)
    return [_of_ends(name, [assess(case) for case in cases]) for name, assess in METHODS.items()]


def agreement(verdicts: Iterable[str]) -> str:
    """How the verdicts of several methods stand to one another: opposite (one good, one bad), differ, agree, single or none.

    Source: as the module.
    """
    found = [STANDING[verdict] for verdict in verdicts if verdict in STANDING]
    kinds = set(found)
    if not found:
        return "none"
    if len(found) == 1:
        return "single"
    return "agree" if len(kinds) == 1 else "opposite" if {"good", "bad"} <= kinds else "differ"


def _of_ends(name: str, found: Sequence[Assessed]) -> Judged:
    verdicts = {each.verdict for each in found}
    if len(verdicts) == 1:
        scores = {each.score for each in found}
        each = found[0] if len(scores) == 1 else replace(found[0], score=None, measure=None)
        return Judged(name, each)
    ranked = sorted(found, key=lambda each: WORST_FIRST.index(STANDING.get(each.verdict, "bad")))
    told = " | ".join(each.arithmetic for each in found)
    undecided = Assessed("undecided", reason="bound", arithmetic=told)
    return Judged(name, undecided, low=ranked[0].verdict, high=ranked[-1].verdict)


def _usable(each: Value, newest: Value, minimum_coverage: float) -> bool:
    known = each.value is not None and number(each.value) is not None
    covered = each.coverage is None or each.coverage >= minimum_coverage
    return known and covered and (each.kind == "pair") == (newest.kind == "pair")


def _frame(direction: str, target: status.Target | None, limit: float | None, percent: bool) -> Case:
    if target is None:
        return Case((), direction, limit=number(limit), percent=percent)
    ends = number(target.value), number(target.high) if direction == "within" else None
    return Case((), direction, *ends, Fraction(target.year), number(limit), percent)


def _point(each: Value, *, high: bool = False) -> Point:
    found = number(each.high if high else each.value)
    low_open, high_open = each.comparator in AT_MOST, each.comparator in AT_LEAST
    return Point(Fraction(each.year), None if low_open else found, None if high_open else found)


def _halves(series: Sequence[Value], frame: Case, target: status.Target | None) -> tuple[list[Judged], list[Judged]] | None:
    if frame.direction == "within" or (target is not None and target.high is None):
        return None
    complete = [each for each in series if each.high is not None]
    if len(complete) < 2 or complete[-1] is not series[-1]:
        return None
    second = replace(frame, target=None if target is None else number(target.high))
    plain = [replace(each, comparator="=") for each in complete]
    return judge([_point(each) for each in plain], frame), judge([_point(each, high=True) for each in plain], second)


def _by_method(halves: tuple[list[Judged], list[Judged]]) -> dict[str, tuple[Assessed, Assessed]]:
    return {one.method: (one.assessed, other.assessed) for one, other in zip(*halves, strict=True)}


def _both(name: str, one: Assessed, other: Assessed, base: Value) -> Judged:
    if name in TOGETHER:
        return Judged(name, TOGETHER[name]([one, other]), base)
    if "not_assessed" in (one.verdict, other.verdict):
        return Judged(name, one if one.verdict == "not_assessed" else other, base)
    worse = min((one, other), key=lambda each: (WORST_FIRST.index(STANDING.get(each.verdict, "bad")), each.score or 0.0))
    return Judged(name, replace(worse, arithmetic=f"{one.arithmetic} | {other.arithmetic}"), base)
