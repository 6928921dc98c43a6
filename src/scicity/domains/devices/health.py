"""The health of datastreams: what came of each and what did not, what stood still, and what drifts from its neighbours.

Nothing here depends on what time it is: last seen and silent are told by the pages, against the present.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.domains.devices.methods import days, drifting
from scicity.domains.devices.methods import neighbours as near
from scicity.kernel.computing import Slot
from scicity.kernel.district import DATASTREAM
from scicity.kernel.files import plain_files, read_csv
from scicity.kernel.problems import Problems
from scicity.kernel.tables import READING_PREFIX, Derived, Read, Table, derived, source
from scicity.vocabulary import term, terms

LOOK_AROUND = timedelta(hours=72)  # a value that began to stand still so long before a month is seen to be frozen in it
NEXT = timedelta(hours=3)  # so far beyond the readings next to it of a datastream that cannot be frozen: longer than its steps
YEAR_BEFORE = timedelta(days=366)
REVIEW = ("verified", "unverified")
EPOCH_YEAR = 1970
LONGEST_MONTH = 31  # days
DIGITS = 6  # of offsets: what is behind them is the noise of subtracting

BEHAVIOUR = source(
    "devices.behaviour",
    packaged=__file__,
    path="standards/behaviours.csv",
    columns=[
        *("property", "value_kind", "still_hours", "rests_at_most", "neighbour_reach", "least_drift", "review", "note"),
    ],
    optional=("still_hours", "rests_at_most", "neighbour_reach", "least_drift", "note"),
    grain=["property"],
    choices={"value_kind": ("level", "amount", "register"), "review": REVIEW},
    ranges={"still_hours": (1, 72), "neighbour_reach": (0.01, 1_000), "least_drift": (0, 1e9)},
    title_zh="各类读数的常态",
    title_en="How readings behave",
    doc="Of each property how long a value may stand, where it may rest, how far off neighbours are, which drift matters.",
)

THRESHOLD = source(
    "devices.threshold",
    packaged=__file__,
    path="standards/thresholds.csv",
    columns=["rule", "threshold", "unit", "document", "clause", "review", "note"],
    optional=("document", "clause", "note"),
    grain=["rule"],
    choices={"review": REVIEW},
    title_zh="设备状态阈值",
    title_en="Thresholds of health",
    doc="From which number on a datastream is told to be silent, to have gaps, to be frozen, to drift, to be low on battery.",
)

_STREAM = ("datastream", "thing", "property", "flow", "interval_seconds", "origin")
_COUNTS = ("expected_readings", "received_readings", "missing_readings", "valueless_readings", "received_share", "gaps")
_TIMES = ("missing_seconds", "longest_gap_seconds", "frozen_seconds")
_HOURS = ("missing_hours", "longest_gap_hours", "frozen_hours")


def tables_of(district: Any) -> list[Table]:
    """The tables of health, over the readings of all properties that a district's datastreams observe."""
    return [daily_table(observed_in(district)), stream_monthly, stream_last, neighbour, offset_monthly, drift_monthly]


def observed_in(district: Any) -> list[str]:
    """The properties of a district's datastreams, sorted; where it has none, those whose behaviour is known.

    What is wrong with the file is told when the district is checked.
    """
    rows: list[dict[str, Any]] = []
    for file, place in plain_files(Path(district.folder), DATASTREAM.path, Problems()):
        rows += read_csv(file, place, DATASTREAM, Problems())
    found = {str(row.get("property") or "").strip() for row in rows} & terms().keys()
    measured = sorted(name for name in found if term(name).type in ("real", "decimal"))
    if measured:
        return measured
    base = Path(__file__).parent
    packaged = [
        row
        for file, place in plain_files(base, BEHAVIOUR.path, Problems())
        for row in read_csv(file, place, BEHAVIOUR, Problems())
    ]
    return sorted(str(row["property"]) for row in packaged)


