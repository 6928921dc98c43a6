"""Whether two engines give the same table: its keys the very same, its values as near as floating point comes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scicity.kernel.lake import Part
from scicity.kernel.tables import Table

RELATIVE = 1e-9  # how far a value may be off


def differences(table: Table, one: Mapping[Part, pa.Table], other: Mapping[Part, pa.Table]) -> list[str]:
    """What differs between the rows of two engines by partition, each in the order of the grain; nothing, where they agree."""
    parts = sorted({part for rows in (one, other) for part in rows if rows[part].num_rows})
    found = []
    for part in parts:
        place = f"{table.name} {part.period}/{part.bucket}"
        mine, theirs = (rows.get(part, table.schema.empty_table()) for rows in (one, other))
        if mine.num_rows != theirs.num_rows:
            found.append(f"{place}: {mine.num_rows} rows and {theirs.num_rows}")
            continue
        for column in table.columns:
            kind = table.schema.field(column).type
            left, right = (rows.column(column).cast(kind).combine_chunks() for rows in (mine, theirs))
            if not left.equals(right) and (column in table.grain or not near(left, right)):
                found.append(f"{place}: {column} differs")
    return found


def near(left: pa.Array, right: pa.Array) -> bool:
    """Whether the same values are unknown, and the others no farther apart than RELATIVE; only numbers can be near."""
    if not (pa.types.is_decimal(left.type) or pa.types.is_floating(left.type)):
        return False
    if not left.is_null().equals(right.is_null()):
        return False
    numbers = [pc.drop_null(each).cast(pa.float64()).to_numpy(zero_copy_only=False) for each in (left, right)]
    return bool(np.allclose(*numbers, rtol=RELATIVE, atol=0, equal_nan=True))
