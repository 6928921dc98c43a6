"""A state that an older SciCity wrote is brought up to this one: no reading lost, none twice, every figure as from nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from scicity.access import arrival
from scicity.access.inbox import Inbox
from scicity.city import City
from scicity.cockpit.arriving import Mover
from scicity.cockpit.city import OpenCity
from scicity.cockpit.place import Place
from scicity.kernel import reading
from scicity.kernel.lake import Lake, SchemaChanged
from scicity.kernel.reading import ARRIVAL, Batch
from scicity.kernel.tables import Table, reading_table
from scicity.operation import upgrading
from scicity.operation.upgrading import UNIT, UpgradeDue, upgrade
from scicity.retention import let_go
from tests.operation.running import district, environment, scicity

NOW = datetime(2023, 6, 1, 12, tzinfo=UTC)
SHOWN = ("energy.meter_hourly", "energy.zone_yearly", "district.zone")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A district's folder."""
    return district(tmp_path_factory.mktemp("district"), 9)


def registers(first: int, last: int) -> Batch:
    rows = [
        {"datastream": "main.forward", "time": NOW + timedelta(minutes=15 * n), "value": n * 1.25, "revision": None}
        for n in range(first, last)
    ]
    return Batch(f"registers-{first}", pa.Table.from_pylist(rows, schema=ARRIVAL), NOW + timedelta(days=9), "gateway")


def older(observed: str) -> Table:
    """The table of a property's readings as a SciCity before this one may have had it: it did not tell when they arrived."""
    table = reading_table(observed)
    return replace(table, columns=tuple(name for name in table.columns if name != "arrived"))


def opened(folder: Path, state: Path) -> tuple[City, Mover, Inbox]:
    place = Place(folder, state)
    city = City(folder, place.state)
    return city, Mover(OpenCity(city.district, city.figures, place)), Inbox(place.inbox)