def daily_table(observed: list[str]) -> Derived:
    """`devices.stream_daily` over the readings of these properties."""
    columns = ("datastream", "time", "value", "revision")
    around = Read("", columns=columns, margin=LOOK_AROUND, anchored=True, near=NEXT, calm=days.never_frozen)
    readings = {f"of_{name}": replace(around, table=READING_PREFIX + name) for name in observed}
    return derived(
        reads={
            **readings,
            "streams": Read("district.datastream", columns=_STREAM, key="thing"),
            "behaviours": "devices.behaviour",
            "meters": Read("energy.meter", columns=("meter", "zero_is_gap"), key="meter", trace={"thing": "meter"}),
        },
        columns=["thing", "datastream", "day", *_COUNTS, *_TIMES, "level", "last_reading", "symbol", "origin"],
        grain=["datastream", "day"],
        period="month",
        fine="day",
        time="day",
        key="thing",
        by_partition=True,
        title_zh="数据流逐日到数",
        title_en="Datastreams by day",
    )(stream_daily)


def stream_daily(slot: Slot, streams: pa.Table, behaviours: pa.Table, meters: pa.Table, **readings: pa.Table) -> pa.Table:
    """What came of a datastream on a day, what should have come, and for how long its value stood still.

    A gap is more than one and a half intervals between two readings that follow each other; what is missing is counted on the
    days on which it was due, so that days add up to months. Before the first reading and behind the last one nothing is
    expected: how long a datastream has been silent depends on the present, and the page of the devices tells it.

    Readings of amounts and registers are about the time before them: one of midnight belongs to the day that ends.

    A value that stands still for longer than its kind can (`devices.behaviour`) is frozen; unknown where no rule is known. It
    may rest at 0, or at the floor of its instrument, for as long as it likes: a closed valve is not frozen. Of a meter whose
    zero is a gap (`energy.meter`) 0 is no rest.
    """
    return days.stream_days(slot, streams, behaviours, meters, readings)


@derived(
    reads={"daily": "devices.stream_daily"},
    columns=["thing", "datastream", "month", *_COUNTS, *_HOURS, "last_reading", "origin"],
    grain=["datastream", "month"],
    period="year",
    time="month",
    key="thing",
    title_zh="数据流逐月到数",
    title_en="Datastreams by month",
)
def stream_monthly(daily: Any) -> Any:
    """What came of a datastream in a month and what should have come: the sum of its days.

    A gap that reaches into several months is counted in each of them, with what is missing there; the longest gap is told in
    its whole length.
    """
    rows = daily.mutate(month=daily.day.truncate("M"))
    summed = rows.group_by("thing", "datastream", "month").agg(
        **{name: rows[name].sum() for name in _COUNTS if name != "received_share"},
        missing_hours=rows.missing_seconds.sum().cast("float64") / 3600,
        longest_gap_hours=rows.longest_gap_seconds.max().cast("float64") / 3600,
        frozen_hours=rows.frozen_seconds.sum().cast("float64") / 3600,
        last_reading=rows.last_reading.max(),
        origin=rows.origin.max(),
    )
    missing = summed.missing_readings.cast("float64") / summed.expected_readings.nullif(0)
    return summed.mutate(received_share=100 * (1 - missing))


@derived(
    reads={"monthly": Read("devices.stream_monthly", trace={"datastream": "datastream", "last_reading": "last_reading"})},
    columns=["thing", "datastream", "month", "last_reading", "origin"],
    grain=["datastream"],
    title_zh="数据流最近一月",
    title_en="Newest month of datastreams",
)
def stream_last(monthly: Any) -> Any:
    """When the last reading of a datastream was, and in which month."""
    heard = monthly.filter(monthly.last_reading.notnull())
    return heard.group_by("thing", "datastream").agg(
        month=heard.month.max(), last_reading=heard.last_reading.max(), origin=heard.origin.max()
    )


