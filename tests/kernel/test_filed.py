"""Rows that come some at a time are the file that they are as one table."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scicity.kernel import rows as kernel_rows
from scicity.kernel.lake import Lake, Part
from scicity.kernel.rows import file_of, filed
from scicity.kernel.tables import layer_table

SCHEMA = layer_table("parks").schema


def features(count: int) -> pa.Table:
    """Rows of a layer."""
    told = [{"feature": f"p{at}", "height": at / 7, "geometry": b"\1" * (at % 50), "source_row": at} for at in range(count)]
    return pa.Table.from_pylist(told, schema=SCHEMA)


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 350])
@pytest.mark.parametrize("at_once", [1, 30, 100, 1000])
def test_the_file_is_that_of_one_table(tmp_path, monkeypatch, count, at_once):
    monkeypatch.setattr(kernel_rows, "IN_A_GROUP", 100)
    rows = features(count)
    parts = (rows.slice(begin, at_once) for begin in range(0, count, at_once))
    found = filed(parts, SCHEMA, tmp_path / "some.parquet")
    assert found.num_rows == count
    assert found.content.equals(file_of(rows, SCHEMA))


def test_a_file_stays_when_its_name_is_gone(tmp_path):
    found = filed([features(10)], SCHEMA, tmp_path / "some.parquet")
    (tmp_path / "some.parquet").unlink()
    lake = Lake(tmp_path / "lake")
    _, changed = lake.replace("layer.parks", {Part("all"): found}, SCHEMA, inputs={}, code="")
    assert changed == {Part("all")}
    (uri,) = lake.uris("layer.parks", lake.snapshot("layer.parks"))
    assert pq.read_table(uri, partitioning=None).equals(features(10))
    assert lake.replace("layer.parks", {Part("all"): features(10)}, SCHEMA, inputs={}, code="")[1] == frozenset()


def test_columns_come_in_any_order_and_in_their_types(tmp_path):
    other = features(5).select(SCHEMA.names[::-1]).set_column(0, "source_row", pa.array(range(5), pa.int32()))
    assert filed([other], SCHEMA, tmp_path / "some.parquet").content.equals(file_of(features(5), SCHEMA))
