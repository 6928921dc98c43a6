"""How far an indicator is from its target, and whether it is on its way there.

Values and distances [the indicator's unit]. Source: rule of this project (README of the domain).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

METHOD = "linear_path"
DIRECTIONS = ("higher", "lower", "within", "none")
PROGRESS = (
    *("achieved", "missed", "on_track", "behind", "undecided", "no_baseline", "incomplete"),
    *("no_target", "no_value", "pending", "text"),
)
WORST_FIRST = ("missed", "behind", "undecided", "no_baseline", "on_track", "achieved")
AT_LEAST, AT_MOST = (">=", ">", "over"), ("<=", "<")
KINDS_WITHOUT_NUMBER = {"pending": "pending", "text": "text", "none": "no_value"}


@dataclass(frozen=True)
class Value:
    """An indicator's value of a year [its unit]; `high` is the second number of a pair; null is unknown."""

    year: int
    value: float | None
    high: float | None = None
    comparator: str = "="
    kind: str = "number"
    coverage: float | None = None


@dataclass(frozen=True)
class Target:
    """What was promised for a year [the indicator's unit]; `high` is the upper end of a range or a pair's second target."""

    year: int
    value: float
    high: float | None = None
    document: str = ""


@dataclass(frozen=True)
class Status:
    """The judgement of one value: the target that counts, the baseline, the distance [its unit, 0 when met], progress."""

    progress: str
    target: Target | None = None
    baseline: Value | None = None
    distance: float | None = None


@dataclass(frozen=True)
class Span:
    """The numbers that a value can be; an end of None is open to infinity, a `strict` end is not reached itself."""

    low: Fraction | None
    high: Fraction | None
    strict: bool = False

    @property
    def point(self) -> Fraction | None:
        """The number, where it is only one."""
        return self.low if self.low == self.high else None


def status_of(
    value: Value, history: Sequence[Value], targets: Sequence[Target], direction: str, minimum_coverage: float
) -> Status:
    """Judges one value of an indicator, zone and origin against its targets.

    The target that counts is the next one, or the last where all years are over. A value that meets it is `achieved`; one
    that does not is `missed` from the target's year on. Before that year it is `on_track` while its distance d to the
    target is not greater than on the straight line from the baseline (year y0, distance d0) to the target (year yT):
    d <= d0 * (yT - y) / (yT - y0), and `behind` otherwise. The baseline is the earliest number of the same `history`; the
    method needs one before the value's year. Distances: max(0, T - v) where higher is better, max(0, v - T) where lower is,
    the way to the nearer end for a range. Numbers are compared as exact fractions of their shortest decimal text.

    A bound is a half-line: `>10.6` proves "at least 10" but not "at most 12"; what it does not prove is `undecided`.
    `~` counts as its number. A pair meets a pair of targets if both do, and is as good as its worse half. Coverage below
    `minimum_coverage` (0 to 1) is not judged (`incomplete`), and is no baseline. Raises ValueError for another direction.

    Source: linear path as in the UNSD progress chart and SDSN arrows, with the observed value in place of a projection;
    scores and projections of these methods are not taken.
    """
    if direction not in DIRECTIONS:
        raise ValueError(f"direction {direction!r} is not one of {', '.join(DIRECTIONS)}")
    target = target_at(targets, value.year)
    if target is None or direction == "none":
        return Status("no_target")
    if value.value is None:
        return Status(KINDS_WITHOUT_NUMBER.get(value.kind, "no_value"), target)
    baseline = baseline_of(value, history, minimum_coverage)
    if value.coverage is not None and value.coverage < minimum_coverage:
        return Status("incomplete", target, baseline)
    if value.kind == "pair":
        return _pair(value, target, baseline, direction)
    if direction == "within" and target.high is None:
        return Status("undecided", target, baseline)
    band = band_of(target.value, target.high, direction)
    start = exact(baseline.value) if baseline is not None else None
    progress = _progress(span_of(value.value, value.comparator), band, value.year, target.year, baseline, start)
    return Status(progress, target, baseline, distance_of(span_of(value.value, value.comparator), band))


