"""Editions of indicator systems: which one is in force on a day, and what changed from one to the next.

Days are local; a period holds from its first day up to, and without, its last bound. Source: rule of this project.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

CHANGES = ("added", "withdrawn", "changed", "same")


@dataclass(frozen=True)
class Edition:
    """An edition of a system: in force from `begins` (None: always was) up to `ends` (None: still is), which is not in it."""

    system: str
    framework: str
    edition: str
    begins: date | None = None
    ends: date | None = None


def chained(editions: Sequence[Edition]) -> list[Edition]:
    """The editions of one system in their order; one without an end ends where the next begins. Source: as the module."""
    ordered = sorted(editions, key=lambda each: (each.begins or date.min, each.framework, each.edition))
    found = []
    for number, each in enumerate(ordered):
        following = next(
            (later.begins for later in ordered[number + 1 :] if later.begins and later.begins != each.begins), None
        )
        ends = min((end for end in (each.ends, following) if end), default=None)
        found.append(Edition(each.system, each.framework, each.edition, each.begins, ends))
    return found


def in_force(editions: Sequence[Edition], system: str, day: date) -> Edition | None:
    """The edition of a system that is in force on a day; of several the one that began last; None where there is none.

    Land and projects keep the edition of their own day: ask with the day on which the contract or the case began.
    Source: as the module.
    """
    there = [each for each in editions if each.system == system and (each.begins or date.min) <= day < (each.ends or date.max)]
    return max(there, key=lambda each: (each.begins or date.min, each.framework, each.edition), default=None)


def edition_of_year(begun: Sequence[tuple[int, str]], year: int) -> str | None:
    """The edition (year of its beginning, name) that began last up to the end of a year; the first where none had.

    Source: as the module.
    """
    ordered = sorted(begun)
    found = [edition for begins, edition in ordered if begins <= year]
    return found[-1] if found else ordered[0][1] if ordered else None


def difference(
    before: Mapping[Hashable, Mapping[str, Any]], after: Mapping[Hashable, Mapping[str, Any]], fields: Sequence[str]
) -> list[tuple[Hashable, str, list[tuple[str, Any, Any]]]]:
    """Key, change and changed fields (name, before, after) of every row that either edition has, in the order of the keys.

    Source: as the module.
    """
    found: list[tuple[Hashable, str, list[tuple[str, Any, Any]]]] = []
    for key in sorted({*before, *after}, key=str):
        old, new = before.get(key), after.get(key)
        if old is None or new is None:
            found.append((key, "added" if old is None else "withdrawn", []))
            continue
        changed = [(name, old.get(name), new.get(name)) for name in fields if old.get(name) != new.get(name)]
        found.append((key, "changed" if changed else "same", changed))
    return found
