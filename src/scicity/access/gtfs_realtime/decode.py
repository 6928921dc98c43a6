"""Feeds to batches."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa
from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2 as gtfs

from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, EARLIEST, Batch

MOST_BYTES = 4_000_000  # of a feed; a hostile one takes fifty times as much memory
MOST_ENTITIES = 100_000
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
VERSION = re.compile(r"[12]\.[0-9]{1,2}")
LONGEST_ID = 100
DATE = re.compile(r"[0-9]{8}")
NO_DATA = gtfs.VehiclePosition.NO_DATA_AVAILABLE
POSITIONS = {"latitude": (-90.0, 90.0), "longitude": (-180.0, 180.0)}  # [deg]
MOVEMENTS = {"bearing": (0.0, 360.0), "odometer": (0.0, math.inf), "speed": (0.0, math.inf)}  # [deg], [m], [m/s]
VEHICLE_QUANTITIES = (*POSITIONS, *MOVEMENTS, "occupancy", "occupancy-status")
STOP_QUANTITIES = ("arrival-delay", "arrival-time", "departure-delay", "departure-time")
GONE = {gtfs.TripDescriptor.CANCELED, gtfs.TripDescriptor.DELETED}
Key = tuple[str, ...]


@dataclass(frozen=True)
class Said:
    """One value of a feed. `key` is its datastream level by level; a level that the feed leaves out is empty."""

    key: Key
    time: datetime
    value: float | None

    @property
    def datastream(self) -> str:
        """The levels that are there, with dots between them."""
        return ".".join(level for level in self.key if level)


@dataclass
class Feed:
    """What a feed says: the values of every entity that could be read, and how many alerts and deleted entities stand in it."""

    said: list[Said] = field(default_factory=list)
    alerts: int = 0
    deleted: int = 0


class EntityError(ValueError):
    """An entity that cannot be read: the code of the problem, the field, what was found there and what was expected."""

    def __init__(self, code: str, field: str, found: object, expected: str) -> None:
        super().__init__(f"{field}: found {found}; expected {expected}")
        self.code, self.field, self.found, self.expected = code, field, found, expected


def decode(payload: bytes, place: str, arrived: datetime, problems: Problems) -> Batch | None:
    """A feed as a batch; None where any of it cannot be read, with all its problems.

    `place` says where the feed came from, as problems name it, and their row is the entity's number from 1; `arrived` is when,
    with its zone. Every reading has the time of its vehicle or trip, else that of the feed. GTFS Realtime 2.0. Raises nothing.
    """
    found = Problems()
    feed = read(payload, place, found)
    for problem in found:
        problems.add(problem.code, place, problem.row, problem.field, found=problem.found, expected=problem.expected)
    if feed is None or len(found):
        return None
    return Batch(f"{place}#{hashlib.sha256(payload).hexdigest()[:16]}", table(feed.said), arrived, place)


def table(said: list[Said]) -> pa.Table:
    """Values as rows in the schema ARRIVAL."""
    rows = [{"datastream": each.datastream, "time": each.time, "value": each.value, "revision": None} for each in said]
    return pa.Table.from_pylist(rows, schema=ARRIVAL)


def read(payload: bytes, place: str, problems: Problems, *, otherwise: datetime | None = None) -> Feed | None:
    """What a feed says; None where it is none. An entity that cannot be read is a problem, and the others are there.

    `otherwise` is the time of what has none, neither of its own nor of the feed; without it, that is a problem. Raises nothing.
    """
    if len(payload) > MOST_BYTES:
        problems.add("too-large", place, found=f"{len(payload)} bytes", expected=f"at most {MOST_BYTES}")
        return None
    message = gtfs.FeedMessage()
    try:
        message.ParseFromString(payload)
        if not message.header.HasField("gtfs_realtime_version"):
            raise EntityError("field-missing", "header.gtfs_realtime_version", "", "a header with its version")
        version = _text(message.header.gtfs_realtime_version, "header.gtfs_realtime_version")
        time = _instant(message.header.timestamp, "header.timestamp") or otherwise
    except DecodeError as error:
        problems.add("syntax", place, found=error, expected="a FeedMessage of GTFS Realtime, whole")
        return None
    except EntityError as error:
        problems.add(error.code, place, None, error.field, found=error.found, expected=error.expected)
        return None
    if not VERSION.fullmatch(version):
        problems.add("value", place, None, "header.gtfs_realtime_version", found=version, expected="1.0 or 2.0")
        return None
    if len(message.entity) > MOST_ENTITIES:
        problems.add("too-large", place, found=f"{len(message.entity)} entities", expected=f"at most {MOST_ENTITIES}")
        return None
    return _entities(message, place, time, problems)


def _entities(message: gtfs.FeedMessage, place: str, time: datetime | None, problems: Problems) -> Feed:
    feed, ids, known = Feed(), set[str](), set[tuple[Key, datetime]]()
    for number, entity in enumerate(message.entity, start=1):
        try:
            if not entity.IsInitialized():
                raise EntityError("field-missing", _part(entity), "", "every required field")
            name = _text(entity.id, "id")
            if name in ids:
                raise EntityError("key-twice", "id", name, "every entity once")
            ids.add(name)
            feed.alerts += entity.HasField("alert") and not entity.is_deleted
            feed.deleted += entity.is_deleted
            said = [] if entity.is_deleted else [*_vehicle(entity, time), *_trip(entity, time)]
            keys = {(each.key, each.time) for each in said}
            if len(keys) < len(said) or not known.isdisjoint(keys):
                raise EntityError("key-twice", _part(entity), said[0].datastream, "every datastream once at a time")
        except EntityError as error:
            problems.add(error.code, place, number, error.field or None, found=error.found, expected=error.expected)
        else:
            known.update(keys)
            feed.said += said
    return feed


def _vehicle(entity: gtfs.FeedEntity, feed_time: datetime | None) -> Iterator[Said]:
    """What a VehiclePosition says."""
    if not entity.HasField("vehicle"):
        return
    vehicle = entity.vehicle
    name = _id(vehicle.vehicle.id or vehicle.vehicle.label, "vehicle.vehicle.id")
    time = _time(vehicle.timestamp, "vehicle.timestamp", feed_time)
    position = vehicle.position
    if vehicle.HasField("position"):
        where = {each: _within(getattr(position, each), limits, each) for each, limits in POSITIONS.items()}
        known = None not in where.values() and any(where.values())  # 0, 0 is where those are who do not know
        for quantity, value in where.items():
            yield Said(("vehicle", name, quantity), time, value if known else None)
        for quantity, limits in MOVEMENTS.items():
            if position.HasField(quantity):
                yield Said(("vehicle", name, quantity), time, _within(getattr(position, quantity), limits, quantity))
    if vehicle.HasField("occupancy_percentage"):
        yield Said(("vehicle", name, "occupancy"), time, float(vehicle.occupancy_percentage))
    if vehicle.HasField("occupancy_status"):
        status = vehicle.occupancy_status
        yield Said(("vehicle", name, "occupancy-status"), time, None if status == NO_DATA else float(status))


def _trip(entity: gtfs.FeedEntity, feed_time: datetime | None) -> Iterator[Said]:
    """What a TripUpdate says; nothing of a trip that does not run, of a stop that is passed by or that has no data."""
    if not entity.HasField("trip_update") or entity.trip_update.trip.schedule_relationship in GONE:
        return
    update = entity.trip_update
    date = _text(update.trip.start_date, "trip_update.trip.start_date")
    if date and not DATE.fullmatch(date):
        raise EntityError("value", "trip_update.trip.start_date", date, "YYYYMMDD")
    trip = ("trip", _id(update.trip.trip_id, "trip_update.trip.trip_id"), date)
    time = _time(update.timestamp, "trip_update.timestamp", feed_time)
    if update.HasField("delay"):
        yield Said((*trip, "delay"), time, float(update.delay))
    for stop in update.stop_time_update:
        if stop.schedule_relationship in (stop.SKIPPED, stop.NO_DATA):
            continue
        where = "trip_update.stop_time_update"
        named = str(stop.stop_sequence) if stop.HasField("stop_sequence") else _id(stop.stop_id, f"{where}.stop_id")
        for event in ("arrival", "departure"):
            if not stop.HasField(event):
                continue
            told = getattr(stop, event)
            if told.HasField("delay"):
                yield Said((*trip, "stop", named, f"{event}-delay"), time, float(told.delay))
            elif told.HasField("time"):
                expected = _instant(told.time, f"{where}.{event}.time")
                value = expected.timestamp() if expected else None
                yield Said((*trip, "stop", named, f"{event}-time"), time, value)


def _part(entity: gtfs.FeedEntity) -> str:
    """What an entity that cannot be read is of."""
    return next((part for part in ("vehicle", "trip_update", "alert") if entity.HasField(part)), "")


def _text(found: str | bytes, where: str) -> str:
    if isinstance(found, bytes):  # so the library gives what is no UTF-8
        raise EntityError("encoding", where, found, "UTF-8")
    return found


def _id(found: str | bytes, where: str) -> str:
    text = _text(found, where)
    if not text:
        raise EntityError("field-missing", where, "", "an id")
    if len(text) > LONGEST_ID or not text.isprintable() or text != text.strip():
        raise EntityError("value", where, text, f"at most {LONGEST_ID} printable characters")
    return text


def _time(seconds: int, where: str, feed_time: datetime | None) -> datetime:
    time = _instant(seconds, where) or feed_time
    if time is None:
        raise EntityError("value-missing", where, seconds, "a timestamp here or in the header")
    return time


def _instant(seconds: int, where: str) -> datetime | None:
    """An instant of POSIX time [s]; None for 0, which is what many write who have none."""
    if not seconds:
        return None
    if not EARLIEST.timestamp() <= seconds < LATEST.timestamp():
        late = EARLIEST.timestamp() <= seconds / 1000 < LATEST.timestamp()
        found = f"{seconds}, which would be a time in milliseconds" if late else seconds
        raise EntityError("time", where, found, f"POSIX time in seconds, from {EARLIEST.year} to {LATEST.year}")
    return datetime.fromtimestamp(seconds, UTC)


def _within(value: float, limits: tuple[float, float], quantity: str) -> float | None:
    if not math.isfinite(value):
        return None
    if not limits[0] <= value <= limits[1]:
        raise EntityError("range", f"vehicle.position.{quantity}", value, f"{limits[0]:g} to {limits[1]:g}")
    return value
