"""The annual report on the web: files, the template that is edited, closing, and what changed since."""

from __future__ import annotations

import dataclasses
import io
import shutil
from pathlib import Path

import openpyxl
import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client

from scicity.city import City
from scicity.cockpit import city as cities
from scicity.cockpit import roles
from scicity.cockpit.annual import closing, jobs
from scicity.cockpit.annual.models import ReportClosing, ReportContent, ReportTemplate
from scicity.cockpit.models import AuditEntry, Person

pytestmark = pytest.mark.django_db
DEMO = Path(__file__).parents[2] / "districts" / "demo"
LATE = DEMO / "late" / "dorm-main-2023-01-11.csv"
PASSWORD = "a long password of a person"
EDIT = "/reports/annual/template/en/"


@pytest.fixture(scope="module")
def made(shipped):
    return shipped("demo")


def opened(city):
    return cities.OpenCity(city.district, city.figures, settings.PLACE)


@pytest.fixture
def client(made):
    jobs.forget()
    cities.use(opened(made))
    return Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")


def person(role, name="somebody"):
    roles.prepare()
    found = Person.objects.create_user(name, password=PASSWORD)
    found.groups.add(Group.objects.get(name=role))
    return found


def test_the_years_have_their_files(client):
    page = client.get("/reports/annual/").content.decode()
    for name in ("zh.pdf", "zh.docx", "zh.xlsx", "en.pdf", "en.docx", "en.xlsx"):
        assert f"/reports/annual/2022/{name}" in page
    assert 'href="/reports/annual/"' in client.get("/reports/").content.decode()


@pytest.mark.parametrize(("form", "begin"), [("pdf", b"%PDF-"), ("docx", b"PK"), ("xlsx", b"PK")])
def test_a_file_is_what_it_says_and_the_same_each_time(client, form, begin):
    first = client.get(f"/reports/annual/2022/en.{form}")
    assert first.status_code == 200 and first.content.startswith(begin)
    assert first["Content-Disposition"] == f'attachment; filename="demo-annual-2022-en.{form}"'
    jobs.forget()
    assert client.get(f"/reports/annual/2022/en.{form}").content == first.content


def test_a_browser_sees_how_far_a_file_is(client, monkeypatch):
    monkeypatch.setattr(jobs, "PATIENCE", 0.0)
    with jobs._one_by_one:
        waiting = client.get("/reports/annual/2022/en.pdf", HTTP_ACCEPT="text/html")
        assert waiting.status_code == 202 and waiting["Refresh"] == "1" and b"<progress" in waiting.content
    done = client.get("/reports/annual/2022/en.pdf", HTTP_ACCEPT="*/*")
    assert done.status_code == 200 and done.content.startswith(b"%PDF-")
    again = client.get("/reports/annual/2022/en.pdf", HTTP_ACCEPT="text/html")
    assert again.content == done.content


@pytest.mark.parametrize("path", ["1999/", "1999/en.pdf", "2022/fr.pdf", "2022/en.doc", "template/fr/"])
def test_what_is_not_there_is_not_found(client, path):
    client.force_login(person("officer"))
    assert client.get(f"/reports/annual/{path}").status_code == 404


def test_the_page_of_a_year_shows_figures_that_open(client):
    page = client.get("/reports/annual/2022/?language=en").content.decode()
    assert 'data-figure="indicators.status.value/' in page
    assert 'data-figure="energy.zone_yearly.energy/zone=district/carrier=electricity/year=2022"' in page
    assert "Indicators" in page and "By carrier" in page


