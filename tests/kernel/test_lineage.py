"""Every number opens: down to readings and lines of files, at the versions that produced it."""

from datetime import date, timedelta

import pytest

from scicity.kernel.lineage import Between, Figures, NoFigure
from tests.kernel.toy import FIRST


@pytest.fixture
def figures(toy):
    return Figures(toy.computing)


def test_a_total_opens_down_to_readings(figures):
    why = figures.why("toy.total.energy/year=2022")
    assert why.method == "All meters of a year."
    (months,) = why.inputs
    assert (months.kind, months.total) == ("derived", 6)  # three meters, December and the evening before it
    december = next(row for row in months.rows if row["month"] == date(2022, 12, 1))
    cost = figures.why(december.figure("energy").address)
    days, tariffs = cost.inputs
    assert (days.total, tariffs.total, tariffs.rows[0]["source_row"]) == (31, 1, 2)
    day = figures.why(days.rows[0].figure("energy").address)
    hour = figures.why(day.inputs[0].rows[0].figure("energy").address)
    readings = {e.name: e for e in hour.inputs}["readings"]
    assert readings.kind == "reading"
    assert {row["datastream"] for row in readings.rows} <= {"m1.e"}


def test_the_parts_add_up_to_the_figure(figures):
    why = figures.why("toy.daily.energy/meter=m1/day=2022-12-05")
    assert sum(row["energy"] for row in why.inputs[0].rows) == why.figure.value
    assert why.inputs[0].total == 4


def test_an_address_can_name_a_version(toy, figures):
    address = "toy.daily.energy/meter=m2/day=2022-12-13"
    version = toy.lake.snapshot("toy.daily").version
    before = figures.figure(address).value
    toy.read("late", [("m2.e", FIRST + timedelta(days=12), 90.0, 1)])
    toy.computing.bring_up_to_date()
    assert figures.figure(address).value != before
    assert figures.figure(f"{address}@{version}").value == before


@pytest.mark.parametrize(
    "address",
    [
        "",
        "toy.daily",
        "toy.daily.energy",
        "toy.daily.nothing/meter=m1/day=2022-12-05",
        "toy.daily.energy/meter=m1/day=yesterday",
        "toy.daily.energy/meter=m1",
        "toy.daily.energy/meter=m1' OR 1=1 --/day=2022-12-05",
        "../../etc/passwd",
        "toy.daily.energy/meter=m1/day=2022-12-05@999",
        "toy.daily.energy/meter=m1/day=2022-12-05@-1",
        "reading.energy_increment.value/datastream=x/time=2022-12-05T00:00:00Z",
    ],
)
def test_an_address_of_nothing_is_refused(figures, address):
    with pytest.raises(LookupError):
        figures.why(address)


def test_questions_bind_their_values(figures):
    rows = figures.rows("toy.daily", ["energy"], {"meter": "m1", "day": Between(date(2022, 12, 5), date(2022, 12, 7))})
    assert [row["day"].day for row in rows] == [5, 6, 7]
    assert figures.rows("toy.daily", where={"meter": "'; DROP TABLE x; --"}) == []
    with pytest.raises(LookupError, match="no column nothing"):
        figures.rows("toy.daily", ["nothing"])
    with pytest.raises(NoFigure):
        rows[0].figure("nothing")
