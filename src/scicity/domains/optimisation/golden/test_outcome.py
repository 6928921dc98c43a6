"""What plans and rules do, as columns: nothing is lost, and what cannot be met is told."""

import numpy as np
import pytest

from scicity.domains.optimisation.golden.test_whole_stations import RULE, invented
from scicity.domains.optimisation.methods import outcome
from scicity.domains.optimisation.methods.outcome import Course
from scicity.domains.optimisation.methods.rule import run_rule
from scicity.domains.optimisation.methods.solving import CLOSED
from scicity.domains.optimisation.methods.station import Converter, Demand, Station, Store, Supply


def balance(course: Course) -> float:
    """The worst that the powers of a carrier do not add up to nothing."""
    carriers = np.array(course.carriers)
    return max(float(np.abs(course.power[carriers == each].sum(axis=0)).max()) for each in set(course.carriers))


@pytest.mark.parametrize("switched", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_the_powers_of_each_carrier_add_up_to_nothing_and_the_parts_to_the_whole(seed: int, switched: bool) -> None:
    station = invented(seed, switched)
    for plan in (outcome.best(station), run_rule(station, RULE).plan):
        found = outcome.course(plan)
        assert balance(found) <= CLOSED
        assert found.cost.sum() == pytest.approx(plan.cost)
        assert found.emission.sum() == pytest.approx(plan.carbon)
        assert len(set(zip(found.units, found.carriers, strict=True))) == len(found.units)


def test_what_cannot_be_met_is_told_and_costs_nothing() -> None:
    station = Station(
        "s",
        {"gas": "gas", "heat": "heat"},
        [
            Supply("main", "gas", 0.3),
            Converter("boiler", "gas", "heat", 100.0, 0.9),
            Store("tank", "heat", 50.0, 50.0, 50.0),
            Demand("warmth", "heat", np.array([80.0, 200.0])),
        ],
        2,
        1.0,
    )
    found = outcome.course(outcome.best(station))
    short = found.power[found.units.index("unmet-heat")]
    assert short.sum() == pytest.approx(80.0)  # of 280 the boiler makes 200; the tank moves it between the hours
    assert found.cost.sum() == pytest.approx(200 / 0.9 * 0.3)
    assert balance(found) <= CLOSED


def test_a_rule_that_lacks_or_has_too_much_says_so() -> None:
    from scicity.domains.optimisation.methods.rule import Rule

    station = Station(
        "s",
        {"gas": "gas", "heat": "heat", "electricity": "electricity"},
        [
            Supply("main", "gas", 0.3),
            Converter("engine", "gas", "electricity", 100.0, 0.4, {"heat": 1.0}),
            Demand("warmth", "heat", np.array([50.0, 150.0])),
            Demand("power", "electricity", np.array([20.0, 20.0])),
        ],
        2,
        1.0,
    )
    found = outcome.course(run_rule(station, Rule(["engine@heat", "main"])).plan)
    assert found.power[found.units.index("surplus-electricity")] == pytest.approx([-30.0, -80.0])
    assert found.power[found.units.index("unmet-heat")] == pytest.approx([0.0, 50.0])
    assert balance(found) <= CLOSED


def test_days_are_joined_by_unit_and_carrier() -> None:
    def day(units: list[str], value: float) -> Course:
        one = np.full((len(units), 2), value)
        return Course(units, ["heat"] * len(units), one, one, one, one, one)

    found = outcome.joined([day(["b", "a"], 1.0), day(["a", "c"], 2.0)], [2, 2])
    assert found.units == ["a", "b", "c"]
    assert found.power.tolist() == [[1, 1, 2, 2], [1, 1, 0, 0], [0, 0, 2, 2]]
    assert np.isnan(found.stored[1, 2:]).all()
