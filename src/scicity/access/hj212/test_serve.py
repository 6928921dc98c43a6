"""The server and stations that are programs, on loopback: nothing is lost, and nothing counts twice."""
# ruff: noqa: S101, S106

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scicity.access.hj212.frames import pack, parse
from scicity.access.hj212.loopback import (
    BEGUN,
    HOST,
    NOW,
    Store,
    all_passes,
    anybody,
    between,
    deliver,
    exchange,
    expected,
    keyed,
    lost_after,
    parts_of,
    run,
    serving,
    station,
    upload,
)
from scicity.access.hj212.serve import Settings, serve
from scicity.access.inbox import Inbox, InboxFull
from scicity.kernel.reading import Batch


@pytest.mark.parametrize("edition", ["2005", "2017", "2025"])
@pytest.mark.parametrize("parts", [1, 2])
def test_what_a_station_tells_is_kept_and_then_forgotten_by_it(edition: str, parts: int) -> None:
    async def test() -> None:
        store, made = Store(), station(edition=edition, parts=parts)
        made.tell(BEGUN + timedelta(hours=1))
        assert len(made.kept) == 12 + 6 + 1
        async with serving(store) as server:
            link = await deliver(made, server.port)
            assert (made.kept, store.rows()) == ({}, expected(BEGUN + timedelta(hours=1)))
            await link.close()
        assert len(store.names) == len(store.batches) == 19
        assert store.refused == []

    run(test())


def cut_at(to_server: int, to_station: int, parts: int) -> None:
    async def test() -> None:
        store, made = Store(), station(parts=parts)
        made.tell(NOW)
        async with serving(store) as server:
            async with between(server, lost_after(to_server), lost_after(to_station)) as port:
                link = await made.connect(HOST, port)
                with suppress(OSError, EOFError):
                    await link.deliver()
                await link.close()
            kept = len(made.kept)
            assert len(store.batches) >= 6 - kept, "what the station has forgotten is kept"
            await (await deliver(made, server.port)).close()
        assert (made.kept, store.rows(), len(store.batches)) == ({}, expected(), 6)

    run(test())


def sizes(parts: int) -> list[int]:
    """Where the packets end that a station sends [byte]."""
    made = station(parts=parts)
    made.tell(NOW)
    ends, packets = [0], [packet for message in made.kept.values() for packet in message]
    for packet in packets:
        ends.append(ends[-1] + len(packet))
    return ends


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("at", range(13))
def test_readings_come_exactly_once_whichever_packet_the_connection_is_lost_with(at: int, parts: int) -> None:
    for end in sizes(parts)[at : at + 1]:
        for aside in (-1, 0, 1):
            cut_at(max(0, end + aside), 10**9, parts)
    for aside in (0, 1, 98):
        cut_at(10**9, at * 99 + aside, parts)  # an answer has 99 bytes or nearly so


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 1600), st.integers(0, 800), st.integers(1, 2))
def test_readings_come_exactly_once_wherever_a_connection_is_lost(to_server: int, to_station: int, parts: int) -> None:
    cut_at(to_server, to_station, parts)


@pytest.mark.parametrize("at", [30, 100, 215])
def test_a_packet_with_a_fault_is_not_acknowledged_and_comes_again(at: int) -> None:
    passed = [0]

    def fault_at(chunk: bytes) -> tuple[bytes, bool]:
        here, passed[0] = at - passed[0], passed[0] + len(chunk)
        return (chunk[:here] + bytes([chunk[here] ^ 1]) + chunk[here + 1 :] if 0 <= here < len(chunk) else chunk), True

    async def test() -> None:
        store, made = Store(), station(wait=0.1, repeats=50)
        made.tell(NOW)
        async with serving(store) as server, between(server, fault_at, all_passes) as port:
            await (await deliver(made, port)).close()
        assert store.codes() == ["syntax"]
        assert (made.kept, store.rows(), len(store.batches)) == ({}, expected(), 6)

    run(test())