@derived(
    reads={
        "streams": Read("district.datastream", columns=_STREAM),
        "behaviours": Read("devices.behaviour", columns=("property", "neighbour_reach")),
        "stations": Read("environment.station", columns=("station", "zone", "longitude", "latitude")),
        "buildings": Read("buildings.building", columns=("building", "zone", "longitude", "latitude")),
        "installations": Read("energy.installation", columns=("meter", "building", "valid_from")),
    },
    columns=["datastream", "neighbour", "near", "neighbour_distance"],
    grain=["datastream", "neighbour"],
    by_partition=True,
    title_zh="相邻数据流",
    title_en="Neighbours",
)
def neighbour(
    _: Slot, streams: pa.Table, behaviours: pa.Table, stations: pa.Table, buildings: pa.Table, installations: pa.Table
) -> pa.Table:
    """Which datastreams of one property are compared with each other: the eight nearest in the same building or within reach.

    Where a place is not known, those of the same zone. Things of energy are not compared: buildings differ.
    """
    rows = streams.to_pylist()
    registers = (table.to_pylist() for table in (stations, buildings, installations))
    where = near.places({row["thing"] for row in rows}, *registers)
    reach = {row["property"]: row["neighbour_reach"] for row in behaviours.to_pylist() if row["neighbour_reach"] is not None}
    return near.neighbours(rows, reach, where)


@derived(
    reads={
        "daily": Read("devices.stream_daily", columns=("datastream", "day", "level", "symbol")),
        "beside": Read("devices.neighbour", columns=("datastream", "neighbour")),
        "thresholds": Read("devices.threshold", columns=("rule", "threshold")),
    },
    columns=["datastream", "month", "neighbours", "days_compared", "neighbour_offset", "offset_spread", "symbol"],
    grain=["datastream", "month"],
    period="year",
    time="month",
    by_partition=True,
    title_zh="与相邻数据流之差",
    title_en="Offsets from neighbours",
)
def offset_monthly(slot: Slot, daily: pa.Table, beside: pa.Table, thresholds: pa.Table) -> pa.Table:
    """How far a datastream was from the middle of its neighbours over a month: the median of the daily differences.

    Unknown with fewer days than `devices.threshold` asks for. An offset is no fault: places differ. That it changes is one.
    """
    names = pc.unique(beside.column("datastream")).sort()
    some = pc.and_(pc.is_in(daily.column("datastream"), value_set=names), pc.is_valid(daily.column("level")))
    rows = daily.filter(some).sort_by([("datastream", "ascending"), ("day", "ascending")])
    if not rows.num_rows:
        return offset_monthly.schema.empty_table()
    day = rows.column("day").cast(pa.int32()).to_numpy()
    at = pc.index_in(rows.column("datastream"), value_set=names).to_numpy()
    month = day.astype("datetime64[D]").astype("datetime64[M]")
    mine, theirs = (pc.index_in(beside.column(name), value_set=names).to_numpy() for name in ("datastream", "neighbour"))
    table = drifting.padded(mine, theirs, len(names))
    symbols = rows.column("symbol").take(pc.index_in(names, value_set=rows.column("datastream")))
    parts = []
    for each in np.unique(month):
        mine, first = month == each, int(each.astype("datetime64[D]").astype(int))
        levels = np.full((len(names), LONGEST_MONTH), np.nan)
        levels[at[mine], day[mine] - first] = rows.column("level").to_numpy()[mine]
        found = drifting.offsets(levels, table)
        few = found.days < _threshold(thresholds, "days_compared")
        part = pa.table(
            {
                "datastream": names,
                "month": pa.array(np.full(len(names), first, dtype=np.int32)).cast(pa.date32()),
                "neighbours": pa.array(found.neighbours),
                "days_compared": pa.array(found.days),
                "neighbour_offset": pa.array(np.round(found.offset, DIGITS), mask=few),
                "offset_spread": pa.array(np.round(found.spread, DIGITS), mask=few),
                "symbol": symbols,
            }
        )
        parts.append(part.filter(pa.array(found.days > 0)))
    return pa.concat_tables(parts)


