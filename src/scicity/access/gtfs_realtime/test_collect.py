"""Feeds decoded and collected on loopback, and what a hostile server may try."""
# ruff: noqa: S101

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.transit import gtfs_realtime_pb2 as gtfs
from hypothesis import given, settings
from hypothesis import strategies as st

from scicity.access.collecting import Answer, Collector, Connection, Point
from scicity.access.gtfs_realtime.collect import Session, connect, key_of, refused
from scicity.access.gtfs_realtime.decode import MOST_BYTES, decode, read
from scicity.access.gtfs_realtime.simulate import buses, serving
from scicity.kernel.problems import Problems
from scicity.kernel.reading import Batch

NOW = datetime(2024, 5, 31, 4, tzinfo=UTC)
FEED = buses(2, 40.0, 116.0)
SPEED = [Point("bus.speed", "vehicle/B1/speed", 3.6)]
LIMIT = 60.0  # [s] after which a test has failed; none comes near


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, LIMIT))


def said(answer: Answer) -> list[tuple[str, datetime, float | None]]:
    return [(row["datastream"], row["time"], row["value"]) for row in answer.rows.to_pylist()]


def codes(answer: Answer) -> list[tuple[str, str]]:
    return [(problem.code, problem.field or "") for problem in answer.problems]


@asynccontextmanager
async def answering(*answers: bytes, endless: bytes = b"") -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that gives each connection the next answer, byte for byte, and the last of them with what has no end."""
    left, asked = list(answers), list[bytes]()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(left.pop(0))
        try:
            while endless:
                writer.write(endless)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/feed?key=secret", asked
    finally:
        server.close()


def http(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    told = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*told, "", ""]).encode() + body


def test_a_feed_is_read_and_one_that_is_unchanged_says_nothing_new() -> None:
    async def test() -> None:
        now = [NOW]
        points = [*SPEED, Point("bus.late", "trip/T2/*/stop/1/arrival-delay"), Point("bus.speed.ms", "vehicle/B1/speed")]
        with serving(FEED, lambda: now[0]) as (address, given):
            session = await connect(address, points)
            first = await session.read(NOW)
            assert set(said(first)) == {("bus.speed", NOW, 21.6), ("bus.speed.ms", NOW, 6.0), ("bus.late", NOW, 120.0)}
            assert said(await session.read(NOW)) == []
            now[0] += timedelta(seconds=30)
            assert set(said(await session.read(NOW))) == {(name, now[0], value) for name, _, value in said(first)}
            assert given == [200, 304, 200]
            assert said(await session.remembered({"bus.speed": NOW}, NOW, NOW)) == []
            await session.close()

    run(test())


def test_the_loop_that_asks_devices_puts_what_is_new() -> None:
    async def test() -> None:
        batches, clock = list[Batch](), [NOW]

        async def keep(batch: Batch, _heard: object) -> None:
            batches.append(batch)

        async def sleep(seconds: float) -> None:
            clock[0] += timedelta(seconds=seconds)
            if clock[0] > NOW + timedelta(seconds=30):
                raise asyncio.CancelledError

        with serving(FEED, lambda: NOW) as (address, _):
            connection = Connection("buses", "gtfs_realtime", address, timedelta(seconds=30), tuple(SPEED))
            collector = Collector(connection, connect, keep, clock=lambda: clock[0], sleep=sleep)
            with pytest.raises(asyncio.CancelledError):
                await collector.run()
        assert [batch.rows.to_pylist()[0]["value"] for batch in batches if batch.rows.num_rows] == [21.6]
        assert collector.last == {"bus.speed": NOW}

    run(test())


def test_a_new_feed_in_which_a_vehicle_says_the_same_gives_no_reading_of_it() -> None:
    async def test() -> None:
        message = gtfs.FeedMessage.FromString(FEED(NOW))
        later = gtfs.FeedMessage.FromString(FEED(NOW))
        later.header.timestamp += 60
        later.entity[2].vehicle.timestamp += 60
        async with answering(http(message.SerializeToString()), http(later.SerializeToString())) as (address, _):
            session = await connect(address, [*SPEED, Point("other", "vehicle/B2/speed")])
            assert len(said(await session.read(NOW))) == 2
            assert said(await session.read(NOW)) == [("other", NOW + timedelta(seconds=60), 7.0)]

    run(test())


def test_an_entity_that_cannot_be_read_is_a_problem_and_the_others_are_there() -> None:
    async def test() -> None:
        message = gtfs.FeedMessage.FromString(FEED(NOW))
        message.entity[2].vehicle.position.latitude = 95
        async with answering(http(message.SerializeToString())) as (address, _):
            answer = await Session(address, [*SPEED, Point("x", "vehicle/B2/speed"), Point("y", "bus/1")]).read(NOW)
        assert said(answer) == [("bus.speed", NOW, 21.6)]
        assert codes(answer) == [("value", "item"), ("range", "vehicle.position.latitude")]
        assert "secret" not in str(list(answer.problems))

    run(test())


def test_what_has_no_time_was_said_when_it_was_asked() -> None:
    async def test() -> None:
        message = gtfs.FeedMessage.FromString(FEED(NOW))
        message.header.ClearField("timestamp")
        message.entity[0].vehicle.timestamp = 0
        async with answering(*[http(message.SerializeToString())] * 2) as (address, _):
            asked, session = NOW + timedelta(seconds=7), Session(address, SPEED)
            assert said(await session.read(asked)) == [("bus.speed", asked, 21.6)]
            assert said(await session.read(asked + timedelta(seconds=30))) == [], "the same feed again"

    run(test())


def test_of_several_dates_the_latest_is_told() -> None:
    async def test() -> None:
        message = gtfs.FeedMessage.FromString(FEED(NOW))
        message.entity[3].trip_update.trip.trip_id = "T1"
        message.entity[3].trip_update.trip.start_date = "20240530"
        points = [Point("any", "trip/T1/*/stop/1/arrival-delay"), Point("old", "trip/T1/20240530/stop/1/arrival-delay")]
        async with answering(http(message.SerializeToString())) as (address, _):
            assert set(said(await Session(address, points).read(NOW))) == {("any", NOW, 60.0), ("old", NOW, 120.0)}

    run(test())


def test_conditional_requests_say_what_was_told_and_nothing_that_was_not_printable() -> None:
    async def test() -> None:
        tags = ['ETag: W/"a"', "Last-Modified: Fri, 31 May 2024 04:00:00 GMT"]
        answers = http(FEED(NOW), *tags), http(b"", status="304 Not Modified"), http(FEED(NOW)), http(FEED(NOW))
        async with answering(*answers) as (address, asked):
            session = Session(address, SPEED)
            assert [len(said(await session.read(NOW))) for _ in range(3)] == [1, 0, 0]
        assert b"If-None-Match" not in asked[0] and b"identity" in asked[0]
        assert b'If-None-Match: W/"a"\r\n' in asked[1] and b"If-Modified-Since: Fri, 31 May 2024 04:00:00 GMT\r\n" in asked[1]
        async with answering(http(FEED(NOW), "ETag: a\r\n b\x01"), http(FEED(NOW))) as (address, asked):
            session = Session(address, SPEED)
            assert [len(said(await session.read(NOW))) for _ in range(2)] == [1, 0]
        assert b"If-None-Match" not in asked[1]

    run(test())


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (http(gzip.compress(FEED(NOW)), "Content-Encoding: gzip"), ("value", "Content-Encoding")),
        (b"HTTP/1.1 200 OK\r\n\r\n" + FEED(NOW), ("value-missing", "Content-Length")),
        (http(b"<html>"), ("syntax", "")),
        (http(b"a" * (MOST_BYTES + 1)), ("too-large", "")),
    ],
    ids=["compressed", "endless", "html", "large"],
)
def test_a_body_that_is_not_read_is_a_problem(answer: bytes, code: tuple[str, str]) -> None:
    async def test() -> None:
        async with answering(answer) as (address, _):
            found = await Session(address, SPEED).read(NOW)
        assert (said(found), codes(found)) == ([], [code])

    run(test())


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (http(FEED(NOW), length=len(FEED(NOW)) + 1), EOFError),
        (CHUNKED + b"%x\r\n%b\r\n" % (len(FEED(NOW)), FEED(NOW)), EOFError),
        (b"", EOFError),
        (http(b"", status="404 Not Found"), OSError),
        (http(b"", status="304 Not Modified"), OSError),
        (b"SSH-2.0-x\r\n\r\n", OSError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n" + b"a: b\r\n" * 200, OSError),
        (http(b"", "Location: file:///etc/passwd", status="302 Found"), OSError),
        (http(b"", "Location: https://127.0.0.1/", status="301 Moved"), OSError),
        (http(b"", "Location: //[", status="301 Moved"), OSError),
        (http(b"", status="301 Moved"), OSError),
    ],
    ids=["cut", "cut-chunks", "nothing", "404", "304", "no-http", "headers", "file", "https", "nowhere", "no-location"],
)
def test_an_answer_that_is_none_is_an_error_of_the_connection(answer: bytes, error: type[Exception]) -> None:
    async def test() -> None:
        async with answering(*[answer] * 5) as (address, _):
            with pytest.raises(error):
                await Session(address, SPEED).read(NOW)

    run(test())


def test_redirects_are_followed_within_a_scheme_and_not_for_ever() -> None:
    async def test() -> None:
        async with answering(http(b"", "Location: /other?a=1", status="302 Found"), http(FEED(NOW))) as (address, asked):
            assert len(said(await Session(address, SPEED).read(NOW))) == 1
        assert asked[1].startswith(b"GET /other?a=1 ")
        async with answering(http(b"", "Location: https://127.0.0.1/", status="302 Found")) as (address, asked):
            with pytest.raises(OSError, match="another scheme"):
                await Session(address, SPEED).read(NOW)
        async with answering(*[http(b"", "Location: /feed", status="302 Found")] * 9) as (address, asked):
            with pytest.raises(OSError, match="redirects"):
                await Session(address, SPEED).read(NOW)
        assert len(asked) == 4

    run(test())


@pytest.mark.parametrize(
    ("begun", "endless"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nA: ", b""),
        (CHUNKED, b"400\r\n" + b"a" * 1024 + b"\r\n"),
    ],
    ids=["body", "header", "chunks"],
)
def test_a_server_that_stops_or_never_ends_is_left(begun: bytes, endless: bytes) -> None:
    async def test() -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(begun)
            try:
                while endless:
                    writer.write(endless * 100)
                    await writer.drain()
                await reader.read()
                await reader.read()
            except ConnectionError:
                pass
            writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        session = Session(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", SPEED, within=0.2)
        if endless:
            session.within = LIMIT
            assert codes(await session.read(NOW)) == [("too-large", "")]
        else:
            with pytest.raises((TimeoutError, EOFError)):
                await session.read(NOW)
        server.close()

    run(test())


@pytest.mark.parametrize(
    "address", ["", "ftp://a/b", "file:///etc/passwd", "http://", "http://u:p@a/", "http://[/", "http://a:99999/"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(OSError, match="address"):
        asyncio.run(connect(address, SPEED))


def test_nobody_listens() -> None:
    with serving(FEED, lambda: NOW) as (address, _):
        pass
    with pytest.raises(OSError):
        asyncio.run(Session(address, SPEED).read(NOW))


@pytest.mark.parametrize(
    ("item", "key"),
    [
        ("vehicle/B7/speed", ("vehicle", "B7", "speed")),
        ("vehicle/a/b/occupancy-status", ("vehicle", "a/b", "occupancy-status")),
        ("trip/L1/20240531/delay", ("trip", "L1", "20240531", "delay")),
        ("trip/L/1/*/stop/S/1/departure-time", ("trip", "L/1", "*", "stop", "S/1", "departure-time")),
        *((bad, None) for bad in ("", "vehicle", "vehicle//speed", "vehicle/B7/colour", "trip/L1/stop/1/arrival-delay")),
        *((bad, None) for bad in ("trip/L1/2024/delay", "trip/L1/*/stop/1/speed", "alert/1/count")),
    ],
)
def test_items(item: str, key: tuple[str, ...] | None) -> None:
    assert key_of(item) == key
    assert bool(refused(item)) == (key is None)


def test_alerts_and_deleted_entities_are_counted() -> None:
    message = gtfs.FeedMessage.FromString(FEED(NOW))
    message.entity.add(id="a").alert.header_text.translation.add(text="closed")
    message.entity.add(id="b", is_deleted=True)
    problems = Problems()
    feed = read(message.SerializeToString(), "here", problems)
    assert feed is not None
    assert (feed.alerts, feed.deleted, len(feed.said), len(problems)) == (1, 1, 8, 0)


def test_a_feed_of_hostile_size_is_refused() -> None:
    header = gtfs.FeedMessage.FromString(FEED(NOW))
    del header.entity[:]
    for payload, longest in ((b"\x12\x00" * (MOST_BYTES // 2 + 1), 0), (header.SerializeToString() + b"\x12\x00" * 200_000, 0)):
        problems = Problems()
        assert decode(payload, "here", NOW, problems) is None
        assert [problem.code for problem in problems] == ["too-large"], longest


@settings(deadline=None)
@given(st.binary(max_size=60), st.integers(0, 400))
def test_whatever_comes_it_is_a_batch_or_a_problem(noise: bytes, at: int) -> None:
    whole = FEED(NOW)
    for payload in (noise, whole[:at] + noise + whole[at:], whole[:at] + noise):
        problems = Problems()
        batch = decode(payload, "here", NOW, problems)
        assert (batch is None) == (len(problems) > 0)
