"""The two measures of ESCAP's progress reports: the current status index, and anticipated progress.

Index from 0 (base) to 10 (target), gap [%]. Source: ESCAP, Asia and the Pacific SDG Progress Report, technical notes, not
seen themselves (unverified): formulas and cuts as other offices tell them; the weights of the regression are this project's.
"""

from __future__ import annotations

from fractions import Fraction

from scicity.domains.indicators.methods.measure import Assessed, Case, real, refused, shown

MAINTAIN, REVERSE = 10, 100  # percent of the progress needed


def current_status(case: Case) -> Assessed:
    """How much of the way from base to target is made, times 10: D * (current - base) / |target - base|.

    achieved where the target is met, progress above 0, no_change at 0, regress below. For a range it is 10 - 10 * distance now
    / distance then (the parity form). Where base and target are one, a value that left them is regress without a number.
    """
    if case.target is None:
        return refused("no_target")
    way = abs(case.target - case.base)
    moved = case.sign * (case.current - case.base)
    if way == 0:
        told = f"target = base, moved {shown(moved)}"
        return Assessed("achieved", 10.0, arithmetic=told) if case.met else Assessed("regress", arithmetic=told)
    index = real(10 * moved / way)
    verdict = "achieved" if case.met else "progress" if moved > 0 else "no_change" if moved == 0 else "regress"
    told = f"10 * ({shown(case.current)} - {shown(case.base)}) * {case.sign} / |{shown(case.target)} - {shown(case.base)}|"
    return Assessed(verdict, index, index, arithmetic=f"{told} = {index:.6g}")


def anticipated(case: Case) -> Assessed:
    """The gap that is left in the target's year if the trend goes on, in percent of the progress needed since the base.

    Up to 10 % maintain, up to 100 % accelerate, above reverse. The trend is a straight line fitted to all points, later ones
    weighing more (the first 1, each year 1 more). A target that is met and stays so is maintain. At least two points.
    """
    if case.target is None:
        return refused("no_target")
    if case.target_year <= case.base_year:
        return refused("target_year")
    slope, middle, centre = _line(case.points)
    ahead = max(case.target_year, case.current_year)
    expected = centre + slope * (ahead - middle)
    short = case.sign * (case.target - expected)
    told = f"trend {shown(slope)} a year, expected in {shown(ahead)} = {shown(expected)}"
    if short <= 0:
        return Assessed("maintain", 0.0, 0.0, arithmetic=told)
    way = abs(case.target - case.base)
    if way == 0:
        return Assessed("reverse", arithmetic=f"{told}; target = base")
    gap = real(100 * short / way)
    verdict = "maintain" if gap <= MAINTAIN else "accelerate" if gap <= REVERSE else "reverse"
    told += f"; gap = 100 * {shown(short)} / {shown(way)} = {gap:.6g} %"
    return Assessed(verdict, gap, gap, arithmetic=told)


def _line(points: tuple[tuple[Fraction, Fraction], ...]) -> tuple[Fraction, Fraction, Fraction]:
    """Slope, weighted mean year and weighted mean value, exactly."""
    first = points[0][0]
    weights = [year - first + 1 for year, _ in points]
    whole = sum(weights, Fraction(0))
    middle = sum((w * year for w, (year, _) in zip(weights, points, strict=True)), Fraction(0)) / whole
    centre = sum((w * value for w, (_, value) in zip(weights, points, strict=True)), Fraction(0)) / whole
    spread = sum((w * (year - middle) ** 2 for w, (year, _) in zip(weights, points, strict=True)), Fraction(0))
    both = sum((w * (year - middle) * (value - centre) for w, (year, value) in zip(weights, points, strict=True)), Fraction(0))
    return both / spread, middle, centre
