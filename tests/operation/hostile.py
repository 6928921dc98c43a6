"""Bodies that are made to break what reads them, by name: each with its content type, and how it must be answered."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

JSON, CSV, ARROW = "application/json", "text/csv", "application/vnd.apache.arrow.stream"
WHEN = "2022-01-01T00:00:00Z"
MOMENT = datetime(2022, 1, 1, tzinfo=UTC)
MIB = 1 << 20


@dataclass(frozen=True)
class Body:
    """A body; `content` is made when it is wanted, for some are large."""

    name: str
    form: str
    content: Callable[[], bytes]
    status: int = 422
    headers: dict[str, str] = field(default_factory=dict)


def reading(name: str = "evil.a", value: object = 1.5) -> dict[str, object]:
    """A reading as JSON tells it."""
    return {"datastream": name, "time": WHEN, "value": value}


def stream(*tables: pa.Table, compression: str | None = None) -> bytes:
    """An Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, tables[0].schema, options=options) as writer:
        for table in tables:
            writer.write_table(table)
    return sink.getvalue().to_pybytes()


def rows(count: int = 1, **columns: pa.Array) -> pa.Table:
    """Readings as Arrow tells them."""
    usual = {
        "datastream": pa.array(["evil.a"] * count),
        "time": pa.array([MOMENT] * count, pa.timestamp("us", "UTC")),
        "value": pa.array([1.5] * count),
    }
    return pa.table(usual | columns)


def repeated(text: str, count: int) -> pa.Array:
    """One text so many times, as a dictionary."""
    return pa.DictionaryArray.from_arrays(pa.nulls(count, pa.int32()).fill_null(0), pa.array([text]))


def names_that_inflate() -> bytes:
    """Names of nothing but one letter, 2 GB of them in a stream of some kilobytes."""
    long = pa.array(["x" * (20 * MIB)] * 25)
    table = rows(25, datastream=long)
    return stream(*[table] * 4, compression="zstd")


def values_that_inflate() -> bytes:
    """Sixty-four million values, all nought: 512 MB in a stream of some kilobytes."""
    count = 64 * MIB
    nought = pa.nulls(count, pa.int64()).fill_null(0)
    return stream(pa.table({"datastream": pa.nulls(count), "time": pa.nulls(count), "value": nought}), compression="zstd")


def claims_to_inflate() -> bytes:
    """A compressed buffer whose length is said to be an exabyte."""
    whole = stream(rows(1_000, value=pa.array([0.0] * 1_000)), compression="zstd")
    length = (8_000).to_bytes(8, "little")
    at = whole.rindex(length + b"\x28\xb5\x2f\xfd")
    return whole[:at] + (1 << 60).to_bytes(8, "little") + whole[at + 8 :]


