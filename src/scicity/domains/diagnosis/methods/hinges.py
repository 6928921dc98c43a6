"""Hinges: how far a day lies below a heating balance point, or above a cooling one, and least squares on two of them.

A hinge of a day is the mean over its temperatures of max(0, balance point - t), or of max(0, t - balance point). With one
temperature a day this is the degree day of CalTRACK; with 24 it is degree hours / 24, which tells a day whose nights
need heating from an even one (openeemeter/caltrack, issue 120).

All meters under one sky are fitted at once: sums over days are products of a matrix of weights (meters x days) with the
hinges of a grid of balance points (days x points), and slopes follow in closed form. Shapes: M meters, D days, H temperatures
a day, B balance points, A atoms (a kind of day in a season). Temperatures, points and hinges are in one unit [degrees], loads
in any one [load], slopes in [load / degree].

Source: the degree days and the search over balance points of CalTRACK, as told in its issues (openeemeter/caltrack).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scicity.domains.diagnosis.methods.arrays import Bools, Floats, Ints

POINTS = 20  # balance points of the grid; each is refined afterwards
EDGE = 0.02  # of the days at either end have no balance point: a slope of so few days is not known
FINE = 12  # points of a table between two of the grid
TINY = 1e-12

SHAPES = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], dtype=bool)  # heating, cooling


def temperatures(temperature: npt.ArrayLike) -> Floats:
    """Temperatures of days as D x H. `temperature`: (D,) daily means or (D, H), in any one unit; a missing one is NaN.

    A day is known if at least half of its temperatures are; the others take the mean of those of the day. Raises
    ValueError for another number of dimensions.
    """
    given = np.asarray(temperature, dtype=float)
    if given.ndim == 1:
        given = given[:, None]
    if given.ndim != 2:
        raise ValueError(f"temperature has {given.ndim} dimensions; expected days, or days x hours")
    known = np.isfinite(given)
    count = known.sum(axis=1)
    mean = np.where(known, given, 0.0).sum(axis=1) / np.maximum(count, 1)
    enough = (count > 0) & (2 * count >= given.shape[1])
    filled: Floats = np.where(enough[:, None], np.where(known, given, mean[:, None]), np.nan)
    return filled


def below(temperature: Floats, point: Floats) -> Floats:
    """The heating hinge [degrees] of each day (D, H) at balance points (N,): (N, D)."""
    hinge = np.zeros((len(point), len(temperature)))
    for hour in temperature.T:
        hinge += np.maximum(point[:, None] - hour, 0.0)
    return hinge / temperature.shape[1]


def above(temperature: Floats, point: Floats) -> Floats:
    """The cooling hinge [degrees] of each day; shapes as in `below`."""
    return below(-temperature, -point)


def share_below(temperature: Floats, point: Floats) -> Floats:
    """The share of a day's temperatures below a balance point: the slope of `below` in the point. Shapes as there."""
    share = np.zeros((len(point), len(temperature)))
    for hour in temperature.T:
        share += hour < point[:, None]
    return share / temperature.shape[1]


@dataclass(frozen=True)
class Sky:
    """The temperatures of days (D, H) and, where a day has many, hinges between the ends of a grid to look up (F, D).

    Between two looked-up points a hinge is taken as straight, which is exact to a part in a thousand of a degree; `exactly`
    leaves the table out.
    """

    temperature: Floats
    ends: Floats
    table: Floats | None

    def of(self, days: Ints) -> Sky:
        """The same of some days."""
        return Sky(self.temperature[days], self.ends, None if self.table is None else self.table[:, days])

    def exactly(self) -> Sky:
        """The same without the table."""
        return Sky(self.temperature, self.ends, None)

    def hinge(self, point: Floats) -> tuple[Floats, Floats]:
        """The heating hinge at points (M,) between the ends, and its slope in the point, each (M, D)."""
        if self.table is None:
            return below(self.temperature, point), share_below(self.temperature, point)
        width = (self.ends[1] - self.ends[0]) / (len(self.table) - 1)
        if not width > 0:
            return self.exactly().hinge(point)
        place = (point - self.ends[0]) / width
        lower = np.clip(place.astype(np.int64), 0, len(self.table) - 2)
        at = self.table[lower]
        rise = self.table[lower + 1] - at
        return at + (place - lower)[:, None] * rise, rise / width


