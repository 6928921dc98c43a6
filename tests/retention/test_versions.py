"""Versions that nobody needs are let go of: what is kept opens as before, nothing comes out otherwise, nothing is forgotten."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from scicity import mending
from scicity.access.arrival import move
from scicity.access.inbox import LATE, LIVE, Inbox
from scicity.kernel.lineage import NoFigure
from scicity.kernel.reading import ARRIVAL, Batch, merge, whole_batches
from scicity.kernel.record import LetGo
from scicity.retention import checkpoint, versions
from scicity.retention.versions import GRACE
from scicity.stores import folder
from tests.kernel.test_healing import rebuilt
from tests.kernel.toy import FIRST, streams
from tests.retention.passing import Passing, opened

DECEMBER = "toy.cost.energy/meter=m2/month=2022-12-01"
YEAR = "toy.total.energy/year=2022"
MARCH = "toy.daily.energy/meter=m2/day=2023-03-13"
TABLES = ("toy.hourly", "toy.daily", "toy.cost", "toy.total", "reading.energy_increment", "toy.tariff")


class Ended(BaseException):
    """The process ends here."""


def test_steps_go_days_stay_and_every_figure_opens_as_before(stepped: Passing) -> None:
    figures = stepped.figures
    was = {where: opened(figures, where) for where in (DECEMBER, YEAR, MARCH)}
    contents = stepped.contents()
    before = len(stepped.logs("toy.hourly"))
    gone = stepped.let_go()
    assert gone.versions > 0 and gone.logs > 0 and gone.files > 0 and gone.deleted == 0
    assert len(stepped.logs("toy.hourly")) < before / 3
    figures = stepped.figures
    assert {where: opened(figures, where) for where in was} == was
    assert stepped.contents() == contents
    assert stepped.again().bring_up_to_date() == []
    record = stepped.lake.record("toy.hourly")
    days = {each.at // 86_400_000 for each in record.versions.values()}
    assert len(days) == len(record.versions) == 3  # the last version of each day that is over


def test_what_arrives_behind_it_heals_as_if_nothing_had_gone(passing: Passing, tmp_path: Path) -> None:
    for number in range(4):
        passing.steps(2)
        passing.let_go()
        if number % 2:
            change = FIRST + timedelta(days=40 + number)
            passing.tariffs([(FIRST, change, "0.5"), (change, None, "0.75")])
        passing.late(f"long ago {number}", 9.0, days=5 + number, meter="m1", revision=1)
        passing.later(days=1)
    passing.let_go()
    other = rebuilt(passing, tmp_path / "other")
    assert passing.contents() == other.contents()
    assert passing.again().bring_up_to_date() == []


def test_files_go_hours_later_and_those_of_kept_versions_stay(stepped: Passing) -> None:
    stepped.let_go()
    doomed = {table: set(stepped.lake.record(table).doomed) for table in TABLES}
    assert doomed["toy.hourly"] <= stepped.on_disk("toy.hourly")
    stepped.later(seconds=GRACE.total_seconds() - 60)
    assert stepped.let_go().deleted == 0
    stepped.later(minutes=2)
    gone = stepped.let_go()
    assert gone.deleted >= sum(map(len, doomed.values())) and gone.deleted_bytes > 0
    for table in TABLES:
        record, lake = stepped.lake.record(table), stepped.again().lake
        assert not doomed[table] & stepped.on_disk(table)
        for version in (*record.versions, *range(record.through, lake.snapshot(table).version + 1)):
            snapshot = lake.snapshot(table, version)
            assert snapshot.gone == frozenset() and snapshot.paths <= stepped.on_disk(table)


def test_a_file_that_is_written_anew_while_it_waits_to_be_deleted_stays(passing: Passing) -> None:
    passing.late("one", 1.0)
    first = passing.lake.snapshot("toy.cost").paths
    passing.later(hours=1)
    passing.tariffs([(FIRST, None, "0.75")])
    passing.computing.bring_up_to_date()
    passing.stamp()
    passing.later(days=2)
    passing.let_go()
    waiting = first & set(passing.lake.record("toy.cost").doomed)
    assert waiting
    passing.tariffs([(FIRST, None, "0.5")])  # the same rows again are the same files
    passing.computing.bring_up_to_date()
    passing.stamp()
    assert passing.lake.snapshot("toy.cost").paths == first
    passing.later(hours=7)
    passing.let_go()
    assert waiting <= first <= passing.on_disk("toy.cost")
    assert passing.figures.rows("toy.cost")


def test_a_version_that_is_gone_says_so_and_opens_where_nothing_changed_since(stepped: Passing) -> None:
    stepped.later(days=1)
    stepped.let_go()
    figures, version = stepped.figures, 2
    assert version not in stepped.lake.record("toy.daily").versions
    assert figures.figure(f"toy.daily.energy/meter=m2/day=2022-12-10@{version}").value is not None
    with pytest.raises(LetGo, match=r"version 2 was let go of on 2023-04-06.*kept are versions from 4 \(of 2023-04-01\)"):
        figures.figure(f"{MARCH}@{version}")
    with pytest.raises(LetGo):
        figures.rows("toy.daily", version=version)
    with pytest.raises(NoFigure):
        figures.figure("toy.daily.energy/meter=m9/day=2022-12-10")
    with pytest.raises(LookupError):
        stepped.lake.snapshot("toy.daily", 999)


def test_days_go_in_their_turn_and_registers_too(passing: Passing) -> None:
    passing.retention = {"versions_days": 3}
    for number in range(8):
        passing.tariffs([(FIRST, None, f"0.{number + 1}")])
        passing.steps(1)
        passing.let_go()
    for table in ("toy.daily", "toy.tariff"):
        assert 3 <= len(passing.lake.record(table).versions) <= 5, table
    later = passing.lake.record("toy.tariff")
    assert min(later.versions) > 1 and later.let_go_on(1)


def test_a_closed_period_opens_to_its_rows_whatever_its_age(stepped: Passing) -> None:
    stepped.retention = {"versions_days": 2}
    stepped.closings.close("2022", "chen", "yearly statement", stepped.now + timedelta(days=400))
    was = {where: opened(stepped.figures, where) for where in (DECEMBER, YEAR)}
    at = stepped.lake.snapshot("toy.hourly").version
    for number in range(5):  # everything below is written anew several times a day
        for revision in (1, 2):
            stepped.late(f"restated {number}-{revision}", 50.0 + number, days=12, revision=10 * number + revision)
        stepped.later(days=3)
        stepped.let_go()
        stepped.later(hours=7)
        stepped.let_go()
    figures = stepped.figures
    assert figures.figure(YEAR).closed == "2022"
    assert {where: opened(figures, where) for where in was} == was
    stepped.closings.reopen("2022", "li", "restated", stepped.now)
    assert opened(stepped.figures, YEAR) != was[YEAR]
    stepped.later(days=1)
    stepped.let_go()
    with pytest.raises(LetGo):  # nothing pins it any more
        stepped.figures.rows("toy.hourly", version=at)


def test_no_batch_is_taken_twice_when_its_log_is_gone(stepped: Passing) -> None:
    known = whole_batches(stepped.lake)
    assert len(known) == 13
    stepped.later(days=5)
    stepped.let_go()
    assert stepped.logs("reading.energy_increment")[0] > 8
    assert whole_batches(stepped.again().lake) == known
    before = stepped.lake.snapshot("reading.energy_increment")
    for name in known:
        assert stepped.read(name, [("m1.e", FIRST + timedelta(hours=6), 2.0, 0)]) == {}
    assert stepped.lake.snapshot("reading.energy_increment") == before


def test_a_batch_that_a_move_left_in_the_inbox_is_known_when_the_log_is_gone(stepped: Passing, tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox.sqlite3")
    arguments = (stepped.lake, streams(), stepped.computing.calendar, 1)
    for lane, time in ((LIVE, stepped.now), (LATE, FIRST)):
        rows = [{"datastream": "m1.e", "time": time, "value": 5.0, "revision": 1}]
        inbox.put([Batch(f"batch {lane}", pa.Table.from_pylist(rows, schema=ARRIVAL), stepped.now, "gateway")])
        moved, inbox.moved = inbox.moved, lambda sequences: (_ for _ in ()).throw(Ended)  # type: ignore[method-assign]
        with pytest.raises(Ended):
            move(inbox, *arguments, lane=lane)
        inbox.moved = moved  # type: ignore[method-assign]
    stepped.computing.bring_up_to_date()
    stepped.stamp()
    before, contents = stepped.lake.snapshot("reading.energy_increment").files, stepped.contents()
    stepped.later(days=30)
    stepped.let_go()
    assert len(stepped.logs("reading.energy_increment")) == 1
    for lane in (LIVE, LATE):
        assert move(inbox, stepped.again().lake, *arguments[1:], lane=lane).readings == {}
    assert inbox.waiting_readings() == 0
    stepped.computing.bring_up_to_date()
    assert stepped.lake.snapshot("reading.energy_increment").files == before and stepped.contents() == contents


def test_a_process_that_writes_goes_on_while_another_lets_go(
    passing: Passing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passing.lake, "forget", lambda: None)  # it is never told, and has to see for itself
    for number in range(3):
        passing.steps(2)
        passing.later(days=1 + number)
        passing.let_go()
        passing.tariffs(
            [(FIRST, FIRST + timedelta(days=30 + number), "0.5"), (FIRST + timedelta(days=30 + number), None, "0.7")]
        )
        passing.late(f"old {number}", 3.0, days=20 + number, meter="m3", revision=2)
    assert passing.contents() == rebuilt(passing, tmp_path / "other").contents()
    fresh = passing.again().lake
    for table in TABLES:
        assert passing.lake.snapshot(table) == fresh.snapshot(table)
        assert [each.version for each in passing.lake.commits(table)] == [each.version for each in fresh.commits(table)]


def test_merged_files_go_and_what_they_held_opens(stepped: Passing) -> None:
    table = stepped.computing.catalog["reading.energy_increment"]
    (part,) = [part for part in stepped.lake.snapshot(table.name).files if part.period == "2023-03"]
    small = set(stepped.lake.snapshot(table.name).files[part])
    was = opened(stepped.figures, MARCH)
    merge(stepped.lake, table, part, sorted(small))
    stepped.stamp()
    for _ in range(3):
        stepped.later(days=2)
        stepped.let_go()
    stepped.retention = {"versions_days": 1}
    stepped.later(days=2)
    stepped.let_go()
    stepped.later(days=1)
    stepped.let_go()
    assert not small & stepped.on_disk(table.name)
    assert opened(stepped.figures, MARCH) == was
    assert stepped.again().bring_up_to_date() == []


def test_a_dry_run_tells_and_changes_nothing(stepped: Passing) -> None:
    before = {file: file.read_bytes() for file in stepped.lake.root.rglob("*") if file.is_file()}
    told = stepped.let_go(dry=True)
    after = {file: file.read_bytes() for file in stepped.lake.root.rglob("*") if file.is_file()}
    after.pop(stepped.lake.root / "retaining")
    assert after == before
    done = stepped.let_go()
    assert told == done and told.versions > 20


POINTS = [
    (checkpoint.DeltaTable, "create_checkpoint"),
    (checkpoint, "written"),
    (folder, "sync"),
    (folder.Folder, "settle"),
    (folder.Folder, "note"),
    (versions.records, "write"),
    (folder.Folder, "clear_log"),
    (folder.Folder, "delete_files"),
    (Path, "unlink"),
]


@pytest.fixture(scope="module")
def half_done(_made: tuple[Passing, Passing], tmp_path_factory: pytest.TempPathFactory) -> Passing:
    """A lake with versions to let go of, and files to delete."""
    made = _made[1].copy(tmp_path_factory.mktemp("half") / "lake")
    made.let_go()
    made.steps(1)
    made.later(days=1)
    return made


@pytest.mark.parametrize("after", [False, True], ids=["before", "behind"])
@pytest.mark.parametrize(("home", "name"), POINTS, ids=[f"{home.__name__}.{name}" for home, name in POINTS])
def test_a_run_that_ends_anywhere_leaves_a_right_state(
    half_done: Passing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: object, name: str, after: bool
) -> None:
    passing = half_done.copy(tmp_path / "lake")
    was = {where: opened(passing.figures, where) for where in (DECEMBER, YEAR, MARCH)}
    contents, known = passing.contents(), whole_batches(passing.lake)
    kept, turn, ended, count = getattr(home, name), 0, 0, 0

    def ending(*args: object, **more: object) -> object:
        nonlocal count
        count += 1
        if count > turn:
            if after:
                kept(*args, **more)
            raise Ended
        return kept(*args, **more)

    while count >= turn:  # ends at each third turn of that step, with what the ends before left
        count = 0
        monkeypatch.setattr(home, name, ending)
        try:
            passing.let_go()
        except Ended:
            ended += 1
        finally:
            monkeypatch.setattr(home, name, kept)
        passing.lake.forget()
        assert passing.contents() == contents
        assert whole_batches(passing.again().lake) == known
        assert opened(passing.figures, MARCH) == was[MARCH]
        turn += 3
    assert ended >= 1
    passing.let_go()
    assert {where: opened(passing.figures, where) for where in was} == was
    assert passing.again().bring_up_to_date() == []
    for table in TABLES:
        assert passing.logs(table)[0] == passing.lake.record(table).through


def test_a_process_that_reads_meanwhile_goes_on(stepped: Passing) -> None:
    reader = stepped.figures  # another process, which has looked at much
    newest = {table: reader.lake.snapshot(table).version for table in TABLES}
    old = reader.rows("toy.daily", version=3)
    was = opened(reader, MARCH)
    stepped.let_go()
    assert opened(reader, MARCH) == was
    assert {table: reader.lake.snapshot(table).version for table in TABLES} == newest
    for uri in reader.lake.uris("toy.daily", stepped.lake.snapshot("toy.daily")):
        assert Path(uri).exists()
    stepped.steps(4)
    stepped.later(days=2)
    stepped.let_go()
    stepped.later(hours=7)
    stepped.let_go()
    # it slept for long: the log goes on behind what it has seen, and the commit that followed is gone
    assert reader.lake.snapshot("toy.daily").version == stepped.lake.snapshot("toy.daily").version
    assert opened(reader, MARCH)[0] is not None
    assert reader.lake.commits("toy.daily") == stepped.lake.commits("toy.daily")
    assert old
    with pytest.raises(LetGo):
        reader.rows("toy.daily", version=3)


def test_a_back_up_of_the_record_is_never_written_over(stepped: Passing, tmp_path: Path) -> None:
    stepped.later(days=1)
    stepped.let_go()
    link = tmp_path / "linked"
    link.hardlink_to(stepped.lake.folder("toy.daily") / "_record.json")
    content = link.read_bytes()
    stepped.steps(2)
    stepped.later(days=1)
    stepped.let_go()
    assert link.read_bytes() == content != (stepped.lake.folder("toy.daily") / "_record.json").read_bytes()


def test_small_bites(stepped: Passing, monkeypatch: pytest.MonkeyPatch) -> None:
    stepped.later(days=1)
    was = {where: opened(stepped.figures, where) for where in (DECEMBER, YEAR, MARCH)}
    monkeypatch.setattr(versions, "MOST", 4)
    stepped.let_go()
    assert {where: opened(stepped.figures, where) for where in was} == was
    assert stepped.again().bring_up_to_date() == []
    for table in TABLES:
        assert stepped.logs(table)[0] == stepped.lake.record(table).through
    assert len(stepped.lake.record("toy.daily").versions) <= 7


def test_a_torn_checkpoint_where_the_log_begins_is_put_together_again(
    stepped: Passing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stepped.let_go()
    was, contents = opened(stepped.figures, MARCH), stepped.contents()
    boot = tmp_path / "boot_id"
    boot.write_text("another start")
    monkeypatch.setattr(mending, "BOOT", boot)
    for table in TABLES:
        log = stepped.lake.folder(table) / "_delta_log"
        through = stepped.lake.record(table).through
        (log / checkpoint.CHECKPOINT.format(through)).write_bytes(b"PAR1")
        if through > 3:
            (log / f"{3:020d}.json").write_text("{}")  # of before, which came back with the disk
    lake = stepped.again().lake
    found = mending.mend(lake, stepped.computing.catalog)
    assert len([word for word in found if "torn checkpoint" in word]) == len(TABLES)
    assert not [word for word in found if "commit" in word]
    stepped.again().bring_up_to_date()  # all is computed again after such an end, and comes out as it was
    stepped.lake.forget()
    assert stepped.contents() == contents and opened(stepped.figures, MARCH) == was
    stepped.later(days=2)
    stepped.let_go()
    assert stepped.contents() == contents
