"""Closing a period on its page: signed by password, written down, and every page then shows what was closed."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from scicity.cockpit import city as cities
from scicity.cockpit import roles
from scicity.cockpit.digits import written
from scicity.cockpit.models import AuditEntry, FailedLogin, Person

from little_city import build, correct  # isort: skip  (put there by conftest)

pytestmark = pytest.mark.django_db
PASSWORD = "blue-lake-under-the-hill"
MAY = "little.monthly.energy/meter=" + quote("m/1", safe="") + "/month=2021-05-01"


@pytest.fixture
def own(tmp_path, city):
    """A city that may be changed, served in place of the little one."""
    own = build(tmp_path)
    object.__setattr__(own, "place", city.place)
    cities.use(own)
    yield own
    cities.use(city)


def browser_of(role: str) -> Client:
    roles.prepare()
    person = Person.objects.create_user(f"{role}-chen", password=PASSWORD)
    person.groups.add(Group.objects.get(name=role))
    browser = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")
    browser.force_login(person)
    return browser


def signed(browser: Client, action: str, period: str = "2021-05", password: str = PASSWORD, reason: str = "statement") -> str:
    told = {"action": action, "period": period, "password": password, "reason": reason}
    return browser.post("/closing/", told, follow=True).content.decode()


def test_a_period_is_closed_corrected_and_reopened(own):
    browser = browser_of("data-officer")
    was = own.figures.figure(MAY).value
    assert "2021-05 closed" in signed(browser, "close")
    correct(own, 5000.0)
    page = browser.get("/closing/").content.decode()
    difference = own.closings.standing(own.closings.closed()["2021-05"])[MAY].difference
    assert written(difference, "en", significant=9) in page
    why = browser.get("/why/" + quote(MAY)).content.decode()
    assert "2021-05 is closed" in why
    assert own.figures.figure(MAY).value == was
    assert "badge-closed" in why
    assert "2021-05 reopened" in signed(browser, "reopen")
    assert own.figures.figure(MAY).value != was
    entries = list(AuditEntry.objects.filter(action__startswith="period-").order_by("id"))
    assert [(entry.action, entry.subject, entry.who_name) for entry in entries] == [
        ("period-closed", "2021-05", "data-officer-chen"),
        ("period-reopened", "2021-05", "data-officer-chen"),
    ]


def test_without_the_password_nothing_is_signed(own):
    browser = browser_of("data-officer")
    for _ in range(3):
        assert "nothing was signed" in signed(browser, "close", password="guess")
    assert own.closings.acts() == ()
    assert FailedLogin.objects.count() == 3
    assert not AuditEntry.objects.filter(action="period-closed").exists()


@pytest.mark.parametrize(
    ("period", "told"),
    [
        ("2021-5", "a period is"),
        ("2031-05", "not over"),
        ("1999", "no figures"),
        ("'; DROP", "a period is"),
        ("", "a period is"),
    ],
)
def test_a_period_that_cannot_be_closed_is_told(own, period, told):
    assert told in signed(browser_of("data-officer"), "close", period)
    assert own.closings.acts() == ()


def test_others_look_and_do_not_touch(own):
    browser = browser_of("resident")
    assert browser.get("/closing/").status_code == 200
    assert browser.post("/closing/", {"action": "close", "period": "2021-05", "password": PASSWORD}).status_code == 403
    assert Client(SERVER_NAME="localhost").get("/closing/").status_code == 302


def test_open_pages_are_told_which_tables_came_out_otherwise(own):
    browser = Client(SERVER_NAME="localhost")
    nothing = browser.get("/live/", {"since": str(2**62)})
    assert (nothing.headers["Content-Type"], b"event" in nothing.content) == ("text/event-stream", False)
    since = max(own.figures.lake.told().values())
    correct(own, 5000.0)
    told = browser.get("/live/", {"since": str(since)}).content.decode()
    assert 'data: ["little.daily", "little.hourly", "little.monthly", "little.total"]' in told
    last = told.partition("id: ")[2].partition("\n")[0]
    assert b"event" not in browser.get("/live/", headers={"Last-Event-ID": last}).content
    for hostile in ("-1", "9" * 40, "x", "１"):
        assert browser.get("/live/", {"since": hostile}).status_code == 200
