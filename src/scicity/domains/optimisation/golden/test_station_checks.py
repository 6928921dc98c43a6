"""Every fault of a station is told, with its field; what cannot be met is told by balance, step and amount."""

from dataclasses import replace

import numpy as np
import pytest

from scicity.domains.optimisation.methods.solving import CLOSED
from scicity.domains.optimisation.methods.station import Converter, Curve, Demand, Device, Station, Store, Supply, Vent
from scicity.domains.optimisation.methods.station_checks import check
from scicity.domains.optimisation.methods.unmet import plan, unmet
from scicity.kernel.problems import Refused

GRID = Supply("grid", "e", 1.0, limit=50.0)
BOILER = Converter("boiler", "g", "h", 20.0, 0.9)
ENGINE = Converter("engine", "g", "e", 100.0, 0.4, {"h": 1.0})
TANK = Store("tank", "h", 10, 5, 5)


def station(*devices: Device, steps: int = 3) -> Station:
    buses = {"e": "electricity", "h": "heat", "g": "gas"}
    return Station("s", buses, [GRID, Supply("gas", "g", 0.3), BOILER, Demand("d", "h", 10.0), *devices], steps, 1.0)


def told(*devices: Device) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.field) for problem in check(station(*devices))]


def test_a_sound_station_has_no_problem() -> None:
    assert told(ENGINE, TANK) == []


@pytest.mark.parametrize(
    ("device", "code", "field"),
    [
        (Demand("x", "e", np.array([1.0, np.nan, 2.0])), "value-missing", "x.power"),
        (Demand("x", "e", np.array([1.0, np.inf, 2.0])), "range", "x.power"),
        (Demand("x", "e", np.array([1.0, 2.0])), "value", "x.power"),
        (Demand("x", "e", -1.0), "range", "x.power"),
        (Demand("x", "e", "much"), "value", "x.power"),  # type: ignore[arg-type]
        (Demand("x", "e", np.ones((3, 3))), "value", "x.power"),
        (Demand("x", "nowhere", 1.0), "reference", "x.bus"),
        (Demand("grid", "e", 1.0), "key-twice", "grid"),
        (replace(BOILER, name="x", efficiency=-0.9), "range", "x.efficiency"),
        (replace(BOILER, name="x", efficiency=0.0), "range", "x.efficiency"),
        (replace(BOILER, name="x", efficiency=1.3), "range", "x.efficiency"),
        (replace(BOILER, name="x", efficiency=None), "value", "x.efficiency"),
        (replace(BOILER, name="x", minimum=0.3, efficiency=np.array([0.9, np.nan, 0.9])), "value-missing", "x.efficiency"),
        (replace(BOILER, name="x", minimum=1.2), "range", "x.minimum"),
        (replace(BOILER, name="x", min_up=np.array([1.0, 2.0, 3.0])), "value", "x.min_up"),  # type: ignore[arg-type]
        (replace(BOILER, name="x", minimum=0.3, capacity=np.array([1.0, 2.0, 3.0])), "value", "x.capacity"),
        (replace(BOILER, name="x", minimum=0.3, capacity=0.0), "range", "x.capacity"),
        (replace(BOILER, name="x", target="g"), "reference", "x.target"),
        (replace(ENGINE, name="x", also={"h": 2.0}), "range", "x.efficiency"),
        (replace(ENGINE, name="x", also={"h": np.nan}), "value-missing", "x.also.h"),
        (replace(ENGINE, name="x", also={"z": 1.0}), "reference", "x.also"),
        (Converter("x", "g", "e", 9.0, curve=Curve((0.5, 0.4, 1), (1, 2, 3))), "value", "x.curve.output"),
        (Converter("x", "g", "e", 9.0, curve=Curve((0.5, 0.9), (2, 3))), "value", "x.curve.output"),
        (Converter("x", "g", "e", 9.0, curve=Curve((0.5, 1), (2,))), "value", "x.curve.input"),
        (Converter("x", "g", "e", 9.0, curve=Curve((0.5, 1), (2, np.nan))), "range", "x.curve.input"),
        (Converter("x", "g", "e", 9.0, curve=Curve((0.5, 1), (0.3, 0.5))), "range", "x.curve.input"),
        (Converter("x", "g", "e", 9.0, 0.4, curve=Curve((0.5, 1), (2, 3))), "value", "x.efficiency"),
        (Converter("x", "g", "e", 9.0, curve=Curve((0.5, 1), (2, 3)), minimum=0.2), "value", "x.minimum"),
        (replace(TANK, begin=11.0), "range", "tank.begin"),
        (replace(TANK, begin=0.5, least=0.1), "range", "tank.begin"),
        (replace(TANK, capacity=-1.0), "range", "tank.capacity"),
        (replace(TANK, charge_efficiency=1.01), "range", "tank.charge_efficiency"),
        (replace(TANK, loss=1.0), "range", "tank.loss"),
        (replace(TANK, end="sometime"), "choice", "tank.end"),
        (Supply("x", "e", np.array([1.0, np.nan, 1.0])), "value-missing", "x.price"),
        (Supply("x", "e", export_limit=5.0, exclusive=True), "range", "x.exclusive"),
    ],
)
def test_a_fault_is_told_at_its_field(device: Device, code: str, field: str) -> None:
    assert (code, field) in told(device)


