"""Rows as the bytes of a file of the lake: the same rows are the same bytes, whatever dictionaries they came in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scicity.kernel.calendar import micros

IN_A_GROUP = 262_144  # rows of a row group
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Filed:
    """Rows that are the file of a partition already: `content` is read from a disk, not held."""

    content: pa.Buffer
    num_rows: int


def file_of(rows: pa.Table | Filed, schema: pa.Schema) -> pa.Buffer:
    """The Parquet file of a partition's rows, in the columns of a schema, whose metadata is the file's footer."""
    if isinstance(rows, Filed):
        return rows.content
    buffer = pa.BufferOutputStream()
    pq.write_table(_stored_form(rows, schema), buffer, row_group_size=IN_A_GROUP, **_options(schema))
    return buffer.getvalue()


def filed(parts: Iterable[pa.Table], schema: pa.Schema, file: Path) -> Filed:
    """The file of rows that come some at a time, written to `file` (which can be unlinked then), so that no more of them need
    be in memory than a row group has. It is that of the same rows as one table without chunks."""
    waiting, count = list[pa.Table](), 0
    form = schema if schema.metadata else schema.remove_metadata()
    with pq.ParquetWriter(file, form, **_options(schema)) as writer:
        for part in parts:
            waiting.append(part.select(schema.names).cast(schema.remove_metadata()))
            count += part.num_rows
            if sum(each.num_rows for each in waiting) >= IN_A_GROUP:
                whole = pa.concat_tables(waiting)
                while whole.num_rows >= IN_A_GROUP:
                    writer.write_table(_group(whole.slice(0, IN_A_GROUP), form), row_group_size=IN_A_GROUP)
                    whole = whole.slice(IN_A_GROUP)
                waiting = [whole.combine_chunks()]
                pa.default_memory_pool().release_unused()
        last = pa.concat_tables(waiting) if waiting else schema.empty_table()
        if last.num_rows or not count:
            writer.write_table(_group(last, form), row_group_size=IN_A_GROUP)
    return Filed(pa.memory_map(str(file)).read_buffer(), count)


def _group(rows: pa.Table, form: pa.Schema) -> pa.Table:
    return rows.combine_chunks().replace_schema_metadata(form.metadata)


def _options(schema: pa.Schema) -> dict[str, Any]:
    return {
        "compression": "zstd",
        "store_decimal_as_integer": True,
        "store_schema": bool(schema.metadata),  # else not: it would tell dictionaries and words apart, which are the same here
        "write_statistics": [f.name for f in schema if not pa.types.is_string(f.type)],  # of words they cost half of the time
    }


def _stored_form(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of a schema with its metadata; words may stay dictionaries, of which the bytes tell the rows alone."""
    columns = []
    for name, type_ in zip(schema.names, schema.types, strict=True):
        column = rows.column(name)
        words = pa.types.is_dictionary(column.type) and pa.types.is_string(type_)
        columns.append(_sorted_dictionary(column.combine_chunks()) if words else column.cast(type_))
    fields = [pa.field(name, column.type) for name, column in zip(schema.names, columns, strict=True)]
    return pa.table(columns, schema=pa.schema(fields, schema.metadata))


def _sorted_dictionary(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """The same words from a dictionary that is sorted and holds no others."""
    size = len(column.dictionary)
    codes = pc.fill_null(column.indices, size).to_numpy(zero_copy_only=False)
    used = np.flatnonzero(np.bincount(codes, minlength=size + 1)[:-1])
    words, place = np.unique(column.dictionary.to_numpy(zero_copy_only=False)[used].astype(str), return_inverse=True)
    if len(words) == size and (place == np.arange(size)).all():
        return column
    place_of = np.full(size + 1, -1, dtype=np.int32)
    place_of[used] = place
    codes = place_of[codes]
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0 if column.null_count else None), pa.array(words))


def in_parallel(function: Callable[[T], R], each: Sequence[T]) -> list[R]:
    """A function of each partition (or file), on both cores where there are several: its results in their order."""
    if len(each) < 2:
        return [function(one) for one in each]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(function, each))


def in_order(rows: pa.Table, columns: Iterable[str]) -> bool:
    """Whether rows are sorted by these columns already: looked at far more quickly than sorted."""
    tied = np.ones(max(rows.num_rows - 1, 0), dtype=bool)
    for column in columns:
        values = rows.column(column).combine_chunks()
        if pa.types.is_timestamp(values.type):
            step = np.diff(micros(values))
        elif pa.types.is_dictionary(values.type):
            rank = pc.rank(values.dictionary, tiebreaker="dense").to_numpy().astype(np.int64)
            step = np.diff(rank[values.indices.to_numpy()])
        else:
            runs = pc.run_end_encode(values)
            rank = pc.rank(runs.values, tiebreaker="dense").to_numpy().astype(np.int64)
            step = np.zeros(len(tied), dtype=np.int64)
            step[runs.run_ends.to_numpy()[:-1] - 1] = np.diff(rank)
        if (tied & (step < 0)).any():
            return False
        tied &= step == 0
    return True
