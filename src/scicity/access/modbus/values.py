"""Words of registers to values and back. What a word is: a register's 16 bits as a number, or a bit of a table of bits."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from fractions import Fraction

from scicity.access.modbus.items import BITS, Item

FORMS = {"uint16": ">H", "int16": ">h", "uint32": ">I", "int32": ">i", "float32": ">f"}
FORMS |= {"uint64": ">Q", "int64": ">q", "float64": ">d"}


def value_of(item: Item, words: Sequence[int]) -> int | float | None:
    """The value that `item.count` words say; None where they say that there is none: NaN, infinity, or what `none` declares.

    Integers are exact. Raises ValueError for digits of a BCD number that are none.
    """
    if item.type == "bit":
        return words[0] if item.bit is None else words[0] >> item.bit & 1
    data = _ordered(item, struct.pack(f">{len(words)}H", *words))
    if int.from_bytes(data, "big") in item.none:
        return None
    if item.type in FORMS:
        value: int | float = struct.unpack(FORMS[item.type], data)[0]
        return value if math.isfinite(value) else None
    if not data.hex().isdecimal():
        raise ValueError(f"{data.hex()}: digits 0 to 9 of {item.type}")
    return int(data.hex())


def words_of(item: Item, value: int | float | None, before: Sequence[int] = (0,)) -> list[int]:
    """The words that say a value; for None NaN, or the first value of `none`. `before` is what a register was whose bit is set.

    Raises ValueError where the type cannot say it.
    """
    if value is None and item.none:
        data = item.none[0].to_bytes(2 * item.count, "big")
    elif value is None and item.type in ("float32", "float64"):
        data = struct.pack(FORMS[item.type], math.nan)
    elif value is None:
        raise ValueError(f"a value: {item.type} has none= for no value only where it is declared")
    elif item.type == "bit":
        return (
            [int(bool(value))] if item.table in BITS else [before[0] & ~(1 << (item.bit or 0)) | bool(value) << (item.bit or 0)]
        )
    else:
        data = _packed(item, value)
    return list(struct.unpack(f">{item.count}H", _ordered(item, data)))


def scaled(value: int | float | None, scale: float) -> float | None:
    """`scale` times a value. Of an integer the nearest real to the exact product, a scale of 0.001 being a thousandth.

    Raises ValueError where that is no finite number.
    """
    if value is None:
        return None
    try:
        product = float(Fraction(value) * Fraction(repr(scale))) if isinstance(value, int) else value * scale
    except OverflowError:
        product = math.inf
    if not math.isfinite(product):
        raise ValueError(f"{value} times {scale}: a finite number")
    return product


def _packed(item: Item, value: int | float) -> bytes:
    try:
        if item.type in ("float32", "float64"):
            return struct.pack(FORMS[item.type], value)
        if item.type in FORMS:
            return struct.pack(FORMS[item.type], int(value))
    except (struct.error, OverflowError) as error:
        raise ValueError(f"{value} as {item.type}: {error}") from None
    if not 0 <= value < 10 ** (4 * item.count):
        raise ValueError(f"{value} as {item.type}: a number of at most {4 * item.count} digits")
    return bytes.fromhex(f"{int(value):0{4 * item.count}d}")


def _ordered(item: Item, data: bytes) -> bytes:
    """Bytes in the field's order to the order ABCD, or the other way: each order is its own inverse."""
    if item.order in ("BADC", "DCBA"):
        data = b"".join(data[at : at + 2][::-1] for at in range(0, len(data), 2))
    if item.order in ("CDAB", "DCBA"):
        data = b"".join(data[at : at + 2] for at in range(len(data) - 2, -1, -2))
    return data
