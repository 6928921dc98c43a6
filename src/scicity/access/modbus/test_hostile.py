"""The session against servers that do what they should not."""
# ruff: noqa: S101

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from scicity.access.modbus.simulate import simulated
from scicity.access.modbus.test_collect import NOW, SHORT, THREE, both, faults, found, opened, run, unit_of

Reply = Callable[[int, bytes], Iterable[bytes | None]]


@asynccontextmanager
async def saying(reply: Reply) -> AsyncIterator[asyncio.Server]:
    """A server on a free port that says to each request, over the connection of that number, what `reply` gives; it ends the
    connection behind a None."""
    count = 0
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        number = count
        writers.append(writer)
        try:
            while request := await reader.read(300):
                for each in reply(number, request):
                    if each is None:
                        return
                    writer.write(each)
                    await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()


def answer_to(request: bytes, word: int) -> bytes:
    """The answer over TCP to a request for one register."""
    return request[:5] + bytes([5, request[6], 3, 2]) + word.to_bytes(2, "big")


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


def test_what_was_heard_before_the_server_went_is_kept_and_then_nobody_is_there() -> None:
    async def scenario() -> None:
        def reply(number: int, request: bytes) -> Iterable[bytes | None]:
            if request[6] == 1:
                return [answer_to(request, 1)]
            server.close()
            return [None]

        async with saying(reply) as server, opened("tcp", port_of(server), THREE) as s:
            answer = await s.read(NOW)
            assert found(answer) == {THREE[0]: 1.0}
            assert faults(answer) == [("value-missing", "unit 2"), ("value-missing", "unit 3")]
            with pytest.raises(ConnectionError, match="no connection"):
                await s.read(NOW)

    run(scenario())


def test_an_answer_counts_though_the_connection_ends_right_behind_it() -> None:
    async def scenario() -> None:
        async with (
            saying(lambda number, request: [answer_to(request, number), None]) as server,
            opened("tcp", port_of(server), THREE) as s,
        ):
            for begin in (1, 4):
                answer = await s.read(NOW)
                assert found(answer) == {item: begin + number for number, item in enumerate(THREE)}
                assert faults(answer) == []

    run(scenario())


def test_an_answer_in_pieces_is_one() -> None:
    async def scenario() -> None:
        def reply(number: int, request: bytes) -> Iterable[bytes]:
            return (bytes([byte]) for byte in answer_to(request, 515))

        async with saying(reply) as server, opened("tcp", port_of(server), THREE[:1]) as s:
            assert found(await s.read(NOW)) == {THREE[0]: 515.0}

    run(scenario())


def changed(at: int, byte: int) -> Callable[[bytes], bytes]:
    return lambda answer: answer[:at] + bytes([byte]) + answer[at + 1 :]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (lambda answer: b"\xff" * 40, "value-missing"),
        (lambda answer: b"\x00" * 40, "value-missing"),
        (lambda answer: b"GET / HTTP/1.1\r\n\r\n", "value-missing"),
        (lambda answer: answer[:-1], "value-missing"),
        (lambda answer: b"", "value-missing"),
        (lambda answer: b"\xff" * 70_000, "value-missing"),
        (changed(1, 99), "value-missing"),  # the transaction is another one
        (lambda answer: b"\0\0" + answer[2:], "syntax"),  # and none at all, which pymodbus lets pass
        (changed(6, 9), "value-missing"),  # the unit is another one
        (changed(7, 4), "syntax"),  # the function is another one
        (changed(7, 0x2B), "syntax"),
        (changed(7, 0x84), "syntax"),
        (changed(8, 3), "syntax"),  # more or fewer bytes than there are
        (changed(8, 0), "syntax"),
        (changed(8, 255), "syntax"),
        (changed(5, 4), "syntax"),
        (lambda answer: answer[:5] + bytes([7]) + answer[6:8] + bytes([4]) + answer[9:] + b"\1\2", "syntax"),
        (lambda answer: answer[:5] + bytes([2]) + answer[6:8], "syntax"),
        (lambda answer: answer[:5] + bytes([2]) + answer[6:7] + b"\x83", "syntax"),
    ],
    ids=range(19),
)
def test_nonsense_from_one_unit_costs_the_others_nothing(said: Callable[[bytes], bytes], code: str) -> None:
    complaints: list[dict[str, Any]] = []

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        async with simulated(THREE, unit_of) as device, opened("tcp", device.port, THREE, SHORT) as s:
            device.mangle = lambda answer: said(answer) if answer[6] == 2 else answer
            answer = await s.read(NOW)
            assert found(answer) == {THREE[0]: 1.0, THREE[2]: 3.0}
            assert faults(answer) == [(code, "unit 2")]
            device.mangle = None
            assert len(found(await s.read(NOW))) == 3

    run(scenario())
    assert complaints == []


@pytest.mark.parametrize(
    "said",
    [
        lambda answer: b"\xff" * 40,
        lambda answer: answer[:-1],
        lambda answer: answer[:-1] + bytes([answer[-1] ^ 1]),
        lambda answer: answer[:3] + bytes([answer[3] ^ 1]) + answer[4:],
        lambda answer: b"\2\3\xff" * 30_000,
        lambda answer: b"\2\x08\0\0\0\0\0\0\0\0",
    ],
    ids=range(6),
)
def test_nonsense_in_rtu_frames_costs_the_others_nothing(said: Callable[[bytes], bytes]) -> None:
    complaints: list[dict[str, Any]] = []

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        async with simulated(THREE, unit_of, "rtu") as device, opened("rtu", device.port, THREE, SHORT) as s:
            device.mangle = lambda answer: said(answer) if answer[0] == 2 else answer
            answer = await s.read(NOW)
            assert found(answer) == {THREE[0]: 1.0, THREE[2]: 3.0}
            assert faults(answer) == [("value-missing", "unit 2")]

    run(scenario())
    assert complaints == []


@both
def test_nothing_but_nonsense_is_nobody(framing: str) -> None:
    async def scenario() -> None:
        async with (
            saying(lambda number, request: [b"SSH-2.0-OpenSSH\r\n"]) as server,
            opened(framing, port_of(server), THREE, SHORT) as s,
        ):
            with pytest.raises(TimeoutError, match="53 53 48"):
                await s.read(NOW)

    run(scenario())


def test_a_late_rtu_answer_is_not_taken_for_the_next_one() -> None:
    items = ["1/holding/0/uint16", "1/holding/9/uint16"]
    late = bytes.fromhex("0103020007F986")

    async def scenario() -> None:
        def reply(number: int, request: bytes) -> Iterable[bytes | None]:
            said.append((number, request[3]))
            return [] if len(said) == 1 else [late]

        said: list[tuple[int, int]] = []
        async with saying(reply) as server, opened("rtu", port_of(server), items, SHORT) as s:
            with pytest.raises(TimeoutError):
                await s.read(NOW)
            assert found(await s.read(NOW)) == dict.fromkeys(items, 7.0)
            assert said == [(1, 0), (2, 0), (2, 9)]  # what the first connection still had to say is lost with it

    run(scenario())
