"""What is wrong with a station, all of it at once, before a plan is asked for.

Source: for what a fuel can give, ISO 6976: its gross over its net heating value (methane 1.11, hydrogen 1.18).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields

import numpy as np

from scicity.domains.optimisation.methods.station import (
    CARRIERS,
    ENDS,
    Converter,
    Curve,
    Demand,
    Device,
    Source,
    Station,
    Store,
    Supply,
)
from scicity.kernel.problems import Problems

FUELS = ("gas", "hydrogen")
MOST_OF_FUEL = 1.19  # [kWh/kWh] of a fuel by its net heating value no device gives more: all of its water condensed
MOST_STEPS = 1_000_000
# Of each field the least and the most; a field of a device is found by its name. Limits may be infinite, nothing else may.
BOUNDS: dict[str, tuple[float, float]] = {
    "available": (0.0, 1e9),
    "power": (0.0, 1e9),
    "limit": (0.0, np.inf),
    "export_limit": (0.0, np.inf),
    "price": (-1e6, 1e6),
    "export_price": (-1e6, 1e6),
    "carbon": (-100.0, 100.0),
    "export_carbon": (-100.0, 100.0),
    "cost": (-1e6, 1e6),
    "running_cost": (-1e6, 1e6),
    "start_cost": (0.0, 1e9),
    "charge": (0.0, 1e9),
    "discharge": (0.0, 1e9),
    "charge_efficiency": (1e-6, 1.0),
    "discharge_efficiency": (1e-6, 1.0),
    "efficiency": (1e-6, 100.0),
    "loss": (0.0, 0.999999),
    "fixed_loss": (0.0, 1e9),
    "least": (0.0, 1.0),
    "minimum": (0.0, 1.0),
    "ramp": (1e-9, np.inf),
    "min_up": (0.0, 8760.0),
    "min_down": (0.0, 8760.0),
    "hours_before": (0.0, np.inf),
    "output_before": (0.0, 1e9),
}
CAPACITY = (0.0, 1e9)
VARYING = {
    *("available", "power", "limit", "export_limit", "price", "export_price", "carbon", "export_carbon"),
    *("cost", "efficiency", "capacity"),
}


def check(station: Station) -> Problems:
    """Every problem of a station; empty where it is sound. A field is told as `device.field`, a place of a series by its step.

    Checked: the time; names; carriers; buses that exist; every number and series (length, NaN, range); curves; heat and power
    of a fuel that are more than the fuel; stores that begin with more than they hold; demands and devices that nothing feeds.
    """
    problems = Problems()
    place = f"station {station.name}"
    if not 1 <= station.steps <= MOST_STEPS:
        problems.add("range", place, field="steps", found=station.steps, expected=f"1 to {MOST_STEPS} steps")
    if not 0 < station.hours <= 24:
        problems.add("range", place, field="hours", found=station.hours, expected="above 0 and at most 24 hours a step")
    if problems.items:
        return problems
    for bus, carrier in station.buses.items():
        if carrier not in CARRIERS:
            problems.add("choice", place, field=f"{bus}.carrier", found=carrier, expected=", ".join(CARRIERS))
    for name, count in Counter(device.name for device in station.devices).items():
        if count > 1:
            problems.add("key-twice", place, field=name, found=f"{count} devices of this name", expected="a name of its own")
    known = True
    for device in station.devices:
        for part, bus in _buses(device):
            if bus not in station.buses:
                known = False
                expected = "a bus of the station: " + ", ".join(station.buses)
                problems.add("reference", place, field=f"{device.name}.{part}", found=bus, expected=expected)
        before = len(problems)
        _numbers(problems, place, station, device)
        if len(problems) > before:
            continue
        if isinstance(device, Supply) and device.exclusive and not np.isfinite(device.limit + device.export_limit).all():
            expected = "limits of both ways, so that one can exclude the other"
            problems.add("range", place, field=f"{device.name}.exclusive", found="no limit", expected=expected)
        if isinstance(device, Store):
            _store(problems, place, device)
        if isinstance(device, Converter):
            _converter(problems, place, station, device)
    if known:
        _paths(problems, place, station)
    return problems


def _buses(device: Device) -> Iterator[tuple[str, str]]:
    if not isinstance(device, Converter):
        yield "bus", device.bus
        return
    yield "source", device.source
    yield "target", device.target
    for bus in device.curve.also if device.curve is not None else device.also:
        yield "also", bus


def _numbers(problems: Problems, place: str, station: Station, device: Device) -> None:
    for each in fields(device):
        value = getattr(device, each.name)
        low, high = CAPACITY if each.name == "capacity" else BOUNDS.get(each.name, (None, None))
        if low is None or high is None or value is None:
            continue
        varying = each.name in VARYING and not (isinstance(device, Store) and each.name in ("cost", "capacity"))
        _number(problems, place, f"{device.name}.{each.name}", value, low, high, station.steps if varying else 0)
    if isinstance(device, Converter):
        for bus, share in device.also.items():
            _number(problems, place, f"{device.name}.also.{bus}", share, -100.0, 100.0, station.steps)


def _number(problems: Problems, place: str, name: str, value: object, low: float, high: float, steps: int) -> None:
    """A number, or where `steps` is not 0 also a series of so many."""
    try:
        values = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        problems.add("value", place, field=name, found=type(value).__name__, expected="a number, or a series of numbers")
        return
    if values.ndim > 1 or (values.ndim == 1 and values.size != steps):
        expected = f"a number, or a series of {steps} steps" if steps else "one number"
        problems.add("value", place, field=name, found=f"a series of {values.shape}", expected=expected)
        return
    values = np.atleast_1d(values)
    unknown = np.flatnonzero(np.isnan(values))
    if unknown.size:
        found = f"no number at step {unknown[0]}, and at {unknown.size - 1} more" if values.size > 1 else "no number"
        problems.add("value-missing", place, field=name, found=found, expected="a number for every step")
    with np.errstate(invalid="ignore"):
        outside = np.flatnonzero((values < low) | (values > high))
    if outside.size:
        found = f"{values[outside[0]]:g} at step {outside[0]}" if values.size > 1 else f"{values[0]:g}"
        problems.add("range", place, field=name, found=found, expected=f"{low:g} to {high:g}")


def _store(problems: Problems, place: str, device: Store) -> None:
    if device.end not in ENDS:
        problems.add("choice", place, field=f"{device.name}.end", found=device.end, expected=", ".join(ENDS))
    if device.begin is not None and not device.least * device.capacity <= device.begin <= device.capacity:
        expected = f"{device.least * device.capacity:g} to {device.capacity:g} kWh, what the store can hold"
        problems.add("range", place, field=f"{device.name}.begin", found=device.begin, expected=expected)


def _converter(problems: Problems, place: str, station: Station, device: Converter) -> None:
    name = device.name
    outputs = [device.target, *(device.curve.also if device.curve is not None else device.also)]
    if len({device.source, *outputs}) <= len(outputs):
        problems.add(
            "reference", place, field=f"{name}.target", found=", ".join(outputs), expected="each bus once, not the source"
        )
    fuel = station.buses.get(device.source) in FUELS
    if (device.efficiency is None) == (device.curve is None):
        found = "neither" if device.curve is None else "both"
        problems.add("value", place, field=f"{name}.efficiency", found=found, expected="an efficiency or a curve")
        return
    if device.curve is not None and not _curve(problems, place, device, device.curve, fuel):
        return
    if device.committed and np.ndim(device.capacity):
        problems.add("value", place, field=f"{name}.capacity", found="a series", expected="one number, where it can be off")
        return
    if device.committed and not np.max(device.capacity) > 0:
        problems.add("range", place, field=f"{name}.capacity", found=device.capacity, expected="above 0")
    if fuel and device.curve is None:
        with np.errstate(all="ignore"):
            given = np.asarray(device.efficiency, np.float64) * (1 + _positive(device.also))
        if np.any(given > MOST_OF_FUEL):
            expected = f"at most {MOST_OF_FUEL} kWh in all of a kWh of fuel"
            problems.add("range", place, field=f"{name}.efficiency", found=f"{np.max(given):g}", expected=expected)


def _positive(also: Mapping[str, object]) -> float | np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    total: float | np.ndarray[tuple[int, ...], np.dtype[np.float64]] = 0.0
    for share in also.values():
        total = total + np.maximum(0.0, np.asarray(share, np.float64))
    return total


def _curve(problems: Problems, place: str, device: Converter, curve: Curve, fuel: bool) -> bool:
    """Whether its points can be read."""
    parts = {"output": curve.output, "input": curve.input} | {f"also.{bus}": values for bus, values in curve.also.items()}
    arrays = {part: np.asarray(values, np.float64) for part, values in parts.items()}
    for part, values in arrays.items():
        field = f"{device.name}.curve.{part}"
        if values.ndim != 1 or values.size != len(curve.output) or values.size < 2:
            expected = "as many points as the output has, at least 2"
            problems.add("value", place, field=field, found=f"{values.size} points", expected=expected)
            return False
        if not np.isfinite(values).all() or (values < 0).any():
            problems.add("range", place, field=field, found=values.tolist(), expected="finite, not negative")
            return False
    output, taken = arrays["output"], arrays["input"]
    if not ((np.diff(output) > 0).all() and output[-1] == 1):
        expected = "shares that grow from the least load to 1"
        problems.add("value", place, field=f"{device.name}.curve.output", found=output.tolist(), expected=expected)
    if device.minimum not in (0, output[0]):
        expected = f"{output[0]:g}, where the curve begins"
        problems.add("value", place, field=f"{device.name}.minimum", found=device.minimum, expected=expected)
    given = sum(arrays.values(), np.zeros(len(output))) - taken
    if fuel and np.any(given > MOST_OF_FUEL * taken):
        expected = f"at most {MOST_OF_FUEL} kWh in all of a kWh of fuel"
        problems.add("range", place, field=f"{device.name}.curve.input", found=taken.tolist(), expected=expected)
    return True


def _paths(problems: Problems, place: str, station: Station) -> None:
    """Demands, stores and converters at buses that no supply or source reaches."""
    fed = {device.bus for device in station.devices if isinstance(device, Source | Supply) and _brings(device)}
    grows = True
    while grows:
        more = set()
        for device in station.devices:
            if isinstance(device, Converter) and device.source in fed:
                more |= {device.target, *(device.curve.also if device.curve is not None else device.also)}
        grows = not more <= fed
        fed |= more
    for device in station.devices:
        bus = next(bus for _, bus in _buses(device))  # a converter's source
        if bus not in fed and isinstance(device, Demand | Store | Converter):
            expected = "a supply, a source, or a converter from a bus that has one"
            problems.add(
                "station-path", place, field=f"{device.name} at {bus}", found="nothing that feeds it", expected=expected
            )


def _brings(device: Source | Supply) -> bool:
    return isinstance(device, Source) or bool(np.any(np.asarray(device.limit) > 0))
