"""Readings as they are stored: their files tell when they have which datastream, and are asked for around an instant."""

import json
import tempfile
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scicity.kernel.lake import Lake, Part
from scicity.kernel.reading import append, merge
from scicity.kernel.stored import EXTENTS, FOREVER, Stored, chained, extents_of
from scicity.kernel.tables import reading_table

TABLE = reading_table("energy_register")
COLUMNS = ("datastream", "time", "value", "revision")
ARRIVED = datetime(2023, 1, 1, tzinfo=UTC)
MINUTE = 60_000_000  # [µs]


def rows_of(*readings: tuple[str, int, float | None, int]) -> pa.Table:
    """Readings as (datastream, minute, value, revision)."""
    rows = [
        dict(
            zip(COLUMNS, (name, datetime.fromtimestamp(minute * 60, UTC), value, revision), strict=True),
            batch="b",
            arrived=ARRIVED,
        )
        for name, minute, value, revision in readings
    ]
    return pa.Table.from_pylist(rows, schema=TABLE.schema)


def stored(lake: Lake, *files: tuple[str, pa.Table]) -> Stored:
    for number, (period, rows) in enumerate(files):
        append(lake, TABLE, {Part(period): rows}, {"batch": str(number)})
    return Stored(lake, TABLE)


def asked(found: pa.Table) -> list[tuple[str, int, float | None, int]]:
    rows = found.to_pylist()
    return [(row["datastream"], int(row["time"].timestamp()) // 60, row["value"], row["revision"]) for row in rows]


def test_each_datastream_is_given_from_its_last_reading_before_to_its_first_one_behind(tmp_path: Path) -> None:
    """Wherever in a file these are."""
    first = rows_of(("a", 1, 1.0, 0), ("a", 2, 2.0, 0), ("b", 1, 7.0, 0))
    second = rows_of(("a", 50, 3.0, 0), ("a", 90, 4.0, 0), ("b", 50, None, 0), ("b", 60, 8.0, 0), ("b", 99, 9.0, 0))
    late = rows_of(("a", 3, 2.5, 1))
    lake = Lake(tmp_path)
    found = stored(lake, ("1970-01", first), ("1970-02", second), ("1970-01", late))
    around = found.around(lake.snapshot(TABLE.name), 0, 40 * MINUTE, 55 * MINUTE, 0, COLUMNS)
    assert asked(around) == [
        ("a", 3, 2.5, 1), ("a", 50, 3.0, 0), ("a", 90, 4.0, 0),
        ("b", 1, 7.0, 0), ("b", 50, None, 0), ("b", 60, 8.0, 0),
    ]  # fmt: skip
    margin = found.around(lake.snapshot(TABLE.name), 0, 40 * MINUTE, 55 * MINUTE, MINUTE, COLUMNS)
    assert [row[:2] for row in asked(margin)] == [
        ("a", 2),
        ("a", 3),
        ("a", 50),
        ("a", 90),
        ("b", 1),
        ("b", 50),
        ("b", 60),
    ]
    everything = found.around(lake.snapshot(TABLE.name), 0, -FOREVER, FOREVER, 0, COLUMNS)
    assert len(asked(everything)) == 9


def test_a_file_without_its_footer_is_read_instead(tmp_path: Path) -> None:
    rows = rows_of(("a", 1, 1.0, 0), ("a", 2, 2.0, 3), ("b", 1, 7.0, 0))
    with_footer, without = Lake(tmp_path / "new"), Lake(tmp_path / "old")
    append(with_footer, TABLE, {Part("1970-01"): rows}, {})
    without.append(TABLE.name, {Part("1970-01"): rows}, TABLE.schema, {}, {Part("1970-01"): {}})
    told = [Stored(lake, TABLE).extents(lake.snapshot(TABLE.name), 0).to_pylist() for lake in (with_footer, without)]
    assert told[0] == told[1]
    assert [(row["datastream"], row["count"], row["revision"]) for row in told[0]] == [("a", 2, 3), ("b", 1, 0)]


def test_an_older_file_tells_less_and_so_nothing_of_how_its_values_run(tmp_path: Path) -> None:
    rows, lake = rows_of(("a", 1, 1.0, 0), ("a", 2, 2.0, 3)), Lake(tmp_path)
    older = json.dumps({"datastream": ["a"], "first": [MINUTE], "last": [2 * MINUTE], "count": [2], "revision": [3]})
    lake.append(TABLE.name, {Part("1970-01"): rows}, TABLE.schema, {}, {Part("1970-01"): {"extents": older}})
    (row,) = Stored(lake, TABLE).extents(lake.snapshot(TABLE.name), 0).to_pylist()
    assert (row["first"], row["last"], row["count"], row["revision"]) == (MINUTE, 2 * MINUTE, 2, 3)
    assert row["shortest"] == 0 and row["longest"] == FOREVER and row["most"] != row["most"]


@pytest.mark.parametrize("order", [(("a", 2), ("a", 1)), (("a", 1), ("b", 1), ("a", 2))])
def test_readings_out_of_order_are_refused(tmp_path: Path, order: tuple[tuple[str, int], ...]) -> None:
    rows = rows_of(*((name, minute, 0.0, 0) for name, minute in order))
    with pytest.raises(ValueError, match="each in the order of time"):
        append(Lake(tmp_path), TABLE, {Part("1970-01"): rows}, {})


def told(rows: pa.Table) -> pa.Table:
    return pa.table(extents_of(rows), schema=EXTENTS)


stretch = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 60), st.one_of(st.none(), st.integers(-9, 9)), st.integers(0, 2)),
    min_size=1,
    unique_by=lambda each: each[:2],
)


