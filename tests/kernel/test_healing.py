"""Every number heals: after any sequence of changes, what was brought up to date equals what is computed from nothing."""

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scicity.kernel.calendar import Calendar
from scicity.kernel.computing import MOST_ROUNDS, SAME, Computing
from scicity.kernel.lake import Lake, Part
from scicity.kernel.lineage import Figures
from scicity.kernel.reading import merge
from tests.kernel.toy import FIRST, METERS, ZONE, Toy, catalog

HOURS = st.integers(-48, 24 * 100)
readings = st.lists(st.tuples(st.sampled_from(METERS), HOURS, st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=4)
events = st.one_of(
    st.tuples(st.just("read"), readings),
    st.tuples(st.just("again"), st.integers(0, 5)),
    st.tuples(st.just("merge"), st.integers(0, 5)),
    st.tuples(st.just("tariff"), st.integers(1, 80), st.sampled_from(["0.4", "0.5", "0.75"])),
)


def rebuilt(toy: Toy, root: Path) -> Toy:
    """A second lake with the same readings and registers, its tables computed from nothing."""
    shutil.copytree(toy.lake.root / "reading", root / "reading")
    shutil.copytree(toy.lake.root / "toy" / "tariff", root / "toy" / "tariff")
    other = Toy(root, toy.buckets, toy.by_days)
    other.computing.bring_up_to_date()
    return other


def merged(toy: Toy, which: int) -> None:
    """Merges the files of one partition of the readings."""
    table = toy.computing.catalog["reading.energy_increment"]
    parts = sorted(toy.lake.snapshot(table.name).files.items())
    merge(toy.lake, table, *parts[which % len(parts)])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sequence=st.lists(events, min_size=1, max_size=5),
    buckets=st.sampled_from([1, 3]),
    by_days=st.booleans(),
    at_once=st.sets(st.integers(0, 4)),  # the events behind which the next one comes before anything is computed
)
def test_any_sequence_of_changes_equals_a_rebuild(sequence, buckets, by_days, at_once):
    with tempfile.TemporaryDirectory() as folder:
        toy = Toy(Path(folder) / "lake", buckets, by_days)
        toy.tariffs([(FIRST, None, "0.5")])
        toy.read("first", [(f"{m}.e", FIRST + timedelta(hours=12 * k), 1.0 + k % 3, 0) for m in METERS for k in range(1, 100)])
        toy.computing.bring_up_to_date()
        sent = []
        for number, event in enumerate(sequence):
            if event[0] == "read":
                sent.append([(f"{m}.e", FIRST + timedelta(hours=h), float(v), r) for m, h, v, r in event[1]])
                toy.read(f"late {number}", sent[-1])
            elif event[0] == "again" and sent:
                toy.read(f"again {number}", sent[event[1] % len(sent)])
            elif event[0] == "tariff":
                change = FIRST + timedelta(days=event[1])
                toy.tariffs([(FIRST, change, "0.5"), (change, None, event[2])])
            elif event[0] == "merge":
                merged(toy, event[1])
            if number not in at_once:
                toy.computing.bring_up_to_date()
        toy.computing.bring_up_to_date()
        assert toy.contents() == rebuilt(toy, Path(folder) / "other").contents()


def test_a_late_reading_touches_only_the_partitions_that_see_it(toy):
    toy.read("late", [("m2.e", FIRST + timedelta(days=12), 7.0, 1)])
    done = {d.table: d for d in toy.computing.bring_up_to_date()}
    assert {name: d.computed for name, d in done.items()} == {
        "toy.hourly": {Part("2022-12")},
        "toy.daily": {Part("2022-12")},
        "toy.cost": {Part("2022-12")},
        "toy.total": {Part("all")},
    }


def test_a_reading_near_the_edge_touches_both_months(toy):
    toy.read("late", [("m2.e", FIRST + timedelta(days=31, hours=1), 7.0, 0)])
    done = {d.table: d for d in toy.computing.bring_up_to_date()}
    assert done["toy.hourly"].changed == {Part("2022-12"), Part("2023-01")}


