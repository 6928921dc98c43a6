"""One split a meter: all are tried on the grid, the few best are refined, and the criterion decides.

The criterion is that of G. Schwarz (BIC) on effective days: n' ln(squares / n) + parameters ln(n'), n' as in
`goodness.effective`. A base counts one parameter, a slope with its balance point two. Loads are in any one unit [load],
temperatures in any one [degrees].

Source: G. Schwarz, Annals of Statistics 6 (1978) 461, doi:10.1214/aos/1176344136 (not seen, unverified).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from scicity.domains.diagnosis.methods import hinges
from scicity.domains.diagnosis.methods.arrays import Bools, Floats, Ints
from scicity.domains.diagnosis.methods.goodness import autocorrelation, effective
from scicity.domains.diagnosis.methods.splits import ATOMS, SEASONS, SPLITS

FEWEST = 10.0  # days beyond a balance point, and of a base group; CalTRACK asks for 10 days with degree days
REFINED = 3  # splits a meter that are refined, beside those without seasons
STEPS, POLISH = 3, 3  # of refinement before the choice, and after it
EXACT = 1e-12  # of a meter's squares: less is nothing
FIGURES = 5  # of an atom: base, heating slope and point, cooling slope and point

Group = tuple[tuple[int, ...], ...]  # a slope group as its base groups, each as its atoms
GROUPS: list[Group] = sorted({tuple(tuple(base) for base in group) for split in SPLITS for group in split.groups()})
# The splits that know no season are refined for every meter: on the grid a season may hide that its points lie between.
ALWAYS = [number for number, split in enumerate(SPLITS) if len(set(split.base)) == len(set(split.base[::SEASONS]))]
GROUPS_OF = [[GROUPS.index(tuple(tuple(base) for base in group)) for group in split.groups()] for split in SPLITS]


@dataclass(frozen=True)
class Chosen:
    """Of each meter (M,): index of its split, its squares and parameters; figures (M, A, 5), NaN where nothing is known."""

    split: Ints
    squares: Floats
    parameters: Ints
    figures: Floats


@dataclass(frozen=True)
class Candidate:
    """A group fitted to some meters: their rows, squares, parameters and figures (rows, A, 5) of the atoms of the group."""

    squares: Floats
    parameters: Ints
    figures: Floats


def choose(load: Floats, weight: Floats, over: hinges.Sky, atom: Ints, number: Ints) -> Chosen:
    """The best split of each meter. load, weight (M, D), 0 where a day does not count; over: the sky; atom, number (D,)."""
    alone = np.ones(len(load))
    work = _Work(load, weight, over, atom, alone, hinges.sums(load, weight, over.temperature, atom, ATOMS))
    coarse = [hinges.coarse(work.given, work.points, [list(base) for base in group], FEWEST) for group in GROUPS]
    possible = _possible(work.given.count)
    # a first look, by the grid and as if days were independent: what its rests say of that is then believed
    score, shapes = _rough(coarse, work, possible)
    asked = np.zeros(score.shape, dtype=bool)
    asked[score.argmin(axis=0), np.arange(len(load))] = True
    rest = rests(_best(asked, _fits(asked, coarse, work, shapes), work).figures, load, weight > 0, over.temperature, atom)
    work = replace(work, share=effective(alone, autocorrelation(rest, number)))
    score, _ = _rough(coarse, work, possible)
    asked[np.argsort(score, axis=0, kind="stable")[:REFINED], np.arange(len(load))] = True
    asked[ALWAYS] = True
    asked &= possible
    return _polished(_best(asked, _fits(asked, coarse, work, None), work), work)


def told(figures: Floats, temperature: Floats, atom: Ints) -> Floats:
    """The load of each day by the figures (M, A, 5) of the atoms: (M, D). temperature (D, H); atom (D,)."""
    result = np.full((len(figures), len(atom)), np.nan)
    for number in np.unique(atom):
        here = np.flatnonzero(atom == number)
        base, heating, heat, cooling, cool = (figures[:, number, figure] for figure in range(FIGURES))
        warmth = temperature[here]
        result[:, here] = (
            base[:, None]
            + heating[:, None] * hinges.below(warmth, np.nan_to_num(heat))
            + cooling[:, None] * hinges.above(warmth, np.nan_to_num(cool))
        )
    return result


def rests(figures: Floats, load: Floats, counted: Bools, temperature: Floats, atom: Ints) -> Floats:
    """Measured less told (M, D), NaN where a day does not count."""
    return np.where(counted, load - told(figures, temperature, atom), np.nan)


@dataclass(frozen=True)
class _Work:
    """What is fitted, with its sums."""

    load: Floats
    weight: Floats
    over: hinges.Sky
    atom: Ints
    share: Floats
    given: hinges.Sums

    @property
    def points(self) -> Floats:
        """The balance points of the grid (B,)."""
        return hinges.grid(self.over.temperature)

    @property
    def nothing(self) -> Floats:
        """Squares that are none (M,)."""
        nothing: Floats = EXACT * self.given.square.sum(axis=0)
        return nothing

    @property
    def days(self) -> Floats:
        """Days that count (M,)."""
        days: Floats = self.given.count.sum(axis=0)
        return days

    def refined(
        self, group: Group, rows: Ints, shape: Bools, start: tuple[Floats, Floats], steps: int, exactly: bool
    ) -> hinges.Fitted:
        """A group refined for the meters of these rows."""
        here = np.flatnonzero(np.isin(self.atom, [atom for base in group for atom in base]))
        base = np.stack([np.isin(self.atom[here], part) for part in group], axis=1)
        over = self.over.of(here)
        load, weight = self.load[np.ix_(rows, here)], self.weight[np.ix_(rows, here)]
        return hinges.refined(load, weight, over.exactly() if exactly else over, base, shape, start, steps)

    def figures(self, group: Group, rows: Ints, fits: hinges.Fitted) -> Floats:
        """The figures of the atoms (rows, A, 5) of a fitted group; NaN for other atoms and bases without days."""
        figures = np.full((len(rows), ATOMS, FIGURES), np.nan)
        for number, part in enumerate(group):
            some = self.given.count[list(part)][:, rows].sum(axis=0) > 0
            base = np.where(some, fits.base[:, number], np.nan)
            own = np.stack([base, fits.heating, fits.heating_point, fits.cooling, fits.cooling_point], axis=1)
            figures[:, list(part)] = own[:, None]
        return figures


def criterion(squares: Floats, parameters: Ints, days: Floats, share: Floats, nothing: Floats) -> Floats:
    """Schwarz's criterion on effective days; the less the better. Any shapes that fit together."""
    many = np.maximum(days * share, 2.0)
    value: Floats = many * np.log(
        np.maximum(np.maximum(squares, nothing), 1e-300) / np.maximum(days, 1.0)
    ) + parameters * np.log(many)
    return value


