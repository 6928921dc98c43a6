"""What the accounts of carbon have in common: sums with their coverage, products of energy and factor, when a factor holds.

Energies [kWh], emissions [kg], times [s].

Source: GHG Protocol Corporate Standard, 2004, chapter 6: activity times factor (unverified); the rules of coverage are this
project's.
"""

from __future__ import annotations

from typing import Any

import ibis

UNKNOWN = "decimal(18, 6)"
DIRECT, INDIRECT, OTHER = 1, 2, 3  # scopes
ROOT = "district"
ACCOUNT = ("energy", "estimated_energy", "emission", "known_seconds", "expected_seconds", "coverage", "review", "stand_in")


def holds_in(uses: Any, rows: Any) -> list[Any]:
    """The condition that a factor holds for the whole of a row's month."""
    following = rows.month + ibis.interval(months=1)
    return [uses.first_day <= rows.month, uses.last_day.isnull() | (uses.last_day + ibis.interval(days=1) >= following)]


def covered(rows: Any) -> Any:
    """Rows with the share of the expected time that is known; unknown where none was expected."""
    share = rows.known_seconds.cast("float64") / rows.expected_seconds.nullif(0)
    return rows.mutate(coverage=ibis.ifelse(share.isnull(), ibis.null("float64"), ibis.least(1.0, share)))  # least skips nulls


def sums(rows: Any) -> dict[str, Any]:
    """What every account of emissions carries, from rows that carry it."""
    return {
        "energy": rows.energy.sum(),
        "estimated_energy": rows.estimated_energy.sum(),
        "emission": rows.emission.sum(),
        "known_seconds": rows.known_seconds.sum(),
        "review": rows.review.min(),
        "stand_in": rows.stand_in.max(),
    }


def fuel_sums(rows: Any) -> dict[str, Any]:
    """Bills of one carrier and one place in a month: together they can cover no more than the month."""
    return {
        "energy": rows.energy.sum().cast(UNKNOWN),
        "estimated_energy": (rows.count() * 0).cast(UNKNOWN),
        "emission": rows.emission.sum().cast(UNKNOWN),
        "review": rows.review.min(),
        "stand_in": rows.stand_in.max(),
        "known_seconds": ibis.least(rows.known_seconds.sum(), rows.expected_seconds.max()),
        "expected_seconds": rows.expected_seconds.max(),
    }


def totals(rows: Any) -> dict[str, Any]:
    """Sums over carriers of scopes 1 and 2, and beside them scope 3; a scope of which nothing is known is unknown."""
    own = rows.emission_scope != OTHER
    return {
        **sums(rows),
        "emission": rows.emission.sum(where=own),
        "known_seconds": ibis.coalesce(rows.known_seconds.sum(where=own), 0),
        "expected_seconds": ibis.coalesce(rows.expected_seconds.sum(where=own), 0),
        "direct_emission": rows.emission.sum(where=rows.emission_scope == DIRECT),
        "indirect_emission": rows.emission.sum(where=rows.emission_scope == INDIRECT),
        "other_emission": rows.emission.sum(where=rows.emission_scope == OTHER),
    }


def year_seconds(year: Any) -> Any:
    """The length of a calendar year [s]."""
    begin, following = (ibis.date(year.cast("int32") + more, 1, 1) for more in (0, 1))
    return following.delta(begin, unit="day") * 86_400


def only(column: Any) -> Any:
    """What all rows of a group have in common; null where they differ."""
    return ibis.ifelse(column.nunique() == 1, column.min(), ibis.null(column.type()))


def multiplied(rows: Any) -> Any:
    """Rows of energy and factor with the product, and what is missing where there is none."""
    rows = rows.mutate(accounted_energy=(rows.energy * rows.energy_ratio).cast(UNKNOWN))
    rows = rows.mutate(product=(rows.accounted_energy * rows.factor_value).cast(UNKNOWN))
    missing = ibis.ifelse(rows.factor.isnull(), "choice", ibis.ifelse(rows.energy.isnull(), "energy", ibis.null("string")))
    return rows.mutate(
        missing=ibis.coalesce(rows.missing, missing), known_seconds=ibis.ifelse(rows["product"].isnull(), 0, rows.known_seconds)
    )


def billed_outside(fuels: Any, period: str, by: tuple[str, ...] = ("enterprise", "zone")) -> Any:
    """What enterprises burnt in no building of the register, by `by`, carrier, scope and month or year."""
    own = fuels.filter(fuels.building.isnull())
    keys = (*dict.fromkeys((*by, "enterprise", "zone")), "carrier", "emission_scope")
    rows = own.group_by(*keys, "month").agg(**fuel_sums(own))
    if period == "year":
        rows = rows.mutate(year=rows.month.year().cast("int64"))
        rows = rows.group_by(*keys, "year").agg(**sums(rows), expected_seconds=year_seconds(rows.year.max()))
        rows = rows.mutate(**{name: rows[name].cast(UNKNOWN) for name in ("energy", "estimated_energy", "emission")})
    return rows