def test_a_repeated_batch_changes_nothing(toy):
    before = toy.contents()
    toy.read("twice", [("m1.e", FIRST + timedelta(hours=6), 2.0, 0)])
    done = {d.table: d for d in toy.computing.bring_up_to_date()}
    assert done["toy.hourly"].changed == frozenset()
    assert set(done) == {"toy.hourly"}  # it came out as it was, so that nothing above it was touched
    assert toy.contents() == before
    assert toy.read("twice", [("m1.e", FIRST + timedelta(hours=6), 2.0, 0)]) == {}
    assert toy.computing.bring_up_to_date() == []


def test_merging_files_touches_nothing_and_hides_no_late_reading(toy):
    toy.read("late", [("m2.e", FIRST + timedelta(days=12), 7.0, 1)])
    toy.computing.bring_up_to_date()
    before, first = toy.contents(), toy.lake.snapshot("reading.energy_increment")
    merged(toy, 0)
    now = toy.lake.snapshot("reading.energy_increment")
    assert len(now.files[Part("2022-12")]) == 1 < len(first.files[Part("2022-12")])
    assert toy.computing.bring_up_to_date() == []
    merged(toy, 0)  # of one file nothing is left to merge
    toy.read("later", [("m2.e", FIRST + timedelta(days=45), 7.0, 1)])
    merged(toy, 0)
    done = {d.table: d for d in toy.computing.bring_up_to_date()}
    assert done["toy.hourly"].computed == {Part("2023-01")}
    assert toy.contents() != before
    assert toy.lake.snapshot("reading.energy_increment", first.version) == first


def test_what_came_is_looked_at_and_not_what_it_was_merged_with(toy):
    name, part = "reading.energy_increment", Part("2022-12")
    before = toy.lake.snapshot(name)
    toy.read("late", [("m2.e", FIRST + timedelta(days=12), 7.0, 1)])
    (late,) = set(toy.lake.snapshot(name).files[part]) - set(before.files[part])
    merged(toy, 0)
    toy.read("later", [("m1.e", FIRST + timedelta(days=13), 7.0, 1)])
    merged(toy, 0)
    after = toy.lake.snapshot(name)
    old, new = toy.computing._differing(toy.computing.catalog[name], before, after, {part})
    assert old == []
    assert len(new) == 2
    assert late in new


def test_a_changed_register_row_touches_only_its_period(toy):
    february = FIRST + timedelta(days=62)
    toy.tariffs([(FIRST, february, "0.5"), (february, None, "0.75")])
    toy.computing.bring_up_to_date()
    toy.tariffs([(FIRST, february, "0.5"), (february, None, "0.8")])
    done = {d.table: d for d in toy.computing.bring_up_to_date()}
    assert done["toy.cost"].computed == {Part("2023-02")}
    assert "toy.hourly" not in done


def test_a_partition_can_be_computed_again_as_of_any_version(toy):
    daily = toy.computing.catalog["toy.daily"]
    before = toy.computing.again(daily, Part("2022-12"))
    first = toy.lake.snapshot("toy.daily").version
    toy.read("late", [("m2.e", FIRST + timedelta(days=12), 7.0, 1)])
    toy.computing.bring_up_to_date()
    after = toy.computing.again(daily, Part("2022-12"))
    assert after != before
    assert toy.computing.again(daily, Part("2022-12"), first) == before


def test_what_was_stopped_goes_on(toy, monkeypatch):
    toy.read("late", [("m2.e", FIRST + timedelta(days=12), 7.0, 1)])
    original = toy.computing._update

    def stop_before_cost(table):
        if table.name == "toy.cost":
            raise KeyboardInterrupt
        return original(table)

    monkeypatch.setattr(toy.computing, "_update", stop_before_cost)
    with pytest.raises(KeyboardInterrupt):
        toy.computing.bring_up_to_date()
    monkeypatch.undo()
    done = {d.table for d in toy.computing.bring_up_to_date()}
    assert done == {"toy.cost", "toy.total"}


