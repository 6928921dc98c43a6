"""What was closed stays; what is known otherwise stands beside it as a pair and a difference; reopening is somebody's act."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from scicity.closing import ClosingRefused, Closings
from scicity.kernel.lineage import Figures
from tests.kernel.toy import FIRST, Toy

NOW = datetime(2026, 1, 10, tzinfo=UTC)
DECEMBER = "toy.cost.energy/meter=m2/month=2022-12-01"
YEAR = "toy.total.energy/year=2022"


@pytest.fixture
def figures(toy: Toy) -> Figures:
    figures = Figures(toy.computing)
    figures.closed = of(toy).of
    return figures


def of(toy: Toy) -> Closings:
    return Closings(toy.computing.engine, toy.computing.catalog, toy.computing.calendar)


def late(toy: Toy, name: str, value: float, revision: int = 1, days: int = 12) -> None:
    toy.read(name, [("m2.e", FIRST + timedelta(days=days), value, revision)])
    toy.computing.bring_up_to_date()


def test_a_closed_figure_stays_and_the_difference_stands_beside_it(toy: Toy, figures: Figures) -> None:
    closings = of(toy)
    act = closings.close("2022", "chen", "yearly statement", NOW)
    was = {where: figures.figure(where).value for where in (DECEMBER, YEAR)}
    late(toy, "late", 70.0)
    assert closings.post(NOW) == 2
    assert closings.post(NOW) == 0
    assert of(toy).post(NOW) == 0  # nor does another process
    assert {where: figures.figure(where).value for where in (DECEMBER, YEAR)} == was
    found = closings.standing(act)
    assert set(found) == {DECEMBER, YEAR}
    for where, pair in found.items():
        now = figures.figure(f"{where}@{pair.version}").value
        assert (pair.before, pair.reversal, pair.after) == (was[where], -was[where], now)
        assert pair.difference == now - was[where] > 0


def test_a_closed_figure_opens_as_it_was(toy: Toy, figures: Figures) -> None:
    before = figures.why(YEAR)
    of(toy).close("2022", "chen", "yearly statement", NOW)
    late(toy, "late", 70.0)
    opened = figures.why(YEAR)
    assert opened.figure.closed == "2022"
    assert (opened.figure.value, [each.version for each in opened.inputs]) == (
        before.figure.value,
        [each.version for each in before.inputs],
    )
    (months,) = opened.inputs
    assert sum(row["energy"] for row in months.rows) == opened.figure.value


def test_periods_that_are_not_closed_heal_as_ever(toy: Toy, figures: Figures) -> None:
    of(toy).close("2022", "chen", "yearly statement", NOW)
    january = "toy.cost.energy/meter=m2/month=2023-01-01"
    was = figures.figure(january).value
    late(toy, "late", 70.0, days=45)
    assert figures.figure(january).value != was
    assert of(toy).post(NOW) == 0
    assert len(figures.rows("toy.cost")) == len(figures.rows("toy.cost", version=toy.lake.snapshot("toy.cost").version))


def test_a_month_closes_without_its_year(toy: Toy, figures: Figures) -> None:
    act = of(toy).close("2022-12", "chen", "monthly statement", NOW)
    was = {where: figures.figure(where).value for where in (DECEMBER, YEAR)}
    late(toy, "late", 70.0)
    of(toy).post(NOW)
    assert figures.figure(DECEMBER).value == was[DECEMBER]
    assert figures.figure(YEAR).value != was[YEAR]
    assert set(of(toy).standing(act)) == {DECEMBER}


def test_a_correction_that_is_corrected_is_reversed_in_its_turn(toy: Toy) -> None:
    closings = of(toy)
    act = closings.close("2022", "chen", "yearly statement", NOW)
    for number, value in enumerate((70.0, 30.0, 70.0), start=1):
        late(toy, f"late {number}", value, revision=number)
        closings.post(NOW)
    chain = [each for each in closings.corrections(act) if each.address == YEAR]
    assert len(chain) == 3
    assert all(earlier.after == later.before for earlier, later in pairwise(chain))
    assert closings.standing(act)[YEAR].difference == sum((each.difference for each in chain), Decimal(0))
    toy.tariffs([(FIRST, None, "0.75")])  # every figure of the year
    toy.computing.bring_up_to_date()
    assert closings.post(NOW) == 4
    toy.tariffs([(FIRST, None, "0.5")])
    toy.computing.bring_up_to_date()
    assert closings.post(NOW) == 4
    assert set(closings.standing(act)) == {DECEMBER, YEAR}


def test_reopening_shows_what_is_known_and_closing_again_keeps_it(toy: Toy, figures: Figures) -> None:
    closings = of(toy)
    closings.close("2022", "chen", "yearly statement", NOW)
    late(toy, "late", 70.0)
    closings.post(NOW)
    closings.reopen("2022", "li", "meter 2 was read again", NOW)
    now = figures.figure(YEAR)
    assert (now.closed, now.version) == ("", toy.lake.snapshot("toy.total").version)
    act = closings.close("2022", "li", "restated", NOW)
    assert figures.figure(YEAR).value == now.value
    assert closings.standing(act) == {}
    assert [(each.number, each.action, each.who) for each in of(toy).acts()] == [
        (1, "closed", "chen"),
        (2, "reopened", "li"),
        (3, "closed", "li"),
    ]


@pytest.mark.parametrize(
    ("period", "reason", "now"),
    [("2022-13", "r", NOW), ("22", "r", NOW), ("2022", " ", NOW), ("2026", "r", NOW), ("2019", "r", NOW)],
)
def test_what_cannot_be_closed_is_refused_and_leaves_nothing(toy: Toy, period: str, reason: str, now: datetime) -> None:
    closings = of(toy)
    with pytest.raises(ClosingRefused):
        closings.close(period, "chen", reason, now)
    assert closings.acts() == ()
    assert list(closings.folder.glob("*")) == []


def test_a_period_closes_and_reopens_once(toy: Toy) -> None:
    closings = of(toy)
    with pytest.raises(ClosingRefused):
        closings.reopen("2022", "chen", "r", NOW)
    closings.close("2022", "chen", "r", NOW)
    for period in ("2022", "2022-12"):
        with pytest.raises(ClosingRefused):
            closings.close(period, "chen", "r", NOW)


def test_an_act_that_was_changed_is_noticed_and_stops_further_acts(toy: Toy) -> None:
    closings = of(toy)
    closings.close("2022-12", "chen", "r", NOW)
    closings.reopen("2022-12", "li", "r", NOW)
    assert closings.broken() is None
    file = closings.folder / "0001" / "act.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"who": "somebody else"}))
    assert of(toy).broken() == 2
    with pytest.raises(ClosingRefused):
        of(toy).close("2022-12", "chen", "r", NOW)


def test_an_act_that_ended_half_way_did_not_happen(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    closings = of(toy)
    monkeypatch.setattr(closings, "_act", lambda passing, act: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        closings.close("2022", "chen", "r", NOW)
    assert of(toy).closed() == {}
    assert of(toy).close("2022", "chen", "r", NOW).number == 1
