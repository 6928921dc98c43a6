"""What the pages of devices ask of the tables, and what they say of it against the present. No Django here."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from scicity.domains.devices.methods.coming import Gaps, Readings, gaps_of, stretches
from scicity.domains.devices.methods.days import rules_of
from scicity.domains.devices.methods.neighbours import Place, places
from scicity.domains.devices.methods.verdicts import STATES, Known, rank, silent_for, verdicts
from scicity.kernel.lineage import Between
from scicity.kernel.tables import READING_PREFIX
from scicity.vocabulary import term, terms

# state: Chinese, English, sign, look
WORDS: dict[str, tuple[str, str, str, str]] = {
    "never": ("从未收到", "never heard", "○", "bad"),
    "silent": ("失联", "silent", "✕", "bad"),
    "clock": ("时钟异常", "clock fault", "◷", "bad"),
    "frozen": ("冻结", "frozen", "❚❚", "bad"),
    "gaps": ("断数", "gaps", "┅", "estimated"),
    "valueless": ("无值", "no values", "∅", "estimated"),
    "drift": ("漂移", "drift", "↗", "estimated"),
    "battery": ("电量低", "battery low", "▽", "estimated"),
    "unjudged": ("未判定", "not judged", "?", "coverage"),
    "fine": ("正常", "fine", "✓", "good"),
    "absent": ("该月无读数", "nothing in this month", "–", "coverage"),
}
BATTERY = "battery_level"
CLOCK = "time"  # the problem of a reading whose time cannot be
DRAWN = 750  # readings of a chart
MONTHS_SHOWN = 24
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
DAY = 86_400  # [s]


@dataclass(frozen=True)
class Said:
    """One datastream as the pages show it: its rows of the register and of the tables (None where there are none)."""

    stream: Any
    place: Place
    month: Any
    drift: Any
    known: Known
    states: list[str]
    battery: Any
    silent: timedelta | None
    words: list[tuple[str, str, str, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Of the datastream."""
        return str(self.stream["datastream"])


def thresholds(city: Any) -> dict[str, float]:
    """The thresholds by their rules."""
    return {row["rule"]: float(row["threshold"]) for row in city.rows("devices.threshold")}


def everything(city: Any, now: datetime, month: date | None, held: Mapping[str, int]) -> list[Said]:
    """Every datastream of the register, the worst first. With `month` as it was in that month, else in the newest of each."""
    streams, bounds = city.rows("district.datastream"), thresholds(city)
    if not bounds:
        return []
    newest = {row["datastream"]: row for row in city.rows("devices.stream_last")}
    wanted = [month] if month else sorted({row["month"] for row in newest.values()})
    months = {(row["datastream"], row["month"]): row for row in city.rows("devices.stream_monthly", where={"month": wanted})}
    drifts = {(row["datastream"], row["month"]): row for row in city.rows("devices.drift_monthly", where={"month": wanted})}
    where, charge = located(city, streams), batteries(city, streams, newest)
    judged = {row["property"] for row in city.rows("devices.behaviour", ["property"])}
    found = []
    for stream in streams:
        name = stream["datastream"]
        last = newest.get(name)
        key = (name, month or (last and last["month"]))
        row, drift, battery = months.get(key), drifts.get(key), charge.get(stream["thing"])
        seconds = stream["interval_seconds"]
        known = Known(
            last=last["last_reading"] if last else None,
            interval=timedelta(seconds=seconds) if seconds else None,
            drifting=drift["drifting"] if drift else None,
            battery=battery["value"] if battery else None,
            clock=held.get(name, 0),
            judged=stream["property"] in judged,
            **_of_month(row),
        )
        states = ["absent"] if month and not row else verdicts(known, bounds, None if month else now)
        silent = None if month else silent_for(known, bounds, now)
        place = where.get(stream["thing"], Place())
        found.append(Said(stream, place, row, drift, known, states, battery, silent, [WORDS[state] for state in states]))
    return sorted(found, key=lambda said: (rank(said.states, said.known), said.name))


def _of_month(row: Any) -> dict[str, float | None]:
    if not row:
        return {}
    received = row["received_readings"]
    return {
        "share": row["received_share"],
        "longest_gap": row["longest_gap_hours"],
        "frozen": row["frozen_hours"],
        "valueless": 100 * row["valueless_readings"] / received if received else None,
    }


