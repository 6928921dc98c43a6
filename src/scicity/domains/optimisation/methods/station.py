"""A district energy station as data: buses of one carrier each, and the devices between them.

Power [kW], energy [kWh] (hydrogen and gas by the heating value that the efficiencies are told for), money [one currency],
carbon [kg]. A quantity that changes with time is an array of shape (steps,), one that does not is a number; an array holds the
mean over each step. Devices know nothing of one another: they meet at buses.

Source: for the COP of heat pumps as a share of the ideal one, C. Arpagaus et al. 2018, doi:10.1016/j.energy.2018.03.166.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Series = float | Floats
CARRIERS = ("electricity", "heat", "cold", "gas", "hydrogen")
ENDS = ("cyclic", "free")
INFINITE = float("inf")


@dataclass(frozen=True)
class Supply:
    """What is bought at a price from outside, and sold where `export_limit` allows: the grid, a gas main.

    `price`, `export_price` [money/kWh], `carbon` [kg/kWh], `export_carbon` [kg/kWh] counted off for what is sold. `exclusive`
    forbids to buy and sell in one step; needed only where selling may pay more than buying, and it takes a whole number a step.
    """

    name: str
    bus: str
    price: Series = 0.0
    carbon: Series = 0.0
    limit: Series = INFINITE
    export_limit: Series = 0.0
    export_price: Series = 0.0
    export_carbon: Series = 0.0
    exclusive: bool = False


@dataclass(frozen=True)
class Source:
    """What is there to be taken, and what is not taken is curtailed: PV, wind. `available` [kW], `cost` [money/kWh]."""

    name: str
    bus: str
    available: Series
    cost: Series = 0.0
    carbon: Series = 0.0


@dataclass(frozen=True)
class Demand:
    """What must be met in every step [kW]."""

    name: str
    bus: str
    power: Series


@dataclass(frozen=True)
class Vent:
    """What can be let go: heat of an engine into the air. `limit` [kW]."""

    name: str
    bus: str
    limit: Series = INFINITE


@dataclass(frozen=True)
class Curve:
    """Part load by points: `output`, `input` and each of `also` [share of the capacity], from the least load to the full.

    Between points they go in straight lines, so two points are an efficiency with an offset.
    """

    output: Sequence[float]
    input: Sequence[float]
    also: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Converter:
    """From one bus to another: boiler, engine, chiller, heat pump, electrolyser, fuel cell.

    `capacity` [kW] of output. Either `efficiency` [kW/kW] (for a heat pump its COP, which may change with time) with `also`,
    further outputs by bus [kW per kW of output], negative for what is taken in besides; or a `curve`. `minimum` [share] is the
    least load of a device that can be switched off; `ramp` [share of the capacity per hour]; `min_up`, `min_down` [h];
    `start_cost` [money]; `running_cost` [money/kWh of output]. Before the first step it was on or off for `hours_before`, at
    `output_before` [kW]. Anything of these but the ramp asks for whole numbers.
    """

    name: str
    source: str
    target: str
    capacity: Series
    efficiency: Series | None = None
    also: Mapping[str, Series] = field(default_factory=dict)
    curve: Curve | None = None
    minimum: float = 0.0
    ramp: float = INFINITE
    min_up: float = 0.0
    min_down: float = 0.0
    start_cost: float = 0.0
    running_cost: float = 0.0
    on_before: bool = False
    hours_before: float = INFINITE
    output_before: float = 0.0

    @property
    def committed(self) -> bool:
        """Whether it takes a whole number a step: on or off."""
        curve = self.curve
        bent = curve is not None and (len(curve.output) > 2 or curve.output[0] > 0 or curve.input[0] > 0)
        return bool(bent or self.minimum > 0 or self.min_up > 0 or self.min_down > 0 or self.start_cost > 0)


@dataclass(frozen=True)
class Store:
    """A battery, a tank of water, a hydrogen store.

    `capacity`, `begin` [kWh]; `charge`, `discharge` [kW] at the bus; efficiencies of each way; `loss` [share of what is in it,
    per hour]; `fixed_loss` [kW] whatever is in it; `least` [share] that stays in it; `cost` [money/kWh discharged]. A `cyclic`
    store ends at what it began with: at `begin`, or where that is None at the level that is best. `exclusive` forbids to charge
    and discharge in one step (a whole number a step; needed only where wasting energy pays, as at negative prices).
    """

    name: str
    bus: str
    capacity: float
    charge: float
    discharge: float
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0
    loss: float = 0.0
    fixed_loss: float = 0.0
    least: float = 0.0
    begin: float | None = None
    end: str = "cyclic"
    cost: float = 0.0
    exclusive: bool = False


Device = Supply | Source | Demand | Vent | Converter | Store


@dataclass(frozen=True)
class Station:
    """`buses` by name with their carrier, the devices, and the time: `steps` of `hours` each."""

    name: str
    buses: Mapping[str, str]
    devices: Sequence[Device]
    steps: int
    hours: float = 0.25


def along(value: Series, steps: int) -> Floats:
    """A number or series as a series of shape (steps,). Raises ValueError for another length."""
    return np.broadcast_to(np.asarray(value, np.float64), (steps,))


def heat_pump_cop(source: Series, sink: Series, share: float, least: float = 1.0, most: float = 8.0) -> Floats:
    """The COP of a heat pump: `share` of the ideal one between `source` and `sink` [°C], kept within `least` and `most`.

    COP = share · T_sink / (T_sink − T_source), T in kelvin: the Carnot cycle with a quality grade. Where the source is as warm
    as the sink it is `most`. Raises ValueError where `share` is not in (0, 1]. For cooling the useful side is the source: take
    the COP of heating less one.
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share of {share} of the ideal COP; expected above 0 and at most 1")
    warm = np.asarray(sink, np.float64) + 273.15
    lift = warm - 273.15 - np.asarray(source, np.float64)
    ideal = np.divide(warm, lift, out=np.full(np.broadcast(warm, lift).shape, np.inf), where=lift > 0)
    return np.clip(share * ideal, least, most)