def _possible(count: Floats) -> Bools:
    """Whether every base group of a split has enough days, or none (splits, M); the plainest always may be tried."""
    result = []
    for split in SPLITS:
        groups = [np.array(base) for group in split.groups() for base in group]
        days = np.stack([count[group].sum(axis=0) for group in groups])
        result.append(((days >= FEWEST) | (days == 0)).all(axis=0))
    possible = np.stack(result)
    possible[0] = True
    return possible


def _bases(count: Floats, group: Group) -> Ints:
    """How many bases of a group have days (M,)."""
    return np.sum([count[list(base)].sum(axis=0) > 0 for base in group], axis=0)


def _rough(coarse: list[hinges.Coarse], work: _Work, possible: Bools) -> tuple[Floats, Ints]:
    """By the grid: the criterion of each split (splits, M), and the best shape of each group (groups, M)."""
    slopes = 2 * hinges.SHAPES.sum(axis=1)[:, None]
    squares, parameters, shapes = [], [], []
    for found, group in zip(coarse, GROUPS, strict=True):
        days = work.given.count[[atom for base in group for atom in base]].sum(axis=0)
        best = criterion(found.squares, slopes, days, work.share, work.nothing).argmin(axis=0)
        squares.append(found.squares[best, np.arange(len(days))])
        parameters.append(slopes[best, 0] + _bases(work.given.count, group))
        shapes.append(best)
    total = np.stack([np.sum([squares[group] for group in groups], axis=0) for groups in GROUPS_OF])
    many = np.stack([np.sum([parameters[group] for group in groups], axis=0) for groups in GROUPS_OF])
    return np.where(possible, criterion(total, many, work.days, work.share, work.nothing), np.inf), np.stack(shapes)


