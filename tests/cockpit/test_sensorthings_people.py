"""SensorThings and people: what each role sees of held readings, and how an administrator deletes what a device left behind."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from scicity.access.inbox import LIVE, Held
from scicity.cockpit import city as cities
from scicity.cockpit import devices, roles
from scicity.cockpit.models import AuditEntry, Device, Person
from scicity.cockpit.sensorthings.models import Described

from sta import THING, Service, stream  # isort: skip  (put there by conftest)

pytestmark = pytest.mark.django_db
STREAM = "Datastreams('new-warmth')/Observations"


def signed_in(name, role=""):
    """Somebody with an account, at the service."""
    browser = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")
    person = Person.objects.create_user(name, password="a-long-enough-secret")
    if role:
        person.groups.add(Group.objects.get(name=role))
    browser.force_login(person)
    return Service(browser=browser)


def test_held_readings_are_for_the_keepers_and_for_their_sender(service, waiting):
    roles.prepare()
    now = datetime.now(UTC).replace(microsecond=0)
    service.make("Datastreams", stream(Observations=[{"phenomenonTime": now.isoformat(), "result": 5}]))
    resident, officer = signed_in("resident", "resident"), signed_in("officer", "data-officer")
    assert [who.results(STREAM) for who in (resident, officer, service)] == [[5], [5], [5]], "what waits is on its way"
    (each,) = waiting.waiting(10, LIVE)
    waiting.hold([Held(each.sequence, "", now, "datastream", "new-warmth", "new-warmth", "a known one", each.batch.rows)])
    waiting.moved([each.sequence])
    assert [who.results(STREAM) for who in (resident, officer, service)] == [[], [5], [5]]
    assert "phenomenonTime" not in resident.get("Datastreams('new-warmth')")
    assert service.ask("POST", STREAM, {"phenomenonTime": now.isoformat(), "result": 6}).status_code == 409, (
        "it is kept, and seen"
    )


def test_where_data_are_not_public_a_device_reads_its_own_observations_alone(city, service):
    closed = {**city.district.settings, "public": {"pages": ["overview"]}}
    cities.use(dataclasses.replace(city, district=dataclasses.replace(city.district, settings=closed)))
    other = "Datastreams('表二')/Observations"
    assert len(service.results("Datastreams('m/1')/Observations")) == 100 and service.results(other) == []
    assert {each.partition("@")[0] for each in service.ids("Observations", orderby="result desc")} == {"m/1"}
    service.refused("GET", "Observations('表二@2021-05-01T01:00:00Z')", 404)
    for told in service.get("Datastreams", expand="Observations($top=1;$count=true)")["value"]:
        own = told["@iot.id"] == "m/1"
        assert (bool(told["Observations"]), "phenomenonTime" in told, told["Observations@iot.count"]) == (own, own, 960 * own)
    assert len(signed_in("reader").results(other)) == 100, "people who have signed in read all, as on the pages"
    Service().refused("GET", "Things", 401)


def test_a_one_time_password_reads_nothing(waiting):
    person = signed_in("fresh")
    Person.objects.filter(username="fresh").update(must_change_password=True)
    assert person.ask("GET", "Things").status_code == 302


def test_an_administrator_deletes_what_a_device_left_behind(service):
    stays = service.make("Things", {**THING, "name": "stays"})
    thing = service.make("Things", {**THING, "Datastreams": [{n: v for n, v in stream().items() if n != "Thing"}]})
    devices.revoke(Device.objects.get(name="roof-gateway"))
    browser = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")
    browser.force_login(Person.objects.create_superuser("chief", password="a-long-enough-secret"))
    page = browser.get("/admin/sensorthings/described/").content.decode()
    assert "new-warmth" in page and "roof-gateway" in page
    chosen = [each.pk for each in Described.objects.filter(key__in=(thing, "new-warmth"))]
    told = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
    assert browser.post("/admin/sensorthings/described/", told).status_code == 302
    reader = Service(browser=browser)
    reader.refused("GET", f"Things('{thing}')", 404)
    reader.refused("GET", "Datastreams('new-warmth')", 404)
    assert stays in reader.ids("Things")
    deleted = AuditEntry.objects.filter(action="sensorthings-deleted")
    assert {(each.who_name, each.after["device"]) for each in deleted} == {("chief", "roof-gateway")} and deleted.count() == 2


def test_what_needs_an_entity_goes_with_it_whose_ever_it_is(service):
    thing = service.make("Things", THING)
    Service(devices.make("other", ["*"])).make("Datastreams", stream(**{"@iot.id": "others", "Thing": {"@iot.id": thing}}))
    browser = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")
    browser.force_login(Person.objects.create_superuser("chief", password="a-long-enough-secret"))
    record = Described.objects.get(kind="Things", key=thing)
    assert browser.post(f"/admin/sensorthings/described/{record.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Described.objects.filter(kind__in=("Things", "Datastreams"), key__in=(thing, "others")).exists()
    devices_told = {each.after["device"] for each in AuditEntry.objects.filter(action="sensorthings-deleted")}
    assert devices_told == {"roof-gateway", "other"}