def test_the_office_edits_a_copy_with_versions_and_an_audit_trail(client):
    officer = person("officer")
    client.force_login(officer)
    assert "comes with the program" in client.get(EDIT).content.decode()
    text = "# Ours\n\nEnergy: {{ cell energy.zone_yearly.energy carrier=electricity }}"
    preview = client.post(EDIT, {"text": text, "act": "preview", "year": "2022"})
    assert preview.status_code == 200 and "No faults" in preview.content.decode()
    assert 'data-figure="energy.zone_yearly.energy/zone=district/carrier=electricity/year=2022"' in preview.content.decode()
    assert not ReportTemplate.objects.exists()
    assert client.post(EDIT, {"text": text, "act": "draft", "words": "shorter"}).status_code == 302
    assert "Ours" not in client.get("/reports/annual/2022/?language=en").content.decode()  # a draft makes no report
    assert client.post(EDIT, {"text": text, "act": "in_force", "words": "shorter"}).status_code == 302
    assert "Ours" in client.get("/reports/annual/2022/?language=en").content.decode()
    assert list(ReportTemplate.objects.filter(language="en").values_list("number", "decision", "who")) == [
        (2, "in_force", "somebody"),
        (1, "draft", "somebody"),
    ]
    kept = AuditEntry.objects.filter(action="record-made", subject__contains="ReportTemplate").first()
    assert kept.who == officer and kept.after["because"] == "shorter" and kept.after["text"] == text
    assert "shorter" in client.get(EDIT).content.decode()
    assert text in client.get(f"{EDIT}?version=1").content.decode()
    with pytest.raises(ValueError, match="written once"):
        ReportTemplate.objects.first().save()


def test_faults_are_told_with_line_and_remedy_and_nothing_is_kept(client):
    client.force_login(person("officer"))
    text = "# A\n\n{{ valu pm25 }}\n\n{{ section energy-carrier }}\n\n{{ if closed }}\n"
    answer = client.post(EDIT, {"text": text, "act": "in_force", "words": "w"})
    page = answer.content.decode()
    assert answer.status_code == 422 and "Faults: 3" in page and not ReportTemplate.objects.exists()
    assert "Is value meant?" in page and "Is energy-carriers or" in page and "an {{ end }} below it" in page
    for line in ("3", "5", "7"):
        assert f'class="number">{line}</th>' in page


@pytest.mark.parametrize("role", ["resident", "leader", "applicant"])
def test_who_has_no_right_edits_nothing(client, role):
    client.force_login(person(role))
    assert client.post(EDIT, {"text": "# A", "act": "in_force", "words": "w"}).status_code == 403
    assert "readonly" in client.get(EDIT).content.decode()


def test_without_an_account_nobody_edits_or_closes(client):
    for path in (EDIT, "/reports/annual/2022/act/"):
        assert client.post(path, {}).status_code == 302


def test_closing_is_signed_by_a_role(client):
    client.force_login(person("officer"))
    assert client.post("/reports/annual/2022/act/", {"reason": "r", "password": PASSWORD}).status_code == 403
    client.force_login(person("leader", "leader"))
    client.post("/reports/annual/2022/act/", {"reason": "r", "password": "guess"})
    client.post("/reports/annual/2022/act/", {"reason": " ", "password": PASSWORD})
    assert closing.current(2022) is None
    assert AuditEntry.objects.filter(action="report-not-signed").exists()
    client.post("/reports/annual/2022/act/", {"reason": "decided", "password": PASSWORD})
    act = closing.current(2022)
    assert act is not None and act.who == "leader" and act.tables["energy.zone_yearly"] >= 0 and act.figures > 50
    assert set(act.documents) == {"zh-staff", "zh-public", "en-staff", "en-public"}
    assert AuditEntry.objects.filter(action="report-closed", subject="annual 2022").get().after["digest"] == act.digest
    client.post("/reports/annual/2022/act/", {"action": "reopen", "reason": "wrong", "password": PASSWORD})
    assert closing.current(2022) is None and closing.broken() is None
    ReportClosing.objects.filter(pk=act.pk).using("default")._raw_delete("default")
    assert closing.broken() is not None


