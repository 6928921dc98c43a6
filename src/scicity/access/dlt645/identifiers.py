"""What the identifiers of DL/T 645-2007 (appendix A) stand for: digits, decimals, signs and units as one table; frozen values
and the blocks of load records. Pure; README.md says where each row is from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from scicity.access.dlt645.frames import FrameError
from scicity.access.dlt645.stream import checksum

BEIJING = timezone(timedelta(hours=8))
TIME_BYTES = 5  # minute, hour, day, month, year
MISSING = 0xFF  # fills a value that the meter does not have
BLOCK, BAD_BLOCK, SEPARATOR, BLOCK_END = b"\xa0\xa0", b"\xe0\xe0", 0xAA, 0xE5


@dataclass(frozen=True)
class Format:
    """A number of BCD digits, the lowest pair first: how many digits, how many of them behind the point, the unit; `signed`
    where the highest bit is a sign, `timed` where the time at which it occurred follows."""

    digits: int
    decimals: int
    unit: str
    signed: bool = False
    timed: bool = False

    @property
    def width(self) -> int:
        """How long [byte] the number is, without a time."""
        return self.digits // 2

    def number(self, data: bytes, field: str) -> float | None:
        """The number, None where the meter fills it with FFH. Raises FrameError where digits are none."""
        if data.count(MISSING) == len(data):
            return None
        digits = data[::-1].hex()
        negative = self.signed and int(digits[0], 16) >= 8
        digits = f"{int(digits[0], 16) - 8 if negative else digits[0]}{digits[1:]}"
        if len(data) != self.width or not digits.isdecimal():
            raise FrameError("value", field, data.hex(" "), f"{self.digits} BCD digits [{self.unit}]")
        number: float = int(digits) / 10**self.decimals
        return -number if negative else number

    def pack(self, number: float | None) -> bytes:
        """The bytes of a number, rounded to the last decimal. Raises ValueError where it does not fit."""
        if number is None:
            return bytes([MISSING]) * self.width
        whole = round(abs(number) * 10**self.decimals)
        if whole >= (8 if self.signed else 10) * 10 ** (self.digits - 1) or (number < 0 and whole and not self.signed):
            raise ValueError(f"{number} does not fit {self}")
        data = bytearray(bytes.fromhex(f"{whole:0{self.digits}d}")[::-1])
        data[-1] |= 0x80 if number < 0 and whole else 0
        return bytes(data)


ENERGY = Format(8, 2, "kWh")
REACTIVE = Format(8, 2, "kvarh")
VOLTAGE, CURRENT, FREQUENCY = Format(4, 1, "V"), Format(6, 3, "A", signed=True), Format(4, 2, "Hz")
POWER, REACTIVE_POWER = Format(6, 4, "kW", signed=True), Format(6, 4, "kvar", signed=True)
FACTOR = Format(4, 3, "1", signed=True)
SIGNED_ENERGY, SIGNED_REACTIVE = Format(8, 2, "kWh", signed=True), Format(8, 2, "kvarh", signed=True)

# By DI3 DI2 DI1 DI0; DI1 of energies is the tariff, 00 of all together, or the phase, 00 of all.
TABLE: tuple[tuple[str, Format], ...] = (
    ("0000[0-3].00", SIGNED_ENERGY),  # combined active energy
    ("000[12][0-3].00", ENERGY),  # forward and reverse active energy
    ("000[34][0-3].00", SIGNED_REACTIVE),  # combined reactive energy 1 and 2
    ("000[5-8][0-3].00", REACTIVE),  # reactive energy of quadrants 1 to 4
    ("00(09|0A)[0-3].00", Format(8, 2, "kVAh")),  # forward and reverse apparent energy
    ("00(15|16|29|2A|3D|3E)0000", ENERGY),  # forward and reverse active energy of phase A, B, C
    ("010[12][0-3].00", Format(6, 4, "kW", timed=True)),  # maximum demand, forward and reverse
    ("010[3-8][0-3].00", Format(6, 4, "kvar", signed=True, timed=True)),  # of reactive power
    ("02010[1-3]00", VOLTAGE),
    ("02020[1-3]00", CURRENT),
    ("02030[0-3]00", POWER),
    ("02040[0-3]00", REACTIVE_POWER),
    ("02050[0-3]00", Format(6, 4, "kVA", signed=True)),
    ("02060[0-3]00", FACTOR),
    ("02070[1-3]00", Format(4, 1, "deg")),  # phase angle
    ("02800001", CURRENT),  # of the neutral conductor
    ("02800002", FREQUENCY),
    ("0280000[34]", POWER),  # mean of a minute; demand now
    ("02800005", REACTIVE_POWER),  # demand now
    ("02800006", Format(6, 4, "kVA", signed=True)),  # demand now
    ("02800007", Format(4, 1, "degC", signed=True)),  # within the meter
)
PATTERNS = tuple((re.compile(pattern), form) for pattern, form in TABLE)
CLOCK = ("04000101", "04000102")  # the meter's date and time: no readings
FROZEN_TIME = re.compile(r"050600([0-9A-F]{2})")  # of the last, of the last but one, ... daily frozen values
FROZEN = re.compile(r"05060([1-8])([0-9A-F]{2})")  # energies in all and by tariff: of 01 forward, 02 reverse, 03 to 08 reactive
LOAD = re.compile(r"060[0-6]000[0-2]")  # all classes or one; the earliest block, that of a given time, the latest
EARLIEST, GIVEN, LATEST = "00", "01", "02"
# What a block of a load record holds, class by class, in this order.
CLASSES: tuple[tuple[str, ...], ...] = (
    ("02010100", "02010200", "02010300", "02020100", "02020200", "02020300", "02800002"),
    ("02030000", "02030100", "02030200", "02030300", "02040000", "02040100", "02040200", "02040300"),
    ("02060000", "02060100", "02060200", "02060300"),
    ("00010000", "00020000", "00030000", "00040000"),
    ("00050000", "00060000", "00070000", "00080000"),
    ("02800004", "02800005"),
)


@dataclass(frozen=True)
class Value:
    """A number by its identifier, None where the meter does not have it; `time` in the meter's own zone, where it tells one."""

    identifier: str
    number: float | None
    time: datetime | None = None


