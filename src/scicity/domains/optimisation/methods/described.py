"""A station as its registers describe it, turned into the devices of `station`; and the rule by which it is run without a plan.

Rows are mappings with the columns of `station_units.csv` and `station_demands.csv`. One bus a carrier. Efficiencies are told at
a reference: of an air-source heat pump and of a chiller at `source_temperature` outside, and change with the outside
temperature as a fixed share of the ideal cycle does; of a ground-source heat pump they hold for the ground, which hardly
changes.

Source: for the share of the ideal cycle, C. Arpagaus et al. 2018, doi:10.1016/j.energy.2018.03.166.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from scicity.domains.optimisation.methods.columns import Floats, Ints
from scicity.domains.optimisation.methods.hours import hours_of
from scicity.domains.optimisation.methods.rule import Rule
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
from scicity.domains.optimisation.methods.station_checks import check
from scicity.kernel.problems import Problem

Row = Mapping[str, Any]
REJECTION = 10.0  # [K] by which a chiller gives its heat off warmer than the air outside
MOST_EER = 12.0
BUS = {"natural_gas": "gas"}  # the carrier of a bus, where it is called otherwise
PUMPS = ("ground_source_heat_pump", "air_source_heat_pump")
NEEDS: dict[str, tuple[str, ...]] = {
    "grid": ("tariff",),
    "gas_supply": ("tariff",),
    "heat_supply": ("tariff",),
    "pv": ("capacity", "tilt", "azimuth"),
    "wind": ("capacity", "hub_height", "cut_in_speed", "rated_speed", "cut_out_speed"),
    "ground_source_heat_pump": ("capacity", "efficiency"),
    "air_source_heat_pump": ("capacity", "efficiency", "source_temperature", "supply_temperature"),
    "gas_cchp": ("capacity", "efficiency", "heat_ratio"),
    "boiler": ("capacity", "efficiency"),
    "electric_boiler": ("capacity", "efficiency"),
    "chiller": ("capacity", "efficiency"),
    "absorption_chiller": ("capacity", "efficiency"),
    "thermal_storage": ("carrier", "capacity", "storage_capacity"),
    "battery": ("capacity", "storage_capacity"),
    "electrolyser": ("capacity", "efficiency"),
    "fuel_cell": ("capacity", "efficiency"),
    "hydrogen_store": ("capacity", "storage_capacity"),
    "heat_vent": (),
}
KINDS = tuple(NEEDS)
SUPPLIES = {"grid": "electricity", "gas_supply": "natural_gas", "heat_supply": "heat"}
STORES = {"thermal_storage": "", "battery": "electricity", "hydrogen_store": "hydrogen"}
WAYS = {  # from which carrier to which
    "ground_source_heat_pump": ("electricity", "heat"),
    "air_source_heat_pump": ("electricity", "heat"),
    "gas_cchp": ("natural_gas", "electricity"),
    "boiler": ("natural_gas", "heat"),
    "electric_boiler": ("electricity", "heat"),
    "chiller": ("electricity", "cold"),
    "absorption_chiller": ("heat", "cold"),
    "electrolyser": ("electricity", "hydrogen"),
    "fuel_cell": ("hydrogen", "electricity"),
}


class Faulty(Exception):  # noqa: N818  (reads as what it is)
    """A row that cannot be a device: its place among the rows, its column, what was found and expected."""

    def __init__(self, row: int, field: str, found: object, expected: str) -> None:
        super().__init__(f"row {row}, {field}: found {found}; expected {expected}")
        self.row, self.field, self.found, self.expected = row, field, found, expected


@dataclass(frozen=True)
class Given:
    """What a station meets over its time: arrays of shape (steps,).

    `outside` [°C]; `available` [kW] of PV and wind by unit; `price` [money/kWh] by tariff; `carbon` [kg/kWh] by carrier;
    `demand` [kW] by demand; `hour` [0-23] in which each step begins; steps of `hours` each. `begin` [kWh] by store, where it is
    known how full it is.
    """

    outside: Floats
    hour: Ints
    hours: float
    available: Mapping[str, Floats] = field(default_factory=dict)
    price: Mapping[str, Floats] = field(default_factory=dict)
    carbon: Mapping[str, Floats] = field(default_factory=dict)
    demand: Mapping[str, Floats] = field(default_factory=dict)
    begin: Mapping[str, float] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """How many steps."""
        return int(self.outside.size)


def station_of(name: str, units: Sequence[Row], demands: Sequence[Row], given: Given, *, relaxed: bool = False) -> Station:
    """The station of `units` that meets `demands`; `relaxed` leaves out what asks for whole numbers (for a year at once).

    Raises Faulty for a unit that cannot be. What is wrong with the station as a whole, `station_checks` tells.
    """
    devices = [_device(at, row, given, relaxed) for at, row in enumerate(units)]
    if any(row["unit_kind"] == "gas_cchp" for row in units) and not any(row["unit_kind"] == "heat_vent" for row in units):
        devices.append(Vent("heat-rejected", "heat"))
    devices += [Demand(row["demand"], _bus(row["carrier"]), given.demand[row["demand"]]) for row in demands]
    buses = {bus: bus for device in devices for bus in _buses(device)}
    return Station(name, buses, devices, given.steps, given.hours)


def rule_of(units: Sequence[Row], demands: Sequence[Row], given: Given) -> Rule:
    """The rule by which the station is run without a plan: its units in their turn (as they stand, where none is told).

    Stores charge and discharge in the hours that their rows name, and charge only for a day on which their carrier is wanted.
    What is bought takes its turn last, as it fills what is left.
    """
    turns = [(row["turn"] if row["turn"] is not None else (900 if row["unit_kind"] in SUPPLIES else 500)) for row in units]
    order = []
    for at in sorted(range(len(units)), key=lambda at: (turns[at], at)):
        row = units[at]
        if row["unit_kind"] in ("pv", "wind"):
            continue
        order.append(row["station_unit"] + (f"@{_bus(row['follows'])}" if row["follows"] else ""))
    if any(row["unit_kind"] == "gas_cchp" for row in units) and not any(row["unit_kind"] == "heat_vent" for row in units):
        order.append("heat-rejected")
    wishes = {}
    for row in units:
        if row["unit_kind"] in STORES and (row["charging_hours"] or row["discharging_hours"]):
            power = float(row["capacity"])
            wish = np.zeros(given.steps)
            if row["charging_hours"] and (wanted := _wanted(row, demands, given)).any():
                wish[hours_of(row["charging_hours"])[given.hour] & wanted] += power
            if row["discharging_hours"]:
                wish[hours_of(row["discharging_hours"])[given.hour]] -= power
            wishes[row["station_unit"]] = wish
    return Rule(order, wishes)


def _wanted(row: Row, demands: Sequence[Row], given: Given) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """In which steps a store's carrier is wanted within the following day; the time goes round."""
    carrier = STORES[row["unit_kind"]] or row["carrier"]
    wanted = np.zeros(given.steps)
    for demand in demands:
        if demand["carrier"] == carrier:
            wanted = wanted + given.demand[demand["demand"]]
    ahead = min(given.steps, max(1, round(24 / given.hours)))
    sums = np.cumsum(np.r_[0.0, wanted, wanted[:ahead]])
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = sums[ahead : ahead + given.steps] - sums[: given.steps] > 1e-9
    return found