@derived(
    reads={
        "offsets": Read(
            "devices.offset_monthly",
            columns=("datastream", "month", "neighbour_offset", "neighbours", "symbol"),
            margin=YEAR_BEFORE,
            trace={"datastream": "datastream"},
        ),
        "streams": Read("district.datastream", columns=("datastream", "property")),
        "behaviours": Read("devices.behaviour", columns=("property", "least_drift")),
        "thresholds": Read("devices.threshold", columns=("rule", "threshold")),
    },
    columns=[
        *("datastream", "month", "neighbours", "neighbour_offset", "months_before", "usual_offset", "drift"),
        *("drift_score", "drifting", "symbol"),
    ],
    grain=["datastream", "month"],
    period="year",
    time="month",
    by_partition=True,
    title_zh="漂移",
    title_en="Drift",
)
def drift_monthly(slot: Slot, offsets: pa.Table, streams: pa.Table, behaviours: pa.Table, thresholds: pa.Table) -> pa.Table:
    """Whether a datastream's offset from its neighbours is another than in the twelve months before.

    It is drifting where the change is large enough to matter (`devices.behaviour`) and large against the spread of the months
    before (`devices.threshold`); with too few months nothing is told. With one neighbour alone, both are told to move apart:
    nobody can say which of them it is.
    """
    rows = offsets.filter(pc.is_valid(offsets.column("neighbour_offset"))).sort_by(
        [("datastream", "ascending"), ("month", "ascending")]
    )
    if not rows.num_rows:
        return drift_monthly.schema.empty_table()
    names = pc.unique(rows.column("datastream"))
    at = pc.index_in(rows.column("datastream"), value_set=names).to_numpy()
    months = rows.column("month").cast(pa.int32()).to_numpy().astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    year = int(slot.part.period) - EPOCH_YEAR
    first = 12 * year - 12
    matrix, there = np.full((len(names), 24), np.nan), (months >= first) & (months < first + 24)
    matrix[at[there], months[there] - first] = rows.column("neighbour_offset").to_numpy()[there]
    least_of = {row["property"]: row["least_drift"] for row in behaviours.to_pylist()}
    observed = dict(zip(*(streams.column(name).to_pylist() for name in ("datastream", "property")), strict=True))
    least = np.array(
        [np.nan if (v := least_of.get(observed.get(name, ""))) is None else v for name in names.to_pylist()], dtype=float
    )
    bound, enough = _threshold(thresholds, "drift_score"), int(_threshold(thresholds, "months_before"))
    mine = np.flatnonzero((months >= first + 12) & (months < first + 24))
    rows, at, column = rows.take(pa.array(mine)), at[mine], months[mine] - first
    before = matrix[at[:, None], column[:, None] - 12 + np.arange(12)]
    found = drifting.drifts(matrix[at, column], before, least[at], bound, enough)
    few = found.before < enough
    return pa.table(
        {
            "datastream": rows.column("datastream"),
            "month": rows.column("month"),
            "neighbours": rows.column("neighbours"),
            "neighbour_offset": rows.column("neighbour_offset"),
            "months_before": pa.array(found.before),
            "usual_offset": pa.array(np.round(found.usual, DIGITS), mask=few | np.isnan(found.usual)),
            "drift": pa.array(np.round(found.drift, DIGITS), mask=few | np.isnan(found.drift)),
            "drift_score": pa.array(np.round(found.score, DIGITS), mask=few | np.isnan(found.score)),
            "drifting": pa.array(found.drifting, mask=~found.told),
            "symbol": rows.column("symbol"),
        }
    )


def _threshold(thresholds: pa.Table, rule: str) -> float:
    of_rule = dict(zip(*(thresholds.column(name).to_pylist() for name in ("rule", "threshold")), strict=True))
    return float(of_rule[rule])
