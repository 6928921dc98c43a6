"""What arrives while the cockpit serves: one inbox, and one thread that moves it to the lake and brings figures up to date."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field

from scicity.access.arrival import Moved, move
from scicity.access.inbox import Inbox
from scicity.cockpit.city import OpenCity
from scicity.cockpit.place import Place

PAUSE = 1.0  # [s] between two looks at the inbox where nothing is told
REGISTER = "district.datastream"

_lock = threading.Lock()
_inboxes: dict[Place, Inbox] = {}
log = logging.getLogger(__name__)


def inbox_of(city: OpenCity) -> Inbox:
    """The inbox of a city; opened once per process."""
    with _lock:
        if city.place not in _inboxes:
            _inboxes[city.place] = Inbox(city.place.state / "inbox.sqlite3")
        return _inboxes[city.place]


@dataclass
class Mover:
    """Moves what waits, and heals. `step` does it once; `start` does it for ever, in a thread of its own."""

    city: OpenCity
    last: Moved = field(default_factory=Moved)
    failed: str = ""

    def step(self) -> Moved:
        """One move, and the figures that depend on it; the figures also where an earlier step ended before them."""
        figures, district = self.city.figures, self.city.district
        streams = figures.engine.rows(figures.catalog[REGISTER])
        moved = move(inbox_of(self.city), figures.lake, streams, district.calendar, district.buckets)
        if moved.readings:
            figures.computing.bring_up_to_date()
            self.last = moved
        return moved

    def start(self) -> None:
        """Begins, once in the life of a process."""
        threading.Thread(target=self._run, name="arrival", daemon=True).start()

    def _run(self) -> None:
        inbox = inbox_of(self.city)
        behind = True  # what was moved by a process that ended may not be computed yet
        while True:
            try:
                if behind:
                    self.city.figures.computing.bring_up_to_date()
                    behind = False
                inbox.arrived.clear()
                if not self.step().batches:
                    inbox.arrived.wait(PAUSE)
                self.failed = ""
            except Exception as error:  # told on the page; what waits stays where it is, and is tried again
                self.failed = f"{type(error).__name__}: {error}"
                log.exception("what waits in the inbox could not be moved")
                behind = True
                time.sleep(PAUSE)
