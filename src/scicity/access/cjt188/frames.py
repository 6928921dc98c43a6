"""The frame of CJ/T 188: requests, answers and refusals, the layout of readings by kind of meter, and codes of units.

Everything here is pure. README.md says what of it was not seen in the standard's own text.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from scicity.access.dlt645.frames import FrameError
from scicity.access.dlt645.stream import BEGIN, END, PREAMBLE, checksum

READ, ANSWER, REFUSAL = 0x01, 0x80, 0x40  # the control code: a function, and bits of an answer
ANY = 0xAA  # for the kind, and for any two digits of the address from the left, in a request
WAKE = bytes([PREAMBLE] * 4)
ADDRESS = re.compile(r"(?:AA)*[0-9]*")
KINDS = range(0x10, 0x4A)  # 10H to 19H water, 20H to 29H heat and cooling, 30H to 39H gas, 40H to 49H others
LONGEST_DATA = 255  # [byte] that the length can say
NOW, DAY, CLOCK = "901F", "8103", 7  # what a meter says now; its settlement day; bytes of its clock
HISTORY = tuple(f"D1{0x20 + month:02X}" for month in range(12))  # at the last settlement day, the last but one, ...
IDENTIFIERS = (NOW, DAY, *HISTORY)
MISSING = 0xFF

VOLUME = {0x29: Fraction(1, 1000), 0x2C: Fraction(1)}  # to m3: L, m3
ENERGY = {  # to kWh: J, Wh, kWh, MWh, 100 MWh, kJ, MJ, GJ, 100 GJ
    **{0x01: Fraction(1, 3_600_000), 0x02: Fraction(1, 1000), 0x05: Fraction(1), 0x08: Fraction(1000)},
    **{0x0A: Fraction(100_000), 0x0B: Fraction(1, 3600), 0x0E: Fraction(10, 36), 0x11: Fraction(10_000, 36)},
    **{0x13: Fraction(1_000_000, 36)},
}
POWER = {0x14: Fraction(1, 1000), 0x17: Fraction(1), 0x1A: Fraction(1000)}  # to kW: W, kW, MW
FLOW = {0x32: Fraction(1, 1000), 0x35: Fraction(1)}  # to m3/h: L/h, m3/h


@dataclass(frozen=True)
class Field:
    """A BCD number, the lowest pair first: its quantity, how long it is [byte], digits behind the point, and the codes of units
    that may stand behind it with what each is in the quantity's own unit; no unit stands where there are none."""

    quantity: str
    width: int
    decimals: int
    unit: str
    codes: Mapping[int, Fraction] | None = None

    @property
    def size(self) -> int:
        """How long [byte] the field is with its unit."""
        return self.width + (self.codes is not None)

    def number(self, data: bytes) -> float | None:
        """The number in the quantity's unit; None where it is filled with FFH. Raises FrameError for digits that are none, and
        for the code of a unit that does not fit."""
        said = data[: self.width]
        if said.count(MISSING) == self.width:
            return None
        digits = said[::-1].hex()
        if not digits.isdecimal():
            raise FrameError("value", self.quantity, data.hex(" "), f"{2 * self.width} BCD digits")
        factor = Fraction(1) if self.codes is None else self.codes.get(data[-1])
        if factor is None:
            raise FrameError("unit", self.quantity, f"{data[-1]:02X}", f"the code of a unit that gives {self.unit}")
        return float(int(digits) * factor / 10**self.decimals)

    def pack(self, number: float | None, code: int | None = None) -> bytes:
        """The bytes of a number given in the quantity's unit, said in that or in the unit of a code. Raises ValueError where it
        does not fit."""
        if code is None and self.codes is not None:
            code = next(code for code, factor in self.codes.items() if factor == 1)
        unit = bytes([code]) if code is not None and self.codes is not None else b""
        if number is None:
            return bytes([MISSING]) * self.width + unit
        factor = self.codes[code] if self.codes is not None and code is not None else 1
        whole = round(Fraction(number) * 10**self.decimals / factor)
        if not 0 <= whole < 100**self.width:
            raise ValueError(f"{number} does not fit {self.quantity}")
        return bytes.fromhex(f"{whole:0{2 * self.width}d}")[::-1] + unit


