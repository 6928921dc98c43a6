"""The operator's page: who may see it, what it tells, in both languages; in a browser by phone and on the wall."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from django.conf import settings
from django.contrib.auth.models import Group
from django.template import base
from django.test import Client
from tests.stores.server import Server

from scicity.access.inbox import Inbox
from scicity.access.storage import StorageRefused
from scicity.cockpit import arriving, condition, roles
from scicity.cockpit import city as cities
from scicity.cockpit.arriving import BACKUP, COLLECTOR, COMPACTION, MOVER
from scicity.cockpit.models import Person
from scicity.cockpit.views.operation import amount, duration
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch

pytestmark = pytest.mark.django_db


@pytest.fixture
def inbox(city, tmp_path, monkeypatch):
    """An inbox of its own behind the served city, in which two readings have waited for three minutes."""
    own = Inbox(tmp_path / "inbox.sqlite3")
    now = datetime.now(UTC)
    rows = [{"datastream": "m/1", "time": now, "value": float(n), "revision": None} for n in range(2)]
    own.put([Batch("one", pa.Table.from_pylist(rows, schema=ARRIVAL), now - timedelta(minutes=3, seconds=20), "gateway")])
    how = {"readings": 7, "error": "", "step_seconds": 0.25, "per_second_60": 65_432.1, "per_second_300": 60_000.0}
    own.beat(MOVER, now, {**how, "begun": (now - timedelta(hours=5)).isoformat()})
    own.beat(COMPACTION, now - timedelta(hours=2, seconds=20), {"files_before": 640, "files_after": 12})
    own.beat(BACKUP, now - timedelta(minutes=50, seconds=20), {"manifest": "little-1.json"})
    monkeypatch.setitem(arriving._inboxes, city.place, own)
    return own


def browser_of(role: str, language: str = "en") -> Client:
    roles.prepare()
    person = Person.objects.create_user(f"{role}-chen", password="blue-lake-under-the-hill")
    person.groups.add(Group.objects.get(name=role))
    browser = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE=language)
    browser.force_login(person)
    return browser


@pytest.fixture
def raw_numbers(monkeypatch):
    """Fails where a template prints a number by itself, not through a tag."""
    kept = base.render_value_in_context

    def strict(value, context):
        assert not isinstance(value, (int, float, Decimal)) or isinstance(value, bool), f"a bare number: {value!r}"
        return kept(value, context)

    monkeypatch.setattr(base, "render_value_in_context", strict)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", ("Operation", "3 min ", "65,432", "640 files into 12", "Disk free", "50 min ")),
        ("zh", ("运行状况", "3 分 ", "65,432", "640 个文件并为 12 个", "磁盘剩余", "50 分 ")),
    ],
)
def test_the_page_tells_lag_rates_processes_and_sizes(inbox, city, raw_numbers, language, told):
    page = browser_of("data-officer", language).get("/operation/")
    text = page.content.decode()
    assert page.status_code == 200 and [each for each in told if each not in text] == []
    largest = condition.sizes(city.figures.lake, city.figures.catalog.tables)[0]
    assert largest.bytes == sum(file.stat().st_size for file in newest(city, largest.table))
    assert largest.table in text and amount(largest.bytes, language) in text
    assert "Refresh" not in page.headers and page["Cache-Control"] == "no-store"


def newest(city, table):
    lake = city.figures.lake
    return [Path(uri) for uri in lake.uris(table, lake.snapshot(table))]


def test_only_those_who_keep_data_see_it(inbox):
    assert Client(SERVER_NAME="localhost").get("/operation/").status_code == 302
    assert browser_of("leader").get("/operation/").status_code == 403
    keeper = browser_of("administrator")
    assert keeper.get("/operation/").status_code == 200
    assert "/operation/" in keeper.get("/").content.decode()


def test_what_is_silent_fails_or_was_never_heard_of_is_told(inbox, city):
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    inbox.beat(MOVER, datetime.now(UTC), {"error": "OSError: <the disk is full>"})
    inbox.beat(COLLECTOR, long_ago, {"connections": 3})
    with inbox.storage.transaction() as begun:
        begun.execute("DELETE FROM pulse WHERE part = ?", (BACKUP,))
    text = browser_of("data-officer").get("/operation/").content.decode()
    assert "notices and reminders" in text and "Letters waiting" in text
    assert "silent" in text and "fails" in text and "never heard of" in text
    assert "&lt;the disk is full&gt;" in text and 'role="alert"' in text


def test_an_inbox_that_is_away_is_told(inbox, monkeypatch):
    def away(*_):
        raise StorageRefused("the database is away")

    browser = browser_of("data-officer")
    monkeypatch.setattr(Inbox, "pulses", away)
    page = browser.get("/operation/")
    assert page.status_code == 200 and "the database is away" in page.content.decode()


def test_a_lake_whose_store_is_away_is_told_of_and_pages_answer_503(tmp_path, monkeypatch, request):
    server = Server(tmp_path / "server")
    request.addfinalizer(server.stop)
    for name, value in {**server.environment, "SCICITY_LAKE": f"s3://{server.bucket}/china"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SCICITY_METRICS_TOKEN", "a-token")
    far = dataclasses.replace(sys.modules["little_city"].build(tmp_path), place=settings.PLACE)
    cities.use(far)
    own = Inbox(tmp_path / "inbox.sqlite3")
    own.beat(MOVER, datetime.now(UTC), {"readings": 0, "error": "", "step_seconds": 0.1})
    monkeypatch.setitem(arriving._inboxes, far.place, own)
    browser, bearer = browser_of("administrator"), {"HTTP_AUTHORIZATION": "Bearer a-token"}
    assert server.holding("china/little/little/hourly/_delta_log")
    assert [browser.get(page).status_code for page in ("/data/", "/data/little.total/", "/readyz", "/operation/")] == [200] * 4
    assert b"scicity_lake_up 1.0" in browser.get("/metrics", **bearer).content
    server.stop()
    far.figures.lake.store.begin()
    far.figures.lake.store._answered = 0.0
    for page in ("/data/", "/data/little.total/"):
        answer = browser.get(page)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert "数据湖的存储没有应答" in answer.content.decode() and server.environment["AWS_SECRET_ACCESS_KEY"] not in str(
            answer
        )
    assert browser.get("/healthz").status_code == 200
    ready = browser.get("/readyz", **bearer)
    assert ready.status_code == 503 and "does not answer" in ready.json()["trouble"][0]
    metrics = browser.get("/metrics", **bearer).content.decode()
    assert "scicity_lake_up 0.0" in metrics and "scicity_ready 0.0" in metrics and "scicity_lake_bytes" not in metrics
    page = browser.get("/operation/")
    assert page.status_code == 200 and "does not answer" in page.content.decode()
    server.begin()
    assert [browser.get(page).status_code for page in ("/data/", "/data/little.total/", "/readyz", "/operation/")] == [200] * 4


def test_held_and_unread_lead_to_where_they_are_mended(inbox):
    problems = Problems()
    problems.add("syntax", "mqtt a/b", found="<script>", expected="JSON")
    inbox.keep_unread("one", "mqtt a/b", datetime.now(UTC), "mqtt", problems, b"?")
    assert b'<a href="/arrival/">1</a>' in browser_of("data-officer").get("/operation/").content


def test_a_screen_on_the_wall_follows_by_itself(inbox):
    browser = browser_of("data-officer")
    page = browser.get("/operation/?every")
    assert page["Refresh"] == "30" and b'href="/operation/">stop' in page.content


def test_metrics_tell_what_alerts_need(inbox, city):
    text = browser_of("data-officer").get("/metrics").content.decode()
    told = dict(line.split() for line in text.splitlines() if not line.startswith("#"))
    assert 200 <= float(told["scicity_inbox_lag_seconds"]) < 600 and told["scicity_mover_readings_per_second"] == "65432.1"
    assert 3000 <= float(told["scicity_backup_silent_seconds"]) < 3600 and told["scicity_collector_silent_seconds"] == "-1.0"
    assert 0 < float(told["scicity_disk_free_bytes"]) < float(told["scicity_disk_bytes"])
    assert float(told["scicity_inbox_bytes"]) > 0 and float(told["scicity_lake_files"]) >= 5


def test_alerts_and_the_guide_name_metrics_that_there_are(inbox):
    text = browser_of("data-officer").get("/metrics").content.decode()
    there = set(re.findall(r"^(scicity_\w+) ", text, re.MULTILINE))
    root = Path(__file__).parents[2]
    rules = yaml.safe_load((root / "deploy" / "prometheus" / "alerts.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    named = {name for rule in rules for name in re.findall(r"scicity_\w+", rule["expr"])}
    guide = (root / "docs" / "operations.md").read_text(encoding="utf-8")
    assert len(named) > 8 and named <= there
    assert set(re.findall(r"`(scicity_[a-z_]+)`", guide)) == there
    assert [rule["alert"] for rule in rules if rule["alert"].removeprefix("SciCity") not in guide] == []


def test_durations_and_amounts_are_written_for_people():
    assert [duration(timedelta(seconds=s), "en") for s in (-3, 0, 59, 61, 86_400, 90_061)] == [
        "0 s", "0 s", "59 s", "1 min 1 s", "1 d", "1 d 1 h",
    ]  # fmt: skip
    assert [amount(size, "en") for size in (0, 999, 1000, 1_234_567, 2 * 10**12)] == ["0 B", "999 B", "1 kB", "1.23 MB", "2 TB"]


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "width", "scheme"),
    [("zh-CN", 1920, "light"), ("en-US", 1440, "dark"), ("en-US", 390, "light"), ("zh-CN", 390, "dark")],
)
def test_the_page_in_a_browser(inbox, live_server, chromium, language, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    cookie = browser_of("data-officer").cookies["sessionid"].value
    context = chromium.new_context(locale=language, viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page, faults = context.new_page(), []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    answer = page.goto(live_server.url + "/operation/")
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found = [(v["id"], v["nodes"][0]["html"][:160]) for v in Axe().run(page).response["violations"]]
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.getAttribute('href') || document.activeElement.tagName"))
    if os.environ.get("SHOW"):
        page.screenshot(path=f"{os.environ['SHOW']}/operation-{language}-{width}-{scheme}.png", full_page=True)
    context.close()
    assert answer is not None and answer.status == 200
    assert faults == [] and wider <= 0 and found == []
    assert "?every" in reached and "/data/little.hourly/" in reached
