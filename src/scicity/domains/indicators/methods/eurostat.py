"""The Eurostat-style measure as the Basque office (EUSTAT) implements it; Eurostat's own annex was not seen.

Growth [1/a], shares [1], scores from -5 to 5. Source: EUSTAT-DES, its changes to sdg-build (unverified as Eurostat's).
"""

from __future__ import annotations

from collections.abc import Sequence

from scicity.domains.indicators.methods.measure import Assessed, Case, improvement, refused, share_of_required, shown
from scicity.domains.indicators.methods.statcan import nearness

SIGNIFICANT, MODERATE = 0.01, 0.001
FULL = 0.02  # growth a year that has the full score


def assess(case: Case) -> Assessed:
    """Judges a case with Eurostat's cuts.

    Without a target: above 1 % a year significant_progress, above 0.1 % moderate_progress, down to -0.1 % neutral, down to
    -1 % moderate_deterioration, else significant_deterioration; cuts above 0 are multiplied by the nearness of a limit. With
    one: above 95 % of the required growth significant_progress, above 60 % moderate_progress, from 0 insufficient_progress,
    else movement_away; met is achieved. Zero, sign and target = base as in `measure`.
    """
    if case.target is None:
        return _growth(case)
    if case.met:
        return Assessed("achieved", 5.0, arithmetic=f"{shown(case.current)} meets {shown(case.target)}")
    if case.target_year <= case.base_year:
        return refused("target_year")
    share, told = share_of_required(case)
    levels = (("significant_progress", share > 0.95), ("moderate_progress", share > 0.6), ("insufficient_progress", share >= 0))
    verdict = next((name for name, true in levels if true), "movement_away")
    return Assessed(verdict, score_of(share), share, arithmetic=told)


def score_of(share: float) -> float:
    """The score of a share of the required growth: 5 from 130 %, 0 at 60 %, -5 from -60 % on down, linear between.

    Source: as the module.
    """
    if share > 1.3:
        return 5.0
    if share >= 0.6:
        return 5 / 0.7 * (share - 0.6)
    return 5 / 1.2 * (share + 0.6) - 5 if share >= -0.6 else -5.0


def _growth(case: Case) -> Assessed:
    found, told = improvement(case)
    factor = nearness(case.base, case.limit)
    levels = (
        ("significant_progress", found > SIGNIFICANT * factor),
        ("moderate_progress", found > MODERATE * factor),
        ("neutral", found >= -MODERATE),
        ("moderate_deterioration", found >= -SIGNIFICANT),
    )
    verdict = next((name for name, true in levels if true), "significant_deterioration")
    scaled = found if found <= 0 else found / factor if factor else FULL
    return Assessed(verdict, max(-5.0, min(5.0, scaled / FULL * 5)), found, arithmetic=told)


def together(parts: Sequence[Assessed]) -> Assessed:
    """Several series as one: the mean score, above 2.5 and 0.25, from -0.25 and -2.5; achieved only if all are.

    Source: as the module.
    """
    scores = [part.score for part in parts if part.score is not None]
    if len(scores) < len(parts) or not parts:
        return refused("part_not_assessed")
    mean = sum(scores) / len(scores)
    levels = (
        ("significant_progress", mean > 2.5),
        ("moderate_progress", mean > 0.25),
        ("neutral", mean >= -0.25),
        ("moderate_deterioration", mean >= -2.5),
    )
    verdict = next((name for name, true in levels if true), "significant_deterioration")
    if all(part.verdict == "achieved" for part in parts):
        verdict = "achieved"
    return Assessed(
        verdict, mean, arithmetic=f"({' + '.join(f'{score:.4g}' for score in scores)}) / {len(scores)} = {mean:.4g}"
    )
