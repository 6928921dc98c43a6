"""Indicators in the cockpit: every page in both languages, and who may enter, propose, comment and decide."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.template import base
from django.test import Client

from scicity.cockpit import city as cities
from scicity.cockpit import roles
from scicity.cockpit.models import AuditEntry, Person
from scicity.domains.indicators import models, reminders
from scicity.domains.indicators.golden.small_district import Small, declare
from scicity.domains.indicators.golden.test_editions import FILES
from scicity.kernel.computing import Computing
from scicity.kernel.district import District
from scicity.kernel.lineage import Figures
from scicity.kernel.problems import Problems
from scicity.records.publishing import publish

pytestmark = pytest.mark.django_db
PAGES = [
    "/indicators/",
    "/indicators/?framework=plan&zone=east",
    "/indicators/of/incubators/",
    "/indicators/of/incubators/?zone=east",
    "/indicators/of/intensity/",
    "/indicators/editions/",
    "/indicators/editions/?from=plan/2019&to=next/2030&day=2020-01-01",
    "/indicators/revisions/",
    "/indicators/duties/",
    "/indicators/duties/?state=all",
    "/indicators/conformity/",
    "/indicators/conformity/?standard=iso37108",
]
ENTERED = {
    "act": "enter",
    "indicator": "incubators",
    "duty_period": "2024",
    "value": "410,000",
    "document": "letter 7",
    "reason": "",
}
PROPOSED = {"proposal_title": "Lower", "framework": "plan", "edition": "2019-1", "document": "minute 3"}


class Served:
    """The small district of the golden cases, served, with its records published on demand."""

    def __init__(self, folder: Path) -> None:
        self.small = Small(folder, FILES)
        self.small.load()
        self.district = District.open(self.small.folder, Problems())
        self.computing = Computing(self.small.lake, self.small.catalog, self.district.calendar)
        self.figures = Figures(self.computing)

    def serve(self) -> Served:
        """Serves it in place of the little city."""
        cities.use(cities.OpenCity(self.district, self.figures, settings.PLACE))
        roles.prepare()
        return self

    def publish(self) -> list[str]:
        changed = publish(self.computing)
        self.computing.bring_up_to_date()
        return changed


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory):
    """A district into which no test publishes."""
    with pytest.MonkeyPatch.context() as patch:
        declare(patch)
        yield Served(tmp_path_factory.mktemp("indicators"))


@pytest.fixture
def served(unchanged, city):
    """The small district, served."""
    return unchanged.serve()


@pytest.fixture
def own(city, tmp_path, monkeypatch):
    """Another one, into which a test publishes."""
    declare(monkeypatch)
    return Served(tmp_path).serve()


def somebody(name: str, *groups: str) -> Client:
    person = Person.objects.create_user(name, password="long-enough-for-a-test")
    person.groups.set(Group.objects.filter(name__in=groups))
    client = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")
    client.force_login(person)
    return client


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers_and_prints_figures_alone(served, path, language, monkeypatch):
    kept = base.render_value_in_context

    def strict(value, context):
        assert not isinstance(value, (int, float, Decimal)) or isinstance(value, bool), f"{path} prints {value!r} bare"
        return kept(value, context)

    monkeypatch.setattr(base, "render_value_in_context", strict)
    stranger = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE=language)
    officer = somebody("officer", "officer")
    for client in (stranger, officer):
        answer = client.get(path, HTTP_ACCEPT_LANGUAGE=language)
        assert answer.status_code == 200
        assert "KeyError" not in answer.content.decode()


@pytest.mark.parametrize("path", ["", "editions/", "revisions/", "duties/", "conformity/"])
def test_a_district_without_frameworks_has_empty_pages(city, path):
    answer = Client(SERVER_NAME="localhost").get(f"/indicators/{path}")
    assert answer.status_code == 200
    assert 'class="empty"' in answer.content.decode() or path == "conformity/"


def test_an_unknown_indicator_is_not_found(served):
    assert Client(SERVER_NAME="localhost").get("/indicators/of/nothing/").status_code == 404
    assert Client(SERVER_NAME="localhost").get("/indicators/revisions/7/").status_code == 404


def test_the_board_tells_verdicts_and_a_template(served):
    page = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en").get("/indicators/?zone=east").content.decode()
    assert "methods agree" in page
    assert "StatCan: achieved" in page
    one = (
        Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en").get("/indicators/of/incubators/?zone=east").content.decode()
    )
    assert "meets 400000" in one  # the arithmetic
    assert "document not seen" in one


def test_a_data_owner_enters_values_of_his_own_body_alone(own):
    owner = somebody("owner", "data-owner")
    assert owner.post("/indicators/duties/", ENTERED).status_code == 403  # for no body yet
    keeper = somebody("keeper", "officer")
    kept = keeper.post("/indicators/duties/", {"act": "hold", "who": "owner", "responsible_zh": "科委"})
    assert kept.status_code == 302
    assert owner.post("/indicators/duties/", ENTERED).status_code == 302
    assert owner.post("/indicators/duties/", ENTERED | {"indicator": "intensity"}).status_code == 422  # nobody's
    record = models.ManualValue.objects.get()
    assert (record.value, record.year, record.who, record.responsible_zh) == (410_000.0, 2024, "owner", "科委")
    assert own.publish() == ["indicators.manual_value"]
    page = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en").get("/indicators/of/incubators/").content.decode()
    assert "badge-manual" in page
    assert "letter 7" in page
    assert "delivered" in page


def test_a_value_of_a_zone_is_kept_beside_that_of_the_whole(served):
    officer = somebody("officer", "officer")
    for zone in ("", "east"):
        assert officer.post("/indicators/duties/", ENTERED | {"zone": zone}).status_code == 302
    assert set(models.ManualValue.objects.values_list("zone", "value")) == {("district", 410_000.0), ("east", 410_000.0)}
    assert '<option value="east" selected>' in officer.get("/indicators/duties/?zone=east").content.decode()


def test_whoever_enters_for_a_body_is_reminded_before_the_day(served):
    somebody("owner", "data-owner"), somebody("other", "data-owner")
    models.DutyHolder(who="owner", responsible_zh="科委").save()
    models.DutyHolder(who="nobody", responsible_zh="科委").save()
    city = cities.open_city(settings.PLACE)
    day = date(2025, 3, 31)  # ninety days behind 2024
    assert list(reminders.due(city, date(2025, 4, 1), date(2025, 4, 4))) == []
    assert list(reminders.due(city, date(2025, 3, 20), date(2025, 3, 30))) == []
    (told,) = reminders.due(city, date(2025, 3, 28), day)
    assert [person.username for person in told.people] == ["owner"] and told.about == "/indicators/duties/"
    assert "科委：1 项指标值应于2025年3月31日前报送\n孵化平台面积（2024）" in told.text_zh
    assert "Science office: 1 value of an indicator is due on 2025-03-31\nIncubators (2024)" in told.text_en


def test_a_value_is_changed_with_a_reason_and_stands_in_the_audit_trail(served):
    officer = somebody("officer", "officer")
    assert officer.post("/indicators/duties/", ENTERED).status_code == 302
    refused = officer.post("/indicators/duties/", ENTERED | {"value": "420000"})
    assert refused.status_code == 422
    assert "a change needs its reason" in refused.content.decode()
    assert officer.post("/indicators/duties/", ENTERED | {"value": "420000", "reason": "misread"}).status_code == 302
    entry = AuditEntry.objects.filter(action="record-changed").latest("pk")
    assert (entry.who_name, entry.before["value"], entry.after["value"]) == ("officer", 410_000.0, 420_000.0)
    assert entry.after["because"] == "misread"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("duty_period", "2024-Q5"),
        ("duty_period", "<b>"),
        ("value", "many"),
        ("value", "inf"),
        ("document", ""),
        ("indicator", "x"),
        ("zone", "nowhere"),
    ],
)
def test_a_value_that_cannot_be_is_refused_and_nothing_is_kept(served, field, value):
    officer = somebody("officer", "officer")
    answer = officer.post("/indicators/duties/", ENTERED | {field: value})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not models.ManualValue.objects.exists()


@pytest.mark.parametrize("role", ["resident", "expert", "leader", "applicant"])
def test_others_enter_nothing(served, role):
    client = somebody("other", role)
    for path, told in (("duties/", ENTERED), ("duties/", {"act": "hold"}), ("revisions/", PROPOSED), ("conformity/", {})):
        assert client.post(f"/indicators/{path}", told).status_code == 403


def test_a_revision_goes_from_officer_to_authority(own):
    officer, authority = somebody("officer", "officer"), somebody("authority", "authority")
    assert authority.post("/indicators/revisions/", PROPOSED).status_code == 403
    answer = officer.post("/indicators/revisions/", PROPOSED)
    record = models.Revision.objects.get()
    place = f"/indicators/revisions/{record.pk}/"
    assert answer["Location"] == place
    item = {"act": "ask", "indicator": "intensity", "revision_change": "target", "year": "2030", "value": "4"}
    assert officer.post(place, item).status_code == 302
    assert officer.post(place, item | {"value": "x", "year": "2031"}).status_code == 422
    adopted = {"act": "step", "stage": "adopted", "decided_on": "2022-03-01", "effective_on": "2022-04-01", "reason": "as said"}
    assert officer.post(place, adopted).status_code == 403
    assert authority.post(place, adopted).status_code == 422  # nobody was asked yet
    asked = {"act": "step", "stage": "consulted", "consulted_from": "2022-01-01", "consulted_to": "2022-02-01"}
    assert officer.post(place, asked).status_code == 302
    assert authority.post(place, adopted | {"reason": ""}).status_code == 422
    assert authority.post(place, adopted).status_code == 302
    own.publish()
    rows = own.figures.rows("indicators.edition_target", where={"edition": "2019-1", "indicator": "intensity"})
    assert [(row["value"], row["edition_change"]) for row in rows] == [(4.0, "changed")]
    page = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en").get("/indicators/editions/?from=plan/2019&to=plan/2019-1")
    assert "changed" in page.content.decode()
    entry = AuditEntry.objects.filter(action="record-changed").latest("pk")
    assert (entry.who_name, entry.after["revision_stage"], entry.after["because"]) == ("authority", "adopted", "as said")
    assert officer.post(place, item | {"year": "2032"}).status_code == 422  # decided: never changed
    assert authority.post(place, adopted | {"stage": "rejected"}).status_code == 422
    with pytest.raises(ValueError, match="never deleted"):
        record.delete()


def test_comments_are_for_staff_unless_they_are_open(served):
    officer, resident = somebody("officer", "officer"), somebody("resident", "resident")
    officer.post("/indicators/revisions/", PROPOSED)
    place = f"/indicators/revisions/{models.Revision.objects.get().pk}/"
    assert resident.post(place, {"act": "comment", "words": "too low for us"}).status_code == 302
    assert resident.post(place, {"act": "comment", "words": "raise it, please", "open": "yes"}).status_code == 302
    assert resident.post(place, {"act": "comment", "words": " "}).status_code == 422
    stranger = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")
    assert stranger.post(place, {"act": "comment", "words": "x"}).status_code == 403
    for client, seen in ((stranger, False), (resident, False), (officer, True)):
        page = client.get(place).content.decode()
        assert ("too low for us" in page) == seen
        assert "raise it, please" in page
    comment = models.RevisionComment.objects.first()
    with pytest.raises(ValueError, match="never changed"):
        comment.save()


def test_a_maturity_stands_in_its_cell(own):
    officer = somebody("officer", "officer")
    cell = {"crosswalk_scheme": "iso37101", "iso37101_purpose": "attractiveness", "assessed_on": "2026-01-10"}
    told = cell | {"iso37101_issue": "innovation_creativity_and_research", "maturity": "3", "maturity_words": "a plan is kept"}
    assert officer.post("/indicators/conformity/", told | {"maturity": "6"}).status_code == 422
    assert officer.post("/indicators/conformity/", told).status_code == 302
    own.publish()
    page = officer.get("/indicators/conformity/").content.decode()
    assert "a plan is kept" in page
    assert "a plan is kept" not in officer.get("/indicators/conformity/?standard=iso37108").content.decode()


def test_a_revision_cannot_skip_its_way(served):
    record = models.Revision(**PROPOSED, revision_stage="adopted")
    with pytest.raises(ValidationError):
        record.save()
