"""Packets to batches."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo

import pyarrow as pa

from scicity.access.hj212.frames import MARK, Message, MessageError, Packet, Parts, Skipped, Splitter, parse
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch

BEIJING = timezone(timedelta(hours=8))
KINDS = {"2011": "", "2051": "minute", "2061": "hour", "2031": "day"}  # commands with readings, and of which period
PERIODS = {"2011": timedelta(), "2061": timedelta(hours=1), "2031": timedelta(days=1)}  # of a total; of 2051 none is said
QUANTITIES = {"rtd", "avg", "min", "max", "cou", "zsrtd", "zsavg", "zsmin", "zsmax", "zscou"}  # zs: converted to reference
TOTALS = ("cou", "zscou")
COUNTS = "N"  # the flag of a value that counts
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
INSTANT = re.compile(r"[0-9]{14}")
FACTOR = re.compile(r"[A-Za-z0-9_]{1,40}")
PASSWORD = re.compile(r"PW=[^;&]*")
SECRET = re.compile(rb"([0-9A-Fa-f]{2}){16,}|[A-Za-z0-9+/\r\n]{22,}={0,2}")  # a text that can only be encrypted
WHY = {
    "rubbish": ("", "##, the length, data, CRC, CR and LF, and nothing between packets"),
    "length": ("length", "a length in bytes that leads to the CRC, CR and LF of the packet"),
    "crc": ("CRC", "the CRC of the data by HJ 212-2017, appendix A"),
    "cut": ("length", "a packet as long as it says"),
}
ENCRYPTED = "SM4 encrypted content (HJ 212-2025) is not read; content in plain text"


def decode(
    payload: bytes,
    place: str,
    arrived: datetime,
    problems: Problems,
    *,
    zone: tzinfo = BEIJING,
    interval: timedelta | None = None,
) -> Batch | None:
    """One or more packets as a batch; None where any of it cannot be read, with all its problems.

    `place` says where the packets came from, as problems name it, and their row is the packet's number from 1; `arrived` is
    when, with its zone. `zone` is the zone of DataTime, Beijing unless said otherwise. `interval` is the period of the
    station's minute data, which no packet says: without it, their totals are not read. A payload without readings, such as a
    heartbeat, is a batch without rows. Units are the sender's. HJ 212-2017, 6.3 and 6.6. Raises nothing.
    """
    whole = True  # a collection that is full grows no longer, so its length would not tell
    parts, rows = Parts(), list[dict[str, object]]()
    for number, found in enumerate(_packets(payload), start=1):
        if isinstance(found, Skipped):
            whole, (field, expected) = False, WHY[found.why]
            problems.add("syntax", place, number, field or None, found=without_password(found.head), expected=expected)
            continue
        try:
            message = parse(found.data)
            for time, name, value in _readings(parts.add(message), zone, interval):
                rows.append({"datastream": name, "time": time, "value": value, "revision": None})
        except MessageError as error:
            whole = False
            problems.add(
                error.code, place, number, error.field or None, found=without_password(error.found), expected=error.expected
            )
    missing = [f"{', '.join(str(part.number) for part in came)} of {came[0].parts}" for came in parts.waiting()]
    missing += [f"{parts.dropped} parts without the others"] if parts.dropped else []
    for told in missing:
        problems.add("value-missing", place, None, "PNO", found=told, expected="every part of a split message, once")
    if not whole or missing:
        return None
    name = f"{place}#{hashlib.sha256(payload).hexdigest()[:16]}"
    return Batch(name, pa.Table.from_pylist(rows, schema=ARRIVAL), arrived, place)


def decode_message(
    parts: tuple[Message, ...],
    place: str,
    arrived: datetime,
    problems: Problems,
    *,
    zone: tzinfo = BEIJING,
    interval: timedelta | None = None,
) -> Batch | None:
    """The parts of one message, put together by `Parts`, as a batch; None where it cannot be read, with its problem.

    As `decode`, for a server that has split its stream already. The batch is named by what the message says, so that the same
    readings sent again, under another QN or in answer to a request, are the same batch. Raises nothing.
    """
    try:
        found = list(_readings(parts, zone, interval))
    except MessageError as error:
        problems.add(error.code, place, None, error.field or None, found=without_password(error.found), expected=error.expected)
        return None
    rows = [{"datastream": name, "time": time, "value": value, "revision": None} for time, name, value in found]
    said = hashlib.sha256(MARK.join(part.content for part in parts)).hexdigest()[:16]
    name = f"{place}#{parts[0].station}-{parts[0].command}-{said}"
    return Batch(name, pa.Table.from_pylist(rows, schema=ARRIVAL), arrived, place)


def _packets(payload: bytes) -> Iterator[Packet | Skipped]:
    splitter = Splitter()
    for found in (*splitter.feed(payload), *splitter.close()):
        if isinstance(found, Packet) or found.count > len(found.head) or found.head.strip():
            yield found


def without_password(found: object) -> str:
    """What was found, as text for a problem."""
    text = found.decode("ascii", "backslashreplace") if isinstance(found, bytes) else str(found)
    return PASSWORD.sub("PW=...", text)


def _readings(
    messages: tuple[Message, ...], zone: tzinfo, interval: timedelta | None
) -> Iterator[tuple[datetime, str, float | None]]:
    """Time, datastream and value of what the parts of one message say. Raises MessageError."""
    if not messages or messages[0].command not in KINDS:
        return
    command, station = messages[0].command, messages[0].station
    period = PERIODS.get(command, interval)
    for (told, factor), fields in _factors(messages).items():
        for suffix, text in fields.items():
            if suffix not in QUANTITIES or (suffix in TOTALS and period is None):
                continue
            key = f"{factor}-{suffix}"
            value = _value(key, text) if fields.get("flag", COUNTS) == COUNTS else None
            behind = period if suffix in TOTALS and period is not None else timedelta()
            levels = (station, factor, KINDS[command], "" if (command, suffix) == ("2011", "rtd") else suffix)
            yield _instant(told, zone, behind), ".".join(filter(None, levels)), value


def _factors(messages: tuple[Message, ...]) -> dict[tuple[str, str], dict[str, str]]:
    """What is said of each factor at each DataTime, by lower suffix. A part without a DataTime goes on with the one before."""
    factors: dict[tuple[str, str], dict[str, str]] = {}
    told = ""
    for message in messages:
        fields = _fields(message)
        told = next((text for key, text in fields if key == "DataTime"), told)
        others: set[str] = set()
        for key, text in fields:
            factor, dash, suffix = key.partition("-")
            if dash and not FACTOR.fullmatch(factor):
                raise MessageError("value", "CP", key, "factor codes of letters and digits")
            if dash:
                known = factors.setdefault((told, factor), {})
                twice = suffix.lower() in known
                known[suffix.lower()] = text
            else:
                twice = key in others
                others.add(key)
            if twice:
                raise MessageError("key-twice", key, text, "every field once")
    return factors


def _fields(message: Message) -> list[tuple[str, str]]:
    content = message.content
    if SECRET.fullmatch(content) or (message.edition == "2025" and not content.isascii()):
        raise MessageError("syntax", "CP", content, ENCRYPTED)
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError as error:
        raise MessageError("encoding", "CP", error, "ASCII") from None
    split = [each.partition("=") for each in re.split("[;,]", text) if each.strip()]
    for key, equals, _ in split:
        if not equals:
            raise MessageError("syntax", "CP", key, "fields key=value between ; and ,")
    return [(key.strip(), value.strip()) for key, _, value in split]


def _value(key: str, text: str) -> float:
    value = float(text) if NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise MessageError("value", key, text, "a number, or a flag other than N")
    return value


def _instant(told: str, zone: tzinfo, behind: timedelta) -> datetime:
    if not told:
        raise MessageError("value-missing", "DataTime", "", "DataTime before the first factor's packet")
    if INSTANT.fullmatch(told):
        ends = (4, 6, 8, 10, 12, 14)
        numbers = [int(told[begin:end]) for begin, end in zip((0, *ends), ends, strict=False)]
        try:
            local = datetime(*numbers, tzinfo=zone)  # type: ignore[arg-type, misc]
            return local.astimezone(UTC) + behind
        except (ValueError, OverflowError):
            pass
    raise MessageError("time", "DataTime", told, "yyyyMMddHHmmss that can be")
