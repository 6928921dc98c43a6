"""A lake in an object store is the lake in a folder: the same files by name; nothing is written over or lost."""

from __future__ import annotations

import os
import pickle
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scicity.access.compacting import MANY, compact
from scicity.kernel.lake import Lake, Overtaken, Part
from scicity.kernel.reading import merge
from scicity.stores import Objects, StoreRefused, store_at
from tests.kernel.conftest import with_first
from tests.kernel.test_healing import events, merged
from tests.kernel.toy import FIRST, Toy
from tests.stores.server import SECRET, Server

TABLE, SCHEMA = "toy.notes", pa.schema([("energy", pa.float64())])
ALL = Part("all")


def rows(*values: float) -> dict[Part, pa.Table]:
    return {ALL: pa.table({"energy": pa.array(values, pa.float64())})}


def put(lake: Lake, *values: float) -> None:
    lake.replace(TABLE, rows(*values), SCHEMA, inputs={}, code="")


def values_in(lake: Lake, version: int | None = None) -> list[float]:
    files = lake.uris(TABLE, lake.snapshot(TABLE, version))
    return [value for file in files for value in pa.parquet.read_table(file, partitioning=None)["energy"].to_pylist()]


def another(store: Objects, folder: Path) -> Lake:
    """The same lake, as another machine has it: with no copies."""
    return Lake(folder / "lake", Objects(store.address, folder / "cache"))


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(sequence=st.lists(events, min_size=1, max_size=4), buckets=st.sampled_from([1, 3]))
def test_any_sequence_of_changes_leaves_the_files_of_a_folder(objects_at: str, sequence, buckets) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        store = Objects(f"{objects_at}/{place.name}", place / "cache")
        toys = [Toy(place / "folder", buckets), Toy(place / "lake", buckets, store=store)]
        for toy in toys:
            with_first(toy)
        sent = []
        for number, event in enumerate(sequence):
            if event[0] == "read":
                sent.append([(f"{m}.e", FIRST + timedelta(hours=h), float(v), r) for m, h, v, r in event[1]])
            for toy in toys:
                if event[0] == "read":
                    toy.read(f"late {number}", sent[-1])
                elif event[0] == "again" and sent:
                    toy.read(f"again {number}", sent[event[1] % len(sent)])
                elif event[0] == "tariff":
                    change = FIRST + timedelta(days=event[1])
                    toy.tariffs([(FIRST, change, "0.5"), (change, None, event[2])])
                elif event[0] == "merge":
                    merged(toy, event[1])
                toy.computing.bring_up_to_date()
        assert toys[0].contents() == toys[1].contents()
        elsewhere = Toy(place / "other", buckets, store=Objects(store.address, place / "other cache"))
        assert elsewhere.contents() == toys[0].contents()
        for table in elsewhere.computing.catalog.derived:
            found = [toy.computing.engine.rows(table, order=", ".join(table.grain)) for toy in (toys[0], elsewhere)]
            assert found[0].equals(found[1]), table.name


def test_the_second_of_two_writers_fails_and_writes_nothing_over(store: Objects, tmp_path: Path) -> None:
    ours, theirs = Lake(tmp_path / "lake", store), another(store, tmp_path / "there")
    put(ours, 1.0)
    assert values_in(theirs) == [1.0]
    put(ours, 2.0)
    with pytest.raises(Overtaken, match=r"toy\.notes"):
        put(theirs, 3.0)  # it has looked a moment ago, and knows of the first alone
    with pytest.raises(Overtaken):
        theirs._commit(TABLE, SCHEMA, [], [], {}, behind=0)
    theirs.store.begin()
    assert values_in(theirs) == [2.0]
    put(theirs, 3.0)
    ours.store.begin()
    assert [values_in(ours, version) for version in (1, 2, 3)] == [[1.0], [2.0], [3.0]]


def test_a_commit_that_meets_another_at_the_store_itself_fails(server: Server, store: Objects, tmp_path: Path) -> None:
    ours = Lake(tmp_path / "lake", store)
    put(ours, 1.0)
    first = server.holding(f"{1:020d}.json")[0]
    second = first.replace(f"{1:020d}", f"{2:020d}")
    server.fail("PUT", second, status=0, times=1, copy=[first, second])  # somebody is faster by a moment
    with pytest.raises(Overtaken):
        put(ours, 2.0)
    assert server.file(second).read_bytes() == server.file(first).read_bytes()


