"""What is acknowledged is in the lake exactly once, whatever ends between inbox and lake; what cannot be placed is held."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scicity.access import arrival, storage
from scicity.access.arrival import Moved, move
from scicity.access.inbox import LANES, LATE, NAMES_KEPT, Inbox, InboxFull, Waiting
from scicity.access.storage import SCHEMA, PostgresStorage, StorageRefused
from scicity.kernel.calendar import Calendar
from scicity.kernel.lake import Lake
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch
from tests.access.postgres import Postgres

CALENDAR = Calendar("Asia/Shanghai")
NOW = datetime(2023, 6, 1, 12, tzinfo=UTC)
STREAMS = {"a": ("energy_register", "kWh"), "b": ("active_power", "kW"), "odd": ("active_power", "kWh")}


Empty = Callable[[Path], Path | str]


class Ended(BaseException):
    """The process ends here."""


def register(*more: str) -> pa.Table:
    named = {**STREAMS, **dict.fromkeys(more, ("energy_register", "kWh"))}
    rows = [{"datastream": n, "thing": n, "property": p, "unit": u} for n, (p, u) in named.items()]
    return pa.Table.from_pylist(rows)


def batch(name: str, *readings: tuple[str, datetime | None, float], arrived: datetime = NOW) -> Batch:
    rows = [{"datastream": s, "time": t, "value": v, "revision": None} for s, t, v in readings]
    return Batch(name, pa.Table.from_pylist(rows, schema=ARRIVAL), arrived, name)


def in_lake(lake: Lake) -> Counter[tuple[str, float]]:
    found: Counter[tuple[str, float]] = Counter()
    for folder in (lake.root / "reading").glob("*/_delta_log"):
        name = f"reading.{folder.parent.name}"
        for uri in lake.uris(name, lake.snapshot(name)):
            table = pa.parquet.read_table(uri, columns=["datastream", "value"])
            found.update(zip(table["datastream"].to_pylist(), table["value"].to_pylist(), strict=True))
    return found


def all_waiting(inbox: Inbox) -> list[Waiting]:
    return [each for lane in LANES for each in inbox.waiting(10**9, lane)]


def move_all(inbox: Inbox, lake: Lake, streams: pa.Table) -> Moved:
    return move(inbox, lake, streams, CALENDAR, 1) + move(inbox, lake, streams, CALENDAR, 1, lane=LATE)


def of_clock(minutes: int) -> datetime:
    return NOW - timedelta(minutes=minutes)


def test_a_batch_goes_to_the_lake_and_is_forgotten_but_for_its_name(tmp_path: Path, empty: Empty) -> None:
    place = empty(tmp_path)
    inbox, lake = Inbox(place), Lake(tmp_path / "lake")
    first = batch("one", ("a", of_clock(30), 1.0), ("a", of_clock(15), 2.0), ("b", of_clock(15), 3.0))
    inbox.put([first])
    inbox.put([first])
    assert inbox.waiting_readings() == 3
    moved = move_all(inbox, lake, register())
    assert (moved.readings, moved.held, moved.batches) == ({"active_power": 1, "energy_register": 2}, {}, 1)
    inbox.put([first])
    assert inbox.waiting_readings() == 0
    assert move_all(inbox, lake, register()).batches == 0
    assert in_lake(lake) == Counter({("a", 1.0): 1, ("a", 2.0): 1, ("b", 3.0): 1})


def test_what_was_put_is_there_after_the_process_has_ended(tmp_path: Path, empty: Empty) -> None:
    place = empty(tmp_path)
    Inbox(place).put([batch("one", ("a", of_clock(1), 1.0))])
    (waiting,) = all_waiting(Inbox(place))
    assert waiting.batch.rows.to_pylist()[0]["value"] == 1.0
    assert waiting.batch.arrived == NOW


def test_the_journal_is_synced_at_every_commit(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox.sqlite3")
    assert inbox.storage.connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert inbox.storage.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_cannot_be_placed_is_held_with_its_problem_and_replayed(tmp_path: Path, empty: Empty) -> None:
    place = empty(tmp_path)
    inbox, lake = Inbox(place), Lake(tmp_path / "lake")
    inbox.put([batch("one", ("a", of_clock(5), 1.0), ("new", of_clock(5), 7.0), ("new", of_clock(4), 8.0), ("odd", NOW, 9.0))])
    moved = move_all(inbox, lake, register())
    assert (moved.readings, moved.held) == ({"energy_register": 1}, {"datastream": 2, "unit": 1})
    held = {each.datastream: each for each in inbox.quarantine()}
    assert held["new"].found == "new" and held["new"].rows.num_rows == 2
    assert inbox.replay([held["new"]]) == 2
    assert move_all(inbox, lake, register("new")).readings == {"energy_register": 2}
    assert in_lake(lake) == Counter({("a", 1.0): 1, ("new", 7.0): 1, ("new", 8.0): 1})
    assert [each.datastream for each in inbox.quarantine()] == ["odd"]


@pytest.mark.parametrize(
    ("time", "told"),
    [
        (datetime.fromtimestamp(NOW.timestamp() / 1000, UTC), "seconds told as milliseconds"),
        (NOW + timedelta(hours=8), "local time of UTC+8 told as UTC"),
        (NOW + timedelta(hours=5.5), ""),
        (NOW + timedelta(minutes=17), "a clock 17 minutes fast"),
        (datetime(1970, 1, 1, 0, 3, tzinfo=UTC), "a clock that was never set"),
        (datetime(2099, 1, 1, tzinfo=UTC), ""),
        (None, "no time"),
    ],
)
def test_faults_of_clocks_are_named(tmp_path: Path, time: datetime | None, told: str) -> None:
    inbox, lake = Inbox(tmp_path / "inbox.sqlite3"), Lake(tmp_path / "lake")
    inbox.put([batch("one", ("a", time, 1.0), ("a", NOW + timedelta(minutes=9), 2.0))])
    moved = move_all(inbox, lake, register())
    assert (moved.readings, moved.held) == ({"energy_register": 1}, {"time": 1})
    (held,) = inbox.quarantine()
    assert held.code == "time" and held.found.endswith(told) and (told or ": " not in held.found)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    batches=st.lists(
        st.lists(st.tuples(st.sampled_from(["a", "b", "new"]), st.integers(0, 10_000)), min_size=1, max_size=5),
        min_size=1,
        max_size=8,
    ),
    ends=st.lists(st.sampled_from(["hold", "append", "appended", "moved", ""]), max_size=12),
    registered=st.integers(0, 12),
)
def test_whatever_ends_between_inbox_and_lake_all_is_there_once(
    tmp_path_factory: pytest.TempPathFactory,
    empty: Empty,
    batches: list[list[tuple[str, int]]],
    ends: list[str],
    registered: int,
) -> None:
    """Each try is a process that ends at some point; a datastream is registered between two of them."""
    root = tmp_path_factory.mktemp("ends")
    place, put = empty(root), 0
    for number, end in enumerate([*ends, "", "", ""]):
        inbox, lake = Inbox(place), Lake(root / "lake")
        if put < len(batches):
            inbox.put([batch(str(put), *((s, of_clock(m), put * 100_000.0 + m) for s, m in batches[put]))])
            put += 1
        streams = register("new") if number >= registered else register()
        try:
            with pytest.MonkeyPatch.context() as patch:
                end_at(patch, end)
                move_all(inbox, lake, streams)
        except Ended:
            continue
    inbox, lake = Inbox(place), Lake(root / "lake")
    inbox.put([batch(str(n), *((s, of_clock(m), n * 100_000.0 + m) for s, m in rows)) for n, rows in enumerate(batches)])
    inbox.replay(inbox.quarantine())
    while move_all(inbox, lake, register("new")).batches:
        inbox.replay(inbox.quarantine())
    sent = Counter((s, n * 100_000.0 + m) for n, rows in enumerate(batches) for s, m in rows)
    assert in_lake(lake) == sent
    assert inbox.quarantine() == []


def end_at(patch: pytest.MonkeyPatch, point: str) -> None:
    """The process ends before the quarantine is written, before or behind the lake's commit, or before the inbox forgets."""

    def before(function: Any) -> Any:
        def ended(*_: Any, **__: Any) -> None:
            raise Ended

        return ended if function else None

    def behind(function: Any) -> Any:
        def ended(*arguments: Any) -> None:
            function(*arguments)
            raise Ended

        return ended

    if point == "hold":
        patch.setattr(Inbox, "hold", before(Inbox.hold))
    elif point == "append":
        patch.setattr(arrival, "append", before(arrival.append))
    elif point == "appended":
        patch.setattr(arrival, "append", behind(arrival.append))
    elif point == "moved":
        patch.setattr(Inbox, "moved", before(Inbox.moved))


