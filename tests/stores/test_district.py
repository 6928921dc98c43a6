"""A district whose lake lies in an object store: loaded, healed, opened, backed up, restored, moved, and its store away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from scicity.access.files import readings
from scicity.access.inbox import Inbox
from scicity.city import City
from scicity.cockpit import arriving
from scicity.cockpit.arriving import MOVER, Mover, trouble
from scicity.cockpit.city import OpenCity
from scicity.cockpit.place import Place
from scicity.kernel import retired
from scicity.kernel.lineage import address
from scicity.kernel.retired import Retirement
from scicity.operation import upgrading
from scicity.operation.backup import BackupFailed, back_up, read_manifest
from scicity.operation.restore import restore
from scicity.operation.upgrading import UpgradeDue
from scicity.stores import StoreRefused
from tests.operation import running
from tests.operation.numbered import batch
from tests.stores.server import Server

DEMO = Path(__file__).parents[2] / "districts" / "demo"
LATE = DEMO / "late" / "dorm-main-2023-01-11.csv"


class Arrived(datetime):
    """A clock at which all files of readings arrive at one moment."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Arrived:
        return cls(2026, 1, 1, tzinfo=tz)


def contents(city: City) -> dict[str, frozenset[str]]:
    """The files of every table, which are named by their content."""
    return {name: city.lake.snapshot(name).paths for name in sorted(city.catalog.tables)}


def test_the_demo_district_has_the_same_files_in_a_store_as_in_a_folder(
    objects_at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "datetime", Arrived)
    monkeypatch.delenv("SCICITY_LAKE", raising=False)
    near = City(DEMO, tmp_path / "near" / "demo")
    monkeypatch.setenv("SCICITY_LAKE", objects_at)
    far = City(DEMO, tmp_path / "far" / "demo")
    for city in (near, far):
        city.load()
        city.compute()
    assert contents(near) == contents(far)
    before = contents(far)
    for city in (near, far):
        assert city.take(LATE)
        assert {done.table for done in city.compute()}
    assert contents(near) == contents(far) != before
    assert not list((tmp_path / "far" / "demo" / "lake").rglob("*.parquet"))  # of the lake, all lies in the store
    elsewhere = City(DEMO, tmp_path / "elsewhere" / "demo")  # another machine, without a copy
    assert contents(elsewhere) == contents(near)
    row = elsewhere.computing.engine.rows(elsewhere.catalog["energy.zone_yearly"], "energy > 0").to_pylist()[0]
    figure = address(elsewhere.catalog["energy.zone_yearly"], "energy", row)
    whys = [city.figures.why(figure) for city in (near, elsewhere)]
    assert whys[0].figure.value == whys[1].figure.value == row["energy"] and whys[1].inputs
    assert not any(done.changed for done in elsewhere.compute())  # what came out the same is noted on one machine alone


@dataclass
class Small:
    """A small district with its mover."""

    city: City
    place: Place
    mover: Mover
    inbox: Inbox

    def energy(self) -> list[object]:
        """All readings of its tables."""
        found: list[object] = []
        for name in ("reading.energy_register", "reading.active_power"):
            table = self.city.catalog[name]
            found += self.city.computing.engine.rows(table, order="datastream, time").column("value").to_pylist()
        return sorted(found, key=str)


