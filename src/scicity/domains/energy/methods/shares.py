"""The energy of buildings shared among labels (enterprises, sub-items) by their heads, as expressions [kWh, s].

Source: `trees` for what a head is. Everything adds up: the labels of a building, what bears none, and what nobody can tell
are together what its main meters took, to the last digit.
"""

from __future__ import annotations

from typing import Any

import ibis

from scicity.domains.energy.methods.accounts import EXACT, covered, days_in, known, net, of_hours

UNATTRIBUTED = "unattributed"
SUMMED = ("energy", "estimated_energy", "known_seconds", "expected_seconds", "flags", "stand_in")


def shared_by_day(hourly: Any, daily: Any, meters: Any, heads: Any, without: str) -> Any:
    """Energy [kWh] by building, carrier, label and day: each head counts for its label and is taken off the label above.

    `hourly`: the ledger; `daily`: its days by meter, flow and building; `heads`: meter, label, above, above_label, first_day,
    last_day, valid_from, valid_to, whole_days. `without` is the label of what bears none. Where the whole or a part that is
    taken off it is not wholly known on a day, what is left of that day is nobody's and stands under `unattributed`; its own
    label has then an unknown part. What is left may be negative, where the parts show more than the whole: it is not hidden.
    Source: the head of this module.
    """
    no_time, yes, no = (ibis.literal(value).cast("int64") for value in (0, 1, 0))
    borne = _borne(hourly, daily, heads)
    borne = borne.mutate(unsure=ibis.ifelse(borne.known_seconds < borne.expected_seconds, yes, no))
    own = borne.select("meter", "building", "day", "label", *SUMMED, "unsure", parted=no)
    below = borne.filter(borne.above != "")
    off = below.select(
        *("building", "day", "flags", "stand_in", "unsure"),
        meter=below.above,
        label=below.above_label,
        energy=-below.energy,
        estimated_energy=-below.estimated_energy,
        known_seconds=no_time,
        expected_seconds=no_time,
        parted=yes,
    )
    parts = own.union(off.select(own.columns), distinct=False)
    left = parts.group_by("meter", "building", "day", "label").agg(
        **_sums(parts), unsure=parts.unsure.max(), parted=parts.parted.max()
    )
    lost = (left.unsure > 0) & (left.parted > 0)
    kept = left.mutate(
        energy=ibis.ifelse(lost, ibis.null(EXACT), left.energy),
        estimated_energy=ibis.ifelse(lost, ibis.null(EXACT), left.estimated_energy),
        known_seconds=ibis.ifelse(lost, no_time, left.known_seconds),
        label=ibis.ifelse(left.label == "", without, left.label),
    )
    nobodys = left.filter(lost & left.energy.notnull()).mutate(label=ibis.literal(UNATTRIBUTED))
    mains = meters.filter(meters.role == "main").anti_join(heads, "meter").select("meter")
    rest = net(daily.semi_join(mains, "meter")).mutate(label=ibis.literal(without))
    keys = ("meter", "building", "day", "label", *SUMMED)
    rows = kept.select(keys).union(nobodys.select(keys), distinct=False).union(rest.select(keys), distinct=False)
    rows = rows.inner_join(meters.select("meter", "carrier"), "meter")
    return covered(rows.group_by("building", "carrier", "label", "day").agg(**_sums(rows)))


def _borne(hourly: Any, daily: Any, heads: Any) -> Any:
    """What each head took on each day; of a day on which its label changes, by the hours that begin under each label."""
    whole, cut = heads.filter(heads.whole_days), heads.filter(~heads.whole_days)
    days = daily.inner_join(whole, [daily.meter == whole.meter, daily.day >= whole.first_day, daily.day <= whole.last_day])
    hours = hourly.inner_join(
        cut, [hourly.meter == cut.meter, hourly.day == cut.first_day, hourly.hour >= cut.valid_from, hourly.hour < cut.valid_to]
    )
    keys = ("meter", "building", "day", "label", "above", "above_label", *SUMMED)
    return net(days).select(keys).union(net(of_hours(hours)).select(keys), distinct=False)


def _sums(rows: Any) -> dict[str, Any]:
    exact = {name: rows[name].sum().cast(EXACT) for name in ("energy", "estimated_energy")}
    return {**known(rows), **exact, "expected_seconds": rows.expected_seconds.sum()}


def shared_by_period(daily: Any, label: str, unit: str, period: str) -> Any:
    """Days of buildings and labels [kWh, s] to months (`M`) or years (`Y`).

    A label counts as long as it is there: days on which nothing is known of the whole building count as expected, in
    proportion to the days on which the label was. Source: the head of this module.
    """
    rows = daily.mutate(days_in_period=days_in(daily.day, unit))
    there = rows.group_by("building", "carrier", period).agg(present=rows.day.nunique(), of=rows.days_in_period.max())
    sums = rows.group_by("building", "carrier", label, period).agg(
        **_sums(rows), per_day=rows.expected_seconds.max(), days=rows.day.nunique()
    )
    both = sums.inner_join(there, ["building", "carrier", period])
    missing = both.per_day * (both.of - both.present) * both.days // both.present
    return covered(both.mutate(expected_seconds=both.expected_seconds + missing.cast("int64")))