def located(city: Any, streams: list[Any]) -> dict[str, Place]:
    """The places of the things of datastreams."""
    registers = (city.rows(name) for name in ("environment.station", "buildings.building", "energy.installation"))
    return places({row["thing"] for row in streams}, *registers)


def batteries(city: Any, streams: list[Any], newest: Mapping[str, Any]) -> dict[str, Any]:
    """The newest reading of the battery of each thing that has one."""
    found: dict[str, Any] = {}
    for stream in streams:
        last = newest.get(stream["datastream"])
        if stream["property"] == BATTERY and last:
            where = {"datastream": stream["datastream"], "time": last["last_reading"]}
            rows = city.rows(READING_PREFIX + BATTERY, where=where, order=["-revision", "value"], limit=1)
            found |= dict.fromkeys([stream["thing"]], rows[0]) if rows else {}
    return found


def chosen(found: list[Said], asked: Mapping[str, str]) -> list[Said]:
    """Those of a state, zone, property, thing, or with a text in their name."""
    wanted = [
        (asked.get("state"), lambda said: said.states),
        (asked.get("zone"), lambda said: [said.place.zone]),
        (asked.get("property"), lambda said: [said.stream["property"]]),
        (asked.get("thing"), lambda said: [said.stream["thing"]]),
    ]
    for value, of in wanted:
        if value:
            found = [said for said in found if value in of(said)]
    text = asked.get("q", "").strip().lower()
    return [said for said in found if text in said.name.lower()] if text else found


SORTS: dict[str, Callable[[Said], Any]] = {
    "name": lambda said: (said.name,),
    "last": lambda said: (said.known.last or EARLIEST, said.name),
    "share": lambda said: (101.0 if said.known.share is None else said.known.share, said.name),
    "gap": lambda said: (-(said.known.longest_gap or 0), said.name),
    "frozen": lambda said: (-(said.known.frozen or 0), said.name),
    "drift": lambda said: (-abs((said.drift and said.drift["drift"]) or 0), said.name),
}


def counted(found: list[Said]) -> list[tuple[str, tuple[str, str, str, str], int]]:
    """How many datastreams each state is said of, the worst first."""
    count = Counter(state for said in found for state in said.states)
    return [(state, WORDS[state], count[state]) for state in STATES if count[state]]


def months(city: Any) -> list[date]:
    """The months of which anything is known, the newest first."""
    years = city.rows("devices.stream_monthly", ["month"], order=["-month"])
    return list(dict.fromkeys(row["month"] for row in years))


EXPORTED = (
    *("datastream", "thing", "property", "zone", "states", "last_reading", "silent_hours", "month", "received_share_percent"),
    *("expected_readings", "received_readings", "missing_readings", "gaps", "missing_hours", "longest_gap_hours"),
    *("frozen_hours", "valueless_readings", "drift", "drift_unit", "drifting", "battery_percent", "clock_faults", "origin"),
)


def exported(found: list[Said]) -> str:
    """The datastreams as CSV: one head of words of the vocabulary, instants in UTC, unknown is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(EXPORTED)
    for said in found:
        row, drift = said.month or {}, said.drift or {}
        writer.writerow(
            [
                *map(_text, (said.name, said.stream["thing"], said.stream["property"], said.place.zone)),
                " ".join(said.states),
                f"{said.known.last:%Y-%m-%dT%H:%M:%SZ}" if said.known.last else "",
                round(said.silent.total_seconds() / 3600, 2) if said.silent else "",
                row.get("month") or "",
                *(row.get(name) for name in ("received_share", *EXPORTED[9:17])),
                *(drift.get(name) for name in ("drift", "symbol", "drifting")),
                said.known.battery,
                said.known.clock,
                said.stream["origin"],
            ]
        )
    return out.getvalue()


def _text(value: Any) -> str:
    """A text that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


# --- one datastream ---


def history(city: Any, datastream: str) -> list[dict[str, Any]]:
    """The months of a datastream, the newest first, with its offset and drift."""
    where = {"datastream": datastream}
    drifts = {row["month"]: row for row in city.rows("devices.drift_monthly", where=where)}
    rows = city.rows("devices.stream_monthly", where=where, order=["-month"])
    return [{"row": row, "drift": drifts.get(row["month"])} for row in rows]


