"""A back-up holds exactly what was acknowledged before its moment, whatever is sent and moved meanwhile; damage is named."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scicity.access.inbox import Inbox
from scicity.access.storage import SCHEMA, PostgresStorage
from scicity.city import City
from scicity.cockpit.arriving import Mover
from scicity.cockpit.city import OpenCity
from scicity.cockpit.place import Place
from scicity.kernel.problems import Refused
from scicity.kernel.reading import ARRIVAL, Batch
from scicity.operation import backup, restore
from scicity.operation.backup import BackupFailed, back_up, content_of, read_manifest
from scicity.operation.presence import present
from scicity.operation.restore import restore as bring_back
from tests.access.postgres import Postgres
from tests.operation.numbered import NOW, Number, batch, in_lake, move_on
from tests.operation.running import district, scicity


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A district's folder."""
    return district(tmp_path_factory.mktemp("district"), 9)


def could_move(place: Place) -> bool:
    """Whether another process could move now."""
    with (place.state / "lake" / "lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


ACTS = st.lists(st.sampled_from(["put", "move", "move a little"]), max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(before=ACTS, under_lock=st.integers(0, 2), behind=ACTS, afterwards=ACTS)
def test_whatever_happens_meanwhile_exactly_what_was_acknowledged_before_is_there_once(
    tmp_path_factory: pytest.TempPathFactory,
    folder: Path,
    before: list[str],
    under_lock: int,
    behind: list[str],
    afterwards: list[str],
) -> None:
    """Senders are acknowledged while the moment is fixed; behind it both senders and mover go on while files are copied.
    After the restore new readings come, which have to get through too."""
    root = tmp_path_factory.mktemp("meanwhile")
    place, other, numbers = Place(folder, root / "state"), Place(folder, root / "other"), iter(range(1000))
    Inbox(place.inbox)

    def act(acts: list[str], where: Place) -> Number:
        acknowledged = Number()
        for each in acts:
            if each == "put":
                two = (next(numbers), next(numbers))
                Inbox(where.inbox).put([batch(*two)])
                acknowledged.update(map(float, two))
            else:
                move_on(where, 10**9 if each == "move" else 1)
        return acknowledged

    expected = act(before, place)
    with pytest.MonkeyPatch.context() as patch:
        link, pin, copy = backup._link, backup._pinned_sqlite, backup._copy_sqlite

        def linked(*arguments: Any) -> None:
            if arguments[0] != place.state / "lake":  # documents, which never change, are linked behind the lock
                return link(*arguments)
            assert not could_move(place)
            link(*arguments)
            return expected.update(act(["put"] * under_lock, place))

        def copied(*arguments: Any) -> None:
            act(behind, place)
            copy(*arguments)

        def pinned(*arguments: Any) -> Any:
            assert not could_move(place)
            return pin(*arguments)

        patch.setattr(backup, "_link", linked)
        patch.setattr(backup, "_pinned_sqlite", pinned)
        patch.setattr(backup, "_copy_sqlite", copied)
        back_up(place, root / "to")
    bring_back(other, root / "to")
    expected.update(act(afterwards, other))
    move_on(other)
    assert in_lake(other) == expected
    assert Inbox(other.inbox).waiting_readings() == 0


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_back_ups_of_a_busy_district_each_hold_a_beginning_of_what_came(
    kind: str, tmp_path: Path, folder: Path, request: pytest.FixtureRequest
) -> None:
    address = ""
    if kind == "postgresql":
        cluster: Postgres = request.getfixturevalue("postgres")
        address = cluster.address
        with PostgresStorage(address).transaction() as begun:
            begun.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
    place, acknowledged, ended = Place(folder, tmp_path / "state", address), [0], threading.Event()
    inbox = Inbox(place.inbox)

    def send() -> None:
        while not ended.is_set():
            number = len(acknowledged)
            inbox.put([batch(number)])
            acknowledged.append(number)

    def carry() -> None:
        while not ended.is_set():
            move_on(place, 3)

    threads = [threading.Thread(target=each) for each in (send, carry)]
    for thread in threads:
        thread.start()
    taken = []
    try:
        for _ in range(4):
            least = len(acknowledged)
            taken.append((least, back_up(place, tmp_path / "to").manifest, len(acknowledged)))
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    for number, (least, manifest, most) in enumerate(taken):
        other = Place(folder, tmp_path / f"other-{number}", address)
        bring_back(other, manifest, replace=bool(address))
        move_on(other)
        found = in_lake(other)
        assert found == Number(map(float, range(1, len(found) + 1))), "a beginning, each once"
        assert least - 1 <= len(found) <= most  # one may be kept and its sender not yet told


def ledger(city: City) -> list[dict[str, Any]]:
    return [
        row
        for table in ("energy.meter_hourly", "energy.zone_yearly")
        for row in city.computing.engine.rows(city.catalog[table], order=", ".join(city.catalog[table].grain)).to_pylist()
    ]


def test_the_ledger_of_a_restored_district_is_that_of_what_was_acknowledged(tmp_path: Path, folder: Path) -> None:
    def opened(state: str) -> tuple[City, Mover, Inbox]:
        place = Place(folder, tmp_path / state)
        city = City(folder, place.state)
        return city, Mover(OpenCity(city.district, city.figures, place)), Inbox(place.inbox)

    def registers(first: int, last: int) -> Batch:
        rows = [
            {"datastream": "main.forward", "time": NOW + timedelta(minutes=15 * n), "value": n * 1.25, "revision": None}
            for n in range(first, last)
        ]
        return Batch(f"registers-{first}", pa.Table.from_pylist(rows, schema=ARRIVAL), NOW + timedelta(days=9), "gateway")

    city, mover, inbox = opened("state")
    city.load()
    city.compute()
    inbox.put([registers(0, 40)])
    mover.step()
    inbox.put([registers(40, 97)])
    back_up(mover.city.place, tmp_path / "to")
    inbox.put([registers(97, 200)])
    mover.step()
    bring_back(Place(folder, tmp_path / "other"), tmp_path / "to")
    other, others_mover, _ = opened("other")
    others_mover.step()
    alone, its_mover, its_inbox = opened("alone")
    alone.load()
    its_inbox.put([registers(0, 97)])
    its_mover.step()
    alone.compute()
    assert ledger(other) == ledger(alone)
    assert ledger(other) != ledger(city) and sum(row.get("energy") is not None for row in ledger(other)) > 20


@pytest.fixture
def backed_up(tmp_path: Path, folder: Path) -> tuple[Place, Path]:
    """A small state and its back-up."""
    place = Place(folder, tmp_path / "state")
    Inbox(place.inbox).put([batch(1, 2)])
    move_on(place)
    Inbox(place.inbox).put([batch(3)])
    with sqlite3.connect(place.records) as records:
        records.execute("CREATE TABLE person (name TEXT)")
        records.execute("INSERT INTO person VALUES ('somebody')")
    place.secret()
    return place, back_up(place, tmp_path / "to").manifest


def everything(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_a_second_back_up_copies_only_what_is_new(backed_up: tuple[Place, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    place, first = backed_up
    read: list[str] = []
    digest = backup.digest_of_file
    monkeypatch.setattr(backup, "digest_of_file", lambda file: (read.append(file.name), digest(file))[1])
    assert back_up(place, first.parent).fresh == 0
    assert not [name for name in read if name.endswith(".parquet")], "what the last one knows is not read again"
    Inbox(place.inbox).put([batch(4)])
    move_on(place)
    third = back_up(place, first.parent)
    paths = set(read_manifest(third.manifest)["files"]) - set(read_manifest(first)["files"])
    assert third.fresh == len(paths) + 1  # and the inbox
    assert {path.split("/")[1] for path in paths} == {"reading"}


def test_old_back_ups_are_let_go_with_what_only_they_hold(backed_up: tuple[Place, Path]) -> None:
    place, first = backed_up
    for number in (11, 12):
        Inbox(place.inbox).put([batch(number)])
        newest = back_up(place, first.parent, keep=2).manifest
    assert not first.exists() and len(list(first.parent.glob("small-*.json"))) == 2
    named = {digest for file in first.parent.glob("small-*.json") for digest, *_ in read_manifest(file)["files"].values()}
    assert {file.name for file in first.parent.glob("content/*/*")} == named
    assert bring_back(Place(place.district, place.state_root / "other"), newest).same_folder


def test_records_come_back_and_no_secret_is_in_a_back_up(backed_up: tuple[Place, Path], tmp_path: Path) -> None:
    place, manifest = backed_up
    other = Place(place.district, tmp_path / "other")
    own = other.secret()
    assert bring_back(other, manifest.parent).set_aside is None
    with sqlite3.connect(other.records) as records:
        assert records.execute("SELECT name FROM person").fetchall() == [("somebody",)]
    assert other.records.stat().st_mode & 0o077 == 0
    assert other.secret() == own
    assert place.secret().encode() not in b"".join(everything(manifest.parent).values())


def test_each_damage_is_found_and_named_before_anything_changes(backed_up: tuple[Place, Path], tmp_path: Path) -> None:
    place, manifest = backed_up
    other = Place(place.district, tmp_path / "other")
    for path, (digest, *_) in read_manifest(manifest)["files"].items():
        content = content_of(manifest.parent, digest)
        whole = content.read_bytes()
        content.unlink()  # the lake's file may be the same one
        for broken in (None, whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
            if broken is not None:
                content.write_bytes(broken)
            with pytest.raises(Refused) as refused:
                bring_back(other, manifest)
            assert {problem.code for problem in refused.value.problems} == {"backup-damaged"}
            assert path in {problem.file for problem in refused.value.problems}
        content.write_bytes(whole)
        assert not other.state.exists()
    text = manifest.read_text(encoding="utf-8")
    hostile = json.loads(text)
    hostile["files"]["../outside"] = next(iter(hostile["files"].values()))
    del hostile["digest"]
    signed = json.dumps({**hostile, "digest": backup.digest_of(hostile)})
    for broken_text in (text.replace("main", "nain").replace('"small"', '"smell"'), text[:-5], "[]", "{}", "\x00", signed):
        manifest.write_text(broken_text, encoding="utf-8")
        with pytest.raises(BackupFailed):
            bring_back(other, manifest)
        assert not any(other.state.glob("lake")) and not (other.state_root / "outside").exists()


def test_a_state_is_never_overwritten_without_a_word(backed_up: tuple[Place, Path]) -> None:
    place, manifest = backed_up
    before = everything(place.state)
    with pytest.raises(BackupFailed, match="--replace"):
        bring_back(place, manifest)
    assert everything(place.state) == {**before, "in-use.lock": b""}
    done = bring_back(place, manifest, replace=True)
    assert done.set_aside is not None and done.set_aside.name == "small@1"
    kept = everything(done.set_aside)
    assert {name: kept[name] for name in before} == before
    move_on(place)
    assert in_lake(place) == Number([1.0, 2.0, 3.0])


def test_nothing_is_restored_below_what_is_running(backed_up: tuple[Place, Path]) -> None:
    place, manifest = backed_up
    said, go = os.pipe()
    child = os.fork()  # a process that uses the state; it opens nothing of the lake
    if child == 0:
        present(place.state)
        os.write(go, b"!")
        threading.Event().wait()
    os.read(said, 1)
    with pytest.raises(BackupFailed, match="in use"):
        bring_back(place, manifest, replace=True)
    os.kill(child, 9)
    os.waitpid(child, 0)
    assert bring_back(place, manifest, replace=True).set_aside


def test_what_fails_in_its_middle_changes_nothing(backed_up: tuple[Place, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    place, manifest = backed_up
    before, count = everything(place.state), [0]
    copyfile = shutil.copyfile

    def full(*arguments: Any) -> None:
        count[0] += 1
        if count[0] > 3:
            raise OSError(28, "No space left on device")
        copyfile(*arguments)

    monkeypatch.setattr(restore.shutil, "copyfile", full)
    with pytest.raises(BackupFailed, match="No space left"):
        bring_back(place, manifest, replace=True)
    assert {name: kept for name, kept in everything(place.state).items() if name in before} == before
    assert [each.name for each in place.state_root.iterdir()] == ["small"]


def test_another_districts_back_up_and_a_second_one_at_once_are_refused(backed_up: tuple[Place, Path], tmp_path: Path) -> None:
    place, manifest = backed_up
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(place.district, elsewhere)
    toml = elsewhere / "district.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace('"small"', '"large"'), encoding="utf-8")
    with pytest.raises(BackupFailed, match="of the district small"):
        bring_back(Place(elsewhere, tmp_path / "other"), manifest)
    with pytest.raises(BackupFailed, match="within the state"):
        back_up(place, place.state / "backups")
    with backup._alone(manifest.parent / "lock"), pytest.raises(BackupFailed, match="under way"):
        back_up(place, manifest.parent)


@pytest.mark.slow
def test_the_commands_say_what_they_did(backed_up: tuple[Place, Path], tmp_path: Path) -> None:
    place, _ = backed_up
    folder, to = str(place.district), str(tmp_path / "to")
    done = scicity(place.state_root, "backup", "--to", to, "--district", folder, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    manifest = json.loads(done.stdout)["manifest"]
    refused = scicity(place.state_root, "restore", "--from", to, "--district", folder)
    assert refused.returncode == 1 and "--replace" in refused.stdout
    done = scicity(tmp_path / "other", "restore", "--from", to, "--district", folder, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["manifest"] == manifest
    content = next(Path(to).glob("content/*/*"))
    content.unlink()
    content.write_bytes(b"")
    done = scicity(tmp_path / "third", "restore", "--from", to, "--district", folder)
    assert done.returncode == 1 and "backup-damaged" in done.stdout
