"""A connection of the access network: stations send, the inbox keeps, and what was missed is asked for."""
# ruff: noqa: S101, S106

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from scicity.access import gathering
from scicity.access.collecting import Connection
from scicity.access.gathering import Desk, protocols, refused
from scicity.access.hj212 import listen as listening
from scicity.access.hj212.frames import pack
from scicity.access.hj212.loopback import (
    BEGUN,
    HOST,
    NOW,
    PASSWORD,
    Rows,
    deliver,
    exchange,
    expected,
    keyed,
    run,
    station,
    upload,
)
from scicity.access.hj212.serve import Server, serve
from scicity.access.inbox import LANES, Inbox, InboxFull

WEST = Connection("west", "hj212", f"tcp://{HOST}:0", timedelta(minutes=5), ())
LATER = NOW + timedelta(hours=5)


class Own:
    """May send what its pattern holds."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def not_its_own(self, datastreams: Sequence[str]) -> list[str]:
        return [name for name in datastreams if not re.fullmatch(self.pattern, name)]


DEVICES = {"S1": Own(r"S1\..*"), "S2": Own(r"S2\..*"), "narrow": Own(r"narrow\.a")}


def desk(inbox: Inbox, passwords: dict[str, str] | None = None) -> Desk:
    return Desk(inbox, DEVICES.get, ({"west": PASSWORD} if passwords is None else passwords).get)


@asynccontextmanager
async def listens(desk: Desk, now: datetime = NOW, connection: Connection = WEST) -> AsyncIterator[Server]:
    """Listens as `collect` does; gives the server, which tells its port."""
    began, servers = asyncio.Event(), list[Server]()

    async def told(*given: object, **options: object) -> Server:
        servers.append(await serve(*given, **options))  # type: ignore[arg-type]
        began.set()
        return servers[0]

    patched: ModuleType = listening
    patched.serve = told  # type: ignore[attr-defined]
    task = asyncio.create_task(listening.listen(connection, desk, lambda: now))
    try:
        begin = asyncio.create_task(began.wait())
        await asyncio.wait((task, begin), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            begin.cancel()
            await task
        yield servers[0]
    finally:
        patched.serve = serve  # type: ignore[attr-defined]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def kept(inbox: Inbox) -> Rows:
    return {row for lane in LANES for waiting in inbox.waiting(10**6, lane) for row in keyed(waiting.batch)}


def test_hj212_is_a_protocol_of_connections_and_takes_no_points() -> None:
    assert "hj212" in protocols()
    assert "no points" in refused("hj212", "S1.a34004")


def test_what_a_station_sends_is_in_the_inbox_when_it_is_acknowledged(tmp_path: Path) -> None:
    async def test() -> None:
        inbox, made = Inbox(tmp_path / "inbox.sqlite3"), station()
        made.tell(NOW)
        async with listens(desk(inbox)) as server:
            link = await deliver(made, server.port)
            assert (made.kept, kept(inbox)) == ({}, expected())
            await link.close()
        assert inbox.heard() == {"west/S1": NOW}

    run(test())


def test_while_the_inbox_refuses_nothing_is_acknowledged_and_then_all_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        inbox, made, tries = Inbox(tmp_path / "inbox.sqlite3"), station(), []
        put = inbox.put
        monkeypatch.setattr(gathering, "RETRY", 0)

        def refusing(batches, heard=()):
            tries.append(len(made.kept))
            if len(tries) < 4:
                raise InboxFull("full")
            put(batches, heard)

        monkeypatch.setattr(inbox, "put", refusing)
        made.tell(NOW)
        async with listens(desk(inbox)) as server:
            await (await deliver(made, server.port)).close()
        assert tries[:4] == [6] * 4
        assert (made.kept, kept(inbox)) == ({}, expected())

    run(test())


def test_what_was_lost_while_nobody_listened_is_asked_for_and_asked_again_where_that_was_cut_short(tmp_path: Path) -> None:
    async def test() -> None:
        inbox, made = Inbox(tmp_path / "inbox.sqlite3"), station()
        made.tell(NOW)
        async with listens(desk(inbox)) as server:
            await (await deliver(made, server.port)).close()
        made.tell(LATER)
        lost = [made.kept.pop(request) for request in list(made.kept)[:-1]]  # it is in the station's memory only
        assert len(lost) > 80
        async with listens(desk(inbox), LATER) as server:
            reader, writer = await asyncio.open_connection(HOST, server.port)
            writer.write(pack(upload(flag=4).data()))
            assert b"CN=2061" in await reader.readuntil(b"\r\n")
            writer.transport.abort()  # before it has answered
        assert inbox.heard() == {"west/S1": NOW}
        async with listens(desk(inbox), LATER) as server:
            link = await deliver(made, server.port)
            await link.until(lambda: link.answered == 2)
            made.tell(LATER + timedelta(minutes=5))
            await link.deliver()  # behind the answers
            await link.close()
        assert inbox.heard() == {"west/S1": LATER}
        periods = {row for row in expected(LATER) if "minute" in row[0] or "hour" in row[0]}
        assert periods <= kept(inbox)
        async with listens(desk(inbox), LATER) as server:
            made.tell(LATER + timedelta(minutes=10))
            again = await deliver(made, server.port)
            await again.close()
            assert again.answered == 0, "nothing is missing any more"

    run(test())


def test_a_gap_is_asked_for_from_an_hour_before_it_and_as_long_as_devices_remember(tmp_path: Path) -> None:
    def stations(heard: datetime) -> listening.Stations:
        return listening.Stations(WEST, desk(Inbox(tmp_path / "inbox.sqlite3")), {"west/S1": heard}, lambda: LATER)

    assert stations(BEGUN + timedelta(minutes=20)).missing("S1") == [(BEGUN - timedelta(hours=1), LATER)]
    assert stations(LATER - timedelta(minutes=7)).missing("S1") == []
    assert stations(BEGUN).missing("S2") == []
    ((since, _),) = stations(LATER - timedelta(days=400)).missing("S1")
    assert LATER - since == timedelta(days=62)


def test_a_wrong_password_a_stranger_and_a_connection_without_a_password_send_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        inbox = Inbox(tmp_path / "inbox.sqlite3")
        wrong = (upload(password="123457"), upload(password=""), upload(station="S9"))
        async with listens(desk(inbox)) as server:
            for message in wrong:
                assert await exchange(server.port, pack(message.data()), 1) == []
        async with listens(desk(inbox, {})) as server:
            for message in (*wrong, upload()):
                assert await exchange(server.port, pack(message.data()), 1) == []
        assert (kept(inbox), inbox.heard(), inbox.unread_messages()) == (set(), {}, 0)

    run(test())


def test_a_station_with_a_password_of_its_own_has_no_other(tmp_path: Path) -> None:
    async def test() -> None:
        inbox = Inbox(tmp_path / "inbox.sqlite3")
        async with listens(desk(inbox, {"west": PASSWORD, "west-S2": "654321"})) as server:
            assert await exchange(server.port, pack(upload(station="S2").data()), 1) == []
            assert len(await exchange(server.port, pack(upload(station="S2", password="654321").data()), 1)) == 1
            assert len(await exchange(server.port, pack(upload().data()), 1)) == 1
        assert {name for name, _, _ in kept(inbox)} == {"S1.a", "S2.a"}

    run(test())


def test_a_datastream_that_is_not_its_own_is_kept_for_people_and_not_acknowledged(tmp_path: Path) -> None:
    async def test() -> None:
        inbox = Inbox(tmp_path / "inbox.sqlite3")
        told = {"station": "narrow"}
        both = b"DataTime=20240531120000;a-Rtd=1;b-Rtd=2"
        async with listens(desk(inbox)) as server:
            sent = pack(upload(both, request="20240531120000001", **told).data()) * 2
            found = await exchange(server.port, sent + pack(upload(request="20240531120000002", **told).data()), 1)
            assert [each.request for each in found] == ["20240531120000002"], "the connection goes on"
            while not inbox.unread_messages():
                await asyncio.sleep(0)
        assert {name for name, _, _ in kept(inbox)} == {"narrow.a"}
        (unread,) = inbox.unread()
        assert [(problem["code"], problem["found"]) for problem in unread.problems] == [("sender", "narrow.b")]
        assert (unread.form, unread.place) == ("hj212", "west narrow")
        assert b"b-Rtd=2" in unread.content and PASSWORD.encode() not in unread.content

    run(test())


def test_hostile_bytes_hold_nobody_up_and_fill_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        inbox, made = Inbox(tmp_path / "inbox.sqlite3"), station()
        made.tell(NOW)
        streams = (b"\x00\xff" * 500_000, b"##9999" * 50_000, pack(b"ST=22;PW=654321") * 500, pack(upload(b"\xff").data())[:-9])
        async with listens(desk(inbox)) as server:
            hostile = [asyncio.create_task(exchange(server.port, stream, 1)) for stream in streams[:3]]
            hostile.append(asyncio.create_task(exchange(server.port, streams[3] + pack(upload(station="S9").data()), 1)))
            await (await deliver(made, server.port)).close()
            assert await asyncio.gather(*hostile) == [[]] * 4
        assert (kept(inbox), inbox.unread_messages()) == (expected(), 0)

    with caplog.at_level(logging.WARNING):
        run(test())
    assert "654321" not in caplog.text and PASSWORD not in caplog.text


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nonsense",
        f"udp://{HOST}:1",
        "tcp://:9",
        f"tcp://{HOST}",
        f"tcp://{HOST}:x",
        f"tcp://{HOST}:9/path",
        f"tcp://u@{HOST}:9",
        f"tcp://{HOST}:9?minutes=0",
        f"tcp://{HOST}:9?minutes=ten",
        f"tcp://{HOST}:9?zone=Nowhere/Else",
        f"tcp://{HOST}:9?zone=../../etc/passwd",
        f"tcp://{HOST}:9?parts=other",
        f"tcp://{HOST}:9?other=1",
    ],
)
def test_an_address_that_cannot_be_read_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="tcp://host:port"):
        listening.where(address, "west")


def test_an_address_says_how_packets_are_read() -> None:
    host, port, settings = listening.where("tcp://[::1]:9001?minutes=10&zone=Asia/Urumqi&parts=alone", "west")
    assert (host, port, settings.place) == ("::1", 9001, "west")
    assert (settings.interval, settings.each_part_alone) == (timedelta(minutes=10), True)
    assert NOW.astimezone(settings.zone).utcoffset() in (timedelta(hours=6), timedelta(hours=8))
    assert listening.where(f"tcp://{HOST}:9001", "west")[2].interval is None


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    async def test() -> None:
        inbox = Inbox(tmp_path / "inbox.sqlite3")
        async with listens(desk(inbox)) as server:
            second = Connection("east", "hj212", f"tcp://{HOST}:{server.port}", timedelta(minutes=5), ())
            with pytest.raises(OSError, match="in use"):
                await listening.listen(second, desk(inbox))

    run(test())
