"""Modbus devices behind one address, asked for their points: the session that `access/collecting.py` wants.

pymodbus brings the connection and the frames. Here is what it does not: which requests, what an answer must be, and that one
unit that is silent, refuses or answers nonsense costs the others nothing but its time.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.framer import FramerType
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from scicity.access.collecting import Answer, Point, Session
from scicity.access.modbus.address import Address, address
from scicity.access.modbus.answers import ADDRESS, FAILURE, TABLES, VALUE, Asked, DeniedError, answered
from scicity.access.modbus.items import refused
from scicity.access.modbus.planning import Request, Wanted, plan, split, touched, wanted
from scicity.access.modbus.values import scaled, value_of
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL

__all__ = ["connect", "refused"]
QUESTIONS = {
    "coil": ReadCoilsRequest,
    "discrete": ReadDiscreteInputsRequest,
    "holding": ReadHoldingRegistersRequest,
    "input": ReadInputRegistersRequest,
}
FRAMERS = {"tcp": FramerType.SOCKET, "rtu": FramerType.RTU}
SPLIT = (ADDRESS, VALUE, FAILURE)  # exceptions that may mean a part of what was asked; others mean all of it
UNIT = (5, 6, 10, 11)  # exceptions that mean the whole unit: it is not asked again in this round
LONGEST_REST = 15  # rounds in which a unit that stays silent is not asked
PATIENCE = 2**31  # unanswered requests after which pymodbus would close a connection; here another unit may be well
SHOWN = 16  # [byte]
WIRES = "Look whether the unit is on, at its wires and its number, and at the timeout of the address."
MAP = "Look at the device's map of registers, from address 0, and correct the item; declare gaps in the address."
# Its complaints come with the traffic of other connections, and are told here as problems of the unit that they are about.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


async def connect(where: str, points: Sequence[Point]) -> Session:
    """Opens a session. `where`: see `address.py`; `points`: items as in `items.py`, any that `refused` names being a problem
    of every answer. Raises OSError (ConnectionError) where nobody answers, or where the address cannot be read."""
    try:
        place = address(where)
    except ValueError as error:
        raise OSError(f"{where}: expected {error}") from None
    session = Units(place, points)
    await session.open()
    return session


class NonsenseError(Exception):
    """What came is no answer to the question."""


class SilentError(Exception):
    """Nothing came that answers."""


class ClosedError(SilentError):
    """The connection was ended before an answer."""


class Told(ModbusPDU):
    """An answer as it came, function code and data: pymodbus reads more into some than stands there."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.function_code, self.data = data[0], data


class Answers(DecodePDU):
    """Hands on any answer as it came. Left to itself pymodbus breaks the connection over an answer that it cannot read."""

    pdu_table = {code: DecodePDU.pdu_table[code] for code in TABLES}  # noqa: RUF012  (as the library has it)

    def decode(self, frame: bytes) -> ModbusPDU:
        return Told(frame)


