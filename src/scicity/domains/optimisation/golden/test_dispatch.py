"""Plans whose best answer was worked out by hand; steps of one hour where nothing else is said."""

import itertools

import numpy as np
import pytest

from scicity.domains.optimisation.methods.matrix import Floats
from scicity.domains.optimisation.methods.model import build
from scicity.domains.optimisation.methods.solving import CLOSED, Plan, Solver, Unsolved, Weights
from scicity.domains.optimisation.methods.station import (
    Converter,
    Curve,
    Demand,
    Device,
    Source,
    Station,
    Store,
    Supply,
    Vent,
    heat_pump_cop,
)
from scicity.domains.optimisation.methods.unmet import plan

BUSES = {"e": "electricity", "h": "heat", "c": "cold", "g": "gas", "y": "hydrogen"}
UP_AND_DOWN = np.array([1.0, 1.0, 2.0, 2.0])


def station(*devices: Device, steps: int = 4, hours: float = 1.0) -> Station:
    used = {
        bus: carrier
        for bus, carrier in BUSES.items()
        if any(bus in (getattr(d, "bus", ""), getattr(d, "source", ""), getattr(d, "target", "")) for d in devices)
    }
    return Station("s", used, devices, steps, hours)


def closes(found: Plan) -> bool:
    """Every balance and every other row holds, reckoned from the columns alone."""
    program = found.model.program
    inside = np.maximum(program.lower - found.values, found.values - program.upper).max()
    return bool(program.excess(found.values, found.past).max() <= CLOSED and inside <= CLOSED)


def test_a_battery_buys_cheap_and_gives_dear() -> None:
    # 18 kWh of 20 bought at 1 are kept, 16.2 come out at 2: 60 - 32.4 + 20 = 47.6
    battery = Store("b", "e", 20, 10, 10, 0.9, 0.9)
    found = plan(station(Supply("grid", "e", UP_AND_DOWN), Demand("d", "e", 10.0), battery))
    assert found.cost == pytest.approx(47.6)
    assert found.power("b", "e").sum() == pytest.approx(16.2 - 20)
    assert found.price("e") == pytest.approx(UP_AND_DOWN)
    assert closes(found)


def test_a_battery_rests_where_the_way_through_costs_more_than_the_prices_differ() -> None:
    # 0.9 · 0.9 · 1.2 < 1
    prices = np.array([1.0, 1.0, 1.2, 1.2])
    found = plan(station(Supply("grid", "e", prices), Demand("d", "e", 10.0), Store("b", "e", 20, 10, 10, 0.9, 0.9)))
    assert found.cost == pytest.approx(44.0)
    assert found.power("b", "e") == pytest.approx(np.zeros(4), abs=CLOSED)


def test_quarter_hours_count_a_quarter() -> None:
    devices = (Supply("grid", "e", UP_AND_DOWN, 0.5), Demand("d", "e", 10.0), Store("b", "e", 5, 10, 10, 0.9, 0.9))
    found = plan(station(*devices, hours=0.25))
    assert found.cost == pytest.approx(47.6 / 4)
    assert found.carbon == pytest.approx(0.5 * (43.8 / 4))


def test_losses_while_standing_and_fixed_ones() -> None:
    # 50 kWh lose 10 % and 1 kWh in each hour: 44, 38.6; nothing is given
    tank = Store("t", "h", 100, 10, 10, loss=0.1, fixed_loss=1.0, begin=50.0, end="free")
    found = plan(station(Supply("heat", "h", 1.0), Demand("d", "h", np.zeros(2)), tank, steps=2))
    assert found.column("t", "level") == pytest.approx([44.0, 38.6])
    quarters = plan(station(Supply("heat", "h", 1.0), Demand("d", "h", np.zeros(4)), tank, hours=0.25))
    assert quarters.column("t", "level")[-1] == pytest.approx(50 * 0.9 - 0.25 * sum(0.9 ** (k / 4) for k in range(4)))


def test_a_store_that_begins_somewhere_ends_there_or_free() -> None:
    def cost(end: str) -> float:
        battery = Store("b", "e", 20, 10, 10, begin=10.0, end=end)
        return plan(station(Supply("grid", "e", UP_AND_DOWN), Demand("d", "e", 10.0), battery)).cost

    # 40 to be met. Free: 10 more bought at 1 fill it, and its 20 meet the dear hours. Cyclic: 10 of these must be bought at 2
    assert cost("free") == pytest.approx(20 + 10)
    assert cost("cyclic") == pytest.approx(20 + 10 + 20)


