"""Observations as SensorThings tells them, to readings: one, a list of them, or data arrays. OGC 18-088, clauses 8.2.7 and 12.

An observation of a datastream at an instant is a reading and nothing else: its result is a number, or null where unknown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa

from scicity.access.sensorthings import times
from scicity.access.sensorthings.entities import OBSERVATIONS, SETS, Wrong
from scicity.kernel.problems import Problems, shown
from scicity.kernel.reading import ARRIVAL, Batch

MOST_READINGS = 100_000  # of one body
KNOWN = (*(each.name for each in SETS[OBSERVATIONS].properties), "Datastream", "FeatureOfInterest")
COMPONENTS = ("id", *KNOWN[:-2], "FeatureOfInterest/id")
RESULT = "a number, or null where it is unknown, as observations are readings"
EARLIEST_YEAR, LATEST_YEAR = 1900, 9998  # that every part of the way can hold
DEEPEST = 40  # objects and lists within one another


@dataclass(frozen=True)
class Told:
    """One observation: the reading, and what else was said of it (`more`, by property; `feature` is what it is of)."""

    datastream: str
    time: datetime
    value: float | None
    more: Mapping[str, Any] = field(default_factory=dict)
    feature: Any = None
    timed: bool = True  # whether its time was told, and is not that of its arrival

    @property
    def id(self) -> str:
        """Its id."""
        return observation_id(self.datastream, self.time)


def observation_id(datastream: str, time: datetime) -> str:
    """The id of an observation: its datastream and its time."""
    return f"{datastream}@{times.told(time)}"


def of_id(text: str) -> tuple[str, datetime]:
    """Datastream and time of an observation's id. Raises ValueError for what is none."""
    datastream, _, at = text.rpartition("@")
    return datastream, times.instant(at)


def json_of(payload: bytes) -> Any:
    """JSON in UTF-8 as plain values. Raises Wrong for anything else, for NaN, and for what is nested too deep."""
    try:
        found = msgspec.json.decode(payload)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Wrong(f"the body: found {shown(error)}; expected JSON in UTF-8") from None
    _check_depth(found, DEEPEST)
    return found


def _check_depth(value: Any, left: int) -> None:
    if not left:
        raise Wrong(f"the body: found objects more than {DEEPEST} deep; expected fewer")
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_depth(each, left - 1)


def link_of(told: Any, where: str) -> str:
    """The id of an entity that is linked as `{"@iot.id": …}`. Raises Wrong."""
    found = told.get("@iot.id") if isinstance(told, dict) else None
    if isinstance(found, bool) or not isinstance(found, (str, int)):
        raise Wrong(f'{where}: found {shown(told, 60)}; expected {{"@iot.id": …}}')
    return str(found)


def observation(told: Any, datastream: str | None, arrived: datetime) -> Told:
    """One observation; `datastream` is that of the address or of the entity it stands in, if there is one. Raises Wrong."""
    if not isinstance(told, dict):
        raise Wrong(f"an Observation: found {shown(told, 60)}; expected an object")
    for name in told:
        if name not in KNOWN and not name.startswith("@iot.") and "@iot." not in name:
            raise Wrong(f"an Observation: found {shown(name, 60)}; expected some of {', '.join(KNOWN)}")
    if "Datastream" in told:
        named = link_of(told["Datastream"], "Datastream")
        if datastream not in (None, named):
            raise Wrong(f"Datastream: found {shown(named, 60)}; expected {shown(datastream, 60)}, as in the address")
        datastream = named
    if datastream is None:
        raise Wrong('an Observation: found no Datastream; expected "Datastream": {"@iot.id": …}')
    if "result" not in told:
        raise Wrong(f"an Observation: found no result; expected {RESULT}")
    time, timed = _instant(told, arrived), told.get("phenomenonTime") is not None
    found = Told(datastream, time, _number(told["result"]), _more(told), told.get("FeatureOfInterest"), timed)
    if "@iot.id" in told and told["@iot.id"] not in (None, found.id):
        raise Wrong(
            f"@iot.id: found {shown(told['@iot.id'], 60)}; expected none, or {found.id}, as an id tells datastream and time"
        )
    return found


