"""The ledger of certificates over tables, the market-based account, the green share of the year and of the hour."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from scicity.domains.carbon.golden.small_district import CHOICES, FACTORS, HOURLY, WHY, SmallDistrict, energy, of_year
from scicity.domains.carbon.golden.test_certificates import ACT, FIRMS
from scicity.domains.carbon.golden.test_certificates import WIND as FARM

WIND = FARM | {"vintage": "2023-01-01"}

RESIDUAL = {"factor": "rest", "quantity": "grid_mean_without_traded", "region": "china"}
MARKET = WHY | {"purpose": "market_based", "carrier": "electricity", "factor": "rest", "valid_from": "2021-01-01"}
ENERGY = [
    energy("b1", "electricity", "2023-01", "4000"),
    energy("b1", "electricity", "2023-02", "6000"),
    energy("b2", "electricity", "2023-01", "500"),
]
BUY = ACT | {"event": "1", "action": "bought", "certificate_volume": "3000"}
USED = ACT | {
    "event": "2",
    "action": "cancelled",
    "certificate_volume": "2000",
    "used_period": "2023",
    "event_on": "2024-02-01",
}
MORE = USED | {"event": "3", "certificate_volume": "1000", "used_period": "2023-01", "event_on": "2024-02-02"}
AGAIN = USED | {"event": "4", "certificate_volume": "1", "event_on": "2024-02-03"}


def made(root: Path, acts: list[dict[str, str]], **registers: list[dict[str, Any]]) -> SmallDistrict:
    """b1 belongs to enterprise a, b2 is common; three megawatt-hours of wind."""
    district = SmallDistrict(root)
    district.register("buildings.enterprise", FIRMS)
    district.register("carbon.certificate", registers.pop("lots", [WIND]))
    district.register("carbon.certificate_event", acts)
    for name, rows in registers.items():
        district.register(name.replace("__", "."), rows)
    district.factors([*FACTORS, of_year(2023, "0.6096", **RESIDUAL)], [*CHOICES, MARKET])
    district.use(ENERGY, whose={"b1": "a"})
    district.compute()
    return district


def test_hard_case_16_what_is_refused_stands_in_the_ledger(tmp_path: Path) -> None:
    district = made(tmp_path, [BUY, USED, MORE, AGAIN])
    found = {row["event"]: (row["verdict"], row["refusal"], row["held_volume"]) for row in district.rows("certificate_ledger")}
    assert found == {
        "1": ("accepted", None, 3000),
        "2": ("accepted", None, 1000),
        "3": ("accepted", None, 0),
        "4": ("refused", "used_already", 0),
    }
    assert {row["expires_on"] for row in district.rows("certificate_ledger")} == {date(2025, 1, 1)}  # 24 months


def test_certificates_first_then_the_residual_factor(tmp_path: Path) -> None:
    district = made(tmp_path, [BUY, USED, MORE, AGAIN])
    row = district.rows("market_based_yearly", enterprise="a", year=2023)[0]
    assert (row["energy"], row["covered_energy"], row["residual_energy"]) == (10_000, 3000, 7000)
    assert row["emission"] == Decimal("5554")  # location-based: 10 000 x 0.5554
    assert row["market_emission"] == Decimal("4267.2")  # 7000 x 0.6096
    assert (row["quantity"], row["data_year"], row["review"]) == ("grid_mean_without_traded", 2023, "unverified")
    assert (row["green_share"], row["matched_share"]) == (pytest.approx(30), 0)  # their hours are not told
    common = district.rows("market_based_yearly", enterprise="common", year=2023)[0]
    assert common["market_emission"] == Decimal("304.8")
    total = district.rows("market_based_total", year=2023)[0]
    assert (total["market_emission"], total["emission"]) == (Decimal("4572"), Decimal("5831.7"))
    assert total["green_share"] == pytest.approx(3000 / 10_500 * 100)


def test_without_a_residual_factor_there_is_no_market_based_figure(tmp_path: Path) -> None:
    district = made(tmp_path, [BUY, USED])
    district.factors(FACTORS, CHOICES)
    district.compute()
    row = district.rows("market_based_yearly", enterprise="a", year=2023)[0]
    assert (row["market_emission"], row["missing"], row["covered_energy"]) == (None, "choice", 2000)
    assert district.rows("market_based_total", year=2023)[0]["market_emission"] is None


def test_less_use_makes_a_certificate_too_much(tmp_path: Path) -> None:
    """A late reading that lowers the use heals the ledger: what is more than the use is refused."""
    district = made(tmp_path, [BUY, USED, MORE])
    district.use([ENERGY[0] | {"energy": Decimal(900)}, *ENERGY[1:]], whose={"b1": "a"})
    done = district.compute()
    assert "carbon.certificate_ledger" in done
    found = {row["event"]: row["refusal"] for row in district.rows("certificate_ledger")}
    assert found == {"1": None, "2": None, "3": "more_than_use"}
    assert district.rows("market_based_yearly", enterprise="a", year=2023)[0]["covered_energy"] == 2000


METERS = [
    {"meter": name, "carrier": "electricity", "role": role, "zero_is_gap": "false", "origin": "measured"}
    for name, role in (("main", "main"), ("roof", "generation"))
]
BEGIN = {"valid_from": "2022-01-01"}
INSTALLED = [BEGIN | {"meter": name, "building": "b1", "multiplier": "1"} for name in ("main", "roof")]
MEMBERS = [BEGIN | {"meter": name, "enterprise": "a"} for name in ("main", "roof")]
ROOF = WIND | {
    **{"certificate": "own", "serial_from": "", "serial_to": "", "certificate_volume": "8", "technology": "solar"},
    **{"meter": "roof", "vintage": "2023-01-01"},
}
SIX = datetime(2023, 1, 1, 6, tzinfo=UTC) - timedelta(hours=8)


def hours(taken: list[int | None], given: list[int], roof: list[int]) -> list[dict[str, Any]]:
    """Hours of New Year's Day from six o'clock: taken from the grid, given back, made on the roof."""
    rows = []
    for meter, flow, values in (("main", "forward", taken), ("main", "reverse", given), ("roof", "forward", roof)):
        for number, value in enumerate(values):
            rows.append(
                {
                    **{"meter": meter, "flow": flow, "building": "b1", "hour": SIX + timedelta(hours=number)},
                    **{"day": date(2023, 1, 1), "energy": None if value is None else Decimal(value), "stand_in": False},
                }
            )
    return rows


def test_hard_case_16_own_power_by_the_hour_and_its_certificate_once(tmp_path: Path) -> None:
    """What the roof made and the house used at once is green by the hour; its certificate adds nothing; sold, it takes away."""
    mine = {"energy__meter": METERS, "energy__installation": INSTALLED, "energy__membership": MEMBERS}
    buy = BUY | {"certificate": "own", "certificate_volume": "8"}
    claim = USED | {"certificate": "own", "certificate_volume": "8", "event_on": "2024-01-01"}
    district = made(tmp_path, [buy, claim], lots=[ROOF], **mine)
    district.put(HOURLY, hours([10, 2, 0, None], [0, 0, 3, 0], [0, 4, 7, 5]))
    district.compute()
    month = district.rows("own_generation_monthly", building="b1")[0]
    assert (month["generated_energy"], month["self_used_energy"], month["use_energy"]) == (16, 8, 20)  # 10 + 6 + 4
    assert (month["enterprise"], month["coverage"]) == ("a", pytest.approx(3 / 4))
    assert [row["refusal"] for row in district.rows("certificate_ledger")] == [None, "self_used"]
    row = district.rows("market_based_yearly", enterprise="a")[0]
    assert (row["green_self_energy"], row["matched_energy"], row["covered_energy"]) == (8, 8, 0)
    assert row["matched_share"] == row["green_share"] == pytest.approx(100 * 8 / 10_008)
    sold = claim | {"event": "5", "action": "transferred", "recipient": "b", "used_period": "", "certificate_volume": "6"}
    district.register("carbon.certificate_event", [buy, sold])
    district.load()
    district.compute()
    row = district.rows("market_based_yearly", enterprise="a")[0]
    assert (row["self_used_energy"], row["green_self_energy"]) == (8, 2)


def test_hard_case_16_more_than_the_use_of_the_hour(tmp_path: Path) -> None:
    lot = ROOF | {"certificate": "hour", "meter": "", "vintage_hour": "2023-01-01T06:00:00"}
    buy = BUY | {"certificate": "hour", "certificate_volume": "8"}
    claims = [
        buy | {"event": str(number), "action": "cancelled", "certificate_volume": "4", "used_period": period}
        for number, period in enumerate(("2023-01-01T06", "2023-01-01T07", "2023-01-01T06"), start=2)
    ]
    members = {"energy__meter": METERS, "energy__installation": INSTALLED, "energy__membership": MEMBERS}
    district = made(tmp_path, [buy, *claims], lots=[lot], **members)
    district.put(HOURLY, hours([7, 2], [0, 0], [0, 0]))
    district.compute()
    found = {row["event"]: (row["refusal"], row["use_energy"]) for row in district.rows("certificate_ledger")}
    assert found == {"1": (None, None), "2": (None, 7), "3": ("other_hour", None), "4": ("more_than_use", 7)}
    row = district.rows("market_based_yearly", enterprise="a")[0]
    assert (row["covered_energy"], row["matched_energy"]) == (4, 4)
