"""What all methods of assessment share: the case that is judged, growth, required growth, and what a method says.

Values, targets and limits [the indicator's unit], years [a]. Numbers are exact fractions of their shortest decimal text, so
that scaling all of them changes nothing. Source: growth as in the progress measure of Statistics Canada (open-sdg, document
"Progress Measurement Methodology"); what is said of zero, of a change of sign and of ranges is a rule of this project.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

Number = Fraction
FAR = 10**9  # how many times the greatest number of a case an open end is taken to be; verdicts do not change beyond
RANGE = re.compile(r"((?:1[89]|2[01])[0-9]{2})(?:\s*[-–—/~至]\s*((?:1[89]|2[01])?[0-9]{2}))?\s*年?")


@dataclass(frozen=True)
class Point:
    """A value of a year; `low` and `high` are its ends where it is a bound, None an open one. Equal ends are a number."""

    year: Fraction
    low: Fraction | None
    high: Fraction | None

    @property
    def known(self) -> Fraction | None:
        """The number, where it is one."""
        return self.low if self.low == self.high else None


@dataclass(frozen=True)
class Case:
    """One judgement: a series of numbers up to the current one, its base, direction (higher, lower, within), target, limit."""

    points: tuple[tuple[Fraction, Fraction], ...]
    direction: str
    target: Fraction | None = None
    target_high: Fraction | None = None
    target_year: Fraction = Fraction(2030)
    limit: Fraction | None = None
    percent: bool = False

    @property
    def base(self) -> Fraction:
        """The value of the base year."""
        return self.points[0][1]

    @property
    def base_year(self) -> Fraction:
        """The base year."""
        return self.points[0][0]

    @property
    def current(self) -> Fraction:
        """The value that is judged."""
        return self.points[-1][1]

    @property
    def current_year(self) -> Fraction:
        """The year that is judged."""
        return self.points[-1][0]

    @property
    def sign(self) -> int:
        """+1 where higher is better, -1 where lower is."""
        return 1 if self.direction == "higher" else -1

    def met_by(self, value: Fraction) -> bool:
        """Whether a value meets the target."""
        if self.target is None:
            return False
        return value >= self.target if self.direction == "higher" else value <= self.target

    @property
    def met(self) -> bool:
        """Whether the current value meets the target."""
        return self.met_by(self.current)


@dataclass(frozen=True)
class Assessed:
    """What a method says: its verdict, its score where it has one, the number that it compares, why not, and its arithmetic."""

    verdict: str
    score: float | None = None
    measure: float | None = None
    reason: str = ""
    arithmetic: str = ""


def refused(reason: str) -> Assessed:
    """A case that a method cannot judge, with the reason. Source: rule of this project."""
    return Assessed("not_assessed", reason=reason)


def number(value: float | Decimal | Fraction | None) -> Fraction | None:
    """A number as the fraction that its shortest decimal text says (0.1 is 1/10); None where it is unknown or not finite.

    Source: rule of this project, as in `status.exact`.
    """
    if value is None or isinstance(value, Fraction):
        return value
    if isinstance(value, (int, Decimal)):
        return Fraction(value) if not isinstance(value, Decimal) or value.is_finite() else None
    return Fraction(repr(float(value))) if math.isfinite(value) else None


def year_of(text: str | int) -> Fraction | None:
    """The middle of a year or of a range of years: `2015`, `2014-2016` (2015), `2019/20` (2019½); None for other texts.

    Source: rule of this project; sdg-build cuts a range to its first four characters instead.
    """
    found = RANGE.fullmatch(str(text).strip())
    if found is None:
        return None
    first = int(found[1])
    if found[2] is None:
        return Fraction(first)
    last = int(found[2]) if len(found[2]) == 4 else first // 100 * 100 + int(found[2])
    return Fraction(first + last, 2) if last >= first else None


def real(value: Fraction) -> float:
    """A fraction as a float; beyond the largest it is infinite. Source: IEEE 754."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def unbounded(value: Fraction) -> float:
    """A change as a share of nothing: without bound on its side, 0 where there is none [1]. Source: rule of this project."""
    return math.inf if value > 0 else -math.inf if value < 0 else 0.0


def growth(value: Fraction, base: Fraction, years: Fraction) -> float | None:
    """Compound annual growth (value / base)^(1 / years) - 1 [1/a]; None where it is not defined: zero, another sign, no years.

    Source: CAGR as in the progress measure of Statistics Canada.
    """
    if base == 0 or years <= 0 or value / base <= 0:
        return None
    ratio = value / base
    power = real(ratio)
    if 0 < power < math.inf:
        return math.pow(power, 1 / real(years)) - 1
    try:  # beyond the range of floats: by logarithms of whole numbers
        return math.expm1((math.log(ratio.numerator) - math.log(ratio.denominator)) / real(years))
    except OverflowError:
        return math.inf


