"""Of which registers far readings change nothing, by what the files of readings tell of them.

The rules of `ledger` look eight days around, because trouble can. Of a register that is steady (`steady`) all that time, an
hour depends on the readings beside it and on whether the register stands still for a day around it: `NEAR` is enough. What is
told may be of more readings than matter, and says less than the readings themselves: who is not calm may be steady all the
same, but who is calm is steady. `golden/test_locality.py` holds that these parts, too, equal the whole.

Times [µs UTC], registers [kWh]. Source: rules 3 to 7 of `ledger`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.domains.energy.methods.contradictions import JUMP_ENERGY, LONG, ROLL_SHARE
from scicity.domains.energy.methods.curves import LONGEST, intervals
from scicity.domains.energy.methods.devices import FOREVER, MICRO, Fleet, Stream, fleet
from scicity.domains.energy.methods.partition import streams_of
from scicity.domains.energy.methods.registers import rates
from scicity.domains.energy.methods.screening import LARGEST, Bools, Ints
from scicity.domains.energy.methods.steady import AROUND, LONGEST_STEP

NEAR = timedelta(microseconds=AROUND + LONGEST_STEP)
ROUNDED = 1 + 1e-9  # a step in counts is that between values, but for rounding


def calm_registers(told: pa.Table, registers: Mapping[str, pa.Table], start: int, end: int) -> Bools:
    """Which datastreams of registers are steady in all that is told of them, shape (n,).

    `told`: a row for each datastream, as `kernel.stored.EXTENTS` has them, of at least its readings up to eight days around
    [start, end) and the readings next to it; `registers`: `streams`, `meters`, `installations` as `hourly_ledger` has them.
    False for datastreams of which the ledger makes nothing.
    """
    streams = streams_of(registers["streams"], registers["meters"], registers["installations"])["registers"]
    known = pa.array([each.name for each in streams], pa.string())
    place = pc.fill_null(pc.index_in(told["datastream"].combine_chunks(), value_set=known), -1).to_numpy(zero_copy_only=False)
    found = np.zeros(told.num_rows, dtype=bool)
    rows = np.flatnonzero(place >= 0)
    found[rows] = calm_streams(told.take(pa.array(rows)), streams, place[rows].astype(np.int64), start, end)
    return found


def calm_streams(told: pa.Table, streams: list[Stream], stream: Ints, start: int, end: int) -> Bools:
    """The same of rows that tell of the `streams` at these places, shape (n,)."""
    devices = fleet(streams, registers=True)
    if not len(devices.stream):
        return np.zeros(len(stream), dtype=bool)
    bounds = np.searchsorted(devices.stream, np.arange(len(streams) + 1))
    alone, device = np.diff(bounds)[stream] == 1, np.minimum(bounds[stream], len(devices.stream) - 1)
    first, last, count, shortest, longest = (
        told[name].to_numpy() for name in ("first", "last", "count", "shortest", "longest")
    )
    found = alone & (count >= 2) & (shortest > 0)
    found &= longest <= np.minimum(LONGEST * intervals(streams)[stream], LONGEST_STEP)
    found &= (devices.start[device] <= first) & (devices.end[device] > last)
    for at in np.flatnonzero(found).tolist():
        (each,) = streams[int(stream[at])].installations
        if each.register_start is not None and each.start > -FOREVER:
            found[at] &= first[at] - each.start > LONG.link and first[at] <= start
        if each.register_end is not None and each.end < FOREVER:
            found[at] &= each.end - last[at] > LONG.link and last[at] >= end
    return found & _rises(told, devices, device, longest)


def _rises(told: pa.Table, devices: Fleet, device: Ints, longest: Ints) -> Bools:
    """Whether registers rise by what can be, as `steady` asks of each step."""
    opens, closes, least, steepest = (told[name].to_numpy() for name in ("opens", "closes", "least", "steepest"))
    scale, modulus, rate = devices.scale[device], devices.modulus[device], rates(devices)[device]
    factor = 10.0 ** devices.places[device]
    most = told["most"].to_numpy() * factor * ROUNDED + 1  # [counts]
    highest = np.where(modulus > 0, modulus - 1, LARGEST * MICRO / scale)
    rated, rolls = np.isfinite(rate), modulus > 0
    limit = np.where(rated, rate, 0.0)
    with np.errstate(invalid="ignore"):  # what is no number makes its stream a hard one
        rises = (least >= 0) & (opens >= 0) & (closes <= LARGEST) & (np.rint(closes * factor) <= highest)
        within = (steepest * factor * ROUNDED <= limit) & (~rolls | (modulus > limit * longest + 1))
        calm = (most * scale <= JUMP_ENERGY) & (~rolls | (most <= modulus / ROLL_SHARE))
    return rises & np.where(rated, within, calm)
