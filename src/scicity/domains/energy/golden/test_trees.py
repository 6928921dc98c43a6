"""Meters below meters with labels: known heads, days on which a label changes, and labels that always add up."""

from __future__ import annotations

import itertools
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.domains.energy.methods.trees import ALWAYS, FIRST_DAY, LAST_DAY, Head, Label, chains, heads, spans
from scicity.kernel.calendar import Calendar

CALENDAR = Calendar("Asia/Shanghai")


def meter(name: str, parent: str | None = None, role: str = "") -> dict[str, Any]:
    return {"meter": name, "parent": parent, "role": role or ("sub" if parent else "main")}


def at(text: str, zone: str = "Asia/Shanghai") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1_000_000


TREE = [meter("main"), meter("east", "main"), meter("shop", "east"), meter("west", "main"), meter("roof", "main", "generation")]


def test_what_is_let_is_taken_off_what_is_not() -> None:
    assert heads(TREE, [Label("east", "a", -ALWAYS, ALWAYS)]) == [
        Head("east", "a", "main", "", -ALWAYS, ALWAYS),
        Head("main", "", "", "", -ALWAYS, ALWAYS),
    ]


def test_a_label_goes_down_to_what_has_none_of_its_own() -> None:
    found = heads(TREE, [Label("main", "a", 0, ALWAYS), Label("shop", "b", 10, 20), Label("west", "a", 0, ALWAYS)])
    assert found == [
        Head("main", "", "", "", -ALWAYS, 0),
        Head("main", "a", "", "", 0, ALWAYS),
        Head("shop", "b", "main", "a", 10, 20),  # east bears what main bears, so shop is taken off main
    ]


def test_a_label_below_another_is_taken_off_that_one_only() -> None:
    found = heads(TREE, [Label("east", "a", 0, 30), Label("shop", "b", 10, 40)])
    assert [head for head in found if head.meter == "shop"] == [
        Head("shop", "b", "east", "a", 10, 30),
        Head("shop", "b", "main", "", 30, 40),
    ]


def test_a_tree_without_a_label_has_no_heads_and_generation_is_in_none() -> None:
    other = [meter("other"), meter("below", "other")]
    found = heads([*TREE, *other], [Label("west", "a", 0, 1), Label("roof", "a", 0, 1)])
    assert {head.meter for head in found} == {"main", "west"}
    assert "roof" not in chains(TREE)


def test_a_meter_that_no_main_meter_stands_above_has_no_way() -> None:
    rows = [meter("lost", None, "sub"), meter("below", "lost"), meter("one", "two"), meter("two", "one")]
    assert chains(rows) == {}


def test_a_tenant_who_moves_out_at_1437_has_the_hour_that_began_at_1400() -> None:
    found = spans(at("2022-03-01"), at("2022-05-15 14:37"), CALENDAR)
    assert [(span.first, span.last, span.whole) for span in found] == [
        (date(2022, 3, 1), date(2022, 5, 14), True),
        (date(2022, 5, 15), date(2022, 5, 15), False),
    ]
    assert found[1].end == at("2022-05-15 15:00")
    behind = spans(at("2022-05-15 14:37"), ALWAYS, CALENDAR)
    assert behind[0][:3] == (date(2022, 5, 15), date(2022, 5, 15), at("2022-05-15 15:00"))
    assert behind[1][:2] == (date(2022, 5, 16), LAST_DAY)


def test_a_stretch_within_a_day_and_one_without_an_hour() -> None:
    assert spans(at("2022-05-15 09:10"), at("2022-05-15 14:37"), CALENDAR) == [
        (date(2022, 5, 15), date(2022, 5, 15), at("2022-05-15 10:00"), at("2022-05-15 15:00"), False)
    ]
    assert spans(at("2022-05-15 09:10"), at("2022-05-15 09:50"), CALENDAR) == []


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Asia/Kolkata", "Europe/Berlin"])
def test_stretches_that_follow_each_other_share_every_hour_out_once(zone: str) -> None:
    calendar = Calendar(zone)
    cuts = [-ALWAYS, at("2022-03-26 23:30", zone), at("2022-03-27 13:37", zone), at("2022-10-30 02:30", zone), ALWAYS]
    hours, _ = calendar.hours(at("2022-03-25", zone), at("2022-11-02", zone))
    found = [spans(a, b, calendar) for a, b in itertools.pairwise(cuts)]
    for hour in hours.tolist():
        of = [sum(span.start <= hour < span.end for span in each) for each in found]
        assert of == [int(a <= hour < b) for a, b in itertools.pairwise(cuts)]
    assert found[0][0].first == FIRST_DAY


names = st.sampled_from(["main", "east", "shop", "west"])


@given(st.lists(st.tuples(names, st.sampled_from("abc"), st.integers(0, 9), st.integers(1, 9)), max_size=6))
def test_labels_add_up_to_the_main_meter_at_every_time(drawn: list[tuple[str, str, int, int]]) -> None:
    labels: list[Label] = []
    for name, label, start, length in drawn:
        new = Label(name, label, start, start + length)
        if all(each.meter != name or each.end <= new.start or new.end <= each.start for each in labels):
            labels.append(new)
    found = heads(TREE, labels)
    energy = {"main": 100, "east": 40, "shop": 15, "west": 70}  # the parts show more than the whole
    for time in range(-1, 20) if labels else ():
        now = [head for head in found if head.start <= time < head.end]
        assert len({head.meter for head in now}) == len(now)
        sums: dict[str, int] = {}
        for head in now:
            sums[head.label] = sums.get(head.label, 0) + energy[head.meter]
            if head.above:
                assert any(each.meter == head.above and each.label == head.above_label for each in now)
                sums[head.above_label] = sums.get(head.above_label, 0) - energy[head.meter]
        assert sum(sums.values()) == energy["main"]
