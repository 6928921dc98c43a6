"""A lake of which much was let go of is backed up and restored: figures, log and record go together, and nothing is doubled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from scicity.cockpit import arriving
from scicity.cockpit.place import Place
from scicity.operation.backup import back_up
from scicity.operation.restore import restore
from tests.operation.running import district
from tests.operation.test_upgrading import from_nothing, opened, registers, shown


def test_a_restored_lake_goes_on_from_its_record(tmp_path: Path) -> None:
    folder = district(tmp_path, 9)
    city, mover, inbox = opened(folder, tmp_path / "state")
    city.load()
    for first in (0, 40, 80):
        inbox.put([registers(first, first + 40)])
        mover.step()
    inbox.put([registers(120, 160)])
    later = datetime.now(UTC) + timedelta(days=2)
    assert sum(gone.logs for gone in city.retain(now=later)) > 0
    place = Place(folder, tmp_path / "state")
    back_up(place, tmp_path / "backups")
    assert sum(gone.deleted for gone in city.retain(now=later + timedelta(hours=7))) > 0
    mover.step()
    back_up(place, tmp_path / "backups")
    first, *_ = sorted((tmp_path / "backups").glob("*.json"))
    restore(place, first, replace=True)
    arriving._inboxes.clear()  # as another process finds it

    city, mover, inbox = opened(folder, tmp_path / "state")
    table = "reading.energy_register"
    record = city.lake.record(table)
    assert record.through == 3 and record.sequences and len(list((city.lake.folder(table) / "_delta_log").glob("*.json"))) == 1
    inbox.put([registers(0, 40)])  # comes again, and is known
    mover.step()
    assert shown(city) == from_nothing(folder, tmp_path / "nothing", 160)
    assert sum(gone.deleted for gone in city.retain(now=later + timedelta(days=2))) >= 0
    assert shown(city) == from_nothing(folder, tmp_path / "again", 160)
