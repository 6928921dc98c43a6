"""The progress chart of the UN Statistics Division, as the Basque office (EUSTAT) describes and uses it.

Growth [1/a], shares [1], scores 1 to 3. Source: UNSD, Progress Chart Technical Note 2023, as told on EUSTAT's page on
measuring progress; the note itself was not seen (unverified).
"""

from __future__ import annotations

import math
from fractions import Fraction

from scicity.domains.indicators.methods.measure import Assessed, Case, growth, improvement, real, refused, shown, unbounded

ON_TRACK, FAIR = 0.95, 0.10
RISE, SLOW = 0.02, 0.005
CLOSE = 1  # percentage points from 0 % or 100 % that count as met


def assess(case: Case) -> Assessed:
    """Judges a case: achieved or on_track (3), fair_progress (2), stagnation (1).

    With a target: the value expected in its year at the observed growth, as a share r of the way from base to target; 0.95 and
    0.10 are the cuts. Without: growth in the wanted direction from 2 % and from 0.5 % a year. A target of 0 % or 100 % is met
    within one point. Once its year is over, the value of today stands for the expected one. Where compound growth is not
    defined the expected value lies on a straight line. A base that met the target and a value that does not is stagnation: the
    published share would call going through the target on track.
    """
    if case.target is None:
        return _growth(case)
    if case.met or (case.percent and case.target in (0, 100) and abs(case.current - case.target) <= CLOSE):
        return Assessed("achieved", 3.0, arithmetic=f"{shown(case.current)} meets {shown(case.target)}")
    if case.target_year <= case.base_year:
        return refused("target_year")
    if case.met_by(case.base):
        told = f"base {shown(case.base)} met {shown(case.target)}, {shown(case.current)} does not"
        return Assessed("stagnation", 1.0, arithmetic=told)
    expected, told = _expected(case)
    way = case.target - case.base
    share = real((expected - case.base) / way) if isinstance(expected, Fraction) else expected if way > 0 else -expected
    verdict, score = _scored(share, ON_TRACK, FAIR)
    told += f"; r = (expected - {shown(case.base)}) / ({shown(case.target)} - {shown(case.base)}) = {share:.6g}"
    return Assessed(verdict, score, share, arithmetic=told)


def _expected(case: Case) -> tuple[Fraction | float, str]:
    left = max(Fraction(0), case.target_year - case.current_year)
    spent = case.current_year - case.base_year
    found = growth(case.current, case.base, spent)
    if found is None:
        value = case.current + (case.current - case.base) / spent * left
        return value, f"linear: expected in {shown(case.target_year)} = {shown(value)}"
    try:
        grown = (1 + found) ** real(left)
    except OverflowError:
        grown = math.inf
    told = f"expected = {shown(case.current)} * (1 + {found:.6g})^{shown(left)}"
    if not math.isfinite(grown):
        return unbounded(case.current), told
    value = case.current * Fraction(grown)
    return value, f"{told} = {shown(value)}"


def _growth(case: Case) -> Assessed:
    found, told = improvement(case)
    verdict, score = _scored(found, RISE, SLOW)
    return Assessed(verdict, score, found, arithmetic=told)


def _scored(found: float, high: float, low: float) -> tuple[str, float]:
    return ("on_track", 3.0) if found >= high else ("fair_progress", 2.0) if found >= low else ("stagnation", 1.0)