def damaged() -> Iterator[Body]:
    """Streams that were cut or in which bits were turned; some of them may still be whole readings of the sender's own."""
    whole = stream(rows(3), rows(2))
    for end in (1, 7, 9, 100, len(whole) // 2, len(whole) - 9):
        yield Body(f"arrow cut at {end}", ARROW, lambda end=end: whole[:end], 422 if end < len(whole) - 9 else 0)
    for at in range(0, len(whole), max(len(whole) // 60, 1)):
        yield Body(f"arrow turned at {at}", ARROW, lambda at=at: whole[:at] + bytes([whole[at] ^ 0x81]) + whole[at + 1 :], 0)


def bodies() -> Iterator[Body]:
    """All of them; status 0 is any answer but a fault of the server."""
    deep = b"[" * 100_000
    yield Body("deep lists", JSON, lambda: deep)
    yield Body("deep lists, closed", JSON, lambda: deep + b"]" * 100_000)
    yield Body("deep objects", JSON, lambda: b'{"readings":' * 100_000 + b"1" + b"}" * 100_000)
    yield Body("deep in a field", JSON, lambda: b'[{"datastream":' + deep + b"]" * 100_000 + b"}]")
    yield Body("a line of 10 MB", JSON, lambda: b'[{"datastream": "' + b"x" * (10 * MIB) + b'", "time": "2022", "value": 1}]')
    yield Body("an unclosed text of 10 MB", JSON, lambda: b'"' + b"x" * (10 * MIB))
    yield Body("a time of 10 MB", JSON, lambda: json.dumps([reading() | {"time": "2" * (10 * MIB)}]).encode())
    yield Body(
        "a number of 10 MB", JSON, lambda: b'[{"datastream": "evil.a", "time": "2022", "value": ' + b"9" * (10 * MIB) + b"}]"
    )
    for text in ("NaN", "Infinity", "-Infinity", "1e400", "-1e999", "0x10", "1_000", "01", "1.", "--1", '"1"', "[1]", "true"):
        body = json.dumps([reading()]).replace("1.5", text).encode()
        yield Body(f"the value {text}", JSON, lambda body=body: body)
    yield Body("the value 1e308", JSON, lambda: json.dumps([reading(value=1e308)]).encode(), 202)
    yield Body("millions of empty objects", JSON, lambda: b"[" + b"{}," * (20 * MIB) + b"{}]")
    yield Body("millions of empty lists", JSON, lambda: b"[" + b"[]," * (20 * MIB) + b"[]]")
    yield Body("millions of noughts", JSON, lambda: b'{"datastream": [' + b"0," * (30 * MIB) + b"0]}")
    yield Body("millions of fields", JSON, lambda: b"[{" + b",".join(b'"%d":0' % n for n in range(4 * MIB)) + b"}]")
    yield Body("no UTF-8", JSON, lambda: b'[{"datastream": "\xff\xfe", "time": "2022", "value": 1}]')
    yield Body(
        "half a surrogate", JSON, lambda: b'[{"datastream": "evil.\\ud800", "time": "' + WHEN.encode() + b'", "value": 1}]'
    )
    yield Body("others' datastreams", JSON, lambda: json.dumps([reading("evil.a"), reading("main.power")]).encode(), 403)
    yield Body("a field that is none", JSON, lambda: json.dumps([reading() | {"x" * 1_000: 1}]).encode())

    header = b"datastream,time,value\n"
    line = b"evil.a," + WHEN.encode() + b",1\n"
    yield Body("csv with NUL", CSV, lambda: header + line.replace(b"evil.a", b"evil.\x00"))
    yield Body("csv of NUL", CSV, lambda: b"\x00" * MIB)
    yield Body(
        "csv of 100,000 columns", CSV, lambda: b",".join(b"c%d" % n for n in range(100_000)) + b"\n" + b"," * 99_999 + b"\n"
    )
    yield Body("csv of a field too many", CSV, lambda: header + line.replace(b"\n", b"," * 100_000 + b"\n") * 10)
    yield Body("csv with an open quote", CSV, lambda: header + b'"' + line * 100_000)
    yield Body("csv of quotes", CSV, lambda: b'"' * (10 * MIB + 1))
    yield Body("csv of a line of 10 MB", CSV, lambda: header + b"x" * (10 * MIB) + line)
    yield Body("csv of millions of empty lines", CSV, lambda: header + b",,\n" * (20 * MIB))
    yield Body("csv of a million faults", CSV, lambda: header + b"evil.a,never,none\n" * MIB)

    yield Body("arrow of other columns", ARROW, lambda: stream(pa.table({"a": [1], "b": [2]})))
    yield Body("arrow without a zone", ARROW, lambda: stream(rows(time=pa.array([MOMENT.replace(tzinfo=None)]))))
    yield Body(
        "arrow of a zone that is none", ARROW, lambda: stream(rows(time=pa.array([0], pa.timestamp("us", "Mars/Olympus")))), 0
    )
    yield Body("arrow of nested values", ARROW, lambda: stream(rows(value=pa.array([[[1.0]]]))))
    yield Body("arrow of a column twice", ARROW, lambda: stream(rows().append_column("value", pa.array([1.0]))))
    yield Body("arrow of infinity", ARROW, lambda: stream(rows(value=pa.array([float("inf")]))), 202)
    yield Body("arrow of a long time, often", ARROW, lambda: stream(rows(MIB // 2, time=repeated("2" * (10 * MIB), MIB // 2))))
    yield Body(
        "arrow of a long value, often", ARROW, lambda: stream(rows(MIB // 2, value=repeated("2" * (10 * MIB), MIB // 2)))
    )
    yield Body(
        "arrow of a long name, often", ARROW, lambda: stream(rows(MIB // 2, datastream=repeated("x" * (10 * MIB), MIB // 2)))
    )
    yield Body("arrow of names that inflate", ARROW, names_that_inflate)
    yield Body("arrow of values that inflate", ARROW, values_that_inflate)
    yield Body("arrow that claims to inflate", ARROW, claims_to_inflate)
    yield from damaged()

    packed = json.dumps([reading()]).encode()
    yield Body("gzip", JSON, lambda: gzip.compress(packed), 415, {"Content-Encoding": "gzip"})
    yield Body("gzip bomb", JSON, lambda: gzip.compress(b"[" * (64 * MIB)), 415, {"Content-Encoding": "gzip"})
    yield Body("gzip bomb that says nothing", JSON, lambda: gzip.compress(b"[" * (64 * MIB)))
    yield Body("gzip as another form", "text/xml", lambda: b"<a/>", 415)
