"""Bodies of requests that come slowly, or never: whoever waits for one keeps nobody else from being answered, and not for ever.

A thread of the server answers one request at a time, and would wait for a body as long as its connection lives: a few senders
who say that much will come and send nothing would stop the cockpit. So as many threads as there are in `WORKING` work, and more
only wait, each at most as long as a slow line takes.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Protocol

WORKING = 4  # requests that are worked on at once
WAITING = 24  # bodies that are waited for at once, beside them
OWN = 4  # of them of one device
OTHERS = 8  # of them of all who have shown no device's secret
PATIENCE = 15.0  # [s] for a body, and
RATE = 64 << 10  # [byte/s] of it that must come behind
MOST_BYTES = 4 << 20  # of a body of one who has shown no device's secret; no page asks for more
NOBODY = ""

Environment = dict[str, Any]
Application = Callable[[Environment, Callable[..., Any]], Iterable[bytes]]


class BodyError(OSError):
    """A body that is not had."""


class TooMany(BodyError):  # noqa: N818  (reads as what happened)
    """So many bodies are waited for that this one is not."""


class TooSlow(BodyError):  # noqa: N818
    """A body that has not come in time."""


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
        self._pool = ThreadPoolExecutor(WAITING, "body")
        self._lock, self._waiting = threading.Lock(), Counter[str]()

    def __call__(self, environment: Environment, start: Callable[..., Any]) -> Iterable[bytes]:
        """Answers by WSGI."""
        told = environment.get("CONTENT_LENGTH") or "0"
        length = int(told) if told.isascii() and told.isdecimal() and len(told) <= 20 else 0
        environment["wsgi.input"] = Body(self, environment["wsgi.input"], length) if length else BytesIO()
        with self.working:
            return self.behind(environment, start)

    def read(self, stream: Stream, length: int, whose: str) -> bytes:
        """So many bytes; others are worked for meanwhile. Raises TooMany, TooSlow or Cut."""
        with self._lock:
            most = OWN if whose else OTHERS
            if self._waiting[whose] >= most or self._waiting.total() >= WAITING:
                raise TooMany(f"{self._waiting[whose]} bodies of this sender and {self._waiting.total()} in all are waited for")
            self._waiting[whose] += 1
        self.working.release()
        try:
            coming = self._pool.submit(stream.read, length)
            coming.add_done_callback(lambda done: self._came(done, whose))
            body = coming.result(self.patience + length / RATE)
        except Late:
            raise TooSlow(f"{length} bytes have not come within {self.patience + length / RATE:.0f} s") from None
        finally:
            self.working.acquire()
        if len(body) != length:
            raise Cut(f"{len(body)} bytes came of {length}")
        return body

    def _came(self, _done: Future[bytes], whose: str) -> None:
        with self._lock:  # a body that is given up is waited for until its connection ends
            self._waiting[whose] -= 1
            self._waiting += Counter()  # forgets those of whom nothing is waited for


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