def test_a_table_that_comes_out_the_same_writes_no_commit_and_is_not_computed_again(tmp_path: Path) -> None:
    toy = Toy(tmp_path / "lake")
    toy.tariffs([(FIRST, None, "0.5")])
    toy.read("first", [(f"{m}.e", FIRST + timedelta(hours=h), 1.0, 0) for m in METERS for h in range(0, 200, 6)])
    toy.computing.bring_up_to_date()
    versions = {table.name: toy.lake.snapshot(table.name).version for table in toy.computing.catalog.derived}
    toy.tariffs([(FIRST, FIRST + timedelta(days=400), "0.5"), (FIRST + timedelta(days=400), None, "0.6")])
    done = toy.computing.bring_up_to_date()
    assert [each.table for each in done] == ["toy.cost"] and not done[0].changed
    assert versions == {name: toy.lake.snapshot(name).version for name in versions}
    again = Computing(Lake(toy.lake.root), catalog(), Calendar(ZONE))
    assert again.bring_up_to_date() == []
    (toy.lake.root / SAME).unlink()  # lost: it is computed once more, and comes out the same
    again = Computing(Lake(toy.lake.root), catalog(), Calendar(ZONE))
    assert [each.table for each in again.bring_up_to_date()] == ["toy.cost"]
    assert versions == {name: toy.lake.snapshot(name).version for name in versions}


def test_what_is_noted_of_another_commit_is_not_believed(tmp_path: Path) -> None:
    toy = Toy(tmp_path / "lake")
    toy.tariffs([(FIRST, None, "0.5")])
    toy.read("first", [(f"{m}.e", FIRST + timedelta(hours=h), 1.0, 0) for m in METERS for h in range(0, 200, 6)])
    toy.computing.bring_up_to_date()
    last = toy.lake.last("toy.cost")
    assert last is not None
    toy.read("late", [("m1.e", FIRST + timedelta(hours=30), 7.0, 1)])
    newer = {"toy.daily": 10**6, "toy.tariff": 10**6}
    toy.lake.note(SAME, {"toy.cost": {"version": last.version, "at": last.at + 1, "inputs": newer, "rounds": 1}})
    toy.computing.bring_up_to_date()
    assert toy.contents() == rebuilt(toy, tmp_path / "other").contents()


def test_now_and_then_a_table_that_came_out_the_same_is_committed(tmp_path: Path) -> None:
    toy = Toy(tmp_path / "lake")
    toy.read("first", [("m1.e", FIRST, 1.0, 0)])
    toy.tariffs([(FIRST, None, "0.5")])
    toy.computing.bring_up_to_date()
    before = toy.lake.snapshot("toy.cost").version
    for number in range(MOST_ROUNDS + 1):
        far = FIRST + timedelta(days=1000 + number)
        toy.tariffs([(FIRST, far, "0.5"), (far, None, "0.6")])
        toy.computing.bring_up_to_date()
    assert toy.lake.snapshot("toy.cost").version == before + 1


def test_what_came_out_the_same_opens_by_what_it_was_computed_from_again(tmp_path: Path) -> None:
    """A table below was set aside: its versions began anew, and those that the first commits above it name are no more."""
    toy = Toy(tmp_path / "lake")
    toy.tariffs([(FIRST, None, "0.5")])
    for number in range(4):
        rows = [(f"{m}.e", FIRST + timedelta(days=number, hours=h), 1.0, 0) for m in METERS for h in range(0, 24, 6)]
        toy.read(f"day {number}", rows)
        toy.computing.bring_up_to_date()
    where = "toy.cost.energy/meter=m1/month=2022-12-01"
    before = Figures(toy.computing).why(where)
    toy.lake.set_aside("toy.daily")
    for above in toy.computing.catalog.above("toy.daily"):
        toy.lake.distrust(above)
    toy.computing.bring_up_to_date()
    figures = Figures(Computing(Lake(toy.lake.root), catalog(), Calendar(ZONE)))
    after = figures.why(where)
    assert after.figure.value == before.figure.value
    assert [each.total for each in after.inputs] == [each.total for each in before.inputs]
    assert {each.name: each.version for each in after.inputs}["daily"] == toy.lake.snapshot("toy.daily").version
