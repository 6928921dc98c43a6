"""Stations from the rows of their registers: efficiencies, curves, turns, and what cannot be."""

from typing import Any

import numpy as np
import pytest

from scicity.domains.optimisation.methods import outcome
from scicity.domains.optimisation.methods.described import NEEDS, Faulty, Given, rule_of, station_of, tried
from scicity.domains.optimisation.methods.rule import run_rule
from scicity.domains.optimisation.methods.solving import CLOSED
from scicity.domains.optimisation.methods.station import Converter, Source, Store, Supply, Vent

NOTHING = dict.fromkeys(
    [
        *("carrier", "capacity", "storage_capacity", "efficiency", "heat_ratio", "source_temperature", "supply_temperature"),
        *(
            "least_load",
            "least_load_efficiency",
            "ramp_rate",
            "least_hours_on",
            "least_hours_off",
            "start_cost",
            "running_cost",
        ),
        *("charge_efficiency", "discharge_efficiency", "hourly_loss", "least_level", "export_capacity", "tariff"),
        *("export_tariff", "turn", "follows", "charging_hours", "discharging_hours"),
    ]
)


def unit(name: str, kind: str, **told: Any) -> dict[str, Any]:
    return NOTHING | {"station_unit": name, "unit_kind": kind} | told


def demand(name: str, carrier: str) -> dict[str, Any]:
    return {"demand": name, "carrier": carrier}


def given(steps: int = 24, **more: Any) -> Given:
    flat = np.ones(steps)
    told: dict[str, Any] = {"outside": 7.0 * flat, "hour": np.arange(steps) % 24, "hours": 1.0}
    told |= {"price": {"power": 0.8 * flat, "gas": 0.3 * flat, "sold": 0.3 * flat}, "demand": {"warmth": 100.0 * flat}}
    return Given(**(told | more))


GRID, GAS = unit("grid", "grid", tariff="power"), unit("gas", "gas_supply", tariff="gas")
PUMP = unit("pump", "air_source_heat_pump", capacity=200.0, efficiency=3.0, source_temperature=7.0, supply_temperature=45.0)


def device(row: dict[str, Any], *others: dict[str, Any], **more: Any) -> Any:
    station = station_of("s", [row, *others], [], given(**more))
    return station.devices[0]


def test_the_cop_at_the_reference_is_what_is_told_and_falls_as_it_gets_colder() -> None:
    found = device(PUMP, outside=np.r_[7.0, -15.0, np.full(22, 20.0)])
    assert found.efficiency[0] == pytest.approx(3.0)
    assert found.efficiency[1] == pytest.approx(3.0 * 38 / 60)
    assert found.efficiency[2] > 4
    ground = device(unit("g", "ground_source_heat_pump", capacity=10.0, efficiency=4.2), outside=np.full(24, -15.0))
    assert ground.efficiency == 4.2


def test_a_chiller_by_the_air_that_takes_its_heat() -> None:
    told = {"capacity": 10.0, "efficiency": 5.0, "source_temperature": 30.0, "supply_temperature": 7.0}
    found = device(unit("c", "chiller", **told), outside=np.r_[30.0, 40.0, np.full(22, -20.0)])
    assert found.efficiency[0] == pytest.approx(5.0)
    assert found.efficiency[1] == pytest.approx(5.0 * 33 / 43)
    assert found.efficiency[2] == 12.0
    assert device(unit("c", "chiller", capacity=10.0, efficiency=5.0)).efficiency == 5.0


def test_an_engine_with_a_least_load_has_a_curve_and_a_way_out_for_its_heat() -> None:
    told = {"capacity": 100.0, "efficiency": 0.4, "heat_ratio": 1.1, "least_load": 0.5, "least_load_efficiency": 0.35}
    row = unit("engine", "gas_cchp", **told, least_hours_on=3.0, start_cost=50.0, ramp_rate=2.0)
    station = station_of("s", [row, GAS], [], given())
    engine = station.devices[0]
    assert isinstance(engine, Converter)
    assert engine.curve is not None
    assert engine.curve.input == pytest.approx((0.5 / 0.35, 2.5))
    assert engine.curve.also["heat"] == pytest.approx((0.55, 1.1))
    assert (engine.min_up, engine.start_cost, engine.ramp, engine.committed) == (3.0, 50.0, 2.0, True)
    assert isinstance(station.devices[-1], Vent)
    relaxed = station_of("s", [row, GAS], [], given(), relaxed=True).devices[0]
    assert isinstance(relaxed, Converter)
    assert (relaxed.committed, relaxed.curve, relaxed.efficiency, relaxed.also) == (False, None, 0.4, {"heat": 1.1})


