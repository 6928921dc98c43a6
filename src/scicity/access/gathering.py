"""Gathering: all connections of a district at once, each as its protocol asks or listens, into one inbox.

A protocol whose devices are asked has a module `collect.py` (see `collecting.py`); one whose devices send by themselves has a
module `listen.py` with `async def listen(connection, desk)`, which runs until it is cancelled.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Protocol

from scicity.access.collecting import Collector, Connection
from scicity.access.inbox import Inbox, InboxFull
from scicity.access.storage import StorageRefused
from scicity.kernel.reading import Batch

HOME = Path(__file__).parent
RETRY = 2.0  # [s] between two tries where the inbox refuses
AGAIN = 10.0  # [s] until a connection that failed by a fault of ours is begun again
log = logging.getLogger(__name__)


class Sender(Protocol):
    """Somebody's device."""

    def not_its_own(self, datastreams: Sequence[str]) -> list[str]:
        """The datastreams that it may not send for."""


@dataclass
class Desk:
    """Where connections hand in what they get. `sender_of` gives a device that may send, `password` that of a connection."""

    inbox: Inbox
    sender_of: Callable[[str], Sender | None]
    password: Callable[[str], str | None]

    async def keep(self, batch: Batch, heard: Mapping[str, datetime]) -> None:
        """Returns when a batch is on stable storage; while the inbox refuses it is tried again, and the device is not asked."""
        batches = [batch] if batch.rows.num_rows else []
        while batches or heard:
            try:
                await asyncio.to_thread(self.inbox.put, batches, list(heard.items()))
                return
            except (InboxFull, StorageRefused) as error:
                log.warning("%s waits: %s", batch.place, error)
                await asyncio.sleep(RETRY)


@cache
def asked() -> frozenset[str]:
    """The protocols whose devices are asked."""
    return frozenset(found.name for found in pkgutil.iter_modules([str(HOME)]) if (HOME / found.name / "collect.py").is_file())


@cache
def protocols() -> tuple[str, ...]:
    """The protocols that a connection can have."""
    listened = {found.name for found in pkgutil.iter_modules([str(HOME)]) if (HOME / found.name / "listen.py").is_file()}
    return tuple(sorted(asked() | listened))


def refused(protocol: str, item: str) -> str:
    """What an item of a protocol should look like where this one cannot be read; empty where it can."""
    if protocol not in asked():
        return "" if protocol not in protocols() else f"no points, as {protocol} names its datastreams itself"
    return str(importlib.import_module(f"scicity.access.{protocol}.collect").refused(item))


async def gather(connections: Iterable[Connection], desk: Desk) -> None:
    """Runs all connections until it is cancelled; one that fails harms no other."""
    heard = desk.inbox.heard()
    async with asyncio.TaskGroup() as group:
        for connection in connections:
            group.create_task(_run(connection, desk, heard), name=connection.name)


async def _run(connection: Connection, desk: Desk, heard: Mapping[str, datetime]) -> None:
    mine = {point.datastream: heard[point.datastream] for point in connection.points if point.datastream in heard}
    while True:
        try:
            if connection.protocol in asked():
                connect = importlib.import_module(f"scicity.access.{connection.protocol}.collect").connect
                await Collector(connection, connect, desk.keep, mine).run()
            else:
                await importlib.import_module(f"scicity.access.{connection.protocol}.listen").listen(connection, desk)
        except Exception:
            log.exception("%s failed, and is begun again", connection.name)
        await asyncio.sleep(AGAIN)
