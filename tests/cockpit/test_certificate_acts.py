"""An act on certificates: entered on the page by who may, in the audit trail, and in the ledger with those of the register."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client

from scicity.cockpit import city as cities
from scicity.cockpit import roles
from scicity.cockpit.models import AuditEntry, Person
from scicity.domains.carbon.golden.test_green import ACT, INSTALLED, MEMBERS, METERS, WIND, made
from scicity.domains.carbon.models import CertificateAct
from scicity.domains.carbon.pages import entering
from scicity.kernel.calendar import Calendar
from scicity.records.publishing import rows_of

pytestmark = pytest.mark.django_db
BOUGHT = {"certificate": "w", "action": "bought", "event_on": "2023-06-01", "enterprise": "a", "certificate_volume": "3000"}
USED = BOUGHT | {"action": "cancelled", "event_on": "2024-02-01", "certificate_volume": "500", "used_period": "2023"}


class Registers:
    """The rows that a form asks for."""

    district = SimpleNamespace(calendar=Calendar("Asia/Shanghai"))

    def rows(self, table, columns=(), where=None):
        """Two enterprises and one lot."""
        known = {"carbon.certificate": ["w"], "buildings.enterprise": ["a", "b"]}[table]
        return [{columns[0]: name} for name in known if not where or name in where.values()]


def asked(told, may=True):
    user = SimpleNamespace(has_perm=lambda right: may and right == "carbon.add_certificateact")
    return SimpleNamespace(user=user, city=Registers(), POST=told, method="POST")


def test_an_act_is_kept_with_its_audit_and_counts_in_the_ledger(tmp_path):
    for told in (BOUGHT, USED, USED | {"certificate_volume": "2600"}, USED | {"used_period": "2023-01-01T06"}):
        assert entering.enter(asked(told | {"source": "statement 7"})) == []
    assert [act.used_hour and act.used_hour.isoformat() for act in CertificateAct.objects.order_by("pk")][-1] is not None
    assert AuditEntry.objects.filter(subject__icontains="certificateact").count() >= 4
    district = made(tmp_path, [])
    district.city.computing.put(
        district.city.catalog["carbon.certificate_act"],
        rows_of(district.city.catalog["carbon.certificate_act"], CertificateAct),
    )
    district.compute()
    found = [(row["verdict"], row["refusal"]) for row in district.rows("certificate_ledger")]
    assert found == [("accepted", None), ("accepted", None), ("refused", "used_already"), ("refused", "other_hour")]
    assert district.rows("market_based_yearly", enterprise="a")[0]["covered_energy"] == 500


def test_an_act_on_certificates_that_nobody_registered_is_told_in_the_ledger(tmp_path):
    act = CertificateAct(
        certificate="none",
        action="bought",
        event_on=date(2023, 6, 1),
        enterprise="a",
        certificate_volume=Decimal(1),
        source="s",
    )
    act.save()
    district = made(tmp_path, [ACT | {"event": "1", "action": "bought", "certificate_volume": "1000"}])
    table = district.city.catalog["carbon.certificate_act"]
    district.city.computing.put(table, rows_of(table, CertificateAct))
    district.compute()
    assert {row["certificate"]: row["refusal"] for row in district.rows("certificate_ledger")} == {
        "w": None,
        "none": "unknown_certificate",
    }


WRONG = {
    "a use without its period": {"action": "cancelled"},
    "a period that is none": {"action": "cancelled", "used_period": "2023-13"},
    "a purchase with a period": {"used_period": "2023"},
    "a transfer to nobody": {"action": "transferred"},
    "a transfer to oneself": {"action": "transferred", "recipient": "a"},
    "a purchase with a recipient": {"recipient": "b"},
    "nothing at all": {"certificate_volume": "0"},
    "no number": {"certificate_volume": "many"},
    "a day that is none": {"event_on": "2023-02-30"},
    "an hour that is none": {"action": "cancelled", "used_period": "2023-02-30T07"},
    "an unknown enterprise": {"enterprise": "x"},
    "an unknown lot": {"certificate": "<script>"},
    "an unknown action": {"action": "eaten"},
    "no evidence": {"source": ""},
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_not_kept(name):
    assert entering.enter(asked(BOUGHT | {"source": "s"} | WRONG[name]))
    assert not CertificateAct.objects.exists()


def test_who_may_not_enter_sees_no_form_and_enters_nothing():
    with pytest.raises(PermissionDenied):
        entering.enter(asked(BOUGHT, may=False))
    assert entering.form(asked(BOUGHT, may=False)) is None
    stranger = Client(SERVER_NAME="localhost")
    page = stranger.get("/carbon/certificates/")
    assert page.status_code == 200
    assert "csrfmiddlewaretoken" not in page.content.decode().partition("<main")[2]
    assert stranger.post("/carbon/certificates/", BOUGHT).status_code == 403


def test_officers_may_and_leaders_may_look():
    roles.prepare()
    for role, may in (("officer", True), ("leader", False), ("enterprise", False)):
        person = Person.objects.create_user(role, password="a long enough one 7")
        person.groups.set(roles.Group.objects.filter(name=role))
        person = Person.objects.get(pk=person.pk)
        assert person.has_perm("carbon.add_certificateact") is may, role


def test_a_record_is_checked_whoever_keeps_it():
    with pytest.raises(ValidationError):
        CertificateAct(certificate="w", action="cancelled", event_on=date(2023, 1, 1), enterprise="a", source="s").save()


def test_an_enterprise_sees_its_own_acts_alone_and_strangers_none(tmp_path):
    lots = [WIND | {"certificate": "lot-of-a"}, WIND | {"certificate": "lot-of-b", "serial_from": "9", "serial_to": "9"}]
    acts = [
        ACT
        | {"event": each, "certificate": f"lot-of-{each}", "enterprise": each, "action": "bought", "certificate_volume": "1000"}
        for each in "ab"
    ]
    members = {"energy__meter": METERS, "energy__installation": INSTALLED, "energy__membership": MEMBERS}
    district = made(tmp_path, acts, lots=lots, **members)
    cities.use(cities.OpenCity(district.city.district, district.city.figures, settings.PLACE))
    roles.prepare()
    person = Person.objects.create_user("somebody", password="a long enough one 7")
    person.enterprise = "a"
    person.save()
    person.groups.set(roles.Group.objects.filter(name="enterprise"))
    stranger, own = Client(SERVER_NAME="localhost"), Client(SERVER_NAME="localhost")
    own.force_login(person)
    for browser, seen in ((stranger, []), (own, ["lot-of-a"])):
        text = browser.get("/carbon/certificates/?year=2023").content.decode()
        assert [name for name in ("lot-of-a", "lot-of-b") if name in text] == seen
    assert stranger.get("/carbon/enterprises/a/").status_code == 404
    assert (own.get("/carbon/enterprises/a/").status_code, own.get("/carbon/enterprises/b/").status_code) == (200, 404)
