"""The record of a table: what its commits of long ago told, kept when their log and most of their files are let go of.

The log of a table begins at version `through`, of which there is a checkpoint; everything that anybody asks of earlier commits
stands in one small file beside it, `_record.json`, which is on stable storage before any of the log goes:

- of each partition the stretches of versions over which its rows were the same, with its files then: `[since, until)`. A
  stretch that holds no kept version is let go of, and a version in it is *gone* as far as that partition is concerned;
- of each kept version what it came from. A partition that was written at a version that is gone stands as well for the inputs
  of every later version in its stretch, because a commit tells the inputs up to which all partitions of its table stand;
- of a table of readings the names of all file batches that it holds, and up to which batch of each inbox.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

import pyarrow as pa

from scicity.stores import Store

RECORD = "_record.json"  # Delta passes over names that begin so
FORM = 1


class Part(NamedTuple):
    """One partition: a period (`2023-05`, `2023`, `all`) and a bucket of keys."""

    period: str
    bucket: int = 0


@dataclass(frozen=True)
class Commit:
    """What a commit tells: from which versions of which tables, by which code, which partitions it wrote; when [ms]."""

    version: int
    inputs: Mapping[str, int] = field(default_factory=dict)
    code: str = ""
    parts: frozenset[Part] = frozenset()
    note: Mapping[str, Any] = field(default_factory=dict)
    at: int = 0


class State(NamedTuple):
    """The files of a partition for the versions from `since` up to `until`, that one excluded; None goes on."""

    since: int
    until: int | None
    files: tuple[str, ...]

    def holds(self, version: int) -> bool:
        """Whether it tells of a version."""
        return self.since <= version and (self.until is None or version < self.until)


class LetGo(LookupError):  # noqa: N818  (reads as what happened)
    """A version that was there and was let go of by the district's rule: which, when, and which are kept."""

    def __init__(self, table: str, version: int, record: Record) -> None:
        first = min(record.versions, default=record.through)
        of = record.versions.get(first)
        since = f" (of {_day(of.at)})" if of and of.at else ""
        when = record.let_go_on(version)
        super().__init__(
            f"{table}: version {version} was let go of{f' on {when}' if when else ''}, as the district's [retention] has it; "
            f"kept are versions from {first}{since}: of each day the last, and every one from {record.through} on"
        )
        self.table, self.version, self.kept_from = table, version, first


class Overtaken(Exception):  # noqa: N818
    """Another writer committed to the table since it was looked at: nothing was written over, and it is to be done again."""

    def __init__(self, table: str) -> None:
        super().__init__(f"another has written {table} meanwhile; nothing was written over. One machine alone writes a lake")
        self.table = table


class SchemaChanged(Exception):  # noqa: N818
    """The table in the lake has other columns than its declaration: a migration is due."""

    def __init__(self, table: str) -> None:
        super().__init__(f"the lake's {table} has other columns than its declaration; rebuild or migrate it")
        self.table = table


@dataclass(frozen=True)
class Record:
    """All of it; `through` -1 where nothing was let go of yet.

    `born`: the version that first wrote each partition. `doomed`: files that no kept version has, and since when [ms].
    `cuts`: up to which version was let go of on which day; `dropped`: versions that were kept for a while, and their day.
    """

    through: int = -1
    versions: Mapping[int, Commit] = field(default_factory=dict)
    states: Mapping[Part, tuple[State, ...]] = field(default_factory=dict)
    born: Mapping[Part, int] = field(default_factory=dict)
    batches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sequences: Mapping[str, int] = field(default_factory=dict)
    doomed: Mapping[str, int] = field(default_factory=dict)
    cuts: tuple[tuple[int, str], ...] = ()
    dropped: Mapping[int, str] = field(default_factory=dict)

    def state(self, part: Part, version: int) -> State | None:
        """The stretch of a partition that a version up to `through` lies in; None where it is gone, or before its first."""
        return next((state for state in reversed(self.states.get(part, ())) if state.holds(version)), None)

    def files(self, version: int) -> tuple[dict[Part, tuple[str, ...]], frozenset[Part]]:
        """The files of a version up to `through` by partition, and the partitions of it that are gone."""
        found, gone = {}, set()
        for part, born in self.born.items():
            state = self.state(part, version)
            if state is None and version >= born:
                gone.add(part)
            elif state is not None and state.files:
                found[part] = state.files
        return found, frozenset(gone)

    def origin(self, part: Part, version: int) -> Commit | None:
        """What a partition came from at a version up to `through`: the first kept commit by which it stood as it did then."""
        state = self.state(part, version)
        if state is None:
            return None
        kept = [each for each in sorted(self.versions) if state.holds(each)]
        chosen = next((each for each in kept if self.versions[each].code), kept[0] if kept else None)
        return None if chosen is None else replace(self.versions[chosen], parts=frozenset({part}))

    def written_behind(self, version: int) -> set[Part]:
        """The partitions that were written behind a version, up to `through`."""
        return {part for part, states in self.states.items() if states[-1].since > version}

    def paths(self) -> set[str]:
        """Every file that a kept version up to `through` has."""
        return {path for states in self.states.values() for state in states for path in state.files}

    def let_go_on(self, version: int) -> str:
        """The day on which a version was let go of; empty where that is not known."""
        at = bisect_left([until for until, _ in self.cuts], version)
        return self.dropped.get(version) or (self.cuts[at][1] if at < len(self.cuts) else "")


