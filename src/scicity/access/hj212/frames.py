"""The frame of HJ 212: packets out of a stream and into one, messages, answers, and split messages put together.

Everything here is pure: bytes go in, bytes and values come out; a server or a simulator brings the socket and the clock.
Clauses are those of HJ 212-2017. README.md says which of them were not seen in the standard's own text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

HEADER = re.compile(rb"##[0-9]{4}")
BEGUN = re.compile(rb"##[0-9]{0,3}\Z|#\Z")  # what may become a header, at the end of what has come
CHECK = re.compile(rb"[0-9A-Fa-f]{4}")
HEADER_BYTES = 6  # ## and the length
TAIL_BYTES = 6  # the CRC, CR and LF
LONGEST_DATA = 9999  # [byte] that four digits can say; the editions before 2025 allow 1024
HEAD_BYTES = 160  # of what was skipped that are kept: the header of a message is in them
KEY = re.compile(r"[A-Za-z0-9_]{1,40}")
STATION = re.compile(r"[A-Za-z0-9_-]{1,40}")
COMMAND = re.compile(r"[0-9]{4}")
SMALL = re.compile(r"[0-9]{1,8}")
SHORT = re.compile(r"[!-~]{0,40}")
FORMS = {"QN": SHORT, "ST": SHORT, "CN": COMMAND, "PW": SHORT, "MN": STATION, "Flag": SMALL, "PNUM": SMALL, "PNO": SMALL}
MARK = b"&&"
CONTENT = b"CP=&&"
EDITIONS = {0: "2005", 1: "2017", 2: "2025"}  # by the version bits of Flag
WANTS_ANSWER, HAS_NUMBERS = 1, 2  # bits of Flag
SYSTEM = "91"  # ST of an answer
RESULTS = {"9011": "QnRtn", "9012": "ExeRtn", "9013": "", "9014": ""}  # answers, and what they say of a request
HEARTBEAT, TIME_REQUEST = "9015", "1013"
MOST_SETS = 256  # split messages that may wait for their other parts
MOST_BYTES = 4_000_000  # [byte] of parts that wait


def _crc_table() -> tuple[int, ...]:
    def after_eight(crc: int) -> int:
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
        return crc

    return tuple(after_eight(crc) for crc in range(256))


CRC_TABLE = _crc_table()


def crc16(data: bytes) -> int:
    """The check of a packet's data, 0 to 65535 (HJ 212-2017, appendix A).

    Not the CRC of Modbus: of the register that a byte goes into, the low eight bits are lost. Raises nothing.
    """
    crc = 0xFFFF
    # An entry of the table is below 2^16, so the register shifted by eight bits stays below 2^8.
    for byte in data:
        crc = CRC_TABLE[(crc >> 8) ^ byte]
    return crc


def pack(data: bytes) -> bytes:
    """The packet of a message's data (HJ 212-2017, 6.3.1): `##`, length, data, CRC in upper case, CR LF.

    Raises ValueError for more data than four digits can say, or for data in which a packet begins.
    """
    if len(data) > LONGEST_DATA or HEADER.search(data):
        raise ValueError(f"at most {LONGEST_DATA} bytes, without a packet within")
    return b"##%04d%b%04X\r\n" % (len(data), data, crc16(data))


@dataclass(frozen=True)
class Packet:
    """The data of one packet whose length and CRC are right; `offset` [byte] is where it began in the stream."""

    offset: int
    data: bytes


@dataclass(frozen=True)
class Skipped:
    """A stretch of the stream, `offset` and `count` [byte], that is no packet; of its bytes the first are kept in `head`.

    `why`: `rubbish`, where no packet begins; `length`, where the length does not lead to a CRC, CR and LF, or over the
    beginning of another packet; `crc`, where the CRC is another one; `cut`, where the stream ended before the packet did.
    """

    offset: int
    count: int
    why: str
    head: bytes


class Splitter:
    """Splits a stream into packets, however its bytes arrive; after rubbish it goes on at the next packet that is whole.

    A packet has no beginning of another (`##` and four digits) in its data, so that one that was cut short costs neither the
    next one nor a wait for bytes that never come; every byte is checked at most twice, and at most one packet is kept.
    """

    def __init__(self) -> None:
        self.offset = 0  # [byte] of the stream, where what is left begins
        self.left = b""  # what of the stream is no packet yet: at most 10011 bytes
        self._skipped: Skipped | None = None

    def feed(self, chunk: bytes) -> list[Packet | Skipped]:
        """What a chunk of any length completes, in the order of the stream. A stretch that is skipped comes out as soon as
        the next packet, or what could have been one, has come. Raises nothing."""
        return list(self._feed(chunk))

    def close(self) -> list[Packet | Skipped]:
        """What is left as skipped, and a splitter for the next stream. Raises nothing."""
        found: list[Packet | Skipped] = list(self._skip(self.left, "cut")) if self.left else []
        found += [self._skipped] if self._skipped else []
        self.offset, self.left, self._skipped = 0, b"", None
        return found

    def _feed(self, chunk: bytes) -> Iterator[Packet | Skipped]:
        rest, at, waits = self.left + chunk, 0, False
        while not waits and (header := HEADER.search(rest, at)):
            yield from self._skip(rest[at : header.start()], "")
            at = header.start()
            begin = header.end()
            end = begin + int(rest[at + 2 : begin])
            tail = rest[end : end + TAIL_BYTES]
            if HEADER.search(rest, begin, end):
                why = "length"
            elif len(tail) < TAIL_BYTES:
                waits, why = True, ""
            elif not CHECK.fullmatch(tail[:4]) or tail[4:] != b"\r\n":
                why = "length"
            elif int(tail[:4], 16) != crc16(rest[begin:end]):
                why = "crc"
            else:
                yield from self._packet(rest[begin:end])
                at = end + TAIL_BYTES
                continue
            if not waits:
                yield from self._skip(rest[at:begin], why)
                at = begin
        if not waits:
            begun = BEGUN.search(rest, max(at, len(rest) - HEADER_BYTES + 1))
            until = begun.start() if begun else len(rest)
            yield from self._skip(rest[at:until], "")
            at = until
        self.left = rest[at:]

    def _packet(self, data: bytes) -> Iterator[Packet | Skipped]:
        if self._skipped:
            yield self._skipped
        self._skipped = None
        yield Packet(self.offset, data)
        self.offset += HEADER_BYTES + len(data) + TAIL_BYTES

    def _skip(self, passed: bytes, why: str) -> Iterator[Skipped]:
        """Lets bytes pass; `why` says that they are of something that begins here, else they go on with what was before."""
        if not passed:
            return
        if why and self._skipped:
            yield self._skipped
        if why or not self._skipped:
            self._skipped = Skipped(self.offset, 0, why or "rubbish", b"")
        known = self._skipped
        head = known.head + passed[: HEAD_BYTES - len(known.head)]
        self._skipped = Skipped(known.offset, known.count + len(passed), known.why, head)
        self.offset += len(passed)


class MessageError(ValueError):
    """Data that is no message: the code of the problem, the field, what was found there and what was expected."""

    def __init__(self, code: str, field: str, found: object, expected: str) -> None:
        super().__init__(f"{field}: found {found}; expected {expected}")
        self.code, self.field, self.found, self.expected = code, field, found, expected


@dataclass(frozen=True)
class Message:
    """The data of a packet (HJ 212-2017, 6.3.2): its header field by field, and its `content`, what CP says.

    `content` is what stands between `CP=&&` and `&&`. `flag` holds the bits of Flag: 0 an answer is wanted, 1 the message has
    numbers, from 2 the edition. `number` of `parts` is PNO of PNUM, 1 of 1 where the message is whole.
    """

    system: str  # ST
    command: str  # CN
    station: str  # MN
    content: bytes = b""  # CP
    request: str = ""  # QN: yyyyMMddHHmmssSSS
    password: str = ""  # PW
    flag: int = 0  # Flag
    parts: int = 1  # PNUM
    number: int = 1  # PNO

    @property
    def edition(self) -> str:
        """The year of the edition, or "" of one that is not known."""
        return EDITIONS.get(self.flag >> 2, "")

    @property
    def wants_answer(self) -> bool:
        """Whether the sender waits for an answer."""
        return bool(self.flag & WANTS_ANSWER)

    def data(self) -> bytes:
        """The message as data for `pack`. Raises ValueError where a field is not ASCII."""
        numbers = f"PNUM={self.parts};PNO={self.number};" if self.flag & HAS_NUMBERS else ""
        request = f"QN={self.request};" if self.request else ""
        who = f"ST={self.system};CN={self.command};PW={self.password};MN={self.station};"
        return f"{request}{who}Flag={self.flag};{numbers}".encode("ascii") + CONTENT + self.content + MARK


def parse(data: bytes) -> Message:
    """The message of a packet's data (HJ 212-2017, 6.3.2). QN, PW and Flag may be missing, as stations of 2005 leave them out;
    fields of the header that are not known are passed over. Raises MessageError, a ValueError, for anything else."""
    header, mark, behind = data.partition(CONTENT)
    if not mark or not behind.endswith(MARK) or MARK in (content := behind[: -len(MARK)]):
        raise MessageError("syntax", "CP", data[-40:], "CP=&&...&& at the end, without && in between")
    fields = _header(header)
    for key in ("ST", "CN", "MN"):
        if not fields.get(key):
            raise MessageError("field-missing", key, "", "ST, CN and MN in every message")
    for key, form in FORMS.items():
        if key in fields and not form.fullmatch(fields[key]):
            raise MessageError("value", key, fields[key], f"the form {form.pattern}")
    flag, parts, number = (int(fields.get(key, default)) for key, default in (("Flag", "0"), ("PNUM", "1"), ("PNO", "1")))
    if flag & HAS_NUMBERS and not {"PNUM", "PNO"} <= fields.keys():
        raise MessageError("field-missing", "PNO", f"Flag={flag}", "PNUM and PNO where Flag says that there are any")
    if flag > 0xFF:
        raise MessageError("range", "Flag", flag, "8 bits")
    if not 1 <= number <= parts:
        raise MessageError("range", "PNO", f"{number} of {parts}", "a number from 1 to PNUM")
    who = (fields["ST"], fields["CN"], fields["MN"])
    return Message(*who, content, fields.get("QN", ""), fields.get("PW", ""), flag, parts, number)


def _header(header: bytes) -> dict[str, str]:
    try:
        text = header.decode("ascii")
    except UnicodeDecodeError as error:
        raise MessageError("encoding", "", error, "ASCII") from None
    fields: dict[str, str] = {}
    for each in filter(None, text.split(";")):
        key, equals, value = each.partition("=")
        if not equals or not KEY.fullmatch(key):
            raise MessageError("syntax", "", each, "fields key=value;")
        if key in fields:
            raise MessageError("key-twice", key, value, "every field once")
        fields[key] = value
    return fields


def answer(message: Message, command: str, result: int = 1) -> bytes:
    """The packet that answers a message (HJ 212-2017, 6.6 and appendix C): `command` 9011 answers a request, 9012 says how it
    was done, 9013 answers a notice, 9014 data. `result` is QnRtn or ExeRtn, 1 where all is well.

    The answer carries the message's own QN, of the edition of 2005 in CP, and its edition in Flag. Raises ValueError for
    another command, or for a message that `parse` would not have given.
    """
    if command not in RESULTS:
        raise ValueError(f"{command} is no answer: {', '.join(RESULTS)}")
    said = [f"{RESULTS[command]}={result}"] if RESULTS[command] else []
    old = message.edition == "2005"
    if old and message.request:
        said.insert(0, f"QN={message.request}")
    content, request = ";".join(said).encode("ascii"), "" if old else message.request
    flag = message.flag & ~(WANTS_ANSWER | HAS_NUMBERS)
    return pack(Message(SYSTEM, command, message.station, content, request, message.password, flag).data())


def due(message: Message) -> str:
    """The command of the answer that a station waits for, or "": 9014 of data (2xxx), 9013 of a notice (1013 and, of 2025,
    9015). A server answers every part of a split message; requests (9011, 9012) are the station's to answer. Raises nothing."""
    if not message.wants_answer:
        return ""
    if message.command in (HEARTBEAT, TIME_REQUEST):
        return "9013"
    return "9014" if message.command.startswith("2") else ""


