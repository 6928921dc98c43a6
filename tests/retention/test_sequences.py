"""Any sequence of arrivals, corrections, merges, closings and runs of retention: closed figures open as they were closed, and
everything else is as if nothing had ever been let go of."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scicity.kernel.reading import whole_batches
from scicity.retention.versions import GRACE
from tests.kernel.test_healing import merged, rebuilt
from tests.kernel.toy import FIRST, METERS
from tests.retention.passing import Passing, opened

YEAR = "toy.total.energy/year=2022"
MONTHS = [f"toy.cost.energy/meter={meter}/month=2022-12-01" for meter in METERS]
some = st.lists(
    st.tuples(st.sampled_from(METERS), st.integers(-48, 24 * 100), st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=3
)
events = st.one_of(
    st.tuples(st.just("read"), some),
    st.tuples(st.just("merge"), st.integers(0, 5)),
    st.tuples(st.just("tariff"), st.integers(1, 80), st.sampled_from(["0.4", "0.5", "0.75"])),
    st.tuples(st.just("close"), st.booleans()),
    st.tuples(st.just("pass"), st.sampled_from([1, 7, 20, 60])),
    st.tuples(st.just("let go"), st.integers(1, 4)),
    st.tuples(st.just("code"), st.sampled_from(["toy.hourly", "toy.daily", "toy.cost", "toy.total"])),
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sequence=st.lists(events, min_size=3, max_size=9), buckets=st.sampled_from([1, 3]))
def test_any_sequence(sequence: list[tuple[Any, ...]], buckets: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = Passing(Path(folder) / "lake", buckets, {"versions_days": 2})
        closed: dict[str, Any] = {}
        batches = {"first"}
        for number, event in enumerate([*sequence, ("let go", 1), ("pass", 7), ("let go", 1)]):
            if event[0] == "read":
                sent = [(f"{m}.e", FIRST + timedelta(hours=h), float(v), r) for m, h, v, r in event[1]]
                lake.read(f"late {number}", sent)
                batches.add(f"late {number}")
            elif event[0] == "merge":
                merged(lake, event[1])
            elif event[0] == "tariff":
                change = FIRST + timedelta(days=event[1])
                lake.tariffs([(FIRST, change, "0.5"), (change, None, event[2])])
            elif event[0] == "code":
                lake.lake.distrust(event[1])
            elif event[0] == "pass":
                lake.later(hours=event[1])
            elif event[0] == "let go":
                lake.let_go()
                lake.later(seconds=GRACE.total_seconds() + 60)
                lake.let_go()
            lake.computing.bring_up_to_date()
            lake.stamp()
            if event[0] == "close" and "2022" not in lake.closings.closed():
                lake.closings.close("2022", "chen", "yearly statement", lake.now + timedelta(days=400))
                closed = {where: opened(lake.figures, where) for where in (YEAR, *MONTHS)}
            elif event[0] == "close" and event[1]:
                lake.closings.reopen("2022", "li", "to be restated", lake.now)
                closed = {}
            figures = lake.figures
            assert {where: opened(figures, where) for where in closed} == closed
            for where in (YEAR, *MONTHS):
                opened(figures, where)
            assert whole_batches(figures.lake) == batches
        assert lake.contents() == rebuilt(lake, Path(folder) / "other").contents()
        assert lake.again().bring_up_to_date() == []
        for table in ("toy.hourly", "toy.daily", "toy.cost", "toy.total", "reading.energy_increment", "toy.tariff"):
            for version in lake.lake.record(table).versions:
                snapshot = lake.lake.snapshot(table, version)
                assert snapshot.gone == frozenset() and snapshot.paths <= lake.on_disk(table)