@pytest.fixture
def small(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Small:
    """A small district, loaded, whose lake lies in a store that can be stopped."""
    monkeypatch.setenv("SCICITY_LAKE", f"s3://{server.bucket}/china")
    return opened(running.district(tmp_path, 9), tmp_path / "state", load=True)


def opened(folder: Path, state: Path, load: bool = False) -> Small:
    place = Place(folder, state)
    city = City(folder, place.state)
    if load:
        city.load()
        city.compute()
    arriving._inboxes.pop(place, None)
    open_city = OpenCity(city.district, city.figures, place)
    return Small(city, place, Mover(open_city), arriving.inbox_of(open_city))


def test_what_arrives_while_the_store_is_away_waits_and_is_moved_once(
    small: Small, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.inbox.put([batch(1, 2)])
    small.mover.step()
    rounds = []

    def pause(_: float) -> None:
        told = small.inbox.pulses().get(MOVER, (None, {}))[1].get("error", "")
        rounds.append((small.inbox.waiting_readings(), told, trouble(small.mover.city, datetime.now(UTC))))
        small.city.lake.store.begin()
        small.city.lake.store._answered = 0.0
        if len(rounds) == 1:
            server.stop()
            small.inbox.put([batch(3, 4)])  # acknowledged: the inbox has it
        if len(rounds) == 3:
            server.begin()

    monkeypatch.setattr(arriving.time, "sleep", pause)
    monkeypatch.setattr(arriving, "BEAT", 0.0)
    monkeypatch.setattr(Mover, "_settle", lambda mover: None)  # it sleeps as well
    monkeypatch.setattr(arriving, "somebody_looks", lambda lake: True)
    small.mover.run(lambda: len(rounds) < 4, lambda moved: None)
    waiting, told, troubles = zip(*rounds, strict=True)
    assert waiting == (0, 2, 2, 0)
    assert ["StoreRefused" in word for word in told] == [False, True, True, False]
    assert [bool(found) for found in troubles] == [False, True, True, False]
    assert small.energy() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("failing", range(4))
def test_a_store_that_ends_within_a_move_neither_loses_nor_doubles(small: Small, server: Server, failing: int) -> None:
    small.inbox.put([batch(1, 2, 7)])
    server.fail("PUT", after=failing)
    with pytest.raises(StoreRefused):
        small.mover.step()
    server.heal()
    small.mover.step()
    small.city.compute()
    small.city.lake.store.begin()
    assert (small.energy(), small.inbox.waiting_readings()) == ([1.0, 2.0, 7.0], 0)


def test_a_back_up_fetches_what_is_new_and_is_restored_into_a_folder_or_another_store(
    small: Small, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.inbox.put([batch(1, 2)])
    small.mover.step()
    small.inbox.put([batch(3)])
    first = back_up(small.place, tmp_path / "to")
    server.forget()
    assert back_up(small.place, tmp_path / "to").fresh == 0
    assert server.requests("GET", ".parquet") == 0 == server.requests("GET", ".json")
    paths = read_manifest(first.manifest)["files"]
    assert sum(path.startswith("lake/reading/") and path.endswith(".parquet") for path in paths) == 2
    assert not [path for path in paths if path.startswith("cache")]
    with pytest.raises(BackupFailed, match="holds a lake already"):
        restore(Place(small.place.district, tmp_path / "other"), first.manifest)
    for name, lake in (("folder", ""), ("store", f"s3://{server.bucket}/elsewhere")):
        monkeypatch.setenv("SCICITY_LAKE", lake)
        restore(Place(small.place.district, tmp_path / name), first.manifest)
        back = opened(small.place.district, tmp_path / name)
        assert contents(back.city) == contents(small.city)
        back.mover.step()
        assert (back.energy(), back.inbox.waiting_readings()) == ([1.0, 2.0, 3.0], 0)
    assert any(path.startswith("elsewhere/small/reading/") for path in server.holding())
    assert not list((tmp_path / "store" / "small" / "lake").rglob("*.parquet"))


def test_a_restore_into_a_store_that_was_cut_off_goes_on_and_no_other_does(
    small: Small, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.inbox.put([batch(1, 2)])
    small.mover.step()
    manifest = back_up(small.place, tmp_path / "to").manifest
    later = back_up(small.place, tmp_path / "to").manifest
    monkeypatch.setenv("SCICITY_LAKE", f"s3://{server.bucket}/elsewhere")
    other = Place(small.place.district, tmp_path / "other")
    server.fail("PUT", after=9)
    with pytest.raises(BackupFailed):
        restore(other, manifest)
    server.heal()
    assert not other.state.exists() or not (other.state / "inbox.sqlite3").exists()
    with pytest.raises(BackupFailed, match="holds a lake already"):
        restore(other, later)
    restore(other, manifest)
    assert contents(opened(small.place.district, tmp_path / "other").city) == contents(small.city)
    assert not server.holding(".restoring")


def test_what_was_let_go_of_is_backed_up_and_restored_into_a_folder_and_another_store(
    small: Small, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        small.inbox.put([batch(number)])
        small.mover.step()
    later, table = datetime.now(UTC) + timedelta(days=2), "reading.energy_register"
    assert sum(gone.logs for gone in small.city.retain(now=later)) > 0
    act = Retirement("2020-01", "2026-01-01", 0, "a rule", {})
    retired.write(small.city.lake.store, (act,))
    back_up(small.place, tmp_path / "to")
    assert sum(gone.deleted for gone in small.city.retain(now=later + timedelta(hours=7))) > 0
    back_up(small.place, tmp_path / "to")  # knows much, and fetches the records again
    shown, record = small.energy(), small.city.lake.record(table)
    assert record.through > 0 and record.sequences
    for lake in ("", f"s3://{server.bucket}/elsewhere"):
        monkeypatch.setenv("SCICITY_LAKE", lake)
        place = Place(small.place.district, tmp_path / f"state {bool(lake)}")
        restore(place, tmp_path / "to")
        found = opened(place.district, place.state_root)
        assert found.energy() == shown and found.city.lake.record(table) == record
        assert found.city.lake.retirements() == (act,)
        found.inbox.put([batch(5)])
        found.mover.step()  # comes again, and is known
        assert found.energy() == shown
        assert not list((place.state / "lake").glob("_retired.json")) or not lake


def test_a_back_up_of_a_store_that_is_away_fails_and_leaves_none(small: Small, server: Server, tmp_path: Path) -> None:
    server.stop()
    with pytest.raises(BackupFailed, match="does not answer"):
        back_up(small.place, tmp_path / "to")
    assert not list((tmp_path / "to").glob("*.json"))


def test_readings_of_an_older_version_in_a_store_are_refused_and_say_what_to_do(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.inbox.put([batch(1, 2)])
    small.mover.step()
    small.city.load()  # notes the unit beside the readings
    before = contents(small.city)
    monkeypatch.setattr(upgrading, "_unit", lambda table: "MWh")
    with pytest.raises(UpgradeDue, match="restore without SCICITY_LAKE"):
        small.city.load()
    assert contents(small.city) == before


def test_commands_say_that_the_store_is_away_and_tell_no_secret(small: Small, server: Server, tmp_path: Path) -> None:
    server.stop()
    told = {**server.environment, "SCICITY_LAKE": f"s3://{server.bucket}/china"}
    done = running.scicity(tmp_path / "state", "compute", "--district", str(small.place.district), **told)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "s3://lakes/china/small does not answer as it should" in done.stderr
    assert "Traceback" not in done.stderr and told["AWS_SECRET_ACCESS_KEY"] not in done.stdout + done.stderr