def test_faults_are_collected() -> None:
    assert len(told(Demand("x", "e", np.nan), replace(TANK, begin=11.0), replace(BOILER, name="y", efficiency=-1.0))) == 3


def test_what_nothing_feeds_is_told() -> None:
    lost = Station(
        "s",
        {"e": "electricity", "h": "heat", "c": "cold", "y": "hydrogen"},
        [GRID, Store("tank", "c", 9, 9, 9), Converter("cell", "y", "h", 9, 0.5), Demand("d", "h", 1.0)],
        3,
    )
    assert [(p.code, p.field) for p in check(lost)] == [
        ("station-path", "cell at y"),
        ("station-path", "d at h"),
        ("station-path", "tank at c"),
    ]
    shut = Station("s", {"e": "electricity"}, [replace(GRID, limit=0.0), Demand("d", "e", 1.0)], 3)
    assert [p.code for p in check(shut)] == ["station-path"]


@pytest.mark.parametrize(("steps", "hours"), [(0, 1.0), (-3, 1.0), (10**9, 1.0), (3, 0.0), (3, float("nan"))])
def test_a_time_that_cannot_be(steps: int, hours: float) -> None:
    assert [p.code for p in check(Station("s", {}, [], steps, hours))] == ["range"]


def test_an_unknown_carrier_is_told() -> None:
    assert [p.code for p in check(Station("s", {"e": "phlogiston"}, [], 3))] == ["choice"]


def test_a_plan_refuses_what_is_not_sound() -> None:
    with pytest.raises(Refused, match=r"x\.power"):
        plan(station(Demand("x", "e", np.array([1.0, np.nan, 2.0]))))


def test_a_balance_that_cannot_be_met_is_told_with_step_and_amount() -> None:
    with pytest.raises(Refused) as refused:
        plan(station(Demand("x", "h", np.array([0.0, 14.0, 12.0]))))
    (problem,) = refused.value.problems
    assert (problem.code, problem.field) == ("station-unmet", "h.balance")
    assert problem.found == "short of 4 kW at most, 6 kWh in 2 steps, first at step 1"


def test_a_store_that_helps_in_part_is_counted() -> None:
    # 6 kWh are missing, the tank moves 5 of them from the first step
    (problem,) = unmet(station(TANK, Demand("x", "h", np.array([0.0, 14.0, 12.0]))))
    assert "1 kWh in" in problem.found


def test_heat_that_has_nowhere_to_go_is_told() -> None:
    run = replace(ENGINE, minimum=0.5, min_up=9.0, on_before=True, hours_before=1.0, output_before=50.0)
    held = station(run, Demand("x", "e", 50.0))
    (problem,) = unmet(held)
    assert (problem.field, problem.found) == ("h.balance", "too much of 40 kW at most, 120 kWh in 3 steps, first at step 0")
    assert len(unmet(replace(held, devices=[*held.devices, Vent("v", "h")]))) == 0


def test_a_level_that_cannot_be_kept_is_told() -> None:
    leaking = replace(TANK, begin=1.0, fixed_loss=9.0)
    (problem,) = unmet(station(leaking))
    assert problem.field == "devices"
    with pytest.raises(Refused, match="levels"):
        plan(station(leaking))


def test_what_is_met_has_nothing_to_tell() -> None:
    assert len(unmet(station(ENGINE, TANK))) == 0
    found = plan(station(TANK))
    assert found.model.program.excess(found.values, found.past).max() <= CLOSED