@lru_cache(maxsize=4096)  # identifiers come from outside
def format_of(identifier: str) -> Format | None:
    """How a single number is written; None of an identifier that is not in TABLE. Raises nothing."""
    return next((form for pattern, form in PATTERNS if pattern.fullmatch(identifier)), None)


def moment(data: bytes, field: str) -> datetime | None:
    """A time of minute, hour, day, month and year (BCD), in the meter's own zone, so without one; None where the meter has
    none (00H or FFH throughout). Raises FrameError for a time that cannot be."""
    if data in (b"\0" * TIME_BYTES, bytes([MISSING]) * TIME_BYTES):
        return None
    digits = data[::-1].hex()
    if len(data) == TIME_BYTES and digits.isdecimal():
        year, month, day, hour, minute = (int(digits[at : at + 2]) for at in range(0, 10, 2))
        try:
            return datetime(2000 + year, month, day, hour, minute)
        except ValueError:
            pass
    raise FrameError("time", field, data.hex(" "), "YYMMDDhhmm that can be, in BCD, the minute first")


def pack_moment(time: datetime) -> bytes:
    """The bytes of a time in the meter's own zone, from 2000 to 2099. Raises ValueError beyond."""
    if time.year // 100 != 20:
        raise ValueError(f"{time}: a year from 2000 to 2099")
    return bytes.fromhex(f"{time:%y%m%d%H%M}")[::-1]


def values(identifier: str, data: bytes) -> list[Value]:
    """What an answer of the classes 00, 01 and 02 says: one number, or with DI1 = FFH those of every tariff or phase.

    Raises FrameError for an identifier that is not in TABLE, a length that does not fit, and digits or times that cannot be.
    """
    if identifier[4:6] != "FF":
        return [_value(identifier, data)]
    first = 0 if format_of(f"{identifier[:4]}00{identifier[6:]}") else 1
    form = format_of(f"{identifier[:4]}01{identifier[6:]}")
    size = 0 if form is None else form.width + TIME_BYTES * form.timed
    if not size or not data or len(data) % size:
        raise _unknown(identifier, data)
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    names = [f"{identifier[:4]}{number:02X}{identifier[6:]}" for number in range(first, first + len(pieces))]
    return [_value(name, piece) for name, piece in zip(names, pieces, strict=True)]


