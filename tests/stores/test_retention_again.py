"""The tests of retention, again, with the lake in an object store: `passing` and `stepped` are the ones of this folder."""

# ruff: noqa: F401  (pytest takes them from here)

from __future__ import annotations

from pathlib import Path

import pytest

from scicity.access import arrival
from scicity.kernel.lake import Lake
from scicity.kernel.reading import whole_batches
from scicity.kernel.record import LetGo
from scicity.retention.versions import GRACE
from scicity.stores import Objects, StoreRefused
from scicity.stores import objects as stores
from scicity.stores.folder import put
from tests.kernel.test_healing import rebuilt
from tests.kernel.toy import Toy
from tests.retention import test_versions as again
from tests.retention.test_readings import (
    IN_2024,
    retire,
    test_a_dry_run_tells_what_would_be_retired,
    test_frozen_rows_go_over_into_a_table_of_other_columns,
    test_months_go_with_their_files_and_what_came_from_them_stays,
    test_no_change_of_code_or_register_and_no_rebuild_touches_what_is_frozen,
)
from tests.retention.test_versions import (
    DECEMBER,
    MARCH,
    TABLES,
    YEAR,
    opened,
    test_a_closed_period_opens_to_its_rows_whatever_its_age,
    test_a_file_that_is_written_anew_while_it_waits_to_be_deleted_stays,
    test_a_version_that_is_gone_says_so_and_opens_where_nothing_changed_since,
    test_files_go_hours_later_and_those_of_kept_versions_stay,
    test_no_batch_is_taken_twice_when_its_log_is_gone,
    test_steps_go_days_stay_and_every_figure_opens_as_before,
)
from tests.stores.far import Far
from tests.stores.server import Server


@pytest.fixture
def passing(store: Objects, tmp_path: Path) -> Far:
    """A lake with a winter of readings."""
    return Far(tmp_path / "lake", store)


@pytest.fixture
def stepped(passing: Far) -> Far:
    """The same, after four days on each of which readings arrived three times."""
    passing.steps(4)
    return passing


def test_what_arrives_behind_it_heals_as_if_nothing_had_gone(
    passing: Far, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def near(toy: Far, root: Path) -> Toy:
        for path, _, _ in toy.store.listed():  # the tables that it is rebuilt from are copied from a folder
            put(toy.lake.root / path, toy.store.read(path))
        return rebuilt(toy, root)

    monkeypatch.setattr(again, "rebuilt", near)
    again.test_what_arrives_behind_it_heals_as_if_nothing_had_gone(passing, tmp_path)


@pytest.mark.parametrize(("method", "after"), [("PUT", 0), ("PUT", 1), ("PUT", 9), ("DELETE", 0), ("DELETE", 5)])
def test_a_store_that_ends_while_it_lets_go_leaves_a_right_state(server: Server, passing: Far, method: str, after: int) -> None:
    passing.steps(2)
    passing.let_go()
    passing.steps(1)
    passing.later(days=1)
    was = {where: opened(passing.figures, where) for where in (DECEMBER, YEAR, MARCH)}
    contents, known = passing.contents(), whole_batches(passing.again().lake)
    server.fail(method, after=after)
    with pytest.raises(StoreRefused):
        passing.let_go()
    server.heal()
    passing.lake.store.begin()
    assert passing.contents() == contents
    assert {where: opened(passing.figures, where) for where in was} == was
    passing.let_go()
    assert {where: opened(passing.figures, where) for where in was} == was
    assert whole_batches(passing.again().lake) == known
    assert passing.again().bring_up_to_date() == []
    for table in TABLES:
        assert passing.logs(table)[0] == max(passing.lake.record(table).through, 0)


def test_another_machine_sees_what_was_let_go_of_within_a_minute(
    stepped: Far, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Lake(tmp_path / "there", Objects(stepped.store.address, tmp_path / "its cache"))
    newest = elsewhere.snapshot("toy.hourly").version
    assert elsewhere.record("toy.hourly").through == -1
    stepped.let_go()
    with pytest.raises(LookupError, match="no version 3"):  # its log is gone, and that is all that is known yet
        elsewhere.snapshot("toy.hourly", 3)
    told = elsewhere.snapshot("toy.hourly", 3)
    assert isinstance(told.told, LetGo)
    assert elsewhere.snapshot("toy.hourly").version == newest
    stepped.late("later", 3.0)
    stepped.later(days=2)
    stepped.let_go()
    monkeypatch.setattr(stores, "NOTES", 0.0)
    monkeypatch.setattr(stores, "LOOKS", 0.0)
    assert elsewhere.record("toy.hourly") == stepped.lake.record("toy.hourly")
    assert elsewhere.snapshot("toy.hourly").paths == stepped.lake.snapshot("toy.hourly").paths


def test_whoever_goes_on_writing_asks_for_no_notes(server: Server, stepped: Far) -> None:
    stepped.let_go()
    stepped.late("first", 1.0)
    for number in range(3):
        with stepped.lake.alone():
            assert stepped.lake.record("toy.hourly").through > 0 and stepped.lake.retirements() == ()
        if not number:
            server.forget()
    assert [server.requests(method, name) for method in ("HEAD", "GET") for name in ("_record", "_retired")] == [0, 0, 0, 0]


def test_copies_of_what_is_deleted_go_too(stepped: Far) -> None:
    stepped.let_go()
    copies = stepped.store.copies.root / "toy" / "hourly"
    doomed = [path for path in stepped.lake.record("toy.hourly").doomed if (copies / path).exists()]
    stepped.later(seconds=GRACE.total_seconds() + 60)
    stepped.let_go()
    assert doomed and not any((copies / path).exists() for path in doomed)


@pytest.mark.parametrize("after", [1, 4, 8])
def test_setting_aside_with_a_record_that_ends_in_the_middle_loses_no_version(server: Server, stepped: Far, after: int) -> None:
    stepped.let_go()
    files = stepped.lake.snapshot("toy.hourly").files
    server.fail("DELETE", after=after)
    with pytest.raises(StoreRefused):
        stepped.again().lake.set_aside("toy.hourly")
    server.heal()
    lake = stepped.again().lake
    while lake.snapshot("toy.hourly").version >= 0:
        lake.set_aside("toy.hourly")
    assert lake.record("toy.hourly").through == -1  # a table of that name begins anew
    assert lake.snapshot(lake.aside("toy.hourly")[0]).files == files
