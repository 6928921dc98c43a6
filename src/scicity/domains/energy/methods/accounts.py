"""What every account of energy carries, as expressions over rows: sums [kWh, s], their coverage, and days to longer periods.

Energies are decimals [kWh] and times whole seconds [s], so that sums do not depend on their order. Source: GB/T 2589-2020
(unverified: the document itself was not seen) for what is counted; that unknown is null and carries a coverage is this
project's.
"""

from __future__ import annotations

from typing import Any

import ibis

ACCOUNT = ("energy", "estimated_energy", "known_seconds", "expected_seconds", "coverage", "flags", "stand_in")
EXACT = "decimal(18, 6)"


@ibis.udf.agg.builtin  # type: ignore[untyped-decorator]
def bit_or(flags: int) -> int:  # type: ignore[empty-body]
    """All flags of several rows: a function that DuckDB and Spark both have; that of Ibis is for DuckDB alone."""


def known(t: Any) -> dict[str, Any]:
    """The sums [kWh, s] that every account of energy carries, from rows that carry them."""
    return {
        "energy": t.energy.sum(),
        "estimated_energy": t.estimated_energy.sum(),
        "known_seconds": t.known_seconds.sum(),
        "stand_in": t.stand_in.max(),
        "flags": bit_or(t.flags),
    }


def covered(t: Any) -> Any:
    """Rows with their `coverage`: known time over expected time [s/s], at most 1; unknown where none was expected."""
    share = t.known_seconds.cast("float64") / t.expected_seconds.nullif(0)
    return t.mutate(coverage=ibis.ifelse(share.isnull(), ibis.null("float64"), ibis.least(1.0, share)))  # least skips nulls


def by_calendar(daily: Any, keys: list[str], unit: str) -> Any:
    """Days to months (`M`) or years (`Y`) [kWh, s]; days that are missing altogether count as expected and unknown."""
    rows = daily.mutate(days_in_period=days_in(daily.day, unit))
    per_day = rows.expected_seconds.max()
    missing = rows.days_in_period.max() - rows.day.nunique()
    return rows.group_by(keys).agg(**known(rows), expected_seconds=rows.expected_seconds.sum() + per_day * missing)


def days_in(day: Any, unit: str) -> Any:
    """How many days [d] the month (`M`) or year (`Y`) of a day has."""
    start = day.truncate(unit)
    following = start + (ibis.interval(months=1) if unit == "M" else ibis.interval(years=1))
    return following.delta(start, unit="day")


def of_hours(hourly: Any) -> Any:
    """Rows of the ledger with the columns of an account [kWh, s]: what is estimated of an hour, and how much of it is known."""
    nothing = ibis.literal(0).cast(EXACT)
    return hourly.mutate(
        estimated_energy=ibis.ifelse(hourly.estimated_seconds > 0, hourly.energy, nothing),
        known_seconds=hourly.measured_seconds + hourly.estimated_seconds,
        expected_seconds=ibis.literal(3600).cast("int64"),
    )


def net(t: Any) -> Any:
    """Rows with their energies [kWh] as taken: forward counts up, reverse (what is given back) counts down."""
    back = t.flow == "reverse"
    return t.mutate(
        energy=ibis.ifelse(back, -t.energy, t.energy),
        estimated_energy=ibis.ifelse(back, -t.estimated_energy, t.estimated_energy),
    )
