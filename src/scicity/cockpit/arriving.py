"""What arrives while the cockpit serves: the inbox of a city, and who moves it to the lake and brings figures up to date."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from scicity.access.arrival import Moved, move
from scicity.access.compacting import Merged, compact
from scicity.access.inbox import LATE, Inbox
from scicity.access.storage import StorageRefused
from scicity.cockpit.city import OpenCity
from scicity.cockpit.looking import somebody_looks
from scicity.cockpit.place import Place
from scicity.kernel.computing import Computing
from scicity.kernel.tables import READING_PREFIX
from scicity.mending import mend
from scicity.retention import Gone, UnderWay, let_go

PAUSE, LONGEST_PAUSE = 0.3, 3.0  # [s] between two steps, at least and at most: a reading heals its figures within 5 s
UNSEEN_PAUSE = 4.0  # [s] while nobody looks: each step is a version of every table that it changes
SETTLING, LONGEST_SETTLING = 0.2, 1.0  # [s] in which nothing more comes before it is moved, and so long at most
SPARED = 3.0  # so many times as long as a step took it pauses
BEAT = 5.0  # [s] between two words of the mover that it is alive
SILENT = timedelta(minutes=2)  # behind which it is taken for dead; the longest step known took half a minute
LONGEST_ERROR = 300  # characters
MOVER, COLLECTOR, COMPACTION, BACKUP = "mover", "collector", "compaction", "backup"  # parts that say how they are
RETENTION, NOTICES = "retention", "notices"
DAILY, AGAIN = timedelta(days=1), timedelta(hours=1)  # between two runs of retention; where one could not be made
SETTLED = timedelta(minutes=5)  # behind the start of a mover, before it lets go of anything
BITES = 0.2  # [s] of one step in which what is old is let go of
RECENT = 300.0  # [s] over which the mover tells how many readings it moves
FORGETS, LONG_AGO = timedelta(hours=1), datetime(1970, 1, 1, tzinfo=UTC)
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


class Records(Protocol):
    """What people record (`records.publishing`)."""

    def due(self) -> bool:
        """Whether the lake does not have all of it yet."""

    def publish(self, computing: Computing, *, everything: bool = False) -> list[str]:
        """Brings it to the lake; the tables that changed."""


@dataclass
class Mover:
    """Moves what waits, and heals; in a process of its own, because moving and computing would keep those who send waiting."""

    city: OpenCity
    records: Records | None = None
    forgot: datetime = LONG_AGO
    retains: datetime | None = None  # when what is old is let go of next
    _bites: Iterator[Gone] | None = None
    _gone: Gone = field(default_factory=Gone)

    def step(self) -> Moved:
        """One move, and the figures that depend on it."""
        figures, district, inbox = self.city.figures, self.city.district, inbox_of(self.city)
        waiting, published = inbox.waiting_readings(), False
        due = self.records is not None and self.records.due()
        if not waiting and not due:
            return Moved()
        with figures.lake.alone():
            if self.records is not None and due:
                published = bool(self.records.publish(figures.computing))
            streams = figures.engine.rows(figures.catalog[REGISTER])
            told = (streams, district.calendar, district.buckets)
            moved = move(inbox, figures.lake, *told) + move(inbox, figures.lake, *told, most=MOST_LATE, lane=LATE)
            if moved.readings or published:
                self._heal()
        inbox.storage.tidy()
        return moved

    def forget(self) -> None:
        """Lets go, once an hour, of the names of batches that came long ago."""
        now = datetime.now(UTC)
        if now - self.forgot > FORGETS:
            inbox_of(self.city).forget_names(now)
            self.forgot = now

    def _heal(self) -> None:
        self.city.figures.computing.bring_up_to_date()
        self.city.closings.post(datetime.now(UTC))

    def compact(self) -> Merged:
        """Merges the small files of one partition of readings, where one has many."""
        figures = self.city.figures
        tables = [table for name, table in figures.catalog.tables.items() if name.startswith(READING_PREFIX)]
        with figures.lake.alone():
            merged = compact(figures.lake, tables)
        if merged.before:
            told = {"files_before": merged.before, "files_after": merged.after}
            inbox_of(self.city).beat(COMPACTION, datetime.now(UTC), told)
        return merged

    def retain(self, now: datetime) -> None:
        """Lets go of what is old, once a day, in small bites; what fails is told, and tried again in an hour."""
        if self.retains is None:
            last = inbox_of(self.city).pulses().get(RETENTION)
            self.retains = max(last[0] + DAILY if last else now, now + SETTLED)
        if now < self.retains:
            return
        if self._bites is None:
            figures = self.city.figures
            self._bites = let_go(figures.computing, self.city.closings, self.city.district, now)
            self._gone = Gone()
        until = time.monotonic() + BITES
        try:
            self._gone += next(self._bites)
            while time.monotonic() < until:
                self._gone += next(self._bites)
        except StopIteration:
            self._retained(now, DAILY, self._gone.problem)
        except UnderWay:  # by hand
            self._bites, self.retains = None, now + AGAIN
        except Exception as failed:
            log.exception("what is old could not be let go of")
            self._retained(now, AGAIN, f"{type(failed).__name__}: {failed}"[:LONGEST_ERROR])

    def _retained(self, now: datetime, following: timedelta, error: str) -> None:
        self._bites, self.retains = None, now + following
        inbox_of(self.city).beat(RETENTION, now, self._gone.told() | {"error": error})

    def run(self, goes_on: Callable[[], bool], told: Callable[[Moved], None]) -> None:
        """Steps for as long as `goes_on`; what fails is logged and tried again, and what waits stays where it is.

        Between two steps it pauses, the longer the more a step takes, so that a small machine keeps time for those who ask; and
        longer still while nobody does. While more waits than a step takes, as behind an outage, it pauses as shortly as it may.
        """
        behind = True  # what a process moved that ended may not be computed yet
        so_far, error, beaten = Moved(), "", 0.0
        begun_at, recent = datetime.now(UTC).isoformat(), deque[tuple[float, int]]()
        going = goes_on()
        while going:
            begun, much = time.monotonic(), False
            try:
                if behind:
                    mend(self.city.figures.lake, self.city.figures.catalog)
                    with self.city.figures.lake.alone():
                        if self.records is not None:
                            self.records.publish(self.city.figures.computing, everything=True)
                        self._heal()
                    behind = False
                self._settle()
                moved = self.step()
                much = inbox_of(self.city).waiting_readings() > MOST_LATE
                self.compact()
                self.forget()
                self.retain(datetime.now(UTC))
                error = ""
            except Exception as failed:
                log.exception("what waits in the inbox could not be moved")
                behind, moved, error = True, Moved(), f"{type(failed).__name__}: {failed}"[:LONGEST_ERROR]
            self._make_room()
            took = time.monotonic() - begun
            if moved.batches:
                so_far += moved
                recent.append((time.monotonic(), sum(moved.readings.values())))
                told(moved)
            if moved.batches or time.monotonic() - beaten > BEAT:
                beaten = time.monotonic()
                rates = {f"per_second_{span}": rate(recent, beaten, span) for span in (60, round(RECENT))}
                self._beat(so_far, took, error, {"pid": os.getpid(), "begun": begun_at, **rates})
            going = self._pause(PAUSE if much else min(max(PAUSE, took * SPARED), LONGEST_PAUSE), goes_on, much)

    def _make_room(self) -> None:
        """On a full disk the journal of what comes gives its room back, whether anything could be moved or not."""
        storage = inbox_of(self.city).storage
        with suppress(StorageRefused):
            if storage.full():
                storage.tidy()

    def _settle(self) -> None:
        """Waits until nothing more comes in: what many devices send at once is moved, and heals, at once."""
        inbox, until = inbox_of(self.city), time.monotonic() + LONGEST_SETTLING
        before, now = 0, inbox.waiting_readings()
        while now > before and time.monotonic() < until:
            time.sleep(SETTLING)
            before, now = now, inbox.waiting_readings()

    def _pause(self, pause: float, goes_on: Callable[[], bool], much: bool = False) -> bool:
        """Sleeps for a pause; while nobody looks (and neither `much` waits nor is anything being let go of) longer, until
        somebody does. Whether it goes on."""
        until, lake = time.monotonic() + UNSEEN_PAUSE, self.city.figures.lake.root
        time.sleep(pause)
        while goes_on():
            if much or self._bites is not None or time.monotonic() >= until or somebody_looks(lake):
                return True
            time.sleep(PAUSE)
        return False

    def _beat(self, so_far: Moved, took: float, error: str, more: Mapping[str, Any]) -> None:
        now, held = datetime.now(UTC), sum(so_far.held.values())
        how = {"readings": sum(so_far.readings.values()), "held": held, "step_seconds": round(took, 3), "error": error}
        try:
            inbox_of(self.city).beat(MOVER, now, {**how, **more})
        except StorageRefused:
            log.exception("the inbox refuses")


def rate(recent: deque[tuple[float, int]], now: float, span: float) -> float:
    """Readings a second over the last `span` [s], of times [s] and numbers of what was moved; lets go of what is too old."""
    while recent and recent[0][0] < now - RECENT:
        recent.popleft()
    return round(sum(number for at, number in recent if at > now - span) / span, 1)


def trouble(city: OpenCity, now: datetime) -> list[str]:
    """Why the access network is not ready: inbox or lake refuse, or nobody moves on what waits. Empty where it is."""
    try:
        pulses = inbox_of(city).pulses()
    except StorageRefused as error:
        return [f"the inbox refuses: {error}"]
    at, how = pulses.get(MOVER, (None, {}))
    if at is None or now - at > SILENT:
        return [f"the mover was last heard of {f'at {at:%Y-%m-%d %H:%M:%S} UTC' if at else 'never'}"]
    away = city.figures.lake.store.trouble()
    return [away] if away else [f"the mover fails: {how['error']}"] if how.get("error") else []
