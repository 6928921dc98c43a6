"""Simulating: the device side of a district's connections on loopback, so that readings come where there is no hardware.

A protocol that can be simulated has in its module `simulate.py` an `async def serve(connection, world)`, which plays the
devices that the connection expects at its address until it is cancelled. Only what is registered as stand-in is played: no
value made here can pass for a measured one.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import math
import re
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from scicity.access.collecting import Connection, Point
from scicity.vocabulary import conversion, term

HOME = Path(__file__).parent
STAND_IN = "stand-in"  # the origin of what may be simulated
LOOPBACK = ("127.0.0.1", "localhost", "::1")
EPOCH = datetime(2024, 1, 1, tzinfo=UTC)  # registers stood at nought
RATE = 5.0  # kW that a register counts in the mean; six digits last for 22 years
ROLLS = 1_000_000  # so far a register counts
RIPPLE = timedelta(minutes=10)
DAY = timedelta(days=1)
RANGES = {  # lowest and highest value in the canonical unit; what has no row goes from 0 to 100
    "active_power": (1.0, 9.0),
    "air_pressure": (1_005.0, 1_030.0),
    "air_temperature": (-3.0, 27.0),
    "battery_level": (60.0, 100.0),
    "co": (0.3, 2.0),
    "rainfall": (0.0, 0.2),
    "so2": (3.0, 18.0),
    "wind_speed": (0.0, 9.0),
}
REGISTERS, INCREMENTS = "energy_register", "energy_increment"
FACTOR = re.compile(r"[^.]+\.[aw][0-9]{5}(?:\..+)?")  # `<MN>.<factor>`: a monitoring station's
BY_HTTP = "http-"  # devices whose names begin so send to the cockpit
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stream:
    """A row of the register of datastreams, as far as it is needed here."""

    name: str
    observed: str
    unit: str
    interval: timedelta
    origin: str

    @property
    def device(self) -> str:
        """Who sends it, where no point says so: the name up to the first dot."""
        return self.name.partition(".")[0]


@dataclass
class World:
    """What simulated devices share: the datastreams, a clock, sleep, and who is `silent`: names of connections."""

    streams: Mapping[str, Stream]
    points: frozenset[str] = frozenset()  # datastreams of devices that are asked
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    password: Callable[[str], str | None] = lambda _: None
    silent: set[str] = field(default_factory=set)
    memory: timedelta = timedelta(hours=2)  # so long ago what keeps readings by itself began

    def value(self, datastream: str, time: datetime) -> float:
        """What a datastream has at a time, in the unit of its register: a function of both and of nothing else."""
        stream = self.streams[datastream]
        slope, offset = conversion(stream.unit, term(stream.observed).unit)
        return (_canonical(stream, time) - offset) / slope

    def told(self, point: Point, time: datetime) -> float:
        """The same as the device of a point says it."""
        return self.value(point.datastream, time) / point.scale

    def stations(self) -> dict[str, list[str]]:
        """The datastreams of monitoring stations, by station."""
        return self._by_device(lambda stream: FACTOR.fullmatch(stream.name) is not None)

    def senders(self, by_http: bool) -> dict[str, list[str]]:
        """The datastreams of devices that send by themselves, by device: to the cockpit by HTTP, or to a broker."""
        return self._by_device(lambda each: not FACTOR.fullmatch(each.name) and each.device.startswith(BY_HTTP) == by_http)

    def _by_device(self, chosen: Callable[[Stream], bool]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, stream in sorted(self.streams.items()):
            if name not in self.points and stream.origin == STAND_IN and chosen(stream):
                found.setdefault(stream.device, []).append(name)
        return found


def _canonical(stream: Stream, time: datetime) -> float:
    phase = zlib.crc32(stream.name.encode()) / 2**32
    if stream.observed == REGISTERS:
        return _register(phase, time)
    if stream.observed == INCREMENTS:
        return round(_register(phase, time) - _register(phase, time - stream.interval), 3)
    low, high = RANGES.get(stream.observed, (0.0, 100.0))
    day, quick = ((time - EPOCH) / period % 1.0 + phase for period in (DAY, RIPPLE))
    return round(low + (high - low) * (0.5 + 0.35 * math.sin(2 * math.pi * day) + 0.1 * math.sin(2 * math.pi * quick)), 2)


def _register(phase: float, time: datetime) -> float:
    """Counts RATE in the mean, by day more than by night, and never back."""
    hours = (time - EPOCH) / timedelta(hours=1)
    swing = 0.8 * RATE * 24 / (2 * math.pi)
    return round((RATE * hours + swing * math.sin(2 * math.pi * (hours / 24 + phase)) + 1_000 * phase) % ROLLS, 2)


def simulated() -> frozenset[str]:
    """The protocols whose devices can be played."""
    return frozenset(file.parent.name for file in HOME.glob("*/simulate.py") if "async def serve(" in file.read_text("utf-8"))


def left_out(connection: Connection, origin: str, streams: Mapping[str, Stream]) -> str:
    """Why the devices of a connection are not played; empty where they are."""
    if connection.protocol not in simulated():
        return f"{connection.protocol} is not simulated"
    if host_of(connection.address) not in LOOPBACK:
        return f"{connection.address} is no address of this machine's loopback"
    measured = [point.datastream for point in connection.points if streams[point.datastream].origin != STAND_IN]
    if origin != STAND_IN or measured:
        return f"{measured[0] if measured else 'the connection'} is not registered as {STAND_IN}"
    return ""


def host_of(address: str) -> str:
    """The host of an address, with or without a scheme; empty where it has none."""
    try:
        return urlsplit(address if "://" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""


def port_of(address: str, usual: int) -> int:
    """The port of an address, with or without a scheme. Raises ValueError where it is none."""
    return urlsplit(address if "://" in address else f"//{address}").port or usual


async def simulate(connections: Iterable[Connection], world: World, *more: Awaitable[None]) -> None:
    """Plays the devices of all connections, and what more is given, until it is cancelled; one that fails harms no other."""
    async with asyncio.TaskGroup() as group:
        for connection in connections:
            serve = importlib.import_module(f"scicity.access.{connection.protocol}.simulate").serve
            group.create_task(_guarded(serve(connection, world), connection.name))
        for each in more:
            group.create_task(_guarded(each, "simulate"))


async def _guarded(playing: Awaitable[None], name: str) -> None:
    try:
        await playing
    except (OSError, ValueError) as error:
        log.error("%s is not simulated: %s", name, error)


async def outage(world: World, names: Iterable[str], seconds: float, begins: float) -> None:
    """Lets devices fall silent once: `seconds` long, `begins` [s] from now."""
    for name in names:
        await world.sleep(begins)
        world.silent.add(name)
        log.warning("%s says nothing for %.0f s", name, seconds)
        await world.sleep(seconds)
        world.silent.discard(name)
        log.warning("%s answers again, and its memory can be asked", name)
