"""Dual control in the cockpit: who may decide and act, what stands in the audit trail, and that everybody is told once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.template import base
from django.test import Client

from scicity.cockpit import city as cities
from scicity.cockpit import roles
from scicity.cockpit.models import AuditEntry, Person
from scicity.domains.control.golden.small_control import DAILY, SmallControl, days
from scicity.domains.control.golden.test_tables import BUILDING, DISTRICT, FORECAST, FULL, SUDDEN
from scicity.domains.control.models import Budget, Told, WarningAct
from scicity.domains.control.pages import telling
from scicity.records.publishing import publish

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PAGES = ["/control/", "/control/warnings/", "/control/allocation/", "/control/forecasts/"]
MANY = SUDDEN + FORECAST.replace("100,1,1", "90,1,1").replace("high,officer,", "high,officer leader,")
SENT = {
    **{"subject": "building/b2", "budget_measure": "energy", "year": "2022", "budget": "4000", "decision": "in_force"},
    "reason": "decided by the board",
}


def made(root: Path) -> SmallControl:
    found = SmallControl(root, DISTRICT + BUILDING, MANY)
    found.energy(FULL)
    found.put(DAILY, days(date(2022, 12, 1), [10.0] * 40 + [30.0] * 2))
    found.load()
    found.city.compute()
    return found


def served(found: SmallControl) -> SmallControl:
    cities.use(cities.OpenCity(found.city.district, found.city.figures, settings.PLACE))
    roles.prepare()
    return found


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory):
    """A little district with budgets and warnings, into which no test publishes."""
    return made(tmp_path_factory.mktemp("control"))


@pytest.fixture
def district(unchanged, city):
    """The little district, served in place of the little city."""
    yield served(unchanged)
    cities.use(city)


@pytest.fixture
def own(tmp_path, city):
    """Another one, into which a test publishes."""
    yield served(made(tmp_path))
    cities.use(city)


def browser_of(role: str = "", language: str = "en") -> Client:
    browser = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE=language)
    if role:
        person = Person.objects.create_user(f"{role}-wang", password="a-long-enough-password")
        person.groups.add(Group.objects.get(name=role))
        browser.force_login(person)
    return browser


def brought(district: SmallControl) -> None:
    """What the mover does."""
    with district.city.lake.alone():
        publish(district.city.computing)
        district.city.computing.bring_up_to_date()


def entries() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action__startswith="record-").order_by("pk"))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_print_figures_alone(district, language, monkeypatch):
    kept = base.render_value_in_context

    def strict(value, context):
        assert not isinstance(value, (int, float, Decimal)) or isinstance(value, bool), f"{value!r} is printed bare"
        return kept(value, context)

    monkeypatch.setattr(base, "render_value_in_context", strict)
    browser = browser_of("officer", language)
    for path in [*PAGES, "/control/scopes/building/b1/", "/control/scopes/zone/west/", "/control/budget/"]:
        assert browser.get(path).status_code == 200, path
    assert browser.get("/control/scopes/building/nowhere/").status_code == 404


def test_a_district_without_budgets_shows_empty_pages(city):
    for path in PAGES:
        answer = browser_of().get(path)
        assert answer.status_code == 200
        assert b"figure" not in answer.content.split(b"<main", 1)[1].split(b"</main", 1)[0]


def test_an_officer_decides_and_the_figures_follow(own):
    browser = browser_of("officer")
    answer = browser.post("/control/budget/", SENT, follow=True)
    assert (
        answer.redirect_chain == [("/control/scopes/building/b2/", 302)] and "follow within seconds" in answer.content.decode()
    )
    brought(own)
    (row,) = own.city.figures.rows("control.budget_state", where={"scope": "b2"})
    assert (row["budget"], row["origin"]) == (4000, "manual")
    browser.post("/control/budget/", SENT | {"budget": "3,500", "reason": "the winter was mild"})
    brought(own)
    assert own.city.figures.rows("control.budget_state", where={"scope": "b2"})[0]["budget"] == 3500
    assert Budget.objects.count() == 1
    told = [(entry.action, entry.who_name, (entry.after or {}).get("because")) for entry in entries()]
    assert told == [
        ("record-made", "officer-wang", "decided by the board"),
        ("record-changed", "officer-wang", "the winter was mild"),
    ]
    assert (entries()[1].before["budget"], entries()[1].after["budget"]) == ("4000", "3500")


def test_a_form_begins_with_what_holds(district):
    browser = browser_of("officer")
    asked = "/control/budget/?scope_kind=building&scope=b1&budget_measure=energy&year=2022"
    assert 'value="1000"' in browser.get(asked).content.decode()
    browser.post("/control/budget/", SENT | {"subject": "building/b1", "budget": "999.5"})
    assert 'value="999.5"' in browser.get(asked).content.decode()
    for hostile in ("year=２０２２", "year=abc", "year=" + "9" * 400, "scope=%00"):
        assert browser.get("/control/budget/?scope_kind=building&budget_measure=energy&" + hostile).status_code == 200


@pytest.mark.parametrize("role", ["leader", "enterprise", "resident", "data-officer"])
def test_others_decide_nothing(district, role):
    browser = browser_of(role)
    assert browser.get("/control/budget/").status_code == browser.post("/control/budget/", SENT).status_code == 403
    adopted = {"of": "2022-energy", "kind": "zone", "rule": "past_use", "reason": "r"}
    assert browser.post("/control/allocation/", adopted).status_code == 403
    assert not Budget.objects.exists() and entries() == []
    assert "/control/budget/" not in browser.get("/control/").content.decode()


def test_an_enterprise_sees_its_own_budget_and_no_building_of_others(own):
    own.registers(DISTRICT + BUILDING + BUILDING.replace("building,b1", "enterprise,e"), MANY)
    own.load()
    own.city.compute()
    browser = browser_of("enterprise")
    Person.objects.filter(username="enterprise-wang").update(enterprise="e")
    page = browser.get("/control/").content.decode()
    assert "/control/scopes/enterprise/e/" in page and "/control/scopes/district/district/" in page
    assert "/control/scopes/building/b1/" not in page
    assert "building|b1" not in browser.get("/control/warnings/").content.decode()
    assert "figure" not in browser.get("/control/scopes/building/b1/").content.decode().partition("<main")[2]
    Person.objects.filter(username="enterprise-wang").update(enterprise="f")
    assert browser.get("/control/scopes/enterprise/e/").status_code == 404
    assert "/control/scopes/building/b1/" in browser_of("officer").get("/control/").content.decode()


def test_nobody_decides_without_an_account(district):
    browser = browser_of()
    assert browser.post("/control/budget/", SENT).status_code == 302
    assert browser.post("/control/warnings/", {"action": "acknowledge"}).status_code == 403
    assert browser.post("/control/allocation/", {"of": "2022-energy"}).status_code == 403
    assert not Budget.objects.exists() and not WarningAct.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"budget": "NaN"},
        {"budget": "-1"},
        {"budget": "0"},
        {"budget": "1e999"},
        {"budget": "1.1234567"},
        {"budget": "twelve"},
        {"year": "1066"},
        {"year": "2022; DROP TABLE"},
        {"year": "9" * 300},
        {"subject": "building/nowhere"},
        {"subject": "galaxy/b1"},
        {"subject": ""},
        {"budget_measure": "happiness"},
        {"monthly_shares": "1 1 1"},
        {"monthly_shares": "x " * 12},
        {"decision": "maybe"},
        {"reason": ""},
    ],
)
def test_what_cannot_be_is_told_and_not_kept(district, wrong):
    answer = browser_of("officer").post("/control/budget/", SENT | wrong)
    assert answer.status_code == 422 and 'class="fault"' in answer.content.decode()
    assert not Budget.objects.exists() and entries() == []


def standing(rule: str) -> str:
    found = cities.open_city(settings.PLACE).rows("control.warning", where={"rule": rule})
    return str(found[0]["warning"])


def state(name: str, now: datetime | None = None) -> str:
    here = cities.open_city(settings.PLACE)
    return str(telling.shown(here, here.rows("control.warning", where={"warning": name}), now)[0]["state"])


def test_an_act_is_recorded_with_who_and_when_and_what(district):
    browser, name = browser_of("officer"), standing("sudden")
    assert state(name) == "unacknowledged"
    browser.post("/control/warnings/", {"warning": name, "action": "acknowledge"})
    browser.post("/control/warnings/", {"warning": name, "action": "note", "words": "the chiller ran all night"})
    page = browser.get("/control/warnings/").content.decode()
    assert "the chiller ran all night" in page and "officer-wang" in page and "Warnings" in page
    assert state(name) == "acknowledged"
    assert [(entry.action, entry.who_name, entry.after["action"]) for entry in entries()] == [
        ("record-made", "officer-wang", "acknowledge"),
        ("record-made", "officer-wang", "note"),
    ]
    act = WarningAct.objects.get(action="note")
    with pytest.raises(ValueError, match="never changed"):
        act.save()


def test_shelving_ends_by_itself(district):
    browser, name = browser_of("data-officer"), standing("sudden")
    browser.post("/control/warnings/", {"warning": name, "action": "shelve", "days": "7"})
    act = WarningAct.objects.get()
    assert act.until - act.at == timedelta(days=7)
    assert (state(name), state(name, act.until + timedelta(seconds=1))) == ("shelved", "unacknowledged")


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "note", "words": "  "},
        {"action": "shelve", "days": "10000"},
        {"action": "shelve"},
        {"action": "explode"},
        {"warning": "sudden|building|b9|energy||2022-01-01"},
        {"warning": "' OR 1=1"},
    ],
)
def test_an_act_that_cannot_be_is_told_and_not_kept(district, wrong):
    sent = {"warning": standing("sudden"), "action": "acknowledge"} | wrong
    answer = browser_of("officer").post("/control/warnings/", sent, follow=True)
    assert answer.status_code == 200 and not WarningAct.objects.exists()


@pytest.mark.parametrize("role", ["leader", "enterprise", "resident"])
def test_others_do_not_act(district, role):
    sent = {"warning": standing("sudden"), "action": "acknowledge"}
    assert browser_of(role).post("/control/warnings/", sent).status_code == 403
    assert not WarningAct.objects.exists()


BOTH = ("officer", "leader", "resident")


def test_nobody_counts_as_told_who_was_not_shown_it(district):
    Client(SERVER_NAME="localhost").get("/control/warnings/")
    browser_of("resident").get("/control/warnings/")
    leader = browser_of("leader")
    leader.get("/control/")
    assert not Told.objects.exists()
    leader.get("/control/warnings/")
    assert set(Told.objects.values_list("role", flat=True)) == {"leader"}


def test_everybody_is_told_once_whatever_starts_anew(district):
    here = cities.open_city(settings.PLACE)
    first = telling.tell(here, BOTH, NOW)
    pairs = sorted(Told.objects.values_list("warning", "role"))
    assert first == len(pairs) == len(set(pairs)) and {role for _, role in pairs} == {"officer", "leader"}
    assert telling.tell(here, BOTH, NOW + timedelta(days=1)) == 0  # as after a restart
    browser_of("leader").get("/control/warnings/")
    assert sorted(Told.objects.values_list("warning", "role")) == pairs
    assert set(Told.objects.values_list("at", flat=True)) == {NOW}
    Told.objects.filter(role="leader").delete()  # as where the process ended half way through
    assert telling.tell(here, BOTH, NOW) > 0
    assert sorted(Told.objects.values_list("warning", "role")) == pairs


def test_two_that_tell_at_once_tell_once(district, monkeypatch):
    here = cities.open_city(settings.PLACE)
    late = telling.alarm.untold

    def meanwhile(*told):
        found = late(*told)
        monkeypatch.setattr(telling.alarm, "untold", late)
        telling.tell(here, BOTH, NOW)  # the other process, behind the first one's look
        return found

    monkeypatch.setattr(telling.alarm, "untold", meanwhile)
    telling.tell(here, BOTH, NOW + timedelta(seconds=1))
    pairs = list(Told.objects.values_list("warning", "role"))
    assert len(pairs) == len(set(pairs)) > 0 and set(Told.objects.values_list("at", flat=True)) == {NOW}
    with pytest.raises(IntegrityError), transaction.atomic():
        Told.objects.create(warning=pairs[0][0], role=pairs[0][1], at=NOW)


def test_a_warning_is_told_to_the_roles_of_its_rule(district):
    page = browser_of("leader").get("/control/warnings/").content.decode()
    assert "told to your role" in page
    assert "told to your role" not in browser_of("resident").get("/control/warnings/").content.decode()


def test_a_scenario_is_adopted_as_drafts_that_add_up(own):
    Budget(
        scope_kind="zone", scope="east", budget_measure="energy", year=2022, budget=77, reason="decided", decision="in_force"
    ).save()
    browser = browser_of("officer")
    sent = {"of": "2022-energy", "kind": "building", "rule": "floor_area", "reason": "by the council"}
    assert "2 drafts kept" in browser.post("/control/allocation/", sent, follow=True).content.decode()
    drafts = list(Budget.objects.filter(scope_kind="building"))
    assert sum(each.budget for each in drafts) == 5000 and {each.decision for each in drafts} == {"draft"}
    assert (
        "1 drafts kept; 1 budgets"
        in browser.post("/control/allocation/", sent | {"kind": "zone"}, follow=True).content.decode()
    )
    assert Budget.objects.get(scope="east").budget == 77
    brought(own)
    held = own.city.figures.rows("control.budget_in_force", where={"scope": "b1"})
    assert held[0]["budget"] == 1000  # drafts bind nobody
    assert len(entries()) == 4 and all(entry.action == "record-made" for entry in entries())
    for wrong in ({"rule": "lottery"}, {"of": "２０２２-energy"}, {"reason": ""}, {"kind": "galaxy"}):
        assert "Choose a scenario" in browser.post("/control/allocation/", sent | wrong, follow=True).content.decode()


def test_a_budget_of_a_year_is_there_once(district):
    told = {"scope_kind": "zone", "scope": "east", "budget_measure": "energy", "year": 2022, "budget": 1, "reason": "r"}
    Budget(**told).save()
    with pytest.raises(ValidationError):
        Budget(**told).save()
