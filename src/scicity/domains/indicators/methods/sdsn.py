"""The arrows of the SDSN's Sustainable Development Report: the yearly change against the change that the target needs.

Shares [%]. Source: SDSN, Sustainable Development Report, methods, not seen themselves (unverified).
"""

from __future__ import annotations

import math

from scicity.domains.indicators.methods.measure import Assessed, Case, real, refused, shown


def assess(case: Case) -> Assessed:
    """Judges a case: on_track from 100 % of the linear change needed, moderately_improving from 50 %, stagnating from 0,
    decreasing below; a met target is on_track.

    The published score from 0 to 100 needs the worst value of all places; the arrow does not, as both changes are scaled alike.
    """
    if case.target is None:
        return refused("no_target")
    if case.met:
        return Assessed("on_track", 100.0, arithmetic=f"{shown(case.current)} meets {shown(case.target)}")
    if case.target_year <= case.base_year:
        return refused("target_year")
    moved, way = case.sign * (case.current - case.base), abs(case.target - case.base)
    spent, given = case.current_year - case.base_year, case.target_year - case.base_year
    if way == 0 or case.met_by(case.base):
        return Assessed("decreasing", measure=-math.inf, arithmetic=f"the base met the target, moved {shown(moved)}")
    share = real(100 * (moved / spent) / (way / given))
    verdict = (
        "on_track" if share >= 100 else "moderately_improving" if share >= 50 else "stagnating" if share >= 0 else "decreasing"
    )
    told = f"100 * ({shown(moved)} / {shown(spent)} a) / ({shown(way)} / {shown(given)} a) = {share:.6g} %"
    return Assessed(verdict, share, share, arithmetic=told)
