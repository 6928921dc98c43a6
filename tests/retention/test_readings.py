"""Readings of long ago are retired: what was computed from them stays for ever, everything else heals as with all readings."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scicity.access.arrival import move
from scicity.access.inbox import Inbox
from scicity.kernel import retired
from scicity.kernel.computing import Computing
from scicity.kernel.lake import Lake, Part
from scicity.kernel.problems import Refused
from scicity.kernel.reading import ARRIVAL, Batch
from scicity.kernel.tables import Catalog
from scicity.retention import readings
from tests.kernel.test_healing import merged
from tests.kernel.toy import FIRST, METERS, Toy, streams
from tests.retention.passing import Passing, opened
from tests.retention.test_versions import Ended

TABLE = "reading.energy_increment"
HOURLY = "toy.hourly"
OLD = "toy.hourly.energy/meter=m2/hour=2022-12-09T16:00:00Z"
IN_2024 = datetime(2024, 1, 10, 4, tzinfo=UTC)  # a year behind, December 2022 is retired with all before


def retire(lake: Passing, at: datetime = IN_2024) -> None:
    """Retention by a rule of one year, and again until the files have gone."""
    lake.now, lake.retention = at, {"readings_years": 1}
    lake.let_go()
    lake.stamp()
    for hours in (30, 7):
        lake.later(hours=hours)
        lake.let_go()


def frozen(lake: Passing) -> dict[Part, tuple[str, ...]]:
    """The frozen partitions of the hourly table."""
    table = lake.computing.catalog[HOURLY]
    return {p: files for p, files in lake.lake.snapshot(HOURLY).files.items() if lake.again().retirement(table, p)}


def months(lake: Passing) -> dict[str, int]:
    """How many readings the lake has by month."""
    snapshot = lake.lake.snapshot(TABLE)
    return {
        part.period: sum(pq.read_metadata(file).num_rows for file in lake.lake.store.local(TABLE, paths))
        for part, paths in sorted(snapshot.files.items())
    }


def test_months_go_with_their_files_and_what_came_from_them_stays(passing: Passing) -> None:
    before, contents = months(passing), passing.contents()
    old = {path for part, paths in passing.lake.snapshot(TABLE).files.items() if part.period < "2023-01" for path in paths}
    retire(passing)
    now = months(passing)
    assert now["2023-01"] == before["2023-01"]
    assert 0 < now["2022-12"] <= 3 * 6  # the last reading of each meter, and two days before it
    assert not old & passing.on_disk(TABLE)
    assert passing.contents() == contents
    assert {part.period for part in frozen(passing)} == {"2022-11", "2022-12"}
    retire(passing, IN_2024 + timedelta(days=1))
    assert months(passing) == now and len(passing.lake.retirements()) == 1


def test_no_change_of_code_or_register_and_no_rebuild_touches_what_is_frozen(passing: Passing) -> None:
    retire(passing)
    kept = frozen(passing)
    hourly = passing.computing.catalog[HOURLY]
    code = hourly.code
    for new in ("another", "a third"):
        changed = replace(hourly)
        changed.__dict__["code"] = new  # as if a method had been changed
        tables = {**passing.computing.catalog.tables, HOURLY: changed}
        computing = Computing(passing.again().lake, Catalog(tables.values()), passing.computing.calendar)
        done = {each.table: each for each in computing.bring_up_to_date()}
        assert done[HOURLY].computed and not done[HOURLY].computed & set(kept)
        passing.lake.forget()
        assert frozen(passing) == kept
    rows = streams()
    renamed = rows.set_column(1, "thing", pa.array(["m1", "m2", "another"]))
    passing.lake.replace("district.datastream", {Part("all"): renamed}, rows.schema, inputs={}, code="")
    computing.bring_up_to_date()
    passing.lake.distrust(HOURLY)
    passing.again().bring_up_to_date()
    passing.lake.forget()
    assert frozen(passing) == kept
    with pytest.raises(LookupError, match="retired"):
        computing.again(hourly, Part("2022-12"))
    why = passing.figures.why(OLD)
    assert why.code == code and why.retired is not None
    assert why.retired.said(HOURLY).startswith(
        "its readings were retired on 2024-01-10 by the district's rule (readings_years = 1)"
    )
    assert code in why.retired.said(HOURLY)
    assert [each.name for each in why.inputs] == ["streams"]
    assert [row["thing"] for row in why.inputs[0].rows] == ["m2"]
    with pytest.raises(LookupError, match="retired"):
        passing.figures.evidence(OLD, "readings")


def test_frozen_rows_go_over_into_a_table_of_other_columns(passing: Passing) -> None:
    retire(passing)
    hourly = passing.computing.catalog[HOURLY]
    was = passing.figures.rows(HOURLY, where={"meter": "m2"})
    function = hourly.function

    def with_flow(slot: object, **tables: pa.Table) -> pa.Table:
        rows = function(slot, **tables)
        return rows.append_column("flow", pa.array(["forward"] * rows.num_rows))

    changed = replace(hourly, columns=(*hourly.columns, "flow"), function=with_flow)
    changed.__dict__["code"] = "wider"
    tables = {**passing.computing.catalog.tables, HOURLY: changed}
    catalog = Catalog(tables.values())
    ended = Computing(passing.again().lake, catalog, passing.computing.calendar)
    kept = ended.lake.replace

    def end(table: str, *args: object, **more: object) -> object:
        if table == HOURLY and not ended.lake.snapshot(HOURLY).files:
            raise Ended  # behind setting aside, and before the new table is written
        return kept(table, *args, **more)

    ended.lake.replace = end  # type: ignore[method-assign]
    with pytest.raises(Ended):
        ended.bring_up_to_date()
    Computing(passing.again().lake, catalog, passing.computing.calendar).bring_up_to_date()
    computing = Computing(passing.again().lake, catalog, passing.computing.calendar)
    found = computing.engine.rows(changed, "meter = 'm2'", order="hour").to_pylist()
    assert [{name: row[name] for name in hourly.columns} for row in found] == [dict(row) for row in was]
    assert {row["flow"] for row in found if f"{row['day']:%Y-%m}" < "2023-01"} == {None}
    assert {row["flow"] for row in found if f"{row['day']:%Y-%m}" >= "2023-01"} == {"forward"}


def test_a_late_reading_of_a_retired_month_is_held_and_one_that_is_kept_is_not(passing: Passing, tmp_path: Path) -> None:
    retire(passing)
    inbox, kept = Inbox(tmp_path / "inbox.sqlite3"), frozen(passing)
    times = (datetime(2022, 12, 31, 15, 59, tzinfo=UTC), datetime(2022, 12, 31, 16, tzinfo=UTC))
    rows = [{"datastream": "m1.e", "time": time, "value": 5.0, "revision": None} for time in times]
    inbox.put([Batch("late", pa.Table.from_pylist(rows, schema=ARRIVAL), IN_2024, "gateway")])
    moved = move(inbox, passing.lake, streams(), passing.computing.calendar, 1, lane=1)
    moved += move(inbox, passing.lake, streams(), passing.computing.calendar, 1, lane=0)
    assert (moved.readings, moved.held) == ({"energy_increment": 1}, {"readings-retired": 1})
    (held,) = inbox.quarantine()
    assert (held.code, held.found) == ("readings-retired", "m1.e at 2022-12-31T15:59:00Z")
    inbox.replay([held])
    assert move(inbox, passing.lake, streams(), passing.computing.calendar, 1, lane=1).held == {"readings-retired": 1}
    with pytest.raises(Refused, match="readings-retired"):
        passing.read("file", [("m1.e", times[0], 5.0, 0)])
    passing.computing.bring_up_to_date()
    assert frozen(passing) == kept


def test_what_a_move_that_ended_had_put_into_the_lake_is_not_held_as_well(passing: Passing, tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox.sqlite3")
    rows = [{"datastream": "m1.e", "time": FIRST + timedelta(days=3), "value": 5.0, "revision": 1}]
    inbox.put([Batch("late", pa.Table.from_pylist(rows, schema=ARRIVAL), IN_2024 - timedelta(days=300), "gateway")])
    arguments = (passing.lake, streams(), passing.computing.calendar, 1)
    moved, inbox.moved = inbox.moved, lambda sequences: (_ for _ in ()).throw(Ended)  # type: ignore[method-assign]
    with pytest.raises(Ended):
        move(inbox, *arguments, lane=1)
    passing.computing.bring_up_to_date()
    passing.stamp()
    retire(passing)
    inbox.moved = moved  # type: ignore[method-assign]
    assert move(inbox, passing.lake, *arguments[1:], lane=1).held == {}
    assert inbox.quarantine() == [] and inbox.waiting_readings() == 0


def test_nothing_is_retired_while_figures_are_behind(passing: Passing) -> None:
    passing.read("late", [("m2.e", FIRST + timedelta(days=12), 7.0, 1)])
    passing.stamp()
    passing.now, passing.retention = IN_2024, {"readings_years": 1}
    gone = passing.let_go()
    assert "toy.hourly is not up to date" in gone.problem
    assert passing.lake.retirements() == () and "2022-12" in months(passing)
    passing.computing.bring_up_to_date()
    passing.stamp()
    assert passing.let_go().problem == "" and len(passing.lake.retirements()) == 1


def test_in_small_bites_the_same_goes(passing: Passing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "MOST_ROWS", 1)
    contents = passing.contents()
    passing.retention = {"readings_years": 1}
    passing.now = datetime(2024, 2, 10, tzinfo=UTC)
    before = passing.lake.snapshot(TABLE).version
    passing.let_go()
    assert passing.lake.snapshot(TABLE).version - before > 1
    assert sum(months(passing).values()) <= 3 * 6 and passing.contents() == contents


def test_a_longer_rule_brings_nothing_back(passing: Passing) -> None:
    retire(passing)
    passing.retention = {"readings_years": 5}
    passing.let_go()
    assert passing.lake.retirements()[-1].before == "2023-01"


def test_a_dry_run_tells_what_would_be_retired(passing: Passing) -> None:
    passing.now, passing.retention = IN_2024, {"readings_years": 1}
    told = passing.let_go(dry=True)
    assert told.months == {"2022-12"}
    assert passing.lake.retirements() == ()
    done = passing.let_go()
    assert (done.months, done.readings) == (told.months, told.readings) and done.readings > 50


@pytest.mark.parametrize("after", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize(
    ("home", "name"),
    [(readings.Readings, "_settle"), (retired, "write"), (readings.Readings, "_reduce"), (Lake, "reduce"), (Lake, "_commit")],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_retiring_that_ends_anywhere_is_gone_on_with(
    passing: Passing, monkeypatch: pytest.MonkeyPatch, home: object, name: str, after: bool
) -> None:
    passing.now, passing.retention = IN_2024, {"readings_years": 1}
    contents = passing.contents()
    kept: Callable[..., object] = getattr(home, name)

    def ending(*args: object, **more: object) -> object:
        if after:
            kept(*args, **more)
        raise Ended

    monkeypatch.setattr(home, name, ending)
    with pytest.raises(Ended):
        passing.let_go()
    monkeypatch.undo()
    passing.lake.forget()
    assert passing.contents() == contents
    assert passing.again().bring_up_to_date() == []
    passing.let_go()
    assert passing.contents() == contents and months(passing)["2022-12"] <= 3 * 6


# --- any sequence ---

HOURS = st.integers(-48, 24 * 140)
some = st.lists(st.tuples(st.sampled_from(METERS), HOURS, st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=3)
events = st.one_of(
    st.tuples(st.just("read"), some),
    st.tuples(st.just("tariff"), st.integers(1, 120), st.sampled_from(["0.4", "0.5", "0.75"])),
    st.tuples(st.just("retire"), st.integers(1, 4)),
    st.tuples(st.just("days"), st.integers(1, 3)),
    st.tuples(st.just("code"), st.integers(0, 2)),
    st.tuples(st.just("merge"), st.integers(0, 5)),
)


class Full(Toy):
    """A lake of all readings, from which nothing is ever retired, beside the one under test."""

    def rebuilt_with(self, root: Path, other: Passing) -> dict[str, frozenset[str]]:
        """What is computed from nothing with all readings, and what is frozen in the other lake."""
        shutil.copytree(self.lake.root / "reading", root / "reading")
        shutil.copytree(self.lake.root / "toy" / "tariff", root / "toy" / "tariff")
        fresh = Toy(root, self.buckets)
        fresh.computing.bring_up_to_date(only=HOURLY)
        hourly = fresh.computing.catalog[HOURLY]
        last = fresh.lake.last(HOURLY)
        rows = {
            p: fresh.computing.engine.rows(hourly, parts=[p], order="meter, hour") for p in fresh.lake.snapshot(HOURLY).files
        }
        stood = {p: other.computing.engine.rows(hourly, parts=[p], order="meter, hour") for p in frozen(other)}
        acts = other.lake.retirements()
        free = {p: each for p, each in rows.items() if retired.retirement_of(acts, hourly, p) is None}
        told = {"inputs": dict(last.inputs), "code": last.code}
        fresh.lake.replace(HOURLY, free | stood, hourly.schema, **told)
        fresh.computing.bring_up_to_date()
        return fresh.contents()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sequence=st.lists(events, min_size=2, max_size=6), buckets=st.sampled_from([1, 3]))
def test_frozen_partitions_never_change_and_everything_else_equals_a_rebuild(sequence: list[tuple], buckets: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake, full = Passing(Path(folder) / "lake", buckets), Full(Path(folder) / "full", buckets)
        full.tariffs([(FIRST, None, "0.5")])
        first = [(f"{m}.e", FIRST + timedelta(hours=12 * k), 1.0 + k % 3, 0) for m in METERS for k in range(1, 100)]
        full.read("first", first)
        ever: dict[Part, tuple[str, ...]] = {}
        for number, event in enumerate(sequence):
            if event[0] == "read":
                acts = lake.lake.retirements()
                begins = lake.computing.calendar.bounds(acts[-1].before)[0] if acts else 0
                sent = [(f"{m}.e", FIRST + timedelta(hours=h), float(v), r) for m, h, v, r in event[1]]
                sent = [each for each in sent if each[1].timestamp() * 1e6 >= begins]
                if sent:
                    lake.read(f"late {number}", sent)
                    full.read(f"late {number}", sent)
            elif event[0] == "tariff":
                change = FIRST + timedelta(days=event[1])
                for each in (lake, full):
                    each.tariffs([(FIRST, change, "0.5"), (change, None, event[2])])
            elif event[0] == "merge":
                merged(lake, event[1])
            elif event[0] == "code":
                lake.lake.distrust(("toy.hourly", "toy.daily", "toy.cost")[event[1]])
            lake.computing.bring_up_to_date()
            lake.stamp()
            if event[0] == "retire":
                lake.retention = {"readings_years": 1}
                lake.now = max(lake.now, datetime(2023, 12, 10, tzinfo=UTC) + timedelta(days=30 * event[1]))
                lake.let_go()
                lake.stamp()
            elif event[0] == "days":
                lake.later(days=event[1])
                lake.let_go()
            now = frozen(lake)
            assert {part: now.get(part) for part in ever} == ever
            ever = now
        assert lake.contents() == full.rebuilt_with(Path(folder) / "fresh", lake)
        assert lake.again().bring_up_to_date() == []


def test_a_figure_above_a_frozen_one_opens_down_to_it(passing: Passing) -> None:
    day = "toy.daily.energy/meter=m2/day=2022-12-10"
    value = passing.figures.figure(day).value
    retire(passing)
    found, _, below = opened(passing.figures, day)
    assert found == value
    ((name, total, _, deeper),) = below
    assert (name, total) == ("hourly", 4)
    assert [each[0] for each in deeper[0][2]] == ["streams"]
