"""Circles: whether all, or any, of several classes of facilities are within reach of each cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.domains.circles.methods import rows

EPSILON = 1e-6  # s or m: what is at the limit is within it, whatever the last digit


def judged(access: pa.Table, parts: Sequence[Mapping[str, Any]], rule: str) -> pa.Table:
    """One row a day and cell of `access` (rows of one mode): `circle_met`, `circle_met_at_most`, classes met, missing,
    without data.

    `parts`: classes with their `limit_measure` (seconds or metres) and `reach_limit`; `rule`: all or any. A class of which
    there is no facility on a day is without data: with `all` the circle is null, unless another class is known to be missing.
    Source: `circles.circle`; nothing is computed here but comparisons.
    """
    classes = [part["facility_class"] for part in parts]
    some = access.filter(pc.is_in(access.column("facility_class"), pa.array(classes, pa.string())))
    key = pa.table({name: some.column(name) for name in ("day", "cell")})
    which, found = _numbered(key)
    column = pc.index_in(some.column("facility_class"), pa.array(classes, pa.string())).to_numpy().astype(np.int64)
    shape = (len(found), len(classes))
    cost, empty, off = np.full(shape, np.inf), np.ones(shape, dtype=bool), np.zeros(len(found), dtype=bool)
    by_metres = np.array([part["limit_measure"] == "metres" for part in parts], dtype=bool)
    time, length = rows.floats(some.column("access_time")), rows.floats(some.column("access_distance"))
    state = rows.words(some.column("access_state"))
    cost[which, column] = np.nan_to_num(np.where(by_metres[column], length, time), nan=np.inf)
    empty[which, column] = state == "no_facilities"
    np.logical_or.at(off, which, state == "off_network")
    met = cost <= np.array([part["reach_limit"] for part in parts]) + EPSILON
    stand_in = np.zeros(len(found), dtype=bool)
    np.logical_or.at(stand_in, which, some.column("stand_in").to_numpy(zero_copy_only=False).astype(bool))
    absent = ~met & ~empty
    if rule == "all":
        known = absent.any(axis=1) | ~empty.any(axis=1)
        whole, at_most = met.all(axis=1), ~absent.any(axis=1) & met.any(axis=1)
    else:
        known = met.any(axis=1) | ~empty.all(axis=1)
        whole = at_most = met.any(axis=1)
    known &= ~off  # who is off the network is not seen at all
    names = np.array(classes, dtype=object)
    return (
        found.append_column("circle_met", pa.array(whole, mask=~known))
        .append_column("circle_met_at_most", pa.array(at_most, mask=off))
        .append_column("classes_met", pa.array(met.sum(axis=1), mask=off))
        .append_column("classes_missing", _joined(absent, names))
        .append_column("classes_without_data", _joined(empty, names))
        .append_column("stand_in", pa.array(stand_in))
    )


def _numbered(key: pa.Table) -> tuple[Any, pa.Table]:
    """The number of each row's key among the distinct keys, and these, sorted."""
    distinct = key.group_by(["day", "cell"]).aggregate([]).sort_by([("day", "ascending"), ("cell", "ascending")])
    numbered = distinct.append_column("_n", pa.array(np.arange(len(distinct))))
    placed = key.append_column("_at", pa.array(np.arange(len(key)))).join(numbered, ["day", "cell"]).sort_by("_at")
    return placed.column("_n").to_numpy().astype(np.int64), distinct


def _joined(flags: Any, names: Any) -> pa.Array:
    """The names that are flagged in each row, with spaces between; empty text where none is."""
    patterns, which = np.unique(flags, axis=0, return_inverse=True)
    texts = np.array([" ".join(names[row]) for row in patterns], dtype=object)
    return pa.array(texts[which.ravel()] if len(flags) else texts[:0], pa.string())
