"""A broker as a connection of the access network."""

from __future__ import annotations

import asyncio

from scicity.access.collecting import Connection
from scicity.access.gathering import Desk
from scicity.access.mqtt.subscribe import Reader, Subscriber


async def listen(connection: Connection, desk: Desk) -> None:
    """Takes what a broker has, until it is cancelled. The address is as `Subscriber` has it."""
    reader = Reader(desk.inbox, desk.sender_of)
    subscriber = Subscriber(f"scicity-{connection.name}", connection.address, reader, desk.password(connection.name))
    subscriber.begin()
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.to_thread(subscriber.end)