class Parts:
    """Puts split messages together, whatever comes between their parts and in whichever order they come.

    Parts belong together by MN, ST, CN, QN and PNUM. A part that comes again as it was changes nothing; one that comes again as
    another begins its message anew. Of messages that wait, at most `most_sets` and `most_bytes` [byte] are kept; the oldest
    goes first. How many parts were let go of is `dropped`.
    """

    def __init__(self, most_sets: int = MOST_SETS, most_bytes: int = MOST_BYTES) -> None:
        self.most_sets, self.most_bytes = most_sets, most_bytes
        self._waiting: dict[tuple[str, str, str, str, int], dict[int, Message]] = {}
        self._begun: dict[tuple[str, str, str, str, int], float] = {}
        self._bytes = 0
        self.dropped = 0

    def add(self, message: Message, now: float = 0.0) -> tuple[Message, ...]:
        """The parts of the message that this part completes, by number; () while any is missing. `now` [s], by a clock of the
        caller's, is when it came. Raises nothing."""
        if message.parts == 1:
            return (message,)
        key = (message.station, message.system, message.command, message.request, message.parts)
        known = self._waiting.get(key, {})
        if known.get(message.number, message) != message:
            self._drop(key)
        parts = self._waiting.setdefault(key, {})
        self._begun.setdefault(key, now)
        if message.number not in parts:
            parts[message.number] = message
            self._bytes += _weight(message)
        if len(parts) == message.parts:
            self._forget(key)
            return tuple(parts[number] for number in sorted(parts))
        while len(self._waiting) > self.most_sets or self._bytes > self.most_bytes:
            self._drop(next(iter(self._waiting)))
        return ()

    def waiting(self) -> list[tuple[Message, ...]]:
        """Messages of which parts are missing, the oldest first, each with the parts that have come. Raises nothing."""
        return [tuple(parts[number] for number in sorted(parts)) for parts in self._waiting.values()]

    def let_go(self, before: float) -> list[tuple[Message, ...]]:
        """Lets go of the messages whose first part came before a time [s], and gives them as `waiting` does. Raises nothing."""
        late = [key for key, begun in self._begun.items() if begun < before]
        gone = [tuple(self._waiting[key][number] for number in sorted(self._waiting[key])) for key in late]
        for key in late:
            self._drop(key)
        return gone

    def _drop(self, key: tuple[str, str, str, str, int]) -> None:
        self.dropped += len(self._waiting[key])
        self._forget(key)

    def _forget(self, key: tuple[str, str, str, str, int]) -> None:
        self._begun.pop(key, None)
        self._bytes -= sum(_weight(message) for message in self._waiting.pop(key, {}).values())


def _weight(message: Message) -> int:
    return 200 + len(message.content)
