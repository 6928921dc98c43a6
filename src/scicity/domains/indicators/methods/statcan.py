"""The progress measure of Statistics Canada, as sdg-build implements it (`ProgressMeasure.py`, 2.4).

Growth and shares [1/a and 1], scores from -5 to 5. Source: open-sdg, "Progress Measurement Methodology for the Sustainable
Development Goals"; open-sdg/sdg-build 2.4, `sdg/ProgressMeasure.py`, read at commit 139fede.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from scicity.domains.indicators.methods.measure import Assessed, Case, improvement, real, refused, share_of_required, shown

SUBSTANTIAL, MODERATE, LIMITED = 0.015, 0.005, 0.0
ON_TRACK, ACCELERATE = 0.95, 0.60
NEAR = 4.44


def assess(case: Case) -> Assessed:
    """Judges a case: achieved, substantial, moderate, limited or deterioration, with the published score.

    Without a target the growth is compared with 1.5 %, 0.5 % and 0 a year, times `nearness` of a limit; with one, the share of
    the required growth with 95 %, 60 % and 0. A met target is achieved, with 5. Exact where the published code is not: a base
    or target of zero is not 0.001, a change of sign is judged (see `measure`), and a target that equals the base, once left,
    is a deterioration with -5. Raises nothing; a target year that is not behind the base year is not assessed.
    """
    if case.target is None:
        return _growth(case)
    if case.met:
        return Assessed("achieved", 5.0, arithmetic=f"{shown(case.current)} meets {shown(case.target)}")
    if case.target_year <= case.base_year:
        return refused("target_year")
    share, told = share_of_required(case)
    verdict = (
        "substantial"
        if share >= ON_TRACK
        else "moderate"
        if share >= ACCELERATE
        else "limited"
        if share >= 0
        else "deterioration"
    )
    score = min(7.1429 * share - 4.2857, 5.0) if share >= ACCELERATE else max(4.1667 * share - 2.5, -5.0)
    return Assessed(verdict, score, share, arithmetic=told)


def _growth(case: Case) -> Assessed:
    found, told = improvement(case)
    factor = nearness(case.base, case.limit)
    if case.limit is not None:
        told += f"; C = {factor:.6g}"
    levels = (("substantial", SUBSTANTIAL), ("moderate", MODERATE), ("limited", LIMITED))
    verdict = next((name for name, cut in levels if found >= cut * factor), "deterioration")
    return Assessed(verdict, _score(found, verdict, factor), found, arithmetic=told)


def _score(found: float, verdict: str, factor: float) -> float:
    if verdict == "deterioration":
        return max(125 * found - 2.5, -5.0)
    if factor == 0:
        return 5.0
    if verdict == "substantial":
        return min(500 * found / factor - 5, 5.0)
    return 250 * found / factor - 1.25 if verdict == "moderate" else 500 * found / factor - 2.5


def nearness(base: Fraction, limit: Fraction | None) -> float:
    """The factor C from 0 (at a natural limit) to 1 (far away from it, or none) that thresholds are multiplied by.

    1 - (base / L)^4.44 below a limit L, 1 - ((2 L - base) / L)^4.44 from it up to 2 L, of sizes without sign.
    Source: scaling factor of the progress measure of Statistics Canada.
    """
    if limit is None or abs(base) >= 2 * abs(limit):
        return 1.0
    share = abs(base) / abs(limit)
    return 1 - real(share if share <= 1 else 2 - share) ** NEAR


def together(parts: Sequence[Assessed]) -> Assessed:
    """Several series as one: the mean score, from 2.5, 0 and -2.5 on; achieved only if all are.

    Source: aggregation of the progress measure of Statistics Canada.
    """
    scores = [part.score for part in parts if part.score is not None]
    if len(scores) < len(parts) or not parts:
        return refused("part_not_assessed")
    mean = sum(scores) / len(scores)
    levels = (("substantial", 2.5), ("moderate", 0.0), ("limited", -2.5))
    verdict = next((name for name, cut in levels if mean >= cut), "deterioration")
    if all(part.verdict == "achieved" for part in parts):
        verdict = "achieved"
    told = " + ".join(f"{score:.4g}" for score in scores)
    return Assessed(verdict, mean, arithmetic=f"({told}) / {len(scores)} = {mean:.4g}")
