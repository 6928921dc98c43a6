"""What closed figures stand on: the versions from which they came when they were closed, down to the readings.

A partition keeps standing while its table goes on: it may have been written long before the version that was closed, from older
versions of what it reads. Those are kept too: a closed figure opens as it was closed, for as long as it is closed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from scicity.closing import Act, Closings
from scicity.kernel.computing import Computing
from scicity.kernel.lake import Lake, Part
from scicity.kernel.tables import Derived

ALL = "all"
NONE: frozenset[Part] = frozenset()


def pins(computing: Computing, closings: Closings) -> Callable[[], Mapping[str, set[int]]]:
    """Tells of each table the versions that must stay for what is closed; looks again only where something was closed since."""
    known: dict[tuple[int, ...], Mapping[str, set[int]]] = {}

    def pinned() -> Mapping[str, set[int]]:
        closed = closings.closed().values()
        numbers = tuple(act.number for act in closed)
        if numbers not in known:
            known[numbers] = stood_on(computing, closed)
        return known[numbers]

    return pinned


def stood_on(computing: Computing, closed: Iterable[Act]) -> Mapping[str, set[int]]:
    """Of each table the versions that closed figures stand on. What was let go of before they were closed is not among them."""
    lake, catalog = computing.lake, computing.catalog
    kept: defaultdict[str, set[int]] = defaultdict(set)
    asked: defaultdict[str, defaultdict[int, set[Part]]] = defaultdict(lambda: defaultdict(set))
    for act in closed:
        for name, version in act.tables.items():
            kept[name].add(version)
            if name in catalog.tables:
                asked[name][version] |= {part for part in _parts(lake, name, version) if _meet(part.period, act.period)}
    for table in reversed(catalog.derived):
        for version, wanted in asked[table.name].items():
            gone = lake.snapshot(table.name, version).gone if version < lake.record(table.name).through else NONE
            for commit, parts in lake.writers(table.name, wanted - gone, version):
                kept[table.name].add(commit.version)
                for read in table.reads.values():
                    theirs, since = catalog[read.table], commit.inputs.get(read.table, -1)
                    kept[theirs.name].add(since)
                    if isinstance(theirs, Derived):
                        needed = computing.needed(table, theirs, read, parts)
                        asked[theirs.name][since] |= _parts(lake, theirs.name, since) if needed is None else needed
    return kept


def _parts(lake: Lake, name: str, version: int) -> set[Part]:
    """The partitions of a version; none of one that was set aside with its table, whose versions began anew."""
    return set(lake.snapshot(name, version).files) if version <= lake.snapshot(name).version else set()


def _meet(period: str, closed: str) -> bool:
    return period == ALL or period.startswith(closed) or closed.startswith(period)