def test_of_writers_that_race_each_either_commits_or_fails(store: Objects, tmp_path: Path) -> None:
    writers, done, failed = 4, [], []
    put(Lake(tmp_path / "lake", store), 1.0)
    together = threading.Barrier(writers)

    def write(number: int) -> None:
        lake = another(store, tmp_path / f"writer {number}")
        for turn in range(6):
            lake.store.begin()
            seen = lake.snapshot(TABLE).version
            together.wait()
            try:
                version = lake._commit(TABLE, SCHEMA, [], [], {"note": {"who": [number, turn]}}, behind=seen)
                done.append((version, [number, turn]))
            except Overtaken:
                failed.append(turn)

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(write, range(writers)))
    assert len(done) == 6 and len(failed) == 18  # one of each turn
    commits = another(store, tmp_path / "there").commits(TABLE, 2)
    assert [(commit.version, commit.note["who"]) for commit in commits] == sorted(done)


def test_whoever_wrote_last_looks_for_no_commits_of_others_and_everybody_else_does(
    server: Server, store: Objects, tmp_path: Path
) -> None:
    ours, theirs = Lake(tmp_path / "lake", store), Lake(tmp_path / "lake", Objects(store.address, tmp_path / "cache"))
    with ours.alone():
        put(ours, 1.0)
    server.forget()
    with ours.alone():
        assert ours.snapshot(TABLE).version == 1
    assert server.requests("GET") == 0
    with theirs.alone():  # of the same machine, and the same lock
        put(theirs, 2.0)
    with ours.alone():
        assert values_in(ours) == [2.0]
        put(ours, 3.0)
    far = another(store, tmp_path / "there")  # of another machine, by mistake
    with far.alone():
        put(far, 4.0)
    with ours.alone(), pytest.raises(Overtaken):
        put(ours, 5.0)
    with ours.alone():
        assert values_in(ours) == [4.0]
        put(ours, 5.0)
    assert [values_in(ours, version) for version in range(1, 6)] == [[1.0], [2.0], [3.0], [4.0], [5.0]]


def test_two_who_make_a_table_at_once_do_not_make_it_twice(store: Objects, tmp_path: Path) -> None:
    ours, theirs = Lake(tmp_path / "lake", store), another(store, tmp_path / "there")
    assert theirs.snapshot(TABLE).version == -1
    put(ours, 1.0)
    with pytest.raises(Overtaken):
        put(theirs, 2.0)
    theirs.store.begin()
    assert values_in(theirs) == [1.0]


def test_a_commit_whose_acknowledgement_was_lost_is_found_and_not_repeated(
    server: Server, store: Objects, tmp_path: Path
) -> None:
    lake = Lake(tmp_path / "lake", store)
    put(lake, 1.0)

    twin = Lake(tmp_path / "twin", Objects(f"{store.address}-twin", tmp_path / "twin cache"))
    put(twin, 1.0)
    put(twin, 2.0)
    theirs = next(key for key in server.holding(f"{2:020d}.json") if "-twin/" in key)
    server.fail("PUT", f"{2:020d}.json", status=500, times=1, copy=[theirs, theirs.replace("-twin/", "/")])
    with pytest.raises((StoreRefused, Overtaken)):
        put(lake, 2.0)
    server.heal()
    lake.store.begin()
    assert (lake.snapshot(TABLE).version, values_in(lake)) == (2, [2.0])
    assert lake.replace(TABLE, rows(2.0), SCHEMA, inputs={}, code="") == (2, frozenset())


def test_a_store_that_is_away_says_so_and_what_it_had_is_there_again(server: Server, toy: Toy, tmp_path: Path) -> None:
    before = toy.contents()
    server.stop()
    with pytest.raises(StoreRefused, match=r"s3://lakes/.* does not answer as it should") as told:
        toy.read("late", [("m2.e", FIRST + timedelta(days=12), 7.0, 1)])
    assert SECRET not in str(told.value) and "\x1b" not in str(told.value)
    toy.lake.store.begin()
    with pytest.raises(StoreRefused):
        toy.computing.bring_up_to_date()
    server.begin()
    assert toy.contents() == before
    assert toy.read("late", [("m2.e", FIRST + timedelta(days=12), 7.0, 1)]) == {"energy_increment": 1}
    toy.computing.bring_up_to_date()
    assert toy.contents() != before