def _value(identifier: str, data: bytes) -> Value:
    form = format_of(identifier)
    if form is None or len(data) != form.width + TIME_BYTES * form.timed:
        raise _unknown(identifier, data)
    time = moment(data[form.width :], identifier) if form.timed else None
    return Value(identifier, form.number(data[: form.width], identifier), time)


def _unknown(identifier: str, data: bytes) -> FrameError:
    expected = "an identifier that is read here, with data of its length"
    return FrameError("value", identifier, data.hex(" ") or "no data", expected)


def frozen_values(identifier: str, data: bytes) -> list[Value]:
    """The energies of a daily frozen value by the identifiers that they have when they are current: in all, then by tariff.

    Raises FrameError for another identifier, a length that does not fit, and digits that cannot be.
    """
    kind = FROZEN.fullmatch(identifier)
    if kind is None or not data or len(data) % ENERGY.width:
        raise _unknown(identifier, data)
    pieces = [data[at : at + ENERGY.width] for at in range(0, len(data), ENERGY.width)]
    return [_value(f"000{kind[1]}{tariff:02X}00", piece) for tariff, piece in enumerate(pieces)]


@dataclass(frozen=True)
class Record:
    """One block of a load record: its time in the meter's own zone, and the numbers that the meter has for it. `good` is
    False where the meter itself marks the block as wrong; its numbers are left out."""

    time: datetime
    numbers: Mapping[str, float]
    good: bool = True

    def pack(self) -> bytes:
        """The bytes of the block. Raises ValueError where a number or the time does not fit."""
        content = pack_moment(self.time)
        for names in CLASSES:
            if any(name in self.numbers for name in names):
                content += b"".join(_form(name).pack(self.numbers.get(name)) for name in names)
            content += bytes([SEPARATOR])
        block = (BLOCK if self.good else BAD_BLOCK) + bytes([len(content)]) + content
        return block + bytes([checksum(block), BLOCK_END])


def records(data: bytes, identifier: str = "06") -> list[Record]:
    """The blocks of a load record in the order of the answer. Raises FrameError where any of them cannot be read."""
    return list(_records(data, identifier))


def _records(data: bytes, identifier: str) -> Iterator[Record]:
    at = 0
    while at < len(data):
        end = at + 5 + data[at + 2] if at + 2 < len(data) else len(data) + 1
        block = data[at:end]
        whole = end <= len(data) and block[:2] in (BLOCK, BAD_BLOCK)
        if not whole or block[-1] != BLOCK_END or block[-2] != checksum(block[:-2]):
            raise FrameError("syntax", identifier, data[at : at + 16].hex(" "), "A0 A0, length, block, sum and E5")
        time = moment(block[3 : 3 + TIME_BYTES], identifier)
        # No byte of BCD, with or without a sign, and no filling is AAH.
        groups = block[3 + TIME_BYTES : -2].split(bytes([SEPARATOR]))
        if time is None or len(groups) != len(CLASSES) + 1 or groups[-1]:
            raise FrameError("syntax", identifier, block[3:24].hex(" "), "a time and six groups, each with AA behind it")
        good = block[:2] == BLOCK
        numbers: dict[str, float] = {}
        for names, group in zip(CLASSES, groups, strict=False) if good else ():
            numbers |= dict(_numbers(names, group))
        yield Record(time, numbers, good)
        at = end


def _numbers(names: tuple[str, ...], group: bytes) -> Iterator[tuple[str, float]]:
    if len(group) not in (0, sum(_form(name).width for name in names)):
        raise FrameError("syntax", names[0], group.hex(" "), "a group of its whole length, or none")
    at = 0
    for name in names if group else ():
        number = _form(name).number(group[at : at + _form(name).width], name)
        at += _form(name).width
        if number is not None:
            yield name, number


def _form(identifier: str) -> Format:
    form = format_of(identifier)
    assert form is not None, identifier  # noqa: S101  (CLASSES and TABLE are both ours)
    return form
