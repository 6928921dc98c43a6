"""Stations as a connection: what they report is in the inbox when it is answered; strangers and others' data are kept out."""
# ruff: noqa: S101

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from scicity.access.collecting import Connection
from scicity.access.gathering import Desk, protocols, refused
from scicity.access.hj212.frames import pack
from scicity.access.hj212.listen import HEARD, listen, listening
from scicity.access.hj212.loopback import BEGUN, HOST, NOW, PASSWORD, Rows, deliver, exchange, expected, run, station, upload
from scicity.access.hj212.serve import Server
from scicity.access.inbox import LANES, Inbox

CONNECTION = Connection("stations", "hj212", f"{HOST}:0", timedelta(0), ())


@dataclass
class Device:
    """May send for what begins with its name."""

    name: str

    def not_its_own(self, datastreams: Sequence[str]) -> list[str]:
        return [each for each in datastreams if not each.startswith(f"{self.name}.a340")]


def desk(inbox: Inbox, *stations: str, password: str | None = PASSWORD) -> Desk:
    return Desk(inbox, lambda name: Device(name) if name in stations else None, lambda name: password)


@asynccontextmanager
async def server(desk: Desk) -> AsyncIterator[Server]:
    server = await listening(CONNECTION, desk, lambda: NOW)
    try:
        yield server
    finally:
        await server.close()


def kept(inbox: Inbox) -> Rows:
    rows = [row for lane in LANES for each in inbox.waiting(10**6, lane) for row in each.batch.rows.to_pylist()]
    return {(row["datastream"], row["time"], row["value"]) for row in rows}


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path / "inbox.sqlite3")


def test_it_is_a_protocol_of_connections_without_points() -> None:
    assert "hj212" in protocols()
    assert refused("hj212", "S1.a34004")


def test_what_a_station_delivers_is_in_the_inbox(inbox: Inbox) -> None:
    async def program() -> None:
        async with server(desk(inbox, "S1")) as there:
            made = station()
            made.tell(NOW)
            link = await deliver(made, there.port)
            assert made.kept == {}
            await link.close()

    run(program())
    assert kept(inbox) == expected()
    assert set(inbox.heard()) == {f"{HEARD}S1"}


def test_behind_an_outage_the_station_is_asked_for_what_is_missing(inbox: Inbox) -> None:
    inbox.put([], [(f"{HEARD}S1", BEGUN - timedelta(minutes=1))])

    async def program() -> None:
        async with server(desk(inbox, "S1")) as there:
            made = station(most_kept=1)  # of what it wrote down meanwhile it has kept the newest message alone
            made.tell(NOW)
            link = await deliver(made, there.port)
            await link.until(lambda: link.answered >= 2)  # hours and minutes
            await exchange(there.port, pack(upload(flag=5).data()), 1)
            await link.close()

    run(program())
    ten = {row for row in expected() if ".minute." in row[0]}
    assert ten <= kept(inbox)


@pytest.mark.parametrize(("stations", "password"), [(("S1",), "654321"), (("S2",), PASSWORD), ((), PASSWORD)])
def test_strangers_are_not_answered(inbox: Inbox, stations: tuple[str, ...], password: str) -> None:
    async def program() -> None:
        async with server(desk(inbox, *stations)) as there:
            assert await exchange(there.port, pack(upload(password=password).data()), 1) == []

    run(program())
    assert kept(inbox) == set() and inbox.unread() == []


def test_what_is_not_a_stations_own_is_kept_aside(inbox: Inbox) -> None:
    content = b"DataTime=20240531120000;a34004-Rtd=1;w01018-Rtd=2"

    async def program() -> None:
        async with server(desk(inbox, "S1")) as there:
            (answer,) = await exchange(there.port, pack(upload(content).data()), 1)
            assert answer.command == "9014"

    run(program())
    assert {(name, value) for name, _, value in kept(inbox)} == {("S1.a34004", 1.0)}
    (unread,) = inbox.unread()
    assert unread.problems[0]["code"] == "sender" and b"S1.w01018" in unread.content


@pytest.mark.parametrize("rubbish", [bytes(70_000), b"##9999" + b"a" * 70_000, b"##0005abcde0000\r\n" * 300])
def test_rubbish_leaves_others_untouched(inbox: Inbox, rubbish: bytes) -> None:
    async def program() -> None:
        async with server(desk(inbox, "S1")) as there:
            made = station()
            made.tell(NOW)
            answers, link = await asyncio.gather(exchange(there.port, rubbish + b"##", 1), deliver(made, there.port))
            assert answers == []
            await link.close()

    run(program())
    assert kept(inbox) == expected()


def test_without_a_password_nobody_is_let_in(inbox: Inbox) -> None:
    with pytest.raises(ValueError, match="password"):
        asyncio.run(listen(CONNECTION, desk(inbox, "S1", password=None)))