def _fits(asked: Bools, coarse: list[hinges.Coarse], work: _Work, shapes: Ints | None) -> dict[int, tuple[Ints, Candidate]]:
    """The groups of the splits asked for (splits, M), each with the meters that need it."""
    found = {}
    for number, group in enumerate(GROUPS):
        rows = np.flatnonzero(asked[[number in groups for groups in GROUPS_OF]].any(axis=0))
        if len(rows):
            found[number] = rows, _exact(work, coarse[number], group, rows, None if shapes is None else shapes[number])
    return found


def _exact(work: _Work, found: hinges.Coarse, group: Group, rows: Ints, shapes: Ints | None) -> Candidate:
    """A group fitted to the meters of these rows: each shape that is possible refined and the best kept, or, unrefined, the
    shapes (M,) given."""
    possible = np.isfinite(found.squares[:, rows])
    if shapes is not None:
        possible &= np.arange(len(hinges.SHAPES))[:, None] == shapes[rows]
    shape, row = np.nonzero(possible)
    at = rows[row]
    start = found.heating_point[shape, at], found.cooling_point[shape, at]
    fits = work.refined(group, at, hinges.SHAPES[shape], start, STEPS if shapes is None else 0, exactly=False)
    score = np.full(possible.shape, np.inf)
    slopes = 2 * hinges.SHAPES.sum(axis=1)
    days = work.given.count[[atom for base in group for atom in base]].sum(axis=0)
    score[shape, row] = criterion(fits.squares, slopes[shape], days[at], work.share[at], work.nothing[at])
    place = np.zeros(score.shape, dtype=np.int64)
    place[shape, row] = np.arange(len(row))
    best = score.argmin(axis=0)
    kept = place[best, np.arange(len(rows))]
    fits = hinges.Fitted(*(getattr(fits, field.name)[kept] for field in fields(hinges.Fitted)))
    return Candidate(fits.squares, slopes[best] + _bases(work.given.count[:, rows], group), work.figures(group, rows, fits))


def _polished(chosen: Chosen, work: _Work) -> Chosen:
    """The chosen split refined further, with exact hinges."""
    squares, figures = np.zeros(len(chosen.split)), np.full(chosen.figures.shape, np.nan)
    for number, group in enumerate(GROUPS):
        rows = np.flatnonzero([number in GROUPS_OF[split] for split in chosen.split])
        if len(rows) == 0:
            continue
        mine = [atom for base in group for atom in base]
        old = chosen.figures[rows, mine[0]]
        shape = np.isfinite(old[:, [2, 4]])
        fits = work.refined(group, rows, shape, (old[:, 2], old[:, 4]), POLISH, exactly=True)
        squares[rows] += fits.squares
        figures[np.ix_(rows, np.array(mine))] = work.figures(group, rows, fits)[:, mine]
    return Chosen(chosen.split, squares, chosen.parameters, figures)


def _best(asked: Bools, fitted: dict[int, tuple[Ints, Candidate]], work: _Work) -> Chosen:
    """The split with the least criterion of those that were refined; of equals the plainest."""
    meters = asked.shape[1]
    least, split = np.full(meters, np.inf), np.zeros(meters, dtype=np.int64)
    squares, parameters = np.full(meters, np.nan), np.zeros(meters, dtype=np.int64)
    figures = np.full((meters, ATOMS, FIGURES), np.nan)
    for number, groups in enumerate(GROUPS_OF):
        rows = np.flatnonzero(asked[number])
        if len(rows) == 0:
            continue
        parts = [(np.searchsorted(fitted[group][0], rows), fitted[group][1]) for group in groups]
        total = np.sum([part.squares[at] for at, part in parts], axis=0)
        many = np.sum([part.parameters[at] for at, part in parts], axis=0)
        score = criterion(total, many, work.days[rows], work.share[rows], work.nothing[rows])
        # of two that tell all but rounding the plainer is meant
        better = score < least[rows] - 1e-6 * np.abs(np.where(np.isfinite(least[rows]), least[rows], 0.0))
        won = rows[better]
        least[won], split[won], squares[won], parameters[won] = score[better], number, total[better], many[better]
        for group, (at, part) in zip(groups, parts, strict=True):
            mine = [atom for base in GROUPS[group] for atom in base]
            figures[np.ix_(won, np.array(mine))] = part.figures[at[better]][:, mine]
    return Chosen(split, squares, parameters, figures)
