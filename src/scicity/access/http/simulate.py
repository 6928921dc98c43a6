"""Devices that send their readings to a cockpit: for tests, and for trying a district without hardware."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
from collections.abc import Mapping
from urllib.parse import urlsplit

from scicity.access.http.decode import JSON
from scicity.access.simulating import World

ADDRESS = "/api/readings"
WITHIN = 10.0  # [s] for an answer
MOST_KEPT = 1_000  # messages that wait where nobody answers; the oldest of more are lost
ACCEPTED, LATER = 202, 503
log = logging.getLogger(__name__)


async def send(cockpit: str, credentials: Mapping[str, str], world: World) -> None:
    """Plays the devices that send to a `cockpit`, http://host:port, until it is cancelled. A message is sent until it is
    acknowledged; one that is refused for what it says is told and let go of. `credentials` are by device."""
    senders = {device: names for device, names in world.senders(by_http=True).items() if device in credentials}
    waiting: list[tuple[str, bytes]] = []
    interval = min((world.streams[name].interval.total_seconds() for names in senders.values() for name in names), default=60.0)
    answering = True
    while senders:
        now = world.clock()
        for device, names in senders.items():
            rows = [{"datastream": name, "time": now.isoformat(), "value": world.value(name, now)} for name in names]
            waiting.append((device, json.dumps(rows).encode()))
        del waiting[:-MOST_KEPT]
        try:
            while waiting:
                device, body = waiting[0]
                status, said = await asyncio.to_thread(_post, cockpit, credentials[device], body)
                if status == LATER:
                    break
                if status != ACCEPTED:
                    log.error("%s refuses what %s sends: %s %s", cockpit, device, status, said)
                del waiting[0]
            answering = True
        except (OSError, http.client.HTTPException) as error:
            if answering:
                log.warning("%s: %s; what is measured waits", cockpit, error)
            answering = False
        await world.sleep(interval)


def _post(cockpit: str, credential: str, body: bytes) -> tuple[int, str]:
    where = urlsplit(cockpit)
    connection = http.client.HTTPConnection(where.hostname or "127.0.0.1", where.port, timeout=WITHIN)
    try:
        connection.request("POST", ADDRESS, body, {"Content-Type": JSON, "Authorization": f"Bearer {credential}"})
        answer = connection.getresponse()
        return answer.status, answer.read(500).decode("utf-8", "replace")
    finally:
        connection.close()