def sky(temperature: Floats) -> Sky:
    """The sky of days (D, H) whose temperatures are all known."""
    points = grid(temperature)
    ends = np.array([points[0], points[-1]])
    fine = np.linspace(ends[0], ends[1], FINE * (POINTS - 1) + 1)
    return Sky(temperature, ends, below(temperature, fine) if temperature.shape[1] > 1 else None)


def grid(temperature: Floats) -> Floats:
    """B balance points, evenly over the daily means of the days given but their edges. Moves with the unit of temperature."""
    mean = temperature.mean(axis=1)
    mean = np.sort(mean[np.isfinite(mean)])
    if len(mean) == 0:
        return np.zeros(POINTS)
    low, high = mean[int(EDGE * len(mean))], mean[len(mean) - 1 - int(EDGE * len(mean))]
    points: Floats = low + (high - low) * np.linspace(0.0, 1.0, POINTS)
    return points


@dataclass(frozen=True)
class Sums:
    """Weighted sums over the days of each atom; P pairs of a heating point not above a cooling point."""

    count: Floats  # (A, M)
    load: Floats  # (A, M)
    square: Floats  # (A, M) of the load
    hinge: Floats  # (A, M, 2B): heating points, then cooling points
    moment: Floats  # (A, M, 2B) of hinge and load
    inertia: Floats  # (A, M, 2B) of the hinge with itself
    cross: Floats  # (A, M, P) of a heating and a cooling hinge
    active: Floats  # (A, M, 2B) days with a hinge above zero
    pairs: tuple[Ints, Ints]  # (P,) indices of the heating and of the cooling point


def sums(load: Floats, weight: Floats, temperature: Floats, atom: Ints, atoms: int) -> Sums:
    """The sums of all meters: load and weight (M, D), both 0 where a day does not count; temperature (D, H); atom (D,)."""
    points = grid(temperature)
    hinge = np.concatenate([below(temperature, points), above(temperature, points)]).T  # (D, 2B)
    heating, cooling = np.triu_indices(len(points))
    cross = hinge[:, heating] * hinge[:, len(points) + cooling]
    weighed = weight * load
    parts = []
    for number in range(atoms):
        days = atom == number
        w, wy, x = weight[:, days], weighed[:, days], hinge[days]
        parts.append(
            (
                w.sum(axis=1), wy.sum(axis=1), (wy * load[:, days]).sum(axis=1),
                w @ x, wy @ x, w @ x**2, w @ cross[days], w @ (x > 0).astype(float),
            )
        )  # fmt: skip
    stacked = [np.stack(column) for column in zip(*parts, strict=True)]
    count, whole, square, sides, moment, inertia, mixed, active = stacked
    return Sums(count, whole, square, sides, moment, inertia, mixed, active, (heating, cooling))


@dataclass(frozen=True)
class Coarse:
    """What the grid says of one group of days, for each of the four shapes: squares (4, M) and balance points (4, M)."""

    squares: Floats
    heating_point: Floats
    cooling_point: Floats


