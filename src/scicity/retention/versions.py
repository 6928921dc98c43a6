"""Letting go of versions: the log of long ago becomes a record and a checkpoint; files that no kept version has are deleted.

**The order in which it is safe.** For each table: a checkpoint of the version `through`, read back and on stable storage; then
the record, on stable storage; then the log before it goes; and hours later, when nobody can still be reading them, the files.
A run that ended anywhere in between leaves a right state, and the next one goes on: what is there twice tells the same.

**Which versions are kept.** Every one of the last `steps_hours`; of each day the last one, for `versions_days`; those from
which a closed period came; and of each table those that the kept versions of the tables above it came from. So tables are
looked at from above, each up to where all that read it have been: what a later commit of a reader can have come from is then
the version that stood where its own log begins, or one that stands in the log here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from scicity.kernel import record as records
from scicity.kernel.calendar import Calendar
from scicity.kernel.computing import SAME
from scicity.kernel.lake import Lake
from scicity.kernel.record import Record, kept_of
from scicity.kernel.tables import LAYER_PREFIX, READING_PREFIX, Catalog
from scicity.retention import checkpoint, log
from scicity.retention.log import Telling
from scicity.retention.rule import Rule
from scicity.stores.folder import commit_of

MOST = 500  # commits that one bite takes up, and files that one deletes: live steps wait for one bite at most
GRACE = timedelta(hours=6)  # between letting go of a file and deleting it: longer than any page or export reads
NEVER = 2**62


@dataclass
class Gone:
    """What was let go of: versions; files of logs; files that will be deleted, with bytes; files that were, with bytes;

    months of readings, and how many. `problem` says why something could not be let go of.
    """

    versions: int = 0
    logs: int = 0
    files: int = 0
    bytes: int = 0
    deleted: int = 0
    deleted_bytes: int = 0
    months: set[str] = field(default_factory=set)
    readings: int = 0
    problem: str = ""

    def __add__(self, other: Gone) -> Gone:
        both = {name: value + getattr(other, name) for name, value in vars(self).items() if isinstance(value, int)}
        return Gone(**both, months=self.months | other.months, problem=self.problem or other.problem)

    def told(self) -> dict[str, object]:
        """As plain values."""
        return vars(self) | {"months": sorted(self.months)}


@dataclass(frozen=True)
class Plan:
    """What a bite will write of a table: its record, instead of the one that was there, and whether more is left."""

    table: str
    before: Record
    record: Record
    log: Hashable  # state of the commit where the log is to begin: still the same at the end
    more: bool


class Versions:
    """Lets go of versions of the tables of a lake. `pinned` tells which versions of a table must stay, whatever their age."""

    def __init__(
        self,
        lake: Lake,
        catalog: Catalog,
        calendar: Calendar,
        rule: Rule,
        pinned: Callable[[], Mapping[str, set[int]]],
        now: datetime,
        dry: bool = False,
    ) -> None:
        self.lake, self.catalog, self.calendar, self.rule, self.pinned = lake, catalog, calendar, rule, pinned
        self.now, self.dry = now, dry
        self._same = lake.noted(SAME)  # the versions that tables were found to stand for since their newest commit
        self._planned: dict[str, Record] = {}  # of a dry run
        self._weights: dict[str, Callable[[Iterable[str]], int]] = {}
        self._reached: dict[str, int] = {}  # up to which instant [ms] each table has been looked at

    def bites(self) -> Iterator[Gone]:
        """Lets go, table by table from above, a bite at a time."""
        above = [table.name for table in reversed(self.catalog.derived)]
        below = sorted(name for name in self.catalog.tables if name not in set(above))
        for table in (*above, *below):
            if self.lake.snapshot(table).version < 0:
                self._reached[table] = NEVER
                continue
            yield from self._shorten(table)
            yield from self._sweep(table)

    # --- the log ---

    def _shorten(self, table: str) -> Iterator[Gone]:
        if not self.dry:
            yield from self._tidy(table)
        while (plan := self.plan(table)) is not None:
            yield self._perform(plan)
            if not plan.more:
                break
        self._reached[table] = self._until(table)

    def _limit(self, table: str) -> int:
        """The instant [ms] up to which a table may be looked at: where all that read it have been."""
        readers = [each.name for each in self.catalog.derived if any(read.table == table for read in each.reads.values())]
        return min([self.rule.steps_until(self.now), *(self._reached[reader] for reader in readers)])

    def _until(self, table: str) -> int:
        """Up to which instant [ms] a table has been looked at: all of it, if its log goes on behind that."""
        record, limit = self._record(table), self._limit(table)
        following = next(log.read(self.lake.store, table, record.through + 1), None)
        done = following is None or following.commit.at > limit
        return limit if done else max((each.at for each in record.versions.values()), default=0)

    def _record(self, table: str) -> Record:
        return self._planned.get(table) or self.lake.record(table)

    def plan(self, table: str) -> Plan | None:
        """What the next bite would write of a table; None where nothing is to be let go of."""
        before, store, limit = self._record(table), self.lake.store, self._limit(table)
        telling, more = Telling(before), False
        for count, logged in enumerate(log.read(store, table, before.through + 1)):
            if max(telling.at, logged.commit.at) > limit:
                break
            if count == (NEVER if self.dry else MOST):
                more = True
                break
            telling.tell(logged)
        state = store.state(table, commit_of(telling.through)) if telling.through >= 0 else None
        if state is None:
            return None
        ordered = [commit for _, commit in sorted(telling.versions.items())]
        kept = kept_of(ordered, self.rule.days_since(self.now), self._days(telling)) | self._needed(table)
        if table.startswith(LAYER_PREFIX):  # editions of a layer are for ever
            kept |= {commit.version for commit in ordered if not commit.note.get("distrusted")}
        retirements = self.lake.retirements() if table.startswith(READING_PREFIX) else ()
        horizon = retirements[-1].before if retirements else ""
        record = telling.record(kept, round(self.now.timestamp() * 1000), f"{self.now:%Y-%m-%d}", horizon)
        if record == before:
            return None
        return Plan(table, before, record, state, more)

    def _days(self, telling: Telling) -> dict[int, str]:
        tz = self.calendar.tz
        day: dict[int, str] = {}
        for version, commit in telling.versions.items():
            day[version] = f"{datetime.fromtimestamp(commit.at / 1000, UTC).astimezone(tz):%Y-%m-%d}"
        return day

    def _needed(self, table: str) -> set[int]:
        """Versions that something else stands on: closed periods, kept versions of readers, figures whose readings went."""
        found = set(self.pinned().get(table, set()))
        for reader in self.catalog.derived:
            if any(read.table == table for read in reader.reads.values()):
                found |= {each.inputs.get(table, -1) for each in self._record(reader.name).versions.values()}
                found.add(self._same.get(reader.name, {}).get("inputs", {}).get(table, -1))
        for act in self.lake.retirements() if not table.startswith(READING_PREFIX) else ():
            found |= {told["inputs"].get(table, -1) for told in act.tables.values()}
        return found

    def _perform(self, plan: Plan) -> Gone:
        store, table = self.lake.store, plan.table
        fresh = set(plan.record.doomed) - set(plan.before.doomed)
        shortened = plan.record.through - max(plan.before.through, 0)
        gone = Gone(
            versions=shortened + len(plan.before.versions) - len(plan.record.versions) + (plan.before.through < 0),
            files=len(fresh),
            bytes=self._weight(table, fresh),
        )
        if self.dry:
            self._planned[table] = plan.record
            return gone + Gone(logs=max(shortened, 0))
        if plan.record.through > plan.before.through:
            checkpoint.written(store, table, plan.record)
        with self.lake.alone():
            if self.lake.record(table) != plan.before or store.state(table, commit_of(plan.record.through)) != plan.log:
                return Gone()  # set aside, restored or written anew meanwhile: the next run looks again
            records.write(store, table, plan.record)
            return gone + Gone(logs=store.clear_log(table, plan.record.through, 2 * MOST))

    def _weight(self, table: str, paths: Iterable[str]) -> int:
        if table not in self._weights:
            self._weights[table] = self.lake.store.weights(table)
        return self._weights[table](paths)

    def _tidy(self, table: str) -> Iterator[Gone]:
        """Takes away what a run that ended left of the log before the record's."""
        record = self.lake.record(table)
        while record.through > 0:
            with self.lake.alone():
                if self.lake.record(table) != record:
                    return
                count = self.lake.store.clear_log(table, record.through, 2 * MOST)
            if not count:
                return
            yield Gone(logs=count)

    # --- the files ---

    def _sweep(self, table: str) -> Iterator[Gone]:
        """Deletes files that nothing names any more, some hours after that was noticed; what nobody knows of counts as such.

        A file of the same rows may have been named anew since: all of the log is looked at.
        """
        record, store = self._record(table), self.lake.store
        if record.through < 0:
            return
        used, following = record.paths(), record.through + 1
        while chunk := list(islice(log.read(store, table, following), MOST)):
            used |= {path for logged in chunk for _, path in logged.adds}
            following = chunk[-1].commit.version + 1
            yield Gone()
        now = round(self.now.timestamp() * 1000)
        unknown = {path: now for path in store.files_of(table) if path not in used and path not in record.doomed}
        doomed = {path: at for path, at in {**record.doomed, **unknown}.items() if path not in used}
        found = Gone(files=len(unknown), bytes=self._weight(table, unknown))
        due = sorted(path for path, at in doomed.items() if at <= now - GRACE.total_seconds() * 1000)
        if self.dry:
            yield found + Gone(deleted=len(due), deleted_bytes=self._weight(table, due))
            return
        while due or doomed != record.doomed:
            with self.lake.alone():
                if self.lake.record(table) != record:
                    return
                for logged in log.read(store, table, following):
                    used |= {path for _, path in logged.adds}
                    following = logged.commit.version + 1
                some = [path for path in due[:MOST] if path not in used]
                found += Gone(deleted=len(some), deleted_bytes=self._weight(table, some))
                store.delete_files(table, some)
                left = set(due[:MOST])
                doomed = {path: at for path, at in doomed.items() if path not in left and path not in used}
                records.write(store, table, records.replace(record, doomed=doomed))
                record, due = self.lake.record(table), due[MOST:]
            yield found
            found = Gone()
