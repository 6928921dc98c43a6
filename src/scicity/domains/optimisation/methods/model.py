"""A station as a linear program: columns for what its devices do, rows for what must hold.

| device | columns a step | rows a step |
|---|---|---|
| supply | bought, sold where allowed | none; two where it is exclusive |
| source, vent | taken; let go | none |
| converter | output | none; two where its ramp binds |
| converter that can be off | on, its pieces; started, stopped where that matters | one a piece, and for their order; four |
| store | charge, discharge, level | one |
| bus | none | its balance |

Balance of a bus: what devices give − what they take = demand. A store: level = level before · (1 − loss)^h + charge · its
efficiency · h − discharge / its efficiency · h − fixed loss · h. On and off: on − on before = started − stopped; what was
started within `min_up` is on, what was stopped within `min_down` is off. Ramps bind while on; starting and stopping may pass
the least load. Source: unit commitment in three binaries, Morales-España et al., doi:10.1109/TPWRS.2013.2251373.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from scicity.domains.optimisation.methods.matrix import Floats, Program, Term
from scicity.domains.optimisation.methods.station import Converter, Demand, Source, Station, Store, Supply, Vent, along

BALANCE = "balance"


@dataclass
class Model:
    """The program of a station. `buses`: row of each bus's balance; `cost`, `carbon` [money, kg] of each column, and `past`.

    `gives`: of each device and bus the columns that give to it (or take, where negative), with their factor. `shapes`: of each
    converter that can be off, its columns `on` and pieces.
    """

    station: Station
    program: Program
    buses: dict[str, int] = field(default_factory=dict)
    gives: dict[tuple[str, str], list[Term]] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)

    def columns(self, device: str) -> dict[str, int]:
        """The blocks of columns of a device by quantity."""
        return {block.quantity: at for at, block in enumerate(self.program.columns) if block.device == device}

    @property
    def whole(self) -> bool:
        """Whether anything must be a whole number."""
        return bool(self.program.whole.any())


@dataclass(frozen=True)
class Shape:
    """A converter that can be off: its columns, and its curve by points [kW], each of shape (points,) or (points, steps)."""

    on: int
    pieces: list[int]
    points: dict[str, Floats]


def build(station: Station) -> Model:
    """The program of a sound `station` (`station_checks.check`). Columns in kW, kWh and 0 or 1; costs in money a step."""
    model = Model(station, Program(station.steps))
    for device in station.devices:
        if isinstance(device, Supply):
            _supply(model, device)
        elif isinstance(device, Source):
            hours = station.hours
            column = model.program.column(
                device.name, "taken", device.available, cost=_times(device.cost, hours), carbon=_times(device.carbon, hours)
            )
            _gives(model, device.name, device.bus, column, 1.0)
        elif isinstance(device, Vent):
            _gives(model, device.name, device.bus, model.program.column(device.name, "let-go", device.limit), -1.0)
        elif isinstance(device, Store):
            _store(model, device)
        elif isinstance(device, Converter):
            _converter(model, device)
    _balances(model)
    model.program.close()
    _past(model)
    return model


def _times(value: float | Floats, factor: float | Floats) -> float | Floats:
    return value * factor


def _gives(model: Model, device: str, bus: str, column: int, factor: float | Floats) -> None:
    model.gives.setdefault((device, bus), []).append(Term(column, factor))


def _supply(model: Model, device: Supply) -> None:
    program, hours = model.program, model.station.hours
    bought = program.column(
        device.name, "bought", device.limit, cost=_times(device.price, hours), carbon=_times(device.carbon, hours)
    )
    _gives(model, device.name, device.bus, bought, 1.0)
    if not np.any(device.export_limit):
        return
    sold = program.column(
        device.name,
        "sold",
        device.export_limit,
        cost=_times(device.export_price, -hours),
        carbon=_times(device.export_carbon, -hours),
    )
    _gives(model, device.name, device.bus, sold, -1.0)
    if device.exclusive:
        buys = program.column(device.name, "buys", 1.0, whole=True)
        program.row(device.name, "buys", [Term(bought, 1.0), Term(buys, -np.asarray(device.limit))], -np.inf, 0.0)
        program.row(
            device.name,
            "sells",
            [Term(sold, 1.0), Term(buys, np.asarray(device.export_limit))],
            -np.inf,
            np.asarray(device.export_limit),
        )


def _store(model: Model, device: Store) -> None:
    program, hours, steps = model.program, model.station.hours, model.station.steps
    charge = program.column(device.name, "charge", device.charge)
    discharge = program.column(device.name, "discharge", device.discharge, cost=device.cost * hours)
    least: float | Floats = device.least * device.capacity
    most: float | Floats = device.capacity
    cyclic = device.end == "cyclic"
    if cyclic and device.begin is not None:
        least, most = along(least, steps).copy(), along(most, steps).copy()
        least[-1] = most[-1] = device.begin
    level = program.column(device.name, "level", most, lower=least)
    program.row(
        device.name,
        "level",
        [
            Term(level, 1.0),
            Term(level, -((1.0 - device.loss) ** hours), 1, cyclic and device.begin is None),
            Term(charge, -device.charge_efficiency * hours),
            Term(discharge, hours / device.discharge_efficiency),
        ],
        -device.fixed_loss * hours,
        -device.fixed_loss * hours,
    )
    _gives(model, device.name, device.bus, charge, -1.0)
    _gives(model, device.name, device.bus, discharge, 1.0)
    if device.exclusive:
        charges = program.column(device.name, "charges", 1.0, whole=True)
        program.row(device.name, "charges", [Term(charge, 1.0), Term(charges, -device.charge)], -np.inf, 0.0)
        program.row(
            device.name, "discharges", [Term(discharge, 1.0), Term(charges, device.discharge)], -np.inf, device.discharge
        )


def _converter(model: Model, device: Converter) -> None:
    if device.committed:
        _switched(model, device)
        return
    program, hours = model.program, model.station.hours
    output = program.column(device.name, "output", device.capacity, cost=device.running_cost * hours)
    for bus, points in curve_points(device).items():
        _gives(model, device.name, bus, output, points[1] - points[0])
    if np.isfinite(device.ramp):
        step = device.ramp * float(np.max(device.capacity)) * hours
        program.row(device.name, "ramp", [Term(output, 1.0), Term(output, -1.0, 1)], -step, step)


def curve_points(device: Converter) -> dict[str, Floats]:
    """What a converter gives to each of its buses at the points of its curve, negative where it takes.

    Per kW of output [kW/kW] for one that is always on (points 0 and 1); in [kW], from its least load to the full, for one that
    can be off. Each of shape (points,) or, where its efficiency changes with time, (points, steps).
    """
    curve = device.curve
    if curve is not None:
        scale = float(np.max(device.capacity)) if device.committed else 1.0
        points = {device.target: np.asarray(curve.output, np.float64) * scale}
        points[device.source] = -np.asarray(curve.input, np.float64) * scale
        for bus, also in curve.also.items():
            points[bus] = np.asarray(also, np.float64) * scale
        return points
    output = np.array([0.0, 1.0])
    if device.committed:  # one point where it is on in full or off
        output = np.unique([device.minimum, 1.0]) * float(np.max(device.capacity))
    efficiency = 1.0 if device.efficiency is None else device.efficiency
    shares: dict[str, float | Floats] = {device.target: 1.0, device.source: -1.0 / np.asarray(efficiency, np.float64)}
    shares |= device.also
    return {bus: np.multiply.outer(output, np.asarray(share, np.float64)) for bus, share in shares.items()}


def _switched(model: Model, device: Converter) -> None:
    program, hours = model.program, model.station.hours
    points = curve_points(device)
    lengths = np.diff(points[device.target])
    least = float(points[device.target][0])
    on = program.column(device.name, "on", 1.0, cost=device.running_cost * least * hours, whole=True)
    pieces = [
        program.column(device.name, f"piece-{at}", length, cost=device.running_cost * hours)
        for at, length in enumerate(lengths, 1)
    ]
    for bus, values in points.items():
        if np.any(values[0]):
            _gives(model, device.name, bus, on, values[0])
        for at, piece in enumerate(pieces):
            slope = (values[at + 1] - values[at]) / lengths[at]
            if np.any(slope):
                _gives(model, device.name, bus, piece, slope)
    before = on
    for at, piece in enumerate(
        pieces
    ):  # a piece is used only when the one before is full, else the cheap ones would come first
        if at:
            full = program.column(device.name, f"full-{at}", 1.0, whole=True)
            program.row(device.name, f"full-{at}", [Term(pieces[at - 1], 1.0), Term(full, -lengths[at - 1])])
            before = full
        program.row(device.name, f"piece-{at + 1}", [Term(piece, 1.0), Term(before, -lengths[at])], -np.inf, 0.0)
    model.shapes[device.name] = Shape(on, pieces, points)
    _switching(model, device, model.shapes[device.name])


def _switching(model: Model, device: Converter, shape: Shape) -> None:
    """Starts and stops, how long at least, and how fast."""
    program, hours = model.program, model.station.hours
    ramps = np.isfinite(device.ramp)
    up, down = (max(1, int(np.ceil(time / hours - 1e-9))) for time in (device.min_up, device.min_down))
    if not ramps and up == 1 and down == 1 and device.start_cost == 0:
        return
    on = shape.on
    started = program.column(device.name, "started", 1.0, cost=device.start_cost)
    stopped = program.column(device.name, "stopped", 1.0)
    program.row(
        device.name,
        "switched",
        [Term(on, 1.0), Term(on, -1.0, 1), Term(started, -1.0), Term(stopped, 1.0)],
        0.0,
        0.0,
    )
    program.row(device.name, "min-up", [Term(started, 1.0, back) for back in range(up)] + [Term(on, -1.0)], -np.inf, 0.0)
    program.row(device.name, "min-down", [Term(stopped, 1.0, back) for back in range(down)] + [Term(on, 1.0)], -np.inf, 1.0)
    if not ramps:
        return
    step = device.ramp * float(np.max(device.capacity)) * hours
    least = float(shape.points[device.target][0])
    jump = max(step, least) - step
    pieces = [Term(piece, 1.0) for piece in shape.pieces]
    pieces += [Term(piece, -1.0, 1) for piece in shape.pieces]
    # The change of output, its least load taken with `on`; up at most `step`, and `jump` more in the step of a start.
    change = [*pieces, Term(on, least), Term(on, -least, 1)] if least else pieces
    program.row(device.name, "ramp-up", [*change, Term(started, -jump)], -np.inf, step)
    program.row(device.name, "ramp-down", [*change, Term(stopped, jump)], -step)


def _balances(model: Model) -> None:
    demand: dict[str, Floats] = {bus: np.zeros(model.station.steps) for bus in model.station.buses}
    for device in model.station.devices:
        if isinstance(device, Demand):
            demand[device.bus] = demand[device.bus] + device.power
    for bus in model.station.buses:
        terms = [term for (_, at), given in model.gives.items() if at == bus for term in given]
        model.buses[bus] = model.program.row(bus, BALANCE, terms, demand[bus], demand[bus])


def _past(model: Model) -> None:
    """What is known of the time before the first step."""
    past, hours = model.program.past, model.station.hours
    for device in model.station.devices:
        columns = model.columns(device.name)
        if isinstance(device, Store):
            past[columns["level"], -1] = device.least * device.capacity if device.begin is None else device.begin
        elif isinstance(device, Converter) and not device.committed:
            past[columns["output"], -1] = device.output_before
        elif isinstance(device, Converter):
            shape = model.shapes[device.name]
            since = device.hours_before / hours
            switched = "started" if device.on_before else "stopped"
            if switched in columns and since <= past.shape[1]:
                past[columns[switched], past.shape[1] - max(1, round(since))] = 1.0
            if device.on_before:
                past[shape.on, -1] = 1.0
                output = shape.points[device.target]
                for piece, low, high in zip(shape.pieces, output, output[1:], strict=False):
                    past[piece, -1] = np.clip(device.output_before - low, 0.0, high - low)