@pytest.mark.parametrize("failing", range(6))
def test_a_store_that_ends_in_the_middle_leaves_what_can_be_healed(
    server: Server, toy: Toy, tmp_path: Path, failing: int
) -> None:
    server.fail("PUT", after=failing)
    with pytest.raises(StoreRefused):
        toy.read("late", [("m2.e", FIRST + timedelta(days=12), 7.0, 1)])
        toy.computing.bring_up_to_date()
    server.heal()
    toy.lake.store.begin()
    toy.read("late", [("m2.e", FIRST + timedelta(days=12), 7.0, 1)])
    toy.computing.bring_up_to_date()
    straight = with_first(Toy(tmp_path / "folder"))
    straight.read("late", [("m2.e", FIRST + timedelta(days=12), 7.0, 1)])
    straight.computing.bring_up_to_date()
    assert toy.contents() == straight.contents()


def test_a_file_is_fetched_once_and_asked_for_no_more(server: Server, toy: Toy, tmp_path: Path) -> None:
    elsewhere = Toy.__new__(Toy)
    elsewhere.lake = another(toy.lake.store, tmp_path / "there")
    table = toy.computing.catalog["reading.energy_increment"]
    snapshot = elsewhere.lake.snapshot(table.name)
    server.forget()
    files = elsewhere.lake.uris(table.name, snapshot)
    assert len(files) == server.requests("GET", ".parquet") > 1
    assert elsewhere.lake.uris(table.name, snapshot) == files
    assert server.requests("GET", ".parquet") == len(files)
    assert elsewhere.lake.sizes(table.name, snapshot.paths) == {
        path: Path(file).stat().st_size for path, file in zip(sorted(snapshot.paths), sorted(files), strict=True)
    }
    assert server.requests("HEAD", ".parquet") <= len(files)  # and none for their sizes


def test_what_is_not_what_its_name_says_is_not_taken(server: Server, toy: Toy, tmp_path: Path) -> None:
    key = next(key for key in server.holding("/toy/daily/") if key.endswith(".parquet"))
    whole = server.file(key).read_bytes()
    for content in (whole[:-1], whole[:20] + b"?" + whole[21:], b""):
        server.file(key).write_bytes(content)
        lake = another(toy.lake.store, tmp_path / "there")
        with pytest.raises(StoreRefused, match="which is not its name"):
            lake.uris("toy.daily", lake.snapshot("toy.daily"))
        assert not list((tmp_path / "there" / "cache").rglob(Path(key).name))


def test_a_file_that_is_gone_is_told_of(server: Server, toy: Toy, tmp_path: Path) -> None:
    key = next(key for key in server.holding("/toy/daily/") if key.endswith(".parquet"))
    server.file(key).unlink()
    lake = another(toy.lake.store, tmp_path / "there")
    with pytest.raises(StoreRefused, match=Path(key).name):
        lake.uris("toy.daily", lake.snapshot("toy.daily"))


@pytest.mark.parametrize("strange", ["../other.parquet", "/etc/passwd", "period=all/../../x.parquet", ".hidden", "", "a//b"])
def test_a_log_that_leads_out_of_the_copies_is_refused(store: Objects, strange: str) -> None:
    with pytest.raises(StoreRefused, match="no file of a lake"):
        store.local(TABLE, [strange])