@pytest.mark.parametrize(("cop", "pump"), [(2.99, 0.0), (3.01, 10.0)])
def test_a_heat_pump_stands_against_a_boiler_at_its_break_even(cop: float, pump: float) -> None:
    # electricity at 1, heat of gas at 0.3 / 0.9 = 1/3: even at a COP of 3
    found = plan(
        station(
            Supply("grid", "e", 1.0),
            Supply("gas", "g", 0.3),
            Converter("boiler", "g", "h", 20.0, 0.9),
            Converter("pump", "e", "h", 20.0, np.array([cop, cop])),
            Demand("d", "h", 10.0),
            steps=2,
        )
    )
    assert found.power("pump", "h") == pytest.approx([pump, pump], abs=CLOSED)
    assert found.price("h") == pytest.approx([min(1 / 3, 1 / cop)] * 2)


def test_the_pump_runs_while_it_is_warm() -> None:
    cop = heat_pump_cop(np.array([-10.0, 15.0]), 45.0, 0.45)
    assert cop == pytest.approx([0.45 * 318.15 / 55, 0.45 * 318.15 / 30])
    pump, boiler = Converter("pump", "e", "h", 20.0, cop), Converter("boiler", "g", "h", 20.0, 0.9)
    found = plan(station(Supply("grid", "e", 1.0), Supply("gas", "g", 0.3), boiler, pump, Demand("d", "h", 9.0), steps=2))
    assert found.power("pump", "h") == pytest.approx([0.0, 9.0], abs=CLOSED)
    assert heat_pump_cop(50.0, 45.0, 0.45) == 8.0
    with pytest.raises(ValueError, match="share"):
        heat_pump_cop(5.0, 45.0, 1.5)


def engine(**how: object) -> Converter:
    """At full load 100 of electricity and 100 of heat of 250 of gas; at half load 50 and 60 of 150."""
    curve = Curve((0.5, 1.0), (1.5, 2.5), {"h": (0.6, 1.0)})
    return Converter("engine", "g", "e", 100.0, curve=curve, minimum=0.5, **how)  # type: ignore[arg-type]


def test_an_engine_below_its_least_load_is_off() -> None:
    # 50 kW are worth 50 · price with the heat let go, and burn 150 · 0.2 = 30: worth it above 0.6; full at 1 - 100 · 0.2/50 > 0
    def found(price: float, power: float) -> Plan:
        devices = (Supply("grid", "e", price), Supply("gas", "g", 0.2), engine(), Vent("v", "h"), Demand("d", "e", power))
        return plan(station(*devices, steps=1))

    assert found(1.0, 49.0).column("engine", "on") == [0.0]
    assert found(1.0, 49.0).cost == pytest.approx(49.0)
    running = found(1.0, 50.0)
    assert running.column("engine", "on") == [1.0]
    assert running.cost == pytest.approx(30.0)
    assert running.power("v", "h") == pytest.approx([-60.0])
    assert found(0.59, 50.0).column("engine", "on") == [0.0]
    between = found(1.0, 75.0)
    assert between.power("engine", "g") == pytest.approx([-200.0])
    assert between.power("engine", "h") == pytest.approx([80.0])
    assert closes(between)


def test_pieces_of_a_curve_fill_in_their_order() -> None:
    # the second piece burns less a kWh than the first: without an order it would come first, and 60 kW would burn 90
    curve = Curve((0.2, 0.6, 1.0), (0.6, 1.4, 1.8))
    bent = Converter("engine", "g", "e", 100.0, curve=curve, minimum=0.2)
    for power, burnt in ((20.0, 60.0), (40.0, 100.0), (60.0, 140.0), (80.0, 160.0), (100.0, 180.0)):
        found = plan(station(Supply("gas", "g", 0.2), bent, Demand("d", "e", power), steps=1))
        assert -found.power("engine", "g") == pytest.approx([burnt])


def test_a_start_costs_and_a_short_gap_is_run_through() -> None:
    # in the hour between 50 are bought at 0.3 for 15, or made of 150 of gas for 30: stopping saves 15, and costs a start
    power = np.array([100.0, 50.0, 100.0])
    price = np.array([1.0, 0.3, 1.0])

    def on(start: float) -> list[float]:
        devices = (Supply("grid", "e", price), Supply("gas", "g", 0.2), engine(start_cost=start), Vent("v", "h"))
        return plan(station(*devices, Demand("d", "e", power), steps=3)).column("engine", "on").tolist()

    assert on(14.9) == [1.0, 0.0, 1.0]
    assert on(15.1) == [1.0, 1.0, 1.0]


