"""Which readings of a register cannot be true beside their neighbours, and which drops are lasting ones.

A register goes up, by no more than its rated power allows, and rolls over at its last digit. Where a step breaks that, the
fewest readings are set aside that leave a course without a break; only where there is no such course is a break believed (a
reset, a register put in place without notice). So a register that jumps up and back, is reset and comes back to its old
value, or steps back by a digit keeps its total and never counts twice.

Three passes, from small to large, each over the readings that the one before left:

1. a single reading beside sound ones, for all meters at once;
2. small troubles, closed within `SMALL`;
3. long ones, closed within `LONG`; here a break may remain. Where trouble follows trouble for longer than that, nothing
   tells the true readings from the false: all are set aside.

A verdict looks at most `REACH` to either side, so that a part of the history gives the same verdicts as the whole.

Times [µs UTC], energies [µkWh], registers [counts of the last digit]. Source: rules 3 and 4 of `ledger`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from scicity.domains.energy.methods.screening import DIP, NOISY, SPIKE, Bools, Floats, Ints, Verdicts

HOUR = 3_600_000_000  # [µs]


class Pass(NamedTuple):
    """How far a pass looks: troubles nearer than `link` [µs] belong together; `longest` [µs] they may last, from what is true
    before to what is true behind; and how many readings beside each trouble take part on either side."""

    link: int
    longest: int
    context: int


SMALL = Pass(3 * HOUR, 6 * HOUR, 12)
LONG = Pass(36 * HOUR, 48 * HOUR, 24)
JUMP = 300  # where nothing is known of a register, a step so many times the steps around it is not believed: three days in one
JUMP_ENERGY = 1_000_000_000  # [micro-kWh] from which on a step can be such a jump
AROUND = 8  # steps to either side that a jump is held against
JUMP_LOOK = 6 * HOUR  # [µs] and how far away they may be
ROLL_SHARE = 10  # without a rated power a step is believed up to a tenth of the register: a roll, not a reset or a jump
# [µs] 4.6 days: what a verdict can depend on. A pass looks from one end of a trouble to the other, and as far beyond it.
REACH = SMALL.longest + SMALL.link + SMALL.longest + 2 * LONG.longest + JUMP_LOOK
BREAK = 1e9  # a break in the course weighs more than any number of readings


@dataclass(frozen=True)
class Nodes:
    """Register readings by run and time, with what their register allows. All of one length.

    `count` in units of the register's last digit; `modulus` [counts], 0 where the digits are not known; `rate` [counts/µs],
    infinite where no rated power is known; `usual` [µs], the time up to which a step is a normal one; `weight` is large for
    what the register of installations says.
    """

    run: Ints
    time: Ints
    count: Ints
    modulus: Ints
    rate: Floats
    usual: Floats
    weight: Floats

    def take(self, which: Ints | slice) -> Nodes:
        """Some of the nodes, in the order in which they are named."""
        return Nodes(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


def passed(nodes: Nodes, first: Ints | int, last: Ints | int) -> tuple[Ints, Bools]:
    """Counts that passed from one node to another if the register rolled over at most once, and whether that can be."""
    apart = nodes.time[last] - nodes.time[first]
    counts = nodes.count[last] - nodes.count[first]
    modulus = nodes.modulus[first]
    dropped = counts < 0
    counts = counts + dropped * modulus
    known = np.isfinite(nodes.rate[first])
    rated = np.where(known, nodes.rate[first], 0.0) * apart + 1  # one count more: both ends are cut to whole counts
    share = np.where((modulus > 0) & (dropped | (apart <= nodes.usual[first])), modulus / ROLL_SHARE, np.inf)
    return counts, (counts >= 0) & (counts <= np.where(known, rated, share))


def rolls_twice(nodes: Nodes, first: Ints, counts: Ints, apart: Ints) -> Bools:
    """Whether the register may have rolled over once more than `counts` says, within the rated power."""
    rate = nodes.rate[first]
    known = np.isfinite(rate) & (nodes.modulus[first] > 0)
    found: Bools = known & (counts + nodes.modulus[first] <= np.where(known, rate, 0.0) * apart + 1)
    return found


def jumps(nodes: Nodes, first: Ints, energy: Ints) -> Bools:
    """Whether the step from each node to the next is a jump: no rated power is known, and no step around is near its size.

    `energy` [micro-kWh] of the steps from the nodes `first`, which rise.
    """
    found = np.zeros(len(first), dtype=bool)
    for at in np.flatnonzero((energy > JUMP_ENERGY) & ~np.isfinite(nodes.rate[first])).tolist():
        low, high = max(0, at - AROUND), at + AROUND + 1
        close = (nodes.run[first[low:high]] == nodes.run[first[at]]) & (
            np.abs(nodes.time[first[low:high]] - nodes.time[first[at]]) <= JUMP_LOOK
        )
        close[at - low] = False
        others = energy[low:high][close]
        found[at] = len(others) > 0 and energy[at] > JUMP * others.max()
    return found


def verdict_of_neighbours(nodes: Nodes) -> Verdicts:
    """SPIKE, DIP or NOISY for readings of a register that their neighbours contradict, SOUND for the others."""
    verdict = np.zeros(len(nodes.time), dtype=np.uint8)
    left, bad = np.arange(len(nodes.time)), bad_steps(nodes)
    for settle in (_single, _small, _long):
        if not len(bad):
            break
        out, rule = settle(nodes, bad)
        if len(out):
            verdict[left[out]] = rule
            keep = np.delete(np.arange(len(left)), out)
            left, nodes = left[keep], nodes.take(keep)
            bad = bad_steps(nodes)
    return verdict


def bad_steps(nodes: Nodes) -> Ints:
    """The nodes from which no true step leads to the next one of their run; over a long silence nobody is contradicted."""
    near = (nodes.run[1:] == nodes.run[:-1]) & (nodes.time[1:] - nodes.time[:-1] <= LONG.link)
    at = np.flatnonzero(near)
    _, good = passed(nodes, at, at + 1)
    found: Ints = at[~good]
    return found


def _rule(nodes: Nodes, out: Ints, before: Ints) -> Verdicts:
    return np.where(nodes.count[out] >= nodes.count[before], SPIKE, DIP).astype(np.uint8)


def _single(nodes: Nodes, bad: Ints) -> tuple[Ints, Verdicts]:
    """One reading between two sound ones on either side, whose steps are bad; the later one where either would do."""
    size = len(nodes.time)
    is_bad = np.zeros(size + 4, dtype=bool)
    is_bad[bad] = True
    first = bad[~is_bad[np.maximum(bad - 1, 0)] | (bad == 0)]
    double = is_bad[first + 1]
    odd = first + 1
    after = odd + 1
    inside = (first >= 2) & (odd + 2 < size)
    first, double, odd, after = (column[inside] for column in (first, double, odd, after))
    alone = ~is_bad[first - 2] & ~is_bad[first - 1] & ~is_bad[after] & ~is_bad[after + 1]
    alone &= (nodes.run[first - 2] == nodes.run[odd + 2]) & (nodes.time[odd + 2] - nodes.time[first - 2] <= SMALL.longest)
    first, double, odd, after = (column[alone] for column in (first, double, odd, after))
    _, later = passed(nodes, first, after)
    _, earlier = passed(nodes, first - 1, odd)
    earlier &= ~double
    out = np.where(later, odd, first)[later | earlier]
    return out, _rule(nodes, out, out - 1)


def _clusters(nodes: Nodes, bad: Ints, link: int) -> list[Ints]:
    near = (nodes.time[bad[1:] + 1] - nodes.time[bad[:-1] + 1] <= link) & (nodes.run[bad[1:]] == nodes.run[bad[:-1]])
    return np.split(bad, np.flatnonzero(~near) + 1)


def _small(nodes: Nodes, bad: Ints) -> tuple[Ints, Verdicts]:
    found = []
    for cluster in _clusters(nodes, bad, SMALL.link):
        if nodes.time[cluster[-1] + 1] - nodes.time[cluster[0]] <= SMALL.longest:
            out, breaks = _explained(nodes, cluster, SMALL)
            if not breaks:
                found.append(out)
    out = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *found]))
    return out, _rule(nodes, out, _kept_before(out))


def _long(nodes: Nodes, bad: Ints) -> tuple[Ints, Verdicts]:
    found, noisy = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for cluster in _clusters(nodes, bad, LONG.link):
        if nodes.time[cluster[-1] + 1] - nodes.time[cluster[0]] > LONG.longest and len(cluster) > 1:
            noisy.append(np.arange(cluster[0] + 1, cluster[-1] + 1))
        else:
            found.append(_explained(nodes, cluster, LONG)[0])
    out, loud = np.unique(np.concatenate(found)), np.concatenate(noisy)
    both = np.r_[out, loud]
    return both, np.r_[_rule(nodes, out, _kept_before(out)), np.full(len(loud), NOISY, dtype=np.uint8)]


def _kept_before(out: Ints) -> Ints:
    """The last node before each of `out` (rising) that is none of `out`."""
    new = np.r_[True, np.diff(out) != 1] if len(out) else np.zeros(0, dtype=bool)
    first: Ints = np.maximum.accumulate(np.where(new, np.arange(len(out)), 0)) if len(out) else np.zeros(0, dtype=np.int64)
    return out[first] - 1


def _explained(nodes: Nodes, cluster: Ints, look: Pass) -> tuple[Ints, int]:
    """The readings to set aside for the course with the fewest breaks, then the fewest readings left out; and its breaks.

    The course begins and ends where the readings around the trouble do. Of two equal ones that which keeps the earlier reading.
    """
    place, weight = _parts(nodes, cluster, look)
    part = nodes.take(place)
    before = np.cumsum(weight) - weight
    earlier, later = np.triu_indices(len(place), k=1)
    step = np.full((len(place), len(place)), np.inf)  # [later, earlier]
    broken = np.where(passed(part, earlier, later)[1], 0.0, BREAK)
    step[later, earlier] = broken + before[later] - before[earlier] - weight[earlier]
    cost, came = np.zeros(len(place)), [0]
    for at in range(1, len(place)):
        total = cost[:at] + step[at, :at]
        came.append(int(total.argmin()))
        cost[at] = total[came[at]]
    kept = np.zeros(len(place), dtype=bool)
    at = len(place) - 1
    while at > 0:
        kept[at] = True
        at = came[at]
    kept[0] = True
    out = place[~kept]
    for at in np.flatnonzero(np.diff(place) > 1).tolist():  # the middle of a stretch goes the way of its ends
        if not (kept[at] and kept[at + 1]):
            out = np.r_[out, np.arange(place[at] + 1, place[at + 1])]
    return np.sort(out), int(cost[-1] // BREAK)


def _parts(nodes: Nodes, cluster: Ints, look: Pass) -> tuple[Ints, Floats]:
    """The nodes that take part, and their weights: those beside the bad steps, and where the register comes back to a value
    that it had there; the middle of a long sound stretch stands behind the last node before it."""
    first, last = int(cluster[0]), int(cluster[-1]) + 1
    low, high = np.searchsorted(nodes.run, (nodes.run[first], nodes.run[first] + 1)).tolist()
    earliest, latest = nodes.time[last] - look.longest, nodes.time[first] + look.longest
    low, high = (np.searchsorted(nodes.time[low:high], (earliest, latest + 1)) + low).tolist()
    low, high = min(low, first), max(high, last + 1)
    around = np.arange(low, high)
    each, other = np.repeat(cluster, len(around)), np.tile(around, len(cluster))
    comes_back = (passed(nodes, each, other)[1] & (other > each)).reshape(len(cluster), -1)
    was_there = (passed(nodes, other, each + 1)[1] & (other <= each)).reshape(len(cluster), -1)
    back = around[comes_back.argmax(axis=1)][comes_back.any(axis=1)]
    was = around[-1 - was_there[:, ::-1].argmax(axis=1)][was_there.any(axis=1)]
    beside = [cluster, cluster + 1, np.array([low, high - 1]), back, was]
    near = np.unique(np.concatenate(beside))
    right = near[np.minimum(np.searchsorted(near, around), len(near) - 1)]
    left = near[np.maximum(np.searchsorted(near, around, side="right") - 1, 0)]
    place = around[np.minimum(np.abs(around - right), np.abs(around - left)) <= look.context]
    weight = nodes.weight[place].copy()
    weight[:-1] += np.diff(place) - 1
    return place, weight
