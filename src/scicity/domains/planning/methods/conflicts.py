"""Conflicts: where two plans say different things of one place, and where a plan does what a control line keeps out.

All shapes are polygons in metres. Every total adds up: what agrees, what is in conflict, what is a sliver and what only one
of both covers are together the whole [m²]. Lengths [m], areas [m²].
Source: areas by `partition.py`; which uses agree, which line goes before which, and from when on a piece is no sliver are rows
of tables with their documents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely

from scicity.domains.planning.methods import uses
from scicity.domains.planning.methods.partition import in_turn, mean_width, overlay, parts_of, summed, thin

Array = np.ndarray[Any, Any]
CONFLICT, SLIVER = "conflict", "sliver"
FORBIDS, CONFINES = "forbids", "confines"
OUTSIDE = "outside"  # in place of a feature: what lies beyond all of a line that confines


@dataclass(frozen=True)
class Sheet:
    """The parcels of one plan: feature, class as written, land use (None: unknown) and shape; each place of one parcel.

    `overlap` [m²]: what parcels of this plan claimed twice, and the later one gave up.
    """

    plan: str
    feature: Array
    written: Array
    land_use: Array
    shapes: Array
    overlap: float = 0.0

    @property
    def whole(self) -> float:
        """All of it [m²]."""
        return float(np.nansum(shapely.area(self.shapes)))


@dataclass(frozen=True)
class Line:
    """A kind of control line: what it forbids inside, or confines to its inside, by codes of land uses; 1 goes first."""

    control_line: str
    kind: str
    uses: tuple[str, ...]
    precedence: int


@dataclass(frozen=True)
class Limits:
    """From when on a piece counts: its area [m²] and its width [m] (the largest circle in it)."""

    least_area: float
    least_width: float


@dataclass(frozen=True)
class Found:
    """What a comparison found: pieces that disagree, as columns of one length, and totals [m²]."""

    columns: dict[str, Array]
    totals: dict[str, float]
    counts: dict[str, int] = field(default_factory=dict)


def sheet(plan: str, feature: Array, written: Array, land_use: Array, shapes: Array) -> Sheet:
    """A plan's parcels, where each place is of one: what two claim stays with the earlier. Parcels without area are left
    out."""
    kept = ~shapely.is_missing(shapes)
    feature, written, land_use, shapes = feature[kept], written[kept], land_use[kept], shapes[kept]
    claimed = float(shapely.area(shapes).sum())
    trimmed, *_ = in_turn(shapes, np.zeros(len(shapes), dtype=np.int64))
    there = ~shapely.is_missing(trimmed)
    left = float(np.nansum(shapely.area(trimmed)))
    return Sheet(plan, feature[there], written[there], land_use[there], trimmed[there], claimed - left)


def sheets(plans: Iterable[tuple[str, Array, Array, Array, Array]]) -> list[Sheet]:
    """The sheets of several plans, each as `sheet` makes it of its arguments; of two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda plan: sheet(*plan), plans))


def between(mine: Sheet, theirs: Sheet, limits: Limits, compatible: Iterable[tuple[str, str]] = ()) -> Found:
    """The pieces on which two plans give one place different uses, each with its id, and totals that add up.

    A piece's `conflict_area` [m²] is that of its broad parts, its `sliver_area` [m²] that of its thin ones; a piece of thin
    parts alone is a sliver. Totals [m²]: whole = agreed + conflict + sliver + silent (of which the other plan says nothing).
    """
    met = overlay(mine.shapes, theirs.shapes)
    agreed = uses.agree(mine.land_use[met.i], theirs.land_use[met.j], compatible)
    differ = ~agreed
    i, j = met.i[differ], met.j[differ]
    columns = _judged(met.pieces[differ], limits)
    columns |= {
        "feature": mine.feature[i],
        "feature_class": mine.written[i],
        "land_use": mine.land_use[i],
        "other_feature": theirs.feature[j],
        "other_class": theirs.written[j],
        "other_land_use": theirs.land_use[j],
    }
    columns["conflict"] = _ids(mine.plan, theirs.plan, columns["feature"], columns["other_feature"])
    silent, other_silent = (float(np.nansum(shapely.area(rest))) for rest in (met.left_rest, met.right_rest))
    return Found(
        columns,
        _totals(mine.whole, float(met.area[agreed].sum()), columns, silent)
        | {
            "other_whole_area": theirs.whole,
            "other_silent_area": other_silent,
            "overlap_area": mine.overlap,
            "other_overlap_area": theirs.overlap,
        },
    )


