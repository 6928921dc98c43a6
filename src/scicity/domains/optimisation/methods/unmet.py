"""Why a station has no plan: which balances cannot be met, when, and by how much.

Source: J. W. Chinneck 2008, Feasibility and Infeasibility in Optimization, on elastic programs, doi:10.1007/978-0-387-74932-7.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scicity.domains.optimisation.methods.matrix import Floats
from scicity.domains.optimisation.methods.model import BALANCE, Model, build
from scicity.domains.optimisation.methods.solving import CLOSED, COST, Plan, Solver, Unsolved, Weights
from scicity.domains.optimisation.methods.station import Source, Station, Vent
from scicity.domains.optimisation.methods.station_checks import check
from scicity.kernel.problems import Problems

SHORT, OVER = "short of ", "too much of "
MISSED = 1.0  # objective of a kWh that is short or too much, all else being free


def plan(station: Station, weights: Weights = COST, gap: float = 1e-7) -> Plan:
    """The best plan of a station. Raises Refused with every problem of it, or with the balances that cannot be met.

    `gap` [share of the objective]: how near the best is near enough where whole numbers are asked for. Raises Unsolved where
    HiGHS gives up for another reason (an unbounded profit).
    """
    check(station).refuse()
    model = build(station)
    try:
        return Solver(model, weights, gap=gap).solve()
    except Unsolved as unsolved:
        if unsolved.impossible:
            unmet(station).refuse()
        raise


def unmet(station: Station) -> Problems:
    """Of a sound station the balances that cannot be met; empty where a plan exists.

    Each bus may be short or have too much, and the sum of that [kWh] is made least with everything else free of cost.
    """
    slack: list[Source | Vent] = [Source(SHORT + bus, bus, np.inf) for bus in station.buses]
    slack += [Vent(OVER + bus, bus) for bus in station.buses]
    model = build(replace(station, devices=[*station.devices, *slack]))
    program = model.program
    program.cost[:] = 0.0
    for at, block in enumerate(program.columns):
        if block.device.startswith((SHORT, OVER)):
            program.cost[at] = MISSED * station.hours
    problems = Problems()
    try:
        found = Solver(model).solve()
    except Unsolved:
        place, expected = f"station {station.name}", "levels, ramps and times on and off that can be kept from how it begins"
        problems.add("station-unmet", place, field="devices", found="no plan, whatever is left unmet", expected=expected)
        return problems
    for bus in station.buses:
        for word, sign in ((SHORT, 1), (OVER, -1)):
            _tell(problems, model, bus, word, sign * found.power(word + bus, bus))
    return problems


def _tell(problems: Problems, model: Model, bus: str, word: str, missed: Floats) -> None:
    station = model.station
    steps = np.flatnonzero(missed > CLOSED)
    if not steps.size:
        return
    energy = float(missed[steps].sum() * station.hours)
    told = f"{word}{missed[steps].max():.6g} kW at most, {energy:.6g} kWh in {steps.size} steps, first at step {steps[0]}"
    expected = "devices, supplies and stores that meet the demand in every step"
    problems.add("station-unmet", f"station {station.name}", field=f"{bus}.{BALANCE}", found=told, expected=expected)