@pytest.fixture
def old_state(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lake of an older layout: readings without a column, two registers with other ones."""
    with monkeypatch.context() as patch:
        patch.setattr(reading, "reading_table", older)
        patch.setattr(arrival, "reading_table", older)
        city, mover, inbox = opened(folder, tmp_path / "state")
        for table in city.catalog.tables.values():  # the declarations of that time
            if table.name.startswith("reading."):
                city.catalog.tables[table.name] = older(table.name.removeprefix("reading."))
        city.load()
        for first in (0, 40, 80):
            inbox.put([registers(first, first + 40)])
            mover.step()
        inbox.put([registers(120, 160)])  # waits while the new version is installed
    lake = city.lake
    for name in ("district.zone", "energy.installation"):
        assert lake.snapshot(name).version == 1  # the first; it is created with none
        as_it_was(city, name)
    assert lake.snapshot("reading.energy_register").version == 3
    return tmp_path / "state"


def as_it_was(city: City, name: str) -> None:
    """A table with a column less, as its first version."""
    table, lake = city.catalog[name], city.lake
    before, commit = lake.snapshot(name), lake.commits(name)[-1]
    rows = {part: pa.parquet.read_table(lake.uris(name, before, [part])[0], partitioning=None) for part in before.files}
    lake.set_aside(name)
    schema = pa.schema([field for field in table.schema if field.name not in ("serial", "residents")])
    assert schema != table.schema
    lake.replace(
        name, {part: each.select(schema.names) for part, each in rows.items()}, schema, inputs=commit.inputs, code=commit.code
    )


def shown(city: City) -> dict[str, list[dict[str, Any]]]:
    return {
        name: city.computing.engine.rows(city.catalog[name], order=", ".join(city.catalog[name].grain)).to_pylist()
        for name in SHOWN
    }


def from_nothing(folder: Path, state: Path, last: int) -> dict[str, list[dict[str, Any]]]:
    city, mover, inbox = opened(folder, state)
    city.load()
    inbox.put([registers(0, last)])
    mover.step()
    city.compute()
    return shown(city)


def test_a_load_upgrades_what_an_older_version_wrote(folder: Path, old_state: Path, tmp_path: Path) -> None:
    city, mover, inbox = opened(folder, old_state)
    with pytest.raises(UpgradeDue, match=r"district\.zone.*scicity load"):
        city.compute()
    city.load()
    city.compute()
    assert DeltaTable(str(city.lake.folder("reading.energy_register"))).schema().to_arrow() is not None
    assert not upgrading._differs(city.lake, reading_table("energy_register"))
    assert city.lake.snapshot("reading.energy_register").version == 3  # its versions are those that it had
    assert shown(city) == from_nothing(folder, tmp_path / "three", 120)
    inbox.put([registers(0, 40)])  # comes again, and is known
    mover.step()
    assert shown(city) == from_nothing(folder, tmp_path / "four", 160)
    rows = city.computing.engine.rows(city.catalog["reading.energy_register"]).to_pylist()
    assert sorted(row["value"] for row in rows) == [n * 1.25 for n in range(160)]
    assert {row["arrived"] is None for row in rows if row["value"] < 120 * 1.25} == {True}
    assert upgrade(city.lake, city.catalog, loading=True) == [], "once is enough"


def test_a_lake_whose_log_was_shortened_is_upgraded_with_its_record(folder: Path, old_state: Path, tmp_path: Path) -> None:
    city, mover, inbox = opened(folder, old_state)
    later = datetime.now(UTC) + timedelta(days=2)
    for _ in let_go(city.computing, city.closings, city.district, later):
        pass
    log = city.lake.folder("reading.energy_register") / "_delta_log"
    assert [file.name for file in sorted(log.glob("*.json"))] == [f"{3:020d}.json"]
    city.load()
    city.compute()
    record = city.lake.record("reading.energy_register")
    assert (record.through, city.lake.snapshot("reading.energy_register").version) == (3, 3)
    assert set(record.sequences.values()) and len(city.lake.snapshot("reading.energy_register").paths) == 3
    assert shown(city) == from_nothing(folder, tmp_path / "three", 120)
    inbox.put([registers(0, 40)])  # comes again, and is known
    mover.step()
    assert shown(city) == from_nothing(folder, tmp_path / "four", 160)
    city, mover, inbox = opened(folder, old_state)
    assert upgrade(city.lake, city.catalog, loading=True) == [], "once is enough"
    for hours in (0, 7):
        for _ in let_go(city.computing, city.closings, city.district, later + timedelta(days=2, hours=hours)):
            pass
    assert shown(city) == from_nothing(folder, tmp_path / "again", 160)


def test_without_an_upgrade_the_mover_could_not_go_on(folder: Path, old_state: Path) -> None:
    """The reason of it all: were this not so, the upgrade could be deleted."""
    _, mover, _ = opened(folder, old_state)
    with pytest.raises(SchemaChanged):
        mover.step()


@pytest.mark.parametrize("point", ["_written_anew", "set_aside", "_finish"])
def test_an_upgrade_that_was_ended_goes_on(
    folder: Path, old_state: Path, tmp_path: Path, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ended(BaseException):
        """The process ends here."""

    def ended(function: Callable[..., Any], turns: int) -> Callable[..., Any]:
        left = [turns]

        def until(*arguments: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Ended
            return function(*arguments)

        return until

    city, mover, _ = opened(folder, old_state)
    with monkeypatch.context() as patch:
        home, turns = (Lake, 0) if point == "set_aside" else (upgrading, 1)
        patch.setattr(home, point, ended(getattr(home, point), turns))
        with pytest.raises(Ended):
            city.load()
    city, mover, _ = opened(folder, old_state)
    city.load()
    mover.step()
    city.compute()
    assert shown(city) == from_nothing(folder, tmp_path / "four", 160)
    assert not (city.lake.root / upgrading.STAGE).exists()


def test_a_unit_that_a_power_cut_emptied_is_the_declared_one(tmp_path: Path) -> None:
    lake, table = Lake(tmp_path / "lake"), reading_table("active_power")
    (tmp_path / "lake" / "reading" / "active_power").mkdir(parents=True)
    lake.store.say(table.name, upgrading.UNIT, "kW")
    assert upgrading.unit_of(lake, table) == "kW"
    (tmp_path / "lake" / "reading" / "active_power" / upgrading.UNIT).write_bytes(b"")
    assert upgrading.unit_of(lake, table) == "kW"


def test_readings_follow_the_unit_of_their_property(folder: Path, tmp_path: Path) -> None:
    city, mover, inbox = opened(folder, tmp_path / "state")
    city.load()
    inbox.put([registers(0, 5)])
    mover.step()
    city.load()
    place = city.lake.folder("reading.energy_register")
    assert (place / UNIT).read_text(encoding="utf-8") == "kWh"
    (place / UNIT).write_text("MWh", encoding="utf-8")  # as if that had been the unit when they were written
    with city.lake.alone():
        told = upgrade(city.lake, city.catalog, loading=False)
    assert told == ["reading.energy_register"]
    done = {each.table for each in city.compute()}
    assert "energy.meter_hourly" in done and "environment.station_daily" not in done
    rows = city.computing.engine.rows(city.catalog["reading.energy_register"]).to_pylist()
    assert sorted(row["value"] for row in rows) == [n * 1250.0 for n in range(5)]
    (place / UNIT).write_text("degC", encoding="utf-8")
    with city.lake.alone(), pytest.raises(UpgradeDue, match="degC"):
        upgrade(city.lake, city.catalog, loading=False)


@pytest.mark.parametrize("changes", [0, 2])
def test_a_table_above_a_changed_one_does_not_take_its_new_versions_for_the_old(tmp_path: Path, changes: int) -> None:
    """The register of installations gets another column while a multiplier is corrected; the ledger remembers its versions."""
    folder = district(tmp_path, 9)
    file = folder / "registers" / "installations.csv"
    right = file.read_text(encoding="utf-8")
    city, mover, inbox = opened(folder, tmp_path / "state")
    for multiplier in range(2, 3 + changes):
        file.write_text(right.replace(",M1,1,", f",M1,{multiplier},"), encoding="utf-8")
        city, mover, inbox = opened(folder, tmp_path / "state")
        city.load()
        inbox.put([registers(0, 40)])
        mover.step()
        city.compute()
    as_it_was(city, "energy.installation")
    file.write_text(right, encoding="utf-8")
    city, _, _ = opened(folder, tmp_path / "state")
    city.load()
    city.compute()
    assert shown(city) == from_nothing(folder, tmp_path / "nothing", 40)


def test_a_log_that_is_not_whole_and_a_value_that_does_not_fit_are_told(folder: Path, old_state: Path) -> None:
    city, _, _ = opened(folder, old_state)
    table = city.lake.folder("reading.energy_register")
    assert len(city.lake.snapshot("reading.energy_register").paths) == 3
    (table / "_delta_log" / f"{0:020d}.json").rename(table / "_delta_log" / "first")
    with pytest.raises(UpgradeDue, match="not whole"):
        upgrading._write_anew(city.lake, reading_table("energy_register"), 1.0, 0.0)
    (table / "_delta_log" / "first").rename(table / "_delta_log" / f"{0:020d}.json")
    rows = pa.table({"datastream": ["a"], "time": ["x"], "value": [1.0]})
    with pytest.raises(UpgradeDue, match="time cannot be"):
        upgrading._in_columns(rows, reading_table("energy_register"))
    next(iter(table.glob("*/*/*.parquet"))).unlink()
    with pytest.raises(UpgradeDue, match="lacks the file"):
        City(folder, old_state / "small").load()


@pytest.mark.slow
def test_records_of_an_older_version_are_migrated_with_all_that_is_in_them(folder: Path, tmp_path: Path) -> None:
    """As the first version left them: no table of devices, and somebody with an account."""
    state = tmp_path / "state"
    told = environment(state, SCICITY_DISTRICT=str(folder), DJANGO_SETTINGS_MODULE="scicity.cockpit.settings")
    text = (
        "import django; django.setup(); from django.core.management import call_command as call; "
        "call('migrate', 'cockpit', '0001', verbosity=0); call('migrate', 'auth', verbosity=0); "
        "from django.db import connection; from django.db.migrations.executor import MigrationExecutor as Executor; "
        "then = Executor(connection).loader.project_state(('cockpit', '0001_first')).apps; "
        "then.get_model('cockpit', 'Person').objects.create(username='somebody', password='!')"
    )
    subprocess.run([sys.executable, "-c", text], env=told, check=True, capture_output=True)
    made = scicity(state, "device", "gateway", "main.*", "--district", str(folder), "--json")
    assert made.returncode == 0, made.stdout + made.stderr
    asked = (
        "import django; django.setup(); import json; from scicity.cockpit.models import Device, Person; "
        "print(json.dumps([Person.objects.filter(username='somebody').count(), Device.objects.count()]))"
    )
    done = subprocess.run([sys.executable, "-c", asked], env=told, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == [1, 1]
    assert (state / "small" / "records.sqlite3").stat().st_mode & 0o077 == 0