def test_least_times_on_and_off() -> None:
    price = np.array([0.1, 2.0, 0.1, 0.1, 2.0, 0.1])

    def on(**how: object) -> list[float]:
        devices = (Supply("grid", "e", price), Supply("gas", "g", 0.2), engine(**how), Vent("v", "h"), Demand("d", "e", 50.0))
        return plan(station(*devices, steps=6)).column("engine", "on").tolist()

    # an hour at 2.0 wins 100 - 30 = 70, one at 0.1 loses 30 - 5 = 25
    assert on() == [0, 1, 0, 0, 1, 0]
    assert on(min_down=3.0) == [0, 1, 1, 1, 1, 0]
    assert sum(on(min_up=2.0)) == 4
    assert on(min_up=2.0, on_before=True, hours_before=1.0, output_before=50.0)[0] == 1
    assert on(min_down=3.0, on_before=False, hours_before=1.0)[:2] == [0, 0]
    assert sum(on(min_up=5.0)) == 5


def test_least_times_agree_with_all_that_is_possible() -> None:
    # every course of on and off of 7 hours, tried one by one
    random = np.random.default_rng(1)
    for _ in range(6):
        price = random.uniform(0.0, 1.3, 7)
        devices = (Supply("grid", "e", price), Supply("gas", "g", 0.2), Vent("v", "h"), Demand("d", "e", 50.0))
        found = plan(station(*devices, engine(min_up=3.0, min_down=2.0, start_cost=9.0), steps=7))
        best = min(
            sum(30.0 if on else 50.0 * each for on, each in zip(course, price, strict=True)) + 9.0 * starts(course)
            for course in itertools.product((0, 1), repeat=7)
            if keeps(course, 3, 2)
        )
        assert found.cost == pytest.approx(best)
        assert closes(found)


def starts(course: tuple[int, ...]) -> int:
    return sum(b > a for a, b in itertools.pairwise((0, *course)))


def keeps(course: tuple[int, ...], up: int, down: int) -> bool:
    """Whether each time on and off lasts long enough; the first (long off) and the last may be cut."""
    runs = [(key, len(list(run))) for key, run in itertools.groupby(course)]
    inner = runs[1 if runs[0][0] == 0 else 0 : -1]
    return all(length >= (up if key else down) for key, length in inner)


@pytest.mark.parametrize("least", [0.0, 0.3])
def test_a_ramp_takes_its_hours(least: float) -> None:
    # 40 more in each hour; started at its least load or at what it can climb in an hour, the grid gives the rest at 1
    power = np.array([0.0, 100.0, 100.0, 100.0])
    how = {"minimum": least, "start_cost": 1e-9} if least else {}
    slow = Converter("engine", "g", "e", 100.0, 0.5, ramp=0.4, **how)  # type: ignore[arg-type]
    found = plan(station(Supply("grid", "e", 1.0), Supply("gas", "g", 0.1), slow, Demand("d", "e", power)))
    assert found.power("engine", "e") == pytest.approx([0.0, 40.0, 80.0, 100.0], abs=CLOSED)
    assert found.cost == pytest.approx(80 + 220 * 0.2)


def test_a_ramp_goes_on_from_what_was() -> None:
    slow = Converter("engine", "g", "e", 100.0, 0.5, ramp=0.1, output_before=70.0)
    found = plan(station(Supply("grid", "e", 0.0), Supply("gas", "g", 0.1), slow, Vent("v", "e"), Demand("d", "e", 0.0)))
    assert found.power("engine", "e") == pytest.approx([60.0, 50.0, 40.0, 30.0])


def test_a_ramp_of_an_engine_that_was_on() -> None:
    slow = engine(ramp=0.1, on_before=True, output_before=100.0)
    found = plan(station(Supply("grid", "e", 0.0), Supply("gas", "g", 0.2), slow, Vent("v", "h"), Vent("w", "e"), steps=7))
    # down by 10 an hour to its least load, and then off
    assert found.power("engine", "e") == pytest.approx([90, 80, 70, 60, 50, 0, 0], abs=CLOSED)