OF_VOLUME = (Field("volume", 4, 2, "m3", VOLUME), Field("settled", 4, 2, "m3", VOLUME))
OF_ENERGY = (Field("energy", 4, 2, "kWh", ENERGY), Field("settled", 4, 2, "kWh", ENERGY))
OF_HEAT = (
    Field("settled", 4, 2, "kWh", ENERGY),
    Field("heat", 4, 2, "kWh", ENERGY),
    Field("power", 4, 2, "kW", POWER),
    Field("flow", 4, 4, "m3/h", FLOW),
    Field("volume", 4, 2, "m3", VOLUME),
    Field("supply", 3, 2, "degC"),
    Field("return", 3, 2, "degC"),
    Field("hours", 3, 0, "h"),
)
LAYOUTS = {1: OF_VOLUME, 2: OF_HEAT, 3: OF_VOLUME, 4: OF_ENERGY}  # by the first digit of the kind
TOTALS = {1: "volume", 2: "heat", 3: "volume", 4: "energy"}  # the register that history is of
STATUS, AHEAD = "status", "clock"  # quantities beside the layout: two bytes of bits; how fast the clock is [s]


@dataclass(frozen=True)
class Frame:
    """One frame: the meter's kind and `address`, 14 digits as A6 to A0, perhaps `AA` pairs first; control code; data."""

    kind: int
    address: str
    control: int
    data: bytes = b""

    def pack(self) -> bytes:
        """The frame's bytes, without a preamble. Raises ValueError for a kind or an address that is none, or too much data."""
        if not is_meter(self.kind, self.address) or len(self.data) > LONGEST_DATA:
            raise ValueError(f"a kind from 10 to 49, 14 digits, at most {LONGEST_DATA} bytes: {self.kind:02X}, {self.address}")
        head = bytes([BEGIN, self.kind, *reversed(bytes.fromhex(self.address)), self.control, len(self.data)])
        return head + self.data + bytes([checksum(head + self.data), END])

    @property
    def meter(self) -> str:
        """`ADDRESS/TYPE`, as items begin."""
        return f"{self.address}/{self.kind:02X}"


def is_meter(kind: int, address: str) -> bool:
    """Whether a kind and an address can be of a meter, or of any. Raises nothing."""
    return (kind in KINDS or kind == ANY) and len(address) == 14 and ADDRESS.fullmatch(address) is not None


def measure(rest: bytes, at: int) -> int | None:
    """How long [byte] the frame is that begins at a place: `stream.Measure` of this protocol. Raises nothing."""
    if len(rest) > at + 1 and rest[at + 1] not in KINDS and rest[at + 1] != ANY:
        return 0
    return 13 + rest[at + 10] if len(rest) > at + 10 else None


def parse(raw: bytes) -> Frame:
    """The frame of the bytes that a `stream.Splitter` found. Raises FrameError where the address is none."""
    address = raw[8:1:-1].hex().upper()
    if not is_meter(raw[1], address):
        raise FrameError("value", "address", address, "14 decimal digits")
    return Frame(raw[1], address, raw[9], raw[11:-2])


def request(kind: int, address: str, identifier: str, number: int, low_first: bool = True) -> bytes:
    """The bytes that ask a meter for an identifier, 4 hex digits; `number` is SER, 0 to 255. `low_first` says whether the
    identifier's low byte goes first, as meters of 2018 (1F 90), or last (90 1F). Raises ValueError as `Frame.pack` does."""
    pair = bytes.fromhex(identifier)
    return WAKE + Frame(kind, address, READ, (pair[::-1] if low_first else pair) + bytes([number])).pack()