def test_every_kind_becomes_a_device() -> None:
    told = {
        **{
            "capacity": 10.0,
            "efficiency": 0.9,
            "storage_capacity": 20.0,
            "carrier": "heat",
            "tariff": "power",
            "heat_ratio": 1.0,
        },
        **{"source_temperature": 38.0, "supply_temperature": 45.0},
    }
    made = {}
    for kind in NEEDS:
        row = unit("u", kind, **told)
        if kind in ("boiler", "electric_boiler", "ground_source_heat_pump", "air_source_heat_pump", "absorption_chiller"):
            row["heat_ratio"] = None
        made[kind] = type(device(row, available={"u": np.ones(24)}))
    assert {kind for kind, type_ in made.items() if type_ is Store} == {"thermal_storage", "battery", "hydrogen_store"}
    assert {kind for kind, type_ in made.items() if type_ is Source} == {"pv", "wind"}
    assert {kind for kind, type_ in made.items() if type_ is Supply} == {"grid", "gas_supply", "heat_supply"}
    assert {kind for kind, type_ in made.items() if type_ is Vent} == {"heat_vent"}


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (PUMP | {"efficiency": 9.0}, "efficiency"),
        (PUMP | {"supply_temperature": 5.0}, "supply_temperature"),
        (unit("c", "chiller", capacity=1.0, efficiency=19.0, source_temperature=30.0, supply_temperature=7.0), "efficiency"),
        (
            unit("c", "chiller", capacity=1.0, efficiency=5.0, source_temperature=-9.0, supply_temperature=7.0),
            "source_temperature",
        ),
        (unit("t", "thermal_storage", capacity=1.0, storage_capacity=5.0, carrier="gas"), "carrier"),
        (unit("b", "boiler", capacity=1.0, efficiency=0.9, heat_ratio=1.0), "heat_ratio"),
        (PUMP | {"least_load": 0.3, "least_load_efficiency": 2.0}, "least_load_efficiency"),
    ],
)
def test_what_no_device_can_be(row: dict[str, Any], field: str) -> None:
    with pytest.raises(Faulty) as fault:
        tried("s", [GRID, row], [])
    assert (fault.value.row, fault.value.field) == (1, field)


def test_a_station_that_nothing_feeds_is_told() -> None:
    found = tried("s", [GRID, unit("b", "boiler", capacity=10.0, efficiency=0.9)], [demand("warmth", "heat")])
    assert {problem.code for problem in found} == {"station-path"}
    assert tried("s", [GAS, unit("b", "boiler", capacity=10.0, efficiency=0.9)], [demand("warmth", "heat")]) == []
    above = tried("s", [GAS, unit("b", "boiler", capacity=10.0, efficiency=1.3)], [demand("warmth", "heat")])
    assert [problem.field for problem in above] == ["b.efficiency"]


TANK = unit(
    "tank", "thermal_storage", carrier="heat", capacity=50.0, storage_capacity=200.0, charging_hours="0-4",
    discharging_hours="8-20", turn=1,
)  # fmt: skip


def test_the_rule_charges_at_night_for_a_day_that_wants_heat() -> None:
    rows = [PUMP | {"turn": 2}, TANK, GRID]
    told = given()
    rule = rule_of(rows, [demand("warmth", "heat")], told)
    assert rule.order == ["tank", "pump", "grid"]
    assert rule.wishes["tank"].tolist() == [50.0] * 4 + [0.0] * 4 + [-50.0] * 12 + [0.0] * 4
    run = run_rule(station_of("s", rows, [demand("warmth", "heat")], told), rule)
    assert run.broken == []
    assert run.plan.power("tank", "heat")[0] == -50.0
    still = rule_of(rows, [demand("warmth", "heat")], given(demand={"warmth": np.zeros(24)}))
    assert still.wishes["tank"].max() == 0.0
    two = np.r_[np.zeros(24), np.full(24, 10.0), np.zeros(24)]
    over = given(72, price={"power": np.ones(72)}, demand={"warmth": two})
    wished = rule_of(rows, [demand("warmth", "heat")], over).wishes["tank"]
    assert wished[0] == 0  # nothing is wanted within a day
    assert wished[24] == 50
    assert wished[48] == 0


def test_a_store_of_which_it_is_known_how_full_it_is_ends_as_it_began() -> None:
    found = device(TANK, begin={"tank": 120.0})
    assert (found.begin, found.end) == (120.0, "cyclic")


def test_of_equally_cheap_plans_nothing_is_bought_to_be_sold() -> None:
    rows = [
        unit("grid", "grid", tariff="power", export_tariff="power", export_capacity=500.0),
        unit("pv", "pv", capacity=300.0),
    ]
    told = given(
        available={"pv": np.full(24, 300.0)}, carbon={"electricity": np.full(24, 0.5)}, demand={"power": np.full(24, 100.0)}
    )
    found = outcome.best(station_of("s", rows, [demand("power", "electricity")], told))
    assert found.column("grid", "bought") == pytest.approx(np.zeros(24), abs=CLOSED)
    assert found.column("grid", "sold") == pytest.approx(np.full(24, 200.0))
