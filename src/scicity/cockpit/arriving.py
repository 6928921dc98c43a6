"""What arrives while the cockpit serves: the inbox of a city, and who moves it to the lake and brings figures up to date."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from scicity.access.arrival import Moved, move
from scicity.access.inbox import LATE, Inbox
from scicity.cockpit.city import OpenCity
from scicity.cockpit.place import Place

PAUSE = 0.3  # [s] between two looks at an inbox in which nothing waits
MOST_LATE = 500_000  # readings of the past that go to the lake before live ones are looked for again
REGISTER = "district.datastream"

_lock = threading.Lock()
_inboxes: dict[Place, Inbox] = {}
log = logging.getLogger(__name__)


def inbox_of(city: OpenCity) -> Inbox:
    """The inbox of a city; opened once per process."""
    with _lock:
        if city.place not in _inboxes:
            _inboxes[city.place] = Inbox(city.place.inbox)
        return _inboxes[city.place]


@dataclass
class Mover:
    """Moves what waits, and heals; in a process of its own, because moving and computing would keep those who send waiting."""

    city: OpenCity

    def step(self) -> Moved:
        """One move, and the figures that depend on it."""
        figures, district, inbox = self.city.figures, self.city.district, inbox_of(self.city)
        if not inbox.waiting_readings():
            return Moved()
        with figures.lake.alone():
            streams = figures.engine.rows(figures.catalog[REGISTER])
            told = (streams, district.calendar, district.buckets)
            moved = move(inbox, figures.lake, *told) + move(inbox, figures.lake, *told, most=MOST_LATE, lane=LATE)
            if moved.readings:
                figures.computing.bring_up_to_date()
        return moved

    def run(self, goes_on: Callable[[], bool], told: Callable[[Moved], None]) -> None:
        """Steps for as long as `goes_on`; what fails is logged and tried again, and what waits stays where it is."""
        behind = True  # what a process moved that ended may not be computed yet
        while goes_on():
            try:
                if behind:
                    with self.city.figures.lake.alone():
                        self.city.figures.computing.bring_up_to_date()
                    behind = False
                moved = self.step()
                if moved.batches:
                    told(moved)
                    continue
            except Exception:
                log.exception("what waits in the inbox could not be moved")
                behind = True
            time.sleep(PAUSE)
