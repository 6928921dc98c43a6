"""What people edited of layers, as a table; and the layers with it: rows of files, and over them those that people left."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from scicity.kernel.computing import Computing
from scicity.kernel.engine import Engine
from scicity.kernel.rows import filed
from scicity.kernel.tables import LAYER_COLUMNS, LAYER_PREFIX, Layer, recorded

AT_ONCE = 50_000  # features that are in memory at a time
LAYERS = "layer_files"  # note of the lake: the files of layers as they were loaded
PLACE = "records/layers.edit"  # the `source_file` of a row that a person left
EDIT = recorded(
    "layers.edit",
    columns=["layer", "removed", *LAYER_COLUMNS],
    grain=["layer", "feature"],
    title_zh="要素编辑",
    title_en="Edited features",
    doc="Features as people left them by editing; they stand over the rows of the layers' files.",
)


def overlaid(parts: Iterable[pa.Table], edits: pa.Table) -> Iterator[pa.Table]:
    """Rows of a layer, some at a time, with those of people in their place, which come last; `edits` are the rows of
    `layers.edit` of this layer."""
    edited, there = edits.column("feature").combine_chunks(), edits.filter(pc.invert(edits.column("removed")))
    for rows in parts:
        yield rows.filter(pc.invert(pc.is_in(rows.column("feature"), value_set=edited))) if len(edited) else rows
    if there.num_rows:
        yield there.select([name for name in there.column_names if name not in ("layer", "removed")])


def edits_of(engine: Engine, layer: str) -> pa.Table:
    """The edits of a layer that are in the lake."""
    return engine.rows(EDIT, "layer = ?", [layer])


def overlay(computing: Computing) -> list[str]:
    """Brings each layer to its edits where it is not; the tables that changed. Within `Lake.alone`.

    Where an edit is no more, the row that it left goes, and the layer's file is read again at the next load."""
    engine, changed = computing.engine, []
    for table in computing.catalog.layers:
        layer = table.name.removeprefix(LAYER_PREFIX)
        edits = edits_of(engine, layer)
        if not _differs(engine, table, edits):
            continue
        with a_file(computing.lake.root) as file:
            left = _Left(edits)
            parts = left.out(engine.streamed(f"SELECT * FROM {engine.relation(table)}", AT_ONCE))
            rows = filed(overlaid(parts, edits), table.schema, file)
            if left.any:
                stamps = computing.lake.noted(LAYERS)
                computing.lake.note(LAYERS, {name: stamp for name, stamp in stamps.items() if name != layer})
            if computing.put(table, rows):
                changed.append(table.name)
    return changed


class _Left:
    """Rows that an edit left which is no more; `any` when some were met."""

    def __init__(self, edits: pa.Table) -> None:
        self._edited, self.any = edits.column("feature").combine_chunks(), False

    def out(self, parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """The rows without these."""
        for rows in parts:
            ours = pc.invert(pc.is_in(rows.column("feature"), value_set=self._edited))
            left = pc.fill_null(pc.and_(pc.equal(rows.column("source_file"), PLACE), ours), False)
            self.any |= bool(pc.any(left).as_py())
            yield rows.filter(pc.invert(left))


@contextmanager
def a_file(folder: Path) -> Iterator[Path]:
    """A file of a folder for as long as the block runs. Within `Lake.alone`: what was left of a power cut goes."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("layer.*.tmp"):
        left.unlink()
    file = folder / f"layer.{os.getpid()}.tmp"
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)


def _differs(engine: Engine, table: Layer, edits: pa.Table) -> bool:
    """Whether the layer is otherwise than its edits say."""
    relation = engine.relation(table, columns=("feature", "digest", "source_file"))
    text = f"""SELECT (SELECT count(*) FROM mine e LEFT JOIN {relation} l USING (feature)
        WHERE CASE WHEN e.removed THEN l.feature IS NOT NULL ELSE l.digest IS DISTINCT FROM e.digest END)
        + (SELECT count(*) FROM {relation} l ANTI JOIN mine e USING (feature) WHERE l.source_file = '{PLACE}') AS n"""
    return bool(engine.sql(text, mine=edits.select(["feature", "removed", "digest"])).column("n")[0].as_py())


def digest_of(row: Mapping[str, Any]) -> str:
    """16 hex digits of all that is told of a feature but its place in a file."""
    told = {name: _told(row.get(name)) for name in LAYER_COLUMNS if name != "digest"}
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def _told(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, datetime) else value
