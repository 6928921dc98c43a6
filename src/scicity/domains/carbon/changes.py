"""Why the emissions of a year are others than those of the year before: the activity, the factor, or what is known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import ibis

from scicity.domains.carbon.methods.accounts import OTHER, ROOT, UNKNOWN
from scicity.kernel.tables import Read, derived

_KEYS = ("building", "carrier", "emission_scope", "month")


@derived(
    reads={
        "monthly": Read(
            "carbon.emission_monthly",
            columns=(*_KEYS, "accounted_energy", "emission_factor", "emission", "review", "stand_in"),
            margin=timedelta(days=366),
        ),
        "buildings": Read("buildings.building", columns=("building", "zone")),
    },
    columns=[
        *("zone", "carrier", "emission_scope", "year", "previous_emission", "emission", "emission_change"),
        *("change_by_activity", "change_by_factor", "change_by_coverage", "review", "stand_in"),
    ],
    grain=["zone", "carrier", "emission_scope", "year"],
    period="year",
    time="year",
    title_zh="碳排放变化的原因",
    title_en="Why emissions changed",
)
def change_cause(monthly: Any, buildings: Any) -> Any:
    """The difference of a year's emissions of buildings (scopes 1 and 2) from the year before, by its causes.

    By activity: another energy at the factor of the year before. By factor: another factor at the energy of this year. By
    coverage: months of a building that are known in one of the years only. The three are the difference, to the last digit.
    """
    monthly = monthly.filter(monthly.emission_scope != OTHER)  # of which there is no energy
    before = monthly.mutate(month=(monthly.month + ibis.interval(years=1)).cast("date"))
    before = before.select(
        *_KEYS,
        before_energy="accounted_energy",
        before_factor="emission_factor",
        before_emission="emission",
        before_review="review",
        before_stand_in="stand_in",
    )
    both = monthly.outer_join(before, list(_KEYS))
    both = both.mutate(**{name: ibis.coalesce(both[name], both[f"{name}_right"]) for name in _KEYS})
    zero = ibis.literal(0).cast(UNKNOWN)
    now, was = (ibis.coalesce(both[name], zero) for name in ("emission", "before_emission"))
    comparable = both.emission.notnull() & both.before_emission.notnull() & both.before_factor.notnull()
    difference = (now - was).cast(UNKNOWN)
    more = ((both.accounted_energy - both.before_energy).cast(UNKNOWN) * both.before_factor).cast(UNKNOWN)
    by_activity = ibis.ifelse(both.emission_factor == both.before_factor, difference, more)
    both = both.mutate(
        now=now,
        was=was,
        changed=difference,
        by_activity=ibis.ifelse(comparable, by_activity, zero),
        by_factor=ibis.ifelse(comparable, (difference - by_activity).cast(UNKNOWN), zero),
        by_coverage=ibis.ifelse(comparable, zero, difference),
        year=both.month.year().cast("int64"),
        either_review=ibis.least(
            ibis.coalesce(both.review, both.before_review), ibis.coalesce(both.before_review, both.review)
        ),
        either_stand_in=ibis.coalesce(both.stand_in, False) | ibis.coalesce(both.before_stand_in, False),
    )
    rows = both.inner_join(buildings, "building")
    rows = rows.union(rows.mutate(zone=ibis.literal(ROOT)))
    sums = rows.group_by("zone", "carrier", "emission_scope", "year").agg(
        previous_emission=rows.was.sum(),
        emission=rows.now.sum(),
        emission_change=rows.changed.sum(),
        change_by_activity=rows.by_activity.sum(),
        change_by_factor=rows.by_factor.sum(),
        change_by_coverage=rows.by_coverage.sum(),
        review=rows.either_review.min(),
        stand_in=rows.either_stand_in.max(),
        known_before=rows.before_emission.notnull().any(),
        known_now=rows.emission.notnull().any(),
    )
    return sums.filter(sums.known_before & sums.known_now)