def calendar(city: Any, datastream: str, year: int) -> dict[str, Any]:
    """The calendar of the share that was received on each day of a year."""
    days = Between(date(year, 1, 1), date(year, 12, 31))
    rows = city.rows("devices.stream_daily", ["received_share"], where={"datastream": datastream, "day": days})
    pieces = [
        (50.0, "#b3382c", ("不足一半", "less than half")),
        (95.0, "#d9a441", ("50%–95%", "50 % to 95 %")),
        (None, "#3f8f6b", ("95% 以上", "above 95 %")),
    ]
    figures = {row["day"]: row.figure("received_share") for row in rows}
    return {"id": "days", "kind": "calendar", "unit": "%", "figures": figures, "pieces": pieces}


def readings(city: Any, stream: Any, month: date) -> dict[str, Any]:
    """The readings of a datastream in a month (of its last days, where they are many): chart, gaps and frozen stretches."""
    table = READING_PREFIX + stream["property"]
    calendar, name = city.district.calendar, stream["datastream"]
    first, end = (datetime.fromtimestamp(each / 1e6, UTC) for each in calendar.bounds(f"{month:%Y-%m}"))
    rows = _counting(
        city.rows(table, where={"datastream": name, "time": Between(first, end)}, order=["time", "-revision", "value"])
    )
    before = city.rows(table, where={"datastream": name, "time": Between(EARLIEST, first)}, order=["-time"], limit=1)
    behind = city.rows(table, where={"datastream": name, "time": Between(end, LATEST)}, order=["time"], limit=1)
    around = [*before, *(row for row in rows if row["time"] > first or not before), *behind]
    around = list({row["time"]: row for row in around}.values())
    series = Readings(
        np.zeros(len(around), dtype=np.int64),
        np.array([int(row["time"].timestamp() * 1e6) for row in around], dtype=np.int64),
        np.array([np.nan if row["value"] is None else row["value"] for row in around], dtype=float),
    )
    rules = rules_of([stream], *(_register(city, table) for table in ("devices.behaviour", "energy.meter")))
    gaps = gaps_of(series, rules.interval)
    still = [(around[a], around[b]) for a, b in stretches(series, rules)]
    return {
        "chart": _chart(city, stream, rows, gaps),
        "gaps": [(_at(a), _at(b), int(n)) for a, b, n in zip(gaps.before, gaps.behind, gaps.missing, strict=True)],
        "still": still,
        "count": len(rows),
    }


def _counting(rows: list[Any]) -> list[Any]:
    """Of each time the first row."""
    return [row for row, before in zip(rows, [None, *rows], strict=False) if before is None or before["time"] != row["time"]]


def _register(city: Any, table: str) -> pa.Table:
    rows = city.rows(table)
    schema = city.figures.catalog[table].schema if table in city.figures.catalog.tables else pa.schema([])
    return pa.Table.from_pylist([dict(row) for row in rows], schema=schema)


def _at(micros: Any) -> datetime:
    return datetime.fromtimestamp(int(micros) / 1e6, UTC)


def _chart(city: Any, stream: Any, rows: list[Any], gaps: Gaps) -> dict[str, Any]:
    """The chart of the last readings that fit; a gap is a break in the line."""
    tz, known = city.district.calendar.tz, terms().get(stream["property"])
    behind = {_at(each) for each in gaps.behind}
    labels: list[str] = []
    figures: list[Any] = []
    for row in rows[-DRAWN:]:
        if row["time"] in behind and labels:
            labels.append("…")
            figures.append(None)
        labels.append(f"{row['time'].astimezone(tz):%m-%d %H:%M}")
        figures.append(row.figure("value"))
    title = (known.zh, known.en) if known else (stream["property"],) * 2
    return {
        "id": "readings",
        "kind": "line",
        "title": title,
        "unit": term(stream["property"]).symbol if known else "",
        "axis": ("时刻", "Time"),
        "labels": labels,
        "series": [{"name": title, "figures": figures}],
        "whole": len(rows) <= DRAWN,
    }
