"""Asking an address for its feed: conditional requests by HTTP or HTTPS, bounded in time and size.

An item is `vehicle/<id>/<quantity>`, `trip/<trip_id>/<start_date>/delay` or
`trip/<trip_id>/<start_date>/stop/<stop>/<quantity>`; `*` for the start date is whichever the feed tells, the latest of several.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import re
import socket
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import SplitResult, urljoin, urlsplit

import pyarrow as pa

from scicity.access.collecting import Answer, Point
from scicity.access.gtfs_realtime.decode import DATE, MOST_BYTES, STOP_QUANTITIES, VEHICLE_QUANTITIES, Key, Said, read
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL

WITHIN = 30.0  # [s] from the request to the last byte
CHUNK = 65_536  # [byte]
MOST_REDIRECTS = 3
REDIRECTS = {301, 302, 303, 307, 308}
NOT_MODIFIED = 304
SCHEMES = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
VALIDATORS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
VALIDATOR = re.compile(r"[ -~]{1,200}")
ANY_DATE = "*"
LEVELS = (
    "vehicle/<id>/<quantity>, trip/<trip_id>/<start_date or *>/delay or trip/<trip_id>/<start_date or *>/stop/<stop>/<quantity>"
)


@dataclass(frozen=True)
class Response:
    """A body that came whole, and what makes the next request conditional; no body where nothing has changed."""

    body: bytes | None
    validators: Mapping[str, str]


def refused(item: str) -> str:
    """What an item should look like where this one cannot be read; empty where it can."""
    return "" if key_of(item) else LEVELS


def key_of(item: str) -> Key | None:
    """The levels of the datastream that an item is, as `decode.Said` has them; None where it is none. An id may hold `/`."""
    kind, _, rest = item.partition("/")
    name, _, quantity = rest.rpartition("/")
    if kind == "vehicle" and name and quantity in VEHICLE_QUANTITIES:
        return (kind, name, quantity)
    quantities = "|".join(STOP_QUANTITIES)
    form = rf"(.+)/({DATE.pattern}|\*)/(?:(delay)|stop/(.+)/({quantities}))"
    trip = re.fullmatch(form, rest) if kind == "trip" else None
    if trip is None:
        return None
    name, date, delay, stop, quantity = trip.groups()
    return (kind, name, date, delay) if delay else (kind, name, date, "stop", stop, quantity)


async def connect(address: str, points: Sequence[Point]) -> Session:
    """A session with the feed at an address; `read` asks it first. Raises OSError for an address that is none."""
    _parts(address)
    return Session(address, points)


class Session:
    """A feed, and what it said last: a feed, or a vehicle in it, that says the same again gives no reading."""

    def __init__(self, address: str, points: Sequence[Point], within: float = WITHIN) -> None:
        self.address, self.within = address, within
        self.place = urlsplit(address)._replace(query="").geturl()  # a query may hold a key
        self.points: dict[Key, list[Point]] = {}
        self.unread = [point for point in points if not key_of(point.item)]
        for point in points:
            if key := key_of(point.item):
                self.points.setdefault(key, []).append(point)
        self._validators: Mapping[str, str] = {}
        self._digest = b""
        self._last: dict[str, tuple[datetime, float | None]] = {}

    async def read(self, now: datetime) -> Answer:
        """What is new in the feed. `now` is the time of what has none. Raises OSError, TimeoutError or EOFError where the feed
        does not come whole; what cannot be read in it is a problem."""
        problems = Problems()
        for point in self.unread:
            problems.add("value", self.place, None, "item", found=point.item, expected=LEVELS)
        response = await _fetch(self.address, self._validators, self.within, self.place, problems)
        if response is None or response.body is None:
            return Answer(problems=problems)
        digest = hashlib.sha256(response.body).digest()
        if digest == self._digest:
            return Answer(problems=problems)
        feed = await asyncio.to_thread(read, response.body, self.place, problems, otherwise=now)
        if feed is None:
            return Answer(problems=problems)
        self._digest, self._validators = digest, response.validators
        return Answer(self._new(feed.said), problems)

    async def remembered(self, since: Mapping[str, datetime], until: datetime, _now: datetime) -> Answer:
        """Nothing: a feed tells what is now, and remembers nothing."""
        return Answer()

    async def close(self) -> None:
        """Nothing is open between two requests."""

    def _new(self, said: Sequence[Said]) -> pa.Table:
        chosen: dict[Key, Said] = {}
        for each in said:
            for key in (each.key, _of_any_date(each.key)):
                known = chosen.get(key)
                if key in self.points and (known is None or (known.key, known.time) <= (each.key, each.time)):
                    chosen[key] = each
        rows = []
        for key, each in chosen.items():
            for point in self.points[key]:
                value = None if each.value is None else each.value * point.scale
                if self._last.get(point.datastream) != (each.time, value):
                    self._last[point.datastream] = (each.time, value)
                    rows.append({"datastream": point.datastream, "time": each.time, "value": value, "revision": None})
        return pa.Table.from_pylist(rows, schema=ARRIVAL)


def _of_any_date(key: Key) -> Key:
    return (*key[:2], ANY_DATE, *key[3:]) if key[0] == "trip" else key


class _Asking:
    """A request under way in a thread, and how another thread ends it."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.sockets: list[socket.socket] = []

    def end(self) -> None:
        """Shuts what is open, at which whoever waits for it wakes up."""
        self.over.set()
        for each in self.sockets:
            with suppress(OSError):  # it had ended
                each.shutdown(socket.SHUT_RDWR)

    def go_on(self) -> None:
        """Raises TimeoutError where the request is over."""
        if self.over.is_set():
            raise TimeoutError("time is up")