def coarse(given: Sums, points: Floats, base: list[list[int]], fewest: float) -> Coarse:
    """The best balance points of the grid for one slope group whose atoms are divided into groups of one base each.

    A slope is allowed only upwards (more heating when colder, more cooling when warmer) and where at least `fewest` days
    lie beyond its balance point; what is not allowed has infinite squares.
    """
    every = [atom for group in base for atom in group]

    def centred(whole: Floats, left: Floats, right: Floats) -> Floats:
        total = whole[every].sum(axis=0)
        for group in base:
            count = np.maximum(given.count[group].sum(axis=0), TINY)
            count = count.reshape(count.shape + (1,) * (total.ndim - 1))
            total = total - left[group].sum(axis=0) * right[group].sum(axis=0) / count
        return total

    size = len(points)
    heating, cooling = given.pairs
    flat = np.maximum(centred(given.square, given.load, given.load), 0.0)  # (M,)
    inertia = centred(given.inertia, given.hinge, given.hinge)
    moment = centred(given.moment, given.hinge, given.load[..., None])
    right = given.hinge[..., size + cooling]
    cross = centred(given.cross, given.hinge[..., heating], right)
    allowed = (given.active[every].sum(axis=0) >= fewest) & (inertia > TINY * given.inertia[every].sum(axis=0)) & (moment > 0)
    gain = np.where(allowed, moment**2 / np.where(allowed, inertia, 1.0), -np.inf)
    ihh, icc, mh, mc = (
        inertia[:, heating], inertia[:, size + cooling], moment[:, heating], moment[:, size + cooling]
    )  # fmt: skip
    determinant = ihh * icc - cross**2
    up = (icc * mh - cross * mc > 0) & (ihh * mc - cross * mh > 0)  # both slopes
    enough = (given.active[every].sum(axis=0) >= fewest)[:, heating] & (given.active[every].sum(axis=0) >= fewest)[
        :, size + cooling
    ]
    sound = up & enough & (determinant > 1e-9 * ihh * icc)
    both = np.where(sound, (mh**2 * icc - 2 * mh * mc * cross + mc**2 * ihh) / np.where(sound, determinant, 1.0), -np.inf)
    best_h, best_c, best = gain[:, :size].argmax(axis=1), gain[:, size:].argmax(axis=1), both.argmax(axis=1)
    row = np.arange(len(flat))
    gains = np.stack([np.zeros(len(flat)), gain[row, best_h], gain[row, size + best_c], both[row, best]])
    squares = np.maximum(flat - gains, 0.0)
    none = np.full(len(flat), np.nan)
    return Coarse(
        squares,
        np.stack([none, points[best_h], none, points[heating[best]]]),
        np.stack([none, none, points[best_c], points[cooling[best]]]),
    )


@dataclass(frozen=True)
class Fitted:
    """One slope group of M meters with Q bases: base (M, Q); slopes [load / degree], points [degrees] and squares (M,)."""

    base: Floats
    heating: Floats
    heating_point: Floats
    cooling: Floats
    cooling_point: Floats
    squares: Floats


