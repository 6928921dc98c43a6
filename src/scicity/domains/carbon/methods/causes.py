"""Why a figure of emissions is another than it was: because of the activity, because of the factor, or because it became known.

Source: the split of a product's difference by one step after the other: the activity changes at the factor as it was, then the
factor changes at the activity as it is. The parts sum to the difference exactly; another order moves their product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

MILLIGRAM = Decimal("0.000001")  # [kg] as emissions are kept
ZERO = Decimal(0)


@dataclass(frozen=True)
class Cause:
    """A difference of emissions [kg] and its parts [kg]: by activity, by factor, and by what became known or unknown."""

    before: Decimal = ZERO
    after: Decimal = ZERO
    by_activity: Decimal = ZERO
    by_factor: Decimal = ZERO
    by_coverage: Decimal = ZERO

    @property
    def difference(self) -> Decimal:
        """What the parts sum to [kg]."""
        return self.after - self.before

    def __add__(self, other: Cause) -> Cause:
        """Both differences together."""
        return Cause(
            self.before + other.before,
            self.after + other.after,
            self.by_activity + other.by_activity,
            self.by_factor + other.by_factor,
            self.by_coverage + other.by_coverage,
        )


def cause_of(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Cause:
    """The difference between two rows that carry `accounted_energy` [kWh], `emission_factor` [kg/kWh] and `emission` [kg].

    Where a side is missing or its emission unknown, the difference is one of coverage.
    """
    was = before["emission"] if before else None
    is_now = after["emission"] if after else None
    if before is None or after is None or was is None or is_now is None or before["emission_factor"] is None:
        whole = (is_now or ZERO) - (was or ZERO)
        return Cause(was or ZERO, is_now or ZERO, by_coverage=whole)
    more = (after["accounted_energy"] or ZERO) - (before["accounted_energy"] or ZERO)
    by_activity = (more * before["emission_factor"]).quantize(MILLIGRAM, ROUND_HALF_UP)
    if after["emission_factor"] == before["emission_factor"]:
        by_activity = is_now - was  # what is left is rounding
    return Cause(was, is_now, by_activity, is_now - was - by_activity)


def causes_of(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]], key: tuple[str, ...]) -> list[Cause]:
    """The causes row by row, for rows of two states with the same `key`, in the order of their keys."""
    states = [{tuple(row[column] for column in key): row for row in rows} for rows in (before, after)]
    keys = sorted({*states[0], *states[1]}, key=str)
    return [cause_of(states[0].get(each), states[1].get(each)) for each in keys]
