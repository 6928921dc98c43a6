"""Tables to arrays and back: rules laid over rules, attributes out of details, sums that are exact.

Numbers [in the unit of their term]. Source: none is needed; nothing is worked out here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from scicity.domains.circles.methods.lengths import Floats, Ints

MILLIONTH = pa.scalar(Decimal("0.000001"), pa.decimal128(7, 6))
EXACT = pa.decimal128(18, 6)
Words = npt.NDArray[np.object_]
Flags = npt.NDArray[np.bool_]


def overlaid(packaged: pa.Table, own: pa.Table, key: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of both tables; of two with one `key` that of `own`. Source: this project's own rule."""
    found = {tuple(row[name] for name in key): row for row in (*packaged.to_pylist(), *own.to_pylist())}
    return list(found.values())


def valid(features: pa.Table, moment: int) -> pa.Table:
    """The features of a layer that are valid at an instant [µs UTC]: begun, and not ended. Empty ends are open."""
    begun, ended = (pc.cast(features.column(name), pa.int64()) for name in ("valid_from", "valid_to"))
    there = pc.and_(pc.fill_null(pc.less_equal(begun, moment), True), pc.fill_null(pc.greater(ended, moment), True))
    return features.filter(there)


def public(features: pa.Table) -> pa.Table:
    """The features of a layer that everybody who sees the layer may see."""
    return features.filter(pc.equal(pc.fill_null(pc.utf8_trim_whitespace(features.column("restricted_to")), ""), ""))


def words(column: pa.ChunkedArray) -> Words:
    """A text column as an object array, None where null; of shape (rows,)."""
    return np.array(column.to_pylist(), dtype=object)


def told(details: pa.ChunkedArray, names: Iterable[str]) -> dict[str, Words]:
    """The value of each named attribute in `details` (JSON objects as text), None where there is none. Nested ones are not
    seen."""
    found = {}
    for name in names:
        quoted = re.escape(name)
        pattern = rf'[{{,]\s*"{quoted}"\s*:\s*(?:"(?P<text>(?:[^"\\]|\\.)*)"|(?P<plain>[^,}}"\[{{\s]+))'
        match = pc.extract_regex(details, pattern)
        text, plain = pc.struct_field(match, "text"), pc.struct_field(match, "plain")
        value = pc.if_else(pc.equal(pc.binary_length(pc.fill_null(text, "")), 0), plain, text)
        value = pc.if_else(pc.is_in(value, pa.array(["", "null"])), pa.scalar(None, pa.string()), value)
        found[name] = words(value)
    return found


def numbers(text: Words) -> Floats:
    """Texts as numbers, NaN where they are none."""
    array = pc.utf8_trim_whitespace(pa.array(text, pa.string()))
    fits = pc.match_substring_regex(pc.fill_null(array, ""), r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$")
    return np.asarray(pc.cast(pc.if_else(fits, array, "nan"), pa.float64()), dtype=np.float64)


def millionths(values: Floats) -> Ints:
    """Numbers as whole millionths; 0 where NaN."""
    return np.rint(np.nan_to_num(values) * 1e6).astype(np.int64)


def exact(values: Ints, known: Flags | None = None) -> pa.Array:
    """Whole millionths as a decimal(18, 6) column, null where not known."""
    column = pc.cast(pc.multiply(pa.array(values).cast(pa.decimal128(19, 0)), MILLIONTH), EXACT)
    return column if known is None else pc.if_else(pa.array(known), column, pa.scalar(None, EXACT))


def floats(column: pa.ChunkedArray) -> Floats:
    """A column as floats, NaN where null."""
    return np.asarray(pc.cast(column, pa.float64()).fill_null(float("nan")), dtype=np.float64)


def finite(values: Floats) -> pa.Array:
    """Floats as a column, null where they are not finite: what cannot be reached is unknown, not 0."""
    return pa.array(values, mask=~np.isfinite(values))


def text(values: Words) -> pa.Array:
    """An object array as a text column."""
    return pa.array(values, pa.string())
