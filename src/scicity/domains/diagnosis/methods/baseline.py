"""Baselines: what a meter would use on a day of a given temperature, learnt from days before a measure.

The change-point model of CalTRACK, IPMVP option C and ASHRAE Guideline 14: a base load, a heating slope below a balance point
and a cooling slope above another, for each kind of day and season where the split pays. CalTRACK was read in its issues and
through opendsm's settings; IPMVP and Guideline 14 were not seen (unverified).

1. A day counts where load and temperature are known. A missing day is left out; it is never 0.
2. Each split of `splits` is fitted by `hinges`: a grid of balance points, slopes in closed form, then refinement.
3. Shapes (flat, heating, cooling, both) of a slope group, and then splits, are chosen by the Bayesian information criterion
   (see `choosing`) on the effective number of days, so that noise does not buy parameters.
4. Days far from the model, measured by the spread of days about as warm, are outliers: they are left out and all is fitted
   again. Where a tenth of the days or more would be, none is: then the model is wrong, and not the days.

Source: rules of this project over the model above; what the documents say is told there.

The figures of a meter do not depend on the other meters, nor on the order of the days, nor (but for rounding) on units.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from scicity.domains.diagnosis.methods import hinges
from scicity.domains.diagnosis.methods.arrays import Bools, Floats, Ints
from scicity.domains.diagnosis.methods.choosing import FIGURES, GROUPS, GROUPS_OF, Chosen, choose, rests, told
from scicity.domains.diagnosis.methods.goodness import autocorrelation, effective, lasting
from scicity.domains.diagnosis.methods.splits import ATOMS, KINDS, SEASONS

CHUNK = 40_000  # meters x days at once: bounds the memory, and fits into the caches
FAR = 6.0  # robust standard deviations of days about as warm beyond which a day is an outlier
MOST = 0.1  # of the days: more outliers than this are none
BINS = 8  # of temperature, in which the spread is measured
ROUNDS = 3  # of outliers
LEAST = 1e-6  # of a meter's root mean square load: no outlier is nearer


@dataclass(frozen=True)
class Days:
    """What meters under one sky share: temperatures (D, H), number of the day (D,), kind of day 0 or 1, season 0, 1 or 2."""

    temperature: Floats
    number: Ints
    atom: Ints


@dataclass(frozen=True)
class Baseline:
    """Models of M meters by atom (M, A).

    base [load], heating and cooling [load / degree, never negative], *_point [degrees, NaN where there is no slope]; base
    is NaN where the baseline held no such day. split (M,): index in `splits.SPLITS`. parameters (M,); days (M,) fitted on;
    known (M,) days with load and temperature; outlier (M, D). spread (M,): root of the mean square rest, n - p [load]; rho
    (M,): autocorrelation of the rests of neighbouring days; lasting (M,): see `goodness.lasting`. variance (M, 5A, 5A): of
    the five figures of each atom in the order above, robust to a spread that changes with temperature, as if days were
    independent.
    """

    base: Floats
    heating: Floats
    heating_point: Floats
    cooling: Floats
    cooling_point: Floats
    split: Ints
    parameters: Ints
    days: Ints
    known: Ints
    outlier: Bools
    spread: Floats
    rho: Floats
    lasting: Floats
    variance: Floats

    @property
    def figures(self) -> Floats:
        """The five figures of each atom (M, A, 5): base, heating slope and point, cooling slope and point."""
        return np.stack([self.base, self.heating, self.heating_point, self.cooling, self.cooling_point], axis=2)

    @property
    def effective_days(self) -> Floats:
        """The number of independent days that would tell as much (M,): by neighbours (`goodness.effective`) or by all
        that lasts up to a month (`goodness.lasting`), whichever is fewer."""
        return np.minimum(effective(self.days, self.rho), self.days / self.lasting)


def days(
    number: npt.ArrayLike, temperature: npt.ArrayLike, kind: npt.ArrayLike | None = None, season: npt.ArrayLike | None = None
) -> Days:
    """The days that meters share: number (D,) counts days, so that neighbours differ by 1; temperature (D,) or (D, H) [any
    one unit]; kind (D,): 0 working day, 1 rest day; season (D,): 0, 1 or 2. Without kind or season all days are of one.

    Raises ValueError for lengths that differ, a day given twice, or a kind or season out of range.
    """
    numbers = np.asarray(number, dtype=np.int64)
    given = hinges.temperatures(temperature)
    parts = [
        np.zeros(len(numbers), dtype=np.int64) if part is None else np.asarray(part, dtype=np.int64) for part in (kind, season)
    ]
    if any(len(part) != len(numbers) for part in (given, *parts)):
        raise ValueError(f"{len(numbers)} days, {len(given)} temperatures, {len(parts[0])} kinds, {len(parts[1])} seasons")
    if len(np.unique(numbers)) != len(numbers):
        raise ValueError("a day is given twice")
    for name, part, most in (("kind", parts[0], KINDS), ("season", parts[1], SEASONS)):
        if len(part) and not (part.min() >= 0 and part.max() < most):
            raise ValueError(f"{name} from {part.min()} to {part.max()}; expected 0 to {most - 1}")
    return Days(given, numbers, parts[0] * SEASONS + parts[1])


def fit(load: npt.ArrayLike, shared: Days) -> Baseline:
    """Baselines of M meters on days of one sky. load (M, D): use of each day [any one unit a meter], NaN where unknown.

    A meter with no known day gets NaN. Whether a baseline may be relied upon, `sufficiency.refusal` says. Raises ValueError
    for a load whose days are not those shared, or that is infinite.
    """
    loads = np.asarray(load, dtype=float)
    if loads.ndim != 2 or loads.shape[1] != len(shared.number):
        raise ValueError(f"load of shape {loads.shape}; expected meters x {len(shared.number)} days")
    if np.isinf(loads).any():
        raise ValueError("a load is infinite")
    order = np.argsort(shared.number)
    order = order[np.isfinite(shared.temperature[order]).all(axis=1)]
    kept = Days(shared.temperature[order], shared.number[order], shared.atom[order])
    size = max(1, CHUNK // max(1, len(kept.number)))
    parts = [_fitted(loads[start : start + size, order], kept) for start in range(0, max(1, len(loads)), size)]
    joined = {field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Baseline)}
    outlier = np.zeros(loads.shape, dtype=bool)
    outlier[:, order] = joined.pop("outlier")
    return Baseline(**joined, outlier=outlier)


def predict(model: Baseline, shared: Days) -> Floats:
    """What each meter would use on each day (M, D) [load]; NaN where temperature or base is not known."""
    return told(model.figures, shared.temperature, shared.atom)


def _fitted(given: Floats, shared: Days) -> Baseline:
    """The baselines of some meters; days in order, with all temperatures known."""
    known = np.isfinite(given)
    size = np.sqrt(np.where(known, given**2, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))
    size = np.where(size > 0, size, 1.0)
    load = np.where(known, given, 0.0) / size[:, None]
    outlier, over = np.zeros(load.shape, dtype=bool), hinges.sky(shared.temperature)
    chosen = _chosen(load, known, over, shared)
    for _ in range(ROUNDS):
        far = _far(rests(chosen.figures, load, known, shared.temperature, shared.atom), shared.temperature.mean(axis=1))
        rows = np.flatnonzero((far != outlier).any(axis=1))
        if len(rows) == 0:
            break
        outlier[rows] = far[rows]
        again = _chosen(load[rows], known[rows] & ~far[rows], over, shared)
        for field in fields(Chosen):
            getattr(chosen, field.name)[rows] = getattr(again, field.name)
    fitted_on = known & ~outlier
    rest = rests(chosen.figures, load, fitted_on, shared.temperature, shared.atom)
    days = fitted_on.sum(axis=1)
    freedom = days - chosen.parameters
    spread = np.sqrt(np.where(freedom > 0, chosen.squares / np.maximum(freedom, 1), np.nan))
    unit = np.tile(np.array([1.0, 1.0, 0.0, 1.0, 0.0]), ATOMS)  # which figures are loads
    factor = np.where(unit > 0, size[:, None], 1.0)
    variance = _variance(chosen, np.nan_to_num(rest), fitted_on, shared) * factor[:, :, None] * factor[:, None, :]
    figures = chosen.figures * factor.reshape(len(load), ATOMS, FIGURES)
    return Baseline(
        base=figures[:, :, 0],
        heating=figures[:, :, 1],
        heating_point=figures[:, :, 2],
        cooling=figures[:, :, 3],
        cooling_point=figures[:, :, 4],
        split=chosen.split,
        parameters=chosen.parameters,
        days=days,
        known=known.sum(axis=1),
        outlier=outlier,
        spread=spread * size,
        rho=autocorrelation(rest, shared.number),
        lasting=lasting(rest, shared.number),
        variance=variance,
    )


def _chosen(load: Floats, counted: Bools, over: hinges.Sky, shared: Days) -> Chosen:
    return choose(np.where(counted, load, 0.0), counted.astype(float), over, shared.atom, shared.number)


def _far(rest: Floats, warmth: Floats) -> Bools:
    """Which rests (M, D), in loads of root mean square 1, lie far beyond days about as warm; none where too many do."""
    size = np.abs(rest)
    scale = np.empty(size.shape)
    whole = _median(size)
    for days in np.array_split(np.argsort(warmth, kind="stable"), BINS):
        scale[:, days] = np.maximum(_median(size[:, days]), whole)[:, None]
    known = np.isfinite(rest)
    far = known & (np.where(known, size, 0.0) > np.maximum(FAR * 1.4826 * scale, LEAST))
    far[far.sum(axis=1) >= MOST * known.sum(axis=1)] = False
    return far


def _median(size: Floats) -> Floats:
    """The median of what is known in each row; 0 where nothing is."""
    ordered = np.sort(size, axis=1)  # NaN stand last
    count = np.isfinite(size).sum(axis=1)
    if size.shape[1] == 0:
        return np.zeros(len(size))
    row = np.arange(len(size))
    middle = (ordered[row, np.maximum(count - 1, 0) // 2] + ordered[row, np.minimum(count // 2, size.shape[1] - 1)]) / 2
    return np.where(count > 0, middle, 0.0)


def gradient(figures: Floats, shared: Days, counted: Floats) -> Floats:
    """How the sum of predictions over the counted days (M, D) changes with each figure: (M, 5A). Figures (M, A, 5) in [load]
    and [degrees]."""
    result = np.zeros((len(figures), ATOMS, FIGURES))
    for number in np.unique(shared.atom):
        here = np.flatnonzero(shared.atom == number)
        changes = _changes(figures[:, number], shared.temperature[here])
        # a day without temperature is not counted, and 0 times unknown would be unknown
        result[:, number] = np.where(counted[:, here, None] > 0, changes, 0.0).sum(axis=1)
    return result.reshape(len(figures), ATOMS * FIGURES)


def _changes(figures: Floats, temperature: Floats) -> Floats:
    """How the prediction of each day changes with base, slopes and points (M, 5): (M, D, 5)."""
    _, heating, heat, cooling, cool = (figures[:, figure] for figure in range(FIGURES))
    heats, cools = np.isfinite(heat)[:, None], np.isfinite(cool)[:, None]
    heat, cool = np.nan_to_num(heat), np.nan_to_num(cool)
    return np.stack(
        [
            np.ones((len(figures), len(temperature))),
            hinges.below(temperature, heat) * heats,
            hinges.share_below(temperature, heat) * np.where(heats, heating[:, None], 0.0),
            hinges.above(temperature, cool) * cools,
            -hinges.share_below(-temperature, -cool) * np.where(cools, cooling[:, None], 0.0),
        ],
        axis=2,
    )


def _variance(chosen: Chosen, rest: Floats, counted: Bools, shared: Days) -> Floats:
    """The variance of the figures (M, 5A, 5A): of H. White, Econometrica 48 (1980) 817, times n / (n - p)."""
    result = np.zeros((len(rest), ATOMS * FIGURES, ATOMS * FIGURES))
    days = counted.sum(axis=1)
    raised = days / np.maximum(days - chosen.parameters, 1)
    for split in np.unique(chosen.split):
        rows = np.flatnonzero(chosen.split == split)
        for group in GROUPS_OF[split]:
            atoms = [atom for base in GROUPS[group] for atom in base]
            here = np.flatnonzero(np.isin(shared.atom, atoms))
            bases = np.stack([np.isin(shared.atom[here], base) for base in GROUPS[group]], axis=1).astype(float)
            changes = _changes(chosen.figures[rows, atoms[0]], shared.temperature[here])
            columns = np.concatenate([np.broadcast_to(bases, (len(rows), *bases.shape)), changes[:, :, 1:]], axis=2)
            columns = columns * counted[np.ix_(rows, here)][..., None]
            bread = hinges.inverse(np.swapaxes(columns, 1, 2) @ columns)
            scores = columns * rest[np.ix_(rows, here)][..., None]
            own = bread @ (np.swapaxes(scores, 1, 2) @ scores) @ bread * raised[rows, None, None]
            # from the parameters of the group to the five figures of each of its atoms
            to = np.zeros((len(atoms) * FIGURES, columns.shape[2]))
            place = []
            for order, atom in enumerate(atoms):
                to[order * FIGURES, next(q for q, base in enumerate(GROUPS[group]) if atom in base)] = 1.0
                to[order * FIGURES + 1 + np.arange(4), bases.shape[1] + np.arange(4)] = 1.0
                place += [atom * FIGURES + figure for figure in range(FIGURES)]
            result[np.ix_(rows, np.array(place), np.array(place))] = to @ own @ to.T
    return result
