"""What a point is at a Modbus device, in one word: `unit/table/address/type`, and where needed `/order` and `/none=hex`.

    1/holding/100/uint32            registers 100 and 101, high word first
    1/input/8/float32/CDAB          low word first
    7/holding/40/int16/none=8000    8000 (hex) says that there is no value
    1/holding/3/bit/15              bit 15, the highest, of register 3
    1/coil/0/bit                    the first coil

Addresses are those of the message, from 0: what a manual calls register 40101 of the holding registers is `holding/100`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}  # Modbus Application Protocol V1.1b3, 6.1 to 6.4
BITS = ("coil", "discrete")  # tables of single bits
REGISTERS = {"uint16": 1, "int16": 1, "bcd16": 1, "uint32": 2, "int32": 2, "float32": 2, "bcd32": 2}
REGISTERS |= {"uint64": 4, "int64": 4, "float64": 4, "bit": 1}
ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
HIGHEST_UNIT, NO_UNIT = 247, 255  # the last slave of a serial line; a device that is addressed by its IP address alone
ADDRESSES = 65536
MOST_NONES = 8
SHAPE = "unit/table/address/type, and perhaps /order and /none=hex, as 1/holding/100/uint32/CDAB/none=FFFFFFFF"
NUMBER = re.compile(r"[0-9]{1,5}")
HEX = re.compile(r"[0-9A-Fa-f]{4,16}")


@dataclass(frozen=True)
class Item:
    """Where a value stands and how it is written. `order`: ABCD as the standard has it; CDAB with the words reversed; BADC
    with the bytes of each word swapped; DCBA with both (of 64 bits, all four words are reversed). `bit` is that of a register,
    0 the lowest. `none` are the bits, in the order ABCD, that say that there is no value."""

    unit: int
    table: str
    address: int
    type: str
    order: str = "ABCD"
    bit: int | None = None
    none: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """How many registers or bits it is."""
        return REGISTERS[self.type]

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.address + self.count


def parse(text: str) -> Item:
    """The item that is written. Raises ValueError, which says what was expected."""
    unit, table, address, kind, *more = text.split("/") if text.count("/") in range(3, 6) else [""] * 4
    if not kind:
        raise ValueError(SHAPE)
    place = (unit_of(unit), table, numbered(address), kind)
    if table not in FUNCTIONS:
        raise ValueError(f"a table of {', '.join(FUNCTIONS)}")
    if kind not in REGISTERS or (table in BITS and kind != "bit"):
        raise ValueError("the type bit" if table in BITS else f"a type of {', '.join(REGISTERS)}")
    if place[2] + REGISTERS[kind] > ADDRESSES:
        raise ValueError(f"an address, from 0, of which {kind} ends at {ADDRESSES - 1} or before")
    if kind == "bit":
        return Item(*place, bit=_bit(table, more))
    order, none = "ABCD", tuple[int, ...]()
    if more and not more[0].startswith("none="):
        order = more.pop(0)
    if order not in ORDERS:
        raise ValueError(f"an order of {', '.join(ORDERS)}")
    if more:
        none = _none(more.pop(0), REGISTERS[kind])
    if more:
        raise ValueError(SHAPE)
    return Item(*place, order, None, none)


def refused(item: str) -> str:
    """What an item should look like where this one cannot be read; empty where it can. Raises nothing."""
    try:
        parse(item)
    except ValueError as error:
        return str(error)
    return ""


def unit_of(text: str) -> int:
    """The number of a unit. Raises ValueError, which says what was expected."""
    unit = numbered(text)
    if not 1 <= unit <= HIGHEST_UNIT and unit != NO_UNIT:
        raise ValueError(f"a unit of 1 to {HIGHEST_UNIT}, or {NO_UNIT} where the IP address alone says which device")
    return unit


def numbered(text: str) -> int:
    """A number of at most five digits. Raises ValueError, which says what was expected."""
    if not NUMBER.fullmatch(text):
        raise ValueError(f"unit and address in digits: {SHAPE}")
    return int(text)


def _bit(table: str, more: list[str]) -> int | None:
    if table in BITS:
        if more:
            raise ValueError(f"nothing behind the type of a {table}")
        return None
    if len(more) != 1 or not NUMBER.fullmatch(more[0]) or int(more[0]) > 15:
        raise ValueError("the number of the bit, 0 the lowest to 15, as 1/holding/3/bit/15")
    return int(more[0])


def _none(text: str, registers: int) -> tuple[int, ...]:
    told = text.removeprefix("none=").split(",")
    if (
        not text.startswith("none=")
        or len(told) > MOST_NONES
        or not all(HEX.fullmatch(each) and len(each) == 4 * registers for each in told)
    ):
        raise ValueError(
            f"none= and at most {MOST_NONES} values of {4 * registers} hex digits with commas between, as none=8000"
        )
    return tuple(int(each, 16) for each in told)
