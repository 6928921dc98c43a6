"""A broker and devices that publish to it in SciCity's own form: for tests, and for trying a district without hardware."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from scicity.access.collecting import Connection
from scicity.access.simulating import World, port_of

USUAL_PORT = 1883
MISSING = "nobody listens there and Mosquitto is not installed; install it (Debian: apt-get install mosquitto)"
WITHIN = 10.0  # [s] for the broker to take a message
log = logging.getLogger(__name__)


@asynccontextmanager
async def broker(host: str, port: int) -> AsyncIterator[None]:
    """Somebody's broker at an address of loopback, or else Mosquitto, for as long as the block lasts. Raises OSError where
    there is neither."""
    with socket.socket() as probe:
        there = probe.connect_ex((host, port)) == 0
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if there:
        yield
        return
    if program is None:
        raise OSError(f"{host}:{port}: {MISSING}")
    with tempfile.TemporaryDirectory(prefix="scicity-") as folder:
        told = Path(folder) / "mosquitto.conf"
        told.write_text(f"listener {port} {host}\nallow_anonymous true\n", encoding="utf-8")
        running = await asyncio.create_subprocess_exec(
            program, "-c", str(told), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        assert running.stderr is not None  # noqa: S101  (asked for)
        try:
            while line := await running.stderr.readline():
                if b"running" in line:
                    break
            else:
                raise OSError(f"{host}:{port}: Mosquitto does not run")
            reading = asyncio.create_task(running.stderr.read())  # so that it never waits for us
            yield
            reading.cancel()
        finally:
            if running.returncode is None:
                running.terminate()
            await running.wait()


async def serve(connection: Connection, world: World) -> None:
    """Plays the devices that publish to a connection's broker until it is cancelled, and the broker where nobody else does.
    Raises OSError where there is none."""
    where = urlsplit(connection.address)
    host, port, senders = where.hostname or "", port_of(connection.address, USUAL_PORT), world.senders(by_http=False)
    interval = min((world.streams[name].interval for names in senders.values() for name in names), default=connection.interval)
    async with broker(host, port):
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"simulate-{connection.name}")
        if where.username:
            client.username_pw_set(unquote(where.username), world.password(connection.name))
        await asyncio.to_thread(client.connect, host, port)
        client.loop_start()
        try:
            while True:
                for device, names in () if connection.name in world.silent else senders.items():
                    told = client.publish(f"scicity/{device}/readings", _body(names, world), qos=1)
                    try:
                        await asyncio.to_thread(told.wait_for_publish, WITHIN)
                    except (RuntimeError, ValueError) as error:  # it is sent when the broker is there again
                        log.warning("%s: %s", connection.name, error)
                await world.sleep(interval.total_seconds())
        finally:
            client.disconnect()
            client.loop_stop()


def _body(names: list[str], world: World) -> str:
    now = world.clock()
    return json.dumps([{"datastream": name, "time": now.isoformat(), "value": world.value(name, now)} for name in names])