def observations(told: Any, arrived: datetime) -> Iterator[Told]:
    """The observations of data arrays, as `CreateObservations` takes them. Raises Wrong."""
    for number, group in enumerate(told if isinstance(told, list) else [told], start=1):
        where = f"data array {number}"
        rows = group.get("dataArray") if isinstance(group, dict) else None
        names = group.get("components") if isinstance(group, dict) else None
        if not isinstance(rows, list) or not isinstance(names, list):
            raise Wrong(f"{where}: found {shown(group, 60)}; expected an object with Datastream, components and dataArray")
        for name in names:
            if name not in COMPONENTS:
                raise Wrong(f"{where}, components: found {shown(name, 60)}; expected some of {', '.join(COMPONENTS)}")
        datastream = link_of(group.get("Datastream"), f"{where}, Datastream")
        for place, row in enumerate(rows, start=1):
            if not isinstance(row, list) or len(row) != len(names):
                raise Wrong(f"{where}, row {place}: found {shown(row, 60)}; expected a list of {len(names)}")
            given = dict(zip(names, row, strict=True))
            given.pop("id", None)
            if "FeatureOfInterest/id" in given:
                given["FeatureOfInterest"] = {"@iot.id": given.pop("FeatureOfInterest/id")}
            try:
                yield observation(given, datastream, arrived)
            except Wrong as wrong:
                raise Wrong(f"{where}, row {place}: {wrong}", wrong.status) from None


def decode(payload: bytes, place: str, arrived: datetime, problems: Problems) -> Batch | None:
    """A body as a batch: an observation that names its datastream, a list of such, or data arrays; None where any cannot be.

    What a reading does not hold is refused here, as nobody keeps it: by HTTP it is kept. Raises nothing.
    """
    try:
        found = list(plain(json_of(payload), None, arrived))
    except Wrong as wrong:
        problems.add("value", place, 1, found="", expected=str(wrong))
        return None
    return batch(found, place, arrived)


def plain(told: Any, datastream: str | None, arrived: datetime) -> Iterator[Told]:
    """Observations that say no more than readings hold. Raises Wrong for others."""
    if (isinstance(told, dict) and "dataArray" in told) or (
        isinstance(told, list) and told and "dataArray" in _object(told[0])
    ):
        found: Iterator[Told] = observations(told, arrived)
    else:
        found = (observation(each, datastream, arrived) for each in (told if isinstance(told, list) else [told]))
    for number, each in enumerate(found, start=1):
        if number > MOST_READINGS:
            raise Wrong(f"found more than {MOST_READINGS} observations; expected fewer in one body")
        more = [name for name, value in each.more.items() if name != "resultTime" or times.instant(value) != each.time]
        if more or each.feature is not None:
            names = ", ".join([*more, *(["FeatureOfInterest"] if each.feature is not None else [])])
            raise Wrong(
                f"observation {number}: found {names}; expected phenomenonTime, result and Datastream alone by this door"
            )
        yield each


def batch(told: Sequence[Told], place: str, arrived: datetime, revisions: Sequence[int | None] = ()) -> Batch:
    """The readings of observations; the same ones again are the same batch."""
    rows = [
        (each.datastream, each.time, each.value, revision)
        for each, revision in zip(told, revisions or [None] * len(told), strict=True)
    ]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * 4
    name = f"{place}#{hashlib.sha256(repr(rows).encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
    return Batch(name, pa.table(columns, schema=ARRIVAL), arrived, place)


def _object(told: Any) -> dict[str, Any]:
    return told if isinstance(told, dict) else {}


def _instant(told: Mapping[str, Any], arrived: datetime) -> datetime:
    text = told.get("phenomenonTime")
    if text is None:
        return arrived.astimezone(UTC)
    years = f"of the years {EARLIEST_YEAR} to {LATEST_YEAR}"
    expected = f"{times.EXPECTED}, {years}; of what lasts, the instant at its end, as a reading has one instant"
    try:
        time = times.instant(text if isinstance(text, str) else "")
        if not EARLIEST_YEAR <= time.year <= LATEST_YEAR:
            raise ValueError(text)
        return time
    except ValueError:
        raise Wrong(f"phenomenonTime: found {shown(text, 60)}; expected {expected}") from None


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Wrong(f"result: found {shown(value, 60)}; expected {RESULT}", 422)
    try:
        return float(value)
    except OverflowError:
        raise Wrong(f"result: found {shown(value, 60)}; expected a number that can be held", 422) from None


def _more(told: Mapping[str, Any]) -> dict[str, Any]:
    """What was said beyond the reading."""
    found = {name: told[name] for name in KNOWN[3:6] if told.get(name) is not None}
    try:
        if told.get("resultTime") is not None:
            found["resultTime"] = times.told(times.instant(told["resultTime"] if isinstance(told["resultTime"], str) else ""))
        if "validTime" in found:
            begin, end = times.interval(found["validTime"] if isinstance(found["validTime"], str) else "")
            found["validTime"] = f"{times.told(begin)}/{times.told(end)}"
    except ValueError:
        raise Wrong(
            f"resultTime or validTime: found {shown(told.get('resultTime'), 40)} and {shown(told.get('validTime'), 60)}; "
            f"expected {times.EXPECTED}, and two of them with / between"
        ) from None
    if not isinstance(found.get("parameters", {}), dict):
        raise Wrong(f"parameters: found {shown(found['parameters'], 60)}; expected an object")
    return found