def test_a_full_disk_refuses_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox.sqlite3")
    inbox.put([batch("small", ("a", of_clock(1), 1.0))])
    pages = inbox.storage.connection.execute("PRAGMA page_count").fetchone()[0]
    inbox.storage.connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    large = batch("large", *(("a", of_clock(m), float(m)) for m in range(20_000)))
    with pytest.raises(StorageRefused, match="full"):
        inbox.put([large])
    assert inbox.waiting_readings() == 1
    inbox.storage.connection.execute("PRAGMA max_page_count = 1000000")
    inbox.put([large])
    assert inbox.waiting_readings() == 20_001


def test_the_last_of_a_disk_is_kept_for_those_who_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox, told = Inbox(tmp_path / "inbox.sqlite3"), os.statvfs(tmp_path)
    inbox.put([batch("one", ("a", of_clock(2), 1.0))])
    few = SimpleNamespace(f_blocks=1_000_000, f_bavail=99_999, f_frsize=1_000)
    monkeypatch.setattr(storage.os, "statvfs", lambda _: few)
    with pytest.raises(InboxFull, match="nearly full"):
        inbox.put([batch("two", ("a", of_clock(1), 2.0))])
    inbox.storage.tidy()
    assert (tmp_path / "inbox.sqlite3-wal").stat().st_size == 0  # its room is given back
    move_all(inbox, Lake(tmp_path / "lake"), register())
    assert inbox.waiting_readings() == 0
    monkeypatch.setattr(storage.os, "statvfs", lambda _: told)
    inbox.put([batch("two", ("a", of_clock(1), 2.0))])
    assert inbox.waiting_readings() == 1


