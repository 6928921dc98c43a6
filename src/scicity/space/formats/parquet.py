"""GeoParquet (its metadata `geo`, columns of WKB); a Parquet file without them that has coordinates in two columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from scicity.kernel.problems import Problems
from scicity.space.formats import AT_ONCE, Asked, Opened, points
from scicity.space.formats.running import run

SUFFIXES = (".parquet", ".geoparquet")
MAGIC = b"PAR1"
LARGEST_GROUP = 2 << 30  # bytes of a row group, which is read as a whole


def read(file: Path, place: str, asked: Asked, problems: Problems) -> Opened | None:
    """A file by its metadata; `part` names another column of geometry than the first."""
    with file.open("rb") as opened:
        head = opened.read(4)
    if head != MAGIC:
        problems.add("file-kind", place, found=f"bytes {head.hex(' ')}", expected="a Parquet file")
        return None
    task = {"how": "parquet", "part": asked.part, "at_once": AT_ONCE, "largest_group": LARGEST_GROUP}
    running = run(task, file, place, problems)
    if running is None:
        return None
    if running.head["geometry"]:
        return Opened(running.head["crs"], running.batches, running.head["ordered"])
    return Opened(None, _placed(running.batches, place, problems))


def _placed(batches: Iterator[pa.RecordBatch], place: str, problems: Problems) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        placed = points.placed(batch, place, problems)
        if placed is None:
            return
        yield placed
