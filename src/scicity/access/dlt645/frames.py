"""The frame of DL/T 645-2007: requests, answers, refusals, and what of an answer follows in further frames.

Everything here is pure. README.md says what of it was not seen in the standard's own text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from scicity.access.dlt645.stream import BEGIN, END, PREAMBLE, checksum

READ, FOLLOWING = 0x11, 0x12  # functions of the control code; of an answer with the bits below
ANSWER, REFUSAL, MORE = 0x80, 0x40, 0x20
FUNCTION = 0x1F
OFFSET = 0x33  # is added to every byte of the data
WAKE = bytes([PREAMBLE] * 4)
MOST_BYTES = 65_536  # [byte] of one answer with all that follows
MOST_PARTS = 255  # that follow an answer, before their number begins at 1 again
LONGEST_DATA = 255  # [byte] that the length can say; the standard allows 200 in an answer
ADDRESS = re.compile(r"(?:AA)*[0-9]*")
IDENTIFIER = re.compile(r"[0-9A-F]{8}")
ERRORS = (  # of bit 0 to bit 7
    *("other error", "no such data", "password wrong or not authorised", "speed cannot be changed"),
    *("too many seasons", "too many day periods", "too many tariffs", "reserved"),
)


class FrameError(ValueError):
    """What cannot be read: the code of the problem, the field, what was found there and what was expected."""

    def __init__(self, code: str, field: str, found: object, expected: str) -> None:
        super().__init__(f"{field}: found {found}; expected {expected}")
        self.code, self.field, self.found, self.expected = code, field, found, expected


@dataclass(frozen=True)
class Frame:
    """One frame: the meter's `address`, 12 digits as they stand on the meter, its first pairs perhaps `AA` in a request (any
    digits); the control code; and the data, without the 33H that the line adds to each byte."""

    address: str
    control: int
    data: bytes = b""

    def pack(self) -> bytes:
        """The frame's bytes, without a preamble. Raises ValueError for an address that is none, or too much data."""
        if not is_address(self.address) or len(self.data) > LONGEST_DATA:
            raise ValueError(f"12 digits and at most {LONGEST_DATA} bytes of data: {self.address}, {len(self.data)}")
        data = bytes((byte + OFFSET) & 0xFF for byte in self.data)
        body = bytes([BEGIN, *reversed(bytes.fromhex(self.address)), BEGIN, self.control, len(data)]) + data
        return body + bytes([checksum(body), END])


def is_address(text: str) -> bool:
    """Whether a text is an address of a meter, perhaps with AA for any two digits from the left. Raises nothing."""
    return len(text) == 12 and ADDRESS.fullmatch(text) is not None


def measure(rest: bytes, at: int) -> int | None:
    """How long [byte] the frame is that begins at a place: `stream.Measure` of this protocol. Raises nothing."""
    if len(rest) > at + 7 and rest[at + 7] != BEGIN:
        return 0
    return 12 + rest[at + 9] if len(rest) > at + 9 else None


def parse(raw: bytes) -> Frame:
    """The frame of the bytes that a `stream.Splitter` found. Raises FrameError where the address is none."""
    address = raw[6:0:-1].hex().upper()
    if not is_address(address):
        raise FrameError("value", "address", address, "12 decimal digits")
    return Frame(address, raw[8], bytes((byte - OFFSET) & 0xFF for byte in raw[10:-2]))


def request(address: str, identifier: str, extra: bytes = b"") -> bytes:
    """The bytes that ask a meter for an identifier, 8 hex digits; `extra` is what a load record wants: how many blocks (BCD),
    and from which time. Raises ValueError for an address that is none."""
    return WAKE + Frame(address, READ, bytes.fromhex(identifier)[::-1] + extra).pack()


def following(address: str, identifier: str, sequence: int) -> bytes:
    """The bytes that ask for what follows, `sequence` from 1 to 255. Raises ValueError as `request` does."""
    return WAKE + Frame(address, FOLLOWING, bytes.fromhex(identifier)[::-1] + bytes([sequence])).pack()


@dataclass(frozen=True)
class Said:
    """What one frame of an answer says: the identifier, its data, whether more follows, and which part this is: 0 of the
    answer itself, 1 to 255 of what follows."""

    identifier: str
    data: bytes
    more: bool = False
    sequence: int = 0

    def pack(self, address: str) -> bytes:
        """The frame of it, as a meter sends it. Raises ValueError as `Frame.pack` does."""
        function = FOLLOWING if self.sequence else READ
        data = bytes.fromhex(self.identifier)[::-1] + self.data + (bytes([self.sequence]) if self.sequence else b"")
        return Frame(address, function | ANSWER | (MORE if self.more else 0), data).pack()


def refusal(address: str, bits: int, function: int = READ) -> bytes:
    """The bytes with which a meter refuses; `bits` by ERRORS. Raises ValueError for an address that is none."""
    return Frame(address, function | ANSWER | REFUSAL, bytes([bits])).pack()


def said(frame: Frame) -> Said | None:
    """What an answer to a reading request says; None where the frame is none. Raises FrameError where the meter refuses
    (`value-missing`, with the words for its error bits) or the answer is too short for what it must hold."""
    if not frame.control & ANSWER or frame.control & FUNCTION not in (READ, FOLLOWING):
        return None
    if frame.control & REFUSAL:
        bits = frame.data[0] if frame.data else 0
        words = ", ".join(word for at, word in enumerate(ERRORS) if bits >> at & 1)
        raise FrameError("value-missing", frame.address, f"refused: {words or 'no reason'}", "an answer of the meter")
    follows = frame.control & FUNCTION == FOLLOWING
    if len(frame.data) < 4 + follows:
        raise FrameError("syntax", frame.address, frame.data.hex(" "), "an identifier of 4 bytes, and behind it what it says")
    sequence = frame.data[-1] if follows else 0
    data = frame.data[4:-1] if follows else frame.data[4:]
    return Said(frame.data[3::-1].hex().upper(), data, bool(frame.control & MORE), sequence)
