"""A budget shared out: by past use, by floor area, by intensity that draws near to a benchmark, and by an equal cut.

Every rule gives weights; shares follow the weights and add up to the budget to the last digit (largest remainder: whole units
of the last place, what is left over going to the largest fractions, ties to the first).

Source: Balinski & Young, Fair Representation, 2nd ed. 2001, ch. 3 (method of Hamilton); the rules as in emission trading:
grandfathering, benchmarking, equal cut (UNFCCC, contraction and convergence; unverified).

Budgets and shares in one unit [any].
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

RULES = ("past_use", "floor_area", "convergence", "equal_cut")
HALFWAY = Fraction(1, 2)  # how far a scope draws near to the benchmark in the year


def shared(budget: Decimal, weights: Sequence[Fraction | None], places: int = 0) -> list[Decimal | None]:
    """The budget by weights, each share rounded to `places` digits behind the point, the sum being the budget itself.

    A scope whose weight is None has no share. Raises ValueError for a negative budget or weight, for weights that are all 0 or
    unknown, and for a budget with more digits than `places`.
    """
    unit = Decimal(1).scaleb(-places)
    whole = budget / unit
    if budget < 0 or whole != int(whole):
        raise ValueError(f"a budget of at least 0 with at most {places} digits behind the point, not {budget}")
    known = [weight for weight in weights if weight is not None]
    if any(weight < 0 for weight in known) or sum(known, Fraction(0)) == 0:
        raise ValueError("weights are at least 0, and one of them is above 0")
    total = sum(known, Fraction(0))
    exact = [None if weight is None else int(whole) * weight / total for weight in weights]
    floors = [0 if value is None else value.numerator // value.denominator for value in exact]
    left = int(whole) - sum(floors)
    order = sorted(
        (place for place, value in enumerate(exact) if value is not None),
        key=lambda place: (floors[place] - (exact[place] or 0), place),
    )
    for place in order[:left]:
        floors[place] += 1
    return [None if value is None else floor * unit for value, floor in zip(exact, floors, strict=True)]


def weights_of(
    rule: str, past: Sequence[Decimal | None], areas: Sequence[float | None], benchmark: Fraction | None = None
) -> list[Fraction | None]:
    """What each scope weighs by a rule, from its past use and its floor area [m²]; None where a rule lacks what it needs.

    past_use: by past use, of whatever years it is. equal_cut: the same share is cut from everybody's past use; one without a
    past takes the mean intensity by its floor area. floor_area: by area. convergence: each scope's intensity goes halfway from
    its own to the benchmark (the mean of all, if None). Raises ValueError for an unknown rule.
    """
    use = [None if value is None or value < 0 else Fraction(value) for value in past]
    area = [None if value is None or value <= 0 else Fraction(value) for value in areas]
    both = [(u, a) for u, a in zip(use, area, strict=True) if u is not None and a is not None]
    mean = sum((u for u, _ in both), Fraction(0)) / sum((a for _, a in both), Fraction(0)) if both else None
    if rule == "past_use":
        return list(use)
    if rule == "floor_area":
        return list(area)
    if rule == "equal_cut":
        return [
            u if u is not None else (None if a is None or mean is None else mean * a) for u, a in zip(use, area, strict=True)
        ]
    if rule == "convergence":
        towards = benchmark if benchmark is not None else mean
        if towards is None:
            return [None] * len(use)
        return [
            None if a is None else a * (towards if u is None else HALFWAY * (u / a) + (1 - HALFWAY) * towards)
            for u, a in zip(use, area, strict=True)
        ]
    raise ValueError(f"{rule!r} is no rule of allocation; {', '.join(RULES)} are")