def target_at(targets: Sequence[Target], year: int) -> Target | None:
    """The target that counts in a year: the next one (of this year or later), else the last one; None without any."""
    following = [target for target in targets if target.year >= year]
    if following:
        return min(following, key=lambda target: target.year)
    return max(targets, key=lambda target: target.year, default=None)


def baseline_of(value: Value, history: Sequence[Value], minimum_coverage: float) -> Value | None:
    """The earliest number before the value's year that is of the same kind and covered; None without any."""
    known = [
        earlier
        for earlier in history
        if earlier.value is not None
        and earlier.year < value.year
        and earlier.kind in ("number", "pair")
        and (earlier.kind == "pair") == (value.kind == "pair")
        and (earlier.coverage is None or earlier.coverage >= minimum_coverage)
    ]
    return min(known, key=lambda earlier: earlier.year, default=None)


def exact(number: float | None) -> Fraction | None:
    """A number as the fraction that its shortest decimal text says (0.1 is 1/10)."""
    return None if number is None else Fraction(repr(float(number)))


def span_of(value: float, comparator: str) -> Span:
    """The numbers that a value with a comparator can be."""
    number = exact(value)
    if comparator in AT_LEAST:
        return Span(number, None, comparator != ">=")
    if comparator in AT_MOST:
        return Span(None, number, comparator == "<")
    return Span(number, number)


def band_of(target: float, high: float | None, direction: str) -> Span:
    """The numbers that meet a target."""
    if direction == "within":
        return Span(exact(target), exact(high))
    return Span(exact(target), None) if direction == "higher" else Span(None, exact(target))


def meets(span: Span, band: Span) -> bool | None:
    """Whether a value is within a band: True or False where it is certain, None where the bound leaves it open."""
    above = band.low is None or (span.low is not None and span.low >= band.low)
    below = band.high is None or (span.high is not None and span.high <= band.high)
    if above and below:
        return True
    too_low = band.low is not None and span.high is not None and (span.high, not span.strict) < (band.low, True)
    too_high = band.high is not None and span.low is not None and (-span.low, not span.strict) < (-band.high, True)
    return False if too_low or too_high else None


def distance_of(span: Span, band: Span) -> float | None:
    """How far a value is from a band [the unit of both]: 0 within it, None where a bound does not tell."""
    if meets(span, band):
        return 0.0
    return float(_gap(span.point, band)) if span.point is not None else None


def _gap(point: Fraction, band: Span) -> Fraction:
    short = band.low - point if band.low is not None else Fraction(0)
    over = point - band.high if band.high is not None else Fraction(0)
    return max(Fraction(0), short, over)


def _progress(span: Span, band: Span, year: int, target_year: int, baseline: Value | None, start: Fraction | None) -> str:
    met = meets(span, band)
    if met:
        return "achieved"
    if year >= target_year:
        return "undecided" if met is None else "missed"
    if baseline is None or start is None:
        return "undecided" if met is None else "no_baseline"
    left = Fraction(target_year - year, target_year - baseline.year)
    allowed = _gap(start, band) * left
    path = Span(None if band.low is None else band.low - allowed, None if band.high is None else band.high + allowed)
    on_path = meets(span, path)
    return "undecided" if on_path is None else "on_track" if on_path else "behind"


def _pair(value: Value, target: Target, baseline: Value | None, direction: str) -> Status:
    if value.value is None or value.high is None or target.high is None or direction == "within":
        return Status("undecided", target, baseline)
    starts = (None, None) if baseline is None else (exact(baseline.value), exact(baseline.high))
    halves = [
        _progress(span_of(part, "="), band_of(promised, None, direction), value.year, target.year, baseline, start)
        for part, promised, start in zip((value.value, value.high), (target.value, target.high), starts, strict=True)
    ]
    return Status(min(halves, key=WORST_FIRST.index), target, baseline)
