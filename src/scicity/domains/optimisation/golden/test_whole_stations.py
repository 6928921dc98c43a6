"""Stations of every kind of device with invented weather: what always holds, whatever the figures are."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scicity.domains.optimisation.methods.matrix import Floats
from scicity.domains.optimisation.methods.rule import Rule, run_rule, saved
from scicity.domains.optimisation.methods.solving import CLOSED, Plan, Weights
from scicity.domains.optimisation.methods.station import (
    CARRIERS,
    Converter,
    Curve,
    Demand,
    Source,
    Station,
    Store,
    Supply,
    Vent,
    heat_pump_cop,
)
from scicity.domains.optimisation.methods.unmet import plan

HEATING = ("hot-tank", "engine@heat", "pump", "air-pump", "boiler", "cooler")
RULE = Rule(["electrolyser", "absorption", "chiller", *HEATING, "battery", "grid", "gas-main"])


def invented(seed: int, switched: bool, steps: int = 24) -> Station:
    random = np.random.default_rng(seed)
    outside = random.uniform(-10, 35) + 5 * np.sin(np.arange(steps) / steps * 2 * np.pi)
    curve = Curve((0.5, 0.75, 1.0), (1.5, 2.0, 2.5), {"heat": (0.7, 0.9, 1.0)})
    engine = Converter("engine", "gas", "electricity", 500.0, 0.4, {"heat": 1.1})
    if switched:
        engine = Converter("engine", "gas", "electricity", 500.0, curve=curve, start_cost=20.0, running_cost=0.02)
    return Station(
        "invented",
        {carrier: carrier for carrier in CARRIERS},
        [
            Supply("grid", "electricity", random.uniform(0.3, 1.2, steps), 0.6, 1e4, 500.0, 0.2),
            Supply("gas-main", "gas", random.uniform(0.2, 0.4), 0.2),
            Source("pv", "electricity", random.uniform(0, 600, steps)),
            Source("wind", "electricity", random.uniform(0, 300, steps)),
            engine,
            Converter("boiler", "gas", "heat", 3000.0, 0.9),
            Converter("pump", "electricity", "heat", 500.0, heat_pump_cop(12.0, 45.0, 0.5) * np.ones(steps)),
            Converter("air-pump", "electricity", "heat", 300.0, heat_pump_cop(outside, 45.0, 0.45)),
            Converter("absorption", "heat", "cold", 100.0, 0.7),
            Converter("chiller", "electricity", "cold", 900.0, random.uniform(3, 5, steps)),
            Converter("electrolyser", "electricity", "hydrogen", 200.0, 0.65),
            Vent("cooler", "heat"),
            Store("hot-tank", "heat", 2000.0, 400.0, 400.0, 0.98, 0.98, 0.01, fixed_loss=0.0),
            Store("cold-tank", "cold", 1500.0, 300.0, 300.0, loss=0.02),
            Store("battery", "electricity", 400.0, 200.0, 200.0, 0.95, 0.95, 0.001, cost=0.01),
            Store("hydrogen-store", "hydrogen", 500.0, 100.0, 100.0),
            Demand("power", "electricity", random.uniform(200, 900, steps)),
            Demand("warmth", "heat", random.uniform(100, 1200, steps)),
            Demand("coolth", "cold", random.uniform(50, 700, steps)),
            Demand("cars", "hydrogen", random.uniform(0, 80, steps)),
        ],
        steps,
    )


def left_over(found: Plan) -> float:
    """The worst that any bus is off, from the flows by device and the demands alone."""
    sums: dict[str, Floats] = {bus: np.zeros(found.model.station.steps) for bus in found.model.station.buses}
    for device, bus in found.model.gives:
        sums[bus] = sums[bus] + found.power(device, bus)
    for each in found.model.station.devices:
        if isinstance(each, Demand):
            sums[each.bus] = sums[each.bus] - each.power
    return max(float(np.abs(each).max()) for each in sums.values())


@pytest.mark.parametrize("switched", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_a_plan_closes_costs_no_more_than_a_rule_and_is_what_it_says(seed: int, switched: bool) -> None:
    station = invented(seed, switched)
    found = plan(station, gap=1e-4)
    program = found.model.program
    assert left_over(found) <= CLOSED
    assert program.excess(found.values, found.past).max() <= CLOSED
    assert np.maximum(program.lower - found.values, found.values - program.upper).max() <= CLOSED
    run = run_rule(station, RULE)
    assert run.broken == []
    assert left_over(run.plan) <= CLOSED
    told = saved(found, run)
    assert told.cost > 0
    assert found.cost == pytest.approx(found.objective)
    bought = found.power("grid", "electricity")
    supply, gas = station.devices[0], station.devices[1]
    assert isinstance(supply, Supply)
    assert isinstance(gas, Supply)
    paid = np.where(bought > 0, bought * supply.price, bought * 0.2).sum() + (found.power("gas-main", "gas") * gas.price).sum()
    paid += 0.01 * found.column("battery", "discharge").sum()
    if switched:
        paid += 0.02 * found.power("engine", "electricity").sum()
        paid += 20.0 / station.hours * found.column("engine", "started").sum()
    assert found.cost == pytest.approx(paid * station.hours)


def test_less_carbon_costs_more_money() -> None:
    station = invented(1, switched=False)
    cheap, clean = plan(station), plan(station, Weights(0.0, 1.0))
    assert clean.carbon < cheap.carbon
    assert clean.cost > cheap.cost


def test_prices_tell_what_one_more_kilowatt_hour_costs() -> None:
    station = invented(2, switched=False)
    found = plan(station)
    for bus in ("electricity", "heat", "cold", "hydrogen"):
        more = np.zeros(station.steps)
        more[7] = 1e-3
        again = plan(
            Station("more", station.buses, [*station.devices, Demand("more", bus, more)], station.steps, station.hours)
        )
        assert (again.cost - found.cost) / (1e-3 * station.hours) == pytest.approx(found.price(bus)[7], rel=1e-3)


def test_the_same_station_gives_the_same_plan() -> None:
    assert plan(invented(3, switched=False)).table() == plan(invented(3, switched=False)).table()


def test_the_solver_writes_nothing() -> None:
    # in a process of its own: it would write its name only once in each
    source = "from scicity.domains.optimisation.golden.test_whole_stations import invented, plan; plan(invented(1, False))"
    root = Path(__file__).parents[4]
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, check=True, cwd=root)
    assert (done.stdout, done.stderr) == (b"", b"")
