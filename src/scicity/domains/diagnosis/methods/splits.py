"""Splits of a year: which days share a response to temperature, and which share a base load.

An atom is a kind of day (working day, rest day) in a season. A split puts atoms into slope groups, each with its own
balance points and slopes, and these into base groups, each with its own base load. So a weekend may need less at every
temperature (a base of its own), or answer to the cold in another way (slopes of its own).

Source: the splits by working day and season of opendsm 1.2.7 (daily model); bases of their own are our addition.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

KINDS, SEASONS = 2, 3
ATOMS = KINDS * SEASONS


@dataclass(frozen=True)
class Split:
    """`slope` and `base`: the group of each atom; base groups never reach over two slope groups."""

    name: str
    slope: tuple[int, ...]
    base: tuple[int, ...]

    def groups(self) -> list[list[list[int]]]:
        """Slope groups, each as its base groups, each as its atoms."""
        atoms = sorted(range(ATOMS), key=lambda atom: (self.slope[atom], self.base[atom], atom))
        return [
            [list(inner) for _, inner in groupby(outer, key=lambda atom: self.base[atom])]
            for _, outer in groupby(atoms, key=lambda atom: self.slope[atom])
        ]


def _by(kinds: bool, merged: tuple[int, ...] | None) -> tuple[int, ...]:
    """The group of each atom, by its kind of day if asked for and by its season as merged."""
    return tuple(
        (atom // SEASONS if kinds else 0) * SEASONS + (merged[atom % SEASONS] if merged else 0) for atom in range(ATOMS)
    )


def splits() -> list[Split]:
    """The splits that are tried, the plainest first: slopes shared or by kind, and by season where seasons are merged in
    each of the five ways; bases at least as fine."""
    mergings: dict[str, tuple[int, ...] | None] = {
        "year": None, "winter apart": (1, 0, 0), "shoulder apart": (0, 1, 0), "summer apart": (0, 0, 1), "season": (0, 1, 2)
    }  # fmt: skip
    found = {}
    for slope_season, slope_merged in mergings.items():
        for slope_kind in (False, True):
            slope = _by(slope_kind, slope_merged)
            for base_season, base_merged in mergings.items():
                for base_kind in (False, True):
                    base = _by(base_kind, base_merged)
                    coarser = any(base[i] == base[j] and slope[i] != slope[j] for i in range(ATOMS) for j in range(i))
                    if not coarser:
                        name = f"slopes by {_named(slope_kind, slope_season)}, bases by {_named(base_kind, base_season)}"
                        found[slope, base] = Split(name, slope, base)
    return sorted(found.values(), key=lambda split: (len(set(split.slope)), len(set(split.base))))


def _named(kind: bool, season: str) -> str:
    return f"{'kind of day and ' if kind else ''}{season}"


SPLITS = splits()
