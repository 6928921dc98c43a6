"""Stations run by a rule, reckoned by hand, and what a plan saves against them."""

import numpy as np
import pytest

from scicity.domains.optimisation.methods.rule import Broken, Rule, run_rule, saved
from scicity.domains.optimisation.methods.solving import CLOSED
from scicity.domains.optimisation.methods.station import Converter, Curve, Demand, Device, Source, Station, Store, Supply, Vent
from scicity.domains.optimisation.methods.unmet import plan

PRICE = np.array([1.0, 1.0, 2.0, 2.0])


def station(*devices: Device) -> Station:
    return Station("s", {"e": "electricity", "h": "heat", "g": "gas"}, devices, 4, 1.0)


ENGINE = Converter("engine", "g", "e", 100.0, curve=Curve((0.5, 1.0), (1.5, 2.5), {"h": (0.6, 1.0)}), start_cost=7.0)
HEATED = (
    Supply("grid", "e", PRICE, 0.5, export_limit=100.0, export_price=0.4),
    Supply("gas", "g", 0.2, 0.2),
    ENGINE,
    Converter("boiler", "g", "h", 100.0, 0.8),
    Demand("power", "e", 60.0),
    Demand("heat", "h", np.array([40.0, 60.0, 80.0, 120.0])),
)
HEAT_LED = Rule(["engine@h", "boiler", "grid", "gas"])


def test_an_engine_follows_the_heat() -> None:
    run = run_rule(station(*HEATED), HEAT_LED)
    assert run.broken == []
    # 40 is below its least; 60 and 80 give 50 and 75 of power; 120 is above its most
    assert run.plan.power("engine", "e") == pytest.approx([0, 50, 75, 100])
    assert run.plan.power("engine", "h") == pytest.approx([0, 60, 80, 100])
    assert run.plan.power("boiler", "h") == pytest.approx([40, 0, 0, 20])
    assert run.plan.power("grid", "e") == pytest.approx([60, 10, -15, -40])
    gas = 50 + 150 + 200 + 250 + 25
    assert run.plan.cost == pytest.approx(60 + 10 - 0.4 * 55 + 0.2 * gas + 7)
    assert run.plan.carbon == pytest.approx(0.5 * 70 + 0.2 * gas)


def test_a_plan_is_never_dearer_than_a_rule_and_says_what_it_saves() -> None:
    best = plan(station(*HEATED))
    told = saved(best, run_rule(station(*HEATED), HEAT_LED))
    assert told.cost == pytest.approx(run_rule(station(*HEATED), HEAT_LED).plan.cost - best.cost)
    assert told.cost >= -CLOSED
    assert told.cost_share == pytest.approx(told.cost / run_rule(station(*HEATED), HEAT_LED).plan.cost)


def test_a_tank_fills_and_empties_when_it_is_told() -> None:
    tank = Store("tank", "h", 100, 50, 50, loss=0.1)
    devices = (Supply("steam", "h", PRICE), tank, Demand("heat", "h", np.array([30.0, 30.0, 10.0, 30.0])))
    wishes = {"tank": np.array([20.0, 0.0, -50.0, -50.0])}
    run = run_rule(station(*devices), Rule(["tank", "steam"], wishes))
    assert run.broken == []
    # 20 are 18 and 16.2 an hour later each: 10 are wanted and given, and 0.9 of the 6.2 that are left
    assert run.plan.power("tank", "h") == pytest.approx([-20, 0, 10, 5.58])
    assert run.plan.cost == pytest.approx(50 + 30 + 2 * (30 - 5.58))
    assert saved(plan(station(*devices)), run).left == pytest.approx({"tank": 0.0}, abs=CLOSED)


def test_a_battery_without_a_wish_keeps_the_sun_that_is_left() -> None:
    sun = np.array([50.0, 0.0, 0.0, 70.0])
    battery = Store("battery", "e", 30, 20, 20, begin=0.0, end="free")
    devices = (Supply("grid", "e", 1.0, export_limit=5.0), Source("pv", "e", sun), battery, Demand("power", "e", 10.0))
    run = run_rule(station(*devices), Rule(["battery", "grid"]))
    assert run.broken == []
    assert run.plan.power("battery", "e") == pytest.approx([-20, 10, 10, -20])
    assert run.plan.power("grid", "e") == pytest.approx([-5, 0, 0, -5])
    assert run.plan.power("pv", "e") == pytest.approx([35, 0, 0, 35])


def test_what_a_rule_breaks_is_told() -> None:
    slow = Converter("boiler", "g", "h", 100.0, 0.8, ramp=0.3)
    run = run_rule(
        station(Supply("gas", "g", 0.2), slow, Demand("heat", "h", np.array([20.0, 90.0, 90.0, 120.0]))),
        Rule(["boiler", "gas"]),
    )
    assert run.broken == [Broken("boiler", "ramp", 1, 1, 40.0), Broken("h", "balance", 1, 3, 20.0)]


def test_heat_too_much_is_let_go() -> None:
    devices = (Supply("gas", "g", 0.2), ENGINE, Vent("v", "h"), Demand("power", "e", 60.0), Demand("heat", "h", 10.0))
    run = run_rule(station(*devices), Rule(["engine", "v", "gas"]))
    assert run.broken == []
    assert run.plan.power("v", "h") == pytest.approx([-58] * 4)


@pytest.mark.parametrize("order", [["stranger"], ["boiler", "boiler"], ["boiler@e"]])
def test_an_order_that_cannot_be(order: list[str]) -> None:
    with pytest.raises(ValueError, match="order"):
        run_rule(station(*HEATED), Rule(order))