def tried(name: str, units: Sequence[Row], demands: Sequence[Row]) -> list[Problem]:
    """What is wrong with a station as described, tried over a day of plain weather with next to no demand. Raises Faulty."""
    steps = 24
    flat = np.ones(steps)
    given = Given(
        outside=10.0 * flat,
        hour=np.arange(steps),
        hours=1.0,
        available={row["station_unit"]: flat for row in units},
        price={name: flat for row in units for name in (row["tariff"], row["export_tariff"]) if name},
        demand={row["demand"]: 1e-3 * flat for row in demands},
    )
    return list(check(station_of(name, units, demands, given)))


def _bus(carrier: str) -> str:
    return BUS.get(carrier, carrier)


def _buses(device: Device) -> list[str]:
    if isinstance(device, Converter):
        return [device.source, device.target, *(device.curve.also if device.curve is not None else device.also)]
    return [device.bus]


def _device(at: int, row: Row, given: Given, relaxed: bool) -> Device:
    kind, name = row["unit_kind"], row["station_unit"]
    if kind in SUPPLIES:
        return _supply(row, given)
    if kind in STORES:
        return _store(at, row, given)
    if kind in WAYS:
        return _converter(at, row, given, relaxed)
    if kind == "heat_vent":
        return Vent(name, "heat", _or(row["capacity"], np.inf))
    return Source(name, "electricity", given.available[name], cost=_or(row["running_cost"], 0.0))


def _or(value: float | None, default: float) -> float:
    return default if value is None else float(value)