def test_nothing_is_acknowledged_before_it_is_kept() -> None:
    async def test() -> None:
        entered, may_go_on = asyncio.Event(), asyncio.Event()

        async def put(batch: Batch) -> None:
            entered.set()
            await may_go_on.wait()

        async with serving(Store(), put) as server:
            reader, writer = await asyncio.open_connection(HOST, server.port)
            writer.write(pack(upload().data()))
            await entered.wait()
            answer = asyncio.create_task(reader.readuntil(b"\r\n"))
            for _ in range(20):
                await asyncio.sleep(0)
            assert not answer.done()
            other = await exchange(server.port, pack(upload(b"", command="9015", station="S2", flag=9).data()), 1)
            assert [(each.command, each.station) for each in other] == [("9013", "S2")], "others are not held up"
            may_go_on.set()
            assert b"CN=9014" in await answer
            writer.close()

    run(test())


@pytest.mark.parametrize("error", [InboxFull("full"), OSError("no space left on device"), ValueError("a fault")])
def test_what_cannot_be_kept_is_not_acknowledged_and_the_connection_ends(error: Exception) -> None:
    async def test() -> None:
        store, made, full = Store(), station(), [True]
        made.tell(NOW)

        async def put(batch: Batch) -> None:
            if full[0] and len(store.names) == 3:
                raise error
            await store.put(batch)

        async with serving(store, put) as server:
            with pytest.raises((EOFError, OSError)):
                await deliver(made, server.port)
            assert len(made.kept) == 3
            full[0] = False
            await (await deliver(made, server.port)).close()
        assert (made.kept, store.rows(), len(store.names)) == ({}, expected(), 6)

    run(test())


def test_the_inbox_holds_what_was_acknowledged_once(tmp_path: Path) -> None:
    async def test() -> None:
        inbox, made = Inbox(tmp_path / "inbox.sqlite"), station()

        async def put(batch: Batch) -> None:
            await asyncio.to_thread(inbox.put, [batch])

        made.tell(NOW)
        again = dict(made.kept)
        async with serving(Store(), put) as server:
            await (await deliver(made, server.port)).close()
            made.kept = again
            await (await deliver(made, server.port)).close()
        assert inbox.waiting_readings() == len(expected())

    run(test())


def test_the_same_readings_under_another_request_are_the_same_batch() -> None:
    async def test() -> None:
        store = Store()
        async with serving(store) as server:
            first, second = upload(), upload(request="20240531130000001", flag=4)
            await exchange(server.port, pack(first.data()) + pack(second.data()) + pack(first.data()), 2)
        assert (len(store.names), len(store.batches)) == (3, 1)

    run(test())


def test_a_wrong_password_or_station_is_refused_and_says_no_secret() -> None:
    async def test() -> None:
        store = Store()
        async with serving(store, allowed=lambda name, password: (name, password) == ("S1", "123456")) as server:
            for wrong in (upload(password="1234567"), upload(station="S2"), upload(password="")):
                assert await exchange(server.port, pack(wrong.data()), 1) == []
            known = await exchange(server.port, b"".join(pack(upload(station=name).data()) for name in ("S1", "S3", "S1")), 2)
            assert [each.station for each in known] == ["S1", "S1"], "a stranger's message costs only itself behind a known one"
        assert (store.codes(), len(store.batches)) == (["reference"] * 4, 1)
        assert "1234567" not in str([who for who, _, _ in store.refused])

    run(test())


def test_who_wants_no_answer_gets_none_and_a_heartbeat_gets_its_own() -> None:
    async def test() -> None:
        store = Store()
        quiet, beat = upload(flag=4), upload(b"", command="9015", request="20240531120000002", flag=9)
        async with serving(store) as server:
            found = await exchange(server.port, b"\r\n" + pack(quiet.data()) + b"\r\n" + pack(beat.data()), 1)
        assert [(each.command, each.request, each.flag) for each in found] == [("9013", beat.request, 8)]
        assert (len(store.batches), store.refused) == (1, [])

    run(test())


@pytest.mark.parametrize("bad", [b"ST=22;what", upload(b"DataTime=20240531120000;a-Rtd=x").data(), upload(b"\xff").data()])
def test_what_cannot_be_read_is_told_and_ends_nothing(bad: bytes) -> None:
    async def test() -> None:
        store = Store()
        async with serving(store) as server:
            found = await exchange(server.port, pack(bad) + pack(upload().data()), 1)
        assert [each.command for each in found] == ["9014"]
        assert [(len(codes), payload) for _, codes, payload in store.refused] == [(1, bad)]

    run(test())


