"""What was let go of, on pages, in the API and in metrics; and the mover, which lets go once a day in small bites."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from scicity.access.inbox import Inbox
from scicity.cockpit import arriving, looking, roles
from scicity.cockpit import city as cities
from scicity.cockpit.arriving import AGAIN, DAILY, RETENTION, SETTLED, Mover
from scicity.cockpit.city import OpenCity
from scicity.cockpit.models import Person
from scicity.kernel.computing import Computing
from scicity.kernel.lake import Lake
from scicity.kernel.lineage import Figures
from scicity.retention import Gone, UnderWay, let_go

pytestmark = pytest.mark.django_db
LATER = datetime(2040, 5, 1, tzinfo=UTC)


@pytest.fixture
def old(city, tmp_path, monkeypatch):
    """The little city long after its last reading, when all of them were retired."""
    shutil.copytree(city.place.state / "lake", tmp_path / "lake")
    was = city.figures.computing
    computing = Computing(Lake(tmp_path / "lake"), was.catalog, was.calendar, was.buckets)
    computing.bring_up_to_date()
    settings = {**city.district.settings, "retention": {"readings_years": 1, "versions_days": 1}}
    aged = OpenCity(replace(city.district, settings=settings), Figures(computing), city.place)
    computing.lake.distrust("little.daily")  # a later version of the same rows
    computing.bring_up_to_date()
    gone = reduce(Gone.__add__, let_go(computing, aged.closings, aged.district, LATER), Gone())
    assert gone.problem == "" and gone.readings and gone.versions
    monkeypatch.setitem(cities._open, city.place, aged)
    monkeypatch.setitem(arriving._inboxes, city.place, Inbox(tmp_path / "inbox.sqlite3"))
    return aged


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "en",
            "Its readings were retired on 2040-05-01 by the district's rule (readings_years = 1), so that it stays",
        ),
        ("zh", "原始读数已于 2040-05-01 按本城区规定清退（readings_years = 1），此数值固定不变"),
    ],
)
def test_a_figure_whose_readings_went_says_so(old, language, told):
    row = old.figures.rows("little.hourly", limit=1)[0]
    where = row.figure("energy").address
    page = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE=language).get("/why/" + quote(where))
    text = page.content.decode().replace("&#x27;", "'")
    assert page.status_code == 200 and told in text
    assert old.figures.catalog["little.hourly"].code in text
    said = Client(SERVER_NAME="localhost").get("/api/why/" + quote(where)).json()
    assert said["retired"].startswith("its readings were retired on 2040-05-01")
    assert [each["table"] for each in said["inputs"]] == ["district.datastream"]


def test_a_version_that_went_is_told_and_never_a_fault_of_the_server(old, city):
    record = old.figures.lake.record("little.hourly")
    assert record.through >= 1
    lake = old.figures.lake
    lake._records.clear()
    from scicity.kernel import record as records

    part = next(iter(record.states))
    held = {**record.states, part: tuple(each._replace(since=record.through) for each in record.states[part])}
    records.write(lake.store, "little.hourly", replace(record, states=held, born=dict.fromkeys(record.born, 0)))
    row = next(
        row
        for row in old.figures.rows("little.hourly")
        if next(iter(old.figures.computing.split(old.figures.catalog["little.hourly"], table_of(row)))) == part
    )
    where = quote(row.figure("energy").address + "@0")
    browser = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")
    for path in (f"/why/{where}", f"/api/why/{where}", f"/api/figures/{where}"):
        answer = browser.get(path)
        assert answer.status_code == 404, path
        text = answer.content.decode()
        assert "little.hourly: version 0 was let go of on 2040-05-01" in text and "kept are versions from" in text, path


def table_of(row):
    import pyarrow as pa

    return pa.Table.from_pylist([dict(row)], schema=row.table.schema)


def test_metrics_and_the_operators_page_tell_of_it(old):
    arriving.inbox_of(old).beat(RETENTION, datetime.now(UTC), Gone(versions=1234, deleted=56, deleted_bytes=7_000_000).told())
    roles.prepare()
    person = Person.objects.create_user("chen", password="blue-lake-under-the-hill")
    person.groups.add(Group.objects.get(name="data-officer"))
    browser = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")
    browser.force_login(person)
    page, text = browser.get("/operation/").content.decode(), browser.get("/metrics").content.decode()
    assert "what is old let go of" in page and "1,234 versions, 56 files, 7 MB" in page and "Files to be deleted" in page
    told = dict(line.split(" ") for line in text.splitlines() if not line.startswith("#"))
    assert float(told["scicity_retention_deleted_files"]) == 56 and float(told["scicity_retention_failed"]) == 0
    assert 0 <= float(told["scicity_retention_silent_seconds"]) < 60
    assert float(told["scicity_lake_doomed_files"]) > 0
    logs = [len(list(log.glob("*.json"))) for log in old.figures.lake.root.glob("*/*/_delta_log")]
    assert float(told["scicity_lake_log_files"]) == sum(logs)
    arriving.inbox_of(old).beat(RETENTION, datetime.now(UTC), {"error": "OSError: no room"})
    assert "no room" in browser.get("/operation/").content.decode()
    assert "scicity_retention_failed 1.0" in browser.get("/metrics").content.decode()


def test_the_mover_lets_go_once_a_day_in_bites(old, monkeypatch):
    begun, bites = [], []

    def once(computing, closings, district, now):
        begun.append(now)
        for number in range(3):
            bites.append(number)
            yield Gone(versions=1)

    monkeypatch.setattr(arriving, "let_go", once)
    monkeypatch.setattr(arriving, "BITES", 0)  # a step takes one bite at most
    mover, now = Mover(old), datetime(2041, 1, 1, tzinfo=UTC)
    for _ in range(3):
        mover.retain(now)
    assert begun == []  # it has just started
    now += SETTLED
    for number in range(3):
        mover.retain(now)
        assert bites == list(range(number + 1))
    mover.retain(now)
    assert begun == [now] and bites == [0, 1, 2]
    at, told = arriving.inbox_of(old).pulses()[RETENTION]
    assert at == now and told["versions"] == 3 and told["error"] == ""
    mover.retain(now + DAILY - timedelta(seconds=1))
    assert len(begun) == 1
    again = Mover(old)  # another process knows when the last was
    again.retain(now + timedelta(hours=2))
    again.retain(now + timedelta(hours=3))
    assert len(begun) == 1
    for _ in range(9):
        again.retain(now + DAILY)
    assert begun == [now, now + DAILY]


@pytest.mark.parametrize(("failure", "told"), [(OSError("no room"), "OSError: no room"), (UnderWay("by hand"), "")])
def test_what_fails_is_told_and_tried_again_and_moving_goes_on(old, monkeypatch, failure, told):
    begun = []

    def fails(computing, closings, district, now):
        begun.append(now)
        yield Gone()
        raise failure

    monkeypatch.setattr(arriving, "let_go", fails)
    mover, now = Mover(old), datetime(2041, 1, 1, tzinfo=UTC)
    mover.retain(now)
    mover.retain(now + SETTLED)
    mover.retain(now + SETTLED)
    assert len(begun) == 1
    pulse = arriving.inbox_of(old).pulses().get(RETENTION)
    assert pulse[1]["error"] == told if told else pulse is None
    mover.retain(now + SETTLED + AGAIN)
    assert len(begun) == 2


def test_the_mover_waits_longer_while_nobody_looks(old, city, monkeypatch):
    slept, clock = [], [1000.0]

    def sleep(seconds):
        slept.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(arriving.time, "sleep", sleep)
    monkeypatch.setattr(arriving.time, "monotonic", lambda: clock[0])
    mover, mark = Mover(old), old.figures.lake.root / looking.MARK
    mark.unlink(missing_ok=True)  # of another test's page
    assert mover._pause(1.0, lambda: True)
    assert sum(slept) >= arriving.UNSEEN_PAUSE
    slept.clear()
    looking._marked.clear()
    for path in ("/healthz", "/metrics", "/readyz"):
        Client(SERVER_NAME="localhost").get(path)
    assert not mark.exists()
    Client(SERVER_NAME="localhost").get("/")
    assert mark.exists()
    assert mover._pause(1.0, lambda: True) and slept == [1.0]
    os.utime(mark, (0, 0))
    slept.clear()
    assert not mover._pause(1.0, lambda: False) and slept == [1.0]
    assert mover._pause(1.0, lambda: True, much=True) and slept == [1.0, 1.0]
    mover._bites = iter(())
    assert mover._pause(1.0, lambda: True) and slept == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(("waits", "paused"), [(arriving.MOST_LATE + 1, arriving.PAUSE), (arriving.MOST_LATE, 3 * 0.5)])
def test_the_mover_pauses_as_shortly_as_it_may_while_more_waits_than_a_step_takes(old, monkeypatch, waits, paused):
    paused_for, turns, clock = [], iter([True, False]), [1000.0]
    monkeypatch.setattr(arriving.Inbox, "waiting_readings", lambda _: waits)
    monkeypatch.setattr(arriving.time, "monotonic", lambda: clock[0])
    for name in ("_settle", "compact", "forget", "_heal", "_make_room"):
        monkeypatch.setattr(Mover, name, lambda _: None)
    monkeypatch.setattr(Mover, "retain", lambda _, now: None)

    def step(_):
        clock[0] += 0.5
        return arriving.Moved()

    monkeypatch.setattr(Mover, "step", step)
    monkeypatch.setattr(Mover, "_pause", lambda _, pause, goes_on, much: paused_for.append((pause, much)) or goes_on())
    Mover(old).run(lambda: next(turns), lambda _: None)
    assert paused_for == [(paused, waits > arriving.MOST_LATE)]
