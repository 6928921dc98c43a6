"""Known answers of rating: the conditions of footnote 1, edges, open items, and what holds for any sheet."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scicity.domains.buildings.methods import scoring
from scicity.domains.buildings.methods.scoring import Category, Item, Level, Scheme, scored

NAMES = ("safety", "health", "convenience", "resources", "environment")
FULL = dict(zip(NAMES, (100, 100, 100, 200, 100), strict=True))
LEVELS = (
    Level("basic", 0, None),
    Level("one_star", 1, Decimal(60)),
    Level("two_star", 2, Decimal(70)),
    Level("three_star", 3, Decimal(85)),
)


def stars(**changed: Any) -> Scheme:
    """The national star rating as facts and footnote 1 tell it."""
    categories = tuple(Category(name, Decimal(FULL[name]), Decimal(30)) for name in NAMES)
    items = [Item(f"{name}_control", name, scoring.CONTROL) for name in NAMES]
    items += [Item(f"{name}_points", name, scoring.SCORED, Decimal(FULL[name])) for name in NAMES]
    items.append(Item("innovation_points", "innovation", scoring.SCORED, Decimal(100)))
    declared = {"categories": (*categories, Category("innovation", Decimal(100))), "items": tuple(items), "levels": LEVELS}
    return Scheme(**(declared | {"base": Decimal(400), "divisor": Decimal(10)} | changed))


def sheet(points: str, scheme: Scheme | None = None, **changed: bool | None) -> scoring.Scored:
    """A sheet of six numbers in order, `?` for what is open; all control items are met unless said otherwise."""
    names = [f"{name}_points" for name in (*NAMES, "innovation")]
    given_points = {n: None if text == "?" else Decimal(text) for n, text in zip(names, points.split(), strict=True)}
    met: dict[str, bool | None] = {f"{name}_control": True for name in NAMES} | changed
    return scored(scheme or stars(), met, given_points)


@pytest.mark.parametrize(
    ("points", "total", "level"),
    [
        ("80 84 75 160 80 30", "90.9", "three_star"),
        ("100 100 100 200 100 100", "110", "three_star"),
        ("60 60 60 120 50 0", "75", "two_star"),
        ("70 70 60 150 100 0", "85", "three_star"),  # exactly the threshold
        ("70 70 60 150 99.9 0", "84.99", "two_star"),
        ("30 40 30 60 40 0", "60", "one_star"),  # exactly 30 % in three categories, exactly 60
        ("30 40 30 60 39.5 0", "59.95", "basic"),  # 59.95 is not 60: no rounding unless the scheme says so
        ("29.999 100 100 200 100 100", "102.9999", "basic"),  # a hair below 30 %
        ("0 0 0 0 0 0", "40", "basic"),
    ],
)
def test_whole_sheets(points: str, total: str, level: str) -> None:
    told = sheet(points)
    assert (told.total, told.verdict) == (Decimal(total), scoring.ASSESSED)
    assert told.level_low == told.level_high == level


def test_a_category_below_its_minimum_is_named_and_no_total_mends_it() -> None:
    told = sheet("82 80 29 170 85 40")
    assert told.total == Decimal("88.6")
    assert told.level_low == "basic"
    assert told.failing == ("minimum:convenience",)
    assert (told.next_level, told.missing) == ("one_star", Decimal(1))  # one point in convenience


def test_a_control_item_that_is_not_met_leaves_no_level_and_no_base() -> None:
    told = sheet("80 84 75 160 80 30", health_control=False)
    assert told.total == Decimal("50.9")
    assert told.level_low is told.level_high is None
    assert told.failing == ("health_control",)
    assert told.next_level == "basic"
    assert told.blocking == ("health_control",)
    assert told.missing is None  # the basic level asks for no points


def test_an_open_item_is_neither_0_nor_full() -> None:
    told = sheet("62 70 58 ? 66 12")
    assert (told.low, told.high) == (Decimal("66.8"), Decimal("86.8"))
    assert told.total is None
    assert told.verdict == scoring.OPEN
    assert (told.level_low, told.level_high) == ("basic", "three_star")
    assert told.open == ("resources_points",)
    assert [part.reached for part in told.parts] == [True, True, True, None, True, True]
    assert told.failing == ()
    assert (told.next_level, told.missing) == ("one_star", Decimal(60))  # the minimum of resources, 30 % of 200


def test_an_open_control_item_opens_base_and_level() -> None:
    told = sheet("80 84 75 160 80 30", safety_control=None)
    assert (told.low, told.high) == (Decimal("50.9"), Decimal("90.9"))
    assert (told.level_low, told.level_high) == (None, "three_star")
    assert told.controls is None
    assert told.blocking == ("safety_control",)


def test_open_extra_points_that_cannot_change_the_level() -> None:
    told = sheet("90 90 90 180 90 ?")
    assert told.verdict == scoring.CERTAIN
    assert told.level_low == told.level_high == "three_star"
    assert (told.low, told.high) == (Decimal(94), Decimal(104))
    assert told.next_level is None


@pytest.mark.parametrize(
    ("rounding", "decimals", "level", "missing"),
    [
        ("none", 0, "basic", "0.5"),
        ("half_up", 1, "one_star", "100"),
        ("half_up", 2, "basic", "0.45"),
        ("down", 1, "basic", "0.5"),
    ],
)
def test_rounding_is_the_schemes_own(rounding: str, decimals: int, level: str, missing: str) -> None:
    """59.95: half up to one decimal it is 60.0; the way to the next level knows the same rule."""
    told = sheet("30 40 30 60 39.5 0", scheme=stars(rounding=rounding, decimals=decimals))
    assert told.level_low == level
    assert told.missing == Decimal(missing)


def test_at_design_convenience_has_70_points() -> None:
    parts = tuple(Category(c.key, Decimal(70), c.minimum_share) if c.key == "convenience" else c for c in stars().categories)
    items = tuple(Item(i.key, i.category, i.kind) if i.key == "convenience_points" else i for i in stars().items)
    told = sheet("70 70 21 120 70 0", scheme=stars(categories=parts, items=items))
    assert told.total == Decimal("75.1")
    assert told.level_low == "two_star"  # 21 is exactly 30 % of 70
    assert sheet("70 70 20.9 120 70 0", scheme=stars(categories=parts, items=items)).level_low == "basic"


def test_leed_by_points_alone() -> None:
    levels = [("certified", 40), ("silver", 50), ("gold", 60), ("platinum", 80)]
    scheme = Scheme(
        (Category("total", Decimal(110)),),
        (Item("prerequisites", "total", scoring.CONTROL), Item("points", "total", scoring.SCORED, Decimal(110))),
        tuple(Level(name, place, Decimal(least)) for place, (name, least) in enumerate(levels)),
    )
    for points, level in ((39, None), (40, "certified"), (59, "silver"), (60, "gold"), (79.5, "gold"), (80, "platinum")):
        told = scored(scheme, {"prerequisites": True}, {"points": Decimal(str(points))})
        assert told.level_low == told.level_high == level
    assert scored(scheme, {"prerequisites": False}, {"points": Decimal(110)}).level_high is None


def test_a_prerequisite_of_a_level_holds_back_that_level_and_those_above() -> None:
    items = (*stars().items, Item("airtight", "safety", scoring.PREREQUISITE, rank=2))
    scheme = stars(items=items)
    assert sheet("90 90 90 180 90 0", scheme=scheme, airtight=False).level_low == "one_star"
    told = sheet("90 90 90 180 90 0", scheme=scheme)
    assert (told.level_low, told.level_high, told.blocking) == ("one_star", "three_star", ("airtight",))
    assert sheet("90 90 90 180 90 0", scheme=scheme, airtight=True).level_low == "three_star"


def test_an_empty_sheet_knows_nothing_and_says_so() -> None:
    told = scored(stars(), {}, {})
    assert (told.low, told.high) == (0, 110)
    assert (told.level_low, told.level_high, told.verdict) == (None, "three_star", scoring.OPEN)
    assert len(told.open) == len(stars().items)


@pytest.mark.parametrize(
    ("met", "points"),
    [
        ({}, {"safety_points": Decimal("100.1")}),
        ({}, {"safety_points": Decimal(-1)}),
        ({}, {"nothing": Decimal(1)}),
        ({}, {"safety_control": Decimal(1)}),
        ({"safety_points": True}, {}),
        ({"nothing": True}, {}),
    ],
)
def test_what_cannot_be_is_refused(met: dict[str, bool | None], points: dict[str, Decimal | None]) -> None:
    with pytest.raises(ValueError, match=r"item|points"):
        scored(stars(), met, points)


# --- what holds for any sheet ---

SCHEME = stars(items=(*stars().items, Item("airtight", "safety", scoring.PREREQUISITE, rank=2)))
SCORED_ITEMS = [item for item in SCHEME.items if item.kind == scoring.SCORED]
OTHERS = [item for item in SCHEME.items if item.kind != scoring.SCORED]
RANK = {None: -1} | {level.key: level.rank for level in LEVELS}


def points_of(item: Item) -> st.SearchStrategy[Decimal | None]:
    return st.none() | st.decimals(0, item.full or 0, places=2)


sheets = st.tuples(
    st.fixed_dictionaries({item.key: st.sampled_from([True, True, True, False, None]) for item in OTHERS}),
    st.fixed_dictionaries({item.key: points_of(item) for item in SCORED_ITEMS}),
)


@given(sheets)
@settings(max_examples=200, deadline=None)
def test_bounds_are_within_the_scheme_and_in_order(one: tuple[Any, Any]) -> None:
    told = scored(SCHEME, *one)
    assert 0 <= told.low <= told.high <= SCHEME.full
    assert RANK[told.level_low] <= RANK[told.level_high]
    assert all(0 <= part.low <= part.high <= part.category.full for part in told.parts)
    assert (told.verdict == scoring.ASSESSED) == (not told.open)
    if not told.open:
        assert told.low == told.high
        assert told.level_low == told.level_high


@given(sheets, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_items_and_entries_is_irrelevant(one: tuple[Any, Any], chance: random.Random) -> None:
    met, points = one

    def mixed(things: Any) -> Any:
        kept = list(things)
        chance.shuffle(kept)
        return kept

    shuffled = Scheme(SCHEME.categories, tuple(mixed(SCHEME.items)), tuple(mixed(SCHEME.levels)), SCHEME.base, SCHEME.divisor)
    assert scored(shuffled, dict(mixed(met.items())), dict(mixed(points.items()))) == scored(SCHEME, met, points)


@given(sheets, st.sampled_from(SCHEME.items), st.data())
@settings(max_examples=200, deadline=None)
def test_more_is_never_less(one: tuple[Any, Any], item: Item, data: st.DataObject) -> None:
    """More points, or an item that is met after all, lower neither total nor level; filling in what is open narrows both."""
    met, points = one
    before = scored(SCHEME, met, points)
    if item.kind == scoring.SCORED:
        had = points[item.key]
        more = data.draw(st.decimals(had or 0, item.full or 0, places=2))
        after = scored(SCHEME, met, points | {item.key: more})
        opened = had is None
    else:
        after = scored(SCHEME, met | {item.key: True}, points)
        opened = met[item.key] is None
    assert after.low >= before.low
    assert RANK[after.level_low] >= RANK[before.level_low]
    if opened:
        assert after.high <= before.high
        assert RANK[after.level_high] <= RANK[before.level_high]
    else:
        assert after.high >= before.high
        assert RANK[after.level_high] >= RANK[before.level_high]


@given(sheets)
@settings(max_examples=200, deadline=None)
def test_the_points_that_are_missing_reach_the_next_level_and_fewer_do_not(one: tuple[Any, Any]) -> None:
    _, points = one
    met = {item.key: True for item in OTHERS}
    before = scored(SCHEME, met, points)
    if before.next_level is None or before.missing is None:
        return
    filled = {item.key: points[item.key] or Decimal(0) for item in SCORED_ITEMS}
    left, spent = before.missing, Decimal(0)
    for least_first in (True, False):  # minimum shares first, then wherever there is room
        for item in SCORED_ITEMS:
            category = next(each for each in SCHEME.categories if each.key == item.category)
            most = (category.minimum or Decimal(0)) if least_first else item.full or Decimal(0)
            more = min(left, max(Decimal(0), most - filled[item.key]))
            filled[item.key] += more
            left -= more
            spent += more
    if left:  # more than the sheet has room for: the level is out of reach
        return
    assert RANK[scored(SCHEME, met, filled).level_low] >= RANK[before.next_level]
    if spent:
        last = next(item for item in SCORED_ITEMS if filled[item.key] > (points[item.key] or 0))
        fewer = filled | {last.key: filled[last.key] - Decimal("0.01")}
        assert RANK[scored(SCHEME, met, fewer).level_low] < RANK[before.next_level]
