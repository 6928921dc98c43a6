"""A station run by a rule instead of a plan: each device in its turn takes what is left to be met.

What an operator does without optimisation: the engine follows the heat, the tank fills in the night. The run is told in the
same columns as a plan, so cost, carbon and balances come from the same equations, and what the rule breaks (a ramp, a least
time on) is found by the same rows.

Power [kW], energy [kWh], carbon [kg]. Source: for the engine that follows the heat, P. J. Mago and L. M. Chamra 2009,
doi:10.1016/j.enbuild.2009.05.014.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from scicity.domains.optimisation.methods.matrix import Floats
from scicity.domains.optimisation.methods.model import Model, build, curve_points
from scicity.domains.optimisation.methods.solving import CLOSED, COST, Plan, Weights, plan_of
from scicity.domains.optimisation.methods.station import (
    Converter,
    Demand,
    Device,
    Series,
    Source,
    Station,
    Store,
    Supply,
    Vent,
    along,
)

ROUNDS = 60  # a cyclic store's day is run so often, until it ends at what it began with


@dataclass(frozen=True)
class Rule:
    """`order`: devices in their turn; `name@bus` says which output a converter follows, its target where nothing is said.

    `wishes` [kW] of stores: charge where positive, discharge where negative, as far as level and power allow, never more than
    is wanted at the bus; a store without a wish takes what is too much and gives what is wanted. Devices that are not named do
    nothing, but sources give all they can, and are curtailed last.
    """

    order: Sequence[str]
    wishes: Mapping[str, Series] = field(default_factory=dict)


class Broken(NamedTuple):
    """A row or bound that the rule does not keep: in how many steps, the first, and by how much at most."""

    device: str
    quantity: str
    steps: int
    first: int
    most: float


class Run(NamedTuple):
    """What a rule did, as a plan, and what it broke."""

    plan: Plan
    broken: list[Broken]


class Saved(NamedTuple):
    """What a plan saves against a run: money, kg, their shares (None of nothing), and the kWh that it leaves more in stores."""

    cost: float
    carbon: float
    cost_share: float | None
    carbon_share: float | None
    left: dict[str, float]


def run_rule(station: Station, rule: Rule, weights: Weights = COST) -> Run:
    """A sound `station` run by `rule`. Raises ValueError for a stranger in the order, a device twice, or a bus not its own."""
    order = _order(station, rule)
    model = build(station)
    values = np.zeros((len(model.program.columns), station.steps))
    left: dict[str, Floats] = {bus: np.zeros(station.steps) for bus in station.buses}
    for device in station.devices:
        if isinstance(device, Demand):
            left[device.bus] = left[device.bus] + device.power
        elif isinstance(device, Source):
            values[model.columns(device.name)["taken"]] = device.available
            _settle(model, device.name, values, left)
    for device, bus in order:
        columns = model.columns(device.name)
        if isinstance(device, Supply):
            values[columns["bought"]] = np.clip(left[bus], 0.0, device.limit)
            if "sold" in columns:
                values[columns["sold"]] = np.clip(-left[bus], 0.0, device.export_limit)
            if "buys" in columns:
                values[columns["buys"]] = left[bus] > 0
        elif isinstance(device, Vent):
            values[columns["let-go"]] = np.clip(-left[bus], 0.0, device.limit)
        elif isinstance(device, Store):
            _store(device, station, columns, values, left[bus], rule.wishes.get(device.name))
        elif isinstance(device, Converter):
            _converter(model, device, bus, columns, values, left[bus])
        if not isinstance(device, Source | Demand):
            _settle(model, device.name, values, left)
    _curtail(station, model, values, left)
    return Run(plan_of(model, values, weights), _broken(model, values))


def saved(plan: Plan, run: Run) -> Saved:
    """What `plan` saves against `run`, both of one station and time."""
    cost, carbon = run.plan.cost - plan.cost, run.plan.carbon - plan.carbon
    stores = [device.name for device in plan.model.station.devices if isinstance(device, Store)]
    more = {name: float(plan.column(name, "level")[-1] - run.plan.column(name, "level")[-1]) for name in stores}
    shares = [None if whole == 0 else part / abs(whole) for part, whole in ((cost, run.plan.cost), (carbon, run.plan.carbon))]
    return Saved(cost, carbon, shares[0], shares[1], more)


def _order(station: Station, rule: Rule) -> list[tuple[Device, str]]:
    known = {device.name: device for device in station.devices}
    order: list[tuple[Device, str]] = []
    for told in rule.order:
        name, _, bus = told.partition("@")
        if name not in known:
            raise ValueError(f"the order names {name!r}; expected one of {', '.join(known)}")
        device = known.pop(name)
        own = device.target if isinstance(device, Converter) else device.bus
        if bus and bus != own and not (isinstance(device, Converter) and bus in curve_points(device)):
            raise ValueError(f"the order has {name!r} follow {bus!r}, which it does not give to")
        order.append((device, bus or own))
    return order


def _settle(model: Model, device: str, values: Floats, left: dict[str, Floats]) -> None:
    for (name, bus), terms in model.gives.items():
        if name == device:
            for term in terms:
                left[bus] = left[bus] - values[term.block] * term.factor


def _converter(model: Model, device: Converter, bus: str, columns: Mapping[str, int], values: Floats, wanted: Floats) -> None:
    """As much as is wanted at `bus`; off below its least load."""
    points = curve_points(device)
    lead, output = points[bus], points[device.target]
    if not device.committed:
        values[columns["output"]] = np.clip(wanted / (lead[1] - lead[0]), 0.0, device.capacity)
        return
    shape = model.shapes[device.name]
    on = (wanted >= lead[0]) & (wanted > CLOSED)
    values[shape.on] = on
    for at, piece in enumerate(shape.pieces):
        share = np.clip((wanted - lead[at]) / (lead[at + 1] - lead[at]), 0.0, 1.0) * on
        values[piece] = share * (output[at + 1] - output[at])
        if f"full-{at + 1}" in columns:
            values[columns[f"full-{at + 1}"]] = share >= 1.0
    if "started" in columns:
        change = np.diff(on.astype(float), prepend=model.program.past[shape.on, -1])
        values[columns["started"]], values[columns["stopped"]] = np.maximum(0.0, change), np.maximum(0.0, -change)


def _store(
    device: Store, station: Station, columns: Mapping[str, int], values: Floats, wanted: Floats, wish: Series | None
) -> None:
    """The one loop over steps: what a store can do depends on what it did. A cyclic one is run until its day closes."""
    hours, steps = station.hours, station.steps
    wishes = -wanted if wish is None else along(wish, steps)
    least = device.least * device.capacity
    keep, lost = (1.0 - device.loss) ** hours, device.fixed_loss * hours
    into, out = device.charge_efficiency * hours, hours / device.discharge_efficiency
    begin = least if device.begin is None else device.begin
    needs = np.maximum(0.0, wanted).tolist()
    told = np.clip(wishes, -device.discharge, device.charge).tolist()
    charge, discharge, levels = ([0.0] * steps for _ in range(3))
    for _ in range(ROUNDS if device.end == "cyclic" and device.begin is None else 1):
        level = begin
        for step in range(steps):
            level = level * keep - lost
            asked = told[step]
            charge[step] = max(0.0, min(asked, (device.capacity - level) / into))
            discharge[step] = max(0.0, min(-asked, (level - least) / out, needs[step]))
            level += charge[step] * into - discharge[step] * out
            levels[step] = level
        closed, begin = abs(level - begin) <= CLOSED / 100, level
        if closed:
            break
    values[columns["charge"]], values[columns["discharge"]], values[columns["level"]] = charge, discharge, levels
    if "charges" in columns:
        values[columns["charges"]] = np.array(charge) > 0


def _curtail(station: Station, model: Model, values: Floats, left: dict[str, Floats]) -> None:
    """What sources give and nobody takes is not taken from them, the last of them first."""
    for device in reversed(station.devices):
        if isinstance(device, Source):
            column = model.columns(device.name)["taken"]
            less = np.minimum(values[column], np.maximum(0.0, -left[device.bus]))
            values[column] -= less
            left[device.bus] = left[device.bus] + less


def _broken(model: Model, values: Floats) -> list[Broken]:
    program = model.program
    outside = np.maximum(0.0, np.maximum(program.lower - values, values - program.upper))
    found = []
    for blocks, excess in ((program.rows, program.excess(values, program.past)), (program.columns, outside)):
        for block, broken in zip(blocks, excess, strict=True):
            steps = np.flatnonzero(broken > CLOSED)
            if steps.size:
                found.append(Broken(*block, int(steps.size), int(steps[0]), float(broken.max())))
    return found
