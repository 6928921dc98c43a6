"""Programs of stations, solved by HiGHS; what comes out as columns by device and bus.

Source: Q. Huangfu and J. A. J. Hall, "Parallelizing the dual revised simplex method", doi:10.1007/s12532-017-0130-5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
import pyarrow as pa

from scicity.domains.optimisation.methods.matrix import Arrays, Floats
from scicity.domains.optimisation.methods.model import Model

CLOSED = 1e-6  # [kW, kWh] to which every row must hold
DONE = highspy.HighsModelStatus.kOptimal
# At the root of a station's day the heuristics that solve programs of their own, and beginning again, take most of the time and
# find nothing that a few nodes do not: without them the same best plan comes 3 to 20 times sooner (benchmarks/dispatch.py).
LEAN = {
    "mip_heuristic_run_rens": False,
    "mip_heuristic_run_rins": False,
    "mip_heuristic_run_root_reduced_cost": False,
    "mip_allow_restart": False,
}
IMPOSSIBLE = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible)


class Unsolved(Exception):  # noqa: N818  (reads as what happened)
    """A program without an answer: `status` is what HiGHS calls it, `impossible` whether no answer exists."""

    def __init__(self, station: str, status: Any) -> None:
        super().__init__(f"station {station}: no plan, HiGHS says {status.name[1:]}")
        self.status: str = status.name[1:]
        self.impossible = status in IMPOSSIBLE


@dataclass(frozen=True)
class Plan:
    """What the devices of a station do. `values`: shape (blocks of columns, steps), `past` what was before them.

    `objective` is what was made least; `cost` [money] and `carbon` [kg] what the plan comes to; `prices` of shape (blocks of
    rows, steps) what one unit more on the right-hand side costs, None where whole numbers were asked for.
    """

    model: Model
    values: Floats
    past: Floats
    objective: float
    cost: float
    carbon: float
    prices: Floats | None

    def power(self, device: str, bus: str) -> Floats:
        """What `device` gives to `bus` [kW], negative where it takes; shape (steps,). Raises KeyError for a stranger."""
        return sum((self.values[block] * factor for block, factor, *_ in self.model.gives[device, bus]), np.zeros(1))

    def column(self, device: str, quantity: str) -> Floats:
        """A column of the program, as a store's `level` [kWh] or an engine's `on`; shape (steps,). Raises KeyError."""
        return self.values[self.model.columns(device)[quantity]]

    def price(self, bus: str) -> Floats:
        """What one more kWh at `bus` would cost in each step [objective/kWh]. Raises ValueError for a plan in whole numbers."""
        if self.prices is None:
            raise ValueError("prices are told by plans without whole numbers only")
        return self.prices[self.model.buses[bus]] / self.model.station.hours

    def table(self) -> pa.Table:
        """The plan as a table of one row a step: `device.bus` [kW], `device.quantity` of levels [kWh] and of what is on."""
        names = {f"{device}.{bus}": self.power(device, bus) for device, bus in self.model.gives}
        for at, block in enumerate(self.model.program.columns):
            if block.quantity in ("level", "on"):
                names[f"{block.device}.{block.quantity}"] = self.values[at]
        return pa.table({"step": np.arange(self.model.station.steps), **names})


@dataclass(frozen=True)
class Weights:
    """What is made least: `cost` · money + `carbon` · kg."""

    cost: float = 1.0
    carbon: float = 0.0


COST = Weights()


class _Quiet(highspy.Highs):  # type: ignore[misc]
    """HiGHS without callbacks: to enable them it writes its name to the standard output before it can be told not to."""

    def __init__(self) -> None:
        super(highspy.Highs, self).__init__()


class Solver:
    """HiGHS with the program of a model in it, ready to be solved again with other costs, bounds or right-hand sides."""

    def __init__(
        self,
        model: Model,
        weights: Weights = COST,
        *,
        gap: float = 1e-7,
        steps: int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Of the first `steps` steps, or all. `gap`: how near the best is near enough where whole numbers are asked for;
        `options`: HiGHS's own, beside these."""
        self.model, self.weights = model, weights
        self.highs = _Quiet()
        chosen = {"output_flag": False, "threads": 1, "mip_rel_gap": gap, "mip_feasibility_tolerance": 1e-9} | LEAN
        for name, value in (chosen | dict(options or {})).items():
            self.highs.setOptionValue(name, value)
        program = model.program
        self.take(program.arrays(self.weighed(weights), program.past, 0, steps))

    def weighed(self, weights: Weights) -> Floats:
        """The objective by column and step."""
        program = self.model.program
        if weights.carbon == 0.0:
            return program.cost if weights.cost == 1.0 else program.cost * weights.cost
        return program.cost * weights.cost + program.carbon * weights.carbon

    def take(self, arrays: Arrays) -> None:
        """Gives HiGHS a program in place of what it had."""
        shape = len(arrays.cost), len(arrays.row_lower), len(arrays.value)
        rows = int(highspy.MatrixFormat.kRowwise)
        status = self.highs.passModel(
            *(*shape, rows, int(highspy.ObjSense.kMinimize), 0.0, arrays.cost, arrays.lower, arrays.upper),
            *(arrays.row_lower, arrays.row_upper, arrays.start, arrays.columns, arrays.value, arrays.whole),
        )
        if status == highspy.HighsStatus.kError:
            raise Unsolved(self.model.station.name, self.highs.getModelStatus())

    def weigh(self, weights: Weights) -> None:
        """Other weights; the next solving begins where the last one ended."""
        self.weights = weights
        cost = self.weighed(weights).ravel()
        self.highs.changeColsCost(cost.size, np.arange(cost.size, dtype=np.int32), cost)

    def run(self) -> None:
        """Solves. Raises Unsolved."""
        self.highs.run()
        status = self.highs.getModelStatus()
        if status != DONE:
            raise Unsolved(self.model.station.name, status)

    def read(self) -> Plan:
        """The plan that was found."""
        program = self.model.program
        solution = self.highs.getSolution()
        values = np.array(solution.col_value).reshape(len(program.columns), -1)
        prices = None
        if not self.model.whole:
            prices = np.array(solution.row_dual)[: len(program.rows) * program.steps].reshape(len(program.rows), -1)
        return plan_of(self.model, values, self.weights, prices)

    def solve(self) -> Plan:
        """Solves and reads. Raises Unsolved."""
        self.run()
        return self.read()


def plan_of(model: Model, values: Floats, weights: Weights, prices: Floats | None = None, past: Floats | None = None) -> Plan:
    """`values` (blocks of columns, steps) as a plan, its cost [money] and carbon [kg] reckoned by the program's own columns."""
    program = model.program
    cost = float(np.vdot(program.cost, values))
    carbon = float(np.vdot(program.carbon, values))
    past = program.past if past is None else past
    return Plan(model, values, past, weights.cost * cost + weights.carbon * carbon, cost, carbon, prices)
