"""What a plan or a rule does, as columns by unit and carrier, and what the balances lack.

Power [kW], energy [kWh], money, carbon [kg]. Source: for a last resort in every balance, J. W. Chinneck 2008, Feasibility and
Infeasibility in Optimization, doi:10.1007/978-0-387-74932-7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from scicity.domains.optimisation.methods.matrix import Floats
from scicity.domains.optimisation.methods.model import build
from scicity.domains.optimisation.methods.solving import CLOSED, Plan, Solver, Unsolved, Weights
from scicity.domains.optimisation.methods.station import Demand, Source, Station, Store, Vent

UNMET, SURPLUS = "unmet-", "surplus-"  # and the bus: what a balance lacks, or has too much
WORSE = 1000.0  # objective of a kWh that is not met: more than any energy costs, so that it is the last resort
TIE = 1e-6  # [money/kg] so that of equally cheap plans the cleaner one is taken, and nothing is bought to be sold
GAP = 1e-4  # how near the best a day in whole numbers is taken for the best
CARRIER = {"gas": "natural_gas"}  # of a bus
CHEAPEST = Weights(1.0, TIE)


class Course(NamedTuple):
    """What each unit does at each carrier: rows by `units` and `carriers`, arrays of shape (rows, steps).

    `power` [kW] given, negative where taken; `stored` [kWh], NaN for what stores nothing; `cost` [money] and `emission` [kg] of
    each step, told once for a unit that has several rows; `price` [money/kWh]: what one more kWh of the carrier would cost in
    that step, NaN where it is not told.
    """

    units: list[str]
    carriers: list[str]
    power: Floats
    stored: Floats
    cost: Floats
    emission: Floats
    price: Floats


def best(station: Station, weights: Weights = CHEAPEST, gap: float = GAP) -> Plan:
    """The best plan; where not everything can be met, the best of those that lack least. Raises Unsolved for an endless
    profit."""
    try:
        return Solver(build(station), weights, gap=gap).solve()
    except Unsolved:
        return Solver(build(with_slack(station)), weights, gap=gap).solve()


def with_slack(station: Station) -> Station:
    """The station with a last resort at each bus, and a way out of what is too much."""
    dear = [Source(UNMET + bus, bus, np.inf, cost=WORSE) for bus in station.buses]
    return replace(station, devices=[*station.devices, *dear, *(Vent(SURPLUS + bus, bus) for bus in station.buses)])


def course(plan: Plan) -> Course:
    """The columns of a plan, or of the plan in which a rule's run is told. Together with what lacks, each balance is 0."""
    model, program = plan.model, plan.model.program
    steps = model.station.steps
    left: dict[str, Floats] = {bus: np.zeros(steps) for bus in model.station.buses}
    found: list[tuple[str, str, Floats, Floats | None, Floats, Floats]] = []
    nothing = np.zeros(steps)
    owned: dict[str, list[int]] = {}
    for at, block in enumerate(program.columns):
        owned.setdefault(block.device, []).append(at)
    for device in model.station.devices:
        if isinstance(device, Demand):
            power = -np.broadcast_to(np.asarray(device.power, np.float64), (steps,))
            found.append((device.name, device.bus, power, None, nothing, nothing))
            left[device.bus] = left[device.bus] + power
            continue
        columns = owned[device.name]
        slack = device.name.startswith(UNMET)
        cost = nothing if slack else np.einsum("ij,ij->j", program.cost[columns], plan.values[columns])
        emission = np.einsum("ij,ij->j", program.carbon[columns], plan.values[columns])
        first = True
        for name, bus in model.gives:
            if name != device.name:
                continue
            power = plan.power(name, bus)
            left[bus] = left[bus] + power
            if device.name.startswith((UNMET, SURPLUS)) and not np.any(np.abs(power) > CLOSED):
                continue
            stored = plan.column(name, "level") if isinstance(device, Store) else None
            found.append((name, bus, power, stored, cost if first else nothing, emission if first else nothing))
            first = False
    for bus, rest in left.items():
        for word, lacking in ((UNMET, np.maximum(0.0, -rest)), (SURPLUS, -np.maximum(0.0, rest))):
            if np.any(np.abs(lacking) > CLOSED):
                found.append((word + bus, bus, lacking, None, nothing, nothing))
    unknown = np.full(steps, np.nan)
    prices = {bus: unknown if plan.prices is None else plan.price(bus) for bus in model.station.buses}
    return Course(
        [name for name, *_ in found],
        [CARRIER.get(bus, bus) for _, bus, *_ in found],
        np.stack([each[2] for each in found]),
        np.stack([unknown if each[3] is None else each[3] for each in found]),
        np.stack([each[4] for each in found]),
        np.stack([each[5] for each in found]),
        np.stack([prices[each[1]] for each in found]),
    )


def joined(days: Sequence[Course], steps: Sequence[int]) -> Course:
    """Courses of days, one behind the other, as one: rows of any of them, 0 where a day has none; sorted by unit and carrier.

    `steps` of each day.
    """
    keys = sorted({key for day in days for key in zip(day.units, day.carriers, strict=True)})
    place = {key: at for at, key in enumerate(keys)}
    total = int(np.sum(steps))
    power, cost, emission = (np.zeros((len(keys), total)) for _ in range(3))
    stored, price = (np.full((len(keys), total), np.nan) for _ in range(2))
    begin = 0
    for day, count in zip(days, steps, strict=True):
        rows = [place[key] for key in zip(day.units, day.carriers, strict=True)]
        part = slice(begin, begin + count)
        for whole, mine in (
            (power, day.power),
            (stored, day.stored),
            (cost, day.cost),
            (emission, day.emission),
            (price, day.price),
        ):
            whole[rows, part] = mine
        begin += count
    return Course([unit for unit, _ in keys], [carrier for _, carrier in keys], power, stored, cost, emission, price)