async def _fetch(address: str, validators: Mapping[str, str], within: float, place: str, problems: Problems) -> Response | None:
    """Asks in a thread, which ends when time is up."""
    asking = _Asking()
    loop = asyncio.get_running_loop()
    asked = loop.run_in_executor(None, _ask, asking, address, validators, within, place, problems)
    try:
        async with asyncio.timeout(within):
            return await asyncio.shield(asked)
    except (http.client.IncompleteRead, http.client.RemoteDisconnected) as error:
        raise EOFError(f"the answer ended too early: {error}") from None
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(f"no HTTP: {error!r}") from None
    finally:
        asking.end()
        asked.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody else asks what became of it


def _ask(
    asking: _Asking, address: str, validators: Mapping[str, str], within: float, place: str, problems: Problems
) -> Response | None:
    """The body at an address; None, with a problem, where it is not one that is read."""
    where = address
    for _ in range(1 + MOST_REDIRECTS):
        parts = _parts(where)
        connection = SCHEMES[parts.scheme](parts.hostname or "", parts.port, timeout=within)
        try:
            connection.connect()
            asking.sockets.append(connection.sock)
            asking.go_on()
            path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
            asked = {VALIDATORS[name]: told for name, told in validators.items()}
            connection.request("GET", path, headers={"Accept-Encoding": "identity", "Connection": "close", **asked})
            response = connection.getresponse()
            if response.status == NOT_MODIFIED and validators:
                return Response(None, validators)
            if response.status in REDIRECTS:
                following = urljoin(where, response.headers.get("Location", ""))
                if _parts(following).scheme != parts.scheme:
                    raise OSError(f"a redirect from {parts.scheme} to another scheme is not followed")
                where = following
                continue
            if response.status != http.client.OK:
                raise OSError(f"HTTP {response.status} {response.reason}")
            return _body(response, asking, place, problems)
        finally:
            connection.close()
    raise OSError(f"more than {MOST_REDIRECTS} redirects")


def _body(response: http.client.HTTPResponse, asking: _Asking, place: str, problems: Problems) -> Response | None:
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding != "identity":
        problems.add("value", place, None, "Content-Encoding", found=encoding, expected="a body as it is, not compressed")
        return None
    if response.length is None and not response.chunked:
        expected = "a length or chunks, so that a feed that was cut short is not taken for a whole one"
        problems.add("value-missing", place, None, "Content-Length", expected=expected)
        return None
    body = bytearray()
    while chunk := response.read1(CHUNK):
        asking.go_on()
        body += chunk
        if len(body) > MOST_BYTES:
            problems.add("too-large", place, found=f"more than {MOST_BYTES} bytes", expected=f"at most {MOST_BYTES}")
            return None
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    told = {name: text for name in VALIDATORS if (text := response.headers.get(name)) and VALIDATOR.fullmatch(text)}
    return Response(bytes(body), told)


def _parts(address: str) -> SplitResult:
    """An address of HTTP, in parts. Raises OSError for another one."""
    try:
        parts = urlsplit(address)
        known = parts.scheme in SCHEMES and parts.hostname and parts.username is None and parts.port != 0
    except ValueError as error:
        raise OSError(f"no address: {error}") from None
    if not known:
        raise OSError("an address begins with http:// or https:// and a host, and holds no password")
    return parts
