"""All connections at once: each by its protocol, none harmed by another's failure."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scicity.access import gathering
from scicity.access.collecting import Connection, Point
from scicity.access.gathering import Desk, asked, gather, protocols, refused
from scicity.access.inbox import LANES, Inbox, InboxFull
from scicity.access.modbus.simulate import simulated

ITEM = "1/holding/0/uint16"
MINUTE = timedelta(minutes=1)


def kept(inbox: Inbox) -> list[tuple[str, float]]:
    rows = [row for lane in LANES for waiting in inbox.waiting(10**6, lane) for row in waiting.batch.rows.to_pylist()]
    return [(row["datastream"], row["value"]) for row in rows]


async def until(task: asyncio.Task[None], done: asyncio.Event) -> None:
    """Waits for what must come, and ends what runs."""
    try:
        await asyncio.wait_for(done.wait(), 60)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_every_protocol_that_can_be_a_connection_is_found() -> None:
    assert {"modbus", "dlt645", "cjt188"} <= asked() and "mqtt" in protocols() and "files" not in protocols()
    assert refused("modbus", ITEM) == "" and refused("modbus", "nonsense")
    assert refused("dlt645", "123456781012/00010000") == "" and refused("mqtt", "anything")


def test_one_connection_that_fails_harms_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox, done = Inbox(tmp_path / "inbox.sqlite3"), asyncio.Event()
    put = inbox.put
    tries: list[int] = []
    monkeypatch.setattr(gathering, "RETRY", 0)

    async def program() -> None:
        loop = asyncio.get_running_loop()

        def refusing(batches, heard=()):  # the first two tries find the inbox full
            tries.append(len(batches))
            if len(tries) < 3:
                raise InboxFull("full")
            put(batches, heard)
            loop.call_soon_threadsafe(done.set)

        monkeypatch.setattr(inbox, "put", refusing)
        async with simulated([ITEM], lambda item, time: 7) as device:
            good = Connection("good", "modbus", f"tcp://127.0.0.1:{device.port}", MINUTE, (Point("meter", ITEM, 0.5),))
            bad = Connection("bad", "modbus", "nonsense", MINUTE, (Point("other", ITEM),))
            unknown = Connection("unknown", "telepathy", "x", MINUTE, ())
            await until(asyncio.create_task(gather([bad, unknown, good], Desk(inbox, lambda _: None, lambda _: None))), done)

    asyncio.run(program())
    assert kept(inbox) == [("meter", 3.5)]
    assert abs(inbox.heard()["meter"] - datetime.now(UTC)) < timedelta(hours=1)
