"""Bodies of requests that come slowly, or never: whoever waits for one keeps nobody else from being answered.

A thread of the server answers one request at a time, and waits for a body as long as its connection lives: a few senders who
say that much will come and send nothing would stop the cockpit. So only `WORKING` threads work, and more only wait for bodies:
for at most so many at once of one sender. A body that is under way cannot be given up, as Granian (2.8) stands still when it is
asked to answer while one is read; how long one may take is for a proxy in front to say.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Protocol

WORKING = 4  # requests that are worked on at once
WAITING = 32  # bodies that are under way at once, beside them
OWN = 8  # of them of one device
OTHERS = 8  # of them of all who have shown no device's secret
UPLOADS = 12  # bodies beside those that are taken in pieces, which may take long
OWN_UPLOADS = 4  # of them of one person
THREADS = WORKING + 2 * (WAITING + UPLOADS)  # as many again may wait for a body's turn
PATIENCE = 1.0  # [s] for a turn
MOST_BYTES = 4 << 20  # of a body of one who has shown no device's secret; no page asks for more
NOBODY = ""

Environment = dict[str, Any]
Application = Callable[[Environment, Callable[..., Any]], Iterable[bytes]]


class BodyError(OSError):
    """A body that is not had."""


class TooMany(BodyError):  # noqa: N818  (reads as what happened)
    """So many bodies are under way that this one is not read."""


class Cut(BodyError):  # noqa: N818
    """A body that ended before it was as long as it said."""


class Stream(Protocol):
    """What a body comes from."""

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes; waits for them."""


@dataclass
class Patience:
    """The application behind, with bodies that are waited for as this module says."""

    behind: Application
    patience: float = PATIENCE
    working: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(WORKING))

    def __post_init__(self) -> None:
        self._turns, self._coming, self._poured = threading.Condition(), Counter[str](), Counter[str]()

    def __call__(self, environment: Environment, start: Callable[..., Any]) -> Iterable[bytes]:
        """Answers by WSGI."""
        told = environment.get("CONTENT_LENGTH") or "0"
        length = int(told) if told.isascii() and told.isdecimal() and len(told) <= 20 else 0
        environment["wsgi.input"] = Body(self, environment["wsgi.input"], length) if length else BytesIO()
        with self.working:
            return self.behind(environment, start)

    def read(self, stream: Stream, length: int, whose: str) -> bytes:
        """So many bytes; others are worked for meanwhile. Raises TooMany or Cut."""
        with self._turn(self._coming, whose, OWN if whose else OTHERS, WAITING):
            body = stream.read(length)
        if len(body) != length:
            raise Cut(f"{len(body)} bytes came of {length}")
        return body

    def pieces(self, stream: Stream, length: int, whose: str, largest: int) -> Iterator[bytes]:
        """So many bytes in pieces of at most `largest`; others are worked for meanwhile. Raises TooMany or Cut."""
        with self._turn(self._poured, whose, OWN_UPLOADS, UPLOADS):
            left = length
            while left:
                piece = stream.read(min(left, largest))
                if not piece:
                    raise Cut(f"{length - left} bytes came of {length}")
                left -= len(piece)
                yield piece

    @contextmanager
    def _turn(self, coming: Counter[str], whose: str, own: int, most: int) -> Iterator[None]:
        """A turn among those whose bodies are under way. Raises TooMany where none comes in time."""
        self.working.release()
        try:
            with self._turns:
                if not self._turns.wait_for(lambda: coming[whose] < own and coming.total() < most, self.patience):
                    raise TooMany(f"{coming[whose]} bodies of this sender and {coming.total()} in all are under way")
                coming[whose] += 1
            try:
                yield
            finally:
                with self._turns:
                    coming[whose] -= 1
                    if not coming[whose]:
                        del coming[whose]  # forgets those of whom nothing comes
                    self._turns.notify_all()
        finally:
            self.working.acquire()


@dataclass
class Body:
    """What stands for `wsgi.input`: the whole body, when it is asked for."""

    patience: Patience
    stream: Stream
    length: int
    _had: BytesIO | None = None

    def of(self, sender: str) -> bytes:
        """The whole body of a known sender. Raises BodyError."""
        return self.patience.read(self.stream, self.length, sender)

    def pieces(self, sender: str, largest: int) -> Iterator[bytes]:
        """The body of somebody who may send much, as it comes. Raises BodyError."""
        if self._had is not None:
            raise BodyError("the body was read already")
        return self.patience.pieces(self.stream, self.length, sender, largest)

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes of the body of somebody. Raises BodyError."""
        return self._whole().read(size)

    def readline(self, size: int = -1) -> bytes:
        """A line of it. Raises BodyError."""
        return self._whole().readline(size)

    def _whole(self) -> BytesIO:
        if self._had is None:
            if self.length > MOST_BYTES:
                raise BodyError(f"a body of {self.length} bytes; at most {MOST_BYTES} are read")
            self._had = BytesIO(self.patience.read(self.stream, self.length, NOBODY))
        return self._had
