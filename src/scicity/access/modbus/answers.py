"""What a device answers to a question, strictly read. Both what was recorded and what comes in live go through here."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from scicity.access.modbus.items import ADDRESSES, BITS, FUNCTIONS
from scicity.access.modbus.planning import MOST_BITS, MOST_REGISTERS

TABLES = {code: table for table, code in FUNCTIONS.items()}
EXCEPTION = 0x80  # added to the function of a request that is refused
ADDRESS, VALUE, FAILURE = 2, 3, 4
EXCEPTIONS = {  # Modbus Application Protocol V1.1b3, 7
    1: "illegal function: the device does not have this table",
    ADDRESS: "illegal data address: the device does not have this address, or not as many",
    VALUE: "illegal data value: the device does not take this request, such as its length",
    FAILURE: "device failure: the device failed while it read",
    5: "acknowledge: the device needs longer",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable: the gateway does not know the way to this unit",
    11: "gateway target failed to respond: the unit is silent behind its gateway",
}


@dataclass(frozen=True)
class Asked:
    """A question: `count` registers or bits from `address` on, of one table of one unit."""

    unit: int
    table: str
    address: int
    count: int

    def __str__(self) -> str:
        return f"{self.unit}/{self.table}/{self.address}-{self.address + self.count - 1}"


class DeniedError(Exception):
    """The device answered with an exception, `code`."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}, {EXCEPTIONS.get(code, 'which the standard does not have')}")
        self.code = code


def asked(unit: int, data: bytes) -> Asked:
    """The question that function code and data are. Raises ValueError, which says what was expected."""
    if len(data) != 5 or data[0] not in TABLES:
        raise ValueError("a request to read: function 1 to 4, address, count")
    table = TABLES[data[0]]
    address, count = struct.unpack(">HH", data[1:])
    most = MOST_BITS if table in BITS else MOST_REGISTERS
    if not 1 <= count <= min(most, ADDRESSES - address):
        raise ValueError(f"a count of 1 to {most} that ends at address {ADDRESSES - 1} or before")
    return Asked(unit, table, address, count)


def size(question: Asked) -> int:
    """How many bytes of values answer a question."""
    return (question.count + 7) // 8 if question.table in BITS else 2 * question.count


def answered(question: Asked, data: bytes) -> list[int]:
    """The words that function code and data say: registers, or bits. V1.1b3, 6.1 to 6.4.

    Raises DeniedError for an exception, and ValueError, which says what was expected, for what is no answer to the question.
    """
    function = FUNCTIONS[question.table]
    if len(data) == 2 and data[0] == function | EXCEPTION:
        raise DeniedError(data[1])
    if len(data) != 2 + size(question) or data[0] != function or data[1] != size(question):
        raise ValueError(f"function {function} and {size(question)} bytes of values, or an exception")
    if question.table in BITS:
        return [data[2 + at // 8] >> at % 8 & 1 for at in range(question.count)]
    return list(struct.unpack(f">{question.count}H", data[2:]))
