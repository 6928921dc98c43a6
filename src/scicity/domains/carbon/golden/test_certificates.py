"""Hard cases of certificates (group 16): each used once, by its holder, in time, for what was used, not for the own roof."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scicity.domains.carbon.golden.small_district import SmallDistrict
from scicity.domains.carbon.methods import certificates as c
from scicity.kernel.problems import Refused

LOT = c.Lot("lot", Decimal(1000), date(2023, 3, 1), expires=date(2025, 3, 1))
USE = {
    ("a", "2023"): Decimal(600),
    ("a", "2023-05"): Decimal(100),
    ("a", "2023-05-01T07"): Decimal(5),
    ("b", "2023"): Decimal(900),
}


def said(acts: list[c.Act], lots: tuple[c.Lot, ...] = (LOT,)) -> list[str]:
    """Why each act is refused, in the order of the ledger; empty where it counts."""
    found = c.ledger(lots, acts, lambda who, length, period: USE.get((who, period)))
    return [each.refusal for each in found]


def bought(volume: int = 1000, name: str = "1", who: str = "a", day: date = date(2023, 4, 1), lot: str = "lot") -> c.Act:
    return c.Act(name, lot, c.BOUGHT, day, who, Decimal(volume))


def moved(volume: int, name: str, who: str = "a", to: str = "b", day: date = date(2023, 6, 1)) -> c.Act:
    return c.Act(name, "lot", c.TRANSFERRED, day, who, Decimal(volume), to=to)


def used(
    volume: int, name: str, period: str = "2023", who: str = "a", day: date = date(2024, 1, 15), lot: str = "lot"
) -> c.Act:
    length = {4: c.YEAR, 7: c.MONTH, 13: c.HOUR}[len(period)]
    last = {4: date(2023, 12, 31), 7: date(2023, 5, 31), 13: date(2023, 5, 1)}[len(period)]
    return c.Act(name, lot, c.CANCELLED, day, who, Decimal(volume), length=length, period=period, last=last)


def test_hard_case_16_used_once() -> None:
    assert said([bought(300), used(300, "2"), used(300, "3")]) == ["", "", c.NOT_HELD]  # 700 were never bought
    whole = [bought(), moved(500, "2"), used(500, "3"), used(500, "4", who="b"), used(1, "5")]
    assert said(whole) == ["", "", "", "", c.USED]


def test_hard_case_16_transferred_by_its_holder_alone() -> None:
    assert said([bought(), moved(1, "2", who="b", to="a"), moved(1000, "3"), used(1, "4")]) == ["", c.NOT_HELD, "", c.NOT_HELD]
    assert said([bought(), bought(1, "2", who="b")]) == ["", c.NOT_ISSUED]
    assert said([moved(1, "0", day=date(2023, 1, 1)), bought()]) == [c.NOT_HELD, ""]  # before it was bought


def test_hard_case_16_expired() -> None:
    late = date(2025, 3, 1)
    assert said([bought(), used(1, "2", day=date(2025, 2, 28)), used(1, "3", day=late), moved(1, "4", day=late)]) == [
        *("", "", c.EXPIRED, c.EXPIRED),
    ]
    assert said([bought(day=late)]) == [c.EXPIRED]


def test_hard_case_16_more_than_the_use_of_the_hour_the_month_and_the_year() -> None:
    lot = c.Lot("lot", Decimal(1000), date(2023, 3, 1), hour="2023-05-01T07")
    hourly = [bought(), used(5, "2", "2023-05-01T07"), used(1, "3", "2023-05-01T07")]
    assert said(hourly, (lot,)) == ["", "", c.MORE_THAN_USE]
    monthly = [*hourly[:2], used(95, "3", "2023-05"), used(1, "4", "2023-05")]
    assert said(monthly, (lot,)) == ["", "", "", c.MORE_THAN_USE]
    yearly = [*monthly[:3], used(500, "4"), used(1, "5")]
    assert said(yearly, (lot,)) == ["", "", "", "", c.MORE_THAN_USE]
    assert said([bought(), used(1, "2", who="a", period="2023-05-01T07")]) == ["", c.OTHER_HOUR]  # its hour is not told
    assert said([bought(who="x"), used(1, "2", who="x")]) == ["", c.UNKNOWN_USE]


def test_power_that_was_made_later_covers_nothing() -> None:
    lot = c.Lot("lot", Decimal(1000), date(2024, 1, 1))
    assert said([bought(), used(1, "2")], (lot,)) == ["", c.BEFORE]


def test_hard_case_16_own_power_is_not_counted_twice_with_its_certificate() -> None:
    lot = c.Lot("lot", Decimal(1000), date(2023, 3, 1), owner="a")
    assert said([bought(), moved(10, "2"), used(1, "3"), used(10, "4", who="b")], (lot,)) == ["", "", c.SELF_USED, ""]


@given(
    st.lists(st.tuples(st.sampled_from(c.ACTIONS), st.sampled_from("ab"), st.integers(1, 700), st.integers(1, 28)), max_size=12)
)
def test_nothing_is_used_or_held_that_was_not_issued(acts: list[tuple[str, str, int, int]]) -> None:
    """Whatever is tried: what is held and used of a lot is what was bought of it, and no more than was issued or used."""
    made = [
        c.Act(
            *(str(number), "lot", action, date(2024, 1, day), who, Decimal(volume)),
            to="b" if who == "a" else "a",
            **({"length": c.YEAR, "period": "2023", "last": date(2023, 12, 31)} if action == c.CANCELLED else {}),
        )
        for number, (action, who, volume, day) in enumerate(acts)
    ]
    found = c.ledger([LOT], made, lambda who, length, period: USE.get((who, period)))
    assert sorted(each.act.name for each in found) == sorted(act.name for act in made)
    total = {
        action: sum((each.act.volume for each in found if not each.refusal and each.act.action == action), Decimal(0))
        for action in c.ACTIONS
    }
    held = {each.act.who: each.held for each in found}
    assert total[c.CANCELLED] <= total[c.BOUGHT] <= LOT.volume
    assert all(volume >= 0 for volume in held.values())
    for who in "ab":
        claimed = sum(
            (each.act.volume for each in found if not each.refusal and each.act.action == c.CANCELLED and each.act.who == who),
            Decimal(0),
        )
        assert claimed <= USE[who, "2023"]


def test_serial_numbers_are_one_certificate_each() -> None:
    assert c.serial_clashes([("a", 1, 10), ("b", 11, 20), ("c", 5, 6), ("d", 20, 30)]) == [("a", "c"), ("b", "d")]
    assert c.serial_clashes([("a", 1, 10), ("b", 11, 20)]) == []


WIND: dict[str, Any] = {
    **{"certificate": "w", "serial_from": "1", "serial_to": "3", "vintage": "2023-03-01", "technology": "wind"},
    **{"generator": "farm", "origin": "measured", "source": "registry"},
}
ACT = {"certificate": "w", "event_on": "2023-06-01", "enterprise": "a", "origin": "measured", "source": "registry"}
FIRMS = [
    {"enterprise": name, "name_zh": name, "name_en": name, "zone": "east", "origin": "measured", "sector": "services"}
    for name in "ab"
]


def told(root: Path, lots: list[dict[str, str]], acts: list[dict[str, str]]) -> list[tuple[str, int | None, str | None]]:
    district = SmallDistrict(root)
    district.register("buildings.enterprise", FIRMS)
    district.register("carbon.certificate", lots)
    district.register("carbon.certificate_event", acts)
    try:
        district.load()
    except Refused as refused:
        return [(problem.code, problem.row, problem.field) for problem in refused.problems]
    return []


def test_a_register_that_cannot_be_is_refused_with_its_place(tmp_path: Path) -> None:
    buy = ACT | {"event": "1", "action": "bought", "certificate_volume": "3000"}
    assert told(tmp_path / "0", [WIND], [buy]) == []
    lots = [WIND, WIND | {"certificate": "x", "serial_from": "3", "serial_to": "9"}]
    assert told(tmp_path / "1", lots, []) == [("certificate", 3, "serial_from")]
    assert told(tmp_path / "2", [WIND | {"certificate_volume": "5000"}], []) == [("certificate", 2, "certificate_volume")]
    assert told(tmp_path / "3", [WIND | {"serial_to": ""}], []) == [
        *(("value-missing", 2, "certificate_volume"), ("value-missing", 2, "serial_to")),
    ]
    acts = [
        buy | {"event": "2", "used_period": "2023"},
        buy | {"event": "3", "action": "cancelled", "used_period": "2023-13"},
        buy | {"event": "4", "action": "transferred", "recipient": "a"},
        buy | {"event": "5", "recipient": "b"},
        buy | {"event": "6", "enterprise": "nobody"},
        buy | {"event": "7", "action": "eaten"},
    ]
    assert sorted(told(tmp_path / "4", [WIND], acts), key=lambda each: each[1] or 0) == [
        *(("certificate", 2, "used_period"), ("certificate", 3, "used_period"), ("certificate", 4, "recipient")),
        *(("certificate", 5, "recipient"), ("reference", 6, "enterprise"), ("choice", 7, "action")),
    ]
