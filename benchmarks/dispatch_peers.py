"""The station of `benchmarks/dispatch.py` in PyPSA and oemof.solph; run by it, in an environment that has them.

Prints a line of JSON a run. What HiGHS's `run` takes is `solve`; what comes before it, the handing over of the program
included, is `build`; what comes behind, until the results are series by component, is `read`. Both peers hand their program
to HiGHS in memory, the quickest way that each has.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings

import highspy
import numpy as np
import pandas as pd
from dispatch import ENGINE, GAS, GAS_CARBON, STORES, series

RUNS: list[tuple[float, float]] = []
PLAIN = highspy.Highs.run
PUMPS = {
    "ground-pump": ("heat", 4000.0, "cop-ground"),
    "air-pump": ("heat", 3000.0, "cop-air"),
    "chiller": ("cold", 8000.0, "eer"),
}
CARRIERS = ("electricity", "heat", "cold", "gas", "hydrogen")
OPTIONS = {"threads": 1, "mip_rel_gap": 1e-7, "output_flag": False}


def timed(highs, *given):
    began = time.perf_counter()
    answer = PLAIN(highs, *given)
    RUNS.append((began, time.perf_counter()))
    return answer


highspy.Highs.run = timed


def pypsa_run(steps: int, hours: float, switched: bool) -> float:
    import pypsa

    v = series(steps, hours)
    n = pypsa.Network()
    n.set_snapshots(pd.date_range("2025-01-01", periods=steps, freq=pd.Timedelta(hours=hours)))
    n.snapshot_weightings = pd.DataFrame(float(hours), n.snapshots, n.snapshot_weightings.columns)

    def along(values: np.ndarray) -> pd.Series:
        return pd.Series(values, n.snapshots)

    n.add("Bus", list(CARRIERS))
    n.add("Generator", "grid", bus="electricity", p_nom=20000, marginal_cost=along(v["price"]))
    n.add("Generator", "sold", bus="electricity", p_nom=3000, sign=-1, marginal_cost=-0.25)
    n.add("Generator", "gas-main", bus="gas", p_nom=50000, marginal_cost=GAS)
    n.add("Generator", "cooler", bus="heat", p_nom=20000, sign=-1)
    for name, most in (("pv", 2580), ("wind", 1500)):
        n.add("Generator", name, bus="electricity", p_nom=most, p_max_pu=along(v[name] / most))
    electric = ENGINE["electric"]
    engine = {"efficiency": electric, "efficiency2": electric * ENGINE["heat"], "p_nom": ENGINE["capacity"] / electric}
    if switched:
        least = round(ENGINE["least-hours"] / hours)
        engine |= {"committable": True, "p_min_pu": ENGINE["minimum"], "start_up_cost": ENGINE["start"]}
        engine |= {"min_up_time": least, "min_down_time": least, "up_time_before": 0, "down_time_before": least}
    n.add("Link", "engine", bus0="gas", bus1="electricity", bus2="heat", **engine)
    n.add("Link", "boiler", bus0="gas", bus1="heat", efficiency=0.92, p_nom=6000 / 0.92)
    n.add("Link", "absorption", bus0="heat", bus1="cold", efficiency=0.75, p_nom=2500 / 0.75)
    n.add("Link", "electrolyser", bus0="electricity", bus1="hydrogen", efficiency=0.65, p_nom=1000 / 0.65)
    for name, (bus, most, cop) in PUMPS.items():
        factor, limit = along(v[cop]), along(1 / v[cop])
        n.add("Link", name, bus0="electricity", bus1=bus, efficiency=factor, p_nom=most, p_max_pu=limit)
    for name, (bus, capacity, power, _, into, out, loss) in STORES.items():
        ways = {"efficiency_store": into, "efficiency_dispatch": out, "standing_loss": loss}
        n.add("StorageUnit", name, bus=bus, p_nom=power, max_hours=capacity / power, cyclic_state_of_charge=True, **ways)
    for name in ("electricity", "heat", "cold", "hydrogen"):
        n.add("Load", f"demand-{name}", bus=name, p_set=along(v[name]))
    n.optimize(solver_name="highs", io_api="direct", log_to_console=False, progress=False, **OPTIONS)
    return float(n.objective)


def oemof_run(steps: int, hours: float, switched: bool) -> float:
    import oemof.solph as solph
    from oemof.solph import Bus, Flow
    from oemof.solph.components import Converter, GenericStorage, Sink, Source

    v = series(steps, hours)
    index = pd.date_range("2025-01-01", periods=steps + 1, freq=pd.Timedelta(hours=hours))
    es = solph.EnergySystem(timeindex=index, infer_last_interval=False)
    b = {name: Bus(label=name) for name in CARRIERS}
    es.add(*b.values())
    e, h, c, g, y = (b[name] for name in CARRIERS)
    es.add(Source(label="grid", outputs={e: Flow(nominal_capacity=20000, variable_costs=v["price"])}))
    es.add(Sink(label="sold", inputs={e: Flow(nominal_capacity=3000, variable_costs=-0.25)}))
    es.add(Source(label="gas-main", outputs={g: Flow(nominal_capacity=50000, variable_costs=GAS)}))
    es.add(Sink(label="cooler", inputs={h: Flow(nominal_capacity=20000)}))
    for name, most in (("pv", 2580), ("wind", 1500)):
        es.add(Source(label=name, outputs={e: Flow(nominal_capacity=most, max=v[name] / most)}))
    flow = {}
    if switched:
        least = round(ENGINE["least-hours"] / hours)
        rule = solph.NonConvex(startup_costs=ENGINE["start"], minimum_uptime=least, minimum_downtime=least, initial_status=0)
        flow = {"min": ENGINE["minimum"], "nonconvex": rule}
    electric = ENGINE["electric"]
    engine = Flow(nominal_capacity=ENGINE["capacity"], **flow)
    factors = {e: electric, h: electric * ENGINE["heat"]}
    es.add(Converter(label="engine", inputs={g: Flow()}, outputs={e: engine, h: Flow()}, conversion_factors=factors))
    plain = [("boiler", g, h, 6000, 0.92), ("absorption", h, c, 2500, 0.75), ("electrolyser", e, y, 1000, 0.65)]
    plain += [(name, e, b[bus], most, v[cop]) for name, (bus, most, cop) in PUMPS.items()]
    for name, source, target, most, factor in plain:
        output = {target: Flow(nominal_capacity=most)}
        es.add(Converter(label=name, inputs={source: Flow()}, outputs=output, conversion_factors={target: factor}))
    for name, (bus, capacity, charge, discharge, into, out, loss) in STORES.items():
        ways = {"inputs": {b[bus]: Flow(nominal_capacity=charge)}, "outputs": {b[bus]: Flow(nominal_capacity=discharge)}}
        ways |= {"inflow_conversion_factor": into, "outflow_conversion_factor": out, "loss_rate": loss}
        es.add(GenericStorage(label=name, nominal_capacity=capacity, balanced=True, initial_storage_level=None, **ways))
    for name in ("electricity", "heat", "cold", "hydrogen"):
        es.add(Sink(label=f"demand-{name}", inputs={b[name]: Flow(fix=v[name], nominal_capacity=1)}))
    model = solph.Model(es)
    model.solve(solver="highs", cmdline_options=OPTIONS)
    solph.processing.results(model)
    return float(model.objective())


RUN = {"PyPSA": pypsa_run, "oemof.solph": oemof_run}


def main() -> None:
    name, steps, hours, switched, repeat = (
        sys.argv[1],
        int(sys.argv[2]),
        float(sys.argv[3]),
        sys.argv[4] == "1",
        int(sys.argv[5]),
    )
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    assert GAS_CARBON
    for _ in range(repeat + 1):  # the first warms up and is not told
        RUNS.clear()
        began = time.perf_counter()
        objective = RUN[name](steps, hours, switched)
        ended = time.perf_counter()
        solve = sum(until - since for since, until in RUNS)
        figures = {"build": RUNS[0][0] - began, "solve": solve, "read": ended - RUNS[-1][1], "objective": objective}
        if _ or repeat == 0:
            print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