def said(frame: Frame) -> tuple[str, bytes] | None:
    """What an answer says: the identifier, in either order of its bytes, and its data; None where the frame is no answer to a
    reading request. Raises FrameError where the meter refuses, or the identifier is not one of IDENTIFIERS."""
    if frame.control & ~REFUSAL != READ | ANSWER:
        return None
    if frame.control & REFUSAL:
        told = frame.data[1:3].hex(" ") or "no status"
        raise FrameError("value-missing", frame.meter, f"refused, status {told}", "an answer of the meter")
    for pair in (frame.data[1::-1], frame.data[:2]):
        if pair.hex().upper() in IDENTIFIERS and len(frame.data) > 2:
            return pair.hex().upper(), frame.data[3:]
    raise FrameError(
        "value", frame.meter, frame.data[:3].hex(" "), f"an identifier that is read here: {', '.join(IDENTIFIERS)}"
    )


@dataclass(frozen=True)
class Reading:
    """What a meter says now: its numbers by quantity, and its clock, as it stands in the answer (`moment` reads it)."""

    numbers: Mapping[str, float | None]
    clock: bytes


def reading(frame: Frame, data: bytes) -> Reading:
    """The answer to 901F of a meter of the frame's kind. Raises FrameError for a length, digits or units that cannot be."""
    layout = LAYOUTS[frame.kind >> 4] if frame.kind in KINDS else ()
    if not layout or len(data) != sum(field.size for field in layout) + CLOCK + 2:
        raise FrameError("value", frame.meter, data.hex(" "), "data as long as for this kind of meter")
    numbers = dict(_numbers(layout, data))
    return Reading(numbers | {STATUS: float(int.from_bytes(data[-2:], "little"))}, data[-2 - CLOCK : -2])


def _numbers(layout: tuple[Field, ...], data: bytes) -> Iterator[tuple[str, float | None]]:
    at = 0
    for field in layout:
        yield field.quantity, field.number(data[at : at + field.size])
        at += field.size


def settled(frame: Frame, data: bytes) -> float | None:
    """The answer to one of HISTORY: the meter's total at that settlement day. Raises FrameError as `reading` does."""
    field = next((field for field in LAYOUTS.get(frame.kind >> 4, ()) if field.quantity == "settled"), None)
    if field is None or len(data) != field.size:
        raise FrameError("value", frame.meter, data.hex(" "), "4 BCD bytes and a unit")
    return field.number(data)


def moment(data: bytes, field: str) -> datetime | None:
    """A clock of second, minute, hour, day, month, year and century (BCD), in the meter's own zone, so without one; None where
    it was never set (00H or FFH throughout). Raises FrameError for a time that cannot be."""
    if data in (b"\0" * CLOCK, bytes([MISSING]) * CLOCK):
        return None
    digits = data[::-1].hex()
    if len(data) == CLOCK and digits.isdecimal() and digits.startswith("20"):
        try:
            return datetime(int(digits[:4]), *(int(digits[at : at + 2]) for at in range(4, 14, 2)))  # type: ignore[arg-type]
        except ValueError:
            pass
    raise FrameError("time", field, data.hex(" "), "YYYYMMDDhhmmss that can be, in BCD, the second first")


def pack_moment(time: datetime) -> bytes:
    """The bytes of a clock. Raises ValueError for a year that is not one of 2000 to 2099."""
    if time.year // 100 != 20:
        raise ValueError(f"{time}: a year from 2000 to 2099")
    return bytes.fromhex(f"{time:%Y%m%d%H%M%S}")[::-1]


def settlement_day(frame: Frame, data: bytes) -> int:
    """The answer to 8103: a day of the month, 1 to 31. Raises FrameError for anything else."""
    digits = data.hex()
    if len(data) != 1 or not digits.isdecimal() or not 1 <= int(digits) <= 31:
        raise FrameError("value", frame.meter, data.hex(" "), "a day from 01 to 31")
    return int(digits)


def settlements(clock: datetime, day: int) -> list[datetime]:
    """The times of HISTORY, the last first, by a meter's clock: the beginning of its settlement day, of the month's last day
    where the month is shorter. Raises nothing for clocks that `moment` gives."""
    times: list[datetime] = []
    month = clock.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while len(times) < len(HISTORY):
        last = calendar.monthrange(month.year, month.month)[1]
        if (time := month.replace(day=min(day, last))) <= clock:
            times.append(time)
        month = (month - timedelta(days=1)).replace(day=1)
    return times
