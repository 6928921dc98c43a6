"""Monitoring stations as a connection of the access network: an address at which they report.

A station is a device of the cockpit with its MN as name; all stations of a connection have its password. What a station sent
last is remembered, so that behind an outage it is asked for the hours and minutes between.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from scicity.access.collecting import Connection
from scicity.access.gathering import Desk
from scicity.access.hj212.serve import Server, Settings, serve
from scicity.kernel.problems import Problems
from scicity.kernel.reading import Batch

PORT = 9212
SILENT = timedelta(minutes=20)  # two periods of ten minutes: behind them something is missing
REMEMBERS = timedelta(days=30)  # so far back a station is asked
HEARD = "hj212 "  # in front of a station's MN, as the inbox remembers when it was heard of
log = logging.getLogger(__name__)


async def listen(connection: Connection, desk: Desk) -> None:
    """Takes what stations report at `hj212://host:port` (`host:port` does too), until it is cancelled.

    Raises ValueError where the address is none or no password is set, OSError where the port is taken.
    """
    server = await listening(connection, desk)
    try:
        await asyncio.Event().wait()
    finally:
        await server.close()


async def listening(connection: Connection, desk: Desk, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Server:
    """A server that takes what stations report; returns when it does. Raises as `listen`."""
    address = connection.address
    where, password = urlsplit(address if "//" in address else f"//{address}"), desk.password(connection.name)
    if not password:
        raise ValueError(f"{connection.name} has no password; stations are not taken without one")
    heard = {name.removeprefix(HEARD): time for name, time in desk.inbox.heard().items() if name.startswith(HEARD)}
    stations = Stations(connection.name, desk, password, heard, clock)
    told = Settings(place=connection.name)
    return await serve(
        where.hostname or "127.0.0.1",
        PORT if where.port is None else where.port,
        stations.put,
        stations.allowed,
        refused=stations.refused,
        missing=stations.missing,
        settings=told,
        clock=clock,
    )


class Stations:
    """What the server asks of the access network."""

    def __init__(
        self, name: str, desk: Desk, password: str, heard: Mapping[str, datetime], clock: Callable[[], datetime]
    ) -> None:
        self.name, self.desk, self.password, self.clock = name, desk, password.encode(), clock
        self.heard = dict(heard)
        self._before = dict(heard)  # what was heard before a station's last data

    async def allowed(self, station: str, password: str) -> bool:
        """Whether a station is a device that may send, and has told the connection's password."""
        known = await asyncio.to_thread(self.desk.sender_of, station)
        return hmac.compare_digest(password.encode(), self.password) and known is not None

    async def put(self, batch: Batch) -> None:
        """Returns when a station's data are on stable storage, or kept with their problem where they are not its own."""
        station = str(batch.rows.column("datastream")[0].as_py()).partition(".")[0]
        sender = await asyncio.to_thread(self.desk.sender_of, station)
        others = sender.not_its_own(batch.rows.column("datastream").unique().to_pylist()) if sender else [station]
        if others:
            await asyncio.to_thread(self._keep_aside, batch, station, others)
            batch = replace(
                batch, rows=batch.rows.filter(pc.invert(pc.is_in(batch.rows.column("datastream"), pa.array(others))))
            )
        newest = pc.max(batch.rows.column("time")).as_py()
        if newest is not None:
            last = self._before[station] = self.heard.get(station, newest)
            self.heard[station] = max(newest, last)
            await self.desk.keep(batch, {HEARD + station: self.heard[station]})

    def _keep_aside(self, batch: Batch, station: str, others: list[str]) -> None:
        """Puts what is not the station's own beside the messages that could not be read, as CSV."""
        problems, sink = Problems(), pa.BufferOutputStream()
        found, expected = ", ".join(others[:5]), f"datastreams that {station} may send for"
        problems.add("sender", batch.place, found=found, expected=expected)
        csv.write_csv(batch.rows.filter(pc.is_in(batch.rows.column("datastream"), pa.array(others))), sink)
        content = sink.getvalue().to_pybytes()
        self.desk.inbox.keep_unread(f"{batch.name}-aside", batch.place, batch.arrived, "hj212", problems, content)

    def refused(self, who: str, problems: Problems, payload: bytes) -> None:
        """Says in the log what could not be read; the station sends it again, for it was not answered."""
        for problem in problems:
            log.warning("%s: %s: %s", self.name, who, problem)

    def missing(self, station: str) -> list[tuple[datetime, datetime]]:
        """From when until when nothing was heard of a station before it reported again."""
        now, last = self.clock(), self._before.pop(station, None)
        return [(max(last, now - REMEMBERS), now)] if last is not None and now - last > SILENT else []