def improvement(case: Case) -> tuple[float, str]:
    """Observed growth in the wanted direction, signed [1/a], and how it was worked out.

    Where compound growth is not defined: the yearly change as a share of the size of the base; from a base of zero any change
    is without bound, none is 0. Source: s * d * CAGR of sdg-build; the rest is a rule of this project.
    """
    years = case.current_year - case.base_year
    found = growth(case.current, case.base, years)
    if found is not None:
        side = -1 if case.base < 0 else 1
        told = f"({shown(case.current)} / {shown(case.base)})^(1/{shown(years)}) - 1 = {found:.6g}"
        return side * case.sign * found, told
    change = case.sign * (case.current - case.base)
    if case.base == 0:
        grown = unbounded(change)
        return grown, f"base 0: {shown(case.current)} - 0, growth {grown:g}"
    grown = real(change / abs(case.base) / years)
    return (
        grown,
        f"linear: ({shown(case.current)} - {shown(case.base)}) / |{shown(case.base)}| / {shown(years)} a = {grown:.6g}",
    )


def share_of_required(case: Case) -> tuple[float, str]:
    """Observed growth as a share of the growth that leads from the base to the target in its year, and its arithmetic.

    Compound growth where it is defined for both and not zero, else linear. Where the base is the target itself nothing is
    required: moved away from it is without bound. The target year must lie behind the base year.
    Source: s * d * CAGR_obs / |CAGR_req| of sdg-build; the linear branch is a rule of this project.
    """
    assert case.target is not None  # noqa: S101  (callers ask only with a target)
    spent, given = case.current_year - case.base_year, case.target_year - case.base_year
    seen, needed = growth(case.current, case.base, spent), growth(case.target, case.base, given)
    if seen is not None and needed and math.isfinite(seen) and math.isfinite(needed):
        side = -1 if case.base < 0 else 1
        found = side * case.sign * seen / abs(needed)
        told = f"CAGR {seen:.6g} / |({shown(case.target)} / {shown(case.base)})^(1/{shown(given)}) - 1 = {needed:.6g}|"
        return found, f"{told} = {found:.6g}"
    moved = case.sign * (case.current - case.base)
    if case.target == case.base:
        return unbounded(moved), f"target = base, moved {shown(moved)}"
    found = real(moved / spent / (abs(case.target - case.base) / given))
    told = f"linear: ({shown(case.current)} - {shown(case.base)}) / {shown(spent)} a / "
    return found, f"{told}(|{shown(case.target)} - {shown(case.base)}| / {shown(given)} a) = {found:.6g}"


def shown(value: Fraction) -> str:
    """A number in a step of arithmetic. Source: rule of this project."""
    return f"{real(value):.7g}"


def banded(value: Fraction, low: Fraction, high: Fraction) -> Fraction:
    """How far a value is outside of a range [its unit], 0 within it. Source: rule of this project."""
    return max(Fraction(0), low - value, value - high)


def corners(points: Sequence[Point], case: Case) -> list[Case]:
    """The cases at the ends of what is known: one where base and current value are numbers, else each end of each.

    Of a range (`within`) the ends are those of the distance to it, judged as a number that is to fall to 0. Points between that
    are no numbers are left out. Source: rule of this project.
    """
    numbers = [end for point in points for end in (point.low, point.high) if end is not None]
    numbers += [end for end in (case.target, case.target_high) if end is not None]
    far = FAR * max((abs(each) for each in numbers), default=Fraction(0)) or Fraction(FAR)
    middle = [(point.year, known) for point in points[1:-1] if (known := point.known) is not None]
    if case.direction == "within" and case.target is not None:
        bounds = case.target, case.target if case.target_high is None else max(case.target, case.target_high)
        case = replace(case, direction="lower", target=Fraction(0), target_high=None, percent=False, limit=None)
        middle = [(year, banded(value, *bounds)) for year, value in middle]
        ends = [_gaps(points[0], bounds, far), _gaps(points[-1], bounds, far)]
    else:
        ends = [_ends(points[0], far), _ends(points[-1], far)]
    return [
        replace(case, points=((points[0].year, base), *middle, (points[-1].year, current)))
        for base in ends[0]
        for current in ends[1]
    ]


def _ends(point: Point, far: Fraction) -> Iterable[Fraction]:
    low = -far if point.low is None else point.low
    high = far if point.high is None else point.high
    return (low,) if low == high else (low, high)


def _gaps(point: Point, bounds: tuple[Fraction, Fraction], far: Fraction) -> Iterable[Fraction]:
    low, high = min(_ends(point, far)), max(_ends(point, far))
    largest = max(banded(low, *bounds), banded(high, *bounds))
    smallest = Fraction(0) if low <= bounds[1] and high >= bounds[0] else min(banded(low, *bounds), banded(high, *bounds))
    return (largest,) if largest == smallest else (smallest, largest)
