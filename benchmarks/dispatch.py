"""How long plans of a district energy station take, here and in PyPSA and oemof.solph, on the same HiGHS.

    python benchmarks/dispatch.py day|year|rolling [--peers PYTHON] [--repeat 5] [--every 1]

`PYTHON` is an interpreter of an environment of your own with `pypsa`, `oemof.solph` and `highspy`; the peers run in processes
of their own, one after the other, on the same station. Prints for each: build, solve (inside of HiGHS's run), read-out [ms],
the whole, and the objective; then the bars. Of repeated runs the fastest is told, and the median of the whole.

The station is invented: ground- and air-source heat pumps, a gas engine with heat recovery, a boiler, absorption and electric
chillers, tanks of hot and cold water, a battery, PV and wind, an electrolyser with a hydrogen store, a grid at two-price
tariffs. `day` is 96 quarter-hours, `year` 8,760 hours, `rolling` 35,040 looks of 96 quarter-hours ahead. `--switched`: the
engine can be off (min load, start cost, min up and down times): a program with whole numbers.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def series(steps: int, hours: float) -> dict[str, np.ndarray]:
    """Weather, demands and prices of an invented year from its first hour on, each of shape (steps,)."""
    random = np.random.default_rng(4)
    time_of = (np.arange(steps) + 0.5) * hours
    day, hour = time_of / 24, time_of % 24
    season = -np.cos(2 * np.pi * (day + 170 * (steps * hours < 1000) - 15) / 365)  # a single day lies in July
    outside = 13 + 14 * season + 5 * np.sin(2 * np.pi * (hour - 9) / 24) + random.normal(0, 0.5, steps)
    busy = np.where((hour > 7) & (hour < 20), 1.0, 0.45) * (1 + random.normal(0, 0.02, steps))
    sun = np.maximum(0, np.sin(np.pi * (hour - 6) / 12)) * (0.7 + 0.25 * season)
    return {
        "outside": outside,
        "electricity": 2600 * busy,
        "heat": np.maximum(300, 260 * (18 - outside)) * (0.7 + 0.3 * busy),
        "cold": np.maximum(150, 420 * (outside - 20)) * busy,
        "hydrogen": np.where((hour > 6) & (hour < 22), 120.0, 20.0),
        "price": np.where((hour >= 10) & (hour < 15) | (hour >= 18) & (hour < 21), 1.25, np.where(hour < 7, 0.33, 0.76))
        * (1 + 0.02 * season),
        "carbon": 0.55 + 0.1 * np.cos(2 * np.pi * hour / 24),
        "pv": 2580 * sun,
        "wind": 1500 * np.clip(random.weibull(2, steps) / 2.2, 0, 1),
        "cop-ground": np.clip(0.5 * 318 / (45 - (12 + 2 * season)), 1, 8),
        "cop-air": np.clip(0.45 * 318 / np.maximum(1, 45 - outside), 1, 6),
        "eer": np.clip(0.45 * 280 / np.maximum(5, outside + 12 - 7), 1, 8),
    }


STORES = {  # capacity, charge, discharge, charge efficiency, discharge efficiency, loss per hour
    "hot-tank": ("heat", 20000.0, 4000.0, 4000.0, 0.99, 0.99, 0.004),
    "cold-tank": ("cold", 15000.0, 3000.0, 3000.0, 0.99, 0.99, 0.006),
    "battery": ("electricity", 1000.0, 500.0, 500.0, 0.95, 0.95, 0.0002),
    "hydrogen-store": ("hydrogen", 3000.0, 800.0, 800.0, 1.0, 1.0, 0.0001),
}
GAS, GAS_CARBON = 0.31, 0.2
ENGINE = {"capacity": 2000.0, "electric": 0.40, "heat": 1.05, "minimum": 0.5, "start": 300.0, "least-hours": 3.0}


def own(steps: int, hours: float, switched: bool):
    """The station as SciCity takes it."""
    from scicity.domains.optimisation.methods import station as s

    v = series(steps, hours)
    extra = {"minimum": ENGINE["minimum"], "start_cost": ENGINE["start"]} if switched else {}
    extra |= {"min_up": ENGINE["least-hours"], "min_down": ENGINE["least-hours"]} if switched else {}
    return s.Station(
        "invented",
        {carrier: carrier for carrier in s.CARRIERS},
        [
            s.Supply("grid", "electricity", v["price"], v["carbon"], 20000.0, 3000.0, 0.25),
            s.Supply("gas-main", "gas", GAS, GAS_CARBON, 50000.0),
            s.Source("pv", "electricity", v["pv"]),
            s.Source("wind", "electricity", v["wind"]),
            *(
                s.Converter("engine", "gas", "electricity", 2000.0, ENGINE["electric"], {"heat": ENGINE["heat"]}, **extra),
                s.Converter("boiler", "gas", "heat", 6000.0, 0.92),
                s.Converter("ground-pump", "electricity", "heat", 4000.0, v["cop-ground"]),
                s.Converter("air-pump", "electricity", "heat", 3000.0, v["cop-air"]),
                s.Converter("absorption", "heat", "cold", 2500.0, 0.75),
                s.Converter("chiller", "electricity", "cold", 8000.0, v["eer"]),
                s.Converter("electrolyser", "electricity", "hydrogen", 1000.0, 0.65),
            ),
            s.Vent("cooler", "heat", 20000.0),
            *(s.Store(name, *rest[:6], loss=rest[6]) for name, rest in STORES.items()),
            *(s.Demand(f"demand-{c}", c, v[c]) for c in ("electricity", "heat", "cold", "hydrogen")),
        ],
        steps,
        hours,
    )


def ours(steps: int, hours: float, switched: bool, options: dict | None = None) -> dict[str, float]:
    from scicity.domains.optimisation.methods.model import build
    from scicity.domains.optimisation.methods.solving import Solver

    station = own(steps, hours, switched)
    began = time.perf_counter()
    solver = Solver(build(station), options=options, gap=1e-7)
    built = time.perf_counter()
    solver.run()
    solved = time.perf_counter()
    plan = solver.read()
    plan.table()
    read = time.perf_counter()
    broken = float(plan.model.program.excess(plan.values, plan.past).max())
    return {"build": built - began, "solve": solved - built, "read": read - solved, "objective": plan.cost, "broken": broken}


def peers(python: str, name: str, steps: int, hours: float, switched: bool, repeat: int) -> list[dict[str, float]]:
    """The runs of a peer, in a process of its own."""
    asked = [python, str(HERE / "dispatch_peers.py"), name, str(steps), str(hours), str(int(switched)), str(repeat)]
    done = subprocess.run(asked, check=True, capture_output=True, text=True, cwd=HERE)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def whole(run: dict[str, float]) -> float:
    return run["build"] + run["solve"] + run["read"]


def tell(name: str, runs: list[dict[str, float]]) -> dict[str, float]:
    """One line for the fastest of the runs; that run."""
    best = min(runs, key=whole)
    parts = "".join(f"{1000 * best[part]:12.2f}" for part in ("build", "solve", "read"))
    median = 1000 * statistics.median(map(whole, runs))
    print(f"{name:<12}{parts}{1000 * whole(best):12.2f}{median:12.2f}   {best['objective']:.6f}", flush=True)
    return best


def compare(steps: int, hours: float, switched: bool, repeat: int, python: str | None) -> None:
    what = "whole numbers" if switched else "linear"
    print(f"{steps} steps of {hours:g} h, {what}; HiGHS on one thread; the fastest of {repeat} warm runs")
    print(f"{'[ms]':<12}{'build':>12}{'solve':>12}{'read':>12}{'whole':>12}{'median':>12}   objective")
    runs = [ours(steps, hours, switched) for _ in range(repeat + 1)][1:]
    own_best = tell("scicity", runs)
    beside = (own_best["build"] + own_best["read"]) / own_best["solve"]
    others = [tell(name, peers(python, name, steps, hours, switched, repeat)) for name in ("PyPSA", "oemof.solph") if python]
    print(f"every row holds within {own_best['broken']:.1e}; build and read-out are {beside:.1%} of the time in HiGHS")
    if others:
        away = max(abs(each["objective"] / own_best["objective"] - 1) for each in others)
        faster = min(map(whole, others)) / whole(own_best)
        least = min(each["solve"] for each in others) / whole(own_best)
        print(f"objectives differ by {away:.1e} (bar 1e-6); {faster:.1f} times faster than the faster peer (bar 5)")
        print(f"the faster peer's HiGHS alone takes {least:.2f} times our whole")


def roll(steps: int, every: int, horizon: int = 96) -> None:
    from scicity.domains.optimisation.methods.rolling import Rolling

    began = time.perf_counter()
    rolling = Rolling(own(steps, 0.25, False), horizon)
    built = time.perf_counter()
    inside = [0.0]
    plain = rolling.solver.run

    def run() -> None:
        since = time.perf_counter()
        plain()
        inside[0] += time.perf_counter() - since

    rolling.solver.run = run  # type: ignore[method-assign]
    plan = rolling.roll(every)
    ended = time.perf_counter()
    broken = float(plan.model.program.excess(plan.values, plan.past).max())
    took = ended - built
    print(f"{steps} quarter-hours, {rolling.looks} looks {horizon} steps ahead, built once in {1000 * (built - began):.0f} ms")
    print(f"{took:.1f} s, {1000 * took / rolling.looks:.2f} ms a look, of which HiGHS {1000 * inside[0] / rolling.looks:.2f}")
    print(f"every row of the whole course holds within {broken:.1e}; cost {plan.cost:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("day", "year", "rolling"))
    parser.add_argument("--peers", metavar="PYTHON")
    parser.add_argument("--switched", action="store_true")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--steps", type=int, default=35_040, help="quarter-hours of `rolling`")
    asked = parser.parse_args()
    if asked.what == "rolling":
        roll(asked.steps, asked.every)
    elif asked.what == "day":
        compare(96, 0.25, asked.switched, asked.repeat, asked.peers)
    else:
        compare(8760, 1.0, asked.switched, asked.repeat, asked.peers)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent / "src"))
    main()