def _supply(row: Row, given: Given) -> Supply:
    carrier = SUPPLIES[row["unit_kind"]]
    sold = _or(row["export_capacity"], 0.0)
    return Supply(
        row["station_unit"],
        _bus(carrier),
        price=given.price[row["tariff"]],
        carbon=given.carbon.get(carrier, 0.0),
        limit=_or(row["capacity"], np.inf),
        export_limit=sold,
        export_price=given.price[row["export_tariff"]] if sold and row["export_tariff"] else 0.0,
    )


def _store(at: int, row: Row, given: Given) -> Store:
    carrier = STORES[row["unit_kind"]] or row["carrier"]
    if row["unit_kind"] == "thermal_storage" and carrier not in ("heat", "cold"):
        raise Faulty(at, "carrier", carrier, "heat or cold")
    begin = given.begin.get(row["station_unit"])
    return Store(
        row["station_unit"],
        _bus(carrier),
        float(row["storage_capacity"]),
        float(row["capacity"]),
        float(row["capacity"]),
        _or(row["charge_efficiency"], 1.0),
        _or(row["discharge_efficiency"], 1.0),
        loss=_or(row["hourly_loss"], 0.0),
        least=_or(row["least_level"], 0.0),
        begin=begin,
        cost=_or(row["running_cost"], 0.0),
    )


def _converter(at: int, row: Row, given: Given, relaxed: bool) -> Converter:
    kind = row["unit_kind"]
    source, target = (_bus(carrier) for carrier in WAYS[kind])
    least = 0.0 if relaxed else _or(row["least_load"], 0.0)
    heat = _or(row["heat_ratio"], 0.0)
    also = {"heat": heat} if heat else {}
    if also and target == "heat":
        raise Faulty(at, "heat_ratio", heat, "nothing: its output is heat")
    whole: dict[str, Any] = {}
    if not relaxed:
        times = (("min_up", "least_hours_on"), ("min_down", "least_hours_off"), ("start_cost", "start_cost"))
        whole = {name: _or(row[column], 0.0) for name, column in times}
    efficiency = EFFICIENCIES.get(kind, _fixed)(at, row, given)
    curve = None
    if least and row["least_load_efficiency"] is not None:
        if np.ndim(efficiency):
            raise Faulty(at, "least_load_efficiency", row["least_load_efficiency"], "nothing: its efficiency changes with time")
        taken = (least / float(row["least_load_efficiency"]), 1.0 / float(efficiency))
        curve = Curve((least, 1.0), taken, {"heat": (least * heat, heat)} if heat else {})
    return Converter(
        row["station_unit"],
        source,
        target,
        float(row["capacity"]),
        efficiency=None if curve else efficiency,
        also={} if curve else also,
        curve=curve,
        minimum=least,
        ramp=_or(row["ramp_rate"], np.inf),
        running_cost=_or(row["running_cost"], 0.0),
        **whole,
    )


def _fixed(at: int, row: Row, given: Given) -> float | Floats:
    return float(row["efficiency"])


def _air_source(at: int, row: Row, given: Given) -> float | Floats:
    """The COP by the air outside: the share of the ideal one that holds at the reference."""
    sink, reference = float(row["supply_temperature"]), float(row["source_temperature"])
    if sink <= reference:
        raise Faulty(at, "supply_temperature", sink, f"above the source's {reference:g} °C")
    share = float(row["efficiency"]) * (sink - reference) / (sink + 273.15)
    if share > 1:
        best = (sink + 273.15) / (sink - reference)
        raise Faulty(
            at, "efficiency", row["efficiency"], f"at most {best:.2f}, the ideal cycle between {reference:g} and {sink:g} °C"
        )
    return heat_pump_cop(given.outside, sink, share)


def _chiller(at: int, row: Row, given: Given) -> float | Floats:
    """The EER by the air outside; a fixed one where no reference is told."""
    if row["source_temperature"] is None or row["supply_temperature"] is None:
        return _fixed(at, row, given)
    cold, reference = float(row["supply_temperature"]), float(row["source_temperature"])
    lift = reference + REJECTION - cold
    if lift <= 0:
        raise Faulty(at, "source_temperature", reference, f"warmer than {cold - REJECTION:g} °C")
    share = float(row["efficiency"]) * lift / (cold + 273.15)
    if share > 1:
        raise Faulty(at, "efficiency", row["efficiency"], f"at most {(cold + 273.15) / lift:.2f}, the ideal cycle")
    now = np.maximum(given.outside + REJECTION - cold, 1.0)
    return np.clip(share * (cold + 273.15) / now, 1.0, MOST_EER)


EFFICIENCIES: dict[str, Callable[[int, Row, Given], float | Floats]] = {
    "air_source_heat_pump": _air_source,
    "chiller": _chiller,
}
