"""Frames out of a stream of bytes: each begins with 68H, says its own length, and ends with a sum of its bytes and 16H.

Shared by DL/T 645 and CJ/T 188, which differ in where the length stands. Pure: bytes go in, bytes come out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

BEGIN, END = 0x68, 0x16
PREAMBLE = 0xFE
HEAD_BYTES = 40  # of what was skipped that are kept
WORSE = ("rubbish", "check", "cut")  # of what a stretch was skipped for, the last that holds is told

Measure = Callable[[bytes, int], "int | None"]
"""How long [byte] the frame is that begins at a place; 0 where none does, None where more bytes are needed to tell."""


@dataclass(frozen=True)
class Found:
    """One frame, 68H to 16H, whose length and sum are right; `offset` [byte] is where it began in the stream."""

    offset: int
    raw: bytes


@dataclass(frozen=True)
class Skipped:
    """A stretch of the stream, `offset` and `count` [byte], that is no frame; of its bytes the first are kept in `head`.

    `why`: `rubbish`, where no frame begins; `check`, where the sum or the end of one is another; `cut`, where the stream ended
    before the frame did.
    """

    offset: int
    count: int
    why: str
    head: bytes

    @property
    def is_preamble(self) -> bool:
        """Whether it is nothing but FEH, with which a sender wakes the line."""
        return self.why == "rubbish" and self.count == len(self.head) and not self.head.strip(bytes([PREAMBLE]))


class Splitter:
    """Splits a stream into frames, however its bytes arrive; after rubbish it goes on at the next frame that is whole.

    At most one frame of 255 bytes of data is kept. A frame that was cut short may hide the one behind it until `close`.
    """

    def __init__(self, measure: Measure) -> None:
        self.measure = measure
        self.offset = 0  # [byte] of the stream, where what is left begins
        self.left = b""
        self._skipped: Skipped | None = None

    def feed(self, chunk: bytes) -> list[Found | Skipped]:
        """What a chunk of any length completes, in the order of the stream. A stretch that is skipped comes out when a frame
        follows it. Raises nothing."""
        self.left += chunk
        return list(self._scan(False))

    def close(self) -> list[Found | Skipped]:
        """What is left, with the frames that were hidden in it, and a splitter for the next stream. Raises nothing."""
        found = list(self._scan(True))
        found += [self._skipped] if self._skipped else []
        self.offset, self.left, self._skipped = 0, b"", None
        return found

    def _scan(self, ended: bool) -> Iterator[Found | Skipped]:
        rest, at, start, why = self.left, 0, 0, 0  # from `start` on bytes are skipped, for WORSE[why]
        while (begin := rest.find(BEGIN, at)) >= 0:
            at = begin
            size = self.measure(rest, at)
            if size is None or at + size > len(rest):
                if not ended:
                    break
                why = WORSE.index("cut")
            elif size and rest[at + size - 1] == END and rest[at + size - 2] == checksum(rest[at : at + size - 2]):
                self._skip(rest[start:at], WORSE[why])
                if self._skipped:
                    yield self._skipped
                self._skipped, why = None, 0
                yield Found(self.offset, rest[at : at + size])
                self.offset += size
                at += size
                start = at
                continue
            elif size:
                why = max(why, WORSE.index("check"))
            at += 1
        if begin < 0:
            at = len(rest)
        self._skip(rest[start:at], WORSE[why])
        self.left = rest[at:]

    def _skip(self, passed: bytes, why: str) -> None:
        if not passed:
            return
        known = self._skipped or Skipped(self.offset, 0, why, b"")
        head = known.head + passed[: HEAD_BYTES - len(known.head)]
        self._skipped = Skipped(known.offset, known.count + len(passed), max(known.why, why, key=WORSE.index), head)
        self.offset += len(passed)


def checksum(data: bytes) -> int:
    """The sum of bytes, 0 to 255. Raises nothing."""
    return sum(data) & 0xFF