def test_a_closed_report_stays_and_what_changed_stands_beside_it(client, tmp_path):
    shutil.copytree(cities.open_city(settings.PLACE).figures.lake.root.parent, tmp_path / "state")
    city = City(DEMO, tmp_path / "state")
    cities.use(opened(city))
    client.force_login(person("leader"))
    client.post("/reports/annual/2023/act/", {"reason": "decided", "password": PASSWORD})
    jobs.forget()
    before = {form: client.get(f"/reports/annual/2023/en.{form}").content for form in ("pdf", "docx", "xlsx")}
    assert "Nothing: every number is as it was closed" in client.get("/reports/annual/2023/").content.decode()
    city.take(LATE)
    city.compute()
    jobs.forget()
    for form, content in before.items():
        assert client.get(f"/reports/annual/2023/en.{form}").content == content, form
    page = client.get("/reports/annual/2023/?language=en").content.decode()
    assert "Nothing: every number" not in page and "As closed" in page
    act = closing.current(2023)
    found = closing.differences(opened(city), act, "en", "staff")
    changed = {each.was.address: each for each in found}
    estimated = [
        changed[name] for name in changed if name.startswith("energy.zone_yearly.estimated_energy/") and "=district" in name
    ]
    assert estimated and all(each.now is not None and each.now.value != each.was.value for each in estimated)
    kept = closing.document_of(act, "en", "staff", city.district.calendar.tz)
    for figure in kept.figures:  # each number opens at the version that was closed, and is the same there
        if figure.value is not None:
            assert city.figures.figure(f"{figure.address}@{figure.version}").value == figure.value
    client.post("/reports/annual/2023/act/", {"action": "reopen", "reason": "r", "password": PASSWORD})
    assert client.get("/reports/annual/2023/en.pdf").content != before["pdf"]


def test_what_was_closed_is_known_by_its_digest(client):
    client.force_login(person("leader"))
    client.post("/reports/annual/2022/act/", {"reason": "decided", "password": PASSWORD})
    act = closing.current(2022)
    kept = ReportContent.objects.get(digest=act.documents["en-staff"])
    ReportContent.objects.filter(pk=kept.pk).update(packed=bytes(kept.packed)[:40] + b"x" + bytes(kept.packed)[41:])
    answer = client.get("/reports/annual/2022/?language=en")
    assert answer.status_code == 500 and "missing or was changed" in answer.content.decode()


def names_in(answer):
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    return {cell.value for sheet in book for row in sheet for cell in row if isinstance(cell.value, str)}


def test_the_public_gets_no_row_of_an_enterprise_neither_open_nor_closed(client, made):
    own = dict(made.district.settings) | {"public": {"enterprises": False}}
    cities.use(dataclasses.replace(opened(made), district=dataclasses.replace(made.district, settings=own)))
    text = "# All\n\n{{ section energy-enterprises }}\n\n{{ section energy-carriers }}"
    enterprise = next(row["name_en"] for row in opened(made).rows("buildings.enterprise"))
    client.force_login(person("officer"))
    client.post(EDIT, {"text": text, "act": "in_force", "words": "w"})
    path = "/reports/annual/2023/en.xlsx"
    assert enterprise in names_in(client.get(path))
    stranger = Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")
    assert enterprise not in names_in(stranger.get(path))
    client.force_login(person("leader", "leader"))
    client.post("/reports/annual/2023/act/", {"reason": "decided", "password": PASSWORD})
    assert enterprise in names_in(client.get(path)) and enterprise not in names_in(stranger.get(path))


def test_a_closed_district_keeps_the_report_for_people_with_an_account(client, made):
    own = dict(made.district.settings) | {"public": {"pages": ["indicators"]}}
    cities.use(dataclasses.replace(opened(made), district=dataclasses.replace(made.district, settings=own)))
    for path in ("/reports/annual/", "/reports/annual/2022/", "/reports/annual/2022/en.pdf"):
        assert client.get(path).status_code == 302
