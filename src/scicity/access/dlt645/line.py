"""A half-duplex line behind a serial-to-TCP gateway: one request, one answer, and whatever else is heard is let go of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from scicity.access.dlt645.stream import HEAD_BYTES, Found, Measure, Splitter

WAIT = 3.0  # [s] for a whole answer: half a second until it begins, and 250 bytes at 1200 baud
CHUNK = 4096  # [byte]
T = TypeVar("T")


class Line:
    """An open line; `open` makes one. Whoever asks waits until the answer is there, so one request is under way at a time.

    `came` is the beginning of what was heard since the last request, whatever it was.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, measure: Measure, wait: float) -> None:
        self.reader, self.writer, self.measure, self.wait = reader, writer, measure, wait
        self.came = b""

    @classmethod
    async def open(cls, address: str, measure: Measure, wait: float = WAIT) -> Line:
        """A line to `HOST:PORT`, `wait` [s] for it and for each answer. Raises OSError or TimeoutError."""
        host, colon, port = address.rpartition(":")
        if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
            raise OSError(f"{address}: HOST:PORT is expected")
        async with asyncio.timeout(wait):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        return cls(reader, writer, measure, wait)

    async def ask(self, request: bytes, accept: Callable[[bytes], T | None]) -> T | None:
        """What `accept` makes of the first frame that it takes; None where none has come in time.

        Raises OSError or EOFError where the line is gone, and what `accept` raises.
        """
        await self._forget()
        splitter = Splitter(self.measure)
        with suppress(TimeoutError):
            async with asyncio.timeout(self.wait):
                self.writer.write(request)
                await self.writer.drain()
                while True:
                    chunk = await self._heard()
                    self.came = (self.came + chunk)[:HEAD_BYTES]
                    for found in splitter.feed(chunk):
                        if isinstance(found, Found) and (taken := accept(found.raw)) is not None:
                            return taken
        for found in splitter.close():  # what began like a frame and was none may have hidden the answer
            if isinstance(found, Found) and (taken := accept(found.raw)) is not None:
                return taken
        return None

    async def close(self) -> None:
        """Ends the line; raises nothing."""
        self.writer.close()
        with suppress(OSError, EOFError):
            async with asyncio.timeout(self.wait):
                await self.writer.wait_closed()

    async def _forget(self) -> None:
        """Lets go of what came late, which would be taken for the answer to another request."""
        self.came = b""
        with suppress(TimeoutError):
            async with asyncio.timeout(0):
                for _ in range(256):  # a sender without end keeps nobody here
                    await self._heard()

    async def _heard(self) -> bytes:
        chunk = await self.reader.read(CHUNK)
        if not chunk:
            raise EOFError("the gateway closed the connection")
        return chunk
