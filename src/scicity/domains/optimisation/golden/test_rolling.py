"""Plans that look ahead again and again, beside plans that see everything at once."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from scicity.domains.optimisation.methods.model import build
from scicity.domains.optimisation.methods.rolling import Rolling
from scicity.domains.optimisation.methods.solving import CLOSED, Solver, Unsolved
from scicity.domains.optimisation.methods.station import Converter, Demand, Device, Source, Station, Store, Supply, Vent

STEPS, DAY = 96, 24
HOUR = np.arange(STEPS) % 24
PRICE = np.where(HOUR < 7, 0.3, np.where((HOUR > 16) & (HOUR < 22), 1.2, 0.7))
RANDOM = np.random.default_rng(3)
COP = np.where(np.arange(STEPS) // 3 % 2, 2.0, 4.5)  # comes back to what it was
HEAT = RANDOM.uniform(20, 80, STEPS)


def station(*more: Device, steps: int = STEPS) -> Station:
    return Station(
        "s",
        {"e": "electricity", "h": "heat", "g": "gas"},
        [
            Supply("grid", "e", PRICE[:steps], limit=200.0),
            Supply("gas", "g", 0.35),
            Source("pv", "e", np.maximum(0, np.sin((HOUR - 6) / 12 * np.pi))[:steps] * 60),
            Converter("boiler", "g", "h", 100.0, 0.9),
            Converter("pump", "e", "h", 60.0, COP[:steps]),
            Store("tank", "h", 200, 50, 50, loss=0.01, begin=20.0),
            Store("battery", "e", 40, 20, 20, 0.95, 0.95, begin=0.0),
            Demand("power", "e", 30.0),
            Demand("heat", "h", HEAT[:steps]),
            *more,
        ],
        steps,
        1.0,
    )


def test_every_look_is_the_plan_of_its_window_built_anew() -> None:
    rolling = Rolling(station(), DAY)
    for first in range(0, STEPS - DAY, 5):
        past = rolling.past.copy()
        values = rolling.look(first)
        rolling.keep(values[:, :5])
        window = slice(first, first + DAY)
        cut = [
            replace(
                each,
                **{
                    name: value[window]
                    for name, value in vars(each).items()
                    if isinstance(value, np.ndarray) and value.shape == (STEPS,)
                },
            )
            for each in rolling.model.station.devices
        ]
        model = build(replace(station(), devices=cut, steps=DAY))
        model.program.past = past
        anew = Solver(model).solve()
        assert float(np.vdot(model.program.cost, values)) == pytest.approx(anew.cost, rel=1e-9)
        assert model.program.excess(values, past).max() <= CLOSED


def test_the_whole_course_closes_and_comes_near_the_plan_that_sees_all() -> None:
    rolled = Rolling(station(), DAY).roll(1)
    program = rolled.model.program
    assert program.excess(rolled.values, rolled.past).max() <= CLOSED
    assert np.maximum(program.lower - rolled.values, rolled.values - program.upper).max() <= CLOSED
    free = [replace(each, end="free") if isinstance(each, Store) else each for each in station().devices]
    seen = Solver(build(replace(station(), devices=free))).solve()
    assert seen.cost - CLOSED <= rolled.cost <= seen.cost * 1.03


def test_a_horizon_of_everything_is_the_plan_that_sees_all() -> None:
    rolled = Rolling(station(), STEPS).roll(STEPS)
    free = [replace(each, end="free") if isinstance(each, Store) else each for each in station().devices]
    assert rolled.cost == pytest.approx(Solver(build(replace(station(), devices=free))).solve().cost)


def test_what_is_left_in_a_store_is_worth_what_is_told() -> None:
    empty = Rolling(station(), 6).roll(6)
    full = Rolling(station(), 6, worth={"tank": 10.0}).roll(6)
    assert full.column("tank", "level")[5] > 150 > empty.column("tank", "level")[5]


def test_an_engine_keeps_its_times_from_look_to_look() -> None:
    engine = Converter(
        "engine", "g", "e", 40.0, 0.4, {"h": 1.0}, minimum=0.5, min_up=6.0, min_down=5.0, start_cost=3.0, ramp=0.3
    )
    rolled = Rolling(station(engine, Vent("v", "h"), steps=48), 12).roll(3)
    assert rolled.model.program.excess(rolled.values, rolled.past).max() <= CLOSED
    on = np.round(rolled.column("engine", "on")).astype(int)
    assert 0 < on.sum() < 48
    edges = np.flatnonzero(np.diff(on, prepend=0))
    assert all(b - a >= (6 if on[a] else 5) for a, b in pairwise(edges))


def test_a_window_that_cannot_be_met_says_where_it_begins() -> None:
    heat = HEAT.copy()
    heat[60] = 500.0
    broken = replace(station(), devices=[*station().devices, Demand("more", "h", heat)])
    with pytest.raises(Unsolved) as unsolved:
        Rolling(broken, DAY).roll(6)
    assert unsolved.value.__notes__ == ["in the window from step 42"]


def test_a_horizon_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="horizon"):
        Rolling(station(), STEPS + 1)
    with pytest.raises(ValueError, match="horizon"):
        Rolling(station(), DAY).roll(DAY + 1)
