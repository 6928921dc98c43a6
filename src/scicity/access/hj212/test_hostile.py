"""What hostile and broken peers do to the server: it bears them, within its bounds, and they hold nobody up."""
# ruff: noqa: S101

from __future__ import annotations

import asyncio
import socket
from datetime import timedelta

import pytest

from scicity.access.hj212.frames import Parts, pack, parse
from scicity.access.hj212.loopback import (
    HOST,
    NOW,
    Store,
    deliver,
    exchange,
    expected,
    parts_of,
    run,
    serving,
    station,
    upload,
)
from scicity.access.hj212.serve import Settings


def test_parts_that_wait_are_bounded_in_number_bytes_and_time() -> None:
    async def test() -> None:
        store = Store()
        beat = pack(upload(b"", command="9015", flag=9).data())
        async with serving(store, settings=Settings(part_sets=3)) as server:
            sent = [parts_of(f"2024053112000000{n}")[0] for n in range(5)]
            await exchange(server.port, b"".join(sent) + beat, 1)
        assert (store.codes(), store.batches) == (["value-missing"] * 5, {})
        store = Store()
        async with serving(store, settings=Settings(part_bytes=1000)) as server:
            await exchange(server.port, b"".join(parts_of(count=6)[:5]) + beat, 1)
        assert "value-missing" in store.codes()
        store = Store()
        async with serving(store, settings=Settings(parts_wait=-1.0)) as server:
            await exchange(server.port, b"".join(parts_of()) + beat, 1)
        assert (store.codes(), store.batches) == (["value-missing"] * 2, {})

    run(test())


def test_parts_are_let_go_of_by_their_age() -> None:
    parts = Parts()
    first, second = (parse(packet[6:-6]) for packet in parts_of())
    assert parts.add(first, 1.0) == ()
    assert parts.let_go(1.0) == []
    assert parts.let_go(1.1) == [(first,)]
    assert (parts.waiting(), parts.add(second, 2.0), parts.dropped) == ([], (), 1)


@pytest.mark.parametrize("stream", [b"a", b"#", b"##9999", b"##0000FFFE\r\n", b"\x00\xff", pack(b"ST=22")], ids=range(6))
def test_ten_megabytes_of_rubbish_end_the_connection_and_hold_nobody_up(stream: bytes) -> None:
    async def test() -> None:
        store, made = Store(), station()
        made.tell(NOW)
        async with serving(store) as server:
            hostile = asyncio.create_task(exchange(server.port, stream * (10_000_000 // len(stream)), 1))
            await (await deliver(made, server.port)).close()
            assert await hostile == []
        assert store.rows() == expected()
        assert len(store.refused) <= Settings().faults + 3
        assert all(len(payload) < 10_000 for _, _, payload in store.refused)

    run(test())


def test_one_byte_at_a_time_is_a_message_and_no_way_to_stay() -> None:
    async def test() -> None:
        store, packet = Store(), pack(upload().data())
        async with serving(store) as server:
            reader, writer = await asyncio.open_connection(HOST, server.port)
            for byte in packet:
                writer.write(bytes([byte]))
                await writer.drain()
            assert b"CN=9014" in await reader.readuntil(b"\r\n")
            writer.close()
        async with serving(store, settings=Settings(first=0.1)) as server:
            reader, writer = await asyncio.open_connection(HOST, server.port)
            ended = asyncio.create_task(reader.read())
            while not ended.done():  # without end, if the server let it
                writer.write(b"a")
                await asyncio.sleep(0)
            writer.transport.abort()
            assert server.connected == 0 or ended.done()

    run(test())


def test_who_says_nothing_any_more_is_let_go() -> None:
    async def test() -> None:
        async with serving(Store(), settings=Settings(idle=0.05)) as server:
            reader, writer = await asyncio.open_connection(HOST, server.port)
            writer.write(pack(upload().data()))
            assert b"CN=9014" in await reader.readuntil(b"\r\n")
            assert await reader.read() == b""
            writer.close()

    run(test())


def test_who_reads_no_answers_is_let_go() -> None:
    async def test() -> None:
        store = Store()
        async with serving(store, settings=Settings(write=0.05)) as server:
            server._listening.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # connections inherit it
            narrow = socket.socket()
            narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            narrow.setblocking(False)
            await asyncio.get_running_loop().sock_connect(narrow, (HOST, server.port))
            _, writer = await asyncio.open_connection(sock=narrow, limit=1024)
            beats = pack(upload(b"", command="9015", flag=9).data()) * 1000
            with pytest.raises(ConnectionError):
                while True:
                    writer.write(beats)
                    await writer.drain()
            writer.transport.abort()

    run(test())


def test_a_thousand_strangers_crowd_out_no_station() -> None:
    async def test() -> None:
        store, made = Store(), station()
        async with serving(store, settings=Settings(connections=20)) as server:
            made.tell(NOW - timedelta(minutes=10))
            link = await deliver(made, server.port)
            strangers = []
            for _ in range(1000):
                _, writer = await asyncio.open_connection(HOST, server.port)
                strangers.append(writer)
                assert server.connected <= 20
                if len(strangers) > 200:
                    strangers.pop(0).transport.abort()
            made.tell(NOW)
            await link.deliver()
            late = station("S2")
            late.tell(NOW)
            await (await deliver(late, server.port)).close()
            await link.close()
            for writer in strangers:
                writer.transport.abort()
        assert store.rows() == expected(names=("S1", "S2"))

    run(test())


def test_where_all_are_stations_one_more_must_wait() -> None:
    async def test() -> None:
        store = Store()
        async with serving(store, settings=Settings(connections=2)) as server:
            links = []
            for name in ("S1", "S2"):
                made = station(name)
                made.tell(NOW)
                links.append(await deliver(made, server.port))
            assert await exchange(server.port, pack(upload(station="S3").data()), 1) == []
            for link in links:
                await link.close()
        assert store.rows() == expected(names=("S1", "S2"))

    run(test())


def test_a_fault_in_what_the_caller_gave_ends_one_connection_only() -> None:
    async def test() -> None:
        def allowed(name: str, password: str) -> bool:
            if name == "S2":
                raise RuntimeError("a fault")
            return True

        async with serving(Store(), allowed=allowed) as server:
            assert await exchange(server.port, pack(upload(station="S2").data()), 1) == []
            assert len(await exchange(server.port, pack(upload().data()), 1)) == 1

    run(test())
