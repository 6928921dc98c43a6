"""Hard cases of factors (group 15): why a figure changed, and a closed report that stays as it was under new factors."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scicity.domains.carbon.golden.small_district import CHOICES, FACTORS, SmallDistrict, energy, of_year
from scicity.domains.carbon.methods.causes import Cause, cause_of, causes_of
from scicity.domains.carbon.pages.plants import since_closed

KEY = ("building", "carrier", "month")


def row(energy_: str | None, factor: str | None, month: str = "2023-01") -> dict[str, object]:
    value, by = (None if text is None else Decimal(text) for text in (energy_, factor))
    emission = None if value is None or by is None else (value * by).quantize(Decimal("0.000001"))
    return {
        **{"building": "b", "carrier": "electricity", "month": month, "accounted_energy": value},
        **{"emission_factor": by, "emission": emission},
    }


def parts(cause: Cause) -> tuple[Decimal, Decimal, Decimal]:
    return cause.by_activity, cause.by_factor, cause.by_coverage


def test_hard_case_15_a_difference_by_activity_by_factor_and_by_coverage() -> None:
    assert parts(cause_of(row("100", "0.5"), row("120", "0.4"))) == (10, -12, 0)  # 50 to 48
    assert parts(cause_of(row("100", "0.5"), row("120", "0.5"))) == (10, 0, 0)
    assert parts(cause_of(row("100", "0.5"), row("100", "0.6"))) == (0, 10, 0)
    assert parts(cause_of(row("100", None), row("100", "0.6"))) == (0, 0, 60)
    assert parts(cause_of(row("100", "0.5"), None)) == (0, 0, -50)
    assert parts(cause_of(None, None)) == (0, 0, 0)
    both = causes_of([row("100", "0.5")], [row("100", "0.6"), row("10", "0.6", "2023-02")], KEY)
    assert [parts(each) for each in both] == [(0, 10, 0), (0, 0, 6)]
    assert (sum(both, Cause()).before, sum(both, Cause()).difference) == (50, 16)


NUMBER = st.decimals(-1000, 1000, places=6)


@given(st.one_of(st.none(), NUMBER), st.one_of(st.none(), NUMBER), st.decimals(0, 2, places=4), st.decimals(0, 2, places=4))
def test_the_causes_are_the_difference(was: Decimal | None, is_now: Decimal | None, old: Decimal, new: Decimal) -> None:
    before, after = (row(None if v is None else f"{v:f}", f"{f:f}") for v, f in ((was, old), (is_now, new)))
    cause = cause_of(before, after)
    assert sum(parts(cause)) == cause.difference
    if old == new:
        assert cause.by_factor == 0


ENERGY = [
    energy("b1", "electricity", "2022-01", "1000"),
    energy("b1", "electricity", "2022-02", "500"),
    energy("b2", "electricity", "2022-01", "200"),
    energy("b1", "electricity", "2023-01", "1100"),
    energy("b2", "electricity", "2023-01", "200"),
    energy("b1", "electricity", "2024-01", "1100"),
]
MAY = datetime(2025, 5, 1, tzinfo=UTC)


def made(root: Path) -> SmallDistrict:
    district = SmallDistrict(root)
    district.factors(FACTORS, CHOICES)
    district.use(ENERGY)
    district.compute()
    return district


def test_hard_case_15_the_year_against_the_year_before(tmp_path: Path) -> None:
    district = made(tmp_path)
    found = district.rows("change_cause", zone="district", year=2023)[0]
    assert (found["previous_emission"], found["emission"]) == (Decimal("948.6"), Decimal("722.02"))  # 1700 x .558, 1300 x .5554
    assert found["change_by_activity"] == Decimal("55.8")  # 100 x 0.558
    assert found["change_by_factor"] == Decimal("-3.38")  # 1300 x -0.0026
    assert found["change_by_coverage"] == Decimal("-279")  # February is not known this year
    assert found["emission_change"] == Decimal("-226.58")
    assert [row["year"] for row in district.rows("change_cause", zone="district")] == [2023]  # 2024 has no factor


def test_hard_case_15_a_closed_report_stays_under_new_factors_and_says_why(tmp_path: Path) -> None:
    """The figures of a closed year stay; the correction stands beside them, and says that the factor changed."""
    district = made(tmp_path)
    city = district.city
    published = district.rows("zone_total_yearly", zone="district", year=2022)
    months = district.rows("emission_monthly", month=[date(2022, 1, 1), date(2022, 2, 1)])
    city.closings.close("2022", "officer", "the yearly report", MAY)
    district.factors([*FACTORS, of_year(2022, "0.5590", revision="1", published_on="2025-06-01")], CHOICES)
    district.compute()
    assert district.rows("zone_total_yearly", zone="district", year=2022) == published
    assert district.rows("emission_monthly", month=[date(2022, 1, 1), date(2022, 2, 1)]) == months
    newest = city.figures.rows(
        "carbon.zone_total_yearly", where={"zone": "district", "year": 2022}, version=district.version("zone_total_yearly")
    )
    assert newest[0]["emission"] == Decimal("950.3")  # 1700 x 0.559
    told = since_closed(city)
    assert [(each["act"].period, parts(each["cause"]), each["cause"].difference) for each in told] == [
        ("2022", (0, Decimal("1.7"), 0), Decimal("1.7"))
    ]
    assert [(one["before"]["emission_factor"], one["after"]["emission_factor"]) for one in told[0]["factors"]] == [
        (Decimal("0.558"), Decimal("0.559"))
    ]
    again = {
        each["zone"]: each
        for each in district.again(
            "zone_total_yearly", "2022", city.closings.closed()["2022"].tables["carbon.zone_total_yearly"]
        )
    }
    assert again["district"] == published[0]  # replayed from the versions of then


def test_hard_case_15_an_accounting_year_other_than_the_data_year_is_told_apart(tmp_path: Path) -> None:
    """The factor of the data of 2023 is used for 2024 only because the district says so; the change of 2024 is then known."""
    district = made(tmp_path)
    assert district.rows("emission_monthly", month=date(2024, 1, 1))[0]["missing"] == "factor"
    later = of_year(2023, "0.5554", valid_from="2024-01-01", valid_to="2025-01-01")
    district.factors([*FACTORS, later], CHOICES)
    district.compute()
    found = district.rows("change_cause", zone="district", year=2024)[0]
    assert (found["change_by_factor"], found["change_by_activity"]) == (0, 0)
    assert found["change_by_coverage"] == Decimal("-111.08")  # b2 is not known: 200 x 0.5554
    assert found["emission"] == pytest.approx(Decimal("610.94"))
