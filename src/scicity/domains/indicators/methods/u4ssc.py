"""The city snapshot of United for Smart Sustainable Cities: a value as a share of its target, whatever its trend.

Shares [%]. Source: U4SSC, city snapshots (the four colours), not seen themselves (unverified).
"""

from __future__ import annotations

from scicity.domains.indicators.methods.measure import Assessed, Case, real, refused, shown

CUTS = ((95, "from_95"), (66, "from_66"), (33, "from_33"))


def assess(case: Case) -> Assessed:
    """Judges a case: from_95, from_66, from_33 or below_33 percent of the target; where lower is better the share is turned.

    A met target is from_95. A share needs a value and a target above zero; others are not assessed. For a range the share of
    the distance is no share of a target: it is met, or not assessed.
    """
    if case.target is None:
        return refused("no_target")
    if case.met:
        return Assessed("from_95", 100.0, arithmetic=f"{shown(case.current)} meets {shown(case.target)}")
    if case.target <= 0 or case.current < 0:
        return refused("not_positive")
    share = real(100 * (case.current / case.target if case.direction == "higher" else case.target / case.current))
    verdict = next((name for cut, name in CUTS if share >= cut), "below_33")
    told = f"{shown(case.current)}, target {shown(case.target)}: {share:.6g} %"
    return Assessed(verdict, share, share, arithmetic=told)
