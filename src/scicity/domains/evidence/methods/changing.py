"""Changes against the levels that they are between, and series that go from one scope to another.

Values are in the units of their statements [UCUM]. Source: own rules; what they know of measures and units stands in data.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from scicity.domains.evidence.methods.claims import ALIKE, NO_DAY, Claims, likeness, period_of
from scicity.domains.evidence.methods.found import Found, Rules, digits, scope_words

FEWEST_SIGNS = 4  # of a subject without its scope
MOST = 80  # statements of one measure that are looked at as a series


def changing(claims: Claims, rules: Rules) -> list[Found]:
    """Percentages of change that their two levels contradict, and one series told of two scopes.

    change [%] = 100 (later / earlier - 1). Source: arithmetic.
    """
    return [*_levels(claims, rules), *_scopes(claims)]


def _levels(claims: Claims, rules: Rules) -> Iterator[Found]:
    within = rules.threshold("growth_apart", 0.02)
    levels = [
        i
        for i, row in enumerate(claims.rows)
        if row.get("unit") not in ("%", "[pp]", "{year}") and np.isfinite(claims.value[i])
    ]
    for i, row in enumerate(claims.rows):
        if row.get("unit") != "%" or not row.get("baseline_period") or not np.isfinite(claims.value[i]):
            continue
        if rules.nature(str(row.get("measure_en")), "%") != "change":
            continue
        sign = -1 if str(row.get("measure_en")).endswith("reduction") else 1
        try:
            before = period_of(str(row["baseline_period"]))
        except ValueError:
            continue
        mine = [j for j in levels if _one(claims, i, j)]
        later = [j for j in mine if claims.first_day[j] == claims.first_day[i] and claims.last_day[j] == claims.last_day[i]]
        earlier = [j for j in mine if before and (claims.first_day[j], claims.last_day[j]) == before]
        for a in later[:1]:
            for b in [j for j in earlier if claims.rows[j].get("measure_en") == claims.rows[a].get("measure_en")][:1]:
                change = 100 * (claims.value[a] / claims.value[b] - 1) if claims.value[b] else float("inf")
                if abs(change - sign * claims.value[i]) > max(0.06, within * abs(claims.value[i])):
                    told = f"{digits(claims.value[a])} / {digits(claims.value[b])} - 1 = {digits(change)} %"
                    told += f" ≠ {digits(sign * claims.value[i])} %"
                    yield Found(
                        "growth_apart",
                        ((i, "change"), (a, "later"), (b, "earlier")),
                        told,
                        float(sign * claims.value[i]),
                        float(change),
                        float(change),
                        "%",
                    )


def _one(claims: Claims, i: int, j: int) -> bool:
    first, second = claims.rows[i].get("subject_en"), claims.rows[j].get("subject_en")
    return bool((first and first == second) or claims.subject[i] == claims.subject[j])


def _scopes(claims: Claims) -> Iterator[Found]:
    by_measure: dict[tuple[Any, Any], list[int]] = {}
    for i, row in enumerate(claims.rows):
        if row.get("status") == "actual" and claims.first_day[i] != NO_DAY and np.isfinite(claims.value[i]):
            by_measure.setdefault((row.get("measure_en"), row.get("unit")), []).append(i)
    for members in by_measure.values():
        members.sort(key=lambda i: (claims.first_day[i], i))
        for j in members[:MOST]:
            before = [i for i in members[:MOST] if claims.first_day[i] < claims.first_day[j] and _same_base(claims, i, j)]
            i = before[-1] if before else j
            said = claims.scope[i] and claims.scope[j]  # one that says none may be of the same
            if said and claims.scope[i] != claims.scope[j]:
                words = [scope_words(claims.scope[k]) for k in (i, j)]
                told = f"{claims.rows[i].get('stated_period')}: {words[0]} → {claims.rows[j].get('stated_period')}: {words[1]}"
                yield Found("scope_mixed", ((i, "earlier"), (j, "later")), told)


def _same_base(claims: Claims, i: int, j: int) -> bool:
    mine, theirs = claims.base[i], claims.base[j]
    return min(len(mine), len(theirs)) >= FEWEST_SIGNS and likeness(mine, theirs) >= ALIKE
