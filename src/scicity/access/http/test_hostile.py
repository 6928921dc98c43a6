"""Bodies that would take far more memory than their length, and what fuzzing found: each ends in a problem."""
# ruff: noqa: S101

from __future__ import annotations

import struct
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from scicity.access.http import decode as http
from scicity.access.http.decode import ARROW, CSV, JSON, MOST_COMMAS, MOST_INFLATED, decode
from scicity.access.http.inflating import inflated
from scicity.kernel.problems import Problems

NOW = datetime(2030, 1, 1, tzinfo=UTC)
WHEN = "2029-12-31T00:00:00Z"


def told(payload: bytes, form: str = JSON) -> list[tuple[str, str | None]]:
    problems = Problems()
    assert decode(payload, "sender", NOW, problems, form) is None
    return [(problem.code, problem.field) for problem in problems]


def taken(payload: bytes, form: str) -> list[float | None]:
    problems = Problems()
    batch = decode(payload, "sender", NOW, problems, form)
    assert batch is not None and not len(problems)
    return list(batch.rows.column("value").to_pylist())


def stream(rows: pa.Table, compression: str | None = None, many: int = 1) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, rows.schema, options=options) as writer:
        for _ in range(many):
            writer.write_table(rows)
    return bytes(sink.getvalue().to_pybytes())


def rows(count: int = 1, **columns: pa.Array) -> pa.Table:
    usual = {"datastream": ["a"] * count, "time": pa.array([NOW] * count, pa.timestamp("us", "UTC")), "value": [1.5] * count}
    return pa.table(usual | columns)


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_what_is_unpacked_is_told_before_it_is(compression: str) -> None:
    table = rows(10_000, datastream=pa.array(["a"] * 10_000).dictionary_encode(), value=[0.0] * 10_000)
    assert inflated(stream(table)) == 0
    one = inflated(stream(table, compression))
    own = sum(size for size in (4 * 10_000, 8 * 10_000, 8 * 10_000))
    assert own <= one < own + 1_000
    assert inflated(stream(table, compression, many=3)) == pytest.approx(3 * one, abs=100)


def test_a_stream_that_inflates_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    long = stream(rows(9, datastream=pa.array(["x" * (MOST_INFLATED // 8)] * 9)), "zstd")
    assert len(long) < 100_000 and inflated(long) > MOST_INFLATED
    monkeypatch.setattr(pa.ipc, "open_stream", None)  # it would be called
    assert told(long, ARROW) == [("too-large", None)]


@pytest.mark.parametrize("length", [-2, -(1 << 63), 1 << 60])
def test_a_length_that_cannot_be_is_refused(length: int) -> None:
    whole = stream(rows(1_000, value=[0.0] * 1_000), "zstd")
    at = whole.rindex(struct.pack("<q", 8_000) + b"\x28\xb5\x2f\xfd")
    said = told(whole[:at] + struct.pack("<q", length) + whole[at + 8 :], ARROW)
    assert said == [("too-large" if length > 0 else "syntax", None)]


def test_a_long_text_that_stands_in_every_row_is_not_written_out() -> None:
    indices = pa.nulls(500_000, pa.int32()).fill_null(0)
    for name in ("datastream", "time", "value"):
        text = pa.DictionaryArray.from_arrays(indices, pa.array(["2" * 1_000_000]))
        assert told(stream(rows(500_000, **{name: text})), ARROW) == [("value", name)]
    fits = pa.DictionaryArray.from_arrays(pa.array([0, 0]), pa.array(["7.5"]))
    assert taken(stream(rows(2, value=fits)), ARROW) == [7.5, 7.5]


def test_json_of_more_values_than_readings_have_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http.msgspec.json, "decode", None)  # it would be called
    for each in (b"{}", b"[]", b"0"):
        assert told(b"[" + (each + b",") * (MOST_COMMAS + 1) + each + b"]") == [("too-large", None)]


def test_an_object_of_many_fields_is_refused_soon() -> None:
    assert told(b"[{" + b",".join(b'"%d":0' % number for number in range(100_000)) + b"}]") == [("too-large", None)]


@pytest.mark.parametrize("value", ["true", "false", "[1]", "{}", '"1"'])
def test_what_is_no_number_is_no_value(value: str) -> None:
    body = f'[{{"datastream": "a", "time": "{WHEN}", "value": 1}}, {{"datastream": "a", "time": "{WHEN}", "value": {value}}}]'
    assert told(body.encode()) == [("value", "value")]


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e400"])
def test_what_is_beyond_every_number_is_unknown(text: str) -> None:
    """Found by fuzzing: CSV and Arrow can say infinity."""
    assert taken(f"datastream,time,value\na,{WHEN},{text}\na,2029-12-31T00:01:00Z,2\n".encode(), CSV) == [None, 2.0]
    value = pa.array([float(text), 2.0])
    assert taken(stream(rows(2, value=value)), ARROW) == [None, 2.0]


def test_a_time_zone_that_is_no_text_is_a_problem() -> None:
    """Found by fuzzing: it raised UnicodeDecodeError."""
    whole = stream(rows())
    at = whole.index(b"UTC")
    assert told(whole[:at] + b"U\xe8C" + whole[at + 3 :], ARROW) == [("syntax", None)]
