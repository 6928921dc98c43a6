"""The log of a table, commit by commit: which files each added and removed, and what it tells of itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote

from scicity.kernel.record import Commit, Part, Record, State, commit_of
from scicity.kernel.retired import ends_before
from scicity.stores import Store


@dataclass(frozen=True)
class Logged:
    """One commit of a log."""

    commit: Commit
    adds: tuple[tuple[Part, str], ...]
    removes: tuple[tuple[Part, str], ...]


def read(store: Store, table: str, since: int) -> Iterator[Logged]:
    """The commits of a table from a version on, as far as the log goes."""
    for version, text in store.logged(table, since):
        yield _read(version, text)


def _read(version: int, text: str) -> Logged:
    actions = [json.loads(line) for line in text.splitlines() if line]
    told, adds, removes = {"version": version}, [], []
    for action in actions:
        if "commitInfo" in action:
            about = action["commitInfo"]
            told |= json.loads(about.get("scicity") or "{}") | {"at": about.get("timestamp") or 0, "version": version}
        for name, to in (("add", adds), ("remove", removes)):
            if name in action:
                values = action[name].get("partitionValues") or _values(action[name]["path"])
                to.append((Part(values["period"], int(values["bucket"])), unquote(action[name]["path"])))
    return Logged(commit_of(told), tuple(adds), tuple(removes))


def _values(path: str) -> Mapping[str, str]:
    """The partition that a path names; another writer's removal may not tell it."""
    return dict(step.split("=", 1) for step in unquote(path).split("/")[:-1])


class Telling:
    """A record that is told of one commit after the other."""

    def __init__(self, record: Record) -> None:
        self.before = record
        self.through = record.through
        self.states = {part: list(states) for part, states in record.states.items()}
        self.versions, self.born = dict(record.versions), dict(record.born)
        self.batches, self.sequences = dict(record.batches), dict(record.sequences)
        self.seen = record.paths()  # every file that any of these versions had
        self.at = max((each.at for each in record.versions.values()), default=0)

    def tell(self, logged: Logged) -> None:
        """Takes up one commit behind those that were told. One whose clock went back counts as of the time before it."""
        commit, self.at = logged.commit, max(self.at, logged.commit.at)
        changes: dict[Part, tuple[set[str], set[str]]] = {part: (set(), set()) for part in commit.parts}
        for which, files in enumerate((logged.adds, logged.removes)):
            for part, path in files:
                changes.setdefault(part, (set(), set()))[which].add(path)
        for part, (adds, removes) in changes.items():
            states = self.states.setdefault(part, [])
            files = tuple(sorted((set(states[-1].files if states else ()) - removes) | adds))
            if part in commit.parts or not states:
                if states:
                    states[-1] = states[-1]._replace(until=commit.version)
                self.born.setdefault(part, commit.version)
                states.append(State(commit.version, None, files))
            else:  # the same rows in other files
                states[-1] = states[-1]._replace(files=files)
            self.seen |= adds
        self.versions[commit.version] = replace(commit, parts=frozenset(), at=self.at)
        self.through = commit.version
        if "batch" in commit.note:
            self.batches[commit.note["batch"]] = tuple(commit.note.get("properties", ()))
        if "inbox" in commit.note:
            source, sequence = commit.note["inbox"]
            self.sequences[source] = max(int(sequence), self.sequences.get(source, -1))

    def record(self, kept: set[int], now: int, today: str, retired: str = "") -> Record:
        """The record that keeps these versions and `through`. Of months that were `retired` only what is left is kept."""
        kept = {each for each in kept if each in self.versions} | {self.through}
        states: dict[Part, tuple[State, ...]] = {}
        for part, each in self.states.items():
            last = each[-1]
            if retired and ends_before(part.period, retired):
                states[part] = (State(self.born[part], None, last.files),)
            else:
                states[part] = tuple(state for state in each if state is last or any(state.holds(v) for v in kept))
        versions = {version: commit for version, commit in self.versions.items() if version in kept}
        gone = [version for version in self.before.versions if version not in kept]
        cuts = [cut for cut in self.before.cuts if cut[1] != today]
        found = Record(
            through=self.through,
            versions=versions,
            states=states,
            born=self.born,
            batches=self.batches,
            sequences=self.sequences,
            cuts=(*cuts, (self.through - 1, today)) if self.through > self.before.through else self.before.cuts,
            dropped={**self.before.dropped, **dict.fromkeys(gone, today)},
        )
        doomed = {path: self.before.doomed.get(path, now) for path in (self.seen | set(self.before.doomed)) - found.paths()}
        return replace(found, doomed=doomed)