@given(readings=stretch, cuts=st.lists(st.integers(1, 60), max_size=4))
def test_what_files_tell_of_a_datastream_is_what_one_file_would_tell(
    readings: list[tuple[str, int, int | None, int]], cuts: list[int]
) -> None:
    """Where each holds a stretch of time of its own; values are whole here, so that steps are too."""
    edges = [0, *sorted(cuts), 61]
    files = [rows_of(*sorted(r for r in readings if a <= r[1] < b)) for a, b in pairwise(edges)]
    together = chained(pa.concat_tables([told(each) for each in reversed(files)]))
    assert repr(together.sort_by("datastream").to_pylist()) == repr(told(rows_of(*sorted(readings))).to_pylist())


@given(readings=stretch, which=st.lists(st.booleans(), min_size=200, max_size=200))
def test_stretches_that_overlap_show_as_readings_that_do_not_follow_each_other(
    readings: list[tuple[str, int, int | None, int]], which: list[bool]
) -> None:
    files = [[each for each, mine in zip(sorted(readings), which, strict=False) if mine == part] for part in (False, True)]
    found = chained(pa.concat_tables([told(rows_of(*each)) for each in files])).to_pylist()
    for name in "abc":
        spans = sorted(s for s in (sorted(r[1] for r in each if r[0] == name) for each in files) if s)
        overlap = len(spans) == 2 and spans[0][-1] >= spans[1][0]
        assert [row["shortest"] <= 0 for row in found if row["datastream"] == name] == ([overlap] if spans else [])


@settings(max_examples=30, deadline=None)
@given(
    files=st.lists(
        st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.integers(0, 2)), min_size=1), min_size=2, max_size=4
    )
)
def test_merged_files_hold_the_readings_in_one_order_whatever_file_they_came_from(
    files: list[list[tuple[str, int, int]]],
) -> None:
    """Also those of one time: by revision, arrival and batch."""
    batches = [
        rows_of(*sorted((name, minute, 1.0 * number, revision) for name, minute, revision in each))
        .drop_columns(["batch", "arrived"])
        .append_column("batch", pa.array(["zyxw"[number]] * len(each)))
        .append_column("arrived", pa.array([ARRIVED + timedelta(seconds=number % 2)] * len(each), pa.timestamp("us", "UTC")))
        .select(TABLE.schema.names)
        .cast(TABLE.schema)
        for number, each in enumerate(files)
    ]
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder))
        stored(lake, *(("1970-01", rows) for rows in batches))
        before = lake.snapshot(TABLE.name).files[Part("1970-01")]
        merge(lake, TABLE, Part("1970-01"), before)
        (after,) = lake.snapshot(TABLE.name).files[Part("1970-01")]
        held = pq.read_table(lake.store.local(TABLE.name, [after])[0], schema=TABLE.schema, partitioning=None)
    together = pa.concat_tables(batches).sort_by(
        [(n, "ascending") for n in ("datastream", "time", "revision", "arrived", "batch")]
    )
    assert held.to_pylist() == together.to_pylist()