def test_parts_are_answered_when_all_are_kept_and_known_when_one_comes_again_alone() -> None:
    async def test() -> None:
        store, (first, second) = Store(), parts_of()
        async with serving(store) as server:
            beat = pack(upload(b"", command="9015", request="20240531120000009", flag=9).data())
            found = await exchange(server.port, second + second + beat + first, 3)
            assert [each.command for each in found] == ["9013", "9014", "9014"]
            assert [each.command for each in await exchange(server.port, second, 1)] == ["9014"]
        assert (len(store.names), store.refused) == (1, [])
        assert {(name, told) for name, _, told in store.rows()} == {("S1.a1", 0.0), ("S1.a2", 0.0)}

    run(test())


def test_each_part_alone_is_answered_at_once() -> None:
    async def test() -> None:
        store = Store()
        async with serving(store, settings=Settings(each_part_alone=True)) as server:
            assert len(await exchange(server.port, parts_of()[0], 1)) == 1
        assert (len(store.batches), store.refused) == (1, [])

    run(test())


@pytest.mark.parametrize("edition", ["2005", "2017", "2025"])
def test_a_gap_is_asked_for_and_filled(edition: str) -> None:
    async def test() -> None:
        store, made, asked = Store(), station(edition=edition), list[str]()
        until = BEGUN + timedelta(hours=30)
        made.tell(until)
        missed = {key: made.kept.pop(key) for key in list(made.kept)[:-1]}  # lost: it is only in the memory of the station

        def missing(name: str) -> list[tuple[datetime, datetime]]:
            asked.append(name)
            return [(BEGUN, until), (until, until)]

        async with serving(store, missing=missing) as server:
            link = await deliver(made, server.port)
            await link.until(lambda: link.answered == 4)  # minutes and hours, a day at most in each request
            made.tell(until + timedelta(minutes=5))
            await link.deliver()  # behind the answers to the requests
            await link.close()
        assert len(missed) > 500
        periods = {row for row in expected(until) if "hour" in row[0] or "minute" in row[0]}
        assert {row for batch in store.batches.values() for row in keyed(batch) if row[0].count(".") > 1} == periods
        assert asked == ["S1"]
        assert store.refused == []

    run(test())


@pytest.mark.parametrize("says", ["9012", "9011", ""])
def test_a_station_that_refuses_or_says_nothing_is_asked_for_the_next(says: str) -> None:
    async def test() -> None:
        span = (BEGUN, BEGUN + timedelta(hours=1))
        async with serving(Store(), missing=lambda name: [span], settings=Settings(history=5.0 if says else 0.05)) as server:
            reader, writer = await asyncio.open_connection(HOST, server.port)
            writer.write(pack(upload(flag=4).data()))
            found = []
            for _ in range(2):
                request = parse((await reader.readuntil(b"\r\n"))[6:-6])
                found.append(request)
                if says:
                    content = b"QnRtn=2" if says == "9011" else b"ExeRtn=4"
                    answer = upload(content, command=says, request=request.request, system="91", flag=4)
                    writer.write(pack(upload(b"QnRtn=1", command="9011", request="1", flag=4).data()))
                    writer.write(pack(answer.data()))
            writer.transport.abort()
        assert [each.command for each in found] == ["2061", "2051"]
        assert len({each.request for each in found}) == 2
        assert {each.content for each in found} == {b"BeginTime=20240531120000,EndTime=20240531130000"}
        assert {(each.system, each.station, each.password, each.flag) for each in found} == {("22", "S1", "123456", 5)}

    run(test())


def test_a_station_runs_by_its_clock_through_restarts_of_the_server() -> None:
    async def test() -> None:
        store, made, now = Store(), station(), [BEGUN]

        async def sleep(seconds: float) -> None:
            now[0] += timedelta(seconds=seconds)
            if now[0] == BEGUN + timedelta(minutes=10):
                await servers[0].close()
            if now[0] == BEGUN + timedelta(minutes=15):
                servers.append(await serve(HOST, servers[0].port, store.put, anybody, clock=lambda: NOW))
            if now[0] > NOW:
                raise asyncio.CancelledError

        servers = [await serve(HOST, 0, store.put, anybody, clock=lambda: NOW)]
        with pytest.raises(asyncio.CancelledError):
            await made.run(HOST, servers[0].port, lambda: now[0], sleep)
        await servers[1].close()
        assert (made.kept, store.rows()) == ({}, expected())

    run(test())


def test_a_station_s_memory_is_bounded_and_says_what_it_lost() -> None:
    made = station(most_kept=5)
    made.tell(NOW)
    assert (len(made.kept), made.lost) == (5, 1)