class Units:
    """The units behind an address and what is asked of each. A range that was refused stays split while the session lasts."""

    def __init__(self, place: Address, points: Sequence[Point]) -> None:
        self.place = place
        self.unread: list[tuple[Point, str]] = []  # points that are not asked for, and why
        self.requests: dict[int, list[Request]] = {}
        self.silences: dict[int, int] = {}  # rounds without an answer, one after the other, by unit
        self.rests: dict[int, int] = {}  # rounds in which a silent unit is not asked
        self.client: AsyncModbusTcpClient | None = None
        self.lost, self.fresh = True, True  # without a connection; with one of this round
        self.outcome: asyncio.Future[Told | None] | None = None  # of the question that is asked; None where the connection ends
        self.came = b""  # what came last, answer or not
        for request in plan(self._readable(points), place.bridge, place.gaps):
            self.requests.setdefault(request.unit, []).append(request)

    def _readable(self, points: Sequence[Point]) -> Iterator[Wanted]:
        for point in points:
            if why := refused(point.item):
                self.unread.append((point, why))
                continue
            (each,) = wanted([point])
            if touched(each.item.unit, each.item.table, each.item.address, each.item.end, self.place.gaps):
                self.unread.append((point, "an item outside of the gaps that the address declares"))
                continue
            yield each

    async def open(self) -> None:
        """Connects, anew where it was. Raises ConnectionError where nobody answers."""
        await self.close()

        def ended(outcome: Told | None) -> None:
            if client is self.client and self.outcome is not None and not self.outcome.done():
                self.outcome.set_result(outcome)

        def on_connection(connected: bool) -> None:
            if client is self.client:
                self.lost = not connected
            if not connected:
                ended(None)

        def on_bytes(sending: bool, data: bytes) -> bytes:
            self.came = b"" if sending else data
            return data

        def on_message(sending: bool, message: ModbusPDU) -> ModbusPDU:
            if not sending and isinstance(message, Told):
                ended(message)
            return message

        self.client = client = AsyncModbusTcpClient(
            self.place.host,
            port=self.place.port,
            framer=FRAMERS[self.place.framing],
            timeout=self.place.timeout,
            retries=0,
            reconnect_delay=0,
            trace_packet=on_bytes,
            trace_pdu=on_message,
            trace_connect=on_connection,
        )
        client.set_max_no_responses(PATIENCE)
        client.ctx.framer.decoder = Answers(False)
        if not await client.connect():
            await self.close()
            raise ConnectionError(f"{self.place}: no connection")
        self.fresh = True

    async def close(self) -> None:
        """Ends the connection; raises nothing."""
        client, self.client, self.lost = self.client, None, True
        if client is not None:
            client.close()

    async def remembered(self, since: Mapping[str, datetime], until: datetime, _now: datetime) -> Answer:
        """Nothing: Modbus has no memory that could be asked for."""
        return Answer()

    async def read(self, now: datetime) -> Answer:
        """The value of every point, at `now`, and what could not be had. Raises OSError or TimeoutError where nobody answers:
        no connection, or not one unit that says anything."""
        this, self.fresh = Round(str(self.place), now), False
        for point, why in self.unread:
            this.problems.add("value", this.place, None, point.datastream, found=point.item, expected=why)
        for unit in self._awake(this):
            try:
                if self.lost:
                    await self.open()
            except OSError as error:
                if not this.heard:
                    raise
                this.without(f"unit {unit}", error, WIRES)
                break  # what the others said is kept, and the next round begins with this error
            await self._unit(unit, this)
        if self.requests and not this.heard:
            lately = f"; what came last: {self.came[:SHOWN].hex(' ')}" if self.came else ""
            raise TimeoutError(f"{self.place}: no answer of unit {', '.join(map(str, self.requests))}{lately}")
        return Answer(pa.Table.from_pylist(this.rows, schema=ARRIVAL), this.problems)

    def _awake(self, this: Round) -> list[int]:
        """The units that are asked in this round, those that were silent last: all but those that rest, or all where all do."""
        resting = [unit for unit in self.requests if self.rests.get(unit)]
        if len(resting) == len(self.requests):
            resting = []
        for unit in resting:
            self.rests[unit] -= 1
            this.without(f"unit {unit}", f"silent {self.silences[unit]} times, not asked in this round", WIRES)
        return sorted(set(self.requests) - set(resting), key=lambda unit: (self.silences.get(unit, 0) > 0, unit))

    async def _unit(self, unit: int, this: Round) -> None:
        """Asks one unit for all that is wanted of it, or until it is silent."""
        anew, planned = list[Request](), self.requests[unit]
        for number, whole in enumerate(planned):
            try:
                anew += await self._range(whole, this)
            except (SilentError, DeniedError) as error:
                this.without(f"unit {unit}", error, WIRES)
                self.requests[unit] = [*anew, *planned[number:]]
                if isinstance(error, SilentError):
                    self.silences[unit] = self.silences.get(unit, 0) + 1
                    self.rests[unit] = min(2 ** min(self.silences[unit] - 1, 10) - 1, LONGEST_REST)
                    if self.place.framing == "rtu":
                        await self.close()  # without a transaction, what comes late would answer the next question
                return
        self.requests[unit] = anew
        if unit in this.heard:
            self.silences.pop(unit, None)

    async def _range(self, whole: Request, this: Round) -> list[Request]:
        """Asks one request, in parts where it is refused; returns what is asked next time: the parts, if any gave a value."""
        parts, waiting, before = list[Request](), deque([whole]), len(this.rows)
        while waiting:
            request = waiting.popleft()
            halves = await self._one(request, this)
            waiting.extendleft(reversed(halves))
            parts += () if halves else (request,)
        return parts if len(this.rows) > before else [whole]

    async def _one(self, request: Request, this: Round) -> tuple[Request, ...]:
        """Asks one request once; returns the two that are to be asked instead, where it may be refused for a part of it.

        Raises SilentError, and DeniedError for what is the whole unit's."""
        try:
            words = await self._answer(request, this)
        except NonsenseError as error:
            found = f"{request.table} {request.address}: {self.came[:SHOWN].hex(' ')}"
            this.problems.add(
                "syntax", this.place, None, f"unit {request.unit}", found=found, expected=str(error), remedy=WIRES
            )
            return ()
        except DeniedError as denied:
            this.heard.add(request.unit)
            if denied.code in UNIT:
                raise
            if denied.code in SPLIT and (halves := split(request)):
                return halves
            for each in request.wanted:
                this.without(each.point.datastream, f"{each.point.item}: {denied}", MAP)
            return ()
        this.heard.add(request.unit)
        for each in request.wanted:
            begin = each.item.address - request.address
            this.take(each, words[begin : begin + each.item.count])
        return ()

    async def _answer(self, request: Request, this: Round) -> list[int]:
        """The words that answer a request, asked once more where the connection had been ended since the last round."""
        try:
            return await self._ask(request)
        except ClosedError:
            if self.fresh or this.heard:
                raise
        await self.open()
        return await self._ask(request)

    async def _ask(self, request: Request) -> list[int]:
        """The words that answer a request. Raises SilentError, NonsenseError or DeniedError."""
        if self.client is None or self.lost:
            raise ClosedError("the connection was closed")
        question = Asked(request.unit, request.table, request.address, request.count)
        message = QUESTIONS[request.table](dev_id=request.unit, address=request.address, count=request.count)
        self.came, self.outcome = b"", asyncio.get_running_loop().create_future()
        asking = asyncio.ensure_future(self.client.execute(False, message))
        try:
            await asyncio.wait((asking, self.outcome), return_when=asyncio.FIRST_COMPLETED)
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        if not self.outcome.done():
            came = f", but {self.came[:SHOWN].hex(' ')}" if self.came else ""
            raise SilentError(f"no answer in {self.place.timeout:g} s{came}")
        told = self.outcome.result()
        if told is None:
            raise ClosedError("the connection was closed")
        if told.transaction_id != message.transaction_id:
            raise NonsenseError(f"transaction {message.transaction_id}")
        try:
            return answered(question, told.data)
        except ValueError as error:
            raise NonsenseError(str(error)) from None


@dataclass
class Round:
    """What is heard while all units are asked once."""

    place: str
    now: datetime
    problems: Problems = field(default_factory=Problems)
    rows: list[dict[str, object]] = field(default_factory=list)
    heard: set[int] = field(default_factory=set)

    def without(self, what: str, found: object, remedy: str) -> None:
        """Notes a value or a unit that was not to be had."""
        self.problems.add("value-missing", self.place, None, what, found=found, expected="an answer with values", remedy=remedy)

    def take(self, each: Wanted, words: Sequence[int]) -> None:
        """Takes the value of a point, or the problem with it."""
        try:
            value = scaled(value_of(each.item, words), each.point.scale)
        except ValueError as error:
            self.problems.add("value", self.place, None, each.point.datastream, found=each.point.item, expected=str(error))
            return
        self.rows.append({"datastream": each.point.datastream, "time": self.now, "value": value, "revision": None})
