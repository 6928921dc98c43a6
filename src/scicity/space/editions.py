"""Two editions of a layer compared, feature by feature: added, removed, moved and by how much, and which details changed.

A pure function of two tables of a layer's columns; no file, no lake.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import shapely
from pyproj import CRS

from scicity.kernel.tables import LAYER_COLUMNS
from scicity.space.crs import measured, metric

TOLD = tuple(name for name in LAYER_COLUMNS if name not in ("feature", "details", "geometry", "digest"))
MOVED = pa.schema(
    [
        ("feature", pa.string()),
        ("distance", pa.float64()),
        ("reach", pa.float64()),
        ("area_before", pa.float64()),
        ("area_after", pa.float64()),
    ]
)
CHANGED = pa.schema([("feature", pa.string()), ("key", pa.string()), ("before", pa.string()), ("after", pa.string())])


@dataclass(frozen=True)
class Difference:
    """What became otherwise from one edition to the next.

    `added`, `removed`: names of features. `moved`: a row for each feature whose geometry is another: `distance` between the
    middles [m], `reach` the largest distance of one outline from the other [m] (Hausdorff), areas before and after [m²].
    `changed`: a row for each value that is another, by its column or its key among the details; empty where there is none.
    """

    added: list[str]
    removed: list[str]
    moved: pa.Table
    changed: pa.Table
    same: int

    @property
    def none(self) -> bool:
        """Whether the editions are one."""
        return not (self.added or self.removed or len(self.moved) or len(self.changed))


def compared(before: pa.Table, after: pa.Table, crs: CRS | None = None) -> Difference:
    """The difference of two tables of one layer. `crs`: the metric CRS to measure in; else that of the place.

    Source: ISO 19101 (a feature is what keeps its identity); distances and areas in the plane of the CRS [m, m²], the largest
    distance of outlines as Hausdorff's over vertices (GEOS)."""
    connection = duckdb.connect(":memory:", config={"enable_external_access": False})
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("b", before)
    connection.register("a", after)

    def names(text: str) -> list[str]:
        return [row[0] for row in connection.execute(text).fetchall()]

    added = names("SELECT feature FROM a ANTI JOIN b USING (feature) ORDER BY 1")
    removed = names("SELECT feature FROM b ANTI JOIN a USING (feature) ORDER BY 1")
    other = "FROM b JOIN a USING (feature) WHERE b.digest IS DISTINCT FROM a.digest"
    shapes = connection.execute(
        f"SELECT feature, b.geometry AS before, a.geometry AS after {other} "
        "AND b.geometry IS DISTINCT FROM a.geometry ORDER BY 1"
    ).to_arrow_table()
    told = [
        f"SELECT feature, '{name}' AS key, b.{name}::VARCHAR AS before, a.{name}::VARCHAR AS after {other} "
        f"AND b.{name} IS DISTINCT FROM a.{name}"
        for name in TOLD
    ]

    def details(side: str) -> str:
        return (
            f"SELECT feature, unnest(json_keys({side}.details)) AS key, {side}.details AS whole "
            f"{other} AND b.details IS DISTINCT FROM a.details AND {side}.details IS NOT NULL"
        )

    def value(side: str) -> str:
        path = f"""'$."' || replace(replace({side}.key, '\\', '\\\\'), '"', '\\"') || '"'"""
        return f"json_extract_string({side}.whole, {path})"

    text = (
        f"WITH x AS ({details('b')}), y AS ({details('a')}) SELECT coalesce(x.feature, y.feature) AS feature, "
        f"coalesce(x.key, y.key) AS key, {value('x')} AS before, {value('y')} AS after "
        f"FROM x FULL JOIN y ON x.feature = y.feature AND x.key = y.key WHERE {value('x')} IS DISTINCT FROM {value('y')}"
    )
    changed = connection.execute(f"{' UNION ALL '.join(told)} UNION ALL ({text}) ORDER BY feature, key").to_arrow_table()
    both = connection.execute("SELECT count(*) FROM b JOIN a USING (feature) WHERE b.digest IS NOT DISTINCT FROM a.digest")
    found = both.fetchone()
    return Difference(added, removed, _moved(shapes, crs), changed.cast(CHANGED), int(found[0]) if found else 0)


def _moved(shapes: pa.Table, crs: CRS | None) -> pa.Table:
    if not shapes.num_rows:
        return MOVED.empty_table()
    old, new = (shapely.from_wkb(shapes.column(side).to_numpy()) for side in ("before", "after"))
    if crs is None:
        west, south, east, north = shapely.total_bounds(np.concatenate([old, new]))
        crs = metric((west + east) / 2, (south + north) / 2)
    old, new = measured(old, crs), measured(new, crs)
    distance = shapely.distance(shapely.centroid(old), shapely.centroid(new))
    columns = [shapes.column("feature"), distance, shapely.hausdorff_distance(old, new), shapely.area(old), shapely.area(new)]
    return pa.table(
        [pa.array(each, from_pandas=True) if isinstance(each, np.ndarray) else each for each in columns], schema=MOVED
    )