@dataclass(frozen=True)
class Snapshot:
    """A table at a version: its files by partition, paths relative to the table's folder. Version -1 is not written yet.

    `gone`: the partitions whose files of then were let go of. Of what is asked of them comes LetGo, `told`.
    """

    version: int
    files: Mapping[Part, tuple[str, ...]]
    gone: frozenset[Part] = frozenset()
    told: LetGo | None = None

    @cached_property
    def paths(self) -> frozenset[str]:
        """All files of the snapshot."""
        return frozenset(path for paths in self.files.values() for path in paths)


EMPTY = Snapshot(-1, {})
EMPTY_RECORD = Record()


def read(store: Store, table: str) -> Record:
    """The record of a table. Raises LookupError for one that a later SciCity wrote."""
    text = store.noted(table, RECORD)
    if text is None:
        return EMPTY_RECORD
    told = json.loads(text)
    if told["form"] != FORM:
        raise LookupError(f"{RECORD} of {table} has form {told['form']}; this SciCity reads {FORM}")
    parts = {Part(name.rpartition("/")[0], int(name.rpartition("/")[2])): each for name, each in told["parts"].items()}
    commits = [commit_of(each) for each in told["versions"]]
    return Record(
        through=told["through"],
        versions={each.version: each for each in commits},
        states={
            part: tuple(State(since, until, tuple(files)) for since, until, files in each["states"])
            for part, each in parts.items()
        },
        born={part: each["born"] for part, each in parts.items()},
        batches={name: tuple(properties) for name, properties in told["batches"].items()},
        sequences=told["sequences"],
        doomed=told["doomed"],
        cuts=tuple((until, day) for until, day in told["cuts"]),
        dropped={int(version): day for version, day in told["dropped"].items()},
    )


def write(store: Store, table: str, record: Record) -> None:
    """Puts a record in the place of the one before and on stable storage; a file that is linked elsewhere stays as it was."""
    told = {
        "form": FORM,
        "through": record.through,
        "versions": [
            {"version": each.version, "at": each.at, "inputs": each.inputs, "code": each.code, "note": each.note}
            for _, each in sorted(record.versions.items())
        ],
        "parts": {
            f"{part.period}/{part.bucket}": {"born": record.born[part], "states": states}
            for part, states in sorted(record.states.items())
        },
        **{name: getattr(record, name) for name in ("batches", "sequences", "doomed", "cuts", "dropped")},
    }
    store.note(table, RECORD, json.dumps(told, separators=(",", ":"), sort_keys=True))


def commit_of(told: Mapping[str, Any]) -> Commit:
    """A commit from plain values, as its log or a record has them."""
    parts = frozenset(Part(*part) for part in told.get("parts", ()))
    inputs, code, note = told.get("inputs", {}), told.get("code", ""), told.get("note", {})
    return Commit(told["version"], inputs, code, parts, note, told.get("at", 0))


def commit_in(info: Mapping[str, Any]) -> Commit:
    """A commit from what a log tells of it."""
    told = json.loads(info.get("scicity") or "{}")
    return commit_of(told | {"version": info["version"], "at": info.get("timestamp") or 0})


def commits_in(told: Iterable[Mapping[str, Any]]) -> list[Commit]:
    """Commits in their order from what a log tells of them."""
    return sorted(map(commit_in, told), key=lambda commit: commit.version)


def files_in(actions: pa.Table) -> dict[Part, tuple[str, ...]]:
    """The files of a version by partition, from the log's actions (`path`, `partition.period`, `partition.bucket`)."""
    found: dict[Part, list[str]] = {}
    columns = (actions.column(name).to_pylist() for name in ("path", "partition.period", "partition.bucket"))
    for path, period, bucket in zip(*columns, strict=True):
        found.setdefault(Part(period, int(bucket)), []).append(path)
    return {part: tuple(sorted(paths)) for part, paths in found.items()}


def kept_of(versions: Iterable[Commit], since: int, day_of: Mapping[int, str]) -> set[int]:
    """Of commits in their order: the last of each day since an instant [ms], and the one that stood then.

    `day_of` names the day of each version. One that only tells that its table is not to be relied on stands for no day.
    """
    last: dict[str, int] = {}
    for commit in versions:
        if not commit.note.get("distrusted"):
            last["before" if commit.at <= since else day_of[commit.version]] = commit.version
    return set(last.values())


def _day(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d}"