def beneath(mine: Sheet, feature: Array, control_line: Array, shapes: Array, lines: Sequence[Line], limits: Limits) -> Found:
    """The pieces of a plan that do what control lines keep out, each counted once, under the line that goes first.

    `shapes` are the areas of the lines' `feature`s, of the kind `control_line`. Totals [m²] by line, as `line/total`: whole =
    agreed + conflict + sliver + overruled (that a line before it claims already) + silent (outside of it).
    """
    known = {line.control_line: line for line in lines}
    order = sorted({str(each) for each in control_line.tolist() if each in known}, key=lambda one: known[one].precedence)
    claims = [_claims(mine, known[one], feature, shapes, control_line == one) for one in order]
    pieces = np.concatenate([claim["geometry"] for claim in claims] or [np.empty(0, dtype=object)])
    turn = np.concatenate([np.full(len(claim["geometry"]), at) for at, claim in enumerate(claims)] or [np.empty(0, np.int64)])
    own, *_ = in_turn(pieces, turn)
    columns: dict[str, list[Array]] = {}
    totals: dict[str, float] = {}
    for at, (one, claim) in enumerate(zip(order, claims, strict=True)):
        mine_now = own[turn == at]
        there = ~shapely.is_missing(mine_now)
        kept = _judged(mine_now[there], limits)
        for name in ("feature", "feature_class", "land_use", "other_feature"):
            kept[name] = claim[name][there]
        kept["other_class"] = np.full(int(there.sum()), one, dtype=object)
        kept["other_land_use"] = np.full(int(there.sum()), None, dtype=object)
        kept["conflict"] = _ids(mine.plan, f"line:{one}", kept["feature"], kept["other_feature"])
        claimed = float(np.nansum(shapely.area(claim["geometry"])))
        overruled = claimed - float(np.nansum(shapely.area(mine_now)))
        told = _totals(mine.whole, claim["agreed"], kept, claim["silent"], overruled)
        totals |= {f"{one}/{name}": value for name, value in told.items()}
        for name, values in kept.items():
            columns.setdefault(name, []).append(values)
    return Found({name: np.concatenate(values) for name, values in columns.items()}, totals)


def prevailing(mine: int | None, theirs: int | None) -> str | None:
    """Which of two goes first by its precedence [one] (1 before 2): `this`, `other`; None where it is to be agreed."""
    if mine is None or theirs is None or mine == theirs:
        return None
    return "this" if mine < theirs else "other"


def _claims(mine: Sheet, line: Line, feature: Array, shapes: Array, which: Array) -> dict[str, Any]:
    """What a line claims of a plan: pieces that do what it keeps out; and how much agrees, and how much is outside of it."""
    areas, *_ = in_turn(shapes[which], np.zeros(int(which.sum()), dtype=np.int64))
    there = ~shapely.is_missing(areas)
    names, areas = feature[which][there], areas[there]
    concerned = uses.named_by(mine.land_use, line.uses)
    met = overlay(mine.shapes, areas)
    if line.kind == FORBIDS:
        hit = concerned[met.i]
        i, other, pieces = met.i[hit], names[met.j[hit]], met.pieces[hit]
        agreed, silent = float(met.area[~hit].sum()), float(np.nansum(shapely.area(met.left_rest)))
    else:
        beyond = ~shapely.is_missing(met.left_rest)
        i = np.flatnonzero(beyond & concerned)
        other, pieces = np.full(len(i), OUTSIDE, dtype=object), met.left_rest[i]
        agreed, silent = float(met.area.sum()), float(np.nansum(shapely.area(met.left_rest[beyond & ~concerned])))
    found = {"feature": mine.feature[i], "feature_class": mine.written[i], "land_use": mine.land_use[i], "other_feature": other}
    return found | {"geometry": pieces, "agreed": agreed, "silent": silent}


def _judged(pieces: Array, limits: Limits) -> dict[str, Array]:
    """What is to be told of each piece: its broad and its thin area, how many parts, how wide, and whether it counts."""
    parts, of = parts_of(pieces)
    area, narrow = shapely.area(parts), thin(parts, limits.least_area, limits.least_width)
    broad = summed(of, np.where(narrow, 0.0, area), len(pieces))
    slight = summed(of, np.where(narrow, area, 0.0), len(pieces))
    return {
        "geometry": pieces,
        "conflict_area": broad,
        "sliver_area": slight,
        "parts_counted": np.bincount(of, minlength=len(pieces)).astype(np.int64),
        "mean_width": mean_width(pieces),
        "piece_kind": np.where(broad > 0, CONFLICT, SLIVER).astype(object),
    }


def _totals(whole: float, agreed: float, judged: dict[str, Array], silent: float, overruled: float = 0.0) -> dict[str, float]:
    conflict, sliver = float(judged["conflict_area"].sum()), float(judged["sliver_area"].sum())
    return {
        "whole_area": whole,
        "agreed_area": agreed,
        "conflict_area": conflict,
        "sliver_area": sliver,
        "silent_area": silent,
        "overruled_area": overruled,
        "unaccounted_area": whole - agreed - conflict - sliver - silent - overruled,
        "conflicts_counted": float((judged["piece_kind"] == CONFLICT).sum()),
        "slivers_counted": float((judged["piece_kind"] == SLIVER).sum()),
    }


def _ids(plan: str, other: str, features: Array, others: Array) -> Array:
    """A name of each conflict that depends on what meets, and on nothing that changes from edition to edition."""
    names = (f"{plan}\0{feature}\0{other}\0{against}" for feature, against in zip(features, others, strict=True))
    return np.array([hashlib.sha256(name.encode()).hexdigest()[:12] for name in names], dtype=object)
