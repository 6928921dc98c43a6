"""Virtual meters entered on a page: by whom, over which meters, and what becomes of them when the registers change."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.test import Client

from scicity.city import City
from scicity.cockpit import city as cities
from scicity.cockpit import roles
from scicity.cockpit.models import AuditEntry, Person
from scicity.domains.energy.models import VirtualMeter
from scicity.records.publishing import publish

pytestmark = [pytest.mark.django_db]
DEMO = Path(__file__).parents[2] / "districts" / "demo"
NEW = "/energy/virtual/new/"
OWN, METER = "datahost", "office-servers"  # the server room of the office, the tenant's from 1 December 2022 on
SENT = {
    **{"meter": "half-servers", "name_zh": "机房之半", "name_en": "Half of the servers", "carrier": "electricity"},
    **{"meter_formula": f"{METER} * 0.5", "valid_from": "2022-12-01", "valid_to": "2023-01-01", "reason": "to share the bill"},
}


@pytest.fixture
def demo(shipped: Callable[[str], City], tmp_path: Path) -> City:
    """One's own copy of the demo district, served."""
    found = City(Path(shutil.copytree(DEMO, tmp_path / "demo")), tmp_path / "state")
    shutil.copytree(shipped("demo").state, found.state)
    served = cities.OpenCity(found.district, found.figures, settings.PLACE)
    served.district.settings["public"] = {"enterprises": False}
    cities.use(served)
    return found


def browser(role: str, enterprise: str = "") -> Client:
    roles.prepare()
    client = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")
    person = Person.objects.create_user(f"{role}-{enterprise}", password="a long password", enterprise=enterprise)
    person.groups.add(Group.objects.get(name=role))
    client.force_login(person)
    return client


def computed(city: City) -> None:
    with city.figures.lake.alone():
        publish(city.computing)
    city.compute()


def energy(city: City, table: str, **where: Any) -> Decimal:
    return sum((row["energy"] or Decimal(0) for row in city.figures.rows(table, where=where)), Decimal(0))


def test_what_is_entered_is_computed_shown_opened_and_taken_away_again(demo: City) -> None:
    officer = browser("officer")
    assert officer.post(NEW, SENT).status_code == 302
    assert "computed within seconds" in officer.get("/energy/virtual/").content.decode()
    computed(demo)
    rows = demo.figures.rows("energy.meter_hourly", where={"meter": METER})
    hours = [row for row in rows if f"{row['day']:%Y-%m}" == "2022-12"]
    whole = sum((row["energy"] for row in hours if row["energy"] is not None), Decimal(0))
    half = energy(demo, "energy.virtual_monthly", meter="half-servers")
    assert half > 0
    assert abs(half * 2 - whole) <= Decimal("0.001") * len(hours)
    assert "half-servers" in officer.get("/energy/virtual/").content.decode()
    assert "entered by hand" in officer.get("/energy/meters/half-servers/").content.decode()
    record = VirtualMeter.objects.get()
    assert officer.post(f"/energy/virtual/{record.pk}/", {"delete": "yes", "reason": "not needed"}).status_code == 302
    computed(demo)
    assert not demo.figures.rows("energy.virtual_monthly", where={"meter": "half-servers"})
    acts = [entry.action for entry in AuditEntry.objects.filter(subject__contains="VirtualMeter") if entry.who_name]
    assert sorted(acts) == ["record-deleted", "record-made"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"meter_formula": "__import__('os').system('id')"}, "at character"),
        ({"meter_formula": "(" * 1500}, "at character"),
        ({"meter_formula": "1e999999 * lab-main"}, "at character"),
        ({"meter_formula": "a" * 5_000}, "at character"),
        ({"meter_formula": "lab-main * office-main"}, "expected"),
        ({"meter_formula": "no-such - lab-main"}, "no such meter"),
        ({"meter_formula": "half-servers * 2"}, "leads back to itself"),
        ({"meter": "lab-main"}, "the registers have a meter of this name"),
        ({"meter": "dorm-rest"}, "the registers have a meter of this name"),
        ({"meter": "a/b"}, "letters, digits"),
        ({"meter": "x\n"}, "letters, digits") if False else ({"meter": ""}, "blank"),
        ({"carrier": "steam"}, "steam"),
        ({"valid_from": "yesterday"}, "a date"),
        ({"valid_to": "2022-11-01"}, "behind the beginning"),
        ({"building": "tower"}, "not in the registers"),
        ({"enterprise": "nobody"}, "not in the registers"),
        ({"reason": ""}, "needed"),
        ({"name_zh": "x" * 300}, "at most 200"),
    ],
)
def test_what_cannot_hold_is_refused_with_what_was_expected(demo: City, changed: dict[str, str], told: str) -> None:
    answer = browser("officer").post(NEW, SENT | changed)
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not VirtualMeter.objects.exists()