def test_too_much_waiting_asks_senders_to_wait(tmp_path: Path, empty: Empty) -> None:
    place = empty(tmp_path)
    inbox = Inbox(place, most_waiting=3)
    inbox.put([batch("one", ("a", of_clock(2), 1.0), ("a", of_clock(1), 2.0))])
    with pytest.raises(InboxFull):
        inbox.put([batch("two", ("a", of_clock(2), 1.0), ("a", of_clock(1), 2.0))])
    move_all(inbox, Lake(tmp_path / "lake"), register())
    inbox.put([batch("two", ("a", of_clock(2), 1.0), ("a", of_clock(1), 2.0))])


def test_what_several_processes_put_counts_together(tmp_path: Path, empty: Empty) -> None:
    """Each looks now and then how many of all wait: they may go beyond the most by a little, not each by as many."""
    place, most, put = empty(tmp_path), 160, 0
    processes = [Inbox(place, most_waiting=most) for _ in range(3)]
    with pytest.raises(InboxFull):
        for number in range(3 * most):
            processes[number % 3].put([batch(f"{number}", ("a", of_clock(1), float(number)))])
            put += 1
    assert most - 1 <= put <= most * (1 + 3 / 16) + 3


def test_many_put_at_once_and_each_is_there_when_it_returns(tmp_path: Path, empty: Empty) -> None:
    place = empty(tmp_path)
    inbox, seen = Inbox(place), []

    def put(sender: int) -> None:
        for number in range(10):
            inbox.put([batch(f"{sender}-{number}", ("a", of_clock(number), sender * 100.0 + number))])
            seen.append((sender, number))

    threads = [threading.Thread(target=put, args=(sender,)) for sender in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 80
    assert len({each.batch.name for each in all_waiting(inbox)}) == 80


def test_what_happens_now_does_not_wait_behind_days_of_outage(tmp_path: Path, empty: Empty) -> None:
    inbox, lake = Inbox(empty(tmp_path)), Lake(tmp_path / "lake")
    for day in range(3):
        inbox.put([batch(f"outage-{day}", *(("a", of_clock(m + 1440 * (3 - day)), float(m)) for m in range(100)))])
    inbox.put([batch("now", ("b", of_clock(1), 1.0))])
    assert move(inbox, lake, register(), CALENDAR, 1, most=100).readings == {"active_power": 1}
    late = [move(inbox, lake, register(), CALENDAR, 1, most=100, lane=LATE).readings["energy_register"] for _ in range(4)]
    assert late == [100, 100, 100, 0]


def test_a_message_that_cannot_be_read_is_kept_once(tmp_path: Path, empty: Empty) -> None:
    inbox, problems = Inbox(empty(tmp_path)), Problems()
    problems.add("syntax", "gateway", 1, found="{", expected="JSON")
    for _ in range(2):
        inbox.keep_unread("gateway#1", "gateway", NOW, "mqtt", problems, b"{\x00")
    (unread,) = inbox.unread()
    assert (unread.content, unread.form, unread.problems[0]["code"]) == (b"{\x00", "mqtt", "syntax")


def test_when_a_device_was_last_heard_of_is_kept_with_its_readings(tmp_path: Path, empty: Empty) -> None:
    place = empty(tmp_path)
    inbox = Inbox(place)
    inbox.put([batch("one", ("a", of_clock(3), 1.0))], heard=[("a", of_clock(3))])
    inbox.put([batch("two", ("a", of_clock(9), 1.0))], heard=[("a", of_clock(9)), ("b", of_clock(8))])
    assert Inbox(place).heard() == {"a": of_clock(3), "b": of_clock(8)}


def test_names_of_batches_are_let_go_after_a_while(tmp_path: Path, empty: Empty) -> None:
    inbox, lake = Inbox(empty(tmp_path)), Lake(tmp_path / "lake")
    inbox.put([batch("one", ("a", of_clock(1), 1.0)), batch("two", ("a", of_clock(2), 2.0), arrived=NOW + NAMES_KEPT)])
    move_all(inbox, lake, register())
    inbox.forget_names(NOW + NAMES_KEPT + timedelta(days=1))
    inbox.put([batch("one", ("a", of_clock(1), 1.0)), batch("two", ("a", of_clock(2), 2.0))])
    assert [each.batch.name for each in all_waiting(inbox)] == ["one"]


def test_without_its_database_nothing_is_acknowledged_and_nothing_lost(tmp_path: Path, postgres: Postgres) -> None:
    with PostgresStorage(postgres.address).transaction() as begun:
        begun.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
    inbox, lake = Inbox(postgres.address), Lake(tmp_path / "lake")
    inbox.put([batch("one", ("a", of_clock(1), 1.0))])
    postgres.stop()
    try:
        with pytest.raises(StorageRefused):
            inbox.put([batch("two", ("a", of_clock(2), 2.0))])
        with pytest.raises(StorageRefused):
            move_all(inbox, lake, register())
    finally:
        postgres.start()
    inbox.put([batch("two", ("a", of_clock(2), 2.0))])
    move_all(inbox, lake, register())
    assert in_lake(lake) == Counter({("a", 1.0): 1, ("a", 2.0): 1})


def test_the_inbox_of_a_later_scicity_is_left_alone(tmp_path: Path, empty: Empty) -> None:
    place = empty(tmp_path)
    inbox = Inbox(place)
    inbox.put([batch("a", ("a", of_clock(30), 1.0))])
    with inbox.storage.transaction() as begun:
        begun.execute("UPDATE form SET number = number + 1")
    with pytest.raises(StorageRefused, match="of a later SciCity"):
        Inbox(place)
    with inbox.storage.transaction() as begun:
        begun.execute("UPDATE form SET number = number - 1")
    assert Inbox(place).waiting_readings() == inbox.waiting_readings() > 0
