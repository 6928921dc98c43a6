"""What a power cut can tear is found and computed again; what was on stable storage stays."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from scicity import mending
from scicity.kernel.lake import Lake
from scicity.mending import mend
from tests.kernel.toy import FIRST, Toy


@pytest.fixture
def cut(tmp_path: Path, toy: Toy, monkeypatch: pytest.MonkeyPatch):
    """Tells what is mended when the machine starts again."""
    boot = tmp_path / "boot_id"
    monkeypatch.setattr(mending, "BOOT", boot)

    def start(number: int) -> tuple[list[str], Toy]:
        boot.write_text(f"start {number}", encoding="utf-8")
        after = Toy(toy.lake.root, toy.buckets)
        return mend(after.lake, after.computing.catalog), after

    assert start(1)[0] == []
    return start


def log_of(lake: Lake, table: str) -> list[Path]:
    return sorted((lake.folder(table) / "_delta_log").glob("[0-9]*.json"))


@pytest.mark.parametrize("how", ["emptied", "zeros", "missing"])
def test_a_torn_file_of_a_derived_table_is_computed_again(toy: Toy, cut, how: str) -> None:
    before = toy.contents()
    file = toy.lake.folder("toy.daily") / sorted(toy.lake.snapshot("toy.daily").paths)[0]
    if how == "missing":
        file.unlink()
    else:
        file.write_bytes(b"" if how == "emptied" else bytes(file.stat().st_size))
    found, after = cut(2)
    assert [word for word in found if "toy.daily" in word] == found != []
    after.computing.bring_up_to_date()
    assert after.contents() == before
    assert after.computing.bring_up_to_date() == []
    assert cut(3)[0] == []


@pytest.mark.parametrize("content", [b"", b'{"commitInfo":{"ti'])
def test_a_torn_commit_of_a_derived_table_is_taken_away(toy: Toy, cut, content: bytes) -> None:
    toy.read("late", [("m2.e", FIRST + timedelta(days=12), 7.0, 1)])
    toy.computing.bring_up_to_date()
    before = toy.contents()
    torn = log_of(toy.lake, "toy.hourly")[-1]
    torn.write_bytes(content)
    found, after = cut(2)
    assert found == [f"toy.hourly: torn commit {int(torn.stem)}"]
    after.computing.bring_up_to_date()
    assert after.contents() == before


def test_a_torn_commit_of_readings_had_not_been_told_of_and_is_taken_away(toy: Toy, cut) -> None:
    before = toy.contents()
    toy.read("late", [("m2.e", FIRST + timedelta(days=12), 7.0, 1)])
    log_of(toy.lake, "reading.energy_increment")[-1].write_bytes(b"")
    found, after = cut(2)
    assert len(found) == 1
    after.computing.bring_up_to_date()
    assert after.contents() == before
    after.read("late", [("m2.e", FIRST + timedelta(days=12), 7.0, 1)])
    assert {done.table for done in after.computing.bring_up_to_date()} >= {"toy.hourly", "toy.daily"}


def test_a_torn_checkpoint_is_taken_away(toy: Toy, cut) -> None:
    for number in range(101):
        toy.read(f"late {number}", [("m2.e", FIRST + timedelta(days=12, minutes=number), 7.0, 1)])
    toy.computing.bring_up_to_date()
    before = toy.contents()
    log = toy.lake.folder("reading.energy_increment") / "_delta_log"
    (checkpoint,) = log.glob("*.checkpoint.parquet")
    checkpoint.write_bytes(b"")
    found, after = cut(2)
    assert len(found) == 2  # it, and what points at it
    assert after.computing.bring_up_to_date() == []
    assert after.contents() == before


def test_the_look_is_taken_once_per_start_of_the_machine(toy: Toy, cut) -> None:
    file = toy.lake.folder("toy.daily") / sorted(toy.lake.snapshot("toy.daily").paths)[0]
    file.write_bytes(b"")
    assert cut(1)[0] == []
    assert cut(2)[0] != []