def test_sun_that_nobody_takes_is_curtailed_or_makes_hydrogen() -> None:
    sun = np.array([30.0, 30.0, 0.0, 0.0])
    devices = (Supply("grid", "e", 1.0), Source("pv", "e", sun), Demand("d", "e", 10.0))
    found = plan(station(*devices))
    assert found.power("pv", "e") == pytest.approx([10.0, 10.0, 0.0, 0.0])
    assert found.cost == pytest.approx(20.0)
    electrolyser, store = Converter("electrolyser", "e", "y", 10.0, 0.5), Store("tank", "y", 30, 10, 10)
    found = plan(station(*devices, electrolyser, store, Demand("cars", "y", 4.0)))
    # 40 kWh left of the sun are 20 kWh of hydrogen, limited by its 10 kW: all 16 are of the sun
    assert found.cost == pytest.approx(20.0)
    assert found.power("electrolyser", "y").sum() == pytest.approx(16.0)


def test_cold_comes_from_heat_or_from_power_and_is_kept() -> None:
    devices = (
        Supply("grid", "e", UP_AND_DOWN),
        Supply("waste", "h", 0.0, limit=8.0),
        Converter("absorption", "h", "c", 100.0, 0.75),
        Converter("chiller", "e", "c", 100.0, 4.0),
        Store("ice", "c", 10, 5, 5),
        Demand("d", "c", 10.0),
    )
    found = plan(station(*devices))
    # 6 of waste heat in each hour, 4 of power; the 8 of the dear hours are made in the cheap ones: 16 / 4 at 1
    assert found.power("absorption", "c") == pytest.approx([6.0] * 4)
    assert found.cost == pytest.approx(4.0)


def test_what_is_sold_counts_off_and_ways_exclude_each_other() -> None:
    devices = (Source("pv", "e", 30.0), Demand("d", "e", 10.0))
    sells = Supply("grid", "e", 1.0, 0.6, export_limit=15.0, export_price=0.3, export_carbon=0.5)
    found = plan(station(sells, *devices))
    assert (found.cost, found.carbon) == (pytest.approx(-4 * 15 * 0.3), pytest.approx(-4 * 15 * 0.5))
    # selling dearer than buying: without exclusion the grid would be a machine that makes money
    dear = {"limit": 50.0, "export_limit": 15.0, "export_price": 3.0}
    assert plan(station(Supply("grid", "e", 1.0, **dear), Demand("d", "e", 10.0))).cost == pytest.approx(4 * (25 - 45))
    found = plan(station(Supply("grid", "e", 1.0, exclusive=True, **dear), Demand("d", "e", 10.0)))
    assert found.cost == pytest.approx(40.0)


def test_a_battery_does_not_burn_what_it_is_paid_to_take() -> None:
    def cost(exclusive: bool) -> float:
        battery = Store("b", "e", 10, 10, 10, 0.5, 1.0, begin=10.0, end="free", exclusive=exclusive)
        devices = (Supply("grid", "e", -1.0), Demand("d", "e", 10.0), battery)
        return plan(station(*devices, steps=1)).cost

    assert cost(False) == pytest.approx(-15.0)  # takes 10, gives 5 at once: 5 kWh are gone
    assert cost(True) == pytest.approx(-10.0)


def test_a_profit_without_end_is_no_plan() -> None:
    with pytest.raises(Unsolved, match="HiGHS says"):
        plan(station(Supply("grid", "e", -1.0), Vent("v", "e"), steps=1))


def test_prices_are_told_by_linear_plans_only() -> None:
    devices = (Supply("grid", "e", 1.0), Supply("gas", "g", 0.2), engine(), Vent("v", "h"), Demand("d", "e", 50.0))
    with pytest.raises(ValueError, match="whole"):
        plan(station(*devices)).price("e")


def test_the_table_holds_every_flow() -> None:
    found = plan(station(Supply("grid", "e", UP_AND_DOWN), Demand("d", "e", 10.0), Store("b", "e", 20, 10, 10, 0.9, 0.9)))
    table = found.table()
    assert table.column_names == ["step", "grid.e", "b.e", "b.level"]
    sums: Floats = table["grid.e"].to_numpy() + table["b.e"].to_numpy()
    assert sums == pytest.approx(np.full(4, 10.0))


def test_a_solver_is_weighed_again_without_building() -> None:
    devices = (
        Supply("grid", "e", 1.0, 0.9),
        Supply("gas", "g", 0.5, 0.2),
        Converter("turbine", "g", "e", 100.0, 0.4),
        Demand("d", "e", 10.0),
    )
    solver = Solver(build(station(*devices, steps=1)))
    cheap = solver.solve()
    solver.weigh(Weights(0.0, 1.0))
    clean = solver.solve()
    assert (cheap.cost, cheap.carbon) == (pytest.approx(10.0), pytest.approx(9.0))
    assert (clean.cost, clean.carbon) == (pytest.approx(12.5), pytest.approx(5.0))
