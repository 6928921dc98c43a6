"""The page of reports: files for people with an account, and of what the district made public for all."""

from __future__ import annotations

import dataclasses
import io
import re
from pathlib import Path

import openpyxl
import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client
from pypdf import PdfReader

from scicity.cockpit import city as cities
from scicity.cockpit import roles
from scicity.cockpit.models import Person
from scicity.cockpit.views import reports

pytestmark = pytest.mark.django_db
DEMO = Path(__file__).parents[2] / "districts" / "demo"
PDF = "/reports/2022/en.pdf"


@pytest.fixture(scope="module")
def demo(shipped):
    found = shipped("demo")
    return cities.OpenCity(found.district, found.figures, settings.PLACE)


@pytest.fixture
def served(demo):
    """Serves the demo district, with these pages public."""

    def serve(*public):
        own = dict(demo.district.settings) | ({"public": {"pages": list(public)}} if public else {})
        cities.use(dataclasses.replace(demo, district=dataclasses.replace(demo.district, settings=own)))
        reports._kept.clear()
        return Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en")

    return serve


def text_of(answer):
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages))


def test_the_page_lists_periods_and_whether_they_are_closed(served):
    page = served().get("/reports/").content.decode()
    assert page.index("November 2022") > page.index("February 2023")
    for name in ("zh.pdf", "zh.xlsx", "en.pdf", "en.xlsx", "building-energy.csv", "building-energy.xml"):
        assert f"/reports/2022/{name}" in page
    assert "/reports/2022-11/zh.pdf" in page and ">open<" in page
    assert page.index("/reports/2022/en.pdf") < page.index("/reports/2022/zh.pdf")  # the reader's language first


def test_files_are_what_they_say(served):
    client = served()
    for path, kind, begin in (
        (PDF, "application/pdf", b"%PDF-"),
        ("/reports/2022-12/zh.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK"),
        ("/reports/2022/building-energy.csv", "text/csv; charset=utf-8", b"\xef\xbb\xbfbuilding,"),
        ("/reports/2022/building-energy.xml", "application/xml", b"<?xml"),
    ):
        answer = client.get(path)
        assert (answer.status_code, answer["Content-Type"]) == (200, kind)
        assert answer["Content-Disposition"].startswith('attachment; filename="demo-')
        assert answer.content.startswith(begin)
    assert client.get(PDF).content == client.get(PDF).content


@pytest.mark.parametrize(
    "path",
    [
        "/reports/2019/en.pdf",
        "/reports/soon/en.pdf",
        "/reports/2022/fr.pdf",
        "/reports/2022/en.doc",
        "/reports/2022-11/building-energy.csv",
        "/reports/2022/building-energy.pdf",
    ],
)
def test_what_is_not_there_is_not_found(served, path):
    assert served().get(path).status_code == 404


def test_without_an_account_a_closed_district_gives_no_report(served):
    client = served("indicators")
    for path in ("/reports/", PDF, "/reports/2022/building-energy.csv"):
        answer = client.get(path)
        assert answer.status_code == 302 and "/accounts/login/" in answer["Location"]


def test_a_district_that_opened_energy_gives_energy_and_no_more(served):
    client = served("energy")
    assert client.get("/reports/").status_code == 200
    text = text_of(client.get(PDF))
    assert "By building" in text and "carbon." not in text and "Scope 2" not in text
    client.force_login(Person.objects.create_user("officer", password="a long password"))
    assert "Scope 2" in text_of(client.get(PDF))


def names_in(answer):
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    return {cell.value for sheet in book for row in sheet for cell in row if isinstance(cell.value, str)}


def test_an_enterprise_gets_its_own_rows_and_those_of_the_district(served, demo):
    client, path = served(), "/reports/2023/en.xlsx"
    others = {row["name_en"] for row in demo.rows("buildings.enterprise") if row["enterprise"] != "datahost"}
    own = next(row["name_en"] for row in demo.rows("buildings.enterprise") if row["enterprise"] == "datahost")
    roles.prepare()
    staff = Person.objects.create_user("leader", password="a long password")
    staff.groups.add(Group.objects.get(name="leader"))
    client.force_login(staff)
    assert others | {own, "Laboratory"} <= names_in(client.get(path))
    person = Person.objects.create_user("tenant", password="a long password", enterprise="datahost")
    person.groups.add(Group.objects.get(name="enterprise"))
    client.force_login(person)
    seen = names_in(client.get(path))
    assert own in seen and not seen & {*others, "Laboratory"}
    assert client.get("/reports/2022/building-energy.csv").status_code == 404


def test_a_missing_font_is_said(served, monkeypatch):
    from scicity.reports import fonts

    client = served()
    monkeypatch.setattr(fonts, "PACKAGE", "no_such_font")
    answer = client.get(PDF)
    assert answer.status_code == 503 and "no-such-font" in answer.content.decode()


def test_a_city_without_energy_says_so(city):
    assert "No data yet" in Client(SERVER_NAME="localhost", HTTP_ACCEPT_LANGUAGE="en").get("/reports/").content.decode()