def test_copies_are_bounded_and_those_asked_for_longest_ago_go_first(store: Objects, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", Objects(store.address, tmp_path / "cache", limit=1e9))
    for value in range(8):
        put(lake, float(value), *range(50))
    copies = sorted((tmp_path / "cache").rglob("*.parquet"))
    assert len(copies) == 8  # all were asked for just now, and may be in use
    for age, copy in enumerate(copies):
        os.utime(copy, (1e9 - age, 1e9 - age))
    asked = copies[-1]  # the oldest; it is asked for again
    lake.store.copies.limit = 0.8 * sum(copy.stat().st_size for copy in copies)
    lake.store.local(TABLE, [str(asked.relative_to(tmp_path / "cache" / "toy" / "notes"))])
    put(lake, 9.0, *range(50))
    left = set((tmp_path / "cache").rglob("*.parquet"))
    assert asked in left and copies[-2] not in left
    assert sum(copy.stat().st_size for copy in left) <= lake.store.copies.limit
    assert [values_in(lake, version)[0] for version in range(1, 10)] == [*map(float, range(8)), 9.0]


def test_a_copy_that_a_power_cut_tore_is_taken_away(toy: Toy) -> None:
    store = toy.lake.store
    copies = sorted(store.copies.root.rglob("*.parquet"))
    copies[0].write_bytes(b"")
    copies[1].write_bytes(copies[1].read_bytes()[:-1])
    assert len(store.mend()) == 2
    assert sorted(store.copies.root.rglob("*.parquet")) == copies[2:]
    assert toy.computing.again(toy.computing.catalog["toy.daily"], Part("2022-12"))


def test_a_table_that_is_set_aside_is_whole_beside_the_new_one(store: Objects, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", store)
    put(lake, 1.0)
    put(lake, 2.0)
    for number in (0, 1):
        lake.set_aside(TABLE)
        assert lake.snapshot(TABLE).version == -1
        aside = another(store, tmp_path / f"there {number}")
        assert aside.snapshot(TABLE).version == -1
        assert aside.snapshot(f"{TABLE}@{number}").version == 2 - number
        put(lake, 3.0)
        assert (lake.snapshot(TABLE).version, values_in(lake)) == (1, [3.0])
    assert store.tables("toy") == [TABLE]


def test_setting_aside_that_ends_in_the_middle_can_be_done_again(server: Server, store: Objects, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake", store)
    for value in (1.0, 2.0, 3.0):
        put(lake, value)
    server.fail("DELETE", status=403, after=2)
    with pytest.raises(StoreRefused):
        lake.set_aside(TABLE)
    server.heal()
    cut = another(store, tmp_path / "there")
    assert cut.snapshot(TABLE).version == 1  # what is left is a table
    cut.set_aside(TABLE)
    assert cut.snapshot(TABLE).version == -1
    whole = another(store, tmp_path / "elsewhere")
    assert [whole.snapshot(f"{TABLE}@{number}").version for number in (0, 1)] == [3, -1]  # and nothing is copied twice


def test_small_files_are_merged(store: Objects, tmp_path: Path) -> None:
    toy = Toy(tmp_path / "lake", store=store)
    for number in range(MANY):
        toy.read(f"{number}", [("m1.e", FIRST + timedelta(hours=6 * number + 1), 1.0, 0)])
    table = toy.computing.catalog["reading.energy_increment"]
    done = compact(toy.lake, [table])
    assert (done.before, done.after) == (MANY, 1)
    assert len(toy.lake.snapshot(table.name).paths) == 1
    assert merge(toy.lake, table, Part("2022-12"), sorted(toy.lake.snapshot(table.name).paths))
    assert len(toy.computing.engine.rows(table)) == MANY


def test_where_the_lake_lies_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SCICITY_LAKE", raising=False)
    assert store_at(tmp_path, "north").root == tmp_path / "lake"
    monkeypatch.setenv("SCICITY_LAKE", "s3://lakes/of/china/")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    found = store_at(tmp_path, "north")
    assert (found.address, found.copies.root) == ("s3://lakes/of/china/north", tmp_path / "cache")
    assert SECRET.encode() not in pickle.dumps(found) and SECRET not in repr(found)
    assert pickle.loads(pickle.dumps(found)).address == found.address


@pytest.mark.parametrize(
    "wrong", ["lakes", "http://lakes/x", "s3://key:secret-key@lakes/x", "s3://lakes/a b", "s3://L/x", "s3://"]
)
def test_an_address_of_another_form_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wrong: str) -> None:
    monkeypatch.setenv("SCICITY_LAKE", wrong)
    with pytest.raises(StoreRefused, match="SCICITY_LAKE") as told:
        store_at(tmp_path, "north")
    assert "secret-key" not in str(told.value)


def test_a_wrong_key_is_told_of(server: Server, store: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody-else")
    with pytest.raises(StoreRefused):
        put(Lake(tmp_path / "lake", store), 1.0)
