"""What is fuzzed: every decoder with its seeds, what must hold of any payload, and how a mutated payload is put right again.

Needs no fuzzer: `tests/fuzz` replays by it what `tools/fuzz.py` found.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from scicity import access
from scicity.access.cjt188.decode import decode as cjt188
from scicity.access.dlt645.decode import decode as dlt645
from scicity.access.files import readings as files
from scicity.access.gtfs_realtime.decode import decode as gtfs_realtime
from scicity.access.hj212.decode import decode as hj212
from scicity.access.http import decode as http
from scicity.access.modbus.decode import decode as modbus
from scicity.access.mqtt.decode import decode as mqtt
from scicity.access.sensorthings.decode import decode as sensorthings
from scicity.access.sensorthings.entities import Wrong
from scicity.access.sensorthings.paths import address
from scicity.access.sensorthings.query import query
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch
from tools import fuzz_mutating as mutating

ARRIVED = datetime(2030, 1, 1, tzinfo=UTC)
PLACE = "fuzz.in"
CORPUS = Path(__file__).parent.parent / "tests" / "fuzz" / "corpus"
HOME = Path(access.__path__[0])
Decode = Callable[[bytes, Problems], "Batch | None"]


class Broken(Exception):  # noqa: N818  (reads as what happened)
    """Something that must hold of every payload does not."""


@dataclass(frozen=True)
class Target:
    """A decoder, what it is begun with, and how a payload of its kind is mutated so that most of it still fits."""

    name: str
    decode: Decode
    seeds: Callable[[], Iterator[bytes]]
    mutate: mutating.Mutate = mutating.plain
    words: tuple[bytes, ...] = ()  # that its payloads are made of


def check(target: Target, payload: bytes) -> None:
    """Decodes a payload. Raises whatever the decoder raises, and Broken where what it gives cannot be."""
    problems = Problems()
    batch = target.decode(payload, problems)
    if batch is None:
        if not len(problems):
            raise Broken("refused without a problem")
        for problem in problems:
            msgspec.json.encode(problem.as_dict())
            if not str(problem).isprintable() or not problem.expected:
                raise Broken(f"a problem that cannot be shown: {problem!r}")
        return
    if len(problems):
        raise Broken(f"taken with problems: {next(iter(problems))}")
    if not batch.rows.schema.equals(ARRIVAL):
        raise Broken(f"rows of {batch.rows.schema}")
    batch.rows.validate(full=True)
    if batch.arrived.tzinfo is None or not batch.name:
        raise Broken("a batch without a name, or an arrival without a zone")
    values = batch.rows.column("value")
    known = values.drop_null().to_numpy()
    if not np.isfinite(known).all():
        raise Broken(f"a value that is neither finite nor null: {known[~np.isfinite(known)][0]}")


def _recorded(protocol: str, pattern: str = "*.in") -> Iterator[bytes]:
    for file in sorted((HOME / protocol / "recordings").glob(pattern)):
        yield file.read_bytes()


def _plain(decode: Any) -> Decode:
    return lambda payload, problems: decode(payload, PLACE, ARRIVED, problems)


def _body(form: str) -> Decode:
    return lambda payload, problems: http.decode(payload, PLACE, ARRIVED, problems, form)


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="scicity-fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))  # noqa: S108


def _file(payload: bytes, problems: Problems) -> Batch | None:
    file = _folder() / "readings.csv"
    file.write_bytes(payload)
    return files.read(file, PLACE, problems)


def _asked(payload: bytes, problems: Problems) -> Batch | None:
    """An address of SensorThings with its options; it gives no readings."""
    path, _, options = payload.decode("utf-8", "replace").partition("?")
    try:
        where, told = address(path), [each.partition("=") for each in options.split("&") if each]
        query([(name, text) for name, _, text in told], where.last.of, one=where.last.single)
    except Wrong as error:
        problems.add("syntax", PLACE, found=error, expected="an address of SensorThings")
        return None
    return Batch(PLACE, ARRIVAL.empty_table(), ARRIVED, PLACE)


def _questions() -> Iterator[bytes]:
    yield b"Things('a')/Datastreams?$filter=name eq 'x' and unitOfMeasurement/symbol ne null&$orderby=name desc&$top=5"
    yield b"Datastreams(1)/Observations?$filter=phenomenonTime ge 2029-12-31T00:00:00Z or not (result add 1 gt 2.5)&$count=true"
    yield b"Observations?$expand=Datastream($select=name;$expand=Thing,Sensor($top=1)),FeatureOfInterest&$skip=3"
    yield b"Things?$filter=startswith(tolower(name),'a') and year(now()) eq 2030 or endswith(name,'b')"
    yield b"Observations('a@2029-12-31T00:00:00Z')/result/$value"


def _tables() -> Iterator[bytes]:
    for file in (HOME / "http" / "recordings").glob("*.expected.csv"):
        yield file.read_bytes()
    yield b"datastream,time,value\na,2030-01-01T00:00:00+08:00,1.5\nb,2030-01-01T00:00Z,\n"
    yield b'\xef\xbb\xbfvalue,revision,time,datastream\r\n-1e3,7,2030-01-01 00:00:00Z,"a ""b"", c"\r\n'


def arrow_streams() -> Iterator[bytes]:
    """Arrow IPC streams of every type that a column of readings may have, and of some that it may not; some compressed."""
    moment = ARRIVED - timedelta(minutes=1)
    names = (pa.array(["a", "b"]), pa.array(["a", "b"], pa.large_string()), pa.array(["a", "a"]).dictionary_encode())
    times = (
        *(pa.array([moment, None], pa.timestamp(unit, "UTC")) for unit in ("s", "ms", "us", "ns")),
        pa.array([moment] * 2, pa.timestamp("us", "Asia/Shanghai")),
        pa.array([moment.isoformat()] * 2),
        pa.array([moment.isoformat()] * 2).dictionary_encode(),
    )
    values = (
        *(pa.array([1, None], kind) for kind in (pa.float64(), pa.float32(), pa.int8(), pa.uint64(), pa.decimal128(9, 2))),
        pa.array(["1.5", None]),
        pa.array([1.5, 1.5]).dictionary_encode(),
        pa.nulls(2),
        pa.array([True, None]),
        pa.array([[1.0], []]),
    )
    for at, (name, time, value) in enumerate(product(names, times, values)):
        rows = pa.table({"datastream": name, "time": time, "value": value})
        rows = rows.append_column("revision", pa.array([1, None])) if at % 3 == 0 else rows
        sink = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression=(None, "lz4", "zstd")[at % 11 % 3])
        with pa.ipc.new_stream(sink, rows.schema, options=options) as writer:
            writer.write_table(rows, max_chunksize=1 + at % 2)
        if at % 4 == 0:
            yield sink.getvalue().to_pybytes()


def _messages() -> Iterator[bytes]:
    """One of each form, beside what is recorded."""
    yield from _recorded("mqtt")
    reading = b'{"datastream": "gw/1", "time": "2029-12-31T00:00:00Z", "value": 1.5, "revision": 1}'
    told = [
        ("scicity/gw/readings", reading),
        ("scicity/gw/readings", b"[" + reading + b", " + reading + b"]"),
        ("scicity/gw/arrow", next(arrow_streams())),
        (
            "v1/gateway/telemetry",
            b'{"A": [{"ts": 1893455999000, "values": {"power": 1, "on": true, "t": "x"}}], "B": {"p": 2}}',
        ),
        ("v1/devices/A/telemetry", b'[{"ts": 1893455999000, "values": {"power": 1e3}}, {"q": null}]'),
        ("/sys/p/A/thing/event/property/post", b'{"params": {"p": 1, "q": {"value": 2, "time": 1893455999000}}}'),
    ]
    yield from (mutating.publish(topic.encode(), content) for topic, content in told)


STA_WORDS = (
    *(b'"phenomenonTime"', b'"result"', b'"Datastream"', b'"@iot.id"', b'"components"', b'"dataArray"', b'"parameters"'),
    *(b'"dataArray@iot.count"', b'"2029-12-31T00:00:00Z/2029-12-31T01:00:00Z"', b"null", b"1e999", b"[[", b"]]", b"[{", b"}]"),
)
QUESTION_WORDS = (
    *(b"$filter=", b"$expand=", b"$orderby=", b"$select=", b"$top=", b"$skip=", b"$count=true", b" and ", b" or ", b"not "),
    *(
        b" eq ",
        b" ge ",
        b"((",
        b"))",
        b"substringof('",
        b"duration'P1D'",
        b"geography'",
        b"/$ref",
        b"/$value",
        b"('a')",
        b"(1)",
    ),
    *(b"Things", b"Datastreams", b"Observations", b"Locations", b"phenomenonTime", b"result", b"$it", b"@iot.id"),
)
JSON_WORDS = (
    *(b'"datastream"', b'"time"', b'"value"', b'"revision"', b'"readings"', b"null", b"1e999", b"-0.0", b"NaN", b"\\ud800"),
    *(b"[{", b"}]", b'"2029-12-31T00:00:00Z"', b'"2029-12-31T24:00:00+14:00"', b"9223372036854775808"),
)
CSV_WORDS = (
    *(b"datastream", b"time", b"value", b"revision", b"2029-12-31T00:00:00Z", b"+08:00", b"nan", b"inf", b"-1e400"),
    *(b'""', b"\r\n", b"\x00", b"\xef\xbb\xbf", b"9223372036854775808"),
)
HJ_WORDS = (
    *(b"##0101", b"QN=", b"ST=22;", b"CN=2011;", b"CN=2061;", b"CN=9015;", b"PW=", b"MN=", b"Flag=5;", b"PNUM=2;PNO=1;"),
    *(b"CP=&&", b"DataTime=20291231120000;", b"a34004-Rtd=", b"-Flag=N", b"-Cou=", b"-ZsRtd="),
)
FORM_WORDS = (
    *(b'"ts"', b'"values"', b'"params"', b"1893455999000", b"scicity/gw/readings", b"v1/gateway/telemetry"),
    *(b"spBv1.0/g/NBIRTH/n", b"spBv1.0/g/DDATA/n/d", *JSON_WORDS),
)
ARROW_WORDS = (b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\xff\xff\xff\x7f", b"ARROW1", b"UTC", b"Asia/Shanghai")
METER_WORDS = (b"\xfe\xfeh", b"\x91", b"\xb1", b"\xd1", b"\x90\x1f", b"\x81\x03")

TARGETS = {
    target.name: target
    for target in (
        Target("cjt188", _plain(cjt188), partial(_recorded, "cjt188"), mutating.frames(1, 10, 2), METER_WORDS),
        Target("dlt645", _plain(dlt645), partial(_recorded, "dlt645"), mutating.frames(7, 9, 0), METER_WORDS),
        Target("files", _file, _tables, words=CSV_WORDS),
        Target("gtfs_realtime", _plain(gtfs_realtime), partial(_recorded, "gtfs_realtime"), mutating.protobuf, (b"2.0",)),
        Target("hj212", _plain(hj212), partial(_recorded, "hj212"), mutating.packets, HJ_WORDS),
        Target("http-arrow", _body(http.ARROW), arrow_streams, mutating.in_place, ARROW_WORDS),
        Target("http-csv", _body(http.CSV), _tables, words=CSV_WORDS),
        Target("http-json", _body(http.JSON), partial(_recorded, "http"), words=JSON_WORDS),
        Target("modbus", _plain(modbus), partial(_recorded, "modbus"), mutating.exchange),
        Target("mqtt", _plain(mqtt), _messages, mutating.messages, FORM_WORDS),
        Target("sensorthings", _plain(sensorthings), partial(_recorded, "sensorthings"), words=STA_WORDS),
        Target("sensorthings-query", _asked, _questions, words=QUESTION_WORDS),
    )
}
