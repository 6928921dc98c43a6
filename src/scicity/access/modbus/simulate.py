"""A Modbus server on loopback whose registers follow a function of time, for tests and demonstrations.

    async with simulated(["1/holding/0/uint32"], lambda item, time: time.minute) as device:
        session = await connect(f"tcp://127.0.0.1:{device.port}", points)

It has the addresses of its items and those of `filled`, and no others: a request that touches a hole is answered with
exception 2, as by a device. It is not for use beyond loopback: anybody may read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from scicity.access.collecting import Connection
from scicity.access.modbus.address import address
from scicity.access.modbus.answers import TABLES, Asked
from scicity.access.modbus.items import BITS, Item, parse
from scicity.access.modbus.planning import gap
from scicity.access.modbus.values import words_of
from scicity.access.simulating import World

LOOK = 1.0  # [s] between two looks at whether the device is to be silent
FRAMERS = {"tcp": FramerType.SOCKET, "rtu": FramerType.RTU}
Value = Callable[[str, datetime], int | float | None]
"""What an item has at a time; None where it has no value, which its type or its `none` must be able to say."""


@dataclass
class Device:
    """What is simulated, and how it fails. What is changed while it serves counts from the next request on.

    `silent` units do not answer; `denied` are exceptions by unit; `closing` units end the connection instead of an answer;
    `mangle` is what becomes of each frame before it is sent. `asked` is every request that came.
    """

    value: Value
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    silent: set[int] = field(default_factory=set)
    denied: dict[int, int] = field(default_factory=dict)
    closing: set[int] = field(default_factory=set)
    mangle: Callable[[bytes], bytes] | None = None
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    items: dict[tuple[int, str], list[tuple[str, Item]]] = field(default_factory=dict)
    filled: dict[tuple[int, str], set[int]] = field(default_factory=dict)
    close: Callable[[], None] = lambda: None
    """Ends all connections."""

    def device_ids(self) -> list[int]:
        """The units, as pymodbus asks for them."""
        return sorted({unit for unit, _ in self.filled})

    async def async_getValues(self, device_id: int, func_code: int, address: int, count: int = 1) -> object:  # noqa: N802
        """What pymodbus answers with: registers, bits or an exception; no answer where it raises NoSuchIdException."""
        if func_code not in TABLES:
            return ExcCodes.ILLEGAL_FUNCTION
        asked = Asked(device_id, TABLES[func_code], address, count)
        self.asked.append(asked)
        if device_id in self.closing:
            self.close()
        if device_id in self.silent | self.closing or device_id not in self.device_ids():
            raise NoSuchIdException
        if device_id in self.denied:
            return ExcCodes(self.denied[device_id])
        if not set(range(address, address + count)) <= self.filled.get((device_id, asked.table), set()):
            return ExcCodes.ILLEGAL_ADDRESS
        words = self._words(asked)
        return [bool(word) for word in words] if asked.table in BITS else words

    async def async_setValues(self, device_id: int, func_code: int, address: int, values: object) -> ExcCodes:  # noqa: N802
        """Nothing can be written."""
        return ExcCodes.ILLEGAL_FUNCTION

    def _words(self, asked: Asked) -> list[int]:
        time, words = self.clock(), dict.fromkeys(range(asked.address, asked.address + asked.count), 0)
        for text, item in self.items.get((asked.unit, asked.table), ()):
            if item.end > asked.address and item.address < asked.address + asked.count:
                places = range(item.address, item.end)
                told = words_of(item, self.value(text, time), [words.get(item.address, 0)])
                words |= {place: word for place, word in zip(places, told, strict=True) if place in words}
        return list(words.values())


@asynccontextmanager
async def simulated(
    items: Iterable[str],
    value: Value,
    framing: str = "tcp",
    port: int = 0,
    filled: Iterable[str] = (),
    clock: Callable[[], datetime] | None = None,
) -> AsyncIterator[Device]:
    """Serves `items` on 127.0.0.1 while it is open, at `device.port`: a free one, or the `port` that is given.

    `framing`: tcp or rtu. `filled` are more addresses that can be read, as `1/holding/0-99`, and are 0. Raises ValueError for
    what cannot be read, and OSError where the port is taken.
    """
    device = Device(value) if clock is None else Device(value, clock)
    for text in items:
        item = parse(text)
        device.items.setdefault((item.unit, item.table), []).append((text, item))
        device.filled.setdefault((item.unit, item.table), set()).update(range(item.address, item.end))
    for text in filled:
        more = gap(text)
        if more.unit is None:
            raise ValueError("filled addresses of one unit")
        device.filled.setdefault((more.unit, more.table), set()).update(range(more.first, more.last + 1))

    def sent(sending: bool, data: bytes) -> bytes:
        return device.mangle(data) if sending and device.mangle else data

    server = ModbusTcpServer(
        SimDevice(0, SimData(0, datatype=DataType.REGISTERS)),  # not used: what pymodbus keeps itself cannot follow the time
        framer=FRAMERS[framing],
        address=("127.0.0.1", port),
        ignore_missing_devices=True,
        trace_packet=sent,
    )
    server.context = device

    def close() -> None:
        for connection in list(server.active_connections.values()):
            connection.close()

    device.close = close
    if not await server.listen():
        raise OSError(f"127.0.0.1:{port}: not free")
    try:
        device.port = server.transport.sockets[0].getsockname()[1]
        yield device
    finally:
        close()
        await server.shutdown()
        await asyncio.sleep(0)  # lets the connections end


async def serve(connection: Connection, world: World) -> None:
    """Plays the device of a connection until it is cancelled. Raises ValueError for what cannot be read, and OSError where the
    port is taken."""
    where, points = address(connection.address), {point.item: point for point in connection.points}
    told = {"framing": where.framing, "port": where.port, "clock": world.clock}
    async with simulated(points, lambda item, time: world.told(points[item], time), **told) as device:
        while True:
            device.silent = set(device.device_ids()) if connection.name in world.silent else set()
            await world.sleep(LOOK)
