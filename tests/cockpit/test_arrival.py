"""The door by HTTP: who may send, what is answered, what is held and replayed, and figures that heal behind it."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from io import BytesIO
from wsgiref.util import setup_testing_defaults

import pyarrow as pa
import pytest
from django.contrib.auth.models import Group
from django.test import Client

from scicity.access.inbox import LATE, Inbox, InboxFull
from scicity.access.mqtt.subscribe import Message, Reader
from scicity.access.storage import StorageRefused
from scicity.cockpit import arriving, devices, roles
from scicity.cockpit.arriving import Mover, inbox_of
from scicity.cockpit.door import ADDRESS, Door
from scicity.cockpit.models import AuditEntry, Device, Person
from scicity.cockpit.place import Place
from scicity.kernel.problems import Problems
from scicity.kernel.reading import ARRIVAL, Batch

from little_city import build  # isort: skip  (put there by conftest)

pytestmark = pytest.mark.django_db
WHEN = "2021-05-05T04:00:00Z"


@pytest.fixture
def browser():
    return Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")


@pytest.fixture
def credential():
    return devices.make("gateway-1", ["m/*", "new-*"])


@pytest.fixture
def inbox(city, tmp_path, monkeypatch):
    """An inbox of its own behind the served city."""
    own = Inbox(tmp_path / "inbox.sqlite3")
    monkeypatch.setitem(arriving._inboxes, city.place, own)
    return own


def body(*datastreams: str, value: float = 1.5) -> str:
    return json.dumps([{"datastream": name, "time": WHEN, "value": value} for name in datastreams])


class Answer:
    """What the door answered, as a client of WSGI sees it."""

    def __init__(self, environment, door):
        self.headers = {}
        self.content = b"".join(door({**ENVIRONMENT, **environment}, self.start))

    def start(self, status, headers):
        self.status_code, self.headers = int(status.split()[0]), dict(headers)

    def json(self):
        return json.loads(self.content)


ENVIRONMENT: dict[str, object] = {"PATH_INFO": ADDRESS}
setup_testing_defaults(ENVIRONMENT)


def send(credential, content, form="application/json", door=None, **more):
    content = content.encode() if isinstance(content, str) else content
    told = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": form, "CONTENT_LENGTH": str(len(content)), "wsgi.input": BytesIO(content)}
    if credential:
        told["HTTP_AUTHORIZATION"] = f"Bearer {credential}"
    return Answer({**told, **more}, door or Door(behind=None))


def test_readings_are_acknowledged_once_they_are_kept(credential, inbox):
    answer = send(credential, body("m/1", "m/2"))
    assert answer.status_code == 202 and answer.json()["taken"] == 2
    (waiting,) = inbox.waiting(10, LATE)
    assert waiting.batch.name == answer.json()["batch"]
    assert waiting.batch.rows.to_pylist()[0] == {
        "datastream": "m/1", "time": datetime(2021, 5, 5, 4, tzinfo=UTC), "value": 1.5, "revision": None,
    }  # fmt: skip
    assert send(credential, body("m/1", "m/2")).status_code == 202
    assert inbox.waiting_readings() == 2


def test_csv_and_arrow_say_the_same(credential, inbox):
    rows = pa.Table.from_pylist([{"datastream": "m/1", "time": datetime(2021, 5, 5, 4, tzinfo=UTC), "value": 1.5}])
    sink = BytesIO()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    assert send(credential, f"datastream,time,value\nm/1,{WHEN},1.5\n", "text/csv").status_code == 202
    assert send(credential, sink.getvalue(), "application/vnd.apache.arrow.stream").status_code == 202
    first, second = (each.batch.rows.to_pylist() for each in inbox.waiting(10, LATE))
    assert first == second


@pytest.mark.parametrize("wrong", ["", "gateway-1", "gateway-1.guess", "nobody.guess", "gateway-1.\udcff", "." * 5000])
def test_nobody_sends_without_the_secret(credential, inbox, wrong):
    assert send(wrong.encode("utf-8", "replace").decode("latin-1"), body("m/1")).status_code == 401
    assert inbox.waiting_readings() == 0


def test_a_revoked_device_sends_no_more(credential, inbox):
    devices.revoke(Device.objects.get(name="gateway-1"))
    assert send(credential, body("m/1")).status_code == 401
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["device-revoked", "device-made"]


def test_a_sender_is_looked_up_once_a_second(credential, django_assert_num_queries):
    now = [100.0]
    senders = devices.Senders(lambda: now[0])
    with django_assert_num_queries(1):
        assert all(senders.of(credential).name == "gateway-1" for _ in range(3))
    assert senders.of("gateway-1.guess") is None
    devices.revoke(Device.objects.get(name="gateway-1"))
    now[0] += devices.REMEMBERED
    assert senders.of(credential) is None


def test_of_a_secret_only_a_digest_is_kept(credential):
    secret = credential.partition(".")[2]
    assert secret not in json.dumps(list(Device.objects.values()), default=str)
    assert secret not in json.dumps(list(AuditEntry.objects.values()), default=str)


def test_a_device_sends_for_its_own_datastreams_alone(credential, inbox):
    answer = send(credential, body("m/1", "others"))
    assert answer.status_code == 403 and "others" in answer.json()["expected"]
    assert inbox.waiting_readings() == 0


@pytest.mark.parametrize(
    ("content", "form", "status"),
    [
        (f'[{{"datastream": "m/1", "time": "{WHEN}", "value": {"9" * 400}}}]', "application/json", 422),
        ("{", "application/json", 422),
        ("[" * 100_000, "application/json", 422),
        ('{"readings": 7}', "application/json", 422),
        ("[7]", "application/json", 422),
        ('[{"datastream": "m/1", "time": "2021-05-05T04:00:00", "value": 1}]', "application/json", 422),
        ('[{"datastream": "m/1", "time": 1620187200, "value": 1}]', "application/json", 422),
        ('[{"datastream": "m/1", "time": "2021-05-05T04:00:00Z", "value": NaN}]', "application/json", 422),
        ('[{"datastream": "m/1", "time": "2021-05-05T04:00:00Z", "value": 1e999}]', "application/json", 422),
        ('[{"datastream": "m/1", "time": "2021-05-05T04:00:00Z", "value": "1"}]', "application/json", 422),
        ('{"datastream": ["m/1"], "time": [], "value": [1]}', "application/json", 422),
        ("a" * 1_000_000, "application/json", 422),
        ("datastream,time\nm/1,2021\n", "text/csv", 422),
        (b"\xff\xfe\x00", "text/csv", 422),
        (b"\xff\xff\xff\xff" * 64, "application/vnd.apache.arrow.stream", 422),
        ("<a/>", "text/xml", 415),
    ],
)
def test_hostile_bodies_are_told_and_kept_out(credential, inbox, content, form, status):
    answer = send(credential, content, form)
    assert answer.status_code == status
    told = answer.json()
    assert status != 422 or all(p["found"] is not None and p["expected"] and p["remedy"] for p in told["problems"])
    assert inbox.waiting_readings() == 0


@pytest.mark.parametrize("column", ["time", "value"])
def test_arrow_columns_of_a_kind_that_cannot_be_meant_are_refused(credential, inbox, column):
    """Whole numbers are no times: nobody knows what they count."""
    told = {"datastream": ["m/1"], "time": [datetime(2021, 5, 5, tzinfo=UTC)], "value": [1.5]}
    rows = pa.table({**told, column: [1_620_187_200_000_000] if column == "time" else [True]})
    sink = BytesIO()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    answer = send(credential, sink.getvalue(), "application/vnd.apache.arrow.stream")
    assert answer.status_code == 422 and [p["field"] for p in answer.json()["problems"]] == [column]


def test_the_faulty_reading_is_named(credential, inbox):
    values = [1, 2, "9" * 400, 4]
    readings = ", ".join(f'{{"datastream": "m/1", "time": "{WHEN}", "value": {value}}}' for value in values)
    (problem,) = send(credential, f"[{readings}]").json()["problems"]
    assert (problem["row"], problem["field"]) == (3, "value")


def test_a_value_beyond_every_number_is_no_reading(credential, inbox):
    assert send(credential, body("m/1", value=1e308)).status_code == 202


def test_a_body_that_is_too_large_is_not_read(credential, inbox):
    assert send(credential, b"x", CONTENT_LENGTH=str(1 << 40)).status_code == 413
    assert send(credential, b"x", CONTENT_LENGTH="9" * 10_000).status_code == 413
    assert send(credential, b"x", CONTENT_LENGTH="").status_code == 411


@pytest.mark.parametrize("error", [InboxFull("20,000,000 readings wait"), StorageRefused("disk is full")])
def test_what_cannot_be_kept_is_not_acknowledged(credential, inbox, monkeypatch, error):
    def put(*_):
        raise error

    monkeypatch.setattr(inbox, "put", put)
    answer = send(credential, body("m/1"))
    assert answer.status_code == 503 and answer.headers["Retry-After"]


def test_the_door_takes_readings_by_post_alone(credential, inbox):
    assert send(credential, b"", REQUEST_METHOD="GET").status_code == 405


def test_a_secret_is_not_taken_in_the_clear_where_the_cockpit_is_behind_https(credential, inbox, settings):
    settings.HTTPS = True
    assert send(credential, body("m/1")).status_code == 403
    assert send(credential, body("m/1"), HTTP_X_FORWARDED_PROTO="https").status_code == 202


def test_other_addresses_are_the_cockpits(credential, inbox):
    def behind(environment, start):
        start("200 OK", [])
        return [environment["PATH_INFO"].encode()]

    assert send(credential, b"", door=Door(behind), PATH_INFO="/api/readings/x").content == b"/api/readings/x"


def test_the_page_is_for_those_who_keep_the_data(browser, inbox):
    assert browser.get("/arrival/")["Location"].startswith("/accounts/login/")
    browser.force_login(Person.objects.create_user("reader", password="a-long-enough-secret"))
    assert browser.get("/arrival/").status_code == 403


def test_held_readings_are_shown_and_replayed(browser, inbox):
    roles.prepare()
    keeper = Person.objects.create_user("keeper", password="a-long-enough-secret")
    keeper.groups.add(Group.objects.get(name="data-officer"))
    browser.force_login(keeper)
    assert "Nothing is held" in browser.get("/arrival/").content.decode()
    rows = pa.Table.from_pylist(
        [{"datastream": "<b>new</b>", "time": datetime(2021, 5, 5, tzinfo=UTC), "value": 1.0, "revision": None}], schema=ARRIVAL
    )
    inbox.put([Batch("one", rows, datetime(2021, 5, 6, tzinfo=UTC), "gateway-1")])
    (waiting,) = inbox.waiting(1, LATE)
    held = arriving_held(waiting, rows)
    inbox.hold([held])
    inbox.moved([waiting.sequence])
    page = browser.get("/arrival/").content.decode()
    assert "&lt;b&gt;new&lt;/b&gt;" in page and "not registered" in page
    (entry,) = inbox.quarantine()
    assert browser.post("/arrival/", {"held": ["x", str(entry.id)]}).status_code == 302
    assert inbox.waiting_readings() == 1 and inbox.quarantine() == []
    assert AuditEntry.objects.filter(action="readings-replayed", who_name="keeper").exists()


@pytest.fixture
def keeper(browser):
    roles.prepare()
    keeper = Person.objects.create_user("keeper", password="a-long-enough-secret")
    keeper.groups.add(Group.objects.get(name="data-officer"))
    browser.force_login(keeper)
    return browser


def hold(inbox, time, name="meter-8"):
    rows = pa.Table.from_pylist([{"datastream": name, "time": time, "value": 1.0, "revision": None}], schema=ARRIVAL)
    inbox.put([Batch("one", rows, datetime(2021, 5, 6, tzinfo=UTC), "gateway-1")])
    (waiting,) = [*inbox.waiting(1), *inbox.waiting(1, LATE)]
    inbox.hold([arriving_held(waiting, rows)])
    inbox.moved([waiting.sequence])
    return inbox.quarantine()[0].id


@pytest.mark.parametrize(
    ("time", "form", "right"),
    [
        (datetime(2021, 5, 5, 12, tzinfo=UTC), {"minutes": "-480"}, datetime(2021, 5, 5, 4, tzinfo=UTC)),
        (
            datetime(1970, 1, 19, 18, 10, 37, 400_000, tzinfo=UTC),
            {"clock": "seconds"},
            datetime(2021, 5, 10, 9, 3, 20, tzinfo=UTC),
        ),
        (datetime(2021, 5, 5, 4, tzinfo=UTC), {}, datetime(2021, 5, 5, 4, tzinfo=UTC)),
        (None, {"minutes": "60"}, None),
    ],
)
def test_held_readings_are_mended_before_they_are_replayed(keeper, inbox, time, form, right):
    number = hold(inbox, time)
    keeper.post("/arrival/", {"held": [str(number)], "datastream": "m/1", **form})
    (waiting,) = [*inbox.waiting(1), *inbox.waiting(1, LATE)]
    assert waiting.batch.rows.select(["datastream", "time"]).to_pylist() == [{"datastream": "m/1", "time": right}]
    assert AuditEntry.objects.get(action="readings-replayed").after["datastream"] == "m/1"


@pytest.mark.parametrize(
    "form", [{"minutes": "x"}, {"minutes": "1e300"}, {"minutes": "nan"}, {"datastream": "a" * 300}, {"datastream": "a\0b"}]
)
def test_what_cannot_be_mended_that_way_stays_held(keeper, inbox, form):
    number = hold(inbox, datetime(2021, 5, 5, tzinfo=UTC))
    assert "cannot be mended" in keeper.post("/arrival/", {"held": [str(number)], **form}, follow=True).content.decode()
    assert inbox.waiting_readings() == 0 and len(inbox.quarantine()) == 1


def test_a_message_is_read_again_when_its_device_is_known(keeper, inbox):
    payload = json.dumps({"datastream": "m/1", "time": WHEN, "value": 1.5}).encode()
    arrived = datetime(2021, 5, 5, 4, 1, tzinfo=UTC)
    Reader(inbox, devices.named).take([Message("scicity/gateway-9/readings", payload, arrived)])
    (unread,) = inbox.unread()
    keeper.post("/arrival/", {"unread": [str(unread.id)]})
    assert len(inbox.unread()) == 1 and inbox.waiting_readings() == 0
    devices.make("gateway-9", ["m/*"])
    assert "1 / 1" in keeper.post("/arrival/", {"unread": [str(unread.id)]}, follow=True).content.decode()
    assert inbox.unread() == [] and inbox.waiting_readings() == 1


def arriving_held(waiting, rows):
    from scicity.access.inbox import Held

    return Held(waiting.sequence, "gateway-1", waiting.batch.arrived, "datastream", "<b>new</b>", "<b>new</b>", "one", rows)


def test_a_reading_heals_its_figures(tmp_path):
    own = build(tmp_path / "own")
    own = dataclasses.replace(own, place=Place(tmp_path / "own" / "district", tmp_path / "own" / "state"))
    (before,) = own.rows("little.total", where={"meter": "m/1"})
    late = datetime(2021, 5, 5, 4, 30, tzinfo=UTC)
    rows = pa.Table.from_pylist(
        [
            {"datastream": "m/1", "time": late, "value": 1000.0, "revision": None},
            {"datastream": "x", "time": late, "value": 1.0},
        ],
        schema=ARRIVAL,
    )
    inbox_of(own).put([Batch("late", rows, datetime(2021, 7, 1, tzinfo=UTC), "gateway-1")])
    moved = Mover(own).step()
    assert moved.readings == {"energy_increment": 1} and moved.held == {"datastream": 1}
    (after,) = own.rows("little.total", where={"meter": "m/1"})
    assert float(after["energy"] or 0) - float(before["energy"] or 0) == 1000.0
    assert Mover(own).step().batches == 0


def test_the_access_network_is_ready_while_its_mover_lives(browser, city, inbox, monkeypatch):
    assert browser.get("/readyz").status_code == 503
    inbox.beat(arriving.MOVER, datetime.now(UTC), {"readings": 7, "error": ""})
    assert browser.get("/readyz").json() == {"status": "ok"}
    inbox.beat(arriving.MOVER, datetime.now(UTC), {"readings": 7, "error": "OSError: the disk is full"})
    answer = browser.get("/readyz")
    assert answer.status_code == 503 and "trouble" not in answer.json()
    assert browser.get("/metrics").status_code == 403
    monkeypatch.setenv("SCICITY_METRICS_TOKEN", "let-me-read")
    told = browser.get("/metrics", headers={"Authorization": "Bearer let-me-read"}).content.decode()
    assert "scicity_mover_readings 7.0" in told and "scicity_ready 0.0" in told and "scicity_inbox_up 1.0" in told
    assert browser.get("/metrics", headers={"Authorization": "Bearer guess"}).status_code == 403
    trouble = browser.get("/readyz", headers={"Authorization": "Bearer let-me-read"}).json()["trouble"]
    assert trouble == ["the mover fails: OSError: the disk is full"]
    inbox.beat(arriving.MOVER, datetime.now(UTC) - arriving.SILENT, {"error": ""})
    assert browser.get("/readyz").status_code == 503


def test_a_mover_tells_that_it_lives_and_why_it_fails(city, inbox, monkeypatch):
    def fails(_mover):
        raise OSError("the disk is full")

    monkeypatch.setattr(arriving.time, "sleep", lambda _: None)
    for step, told in ((None, ""), (fails, "OSError: the disk is full")):
        if step:
            monkeypatch.setattr(Mover, "step", step)
        turns = iter((True, False))
        Mover(city).run(lambda turns=turns: next(turns), lambda _: None)
        assert inbox.pulses()[arriving.MOVER][1]["error"] == told


def test_messages_that_could_not_be_read_are_shown(browser, inbox):
    roles.prepare()
    keeper = Person.objects.create_user("keeper", password="a-long-enough-secret")
    keeper.groups.add(Group.objects.get(name="data-officer"))
    browser.force_login(keeper)
    problems = Problems()
    problems.add("syntax", "mqtt a/b", found="<script>", expected="JSON in UTF-8")
    inbox.keep_unread("one", "mqtt a/b", datetime.now(UTC), "mqtt", problems, b"<script>")
    page = browser.get("/arrival/").content.decode()
    assert "mqtt a/b" in page and "&lt;script&gt;" in page and "<script>" not in page.split("</header>")[-1].split("<footer")[0]
