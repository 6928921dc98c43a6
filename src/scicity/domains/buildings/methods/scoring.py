"""Rating a building by a data sheet: control items, categories with a minimum share, a total, and levels by thresholds.

What a sheet does not say is neither met nor failed and neither 0 nor full: every result is a pair, the least and the most that
is still possible. Points and thresholds are decimals [1, points], shares are in per cent, and nothing depends on an order.

Source: footnote 1 of the sample district's report, section 3.2.1, for the rules of the national star rating; GB/T 50378-2019
for Q = (Q0 + Q1 + ... + Q5 + QA) / 10 (unverified: the standard itself was not seen).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

CONTROL, SCORED, PREREQUISITE = "control", "scored", "prerequisite"
KINDS = (CONTROL, SCORED, PREREQUISITE)
NONE, HALF_UP, DOWN = "none", "half_up", "down"
ROUNDINGS = (NONE, HALF_UP, DOWN)
ASSESSED, CERTAIN, OPEN = "assessed", "level_certain", "not_assessable"
ZERO, HUNDRED = Decimal(0), Decimal(100)
MINIMUM = "minimum:"  # before a category that is below its minimum share


@dataclass(frozen=True)
class Category:
    """A category: its full score [points], the share of it that any rated level asks for [%], its weight in the total."""

    key: str
    full: Decimal
    minimum_share: Decimal | None = None
    weight: Decimal = Decimal(1)

    @property
    def minimum(self) -> Decimal | None:
        """The points that any rated level asks for."""
        return None if self.minimum_share is None else self.full * self.minimum_share / HUNDRED


@dataclass(frozen=True)
class Item:
    """An item: control or prerequisite (met or not; `rank` of the level that asks for it) or scored (0 to `full` points)."""

    key: str
    category: str
    kind: str
    full: Decimal | None = None
    rank: int = 0


@dataclass(frozen=True)
class Level:
    """A level: its place among the levels, and the total that it asks for; none where control items alone decide."""

    key: str
    rank: int
    threshold: Decimal | None


@dataclass(frozen=True)
class Scheme:
    """A scheme: total = (base, if all control items are met + sum of weight x points of each category) / divisor."""

    categories: tuple[Category, ...]
    items: tuple[Item, ...]
    levels: tuple[Level, ...]
    base: Decimal = ZERO
    divisor: Decimal = Decimal(1)
    rounding: str = NONE
    decimals: int = 0

    @property
    def full(self) -> Decimal:
        """The highest total that the scheme can give."""
        return (self.base + sum((each.weight * each.full for each in self.categories), ZERO)) / self.divisor


@dataclass(frozen=True)
class Part:
    """What a sheet says of a category: points at least and at most, whether the minimum is reached (None: open)."""

    category: Category
    low: Decimal
    high: Decimal
    reached: bool | None
    failing: tuple[str, ...]
    open: tuple[str, ...]


@dataclass(frozen=True)
class Scored:
    """What a sheet comes to: bounds of the total and of the level, what fails, what is open, and the way to the next level."""

    parts: tuple[Part, ...]
    controls: bool | None
    low: Decimal
    high: Decimal
    verdict: str
    level_low: str | None
    level_high: str | None
    failing: tuple[str, ...]
    open: tuple[str, ...]
    next_level: str | None
    missing: Decimal | None
    blocking: tuple[str, ...]

    @property
    def total(self) -> Decimal | None:
        """The total where no item is open."""
        return self.low if self.low == self.high else None


def scored(scheme: Scheme, met: Mapping[str, bool | None], points: Mapping[str, Decimal | None]) -> Scored:
    """The rating of a sheet: `met` by control item and prerequisite, `points` [points] by scored item; absent is unknown.

    Raises ValueError for an item that the scheme has not, for points below 0 or above an item's full score, and for a scored
    item that is said to be met or the reverse.
    Source: footnote 1 of the report: all control items, each category at least its minimum share, thresholds of the total.
    """
    _checked(scheme, met, points)
    parts = tuple(_part(each, scheme.items, met, points) for each in scheme.categories)
    controls = all_of(met.get(item.key) for item in scheme.items if item.kind == CONTROL)
    low = _total(scheme, controls is True, ((part.category, part.low) for part in parts))
    high = _total(scheme, controls is not False, ((part.category, part.high) for part in parts))
    ordered = sorted(scheme.levels, key=lambda level: level.rank)
    sure = [level for level in ordered if _reached(scheme, level, low, controls, parts, met) is True]
    still = [level for level in ordered if _reached(scheme, level, high, controls, parts, met) is not False]
    level_low, level_high = (found[-1].key if found else None for found in (sure, still))
    failing = [item.key for item in scheme.items if item.kind != SCORED and met.get(item.key) is False]
    failing += [MINIMUM + part.category.key for part in parts if part.reached is False]
    unknown = [item.key for item in scheme.items if (points if item.kind == SCORED else met).get(item.key) is None]
    verdict = ASSESSED if not unknown else CERTAIN if level_low == level_high else OPEN
    above = [level for level in ordered if level.rank > (sure[-1].rank if sure else -(10**9))]
    following = above[0] if above else None
    return Scored(
        parts=parts,
        controls=controls,
        low=low,
        high=high,
        verdict=verdict,
        level_low=level_low,
        level_high=level_high,
        failing=tuple(sorted(failing)),
        open=tuple(sorted(unknown)),
        next_level=following.key if following else None,
        missing=missing_points(scheme, following, parts) if following else None,
        blocking=_blocking(scheme, following, met) if following else (),
    )


def all_of(truths: Iterable[bool | None]) -> bool | None:
    """Whether all are true; False where one is not, None where that is open.

    Source: Kleene's strong three-valued logic; nothing to measure.
    """
    kept = list(truths)
    return False if False in kept else None if None in kept else True


def rounded(total: Decimal, rounding: str, decimals: int) -> Decimal:
    """A total [points] as it is held against a threshold: as it is (`none`), half up or down to `decimals`.

    No source seen says how a total is rounded, so `none` is what a scheme has unless its owner says otherwise: 59.95 is not 60.
    Source: GB/T 8170-2008 for half up of a single figure (unverified).
    """
    if rounding == NONE:
        return total
    return total.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP if rounding == HALF_UP else ROUND_DOWN)


def missing_points(scheme: Scheme, level: Level, parts: Iterable[Part]) -> Decimal | None:
    """The points of scored items [points, weighted] that a level still asks for: the minimum shares, and the total.

    Counted from what is certain and with all control items met; None for a level that asks for no points.
    Source: as `scored`.
    """
    if level.threshold is None:
        return None
    kept = list(parts)
    needed = level.threshold
    if scheme.rounding == HALF_UP:
        needed -= Decimal(5).scaleb(-scheme.decimals - 1)
    has = scheme.base + sum((part.category.weight * part.low for part in kept), ZERO)
    short = [max(ZERO, (part.category.minimum or ZERO) - part.low) * part.category.weight for part in kept]
    return max(needed * scheme.divisor - has, sum(short, ZERO), ZERO)


def _total(scheme: Scheme, with_base: bool, given: Iterable[tuple[Category, Decimal]]) -> Decimal:
    points = sum((category.weight * value for category, value in given), ZERO)
    return ((scheme.base if with_base else ZERO) + points) / scheme.divisor


def _part(
    category: Category, items: Iterable[Item], met: Mapping[str, bool | None], points: Mapping[str, Decimal | None]
) -> Part:
    mine = [item for item in items if item.category == category.key]
    counted = [item for item in mine if item.kind == SCORED]
    given = [points.get(item.key) for item in counted]
    most = [
        (category.full if item.full is None else item.full) if value is None else value
        for item, value in zip(counted, given, strict=True)
    ]
    low = min(category.full, sum((value for value in given if value is not None), ZERO))
    high = min(category.full, sum(most, ZERO)) if counted else category.full  # no item yet: anything is possible
    least = category.minimum
    reached = None if least is None else True if low >= least else False if high < least else None
    others = [item for item in mine if item.kind != SCORED]
    failing = [item.key for item in others if met.get(item.key) is False]
    unknown = [item.key for item, value in zip(counted, given, strict=True) if value is None]
    unknown += [item.key for item in others if met.get(item.key) is None]
    return Part(category, low, high, True if least is None else reached, tuple(sorted(failing)), tuple(sorted(unknown)))


def _reached(
    scheme: Scheme,
    level: Level,
    total: Decimal,
    controls: bool | None,
    parts: Iterable[Part],
    met: Mapping[str, bool | None],
) -> bool | None:
    asked = [met.get(item.key) for item in scheme.items if item.kind == PREREQUISITE and item.rank <= level.rank]
    if level.threshold is not None:
        asked += [part.reached for part in parts]
        asked.append(rounded(total, scheme.rounding, scheme.decimals) >= level.threshold)
    return all_of([controls, *asked])


def _blocking(scheme: Scheme, level: Level, met: Mapping[str, bool | None]) -> tuple[str, ...]:
    """Control items, and prerequisites of a level, that are not known to be met."""
    asked = [i for i in scheme.items if i.kind == CONTROL or (i.kind == PREREQUISITE and i.rank <= level.rank)]
    return tuple(sorted(item.key for item in asked if met.get(item.key) is not True))


def _checked(scheme: Scheme, met: Mapping[str, bool | None], points: Mapping[str, Decimal | None]) -> None:
    kinds = {item.key: item for item in scheme.items}
    fulls = {each.key: each.full for each in scheme.categories}
    for key in met:
        if key not in kinds or kinds[key].kind == SCORED:
            raise ValueError(f"{key!r} is no control item or prerequisite of the scheme")
    for key, value in points.items():
        if key not in kinds or kinds[key].kind != SCORED:
            raise ValueError(f"{key!r} is no scored item of the scheme")
        own = kinds[key].full
        most = fulls[kinds[key].category] if own is None else own
        if value is not None and not ZERO <= value <= most:
            raise ValueError(f"{key!r}: {value} points, expected 0 to {most}")