def refined(
    load: Floats, weight: Floats, over: Sky, base: Bools, shape: Bools, start: tuple[Floats, Floats], steps: int
) -> Fitted:
    """Balance points between those of the grid, by Gauss-Newton steps that are kept where they lessen the squares.

    load, weight (M, D); over: the sky of the D days; base (D, Q) says which base a day has; shape (M, 2): heating, cooling;
    start: balance points (M,), (M,), which never leave the ends of the sky; steps: how many, 0 for none. Source of
    the step: V. Muggeo, Statistics in Medicine 22 (2003) 3055, doi:10.1002/sim.1545 (not seen, unverified; it is Newton's).
    """
    middle = over.ends.mean()
    heat, cool = (np.where(shape[:, side], np.nan_to_num(start[side], nan=middle), middle) for side in (0, 1))
    bases = base.shape[1]
    best: tuple[Floats, Floats, Floats, Floats] | None = None
    for left in range(steps, -1, -1):
        columns = _columns(over, base, shape, heat, cool)
        weighed = columns * weight[..., None]
        gram = np.swapaxes(weighed, 1, 2) @ columns
        moment = (np.swapaxes(weighed, 1, 2) @ load[..., None])[..., 0]
        slopes = _solved(gram[:, : bases + 2, : bases + 2], moment[:, : bases + 2])
        rest = load - (columns[..., : bases + 2] @ slopes[..., None])[..., 0]
        squares = (weight * rest**2).sum(axis=1)
        wrong = (slopes[:, bases:] < 0).any(axis=1)
        squares = np.where(wrong, np.inf, squares)
        if best is None:
            best = (slopes, squares, heat, cool)
        better = squares < best[1]
        best = (
            np.where(better[:, None], slopes, best[0]), np.where(better, squares, best[1]),
            np.where(better, heat, best[2]), np.where(better, cool, best[3]),
        )  # fmt: skip
        if not left:
            break
        step = _solved(gram, (np.swapaxes(weighed, 1, 2) @ rest[..., None])[..., 0])
        slope = slopes[:, bases:]
        move = np.where(slope > 0, step[:, bases + 2 :] / np.where(slope > 0, slope, 1.0), 0.0)
        # where the last step was no gain: from the best so far, half as far in a direction that goes on
        heat = np.where(better | (squares == best[1]), heat + move[:, 0], (heat + best[2]) / 2)
        cool = np.where(better | (squares == best[1]), cool + move[:, 1], (cool + best[3]) / 2)
        heat, cool = heat.clip(*over.ends), cool.clip(*over.ends)
        crossed = shape.all(axis=1) & (heat > cool)
        heat, cool = np.where(crossed, (heat + cool) / 2, heat), np.where(crossed, (heat + cool) / 2, cool)
    assert best is not None  # noqa: S101  (there is at least one step)
    slopes, squares, heat, cool = best
    return Fitted(
        slopes[:, :bases],
        np.where(shape[:, 0], slopes[:, bases], 0.0), np.where(shape[:, 0], heat, np.nan),
        np.where(shape[:, 1], slopes[:, bases + 1], 0.0), np.where(shape[:, 1], cool, np.nan),
        squares,
    )  # fmt: skip


def _columns(over: Sky, base: Bools, shape: Bools, heat: Floats, cool: Floats) -> Floats:
    """Bases, heating and cooling hinge, and how these change with their points: (M, D, Q + 4)."""
    columns = np.zeros((len(heat), len(base), base.shape[1] + 4))
    columns[:, :, : base.shape[1]] = base
    heating, heats = over.hinge(heat)
    cooling, cools = over.hinge(cool)
    columns[:, :, -4] = heating * shape[:, :1]
    # what a day is warmer than a point is what it is colder, and the difference
    columns[:, :, -3] = (cooling + over.temperature.mean(axis=1) - cool[:, None]) * shape[:, 1:]
    columns[:, :, -2] = heats * shape[:, :1]
    columns[:, :, -1] = (cools - 1.0) * shape[:, 1:]
    return columns


def _scaled(gram: Floats) -> tuple[Floats, Floats]:
    """Normal equations (M, K, K) with ones on the diagonal, and what they were divided by (M, K)."""
    diagonal = np.einsum("mkk->mk", gram)
    scale = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    even = gram / scale[:, :, None] / scale[:, None, :]
    return even + np.eye(gram.shape[1]) * np.where(diagonal > 0, TINY, 1.0)[:, :, None], scale


def _solved(gram: Floats, moment: Floats) -> Floats:
    """Solutions of normal equations (M, K, K), (M, K); a column that is nothing gets 0."""
    even, scale = _scaled(gram)
    solution: Floats = np.linalg.solve(even, (moment / scale)[..., None])[..., 0] / scale
    return solution


def inverse(gram: Floats) -> Floats:
    """Inverses of matrices of normal equations (M, K, K); a column that is nothing gets 0 in its row and column."""
    even, scale = _scaled(gram)
    there = np.einsum("mkk->mk", gram) > 0
    result: Floats = np.linalg.inv(even) / scale[:, :, None] / scale[:, None, :]
    return result * there[:, :, None] * there[:, None, :]
