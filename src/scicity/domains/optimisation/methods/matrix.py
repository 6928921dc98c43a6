"""Linear programs whose columns and rows come in blocks, one column or row a step.

A block of columns is one quantity over time (what a boiler gives), a block of rows one rule over time (a balance). A row's term
names a block of columns, how many steps back it looks, and its coefficient. Where a term looks back beyond the first step it
reads the past, which is known and goes to the right-hand side; or it wraps round to the end, for what is cyclic. So a window of
a long time is a slice of the same arrays, and nothing is worked out again. No step is visited by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
INFINITE = float("inf")


class Term(NamedTuple):
    """`factor` (a number, or an array of shape (steps,)) times the block of columns `block`, `back` steps ago."""

    block: int
    factor: float | Floats
    back: int = 0
    wraps: bool = False


class Block(NamedTuple):
    """Whose columns or rows these are, and what they say."""

    device: str
    quantity: str


class Arrays(NamedTuple):
    """A program as a solver takes it: columns, rows, and the matrix by rows (CSR)."""

    cost: Floats
    lower: Floats
    upper: Floats
    row_lower: Floats
    row_upper: Floats
    start: Ints
    columns: Ints
    value: Floats
    whole: Ints


class Columns(NamedTuple):
    """A block of columns as it was asked for; numbers or arrays of shape (steps,)."""

    lower: float | Floats
    upper: float | Floats
    cost: float | Floats
    carbon: float | Floats
    whole: bool


@dataclass
class Program:
    """Blocks of columns and rows over `steps` steps. After `close`, arrays of shape (blocks, steps)."""

    steps: int

    def __post_init__(self) -> None:
        self.columns: list[Block] = []
        self.rows: list[Block] = []
        self.terms: list[list[Term]] = []
        self.asked: list[Columns] = []
        self.asked_rows: list[tuple[float | Floats, float | Floats]] = []

    def column(
        self,
        device: str,
        quantity: str,
        upper: float | Floats = INFINITE,
        *,
        lower: float | Floats = 0.0,
        cost: float | Floats = 0.0,
        carbon: float | Floats = 0.0,
        whole: bool = False,
    ) -> int:
        """Adds a block of columns; its number."""
        self.columns.append(Block(device, quantity))
        self.asked.append(Columns(lower, upper, cost, carbon, whole))
        return len(self.columns) - 1

    def row(
        self, device: str, quantity: str, terms: list[Term], lower: float | Floats = 0.0, upper: float | Floats = INFINITE
    ) -> int:
        """Adds a block of rows, lower ≤ sum of the terms ≤ upper; its number."""
        self.rows.append(Block(device, quantity))
        self.terms.append(terms)
        self.asked_rows.append((lower, upper))
        return len(self.rows) - 1

    def close(self) -> None:
        """Lays everything that was asked for out as arrays."""
        count, steps = len(self.columns), self.steps
        self.lower, self.upper, self.cost, self.carbon = (np.empty((count, steps)) for _ in range(4))
        for at, asked in enumerate(self.asked):
            self.lower[at], self.upper[at], self.cost[at], self.carbon[at] = asked[:4]
        self.whole = np.array([asked.whole for asked in self.asked], dtype=np.int32)
        self.row_lower, self.row_upper = (np.empty((len(self.rows), steps)) for _ in range(2))
        for at, (lower, upper) in enumerate(self.asked_rows):
            self.row_lower[at], self.row_upper[at] = lower, upper
        self.past = np.zeros((count, max([1, *(term.back for terms in self.terms for term in terms)])))

    def beyond(self, past: Floats, first: int, count: int) -> tuple[Floats, Floats]:
        """The right-hand sides of `count` steps from `first` on, both of shape (rows, count), with what is known of the past.

        `past`: shape (columns, any), the newest last.
        """
        lower, upper = (side[:, first : first + count].copy() for side in (self.row_lower, self.row_upper))
        for at, terms in enumerate(self.terms):
            for block, factor, back, wraps in terms:
                if back and not wraps:
                    reach = min(back, count)
                    known = past[block, past.shape[1] - back : past.shape[1] - back + reach]
                    known = known * (factor if np.ndim(factor) == 0 else np.asarray(factor)[first : first + reach])
                    lower[at, :reach] -= known
                    upper[at, :reach] -= known
        return lower, upper

    def arrays(self, cost: Floats, past: Floats, first: int = 0, count: int | None = None) -> Arrays:
        """The program of `count` steps from `first` on with `cost` (columns, steps), as a solver takes it.

        Column and row of a block's step are block · count + step. A term that wraps does so within these steps.
        """
        count = self.steps - first if count is None else count
        part = slice(first, first + count)
        step = np.arange(count, dtype=np.int32)
        pieces, values, lengths = [], [], []
        for terms in self.terms:
            index = np.empty((count, len(terms)), np.int32)
            value = np.empty((count, len(terms)))
            for at, (block, factor, back, wraps) in enumerate(terms):
                index[:, at] = block * count + ((step - back) % count if back else step)
                value[:, at] = factor if np.ndim(factor) == 0 else np.asarray(factor)[part]
                if back and not wraps:
                    value[:back, at] = 0.0
            kept = value != 0.0
            if kept.all():
                pieces.append(index.ravel())
                values.append(value.ravel())
                lengths.append(np.full(count, len(terms), np.int32))
            else:
                pieces.append(index[kept])
                values.append(value[kept])
                lengths.append(kept.sum(axis=1, dtype=np.int32))
        start = np.concatenate([np.zeros(1, np.int32), np.cumsum(np.concatenate(lengths), dtype=np.int32)])
        lower, upper = self.beyond(past, first, count)
        return Arrays(
            np.ascontiguousarray(cost[:, part]).ravel(),
            np.ascontiguousarray(self.lower[:, part]).ravel(),
            np.ascontiguousarray(self.upper[:, part]).ravel(),
            lower.ravel(),
            upper.ravel(),
            start,
            np.concatenate(pieces),
            np.concatenate(values),
            np.repeat(self.whole, count),
        )

    def activity(self, values: Floats, past: Floats) -> Floats:
        """What every row comes to with `values` (columns, steps), shape (rows, steps), the past counted in."""
        sums = np.zeros((len(self.rows), self.steps))
        behind = np.concatenate([past, values], axis=1)
        for at, terms in enumerate(self.terms):
            for block, factor, back, wraps in terms:
                if wraps:
                    sums[at] += factor * np.roll(values[block], back)
                else:
                    begin = past.shape[1] - back
                    sums[at] += factor * behind[block, begin : begin + self.steps]
        return sums

    def excess(self, values: Floats, past: Floats) -> Floats:
        """By how much each row is broken, shape (rows, steps), 0 where it holds."""
        sums = self.activity(values, past)
        return np.maximum(0.0, np.maximum(self.row_lower - sums, sums - self.row_upper))
