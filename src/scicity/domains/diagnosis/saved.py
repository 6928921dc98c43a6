"""Tables of measures: their use by day, and what they saved, with the interval that chance alone leaves open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from scicity.domains.diagnosis.baselines import CONTEXT, limits_of, rests_of, skies, whole_days
from scicity.domains.diagnosis.methods import frames, proof
from scicity.domains.diagnosis.methods.arrays import Bools, Ints
from scicity.domains.diagnosis.methods.proof import Proof
from scicity.kernel.computing import Slot
from scicity.kernel.tables import Read, derived

MONTH = 1  # day of a month's report: the whole report says whether it is early
SIX = Decimal("0.000001")


@derived(
    reads={
        "daily": Read("energy.consumption_daily", columns=("building", "carrier", "day", "energy", "coverage", "stand_in")),
        "measures": Read("diagnosis.measure", columns=("measure", "building", "carrier", "origin")),
    },
    columns=["measure", "day", "building", "carrier", "energy", "coverage", "stand_in"],
    grain=["measure", "day"],
    period="month",
    time="day",
    title_zh="措施所在建筑逐日用能",
    title_en="Use by day where a measure is",
)
def measure_daily(daily: Any, measures: Any) -> Any:
    """The daily use of the carrier that a measure is to save, in its building."""
    rows = daily.inner_join(measures, ["building", "carrier"])
    return rows.mutate(stand_in=rows.stand_in | (rows.origin == "stand-in"))


_READS = {
    "daily": Read("diagnosis.measure_daily", trace={"measure": "measure"}),
    "measures": Read(
        "diagnosis.measure",
        columns=("measure", "building", "carrier", "first_day", "last_day", "promised_saving", "origin"),
        trace={"measure": "measure"},
    ),
    **CONTEXT,
}
_SAVING = [
    *("building", "carrier"),
    *("days", "energy", "expected_energy", "saved_energy", "saved_low", "saved_high", "saved_share", "saved_share_low"),
    *("saved_share_high", "promised_saving", "confidence", "saving_status", "reason", "cv_rmse", "weather_stream", "stand_in"),
]


def _proofs(
    daily: pa.Table, measures: pa.Table, limits: pa.Table, rests: pa.Table, context: dict[str, pa.Table]
) -> Iterator[tuple[dict[str, Any], Proof | None, Any, Ints]]:
    """Each measure with its proof (None where nothing can be measured), the exact energy of its days, and the days."""
    names, which = frames.series(daily, ["measure"])
    place_of = {name: place for place, (name,) in enumerate(names)}
    day, rule = frames.day_numbers(daily), limits_of(limits)
    first = int(day.min()) if len(day) else 0
    length = int(day.max()) - first + 1 if len(day) else 0
    number = np.arange(first, first + length)
    load = frames.by_day(whole_days(daily, rule["day_coverage"]), which, day, len(names), first, length)
    energies = np.full((len(names), length), None, dtype=object)
    energies[which, day - first] = daily.column("energy").to_pylist()
    warmth = frames.temperatures(context["weather"], first, length)
    of = {row["measure"]: row for row in measures.to_pylist()}
    built = [(of[name]["building"],) for (name,) in names]
    stream_of = {
        place: stream
        for stream, members in skies(built, warmth, context["choices"], context["buildings"]).items()
        for place in members
    }
    for name, row in of.items():
        place = place_of.get(name, -1)
        stream = stream_of.get(place)
        row = {**row, "weather_stream": stream}
        if place < 0 or row["first_day"] is None or stream not in warmth:
            yield row, None, None, number
            continue
        began = frames.day_of(row["first_day"])
        ended = frames.day_of(row["last_day"] or row["first_day"])
        shared = frames.shared_days(number, warmth[stream], rests_of(rests))
        yield row, proof.proof(load[place], shared, began, ended, rule), energies[place], number


def _row(measure: dict[str, Any], given: Proof, energies: Any, which: Bools) -> dict[str, Any]:
    told = proof.reported(given, which)
    known = given.after & which & np.isfinite(given.load)
    sums = [energy for energy in energies[known] if energy is not None]
    return {
        **{name: measure[name] for name in ("measure", "building", "carrier", "promised_saving", "weather_stream")},
        "energy": sum(sums, Decimal(0)).quantize(SIX) if sums else None,
        "stand_in": None,
        **told,
    }


def _by(unit: str, column: str, named: Callable[[int], Any], fewest: float | None, **tables: pa.Table) -> list[dict[str, Any]]:
    """Rows of each measure for each month or year after it."""
    context = {name: tables[name] for name in ("weather", "choices", "buildings")}
    stands = _stand_ins(tables["daily"])
    rows = []
    proofs = _proofs(tables["daily"], tables["measures"], tables["limits"], tables["rests"], context)
    for measure, given, energies, number in proofs:
        if given is None:
            continue
        if fewest is not None:
            given = replace(given, fewest=fewest)
        starts = proof.periods(number, unit)
        heard = number <= max(number[np.isfinite(given.load)], default=-1)  # behind the last known day there is no report
        for start in np.unique(starts[given.after & heard]):
            row = _row(measure, given, energies, starts == start)
            rows.append({**row, column: named(int(start)), "stand_in": stands.get(measure["measure"], False)})
    return rows


def _stand_ins(daily: pa.Table) -> dict[str, bool]:
    names, which = frames.series(daily, ["measure"])
    held = np.zeros(len(names), dtype=bool)
    np.logical_or.at(held, which, np.nan_to_num(frames.numbers(daily, "stand_in")) > 0)
    return {name: bool(value) for (name,), value in zip(names, held, strict=True)}


@derived(
    reads=_READS,
    columns=["measure", *_SAVING],
    grain=["measure"],
    by_partition=True,
    title_zh="措施节能量",
    title_en="Saving of measures",
)
def saving(slot: Slot, daily: pa.Table, measures: pa.Table, limits: pa.Table, rests: pa.Table, **context: pa.Table) -> pa.Table:
    """What a measure saved over all days since it ended: what its building would have used, less what it used.

    The model is learnt from the 365 days before the work began. Proved is a saving whose interval lies above nothing; the
    interval knows chance only: another use of the building is no chance, and must be told. Where the model may not be relied
    upon, or there is no meter, nothing is shown but the promise.
    """
    stands = _stand_ins(daily)
    rows = []
    for measure, given, energies, number in _proofs(daily, measures, limits, rests, context):
        stand_in = stands.get(measure["measure"], measure["origin"] == "stand-in")
        if given is None:
            reason = "no weather" if measure["measure"] in stands else None
            status = proof.NO_BASELINE if reason else proof.NO_METER
            kept = ("measure", "building", "carrier", "promised_saving", "weather_stream")
            row = {name: measure[name] for name in kept}
            rows.append({**row, "saving_status": status, "reason": reason, "stand_in": stand_in})
            continue
        rows.append({**_row(measure, given, energies, np.ones(len(number), dtype=bool)), "stand_in": stand_in})
    return pa.Table.from_pylist(rows, schema=saving.schema)


@derived(
    reads={
        **_READS,
        "emissions": Read("carbon.emission_yearly", columns=("building", "carrier", "year", "energy", "emission")),
    },
    columns=["measure", "year", *_SAVING, "saved_emission"],
    grain=["measure", "year"],
    by_partition=True,
    title_zh="措施逐年节能量",
    title_en="Saving of measures by year",
)
def saving_yearly(slot: Slot, emissions: pa.Table, **tables: pa.Table) -> pa.Table:
    """What a measure saved in each calendar year since it ended; a year of too few days is too early to be judged.

    Carbon dioxide at the mean factor of the building's year, all scopes: emission over energy.
    """
    rows = _by("Y", "year", frames.year_of, None, **tables)
    at = {row["measure"]: (row["building"], row["carrier"]) for row in tables["measures"].to_pylist()}
    sums: dict[tuple[Any, ...], list[float]] = {}
    for row in emissions.to_pylist():
        if row["energy"] and row["emission"] is not None:
            held = sums.setdefault((row["building"], row["carrier"], row["year"]), [0.0, 0.0])
            held[0], held[1] = held[0] + float(row["emission"]), held[1] + float(row["energy"])
    for row in rows:
        emission, energy = sums.get((*at[row["measure"]], row["year"]), (0.0, 0.0))
        known = energy and row["saved_energy"] is not None
        row["saved_emission"] = row["saved_energy"] * emission / energy if known else None
    return pa.Table.from_pylist(rows, schema=saving_yearly.schema)


@derived(
    reads=_READS,
    columns=["measure", "month", *_SAVING],
    grain=["measure", "month"],
    by_partition=True,
    title_zh="措施逐月节能量",
    title_en="Saving of measures by month",
)
def saving_monthly(slot: Slot, **tables: pa.Table) -> pa.Table:
    """What a measure saved in each month since it ended. A single month is more often not proved than the year is."""
    rows = _by("M", "month", lambda day: frames.EPOCH + np.timedelta64(day, "D").item(), MONTH, **tables)
    return pa.Table.from_pylist(rows, schema=saving_monthly.schema)
