"""The lake has one writer at a time, among all processes."""

import fcntl
from pathlib import Path

import pyarrow as pa
import pytest

from scicity.kernel import lake as lakes
from scicity.kernel.lake import Lake, Part


def test_nobody_else_writes_while_one_does(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    with lake.alone(), (lake.root / "lock").open("ab") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (lake.root / "lock").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_what_a_process_remembers_stays_small_and_old_versions_still_open(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(lakes, "MOST_SNAPSHOTS", 5)
    monkeypatch.setattr(lakes, "MOST_COMMITS", 8)
    lake, schema = Lake(tmp_path / "lake"), pa.schema([("energy", pa.int64())])
    for number in range(20):
        rows = {Part("all"): pa.table({"energy": [number]})}
        lake.replace("toy.total", rows, schema, inputs={"toy.cost": number}, code="a")
    assert len(lake._snapshots) <= 5 and len(lake._commits["toy.total"]) <= 8
    assert [commit.inputs["toy.cost"] for commit in lake.commits("toy.total", 1)] == list(range(20))
    assert [len(lake.snapshot("toy.total", version).paths) for version in (1, 10, 20)] == [1, 1, 1]
    assert lake.snapshot("toy.total", 1).paths != lake.snapshot("toy.total", 2).paths
    lake.replace("toy.total", {}, schema, inputs={"toy.cost": 21}, code="a")
    assert len(lake._commits["toy.total"]) <= 8 and lake.snapshot("toy.total").paths == frozenset()
