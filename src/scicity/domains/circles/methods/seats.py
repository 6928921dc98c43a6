"""Places at schools against children: whose nearest school it is, and how far all can be placed nearby."""

from __future__ import annotations

from typing import NamedTuple

import highspy
import numpy as np

from scicity.domains.circles.methods.lengths import Floats
from scicity.domains.circles.methods.reaching import Pairs
from scicity.domains.circles.methods.siting import Unsolved, _Quiet


class Placed(NamedTuple):
    """How many people of each pair (place, school) are placed there, and how many of each place find no place in reach."""

    people: Floats
    without: Floats


def placed(people: Floats, seats: Floats, pairs: Pairs, beyond: float) -> Placed:
    """Everybody at the nearest place that is free, so that all ways together are as short as can be; people may be parts.

    Of `people` (places,) those in `pairs` of a school with `seats` (schools,) left; whoever finds none counts as a way of
    `beyond` [s], which is above every cost of a pair, so that nobody is left without to save others a way.
    Source: F. L. Hitchcock, The distribution of a product from several sources to numerous localities,
    doi:10.1002/sapm1941201224 (the transportation problem; HiGHS solves it).
    Raises Unsolved where HiGHS finds no answer.
    """
    some = np.flatnonzero(people > 0)
    if not len(some):
        return Placed(np.zeros(len(pairs.place)), np.zeros(len(people)))
    within = np.flatnonzero(people[pairs.place] > 0)
    row = np.searchsorted(some, pairs.place[within])
    count, left = len(within), len(some)
    begins = np.concatenate([np.arange(count) * 2, 2 * count + np.arange(left + 1)])
    index = np.empty(2 * count + left, dtype=np.int32)
    index[: 2 * count : 2], index[1 : 2 * count : 2] = row, left + pairs.facility[within]
    index[2 * count :] = np.arange(left)
    highs = _Quiet()
    options = {"output_flag": False, "threads": 1, "random_seed": 0}
    for name, value in options.items():
        highs.setOptionValue(name, value)
    highs.passModel(
        *(
            count + left,
            left + len(seats),
            len(index),
            int(highspy.MatrixFormat.kColwise),
            int(highspy.ObjSense.kMinimize),
            0.0,
        ),
        *(np.r_[pairs.cost[within], np.full(left, beyond)], np.zeros(count + left), np.full(count + left, highspy.kHighsInf)),
        *(np.r_[people[some], np.full(len(seats), -highspy.kHighsInf)], np.r_[people[some], seats]),
        *(begins.astype(np.int32), index),
        np.ones(len(index)),
        np.zeros(count + left, dtype=np.int32),
    )
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise Unsolved(str(highs.getModelStatus()))
    solved = np.round(np.array(highs.getSolution().col_value), 6)
    found, without = np.zeros(len(pairs.place)), np.zeros(len(people))
    found[within], without[some] = solved[:count], solved[count:]
    return Placed(found, without)