def test_an_enterprise_enters_over_its_own_meters_alone_and_learns_of_no_others(demo: City) -> None:
    tenant = browser("enterprise", OWN)
    assert tenant.post(NEW, SENT).status_code == 302
    assert VirtualMeter.objects.get().enterprise == OWN
    other = SENT | {"meter": "w", "enterprise": ""}
    known, unknown = (tenant.post(NEW, other | {"meter_formula": f"{name} * 1"}) for name in ("lab-main", "no-such"))
    for answer, name in ((known, "lab-main"), (unknown, "no-such")):
        assert answer.status_code == 422
        assert f"{name}: 不是本企业在整个时段内的表" in answer.content.decode()
    early = tenant.post(NEW, other | {"valid_from": "2022-11-01"})  # then the meter was not theirs yet
    assert early.status_code == 422
    assert tenant.post(NEW, other | {"enterprise": "clinic"}).status_code == 302  # kept for themselves, whatever is sent
    assert set(VirtualMeter.objects.values_list("enterprise", flat=True)) == {OWN}


def test_an_enterprise_neither_sees_nor_changes_what_others_entered(demo: City) -> None:
    browser("officer").post(NEW, SENT | {"meter_formula": "lab-main * 0.5"})
    record = VirtualMeter.objects.get()
    tenant = browser("enterprise", OWN)
    assert "half-servers" not in tenant.get("/energy/virtual/").content.decode()
    assert tenant.get(f"/energy/virtual/{record.pk}/").status_code == 404
    assert tenant.post(f"/energy/virtual/{record.pk}/", SENT).status_code == 404
    assert VirtualMeter.objects.get().meter_formula == "lab-main * 0.5"


@pytest.mark.parametrize(("role", "enterprise"), [("resident", ""), ("leader", ""), ("enterprise", "")])
def test_others_enter_nothing(demo: City, role: str, enterprise: str) -> None:
    assert browser(role, enterprise).post(NEW, SENT).status_code == 403
    assert Client(SERVER_NAME="localhost").post(NEW, SENT).status_code in (302, 403)
    assert not VirtualMeter.objects.exists()


def test_when_the_meter_is_another_tenants_the_formula_no_longer_holds(demo: City) -> None:
    tenant = browser("enterprise", OWN)
    assert tenant.post(NEW, SENT).status_code == 302
    assert tenant.post(NEW, SENT | {"meter": "quarter", "meter_formula": "half-servers * 0.5"}).status_code == 302
    computed(demo)
    assert energy(demo, "energy.virtual_monthly", meter="quarter") > 0
    register = demo.district.folder / "registers" / "memberships.csv"
    text = register.read_text(encoding="utf-8")
    register.write_text(text.replace(f"{METER},{OWN}", f"{METER},{other_tenant(text)}"), encoding="utf-8")
    formulas = register.with_name("virtual_meters.csv")
    kept = [line for line in formulas.read_text(encoding="utf-8").splitlines() if f",{OWN}," not in line]
    formulas.write_text("\n".join(kept) + "\n", encoding="utf-8")
    demo.load()
    demo.compute()
    for meter in ("half-servers", "quarter"):
        assert not demo.figures.rows("energy.virtual_monthly", where={"meter": meter})
    assert "not a meter of yours" in tenant.get("/energy/virtual/").content.decode()


def other_tenant(text: str) -> str:
    return next(line.split(",")[1] for line in text.splitlines()[1:] if line.split(",")[1] != OWN)


def test_times_of_one_meter_do_not_overlap(demo: City) -> None:
    officer = browser("officer")
    assert officer.post(NEW, SENT).status_code == 302
    assert officer.post(NEW, SENT | {"valid_from": "2022-12-15", "valid_to": ""}).status_code == 422
    later = SENT | {"valid_from": "2023-01-01", "valid_to": "", "meter_formula": f"{METER} * 0.25"}
    assert officer.post(NEW, later).status_code == 302
    record = VirtualMeter.objects.latest("valid_from")
    record.enterprise = OWN
    with pytest.raises(ValidationError, match="taken"):
        record.save()
