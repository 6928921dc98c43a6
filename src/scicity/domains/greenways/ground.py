"""Layers on the ground by day and zone, for the accounts of green space and ways."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from scicity.kernel.calendar import micros
from scicity.kernel.district import ROOT_ZONE
from scicity.kernel.tables import Read
from scicity.space.ground import Ground, word_of

Array = np.ndarray[Any, Any]
STAND_IN, OUTSIDE = "stand-in", "outside"
ALWAYS = np.iinfo(np.int64).min
COLUMNS = (
    *("feature", "name_zh", "name_en", "feature_class", "valid_from", "valid_to", "restricted_to", "details", "geometry"),
    *("origin", "digest"),
)
DAYS = Read("planning.account_day", columns=("day",), trace={"day": "day"})
ZONES = Read("layer.zones", columns=COLUMNS, trace={"zone": "feature"})


def layer(name: str) -> Read:
    """How a table of green space reads a layer."""
    return Read(f"layer.{name}", columns=COLUMNS, trace={})


def areas(ground: Ground, features: pa.Table) -> Array:
    """The areas of a layer in metres."""
    return ground.shapes(features.column("geometry")) if features.num_rows else np.empty(0, dtype=object)


def lines(ground: Ground, features: pa.Table) -> Array:
    """The lines of a layer in metres."""
    return ground.shapes(features.column("geometry"), dimension=1) if features.num_rows else np.empty(0, dtype=object)


def on(features: pa.Table, moment: int) -> Array:
    """Which features hold at a moment [µs]."""
    begins, ends = (_moments(features.column(name)) for name in ("valid_from", "valid_to"))
    return ((begins == ALWAYS) | (begins <= moment)) & ((ends == ALWAYS) | (ends > moment))


def words(features: pa.Table, name: str) -> Array:
    """A column of texts."""
    return features.column(name).to_numpy(zero_copy_only=False)


def zones_on(ground: Ground, zones: pa.Table, moment: int) -> tuple[Array, list[str]]:
    """The zones that hold at a moment [µs], each place of one, and their names; the whole district is none where there are
    others."""
    told, own = word_of(zones.column("details"), "zone"), words(zones, "feature")
    names = np.array([a or b for a, b in zip(told, own, strict=True)], dtype=object)
    there = on(zones, moment)
    if (names != ROOT_ZONE).any():
        there &= names != ROOT_ZONE
    names, shapes = names[there], areas(ground, zones)[there]
    kept = ~shapely.is_missing(shapes)
    names, shapes = names[kept], shapes[kept]
    order = sorted(set(names.tolist()))
    of = np.array([order.index(name) for name in names], dtype=np.int64)
    whole = [shapely.union_all(shapes[of == at]) for at in range(len(order))]
    found = np.empty(len(order), dtype=object)
    for at, shape in enumerate(whole):  # zones are few
        found[at] = shape if at == 0 else shapely.difference(shape, shapely.union_all(whole[:at]))
    return found, order


def with_whole(names: list[str], columns: Array) -> Iterator[tuple[str, list[float]]]:
    """The rows of zones, then their sum as the district's where it is none of them."""
    yield from zip(names, columns.tolist(), strict=True)
    if names and ROOT_ZONE not in names:
        yield ROOT_ZONE, columns.sum(axis=0).tolist()


def stands_in(*layers: pa.Table) -> bool:
    """Whether a feature of any of the layers is a stand-in."""
    return any(STAND_IN in each.column("origin").to_pylist() for each in layers)


def told(rows: list[dict[str, Any]], stand_in: bool, schema: pa.Schema) -> pa.Table:
    """Rows as a table, each saying whether stand-ins lie below it."""
    return pa.Table.from_pylist([row | {"stand_in": stand_in} for row in rows], schema=schema)


def share(part: float | None, whole: float | None, scale: float = 1.0) -> float | None:
    """A part of a whole; unknown where there is no whole."""
    return scale * part / whole if part is not None and whole else None


def rules_of(*tables: pa.Table) -> dict[str, float]:
    """The thresholds by their rules; a later table goes before an earlier one."""
    return {row["rule"]: row["threshold"] for table in tables for row in table.to_pylist()}


def _moments(column: Any) -> Array:
    return micros(column.fill_null(pa.scalar(ALWAYS, pa.int64()).cast(column.type))) if column.null_count else micros(column)
