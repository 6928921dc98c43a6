"""Known answers of the tables of dual control over a small district, and how they heal."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from scicity.domains.control.golden.small_control import (
    DAILY,
    DECIDED,
    ENTERPRISE_EMITTED,
    HOURLY,
    IN_USE,
    SmallControl,
    days,
    factors,
)
from scicity.kernel.problems import Refused

FULL = {f"{year}-{month:02d}": {"b1": 100.0, "b2": 300.0} for year in (2021, 2022) for month in range(1, 13)}
OF = ",,plan,,stand-in,made up,unverified\n"
DISTRICT = f"district,district,energy,2022,5000{OF}"
BUILDING = f"building,b1,energy,2022,1000{OF}"
FORECAST = "over,超,over,forecast_over_budget,,,100,1,1,high,officer,2021-01-01,,made up\n"
AHEAD = "ahead,前,ahead,share_ahead,building,energy,5,1,2,medium,officer,2021-01-01,,made up\n"
SUDDEN = "sudden,突,sudden,sudden_day,building,energy,160,10,1,low,officer,2021-01-01,,made up\n"
STALE = "stale,断,stale,stale,building,energy,3,0,1,low,officer,2021-01-01,,made up\n"


def record(**changed: Any) -> dict[str, Any]:
    told = {"scope_kind": "building", "scope": "b1", "budget_measure": "energy", "year": 2022, "budget": Decimal(1500)}
    return {
        **told,
        "monthly_shares": None,
        "reason": "r",
        "decision": "in_force",
        "source_file": "records",
        "source_row": 1,
    } | changed


def made(tmp_path: Path, budgets: str = DISTRICT + BUILDING, rules: str = "", months: dict | None = None) -> SmallControl:
    district = SmallControl(tmp_path, budgets, rules)
    district.energy(FULL if months is None else months)
    district.load()
    return district


def test_what_is_used_of_energy_coal_and_carbon(tmp_path: Path) -> None:
    district = SmallControl(tmp_path)
    district.energy({"2022-01": {"b1": 100.0, "b2": None}, "2022-02": {"b1": 10.0, "b2": 20.0}})
    district.put(IN_USE, factors(("standard_coal_equivalent", "0.1229")))
    about = {"enterprise": "e", "month": date(2022, 1, 1), "known_seconds": 1, "expected_seconds": 1, "stand_in": False}
    of_district = [("district", "electricity", 2, 50), ("district", "diesel", 1, 8), ("district", "water", 3, 7)]
    names = ("zone", "carrier", "emission_scope", "emission")
    emitted = [dict(zip(names, told, strict=True)) for told in (*of_district, ("east", "diesel", 1, 8))]
    district.put(ENTERPRISE_EMITTED, [{**about, "review": "unverified", **told} for told in emitted])
    district.load()
    rows = {(r["scope"], r["budget_measure"], r["month"].month): r for r in district.rows("use_monthly")}
    assert rows["b1", "energy", 1]["used"] == 100 and rows["b1", "standard_coal", 1]["used"] == Decimal("12.29")
    assert (rows["b2", "energy", 1]["used"], rows["b2", "energy", 1]["coverage"]) == (None, 0.0)  # unknown, not 0
    assert rows["district", "energy", 2]["used"] == 30 and rows["e", "emission", 1]["used"] == 58  # scopes 1 and 2, once
    assert {r["review"] for r in rows.values() if r["budget_measure"] == "standard_coal"} == {"unverified"}
    assert {(r["scope_kind"], r["symbol"]) for r in rows.values() if r["scope"] == "e"} == {
        *(("enterprise", "kWh"), ("enterprise", "kgce"), ("enterprise", "kg")),
    }


def test_coal_without_a_factor_is_unknown(tmp_path: Path) -> None:
    district = SmallControl(tmp_path)
    district.energy({"2022-01": {"b1": 100.0}})
    district.load()
    (row,) = district.rows("use_monthly", scope="b1", budget_measure="standard_coal")
    assert (row["used"], row["coverage"]) == (None, 0.0)


def test_burn_down_of_a_year_like_the_one_before(tmp_path: Path) -> None:
    rows = made(tmp_path).rows("burn_down_monthly", scope="district")
    assert [row["month"].month for row in rows] == list(range(1, 13)) and {row["year"] for row in rows} == {2022}
    june = rows[5]
    assert (
        june["used_to_date"] == 2400 and june["used_share"] == pytest.approx(48) and june["expected_share"] == pytest.approx(50)
    )
    assert june["ahead"] == pytest.approx(-4) and june["forecast"] == pytest.approx(4800) and june["days_left"] == 184
    assert (june["budget_status"], rows[11]["budget_status"], rows[11]["newest"]) == ("at_risk", "within", True)
    assert june["forecast_low"] < 4800 < june["forecast_high"] and june["coverage"] == 1.0
    assert [row["newest"] for row in rows].count(True) == 1


def test_budgets_may_bring_their_own_shares_and_an_intensity_is_over_the_area(tmp_path: Path) -> None:
    shares = "1 0 0 0 0 0 0 0 0 0 0 0"
    budgets = f"building,b1,energy,2022,1000,{shares},plan,,stand-in,made up,unverified\n"
    budgets += f"zone,west,energy_intensity,2022,11{OF}"
    district = made(tmp_path, budgets)
    own = district.rows("burn_down_monthly", scope="b1")
    assert own[0]["expected_share"] == 100 and own[0]["budget_to_date"] == 1000
    west = district.rows("budget_state", scope="west")[0]
    assert (west["used_to_date"], west["floor_area"], west["symbol"]) == (12, 300.0, "kWh/m²")
    assert (west["budget_status"], west["use_measure"]) == ("exceeded", "energy")


def test_an_unknown_month_stays_unknown(tmp_path: Path) -> None:
    months = {month: dict(of) for month, of in FULL.items() if month < "2022-07"}
    months["2022-03"] = {"b1": None, "b2": None}
    rows = made(tmp_path, months=months).rows("burn_down_monthly", scope="district")
    assert rows[2]["used"] is None and rows[2]["used_to_date"] == 800 and rows[2]["coverage"] == pytest.approx(59 / 90)
    assert rows[5]["forecast"] == pytest.approx(4800) and rows[5]["newest"]
    assert rows[6]["used_to_date"] is None and rows[6]["forecast"] is None and rows[11]["projected"] == pytest.approx(4800)


def test_what_was_decided_goes_before_the_register(tmp_path: Path) -> None:
    district = made(tmp_path)
    assert {row["scope"]: row["budget"] for row in district.rows("budget_in_force")} == {"district": 5000, "b1": 1000}
    district.put(DECIDED, [record(decision="draft"), record(scope="b2", decision="in_force", budget=Decimal(9))])
    found = {row["scope"]: (row["budget"], row["origin"]) for row in district.rows("budget_in_force")}
    assert found == {"district": (5000, "stand-in"), "b1": (1000, "stand-in"), "b2": (9, "manual")}
    district.put(DECIDED, [record()])
    assert {row["scope"]: row["budget"] for row in district.rows("budget_in_force")} == {"district": 5000, "b1": 1500}
    assert district.rows("burn_down_monthly", scope="b1")[5]["budget"] == 1500
    district.put(DECIDED, [record(decision="withdrawn")])
    assert [row["scope"] for row in district.rows("budget_in_force")] == ["district"]
    assert district.rows("burn_down_monthly", scope="b1") == []


def test_a_district_without_registers_has_empty_tables(tmp_path: Path) -> None:
    district = made(tmp_path, "")
    for name in ("budgets.csv", "warning_rules.csv"):
        (district.folder / "registers" / name).unlink()
    district.load()
    for table in ("budget_in_force", "burn_down_monthly", "budget_state", "warning", "allocation", "load_forecast"):
        assert district.rows(table) == []


def test_warnings_over_budgets_begin_and_end_with_their_months(tmp_path: Path) -> None:
    months = {month: dict(of) for month, of in FULL.items()}
    for month, value in (("2022-02", 260.0), ("2022-05", 20.0), ("2022-06", 20.0), ("2022-07", 20.0)):
        months[month]["b1"] = value
    district = made(tmp_path, f"building,b1,energy,2022,1300{OF}", FORECAST + AHEAD, months)
    found = {row["rule"]: row for row in district.rows("warning")}
    burn = district.rows("burn_down_monthly", scope="b1")
    assert found["over"]["since"] == date(2022, 2, 28) and found["over"]["worst"] == pytest.approx(burn[1]["forecast_share"])
    first_below = next(row["month"] for row in burn[2:] if row["forecast_share"] <= 99)
    assert (found["over"]["cleared_on"] + timedelta(days=1)) == date(2022, first_below.month + 1, 1)
    assert found["ahead"]["since"] == date(2022, 3, 31)  # two months in a row
    assert found["over"]["warning"] == "over|building|b1|energy||2022-02-28"
    assert (found["over"]["zone"], found["over"]["limit"], found["over"]["symbol"]) == ("east", 100.0, "%")


def test_a_warning_over_a_budget_goes_with_its_year(tmp_path: Path) -> None:
    (row,) = made(tmp_path, f"building,b1,energy,2022,900{OF}", FORECAST).rows("warning")
    assert row["cleared_on"] == date(2023, 1, 1)
    months = {month: of for month, of in FULL.items() if month < "2022-09"}
    (row,) = made(tmp_path / "other", f"building,b1,energy,2022,900{OF}", FORECAST, months).rows("warning")
    assert row["cleared_on"] is None


def test_warnings_over_days_and_of_data_that_stopped(tmp_path: Path) -> None:
    district = made(tmp_path, "", SUDDEN + STALE)
    values: list[float | None] = [10.0] * 60
    values[40] = 30.0
    values[50:56] = [None] * 6
    rows = days(date(2022, 12, 1), values) + days(date(2022, 12, 1), [5.0] * 62, "b2")
    district.put(DAILY, rows)
    found = sorted(district.rows("warning"), key=lambda row: (row["rule"], row["since"]))
    told = [(row["rule"], row["scope"], row["since"], row["cleared_on"]) for row in found]
    assert told == [
        ("stale", "b1", date(2023, 1, 23), date(2023, 1, 26)),  # four days behind the 19th
        ("sudden", "b1", date(2023, 1, 10), date(2023, 1, 11)),
    ]
    assert found[1]["worst"] == 300 and found[0]["worst"] == 6 and found[0]["symbol"] == "d"


def test_rules_hold_from_when_they_say(tmp_path: Path) -> None:
    late = SUDDEN.replace("2021-01-01", "2023-02-01")
    district = made(tmp_path, "", late)
    district.put(DAILY, days(date(2022, 12, 1), [10.0] * 40 + [30.0] + [10.0] * 5))
    assert district.rows("warning") == []


def test_scenarios_of_allocation_add_up(tmp_path: Path) -> None:
    rows = made(tmp_path, f"district,district,energy,2022,4801.7{OF}").rows("allocation")
    sums: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        key = (row["scope_kind"], row["allocation_rule"])
        sums[key] = sums.get(key, Decimal(0)) + row["allocated"]
    assert len(sums) == 8 and set(sums.values()) == {Decimal("4801.7")}
    by = {(row["allocation_rule"], row["scope"]): row for row in rows}
    assert by["past_use", "b1"]["allocated"] == Decimal("1200.4") and by["floor_area", "b1"]["allocated"] == Decimal("1200.4")
    assert by["past_use", "b1"]["past_use"] == 1200 and by["past_use", "b1"]["origin"] == "allocated"


def hourly(first: date, count: int, building: str = "b1") -> list[dict[str, Any]]:
    start = datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(hours=8)
    return [
        {
            "building": building,
            "carrier": "electricity",
            "hour": start + timedelta(hours=number),
            "day": first + timedelta(days=number // 24),
            "hour_of_day": number % 24,
            "energy": Decimal(10 + number % 24 + 5 * ((number // 24) % 7 < 5)),
            "estimated_energy": Decimal(0),
            "coverage": 1.0,
            "stand_in": True,
        }
        for number in range(count * 24)
    ]


def test_the_next_day_and_the_errors_beside_it(tmp_path: Path) -> None:
    district = made(tmp_path)
    rows = hourly(date(2022, 8, 1), 160)  # to 7 January 2023
    district.put(HOURLY, rows)
    told = [row for row in district.rows("load_forecast") if row["day"] == date(2023, 1, 8)]
    assert [row["hour_of_day"] for row in told] == list(range(24)) and {row["origin_day"] for row in told} == {date(2023, 1, 7)}
    assert told[0]["hour"] == datetime(2023, 1, 7, 16, tzinfo=UTC)
    expected = [10 + hour + 5 * (160 % 7 < 5) for hour in range(24)]
    assert [row["forecast"] for row in told] == pytest.approx(expected, rel=0.03)
    assert all(row["forecast_low"] <= row["forecast"] + 1 and row["stand_in"] and row["origin"] == "modelled" for row in told)
    errors = {row["month"]: row for row in district.rows("forecast_error")}
    assert errors[date(2022, 12, 1)]["scored_hours"] == 31 * 24
    assert errors[date(2022, 12, 1)]["relative_error"] < 0.5 and errors[date(2022, 12, 1)]["last_week_mae"] == 0
    # what comes later changes no forecast that was made: the last day of a year is the origin of that year's
    (old,) = {row["origin_day"] for row in district.rows("load_forecast") if row["day"] == date(2023, 1, 1)}
    assert old == date(2022, 12, 31)


def test_a_changed_day_heals_what_it_touches(tmp_path: Path) -> None:
    district = made(tmp_path)
    rows = hourly(date(2022, 8, 1), 160)
    district.put(HOURLY, rows)
    before = district.rows("forecast_error")
    rows[-30]["energy"] = Decimal(40)
    district.put(HOURLY, rows)
    after = district.rows("forecast_error")
    assert [row for row in before if row["month"].year == 2022] == [row for row in after if row["month"].year == 2022]
    assert before != after


@pytest.mark.parametrize(
    ("budgets", "rules", "code", "field"),
    [
        (f"zone,nowhere,energy,2022,1{OF}", "", "reference", "scope"),
        (f"district,east,energy,2022,1{OF}", "", "reference", "scope"),
        (f"building,b1,energy,2022,0{OF}", "", "range", "budget"),
        (f"building,b1,power,2022,1{OF}", "", "reference", "budget_measure"),
        (f"company,b1,energy,2022,1{OF}", "", "choice", "scope_kind"),
        (BUILDING + BUILDING, "", "key-twice", "scope_kind, scope, budget_measure, year"),
        ("building,b1,energy,2022,1,0.5 0.5,plan,,stand-in,x,verified\n", "", "value", "monthly_shares"),
        ("building,b1,energy,2022,1,nan 1 1 1 1 1 1 1 1 1 1 1,plan,,stand-in,x,verified\n", "", "value", "monthly_shares"),
        ("", FORECAST.replace("100,1,1", "100,101,1"), "range", "dead_band"),
        ("", FORECAST.replace("forecast_over_budget", "whenever"), "choice", "threshold_kind"),
        ("", FORECAST.replace("100,1,1", "100,1,-1"), "range", "delay_steps"),
    ],
)
def test_registers_say_what_is_wrong(tmp_path: Path, budgets: str, rules: str, code: str, field: str) -> None:
    district = SmallControl(tmp_path, budgets, rules)
    district.city.district  # noqa: B018
    with pytest.raises(Refused) as refused:
        district.load()
    assert (code, field) in [(problem.code, problem.field) for problem in refused.value.problems]
