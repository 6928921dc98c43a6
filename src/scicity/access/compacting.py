"""Compacting: readings that arrive bit by bit lie in many small files; these are merged, so that asking for them stays fast.

A partition's smallest files are merged once there are many, and a file that is far larger than all of them together is
left alone: a reading is rewritten a few times in its life, not with every file that comes beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scicity.kernel.lake import Lake
from scicity.kernel.reading import merge
from scicity.kernel.tables import Table

MANY = 24  # files of a partition that are worth merging
FAR_LARGER = 2  # times all smaller files together
LARGEST = 16_000_000  # [B] beyond which a file is left alone, so that merging needs little memory


@dataclass(frozen=True)
class Merged:
    """What compacting did: how many files it put together, into how many."""

    before: int = 0
    after: int = 0

    def __add__(self, other: Merged) -> Merged:
        return Merged(self.before + other.before, self.after + other.after)


def compact(lake: Lake, tables: Iterable[Table], most: int = 1) -> Merged:
    """Merges the files of `most` partitions of reading tables that have many, those with the most files first."""
    due = []
    for table in tables:
        for part, paths in lake.snapshot(table.name).files.items():
            chosen = worth_merging(lake.sizes(table.name, paths)) if len(paths) >= MANY else []
            if chosen:
                due.append((-len(chosen), table.name, part, table, chosen))
    done = Merged()
    for _, _, part, table, chosen in sorted(due, key=lambda each: each[:3])[:most]:
        merge(lake, table, part, chosen)
        done += Merged(len(chosen), 1)
    return done


def worth_merging(sizes: dict[str, int]) -> list[str]:
    """Of a partition's files, by their sizes [B], those to merge: the smallest, as far as none is far larger than all before.

    Empty where they are too few.
    """
    chosen: list[str] = []
    together = 0
    for path, size in sorted(sizes.items(), key=lambda each: (each[1], each[0])):
        if chosen and (size > FAR_LARGER * together or together + size > LARGEST):
            break
        chosen.append(path)
        together += size
    return chosen if len(chosen) >= MANY else []
