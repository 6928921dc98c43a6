"""Monitoring stations as a connection of the access network: they connect to an address of ours, and send by themselves."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from scicity.access.collecting import MEMORY, Connection
from scicity.access.gathering import RETRY, Desk, Sender
from scicity.access.hj212.decode import without_password
from scicity.access.hj212.serve import NotItsOwnError, Settings, serve, told
from scicity.access.inbox import InboxFull
from scicity.access.storage import StorageRefused
from scicity.kernel.problems import Problems
from scicity.kernel.reading import Batch

SHAPE = "tcp://host:port of this machine, and perhaps ?minutes=10&zone=Asia/Shanghai&parts=alone"
MOST_UNREAD = 1_000  # messages that could not be read and wait to be kept
MOST_NAMED = 5  # datastreams that a problem names
BEFORE = timedelta(hours=1)  # so long before a gap a period may have begun that ended within it
log = logging.getLogger(__name__)


async def listen(connection: Connection, desk: Desk, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """Takes what stations send until it is cancelled; each message is acknowledged when the inbox keeps it.

    A station is a device of the name MN; its password is that of `<connection>-<MN>`, or else that of the connection. Raises
    ValueError for an address that cannot be read (see SHAPE), and OSError where the port is taken.
    """
    host, port, settings = where(connection.address, connection.name)
    stations = Stations(connection, desk, await asyncio.to_thread(desk.inbox.heard), clock)
    keeping = asyncio.create_task(stations.keep_unread())
    try:
        asked = {"refused": stations.refused, "missing": stations.missing, "filled": stations.filled}
        server = await serve(host, port, stations.put, stations.allowed, settings=settings, clock=clock, **asked)
        try:
            log.info("%s listens at %s:%s", connection.name, host, server.port)
            await asyncio.Event().wait()
        finally:
            await server.close()
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


def where(address: str, name: str) -> tuple[str, int, Settings]:
    """Host, port and settings that an address says. Raises ValueError, which says what was expected."""
    try:
        parts = urlsplit(address)
        port, options = parts.port, dict(parse_qsl(parts.query, True, True)) if parts.query else {}
        minutes, zone, alone = options.pop("minutes", ""), options.pop("zone", ""), options.pop("parts", "")
        if parts.scheme != "tcp" or not parts.hostname or port is None or parts.path or parts.username is not None or options:
            raise ValueError(address)
        if alone not in ("", "alone") or (
            minutes and not (minutes.isascii() and minutes.isdigit() and 1 <= int(minutes) <= 60)
        ):
            raise ValueError(address)
        said = {"interval": timedelta(minutes=int(minutes))} if minutes else {}
        said |= {"zone": ZoneInfo(zone)} if zone else {}
    except (ValueError, OSError, KeyError):  # of ZoneInfo, too
        raise ValueError(f"{address}: expected {SHAPE}") from None
    return parts.hostname, port, Settings(name, each_part_alone=bool(alone), **said)  # type: ignore[arg-type]


@dataclass
class Stations:
    """Who may send, up to when each station has been heard of without a gap, and what of a gap is being asked for.

    `heard` is by `<connection>/<MN>`, as the inbox keeps it.
    """

    connection: Connection
    desk: Desk
    heard: dict[str, datetime]
    clock: Callable[[], datetime]
    _senders: dict[str, Sender] = field(default_factory=dict)
    _asking: dict[str, datetime] = field(default_factory=dict)  # up to when a gap of a station is asked for
    _unread: asyncio.Queue[tuple[str, str, datetime, Problems, bytes]] = field(
        default_factory=lambda: asyncio.Queue(MOST_UNREAD)
    )

    async def allowed(self, station: str, password: str) -> bool:
        """Whether a station is a device that may send, and the password its own."""
        sender = await asyncio.to_thread(self.desk.sender_of, station)
        if sender is None:
            self._senders.pop(station, None)
            return False
        name = self.connection.name
        wanted = self.desk.password(f"{name}-{station}") or self.desk.password(name)
        if not wanted:
            log.error("%s: no password is set, so that no station can send", name)
            return False
        if not hmac.compare_digest(wanted.encode("utf-8", "surrogateescape"), password.encode()):
            return False
        self._senders[station] = sender
        return True

    async def put(self, batch: Batch) -> None:
        """Returns when a batch is on stable storage. Raises NotItsOwnError for datastreams that are not the station's."""
        names = batch.rows.column("datastream").unique().to_pylist()
        station = names[0].partition(".")[0]  # each begins with it, and no MN holds a point
        others = self._senders[station].not_its_own(names)
        if others:
            raise NotItsOwnError(", ".join(others[:MOST_NAMED]))
        whole = {} if station in self._asking else {self._key(station): batch.arrived}
        await self.desk.keep(batch, whole)
        self.heard |= whole

    def missing(self, station: str) -> list[tuple[datetime, datetime]]:
        """From when to when nothing was heard of a station, for as long as such things remember."""
        since, now = self.heard.get(self._key(station)), self.clock()
        if since is None or (now - since <= 1.5 * self.connection.interval and station not in self._asking):
            return []
        self._asking[station] = now
        whole = since.replace(minute=0, second=0, microsecond=0) - BEFORE
        return [(max(whole, now - MEMORY), now)]

    def filled(self, station: str) -> None:
        """A station was asked for all that was missing."""
        until = self._asking.pop(station, None)
        if until is not None:
            self.heard[self._key(station)] = until

    def refused(self, who: str, problems: Problems, payload: bytes) -> None:
        """Says what could not be read; what a known station sent is kept for people to see, without its password."""
        told(f"{self.connection.name}: {who}", problems, payload)
        station, at, _ = who.partition(" at ")
        if not at or station not in self._senders or any(problem.code == "reference" for problem in problems):
            return
        content = without_password(payload).encode()
        name = hashlib.sha256(self.connection.name.encode() + b"\0" + content).hexdigest()[:32]
        if self._unread.full():
            log.warning("%s: more could not be read than can be kept", self.connection.name)
            return
        self._unread.put_nowait((name, f"{self.connection.name} {station}", self.clock(), problems, content))

    async def keep_unread(self) -> None:
        """Puts what could not be read on stable storage, until it is cancelled."""
        while True:
            name, place, arrived, problems, content = await self._unread.get()
            try:
                await asyncio.to_thread(self.desk.inbox.keep_unread, name, place, arrived, "hj212", problems, content)
            except (InboxFull, StorageRefused) as error:
                log.warning("%s: what could not be read is not kept: %s", place, error)
                await asyncio.sleep(RETRY)

    def _key(self, station: str) -> str:
        return f"{self.connection.name}/{station}"
