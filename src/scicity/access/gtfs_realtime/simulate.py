"""Feeds (GTFS Realtime) that a program makes, and a real HTTP server that serves them, for tests and for trying a collector."""

from __future__ import annotations

import asyncio
import hashlib
import math
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.transit import gtfs_realtime_pb2 as gtfs

from scicity.access.collecting import Connection
from scicity.access.simulating import World, port_of

CONTENT_TYPE = "application/x-protobuf"
ROUND = 3_600  # [s] that a bus takes for its round
RADIUS = 0.02  # [deg] of the round
CENTRE = (0.0125, 0.0125)  # [deg]: in the open sea, so that nobody takes it for a place
ITEM = re.compile(r"(?:vehicle/B|trip/T)([1-9][0-9]?)/.*")


def buses(count: int, latitude: float, longitude: float) -> Callable[[datetime], bytes]:
    """Buses `B1`, `B2`, ... that drive round a place [deg], each late by its number in minutes at stop 1 of its trip `T1`, ...

    The feed is a function of time alone, at full seconds. Raises nothing.
    """

    def feed(now: datetime) -> bytes:
        message, seconds = gtfs.FeedMessage(), int(now.timestamp())
        message.header.gtfs_realtime_version = "2.0"
        message.header.timestamp = seconds
        for number in range(1, count + 1):
            angle = 2 * math.pi * (seconds / ROUND + number / count)
            vehicle = message.entity.add(id=f"v{number}").vehicle
            vehicle.vehicle.id = f"B{number}"
            vehicle.timestamp = seconds
            vehicle.position.latitude = latitude + RADIUS * math.sin(angle)
            vehicle.position.longitude = longitude + RADIUS * math.cos(angle)
            vehicle.position.speed = 5.0 + number
            update = message.entity.add(id=f"t{number}").trip_update
            update.trip.trip_id, update.trip.start_date = f"T{number}", f"{now:%Y%m%d}"
            update.timestamp = seconds
            stop = update.stop_time_update.add(stop_sequence=1)
            stop.arrival.delay = 60 * number
        return bytes(message.SerializeToString(deterministic=True))

    return feed


@contextmanager
def serving(feed: Callable[[datetime], bytes], clock: Callable[[], datetime], port: int = 0) -> Iterator[tuple[str, list[int]]]:
    """Serves what `feed` gives at the time of `clock` on a port of this machine, a free one unless it is given, until the block
    ends: the address, and the status of each answer as it is given. It answers conditional requests (ETag, Last-Modified) as
    RFC 9110, 13 says. Raises OSError where the port is taken."""
    given: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, since = feed(clock()), format_datetime(clock().replace(microsecond=0), usegmt=True)
            tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            unchanged = self.headers.get("If-None-Match") == tag
            given.append(304 if unchanged else 200)
            self.send_response(given[-1])
            self.send_header("ETag", tag)
            if not unchanged:
                self.send_header("Last-Modified", since)
                self.send_header("Content-Type", CONTENT_TYPE)
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if not unchanged:
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: what is given is told by the list."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/feed.pb", given
        finally:
            server.shutdown()
            thread.join()


async def serve(connection: Connection, world: World) -> None:
    """Plays the feed of a connection until it is cancelled. Raises ValueError for points that are not of `buses`, and OSError
    where the port is taken."""
    numbers = [ITEM.fullmatch(point.item) for point in connection.points]
    if not all(numbers):
        raise ValueError("its items must be those of vehicles B1, B2, ... or trips T1, T2, ... up to 99")
    count = max((int(number[1]) for number in numbers if number), default=1)
    with serving(buses(count, *CENTRE), world.clock, port_of(connection.address, 80)):
        await asyncio.Event().wait()
